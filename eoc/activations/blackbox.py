"""Any Python function as an activation: its kinks and jumps, derivatives, growth and parity are found by calling it.

Functions are split into smooth pieces (:mod:`eoc.activations.edges`); derivatives come from Chebyshev interpolants with
bounds on their errors (:mod:`eoc.activations.chebyshev`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eoc.activations.base import Activation, Growth, Parity, Piece
from eoc.activations.calls import Calls
from eoc.activations.chebyshev import Derivatives, Noise, simplest
from eoc.activations.edges import Edge, find_edges, refuse_pole
from eoc.errors import EocError

__all__ = ["from_callable"]

FloatArray = NDArray[np.float64]
Function = Callable[[FloatArray], FloatArray]
Limits = NDArray[np.float64]

_EPS = float(np.finfo(float).eps)
_FAR = 2.0**40
_PARITY_POINTS = np.concatenate([np.geomspace(1e-9, 6e4, 170), np.arange(1.0, 41.0) / 4.0, [np.pi, 0.1, 1e3]])
_OVERFLOW_FROM = 350.0  # an infinity beyond is taken for an intermediate overflow, as of log(1 + exp(x)) at x = 710
_CHECK_POINTS = np.array([-11.3, -3.7, -1.21, -0.43, -0.037, 0.029, 0.37, 1.17, 4.1, 12.9])
_MISMATCH = 1e-5


def from_callable(
    function: Callable[..., Any],
    *,
    derivative: Callable[..., Any] | None = None,
    name: str | None = None,
    knots: Iterable[float] | None = None,
    parity: Parity | None = None,
) -> Activation:
    """Return the activation that a Python function computes.

    Parameters
    ----------
    function
        phi: of a float64 array or of one number.
    derivative
        phi', if known; otherwise it comes from Chebyshev interpolants, like phi''.
    name
        For people; by default the function's own.
    knots
        All points where phi, phi' or phi'' jumps, if known; otherwise they are found between -4096 and 4096.
    parity
        "odd" or "even", if known; otherwise it is found.

    Raises
    ------
    EocError
        If the function fails, returns something else than finite real numbers, or cannot be cut into smooth pieces.
    NotPermissibleError
        If the function is unbounded near some point.

    Notes
    -----
    What cannot be seen by calling is not found: isolated features that are much narrower than their distance to zero,
    edges beyond 4096.

    Examples
    --------
    >>> from math import tanh
    >>> from_callable(lambda x: tanh(x) if x > 0.0 else 0.1 * x).knots
    (0.0,)
    """
    name = name or _name(function)
    f = Calls(function, name)
    if parity not in (None, "odd", "even"):
        raise EocError(f"parity must be 'odd', 'even' or None, got {parity!r}")
    f(np.array([0.0]))
    lowest, highest = _reach(f, name, -1.0), _reach(f, name, 1.0)
    parity = parity or _parity(f)
    noise = Noise(f, f.relative_error)
    given = None if knots is None else _checked(knots)
    edges = find_edges(f, noise, name, (lowest, highest)) if given is None else tuple(Edge(k, -1) for k in given)
    if given is None and parity is not None:
        edges = _mirrored(edges)
    slope = None if derivative is None else Calls(derivative, f"the derivative of {name}")
    parts = _Parts(f, noise, edges, slope)
    made = Activation(
        name=name,
        formula=f"Python function {name}(x)",
        pieces=parts.pieces,
        knots=tuple(e.x for e in edges),
        growth=_growth(f, lowest, highest),
        parity=parity,
        uncertainty=parts.uncertainty,
    )
    parts.check_slope()
    return made


def _name(function: object) -> str:
    found = getattr(function, "__name__", None)
    if found is None and callable(function):
        found = type(function).__name__
    if found is None:
        found = repr(function)
    return "callable" if found == "<lambda>" else str(found)


def _checked(knots: Iterable[float]) -> tuple[float, ...]:
    try:
        out = np.unique(np.array(list(knots), dtype=float))
    except (TypeError, ValueError):
        raise EocError(f"knots must be numbers, got {knots!r}") from None
    if not np.isfinite(out).all():
        raise EocError(f"knots must be finite, got {out.tolist()}")
    return tuple(out.tolist())


def _mirrored(edges: tuple[Edge, ...]) -> tuple[Edge, ...]:
    right = [e for e in edges if e.x > 0.0]
    return (*(Edge(-e.x, e.order) for e in reversed(right)), *(e for e in edges if e.x == 0.0), *right)


# --- pieces -----------------------------------------------------------------------------------------------------------


class _Parts:
    """The smooth pieces of f: values by calling it, derivatives by interpolants, limits at the knots that agree."""

    def __init__(self, f: Calls, noise: Noise, edges: tuple[Edge, ...], slope: Calls | None) -> None:
        self._f, self._noise, self._slope = f, noise, slope
        bounds = [-np.inf, *(e.x for e in edges), np.inf]
        self._knots = np.array(bounds[1:-1])
        self._derivatives = [Derivatives(f, noise, a, b) for a, b in pairwise(bounds)]
        if slope is not None:
            self._slope_noise = Noise(slope, slope.relative_error)
            self._second = [Derivatives(slope, self._slope_noise, a, b) for a, b in pairwise(bounds)]
        self._ends: list[dict[float, FloatArray]] = [{} for _ in self._derivatives]
        for i, edge in enumerate(edges):
            self._ends[i][edge.x], self._ends[i + 1][edge.x] = self._limits(i, edge)
        self.pieces = tuple(self._piece(i) for i in range(len(bounds) - 1))

    def _piece(self, i: int) -> Piece:
        return Piece(*(lambda x, j=j: self._evaluate(i, j, x) for j in range(3)))

    def _evaluate(self, i: int, order: int, x: FloatArray) -> FloatArray:
        x = np.asarray(x, dtype=float)
        flat = x.ravel()
        out = self._inside(i, order, flat)
        for knot, values in self._ends[i].items():
            out[flat == knot] = values[order]
        return out.reshape(x.shape)

    def _inside(self, i: int, order: int, x: FloatArray) -> FloatArray:
        if order == 0:
            return self._f(x)
        if self._slope is None:
            return self._derivatives[i](order, x)
        return self._slope(x) if order == 1 else self._second[i](1, x)

    def _bounds(self, i: int, x: FloatArray) -> FloatArray:
        values = self._f(x)
        first = 4.0 * (self._noise.at(x, values) + _EPS * np.abs(values))
        if self._slope is None:
            return np.stack([first, *(self._derivatives[i].bound(order, x) for order in (1, 2))])
        slopes = self._slope(x)
        second = 4.0 * (self._slope_noise.at(x, slopes) + _EPS * np.abs(slopes))
        return np.stack([first, second, self._second[i].bound(1, x)])

    def uncertainty(self, x: FloatArray) -> FloatArray:
        """Bounds on the absolute errors of phi, phi' and phi'', shape (3, n)."""
        x = np.asarray(x, dtype=float)
        index = np.searchsorted(self._knots, x, side="right")
        out = np.empty((3, x.size))
        for i in np.unique(index):
            here = index == i
            out[:, here] = self._bounds(int(i), x[here])
        return out

    def check_slope(self) -> None:
        """Compare a derivative that was given with that of the interpolants."""
        if self._slope is None:
            return
        x = _CHECK_POINTS
        pieces = [(self._derivatives[i], x[n : n + 1]) for n, i in enumerate(np.searchsorted(self._knots, x))]
        expected = np.array([d(1, at)[0] for d, at in pieces])
        error = np.array([d.bound(1, at)[0] for d, at in pieces])
        given = self._slope(x)
        wrong = np.abs(given - expected) > 10.0 * error + _MISMATCH * (np.abs(given) + np.abs(expected)) + 1e-12
        for n in np.flatnonzero(wrong):
            raise EocError(
                f"the derivative given for {self._f.name} is {given[n]:.9g} at x = {x[n]:g}, but {self._f.name} has "
                f"the slope {expected[n]:.9g} there"
            )

    def _limits(self, i: int, edge: Edge) -> tuple[FloatArray, FloatArray]:
        """Return (phi, phi', phi'') on either side of an edge: exactly equal where the difference is noise."""
        sides = []
        for j, direction in ((i, -np.inf), (i + 1, np.inf)):
            at = np.array([np.nextafter(edge.x, direction)])
            values = [self._inside(j, order, at)[0] for order in range(3)]
            sides.append((np.array(values), self._bounds(j, at)[:, 0]))
        (left, left_error), (right, right_error) = sides
        gap, noise = np.abs(right - left), left_error + right_error
        noise[0] += 4.0 * _EPS * abs(edge.x) * (abs(left[1]) + abs(right[1]))
        for order in range(3):
            if order < edge.order or gap[order] <= noise[order]:
                better = left[order] if left_error[order] < right_error[order] else right[order]
                shared = float(self._f(np.array([edge.x]))[0]) if order == 0 else better
                left[order] = right[order] = shared
        return left, right


