"""The edge of chaos where a norm behind the free dense layer decides the variance, whatever came in.

Then chi_1 depends on sigma_w and sigma_b alone, and chi_1 = 1 is one equation for both: a curve, followed along
sigma_w. F' = 0 all along it, so every point is stable.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise

import numpy as np

from eoc.criticality.curve_sampling import Line, Plane, plane_of, spread
from eoc.criticality.explicit import Curve, Residual
from eoc.criticality.point import Place, point_of, root_error
from eoc.criticality.results import EocPoint
from eoc.criticality.stability import StabilityRange
from eoc.errors import EocError
from eoc.floats import EPS, FloatArray
from eoc.layers import Network
from eoc.maps.variance_layer import VarianceLayer
from eoc.scan import all_roots, bracketed_roots, decades

__all__ = ["forced_along", "forced_at", "forced_pieces", "forced_points", "forced_stretches"]

_SIGMAS = decades(1e-3, 1e3)
_ROOM = 1.05  # beside the values at both ends of a cell, which are 1.1 apart from those of another part
_FEWEST = 8  # samples of a piece
_HE = math.sqrt(2.0)  # where every sigma_w is as good


def forced_points(network: Network, question: dict[str, float]) -> tuple[EocPoint, ...]:
    """Every point with the given sigma_b, or sigma_w, by increasing value of the other one.

    Raises
    ------
    EocError
        For a given variance.
    """
    if "q" in question:
        raise EocError(f"a norm decides the variance of {network.name!r}: give sigma_b or sigma_w instead of q")
    ((name, value),) = question.items()
    residual, out = _residual(network, name, value), []
    for root in _roots(residual, name).tolist():
        error = 0.0 if root in (0.0, _HE) else root_error(residual, root)
        w, b = ((root, error), (value, 0.0)) if name == "sigma_b" else ((value, 0.0), (root, error))
        out.append(point_of(network, _place(network, w, b)))
    return tuple(out)


def forced_at(network: Network, name: str, targets: FloatArray) -> Curve:
    """Every point with the given sigma_b or sigma_w: arrays (n, *targets.shape), NaN where there are fewer."""
    found = [_roots(_residual(network, name, value), name) for value in targets.ravel().tolist()]
    rows = max((roots.size for roots in found), default=0)
    other = np.stack([np.append(roots, np.full(rows - roots.size, np.nan)) for roots in found], axis=1)
    other = other.reshape(rows, *targets.shape)
    given = np.where(np.isnan(other), np.nan, targets)
    return _curve(network, *((other, given) if name == "sigma_b" else (given, other)))


def forced_along(network: Network, grid: Callable[[float, float], FloatArray]) -> Iterator[Curve]:
    """The connected parts of the curve at the sigma_w that a function picks between two."""
    for w, b in _branches(network):
        at = grid(float(w[0]), float(w[-1]))
        yield _curve(network, at, _biases(network, (w, b), at))


def forced_stretches(network: Network) -> tuple[StabilityRange, ...]:
    """The connected parts of the curve, with sigma_w and sigma_b from 1e-3 to 1e3."""
    out = []
    for w, b in _branches(network):
        ends = _curve(network, w[[0, -1]], b[[0, -1]])
        low, high = (tuple(getattr(ends, name).tolist()) for name in ("sigma_w", "sigma_b"))
        out.append(StabilityRange(stability="stable", q=tuple(ends.q.tolist()), sigma_w=low, sigma_b=high))
    return tuple(out)


def forced_pieces(network: Network, window: float, points: int) -> tuple[Curve, ...]:
    """About ``points`` samples of the curve with sigma_b <= window, in connected pieces."""
    parts = [part for w, b in _branches(network) for part in _windowed(network, w, b, window)]
    if not parts:
        return ()
    plane, out = plane_of(window, np.concatenate([w for w, _ in parts])), []
    for w, b in parts:
        line = Line(w, *plane(b, w), keep=w[[0, -1]])
        at = partial(_biases, network, (w, b))
        (along,) = spread(partial(_placed, plane, at), [line], max(points // len(parts), _FEWEST))
        out.append(_curve(network, along, at(along)))
    return tuple(out)


def _placed(plane: Plane, biases: Callable[[FloatArray], FloatArray], w: FloatArray) -> tuple[FloatArray, FloatArray]:
    return plane(biases(w), w)


def _branches(network: Network) -> list[tuple[FloatArray, FloatArray]]:
    """Tables of sigma_w and sigma_b along the connected parts of the curve."""
    w = _SIGMAS
    if _vanishes(_residual(network, "sigma_b", 0.0)):
        return [(w, np.zeros(w.shape))]
    off = _excess(network, *np.meshgrid(w, _SIGMAS, indexing="ij"))[0]
    crosses = np.sign(off[:, :-1]) * np.sign(off[:, 1:]) < 0.0
    counts, out = crosses.sum(axis=1), []
    for first, last in pairwise([0, *(np.flatnonzero(np.diff(counts)) + 1).tolist(), w.size]):
        for k in range(int(counts[first])):
            rows = np.arange(first, last)
            cells = np.array([np.flatnonzero(crosses[row])[k] for row in rows])
            out.append((w[rows], _solved(network, w[rows], _SIGMAS[cells], _SIGMAS[cells + 1])))
    return [part for part in out if part[0].size > 1]


def _windowed(network: Network, w: FloatArray, b: FloatArray, window: float) -> list[tuple[FloatArray, FloatArray]]:
    """The parts of a table within the window, up to where the curve leaves it."""
    inside = b <= window
    if inside.all():
        return [(w, b)]
    rims = all_roots(_residual(network, "sigma_b", window), w)[0]
    w, b = np.append(w[inside], rims), np.append(b[inside], np.full(rims.size, window))
    order = np.argsort(w)
    w, b = w[order], b[order]
    cuts = np.flatnonzero((b[:-1] == window) & (b[1:] == window)) + 1
    return [(part, other) for part, other in zip(np.split(w, cuts), np.split(b, cuts), strict=True) if part.size > 1]


def _biases(network: Network, part: tuple[FloatArray, FloatArray], w: FloatArray) -> FloatArray:
    """sigma_b at sigma_w (n,) within the table of a part."""
    known, b = part
    if not b.any():
        return np.zeros(w.shape)
    cell = np.clip(np.searchsorted(known, w, side="right") - 1, 0, known.size - 2)
    low, high = np.minimum(b[cell], b[cell + 1]) / _ROOM, np.maximum(b[cell], b[cell + 1]) * _ROOM
    return _solved(network, w, low, high)


def _solved(network: Network, w: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    return bracketed_roots(lambda b, w: _excess(network, w, b)[0], low, high, (w,))


def _residual(network: Network, name: str, value: float) -> Residual:
    """chi_1 - 1 as a function of the sigma that is not given."""

    def residual(other: FloatArray) -> tuple[FloatArray, FloatArray]:
        given = np.full(other.shape, value)
        return _excess(network, *((other, given) if name == "sigma_b" else (given, other)))

    return residual


def _roots(residual: Residual, given: str) -> FloatArray:
    """Every value of the sigma that is not given; where each sigma_w is critical, one that is as good as any."""
    if given == "sigma_b" and _vanishes(residual):
        return np.array([_HE])
    off, error = residual(np.zeros(1))
    unbiased = np.zeros(int(given == "sigma_w" and abs(off[0]) <= error[0]))
    return np.append(unbiased, all_roots(residual, _SIGMAS)[0])


def _excess(network: Network, w: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
    """chi_1 - 1 and its error at places of any shape."""
    layer = VarianceLayer(network, w, b)
    q = layer.F(np.ones(w.shape), strict=False).value
    chi = layer.chi_1(np.where(np.isfinite(q), q, 1.0), strict=False)
    return chi.value - 1.0, chi.error + 4.0 * EPS


def _vanishes(residual: Residual) -> bool:
    off, error = residual(_SIGMAS)
    return bool((np.abs(off) <= error).all())


def _curve(network: Network, w: FloatArray, b: FloatArray) -> Curve:
    known = np.isfinite(w)
    q, slope = np.full(w.shape, np.nan), np.full(w.shape, np.nan)
    layer = VarianceLayer(network, w[known], b[known])
    q[known] = layer.F(np.ones(int(known.sum())), strict=False).value
    slope[known] = layer.slope(q[known], strict=False).value
    return Curve(q=q, sigma_w=w, sigma_b=b, slope=slope)


def _place(network: Network, w: tuple[float, float], b: tuple[float, float]) -> Place:
    """The place at sigmas with their errors."""
    layer = VarianceLayer(network, w[0], b[0])
    q = layer.F(1.0)
    slope = layer.slope(float(q.value))
    return Place(
        sigma_w=w[0],
        sigma_b=b[0],
        q=float(q.value),
        slope=float(slope.value),
        sigma_w_error=w[1],
        sigma_b_error=b[1],
        q_error=float(q.error),
        slope_error=float(slope.error) + 4.0 * EPS,
    )
