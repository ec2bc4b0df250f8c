"""A chunk of networks on its way through the layers."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import CancelledError
from dataclasses import dataclass
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eoc.errors import EocError
from eoc.montecarlo.layer import stopping
from eoc.montecarlo.running.study import Study
from eoc.montecarlo.running.summary import Summary
from eoc.montecarlo.seeds import generator

__all__ = ["Chunk", "Reached"]


@dataclass(frozen=True)
class Reached:
    """Where a chunk of M networks is: what its sampler remembers after a layer, and what was observed up to it.

    Attributes
    ----------
    layer
        From 0.
    state : (M, ...)
        As :class:`eoc.montecarlo.layer.Sampler` returns it.
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
