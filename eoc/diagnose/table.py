"""The rows of a diagnosis as text."""

from __future__ import annotations

import math
from collections.abc import Sequence

from eoc.diagnose.diagnosis import LayerRow

__all__ = ["table"]

_HEAD = ("", "layer", "", "sigma_w", "sigma_b", "q", "theory", "1 - c", "theory", "gradient", "theory")
_LEFT = 3  # columns that are texts
_LONGEST = 32  # characters of a name


def table(rows: Sequence[LayerRow]) -> str:
    """One line a layer; "theory" is what the maps say from what was measured one layer before (gradients: behind)."""
    cells = [_HEAD, *(_cells(number, row) for number, row in enumerate(rows, 1))]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_HEAD))]
    return "\n".join(_line(line, widths) for line in cells)


def _line(line: tuple[str, ...], widths: list[int]) -> str:
    cells = [
        cell.ljust(width) if 0 < column < _LEFT else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(line, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()


def _cells(number: int, row: LayerRow) -> tuple[str, ...]:
    name = row.name if len(row.name) <= _LONGEST else f"...{row.name[3 - _LONGEST :]}"
    values = [row.sigma_w, row.sigma_b]
    for quantity in ("q", "one_minus_c", "gradient"):
        values += [getattr(row.measured, quantity), getattr(row.expected, quantity)]
    return (str(number), name, row.layer, *(_number(value) for value in values))


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3g}"
