"""Forms that overflow or cancel, replaced by forms that do not.

For example ``log(1 + exp(u))`` becomes ``softplus(u)`` and ``1 + erf(u)`` becomes ``erfc(-u)``. What is left of 0 and 1
as neutral elements goes as well.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
        if _is(one, 0.0):
            return u
        if _is(one, 1.0) and u.op == "erf":
            return t.make("erfc", t.make("neg", u.args[0]))
        if _is(one, 1.0) and u.op == "neg" and u.args[0].op in ("erf", "exp"):
            return t.make("sub", one, u.args[0])
        if _is(one, -1.0) and u.op == "exp":
            return t.make("expm1", *u.args)
    return None


def _sub(t: Trees, a: Node, b: Node) -> Node | None:
    if a is b:
        return t.number(0.0)
    if b.op == "num":
        return t.make("add", a, t.number(-b.value))
    if _is(a, 0.0):
        return t.make("neg", b)
    if _is(a, 1.0) and b.op == "erf":
        return t.make("erfc", *b.args)
    if _is(a, 1.0) and b.op == "exp":
        return t.make("neg", t.make("expm1", *b.args))
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
    return None


def _div(t: Trees, a: Node, b: Node) -> Node | None:
    if _is(b, 1.0):
        return a
    u = _one_plus_exp(b)
    if u is None:
        return None
    if a.op == "exp" and a.args[0] is u:
        return t.make("sigmoid", u)
    return t.make("mul", a, t.make("sigmoid", t.make("neg", u)))


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


_RULES: dict[str, Callable[..., Node | None]] = {
    "add": _add,
    "sub": _sub,
    "neg": _neg,
    "mul": _mul,
    "div": _div,
    "log": _log,
    "log1p": _log1p,
    "pow": _pow,
}
