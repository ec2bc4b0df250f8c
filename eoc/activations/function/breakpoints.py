"""Where a function that can only be called has kinks, jumps and steps in phi'': found to the last bit.

Panels on which an interpolant fails are halved until they are small. What is left are brackets around edges. The
smooth functions to the left and to the right of a bracket, as polynomials, say what kind of edge it is and where: the
polynomials, or their first or second derivatives, cross there; at a jump f itself says which of the two it follows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eoc.activations.base import Function
from eoc.activations.function.fits import Fits, fit
from eoc.activations.function.noise import Noise
from eoc.activations.unbounded import unbounded
from eoc.errors import EocError
from eoc.floats import EPS, FloatArray, simplest

__all__ = [
    "Edge",
    "find_edges",
    "refuse_pole",
]

_NEAREST = 2.0**-12
_ZOOMS = 9  # by 8 each, towards a pole
_GRID = 1.0471975511965976 * 2.0 ** np.arange(-12.0, 13.0)  # no simple number, so that edges are inside of panels
_SPLIT = 0.4871
_STAGES = (2.0**-14, 2.0**-22, 2.0**-32, 2.0**-44)  # relative width at which a panel that fails is looked at
_TINY = 2.0**-12
_MOST_PANELS = 4096
_MOST_EDGES = 1000
_STAGNANT = 3
_WINDOWS = 0.5 ** np.arange(14.0)
_WITHIN = np.array([0.031, 0.12, 0.23, 0.34, 0.45, 0.55, 0.66, 0.77, 0.88, 0.969])
_UNRESOLVED = 4
_CLEAR = 20.0  # times the noise: a difference that counts


def refuse_pole(f: Function, name: str, x: float) -> None:
    """Raise if |f| grows without bound towards a point near x."""
    half = 2.0**-8 * max(abs(x), _NEAREST)
    tops: list[float] = []
    for _ in range(_ZOOMS):
        points = np.linspace(x - 0.97 * half, x + 1.03 * half, 128)
        values = np.abs(f(points))
        x = float(points[int(np.argmax(values))])
        finite = np.sort(values[np.isfinite(values)])
        if finite.size < 3:
            raise EocError(f"{name} has no finite values near x = {x:.6g}; it has to be finite but for single points")
        tops.append(float(finite[-3]))  # one may hit the pole
        half /= 8.0
    ratios = np.array(tops[1:]) / np.maximum(tops[:-1], 1e-300)
    if (ratios > 1.001).all():
        slow = bool(np.median(ratios) <= 2.7)  # sqrt(8): |x|^(-1/2)
        raise unbounded(name, f"{simplest(x, 64.0 * half):.12g}", square_integrable=slow)


@dataclass(frozen=True)
class Edge:
    """A knot at x; phi, phi', phi'' or a higher derivative (order 0, 1, 2, 3) is the first that jumps there.

    At a root, or its like, f is not smooth up to the knot: its derivatives may grow without bound towards it.
    """

    x: float
    order: int
    is_root: bool = False


class _TooManyError(Exception):
    """More brackets than anybody can have meant."""


def find_edges(f: Function, noise: Noise, name: str, reach: tuple[float, float]) -> tuple[Edge, ...]:
    """Return the edges of f between -4096 and 4096, in increasing order.

    Parameters
    ----------
    f, noise, name
        The function, its rounding noise, and what it is called in error messages.
    reach
        Where f is finite: (lowest, highest) x.
    """
    grid = np.concatenate([-1.0773 * _GRID[::-1], _GRID])
    grid = grid[(grid > reach[0]) & (grid < reach[1])]
    todo, edges, failed = (grid[:-1], grid[1:]), list[Edge](), list[tuple[float, float]]()
    for stage in _STAGES:
        try:
            brackets = _brackets(f, noise, *todo, stage)
        except _TooManyError as many:
            low, high = many.args
            refuse_pole(f, name, 0.5 * (low + high))
            raise EocError(
                f"{name} has more than {_MOST_EDGES} kinks or jumps between -4096 and 4096 (one near x = {low:.6g}); "
                "limit them, as with clip(x, -8, 8)"
            ) from None
        edges += _vanished(f, noise, failed, brackets)
        failed = []
        fences = np.sort(np.concatenate([brackets.ravel(), [e.x for e in edges], grid[[0, -1]]]))
        for low, high in brackets.tolist():
            edge = _locate(f, noise, (low, high), (fences[fences < low][-1], fences[fences > high][0]))
            if edge is None:
                failed.append((low, high))
            else:
                edges.append(edge)
        if not failed:
            return tuple(sorted(_distinct(edges), key=lambda e: e.x))
        todo = np.array(failed).T[0], np.array(failed).T[1]
    for low, high in failed:
        refuse_pole(f, name, 0.5 * (low + high))
        root = _root(f, noise, low, high)
        if root is None:
            raise EocError(
                f"{name} is too rough near x = {simplest(0.5 * (low + high), high - low):.12g}: it cannot be cut into "
                "pieces with two derivatives there"
            )
        edges.append(root)
    return tuple(sorted(_distinct(edges), key=lambda e: e.x))


def _vanished(
    f: Function, noise: Noise, before: list[tuple[float, float]], brackets: NDArray[np.float64]
) -> list[Edge]:
    """The roots among brackets in which, looked at more closely, rounding hides what is not smooth."""
    gone = [(a, b) for a, b in before if not ((brackets[:, 0] <= b) & (brackets[:, 1] >= a)).any()]
    roots = [_root(f, noise, a, b) for a, b in gone]
    return [root for root in roots if root is not None]


def _root(f: Function, noise: Noise, low: float, high: float) -> Edge | None:
    """The edge of a continuous function that is smooth up to a point, but not at it, such as a root or x log|x|.

    On either side it has to be resolved on panels that halve towards the point, and to tend to the same limit.
    """
    width = high - low
    x = simplest(0.5 * (low + high), 0.5 * width)
    nearest = max(EPS * abs(x), 2.0**-40)
    steps = 2.0 ** np.arange(-4.0, np.log2(64.0 * nearest + 2.0 * width), -1.0) * max(abs(x), 1.0)
    for side in (-1.0, 1.0):
        ends = np.stack([x + side * steps, x + 2.0 * side * steps])
        resolved = fit(f, noise, ends.min(axis=0), ends.max(axis=0)).resolved
        if np.count_nonzero(~resolved) > _UNRESOLVED:  # other edges may be among them
            return None
    gaps = np.abs(f(x + steps) - f(x - steps))
    size = np.abs(f(x + steps[:1])).max() + np.abs(f(np.array([x]))).max()
    return Edge(x, 1, is_root=True) if gaps[-1] <= max(0.5 * gaps[0], _CLEAR * EPS * size) else None


def _distinct(edges: list[Edge]) -> list[Edge]:
    return list({e.x: e for e in edges}.values())


def _brackets(f: Function, noise: Noise, a: FloatArray, b: FloatArray, width: float) -> NDArray[np.float64]:
    """Halve what is not resolved down to a relative width; return the joined remains, (n, 2)."""
    left: list[FloatArray] = []
    before, stagnant = 0, 0
    while a.size:
        bad = ~fit(f, noise, a, b).resolved
        a, b = a[bad], b[bad]
        stagnant = stagnant + 1 if _MOST_EDGES < a.size < 1.1 * before else 0
        before = a.size
        if stagnant >= _STAGNANT:
            nearest = np.argmin(np.abs(a))
            raise _TooManyError(float(a[nearest]), float(b[nearest]))
        if a.size > _MOST_PANELS:  # it oscillates: look for edges near zero only
            keep = np.argsort(np.abs(a))[:_MOST_PANELS]
            a, b, before = a[keep], b[keep], 0
        small = b - a <= width * np.maximum(np.maximum(np.abs(a), np.abs(b)), _TINY)
        left.append(np.stack([a[small], b[small]], axis=1))
        a, b = a[~small], b[~small]
        middle = a + _SPLIT * (b - a)
        a, b = np.concatenate([a, middle]), np.concatenate([middle, b])
    brackets = _joined(np.concatenate([np.empty((0, 2)), *left]))
    if len(brackets) > _MOST_EDGES:
        raise _TooManyError(*map(float, brackets[np.argmin(np.abs(brackets[:, 0]))]))
    return brackets


def _joined(brackets: FloatArray) -> FloatArray:
    brackets = brackets[np.argsort(brackets[:, 0])]
    apart = brackets[1:, 0] > brackets[:-1, 1]
    first, last = np.concatenate([[True], apart]), np.concatenate([apart, [True]])
    if brackets.size == 0:
        return brackets
    return np.stack([brackets[first, 0], brackets[last, 1]], axis=1)


def _locate(f: Function, noise: Noise, bracket: tuple[float, float], fences: tuple[float, float]) -> Edge | None:
    """Find the edge inside a bracket, or None if two smooth functions do not explain what f does there."""
    low, high = bracket
    left = _longest(f, noise, low, -min(low - fences[0], max(abs(low), 1.0)))
    right = _longest(f, noise, high, min(fences[1] - high, max(abs(high), 1.0)))
    if left is None or right is None:
        return None
    sides = _Sides(left, right)
    width = high - low
    middle = 0.5 * (low + high)
    gaps = [abs(sides.gap(order, middle)) for order in range(4)]
    noises = [sides.noise(order, middle) for order in range(3)]
    reach = [sum(gaps[j + m] * width**m for m in range(1, 4 - j)) for j in range(3)]
    order = next((j for j in range(3) if gaps[j] > _CLEAR * noises[j] + reach[j]), 3)
    if order == 0:
        return _jump(f, sides, low, high)
    x, tolerance = _crossing(sides, order, low, high, noises)
    if not low - width <= x <= high + width:
        return None
    x = simplest(x, tolerance)
    probes = low + width * _WITHIN
    probes = probes[np.abs(probes - x) > tolerance]
    expected = sides.value(0, probes, probes > x)
    slack = 30.0 * sides.noise(0, middle) + 4.0 * EPS * abs(middle) * abs(sides.gap(1, middle))
    return Edge(x, order) if (np.abs(f(probes) - expected) <= slack).all() else None


def _longest(f: Function, noise: Noise, end: float, extent: float) -> Fits | None:
    other = end + extent * _WINDOWS
    fits = fit(f, noise, np.minimum(other, end), np.maximum(other, end))
    good = np.flatnonzero(fits.resolved)
    return fits[good[:1]] if good.size else None


class _Sides:
    """The polynomials to the left and to the right of an edge."""

    def __init__(self, left: Fits, right: Fits) -> None:
        self._fits = (left, right)
        series = [np.polynomial.Chebyshev(p.coefficients[0], (float(p.a[0]), float(p.b[0]))).trim() for p in self._fits]
        self._derivatives = [[s.deriv(m) if m else s for m in range(4)] for s in series]

    def value(self, order: int, x: FloatArray, right: NDArray[np.bool_]) -> FloatArray:
        """Return the derivative of the left or right polynomial."""
        return np.where(right, self._derivatives[1][order](x), self._derivatives[0][order](x))

    def gap(self, order: int, x: float) -> float:
        """Right minus left."""
        return float(self._derivatives[1][order](x) - self._derivatives[0][order](x))

    def noise(self, order: int, x: float) -> float:
        """Bound the error of the gap."""
        at, which = np.array([x]), np.array([0])
        return float(sum(p.bound(order, at, which)[0] for p in self._fits))


def _crossing(sides: _Sides, order: int, low: float, high: float, noises: list[float]) -> tuple[float, float]:
    """Find where the derivatives of order ``order - 1`` cross, and how uncertain that is."""
    x = 0.5 * (low + high)
    for _ in range(8):
        steepness = sides.gap(order, x)
        if steepness == 0.0:
            return 0.5 * (low + high), high - low
        x = float(np.clip(x - sides.gap(order - 1, x) / steepness, low - (high - low), high + (high - low)))
    return x, min(noises[order - 1] / abs(steepness) + 2.0 * EPS * abs(x), high - low)


def _jump(f: Function, sides: _Sides, low: float, high: float) -> Edge | None:
    """Halve the bracket of a jump down to neighbouring doubles, unless a simple number does."""

    def follows(x: FloatArray) -> NDArray[np.bool_] | None:
        """Tell whether f follows the right polynomial; None if it follows neither."""
        values = f(x)
        distances = [np.abs(values - sides.value(0, x, np.full(x.shape, side))) for side in (False, True)]
        slack = 1e-3 * abs(sides.gap(0, 0.5 * (low + high)))
        return np.asarray(distances[1] < distances[0]) if (np.minimum(*distances) <= slack).all() else None

    simple = simplest(0.5 * (low + high), 0.5 * (high - low))
    near = max(4.0 * EPS * abs(simple), 1e-300)
    probes = low + (high - low) * _WITHIN
    probes = np.append(probes[np.abs(probes - simple) > near], [simple - near, simple + near])
    seen = follows(probes)
    if seen is not None and np.array_equal(seen, probes > simple):
        return Edge(simple, 0)
    a, b = low, high
    while b > np.nextafter(a, b) and b - a > 1e-300:
        middle = 0.5 * (a + b)
        beyond = follows(np.array([middle]))
        if beyond is None:
            return None
        a, b = (a, middle) if beyond[0] else (middle, b)
    probes = low + (high - low) * _WITHIN
    seen = follows(probes)
    sharp = seen is not None and np.array_equal(seen, probes > a)
    return Edge(simplest(b, 2.0 * EPS * abs(b)), 0) if sharp else None