# --- parity and growth ------------------------------------------------------------------------------------------------


def _parity(f: Calls) -> Parity | None:
    right, left = f(_PARITY_POINTS), f(-_PARITY_POINTS)
    if np.array_equal(right, left):
        return "even"
    if np.array_equal(right, -left) and f(np.zeros(1))[0] == 0.0:
        return "odd"
    return None


def _reach(f: Calls, name: str, sign: float) -> float:
    """Return the x, of this sign, up to which f is finite; 2^40 stands for infinity."""
    x = sign * 2.0 ** np.arange(-3.0, 41.0)
    infinite = np.flatnonzero(~np.isfinite(f(np.concatenate([[0.0], x]))))
    if infinite.size == 0:
        return float(x[-1])
    if infinite[0] == 0:
        refuse_pole(f, name, 0.0)
        raise EocError(f"{name} is infinite at x = 0")
    good, bad = (0.0 if infinite[0] == 1 else float(x[infinite[0] - 2])), float(x[infinite[0] - 1])
    for _ in range(60):
        middle = 0.5 * (good + bad)
        good, bad = (middle, bad) if np.isfinite(f(np.array([middle]))[0]) else (good, middle)
    if abs(f(np.array([good]))[0]) < 1e250:
        refuse_pole(f, name, bad)
        if abs(bad) < _OVERFLOW_FROM:
            raise EocError(f"{name} is infinite at x = {bad!r}, and not because it overflows")
    return good


