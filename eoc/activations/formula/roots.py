"""Where the switches of a formula change sign, and where its denominators vanish.

The functions are sampled on a fixed grid, geometric from 2^-30 to 2^20 and uniform on [-64, 64]; octaves in which the
sign changes often are sampled more densely. Every sign change is bisected to two adjacent doubles. Where double
precision reads exactly zero or nothing at all over a whole run of the grid, mpmath decides.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from eoc.activations.formula.multiprecision import to_float
from eoc.activations.formula.program import Program
from eoc.activations.formula.rules import Undefined
from eoc.activations.formula.tree import Node
from eoc.floats import FloatArray
from eoc.sharing import once

__all__ = ["grid", "merge", "sign_changes", "touching_zeros"]

Codes = NDArray[np.int8]

_UNDEFINED = 2  # sign code beside -1, 0, 1
_LOW, _HIGH, _PER_OCTAVE, _UNIFORM, _STEP = -30, 20, 8, 64, 1 / 16
_DENSE = 4096
_FADED = 1e-290  # what is as small next to what is 0 to all digits has not crossed it
_TOUCHES = 1e-10  # of what a function is around it: a minimum below is 0
_PROBES = 17  # where mpmath looks at a run of doubtful signs before it looks closer
_TINY = 1e-30  # roots closer to 0 than this come from underflow, as for max(x**3, 0)


@once()
def grid() -> FloatArray:
    """Return the sample points, increasing."""
    geometric = 2.0 ** np.arange(_LOW, _HIGH + 1 / _PER_OCTAVE, 1 / _PER_OCTAVE)
    uniform = np.arange(-_UNIFORM, _UNIFORM + _STEP, _STEP)
    return np.unique(np.concatenate([-geometric, uniform, geometric]))


def sign_changes(nodes: list[Node], limit: int, *, defined: bool = False) -> list[list[float]]:
    """For each node the points nearest to 0 at which its sign changes, at most ``limit`` + 1 of them.

    An end of the segment on which the node is defined counts as well, unless ``defined`` is true.
    """
    if not nodes:
        return []
    program = Program(*nodes)
    singles = [Program(n) for n in nodes]
    xs = grid()
    codes, exact = _codes(program, singles, xs)
    extra = _busy_octaves(xs, codes)
    if extra.size:
        xs = np.union1d(xs, extra)
        codes, exact = _codes(program, singles, xs)
    out = []
    for r, single in enumerate(singles):
        changed = codes[r, 1:] != codes[r, :-1]
        if defined:
            changed &= (codes[r, 1:] != _UNDEFINED) & (codes[r, :-1] != _UNDEFINED)
        where = np.flatnonzero(changed)
        where = np.sort(where[np.argsort(np.abs(xs[where]))][: limit + 1])
        careful = exact[r, where] | exact[r, where + 1]
        found = _bisect(single, xs[where[~careful]], xs[where[~careful] + 1], codes[r, where[~careful]], 0)
        found += [_bisect_exactly(single, xs[i], xs[i + 1], int(codes[r, i])) for i in where[careful]]
        out.append(merge(found))
    return out


def touching_zeros(node: Node, low: float, high: float, limit: int) -> list[float]:
    """Points in [low, high] where |node| has a local minimum that is zero to rounding, without a change of sign.

    Of the minima at most the ``limit`` + 1 nearest to 0 are looked at.
    """
    program = Program(node)
    xs = grid()
    xs = np.union1d(xs, _busy_octaves(xs, _code(program.fast(xs)[1])[None]))  # where it swings without end, too
    xs = np.union1d(xs[(xs >= low) & (xs <= high)], [x for x in (low, high) if math.isfinite(x)])
    value, slope = program.fast(xs)[:2]
    size, sign, slant = np.abs(value), np.sign(value), np.sign(slope)
    falls, rises = sign[:-1] * slant[:-1] <= 0.0, sign[1:] * slant[1:] >= 0.0
    turns = (slant[:-1] != 0.0) & (slant[:-1] != slant[1:])
    i = np.flatnonzero(falls & rises & turns & (sign[:-1] * sign[1:] >= 0.0))
    i = np.sort(i[np.argsort(np.abs(xs[i]))][: limit + 1])
    found = _bisect(program, xs[i], xs[i + 1], slant[i].astype(np.int8), 1)
    scales = [size[max(j - 1, 0) : j + 3].max() for j in i]
    return [x for x, s in zip(found, scales, strict=True) if abs(program.fast(np.array([x]))[0, 0]) <= _TOUCHES * s]


def merge(points: Iterable[float]) -> list[float]:
    """Sorted; points within rounding of each other become the one that is shortest to write."""
    clusters: list[list[float]] = []
    for p in sorted(0.0 if abs(p) < _TINY else p for p in points):
        if clusters and p - clusters[-1][-1] <= 4 * np.spacing(abs(p)):
            clusters[-1].append(p)
        else:
            clusters.append([p])
    return [min(c, key=lambda p: (len(repr(p)), abs(p))) for c in clusters]


def _code(values: FloatArray) -> Codes:
    return np.where(np.isnan(values), _UNDEFINED, np.sign(values)).astype(np.int8)


def _exact_code(program: Program, x: float) -> int:
    try:
        return int(np.sign(to_float(program.exact(x)[0])))
    except Undefined:
        return _UNDEFINED


def _codes(program: Program, singles: list[Program], xs: FloatArray) -> tuple[Codes, NDArray[np.bool_]]:
    """Find the signs on the grid, and which of them mpmath had to decide."""
    codes = _code(program.fast_all(xs)[:, 0])
    exact = np.zeros(codes.shape, dtype=bool)
    for r, single in enumerate(singles):
        doubtful = (codes[r] == 0) | (codes[r] == _UNDEFINED)
        edges = np.flatnonzero(np.diff(np.concatenate([[False], doubtful, [False]]).astype(np.int8)))
        for start, stop in edges.reshape(-1, 2):
            if stop - start == 1 and codes[r, start] == 0:
                continue
            probes = {start, (start + stop) // 2, stop - 1}
            if all(_exact_code(single, xs[i]) == codes[r, i] for i in probes):
                continue
            codes[r, start:stop] = _exact_codes(single, xs[start:stop])
            exact[r, start:stop] = True
        _keep_fading(single, xs, codes[r])
    return codes, exact


def _keep_fading(program: Program, xs: FloatArray, codes: Codes) -> None:
    """Give runs of zeros the sign of what only fades to them, as 1 - tanh(exp(x)) does: too small to tell, not zero."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], codes == 0, [False]]).astype(np.int8)))
    for start, stop in edges.reshape(-1, 2):
        for last, first in ((start - 1, start), (stop, stop - 1)):
            if stop - start > 1 and 0 <= last < xs.size and abs(codes[last]) == 1:
                low, high = sorted((last, first))
                end = _bisect_exactly(program, xs[low], xs[high], int(codes[low]))
                seen = max(_size(program, float(np.nextafter(end, xs[i]))) for i in (low, high))
                if 0.0 < seen < _FADED:
                    codes[start:stop] = codes[last]
                    break


