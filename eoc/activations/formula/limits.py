"""The limits of phi, phi' and phi'' at the ends of a segment."""

from __future__ import annotations

import math

import numpy as np

from eoc.activations.formula.multiprecision import to_float
from eoc.activations.formula.rules import Undefined
from eoc.activations.formula.segments import Segment
from eoc.errors import NotPermissibleError
from eoc.floats import EPS

__all__ = ["Limits", "end_limits", "reconcile"]

Limits = tuple[float, float, float]

_NOTHING = 1e-30  # limits this close are equal: a limit such as x*log(abs(x)) at 0 is read off at 2^-130


def end_limits(part: Segment, name: str) -> dict[float, Limits]:
    """(phi, phi', phi'') at the finite ends of a segment, from its inside."""
    out: dict[float, Limits] = {}
    for x, side in ((part.low, 1), (part.high, -1)):
        if math.isfinite(x):
            try:
                value, slope, curvature = map(to_float, part.program.exact(x, side))
            except Undefined:
                raise NotPermissibleError(f"{name} is undefined at x = {x:.6g}") from None
            out[x] = value, slope, curvature
    return out


def reconcile(left: dict[float, Limits], right: dict[float, Limits]) -> None:
    """Make limits that agree up to the rounding of the knot itself agree exactly."""
    x = next(k for k in left if k in right and k == max(left))
    a, b = np.array(left[x]), np.array(right[x])
    with np.errstate(over="ignore", invalid="ignore"):
        size = np.abs(a) + np.abs(b)
        shift = 8.0 * EPS * abs(x)
        for j in range(3):
            slack = 1e-13 * size[j] + (shift * size[j + 1] if j < 2 and shift else 0.0)
            slack += 1e-14 * (size[0] + size[1]) if j == 2 else 0.0
            if a[j] != b[j] and not abs(a[j] - b[j]) <= slack + _NOTHING < math.inf:
                break
            a[j] = b[j]
    left[x] = (float(a[0]), float(a[1]), float(a[2]))
