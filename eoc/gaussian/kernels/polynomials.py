"""Piecewise polynomials with error bounds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from eoc.floats import FloatArray
from eoc.gaussian._jit import exactly
from eoc.gaussian.kernels.plain import TERMS

__all__ = ["evaluate"]


@exactly
def evaluate(
    t: FloatArray,
    piece: NDArray[np.int64],
    rows: NDArray[np.int64],
    coefficients: FloatArray,
    relative: FloatArray,
    absolute: FloatArray,
    out: FloatArray,
    error: FloatArray,
) -> None:
    """Values of piecewise polynomials and the error bounds that go with them.

    Parameters
    ----------
    t, piece : (Q,)
        Where to evaluate: argument in [-1, 1] and which piece it lies in.
    rows : (R,)
        Which of the K functions.
    coefficients : (pieces, K, TERMS)
        Of 1, t, t^2, ..., t^(TERMS - 1).
    relative, absolute : (pieces, K)
        The error is at most relative |value| + absolute.
    out, error : (R, Q)
        Overwritten.
    """
    for r in range(rows.size):
        k = rows[r]
        for i in range(t.size):
            p = piece[i]
            c = coefficients[p, k]
            x = t[i]
            square = x * x
            even, odd = 0.0, 0.0  # two shorter chains of operations instead of one long one
            for n in range(TERMS // 2):
                even = even * square + c[TERMS - 2 - 2 * n]
                odd = odd * square + c[TERMS - 1 - 2 * n]
            value = even + x * odd
            out[r, i] = value
            error[r, i] = relative[p, k] * abs(value) + absolute[p, k]
