"""Chebyshev series through the values at Chebyshev nodes."""

from __future__ import annotations

import numpy as np

from eoc.activations.base import FloatArray

__all__ = ["clenshaw", "nodes", "to_chebyshev"]


def nodes(n: int) -> FloatArray:
    """Return the n zeros of T_n."""
    return np.cos((2 * np.arange(n) + 1) * (np.pi / (2 * n)))


def to_chebyshev(n: int) -> FloatArray:
    """Return the matrix that takes values at the nodes to the n coefficients of their interpolant."""
    degrees, odd = np.arange(n)[:, None], 2 * np.arange(n) + 1
    # Reducing k (2 j + 1) modulo the period first keeps cos(k theta_j) right to some units of the last digit.
    return np.asarray(np.cos((degrees * odd) % (4 * n) * (np.pi / (2 * n))) * np.where(degrees == 0, 1.0, 2.0) / n)


def clenshaw(c: FloatArray, t: FloatArray) -> FloatArray:
    """Sum Chebyshev series, one row of c (..., N) for each t (...)."""
    used = int(np.flatnonzero(c.any(axis=tuple(range(c.ndim - 1)))).max(initial=0)) + 1
    above, current = np.zeros_like(t), np.zeros_like(t)
    for k in range(used - 1, 0, -1):
        above, current = current, c[..., k] + 2.0 * t * current - above
    return np.asarray(c[..., 0] + t * current - above)
