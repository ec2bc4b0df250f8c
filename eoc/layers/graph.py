"""Networks of ops: a graph of nodes, and the ways to write one: in series, beside each other, again and again.

A graph is an op itself, so it nests. What an op refuses is refused with its place in the network, from the outside in:
"item 2, residual, item 1, relu".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from eoc.errors import UnsupportedError
from eoc.layers.affine import Scale
from eoc.layers.bounded import Bounded
from eoc.layers.joined import Sum
from eoc.layers.law import Law
from eoc.layers.signal import Products, Signal
from eoc.sharing import cached_property

__all__ = ["Graph", "Node", "Op", "Repeat", "applied", "contains", "in_series", "joined", "residual", "serial"]


Op = Callable[..., Signal]  #: what a layer does: signals in, a signal out


@dataclass(frozen=True)
class Node:
    """An op, the values that it takes (0 for the input of the graph, i for the node i - 1), and its place."""

    op: Op
    inputs: tuple[int, ...]
    place: str = ""


@dataclass(frozen=True)
class Graph:
    """Nodes in the order in which they are computed; the last one is the output.

    Examples
    --------
    >>> from eoc.layers.affine import Dense
    >>> from eoc.layers.inputs import Input
    >>> skip = Graph((Node(Dense(2.0), (0,)), Node(Sum(), (0, 1))))  # x + W x
    >>> skip(Input([1.0])).q.value.tolist()
    [5.0]
    """

    nodes: tuple[Node, ...]

    def __call__(self, x: Signal) -> Signal:
        """What becomes of a signal."""
        values = [x]
        for node in self.nodes:
            values.append(applied(node.op, [values[i] for i in node.inputs], node.place))
        return values[-1]


def applied(op: Op, x: Sequence[Signal], place: str) -> Signal:
    """What an op makes of signals; what it refuses is refused with its place before the one inside of it."""
    try:
        return op(*x)
    except UnsupportedError as error:
        problem = str(error).removeprefix(f"{error.place}: ")
        raise UnsupportedError(problem, ", ".join(filter(None, (place, error.place)))) from None


@dataclass(frozen=True)
class Repeat:
    """A block so many times; ``block`` makes the l-th one, l = 1, ..., ``times``."""

    block: Callable[[int], Op]
    times: int

    def __call__(self, x: Signal) -> Signal:
        """What becomes of a signal."""
        between = [x]
        for layer in range(1, self.times + 1):
            between.append(applied(self.block(layer), between[-1:], f"block {layer}"))
        return _Deep(between)


def _last(name: str) -> Any:
    """What the last of many signals has by this name, computed from the first one on."""
    return cached_property(lambda deep: [getattr(x, name) for x in deep._between][-1])


class _Deep(Signal):
    """The last of many signals, each made of the one before: what is asked for is computed from the first one on.

    Otherwise a signal would ask the one before it, and so on, deeper than Python can.
    """

    def __init__(self, between: Sequence[Signal]) -> None:
        last = between[-1]
        super().__init__(last.pairs, last.sources)
        self._between, self.is_gaussian, self.root = between, last.is_gaussian, last.root
        self.sphere = last.sphere
        self.phi, self.backward = last.phi, last.backward
        self.has_law = last.has_law

    def laws(self, knots: tuple[float, ...]) -> tuple[Law, ...]:
        """Those of the last one."""
        for x in self._between[:-1]:  # from the first one on, too
            _ = x.q
        return self._between[-1].laws(knots)

    def pushed(self, of: Products) -> Bounded:
        """As the last one does."""
        return self._between[-1].pushed(of)

    q, m, gap = _last("q"), _last("m"), _last("gap")
    G, T, ntk, chi = _last("G"), _last("T"), _last("ntk"), _last("chi")
    dq, dm, split, nature = _last("dq"), _last("dm"), _last("split"), _last("nature")


def in_series(op: Op, place: str = "") -> Iterator[tuple[Op, str]]:
    """The ops that come one after the other in an op, and their places; branches beside each other are one op.

    Examples
    --------
    >>> from eoc.layers.affine import Dense
    >>> [place for _, place in in_series(serial([Dense(1.0), residual(Dense(2.0))], ["dense", "residual"]))]
    ['item 1, dense', 'item 2, residual']
    """
    if isinstance(op, Repeat):
        for layer in range(1, op.times + 1):
            yield from in_series(op.block(layer), ", ".join(filter(None, (place, f"block {layer}"))))
    elif isinstance(op, Graph) and all(node.inputs == (i,) for i, node in enumerate(op.nodes)):
        for node in op.nodes:
            yield from in_series(node.op, ", ".join(filter(None, (place, node.place))))
    else:
        yield op, place


def contains(op: Op, *kinds: type) -> bool:
    """Whether an op is one of these, or has one inside.

    Examples
    --------
    >>> from eoc.layers.affine import Dense
    >>> contains(residual(Dense(2.0)), Dense), contains(Dense(2.0), Sum)
    (True, False)
    """
    if isinstance(op, Graph):
        return any(contains(node.op, *kinds) for node in op.nodes)
    return contains(op.block(1), *kinds) if isinstance(op, Repeat) else isinstance(op, kinds)


def serial(ops: Sequence[Op], names: Sequence[str] = ()) -> Graph:
    """One op after the other; with names, their places are "item 1, relu" and so on."""
    places = [f"item {i}, {name}" for i, name in enumerate(names, 1)] or [""] * len(ops)
    return Graph(tuple(Node(op, (i,), place) for i, (op, place) in enumerate(zip(ops, places, strict=True))))


def residual(branch: Op, skip: float = 1.0, scale: float = 1.0) -> Graph:
    """Skip * x + scale * branch(x)."""
    ways = (Node(Scale(skip), (0,)), Node(branch, (0,)), Node(Scale(scale), (2,)))
    return Graph((*ways, Node(Sum(), (1, 3), "sum")))


def joined(join: Op, branches: Sequence[Op]) -> Graph:
    """What the branches make of x, joined by a sum or a product."""
    ways = tuple(Node(branch, (0,), f"branch {i}") for i, branch in enumerate(branches, 1))
    return Graph((*ways, Node(join, tuple(range(1, len(ways) + 1)), type(join).__name__.lower())))
