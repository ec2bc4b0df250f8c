"""What is done with random networks, how they are sampled and what is observed; and a chunk of them on its way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError
from dataclasses import dataclass
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eoc.errors import EocError
from eoc.montecarlo.running.summary import Summary
from eoc.montecarlo.sampling.layer import Layer, Sampler, stopping
from eoc.montecarlo.settings import checked_count, checked_depth, checked_seed, generator

__all__ = ["Chunk", "Conclude", "Observe", "Reached", "Study", "batch_size"]

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
        Called with the number of a layer, from 1, and the :class:`eoc.montecarlo.Layer`; returns arrays by name, each
        (M, ...) for M networks, of numbers or booleans. The same names and shapes after every layer.
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


@dataclass(frozen=True)
class Reached:
    """Where a chunk of M networks is: what its sampler remembers after a layer, and what was observed up to it.

    Attributes
    ----------
    layer
        From 0.
    state : (M, ...)
        As :class:`eoc.montecarlo.sampling.layer.Sampler` returns it.
    observed
        Arrays (M, layer, ...) by name.
    """

    layer: int
    state: NDArray[Any]
    observed: Mapping[str, NDArray[Any]]


class Chunk:
    """One chunk, advanced by one thread; any other can see at any moment where it is.

    Parameters
    ----------
    study
        What is done.
    number
        Which chunk, from 0.
    reached
        Where to go on, None to begin.
    """

    def __init__(self, study: Study, number: int, reached: Reached | None = None) -> None:
        self._study, self._number, self.size = study, number, study.size(number)
        #: Where the chunk is; None before it begins. Replaced as a whole, and what is in it is never written again.
        self.reached = reached

    @property
    def layer(self) -> int:
        """The layer reached, from 0."""
        reached = self.reached
        return 0 if reached is None else reached.layer

    def summary(self, stop: Event) -> Summary:
        """Go on to the last layer; CancelledError if told to stop, at the latest at the end of a layer."""
        study = self._study
        stopping.set(stop)  # the context is this chunk's own
        at = self.reached or self._published(0, study.sampler.start(self.size, self._generator(0)), {})
        room = self._room(at.observed)
        while at.layer < study.sampler.depth:
            if stop.is_set():
                raise CancelledError
            layer = at.layer + 1
            state, seen = study.sampler.step(at.state, layer, self._generator(layer))
            values = {name: self._checked(name, layer, value) for name, value in study.observe(layer, seen).items()}
            room = room or self._room({name: value[:, None] for name, value in values.items()})
            _record(room, layer, values)
            at = self._published(layer, state, {name: whole[:, :layer] for name, whole in room.items()})
        observed = at.observed if study.conclude is None else study.conclude(at.observed)
        summary = Summary.of(observed, study.quantiles)
        if summary.networks != self.size:
            raise EocError(f"conclude must return arrays of {self.size} networks, got {summary.networks}")
        return summary

    def _generator(self, layer: int) -> np.random.Generator:
        return generator(self._study.seed, self._number, layer)

    def _published(self, layer: int, state: NDArray[Any], observed: Observed) -> Reached:
        # in the memory layout that it has after it was in a file, too: the last digits of sums depend on it
        self.reached = reached = Reached(layer, np.ascontiguousarray(state), observed)
        return reached

    def _room(self, first: Observed) -> dict[str, NDArray[Any]]:
        """Arrays for all layers, with what was observed in the first ones, (M, layers, ...)."""
        room = {}
        for name, values in first.items():
            room[name] = np.empty((self.size, self._study.sampler.depth, *values.shape[2:]), values.dtype)
            room[name][:, : values.shape[1]] = values
        return room

    def _checked(self, name: str, layer: int, value: ArrayLike) -> NDArray[Any]:
        out = np.asarray(value)
        if out.dtype.kind not in "biuf" or out.shape[:1] != (self.size,):
            raise EocError(
                f"{name} of layer {layer} must be numbers or booleans of {self.size} networks, (M, ...), "
                f"got {out.dtype} of shape {out.shape}"
            )
        if not np.isfinite(out).all():
            raise EocError(f"{name} of layer {layer} is not finite: observe its logarithm, or fewer layers")
        return out if out.dtype.kind == "b" else out.astype(float, copy=False)


def _record(room: Observed, layer: int, values: Observed) -> None:
    """Put what was observed in a layer, (M, ...), where there is room for it; EocError if it does not fit."""
    expected = {name: (whole.shape[2:], whole.dtype) for name, whole in room.items()}
    found = {name: (value.shape[1:], value.dtype) for name, value in values.items()}
    if not found or found != expected:
        raise EocError(f"observe must return the same arrays after every layer, {expected}; layer {layer}: {found}")
    for name, value in values.items():
        room[name][:, layer - 1] = value
