"""The layers of Keras with kernels: dense ones and convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from eoc.models.keras.builder import Builder, Elements, called_as
from eoc.models.keras.windows import convolution_window, transposed_window
from eoc.models.padding import Window
from eoc.models.steps import Kind

__all__ = ["Inputs", "Shape", "convolution", "dense", "depthwise", "einsum", "own", "separable", "transposed"]

Inputs = Sequence[Elements]
Shape = tuple[int | None, ...]


def own(layer: Any, name: str) -> Any:
    """A variable of a layer; None if it has none of that name."""
    own = (*layer._trainable_variables, *layer._non_trainable_variables)
    return next((variable for variable in own if variable.name == name), None)


def add_affine(
    builder: Builder,
    layer: Any,
    x: Elements,
    shape: Shape,
    fan_in: float,
    axes: Any,
    name: str = "",
    window: Window | None = None,
    **details: Any,
) -> Elements:
    """A layer with a kernel, and its activation."""
    weight, bias = builder.slot(own(layer, "kernel"), **axes), builder.slot(own(layer, "bias"))
    affine = builder.affine(weight, bias, fan_in, **details)
    out = builder.add(name or layer.name, Kind.LAYER, (builder.index(x),), shape, affine=affine, module=window)
    return activated(builder, layer, out)


def activated(builder: Builder, layer: Any, out: Elements) -> Elements:
    """What the activation of a layer makes of it."""
    phi = layer.activation
    return out if phi is None else builder.activated(f"{layer.name}/{called_as(phi)}", phi, out)


def dense(builder: Builder, layer: Any, inputs: Inputs, shape: Shape) -> Elements:
    """A dense layer."""
    axes = {"outputs": (1,), "inputs": (0,)}
    return add_affine(builder, layer, inputs[0], shape, float(own(layer, "kernel").shape[0]), axes)


def einsum(builder: Builder, layer: Any, inputs: Inputs, shape: Shape, name: str = "") -> Elements:
    """A dense layer over the axes that an equation names."""
    before, _, after = layer.equation.partition("->")
    taken, _, kernel = before.partition(",")
    roles: dict[str, list[int]] = {"outputs": [], "inputs": [], "groups": []}
    for axis, letter in enumerate(kernel):
        role = "groups" if letter in taken and letter in after else "inputs" if letter in taken else "outputs"
        roles[role].append(axis)
    lengths = own(layer, "kernel").shape
    fan_in, groups = (prod(int(lengths[axis]) for axis in roles[role]) for role in ("inputs", "groups"))
    axes = {role: tuple(which) for role, which in roles.items()}
    return add_affine(builder, layer, inputs[0], shape, float(fan_in), axes, name, groups=groups)


def convolution(builder: Builder, layer: Any, inputs: Inputs, shape: Shape) -> Elements:
    """A convolution."""
    lengths = [int(length) for length in own(layer, "kernel").shape]
    window = tuple(range(len(lengths) - 2))
    axes = {"outputs": (len(lengths) - 1,), "inputs": (len(lengths) - 2,), "window": window}
    over = convolution_window(layer, inputs[0].shape, lengths[:-2])
    return add_affine(
        builder, layer, inputs[0], shape, float(prod(lengths[:-1])), axes, window=over, groups=layer.groups
    )


def transposed(builder: Builder, layer: Any, inputs: Inputs, shape: Shape) -> Elements:
    """A transposed convolution."""
    lengths = [int(length) for length in own(layer, "kernel").shape]
    window = tuple(range(len(lengths) - 2))
    axes = {"outputs": (len(lengths) - 2,), "inputs": (len(lengths) - 1,), "window": window}
    fan_in = lengths[-1] * prod(lengths[:-2]) / prod(layer.strides)
    over = transposed_window(layer, inputs[0].shape, shape, lengths[:-2])
    return add_affine(builder, layer, inputs[0], shape, fan_in, axes, window=over, transposed=True)


def _by_channel(lengths: Sequence[int]) -> dict[str, Any]:
    """The axes of a kernel (window, channels, multiplier) that treats each channel by itself."""
    last = len(lengths) - 1
    return {"outputs": (last,), "groups": (last - 1,), "window": tuple(range(last - 1))}


def depthwise(builder: Builder, layer: Any, inputs: Inputs, shape: Shape) -> Elements:
    """A convolution of each channel by itself."""
    lengths = [int(length) for length in own(layer, "kernel").shape]
    axes, channels = _by_channel(lengths), lengths[-2]
    over = convolution_window(layer, inputs[0].shape, lengths[:-2])
    return add_affine(builder, layer, inputs[0], shape, float(prod(lengths[:-2])), axes, window=over, groups=channels)


def separable(builder: Builder, layer: Any, inputs: Inputs, shape: Shape) -> Elements:
    """A convolution of each channel by itself, and one of all of them at every position."""
    first, second = own(layer, "depthwise_kernel"), own(layer, "pointwise_kernel")
    lengths = [int(length) for length in first.shape]
    weight = builder.slot(first, **_by_channel(lengths))
    affine = builder.affine(weight, None, float(prod(lengths[:-2])), groups=lengths[-2])
    between = (*shape[:-1], lengths[-2] * lengths[-1])
    over = convolution_window(layer, inputs[0].shape, lengths[:-2])
    x = builder.add(f"{layer.name}/depthwise", Kind.LAYER, builder.indices(inputs), between, affine=affine, module=over)
    last = len(second.shape) - 1
    weight = builder.slot(second, outputs=(last,), inputs=(last - 1,), window=tuple(range(last - 1)))
    affine = builder.affine(weight, builder.slot(own(layer, "bias")), float(second.shape[-2]))
    out = builder.add(f"{layer.name}/pointwise", Kind.LAYER, (x.source,), shape, affine=affine)
    return activated(builder, layer, out)
