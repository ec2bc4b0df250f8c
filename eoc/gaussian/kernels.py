"""The jitted core: Gaussian integrals of tabulated functions, and polynomials. Plain arrays in, plain arrays out.

Compiled once for all activations, because the kernel never calls an activation: it sees only values at nodes.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from eoc.gaussian._jit import jit

__all__ = ["TERMS", "evaluate", "integrate"]

FloatArray = NDArray[np.float64]

TERMS = 14  # of the polynomials: even, and a constant, so that the compiler unrolls the loop

_LOG2E = 1.4426950408889634
_LN2_HIGH = 6.93147180369123816490e-01  # ln 2 split in two, so that k ln 2 is exact for |k| < 2^21
_LN2_LOW = 1.90821492927058770002e-10
_INV_SQRT_2PI = 0.3989422804014327
_EXPONENT_MIN = -708.0  # exp(-708) = 3e-308 is still a normal double
_BLOCK = 512  # nodes at a time: the scratch arrays stay in the first-level cache


@jit
def integrate(q: FloatArray, x_squared: FloatArray, weights: FloatArray, values: FloatArray, out: FloatArray) -> None:
    r"""Gaussian integrals of K tabulated integrands for Q variances.

    .. math:: out_{ik} = \sum_j w_j \, \frac{e^{-x_j^2 / 2 q_i}}{\sqrt{2 \pi q_i}} \, g_k(x_j)

    Parameters
    ----------
    q : (Q,)
        Variances > 0.
    x_squared, weights : (n,)
        Squared nodes and quadrature weights.
    values : (K, n)
        Integrands at the nodes.
    out : (Q, K)
        Overwritten.

    Notes
    -----
    exp(y) = 2^k e^r with |r| <= ln(2)/2: e^r by its Taylor polynomial of degree 13 (remainder 4e-18), 2^k by writing
    the exponent bits. Branch-free, so the loop vectorises; within 2 ulp for a given y.
    """
    n = x_squared.size
    mantissa = np.empty(_BLOCK)
    bits = np.empty(_BLOCK, np.int64)
    power = bits.view(np.float64)
    u = np.empty(_BLOCK)
    for i in range(q.size):
        minus_half_over_q = -0.5 / q[i]
        density = _INV_SQRT_2PI / math.sqrt(q[i])
        for row in range(values.shape[0]):
            out[i, row] = 0.0
        for start in range(0, n, _BLOCK):
            xx = x_squared[start : start + _BLOCK]
            w = weights[start : start + _BLOCK]
            for j in range(xx.size):
                y = xx[j] * minus_half_over_q
                k = np.floor(max(y, _EXPONENT_MIN) * _LOG2E + 0.5)
                r = (y - k * _LN2_HIGH) - k * _LN2_LOW
                e = r * (1.0 / 6227020800.0) + 1.0 / 479001600.0
                e = e * r + 1.0 / 39916800.0
                e = e * r + 1.0 / 3628800.0
                e = e * r + 1.0 / 362880.0
                e = e * r + 1.0 / 40320.0
                e = e * r + 1.0 / 5040.0
                e = e * r + 1.0 / 720.0
                e = e * r + 1.0 / 120.0
                e = e * r + 1.0 / 24.0
                e = e * r + 1.0 / 6.0
                e = e * r + 0.5
                e = e * r + 1.0
                mantissa[j] = (e * r + 1.0) * w[j] if y > _EXPONENT_MIN else 0.0
                bits[j] = (np.int64(k) + 1023) << 52
            for j in range(xx.size):
                u[j] = mantissa[j] * power[j]
            for row in range(values.shape[0]):
                g = values[row, start : start + _BLOCK]
                total = 0.0
                for j in range(g.size):
                    total += u[j] * g[j]
                out[i, row] += density * total


@jit
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
