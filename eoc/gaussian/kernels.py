"""The jitted core: Gaussian integrals of tabulated functions, and polynomials. Plain arrays in, plain arrays out.

Compiled once for all activations, because the kernel never calls an activation: it sees only values at nodes.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from eoc.gaussian._jit import jit

__all__ = [
    "TERMS",
    "MapTerms",
    "apply_map",
    "average_series",
    "evaluate",
    "evaluate_series",
    "integrate",
    "integrate_lines",
    "iterate_map",
]

FloatArray = NDArray[np.float64]

TERMS = 14  # of the polynomials: even, and a constant, so that the compiler unrolls the loop

_LOG2E = 1.4426950408889634
_LN2_HIGH = 6.93147180369123816490e-01  # ln 2 split in two, so that k ln 2 is exact for |k| < 2^21
_LN2_LOW = 1.90821492927058770002e-10
_INV_SQRT_2PI = 0.3989422804014327
_EXPONENT_MIN = -708.0  # exp(-708) = 3e-308 is still a normal double
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
    """Weights * exp(factor * x_squared) for at most _BLOCK nodes, in the scratch arrays; ``power`` views ``bits``.

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
    """
    mantissa = np.empty(_BLOCK)
    bits = np.empty(_BLOCK, np.int64)
    power = bits.view(np.float64)
    for i in range(q.size):
        density = _INV_SQRT_2PI / math.sqrt(q[i])
        for row in range(values.shape[0]):
            out[i, row] = 0.0
        for start in range(0, x_squared.size, _BLOCK):
            end = start + _BLOCK
            u = _gaussian(-0.5 / q[i], x_squared[start:end], weights[start:end], mantissa, bits, power)
            for row in range(values.shape[0]):
                g = values[row, start:end]
                total = 0.0
                for j in range(g.size):
                    total += u[j] * g[j]
                out[i, row] += density * total


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


@jit
def average_series(
    p: FloatArray, edges: FloatArray, series: FloatArray, nodes: FloatArray, weights: FloatArray, out: FloatArray
) -> None:
    """E[g_i(sqrt(p_i) Z)] of functions that are Legendre series on panels, and zero beyond them.

    Parameters
    ----------
    p : (Q,)
        Variances > 0, as small as you like.
    edges : (T + 1,)
        Ends of the panels.
    series : (Q, T, N)
        Legendre coefficients of each function on each panel.
    nodes, weights : (N,)
        A Gauss-Legendre rule on [-1, 1].
    out : (Q,)
        Overwritten.

    Notes
    -----
    Every panel is cut where the Gaussian changes, at multiples of its width from 0 to 40.
    """
    cuts = np.array([-40.0, -20.0, -10.0, -4.0, -2.0, -1.0, 0.0, 1.0, 2.0, 4.0, 10.0, 20.0, 40.0])
    for i in range(p.size):
        s = math.sqrt(p[i])
        total = 0.0
        for panel in range(edges.size - 1):
            low, high = edges[panel], edges[panel + 1]
            c = series[i, panel]
            start = low
            for cut in cuts:
                end = min(max(cut * s, low), high)
                if end <= start or cut == -40.0:
                    start = max(start, end)
                    continue
                half = 0.5 * (end - start)
                for m in range(nodes.size):
                    t = start + half * (1.0 + nodes[m])
                    x = (2.0 * t - low - high) / (high - low)
                    before, now = 0.0, 0.0  # Clenshaw's recurrence for Legendre polynomials
                    for k in range(c.size - 1, 0, -1):
                        now, before = c[k] + (2.0 * k + 1.0) / (k + 1.0) * x * now - (k + 1.0) / (k + 2.0) * before, now
                    value = c[0] + x * now - 0.5 * before
                    total += half * weights[m] * value * math.exp(-0.5 * (t / s) ** 2)
                start = end
        out[i] = total * _INV_SQRT_2PI / s


@jit
def _clenshaw(x: float, c: FloatArray) -> float:
    """The Chebyshev series c[0] + c[1] T_1(x) + ..., an even number of terms, at x in [-1, 1].

    Even and odd terms are summed apart, both in T_2(x): two chains of operations of half the length.
    """
    twice = 2.0 * (2.0 * x * x - 1.0)
    even, even_before, odd, odd_before = 0.0, 0.0, 0.0, 0.0
    for k in range(c.size // 2 - 1, 0, -1):
        even, even_before = c[2 * k] + twice * even - even_before, even
        odd, odd_before = c[2 * k + 1] + twice * odd - odd_before, odd
    return c[0] + 0.5 * twice * even - even_before + x * (c[1] + (twice - 1.0) * odd - odd_before)


@jit
def _at(theta: float, ends: FloatArray, coefficients: FloatArray) -> float:
    """A piecewise Chebyshev series at theta in [ends[0], ends[-1]]."""
    i = 0
    while i < ends.size - 2 and theta > ends[i + 1]:
        i += 1
    low, high = ends[i], ends[i + 1]
    return _clenshaw((2.0 * theta - low - high) / (high - low), coefficients[i])


@jit
def evaluate_series(theta: FloatArray, ends: FloatArray, coefficients: FloatArray, out: FloatArray) -> None:
    """A piecewise Chebyshev series at many angles.

    Parameters
    ----------
    theta : (n,)
        In [ends[0], ends[-1]].
    ends : (I + 1,)
        Ends of the intervals.
    coefficients : (I, N)
        N even.
    out : (n,)
        Overwritten.
    """
    for i in range(theta.size):
        out[i] = _at(theta[i], ends, coefficients)


class MapTerms(NamedTuple):
    r"""The correlation map in the form that never subtracts from 1, with e = 1 - c and y = sqrt(2 e) = 2 sin(theta/2).

    .. math:: 1 - f = \text{linear} \cdot e + y^p \, (S_1(\theta) + y S_2(\theta))

    Attributes
    ----------
    mirror, offset
        0: the series hold on all of [0, pi]. 1 or -1 (an even or an odd phi): they end at pi/2, and beyond it
        1 - f(e) = offset + mirror (1 - f(2 - e)).
    linear, power
        As in the formula; the power p is 1 or 3.
    ends_1, series_1, ends_2, series_2
        Two piecewise Chebyshev series in theta, see ``evaluate_series``.
    """

    mirror: int
    offset: float
    linear: float
    power: int
    ends_1: FloatArray
    series_1: FloatArray
    ends_2: FloatArray
    series_2: FloatArray


@jit
def _near(e: float, m: MapTerms) -> float:
    """1 - f where the series hold."""
    y = math.sqrt(2.0 * e)
    theta = 2.0 * math.asin(min(0.5 * y, 1.0))
    rest = _at(theta, m.ends_1, m.series_1) + y * _at(theta, m.ends_2, m.series_2)
    return m.linear * e + (y if m.power == 1 else 2.0 * e * y) * rest


@jit
def _step(e: float, m: MapTerms) -> float:
    """1 - f for e in [0, 2]."""
    if m.mirror == 0 or e <= 1.0:
        return _near(e, m)
    return m.offset + m.mirror * _near(2.0 - e, m)


@jit
def apply_map(e: FloatArray, terms: MapTerms, out: FloatArray) -> None:
    """1 - f(1 - e) at many e in [0, 2], (n,), into ``out``."""
    for i in range(e.size):
        out[i] = _step(e[i], terms)


@jit
def iterate_map(
    e: float, terms: MapTerms, errors: FloatArray, depths: NDArray[np.int64], out: FloatArray, error_out: FloatArray
) -> None:
    """1 - c after given numbers of layers, by single steps, with bounds on the relative errors.

    Parameters
    ----------
    e
        1 - c of the inputs, in [0, 2].
    terms
        The map.
    errors : (4,)
        Relative rounding of a step, and absolute errors of linear, S_1 and S_2.
    depths : (D,)
        Increasing, >= 0.
    out, error_out : (D,)
        Overwritten: 1 - c and the bound on its relative error.

    Notes
    -----
    A relative error is carried from e to e' = 1 - f by a factor f' e / e' <= 1: f is convex on [0, 1], so f' is at most
    the slope e'/e of the chord from c to 1. For c < 0, |f'(c)| <= f'(|c|).
    """
    bound = 0.0
    layer = 0
    for i in range(depths.size):
        while layer < depths[i] and e > 0.0:
            y = math.sqrt(2.0 * e)
            new = max(_step(e, terms), 0.0)
            fresh = (
                errors[0] * new
                + errors[1] * e
                + y * (1.0 if terms.power == 1 else 2.0 * e) * (errors[2] + y * errors[3])
            )
            if e > 1.0 and e < 2.0:
                bound *= _step(2.0 - e, terms) / (2.0 - e) * e / new
            bound = bound + fresh / new if new > 0.0 else 0.0
            e = new
            layer += 1
        out[i] = e
        error_out[i] = bound
