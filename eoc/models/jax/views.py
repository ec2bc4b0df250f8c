"""An array in another shape: which of its axes became which, by transposing, reshaping, slicing and broadcasting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

__all__ = ["View", "moved", "whole"]


@dataclass(frozen=True)
class View:
    """What an array has become.

    Attributes
    ----------
    root
        The shape of the array; an axis that was split is given as several ones.
    ranges
        For each of its axes, the first index that is left and one after the last.
    shape
        The present shape.
    axes
        For each present axis the axes of the array that it is made of, the slowest first; () for one that was added.
    origin
        For each axis of the array, which one it was before any was split.
    """

    root: tuple[int, ...]
    ranges: tuple[tuple[int, int], ...]
    shape: tuple[int, ...]
    axes: tuple[tuple[int, ...], ...]
    origin: tuple[int, ...]

    def holds(self, axes: Sequence[int]) -> tuple[int, ...]:
        """The present axes that some axes of the array, as it was first, have a part in."""
        return tuple(at for at, own in enumerate(self.axes) if any(self.origin[axis] in axes for axis in own))

    def at(self, axes: Sequence[int]) -> tuple[int, ...]:
        """The axes of the array that some present axes are made of."""
        return tuple(axis for each in axes for axis in self.axes[each])

    def transposed(self, order: Sequence[int]) -> View:
        """With present axes in another order."""
        return replace(
            self, shape=tuple(self.shape[axis] for axis in order), axes=tuple(self.axes[axis] for axis in order)
        )

    def broadcast(self, shape: Sequence[int], places: Sequence[int]) -> View:
        """Repeated along new axes, and along those of length 1; ``places`` says where the present axes go."""
        axes: list[tuple[int, ...]] = [()] * len(shape)
        for axis, place in enumerate(places):
            axes[place] = self.axes[axis] if self.shape[axis] == shape[place] else ()
        return replace(self, shape=tuple(map(int, shape)), axes=tuple(axes))

    def without(self, dropped: Sequence[int]) -> View:
        """Without some present axes: of length 1, or summed over."""
        kept = [axis for axis in range(len(self.shape)) if axis not in dropped]
        return self.transposed(kept)

    def sliced(self, starts: Sequence[int], stops: Sequence[int]) -> View | None:
        """Some indices of each present axis; None where an axis that is made of several is cut."""
        ranges = list(self.ranges)
        for axis, (start, stop) in enumerate(zip(starts, stops, strict=True)):
            if (start, stop) == (0, self.shape[axis]) or not self.axes[axis]:
                continue
            if len(self.axes[axis]) > 1:
                return None
            (own,) = self.axes[axis]
            first = ranges[own][0]
            ranges[own] = (first + start, first + stop)
        lengths = tuple(stop - start for start, stop in zip(starts, stops, strict=True))
        return replace(self, ranges=tuple(ranges), shape=lengths)

    def reshaped(self, shape: Sequence[int]) -> View | None:
        """The same numbers in another shape; None where that cannot be said with axes merged and split."""
        view, at = self, 0
        axes: list[tuple[int, ...]] = []
        for length in shape:
            while at < len(view.shape) and view.shape[at] == 1 and length != 1:
                at += 1
            own: tuple[int, ...] = ()
            done = 1
            while done < length:
                if at == len(view.shape):
                    return None
                if view.shape[at] * done > length:
                    split = view._split(at, length // done) if length % done == 0 else None
                    if split is None:
                        return None
                    view, renamed = split
                    axes = [tuple(renamed(axis) for axis in each) for each in axes]
                    own = tuple(renamed(axis) for axis in own)
                own += view.axes[at]
                done *= view.shape[at]
                at += 1
            axes.append(own)
        if prod(view.shape[at:]) != 1:
            return None
        return replace(view, shape=tuple(map(int, shape)), axes=tuple(axes))

    def _split(self, at: int, first: int) -> tuple[View, Any] | None:
        """With a present axis as two, the slower of length ``first``; and what axes of the array are called then."""
        length = self.shape[at]
        if length % first:
            return None
        shape = (*self.shape[:at], first, length // first, *self.shape[at + 1 :])
        if not self.axes[at]:
            return replace(self, shape=shape, axes=(*self.axes[: at + 1], (), *self.axes[at + 1 :])), lambda axis: axis
        own = self.axes[at][0]
        if len(self.axes[at]) > 1 or self.ranges[own] != (0, self.root[own]):
            return None

        def renamed(axis: int) -> int:
            return axis + (axis > own)

        axes = [tuple(renamed(axis) for axis in each) for each in self.axes]
        axes[at : at + 1] = [(own,), (own + 1,)]
        ranges = (*self.ranges[:own], (0, first), (0, length // first), *self.ranges[own + 1 :])
        root = (*self.root[:own], first, length // first, *self.root[own + 1 :])
        origin = (*self.origin[: own + 1], *self.origin[own:])
        return View(root, ranges, shape, tuple(axes), origin), renamed


def whole(shape: Sequence[int]) -> View:
    """An array as it is.

    Examples
    --------
    >>> kernel = whole((6, 8)).transposed((1, 0)).reshaped((2, 4, 6))
    >>> kernel.root, kernel.axes
    ((6, 2, 4), ((1,), (2,), (0,)))
    """
    lengths = tuple(map(int, shape))
    own = tuple(range(len(lengths)))
    return View(lengths, tuple((0, length) for length in lengths), lengths, tuple((axis,) for axis in own), own)


def moved(view: View | None, name: str, params: Mapping[str, Any], shape: tuple[int, ...]) -> View | None:
    """A view behind an operation of JAX that computes nothing; None where it is lost.

    Parameters
    ----------
    view
        Before it.
    name, params
        The primitive and its parameters.
    shape
        Of what it returns.
    """
    if view is None:
        return None
    if name == "transpose":
        return view.transposed(params["permutation"])
    if name == "broadcast_in_dim":
        return view.broadcast(shape, params["broadcast_dimensions"])
    if name in ("squeeze", "reduce_sum", "reduce_max", "reduce_min"):
        return view.without(params["dimensions" if name == "squeeze" else "axes"])
    if name == "slice":
        plain = params["strides"] is None or set(params["strides"]) == {1}
        return view.sliced(params["start_indices"], params["limit_indices"]) if plain else None
    return view.reshaped(shape) if name in ("reshape", "expand_dims") else view if shape == view.shape else None
