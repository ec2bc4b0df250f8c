"""The parts of a store that are written as a whole: runs of points that follow each other."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eoc.sharing import cached_property

__all__ = ["Blocks"]

_FEW, _MANY = 256, 4096  # points of a block, in a sweep of few points and of many
_PARTS = 64  # at least so many blocks, where that leaves them as large as that
_NUMBERS = 2**15  # of one output in a block


@dataclass(frozen=True)
class Blocks:
    """How the points of a sweep are divided.

    Attributes
    ----------
    shape
        How many values the axes have.
    chunk
        How many of them a block has.

    Examples
    --------
    >>> blocks = Blocks.of((3, 40, 10))
    >>> blocks.chunk, blocks.count, blocks.points(1), blocks.where(1)
    ((1, 20, 10), 6, range(200, 400), (slice(0, 1, None), slice(20, 40, None), slice(0, 10, None)))
    """

    shape: tuple[int, ...]
    chunk: tuple[int, ...]

    @classmethod
    def of(cls, shape: tuple[int, ...], numbers: int = 1) -> Blocks:
        """Blocks of points of which the largest output has so many numbers."""
        wanted = min(max(math.prod(shape) // _PARTS, _FEW), _MANY)
        room = max(1, min(wanted, _NUMBERS // numbers))
        chunk = []
        for size in reversed(shape):
            parts = math.ceil(size / room)
            chunk.append(math.ceil(size / parts))  # parts of about the same size
            room = max(1, room // size)
        return cls(shape, tuple(reversed(chunk)))

    @cached_property
    def _edges(self) -> NDArray[np.int64]:
        """The first point of every block, and the number of points."""
        points = np.arange(math.prod(self.shape), dtype=np.int64).reshape(self.shape)
        firsts = points[tuple(slice(None, None, step) for step in self.chunk)]
        return np.append(firsts.ravel(), points.size)

    @property
    def count(self) -> int:
        """How many blocks there are."""
        return len(self._edges) - 1

    def block(self, point: int) -> int:
        """The number of the block that a point is in."""
        return int(np.searchsorted(self._edges, point, side="right")) - 1

    def points(self, block: int) -> range:
        """The numbers of its points."""
        return range(int(self._edges[block]), int(self._edges[block + 1]))

    def where(self, block: int) -> tuple[slice, ...]:
        """Its place along the axes."""
        first = np.unravel_index(int(self._edges[block]), self.shape)
        return tuple(
            slice(int(i), min(int(i) + step, size)) for i, step, size in zip(first, self.chunk, self.shape, strict=True)
        )

    def key(self, block: int, inner: int = 0) -> str:
        """The last part of the name of its file, of an array with so many more dimensions."""
        first = np.unravel_index(int(self._edges[block]), self.shape)
        places = [str(int(i) // step) for i, step in zip(first, self.chunk, strict=True)]
        return "/".join(["c", *places, *inner * "0"])
