"""Chebyshev nodes, and the matrix from values there to coefficients."""

from __future__ import annotations

import numpy as np

from eoc.floats import FloatArray

__all__ = ["chebyshev_nodes", "to_chebyshev"]


def chebyshev_nodes(n: int) -> FloatArray:
    """The zeros of T_n in (-1, 1), increasing.

    Examples
    --------
    >>> chebyshev_nodes(2).round(6).tolist()
    [-0.707107, 0.707107]
    """
    return np.asarray(-np.cos((np.arange(n) + 0.5) * (np.pi / n)))


def to_chebyshev(n: int) -> FloatArray:
    """The matrix (n, n) that takes values at :func:`chebyshev_nodes` to the coefficients of T_0, ..., T_{n-1}.

    Examples
    --------
    >>> (to_chebyshev(3) @ (1.0 + 2.0 * chebyshev_nodes(3))).round(12).tolist()
    [1.0, 2.0, 0.0]
    """
    k, j = np.arange(n)[:, None], 2 * np.arange(n)[::-1] + 1
    # Reducing k j modulo the period first keeps the cosines right to the last digit.
    return np.asarray(np.cos((k * j) % (4 * n) * (np.pi / (2 * n))) * np.where(k == 0, 1.0, 2.0) / n)
