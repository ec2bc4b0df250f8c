"""A diagnosis in one sentence, and what to do about it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from eoc.diagnose.records import LayerRow, Stretch
from eoc.diagnose.summary import broken, is_critical

__all__ = ["remedy", "verdict"]

_KEPT = 10.0  # by which gradients may change from the last layer to the first: optimisers make up for it
_APART = 0.1  # 1 - c of two inputs at the end, below which networks train worse
_MEND = "from eoc.initializers.torch import initialize_; initialize_(model)"


def verdict(rows: Sequence[LayerRow]) -> str:
    """Whether signals and gradients get through the model."""
    if faults := broken(rows):
        return f"This model cannot train as it is: {faults[0]}"
    if len(rows) == 1:
        return "One layer was measured: there is nothing to get lost in."
    share, apart = _share(rows), rows[-1].measured.one_minus_c
    through = f"over {len(rows)} layers"
    if share < 1.0 / _KEPT:
        said = f"Gradients vanish {through}: of that at the last {share:.2g} arrives at the first"
    elif share > _KEPT:
        said = f"Gradients explode {through}: that at the first is {share:.2g} times that at the last"
    else:
        said = f"Gradients get through: {through} they change by {share:.2g}"
    if apart < _APART and rows[0].measured.one_minus_c > apart:
        said += f"; different inputs come out alike, 1 - c = {max(apart, 0.0):.2g}"
    return f"{said}."


def remedy(rows: Sequence[LayerRow], stretches: Sequence[Stretch]) -> str:
    """The line of code that mends it; where there is nothing to mend, that."""
    told = [one for one in stretches if one.phase is not None]
    if not broken(rows) and 1.0 / _KEPT <= _share(rows) <= _KEPT and all(map(is_critical, told)):
        return "There is nothing to mend."
    return f"To draw it on the edge of chaos: {_MEND}"


def _share(rows: Sequence[LayerRow]) -> float:
    """The gradient at the first layer over that at the last; 1 where either is not known."""
    first, last = rows[0].measured.gradient, rows[-1].measured.gradient
    return first / last if 0.0 < first < math.inf and 0.0 < last < math.inf else 1.0
