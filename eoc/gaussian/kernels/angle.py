"""Piecewise Chebyshev series, and the correlation map made of them."""

from __future__ import annotations

import math

import numpy as np

from eoc.floats import FloatArray, IntArray
from eoc.gaussian._jit import compilable, exactly, inlined, jit
from eoc.gaussian.kernels import plain

__all__ = ["apply_map", "clenshaw", "evaluate_series", "iterate_map"]


_BLOCK = 512  # arguments at a time: the scratch arrays stay in the first-level cache

compilable(plain.clenshaw, inline="always")
compilable(plain.at)
compilable(plain.leading, inline="always")
compilable(plain.step)

clenshaw = inlined(plain.clenshaw)
iterate_map = exactly(plain.iterate_map)


@inlined
def _at_many(
    x: FloatArray, ends: FloatArray, series: FloatArray, out: FloatArray, scratch: FloatArray, where: IntArray
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


@exactly
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


@jit
def apply_map(e: FloatArray, m: plain.MapTerms, out: FloatArray) -> None:
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
            value = m.linear * near + plain.leading(y[j], near, m.power) * (one[j] + y[j] * two[j])
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
