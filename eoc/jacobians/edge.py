r"""The largest squared singular value, and the isolated ones that many singular values share.

With z = psi(u) of the slopes (:mod:`eoc.jacobians.slopes`), e = 0 for Gaussian and e = 1 for orthogonal weights, the
S-transform of J J^T at depth L says where z is taken:

.. math:: \log \frac{x(u)}{\chi^L} = \log\frac{1 + z}{z} + L \Big( \log \frac{z}{u} - e \log(1 + z) \Big).

For u > 0 below the inverse of the largest slope x falls from infinity; the edge of the spectrum is its minimum there,
or where these u end. It ends so for orthogonal weights if the largest slope has a probability p > 1 - 1/L: then x is
chi^L w^L there, and has the mass 1 - L (1 - p). The only other atom is 0, where phi' = 0, with the probability of that
slope. Pennington, Schoenholz & Ganguli (2017, 2018); atoms by Belinschi (2003).
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq

from eoc.floats import EPS
from eoc.jacobians.slopes import SlopeLaw

__all__ = ["largest_squared", "shared_values"]

_CLOSEST = 1e-12  # 1 - u w of the largest slope w, at the end
_STEP = 1e-9


def shared_values(law: SlopeLaw, depth: int, orthogonal: bool) -> list[tuple[float, float, float]]:
    """(value / chi^L, mass, bound on the error of the mass) of each atom of J J^T, in increasing order."""
    if orthogonal and depth == 1:
        return [(float(w), float(p), float(e)) for w, p, e in zip(law.levels, law.masses, law.mass_errors, strict=True)]
    found = []
    for level, mass, error in zip(law.levels, law.masses, law.mass_errors, strict=True):
        if level == 0.0:
            found.append((0.0, float(mass), float(error)))
        elif orthogonal and depth * (1.0 - mass) < 1.0 - depth * error:
            found.append((float(level**depth), float(1.0 - depth * (1.0 - mass)), float(depth * (error + EPS))))
    return found


def largest_squared(law: SlopeLaw, depth: int, orthogonal: bool) -> tuple[float, float]:
    """The edge / chi^L, and a bound on its error."""
    if not np.isfinite(law.largest):
        return float("inf"), 0.0
    mass, _ = law.mass_at(law.largest)
    if orthogonal and (depth == 1 or depth * (1.0 - mass) <= 1.0):
        value = law.largest**depth
        return value, (depth + 1.0) * 4.0 * EPS * value
    top = np.log(1.0 / law.largest)

    def rise(log_rest: float) -> float:
        return _at(law, top + np.log1p(-np.exp(log_rest)), depth, orthogonal)[1]

    end = np.log(_CLOSEST)
    if not rise(end) > 0.0:  # the slopes near the largest are too rare for a minimum before it
        value, falling, _, error = _at(law, top + np.log1p(-_CLOSEST), depth, orthogonal)
        return float(np.exp(value)), float(np.exp(value) * (error + abs(falling) * _CLOSEST))
    start = -1.0
    while rise(start) > 0.0:
        start *= 0.25
    at = brentq(rise, end, start, xtol=1e-9, rtol=1e-9)
    value, slope, curvature, error = _at(law, top + np.log1p(-np.exp(at)), depth, orthogonal)
    value -= 0.5 * slope**2 / curvature
    return float(np.exp(value)), float(np.exp(value) * (error + slope**2 / curvature))


def _at(law: SlopeLaw, log_u: float, depth: int, orthogonal: bool) -> tuple[float, float, float, float]:
    """log(x / chi^L), its first two derivatives in log u, and a bound on its error."""
    rows, errors = law.transform(np.array([np.exp(log_u) + 0j]))
    (_, z, first, second), off = rows[:, 0].real, float(errors[1, 0])
    one = np.log1p(1.0 / z)
    if orthogonal:
        value, size = (1.0 - depth) * one - depth * log_u, depth * (one + abs(log_u))
        a, bend = (depth - 1.0) / (z * (1.0 + z)), (1.0 - depth) * (1.0 + 2.0 * z) / (z * (1.0 + z)) ** 2
    else:
        value, size = one + depth * (np.log(z) - log_u), one + depth * (abs(np.log(z)) + abs(log_u))
        a, bend = 1.0 / (1.0 + z) + (depth - 1.0) / z, -1.0 / (1.0 + z) ** 2 - (depth - 1.0) / z**2
    rounding = 2.0 * EPS * (size + 2.0 * depth)
    return float(value), float(first * a - depth), float(second * a + first**2 * bend), abs(a) * off + rounding
