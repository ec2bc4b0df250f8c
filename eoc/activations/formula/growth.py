"""How a formula grows at infinity, and whether it is odd or even.

mpmath numbers do not overflow, so log|phi| can be had at x = 2^30, where phi has reached its final growth.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from eoc.activations.base import Growth, Parity
from eoc.activations.formula.multiprecision import to_float
from eoc.activations.formula.program import Program
from eoc.activations.formula.rules import Undefined
from eoc.activations.formula.segments import Segment
from eoc.activations.growth import BOUNDED, FASTER, REACH, exponential, fastest, gaussian

__all__ = ["growth", "parity"]

_SPREAD = (1.0, 0.93, 0.87, 0.81, 0.77)
_WIDE_SPREAD = tuple(1.0 - 0.00731 * i for i in range(40))


def growth(parts: Sequence[Segment]) -> Growth:
    """Return the faster of the growths at the two ends."""
    return fastest(_one_sided_growth(parts[0].program, -1), _one_sided_growth(parts[-1].program, 1))


def _log_size(program: Program, x: float, spread: tuple[float, ...] = (1.0,)) -> float:
    """Find max log|phi| near x; infinite on overflow even in mpmath, NaN where it cannot be computed."""
    logs = []
    for f in spread:
        try:
            value = program.exact(x * f)[0]
        except Undefined:
            return math.nan
        size = abs(value)
        if size == 0:
            logs.append(-math.inf)
        elif math.isinf(to_float(size)):
            logs.append(to_float(value.context.log(size)) if size != value.context.inf else math.inf)
        else:
            logs.append(to_float(value.context.log(size)) if hasattr(value, "context") else math.log(size))
    return max(logs)


def _one_sided_growth(program: Program, side: int) -> Growth:
    top = 30
    far = _log_size(program, side * 2.0**top)
    while math.isnan(far) and top > 4:
        top -= 1
        far = _log_size(program, side * 2.0**top)
    if far == math.inf:
        return FASTER
    half = _log_size(program, side * 2.0 ** (top - 1))
    if far > 60.0 * math.log(2.0**top) and half > 0 and far > 1.2 * half:
        return _fast_growth(program, side * 2.0**top, math.log2(far / half))
    degree = _degree(program, side, top, _SPREAD)
    if 0.0 < abs(degree) < 0.25:  # perhaps bounded and oscillating
        degree = _degree(program, side, top, _WIDE_SPREAD)
    if degree <= 0.15 / top:
        return BOUNDED
    snapped = round(2.0 * degree) / 2.0
    return Growth("polynomial", snapped if snapped > 0 and abs(snapped - degree) < 0.03 else degree)


def _degree(program: Program, side: int, top: int, spread: tuple[float, ...]) -> float:
    """Return p with |phi| ~ |x|^p between 2^(top/2) and 2^top."""
    far = _log_size(program, side * 2.0**top, spread)
    near = _log_size(program, side * 2.0 ** (top / 2), spread)
    return (far - near) / (top / 2 * math.log(2.0)) if math.isfinite(far) and math.isfinite(near) else 0.0


def _fast_growth(program: Program, far: float, power: float) -> Growth:
    """Growth like exp(c |x|^power)."""
    if power > 2.0 + 1e-5:
        return FASTER
    x = far * REACH
    log = np.array([_log_size(program, v) for v in x])
    if power > 2.0 - 1e-5:
        return gaussian(np.abs(x), log)
    return exponential(np.abs(x), log) if power < 1.0 + 1e-5 else Growth("exponential", math.inf)


def parity(parts: Sequence[Segment]) -> Parity | None:
    """Tell whether phi is odd or even, by its values at some points."""
    knots = [p.high for p in parts[:-1]]
    if any(a != -b for a, b in zip(knots, reversed(knots), strict=True)):
        return None
    odd = even = True
    for x in 0.0137 * 2.13 ** np.arange(16):
        a, b = (_value(parts, knots, s * float(x)) for s in (-1, 1))
        if a is None or b is None:
            return None
        scale = 1e-22 * (abs(a) + abs(b))
        even, odd = even and abs(a - b) <= scale, odd and abs(a + b) <= scale
        if not even and not odd:
            return None
    return "even" if even else "odd"


def _value(parts: Sequence[Segment], knots: list[float], x: float) -> Any:
    try:
        return parts[int(np.searchsorted(knots, x))].program.exact(x)[0]
    except Undefined:
        return None
