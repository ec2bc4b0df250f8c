"""Where functions are evaluated: Chebyshev nodes, and the Gauss-Legendre rule that all panels share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.polynomial import legendre

from eoc.floats import FloatArray
from eoc.gaussian import kernels

__all__ = [
    "NODES",
    "NULL_RULES",
    "PROJECT",
    "UNIT_NODES",
    "UNIT_WEIGHTS",
    "VANDER",
    "WEIGHTS",
    "N",
    "chebyshev_nodes",
    "nodes_of",
    "to_chebyshev",
]

N = kernels.NODES


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


def _gauss_legendre() -> tuple[FloatArray, FloatArray]:
    """Nodes and weights to the last digit where long double has more digits; NumPy's weights lose three at the ends."""
    x: Any = legendre.leggauss(N)[0].astype(np.longdouble)
    for _ in range(2):
        below, here = np.ones_like(x), x
        for k in range(2, N + 1):
            below, here = here, ((2 * k - 1) * x * here - (k - 1) * below) / k
        slope = N * (x * here - below) / (x**2 - 1)
        weights = 2 / ((1 - x**2) * slope**2)
        x = x - here / slope
    return x.astype(float), weights.astype(float)


NODES, WEIGHTS = _gauss_legendre()
#: The same on [0, 1].
UNIT_NODES, UNIT_WEIGHTS = 0.5 * (1.0 + NODES), 0.5 * WEIGHTS
#: The components of degree N-1 and N-2 of a function, in units of its integral (orthonormal Legendre).
NULL_RULES = [WEIGHTS * legendre.Legendre.basis(d)(NODES) * np.sqrt(2 * d + 1) for d in (N - 1, N - 2)]
VANDER = legendre.legvander(NODES, N - 1)
#: Values at the nodes -> Legendre coefficients.
PROJECT = (WEIGHTS[:, None] * VANDER) * (np.arange(N) + 0.5)


def nodes_of(a: FloatArray, b: FloatArray) -> FloatArray:
    """The nodes on the panels [a, b], shape (P, N)."""
    return 0.5 * (a + b)[:, None] + 0.5 * (b - a)[:, None] * NODES
