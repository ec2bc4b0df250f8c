"""The steps of functions that bring positions or units together: pooling, sums, normalisations."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from eoc.activations import activation
from eoc.models.steps import Kind, Step
from eoc.models.torch.making import ValueBuilder
from eoc.models.torch.values import Call, Elements, Fixed, Value

__all__ = ["normalisation", "pooling"]

_LARGEST = ("amax", "amin", "max", "min")
_OF_AXES = (*_LARGEST, "mean", "sum")


def pooling(builder: ValueBuilder, call: Call) -> Value:
    """Means, sums or largest values over positions; over units that is nothing known."""
    x = call.data[0]
    largest = call.name in _LARGEST or "max" in call.name
    if call.name not in _OF_AXES:
        return builder.step(call, Kind.POOL, terms=_window(builder, call, x), largest=largest)
    if len(call.data) > 1:
        return builder.step(call, Kind.UNKNOWN)
    at = builder.index(x)
    step = builder.steps[at]
    axes = _axes(call, step)
    if axes is None or not _over_positions(builder, at, axes):
        what = "a sum" if call.name == "sum" else "the largest" if largest else "a mean"
        return builder.step(call, Kind.UNKNOWN, note=f"{what} over features")
    terms = prod(step.shape[axis] for axis in axes) if step.shape else None
    out = builder.step(call, Kind.POOL, terms=terms, largest=largest)
    if call.name in ("max", "min"):
        builder.tuples.add(out.source)
    if call.name == "sum" and terms is not None:
        return out.then(activation(f"{terms} * x"), f"{terms} *", call.node)
    return out


def normalisation(builder: ValueBuilder, call: Call) -> Value:
    """With the weight of the module that it belongs to, or of none."""
    if call.name == "normalize":
        return _to_length_one(builder, call)
    x, first, second, *rest = call.arguments("input", *_ARGUMENTS[call.name])
    if not isinstance(x, Elements):
        return builder.step(call, Kind.UNKNOWN)
    weight = dict(zip(_ARGUMENTS[call.name], (first, second, *rest), strict=True))["weight"]
    of_batch = call.name == "batch_norm" and (bool(rest[-1]) or first is None)
    owner = builder.owner(weight.tensor) if isinstance(weight, Fixed) else None
    centred = call.name != "rms_norm"
    out = builder.step(call, Kind.NORM, builder.indices((x,)), module=owner, centred=centred, over_batch=of_batch)
    if not isinstance(weight, Fixed) or owner is not None or weight.size in (None, 1.0):
        return out
    return out.then(activation(f"{weight.size!r} * x"), f"{weight.size:g} *", call.node, note=f"times {weight.name}")


_ARGUMENTS = {
    "batch_norm": ("running_mean", "running_var", "weight", "bias", "training"),
    "instance_norm": ("running_mean", "running_var", "weight", "bias"),
    "layer_norm": ("normalized_shape", "weight", "bias"),
    "group_norm": ("num_groups", "weight", "bias"),
    "rms_norm": ("normalized_shape", "weight", "eps"),
}


def _to_length_one(builder: ValueBuilder, call: Call) -> Value:
    """A vector over its length: the root mean square of its entries is 1 over the root of how many there are."""
    _, power, axis = call.arguments("input", "p", "dim")
    step = builder.steps[builder.index(call.data[0])]
    out = builder.step(call, Kind.NORM, centred=False)
    if power not in (None, 2, 2.0) or not step.shape or not isinstance(axis, int | None):
        return builder.step(call, Kind.UNKNOWN)
    factor = step.shape[1 if axis is None else axis] ** -0.5
    return out.then(activation(f"{factor!r} * x"), f"{factor:g} *", call.node)


def _axes(call: Call, step: Step) -> list[int] | None:
    """The axes that are gone; counted from the front where the shape is known."""
    given = dict(call.kwargs)
    axes = given.get("dim", given.get("axis", call.args[1] if len(call.args) > 1 else None))
    if axes is None:
        return None
    listed: list[Any] = list(axes) if isinstance(axes, Sequence) else [axes]
    if not all(isinstance(axis, int) for axis in listed):
        return None
    return [axis % len(step.shape) for axis in listed] if step.shape else listed


def _over_positions(builder: ValueBuilder, at: int, axes: Sequence[int]) -> bool:
    if builder.steps[at].shape:
        apart = builder.units.apart(at, axes)
        if apart is not None:
            return apart and 0 not in axes
    while builder.steps[at].kind is not Kind.LAYER and builder.steps[at].inputs:
        at = builder.steps[at].inputs[0]
    affine = builder.steps[at].affine
    images = affine is not None and affine.weight.dim() > 2
    return not any((axis == 1 and len(axes) == 1) or axis == -3 for axis in axes) if images else -1 not in axes


def _window(builder: ValueBuilder, call: Call, x: Elements) -> int | None:
    """How many positions each output is made of."""
    size = call.arguments("input", "kernel_size")[1]
    dimensions = int(call.name[-2]) if call.name[-2:-1].isdigit() else 1
    if "adaptive" not in call.name:
        return size**dimensions if isinstance(size, int) else prod(size) if isinstance(size, Sequence) else None
    before = builder.steps[builder.index(x)].shape
    if before and call.shape:
        return prod(before[-dimensions:]) // max(1, prod(call.shape[-dimensions:]))
    return None
