r"""Gaussian integrals as functions of the variance: one polynomial in log q for each octave of sqrt(q).

E[g(s Z)] is analytic in s for |arg s| < pi/4 whatever g is, kinks and jumps included, so on an octave of s its
Chebyshev series in log s falls at least like 4.7^-n (the ellipse through +- i pi/4 about an interval of length log 2)
and 24 terms give it to rounding. Quadrature runs once an octave; after that an integral costs some nanoseconds.
"""

from __future__ import annotations

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from eoc.gaussian.kernels import evaluate
from eoc.gaussian.panels import Integrands, Table, integrate_table, tabulate

__all__ = ["Octaves"]

FloatArray = NDArray[np.float64]

_N = 24
_DEGREES, _ODD = np.arange(_N)[:, None], 2 * np.arange(_N) + 1
_NODES = np.cos(_ODD * (np.pi / (2 * _N)))  # in t, where log2 q = 2 octave + 1 + t
# Reducing n (2 j + 1) modulo the period first keeps cos(n theta_j) right to the last digit.
_TO_CHEBYSHEV = np.cos((_DEGREES * _ODD) % (4 * _N) * (np.pi / (2 * _N))) * np.where(_DEGREES == 0, 1.0, 2.0) / _N
_TO_MONOMIALS = np.array([np.pad(chebyshev.cheb2poly(row), (0, _N - 1 - n)) for n, row in enumerate(np.eye(_N))]).T
_CERTIFIED = 2.0 ** np.linspace(0.0, 1.0, 5)  # where a table is refined and certified, in units of its octave
_STEEP = 1e-11  # relative error of the polynomials above which each q gets quadrature of its own,
_DIVERGENT = 1e-6  # and relative error of the quadrature above which it does, because of other q in the octave
_EPS = float(np.finfo(float).eps)
_FIRST, _LAST = -600, 600  # octaves that a double can hold with room for x^2


class Octaves:
    """E[g_k(sqrt(q) Z)] for K functions g_k and any q, built on demand.

    Parameters
    ----------
    integrands
        Maps x (n,) to values and bounds on their absolute errors, both (K, n).
    edges
        Points at which quadrature panels have to end: the knots of the integrands.
    radius
        Scale on which the integrands change: wider Gaussians get panels graded around it.
    half_line
        Integrate over x > 0 only and double.
    """

    def __init__(self, integrands: Integrands, edges: FloatArray, radius: float, *, half_line: bool) -> None:
        graded = radius * 2.0 ** np.arange(64.0 if radius > 0.0 else 0.0)
        self._integrands = integrands
        self._edges = edges
        self._graded = np.concatenate([-graded, graded])
        self._half_line = half_line
        self._piece = np.full(_LAST - _FIRST + 1, -1)  # octave - _FIRST -> index into the arrays below, or -1
        self._coefficients = np.empty((0, 0, _N))
        self._relative = np.empty((0, 0))
        self._absolute = np.empty((0, 0))
        self._poor = np.empty((0, 0), bool)

    def __call__(self, q: FloatArray, rows: NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
        """Values and bounds on their absolute errors for q > 0 (Q,) and the chosen functions: both (len(rows), Q)."""
        if q.size == 0:
            return np.empty((rows.size, 0)), np.empty((rows.size, 0))
        mantissa, exponent = np.frexp(q)
        octave = (exponent - 1) >> 1  # 2^octave <= sqrt(q) < 2^(octave + 1)
        piece = self._piece[octave - _FIRST]
        if (piece < 0).any():
            for missing in np.unique(octave[piece < 0]):
                self._build(int(missing))
            piece = self._piece[octave - _FIRST]
        t = np.log2(mantissa) + (exponent - 1 - 2 * octave)
        out, error = np.empty((rows.size, q.size)), np.empty((rows.size, q.size))
        evaluate(t, piece, rows, self._coefficients, self._relative, self._absolute, out, error)
        if self._poor[:, rows].any():
            for i in np.flatnonzero(self._poor[piece][:, rows].any(axis=1)):
                out[:, i], error[:, i] = self._alone(q[i], rows)
        return out, error

    def _alone(self, q: float, rows: NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
        """Quadrature for one q: where a function of q is too steep, diverges or overflows within its octave."""
        one = np.array([q])
        values, errors, _ = integrate_table(self._table(np.sqrt(one)), one)
        return values[0, rows], errors[0, rows]

    def _table(self, widths: FloatArray) -> Table:
        edges = np.concatenate([self._edges, self._graded[np.abs(self._graded) < widths[-1]]])
        return tabulate(self._integrands, edges, widths, half_line=self._half_line)

    def _build(self, octave: int) -> None:
        """Fit the polynomials of one octave and bound what they add to the error of the quadrature."""
        table = self._table(2.0**octave * _CERTIFIED)
        values, errors, magnitudes = integrate_table(table, 4.0**octave * 2.0 ** (1.0 + _NODES))
        series = (_TO_CHEBYSHEV @ values).T
        absolute = 2.0 * np.abs(series[:, -2:]).sum(axis=1) + 4.0 * _EPS * np.abs(series).sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            relative = np.where(magnitudes > 0.0, errors / magnitudes, 0.0).max(axis=0)
            steep = ~(absolute <= _STEEP * magnitudes.min(axis=0)) & (magnitudes.max(axis=0) > 0.0)
        poor = steep | ~(relative <= _DIVERGENT)
        signed = (np.abs(values) < magnitudes).any(axis=0)
        absolute[signed] += errors[:, signed].max(axis=0)
        relative[signed] = 0.0
        self._append(octave, series @ _TO_MONOMIALS.T, relative, absolute, poor)

    def _append(self, octave: int, *parts: NDArray[np.generic]) -> None:
        names = ("_coefficients", "_relative", "_absolute", "_poor")
        first = self._relative.size == 0
        for name, part in zip(names, parts, strict=True):
            old = getattr(self, name)
            setattr(self, name, part[None] if first else np.concatenate([old, part[None]]))
        self._piece[octave - _FIRST] = len(self._relative) - 1
