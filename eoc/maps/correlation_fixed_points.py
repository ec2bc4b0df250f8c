"""Fixed points of a correlation map, and where it is convex."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from eoc.errors import EocError
from eoc.floats import EPS, FloatArray
from eoc.gaussian.angle import angle_of
from eoc.gaussian.moments import Estimate
from eoc.gaussian.nodes import UNIT_NODES, UNIT_WEIGHTS
from eoc.maps.correlation_layer import CorrelationLayer
from eoc.sharing import cached

__all__ = ["FEW", "CorrelationFixedPoint", "convex_from", "fixed_points", "from_zero", "stable_point"]

_LOWEST = float(np.log(1e-290))  # of log(1 - c): chi_1 > 1 by more than rounding puts c* far above it
_GRID = 513
FEW = 0.25  # c* below which it is computed from f(0)


@dataclass(frozen=True)
class CorrelationFixedPoint:
    """A solution of f(c) = c.

    Attributes
    ----------
    c, c_error, one_minus_c, error
        Where, and bounds on the errors of c and of 1 - c: each keeps its relative precision where it is small.
    slope, slope_error
        f'(c); infinite at c = 1 if phi jumps.
    one_minus_slope
        1 - f'(c), which keeps its relative precision near the edge of chaos.
    order
        f(c + h) - c - h vanishes like |h|^order: the multiplicity. 1 in general; at c = 1 on the edge of chaos 2, or
        3/2 if phi has kinks; at c = 1 1/2 if phi jumps.
    stable
        Whether correlations close to it, within [-1, 1], come to it.
    """

    c: float
    c_error: float
    one_minus_c: float
    error: float
    slope: float
    slope_error: float
    one_minus_slope: float
    order: float
    stable: bool


@cached()
def fixed_points(f: CorrelationLayer) -> tuple[CorrelationFixedPoint, ...]:
    """See :attr:`CorrelationMap.fixed_points`; none other is possible (:mod:`eoc.maps.correlation`)."""
    if f.is_identity:
        return ()
    if not f.keeps_equal:  # f is convex on [0, 1], and f(1) < 1
        return (_interior(f),)
    torn = f.chi_1 > 1.0 and _excess(f, _LOWEST) > 0.0  # a phi that jumps where no signal comes makes all inputs alike
    last = _at_one(f, stable=not torn)
    found = [last]
    if torn:
        found.insert(0, _interior(f))
    if f.is_odd:
        opposite = dataclasses.replace(last, c=-1.0, one_minus_c=2.0)
        found.insert(0, opposite)
    return tuple(found)


def stable_point(f: CorrelationLayer) -> CorrelationFixedPoint:
    """See :attr:`CorrelationMap.stable_point`."""
    if f.is_identity:
        raise EocError(f"{f!r} is the identity: every correlation is kept")
    return next(p for p in reversed(fixed_points(f)) if p.stable)


def _at_one(f: CorrelationLayer, *, stable: bool) -> CorrelationFixedPoint:
    order = 1.0
    if f.angular.plain:
        order = 0.5
    elif f.chi_1 == 1.0:
        order = 1.5 if f.angular.u1 is not None else 2.0
    return CorrelationFixedPoint(1.0, 0.0, 0.0, 0.0, f.chi_1, f.chi_1_error, 1.0 - f.chi_1, order, stable)


def _interior(f: CorrelationLayer) -> CorrelationFixedPoint:
    """The fixed point in [0, 1): where (1 - f)/(1 - c), which falls with 1 - c by convexity, is 1."""
    log_e = 0.0 if f.is_odd else _root(f)
    e = float(np.exp(log_e))
    ratio, slope = f.log_ratio(np.array([e])), f.slope(one_minus_c=e)
    one_minus_slope = float(f.log_ratio_slopes(np.array([e]))[0][0])  # the derivative of log((1 - f)/e) by log(1/e)
    error = e * (float(ratio.error[0]) / max(one_minus_slope, EPS) + 4.0 * EPS * (1.0 - log_e))
    slope_error = float(slope.error) + abs(float(f.curvature(one_minus_c=e).value)) * error
    c, c_error = 1.0 - e, error
    if e > 1.0 - FEW:
        c, c_error = _near_zero(f, c, c_error)
    return CorrelationFixedPoint(c, c_error, e, error, 1.0 - one_minus_slope, slope_error, one_minus_slope, 1.0, True)


def _near_zero(f: CorrelationLayer, c: float, c_error: float) -> tuple[float, float]:
    """The fixed point c to full relative precision, and its error."""

    def slopes(at: FloatArray) -> Estimate:
        return f.slope(at)

    found = from_zero(slopes, np.array([c]), np.array([c_error]), *(np.array([part]) for part in f.at_zero))
    return float(found.value[0]), float(found.error[0])


def from_zero(
    slope: Callable[[FloatArray], Estimate],
    c: FloatArray,
    c_error: FloatArray,
    zero: FloatArray,
    zero_error: FloatArray,
) -> Estimate:
    """Fixed points c (n,) of f to full relative precision where they are small, from f(0) and f'.

    c = f(0) / (1 - mean of f' over [0, c]), where an error of c hardly changes the mean.

    Parameters
    ----------
    slope
        Maps correlations (n, m) to f' there.
    c, c_error
        The fixed points, at most FEW, as they are known, and bounds on the absolute errors.
    zero, zero_error
        f(0) and bounds on its errors, (n,).
    """
    for _ in range(2):
        found = slope(c[:, None] * np.append(UNIT_NODES, 1.0))
        mean, error = found.value[:, :-1] @ UNIT_WEIGHTS, found.error[:, :-1] @ UNIT_WEIGHTS
        with np.errstate(divide="ignore", invalid="ignore"):
            moved = np.where(c > 0.0, c_error / c, 0.0) * np.abs(found.value[:, -1] - mean)
            relative = np.where(zero > 0.0, zero_error / zero, 0.0) + 2.0 * (error + moved) / (1.0 - mean) + 4.0 * EPS
            new = zero / (1.0 - mean)
        better = (2.0 * (error + moved) < 1.0 - mean) & (new * relative <= c_error)
        c, c_error = np.where(better, new, c), np.where(better, new * relative, c_error)
    return Estimate(c, c_error)


def _root(f: CorrelationLayer) -> float:
    """The logarithm of 1 - c at which (1 - f)/(1 - c) = 1."""
    from scipy.optimize import brentq

    if _excess(f, 0.0) >= 0.0:  # f(0) = 0 to within rounding
        return 0.0
    return float(brentq(partial(_excess, f), _LOWEST, 0.0, xtol=1e-16, rtol=4.0 * EPS))


def _excess(f: CorrelationLayer, log_e: float) -> float:
    """The logarithm of (1 - f)/(1 - c) at 1 - c = exp(log_e)."""
    return float(f.log_ratio(np.array([np.exp(log_e)])).value[0])


def convex_from(f: CorrelationLayer) -> float:
    """See :attr:`CorrelationMap.convex_from`."""
    from scipy.optimize import brentq

    def bend(theta: float) -> float:
        return float(f.angular.curvature(angle_of(angle=theta))[0])

    grid = np.linspace(0.5 * np.pi, np.pi, _GRID)[:-1]
    value, error = f.angular.curvature(angle_of(angle=grid))
    concave = np.flatnonzero(value < -error)
    if concave.size == 0:
        return -1.0
    first = int(concave[0])
    if first <= 1 or value[first - 1] <= error[first - 1]:  # as for an odd phi: f''(0) = 0
        return min(float(np.cos(grid[max(first - 1, 0)])), 0.0)
    return float(np.cos(brentq(bend, grid[first - 1], grid[first], xtol=1e-15)))
