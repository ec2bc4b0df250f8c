"""Forms that overflow or cancel, replaced by forms that do not.

For example ``log(1 + exp(u))`` becomes ``softplus(u)`` and ``1 + erf(u)`` becomes ``erfc(-u)``. What is left of 0 and 1
as neutral elements goes as well.
"""

from __future__ import annotations

from collections.abc import Callable

from eoc.activations.formula.tree import Node, Trees

__all__ = ["MAX_EXPONENT", "simplified"]

MAX_EXPONENT = 2.0**31


def simplified(t: Trees, op: str, args: tuple[Node, ...]) -> Node | None:
    """Return a better node for op(args), or None if there is none."""
    rule = _RULES.get(op)
    return rule(t, *args) if rule else None


def _is(node: Node, value: float) -> bool:
    return node.op == "num" and node.value == value


def _integers(a: Node, b: Node) -> bool:
    return all(n.op == "num" and n.value.is_integer() and abs(n.value) < 2.0**26 for n in (a, b))


def _add(t: Trees, a: Node, b: Node) -> Node | None:
    if _integers(a, b):
        return t.number(a.value + b.value)
    for one, u in ((a, b), (b, a)):
        better = _plus(t, one, u) if one.op == "num" else None
        if better is not None:
            return better
    return t.make("mul", t.number(2.0), a) if a is b else None


def _plus(t: Trees, one: Node, u: Node) -> Node | None:
    """The sum of a number and something else."""
    if _is(one, 0.0):
        return u
    if u.op == "switch":  # either side of which may have a better form
        return t.make("switch", u.args[0], *(t.make("add", v, one) for v in u.args[1:]), value=u.value)
    if _is(one, 1.0) and u.op in _ODD:
        return _one_minus(t, t.make("neg", u.args[0]), u.op)
    if _is(one, 1.0) and u.op == "neg" and u.args[0].op in _APPROACH_1:
        return _one_minus(t, u.args[0].args[0], u.args[0].op)
    if _is(one, -1.0) and u.op in _APPROACH_1:
        return t.make("neg", _one_minus(t, u.args[0], u.op))
    return None


_ODD = ("erf", "tanh")
_APPROACH_1 = (*_ODD, "exp", "sigmoid", "Phi")


def _one_minus(t: Trees, u: Node, op: str) -> Node:
    """1 - op(u) without cancellation where op(u) is close to 1."""
    if op == "exp":
        return t.make("neg", t.make("expm1", u))
    if op == "erf":
        return t.make("erfc", u)
    if op == "tanh":
        return t.make("mul", t.number(2.0), t.make("sigmoid", t.make("mul", t.number(-2.0), u)))
    return t.make(op, t.make("neg", u))


def _sub(t: Trees, a: Node, b: Node) -> Node | None:
    if a is b:
        return t.number(0.0)
    if b.op == "num":
        return t.make("add", a, t.number(-b.value))
    if _is(a, 0.0):
        return t.make("neg", b)
    if _is(a, 1.0) and b.op in _APPROACH_1:
        return _one_minus(t, b.args[0], b.op)
    return None


def _neg(t: Trees, a: Node) -> Node | None:
    if a.op == "num":
        return t.number(-a.value)
    return a.args[0] if a.op == "neg" else None


def _mul(t: Trees, a: Node, b: Node) -> Node | None:
    if _integers(a, b):
        return t.number(a.value * b.value)
    for c, u in ((a, b), (b, a)):
        if _is(c, 0.0):
            return t.number(0.0)
        if _is(c, 1.0):
            return u
        if _is(c, -1.0):
            return t.make("neg", u)
    return t.make("powi", a, value=2.0) if a is b else _cancelled(t, a, b, 1)


def _div(t: Trees, a: Node, b: Node) -> Node | None:
    if _is(b, 1.0):
        return a
    cancelled = _cancelled(t, a, b, -1)
    if cancelled is not None:
        return cancelled
    u = _one_plus_exp(b)
    if u is None:
        return None
    if a.op == "exp" and a.args[0] is u:
        return t.make("sigmoid", u)
    return t.make("mul", a, t.make("sigmoid", t.make("neg", u)))


