"""Fast evaluation that is known to be right: double precision where that was checked, mpmath elsewhere.

The consumer integrates phi^2, phi'^2 and phi''^2 against centred Gaussians of any width. An absolute error at x is
therefore harmless when it is small beside the largest |value| of the same function anywhere in [-|x|, |x|]. For
every piece, sign and octave 2^k <= |x| < 2^(k+1) the two runs are compared at three points on first use; where

    |double - exact| > 5e-15 max(|exact| at the samples of this and of lower octaves, both signs),

for phi, phi' or phi'', the whole octave is evaluated with mpmath.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from eoc.activations.base import Piece
from eoc.activations.jets import OutOfReach, Program, Undefined, to_float
from eoc.errors import NotPermissibleError

__all__ = ["Certified"]

FloatArray = NDArray[np.float64]
Limits = tuple[float, float, float]

_EPS = float(np.finfo(float).eps)
_TOLERANCE = 5e-15
_LOWEST, _HIGHEST = -40, 25
_FRACTIONS = (0.1459, 0.5103, 0.8541)  # where in an octave it is checked
_ANCHORS = (2, 0, -2, -6)  # octaves below k that count, beside k, k - 1 and k - 2
_CACHE = 200_000


class Certified:
    """The pieces of a formula.

    Parameters
    ----------
    programs, knots
        ``programs[i]`` holds between ``knots[i-1]`` and ``knots[i]``.
    ends
        For each piece its values at its own knots. They are stored, so that what is continuous is so exactly.
    zones
        Removable singularities other than 0: mpmath is used within 1/16 of them.
    name
        For error messages.
    """

    def __init__(
        self,
        programs: Sequence[Program],
        knots: Sequence[float],
        ends: Sequence[dict[float, Limits]],
        zones: Sequence[float],
        name: str,
    ) -> None:
        self._programs, self._ends, self._zones, self._name = programs, ends, zones, name
        self._knots = np.array(knots, dtype=float)
        self._bounds = [-math.inf, *knots, math.inf]
        self._exact: list[dict[float, Limits]] = [{} for _ in programs]
        self._certify = cache(self._check)
        self._octave_maximum = cache(self._sample_maximum)

    def piece(self, i: int) -> Piece:
        """Piece i as the data model wants it."""

        def component(j: int, x: FloatArray) -> FloatArray:
            x = np.asarray(x, dtype=float)
            return self.jets(i, x.ravel())[j].reshape(x.shape)

        return Piece(*(lambda x, j=j: component(j, x) for j in range(3)))

    def jets(self, i: int, x: FloatArray) -> FloatArray:
        """(phi, phi', phi'') of piece i, shape (3, n)."""
        out = self._programs[i].fast(x)
        slow = ~np.isfinite(out).all(axis=0) | (x < self._bounds[i]) | (x > self._bounds[i + 1])
        for zone in self._zones:
            slow |= np.abs(x - zone) < max(1.0, abs(zone)) / 16
        codes = _codes(x)
        for code in np.unique(codes[~slow]):
            if self._certify(i, *_decode(int(code))) is None:
                slow |= codes == code
        for j in np.flatnonzero(slow):
            out[:, j] = self.exact(i, float(x[j]))
        for knot, values in self._ends[i].items():
            out[:, x == knot] = np.array(values)[:, None]
        return out

    def exact(self, i: int, x: float) -> Limits:
        """(phi, phi', phi'') of piece i by mpmath."""
        known = self._exact[i]
        if x not in known:
            if len(known) > _CACHE:
                known.clear()
            if math.isnan(x):
                return (math.nan, math.nan, math.nan)
            try:
                a, b, c = map(to_float, self._programs[i].exact(x))
            except OutOfReach:
                raise NotPermissibleError(f"{self._name} cannot be computed at x = {x!r}") from None
            except Undefined:
                raise NotPermissibleError(f"{self._name} is undefined at x = {x!r}") from None
            known[x] = (a, b, c)
        return known[x]

    def uncertainty(self, x: FloatArray) -> FloatArray:
        """Bounds on the absolute errors, shape (3, n).

        4 eps |phi(x)| where mpmath is used; elsewhere 4 max(eps, r) (|phi(x)| + M), with M the largest sample of the
        octaves below and r the largest error at the samples of this octave in the same measure. Likewise phi', phi''.
        """
        x = np.asarray(x, dtype=float)
        index = np.searchsorted(self._knots, x, side="right")
        out = np.empty((3, x.size))
        for i in np.unique(index):
            here = np.flatnonzero(index == i)
            out[:, here] = 4.0 * _EPS * np.abs(self.jets(int(i), x[here]))
            codes = _codes(x[here])
            for code in np.unique(codes):
                seen = self._certify(int(i), *_decode(int(code)))
                if seen is not None:
                    cell = here[codes == code]
                    below = self._maximum_below(_decode(int(code))[1])[:, None]
                    out[:, cell] = np.maximum(seen, _EPS)[:, None] * (out[:, cell] / _EPS + 4.0 * below)
        return out

    def _samples(self, i: int, sign: int, k: int) -> list[float]:
        """Where piece i is checked in an octave: inside the piece."""
        low, high = self._bounds[i], self._bounds[i + 1]
        if sign < 0:
            low, high = -high, -low
        first, last = max(2.0**k, low), min(2.0 ** (k + 1), high)
        if first >= last and k == _LOWEST:
            first, last = max(0.0, low), min(2.0 ** (k + 1), high)
        if first >= last and k == _HIGHEST:
            first, last = max(2.0**k, low), min(2.0 ** (k + 40), high)
        return [sign * (first + f * (last - first)) for f in _FRACTIONS] if first < last else []

    def _check(self, i: int, sign: int, k: int) -> FloatArray | None:
        """Find the largest error / (|value| + M) at the samples, or None where double precision is not good enough."""
        xs = self._samples(i, sign, k)
        if not xs:
            return np.zeros(3)
        exact = np.array([self.exact(i, x) for x in xs]).T
        with np.errstate(all="ignore"):
            errors = np.abs(self._programs[i].fast(np.array(xs)) - exact)
            below = self._maximum_below(k)
            scale = np.maximum(below, self._octave_maximum(k))
            if not np.all(errors <= _TOLERANCE * scale[:, None]):
                return None
            measure = np.abs(exact) + below[:, None]
            return np.asarray(np.where(errors > 0.0, errors / measure, 0.0).max(axis=1))

    def _maximum_below(self, k: int) -> FloatArray:
        octaves = {k - 1, k - 2} | {a for a in _ANCHORS if a < k}
        return np.asarray(np.max([np.zeros(3), *(self._octave_maximum(j) for j in octaves if j >= _LOWEST)], axis=0))

    def _sample_maximum(self, k: int) -> FloatArray:
        """Find the largest |phi|, |phi'|, |phi''| at the samples of an octave."""
        values = [np.zeros(3)]
        for sign in (-1, 1):
            ends = np.array([2.0**k, 2.0 ** (k + 1)]) * sign
            touched = np.unique(np.searchsorted(self._knots, ends))
            for i in range(int(touched.min()), min(int(touched.max()), int(touched.min()) + 3) + 1):
                values += [np.abs(self.exact(i, x)) for x in self._samples(i, sign, k)]
        return np.asarray(np.max(values, axis=0))


def _codes(x: FloatArray) -> NDArray[np.int64]:
    """One number for each octave and sign."""
    exponent = np.frexp(x)[1] - 1
    return np.asarray((np.clip(exponent, _LOWEST, _HIGHEST) - _LOWEST) * 2 + (x < 0), dtype=np.int64)


def _decode(code: int) -> tuple[int, int]:
    return (-1 if code % 2 else 1), code // 2 + _LOWEST
