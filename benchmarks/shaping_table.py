"""What benchmarks/shaping.py found, as tables in Markdown, and as a file of means.

python benchmarks/shaping_table.py results.csv... [--means means.csv]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from recommendation import known
from recommendation_table import Key, Mean, means, write
from shaping import OPTIMISERS

STARTS = ("tat", "tat, Gaussian", "dks", "ours", "he", "lecun", "torch")
Cells = dict[Key, dict[str, Mean]]


def table(cells: Cells, width: int, depth: int) -> list[str]:
    """Accuracies with SGD / Adam, a row for each activation."""
    lines = [f"| {depth} layers | " + " | ".join(STARTS) + " |", "|---" * (len(STARTS) + 1) + "|"]
    for activation in dict.fromkeys(key[3] for key in cells if key[1:3] == (width, depth)):
        two = [cells.get(("digits", width, depth, activation, optimiser), {}) for optimiser in OPTIMISERS]
        shown = (" / ".join(f"{one[name].accuracy:.1f}" if name in one else "" for one in two) for name in STARTS)
        lines.append(f"| {activation} | " + " | ".join("" if text == " / " else text for text in shown) + " |")
    return lines


def summary(cells: Cells, width: int, depth: int) -> str:
    """Mean and least accuracy of every start over the cells of a size."""
    chosen = [starts for key, starts in cells.items() if key[1:3] == (width, depth)]
    columns = [[starts[name].accuracy for starts in chosen if name in starts] for name in STARTS]
    shown = (f"{fmean(one):.1f} ({min(one):.0f})" if one else "" for one in columns)
    return f"| {width} | {depth} | {len(chosen)} | " + " | ".join(shown) + " |"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, nargs="+")
    parser.add_argument("--means", type=Path)
    asked = parser.parse_args(arguments)
    cells = means((row for path in asked.results for row in known(path)), needed=("tat",))
    if asked.means:
        write(asked.means, cells)
    sizes = sorted({key[1:3] for key in cells})
    print("Mean (least) over the cells of a size:\n\n| width | layers | cells | " + " | ".join(STARTS) + " |")
    print("|---" * (len(STARTS) + 3) + "|", *(summary(cells, *size) for size in sizes), sep="\n")
    for width, depth in sizes:
        print(f"\nwidth {width}\n", *table(cells, width, depth), sep="\n")


if __name__ == "__main__":
    main()
