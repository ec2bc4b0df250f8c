"""Which unit each number of a signal is of, found by reshaping the numbers of the units as the model does its signals.

A tensor of integers, as large as the signal and the same at all positions, goes the way of the signal through views,
permutations and slices. So it is known whether a mean is over positions or over units, and which pieces have units in
common, however a model writes that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from eoc.models.steps import Kind, Step

__all__ = ["Units"]

_Reshape = Callable[[Sequence[Any]], Any]


class Units:
    """Of the steps of a model whose shapes are known.

    Parameters
    ----------
    steps
        The steps so far; more may be appended.

    Attributes
    ----------
    reshapes
        By step: what it does to the tensors that it takes in.
    """

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = steps
        self.reshapes: dict[int, _Reshape] = {}
        self._found: dict[int, Any] = {}
        self._marks: dict[int, bytes] = {}
        self._pieces: dict[int, list[bytes]] = {}

    def of(self, at: int) -> Any:
        """The number of the unit of each number of a step's output, or a tuple of such; None where it is not known."""
        if at not in self._found:
            try:
                self._found[at] = self._tags(at)
            except Exception:  # what cannot be done with integers of this shape
                self._found[at] = None
        return self._found[at]

    def apart(self, at: int, axes: Sequence[int]) -> bool | None:
        """Whether axes of a step's output are positions alone, so that a mean over them mixes no units.

        None where that is not known.
        """
        tags = self.of(at)
        if not isinstance(tags, torch.Tensor):
            return None
        return all(bool((tags == tags.select(axis, 0).unsqueeze(axis)).all()) for axis in axes)

    def piece(self, at: int) -> int | None:
        """Which piece of the layer that it comes from a step is; None where it has all its units, or is not known."""
        own, before = self._units(at), self._units(self._steps[at].inputs[0])
        if not own or not before or own == before:
            return None
        origin = at
        while origin in self.reshapes and len(self._steps[origin].inputs) == 1:
            origin = self._steps[origin].inputs[0]
        seen = self._pieces.setdefault(origin, [])
        if own not in seen:
            seen.append(own)
        return seen.index(own)

    def _units(self, at: int) -> bytes:
        """Those that a step has."""
        if at not in self._marks:
            self._marks[at] = _marks(self.of(at))
        return self._marks[at]

    def _tags(self, at: int) -> Any:
        step = self._steps[at]
        if at in self.reshapes:
            given = [self.of(earlier) for earlier in step.inputs]
            return None if any(tags is None for tags in given) else _contiguous(self.reshapes[at](given))
        if not step.shape or not all(step.shape):
            return None
        if not step.inputs or step.kind in (Kind.LAYER, Kind.EMBEDDING):
            return _numbered(step)
        same = next((earlier for earlier in step.inputs if self._steps[earlier].shape == step.shape), None)
        if same is not None:
            return self.of(same)
        return self._fewer(step) if step.kind is Kind.POOL else None

    def _fewer(self, step: Step) -> torch.Tensor | None:
        """Behind pooling: fewer positions on the same axes, or axes of positions gone."""
        at, shape = step.inputs[0], step.shape
        tags = self.of(at)
        if tags is None:
            return None
        gone = [axis for axis in range(1, tags.dim()) if self.apart(at, [axis])] if tags.dim() > len(shape) else []
        for axis in reversed(gone[: tags.dim() - len(shape)]):
            tags = tags.select(axis, 0)
        fewer: torch.Tensor = tags[tuple(slice(0, length) for length in shape)]
        return fewer if tuple(fewer.shape) == shape else None


def _contiguous(found: Any) -> Any:
    """So that views of it are possible wherever they are of the signal."""
    if isinstance(found, tuple | list):
        return tuple(_contiguous(each) for each in found)
    return found.contiguous() if isinstance(found, torch.Tensor) else None


def _marks(tags: Any) -> bytes:
    """Which units there are, a byte for each."""
    if isinstance(tags, tuple):
        parts = [_marks(each) for each in tags]
        length = max(map(len, parts), default=0)
        return bytes(map(max, *(part.ljust(length, b"\0") for part in parts))) if len(parts) > 1 else b"".join(parts)
    if tags is None or tags.numel() == 0:
        return b""
    marks = np.zeros(int(tags.max()) + 1, dtype=np.uint8)
    marks[tags.numpy()] = 1
    return marks.tobytes()


def _numbered(step: Step) -> torch.Tensor:
    """Units counted along the axis where they are."""
    shape, weight = step.shape, None if step.affine is None else step.affine.weight
    images = weight.dim() > 2 if weight is not None else step.kind is Kind.INPUT and len(shape) == 4
    axis = 1 if images and len(shape) > 2 else len(shape) - 1
    tags = torch.arange(shape[axis], dtype=torch.int32)
    return tags.reshape([-1 if k == axis else 1 for k in range(len(shape))]).expand(shape).contiguous()
