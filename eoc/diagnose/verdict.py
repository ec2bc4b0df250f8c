"""A diagnosis in one sentence, and what to do about it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from eoc.diagnose.health import broken, gradient_ratio
from eoc.diagnose.records import LayerRow, Stretch
from eoc.diagnose.summary import is_critical

__all__ = ["remedy", "verdict"]

_APART = 0.1  # 1 - c of two inputs at the end, below which networks train worse
_MEND = "from eoc.initializers.torch import initialize_; initialize_(model)"


def verdict(rows: Sequence[LayerRow], problems: Sequence[str]) -> str:
    """Whether signals and gradients get through the model."""
    if problems and f"{problems[0]}." in broken(rows):
        return f"This model cannot train as it is: {problems[0]}."
    if not problems and len(rows) == 1:
        return "One layer was measured: there is nothing to get lost in."
    kept = f"gradients get through: over {len(rows)} layers they change by {gradient_ratio(rows):.2g}"
    distances = [row.measured.one_minus_c for row in rows if not math.isnan(row.measured.one_minus_c)]
    said, apart = "; ".join(problems) or kept, distances[-1] if distances else math.nan
    if apart < _APART and distances[0] > apart and "alike" not in said:
        said += f"; different inputs come out alike, 1 - c = {max(apart, 0.0):.2g}"
    return f"{said[0].upper()}{said[1:]}."


def remedy(rows: Sequence[LayerRow], stretches: Sequence[Stretch], problems: Sequence[str]) -> str:
    """The line of code that mends it; where there is nothing to mend, that."""
    told = [one for one in stretches if one.phase is not None]
    if not problems and all(map(is_critical, told)):
        return "There is nothing to mend."
    return f"To draw it on the edge of chaos: {_MEND}"
