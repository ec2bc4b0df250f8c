"""Where the denominators of a formula vanish: a pole, a jump, or a removable singularity."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from eoc.activations.formula.places import Places
from eoc.activations.formula.roots import grid, sign_changes, touching_zeros
from eoc.activations.formula.rules import OutOfReach, Undefined
from eoc.activations.formula.segments import MAX_KNOTS, Segment, check_count, interior
from eoc.activations.formula.tree import Node, Trees, postorder
from eoc.activations.unbounded import unbounded
from eoc.errors import NotPermissibleError
from eoc.floats import FloatArray

__all__ = ["without_poles"]

_CLOSE = (40, 60)  # 2^-bits away from a place
_SAME = 1e-15  # of the values: a smaller gap is rounding
_STAYS = 2.0**-8  # of the gap 2^20 times farther away: what is smooth leaves 2^-20
_SINGULAR = ("div", "arcsin", "arccos", "log", "log1p", "pow", "powi", "sqrt", "tan")  # what may have poles or roots
_FEW = 12  # points, each of which mpmath can look at
_APART, _STEADY = np.array([0.3, 1e-3, 1e-4]), 1e-2  # of the way from one to the next; what changes little
_NOISE = (
    1e-4  # of phi, phi' and phi'' in units of the way: where one is less, as phi'' of arctan(tan(x)), it is rounding
)
_NEAREST = 3  # zeros of denominators looked at first, so that tan(x) is refused at pi/2


def without_poles(parts: list[Segment], trees: Trees, places: Places, name: str) -> tuple[list[Segment], list[float]]:
    """Refuse poles and undefined segments; cut where a bounded function jumps without a switch, as tanh(1/x) does.

    Returns
    -------
    tuple
        The segments, and the removable singularities inside of them.

    Raises
    ------
    NotPermissibleError
        If the formula has a pole or is undefined somewhere.
    """
    for part in parts:
        _check_defined(part, name)
    for part in parts:
        _check_ends(part, places, name)
    zeros = _critical_zeros(parts, trees, places, name)
    for x in sorted(zeros, key=abs)[:_NEAREST]:
        for part in parts:
            if x in part:
                for side in (-1, 1):
                    _check_bounded(part, x, side, places, name)
    out, singular = [], []
    for part in parts:
        out.append(part)
        inside = [z for z in zeros if z in part]
        singular += inside
        seen = _changes_in_doubles(part, np.array(inside))
        check_count(len(parts) - 1 + seen.count(True), name)
        for x, changes in zip(inside, seen, strict=True):
            if changes is None:
                for side in (-1, 1):
                    _check_bounded(part, x, side, places, name)
            if _changes(part, places[x]) if changes is None else changes:
                out[-1:] = [replace(out[-1], high=x), replace(out[-1], low=x)]
    check_count(len(out) - 1, name)
    return out, singular


def _critical_zeros(parts: list[Segment], trees: Trees, places: Places, name: str) -> list[float]:
    critical: dict[Node, tuple[float, float]] = {}  # and between which ends
    for part in parts:
        for node in postorder(part.tree):
            for u in _critical(node, trees):
                if u.constant is None:
                    low, high = critical.get(u, (part.low, part.high))
                    critical[u] = min(low, part.low), max(high, part.high)
    found = dict(zip(critical, sign_changes(list(critical), MAX_KNOTS, defined=True), strict=True))
    for node, (low, high) in critical.items():
        touching = touching_zeros(node, low, high, MAX_KNOTS)
        check_count(len(touching), name)
        found[node] += touching
    return places.add(found)


def _critical(node: Node, t: Trees) -> list[Node]:
    """Where one of these is 0, the node may have a pole or, as sqrt and arcsin, a vertical slope."""
    if node.op == "div":
        return [node.args[1]]
    if node.op in ("arcsin", "arccos"):
        return [t.make("add", t.number(1), u) for u in (node.args[0], t.make("neg", node.args[0]))]
    if node.op in ("log", "pow", "sqrt") or (node.op == "powi" and node.value < 0):
        return [node.args[0]]
    if node.op == "log1p":
        return [t.make("add", t.number(1), node.args[0])]
    return [t.make("cos", node.args[0])] if node.op == "tan" else []


def _check_defined(part: Segment, name: str) -> None:
    xs = grid()
    xs = xs[(xs > part.low) & (xs < part.high)]
    if not xs.size:
        xs = np.array([interior(part.low, part.high)])
    try:
        values = part.program.fast(xs)[0]
    except Undefined:
        raise NotPermissibleError(f"{name} is undefined at x = {_shortest(xs):g}") from None
    undefined = [x for x in _doubtful(xs, values) if _is_undefined(part, x)]
    if undefined:
        raise NotPermissibleError(
            f"{name} is undefined at x = {_shortest(undefined):g}: an activation needs a finite real value at every x"
        )


def _doubtful(xs: FloatArray, values: FloatArray) -> set[float]:
    """Some of the points at which double precision has no finite value."""
    nan = xs[np.isnan(values)]
    bad = xs[~np.isfinite(values)]
    chosen = [nan[np.argsort(np.abs(nan))][:12], bad[:: max(1, bad.size // 12)], nan[np.abs(nan) == 1.0]]
    return set(np.concatenate(chosen).tolist())


def _is_undefined(part: Segment, x: float) -> bool:
    try:
        part.program.exact(x)
    except OutOfReach:
        return False
    except Undefined:
        near = part.program.fast(np.array([x * (1 - 1e-6) - 1e-9, x * (1 + 1e-6) + 1e-9]))[0]
        return bool(np.isnan(near).any())
    return False


def _check_ends(part: Segment, places: Places, name: str) -> None:
    if any(node.op in _SINGULAR for node in postorder(part.tree)):
        for x, side in ((part.low, 1), (part.high, -1)):
            if math.isfinite(x):
                _check_bounded(part, x, side, places, name)


def _changes_in_doubles(part: Segment, xs: FloatArray) -> list[bool | None]:
    """For each of many points, whether phi jumps there as double precision sees it; None where mpmath has to look."""
    if xs.size <= _FEW:
        return [None] * xs.size
    apart = np.diff(xs, prepend=2.0 * xs[0] - xs[1], append=2.0 * xs[-1] - xs[-2])
    steps = np.minimum(apart[:-1], apart[1:]) * _APART[:, None]
    left, right = (part.program.fast((xs + side * steps).ravel()).reshape(3, *steps.shape) for side in (-1.0, 1.0))
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        size, gaps = np.abs(left) + np.abs(right), np.abs(right - left)
        scale = size.max(axis=1, keepdims=True)
        unit = np.minimum(apart[:-1], apart[1:]) ** np.arange(3.0)[:, None, None]
        counts = scale > _NOISE * (scale * unit).max(axis=0) / unit
        size, gaps = (np.where(counts, v / scale, 0.0) for v in (size, gaps))
        steady = (np.abs(size[:, 2] - size[:, 1]) <= _STEADY).all(axis=0)
        steady &= (gaps[:, 2] <= gaps[:, 1] + _STEADY).all(axis=0)
        jumps = steady & (gaps[0].min(axis=0) > 0.1)
        smooth = steady & (gaps[:, 2].max(axis=0) <= _STEADY)
    return [True if a else False if b else None for a, b in zip(jumps, smooth, strict=True)]


def _changes(part: Segment, x: Any) -> bool:
    """Whether phi, phi' or phi'' is another from the left of x than from its right: a gap that stays."""
    gaps = []
    try:
        for bits in _CLOSE:
            left, right = (part.program.exact_beside(x, side, bits) for side in (-1, 1))
            gaps.append([(abs(v - u), abs(u) + abs(v)) for u, v in zip(left, right, strict=True)])
    except OutOfReach:
        return False
    except Undefined:
        return True
    far, near = gaps
    return any(b > _SAME * size and b > _STAYS * a for (a, _), (b, size) in zip(far, near, strict=True))


