"""What benchmarks/recommendation.py found, as tables in Markdown, and as a file of means.

    python benchmarks/recommendation_table.py results.csv... [--means means.csv]

A learning rate is chosen by the training loss, in the mean over seeds, and judged by the test accuracy.
"""

from __future__ import annotations

import argparse
import csv
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean

from recommendation import ACTIVATIONS, known

import eoc

USUAL = ("he", "lecun", "xavier", "torch")
OURS, GAUSSIAN = "ours", "ours, Gaussian"
TRAINS, WORSE = 50.0, 3.0  # per cent: a cell that trains at all; points that count as a loss
Key = tuple[str, int, int, str, str]  # data, width, depth, activation, optimiser


@dataclass(frozen=True)
class Mean:
    """An initialisation in a cell at its best rate: means over seeds, and the lowest and highest test accuracy."""

    start: str
    q: str
    rate: float
    loss: float
    accuracy: float
    least: float
    most: float


def means(rows: Iterable[dict[str, str]], needed: Iterable[str] = (OURS, *USUAL)) -> dict[Key, dict[str, Mean]]:
    """The best rate of every initialisation in every cell with those needed; of a place that has changed the newest."""
    runs: dict[tuple[Key, str], dict[float, dict[int, tuple[float, float]]]] = defaultdict(lambda: defaultdict(dict))
    place: dict[tuple[Key, str], str] = {}
    for row in rows:
        key = row["data"], int(row["width"]), int(row["depth"]), row["activation"], row["optimiser"]
        one = key, row["start"]
        if place.setdefault(one, row["q"]) != row["q"]:
            place[one] = row["q"]
            runs[one].clear()
        runs[one][float(row["rate"])][int(row["seed"])] = float(row["loss"]), 100.0 * float(row["accuracy"])
    out: dict[Key, dict[str, Mean]] = defaultdict(dict)
    for (key, start), by_rate in runs.items():
        losses = {rate: fmean(loss for loss, _ in seeds.values()) for rate, seeds in by_rate.items()}
        rate = min(losses, key=lambda r: (losses[r], -fmean(a for _, a in by_rate[r].values())))
        reached = [accuracy for _, accuracy in by_rate[rate].values()]
        out[key][start] = Mean(start, place[key, start], rate, losses[rate], fmean(reached), min(reached), max(reached))
    return {key: starts for key, starts in out.items() if set(needed) <= set(starts)}


def best_usual(starts: dict[str, Mean]) -> float:
    return max(starts[name].accuracy for name in USUAL)


def table(cells: dict[Key, dict[str, Mean]], width: int, depth: int) -> list[str]:
    """Accuracies with SGD / Adam, a row for each activation."""
    names = (*USUAL, OURS, GAUSSIAN)
    lines = [f"| {depth} layers | q | " + " | ".join(names) + " | ours - best |", "|---" * (len(names) + 3) + "|"]
    there = sorted({key[3] for key in cells if key[1:3] == (width, depth)} - {*ACTIVATIONS})
    for activation in (*ACTIVATIONS, *there):
        two = [
            cells.get((data, w, d, a, o))
            for data, w, d, a, o in sorted({*cells}, reverse=True)
            if (w, d, a) == (width, depth, activation)
        ]
        if not two or None in two:
            continue
        shown = [
            " / ".join(f"{starts[name].accuracy:.0f}" if name in starts else "" for starts in two) for name in names
        ]
        gained = " / ".join(f"{starts[OURS].accuracy - best_usual(starts):+.0f}" for starts in two)
        lines.append(f"| {activation} | {float(two[0][OURS].q):g} | " + " | ".join(shown) + f" | {gained} |")
    return lines


def summary(cells: dict[Key, dict[str, Mean]], width: int, depth: int) -> str:
    chosen = {key: starts for key, starts in cells.items() if key[1:3] == (width, depth)}
    gains = {key: starts[OURS].accuracy - best_usual(starts) for key, starts in chosen.items()}
    alive = {key: gain for key, gain in gains.items() if best_usual(chosen[key]) > TRAINS}
    lost = [f"{key[3]} {key[4]} {gain:+.1f}" for key, gain in alive.items() if gain < -WORSE]
    orthogonal = [s[OURS].accuracy - s[GAUSSIAN].accuracy for s in chosen.values() if GAUSSIAN in s]
    return (
        f"| {width} | {depth} | {len(gains)} | {fmean(gains.values()):+.1f} | {len(alive)} | "
        f"{min(alive.values(), default=math.nan):+.1f} | {', '.join(lost) or 'none'} | {fmean(orthogonal):+.1f} |"
    )


def by_distance(cells: dict[Key, dict[str, Mean]]) -> list[str]:
    """How many cells reach 90 and 80 per cent, by 1 - c after the last layer."""
    edges = (0.0, 0.01, 0.03, 0.05, 0.08, 0.1, 0.15, 0.3, 1.0)
    reached: dict[float, list[float]] = defaultdict(list)
    for (_, _, depth, activation, _), starts in cells.items():
        apart = eoc.recommend(activation, depth).one_minus_c
        reached[max(edge for edge in edges if edge <= apart)].append(starts[OURS].accuracy)
    lines = ["| 1 - c from | cells | least | mean | at least 80 | at least 90 |", "|---" * 6 + "|"]
    for edge in sorted(reached):
        found = reached[edge]
        counts = [sum(a >= limit for a in found) for limit in (80.0, 90.0)]
        lines.append(f"| {edge:g} | {len(found)} | {min(found):.0f} | {fmean(found):.0f} | {counts[0]} | {counts[1]} |")
    return lines


def write(path: Path, cells: dict[Key, dict[str, Mean]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("data", "width", "depth", "activation", "optimiser", *Mean.__dataclass_fields__))
        for key in sorted(cells):
            for mean in cells[key].values():
                numbers = (f"{value:.4g}" if isinstance(value, float) else value for value in asdict(mean).values())
                writer.writerow((*key, *numbers))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, nargs="+")
    parser.add_argument("--means", type=Path)
    asked = parser.parse_args(arguments)
    every = means(row for path in asked.results for row in known(path))
    if asked.means:
        write(asked.means, every)
    for data in dict.fromkeys(key[0] for key in every):
        cells = {key: starts for key, starts in every.items() if key[0] == data}
        sizes = sorted({key[1:3] for key in cells}, key=lambda size: (-size[0], size[1]))
        print(
            f"\n{data}\n\n| width | depth | cells | mean gain | that train | least gain there | worse by more than 3 "
            "| orthogonal |"
        )
        print("|---" * 8 + "|", *(summary(cells, *size) for size in sizes), sep="\n")
        for width, depth in sizes:
            print(f"\nwidth {width}\n", *table(cells, width, depth), sep="\n")
        print("", *by_distance(cells), sep="\n")


if __name__ == "__main__":
    main()