def _growth(f: Calls, lowest: float, highest: float) -> Growth:
    """Classify the growth of |f|, by the faster of the two sides."""
    found = [_one_sided_growth(f, end) for end in (lowest, highest)]
    order = ("bounded", "polynomial", "exponential", "gaussian", "faster")
    return max(found, key=lambda g: (order.index(g.kind), g.rate))


def _one_sided_growth(f: Calls, end: float) -> Growth:
    if abs(end) >= _FAR:
        return _slow_growth(f, np.sign(end))
    x = end * np.linspace(0.35, 0.999, 24)
    with np.errstate(divide="ignore"):
        log = np.log(np.abs(f(x)))
    x, log = np.abs(x[np.isfinite(log)]), log[np.isfinite(log)]
    power = np.log(log[-1] / log[-9]) / np.log(x[-1] / x[-9])
    if power < 0.7:
        return Growth("polynomial", round(float((log[-1] - log[0]) / np.log(x[-1] / x[0])), 6))
    basis = np.stack([x**2, x, np.log(x), np.ones_like(x)], axis=1)
    scale = np.abs(basis).max(axis=0)
    coefficients, *_ = np.linalg.lstsq(basis / scale, log, rcond=None)
    a, b, *_ = coefficients / scale
    if power > 2.1:
        return Growth("faster", float("inf"))
    if power > 1.7 and a > 0.0:
        return Growth("gaussian", simplest(float(a), 1e-7 * float(a)))
    return Growth("exponential", simplest(float(b), 1e-7 * float(abs(b))) if power < 1.1 else float(log[-1] / x[-1]))


def _slow_growth(f: Calls, sign: float) -> Growth:
    """Bounded, or the degree of a power: from the largest values in some far octaves."""
    octave = 2.0 ** np.linspace(0.0, 1.0, 64, endpoint=False)
    near, middle, far = (float(np.abs(f(sign * 2.0**k * octave)).max()) for k in (19.0, 29.0, 39.0))
    inner = float(np.abs(f(sign * np.linspace(0.0, 2.0**10, 1025))).max())
    if far <= 1.001 * max(inner, near, middle) or middle == 0.0:
        return Growth("bounded", 0.0)
    degree = np.log2(far / middle) / 10.0
    if degree < 1e-3:
        return Growth("bounded", 0.0)
    close = round(degree * 12.0) / 12.0
    return Growth("polynomial", close if abs(degree - close) < 0.01 and close > 0.0 else round(float(degree), 6))