def _shortest(xs: Iterable[float]) -> float:
    return float(min(xs, key=lambda x: (len(f"{x:.17g}"), abs(x), -x)))


def _check_bounded(part: Segment, x: float, side: int, places: Places, name: str) -> None:
    """Raise NotPermissibleError if |phi| keeps growing on the way to x from one side."""
    values: list[Any] = []  # mpmath numbers, which do not overflow
    for bits in (10, 20, 30, 40):
        at = x + side * max(1.0, abs(x)) * 2.0**-bits
        if at not in part:
            continue
        try:
            values.append(part.program.exact(at)[0])
        except OutOfReach:
            return
        except Undefined:
            raise NotPermissibleError(f"{name} is undefined at x = {at:.6g}") from None
    if _keeps_growing([*map(abs, values), _at(part, places[x], side)]):
        slow = abs(values[-1]) < abs(values[-2]) * 2.0**4.9  # slower than |x|^(-1/2), as for a logarithm
        raise unbounded(name, f"{x:.6g}", square_integrable=bool(slow))


def _at(part: Segment, x: Any, side: int) -> Any:
    """|phi| at x itself: what is only steep has reached its height there."""
    try:
        return abs(part.program.limit(x, side)[0])
    except Undefined:
        return math.inf


def _keeps_growing(sizes: list[Any]) -> bool:
    """Whether |phi|, every 2^-10 closer to a point, grows by steps that do not shrink: by a pole or a logarithm."""
    steps = [b - a for a, b in pairwise(sizes)]
    if len(steps) < 3 or not all(s > 0 for s in steps):
        return False
    return bool(steps[-1] > 1e-9 * sizes[0] and steps[-1] >= 0.5 * steps[-2])
