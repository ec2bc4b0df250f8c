"""What a formula becomes: a tree of operations in which equal subtrees are the same object.

So a tree is a DAG, whose size stays linear under the macros (gelu, elu, ...). Everything that is not smooth becomes a
``switch``: ``switch(u, a, b)`` is a where u > 0 (or u >= 0) and b elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from eoc.activations.formula.doubles import constant_value

__all__ = ["Node", "Trees", "postorder"]


@dataclass(frozen=True, eq=False, slots=True)
class Node:
    """One operation. ``constant`` is its value in double precision when it does not depend on x, else None."""

    op: str
    args: tuple[Node, ...] = ()
    value: float = 0.0
    constant: float | None = None


def postorder(*roots: Node) -> list[Node]:
    """Every distinct node below the roots, arguments before users."""
    out: list[Node] = []
    seen: set[Node] = set()
    stack: list[tuple[Node, Iterator[Node]]] = []
    for root in roots:
        if root in seen:
            continue
        seen.add(root)
        stack.append((root, iter(root.args)))
        while stack:
            node, rest = stack[-1]
            child = next((a for a in rest if a not in seen), None)
            if child is None:
                out.append(node)
                stack.pop()
            else:
                seen.add(child)
                stack.append((child, iter(child.args)))
    return out


class Trees:
    """Builds interned nodes, simplifying as it goes.

    Parameters
    ----------
    simplified
        Given the builder, an operation and its arguments: a better node for it, or None if there is none. What the
        package uses is :func:`eoc.activations.formula.rewrite.simplified`.

    Examples
    --------
    >>> from eoc.activations.formula.rewrite import simplified
    >>> t = Trees(simplified)
    >>> t.make("log", t.make("add", t.number(1), t.make("exp", t.x))).op
    'softplus'
    """

    def __init__(self, simplified: Callable[[Trees, str, tuple[Node, ...]], Node | None]) -> None:
        self._simplified = simplified
        self._table: dict[tuple[object, ...], Node] = {}
        self.x = self._intern("x", (), 0.0)

    def number(self, value: float) -> Node:
        """Make a literal: the nearest double, in every precision."""
        return self._intern("num", (), float(value))

    def parameter(self, index: int) -> Node:
        """Make a leaf that stands for a number to be put in later."""
        return self._intern("parameter", (), float(index))

    def make(self, op: str, *args: Node, value: float = 0.0) -> Node:
        """Make the node op(args), simplified."""
        simple = self._simplified(self, op, args)
        if simple is not None:
            return simple
        if op == "switch":
            return self._switch(args, value)
        return self._intern(op, args, value)

    def rebuild(self, node: Node, args: tuple[Node, ...]) -> Node:
        """Apply the same operation to other arguments."""
        return node if args == node.args else self.make(node.op, *args, value=node.value)

    def switch(self, u: Node, a: Node, b: Node, *, strict: bool) -> Node:
        """Make the node that is a where u > 0 (strict) or u >= 0, b elsewhere."""
        return self.make("switch", u, a, b, value=float(strict))

    def _switch(self, args: tuple[Node, ...], strict: float) -> Node:
        u, a, b = args
        if a is b:
            return a
        if u.constant is not None:
            return a if u.constant > 0.0 or (u.constant == 0.0 and not strict) else b
        return self._intern("switch", args, strict)

    def _intern(self, op: str, args: tuple[Node, ...], value: float) -> Node:
        key = (op, value, math.copysign(1.0, value), args)
        node = self._table.get(key)
        if node is None:
            node = self._table[key] = Node(op, args, value, _constant(op, args, value))
        return node


def _constant(op: str, args: tuple[Node, ...], value: float) -> float | None:
    if op in ("x", "parameter") or any(a.constant is None for a in args):
        return None
    return constant_value(op, [a.constant for a in args if a.constant is not None], value)
