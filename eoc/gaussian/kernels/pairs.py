"""Expectations at pairs of variances from tables in boxes."""

from __future__ import annotations

import math

import numpy as np

from eoc.floats import FloatArray, IntArray
from eoc.gaussian._jit import inlined, jit
from eoc.gaussian.kernels.plain import PAIR_COUNTS, PAIR_TERMS, PairBoxes, PairWork

__all__ = ["ROWS", "contracted", "evaluate_pairs", "row_of_pairs", "scratch"]

_Q, _R, _TAU = PAIR_TERMS
_SHORT, _MIDDLE = PAIR_COUNTS
_BLOCK = 64
ROWS = 16  #: larger variances at which series are contracted together
_ROOT = math.sqrt(2.0)
_EPS = 2.220446049250313e-16


@inlined
def _found(boxes: PairBoxes, root: int, r: float, tau: float) -> int:
    """The leaf of the tree that holds a point of a chart."""
    leaf = boxes.roots[root]
    while boxes.tree[leaf, 0] >= 0:
        along = boxes.tree[leaf, 0]
        leaf = boxes.tree[leaf, 1 + ((r if along == 0 else tau) > boxes.at[leaf])]
    return leaf


@inlined
def contracted(
    boxes: PairBoxes, low: float, q: FloatArray, inputs: IntArray, start: int, basis: FloatArray, out: FloatArray
) -> int:
    """The series in R and tau of all boxes at up to ROWS larger variances, those of inputs[start], ...; how many."""
    count = min(ROWS, inputs.size - start)
    for k in range(count):
        x = 2.0 * math.log2(q[inputs[start + k]] / low) - 1.0
        basis[k, 0], basis[k, 1] = 1.0, x
        for n in range(2, _Q):
            basis[k, n] = 2.0 * x * basis[k, n - 1] - basis[k, n - 2]
    np.dot(basis[:count], boxes.series, out[:count])
    return count


@inlined
def _added(c: FloatArray, at: int, count: int, t: FloatArray, b: FloatArray, n: int) -> None:
    """A step of both sums in R, (4, n): ``count`` coefficients in tau of each; it is known when this is compiled."""
    for p in range(n):
        first, second = 0.0, 0.0
        for j in range(count):
            first += c[at + j] * t[j, p]
            second += c[at + count + j] * t[j, p]
        first += b[4, p] * b[0, p] - b[1, p]
        second += b[4, p] * b[2, p] - b[3, p]
        b[1, p], b[0, p], b[3, p], b[2, p] = b[0, p], first, b[2, p], second


@inlined
def _summed(c: FloatArray, counts: IntArray, t: FloatArray, found: FloatArray, b: FloatArray, n: int) -> None:
    """Both series at pairs (n,): t (TAU, n) are the Chebyshev polynomials of tau, b[4] is 2 R in [-2, 2]."""
    at = c.size
    for p in range(n):
        b[0, p], b[1, p], b[2, p], b[3, p] = 0.0, 0.0, 0.0, 0.0
    for r in range(_R - 1, -1, -1):
        at -= 2 * counts[r]
        if counts[r] == _TAU:
            _added(c, at, _TAU, t, b, n)
        elif counts[r] == _MIDDLE:
            _added(c, at, _MIDDLE, t, b, n)
        elif counts[r] == _SHORT:
            _added(c, at, _SHORT, t, b, n)
    for p in range(n):  # the last step took twice of R
        found[0, p], found[1, p] = b[0, p] - 0.5 * b[4, p] * b[1, p], b[2, p] - 0.5 * b[4, p] * b[3, p]


@inlined
def _placed(
    boxes: PairBoxes,
    q_a: float,
    q: FloatArray,
    smaller: IntArray,
    e: FloatArray,
    parity: int,
    r: FloatArray,
    tau: FloatArray,
    unit: FloatArray,
    which: IntArray,
    leaves: IntArray,
) -> None:
    """The coordinates of the pairs of a row, the scale sqrt(q_a q_b), the box, or -1, and the leaf of what has none."""
    s_a, n = math.sqrt(q_a), smaller.size
    for j in range(n):
        q_b, far = q[smaller[j]], e[j] > 1.0
        s_b = math.sqrt(q_b)
        unit[j] = s_a * s_b
        delta = (q_a - q_b) / ((s_a + s_b) * math.sqrt(unit[j]))
        y = math.sqrt(2.0 * (2.0 - e[j] if far else e[j]))
        apart, close = delta > _ROOT, delta <= y
        r[j] = y if close and not apart else delta
        above, below = (y, _ROOT) if apart else (min(delta, y), max(delta, y))
        tau[j] = above / max(below, 1e-300)
        which[j] = (2 if apart else 0 if close else 1) + (3 if far and parity == 0 else 0)
    for j in range(n):
        leaf = _found(boxes, which[j], r[j], tau[j])
        which[j] = boxes.tree[leaf, 1]
        leaves[j] = leaf if which[j] < 0 else -1


@inlined
def _sorted_by_box(which: IntArray, first: IntArray, order: IntArray) -> int:
    """Pairs of one box next to each other: those of box b are order[first[b] : first[b + 1]]; how many have none."""
    first[:] = 0
    missing = 0
    for j in range(which.size):
        if which[j] < 0:
            missing += 1
        else:
            first[which[j] + 2] += 1
    for box in range(2, first.size):
        first[box] += first[box - 1]
    for j in range(which.size):
        if which[j] >= 0:
            order[first[which[j] + 1]] = j
            first[which[j] + 1] += 1
    return missing