def _size(program: Program, x: float) -> float:
    try:
        return abs(to_float(program.exact(x)[0]))
    except Undefined:
        return math.inf


def _exact_codes(program: Program, xs: FloatArray) -> Codes:
    """Find the signs at xs, increasing, by mpmath: the same between probes that agree, halved between others."""
    codes = np.empty(xs.size, dtype=np.int8)
    marks = np.unique(np.linspace(0, xs.size - 1, _PROBES).astype(int))
    codes[marks] = [_exact_code(program, x) for x in xs[marks]]
    todo = list(pairwise(marks.tolist()))
    while todo:
        a, b = todo.pop()
        if codes[a] == codes[b] or b - a < 2:
            codes[a + 1 : b] = codes[a]
            continue
        middle = (a + b) // 2
        codes[middle] = _exact_code(program, xs[middle])
        todo += [(a, middle), (middle, b)]
    return codes


def _busy_octaves(xs: FloatArray, codes: Codes) -> FloatArray:
    """More points for octaves with several sign changes; beyond the uniform grid, with any."""
    changed = (codes[:, 1:] != codes[:, :-1]).sum(axis=0)
    middle = 0.5 * (xs[1:] + xs[:-1])
    octave = np.floor(np.log2(np.maximum(np.abs(middle), 2.0**_LOW))).astype(int)
    extra = []
    for sign in (-1.0, 1.0):
        for k in np.unique(octave[(changed > 0) & (middle * sign > 0)]):
            count = changed[(octave == k) & (middle * sign > 0)].sum()
            if count >= (1 if 2.0**k >= _UNIFORM else 8):
                extra.append(sign * np.linspace(2.0**k, 2.0 ** (k + 1), _DENSE))
    return np.concatenate(extra) if extra else np.empty(0)


def _to_order(x: FloatArray) -> NDArray[np.int64]:
    bits = np.ascontiguousarray(x + 0.0).view(np.int64)
    return np.where(bits < 0, -(bits & np.int64(2**63 - 1)), bits)


def _from_order(order: NDArray[np.int64]) -> FloatArray:
    return np.where(order < 0, -np.abs(order).view(np.float64), np.abs(order).view(np.float64))


def _bisect(program: Program, a: FloatArray, b: FloatArray, code_a: Codes, component: int) -> list[float]:
    """Vectorised bisection over the ordered doubles for the place at which the sign stops being ``code_a``."""
    if not a.size:
        return []
    low, high = _to_order(a), _to_order(b)
    while np.any(high - low > 1):
        middle = low + (high - low) // 2
        same = _code(program.fast(_from_order(middle))[component]) == code_a
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    left, right = _from_order(low), _from_order(high)
    return [_choose(program, x, y, c, component) for x, y, c in zip(left, right, code_a, strict=True)]


def _bisect_exactly(program: Program, a: float, b: float, code_a: int) -> float:
    low, high = (int(v) for v in _to_order(np.array([a, b])))
    while high - low > 1:
        middle = (low + high) // 2
        x = float(_from_order(np.array([middle]))[0])
        if abs(x) < _TINY:
            return 0.0
        if _exact_code(program, x) == code_a:
            low = middle
        else:
            high = middle
    return float(_from_order(np.array([high]))[0])


def _choose(program: Program, a: float, b: float, code_a: int, component: int) -> float:
    """Of two adjacent doubles, or a short decimal beside them, the one at which the function is exactly 0."""
    if code_a == 0:
        return float(a)
    decimal = float(f"{b:.12g}")
    if decimal not in (a, b) and abs(decimal - b) <= 3 * np.spacing(abs(b)):
        if program.fast(np.array([decimal]))[component, 0] == 0.0:
            return decimal
    elif decimal == a and program.fast(np.array([b]))[component, 0] != 0.0:
        return float(a)
    return float(b)
