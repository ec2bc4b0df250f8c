"""Gaussian expectations of an activation at all pairs of n inputs, as matrices; see :mod:`eoc.gaussian.pairs`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from eoc.activations import activation as resolve
from eoc.activations.base import Activation
from eoc.errors import EocError
from eoc.floats import FloatArray
from eoc.gaussian import kernels
from eoc.gaussian.angle import angle_of
from eoc.gaussian.charts import LARGEST
from eoc.gaussian.moments import Estimate, checked_variances, moments
from eoc.gaussian.pair_tables import pair_tables
from eoc.gaussian.pairs import NAMES, PARITY
from eoc.gaussian.sources import refuse_singularities
from eoc.gaussian.unequal import by_plane, in_closed_form

__all__ = ["PairMatrices", "pair_matrices"]

_Matrices = tuple[FloatArray, FloatArray, FloatArray]
_ROWS = 64  # at a time, in closed form


@dataclass(frozen=True)
class PairMatrices:
    """E[phi(u) phi(v)], E[phi'(u) phi'(v)] and E[(phi(u) - phi(v))^2] / 2 of all pairs, symmetric, (n, n).

    Attributes
    ----------
    K, Kd, G
        As said.
    K_error
        A bound on all errors of K, relative to the larger E[phi^2] of both inputs.
    Kd_error
        A bound on all errors of Kd.
    G_error
        A bound on all errors of G, relative to G.
    """

    K: FloatArray
    Kd: FloatArray
    G: FloatArray
    K_error: float
    Kd_error: float
    G_error: float


def pair_matrices(
    activation: object, q: ArrayLike, one_minus_c: ArrayLike, *, out: _Matrices | None = None
) -> PairMatrices:
    """Expectations at all pairs of n inputs.

    Parameters
    ----------
    activation
        An activation, or whatever :func:`eoc.activation` understands: a name, a formula, a Python function.
    q
        Variances > 0 of the inputs, (n,).
    one_minus_c
        1 minus their correlations, symmetric, (n, n), in [0, 2]. What stands on the diagonal does not matter.
    out
        Three arrays (n, n) that K, Kd and G are written to: fresh memory costs as much time as the values.

    Returns
    -------
    PairMatrices
        The matrices and bounds on their errors.

    Raises
    ------
    EocError
        For variances or correlations outside their range, or shapes that do not go together.
    NotPermissibleError, AccuracyError
        As of :func:`eoc.gaussian.pairs.pair_moments`.

    Examples
    --------
    >>> found = pair_matrices("relu", [1.0, 4.0], [[0.0, 1.0], [1.0, 0.0]])  # Cho & Saul (2009)
    >>> (found.K * 2.0 * np.pi).round(9).tolist()
    [[3.141592654, 2.0], [2.0, 12.566370614]]
    """
    phi, variances = resolve(activation), np.atleast_1d(checked_variances(q))
    e, n = angle_of(one_minus_c=one_minus_c).e, variances.size
    if variances.shape != (n,) or e.shape != (n, n):
        raise EocError(f"{n} variances need 1 - c of shape {(n, n)}, got {e.shape}")
    if (variances == 0.0).any():
        raise EocError("q must be > 0 for two correlated inputs, got 0")
    matrices = (np.empty((n, n)), np.empty((n, n)), np.empty((n, n))) if out is None else out
    if any(one.shape != (n, n) or one.dtype != float or not one.flags.c_contiguous for one in matrices):
        raise EocError(f"out must be three contiguous arrays of floats of shape {(n, n)}")
    if in_closed_form(phi, NAMES, variances[:1], variances[:1], np.ones(1)) is not None:
        return _in_closed_form(phi, variances, e, matrices)
    refuse_singularities(phi)
    m = moments(phi, variances, ("V", "D"))
    worst = _tabulated(phi, variances, e, m["V"], matrices)
    for matrix, diagonal in zip(matrices, (m["V"].value, m["D"].value, 0.0), strict=True):
        np.fill_diagonal(matrix, diagonal)
    of_v, of_d = float((m["V"].error / m["V"].value).max(initial=0.0)), float(m["D"].error.max(initial=0.0))
    return PairMatrices(*matrices, max(worst[0], of_v), max(worst[1], of_d), worst[2])


def _tabulated(phi: Activation, q: FloatArray, e: FloatArray, v: Estimate, matrices: _Matrices) -> list[float]:
    """All that is not on the diagonal, and the largest errors of K, Kd and G."""
    n, worst = q.size, np.zeros(3)
    order, rank = np.argsort(-q, kind="stable"), np.empty(n, np.int64)
    rank[order] = np.arange(n)
    falling, e = q[order], np.ascontiguousarray(e)
    stops, leaves = np.searchsorted(-falling, -falling / LARGEST, "right"), np.empty(n, np.int64)
    octaves = np.frexp(falling)[1] - 1
    for i, k in zip(*np.nonzero(np.arange(n) >= stops[:, None]), strict=True):
        for matrix in matrices:
            matrix[order[i], order[k]] = np.nan
    for octave in np.unique(octaves):
        tables, rows = pair_tables(phi, int(octave)), np.flatnonzero(octaves == octave)
        if tables is None:
            for matrix in matrices:
                matrix[order[rows]] = np.nan
            continue
        place = (rows, order, stops[rows], e, (q, v.value, v.error), matrices, worst, leaves)
        while kernels.evaluate_matrix(tables.boxes, tables.low, PARITY[phi.parity], *place):
            tables.build(leaves[leaves >= 0])
    for matrix in matrices:
        kernels.mirror(rank, matrix)
    return [max(one, other) for one, other in zip(worst.tolist(), _integrated(phi, q, e, v, matrices), strict=True)]


def _integrated(phi: Activation, q: FloatArray, e: FloatArray, v: Estimate, matrices: _Matrices) -> list[float]:
    """What tables do not resolve, NaN so far, pair by pair; the largest errors."""
    worst = [0.0, 0.0, 0.0]
    for i, k in np.argwhere(np.triu(np.isnan(matrices[0]), 1)):
        sizes = [float(v.value[[i, k]].max()), 1.0, None]
        for row, (name, matrix) in enumerate(zip(NAMES, matrices, strict=True)):
            value, error = by_plane(phi, name, float(q[i]), float(q[k]), float(e[i, k]))
            matrix[i, k] = matrix[k, i] = value
            size = sizes[row] if row < 2 else value
            worst[row] = max(worst[row], error / size if size else 0.0)
    return worst


def _in_closed_form(phi: Activation, q: FloatArray, e: FloatArray, matrices: _Matrices) -> PairMatrices:
    """By blocks of rows, from the diagonal on."""
    worst, one_point = [0.0, 0.0, 0.0], moments(phi, q, ("V", "D"), strict=False)
    v, d = (one_point[name].value for name in ("V", "D"))
    for start in range(0, q.size, _ROWS):
        rows, rest = slice(start, start + _ROWS), slice(start, None)
        shape = e[rows, rest].shape
        one, two = (np.broadcast_to(part, shape).ravel() for part in (q[rows, None], q[rest]))
        found = in_closed_form(phi, NAMES, one, two, e[rows, rest].ravel())
        assert found is not None  # as for the first pair
        for row, (name, matrix) in enumerate(zip(NAMES, matrices, strict=True)):
            value, error = (part.reshape(shape) for part in found[name])
            matrix[rows, rest], matrix[rest, rows] = value, value.T
            largest = np.maximum(v[rows, None], v[rest])
            size = largest if name == "K" else value if name == "G" else np.ones(shape)
            seen = (size > 0.0) & (np.eye(*shape) == 0.0)  # the diagonal is known
            relative = np.divide(error, size, where=seen, out=np.zeros(shape))
            worst[row] = max(worst[row], float(relative.max()))
    for matrix, diagonal in zip(matrices, (v, np.where(np.isfinite(d), d, 0.0), 0.0), strict=True):
        np.fill_diagonal(matrix, diagonal)
    return PairMatrices(*matrices, *worst)
