"""The smooth pieces of a function between its edges."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from eoc.activations.base import Piece
from eoc.activations.function.breakpoints import Edge
from eoc.activations.function.calls import Calls
from eoc.activations.function.derivatives import Derivatives
from eoc.activations.function.noise import Noise
from eoc.errors import EocError
from eoc.floats import EPS, FloatArray

__all__ = ["Pieces"]

_CHECK_POINTS = np.array([-11.3, -3.7, -1.21, -0.43, -0.037, 0.029, 0.37, 1.17, 4.1, 12.9])
_MISMATCH = 1e-5
_TOWARDS = 2.0 ** -np.array([10.0, 15.0, 20.0])  # distances to a root
_CAUTION = 4.0  # times the bounds: interpolants so close to a root are not those of a smooth function
_SLOWEST = 0.9  # of the change between the former two: what changes more between the latter two has no finite limit


class Pieces:
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

    def _bound(self, i: int, order: int, x: FloatArray) -> FloatArray:
        if order == 0:
            return _rounding(self._noise, x, self._f(x))
        if self._slope is None:
            return self._derivatives[i].bound(order, x)
        return _rounding(self._slope_noise, x, self._slope(x)) if order == 1 else self._second[i].bound(1, x)

    def error_of(self, order: int, x: FloatArray) -> FloatArray:
        """Bounds on the absolute errors of phi (order 0), phi' (1) or phi'' (2) at x (n,)."""
        x = np.asarray(x, dtype=float)
        index = np.searchsorted(self._knots, x, side="right")
        out = np.empty(x.size)
        for i in np.unique(index):
            here = index == i
            out[here] = self._bound(int(i), order, x[here])
        return out

    def uncertainty(self, x: FloatArray) -> FloatArray:
        """Bounds on the absolute errors of phi, phi' and phi'', shape (3, n)."""
        return np.stack([self.error_of(order, x) for order in range(3)])

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
        if edge.is_root:
            return self._limits_at_root(i, edge.x)
        sides = []
        for j, direction in ((i, -np.inf), (i + 1, np.inf)):
            at = np.array([np.nextafter(edge.x, direction)])
            values = [self._inside(j, order, at)[0] for order in range(3)]
            sides.append((np.array(values), np.array([self._bound(j, order, at)[0] for order in range(3)])))
        (left, left_error), (right, right_error) = sides
        gap, noise = np.abs(right - left), left_error + right_error
        noise[0] += 4.0 * EPS * abs(edge.x) * (abs(left[1]) + abs(right[1]))
        for order in range(3):
            if order < edge.order or gap[order] <= noise[order]:
                better = left[order] if left_error[order] < right_error[order] else right[order]
                shared = float(self._f(np.array([edge.x]))[0]) if order == 0 else better
                left[order] = right[order] = shared
        return left, right

    def _limits_at_root(self, i: int, knot: float) -> tuple[FloatArray, FloatArray]:
        """Return (phi, phi', phi'') on either side of a root, from values at three distances: they may be infinite."""
        value = float(self._f(np.array([knot]))[0])
        left, right = np.array([value, 0.0, 0.0]), np.array([value, 0.0, 0.0])
        for order in (1, 2):
            sides = [self._limit(j, order, knot, side) for j, side in ((i, -1.0), (i + 1, 1.0))]
            ends, errors = zip(*sides, strict=True)
            left[order], right[order] = np.where(np.abs(ends) <= errors, 0.0, ends)
            if abs(ends[1] - ends[0]) <= sum(errors):
                left[order] = right[order]
        return left, right

    def _limit(self, i: int, order: int, knot: float, side: float) -> tuple[float, float]:
        """The limit of a derivative towards a root and a bound on its error: by Aitken's method, or infinite."""
        x = knot + side * max(abs(knot), 1.0) * _TOWARDS
        values, noise = self._inside(i, order, x), _CAUTION * float(self._bound(i, order, x).sum())
        first, last = np.diff(values)
        if abs(last) <= noise:
            return float(values[-1]), float(abs(last) + noise)
        if abs(last) >= _SLOWEST * abs(first):
            return float(np.copysign(np.inf, last)), 0.0
        rest = last**2 / (first - last)
        return float(values[-1] + rest), float(0.1 * abs(rest) + noise)


def _rounding(noise: Noise, x: FloatArray, values: FloatArray) -> FloatArray:
    return np.asarray(4.0 * (noise.at(x, values) + EPS * np.abs(values)))
