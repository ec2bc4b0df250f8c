"""What benchmarks/bench_models.py found, as tables in Markdown, and as a file of medians over seeds.

python benchmarks/models_table.py results.csv [--means benchmarks/models.csv]
    [--training training.csv] [--predicted predicted.csv]
"""

from __future__ import annotations

import argparse
import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import fmean, median

from models_rows import known

MEASURES = ("output", "gradient", "effect", "spread")
COMPARED = ("output", "gradient", "effect", "loss")
MARGIN = {
    "output": 0.05,
    "gradient": 0.05,
    "effect": 0.05,
    "loss": 0.02,
}  # what counts as no difference; decades, and a share
OFF = 1.0  # decades from which a model's output or gradient is called off
Key = tuple[str, str]  # group and model


@dataclass(frozen=True)
class Start:
    """One way for one model: medians of sizes over seeds, infinite where it failed."""

    output: float
    gradient: float
    effect: float
    spread: float
    loss: float | None
    ratio: float  # seconds over those of building the model
    alarm: bool | None
    problem: str
    changed: bool

    def is_off(self, gradient: str = "gradient") -> bool:
        """Whether it misses by more than a decade, by either measure of gradients."""
        return max(self.output, getattr(self, gradient)) > OFF


Starts = dict[Key, dict[str, Start]]


def starts(rows: Sequence[dict[str, str]]) -> Starts:
    cells: dict[Key, dict[str, list[dict[str, str]]]] = {}
    for row in rows:
        cells.setdefault((row["group"], row["model"]), {}).setdefault(row["way"], []).append(row)
    return {key: {way: _start(some) for way, some in ways.items()} for key, ways in cells.items()}


def _start(rows: Sequence[dict[str, str]]) -> Start:
    problems = [row["problem"] for row in rows if row["problem"]]
    losses = [float(row["loss"]) for row in rows if row["loss"]]
    return Start(
        **{name: median(_size(row[name]) for row in rows) for name in MEASURES},
        loss=median(losses) if losses else None,
        ratio=median(float(row["seconds"]) / float(row["build"]) if row["seconds"] else math.inf for row in rows),
        alarm=any(row["alarm"] == "True" for row in rows) if any(row["alarm"] for row in rows) else None,
        problem=problems[0] if problems else "",
        changed=any(row["changed"] == "True" for row in rows),
    )


def _size(text: str) -> float:
    number = float(text or "nan")
    return math.inf if math.isnan(number) else abs(number)


def groups(found: Starts) -> Iterator[tuple[str, Starts]]:
    for group in dict.fromkeys(key[0] for key in found):
        yield group, {key: ways for key, ways in found.items() if key[0] == group}


def row(*cells: object) -> str:
    return "| " + " | ".join(f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in cells) + " |"


def header(*names: str) -> list[str]:
    return [row(*names), "|---" * len(names) + "|"]


def medians(found: Starts, ways: Sequence[str]) -> list[str]:
    """Medians over the models of a group."""
    lines = header("group", "models", "way", *MEASURES, "time / building", "failed")
    for group, models in groups(found):
        for way in ways:
            some = [one[way] for one in models.values() if way in one]
            if some:
                sizes = (median(getattr(one, name) for one in some) for name in MEASURES)
                failed = sum(bool(one.problem) for one in some)
                lines.append(row(group, len(some), way, *sizes, median(one.ratio for one in some), failed))
    return lines


def better(one: Start, other: Start, name: str) -> bool:
    """Whether one is nearer to what it should be, by more than the margin."""
    mine, theirs = getattr(one, name), getattr(other, name)
    if mine is None or theirs is None or not math.isfinite(mine):
        return False
    return mine < theirs * (1.0 - MARGIN[name]) if name == "loss" else mine < theirs - MARGIN[name]


def wins(found: Starts, ways: Sequence[str]) -> list[str]:
    """How many models each of ours and of the others starts better."""
    ours = [way for way in ways if way.startswith("eoc")]
    lines = header("group", "ours", "other", *(f"{name}: ours better, other better" for name in COMPARED))
    for group, models in groups(found):
        for one in ours:
            for other in (way for way in ways if way not in ours):
                pairs = [(way[one], way[other]) for way in models.values() if one in way and other in way]
                counts = (_counts(pairs, name) for name in COMPARED)
                lines.append(row(group, one, other, *counts))
    return lines


def _counts(pairs: Sequence[tuple[Start, Start]], name: str) -> str:
    return f"{sum(better(a, b, name) for a, b in pairs)}, {sum(better(b, a, name) for a, b in pairs)}"


