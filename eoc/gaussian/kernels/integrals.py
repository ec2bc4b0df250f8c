"""Gaussian integrals of tabulated functions."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from eoc.gaussian._jit import inlined, jit
from eoc.gaussian.kernels.sizes import NODES

__all__ = ["average_series", "integrate_lines"]

FloatArray = NDArray[np.float64]

_LOG2E = 1.4426950408889634
_LN2_HIGH = 6.93147180369123816490e-01  # ln 2 split in two, so that k ln 2 is exact for |k| < 2^21
_LN2_LOW = 1.90821492927058770002e-10
_INV_SQRT_2PI = 0.3989422804014327
_EXPONENT_MIN = -708.0  # exp(-708) = 3e-308 is still a normal double
_K = np.arange(NODES)
_FORWARD, _BACK = (2.0 * _K + 1.0) / (_K + 1.0), (_K + 1.0) / (_K + 2.0)  # of Clenshaw's recurrence for Legendre series
_BLOCK = 512  # nodes at a time: the scratch arrays stay in the first-level cache


@jit
def _gaussian(
    factor: float,
    x_squared: FloatArray,
    weights: FloatArray,
    mantissa: FloatArray,
    bits: NDArray[np.int64],
    power: FloatArray,
) -> FloatArray:
    """The products weights * exp(factor * x_squared) of at most _BLOCK nodes, in scratch; ``power`` views ``bits``.

    exp(y) = 2^k e^r with |r| <= ln(2)/2: e^r by its Taylor polynomial of degree 13 (remainder 4e-18), 2^k by writing
    the exponent bits. Branch-free, so the loop vectorises; within 2 ulp for a given y.
    """
    for j in range(x_squared.size):
        y = x_squared[j] * factor
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
        mantissa[j] = (e * r + 1.0) * weights[j] if y > _EXPONENT_MIN else 0.0
        bits[j] = (np.int64(k) + 1023) << 52
    for j in range(x_squared.size):
        mantissa[j] *= power[j]
    return mantissa


@jit
def integrate_lines(
    q: FloatArray, x_squared: FloatArray, weights: FloatArray, ends: NDArray[np.int64], out: FloatArray
) -> None:
    r"""Gaussian integrals along J lines, each with nodes of its own, for Q variances.

    .. math:: out_{ij} = \sum_{n \in \text{line } j} w_n \, \frac{e^{-x_n^2 / 2 q_i}}{\sqrt{2 \pi q_i}}

    Parameters
    ----------
    q : (Q,)
        Variances > 0.
    x_squared, weights : (n,)
        Squared nodes, line after line, and quadrature weights times the integrand there.
    ends : (J,)
        Where the nodes of each line end.
    out : (Q, J)
        Overwritten.
    """
    mantissa = np.empty(_BLOCK)
    bits = np.empty(_BLOCK, np.int64)
    power = bits.view(np.float64)
    for i in range(q.size):
        density = _INV_SQRT_2PI / math.sqrt(q[i])
        start = 0
        for j in range(ends.size):
            total = 0.0
            while start < ends[j]:
                end = min(start + _BLOCK, ends[j])
                u = _gaussian(-0.5 / q[i], x_squared[start:end], weights[start:end], mantissa, bits, power)
                for n in range(end - start):
                    total += u[n]
                start = end
            out[i, j] = density * total


@jit
def average_series(
    x: FloatArray,
    p: FloatArray,
    edges: FloatArray,
    series: FloatArray,
    bounds: FloatArray,
    nodes: FloatArray,
    weights: FloatArray,
    out: FloatArray,
    error: FloatArray,
) -> None:
    """E[g(x_i, sqrt(p_i) Z)] of a function of a parameter x and of t that vanishes beyond its panels in t.

    Parameters
    ----------
    x : (Q,)
        Parameters in [-1, 1].
    p : (Q,)
        Variances > 0, as small as you like.
    edges : (T + 1,)
        Ends of the panels.
    series : (T, K, NODES)
        The function on each panel: Chebyshev series in x times Legendre series in t.
    bounds : (T,)
        Bounds on the errors of the function on each panel.
    nodes, weights : (NODES,)
        A Gauss-Legendre rule on [-1, 1].
    out, error : (Q,)
        Overwritten: the means, and bounds on their errors.

    Notes
    -----
    Every panel is cut where the Gaussian changes, at multiples of its width from 0 to 40.
    """
    cuts = np.array([-40.0, -20.0, -10.0, -4.0, -2.0, -1.0, 0.0, 1.0, 2.0, 4.0, 10.0, 20.0, 40.0])
    c, t, squared = np.empty(NODES), np.empty(NODES), np.empty(NODES)
    half_weights, mantissa = np.empty(NODES), np.empty(NODES)
    bits = np.empty(NODES, np.int64)
    power = bits.view(np.float64)
    for i in range(p.size):
        s = math.sqrt(p[i])
        total, bound = 0.0, 0.0
        for panel in range(edges.size - 1):
            low, high = edges[panel], edges[panel + 1]
            if low >= 40.0 * s or high <= -40.0 * s:
                continue
            _contract(x[i], series[panel], c)
            start = low
            for cut in cuts:
                end = min(max(cut * s, low), high)
                if end <= start or cut == -40.0:
                    start = max(start, end)
                    continue
                half = 0.5 * (end - start)
                for m in range(NODES):
                    node = start + half * (1.0 + nodes[m])
                    squared[m] = node * node
                    t[m] = (2.0 * node - low - high) / (high - low)
                    half_weights[m] = half * weights[m]
                density = _gaussian(-0.5 / p[i], squared, half_weights, mantissa, bits, power)
                for m in range(NODES):
                    total += density[m] * _legendre(t[m], c)
                    bound += density[m] * bounds[panel]
                start = end
        out[i] = total * _INV_SQRT_2PI / s
        error[i] = bound * _INV_SQRT_2PI / s


@inlined
def _legendre(t: float, c: FloatArray) -> float:
    """The Legendre series c[0] + c[1] P_1(t) + ... by Clenshaw's recurrence; the compiler unrolls it."""
    now, before = 0.0, 0.0
    for k in range(NODES - 1, 0, -1):
        now, before = c[k] + _FORWARD[k] * t * now - _BACK[k] * before, now
    return c[0] + t * now - 0.5 * before


@inlined
def _contract(x: float, series: FloatArray, out: FloatArray) -> None:
    """The sum of T_k(x) series[k], (K, NODES), into ``out``, (NODES,)."""
    here, before = x, 1.0
    for m in range(NODES):
        out[m] = series[0, m]
    for k in range(1, series.shape[0]):
        for m in range(NODES):
            out[m] += here * series[k, m]
        here, before = 2.0 * x * here - before, here
