"""The steps of functions that bring positions or units together: pooling, sums, normalisations."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from eoc.activations import activation
from eoc.models.steps import Kind, Step
from eoc.models.torch.making import ValueBuilder
from eoc.models.torch.rows import statistic
from eoc.models.torch.values import Call, Elements, Fixed, Value

__all__ = ["normalisation", "pooling"]

_LARGEST = ("amax", "max")
_OF_AXES = (*_LARGEST, "amin", "min", "mean", "sum", "norm", "vector_norm", "var", "std", "normalize")


def pooling(builder: ValueBuilder, call: Call) -> Value:
    """Means, sums or largest values over positions; over units perhaps a part of a normalisation."""
    x = call.data[0]
    if call.name not in _OF_AXES:
        terms, largest = _window(builder, call, x), "max" in call.name
        return builder.step(call, Kind.POOL, terms=terms, largest=largest)
    axes = _axes(call, builder.steps[x.source]) if len(call.data) == 1 else None
    if axes is not None and _over_positions(builder, x.source, axes):
        return _over(builder, call, axes)
    row = statistic(call) if axes is not None and len(axes) == 1 else None
    return row or builder.step(call, Kind.UNKNOWN, note=f"the {call.name} over features")


def _over(builder: ValueBuilder, call: Call, axes: Sequence[int]) -> Value:
    """Over positions."""
    largest = call.name in _LARGEST
    if call.name == "normalize":  # over the length of the vector of all positions
        out = builder.step(call, Kind.NORM, centred=False)
        count = call.shape[axes[0]] if call.shape else None
        return Elements(builder.scaled(call.node, out.source, count**-0.5)) if count else out
    if not largest and call.name not in ("mean", "sum"):
        return builder.step(call, Kind.UNKNOWN, note=f"the {call.name} over positions")
    shape = builder.steps[builder.index(call.data[0])].shape
    terms = prod(shape[axis] for axis in axes) if shape else None
    out = builder.step(call, Kind.POOL, terms=terms, largest=largest)
    if call.name == "max":
        builder.tuples.add(out.source)
    if call.name == "sum" and terms is not None:
        return out.then(activation(f"{terms} * x"), f"{terms} *", call.node)
    return out


def normalisation(builder: ValueBuilder, call: Call) -> Value:
    """With the weight of the module that it belongs to, or of none."""
    if call.name == "normalize":
        return pooling(builder, call)
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


def _axes(call: Call, step: Step) -> list[int] | None:
    """The axes that are gone; counted from the front where the shape is known."""
    given = dict(call.kwargs)
    place = 2 if "norm" in call.name else 1  # behind the order of the norm
    axes = given.get("dim", given.get("axis", call.args[place] if len(call.args) > place else None))
    axes = 1 if axes is None and call.name == "normalize" else axes
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
