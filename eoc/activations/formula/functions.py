"""What a formula may name: the variable, two constants, primitive functions, and macros made of these."""

from __future__ import annotations

from collections.abc import Callable

from eoc.activations.formula.tree import Node, Trees

__all__ = ["FUNCTIONS", "MACROS", "NAMES", "PRIMITIVES"]

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


def _relu(t: Trees, u: Node) -> Node:
    return t.switch(u, u, t.number(0), strict=True)


def _leaky_relu(t: Trees, u: Node, slope: Node | None = None) -> Node:
    return t.switch(u, u, t.make("mul", slope or t.number(0.01), u), strict=True)


def _elu(t: Trees, u: Node, alpha: Node | None = None) -> Node:
    return t.switch(u, u, t.make("mul", alpha or t.number(1), t.make("expm1", u)), strict=True)


def _selu(t: Trees, u: Node) -> Node:
    scale, alpha = t.number(1.0507009873554804934193349852946), t.number(1.6732632423543772848170429916717)
    return t.make("mul", scale, _elu(t, u, alpha))


def _silu(t: Trees, u: Node, beta: Node | None = None) -> Node:
    return t.make("mul", u, t.make("sigmoid", t.make("mul", beta or t.number(1), u)))


#: Functions made of others: the numbers of arguments they take, and what builds their tree.
MACROS: dict[str, tuple[tuple[int, ...], Callable[..., Node]]] = {
    "heaviside": ((1,), lambda t, u: t.switch(u, t.number(1), t.number(0), strict=False)),
    "abs": ((1,), _abs),
    "sign": ((1,), _sign),
    "relu": ((1,), _relu),
    "relu6": ((1,), lambda t, u: _clip(t, u, t.number(0), t.number(6))),
    "hardtanh": ((1,), lambda t, u: _clip(t, u, t.number(-1), t.number(1))),
    "leaky_relu": ((1, 2), _leaky_relu),
    "elu": ((1, 2), _elu),
    "selu": ((1,), _selu),
    "silu": ((1, 2), _silu),
    "swish": ((1, 2), _silu),
    "gelu": ((1,), lambda t, u: t.make("mul", u, t.make("Phi", u))),
    "mish": ((1,), lambda t, u: t.make("mul", u, t.make("tanh", t.make("softplus", u)))),
    "softsign": ((1,), lambda t, u: t.make("div", u, t.make("add", t.number(1), _abs(t, u)))),
    "sech": ((1,), lambda t, u: t.make("div", t.number(1), t.make("cosh", u))),
    "max": ((2,), _max),
    "min": ((2,), _min),
    "clip": ((3,), _clip),
    "pow": ((2,), lambda t, u, v: t.make("pow", u, v)),
}

#: Everything that can be called.
FUNCTIONS = (*PRIMITIVES, *MACROS, "where")
