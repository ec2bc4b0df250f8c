"""The derivative of a tree by a parameter in it, as a tree: what the kinks do while it changes is seen elsewhere.

By the chain rule, operation by operation, as :mod:`eoc.activations.formula.rules` does it by x. Equal subtrees are one
object, so the derivative of a tree is not much larger than the tree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from eoc.activations.formula.tree import Node, Trees, postorder

__all__ = ["derivative", "substituted"]


def derivative(tree: Node, parameter: Node, t: Trees) -> Node:
    """The derivative of a tree by one of its leaves; of a switch that of either side.

    Examples
    --------
    >>> from eoc.activations.formula.rewrite import simplified
    >>> t = Trees(simplified)
    >>> beta = t.parameter(0)
    >>> slope = derivative(t.make("exp", t.make("mul", beta, t.x)), beta, t)
    >>> slope is t.make("mul", t.make("exp", t.make("mul", beta, t.x)), t.x)
    True
    """
    done: dict[Node, Node] = {}
    for node in postorder(tree):
        slopes = [done[a] for a in node.args]
        if node is parameter:
            done[node] = t.number(1.0)
        elif all(d.op == "num" and d.value == 0.0 for d in slopes):
            done[node] = t.number(0.0)
        else:
            done[node] = _chained(node, slopes, t)
    return done[tree]


def substituted(tree: Node, values: Mapping[Node, float], t: Trees) -> Node:
    """The tree with numbers in the place of leaves."""
    done: dict[Node, Node] = {}
    for node in postorder(tree):
        done[node] = t.number(values[node]) if node in values else t.rebuild(node, tuple(done[a] for a in node.args))
    return done[tree]


def _chained(node: Node, slopes: list[Node], t: Trees) -> Node:
    """The derivative of an operation by those of its arguments."""
    if node.op == "switch":
        return t.make("switch", node.args[0], *slopes[1:], value=node.value)
    if node.op in _WHOLE:
        return _WHOLE[node.op](t, node, slopes)
    return t.make("mul", _OUTER[node.op](t, node.args[0]), slopes[0])


def _of_product(t: Trees, node: Node, slopes: list[Node]) -> Node:
    (a, b), (da, db) = node.args, slopes
    return t.make("add", t.make("mul", da, b), t.make("mul", a, db))


def _of_quotient(t: Trees, node: Node, slopes: list[Node]) -> Node:
    da, db = slopes
    return t.make("div", t.make("sub", da, t.make("mul", node, db)), node.args[1])


def _of_power(t: Trees, node: Node, slopes: list[Node]) -> Node:
    """Of a constant power; others are exponentials in a tree."""
    exponent = t.number(node.value) if node.op == "powi" else node.args[1]
    below = t.make("pow", node.args[0], t.make("sub", exponent, t.number(1.0)))
    return t.make("mul", t.make("mul", exponent, below), slopes[0])


_WHOLE: Mapping[str, Callable[[Trees, Node, list[Node]], Node]] = {
    "add": lambda t, _, d: t.make("add", *d),
    "sub": lambda t, _, d: t.make("sub", *d),
    "neg": lambda t, _, d: t.make("neg", *d),
    "mul": _of_product,
    "div": _of_quotient,
    "powi": _of_power,
    "pow": _of_power,
}


def _inverse(t: Trees, u: Node) -> Node:
    return t.make("div", t.number(1.0), u)


def _squared_from_one(t: Trees, u: Node, op: str) -> Node:
    """1 + u^2, or 1 - u^2 as (1 - u)(1 + u), which does not cancel near 1."""
    one = t.number(1.0)
    if op == "add":
        return t.make("add", one, t.make("mul", u, u))
    return t.make("mul", t.make("sub", one, u), t.make("add", one, u))


def _bell(t: Trees, u: Node, factor: float, a: float) -> Node:
    """Factor / sqrt(pi) times exp(-a u^2), as tree."""
    scale = t.make("div", t.number(factor), t.make("sqrt", t.make("pi")))
    return t.make("mul", scale, t.make("exp", t.make("mul", t.number(-a), t.make("mul", u, u))))


def _of_sigmoid(t: Trees, u: Node) -> Node:
    return t.make("mul", t.make("sigmoid", u), t.make("sigmoid", t.make("neg", u)))


def _of_arcsin(t: Trees, u: Node) -> Node:
    return _inverse(t, t.make("sqrt", _squared_from_one(t, u, "sub")))


def _of_normal(t: Trees, u: Node) -> Node:
    return t.make("div", _bell(t, u, 1.0, 0.5), t.make("sqrt", t.number(2.0)))


#: The derivatives of functions of one argument, as trees.
_OUTER: Mapping[str, Callable[[Trees, Node], Node]] = {
    "exp": lambda t, u: t.make("exp", u),
    "expm1": lambda t, u: t.make("exp", u),
    "log": _inverse,
    "log1p": lambda t, u: _inverse(t, t.make("add", t.number(1.0), u)),
    "sqrt": lambda t, u: t.make("div", t.number(0.5), t.make("sqrt", u)),
    "sin": lambda t, u: t.make("cos", u),
    "cos": lambda t, u: t.make("neg", t.make("sin", u)),
    "tan": lambda t, u: _squared_from_one(t, t.make("tan", u), "add"),
    "sinh": lambda t, u: t.make("cosh", u),
    "cosh": lambda t, u: t.make("sinh", u),
    "tanh": lambda t, u: t.make("powi", t.make("cosh", u), value=-2.0),
    "arcsin": _of_arcsin,
    "arccos": lambda t, u: t.make("neg", _of_arcsin(t, u)),
    "arctan": lambda t, u: _inverse(t, _squared_from_one(t, u, "add")),
    "arcsinh": lambda t, u: _inverse(t, t.make("sqrt", _squared_from_one(t, u, "add"))),
    "sigmoid": _of_sigmoid,
    "softplus": lambda t, u: t.make("sigmoid", u),
    "erf": lambda t, u: _bell(t, u, 2.0, 1.0),
    "erfc": lambda t, u: _bell(t, u, -2.0, 1.0),
    "Phi": _of_normal,
}
