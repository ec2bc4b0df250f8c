"""The file of results of benchmarks/bench_models.py."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

COLUMNS = (
    *("group", "model", "way", "seed", "problem", "changed", "alarm", "build", "seconds"),
    *("output", "gradient", "effect", "spread", "finite", "layers", "loss"),
)
Row = dict[str, Any]


def known(path: Path) -> list[dict[str, str]]:
    """The rows that are there already."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def write(path: Path, rows: Sequence[Row], mode: str = "a") -> None:
    new = mode == "w" or not path.exists()
    with path.open(mode, newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        if new:
            writer.writeheader()
        writer.writerows(rows)
