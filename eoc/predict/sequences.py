"""Sequences behind recurrent layers: what is known of all their steps, and of the last one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import prod

import numpy as np

from eoc.floats import FloatArray
from eoc.models.steps import Kind, Step
from eoc.predict.state import State, known

__all__ = ["Recurred", "as_measured", "is_part", "last", "moved"]


@dataclass(frozen=True, eq=False)
class Recurred(State):
    """A state behind a recurrent layer: a sequence.

    Attributes
    ----------
    gram
        Of all times, and of one or two inputs, (T, P, T, P).
    tangents
        Of tangents of all times, where those that come in are independent and of mean square 1 at every time, (T, T).
    chained
        Their mean squares at each time, where such ones come in to the recurrent layer before.
    cell
        E[c^2] of the cell of an LSTM at the end; 0 of others.
    """

    gram: FloatArray = field(default_factory=lambda: np.empty(0))
    tangents: FloatArray = field(default_factory=lambda: np.empty(0))
    chained: FloatArray = field(default_factory=lambda: np.empty(0))
    cell: float = 0.0

    @property
    def gains(self) -> FloatArray:
        """Mean squares of tangents at each time."""
        return np.diag(self.tangents)


def last(x: Recurred) -> State:
    """The state at the last step alone."""
    pairs = x.gram[-1, :, -1]
    factor = float(np.diag(pairs).mean()) / x.power if x.power > 0.0 else 1.0
    distances = np.append(moved(x.one_minus_c, pairs), 0.0)
    found = known(x.single.q.value * factor, x.single.m.value * factor**0.5, distances, x.neglected)
    own = x.gram[-1:, :, -1:], x.tangents[-1:, -1:], x.chained[-1:]
    return Recurred(found.single, found.paired, x.neglected, *own, x.cell)


def moved(before: FloatArray, pairs: FloatArray) -> FloatArray:
    """1 - c of all pairs of inputs: all as much larger or smaller as on average, of the means of products (P, P)."""
    if not before.size:
        return before
    after = 1.0 - pairs[0, 1] / np.sqrt(pairs[0, 0] * pairs[1, 1])
    mean = float(before[np.isfinite(before)].mean())
    return np.clip(before * (after / mean) if mean > 0.0 else before, 0.0, 2.0)


def as_measured(x: Recurred, seen: State) -> Recurred:
    """The same sequence with the second moments that were measured over all of its steps."""
    ratio = seen.power / x.power if x.power > 0.0 else 1.0
    return replace(x, single=seen.single, paired=seen.paired, neglected=seen.neglected, gram=ratio * x.gram)


def is_part(step: Step, size: int) -> bool:
    """Whether a step is a part of a sequence of so many numbers: one time of it, as the last."""
    return step.kind is Kind.SAME and bool(step.shape) and prod(step.shape) < size
