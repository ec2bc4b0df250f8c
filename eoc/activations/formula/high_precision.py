"""One smooth piece of a formula by mpmath: point by point, or through interpolants of what mpmath says."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from eoc.activations.formula.interpolant import Interpolants
from eoc.activations.formula.multiprecision import to_float
from eoc.activations.formula.program import Program
from eoc.activations.formula.rules import OutOfReach, Undefined
from eoc.activations.formula.segments import Limits
from eoc.activations.tables import octave
from eoc.errors import NotPermissibleError
from eoc.floats import EPS, FloatArray
from eoc.sharing import Lock

__all__ = ["Careful"]

_CACHE = 200_000
_LOWEST, _HIGHEST = -1074, 1023  # the octaves that a double has
_NEAR = (0, -2, -5)  # octaves from which on all down to 0 are tried together
_UNKNOWN, _POINTWISE = -1, -2  # rows of cells that have no interpolant, yet or at all


class Careful:
    """(phi, phi', phi'') of the piece ``program`` between ``low`` and ``high``; ``name`` is for error messages.

    Threads may share it: what is new is computed under ``lock``.
    """

    def __init__(self, program: Program, low: float, high: float, name: str, lock: Lock) -> None:
        self._program, self._low, self._high, self._name = program, low, high, name
        self._known: dict[float, Limits] = {}
        self._interpolants = Interpolants()
        self._lock = lock
        self._rows = np.full((2, _HIGHEST - _LOWEST + 1), _UNKNOWN, dtype=np.intp)
        self._tried = [False, False]
        self._overflows = [math.inf, math.inf]  # for either sign, the smallest |x| at which phi was seen to overflow

    def at(self, x: float) -> Limits:
        """(phi, phi', phi'') at one point, correctly rounded or nearly so."""
        found = self._known.get(x)
        if found is None:
            with self._lock:
                found = self._computed(x)
                if len(self._known) > _CACHE:
                    self._known.clear()
                self._known[x] = found
        return found

    def _computed(self, x: float) -> Limits:
        if math.isnan(x):
            return (math.nan, math.nan, math.nan)
        try:
            a, b, c = map(to_float, self._program.exact(x))
        except OutOfReach:
            raise NotPermissibleError(f"{self._name} cannot be computed at x = {x!r}") from None
        except Undefined:
            raise NotPermissibleError(f"{self._name} is undefined at x = {x!r}") from None
        return a, b, c

    def __call__(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(phi, phi', phi'') at x (n,), and bounds on the absolute errors: both (3, n)."""
        rows = self._row_of_each(x)
        values, bounds = np.empty((3, x.size)), np.zeros((3, x.size))
        smooth = rows >= 0
        if smooth.any():
            values[:, smooth], bounds[:, smooth] = self._interpolants(rows[smooth], x[smooth])
        for j in np.flatnonzero(~smooth):
            values[:, j] = self._outside_at(float(x[j]))
        return values, np.maximum(bounds, 4.0 * EPS * np.abs(values))

    def _outside_at(self, x: float) -> Limits:
        """At one point; beyond where phi overflows it does not count what phi is, so mpmath is not asked again."""
        side = int(x < 0.0)
        if abs(x) >= self._overflows[side]:
            return math.inf, math.inf, math.inf
        found = self.at(x)
        if math.isinf(found[0]):
            self._overflows[side] = abs(x)
        return found

    def _row_of_each(self, x: FloatArray) -> NDArray[np.intp]:
        side, k = (x < 0.0).astype(np.intp), octave(x, _LOWEST, _HIGHEST)
        rows = self._rows[side, k - _LOWEST]
        alone = (x == 0.0) | ~np.isfinite(x) | (x < self._low) | (x > self._high)
        new = ~alone & (rows == _UNKNOWN)
        if new.any():
            for s, j in {*zip(side[new].tolist(), k[new].tolist(), strict=True)}:
                with self._lock:
                    if self._rows[s, j - _LOWEST] == _UNKNOWN:
                        self._fill(s, j)
            rows = self._rows[side, k - _LOWEST]
        return np.where(alone, _POINTWISE, rows)

    def _fill(self, s: int, k: int) -> None:
        """Interpolate on what belongs to the piece of an octave; for the first one near 0, down to 0 as well."""
        if k <= _NEAR[0] and not self._tried[s]:
            self._tried[s] = True
            self._fill_down_to_zero(s)
            if self._rows[s, k - _LOWEST] != _UNKNOWN:
                return
        near, far = _sign(s) * 2.0**k, _sign(s) * 2.0 ** min(k + 1, _HIGHEST)
        a, b = max(min(near, far), self._low), min(max(near, far), self._high)
        row = self._interpolated(a, b) if a < b else None
        self._rows[s, k - _LOWEST] = _POINTWISE if row is None else row

    def _fill_down_to_zero(self, s: int) -> None:
        """One interpolant for all octaves from some on: of several that are tried, always in the same order."""
        for k in _NEAR:
            far = _sign(s) * 2.0 ** (k + 1)
            if self._low <= min(far, 0.0) and max(far, 0.0) <= self._high:
                row = self._interpolated(0.0, far)
                if row is not None:
                    self._rows[s, : k - _LOWEST + 1] = row
                    return

    def _interpolated(self, a: float, b: float) -> int | None:
        try:
            return self._interpolants.add(self.at, a, b)
        except NotPermissibleError:
            return None  # of no concern unless such a point is asked for


def _sign(s: int) -> float:
    return -1.0 if s else 1.0
