"""An activation from a formula in x that a user typed.

>>> phi = parse("x*tanh(log(1+exp(x)))")
>>> phi([800.0, -800.0]).tolist()
[800.0, 0.0]

The text becomes a tree (``grammar``), its derivatives follow by the chain rule (``jets``), the points at which it is
not smooth are found (``roots``), and each stretch between them becomes a piece that is evaluated to full accuracy
(``certified``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np

from eoc.activations.base import Activation, Growth, Parity
from eoc.activations.certified import Certified, Limits
from eoc.activations.grammar import Node, Trees, postorder, read
from eoc.activations.jets import Jet, OutOfReach, Program, Undefined, to_float
from eoc.activations.roots import grid, merge, sign_changes, touching_zeros
from eoc.errors import ExpressionError, NotPermissibleError

__all__ = ["MAX_KNOTS", "parse"]

MAX_KNOTS = 1000
_EPS = float(np.finfo(float).eps)
_NOTHING = 1e-30  # limits this close are equal: a limit such as x*log(abs(x)) at 0 is read off at 2^-130
_NEAREST = 3  # zeros of denominators looked at first, so that tan(x) is refused at pi/2
_CONDITION_A = "condition (a) of Long & Sedghi (2019), bounded on finite intervals, fails"


def parse(text: str) -> Activation:
    """Read a formula in x as an activation.

    Parameters
    ----------
    text
        For example ``"x*tanh(log(1+exp(x)))"``, ``"max(x, 0.1*x)"`` or ``"x if x > 0 else exp(x) - 1"``.

    Returns
    -------
    Activation
        Its values are right to about 2e-14 of the largest absolute value between -x and x, and likewise phi' and phi''.

    Raises
    ------
    ExpressionError
        If the text is not a formula in x (``column`` says where), or has more than 1000 knots.
    NotPermissibleError
        If phi has a pole or is undefined somewhere.

    Notes
    -----
    Literals mean the nearest double. A knot at which phi, phi' and phi'' agree from both sides stays a knot when the
    formulas on its sides differ, as for ``abs(x)**3``: quadrature needs to know it. One-sided limits that differ by
    rounding only are stored as equal, so that the smoothness class is right.

    Examples
    --------
    >>> phi = parse("max(x, 0.1*x)")
    >>> phi.knots, str(phi.smoothness), phi([-1.0, 2.0]).tolist()
    ((0.0,), 'kink', [-0.1, 2.0])
    """
    trees = Trees()
    tree = read(text, trees)
    name = " ".join(text.split())
    stretches = _Stretches(tree, trees, name, text)
    parts, singular = _split_at_singularities(stretches.parts, stretches.critical_zeros, name)
    ends = [_end_limits(part, name) for part in parts]
    for left, right in pairwise(ends):
        _reconcile(left, right)
    knots = tuple(p.high for p in parts[:-1])
    zones = [z for z in singular if z != 0.0]
    certified = Certified([p.program for p in parts], knots, [dict(e) for e in ends], zones, name)
    return Activation(
        name=name,
        formula=name,
        pieces=tuple(certified.piece(i) for i in range(len(parts))),
        knots=knots,
        growth=_growth(parts),
        parity=_parity(parts),
        uncertainty=certified.uncertainty,
    )


@dataclass(frozen=True)
class _Part:
    """A smooth tree on (low, high)."""

    low: float
    high: float
    tree: Node
    program: Program

    def __contains__(self, x: float) -> bool:
        return self.low < x < self.high


# --- knots --------------------------------------------------------------------------------------------------------


class _Stretches:
    """Cuts a tree at its switches and at nothing else."""

    def __init__(self, tree: Node, trees: Trees, name: str, text: str) -> None:
        self._tree, self._trees, self._name = tree, trees, name
        nodes = postorder(tree)
        self._switches = list(dict.fromkeys(n.args[0] for n in nodes if n.op == "switch"))
        found = sign_changes(self._switches, 2 * MAX_KNOTS + 2)
        knots = merge(x for xs in found for x in xs)
        if len(knots) > MAX_KNOTS:
            raise ExpressionError(
                f"the formula has more than {MAX_KNOTS} points at which it is not smooth", text, _start(text)
            )
        self.parts = self._merged(self._frozen(knots))
        self.critical_zeros = self._critical_zeros()

    def _frozen(self, knots: list[float]) -> list[_Part]:
        bounds = [-math.inf, *knots, math.inf]
        signs = Program(*self._switches) if self._switches else None
        out = []
        for low, high in pairwise(bounds):
            inside = _interior(low, high)
            codes: dict[Node, float] = {}
            if signs is not None:
                values = signs.fast_all(np.array([inside]))[:, 0, 0]
                codes = {n: self._sign(n, v, inside) for n, v in zip(self._switches, values, strict=True)}
            tree = _freeze(self._tree, self._trees, codes)
            out.append(_Part(low, high, tree, Program(tree)))
        return out

    @staticmethod
    def _sign(node: Node, value: float, x: float) -> float:
        if value != 0.0 and not math.isnan(value):
            return float(value)
        try:
            return to_float(Program(node).exact(x)[0])
        except Undefined:
            return math.nan

    def _merged(self, parts: list[_Part]) -> list[_Part]:
        out = [parts[0]]
        for part in parts[1:]:
            if part.tree is out[-1].tree or _same_function(out[-1], part):
                out[-1] = replace(out[-1], high=part.high)
            else:
                out.append(part)
        return out

    def _critical_zeros(self) -> list[float]:
        critical: dict[Node, None] = {}
        for node in postorder(*(p.tree for p in self.parts)):
            for u in _critical(node, self._trees):
                if u.constant is None:
                    critical[u] = None
        nodes = list(critical)
        found = [x for xs in sign_changes(nodes, MAX_KNOTS, defined=True) for x in xs]
        for node in nodes:
            found += touching_zeros(node)
        return merge(found)


def _start(text: str) -> int:
    return len(text) - len(text.lstrip()) + 1


def _critical(node: Node, t: Trees) -> list[Node]:
    """Where one of these is 0, the node may have a pole."""
    if node.op == "div":
        return [node.args[1]]
    if node.op in ("log", "pow") or (node.op == "powi" and node.value < 0):
        return [node.args[0]]
    if node.op == "log1p":
        return [t.make("add", t.number(1), node.args[0])]
    return [t.make("cos", node.args[0])] if node.op == "tan" else []


def _interior(low: float, high: float) -> float:
    if math.isinf(low):
        return 0.0 if math.isinf(high) else high - max(1.0, abs(high)) * 0.5703
    if math.isinf(high):
        return low + max(1.0, abs(low)) * 0.5703
    return low + (high - low) * 0.5703


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


def _same_function(a: _Part, b: _Part) -> bool:
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


# --- poles --------------------------------------------------------------------------------------------------------


def _split_at_singularities(parts: list[_Part], zeros: list[float], name: str) -> tuple[list[_Part], list[float]]:
    """Refuse poles and undefined stretches; cut where a bounded function jumps without a switch, as tanh(1/x)."""
    for part in parts:
        _check_defined(part, name)
    for left, right in pairwise(parts):
        for part, side in ((left, -1), (right, 1)):
            _check_bounded(part, left.high, side, name)
    out, singular = [], []
    for x in sorted(zeros, key=abs)[:_NEAREST]:
        for part in parts:
            if x in part:
                _check_bounded(part, x, 1, name)
    for part in parts:
        out.append(part)
        for x in (z for z in zeros if z in part):
            singular.append(x)
            left, right = (_check_bounded(part, x, side, name) for side in (-1, 1))
            if abs(right - left) > 1e-6 * (abs(left) + abs(right)) + 1e-9:
                out[-1:] = [replace(out[-1], high=x), replace(out[-1], low=x)]
    return out, singular


def _check_defined(part: _Part, name: str) -> None:
    xs = grid()
    xs = xs[(xs > part.low) & (xs < part.high)]
    if not xs.size:
        xs = np.array([_interior(part.low, part.high)])
    try:
        values = part.program.fast(xs)[0]
    except Undefined:
        raise NotPermissibleError(f"{name} is undefined at x = {_shortest(xs):g}") from None
    nan = xs[np.isnan(values)]
    bad = xs[~np.isfinite(values)]
    probes = {*nan[np.argsort(np.abs(nan))][:12], *bad[:: max(1, bad.size // 12)], *nan[np.abs(nan) == 1.0]}
    undefined = []
    for x in probes:
        try:
            part.program.exact(float(x))
        except OutOfReach:
            continue
        except Undefined:
            near = part.program.fast(np.array([x * (1 - 1e-6) - 1e-9, x * (1 + 1e-6) + 1e-9]))[0]
            if np.isnan(near).any():
                undefined.append(float(x))
    if undefined:
        raise NotPermissibleError(
            f"{name} is undefined at x = {_shortest(np.array(undefined)):g}: an activation needs a finite real value "
            "at every x"
        )


def _shortest(xs: Any) -> float:
    return float(min(xs, key=lambda x: (len(f"{x:.17g}"), abs(x), -x)))


def _check_bounded(part: _Part, x: float, side: int, name: str) -> Any:
    """Return phi close to x on one side, or raise NotPermissibleError if |phi| keeps growing on the way there."""
    values: list[Any] = []  # mpmath numbers, which do not overflow
    for bits in (10, 20, 30, 40):
        at = x + side * max(1.0, abs(x)) * 2.0**-bits
        if at not in part:
            continue
        try:
            values.append(part.program.exact(at)[0])
        except OutOfReach:
            return values[-1] if values else 0.0
        except Undefined:
            raise NotPermissibleError(f"{name} is undefined at x = {at:.6g}") from None
    if _keeps_growing([abs(v) for v in values]):
        integrable = abs(values[-1]) < abs(values[-2]) * 2.0**4.9  # slower than |x|^(-1/2), as for a logarithm
        so = "" if integrable else ", so E[phi(sqrt(q) Z)^2] is infinite for every q > 0"
        raise NotPermissibleError(f"{name} is unbounded near x = {x:.6g}: {_CONDITION_A}{so}")
    return values[-1] if values else 0.0


def _keeps_growing(sizes: list[Any]) -> bool:
    """Whether |phi|, every 2^-10 closer to a point, grows by steps that do not shrink: by a pole or a logarithm."""
    steps = [b - a for a, b in pairwise(sizes)]
    if len(steps) < 2 or not all(s > 0 for s in steps):
        return False
    return bool(steps[-1] > 1e-9 * sizes[0] and steps[-1] >= 0.5 * steps[-2])


# --- one-sided limits ---------------------------------------------------------------------------------------------


def _end_limits(part: _Part, name: str) -> dict[float, Limits]:
    out = {}
    for x, side in ((part.low, 1), (part.high, -1)):
        if math.isfinite(x):
            try:
                out[x] = _floats(part.program.exact(x, side))
            except Undefined:
                raise NotPermissibleError(f"{name} is undefined at x = {x:.6g}") from None
    return out


def _floats(jet: Jet) -> Limits:
    return to_float(jet[0]), to_float(jet[1]), to_float(jet[2])


def _reconcile(left: dict[float, Limits], right: dict[float, Limits]) -> None:
    """Make limits that agree up to the rounding of the knot itself agree exactly."""
    x = next(k for k in left if k in right and k == max(left))
    a, b = np.array(left[x]), np.array(right[x])
    size = np.abs(a) + np.abs(b)
    shift = 8.0 * _EPS * abs(x)
    for j in range(3):
        slack = 1e-13 * size[j] + (shift * size[j + 1] if j < 2 and shift else 0.0)
        slack += 1e-14 * (size[0] + size[1]) if j == 2 else 0.0
        if a[j] != b[j] and not abs(a[j] - b[j]) <= slack + _NOTHING < math.inf:
            break
        a[j] = b[j]
    left[x] = (float(a[0]), float(a[1]), float(a[2]))


# --- growth and parity --------------------------------------------------------------------------------------------

_SPREAD = (1.0, 0.93, 0.87, 0.81, 0.77)
_WIDE_SPREAD = tuple(1.0 - 0.00731 * i for i in range(40))


def _growth(parts: Sequence[_Part]) -> Growth:
    """Return the faster of the growths at the two ends."""
    order = ("bounded", "polynomial", "exponential", "gaussian", "faster")
    both = [_one_sided_growth(parts[0].program, -1), _one_sided_growth(parts[-1].program, 1)]
    return max(both, key=lambda g: (order.index(g.kind), g.rate))


def _log_size(program: Program, x: float, spread: tuple[float, ...] = (1.0,)) -> float:
    """Find max log|phi| near x; infinite on overflow even in mpmath, NaN where it cannot be computed."""
    logs = []
    for f in spread:
        try:
            value = program.exact(x * f)[0]
        except Undefined:
            return math.nan
        size = abs(value)
        if size == 0:
            logs.append(-math.inf)
        elif math.isinf(to_float(size)):
            logs.append(to_float(value.context.log(size)) if size != value.context.inf else math.inf)
        else:
            logs.append(to_float(value.context.log(size)) if hasattr(value, "context") else math.log(size))
    return max(logs)


def _one_sided_growth(program: Program, side: int) -> Growth:
    top = 30
    far = _log_size(program, side * 2.0**top)
    while math.isnan(far) and top > 4:
        top -= 1
        far = _log_size(program, side * 2.0**top)
    if far == math.inf:
        return Growth("faster", math.inf)
    half = _log_size(program, side * 2.0 ** (top - 1))
    x = 2.0**top
    if far > 60.0 * math.log(x) and half > 0 and far > 1.2 * half:
        return _fast_growth(far, half, x)
    degree = _degree(program, side, top, _SPREAD)
    if 0.0 < abs(degree) < 0.25:  # perhaps bounded and oscillating
        degree = _degree(program, side, top, _WIDE_SPREAD)
    if degree <= 0.15 / top:
        return Growth("bounded", 0.0)
    snapped = round(2.0 * degree) / 2.0
    return Growth("polynomial", snapped if snapped > 0 and abs(snapped - degree) < 0.03 else degree)


def _degree(program: Program, side: int, top: int, spread: tuple[float, ...]) -> float:
    """Return p with |phi| ~ |x|^p between 2^(top/2) and 2^top."""
    far = _log_size(program, side * 2.0**top, spread)
    near = _log_size(program, side * 2.0 ** (top / 2), spread)
    return (far - near) / (top / 2 * math.log(2.0)) if math.isfinite(far) and math.isfinite(near) else 0.0


def _fast_growth(far: float, half: float, x: float) -> Growth:
    """From log|phi| at x and x/2."""
    power = math.log2(far / half)
    if abs(power - 2.0) < 1e-5:
        return Growth("gaussian", _snap((far - half) / (0.75 * x * x)))
    if power > 2.0:
        return Growth("faster", math.inf)
    if power < 1.0 + 1e-5:
        return Growth("exponential", _snap((far - half) / (0.5 * x)))
    return Growth("exponential", math.inf)


def _snap(rate: float) -> float:
    """Round to a simple fraction within 1e-7, if there is one."""
    simple = float(Fraction(rate).limit_denominator(1000))
    return simple if abs(simple - rate) < 1e-7 * abs(rate) else rate


def _parity(parts: Sequence[_Part]) -> Parity | None:
    knots = [p.high for p in parts[:-1]]
    if any(a != -b for a, b in zip(knots, reversed(knots), strict=True)):
        return None
    odd = even = True
    for x in 0.0137 * 2.13 ** np.arange(16):
        a, b = (_value(parts, knots, s * float(x)) for s in (-1, 1))
        if a is None or b is None:
            return None
        scale = 1e-22 * (abs(a) + abs(b))
        even, odd = even and abs(a - b) <= scale, odd and abs(a + b) <= scale
        if not even and not odd:
            return None
    return "even" if even else "odd"


def _value(parts: Sequence[_Part], knots: list[float], x: float) -> Any:
    try:
        return parts[int(np.searchsorted(knots, x))].program.exact(x)[0]
    except Undefined:
        return None
