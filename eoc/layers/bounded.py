"""Arrays with bounds on their absolute errors, which follow through ``+``, ``-``, ``*``, ``/`` and square roots.

So the formula of an op is written as it stands in a paper, and its error comes with it. Bounds are of first order in
the errors, with the products of two errors added, and count one rounding for every operation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from eoc.floats import EPS, FloatArray, IntArray

__all__ = ["Bounded", "exact"]


@dataclass(frozen=True)
class Bounded:
    """Values and bounds on their absolute errors, arrays of one shape.

    Examples
    --------
    >>> x = Bounded(np.array([2.0]), np.array([1e-15]))
    >>> (x * x).value.tolist(), bool((x * x).error[0] < 5e-15)
    ([4.0], True)
    """

    value: FloatArray
    error: FloatArray

    @property
    def is_exact(self) -> bool:
        """Whether there is no error."""
        return self.error.item() == 0.0 if self.error.size == 1 else not self.error.any()

    def __getitem__(self, index: IntArray) -> Bounded:
        return Bounded(self.value[index], self.error[index])

    def __add__(self, other: Bounded | float) -> Bounded:
        if isinstance(other, float):  # the usual case, and a third of the work
            value = self.value + other
            return Bounded(value, self.error + EPS * np.abs(value))
        other = _bounded(other)
        with np.errstate(invalid="ignore", over="ignore"):
            return _rounded(self.value + other.value, self.error + other.error)

    def __sub__(self, other: Bounded | float) -> Bounded:
        other = _bounded(other)
        with np.errstate(invalid="ignore", over="ignore"):
            return _rounded(self.value - other.value, self.error + other.error)

    def __mul__(self, other: Bounded | float) -> Bounded:
        if isinstance(other, float) and other != 0.0:
            if self.value.size == 1 == self.error.size:  # of one number, which warns of nothing
                one = self.value.item() * other
                error = self.error.item() * abs(other) + EPS * abs(one)
                return Bounded(np.full(self.value.shape, one), np.full(self.error.shape, error))
            with np.errstate(over="ignore"):
                value = self.value * other
                return Bounded(value, self.error * abs(other) + EPS * np.abs(value))
        other = _bounded(other)
        with np.errstate(invalid="ignore", over="ignore"):  # an error without bound times 0 is without bound
            size = np.abs(self.value) * other.error + np.abs(other.value) * self.error + self.error * other.error
            value = self.value * other.value
        return _rounded(value, size)

    def __truediv__(self, other: Bounded) -> Bounded:
        with np.errstate(divide="ignore", invalid="ignore"):
            value = self.value / other.value
            least = np.abs(other.value) - other.error
            error = np.where(least > 0.0, (self.error + np.abs(value) * other.error) / least, np.inf)
        return _rounded(value, error)

    __radd__ = __add__
    __rmul__ = __mul__

    def root(self) -> Bounded:
        """The square root of what is >= 0."""
        value = np.sqrt(np.maximum(self.value, 0.0))
        with np.errstate(divide="ignore", invalid="ignore"):
            near = np.minimum(self.error / value, np.sqrt(self.error))  # |sqrt(a) - sqrt(b)| <= sqrt(|a - b|)
        return _rounded(value, np.where(value > 0.0, near, np.sqrt(self.error)))


def exact(value: ArrayLike) -> Bounded:
    """Values that are meant as they stand."""
    array = np.asarray(value, dtype=float)
    return Bounded(array, np.zeros(array.shape))


def _bounded(other: Bounded | float) -> Bounded:
    return other if isinstance(other, Bounded) else exact(other)


def _rounded(value: FloatArray, error: FloatArray) -> Bounded:
    total = EPS * np.abs(value) + error
    if np.isnan(total.sum()):
        total = np.where(np.isnan(total), np.inf, total)
    return Bounded(np.asarray(value), total)
