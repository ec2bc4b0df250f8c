"""Piecewise Chebyshev series, and the correlation map made of them."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from eoc.gaussian._jit import inlined, jit
from eoc.gaussian.kernels.sizes import COEFFICIENTS

__all__ = ["MapTerms", "apply_map", "clenshaw", "evaluate_series", "iterate_map"]

FloatArray = NDArray[np.float64]
IndexArray = NDArray[np.int64]

_BLOCK = 512  # arguments at a time: the scratch arrays stay in the first-level cache


@inlined
def clenshaw(x: float, c: FloatArray) -> float:
    """The Chebyshev series c[0] + c[1] T_1(x) + ... at x in [-1, 1].

    Even and odd terms are summed apart, both in T_2(x): two chains of operations of half the length.
    """
    twice = 2.0 * (2.0 * x * x - 1.0)
    even, even_before, odd, odd_before = 0.0, 0.0, 0.0, 0.0
    for k in range(COEFFICIENTS // 2 - 1, 0, -1):
        even, even_before = c[2 * k] + twice * even - even_before, even
        odd, odd_before = c[2 * k + 1] + twice * odd - odd_before, odd
    return c[0] + 0.5 * twice * even - even_before + x * (c[1] + (twice - 1.0) * odd - odd_before)


@inlined
def _at(x: float, ends: FloatArray, series: FloatArray) -> float:
    """A piecewise series at x in [ends[0], ends[-1]]; zero if there are no intervals."""
    if series.shape[0] == 0:
        return 0.0
    i = 0
    while i < series.shape[0] - 1 and x > ends[i + 1]:
        i += 1
    low, high = ends[i], ends[i + 1]
    return clenshaw((2.0 * x - low - high) / (high - low), series[i])


@jit
def _at_many(
    x: FloatArray, ends: FloatArray, series: FloatArray, out: FloatArray, scratch: FloatArray, where: IndexArray
) -> None:
    """A piecewise series at no more than _BLOCK arguments: interval by interval, so that each loop vectorises."""
    last = series.shape[0] - 1
    if last < 0:
        out[: x.size] = 0.0
    elif last == 0:
        low, high, c = ends[0], ends[1], series[0]
        for j in range(x.size):
            out[j] = clenshaw((2.0 * x[j] - low - high) / (high - low), c)
        return
    for i in range(last + 1):
        low, high = ends[i], ends[i + 1]
        count = 0
        for j in range(x.size):
            where[count] = j
            count += (i == 0 or x[j] > low) and (i == last or x[j] <= high)
        for j in range(count):
            scratch[j] = (2.0 * x[where[j]] - low - high) / (high - low)
        c = series[i]
        for j in range(count):
            scratch[j] = clenshaw(scratch[j], c)
        for j in range(count):
            out[where[j]] = scratch[j]


@jit
def evaluate_series(x: FloatArray, ends: FloatArray, series: FloatArray, out: FloatArray) -> None:
    """A piecewise Chebyshev series at many arguments.

    Parameters
    ----------
    x : (n,)
        In [ends[0], ends[-1]].
    ends : (I + 1,)
        Ends of the intervals.
    series : (I, COEFFICIENTS)
        Of T_0, T_1, ... on each of them.
    out : (n,)
        Overwritten.
    """
    scratch, where = np.empty(_BLOCK), np.empty(_BLOCK + 1, np.int64)
    for start in range(0, x.size, _BLOCK):
        _at_many(x[start : start + _BLOCK], ends, series, out[start : start + _BLOCK], scratch, where)


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
        As in the formula; the power p is 1 or 3.
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


@inlined
def _step(e: float, m: MapTerms) -> float:
    """1 - f for e in [0, 2]."""
    near = min(e, 2.0 - e)
    y = math.sqrt(2.0 * near)
    if m.mirror == 0 and e > 1.0:
        return _at(y, m.ends_3, m.series_3)
    rest = _at(y, m.ends_1, m.series_1) + y * _at(y, m.ends_2, m.series_2)
    value = m.linear * near + (y if m.power == 1 else 2.0 * near * y) * rest
    return value if e <= 1.0 else m.offset + m.mirror * value


@jit
def apply_map(e: FloatArray, m: MapTerms, out: FloatArray) -> None:
    """1 - f(1 - e) at many e in [0, 2], (n,), into ``out``."""
    y, one, two = np.empty(_BLOCK), np.empty(_BLOCK), np.empty(_BLOCK)
    scratch, where = np.empty(_BLOCK), np.empty(_BLOCK + 1, np.int64)
    far = np.empty(_BLOCK + 1, np.int64)
    for start in range(0, e.size, _BLOCK):
        block, result = e[start : start + _BLOCK], out[start : start + _BLOCK]
        n = block.size
        for j in range(n):
            y[j] = math.sqrt(2.0 * min(block[j], 2.0 - block[j]))
        _at_many(y[:n], m.ends_1, m.series_1, one, scratch, where)
        _at_many(y[:n], m.ends_2, m.series_2, two, scratch, where)
        for j in range(n):
            near = min(block[j], 2.0 - block[j])
            value = m.linear * near + (y[j] if m.power == 1 else 2.0 * near * y[j]) * (one[j] + y[j] * two[j])
            result[j] = value if block[j] <= 1.0 else m.offset + m.mirror * value
        if m.mirror == 0:
            count = 0
            for j in range(n):
                far[count] = j
                count += block[j] > 1.0
            for j in range(count):
                one[j] = y[far[j]]
            _at_many(one[:count], m.ends_3, m.series_3, two, scratch, where)
            for j in range(count):
                result[far[j]] = two[j]


@jit
def iterate_map(
    e: float,
    bound: float,
    m: MapTerms,
    errors: FloatArray,
    depths: IndexArray,
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
    for i in range(depths.size):
        while layer < depths[i] and e > 0.0:
            near = min(e, 2.0 - e)
            y = math.sqrt(2.0 * near)
            new = max(_step(e, m), 0.0)
            fresh = errors[0] * new + errors[1] * near
            if m.mirror == 0 and e > 1.0:
                fresh = errors[0] * new + errors[4]
            else:
                fresh += (y if m.power == 1 else 2.0 * near * y) * (errors[2] + y * errors[3])
            here = new if e <= 1.0 else _step(near, m)
            slope = 2.0 * (here - _step(0.5 * near, m)) / near if near > 0.0 else m.linear
            bound = (bound * slope * e + fresh) / new if new > 0.0 else 0.0
            e = new
            layer += 1
        out[i] = e
        error_out[i] = bound
