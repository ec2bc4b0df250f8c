"""The connected stretches of the edge of chaos over all variances, cut where sigma_b or sigma_w turns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from eoc.criticality.explicit import Residual, bias_residual, edge_moments, squared_bias, variances
from eoc.criticality.point import located, starts_at_zero
from eoc.floats import FloatArray
from eoc.inversion import Monotone, monotone
from eoc.layers import Network
from eoc.scan import all_roots, decades, extrema
from eoc.sharing import cached

__all__ = [
    "Branch",
    "TurningPoint",
    "bias_and_weight",
    "branches",
    "squared_bias_value",
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
        A table: variances with sigma_b^2 and D = 1/sigma_w^2, its turning points and both ends among them. A curve that
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
def branches(network: Network) -> tuple[Branch, ...]:
    """Every connected stretch by increasing q, from 1e-20 to 1e8 or to the last variance that can be computed.

    Found once for each activation. What oscillates without end, such as snake, is followed as far as quadrature
    is cheap.
    """
    return tuple(_branch(network, *stretch) for stretch in _stretches(network))


def squared_bias_value(network: Network, q: FloatArray) -> FloatArray:
    """sigma_b^2(q) (n,)."""
    return squared_bias(network, q).value


def bias_and_weight(network: Network, q: FloatArray) -> tuple[FloatArray, FloatArray]:
    """sigma_b^2(q) and D(q), both (n,)."""
    m = edge_moments(network, q, ("D", "gap"))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return m["gap"].value / m["D"].value, m["D"].value


def weight_moment(network: Network, q: FloatArray) -> FloatArray:
    """D(q) = 1/sigma_w^2 (n,)."""
    return edge_moments(network, q, ("D",))["D"].value


def _squared_bias(network: Network) -> Residual:
    def function(q: FloatArray) -> tuple[FloatArray, FloatArray]:
        squared = squared_bias(network, q)
        return squared.value, squared.error

    return function


def _weight(network: Network) -> Residual:
    """D, and not its logarithm, which is not analytic where D vanishes at complex q."""

    def function(q: FloatArray) -> tuple[FloatArray, FloatArray]:
        d = edge_moments(network, q, ("D",))["D"]
        return d.value, d.error

    return function


def _stretches(network: Network) -> list[tuple[FloatArray, tuple[bool, bool]]]:
    """Scanned variances of each stretch with its exact ends, and whether sigma_b^2 crosses zero there."""
    grid, residual = variances(network, _Q_MIN), bias_residual(network, 0.0)
    known = np.isfinite(residual(grid)[0])
    roots, signs = all_roots(residual, grid)
    edges = np.array([0.0, *roots, np.inf])
    out = []
    for low, high in _positive(edges, signs):
        inside = (grid > low) & (grid < high)
        for run in _runs(inside & known):
            crosses = low > 0.0 and not (inside[: run[0]]).any(), high < np.inf and not (inside[run[-1] + 1 :]).any()
            first = low if crosses[0] else _last_computable(network, grid, run[0], -1)
            last = high if crosses[1] else _last_computable(network, grid, run[-1], 1)
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


def _last_computable(network: Network, grid: FloatArray, index: int, direction: int) -> float:
    """The variance next to the grid's neighbour, which cannot be computed, that still can."""
    good = float(grid[index])
    if not 0 <= index + direction < grid.size:
        return good
    bad = float(grid[index + direction])
    if direction > 0:
        bad = min(bad, network.q_max)
    while abs(bad - good) > _EDGE * good:
        middle = 0.5 * (good + bad)
        if np.isfinite(squared_bias(network, np.array([middle])).value[0]):
            good = middle
        else:
            bad = middle
    return good


def _joined(first: float, inner: FloatArray, last: float) -> FloatArray:
    return np.concatenate([[first], inner[(inner > first) & (inner < last)], [last]])


def _branch(network: Network, grid: FloatArray, crosses: tuple[bool, bool]) -> Branch:
    turning, begins = _turning_points(network, grid), starts_at_zero(network)
    q = _table(float(grid[0]), float(grid[-1]), np.array([t.q for t in turning]))
    squared, d = bias_and_weight(network, q)
    squared[[0, -1]] = np.where(crosses, 0.0, squared[[0, -1]])
    if begins is not None and not crosses[0]:
        q, squared, d = np.append(0.0, q), np.append(0.0, squared), np.append(begins, d)
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


def _turning_points(network: Network, grid: FloatArray) -> tuple[TurningPoint, ...]:
    out = []
    inner = grid[1:-1]
    for name, function in (("sigma_b", _squared_bias(network)), ("sigma_w", _weight(network))):
        if inner.size == 0:
            break
        for q, error, is_minimum in zip(*extrema(function, inner), strict=True):
            out.append(_turning_point(network, name, bool(is_minimum), float(q), float(error)))
    return tuple(sorted((t for t in out if t is not None), key=lambda t: t.q))


def _turning_point(network: Network, name: str, is_minimum: bool, q: float, q_error: float) -> TurningPoint | None:
    point = located(network, q, q_error)
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
