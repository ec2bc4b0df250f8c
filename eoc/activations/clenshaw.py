"""Sums of Chebyshev series."""

from __future__ import annotations

import numpy as np

from eoc.floats import FloatArray

__all__ = ["clenshaw"]


def clenshaw(c: FloatArray, t: FloatArray) -> FloatArray:
    """Sum Chebyshev series, one row of c (..., N) for each t (...)."""
    used = int(np.flatnonzero(c.any(axis=tuple(range(c.ndim - 1)))).max(initial=0)) + 1
    above, current = np.zeros_like(t), np.zeros_like(t)
    for k in range(used - 1, 0, -1):
        above, current = current, c[..., k] + 2.0 * t * current - above
    return np.asarray(c[..., 0] + t * current - above)
