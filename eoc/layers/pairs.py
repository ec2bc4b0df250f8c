"""Which points are compared, and how points are arranged: inputs, or positions of inputs.

A point is one input, or one position (a pixel, a token) of one input. Positions of one input follow each other, the
last axis fastest: point ``n * S + i`` is position i of the S positions of input n. Which pairs are known decides which
layers can be followed:

==============  ======================================================  =============================================
``LISTED``      some pairs of points, as they are listed                 layers that act on each point
``EVERY``       all pairs of all positions of all inputs                 everything
``ALIGNED``     equal positions of any two inputs                        convolutions with random weights
``OFFSETS``     positions that are all alike (circular padding): one     everything that treats positions alike
                point an input, and pairs by the offset of positions
``BATCH``       inputs of a batch that are all alike: one point, with    batch normalisation, and what acts on each
                itself and with another one                              point
``TOKENS``      positions of which any two are alike: one point an       attention
                input, with itself and with another position
==============  ======================================================  =============================================
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from math import prod

import numpy as np
from numpy.typing import NDArray

from eoc.floats import FloatArray, IntArray
from eoc.layers.bounded import Bounded
from eoc.machine import check_memory
from eoc.sharing import Memory

__all__ = ["Layout", "Pairs"]

_NOTHING = np.empty(0, np.int64)
_ARRAYS = 24  # of one number a pair, in memory at once


class Layout(Enum):
    """See the module."""

    LISTED = "listed"
    EVERY = "every"
    ALIGNED = "aligned"
    OFFSETS = "offsets"
    BATCH = "batch"
    TOKENS = "tokens"


_ONE_OF_MANY = (Layout.BATCH, Layout.TOKENS)


@dataclass(frozen=True, eq=False)
class Pairs:
    """Which points are compared: the pair k is (first[k], second[k]).

    Where not ``strict``, what cannot be computed is NaN with an infinite error instead of an exception: for scans.
    Where ``diagonal``, a pair of a point with itself is that: one input in one pass, and not two with one variance.
    Where ``quick``, all of one point, distances behind activations are known to five digits: for models of many layers.
    ``positions`` is the shape of the positions of one input, (height, width) of images; () where points are inputs.
    """

    first: IntArray
    second: IntArray
    strict: bool = True
    diagonal: bool = False
    quick: bool = False
    layout: Layout = Layout.LISTED
    positions: tuple[int, ...] = ()
    known: Memory = field(default_factory=Memory, repr=False)  #: what layers have computed about them

    @classmethod
    def none(cls, *, strict: bool = True) -> Pairs:
        """Single points."""
        return cls(_NOTHING, _NOTHING, strict)

    @classmethod
    def none_of(cls, positions: tuple[int, ...]) -> Pairs:
        """Single positions of inputs."""
        return cls(_NOTHING, _NOTHING, layout=Layout.ALIGNED, positions=positions)

    @classmethod
    def all_of(cls, points: int) -> Pairs:
        """Every pair a < b."""
        return cls(*np.triu_indices(points, 1))

    @classmethod
    def with_diagonal(cls, points: int) -> Pairs:
        """Every pair a <= b, those of one point with itself among them."""
        return cls.every(points, ())

    @classmethod
    def every(cls, inputs: int, positions: tuple[int, ...]) -> Pairs:
        """Every pair of positions of so many inputs, each with itself too.

        Raises
        ------
        EocError
            If they do not fit into memory.
        """
        points = inputs * prod(positions)
        _check("every pair of positions", points * (points + 1) // 2, "follow equal positions only, or fewer inputs")
        return cls(*np.triu_indices(points), diagonal=True, layout=Layout.EVERY, positions=positions)

    @classmethod
    def aligned(cls, inputs: int, positions: tuple[int, ...]) -> Pairs:
        """Equal positions of every two inputs n <= m, of input pair after input pair."""
        size, (n, m) = prod(positions), np.triu_indices(inputs)
        _check("equal positions of inputs", n.size * size, "use fewer inputs")
        first, second = (np.add.outer(one * size, np.arange(size)).ravel() for one in (n, m))
        return cls(first, second, diagonal=True, layout=Layout.ALIGNED, positions=positions)

    @classmethod
    def offsets(cls, inputs: int, positions: tuple[int, ...]) -> Pairs:
        """Every offset of positions of every two inputs n <= m: position 0 of n and each position of m."""
        size, pairs = prod(positions), np.triu_indices(inputs)
        _check("offsets of positions", pairs[0].size * size, "use fewer inputs")
        first, second = (np.repeat(one, size) for one in pairs)
        return cls(first, second, diagonal=True, layout=Layout.OFFSETS, positions=positions)

    @classmethod
    def batch(cls, *, strict: bool = True) -> Pairs:
        """An input of a batch whose inputs are all alike: with itself, and with another one."""
        return cls(np.zeros(2, np.int64), np.zeros(2, np.int64), strict, diagonal=True, layout=Layout.BATCH)

    @classmethod
    def tokens(cls, inputs: int, positions: tuple[int, ...]) -> Pairs:
        """Every input's positions with themselves, then with another one; nothing is known of pairs of inputs."""
        both = np.tile(np.arange(inputs), 2)
        return cls(both, both, diagonal=True, layout=Layout.TOKENS, positions=positions)

    def arranged(self, positions: tuple[int, ...], inputs: int) -> Pairs:
        """Those of so many inputs with other positions, known in the same way."""
        if positions == self.positions or self.layout is Layout.LISTED:
            return self
        made = getattr(Pairs, self.layout.value)(inputs, positions)
        return replace(made, strict=self.strict, quick=self.quick)

    @property
    def size(self) -> int:
        """How many there are."""
        return self.first.size

    @property
    def points(self) -> int:
        """How many points there are, of which every pair is known."""
        return int(self.second[-1]) + 1

    def number(self, first: IntArray, second: IntArray) -> IntArray:
        """Which pair (first, second) is, first <= second, where every pair is known."""
        return first * self.points - first * (first - 1) // 2 + (second - first)

    @property
    def places(self) -> int:
        """How many positions an input has."""
        return prod(self.positions)

    @property
    def _offset(self) -> IntArray:
        """The offset of the positions of each pair, 0 where they are equal."""
        if self.layout is Layout.OFFSETS:
            return np.arange(self.size) % self.places
        return (self.second - self.first) % self.places

    @property
    def alike(self) -> NDArray[np.bool_]:
        """Which pairs are one point with itself, noise included."""
        if not self.diagonal:
            return np.zeros(self.size, dtype=bool)
        if self.layout in _ONE_OF_MANY:
            return np.repeat([True, False], self.size // 2)
        same = self.first == self.second
        return same & (self._offset == 0) if self.layout is Layout.OFFSETS else same

    @property
    def at_one_position(self) -> NDArray[np.bool_]:
        """Which pairs are of equal positions; all where points are inputs, but for those of a batch."""
        if self.layout in _ONE_OF_MANY:
            return self.alike
        return self._offset == 0 if self.positions else np.ones(self.size, dtype=bool)

    def matrix(self, values: FloatArray) -> FloatArray:
        """What is known of every pair as a symmetric matrix (P, P)."""
        found = np.empty((self.points, self.points))
        found[self.first, self.second] = found[self.second, self.first] = values
        return found

    def of_matrix(self, found: Bounded) -> Bounded:
        """The pairs of a matrix (P, P)."""
        return Bounded(found.value[self.first, self.second], found.error[self.first, self.second])


def _check(what: str, pairs: int, remedy: str) -> None:
    check_memory(what, 8.0 * _ARRAYS * pairs, remedy)
