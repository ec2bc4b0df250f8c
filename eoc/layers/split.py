"""The part of a variance that is proportional to that of the input, and the rest: growth without cancellation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eoc.floats import EPS, FloatArray
from eoc.layers.bounded import Bounded, exact

__all__ = ["ROUNDING", "Split", "only_rest", "proportional"]

ROUNDING = 2.0 * EPS  #: relative, of the gain of one op
_BETTER = 0.25  # of the other bound: that of the parts is usually far larger than their error


@dataclass(frozen=True, eq=False)
class Split:
    """q = gain q_0 + rest in the variance q_0 of the input, so that q - q_0 = less q_0 + rest loses no digits.

    Attributes
    ----------
    gain, doubt
        gain >= 0, and a bound on its relative error, which is rounding: numbers, or arrays (P,).
    less, less_error
        gain - 1 with its own digits, and a bound on its absolute error.
    rest
        (P,), or 0.
    """

    gain: float | FloatArray
    doubt: float
    less: float | FloatArray
    less_error: float | FloatArray
    rest: Bounded | float

    def affine(self, weight: Bounded | float, bias: Bounded | float) -> Split:
        """That of weight q + bias."""
        rest = self.rest * weight + bias
        if isinstance(weight, float) and weight == 1.0:
            return Split(self.gain, self.doubt, self.less, self.less_error, rest)
        gain = self.gain * (weight if isinstance(weight, float) else weight.value)
        return proportional(gain, self.doubt + ROUNDING, rest)

    def growth(self, q: FloatArray, after: Bounded) -> Bounded:
        """The growth q' - q, from these parts or from q' itself, whichever knows more digits."""
        linear = self.less * q
        rest = self.rest if isinstance(self.rest, Bounded) else exact(self.rest)
        value, direct = linear + rest.value, after.value - q
        error = self.less_error * q + rest.error + EPS * (np.abs(linear) + np.abs(value))
        direct_error = after.error + EPS * np.abs(direct)
        better = direct_error < _BETTER * error
        return Bounded(np.where(better, direct, value), np.where(better, direct_error, error))


def proportional(gain: float | FloatArray, doubt: float, rest: Bounded | float) -> Split:
    """The split with a gain of this relative error."""
    return Split(gain, doubt, gain - 1.0, doubt * gain, rest)


def only_rest(q: Bounded) -> Split:
    """Where no part of q is known to be proportional to the variance of the input."""
    return Split(0.0, 0.0, -1.0, 0.0, q)
