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
        self._study = study
        self._number = number
        self.size = study.size(number)
        # Both are replaced as a whole. Slots of layers already published are never written again.
        self._latest: tuple[int, NDArray[Any]] | None = None
        self._observed: dict[str, NDArray[Any]] = {}
        if reached is not None:
            self._make_room({name: values[:, :1] for name, values in reached.observed.items()})
            for name, values in reached.observed.items():
                self._observed[name][:, : reached.layer] = values
            self._latest = reached.layer, reached.state

    @property
    def layer(self) -> int:
        """The layer reached, from 0."""
        latest = self._latest
        return 0 if latest is None else latest[0]

    @property
    def reached(self) -> Reached | None:
        """Where the chunk is; None before it begins."""
        latest = self._latest
        if latest is None:
            return None
        layer, state = latest
        return Reached(layer, state, {name: values[:, :layer] for name, values in self._observed.items() if layer})

    def summary(self, stop: Event) -> Summary:
        """Go on to the last layer; CancelledError if told to stop, at the latest at the end of a layer."""
        study = self._study
        stopping.set(stop)  # the context is this chunk's own
        layer, state = self._latest or self._published(
            0, study.sampler.start(self.size, generator(study.seed, self._number, 0))
        )
        while layer < study.sampler.depth:
            if stop.is_set():
                raise CancelledError
            layer += 1
            state, seen = study.sampler.step(state, layer, generator(study.seed, self._number, layer))
            self._record(layer, study.observe(layer, seen))
            layer, state = self._published(layer, state)
        observed = self._observed if study.conclude is None else study.conclude(self._observed)
        summary = Summary.of(observed, study.quantiles)
        if summary.networks != self.size:
            raise EocError(f"conclude must return arrays of {self.size} networks, got {summary.networks}")
        return summary

    def _published(self, layer: int, state: NDArray[Any]) -> tuple[int, NDArray[Any]]:
        # in the memory layout that it has after it was in a file, too: the last digits of sums depend on it
        self._latest = latest = layer, np.ascontiguousarray(state)
        return latest

    def _record(self, layer: int, seen: Mapping[str, ArrayLike]) -> None:
        values = {name: self._checked(name, layer, value) for name, value in seen.items()}
        if not self._observed:
            self._make_room({name: value[:, None] for name, value in values.items()})
        expected = {name: (room.shape[2:], room.dtype) for name, room in self._observed.items()}
        found = {name: (value.shape[1:], value.dtype) for name, value in values.items()}
        if not found or found != expected:
            raise EocError(f"observe must return the same arrays after every layer, {expected}; layer {layer}: {found}")
        for name, value in values.items():
            self._observed[name][:, layer - 1] = value

    def _make_room(self, first: Mapping[str, NDArray[Any]]) -> None:
        """For all layers, by what was observed in the first, (M, 1, ...)."""
        depth = self._study.sampler.depth
        self._observed = {
            name: np.empty((self.size, depth, *value.shape[2:]), value.dtype) for name, value in first.items()
        }

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
