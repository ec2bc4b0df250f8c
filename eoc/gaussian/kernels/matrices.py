"""Symmetric matrices of expectations at pairs of variances."""

from __future__ import annotations

import numpy as np

from eoc.floats import FloatArray, IntArray
from eoc.gaussian._jit import inlined, jit
from eoc.gaussian.kernels.pairs import ROWS, contracted, row_of_pairs, scratch
from eoc.gaussian.kernels.plain import PAIR_TERMS, PairBoxes

__all__ = ["evaluate_matrix", "mirror"]

_TERMS = PAIR_TERMS[0]
_TILE = 32


@inlined
def _written(
    i: int,
    smaller: IntArray,
    out: FloatArray,
    error: FloatArray,
    v: FloatArray,
    matrices: tuple[FloatArray, FloatArray, FloatArray],
    worst: FloatArray,
) -> None:
    """The pairs of a row into the matrices, and the largest errors."""
    for j in range(smaller.size):
        k = smaller[j]
        good = error[1, j] < 1e300
        matrices[0][i, k] = out[0, j] if good else np.nan
        matrices[1][i, k] = out[1, j] if good else np.nan
        matrices[2][i, k] = out[2, j] if good else np.nan
        if good:
            size = max(v[i], v[k])
            if error[0, j] > worst[0] * size:
                worst[0] = error[0, j] / size
            if error[2, j] > worst[2] * out[2, j] and out[2, j] > 0.0:
                worst[2] = error[2, j] / out[2, j]
            worst[1] = max(worst[1], error[1, j])


@jit
def evaluate_matrix(
    boxes: PairBoxes,
    low: float,
    parity: int,
    rows: IntArray,
    order: IntArray,
    stops: IntArray,
    e: FloatArray,
    inputs: tuple[FloatArray, FloatArray, FloatArray],
    matrices: tuple[FloatArray, FloatArray, FloatArray],
    worst: FloatArray,
    leaves: IntArray,
) -> int:
    """The same for all pairs of inputs that have a larger variance from ``low`` on, into matrices (n, n).

    Parameters
    ----------
    boxes, low, parity, inputs
        As of :func:`evaluate_pairs`.
    rows, stops
        Places in ``order`` of these inputs, and where those end that are not too far from them.
    order : (n,)
        The inputs by falling variance.
    e : (n, n)
        1 - c.
    matrices : 3 times (n, n)
        K, Kd and G of pairs with the larger variance first are overwritten; NaN what tables do not resolve.
    worst : (3,)
        The largest errors so far, of K relative to E[phi^2], of Kd, and of G relative to G.
    leaves : (n,)
        Overwritten, as there, for one row.

    Returns
    -------
    How many leaves have to be built for the row at which this stopped; 0 when all is done.
    """
    n = order.size
    work, out, error = scratch(boxes, n), np.empty((3, n)), np.empty((3, n))
    near, larger = np.empty(n), order[rows]
    basis, series = np.empty((ROWS, _TERMS)), np.empty((ROWS, boxes.series.shape[1]))
    for block in range(0, rows.size, ROWS):
        for k in range(contracted(boxes, low, inputs[0], larger, block, basis, series)):
            row = block + k
            i, smaller = larger[row], order[rows[row] + 1 : stops[row]]
            m = smaller.size
            for j in range(m):
                near[j] = e[i, smaller[j]]
            leaves[:] = -1
            rest = (inputs, work, out[:, :m], error[:, :m], leaves[:m])
            missing = row_of_pairs(boxes, series[k], parity, i, smaller, near[:m], *rest)
            if missing:
                return missing
            _written(i, smaller, out, error, inputs[1], matrices, worst)
    return 0


@jit
def mirror(rank: IntArray, matrix: FloatArray) -> None:
    """Complete a symmetric matrix (n, n) of which only entries are known whose row has the lower rank."""
    n = rank.size
    for top in range(0, n, _TILE):
        for left in range(top, n, _TILE):
            for i in range(top, min(top + _TILE, n)):
                for j in range(max(left, i + 1), min(left + _TILE, n)):
                    if rank[i] < rank[j]:
                        matrix[j, i] = matrix[i, j]
                    else:
                        matrix[i, j] = matrix[j, i]
