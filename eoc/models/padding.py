"""How much of what convolutions sum is padding with zeros."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from eoc.models.steps import Step

__all__ = ["inside", "share_inside"]


def inside(step: Step, before: Step) -> float:
    """Which share of the terms that a layer sums are not zeros of its padding, on average over positions.

    1 for layers that are no convolutions, that pad otherwise, or whose shapes are not known. The variance of a layer
    is sigma_b^2 + sigma_w^2 times this share of what it takes in: at images of 1x1, 1/9 for kernels of 3x3.

    Parameters
    ----------
    step
        The layer.
    before
        The step that it takes in.
    """
    module, affine = step.module, step.affine
    if affine is None or not hasattr(module, "padding"):
        return 1.0
    kernel = tuple(affine.weight.shape[2:])
    return share_inside(module, kernel, before.shape[len(before.shape) - len(kernel) :], transposed=affine.transposed)


def share_inside(settings: Any, kernel: tuple[int, ...], sizes: tuple[int, ...], *, transposed: bool) -> float:
    """The same of a kernel on images of these sizes; ``settings`` has stride, padding, dilation and padding_mode."""
    if not kernel or len(sizes) != len(kernel) or getattr(settings, "padding_mode", "zeros") != "zeros":
        return 1.0
    n = len(kernel)
    stride, dilation = _each(settings.stride, n), _each(getattr(settings, "dilation", 1), n)
    more = _each(getattr(settings, "output_padding", 0), n)
    paddings = [_padding(settings.padding, n, at, dilation[at] * (kernel[at] - 1)) for at in range(n)]
    along = _along_transposed if transposed else _along
    axes = zip(sizes, kernel, stride, paddings, dilation, more, strict=True)
    return prod(along(*axis) for axis in axes)


def _along(size: int, kernel: int, stride: int, padding: tuple[int, int], dilation: int, more: int) -> float:
    """Of one axis: over all places of the kernel, the share of its entries that meet the image."""
    places = (size + sum(padding) - dilation * (kernel - 1) - 1) // stride + 1
    if places < 1:
        return 1.0
    at = np.add.outer(stride * np.arange(places) - padding[0], dilation * np.arange(kernel))
    return float(((at >= 0) & (at < size)).mean())


def _along_transposed(size: int, kernel: int, stride: int, padding: tuple[int, int], dilation: int, more: int) -> float:
    """Of one axis: what arrives inside the output, over what would if it went on."""
    out = (size - 1) * stride - sum(padding) + dilation * (kernel - 1) + more + 1
    at = np.add.outer(stride * np.arange(size) - padding[0], dilation * np.arange(kernel))
    return float(((at >= 0) & (at < out)).sum() * stride / (out * kernel))


def _each(setting: Any, axes: int) -> tuple[int, ...]:
    return tuple(setting) if isinstance(setting, tuple | list) else (int(setting),) * axes


def _padding(padding: Any, axes: int, at: int, reach: int) -> tuple[int, int]:
    """Before and behind the image, along one axis."""
    if padding == "same":
        return reach // 2, reach - reach // 2
    one = 0 if padding == "valid" else _each(padding, axes)[at]
    return one, one
