"""Where a weight stands in a parameter of a framework whose layouts are not (outputs, inputs, ...).

PyTorch writes into views of its tensors. JAX makes new arrays, and Keras assigns whole variables; there a
:class:`Slot` says which entries of which parameter are meant and which of its axes are outputs and inputs, so that what
decides about weights never sees a layout.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Learned", "Slot"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Slot:
    """A weight as it lies in a parameter.

    Attributes
    ----------
    name
        Of the parameter.
    lies
        The shape of the parameter; an axis may be given as several ones, whose product it is.
    outputs, inputs, window
        Which axes of that shape are the outputs, the inputs that are summed over, and the positions of a kernel.
    groups
        Which axes outputs and inputs have in common: each index has a weight of its own.
    ranges
        For each axis the first index and one after the last; () for all of it.
    added
        What is added to the parameter where it is used: 1 of scales that begin at 0.

    Examples
    --------
    >>> kernel = np.arange(6.0).reshape(2, 3)  # of a layer with 2 inputs and 3 outputs
    >>> slot = Slot("kernel", (2, 3), outputs=(1,), inputs=(0,))
    >>> slot.shape, slot.taken(kernel)[:, 0].tolist()
    ((3, 2), [0.0, 1.0, 2.0])
    >>> slot.placed(kernel, np.zeros((3, 2))).tolist()
    [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """

    name: str
    lies: tuple[int, ...]
    outputs: tuple[int, ...]
    inputs: tuple[int, ...] = ()
    window: tuple[int, ...] = ()
    groups: tuple[int, ...] = ()
    ranges: tuple[tuple[int, int], ...] = ()
    added: float = 0.0

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape (outputs, inputs, *window) of the weight; that of one without inputs is (outputs,)."""
        inputs = (self._count(self.inputs),) if self.inputs or self.window else ()
        return (self._count(self.groups + self.outputs), *inputs, *(self._length(axis) for axis in self.window))

    @property
    def is_whole(self) -> bool:
        """Whether it is all of the parameter."""
        return all(self._length(axis) == length for axis, length in enumerate(self.lies))

    @property
    def part(self) -> str:
        """Which part of the parameter it is, for people; "" for all of it."""
        cut = [(axis, *span) for axis, span in enumerate(self.ranges) if span != (0, self.lies[axis])]
        said = (f"{start}" if stop == start + 1 else f"{start} to {stop - 1}" for _, start, stop in cut)
        return ", ".join(f"axis {axis}: {span}" for (axis, *_), span in zip(cut, said, strict=True))

    def taken(self, parameter: Array) -> Array:
        """The weight, of the shape ``shape``."""
        part = np.reshape(parameter, self.lies)[self._index()]
        return part.transpose(self._order()).reshape(self.shape) + self.added

    def placed(self, parameter: Array, weight: Array) -> Array:
        """A copy of the parameter with another weight in its place."""
        found = np.array(parameter).reshape(self.lies)
        order = self._order()
        part = np.reshape(weight - self.added, [self._length(axis) for axis in order])
        found[self._index()] = part.transpose(np.argsort(order))
        return found.reshape(np.shape(parameter))

    def _order(self) -> tuple[int, ...]:
        """All axes: groups, outputs, inputs, window, and those of which one index is meant."""
        named = (*self.groups, *self.outputs, *self.inputs, *self.window)
        return (*named, *(axis for axis in range(len(self.lies)) if axis not in named))

    def _index(self) -> tuple[slice, ...]:
        return tuple(slice(*span) for span in self.ranges)

    def _length(self, axis: int) -> int:
        start, stop = self.ranges[axis] if self.ranges else (0, self.lies[axis])
        return stop - start

    def _count(self, axes: tuple[int, ...]) -> int:
        return prod(self._length(axis) for axis in axes)


@dataclass(frozen=True)
class Learned:
    """What a normalisation or an embedding has learned: what stands for its module.

    Attributes
    ----------
    weight
        The scale, or the table.
    bias
        The shift.
    """

    weight: Slot | None = None
    bias: Slot | None = None
