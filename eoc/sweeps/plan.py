"""The points of a sweep: which parameters vary together, in which order, and what goes to a worker and comes back."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eoc.machine import version
from eoc.sharing import cached_property
from eoc.sweeps.task import Coordinate, Output, Task, Values

__all__ = ["VERSION", "Axis", "Batch", "Plan", "Result"]

VERSION = version("eoc")  #: of this process

_SEED_BYTES = 7  # fits into a signed integer of 64 bits
_RECORD = 32  # bytes of a point besides its outputs: status, error, seconds, random_seed


@dataclass(frozen=True)
class Axis:
    """One dimension of the points: one parameter, or several that move together.

    Attributes
    ----------
    values
        By name of the parameter, all equally many.
    """

    values: Values

    @property
    def dim(self) -> str:
        """The name of the dimension: that of the parameter, or all of them."""
        return "_and_".join(self.values)

    @property
    def size(self) -> int:
        """How many values there are."""
        return len(next(iter(self.values.values())))


@dataclass(frozen=True)
class Plan:
    """Everything that decides the numbers of a sweep.

    Attributes
    ----------
    task
        What is computed.
    constants
        Parameters with one value, which are no axis.
    axes
        Those with several, in order: the last one varies fastest.
    inner
        Those that every point takes as a whole.
    folder
        Where modules with activations are looked for first.

    Examples
    --------
    >>> from eoc.sweeps.tasks import task
    >>> plan = Plan(task("edge_of_chaos"), {"activation": "tanh"}, (Axis({"sigma_b": (0.1, 0.2)}),))
    >>> plan.shape, plan.point(1)
    ((2,), {'activation': 'tanh', 'sigma_b': 0.2})
    """

    task: Task
    constants: Mapping[str, Any] = field(default_factory=dict)
    axes: tuple[Axis, ...] = ()
    inner: Values = field(default_factory=dict)
    folder: str = ""

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """How many values the axes have."""
        return tuple(axis.size for axis in self.axes)

    @cached_property
    def size(self) -> int:
        """How many points there are."""
        return math.prod(self.shape)

    @cached_property
    def values(self) -> Values:
        """All values of every parameter."""
        found: dict[str, tuple[Any, ...]] = {name: (value,) for name, value in self.constants.items()}
        for axis in self.axes:
            found |= axis.values
        return found | dict(self.inner)

    @cached_property
    def outputs(self) -> Mapping[str, Output]:
        """What every point has."""
        return self.task.outputs(self.values)

    @cached_property
    def coordinates(self) -> Mapping[str, Coordinate]:
        """Dimensions of the outputs besides the axes: inner parameters, and those that the task adds."""
        found = {}
        for name, values in self.inner.items():
            about = self.task.parameter(name)
            found[name] = Coordinate(np.array(values), about.about, about.symbol, about.units)
        return found | dict(self.task.coordinates(self.values))

    @property
    def result_bytes(self) -> float:
        """How large all outputs are, as numbers."""
        sizes = {name: coordinate.values.size for name, coordinate in self.coordinates.items()}
        each = sum(one.dtype.itemsize * math.prod(sizes[dim] for dim in one.dims) for one in self.outputs.values())
        return float(self.size * (each + _RECORD))

    def point(self, index: int) -> dict[str, Any]:
        """The parameters of one point that are not inner, from its number in order."""
        found = dict(self.constants)
        for axis, i in zip(self.axes, np.unravel_index(index, self.shape), strict=True):
            found |= {name: values[int(i)] for name, values in axis.values.items()}
        return found

    def full_point(self, index: int) -> dict[str, Any]:
        """All parameters of one point, inner ones too, as :attr:`Task.seconds` and :attr:`Task.bytes` want them."""
        return {**self.point(index), **self.inner}

    def random_seed(self, index: int) -> int:
        """The seed of one point, from its own parameters, ``seed`` among them, and nothing else.

        It does not depend on where the point is among the others, so that a sweep of this point alone gives the same
        numbers.
        """
        what = [self.task.name, sorted(self.point(index).items())]
        found = hashlib.sha256(json.dumps(what).encode()).digest()
        return int.from_bytes(found[:_SEED_BYTES], "little")

    def batch(self, indices: Iterable[int], functions: Mapping[str, str]) -> Batch:
        """Some points, with the fingerprints of the activations that are functions of a user."""
        points = {index: self.point(index) for index in indices}
        if self.task.random:
            for index, point in points.items():
                point["random_seed"] = self.random_seed(index)
        return Batch(self.task.name, self.folder, self.inner, points, functions)


@dataclass(frozen=True)
class Batch:
    """Some points of a sweep, and all that is needed to compute them anywhere.

    Attributes
    ----------
    task
        The name of the task.
    folder
        Where modules with activations are looked for first.
    inner
        Parameters that every point takes as a whole.
    points
        By number, the other parameters of each, with its random seed as "random_seed" if the task is random.
    functions
        Fingerprints of the activations that are functions of a user, as they were when the run began.
    version
        Of eoc, where the batch was made: other versions may compute other numbers.
    """

    task: str
    folder: str
    inner: Mapping[str, tuple[Any, ...]]
    points: Mapping[int, Mapping[str, Any]]
    functions: Mapping[str, str] = field(default_factory=dict)
    version: str = VERSION


@dataclass(frozen=True)
class Result:
    """What became of one point.

    Attributes
    ----------
    index
        Its number.
    seconds
        How long it took.
    outputs
        What was computed; empty if that failed.
    error
        Why it failed, "" if it did not.
    """

    index: int
    seconds: float
    outputs: Mapping[str, NDArray[Any]]
    error: str = ""
