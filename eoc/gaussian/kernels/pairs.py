"""Expectations at pairs of variances from tables in boxes."""

from __future__ import annotations

import math

import numpy as np

from eoc.floats import FloatArray, IntArray
from eoc.gaussian._jit import inlined, jit
from eoc.gaussian.kernels.plain import PairBoxes

__all__ = ["evaluate_pairs"]

_R, _TAU = 16, 14
_BLOCK = 64
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
def _contracted(boxes: PairBoxes, box: int, x: float, out: FloatArray) -> None:
    """The two series in R and tau at one q_a, (2 R TAU,)."""
    series = boxes.series[box]
    before, here = 1.0, x
    for k in range(out.size):
        out[k] = series[0, k] + x * series[1, k]
    for n in range(2, series.shape[0]):
        before, here = here, 2.0 * x * here - before
        for k in range(out.size):
            out[k] += here * series[n, k]


@inlined
def _summed(c: FloatArray, x: FloatArray, t: FloatArray, one: FloatArray, two: FloatArray, b: FloatArray) -> None:
    """Both series at pairs (n,): x is R in [-1, 1], t (TAU, n) the Chebyshev polynomials of tau, b (4, n) scratch."""
    n = x.size
    for p in range(n):
        b[0, p], b[1, p], b[2, p], b[3, p] = 0.0, 0.0, 0.0, 0.0
    for r in range(_R - 1, 0, -1):
        for p in range(n):
            first, second = 0.0, 0.0
            for j in range(_TAU):
                first += c[0, r, j] * t[j, p]
                second += c[1, r, j] * t[j, p]
            first += 2.0 * x[p] * b[0, p] - b[1, p]
            second += 2.0 * x[p] * b[2, p] - b[3, p]
            b[1, p], b[0, p], b[3, p], b[2, p] = b[0, p], first, b[2, p], second
    for p in range(n):
        first, second = 0.0, 0.0
        for j in range(_TAU):
            first += c[0, 0, j] * t[j, p]
            second += c[1, 0, j] * t[j, p]
        one[p] = first + x[p] * b[0, p] - b[1, p]
        two[p] = second + x[p] * b[2, p] - b[3, p]


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
    s_a = math.sqrt(q_a)
    for j in range(smaller.size):
        q_b, far = q[smaller[j]], e[j] > 1.0
        s_b = math.sqrt(q_b)
        unit[j] = s_a * s_b
        delta = (q_a - q_b) / ((s_a + s_b) * math.sqrt(unit[j]))
        y = math.sqrt(2.0 * (2.0 - e[j] if far else e[j]))
        chart = 2 if delta > _ROOT else 0 if delta <= y else 1
        r[j] = y if chart == 0 else delta
        tau[j] = (delta / y if y > 0.0 else 0.0) if chart == 0 else y / delta if chart == 1 else y / _ROOT
        leaf = _found(boxes, chart + (3 if far and parity == 0 else 0), r[j], tau[j])
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
def _in_box(
    span: FloatArray,
    these: IntArray,
    r: FloatArray,
    tau: FloatArray,
    c: FloatArray,
    work: tuple[FloatArray, FloatArray, FloatArray],
    found: FloatArray,
) -> None:
    """Both series of one box at no more than _BLOCK of its pairs."""
    x, t, b = work
    n = these.size
    for p in range(n):
        x[p] = (2.0 * r[these[p]] - span[0] - span[2]) / (span[2] - span[0])
        t[0, p] = 1.0
        t[1, p] = (2.0 * tau[these[p]] - span[1] - span[3]) / (span[3] - span[1])
    for j in range(2, _TAU):
        for p in range(n):
            t[j, p] = 2.0 * t[1, p] * t[j - 1, p] - t[j - 2, p]
    _summed(c, x[:n], t, found[0], found[1], b)


@jit
def evaluate_pairs(
    boxes: PairBoxes,
    low: float,
    parity: int,
    start: IntArray,
    larger: IntArray,
    smaller: IntArray,
    e: FloatArray,
    q: FloatArray,
    v: FloatArray,
    v_error: FloatArray,
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
    q, v, v_error : (n,)
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
    boxes_there = boxes.series.shape[0]
    which, order = np.empty(most, np.int64), np.empty(most, np.int64)
    r, tau, unit = np.empty(most), np.empty(most), np.empty(most)
    first = np.empty(boxes_there + 2, np.int64)
    flat = np.empty(2 * _R * _TAU)
    c = flat.reshape(2, _R, _TAU)
    work = (np.empty(_BLOCK), np.empty((_TAU, _BLOCK)), np.empty((4, _BLOCK)))
    found = np.empty((2, _BLOCK))
    missing = 0
    for row in range(larger.size):
        begin, n, i = start[row], start[row + 1] - start[row], larger[row]
        pairs = slice(begin, start[row + 1])
        _placed(boxes, q[i], q, smaller[pairs], e[pairs], parity, r, tau, unit, which, leaves[pairs])
        missing += _sorted_by_box(which[:n], first, order)
        x = 2.0 * math.log2(q[i] / low) - 1.0
        for box in range(boxes_there):
            if first[box] == first[box + 1]:
                continue
            _contracted(boxes, box, x, flat)
            for begin_block in range(first[box], first[box + 1], _BLOCK):
                these = order[begin_block : min(begin_block + _BLOCK, first[box + 1])]
                _in_box(boxes.spans[box], these, r, tau, c, work, found)
                for p in range(these.size):
                    j = these[p]
                    k = begin + j
                    m = smaller[k]
                    mean, off = 0.5 * (v[i] + v[m]), 0.5 * (v_error[i] + v_error[m]) + _EPS * (v[i] + v[m])
                    scale = unit[j]
                    first_off = boxes.errors[box, 0] + boxes.errors[box, 2] / max(r[j], boxes.errors[box, 3])
                    kd_off = boxes.errors[box, 1]
                    kd = found[1, p]
                    if e[k] <= 1.0 or parity != 0:
                        scale *= r[j] * r[j]
                        g = scale * found[0, p]
                        g_off = scale * first_off + 4.0 * _EPS * abs(g)
                        value, value_off = mean - g, off + g_off
                        if e[k] > 1.0:  # of -v
                            value, kd = parity * value, -parity * kd
                            if parity < 0:
                                g, g_off = mean - value, off + value_off
                    else:
                        value = scale * found[0, p]
                        value_off = scale * first_off + 4.0 * _EPS * abs(value)
                        g, g_off = mean - value, off + value_off
                    out[0, k], out[1, k], out[2, k] = value, kd, g
                    error[0, k], error[1, k], error[2, k] = value_off, kd_off + 4.0 * _EPS * abs(kd), g_off
    return missing
