"""Where a formula is not smooth, and the smooth trees in between.

Every switch is decided on each segment between two of its sign changes. Segments whose trees are the same function go
together again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from eoc.activations.formula.multiprecision import to_float
from eoc.activations.formula.places import Places
from eoc.activations.formula.program import Program
from eoc.activations.formula.roots import grid, sign_changes
from eoc.activations.formula.rules import Undefined
from eoc.activations.formula.tree import Node, Trees, postorder
from eoc.errors import ExpressionError, NotPermissibleError

__all__ = [
    "MAX_KNOTS",
    "Limits",
    "Segment",
    "check_count",
    "end_limits",
    "interior",
    "reconcile",
    "segments",
    "straightened",
]

MAX_KNOTS = 1000
_FLAT = 1e-9  # of the slope, at the scale of x: a second derivative below may be nothing but rounding
_PLACES = (0.2137, 0.5703, 0.8361)  # where a segment is looked at
_FARTHER = (0.5703, 3.137, 17.31)  # beyond the end of one that is not bounded
_ALIKE = 1e-40
_UNLIKE = 1e-9  # more than rounding makes of one function
_LINEAR = ("x", "add", "sub", "neg", "mul")
Limits = tuple[float, float, float]
_NOTHING = 1e-30  # limits this close are equal: a limit such as x*log(abs(x)) at 0 is read off at 2^-130


@dataclass(frozen=True)
class Segment:
    """A smooth tree on (low, high)."""

    low: float
    high: float
    tree: Node
    program: Program

    def __contains__(self, x: float) -> bool:
        return self.low < x < self.high


def segments(tree: Node, trees: Trees, places: Places, text: str) -> list[Segment]:
    """Cut a tree at its switches and at nothing else; where that is gets known to ``places``.

    Raises
    ------
    ExpressionError
        If that makes more than 1000 knots.
    """
    switches = list(dict.fromkeys(n.args[0] for n in postorder(tree) if n.op == "switch"))
    knots = places.add(dict(zip(switches, sign_changes(switches, 2 * MAX_KNOTS + 2), strict=True)))
    check_count(len(knots), text)
    return _merged(_frozen(tree, trees, switches, knots))


def check_count(knots: int, text: str) -> None:
    """Refuse more than 1000 knots: of infinitely many, as those of arctan(tan(x)), no one can know all."""
    if knots > MAX_KNOTS:
        raise ExpressionError(
            f"the formula has more than {MAX_KNOTS} points at which it is not smooth; limit them, as with "
            "clip(x, -8, 8) in place of x",
            text,
            len(text) - len(text.lstrip()) + 1,
        )


def _frozen(tree: Node, trees: Trees, switches: list[Node], knots: list[float]) -> list[Segment]:
    signs = Program(*switches) if switches else None
    out = []
    for low, high in pairwise([-math.inf, *knots, math.inf]):
        codes: dict[Node, float] = {}
        if signs is not None:
            inside = interior(low, high)
            values = signs.fast_all(np.array([inside]))[:, 0, 0]
            codes = {n: _sign(n, v, [inside, *_places(low, high)]) for n, v in zip(switches, values, strict=True)}
        smooth = _freeze(tree, trees, codes)
        out.append(Segment(low, high, smooth, Program(smooth)))
    return out


def _sign(node: Node, value: float, xs: list[float]) -> float:
    """Tell the sign by the value at the first of some points; where it is 0 there, it may be another at the next."""
    if value != 0.0 and not math.isnan(value):
        return float(value)
    try:
        return next((v for x in xs if (v := to_float(Program(node).exact(x)[0])) != 0.0), 0.0)
    except Undefined:
        return math.nan


def _merged(parts: list[Segment]) -> list[Segment]:
    out = [parts[0]]
    for part in parts[1:]:
        together = _together(out[-1], part)
        out[-1:] = [out[-1], part] if together is None else [together]
    return out


def _together(a: Segment, b: Segment) -> Segment | None:
    """One segment for both, where one of the trees is right on either side of the knot.

    Far out tanh(x) is -1 to all digits, but -1 is not tanh(x) everywhere.
    """
    if a.tree is b.tree:
        return replace(a, high=b.high)
    if not _same_function(a, b):
        return None
    if _agree(a, b, b):
        return replace(a, high=b.high)
    return replace(b, low=a.low) if _agree(a, b, a) else None


def _agree(a: Segment, b: Segment, within: Segment) -> bool:
    """Whether two trees differ by no more than rounding on what the grid has within a segment."""
    xs = grid()
    xs = xs[(within.low < xs) & (xs < within.high)]
    with np.errstate(all="ignore"):
        u, v = (p.program.fast(xs)[0] for p in (a, b))
        return not (np.abs(u - v) > _UNLIKE * (np.abs(u) + np.abs(v))).any()


def interior(low: float, high: float) -> float:
    """Return a point between low and high that nobody would choose."""
    if math.isinf(low):
        return 0.0 if math.isinf(high) else high - max(1.0, abs(high)) * 0.5703
    if math.isinf(high):
        return low + max(1.0, abs(low)) * 0.5703
    return low + (high - low) * 0.5703


def straightened(part: Segment, t: Trees) -> Segment:
    """The segment with a straight line as its tree where phi'' cancels identically, as that of arcsin(cos(x)) does.

    What is left of phi'' in floating point is rounding, which grows without bound towards the kinks.
    """
    if not any(n.op not in _LINEAR and n.constant is None for n in postorder(part.tree)):
        return part
    xs = np.array(_places(part.low, part.high))
    with np.errstate(all="ignore"):
        _, slopes, bends = part.program.fast(xs)
        scale = np.maximum(np.minimum(np.abs(xs), part.high - part.low), 1e-3)
        if not (np.abs(bends) * scale <= _FLAT * np.abs(slopes)).all():
            return part
    try:
        found = [part.program.exact(x) for x in xs.tolist()]
    except Undefined:
        return part
    slope = found[0][1]
    starts = [value - slope * x for (value, _, _), x in zip(found, xs.tolist(), strict=True)]
    off = max(abs(a - starts[0]) for a in starts) + max(abs(each[1] - slope) for each in found)
    if any(abs(bend) > _ALIKE * abs(slope) for *_, bend in found) or not off <= _ALIKE * (abs(starts[0]) + abs(slope)):
        return part
    tree = t.number(0.0)
    for factor in _doubles(slope):
        tree = t.make("add", tree, t.make("mul", t.number(factor), t.x))
    for term in _doubles(starts[0]):
        tree = t.make("add", tree, t.number(term))
    return replace(part, tree=tree, program=Program(tree))


def _places(low: float, high: float) -> list[float]:
    """Points between low and high at which a line is told from anything else."""
    if math.isinf(low) and math.isinf(high):
        return [-17.31, 0.5703, 3.137]
    if math.isinf(low):
        return [high - max(1.0, abs(high)) * f for f in _FARTHER]
    if math.isinf(high):
        return [low + max(1.0, abs(low)) * f for f in _FARTHER]
    return [low + (high - low) * f for f in _PLACES]


def _doubles(value: Any) -> list[float]:
    """Up to three doubles whose sum is an mpmath number to 1e-40 of it."""
    out: list[float] = []
    rest = value
    while len(out) < 3 and abs(rest) > _ALIKE * abs(value):
        out.append(to_float(rest))
        rest = rest - out[-1]
    return out


def _freeze(tree: Node, t: Trees, signs: dict[Node, float]) -> Node:
    """Decide every switch of the tree; NaN makes a branch that is undefined."""
    done: dict[Node, Node] = {}
    for node in postorder(tree):
        args = tuple(done[a] for a in node.args)
        if node.op != "switch":
            done[node] = t.rebuild(node, args)
            continue
        sign = signs[node.args[0]]
        if math.isnan(sign):
            done[node] = t.make("undefined", t.x)
        else:
            done[node] = args[1] if sign > 0 or (sign == 0 and node.value == 0.0) else args[2]
    return done[tree]


def _same_function(a: Segment, b: Segment) -> bool:
    """Whether two trees are the same analytic function, seen at three points around the knot between them."""
    step = max(1.0, abs(b.low))
    try:
        for f in (-0.2871, 0.1337, 0.4142):
            u, v = (p.program.exact(b.low + f * step)[0] for p in (a, b))
            if not abs(u - v) <= 1e-25 * (abs(u) + abs(v)):
                return False
    except Undefined:
        return False
    return True


def end_limits(part: Segment, places: Places, name: str) -> dict[float, Limits]:
    """(phi, phi', phi'') at the finite ends of a segment, from its inside."""
    out: dict[float, Limits] = {}
    for x, side in ((part.low, 1), (part.high, -1)):
        if math.isfinite(x):
            try:
                value, slope, curvature = map(to_float, part.program.limit(places[x], side))
            except Undefined:
                raise NotPermissibleError(f"{name} is undefined at x = {x:.6g}") from None
            out[x] = value, slope, curvature
    return out


def reconcile(left: dict[float, Limits], right: dict[float, Limits]) -> None:
    """Make limits that agree up to rounding agree exactly."""
    x = next(k for k in left if k in right and k == max(left))
    a, b = np.array(left[x]), np.array(right[x])
    with np.errstate(over="ignore", invalid="ignore"):
        size = np.abs(a) + np.abs(b)
        for j in range(3):
            slack = 1e-13 * size[j] + (1e-14 * (size[0] + size[1]) if j == 2 else 0.0)
            if a[j] != b[j] and not abs(a[j] - b[j]) <= slack + _NOTHING < math.inf:
                break
            a[j] = b[j]
    left[x] = (float(a[0]), float(a[1]), float(a[2]))
