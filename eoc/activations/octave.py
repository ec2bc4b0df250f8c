"""Octaves 2^k <= |x| < 2^(k+1): what is known about a function is known for each of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from eoc.floats import FloatArray

__all__ = ["octave"]


def octave(x: FloatArray, lowest: int, highest: int) -> NDArray[np.intp]:
    """Return k for each x, moved into [lowest, highest]; 0 belongs to the lowest.

    Examples
    --------
    >>> octave(np.array([0.0, -0.3, 1.0, 1e9]), -40, 25).tolist()
    [-40, -2, 0, 25]
    """
    exponent = np.where(x == 0.0, lowest, np.frexp(x)[1] - 1)
    return np.asarray(np.clip(exponent, lowest, highest), dtype=np.intp)
