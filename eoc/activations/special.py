"""Special functions without SciPy's, whose import takes as long as all else that a common question needs.

A few values are those of the C library, one by one; many are SciPy's, which is imported at its first use.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from eoc.floats import FloatArray

__all__ = ["erf", "erfc", "expit", "ndtr"]

_FEW = 4096  # values, for which Python needs less than a millisecond
_ROOT_HALF = math.sqrt(0.5)


def erf(x: FloatArray) -> FloatArray:
    """The error function.

    Examples
    --------
    >>> erf(np.array([0.0, 1.0])).round(6).tolist()
    [0.0, 0.842701]
    """
    if np.size(x) <= _FEW:
        return _one_by_one(math.erf, x)
    from scipy import special

    return special.erf(x)


def erfc(x: FloatArray) -> FloatArray:
    """1 - erf(x), to full relative precision."""
    if np.size(x) <= _FEW:
        return _one_by_one(math.erfc, x)
    from scipy import special

    return special.erfc(x)


def expit(x: FloatArray) -> FloatArray:
    """1 / (1 + exp(-x)), to full relative precision.

    Examples
    --------
    >>> expit(np.array([-745.0, 0.0, 800.0])).tolist()
    [5e-324, 0.5, 1.0]
    """
    small = np.exp(-np.abs(x))
    return np.asarray(np.where(np.signbit(x), small, 1.0) / (1.0 + small))


def ndtr(x: FloatArray) -> FloatArray:
    """The distribution function of the normal distribution.

    Examples
    --------
    >>> ndtr(np.array([0.0, 1.0])).round(6).tolist()
    [0.5, 0.841345]
    """
    if np.size(x) <= _FEW:
        return 0.5 * _one_by_one(math.erfc, -_ROOT_HALF * np.asarray(x))
    from scipy import special

    return special.ndtr(x)


def _one_by_one(function: Callable[[float], float], x: FloatArray) -> FloatArray:
    x = np.asarray(x, float)
    return np.fromiter(map(function, x.ravel().tolist()), float, x.size).reshape(x.shape)
