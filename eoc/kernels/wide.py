"""An infinitely wide network that pairs of inputs go through."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from numpy.typing import ArrayLike

from eoc.errors import EocError
from eoc.kernels.tangents import Tangents
from eoc.layers import Input, Network, Signal
from eoc.layers.affine import Dense
from eoc.validation import whole_numbers

__all__ = ["Wide", "checked_depth"]

_MOST = 20_000  # blocks


@dataclass(frozen=True)
class Wide:
    """A network: its block, what is free in it, what is trained, and the first layer."""

    block: Network
    sigma_w: float | None
    sigma_b: float
    tangents: Tangents
    first: Dense

    def steps(self, depths: Sequence[int]) -> int:
        """How many blocks are gone through for outputs at these depths."""
        return sum(depths) if self.block.varies else max(depths)

    def outputs(self, x: Input, depths: Sequence[int], progress: Callable[[], None] | None = None) -> Iterator[Signal]:
        """What pairs of inputs become at increasing depths, in one pass unless blocks depend on their number."""
        y, here = self.tangents.first(x, self.first(x)), 0
        for depth in depths:
            if self.block.varies:
                y, here = self.tangents.first(x, self.first(x)), 0
            for layer in range(here + 1, depth + 1):
                y = self.block.block(self.sigma_w, self.sigma_b, layer, depth, surrogates=True)(y)
                for name in (
                    "q",
                    "m",
                    "G",
                    *self.tangents.names,
                ):  # now: else each asks the one before, too deep a stack
                    getattr(y, name)
                y = self.tangents.carried(y) if y.is_gaussian else y
                if progress is not None:
                    progress()
            here = depth
            yield y


def checked_depth(depth: ArrayLike) -> int:
    """A number of blocks.

    Raises
    ------
    EocError
        If it is none, or too large.
    """
    number = whole_numbers("depth", depth)
    if number.ndim or number > _MOST:
        raise EocError(f"depth must be a whole number from 0 to {_MOST}, got {depth!r}")
    return int(number)
