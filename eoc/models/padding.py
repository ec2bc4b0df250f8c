"""How much of what convolutions sum is padding with zeros."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from eoc.models.steps import Step

__all__ = ["Window", "inside", "share_inside"]


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
    if isinstance(module, Window):
        return module.inside
    if affine is None or not hasattr(module, "padding"):
        return 1.0
    kernel = tuple(affine.weight.shape[2:])
    return share_inside(module, kernel, before.shape[len(before.shape) - len(kernel) :], transposed=affine.transposed)


@dataclass(frozen=True)
class Window:
    """How a kernel goes over an image: one number, or pair of numbers, for each axis.

    Attributes
    ----------
    sizes, kernel
        Lengths of the image and of the kernel.
    stride, dilation
        Steps from place to place, and from entry to entry of the kernel.
    padding
        Zeros before and behind the image.
    spread
        Steps from pixel to pixel, with zeros between them: of transposed convolutions, their stride.
    """

    sizes: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    spread: tuple[int, ...]

    @property
    def inside(self) -> float:
        """Which share of what is summed are pixels, of what would be if the image went on.

        Examples
        --------
        >>> Window((1,), (3,), (1,), ((1, 1),), (1,), (1,)).inside  # of three entries the one in the middle
        0.3333333333333333
        """
        axes = (self.sizes, self.kernel, self.stride, self.padding, self.dilation, self.spread)
        return prod(_along(*axis) for axis in zip(*axes, strict=True))


def share_inside(settings: Any, kernel: tuple[int, ...], sizes: tuple[int, ...], *, transposed: bool) -> float:
    """The same of a kernel on images of these sizes; ``settings`` has stride, padding, dilation and padding_mode."""
    if not kernel or len(sizes) != len(kernel) or getattr(settings, "padding_mode", "zeros") != "zeros":
        return 1.0
    n = len(kernel)
    stride, dilation = _each(settings.stride, n), _each(getattr(settings, "dilation", 1), n)
    more, ones = _each(getattr(settings, "output_padding", 0), n), (1,) * n
    reaches = [dilation[at] * (kernel[at] - 1) for at in range(n)]
    paddings = tuple(_padding(settings.padding, n, at, reaches[at]) for at in range(n))
    if not transposed:
        return Window(sizes, kernel, stride, paddings, dilation, ones).inside
    ends = zip(reaches, paddings, more, strict=True)
    turned = tuple((reach - before, reach - behind + extra) for reach, (before, behind), extra in ends)
    return Window(sizes, kernel, ones, turned, dilation, stride).inside


def _along(size: int, kernel: int, stride: int, padding: tuple[int, int], dilation: int, spread: int) -> float:
    """Of one axis: over all places of the kernel, the share of its entries that meet a pixel."""
    reach = spread * (size - 1) + 1
    places = (reach + sum(padding) - dilation * (kernel - 1) - 1) // stride + 1
    if places < 1:
        return 1.0
    at = np.add.outer(stride * np.arange(places) - padding[0], dilation * np.arange(kernel))
    met = (at >= 0) & (at < reach) & (at % spread == 0)
    return float(met.sum() * spread / met.size)


def _each(setting: Any, axes: int) -> tuple[int, ...]:
    return tuple(setting) if isinstance(setting, tuple | list) else (int(setting),) * axes


def _padding(padding: Any, axes: int, at: int, reach: int) -> tuple[int, int]:
    """Before and behind the image, along one axis."""
    if padding == "same":
        return reach // 2, reach - reach // 2
    one = 0 if padding == "valid" else _each(padding, axes)[at]
    return one, one