def _factors(node: Node, power: int, found: dict[Node, int]) -> None:
    """Add the powers of what is multiplied and divided in a node."""
    if node.op in ("mul", "div"):
        _factors(node.args[0], power, found)
        _factors(node.args[1], power if node.op == "mul" else -power, found)
    elif node.op == "powi" and abs(power * node.value) < MAX_EXPONENT:
        _factors(node.args[0], power * int(node.value), found)
    else:
        found[node] = found.get(node, 0) + power


def _cancelled(t: Trees, a: Node, b: Node, power: int) -> Node | None:
    """What is left of a b^power after what cancels, such as x in (x*x)/(2*x); None if nothing does."""
    first: dict[Node, int] = {}
    second: dict[Node, int] = {}
    _factors(a, 1, first)
    _factors(b, power, second)
    if not any(second.get(u, 0) * n < 0 and u.constant is None and _is_total(u) for u, n in first.items()):
        return None
    powers = {u: first.get(u, 0) + second.get(u, 0) for u in (*first, *second)}
    top, bottom = (_product(t, {u: s * n for u, n in powers.items() if s * n > 0}) for s in (1, -1))
    return t.make("div", top, bottom)


def _is_total(node: Node) -> bool:
    """Whether the node is defined for every x, but for poles: what cancels must not hide where it is not."""
    seen, todo = {node}, [node]
    while todo:
        node = todo.pop()
        if node.op in _PARTIAL:
            return False
        new = set(node.args) - seen
        seen |= new
        todo += new
    return True


def _product(t: Trees, powers: dict[Node, int]) -> Node:
    out = t.number(1.0)
    for u, n in powers.items():
        out = t.make("mul", out, u if n == 1 else t.make("powi", u, value=float(n)))
    return out


def _sqrt(t: Trees, a: Node) -> Node | None:
    """sqrt(u^2n) = |u|^n."""
    if a.op != "powi" or a.value % 2:
        return None
    u = a.args[0]
    size = t.switch(u, u, t.make("neg", u), strict=True)
    return size if a.value == 2.0 else t.make("powi", size, value=a.value / 2.0)


def _log(t: Trees, a: Node) -> Node | None:
    u = _one_plus_exp(a)
    if u is not None:
        return t.make("softplus", u)
    if a.op == "exp":
        return a.args[0]
    if a.op == "add" and a.constant is None:
        for one, v in (a.args, a.args[::-1]):
            if _is(one, 1.0):
                return t.make("log1p", v)
    return None


def _log1p(t: Trees, a: Node) -> Node | None:
    return t.make("softplus", *a.args) if a.op == "exp" else None


def _pow(t: Trees, a: Node, b: Node) -> Node | None:
    if a.op == "e":
        return t.make("exp", b)
    if b.constant is None:
        return t.make("exp", t.make("mul", b, t.make("log", a)))
    if b.constant.is_integer() and abs(b.constant) < MAX_EXPONENT:
        if b.constant == 0.0:
            return t.number(1.0)
        return a if b.constant == 1.0 else t.make("powi", a, value=b.constant)
    return t.make("sqrt", a) if b.constant == 0.5 else None


def _one_plus_exp(node: Node) -> Node | None:
    """Return u if the node is 1 + exp(u)."""
    if node.op == "add":
        for one, e in (node.args, node.args[::-1]):
            if _is(one, 1.0) and e.op == "exp":
                return e.args[0]
    return None


_PARTIAL = ("log", "log1p", "sqrt", "pow", "arcsin", "arccos")

_RULES: dict[str, Callable[..., Node | None]] = {
    "add": _add,
    "sub": _sub,
    "neg": _neg,
    "mul": _mul,
    "div": _div,
    "log": _log,
    "log1p": _log1p,
    "pow": _pow,
    "sqrt": _sqrt,
    "arcsinh": lambda t, a: a.args[0] if a.op == "sinh" else None,
    "sinh": lambda t, a: a.args[0] if a.op == "arcsinh" else None,
    "tan": lambda t, a: a.args[0] if a.op == "arctan" else None,
}
