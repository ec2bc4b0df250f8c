"""What is done with random networks: how they are sampled, what is observed, how many there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eoc.errors import EocError
from eoc.montecarlo.layer import Layer, Sampler
from eoc.montecarlo.seeds import checked_seed
from eoc.montecarlo.settings import checked_count, checked_depth

__all__ = ["Conclude", "Observe", "Study", "batch_size"]

Observed = Mapping[str, NDArray[Any]]
Observe = Callable[[int, Layer], Mapping[str, ArrayLike]]
Conclude = Callable[[Observed], Observed]

_NUMBERS = 2**14  # random numbers a layer of a chunk: they stay in the cache, and NumPy's calls cost little beside them
_MOST = 1e15  # units in all networks together: months
_RATE = 1e8  # of them that a core samples in a second
_RECORDED = 2**21  # numbers that an observable of pairs has in a chunk: 16 MiB


@dataclass(frozen=True, eq=False)
class Study:
    """Random networks and what is observed of them.

    Networks are sampled in chunks, and a chunk has a random generator of its own for every layer. So what is found
    depends on ``seed`` and ``batch``, but not on who computes which chunk when.

    Parameters
    ----------
    sampler
        How networks are sampled. Its ``step`` leaves the array that it is given as it is.
    observe
        Called with the number of a layer, from 1, and the :class:`eoc.montecarlo.layer.Layer`; returns arrays by name,
        each (M, ...) for M networks, of numbers or booleans. The same names and shapes after every layer.
    networks
        How many, >= 1.
    seed
        A whole number >= 0.
    batch
        Networks in a chunk, >= 1; :func:`batch_size` says how many are good.
    quantiles
        Names of numbers to keep quantiles of, besides their moments.
    conclude
        Makes of everything that was observed in M networks, (M, depth, ...), what statistics are kept of, (M, ...): for
        what needs several layers, such as a maximum over them. None: statistics are kept of every layer as observed.

    Raises
    ------
    EocError
        For numbers out of range.
    """

    sampler: Sampler
    observe: Observe
    networks: int
    seed: int
    batch: int
    quantiles: tuple[str, ...] = ()
    conclude: Conclude | None = None

    def __post_init__(self) -> None:
        checked_count("networks", self.networks)
        checked_seed(self.seed)
        checked_count("batch", self.batch)
        checked_depth(self.sampler.depth)

    @property
    def chunks(self) -> int:
        """The number of chunks."""
        return -(-self.networks // self.batch)

    def size(self, chunk: int) -> int:
        """The number of networks in a chunk; the last one may be smaller."""
        return min(self.batch, self.networks - chunk * self.batch)


def batch_size(networks: int, widths: ArrayLike, inputs: int, depth: int) -> int:
    """How many networks to sample at once: enough to be fast, few enough to need little memory.

    Parameters
    ----------
    networks : int
        How many there are, >= 1.
    widths : int or (L,) integers
        Units of the layers, >= 1.
    inputs : int
        The number of inputs P >= 1.
    depth : int
        The number of layers >= 1.

    Returns
    -------
    int
        From 1 to ``networks``. A layer of so many networks has about 2^14 pre-activations, and an observable of pairs
        of inputs 2^21 values in all layers, unless a single network has more.

    Raises
    ------
    EocError
        For numbers out of range, and networks so many and large that they take months.

    Examples
    --------
    >>> batch_size(10_000, 100, inputs=2, depth=50), batch_size(10_000, 10**6, inputs=2, depth=1000)
    (81, 1)
    """
    each = np.ravel(widths).tolist()
    widest = checked_count("width", max(each, default=0))
    inputs, depth = checked_count("inputs", inputs), checked_depth(depth)
    networks = checked_count("networks", networks)
    _check_time(float(networks) * inputs * depth * sum(each) / len(each))
    fast, small = _NUMBERS // (widest * inputs), _RECORDED // (depth * inputs**2)
    return max(1, min(networks, fast, small))


def _check_time(units: float) -> None:
    if units > _MOST:
        raise EocError(
            f"these networks have {units:.2g} units together, which would take about {units / _RATE / 86_400.0:.2g} "
            "days: ask for fewer or smaller networks, or fewer layers"
        )
