r"""What is seen of pre-activations that are there as numbers.

For units u = h / |h| of two inputs, 1 - c = |u_a - u_b|^2 / 2. Rounding of h changes u by some 1e-16, so for close
inputs 1 - c has a relative error of some 1e-16 / sqrt(1 - c): 1e-10 at 1 - c = 1e-12, nothing is left of it at 1e-31.
"""

from __future__ import annotations

import numpy as np

from eoc.floats import FloatArray
from eoc.montecarlo.explicit.product import product
from eoc.montecarlo.layer import Layer

__all__ = ["observed"]

_CLOSE = 0.1  # 1 - c below which it is computed from differences


def observed(h: FloatArray, kernel: FloatArray) -> Layer:
    """Moments and correlations of finite pre-activations h (M, P, N), with the kernel (M, P) that they came from.

    An input whose pre-activations all vanish has no direction: its 1 - c is NaN.
    """
    squares = h * h
    return Layer(
        kernel=kernel,
        q=squares.mean(axis=-1),
        fourth=np.einsum("mpn,mpn->mp", squares, squares) / h.shape[-1],
        one_minus_c=np.stack([_one_minus_c(one) for one in h]),
    )


def _one_minus_c(h: FloatArray) -> FloatArray:
    """1 - c of all pairs of rows of (P, N)."""
    with np.errstate(invalid="ignore"):
        units = h / np.abs(h).max(axis=1, keepdims=True)  # squares of h itself may underflow
    units /= np.sqrt(np.einsum("pn,pn->p", units, units))[:, None]
    e = np.triu(1.0 - product(units, units.T), 1)
    close = np.triu(e < _CLOSE, 1)
    for a in np.flatnonzero(close.any(axis=1)):
        apart = units[close[a]] - units[a]
        e[a, close[a]] = 0.5 * np.einsum("bn,bn->b", apart, apart)
    return np.minimum(e + e.T, 2.0)