def alarms(found: Starts, ways: Sequence[str]) -> list[str]:
    """Models that are off by more than a decade, and what was said about them."""
    lines = header("way", "by", "off by a decade", "of them flagged", "alarms", "of them false")
    for way, by in product(ways, ("gradient", "effect")):
        some = [one[way] for one in found.values() if way in one and one[way].alarm is not None]
        if some:
            off, flagged = [one for one in some if one.is_off(by)], [one for one in some if one.alarm]
            both = sum(one.is_off(by) for one in flagged)
            lines.append(row(way, f"output, {by}", len(off), both, len(flagged), len(flagged) - both))
    return lines


def failures(found: Starts) -> list[str]:
    lines = header("group", "model", "way", "what was said", "changed")
    for key, ways in found.items():
        for way, one in ways.items():
            if one.problem:
                lines.append(row(*key, way, one.problem.replace("|", "/")[:160], "yes" if one.changed else "no"))
    return lines


def worst(found: Starts, way: str, many: int = 25) -> list[str]:
    """The models that a way leaves furthest off, with what their library does."""
    off = {key: ways for key, ways in found.items() if way in ways and ways[way].is_off() and not ways[way].problem}
    order = sorted(off, key=lambda key: -max(off[key][way].output, off[key][way].gradient))
    lines = header("group", "model", *(f"{name}, own" for name in MEASURES), *(f"{name}, {way}" for name in MEASURES))
    for key in order[:many]:
        two = [off[key]["own"], off[key][way]] if "own" in off[key] else [off[key][way]] * 2
        lines.append(row(*key, *(getattr(one, name) for one in two for name in MEASURES)))
    return lines


def training(rows: Sequence[dict[str, str]]) -> list[str]:
    """Mean score over seeds at the rate whose mean loss is least, and that loss."""
    cells: dict[str, dict[str, dict[str, list[dict[str, str]]]]] = {}
    for one in rows:
        cells.setdefault(one["task"], {}).setdefault(one["start"], {}).setdefault(one["rate"], []).append(one)
    names = list(dict.fromkeys(one["start"] for one in rows))
    lines = header("task", *(f"{name}: loss" for name in names), *(f"{name}: score" for name in names))
    for task, ways in cells.items():
        best = {name: _best(rates) for name, rates in ways.items()}
        lines.append(row(task, *(best[name][i] if name in best else "" for i in (0, 1) for name in names)))
    return lines


def _best(rates: dict[str, list[dict[str, str]]]) -> tuple[float, float]:
    means = [tuple(fmean(float(one[name]) for one in some) for name in ("loss", "score")) for some in rates.values()]
    return min(means)


def predicted(rows: Sequence[dict[str, str]]) -> list[str]:
    """How many layers, and models with all of their layers, were predicted."""
    verdicts = {"a tenth": "within a tenth", "noise": "within noise", "said": "off, why is said", "off": "off"}
    lines = header("group", "models", "all layers predicted or said why", "failed", "layers", *verdicts.values())
    for group in dict.fromkeys(one["group"] for one in rows):
        models: dict[str, list[str]] = {}
        for one in (one for one in rows if one["group"] == group):
            models.setdefault(one["model"], []).append(one["verdict"])
        every = [verdict for some in models.values() for verdict in some if verdict != "failed"]
        failed = sum("failed" in some for some in models.values())
        good = sum(not {"failed", "off"} & set(some) for some in models.values())
        lines.append(row(group, len(models), good, failed, len(every), *(every.count(name) for name in verdicts)))
    return lines


def write(path: Path, found: Starts) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("group", "model", "way", *MEASURES, "loss", "problem"))
        for key, ways in found.items():
            for way, one in ways.items():
                sizes = (f"{getattr(one, name):.3g}" for name in MEASURES)
                writer.writerow((*key, way, *sizes, "" if one.loss is None else f"{one.loss:.3g}", one.problem))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, nargs="+")
    parser.add_argument("--means", type=Path)
    parser.add_argument("--training", type=Path, nargs="+", default=(), help="results of benchmarks/models_training.py")
    parser.add_argument(
        "--predicted", type=Path, nargs="+", default=(), help="results of benchmarks/models_predicted.py"
    )
    asked = parser.parse_args(arguments)
    found = starts([one for path in asked.results for one in known(path)])
    ways = list(dict.fromkeys(way for one in found.values() for way in one))
    if asked.means:
        write(asked.means, found)
    parts = {
        "Medians over models of |log10| of output and gradient ratio, and of the spread": medians(found, ways),
        "Which is better": wins(found, ways),
        "Off by more than a decade": alarms(found, ways),
        "Failed": failures(found),
        **{f"Furthest off, {way}": worst(found, way) for way in ways if way.startswith("eoc")},
    }
    if asked.predicted:
        parts["Predicted mean squares of layers, beside measured ones"] = predicted(
            [one for path in asked.predicted for one in known(path)]
        )
    if asked.training:
        parts["Training: mean over seeds at the best rate"] = training(
            [one for path in asked.training for one in known(path)]
        )
    print("\n\n".join(f"## {title}\n\n" + "\n".join(lines) for title, lines in parts.items()))


if __name__ == "__main__":
    main()
