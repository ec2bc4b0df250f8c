"""All fixed points of a variance map, their stability and their basins of attraction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eoc.floats import EPS, FloatArray
from eoc.gaussian.moments import Estimate
from eoc.layers import Network
from eoc.maps.variance_layer import VarianceLayer
from eoc.scan import all_roots, decades
from eoc.sharing import cached

__all__ = ["FixedPoint", "Stability", "all_fixed_points", "scanned_variances", "stability_of", "with_errors"]

Stability = Literal["stable", "unstable", "marginal"]

_Q_MIN = 1e-20  # lowest variance scanned when sigma_b = 0
_Q_MAX = 1e8  # variances are scanned this far even if F has not settled to its behaviour at infinity
_Q_LIMIT = 1e200
_FIRST_STEP = 1e4
_ITERATIONS = 1000
_KEPT = 64  # places whose fixed points stay with an activation: phases, propagation and comparison ask for the same


@dataclass(frozen=True)
class FixedPoint:
    """A solution of F(q) = q; q = inf stands for "the variance diverges".

    Attributes
    ----------
    q, q_error
        The variance and a bound on its error.
    slope, slope_error
        F'(q). At q = 0 and infinity: the one-sided limit.
    chi_1
        sigma_w^2 E[phi'^2] at q, the slope of the correlation map at c = 1; NaN where it cannot be computed.
    stability
        "stable" if |F'| < 1, "unstable" if |F'| > 1, "marginal" if |F'| = 1 to within its error.
    basin
        The interval (low, high) of starting variances around q that end at q, or None if only q itself does.
    """

    q: float
    q_error: float
    slope: float
    slope_error: float
    chi_1: float
    stability: Stability
    basin: tuple[float, float] | None

    @property
    def diverges(self) -> bool:
        """Whether this is the fixed point at infinity."""
        return bool(np.isinf(self.q))


def stability_of(slope: float, error: float) -> Stability:
    """Stable, unstable or marginal, from F'(q) and the bound on its error."""
    if abs(abs(slope) - 1.0) <= error:
        return "marginal"
    return "stable" if abs(slope) < 1.0 else "unstable"


@cached(_KEPT)
def all_fixed_points(network: Network, sigma_w: float, sigma_b: float) -> tuple[FixedPoint, ...]:
    """Every fixed point of a map that is not the identity; see :attr:`VarianceMap.fixed_points`."""
    layer = VarianceLayer(network, sigma_w, sigma_b)

    def relative_growth(q: FloatArray) -> tuple[FloatArray, FloatArray]:
        estimate = layer.growth(q)
        return estimate.value / q, estimate.error / q

    grid = scanned_variances(network, sigma_w, sigma_b)
    roots, signs = all_roots(relative_growth, grid)
    if layer.F(0.0, strict=False).value == 0.0:
        roots, signs = np.append(0.0, roots), np.append(0.0, signs)
    if signs[-1] < 0.0 and np.isfinite(network.q_max):
        roots, signs = np.append(roots, _last_crossing(layer, grid)), np.append(signs, 1.0)
    if signs[-1] > 0.0:
        roots, signs = np.append(roots, np.inf), np.append(signs, 0.0)
    return tuple(_fixed_point(layer, grid, roots, signs, i) for i in range(roots.size))


def scanned_variances(network: Network, sigma_w: ArrayLike, sigma_b: ArrayLike) -> FloatArray:
    """Variances among which all fixed points lie, for one place or many: of plain layers none is below sigma_b^2."""
    lowest = float(np.min(sigma_b)) if network.phi is not None else 0.0
    low = 0.5 * lowest**2 if lowest > 0.0 else _Q_MIN
    q_max = network.q_max
    if np.isfinite(q_max):
        grid = decades(min(low, 0.1 * q_max), 0.5 * q_max) if q_max > 0.0 else np.array([low])
        return np.append(grid, q_max * (1.0 - 0.5 ** np.linspace(1.25, 5.0, 16)))
    highest = 0.5 * float(np.max(sigma_b)) ** 2
    grid = decades(low, max(_FIRST_STEP, 1e4 * max(low, highest)))
    layer = VarianceLayer(network, np.ravel(sigma_w)[:, None], float(np.max(sigma_b)))
    while not _settled(layer, grid[-2:]) and grid[-1] < _Q_LIMIT:
        grid = np.append(grid, decades(grid[-1], 1e2 * grid[-1])[1:])
    return grid


def _settled(layer: VarianceLayer, q: FloatArray) -> bool:
    """Whether (F(q) - q)/q is close to its limit at infinity, so that no fixed point lies further out.

    Also where nothing is known any more: F overflows, or is lost in its error.
    """
    limit, found = layer.growth_at_infinity().ravel(), layer.growth(q)
    before, last = (found.value / q).T
    lost = ~(found.error < np.abs(found.value)).any(axis=1)
    growing = last > np.maximum(1.0, before)
    close = np.where(np.abs(limit) <= 4.0 * EPS, q[-1] >= _Q_MAX, np.abs(last - limit) <= 0.25 * np.abs(limit))
    return bool((lost | np.where(np.isinf(limit), growing, close)).all())


def _last_crossing(layer: VarianceLayer, grid: FloatArray) -> float:
    """The middle between the last q at which F can be computed and q_max, at which it is infinite."""
    computed = grid[np.isfinite(layer.growth(grid).value)]
    return 0.5 * (float(computed[-1]) + layer.network.q_max)


def _fixed_point(layer: VarianceLayer, grid: FloatArray, roots: FloatArray, signs: FloatArray, i: int) -> FixedPoint:
    """The i-th root, given the sign of F(q) - q below (``signs[i]``) and above it (``signs[i + 1]``)."""
    q = float(roots[i])
    low = float(roots[i - 1]) if i > 0 else 0.0
    high = float(roots[i + 1]) if i + 1 < roots.size else float("inf")
    basin = (low if signs[i] > 0.0 else q, high if signs[i + 1] < 0.0 else q)
    if np.isinf(q):
        limit = float(layer.growth_at_infinity())
        kind: Stability = "marginal" if abs(limit) <= 4.0 * EPS else "stable"
        return FixedPoint(q, 0.0, 1.0 + limit, 8.0 * EPS, 1.0 + limit, kind, basin)
    if np.isnan(layer.slope(q, strict=False).value):  # so near q_max that F' is only known to be large
        return FixedPoint(q, layer.network.q_max - q, float("inf"), 0.0, float("inf"), "unstable", None)
    if q == 0.0:
        at_zero = layer.slope(q)
        slope, slope_error, q_error = float(at_zero.value), float(at_zero.error), 0.0
    else:
        found, errors = with_errors(layer, np.array([q]))
        slope, slope_error, q_error = float(found.value[0]), float(found.error[0]), float(errors[0])
    stability = stability_of(slope, slope_error)
    if not _is_monotone(layer, grid) and stability == "stable":
        basin = _immediate_basin(layer, grid, q, basin)
    attracts = basin[0] < basin[1] and stability != "unstable"
    chi_1 = float(layer.chi_1(q, strict=False).value)
    return FixedPoint(q, q_error, slope, slope_error, chi_1, stability, basin if attracts else None)


def with_errors(layer: VarianceLayer, q: FloatArray) -> tuple[Estimate, FloatArray]:
    """F' at fixed points q > 0 (n,), and bounds on the errors of q, which are part of the errors of F'.

    The error of q is that of F over the slope of F - id, or over its curvature where that slope vanishes.
    """
    found, bend = layer.slope(q), layer.slope_uncertainty(q)
    error = layer.growth(q).error + 2.0 * EPS * q
    with np.errstate(divide="ignore"):
        off = np.minimum(error / np.abs(found.value - 1.0), 2.0 * np.sqrt(2.0 * error / bend))
    q_error = 2.0 * off + 4.0 * EPS * q
    return Estimate(found.value, found.error + bend * q_error), q_error


def _is_monotone(layer: VarianceLayer, grid: FloatArray) -> bool:
    """Whether F increases over the scanned variances: then fixed points alone separate the basins."""
    slope = layer.slope(grid, strict=False)
    return not bool((slope.value < -slope.error).any())


def _immediate_basin(
    layer: VarianceLayer, scanned: FloatArray, q: float, around: tuple[float, float]
) -> tuple[float, float]:
    """The interval around a stable fixed point whose variances end there, for a map that is not monotone."""
    far = max(scanned[-1], min(_Q_MAX, layer.network.easy_variance))
    grid = decades(scanned[0], far)
    grid = np.sort(np.append(grid[(grid > around[0]) & (grid < around[1])], q))
    ends_here = _ends_at(layer, grid, q)
    at = int(np.searchsorted(grid, q))
    lost_below, lost_above = np.flatnonzero(~ends_here[:at]), np.flatnonzero(~ends_here[at:])
    low, high = around
    if lost_below.size:
        low = _basin_edge(layer, float(grid[lost_below[-1]]), float(grid[lost_below[-1] + 1]), q)
    if lost_above.size:
        first = at + int(lost_above[0])
        high = _basin_edge(layer, float(grid[first]), float(grid[first - 1]), q)
    return low, high


def _basin_edge(layer: VarianceLayer, outside: float, inside: float, q: float) -> float:
    while abs(outside - inside) > 1e-9 * inside:
        middle = float(np.sqrt(outside * inside))
        if _ends_at(layer, np.array([middle]), q)[0]:
            inside = middle
        else:
            outside = middle
    return inside


def _ends_at(layer: VarianceLayer, start: FloatArray, q: float) -> NDArray[np.bool_]:
    """Which of the starting variances come to q, by iteration."""
    now = start
    for _ in range(_ITERATIONS):
        now = layer.F(now, strict=False).value
        close = np.abs(now - q) <= 1e-4 * q
        now = np.where(np.isfinite(now) & (now < 1e200), now, 1e200)
        if close.all():
            break
    return np.asarray(close)
