"""Chebyshev interpolants of exact values, one for each octave of x, so that repeated evaluation costs nothing.

On an octave [a, b] a function that behaves like x^m is interpolated as (x/b)^m times a series, with m found for phi,
phi' and phi'' each: so x - tanh(x) keeps its relative accuracy where it changes by a factor of eight.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from eoc.activations.tables import clenshaw
from eoc.floats import EPS, FloatArray

__all__ = ["Interpolants"]

_N = 24  # a singularity at 0, three half-widths from the middle of an octave, leaves 5.8^-24 = 5e-19
_PROBES = np.array([-0.9987, 0.4621, 0.9979])
_TOLERANCE = 1e-15  # of the largest value of the series
_SAFETY = 2.0  # between the probes the error may be larger than at them
_NEARER = 2.0 ** -np.array([3.0, 6.0, 12.0, 24.0, 41.0])  # more probes of what is to be good down to 0
_TINY = 2.0**-41
_LEVEL = 1.0 / 64.0
_WIDE = 1.5  # b/a from which on a power of x is split off
_HIGHEST_POWER = 64.0


def _cosine(m: NDArray[np.int_]) -> FloatArray:
    """Return cos(m pi / 2N), reduced to the first quadrant: exactly symmetric, so that a constant is one degree."""
    m = m % (4 * _N)
    m = np.minimum(m, 4 * _N - m)
    sign, m = np.where(m > _N, -1.0, 1.0), np.minimum(m, 2 * _N - m)
    return np.asarray(sign * np.where(m == _N, 0.0, np.cos(m * (np.pi / (2 * _N)))))


_DEGREES, _ODD = np.arange(_N)[:, None], 2 * np.arange(_N) + 1
_NODES = _cosine(_ODD)
_TO_CHEBYSHEV = _cosine(_DEGREES * _ODD) * np.where(_DEGREES == 0, 1.0, 2.0) / _N


class Interpolants:
    """Interpolants of three functions on any number of intervals; one may be added while others are evaluated.

    Examples
    --------
    >>> import numpy as np
    >>> table = Interpolants()
    >>> row = table.add(lambda x: (x**3, 3.0 * x**2, 6.0 * x), 1.0, 2.0)
    >>> table(np.array([row]), np.array([1.5]))[0].ravel().round(12).tolist()
    [3.375, 6.75, 9.0]
    """

    def __init__(self) -> None:
        # Ends, powers, series and bounds: replaced as a whole, so that a thread that evaluates sees all of one state.
        self._table = np.empty((0, 2)), np.empty((0, 3)), np.empty((0, 3, _N)), np.empty((0, 3))

    def add(self, f: Callable[[float], tuple[float, float, float]], a: float, b: float) -> int | None:
        """Interpolate f on [a, b]; return its row, or None if f is not met at the probes.

        0 is no point inside. With a = 0 the row is good for |x| from 2^-1074 on, if f behaves like a power.
        """
        if a == 0.0:
            powers = _powers(np.array([f(b * _TINY), f(2.0 * b * _TINY)]).T, b, 2.0 * b)
            probes = np.concatenate([_PROBES, 2.0 * _NEARER - 1.0])
        else:
            powers, probes = _powers(np.array([f(a), f(b)]).T, a, b), _PROBES
        if not np.isfinite(powers).all():
            return None
        x = 0.5 * (a + b) + 0.5 * (b - a) * np.concatenate([_NODES, probes])
        values = np.array([f(float(v)) for v in x]).T
        with np.errstate(all="ignore"):
            scaled = values / (x / b) ** powers[:, None]
            size = np.abs(scaled).max(axis=1)
            series = scaled[:, :_N] @ _TO_CHEBYSHEV.T
            series[np.abs(series) <= EPS * size[:, None]] = 0.0  # rounding errors, which add up at the ends
            misses = np.abs(clenshaw(series[:, None], np.tile(probes, (3, 1))) - scaled[:, _N:]).max(axis=1)
        if not np.all(misses <= _TOLERANCE * size) or not np.isfinite(size).all():
            return None
        if a == 0.0 and not np.all(np.abs(scaled[:, -1]) >= _LEVEL * size):
            return None  # near 0 it is another power than farther out
        new = (np.array([a, b]), powers, series, _SAFETY * _TOLERANCE * size)
        ends, exponents, all_series, bounds = (
            np.concatenate([p, q[None]]) for p, q in zip(self._table, new, strict=True)
        )
        self._table = ends, exponents, all_series, bounds
        return len(ends) - 1

    def __call__(self, rows: NDArray[np.intp], x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the three functions at x (n,) by the interpolants ``rows``, and bounds on the errors: both (3, n)."""
        ends, powers, series, bounds = self._table
        a, b = ends[rows].T
        t = np.clip(((x - a) + (x - b)) / (b - a), -1.0, 1.0)
        factor = (x / b)[:, None] ** powers[rows]
        values = clenshaw(series[rows], np.broadcast_to(t[:, None], factor.shape)) * factor
        return values.T, (bounds[rows] * factor).T


def _powers(limits: FloatArray, a: float, b: float) -> FloatArray:
    """Return m with f ~ x^m, given the three functions at a and b; 0 where that says nothing."""
    if max(a / b, b / a) < _WIDE:
        return np.zeros(3)
    with np.errstate(divide="ignore", invalid="ignore"):
        powers = np.round(np.log(np.abs(limits[:, 1] / limits[:, 0])) / np.log(b / a))
    return np.asarray(np.where(np.abs(powers) <= _HIGHEST_POWER, powers, 0.0))
