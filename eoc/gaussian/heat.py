r"""What Gaussian noise of any size makes of an activation, as piecewise polynomials: its heat extension.

.. math:: \Phi(w; s) = E[\phi(w + s \xi)], \qquad \Phi'(w; s) = E[\phi'(w + s \xi)], \qquad \xi \sim N(0, 1),

for s > 0 up to some multiple of sqrt(q). Both are smooth in w on the scale of s at least, and analytic

- in t = s^2 from t = 0 on, but for less than rounding, where w is 9 s and more away from every knot;
- in s from s = 0 on at fixed (w - k) / s, close to a knot k: on both of its sides phi is smooth;
- in log s, as every Gaussian integral.

So there are panels of three kinds: those of phi itself, halved towards each knot and good for s up to a ninth of their
distance from it; panels that grow with s around the knots; and, for s too large for these, panels on octaves of s.
On each, both functions are Chebyshev series in w times Chebyshev series in t, s or log s.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from numpy.polynomial.legendre import legvander
from numpy.typing import NDArray

from eoc.activations.base import Activation
from eoc.errors import AccuracyError
from eoc.floats import EPS, FloatArray
from eoc.gaussian.kernels import HeatPanels
from eoc.gaussian.nodes import PROJECT, WEIGHTS, N, chebyshev_nodes, nodes_of, to_chebyshev

__all__ = ["heat_of", "phi_edges"]

TERMS = 16  # in t, s or log s
_S, _TO_S = chebyshev_nodes(TERMS), to_chebyshev(TERMS)
_W, _TO_W = chebyshev_nodes(N), to_chebyshev(N)
_XI, _OF_XI = hermegauss(40)
_OF_XI = _OF_XI / _OF_XI.sum()
_FAR = 9.0  # standard deviations beyond which a knot is not seen
_NEAR = np.linspace(-2.0 * _FAR, 2.0 * _FAR, 15)  # panels around a knot, in units of s
_STEP = 2.5  # widest panel of a Gaussian weight, in standard deviations
_RATIO = 2.0**0.5  # of s on a panel in log s
_MOST = 300  # panels
_MOST_GROUPS = 20
_PROBE = (np.arange(256) + 0.5) / 128.0 - 1.0
_AT_PROBE = legvander(_PROBE, N - 1)
_MISFIT = 256.0 * EPS
_NARROWEST = 1e-7
_SPARE = 6  # coefficients that products of two functions need besides
_SMOOTH = 8.0  # times s: so wide are panels of phi where it is smooth on the scale of s
_RESOLVED = 8.0 * EPS  # for each coefficient


@dataclass
class _Panel:
    end: tuple[float, float]
    centre: tuple[float, float]
    half: tuple[float, float]
    most: float
    argument: tuple[float, float, float]
    values: FloatArray  # (TERMS, 2, N)
    error: FloatArray  # (2,)


def phi_edges(phi: Activation, reach: float, scale: FloatArray) -> FloatArray:
    """Panels on [-reach, reach] that end at knots and on which phi and phi' are polynomials of degree 17 to rounding.

    ``scale``, (2,), are the sizes of phi and phi' that errors are measured by, besides their own.
    """
    knots = np.asarray(phi.knots, dtype=float)
    edges = np.unique(np.concatenate([[-reach, 0.0, reach], knots[np.abs(knots) < reach]]))

    def tabulated(a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray, list[None]]:
        x = nodes_of(a, b)
        values, noise = (part.reshape(2, *x.shape) for part in _both(phi, x.ravel()))
        return np.moveaxis(values, 0, 1), noise.max(axis=2).T, [None] * a.size

    while True:
        edges, _ = _bisected(phi, edges, scale, tabulated, PROJECT, _SPARE)
        missed = _missed(phi, edges, scale)
        if not missed.any():
            return edges
        edges = np.sort(np.append(edges, 0.5 * (edges[1:] + edges[:-1])[missed]))


def _missed(phi: Activation, edges: FloatArray, scale: FloatArray) -> NDArray[np.bool_]:
    """Which panels have something between their nodes that is not seen there, as a narrow bump."""
    nodes = nodes_of(edges[:-1], edges[1:])
    x = 0.5 * (edges[1:] + edges[:-1])[:, None] + 0.5 * np.diff(edges)[:, None] * _PROBE
    (known, _), (found, noise) = (_both(phi, part.ravel()) for part in (nodes, x))
    known, found, noise = known.reshape(2, *nodes.shape), found.reshape(2, *x.shape), noise.reshape(2, *x.shape)
    misfit = np.abs(known @ PROJECT @ _AT_PROBE.T - found) - 4.0 * noise
    size = np.abs(known).max(axis=2) + scale[:, None]
    wide = np.diff(edges) > _NARROWEST * np.abs(edges).max()
    return np.asarray((misfit.max(axis=2) > _MISFIT * size).any(axis=0) & wide)


K = TypeVar("K")
_Tabulated = Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray, list[K]]]


def _bisected(
    phi: Activation, edges: FloatArray, scale: FloatArray, tabulated: _Tabulated[K], project: FloatArray, last: int
) -> tuple[FloatArray, list[K]]:
    """Panels halved until the ``last`` coefficients of functions, (P, ..., 2, N), are rounding; what was kept."""
    a, b, done = edges[:-1], edges[1:], list[tuple[float, float, K]]()
    while a.size:
        values, noise, kept = tabulated(a, b)
        values = values.reshape(a.size, -1, 2, N)
        tail, size = np.abs(values @ project)[..., -last:].sum(axis=3).max(axis=1), np.abs(values).max(axis=(1, 3))
        poor = (tail > last * _RESOLVED * (size + scale) + 2.0 * noise).any(axis=1)
        poor &= b - a > _NARROWEST * np.maximum(np.abs(a), np.abs(b))
        done += [(float(a[i]), float(b[i]), kept[i]) for i in np.flatnonzero(~poor).tolist()]
        middle = 0.5 * (a + b)[poor]
        a, b = np.concatenate([a[poor], middle]), np.concatenate([middle, b[poor]])
        if len(done) + a.size > _MOST:
            raise AccuracyError(f"{phi.name} changes too often for tables")
    done.sort(key=lambda part: part[0])
    return np.array([start for start, _, _ in done] + [done[-1][1]]), [one for _, _, one in done]


def heat_of(phi: Activation, edges: FloatArray, scale: FloatArray, least: float, largest: float) -> HeatPanels:
    """The panels for w within the edges and s from ``least`` to ``largest``.

    ``edges`` are those of :func:`phi_edges`, at least 9 ``largest`` further out than w.
    """
    low = _smallest_scale(phi, edges)
    if largest > low * _RATIO**_MOST_GROUPS:
        raise AccuracyError(f"{phi.name} changes on too many scales for tables")
    groups = [_small(phi, edges, low, least)]
    while low * _RATIO ** (len(groups) - 1) < largest:
        groups.append(_large(phi, edges, scale, low * _RATIO ** (len(groups) - 1), largest))
    panels = [panel for group in groups for panel in group]
    first = np.cumsum([0, *map(len, groups)])
    end, centre, half = (np.array([getattr(p, name) for p in panels]) for name in ("end", "centre", "half"))
    most, argument = np.array([p.most for p in panels]), np.array([p.argument for p in panels])
    values = np.stack([p.values for p in panels])
    series = np.einsum("lj,pjfw,kw->plfk", _TO_S, values, _TO_W, optimize=True)
    tail = np.abs(series[:, -2:]).sum(axis=(1, 3)) + np.abs(series[..., -2:]).sum(axis=(1, 3))
    rounding = 6.0 * EPS * np.abs(series).sum(axis=(1, 3))
    error = np.stack([p.error for p in panels]) + tail + rounding
    sizes = np.abs(series).sum(axis=3)  # (P, TERMS, 2)
    left_out = np.cumsum(sizes[:, ::-1], axis=1)[:, ::-1]
    terms = 2 + (left_out[:, 2:] > EPS * sizes.sum(axis=1)[:, None]).any(axis=2).sum(axis=1)
    return HeatPanels(low, _RATIO, first, end, centre, half, most, argument, terms, np.ascontiguousarray(series), error)


def _smallest_scale(phi: Activation, edges: FloatArray) -> float:
    """The s up to which noise is small against the panels of phi."""
    widths = np.diff(edges)
    return float(widths.min() / (64.0 if phi.knots else _SMOOTH))


def _small(phi: Activation, edges: FloatArray, low: float, least: float) -> list[_Panel]:
    """Panels of phi itself, and around the knots, for s up to low."""
    knots = [k for k in phi.knots if edges[0] < k < edges[-1]]
    out: list[_Panel] = []
    for a, b in pairwise(edges):
        left, right = a in knots, b in knots
        if left:
            out += [_around(phi, a, x, y, low) for x, y in pairwise(_NEAR)]
        cuts = _graded(a, b, left, right, least)
        for x, y in pairwise(cuts):
            apart = min((min(abs(x - k), abs(y - k)) for k in knots), default=np.inf)
            if apart > 0.0:
                out.append(_regular(phi, x, y, min(low, apart / _FAR)))
    return out


def _graded(a: float, b: float, left: bool, right: bool, least: float) -> FloatArray:
    """The panel [a, b] cut into halves towards the ends that are knots, down to 9 times the least s."""
    reach = 0.5 * (b - a) if left and right else b - a
    halves = reach * 2.0 ** -np.arange(0.0, max(1.0, np.ceil(np.log2(reach / (_FAR * least))) + 1.0))
    return np.unique(np.concatenate([[a, b], a + halves * left, b - halves * right]))


def _regular(phi: Activation, a: float, b: float, most: float) -> _Panel:
    """Far from knots, for s up to ``most``."""
    half = 0.5 * (b - a)
    found = _by_hermite(phi, a + half + half * _W, np.sqrt(0.5 * (1.0 + _S)) * most)
    argument = (-1.0, 2.0 / most**2, 2.0)
    return _Panel((b, 0.0), (a + half, 0.0), (half, 0.0), most * (1.0 + 1e-9), argument, *found)


def _around(phi: Activation, knot: float, x: float, y: float, low: float) -> _Panel:
    """From x to y standard deviations away from a knot, for s up to low."""
    eta, s = 0.5 * (x + y) + 0.5 * (y - x) * _W, low * 0.5 * (1.0 + _S)
    cuts = np.unique(np.append(np.arange(x - _FAR, y + _FAR + _STEP, _STEP), 0.0))
    z, weight = nodes_of(cuts[:-1], cuts[1:]).ravel(), (0.5 * np.diff(cuts)[:, None] * WEIGHTS).ravel()
    density = weight * np.exp(-0.5 * (z - eta[:, None]) ** 2) / np.sqrt(2.0 * np.pi)
    values, noise = (part.reshape(2, s.size, z.size) for part in _both(phi, (knot + np.outer(s, z)).ravel()))
    found, error = np.moveaxis(values @ density.T, 0, 1), (noise @ density.T).max(axis=(1, 2))
    middle, half = 0.5 * (x + y), 0.5 * (y - x)
    return _Panel((knot, y), (knot, middle), (0.0, half), low * (1.0 + 1e-9), (-1.0, 2.0 / low, 1.0), found, error)


def _large(phi: Activation, edges: FloatArray, scale: FloatArray, low: float, largest: float) -> list[_Panel]:
    """For s from low to low times the ratio: s is seen by every panel."""
    s = low * _RATIO ** (0.5 * (1.0 + _S))
    far = edges[-1] - _FAR * largest
    coarse = [-far]
    for edge in edges:
        if coarse[-1] + low < edge < far - low:
            coarse.append(edge)

    def tabulated(a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray, list[tuple[FloatArray, FloatArray]]]:
        kept = [_noisy(phi, edges, 0.5 * (x + y) + 0.5 * (y - x) * _W, s) for x, y in zip(a, b, strict=True)]
        return np.stack([values for values, _ in kept]), np.stack([noise for _, noise in kept]), kept

    ends, kept = _bisected(phi, np.append(coarse, far), scale, tabulated, _TO_W.T, 2)
    length = np.log(_RATIO)
    argument = (-1.0 - 2.0 * np.log(low) / length, 2.0 / length, 0.0)
    return [
        _Panel((b, 0.0), (0.5 * (a + b), 0.0), (0.5 * (b - a), 0.0), np.inf, argument, *found)
        for a, b, found in zip(ends[:-1], ends[1:], kept, strict=True)
    ]


def _noisy(phi: Activation, edges: FloatArray, w: FloatArray, s: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Both functions at w (N,) and s (S,), (S, 2, N), and bounds on the errors, (2,)."""
    left, right = w[0] - _FAR * s[-1], w[-1] + _FAR * s[-1]
    inside = edges[max(np.searchsorted(edges, left, "right") - 1, 0) : np.searchsorted(edges, right) + 1]
    if np.diff(inside).min() >= _SMOOTH * s[-1] and not np.isin(inside, phi.knots)[1:-1].any():
        return _by_hermite(phi, w, s)
    inside = np.clip(inside, left, right)
    grid = np.unique(np.concatenate([np.linspace(left, right, 2 + int((right - left) / (_STEP * s[0]))), inside]))
    x, weight = nodes_of(grid[:-1], grid[1:]).ravel(), (0.5 * np.diff(grid)[:, None] * WEIGHTS).ravel()
    functions = np.concatenate(_both(phi, x)).T * (weight / np.sqrt(2.0 * np.pi))[:, None]
    square = (x - w[:, None]) ** 2
    found = np.stack([np.exp(square * (-0.5 / one**2)) @ functions / one for one in s])  # (S, N, 4)
    return np.moveaxis(found[:, :, :2], 2, 1), found[:, :, 2:].max(axis=(0, 1))


def _by_hermite(phi: Activation, w: FloatArray, s: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The same where phi is smooth on the scale of s."""
    x = (w[None, :, None] + s[:, None, None] * _XI).reshape(-1)
    values, noise = (part.reshape(2, s.size, w.size, _XI.size) @ _OF_XI for part in _both(phi, x))
    return np.moveaxis(values, 0, 1), noise.max(axis=(1, 2))


def _both(phi: Activation, x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Phi and phi' at x, and bounds on their errors: (2, n)."""
    values, noise = zip(*(phi.derivative(order, x) for order in (0, 1)), strict=True)
    return np.stack(values), np.stack(noise)
