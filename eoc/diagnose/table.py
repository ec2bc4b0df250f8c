"""The rows of a diagnosis as text."""

from __future__ import annotations

import math
from collections.abc import Sequence

from eoc.diagnose.records import LayerRow

__all__ = ["table"]

_HEAD = ("", "layer", "", "", "sigma_w", "sigma_b", "q", "theory", "1 - c", "theory", "gradient", "theory")
_TEXTS = (1, 2, 3)  # columns: the name, what it is, and its sizes
_SHARED = (2, 3, 4, 5)  # columns that are said once if all layers agree
_LONGEST = 32  # characters of a name
_FITS = 80


def table(rows: Sequence[LayerRow]) -> str:
    """One line a layer; "theory" is what the maps say from what was measured one layer before (gradients: behind).

    What is the same in all layers is said once, above.
    """
    cells = [_cells(number, row) for number, row in enumerate(rows, 1)]
    same = [at for at in _SHARED if len(rows) > 1 and len({line[at] for line in cells}) == 1]
    shown = [at for at in range(len(_HEAD)) if at not in same]
    widths = {at: max(len(line[at]) for line in (_HEAD, *cells)) for at in shown}
    gap = "  " if sum(widths.values()) + 2 * len(shown) - 2 <= _FITS else " "
    lines = [gap.join(_aligned(line[at], at, widths[at]) for at in shown).rstrip() for line in (_HEAD, *cells)]
    return "\n".join([*_above(cells[0], same), *lines])


def _above(line: tuple[str, ...], same: Sequence[int]) -> list[str]:
    """For example "all layers: Linear 256 -> 256, sigma_b = 0"."""
    kind = " ".join(line[at] for at in same if at in _TEXTS)
    said = [kind] * bool(kind) + [f"{_HEAD[at]} = {line[at]}" for at in same if at not in _TEXTS]
    return [f"all layers: {', '.join(said)}"] if said else []


def _aligned(cell: str, column: int, width: int) -> str:
    return cell.ljust(width) if column in _TEXTS else cell.rjust(width)


def _cells(number: int, row: LayerRow) -> tuple[str, ...]:
    name = row.name if len(row.name) <= _LONGEST else f"...{row.name[3 - _LONGEST :]}"
    kind, _, sizes = row.layer.partition(" ")
    values = [row.sigma_w, row.sigma_b]
    for quantity in ("q", "one_minus_c", "gradient"):
        values += [getattr(row.measured, quantity), getattr(row.expected, quantity)]
    return (str(number), name, kind, sizes, *(_number(value) for value in values))


def _number(value: float) -> str:
    """Three digits, and an exponent of one where that is enough."""
    return "-" if math.isnan(value) else f"{value:.3g}".replace("e-0", "e-").replace("e+0", "e+")
