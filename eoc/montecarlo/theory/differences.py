"""Derivatives in the variance of Gaussian expectations, by differences."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from eoc.floats import FloatArray

__all__ = ["DIFFERENCE_ERROR", "derivatives"]


# E[g(sqrt(q) Z)] is analytic in log q for |Im log q| < pi/2, whatever g is, so that differences of fourth order with
# this relative step leave out about 1e-9; rounding adds as much to the second derivative.
_STEP = 5e-3
_FIRST = np.array([1.0, -8.0, 0.0, 8.0, -1.0]) / 12.0
_SECOND = np.array([-1.0, 16.0, -30.0, 16.0, -1.0]) / 12.0

#: What errors may be, in units of the largest value over q (first derivative) or q^2 (second).
DIFFERENCE_ERROR = 1e-7


def derivatives(expectation: Callable[[FloatArray], FloatArray], q: FloatArray) -> tuple[FloatArray, FloatArray]:
    """First and second derivative at q > 0, of the shape of q.

    Parameters
    ----------
    expectation
        Maps variances of any shape to E[g(sqrt(q) Z)].
    q
        Where.

    Examples
    --------
    >>> first, second = derivatives(lambda q: q**3, np.array([2.0]))
    >>> first.round(6).tolist(), second.round(6).tolist()
    ([12.0], [12.0])
    """
    around = expectation(np.multiply.outer(1.0 + _STEP * np.arange(-2.0, 3.0), q))
    return np.tensordot(_FIRST, around, 1) / (_STEP * q), np.tensordot(_SECOND, around, 1) / (_STEP * q) ** 2
