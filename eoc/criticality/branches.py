"""The connected stretches of the edge of chaos over all variances, cut where sigma_b or sigma_w turns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from eoc.activations.base import Activation
from eoc.criticality.explicit import Residual, bias_residual, squared_bias, variances
from eoc.criticality.point import point_at
from eoc.floats import FloatArray
from eoc.gaussian.moments import moments
from eoc.inversion import Monotone, monotone
from eoc.scan import all_roots, decades, extrema
from eoc.sharing import cached

__all__ = [
    "Branch",
    "TurningPoint",
    "bias_and_weight",
    "branches",
    "squared_bias_value",
    "starts_at_zero",
    "weight_moment",
]


_Q_MIN = 1e-20
_PER_DECADE = 96
_APART = 1e-4  # relative: nodes of the table that are closer to a turning point than this only spoil its slopes
_EDGE = 1e-6  # to what fraction the last computable variance is found


@dataclass(frozen=True, kw_only=True)
class TurningPoint:
    """Where sigma_b or sigma_w has an extremum along the edge of chaos.

    Attributes
    ----------
    quantity, extremum
        Which of the two, and whether it is smallest or largest there.
    q, sigma_w, sigma_b
        Where.
    q_error, sigma_w_error, sigma_b_error
        Bounds on their errors; that of the quantity which turns is of second order in that of q.
    """

    quantity: Literal["sigma_b", "sigma_w"]
    extremum: Literal["minimum", "maximum"]
    q: float
    sigma_w: float
    sigma_b: float
    q_error: float
    sigma_w_error: float
    sigma_b_error: float


@dataclass(frozen=True)
class Branch:
    """A stretch of q with sigma_b^2 >= 0, as far as it can be computed.

    Attributes
    ----------
    q, squared_bias, d
        A table: variances with sigma_b^2 and D = E[phi'^2], its turning points and both ends among them. A curve that
        starts at q = 0 has that limit as first entry.
    crosses
        Whether sigma_b^2 changes its sign at the first and at the last q, so that the curve really ends there.
    turning_points
        By increasing q.
    bias, weight
        The pieces on which sigma_b^2 and D are monotone.
    """

    q: FloatArray
    squared_bias: FloatArray
    d: FloatArray
    crosses: tuple[bool, bool]
    turning_points: tuple[TurningPoint, ...]
    bias: tuple[Monotone, ...]
    weight: tuple[Monotone, ...]


@cached()
def branches(phi: Activation) -> tuple[Branch, ...]:
    """Every connected stretch by increasing q, from 1e-20 to 1e8 or to the last variance that can be computed.

    Found once for each activation. A phi that oscillates without end, such as snake, is followed as far as quadrature
    is cheap.
    """
    return tuple(_branch(phi, *stretch) for stretch in _stretches(phi))


def squared_bias_value(phi: Activation, q: FloatArray) -> FloatArray:
    """sigma_b^2(q) (n,)."""
    return squared_bias(phi, q).value


def bias_and_weight(phi: Activation, q: FloatArray) -> tuple[FloatArray, FloatArray]:
    """sigma_b^2(q) and D(q), both (n,)."""
    m = moments(phi, q, ("D", "gap"), strict=False)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return m["gap"].value / m["D"].value, m["D"].value


def weight_moment(phi: Activation, q: FloatArray) -> FloatArray:
    """D(q) = 1/sigma_w^2 (n,)."""
    return moments(phi, q, ("D",), strict=False)["D"].value


def starts_at_zero(phi: Activation) -> bool:
    """Whether the curve begins with the limit q = 0: sigma_b = 0 and sigma_w = kappa^-1/2."""
    return phi.vanishes_at_zero and phi.kappa > 0.0


def _squared_bias(phi: Activation) -> Residual:
    def function(q: FloatArray) -> tuple[FloatArray, FloatArray]:
        squared = squared_bias(phi, q)
        return squared.value, squared.error

    return function


def _weight(phi: Activation) -> Residual:
    """D, and not its logarithm, which is not analytic where D vanishes at complex q."""

    def function(q: FloatArray) -> tuple[FloatArray, FloatArray]:
        d = moments(phi, q, ("D",), strict=False)["D"]
        return d.value, d.error

    return function


def _stretches(phi: Activation) -> list[tuple[FloatArray, tuple[bool, bool]]]:
    """Scanned variances of each stretch with its exact ends, and whether sigma_b^2 crosses zero there."""
    grid, residual = variances(phi, _Q_MIN), bias_residual(phi, 0.0)
    known = np.isfinite(residual(grid)[0])
    roots, signs = all_roots(residual, grid)
    edges = np.array([0.0, *roots, np.inf])
    out = []
    for low, high in _positive(edges, signs):
        inside = (grid > low) & (grid < high)
        for run in _runs(inside & known):
            crosses = low > 0.0 and not (inside[: run[0]]).any(), high < np.inf and not (inside[run[-1] + 1 :]).any()
            first = low if crosses[0] else _last_computable(phi, grid, run[0], -1)
            last = high if crosses[1] else _last_computable(phi, grid, run[-1], 1)
            out.append((_joined(first, grid[run], last), crosses))
    return out


def _positive(edges: FloatArray, signs: FloatArray) -> list[tuple[float, float]]:
    """The intervals between roots where the sign is positive, joined where a root only touches zero."""
    out: list[tuple[float, float]] = []
    for low, high, sign in zip(edges[:-1].tolist(), edges[1:].tolist(), signs.tolist(), strict=True):
        if sign <= 0.0:
            continue
        if out and out[-1][1] == low:
            out[-1] = out[-1][0], high
        else:
            out.append((low, high))
    return out


def _runs(where: NDArray[np.bool_]) -> list[NDArray[np.intp]]:
    """Indices of the contiguous runs of True."""
    index = np.flatnonzero(where)
    return [run for run in np.split(index, np.flatnonzero(np.diff(index) > 1) + 1) if run.size]


def _last_computable(phi: Activation, grid: FloatArray, index: int, direction: int) -> float:
    """The variance next to the grid's neighbour, which cannot be computed, that still can."""
    good = float(grid[index])
    if not 0 <= index + direction < grid.size:
        return good
    bad = float(grid[index + direction])
    if direction > 0:
        bad = min(bad, phi.growth.q_max)
    while abs(bad - good) > _EDGE * good:
        middle = 0.5 * (good + bad)
        if np.isfinite(squared_bias(phi, np.array([middle])).value[0]):
            good = middle
        else:
            bad = middle
    return good


def _joined(first: float, inner: FloatArray, last: float) -> FloatArray:
    return np.concatenate([[first], inner[(inner > first) & (inner < last)], [last]])


def _branch(phi: Activation, grid: FloatArray, crosses: tuple[bool, bool]) -> Branch:
    turning = _turning_points(phi, grid)
    q = _table(float(grid[0]), float(grid[-1]), np.array([t.q for t in turning]))
    squared, d = bias_and_weight(phi, q)
    squared[[0, -1]] = np.where(crosses, 0.0, squared[[0, -1]])
    if starts_at_zero(phi) and not crosses[0]:
        q, squared, d = np.append(0.0, q), np.append(0.0, squared), np.append(phi.kappa, d)
    pieces = {
        name: monotone(q, values, np.array([t.q for t in turning if t.quantity == name]))
        for name, values in (("sigma_b", squared), ("sigma_w", d))
    }
    return Branch(q, squared, d, crosses, turning, pieces["sigma_b"], pieces["sigma_w"])


def _table(low: float, high: float, special: FloatArray) -> FloatArray:
    grid = decades(low, high, _PER_DECADE)
    if special.size:
        nearest = np.abs(grid[:, None] / special - 1.0).min(axis=1)
        nearest[[0, -1]] = 1.0
        grid = np.sort(np.append(grid[nearest > _APART], special))
    return np.unique(grid)


def _turning_points(phi: Activation, grid: FloatArray) -> tuple[TurningPoint, ...]:
    out = []
    inner = grid[1:-1]
    for name, function in (("sigma_b", _squared_bias(phi)), ("sigma_w", _weight(phi))):
        if inner.size == 0:
            break
        for q, error, is_minimum in zip(*extrema(function, inner), strict=True):
            out.append(_turning_point(phi, name, bool(is_minimum), float(q), float(error)))
    return tuple(sorted((t for t in out if t is not None), key=lambda t: t.q))


def _turning_point(phi: Activation, name: str, is_minimum: bool, q: float, q_error: float) -> TurningPoint | None:
    point = point_at(phi, q, q_error)
    if point is None:
        return None
    smallest = is_minimum if name == "sigma_b" else not is_minimum  # sigma_w is smallest where D is largest
    return TurningPoint(
        quantity="sigma_b" if name == "sigma_b" else "sigma_w",
        extremum="minimum" if smallest else "maximum",
        q=q,
        sigma_b=point.sigma_b,
        sigma_w=point.sigma_w,
        q_error=q_error,
        sigma_b_error=point.sigma_b_error,
        sigma_w_error=point.sigma_w_error,
    )
