"""Where a formula is not smooth, exactly: the knot 1.2533141373155003 of arctan(tan(x*x)) stands for sqrt(pi/2).

The limits of phi at a knot are those at the root that it stands for. At the double itself, which lies on one side of
it, a jump is not seen, and a square root may not be defined.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

from eoc.activations.formula.program import Program
from eoc.activations.formula.roots import merge
from eoc.activations.formula.tree import Node

__all__ = ["Places"]


class Places:
    """Doubles at which nodes of a formula vanish, and the places that they stand for.

    Examples
    --------
    >>> from eoc.activations.formula.reader import read
    >>> from eoc.activations.formula.rewrite import simplified
    >>> from eoc.activations.formula.tree import Trees
    >>> places, node = Places(), read("x*x - 2", Trees(simplified))
    >>> knots = places.add({node: [-1.414213562373095, 1.414213562373095]})
    >>> print(places[knots[1]])
    1.4142135623730950488016887242097
    """

    def __init__(self) -> None:
        self._nodes: dict[float, list[Node]] = {}
        self._programs: dict[Node, Program] = {}
        self._known: dict[float, Any] = {}

    def add(self, found: Mapping[Node, Sequence[float]]) -> list[float]:
        """The knots of all nodes together, increasing; those within rounding of each other are one."""
        knots = merge(x for xs in found.values() for x in xs)
        for node, xs in found.items():
            for x in xs:
                self._nodes.setdefault(_nearest(knots, x), []).append(node)
        return knots

    def __getitem__(self, knot: float) -> Any:
        """The root as an mpmath number, or the knot itself where it is exact."""
        if knot not in self._known:
            roots = [self._program(node).root(knot) for node in self._nodes.get(knot, ())]
            self._known[knot] = knot if knot in roots or not roots else roots[0]
        return self._known[knot]

    def _program(self, node: Node) -> Program:
        return self._programs.setdefault(node, Program(node))


def _nearest(knots: list[float], x: float) -> float:
    i = bisect_left(knots, x)
    return min(knots[max(i - 1, 0) : i + 1], key=lambda knot: abs(knot - x))
