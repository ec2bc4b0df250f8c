"""Fast evaluation that is known to be right: double precision where that was checked, pairs of doubles, or mpmath.

The consumer integrates phi^2, phi'^2 and phi''^2 against centred Gaussians of any width. An absolute error at x is
therefore harmless when it is small beside the largest |value| of the same function anywhere in [-|x|, |x|]. For
every piece, sign and octave 2^k <= |x| < 2^(k+1) the two runs are compared at three points on first use; where

    |double - exact| > 5e-15 max(|exact| at the samples of this and of lower octaves, both signs),

for phi, phi' or phi'', rounding is carried along in that octave (:mod:`eoc.activations.formula.pairs`); where that is
not enough, the whole octave is left to :mod:`eoc.activations.formula.high_precision`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from eoc.activations.base import Piece
from eoc.activations.formula.high_precision import Careful
from eoc.activations.formula.program import Program
from eoc.activations.formula.segments import Limits
from eoc.activations.tables import octave
from eoc.floats import EPS, FloatArray
from eoc.sharing import Lock

__all__ = ["Certified"]

_TOLERANCE = 5e-15
_LOWEST, _HIGHEST = -40, 25
_CELLS = 2 * (_HIGHEST - _LOWEST + 1)  # octaves of either sign
_FRACTIONS = (0.1459, 0.5103, 0.8541)  # where in an octave it is checked
_CHANCES = 65
_ANCHORS = (2, 0, -2, -6)  # octaves below k that count, beside k, k - 1 and k - 2
_RECENT = 4  # arrays x whose results are kept: phi, phi', phi'' and their errors are asked for one after the other


class _Checked(NamedTuple):
    """What is known of the cells of a piece, all (cells, 3) but the last; it is replaced, never changed.

    ``errors`` are NaN before a cell is checked, infinite where neither way is good enough, otherwise the largest errors
    of phi, phi', phi'' at the samples, relative to ``|value| + below``. ``below`` and ``near`` are their largest sizes
    at the samples of lower octaves, and of the next two. ``paired`` (cells,): whether pairs are needed.
    """

    errors: FloatArray
    below: FloatArray
    near: FloatArray
    paired: NDArray[np.bool_]


class Certified:
    """The pieces of a formula. Threads may share them: what is new is checked and computed under one lock.

    Parameters
    ----------
    programs, knots
        ``programs[i]`` holds between ``knots[i-1]`` and ``knots[i]``.
    ends
        For each piece its values at its own knots. They are stored, so that what is continuous is so exactly.
    zones
        Removable singularities other than 0, increasing: mpmath is used within 1/16 of them.
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
        self._programs, self._ends = programs, ends
        self._zones = np.array([-math.inf, *zones, math.inf])
        apart = np.diff(zones, prepend=-math.inf, append=math.inf)
        radii = np.minimum(np.maximum(1.0, np.abs(zones)) / 16, np.minimum(apart[:-1], apart[1:]) / 4)
        self._radii = np.array([0.0, *radii, 0.0])
        self._knots = np.array(knots, dtype=float)
        self._bounds = [-math.inf, *knots, math.inf]
        self._lock = Lock()
        self._careful = [
            Careful(p, a, b, name, self._lock) for p, (a, b) in zip(programs, pairwise(self._bounds), strict=True)
        ]
        nothing = np.zeros((_CELLS, 3))
        self._checked = [_Checked(nothing + np.nan, nothing, nothing, np.zeros(_CELLS, bool))] * len(programs)
        self._octave_maximum = cache(self._sample_maximum)
        self._recent = lru_cache(maxsize=_RECENT)(self._evaluate)

    def piece(self, i: int) -> Piece:
        """Piece i as the data model wants it."""

        def component(j: int, x: FloatArray) -> FloatArray:
            x = np.asarray(x, dtype=float)
            return self._recent(i, x.tobytes())[0][j].copy().reshape(x.shape)

        return Piece(*(lambda x, j=j: component(j, x) for j in range(3)))

    def uncertainty(self, x: FloatArray) -> FloatArray:
        """Bounds on the absolute errors, shape (3, n).

        In double precision 4 max(eps (|phi(x)| + m), r (|phi(x)| + M)), with m the largest sample of the two next
        lower octaves, M that of all lower ones and r the largest error at the samples of this octave in the latter
        measure; likewise phi', phi''. At knots 4 eps |phi|.
        """
        x = np.asarray(x, dtype=float)
        if not self._knots.size:
            return self._recent(0, x.tobytes())[1].copy()
        index = np.searchsorted(self._knots, x, side="right")
        out = np.empty((3, x.size))
        for i in np.unique(index):
            here = index == i
            out[:, here] = self._recent(int(i), x[here].tobytes())[1]
        return out

    def _evaluate(self, i: int, data: bytes) -> tuple[FloatArray, FloatArray]:
        """(phi, phi', phi'') of piece i, and bounds on their absolute errors: both (3, n)."""
        x = np.frombuffer(data)
        values = self._programs[i].fast(x)
        cells = _cells(x)
        slow = ~np.isfinite(values).all(axis=0) | (x < self._bounds[i]) | (x > self._bounds[i + 1])
        slow |= self._in_zone(x)
        at_end = np.isin(x, list(self._ends[i]))
        checked = self._checked[i]
        new = np.isnan(checked.errors[cells, 0]) & ~slow & ~at_end
        if new.any():
            checked = self._with(i, np.unique(cells[new]).tolist())
        errors, below, near = checked.errors[cells].T, checked.below[cells].T, checked.near[cells].T
        slow = (slow | ~np.isfinite(errors[0])) & ~at_end
        paired = checked.paired[cells] & ~slow & ~at_end
        if paired.any():
            values[:, paired] = self._programs[i].paired(x[paired])
            slow |= paired & ~np.isfinite(values).all(axis=0)
        with np.errstate(invalid="ignore"):
            size = np.abs(values)
            bounds = 4.0 * np.maximum(EPS * (size + near), errors * (size + below))
        if slow.any():
            values[:, slow], bounds[:, slow] = self._careful[i](x[slow])
        for knot, limits in self._ends[i].items():
            at = x == knot
            values[:, at] = np.array(limits)[:, None]
            bounds[:, at] = 4.0 * EPS * np.abs(values[:, at])
        return values, bounds

    def _in_zone(self, x: FloatArray) -> NDArray[np.bool_]:
        """Whether x is close to a removable singularity."""
        if self._zones.size == 2:
            return np.zeros(x.shape, dtype=bool)
        above = np.clip(np.searchsorted(self._zones, x), 1, self._zones.size - 1)
        return np.asarray(
            (self._zones[above] - x < self._radii[above]) | (x - self._zones[above - 1] < self._radii[above - 1])
        )

    def _with(self, i: int, cells: list[int]) -> _Checked:
        """What is known of piece i, these cells among it."""
        with self._lock:
            before = self._checked[i]
            known = _Checked(before.errors.copy(), before.below.copy(), before.near.copy(), before.paired.copy())
            for cell in cells:
                if np.isnan(known.errors[cell, 0]):
                    found = self._certified(i, cell)
                    known.errors[cell], known.below[cell], known.near[cell], known.paired[cell] = found
            self._checked[i] = known
            return known

    def _certified(self, i: int, cell: int) -> tuple[FloatArray, FloatArray, FloatArray, bool]:
        """The four facts of a cell."""
        sign, k = (-1 if cell % 2 else 1), cell // 2 + _LOWEST
        below = self._maximum_below(k)
        near = np.max([np.zeros(3), *(self._octave_maximum(j) for j in (k - 1, k - 2) if j >= _LOWEST)], axis=0)
        xs = self._samples(i, sign, k)
        if not xs:
            return np.zeros(3), below, near, False
        exact = np.array([self._careful[i].at(x) for x in xs]).T
        scale = np.maximum(below, self._octave_maximum(k))
        measure = np.abs(exact) + below[:, None]
        nothing = ~exact.any(axis=1)  # what cancels completely may by chance do so in double precision, too
        # The lowest cell reaches down to 0, where more than what pairs hold may cancel: interpolants are better there.
        ways = (self._programs[i].fast, self._programs[i].paired)[: 1 if k == _LOWEST else 2]
        for paired, way in enumerate(ways):
            with np.errstate(all="ignore"):
                errors = np.abs(way(np.array(xs)) - exact)
                good = np.all(errors <= _TOLERANCE * scale[:, None])
            if good and not (nothing.any() and way(np.linspace(xs[0], xs[-1], _CHANCES))[nothing].any()):
                with np.errstate(all="ignore"):
                    return np.where(errors > 0.0, errors / measure, 0.0).max(axis=1), below, near, bool(paired)
        return np.full(3, np.inf), below, near, False

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
                values += [np.abs(self._careful[i].at(x)) for x in self._samples(i, sign, k)]
        return np.asarray(np.max(values, axis=0))


def _cells(x: FloatArray) -> NDArray[np.intp]:
    """One number for each octave and sign."""
    return (octave(x, _LOWEST, _HIGHEST) - _LOWEST) * 2 + (x < 0.0)
