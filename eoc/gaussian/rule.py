"""The Gauss-Legendre rule that all panels share, and what it tells about a function on one of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.polynomial import legendre

from eoc.floats import FloatArray
from eoc.gaussian import kernels

__all__ = ["NODES", "NULL_RULES", "PROJECT", "UNIT_NODES", "UNIT_WEIGHTS", "VANDER", "WEIGHTS", "N", "nodes_of"]


N = kernels.NODES


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