@inlined
def _in_box(span: FloatArray, these: IntArray, r: FloatArray, tau: FloatArray, t: FloatArray, b: FloatArray) -> None:
    """Where no more than _BLOCK pairs are in their box."""
    n = these.size
    for p in range(n):
        b[4, p] = 2.0 * (2.0 * r[these[p]] - span[0] - span[2]) / (span[2] - span[0])
        t[0, p] = 1.0
        t[1, p] = (2.0 * tau[these[p]] - span[1] - span[3]) / (span[3] - span[1])
    for j in range(2, _TAU):
        for p in range(n):
            t[j, p] = 2.0 * t[1, p] * t[j - 1, p] - t[j - 2, p]


@jit
def row_of_pairs(
    boxes: PairBoxes,
    series: FloatArray,
    parity: int,
    i: int,
    smaller: IntArray,
    e: FloatArray,
    inputs: tuple[FloatArray, FloatArray, FloatArray],
    work: PairWork,
    out: FloatArray,
    error: FloatArray,
    leaves: IntArray,
) -> int:
    """The pairs of one larger variance, with the series at it; see :func:`evaluate_pairs`."""
    q, v, v_error = inputs
    n = smaller.size
    r, tau, unit, which, order, first = work.r, work.tau, work.unit, work.which[:n], work.order, work.first
    _placed(boxes, q[i], q, smaller, e, parity, r, tau, unit, which, leaves)
    missing = _sorted_by_box(which, first, order)
    for box in range(first.size - 2):
        c = series[boxes.starts[box] : boxes.starts[box] + boxes.lengths[box]]
        for begin in range(first[box], first[box + 1], _BLOCK):
            these = order[begin : min(begin + _BLOCK, first[box + 1])]
            _in_box(boxes.spans[box], these, r, tau, work.t, work.b)
            _summed(c, boxes.counts[box], work.t, work.found, work.b, these.size)
            for p in range(these.size):
                k = these[p]
                m = smaller[k]
                mean, off = 0.5 * (v[i] + v[m]), 0.5 * (v_error[i] + v_error[m]) + _EPS * (v[i] + v[m])
                scale, value, kd = unit[k], work.found[0, p], work.found[1, p]
                value_off = boxes.errors[box, 0] + boxes.errors[box, 2] / max(r[k], boxes.errors[box, 3])
                scale *= r[k] * r[k] if e[k] <= 1.0 or parity != 0 else 1.0
                value, value_off = scale * value, scale * value_off + 4.0 * _EPS * abs(scale * value)
                other, other_off = mean - value, off + value_off
                if e[k] <= 1.0:  # G is tabulated
                    out[0, k], out[2, k], error[0, k], error[2, k] = other, value, other_off, value_off
                elif parity == 0:  # K
                    out[0, k], out[2, k], error[0, k], error[2, k] = value, other, value_off, other_off
                elif parity > 0:  # G of -v
                    out[0, k], out[2, k], error[0, k], error[2, k] = other, value, other_off, value_off
                    kd = -kd
                else:
                    out[0, k], out[2, k], error[0, k], error[2, k] = -other, mean + other, other_off, off + other_off
                out[1, k], error[1, k] = kd, boxes.errors[box, 1] + 4.0 * _EPS * abs(kd)
    return missing


@inlined
def scratch(boxes: PairBoxes, most: int) -> PairWork:
    """Scratch arrays for rows of up to so many pairs."""
    return PairWork(
        np.empty(most),
        np.empty(most),
        np.empty(most),
        np.empty(most, np.int64),
        np.empty(most, np.int64),
        np.empty(boxes.starts.size + 2, np.int64),
        np.empty((_TAU, _BLOCK)),
        np.empty((5, _BLOCK)),
        np.empty((2, _BLOCK)),
    )


@jit
def evaluate_pairs(
    boxes: PairBoxes,
    low: float,
    parity: int,
    start: IntArray,
    larger: IntArray,
    smaller: IntArray,
    e: FloatArray,
    inputs: tuple[FloatArray, FloatArray, FloatArray],
    out: FloatArray,
    error: FloatArray,
    leaves: IntArray,
) -> int:
    """K, Kd and G of rows of pairs, and bounds on the errors.

    Parameters
    ----------
    boxes
        The tables, for larger variances from ``low`` to twice that.
    low
        As said.
    parity
        1, -1 or 0, as of phi.
    start : (rows + 1,)
        Where the pairs of a row begin: all of one larger variance.
    larger : (rows,)
        Which input that is.
    smaller, e : (N,)
        The other input of each pair, and 1 - c.
    inputs : 3 times (n,)
        Of all inputs: variances, E[phi^2] and bounds on its error.
    out, error : (3, N)
        Overwritten.
    leaves : (N,)
        Overwritten with the leaves that pairs fall into which are not built, or -1.

    Returns
    -------
    How many there are of these: of them nothing is written.
    """
    most = 0
    for row in range(larger.size):
        most = max(most, start[row + 1] - start[row])
    work, missing = scratch(boxes, most), 0
    basis, series = np.empty((ROWS, _Q)), np.empty((ROWS, boxes.series.shape[1]))
    for block in range(0, larger.size, ROWS):
        for k in range(contracted(boxes, low, inputs[0], larger, block, basis, series)):
            row = block + k
            a, b = start[row], start[row + 1]
            rest = (inputs, work, out[:, a:b], error[:, a:b], leaves[a:b])
            missing += row_of_pairs(boxes, series[k], parity, larger[row], smaller[a:b], e[a:b], *rest)
    return missing
