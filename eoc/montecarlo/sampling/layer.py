"""What is seen of a layer of random networks, and what anything that samples networks layer by layer offers."""

from __future__ import annotations

from concurrent.futures import CancelledError
from contextvars import ContextVar
from dataclasses import dataclass
from threading import Event
from typing import Protocol

import numpy as np

from eoc.floats import FloatArray

__all__ = ["Layer", "Sampler", "check_stopped", "stopping"]


#: Set by who runs a sampler to make it give up: a layer of a very wide network takes minutes.
stopping: ContextVar[Event | None] = ContextVar("stopping", default=None)


def check_stopped() -> None:
    """Raise CancelledError if whoever runs the sampler has given up; asked between two blocks of a layer."""
    stop = stopping.get()
    if stop is not None and stop.is_set():
        raise CancelledError


@dataclass(frozen=True)
class Layer:
    """The pre-activations h of one layer of N units, in M networks with P inputs each.

    Attributes
    ----------
    kernel : (M, P)
        K = sigma_w^2 |x|^2 / N' + sigma_b^2, the variance of each unit given the layer before (x, of N' units).
    q : (M, P)
        (1/N) sum_i h_i^2.
    fourth : (M, P)
        (1/N) sum_i h_i^4.
    one_minus_c : (M, P, P)
        1 - c for every pair of inputs, c = h_a . h_b / (|h_a| |h_b|), with full relative precision; 0 on the diagonal.
    """

    kernel: FloatArray
    q: FloatArray
    fourth: FloatArray
    one_minus_c: FloatArray


class Sampler(Protocol):
    """Networks sampled layer by layer. All that is remembered between layers is one array, so runs can be resumed."""

    @property
    def depth(self) -> int:
        """How many layers there are."""

    def start(self, networks: int, rng: np.random.Generator) -> FloatArray:
        """What is remembered before the first layer: an array whose first axis numbers the networks."""

    def step(self, state: FloatArray, layer: int, rng: np.random.Generator) -> tuple[FloatArray, Layer]:
        """Layer number ``layer`` (from 1), and what is remembered after it. EocError names a layer that overflows."""
