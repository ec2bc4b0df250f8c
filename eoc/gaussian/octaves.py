r"""Gaussian integrals as functions of the variance: polynomials in log q, four for each octave of sqrt(q).

E[g(s Z)] is analytic in s for |arg s| < pi/4 whatever g is, kinks and jumps included, so on a quarter of an octave of
s its Chebyshev series in log s falls at least like 18^-n (the ellipse through +- i pi/4 about an interval of length
log(2)/4) and 14 terms give it to rounding. Quadrature runs once an octave; after that an integral costs some
nanoseconds. An integral that falls or rises by orders of magnitude there, such as exp(-1/2q) as q -> 0, is kept as the
polynomial of its logarithm.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from eoc.activations.base import Activation
from eoc.floats import EPS, FloatArray
from eoc.gaussian import kernels
from eoc.gaussian.divergence import vertical
from eoc.gaussian.nodes import chebyshev_nodes, to_chebyshev
from eoc.gaussian.panels import Integrands, Table, integrate_table, tabulate
from eoc.sharing import cached_property

__all__ = ["Octaves"]

_N = kernels.TERMS
_PIECES = 4  # an octave of sqrt(q)
_NODES = chebyshev_nodes(_N)  # in t, where 2 log2(q) = piece + (1 + t)/2
_TO_CHEBYSHEV = to_chebyshev(_N)
_TO_MONOMIALS = np.array([np.pad(chebyshev.cheb2poly(row), (0, _N - 1 - n)) for n, row in enumerate(np.eye(_N))]).T
_CERTIFIED = 2.0 ** np.linspace(0.0, 1.0, 5)  # where a table is refined and certified, in units of its octave
_STEEP = 1e-11  # relative error above which the logarithm is kept, or else each q gets quadrature of its own,
_DIVERGENT = 1e-6  # and relative error of the quadrature above which it does, because of other q in the octave
_FLOOR = 1e-300  # absolute error below which double precision underflows
_SHARP = 1e-12  # relative error that a polynomial of the logarithm may have
_NORMAL = 1e-290  # absolute value below which relative precision may be lost
_DOUBT = 1e-8
_FEW = 8  # values that are computed one by one
_FIRST, _LAST = -600, 600  # octaves that a double can hold with room for x^2

_Piece = tuple[NDArray[np.generic], ...]  # the fields of _Pieces after the index, for one piece


@dataclass(frozen=True)
class _Pieces:
    """The polynomials of P pieces, (P, K, TERMS); it is replaced, never changed.

    ``index`` leads from a piece to its place among them, -1 where it is not there. ``sign`` is not 0 where the
    logarithm of a function is kept; ``poor`` and ``doubtful`` are those of :class:`Octaves`.
    """

    index: NDArray[np.int64]
    coefficients: FloatArray
    relative: FloatArray
    absolute: FloatArray
    sign: NDArray[np.int8]
    poor: NDArray[np.bool_]
    doubtful: NDArray[np.bool_]

    @cached_property
    def has_signs(self) -> bool:
        """Whether the logarithm of any function is kept."""
        return bool(self.sign.any())

    @cached_property
    def has_poor(self) -> bool:
        """Whether any piece is poor."""
        return bool(self.poor.any())

    @cached_property
    def has_doubts(self) -> bool:
        """Whether any piece is doubtful."""
        return bool(self.doubtful.any())

    def joined(self, first: int, pieces: list[_Piece]) -> _Pieces:
        """These and further ones, which are the pieces from ``first`` on."""
        index, (_, *old) = self.index.copy(), (getattr(self, one.name) for one in fields(self))
        count = len(self.relative)
        index[first : first + len(pieces)] = np.arange(count, count + len(pieces))
        new = [np.stack(parts) for parts in zip(*pieces, strict=True)]
        return _Pieces(index, *(np.concatenate([a, b]) if count else b for a, b in zip(old, new, strict=True)))


_NOTHING = _Pieces(
    np.full(_PIECES * (_LAST - _FIRST), -1),
    np.empty((0, 0, _N)),
    np.empty((0, 0)),
    np.empty((0, 0)),
    np.empty((0, 0), np.int8),
    np.empty((0, 0), bool),
    np.empty((0, 0), bool),
)


def _polynomial(t: Any, c: Any) -> Any:
    """The polynomial with these coefficients, of numbers or of arrays: the same bits, and of few numbers faster."""
    square, even, odd = t * t, 0.0, 0.0
    for n in range(1, _N // 2 + 1):
        even, odd = even * square + c[-2 * n], odd * square + c[1 - 2 * n]
    return even + t * odd


class Octaves:
    """E[g_k(sqrt(q) Z)] for K functions g_k and any q, built on demand.

    Threads may share it: an octave is built under the activation's lock and published whole.

    Parameters
    ----------
    phi
        The activation that the functions are made of: its knots are theirs.
    integrands
        Maps x (n,) to values and bounds on their absolute errors, both (K, n); even in x if phi has a parity.
    radius
        Scale on which the integrands change: wider Gaussians get panels graded around it.
    """

    def __init__(self, phi: Activation, integrands: Integrands, radius: float) -> None:
        graded = radius * 2.0 ** np.arange(64.0 if radius > 0.0 else 0.0)
        self._name, self._integrands = phi.name, integrands
        self._roots = vertical(phi)
        self._edges = np.asarray(phi.knots, dtype=float)
        self._graded = np.concatenate([-graded, graded])
        self._half_line = phi.parity is not None
        # Whether an integral may overflow or diverge from some q on, which then spoils the octave of that q.
        self._may_diverge = phi.growth.kind in ("exponential", "gaussian", "faster")
        self._lock = phi.cache.lock
        self._known = _NOTHING

    def __call__(self, q: FloatArray, rows: NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
        """Values and bounds on their absolute errors for q > 0 (Q,) and the chosen functions: both (len(rows), Q)."""
        if q.size == 0:
            return np.empty((rows.size, 0)), np.empty((rows.size, 0))
        mantissa, exponent = np.frexp(q)
        y = 2.0 * np.log2(mantissa)  # in [-2, 0); 2 log2(q) itself would have lost digits
        below = np.floor(y)
        t = 2.0 * (y - below) - 1.0
        piece = 2 * exponent + below.astype(np.int64) - _PIECES * _FIRST
        known = self._known
        if known.index[piece].min() < 0:
            known = self._extended(np.unique(piece // _PIECES))
        index = known.index[piece]
        out, error = self._evaluated(t, index, rows, known)
        if known.has_signs and known.sign[:, rows].any():
            sign = known.sign[index][:, rows].T
            where = sign != 0
            out[where] = sign[where] * np.exp(out[where])
            error[where] = np.abs(out[where]) * np.expm1(error[where]) + _FLOOR
        if known.has_poor and known.poor[:, rows].any():
            for i in np.flatnonzero(known.poor[index][:, rows].any(axis=1)):
                out[:, i], error[:, i] = self._alone(q[i], rows)
        return out, error

    def _evaluated(
        self, t: FloatArray, index: NDArray[np.int64], rows: NDArray[np.int64], known: _Pieces
    ) -> tuple[FloatArray, FloatArray]:
        """The polynomials at t (Q,) and bounds on their errors, (rows, Q): by NumPy while that is little work."""
        if kernels.worth("evaluate", t.size * rows.size):
            out, error = np.empty((rows.size, t.size)), np.empty((rows.size, t.size))
            kernels.evaluate(t, index, rows, known.coefficients, known.relative, known.absolute, out, error)
            return out, error
        c = known.coefficients[index, rows[:, None]]
        if t.size * rows.size <= _FEW:
            value = np.array(
                [[_polynomial(x, of_one) for x, of_one in zip(t.tolist(), row, strict=True)] for row in c.tolist()]
            )
        else:
            value = _polynomial(t, np.moveaxis(c, 2, 0))
        return value, known.relative[index, rows[:, None]] * np.abs(value) + known.absolute[index, rows[:, None]]

    def doubtful(self, rows: NDArray[np.int64]) -> bool:
        """Whether a value of these functions may have an error above 1e-8 of the integral of |g| somewhere."""
        return self._known.has_doubts and bool(self._known.doubtful[:, rows].any())

    def _extended(self, octaves: NDArray[np.int64]) -> _Pieces:
        """All pieces there are, those of the octaves among them."""
        with self._lock:
            for octave in octaves:
                if self._known.index[_PIECES * octave] < 0:  # another thread may have been here
                    self._known = self._known.joined(_PIECES * octave, self._built(int(octave) + _FIRST))
            return self._known

    def _alone(self, q: float, rows: NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
        """Quadrature for one q: where a function of q is too steep, diverges or overflows within its octave."""
        one = np.array([q])
        values, errors, _ = integrate_table(self._table(np.sqrt(one)), one)
        return values[0, rows], errors[0, rows] + _FLOOR

    def _table(self, widths: FloatArray) -> Table:
        edges = np.concatenate([self._edges, self._graded[np.abs(self._graded) < widths[-1]]])
        half, roots, name = self._half_line, self._roots, self._name
        return tabulate(self._integrands, edges, widths, half_line=half, roots=roots, name=name)

    def _built(self, octave: int) -> list[_Piece]:
        """Fit the polynomials of one octave and bound what they add to the error of the quadrature."""
        table = self._table(2.0**octave * _CERTIFIED)
        pieces = []
        for quarter in range(_PIECES):
            low = 2 * octave + quarter // 2  # 2 log2(q) = 4 octave + quarter + (1 + t)/2
            q = 2.0**low * 2.0 ** (0.5 * (quarter % 2) + 0.25 * (1.0 + _NODES))
            pieces.append(self._fit(*integrate_table(table, q)))
        return pieces

    @np.errstate(invalid="ignore", divide="ignore", over="ignore")  # what overflows far out is poor, as seen below
    def _fit(self, values: FloatArray, errors: FloatArray, magnitudes: FloatArray) -> _Piece:
        series, absolute = _series_through(values)
        relative = np.where(magnitudes > 0.0, errors / magnitudes, 0.0).max(axis=0)
        good_enough = np.maximum(_STEEP * magnitudes, errors).min(axis=0)
        steep = ~(absolute <= good_enough) & (magnitudes.max(axis=0) > 0.0)
        diverges = ~(relative <= _DIVERGENT) if self._may_diverge else np.zeros(steep.shape, bool)
        signed = (np.abs(values) < magnitudes).any(axis=0)
        absolute[signed] += errors[:, signed].max(axis=0)
        relative[signed] = 0.0
        doubtful = ~(relative * magnitudes.max(axis=0) + absolute <= _DOUBT * magnitudes.min(axis=0))
        absolute, sign = absolute + _FLOOR, np.zeros(steep.shape, np.int8)
        for k in np.flatnonzero(steep & ~diverges):
            kept = _logarithm(values[:, k], errors[:, k])
            if kept is not None:
                series[k], absolute[k], sign[k] = kept
                relative[k], steep[k], doubtful[k] = 0.0, False, False
        return series @ _TO_MONOMIALS.T, relative, absolute, sign, steep | diverges, doubtful


def _series_through(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Chebyshev coefficients (K, TERMS) of K functions known at the nodes, (TERMS, K), and what may be missing."""
    series = (_TO_CHEBYSHEV @ values).T
    return series, 2.0 * np.abs(series[:, -2:]).sum(axis=1) + 4.0 * EPS * np.abs(series).sum(axis=1)


def _logarithm(values: FloatArray, errors: FloatArray) -> tuple[FloatArray, float, int] | None:
    """The series of log|g| for a function known at the nodes, a bound on its error, and the sign of g; or None."""
    sign = int(np.sign(values[0]))
    if not (sign * values > _NORMAL).all():  # nan too
        return None
    series, lost = _series_through(np.log(sign * values)[:, None])
    error = float(lost[0] + (errors / np.abs(values)).max())
    return (series[0], error, sign) if error <= _SHARP else None
