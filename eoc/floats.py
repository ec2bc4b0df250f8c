"""Double precision numbers: arrays as annotations name them, the unit of rounding, and what a number may stand for."""

from __future__ import annotations

import math
import sys

import numpy as np
from numpy.typing import NDArray

__all__ = ["EPS", "FloatArray", "IntArray", "all_finite", "extremes", "simplest"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
EPS = sys.float_info.epsilon  #: 2^-52, the distance from 1 to the next number


def extremes(x: FloatArray) -> tuple[float, float]:
    """The smallest and the largest of an array that is not empty; of one number without the cost of two reductions.

    Examples
    --------
    >>> extremes(np.array([2.0])), extremes(np.array([2.0, 1.0]))
    ((2.0, 2.0), (1.0, 2.0))
    """
    if x.size == 1:
        one = x.item()
        return one, one
    return float(x.min()), float(x.max())


def all_finite(x: FloatArray) -> bool:
    """Whether no number of an array is infinite or NaN.

    Examples
    --------
    >>> all_finite(np.array([1.0])), all_finite(np.array([1.0, np.inf]))
    (True, False)
    """
    return math.isfinite(x.item()) if x.size == 1 else bool(np.isfinite(x).all())


def simplest(value: float, tolerance: float) -> float:
    """Return the short decimal or small fraction within ``tolerance`` of value, if that is no accident; else value."""
    if abs(value) <= tolerance:
        return 0.0
    for digits in range(17):
        if 2.0 * tolerance * 10.0**digits > 1e-3:
            break
        short = round(value, digits)
        if abs(short - value) <= tolerance:
            return short
    for denominator in range(3, 25):
        if 2.0 * tolerance * denominator**2 > 1e-3:
            break
        short = round(value * denominator) / denominator
        if abs(short - value) <= tolerance:
            return short
    return value
