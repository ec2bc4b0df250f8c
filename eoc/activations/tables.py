"""What tables of functions share: the octaves 2^k <= |x| < 2^(k+1) that they have an entry for, and Chebyshev sums."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from eoc.floats import FloatArray

__all__ = [
    "clenshaw",
    "octave",
]


def octave(x: FloatArray, lowest: int, highest: int) -> NDArray[np.intp]:
    """Return k for each x, moved into [lowest, highest]; 0 belongs to the lowest.

    Examples
    --------
    >>> octave(np.array([0.0, -0.3, 1.0, 1e9]), -40, 25).tolist()
    [-40, -2, 0, 25]
    """
    exponent = np.where(x == 0.0, lowest, np.frexp(x)[1] - 1)
    return np.asarray(np.clip(exponent, lowest, highest), dtype=np.intp)


def clenshaw(c: FloatArray, t: FloatArray) -> FloatArray:
    """Sum Chebyshev series, one row of c (..., N) for each t (...)."""
    used = int(np.flatnonzero(c.any(axis=tuple(range(c.ndim - 1)))).max(initial=0)) + 1
    above, current = np.zeros_like(t), np.zeros_like(t)
    for k in range(used - 1, 0, -1):
        above, current = current, c[..., k] + 2.0 * t * current - above
    return np.asarray(c[..., 0] + t * current - above)
