"""Layers: products and convolutions of a signal with a parameter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from eoc.models.jax.values import Fixed, Operation, Signal
from eoc.models.jax.views import View
from eoc.models.padding import Window
from eoc.models.slots import Slot
from eoc.models.steps import Affine

__all__ = ["Product", "layer_of", "owner", "product_of", "slot_of"]


@dataclass(frozen=True)
class Product:
    """A product of a signal with something, or a convolution.

    Attributes
    ----------
    signal
        What the layer takes in.
    other
        What it is multiplied by.
    affine
        The layer, if that is a parameter; None otherwise.
    units
        The axes of what it hands on that are its outputs.
    window
        Of a convolution: how its kernel goes over the image.
    """

    signal: Signal
    other: Fixed | Signal
    affine: Affine | None
    units: tuple[int, ...]
    window: Window | None = None


def slot_of(value: Fixed, outputs: Sequence[int], inputs: Sequence[int] = (), groups: Sequence[int] = ()) -> Slot:
    """Where in a parameter a weight stands, whose present axes have these roles; all others are its window."""
    view: Any = value.view
    named = (*outputs, *inputs, *groups)
    window = [axis for axis in range(len(view.shape)) if axis not in named]
    ranges = () if view.ranges == tuple((0, length) for length in view.root) else view.ranges
    return Slot(value.name, view.root, view.at(outputs), view.at(inputs), view.at(window), view.at(groups), ranges)


def product_of(operation: Operation) -> Product:
    """A dot_general of which one side at least is a signal."""
    (left_sums, right_sums), (left_groups, right_groups) = operation.params["dimension_numbers"]
    left, right = operation.inputs
    sides: list[tuple[Any, Any, Any]] = [(left, left_sums, left_groups), (right, right_sums, right_groups)]
    if not isinstance(left, Signal):
        sides.reverse()
    (signal, sums, groups), (other, others_sums, others_groups) = sides
    free = [axis for axis in range(len(other.shape)) if axis not in (*others_sums, *others_groups)]
    before = len(signal.shape) - len(sums) - len(groups) if other is right else 0
    first = len(groups) + before
    units = (*range(len(groups)), *range(first, first + len(free)))
    affine = None
    if isinstance(other, Fixed) and _is_parameter(other):
        fan_in = float(prod(other.shape[axis] for axis in others_sums))
        count = prod(other.shape[axis] for axis in others_groups)
        affine = _affine(slot_of(other, free, others_sums, others_groups), fan_in, count)
    return Product(signal, other, affine, units)


def layer_of(operation: Operation) -> Product | None:
    """A convolution; None if it is none of a signal."""
    signal, kernel = operation.inputs
    if not isinstance(signal, Signal):
        return None
    params, numbers = operation.params, operation.params["dimension_numbers"]
    out, into, *window = numbers.rhs_spec
    groups = params["feature_group_count"]
    transposed = any(step > 1 for step in params["lhs_dilation"])
    affine = None
    if isinstance(kernel, Fixed) and _is_parameter(kernel) and params["batch_group_count"] == 1:
        terms = kernel.shape[into] * prod(kernel.shape[axis] for axis in window) / prod(params["lhs_dilation"])
        affine = _affine(slot_of(kernel, [out], [into]), float(terms), groups, transposed)
    over = Window(
        tuple(signal.shape[axis] for axis in numbers.lhs_spec[2:]),
        tuple(kernel.shape[axis] for axis in window),
        tuple(params["window_strides"]),
        tuple((int(before), int(behind)) for before, behind in params["padding"]),
        tuple(params["rhs_dilation"]),
        tuple(params["lhs_dilation"]),
    )
    return Product(signal, kernel, affine, (numbers.out_spec[1],), over)


def owner(name: str) -> str:
    """The module that a parameter belongs to."""
    parts = name.split("/")
    own = parts[1:] if parts[0] == "params" and len(parts) > 2 else parts
    return "/".join(own[:-1]) or own[-1]


def _is_parameter(value: Fixed) -> bool:
    """Whether it is one parameter, or a part of one, with its axes told apart."""
    view: View | None = value.view
    return (
        view is not None
        and len(value.leaves) == 1
        and all(axes or length == 1 for axes, length in zip(view.axes, view.shape, strict=True))
    )


def _affine(slot: Slot, fan_in: float, groups: int, transposed: bool = False) -> Affine:
    return Affine(slot, None, slot.name, "", slot.part, fan_in, groups, transposed)
