"""Sums whose terms may cancel: in double precision, and on pairs of doubles where that would leave too few digits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from eoc.activations.base import Piece
from eoc.floats import EPS, FloatArray

__all__ = ["Pairs", "Summed"]

Pairs = tuple[tuple[float, float], ...]  #: numbers, each the sum of two doubles

_FEW = 1000.0  # roundings of the value that are no loss
_PAIRS = 1e-29  # relative rounding of sums of pairs of doubles, with room


@dataclass(frozen=True)
class Summed:
    """A smooth function and its two derivatives.

    Attributes
    ----------
    function
        Of the arithmetic (:mod:`eoc.activations.formula.doubles` or :mod:`eoc.activations.formula.pairs`), the order of
        the derivative and x.
    sizes
        Of the order and x: the sum of all terms in absolute value, each times the roundings that it goes through.
    negligible
        An absolute error that no expectation can see.
    """

    function: Callable[[Any, int, Any], Any]
    sizes: Callable[[int, FloatArray], FloatArray]
    negligible: float = 0.0

    @property
    def piece(self) -> Piece:
        """Phi, phi' and phi'' for all x."""
        return Piece(*(partial(self.derivative, order) for order in range(3)))

    def derivative(self, order: int, x: FloatArray) -> FloatArray:
        """Phi (order 0), phi' (1) or phi'' (2) at x of any shape."""
        return self._computed(order, np.asarray(x, dtype=float))[0]

    def error(self, order: int, x: FloatArray) -> FloatArray:
        """A bound on the absolute error of it, (n,)."""
        return self._computed(order, x)[1]

    def errors(self, x: FloatArray) -> FloatArray:
        """Bounds on the absolute errors of all three, (3, n)."""
        return np.stack([self.error(order, x) for order in range(3)])

    def _computed(self, order: int, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The values, and bounds on their errors."""
        from eoc.activations.formula.doubles import DOUBLES
        from eoc.activations.formula.pairs import PAIRS, Pair

        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            values, sizes = np.array(self.function(DOUBLES, order, x)), np.asarray(self.sizes(order, x))
            bounds = np.array(EPS * sizes)
            lost = np.isfinite(values) & (bounds > np.maximum(_FEW * EPS * np.abs(values), self.negligible))
            if lost.any():
                at = x[lost]
                found = self.function(PAIRS, order, Pair(at, np.zeros_like(at))).high
                found = np.where(np.abs(found) <= _PAIRS * sizes[lost], 0.0, found)  # as phi(0) = 0 is meant
                known = np.isfinite(found)
                values[lost] = np.where(known, found, values[lost])
                bounds[lost] = np.where(known, EPS * np.abs(found) + _PAIRS * sizes[lost], bounds[lost])
        return values, bounds
