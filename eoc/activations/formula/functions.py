"""What a formula may name: the variable, two constants, functions, and the activations made of these."""

from __future__ import annotations

from collections.abc import Callable

from eoc.activations.definitions import ALIASES, DEFINITIONS, key
from eoc.activations.formula.tree import Node, Trees

__all__ = ["DEFINED", "FUNCTIONS", "MACROS", "NAMES", "PRIMITIVES", "called"]

NAMES = ("x", "pi", "e")

#: How a primitive function is called -> what it is called in trees; each takes one argument.
PRIMITIVES = {
    **{n: n for n in ("exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh")},
    **{n: n for n in ("arcsin", "arccos", "arctan", "arcsinh", "erf", "erfc", "sigmoid", "softplus", "Phi")},
    **{"ln": "log", "asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arcsinh"},
    **{"logistic": "sigmoid", "expit": "sigmoid"},
}


def _max(t: Trees, a: Node, b: Node) -> Node:
    return t.switch(t.make("sub", a, b), a, b, strict=True)


def _min(t: Trees, a: Node, b: Node) -> Node:
    return t.switch(t.make("sub", a, b), b, a, strict=True)


def _clip(t: Trees, u: Node, low: Node, high: Node) -> Node:
    return _min(t, _max(t, u, low), high)


def _abs(t: Trees, u: Node) -> Node:
    return t.switch(u, u, t.make("neg", u), strict=True)


def _sign(t: Trees, u: Node) -> Node:
    below = t.switch(t.make("neg", u), t.number(-1), t.number(0), strict=True)
    return t.switch(u, t.number(1), below, strict=True)


def _cbrt(t: Trees, u: Node) -> Node:
    """The real cube root: odd, and vertical at 0."""
    third = t.make("div", t.number(1), t.number(3))
    below = t.make("neg", t.make("pow", t.make("neg", u), third))
    return t.switch(u, t.make("pow", u, third), below, strict=True)


#: Functions made of others: the numbers of arguments they take, and what builds their tree.
MACROS: dict[str, tuple[tuple[int, ...], Callable[..., Node]]] = {
    "abs": ((1,), _abs),
    "cbrt": ((1,), _cbrt),
    "sign": ((1,), _sign),
    "sech": ((1,), lambda t, u: t.make("div", t.number(1), t.make("cosh", u))),
    "max": ((2,), _max),
    "min": ((2,), _min),
    "clip": ((3,), _clip),
    "pow": ((2,), lambda t, u, v: t.make("pow", u, v)),
}

#: Named activations: functions of x and then of their parameters.
DEFINED = {name: d for name, d in DEFINITIONS.items() if name not in PRIMITIVES and name not in MACROS}

#: Everything that can be called.
FUNCTIONS = (*PRIMITIVES, *MACROS, *DEFINED, "where")

_BY_KEY = {key(name): name for name in DEFINED} | dict(ALIASES)


def called(name: str) -> str:
    """What is meant by the name of a function: itself, or the activation of which it is another spelling.

    Examples
    --------
    >>> called("tanh"), called("hard_swish"), called("leakyrelu"), called("foo")
    ('tanh', 'hardswish', 'leaky_relu', 'foo')
    """
    if name in FUNCTIONS or name != name.lower():
        return name
    found = _BY_KEY.get(key(name), name)
    return found if found in FUNCTIONS else name
