"""What Python runs as it stands for little work, and :mod:`eoc.gaussian.kernels.angle` compiles for much.

Both round every operation as it is written, so that the results are the same bits.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from eoc.floats import FloatArray, IntArray

__all__ = [
    "COEFFICIENTS",
    "NODES",
    "PAIR_COUNTS",
    "PAIR_TERMS",
    "TERMS",
    "HeatPanels",
    "MapTerms",
    "PairBoxes",
    "PairWork",
    "at",
    "clenshaw",
    "iterate_listed",
    "iterate_map",
    "series_at",
    "step",
]

COEFFICIENTS = 24  #: of each Chebyshev series; like the lengths below known when kernels are compiled, and even
NODES = 24  #: of a panel
PAIR_TERMS = (14, 16, 14)  #: of the series for pairs of variances: in log q_a, R and tau
PAIR_COUNTS = (4, 8)  #: of coefficients in tau, where fewer than all count
TERMS = 14  #: of the polynomials in the logarithm of the variance


def clenshaw(x: Any, c: Any) -> Any:
    """The Chebyshev series c[0] + c[1] T_1(x) + ... at x in [-1, 1], one or many of either.

    Even and odd terms are summed apart, both in T_2(x): two chains of operations of half the length.
    """
    twice = 2.0 * (2.0 * x * x - 1.0)
    even, even_before, odd, odd_before = 0.0, 0.0, 0.0, 0.0
    for k in range(COEFFICIENTS // 2 - 1, 0, -1):
        even, even_before = c[2 * k] + twice * even - even_before, even
        odd, odd_before = c[2 * k + 1] + twice * odd - odd_before, odd
    return c[0] + 0.5 * twice * even - even_before + x * (c[1] + (twice - 1.0) * odd - odd_before)


def at(x: float, ends: Any, series: Any) -> Any:
    """A piecewise series at x in [ends[0], ends[-1]]; zero if there are no intervals."""
    if len(series) == 0:
        return 0.0
    i = 0
    while i < len(series) - 1 and x > ends[i + 1]:
        i += 1
    low, high = ends[i], ends[i + 1]
    return clenshaw((2.0 * x - low - high) / (high - low), series[i])


def series_at(x: FloatArray, ends: FloatArray, series: FloatArray) -> FloatArray:
    """A piecewise series at many x, (n,): what the kernel ``evaluate_series`` does, by NumPy."""
    if len(series) == 0:
        return np.zeros(x.size)
    i = np.clip(np.searchsorted(ends, x) - 1, 0, len(series) - 1)
    low, high = ends[i], ends[i + 1]
    return np.asarray(clenshaw((2.0 * x - low - high) / (high - low), np.ascontiguousarray(series.T)[:, i]))


class HeatPanels(NamedTuple):
    """The heat extension of an activation on panels of all kinds; see :mod:`eoc.gaussian.heat`.

    Panels of a group lie in ascending order of w; group 0 is for s <= ``low``, group i for s up to low ratio^i.

    Attributes
    ----------
    low, ratio
        As said.
    first : (groups + 1,)
        Where the panels of a group begin.
    end : (P, 2)
        A panel ends at end[0] + s end[1].
    centre, half : (P, 2)
        And so are its centre and half of its width.
    most : (P,)
        The largest s for which it is good.
    argument : (P, 3)
        In [-1, 1] is the argument of the series in s: a + b s^power, or a + b log s with power 0.
    terms : (P,)
        How many terms in s count.
    series : (P, TERMS, 2, N)
        Of Phi and Phi'.
    error : (P, 2)
        Bounds on their absolute errors.
    """

    low: float
    ratio: float
    first: IntArray
    end: FloatArray
    centre: FloatArray
    half: FloatArray
    most: FloatArray
    argument: FloatArray
    terms: IntArray
    series: FloatArray
    error: FloatArray


class PairBoxes(NamedTuple):
    """Tables of expectations at pairs in boxes that a tree leads to; see :mod:`eoc.gaussian.pair_tables`.

    Attributes
    ----------
    roots : (6,)
        Where the trees of the three charts begin, for c >= 0 and for c < 0.
    tree : (T, 3)
        Whether R (0) or tau (1) decides, and where to go below and above; of a leaf -1, and its box or -1.
    at : (T,)
        What decides.
    spans : (B, 4)
        The least R and tau of a box, and the largest.
    starts, lengths : (B,)
        Where the series of a box begin, and how many coefficients they have.
    counts : (B, R)
        Of T_r(R): how many coefficients in tau count, the same for both functions.
    series : (Q, all of them)
        Of T_n(log q_a): for each box and each T_r(R) the coefficients in tau of both functions.
    errors : (B, 4)
        Bounds: that of the first function is errors[0] + errors[2] / max(R, errors[3]), of the second errors[1].
    """

    roots: IntArray
    tree: IntArray
    at: FloatArray
    spans: FloatArray
    starts: IntArray
    lengths: IntArray
    counts: IntArray
    series: FloatArray
    errors: FloatArray


class PairWork(NamedTuple):
    """Scratch arrays for the pairs of one larger variance."""

    r: FloatArray
    tau: FloatArray
    unit: FloatArray
    which: IntArray
    order: IntArray
    first: IntArray
    t: FloatArray
    b: FloatArray
    found: FloatArray


class MapTerms(NamedTuple):
    r"""The correlation map in a form that never subtracts from 1; e = 1 - c, and y = sqrt(2 e) = 2 sin(theta/2).

    For e <= 1

    .. math:: 1 - f = \text{linear} \cdot e + y^p \, (S_1(y) + y S_2(y)),

    and beyond 1 - f = S_3(sqrt(2 (2 - e))), or the reflection of the part with e <= 1 if phi is even or odd.

    Attributes
    ----------
    mirror, offset
        If mirror is not 0, 1 - f(e) = offset + mirror (1 - f(2 - e)) for e > 1.
    linear, power
        As in the formula; the power p is 0, 1 or 3: 0 where equal inputs do not stay equal.
    ends_1, series_1, ends_2, series_2, ends_3, series_3
        Piecewise Chebyshev series on [0, sqrt(2)], see ``evaluate_series``; without intervals for 0.
    """

    mirror: int
    offset: float
    linear: float
    power: int
    ends_1: FloatArray
    series_1: FloatArray
    ends_2: FloatArray
    series_2: FloatArray
    ends_3: FloatArray
    series_3: FloatArray


def leading(y: float, near: float, power: int) -> float:
    """y^p, p = 0, 1 or 3, with y^2 = 2 near."""
    return 1.0 if power == 0 else y if power == 1 else 2.0 * near * y


def step(e: float, m: MapTerms) -> Any:
    """1 - f for e in [0, 2]."""
    near = min(e, 2.0 - e)
    y = math.sqrt(2.0 * near)
    if m.mirror == 0 and e > 1.0:
        return at(y, m.ends_3, m.series_3)
    rest = at(y, m.ends_1, m.series_1) + y * at(y, m.ends_2, m.series_2)
    value = m.linear * near + leading(y, near, m.power) * rest
    return value if e <= 1.0 else m.offset + m.mirror * value


def iterate_map(
    e: float,
    bound: float,
    m: MapTerms,
    errors: Any,
    depths: Any,
    out: FloatArray,
    error_out: FloatArray,
) -> None:
    """1 - c after given numbers of layers, by single steps, with bounds on the relative errors.

    Parameters
    ----------
    e, bound
        1 - c of the inputs, in [0, 2], and a bound on its relative error.
    m
        The map.
    errors : (5,)
        Relative rounding of a step, and absolute errors of linear, S_1, S_2 and S_3.
    depths : (D,)
        Increasing, >= 0.
    out, error_out : (D,)
        Overwritten: 1 - c and the bound on its relative error.

    Notes
    -----
    An error is carried on by a factor f'. f is convex on [0, 1], so there f' is at most the slope of the chord from c
    to (1 + c)/2; and |f'(-c)| <= f'(c).
    """
    layer = 0
    for i in range(len(depths)):
        while layer < depths[i] and (e > 0.0 or m.power == 0):
            near = min(e, 2.0 - e)
            y = math.sqrt(2.0 * near)
            new = min(max(step(e, m), 0.0), 2.0)
            fresh = errors[0] * new + errors[1] * near
            if m.mirror == 0 and e > 1.0:
                fresh = errors[0] * new + errors[4]
            else:
                fresh += leading(y, near, m.power) * (errors[2] + y * errors[3])
            here = new if e <= 1.0 else step(near, m)
            slope = 2.0 * (here - step(0.5 * near, m)) / near if near > 0.0 else m.linear
            bound = (bound * slope * e + fresh) / new if new > 0.0 else 0.0
            e = new
            layer += 1
        out[i] = e
        error_out[i] = bound


def iterate_listed(
    e: float,
    bound: float,
    m: MapTerms,
    errors: FloatArray,
    depths: IntArray,
    out: FloatArray,
    error_out: FloatArray,
) -> None:
    """``iterate_map`` where it is not compiled: Python is much faster with its own numbers than with NumPy's."""
    listed: Any = MapTerms._make(part.tolist() if isinstance(part, np.ndarray) else part for part in m)
    iterate_map(float(e), float(bound), listed, errors.tolist(), depths.tolist(), out, error_out)
