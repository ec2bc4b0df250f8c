r"""Numbers of pairs that are close, without cancellation: e^p (gain - loss), e = 1 - c of the inputs.

Half squared distances are of this kind with p = 1, covariances and products of tangents with p = 0. The gain is what
is left at e = 0, the loss what goes with the distance, to full relative precision: on the edge of chaos a block makes
e (1 - loss) of e, and what is lost in a layer is all that is of interest. Sums and products follow from

.. math:: (g - l) (g' - l') = g g' - (g l' + l (g' - l')),

so that the formulas of the ops serve these numbers too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eoc.floats import EPS, FloatArray
from eoc.layers.bounded import Bounded, exact

__all__ = ["Close", "close"]


@dataclass(frozen=True, eq=False)
class Close(Bounded):
    """A :class:`Bounded` of N pairs that knows what it is made of.

    Attributes
    ----------
    e
        1 - c of the inputs, (N,).
    power
        0 or 1.
    gain, loss
        (N,) each, or of a shape that goes with it.
    """

    e: FloatArray
    power: int
    gain: Bounded
    loss: Bounded

    def __mul__(self, other: Bounded | float) -> Close:
        if not isinstance(other, Close):
            return close(self.e, self.power, self.gain * other, self.loss * other)
        lost = self.gain * other.loss + self.loss * (other.gain - other.loss)
        return close(self.e, self.power + other.power, self.gain * other.gain, lost)

    __rmul__ = __mul__

    def __add__(self, other: Bounded | float) -> Bounded:
        if isinstance(other, Close) and other.power == self.power:
            return close(self.e, self.power, self.gain + other.gain, self.loss + other.loss)
        if self.power == 0 and not isinstance(other, Close):
            return close(self.e, 0, self.gain + other, self.loss)
        if np.any(other.value if isinstance(other, Bounded) else other):  # of noise: nothing is left of the expansion
            return Bounded(self.value, self.error) + other
        return self

    __radd__ = __add__

    def __sub__(self, other: Bounded | float) -> Bounded:
        return self + other * -1.0

    def __rsub__(self, other: Bounded | float) -> Close:
        whole = other if isinstance(other, Bounded) else exact(other)
        return close(self.e, 0, whole, Bounded(self.value, self.error))

    def __truediv__(self, other: Bounded) -> Close:
        return close(self.e, self.power, self.gain / other, self.loss / other)


def close(e: FloatArray, power: int, gain: Bounded, loss: Bounded) -> Close:
    """e^power (gain - loss)."""
    factor, whole = e**power, gain - loss
    value = factor * whole.value
    return Close(value, factor * whole.error + power * EPS * np.abs(value), e, power, gain, loss)
