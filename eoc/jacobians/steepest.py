"""The flat parts of phi', which give the law of slopes its atoms, and its largest square."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy.optimize import minimize_scalar

from eoc.activations.base import Activation
from eoc.floats import FloatArray
from eoc.gaussian.divergence import vertical

__all__ = ["flat_slopes", "largest_square"]

_INSIDE = np.array([0.07, 0.21, 0.5, 0.77, 0.96])  # of a piece between two knots
_OUTSIDE = np.array([0.0137, 0.61, 1.9, 23.0, 1e3])  # beyond the outermost, in units of their size
_STEPS = 4001
_FAR = 2.0 ** np.linspace(5.0, 60.0, 111)
_GROWN = 1e4  # times the largest slope nearby: slopes without bound


def flat_slopes(phi: Activation) -> list[tuple[float, float, float]]:
    """The pieces (from, to, slope) on which phi is a straight line."""
    ends = [-np.inf, *phi.knots, np.inf]
    found = []
    for a, b in pairwise(ends):
        slopes, curvatures = (phi.derivative(order, _within(a, b))[0] for order in (1, 2))
        if not curvatures.any() and (slopes == slopes[0]).all():
            found.append((a, b, float(slopes[0])))
    return found


def _within(a: float, b: float) -> FloatArray:
    if np.isfinite(a) and np.isfinite(b):
        return a + (b - a) * _INSIDE
    if np.isfinite(b):
        return b - (1.0 + abs(b)) * _OUTSIDE
    return a + (1.0 + abs(a)) * _OUTSIDE if np.isfinite(a) else np.concatenate([-_OUTSIDE, _OUTSIDE])


def largest_square(phi: Activation, width: float) -> float:
    """The supremum of phi'^2 over the reals, infinite where there is none; ``width`` is that of the signals."""
    if vertical(phi):
        return float("inf")
    near = np.sinh(np.linspace(-1.0, 1.0, _STEPS) * np.arcsinh(64.0 * max(width, 1.0) * 1e3)) * 1e-3
    knots = np.asarray(phi.knots, dtype=float)
    beside = np.concatenate([np.nextafter(knots, -np.inf), knots])
    x = np.unique(np.concatenate([near, beside]))
    square = _square(phi, x)
    best = float(np.nanmax(square))
    far = _square(phi, np.concatenate([-_FAR, _FAR]))
    if (
        not np.isfinite(best)
        or np.nanmax(far) > _GROWN * best
        or phi.growth.kind in ("exponential", "gaussian", "faster")
    ):
        return float("inf")
    peaks = (
        np.flatnonzero((square[1:-1] >= square[:-2]) & (square[1:-1] >= square[2:]) & (square[1:-1] > 0.9 * best)) + 1
    )
    for i in peaks[np.argsort(-square[peaks])][:16]:
        if square[i - 1] == square[i] == square[i + 1]:
            continue
        found = minimize_scalar(
            lambda y: -float(_square(phi, np.array([y]))[0]), bounds=(x[i - 1], x[i + 1]), method="bounded"
        )
        best = max(best, -float(found.fun))
    return max(best, float(np.nanmax(far)))


def _square(phi: Activation, x: FloatArray) -> FloatArray:
    with np.errstate(all="ignore"):
        slopes = phi.derivative(1, x)[0] ** 2
    return np.where(np.isnan(slopes), 0.0, slopes)
