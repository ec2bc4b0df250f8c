"""How the kernels of Keras's convolutions go over images, their padding included."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eoc.models.padding import Window

__all__ = ["convolution_window", "spatial", "transposed_window"]

Shape = tuple[int | None, ...]


def spatial(layer: Any, shape: Shape) -> Shape:
    """The lengths of an image among those of an array of them."""
    return shape[2:] if layer.data_format == "channels_first" else shape[1:-1]


def convolution_window(layer: Any, before: Shape, kernel: Sequence[int]) -> Window | None:
    """Of a convolution of images of these lengths; None where they are not known."""
    sizes = _known(spatial(layer, before))
    if sizes is None:
        return None
    stride, dilation = tuple(layer.strides), tuple(layer.dilation_rate)
    axes = zip(sizes, kernel, stride, dilation, strict=True)
    padding = tuple(_padding(layer.padding, *axis) for axis in axes)
    return Window(sizes, tuple(kernel), stride, padding, dilation, (1,) * len(sizes))


def _padding(padding: str, size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """Zeros before and behind an axis, the odd one behind; all before if causal."""
    reach = dilation * (kernel - 1)
    if padding == "causal":
        return reach, 0
    if padding == "valid":
        return 0, 0
    total = max((-(-size // stride) - 1) * stride + reach + 1 - size, 0)
    return total // 2, total - total // 2


def transposed_window(layer: Any, before: Shape, after: Shape, kernel: Sequence[int]) -> Window | None:
    """Of a transposed convolution; None where lengths are not known."""
    sizes, made = _known(spatial(layer, before)), _known(spatial(layer, after))
    if sizes is None or made is None:
        return None
    spread, dilation = tuple(layer.strides), tuple(layer.dilation_rate)
    padding = []
    for size, out, taps, steps, each in zip(sizes, made, kernel, spread, dilation, strict=True):
        reach = each * (taps - 1)
        total = out + reach - (steps * (size - 1) + 1)  # zeros around the image that was spread
        cut = max(reach + 1 - steps, 0) if layer.padding == "same" else 0
        first = reach - cut // 2
        padding.append((first, total - first))
    return Window(sizes, tuple(kernel), (1,) * len(sizes), tuple(padding), dilation, spread)


def _known(lengths: Shape) -> tuple[int, ...] | None:
    known = tuple(length for length in lengths if length is not None)
    return known if len(known) == len(lengths) else None
