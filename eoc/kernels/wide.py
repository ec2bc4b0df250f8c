"""An infinitely wide network that pairs of inputs go through."""

from __future__ import annotations

from collections.abc import Callable
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
    """A network: its block, what is free in it, how many blocks there are, what is trained, and the first layer."""

    block: Network
    sigma_w: float | None
    sigma_b: float
    depth: int
    tangents: Tangents
    first: Dense

    def outputs(self, x: Input, progress: Callable[[float], None] | None = None) -> Signal:
        """What pairs of inputs become."""
        y = self.tangents.first(x, self.first(x))
        for layer in range(1, self.depth + 1):
            y = self.block.block(self.sigma_w, self.sigma_b, layer, self.depth)(y)
            for name in ("q", "m", "G", *self.tangents.names):  # now: else each asks the one before, too deep a stack
                getattr(y, name)
            y = self.tangents.carried(y) if y.is_gaussian else y
            if progress is not None:
                progress(layer / self.depth)
        return y


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
