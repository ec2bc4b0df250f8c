"""Chebyshev series in the angle, and the correlation map made of them."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from eoc.gaussian._jit import jit

__all__ = ["MapTerms", "apply_map", "evaluate_series", "iterate_map"]

FloatArray = NDArray[np.float64]


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
