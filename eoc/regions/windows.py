"""Convolutions and pooling as matrices and windows, with numbers that say where everything stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from eoc.errors import EocError

__all__ = ["adaptive_windows", "by_channel", "convolution", "filled", "mean_over", "positions"]

_MOST = 2**28  # entries of a convolution's matrix

Places = NDArray[np.int64]


def positions(
    sizes: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[tuple[int, int]],
    dilation: Sequence[int],
    *,
    ceil: bool = False,
) -> Places:
    """Which pixel every entry of a kernel meets at every place, (places, entries); -1 where it is padding.

    Parameters
    ----------
    sizes, kernel, stride, padding, dilation
        By axis; padding before and behind.
    ceil
        Whether a last place that is only partly inside counts, as long as it begins inside.

    Examples
    --------
    >>> positions([4], [3], [2], [(1, 1)], [1]).tolist()
    [[-1, 0, 1], [1, 2, 3]]
    """
    axes = zip(sizes, kernel, stride, padding, dilation, strict=True)
    return _joined(sizes, [_along(*axis, ceil=ceil) for axis in axes])


def _joined(sizes: Sequence[int], axes: Sequence[Places]) -> Places:
    """The windows of an image, from those of its axes."""
    out = np.zeros((1, 1), np.int64)
    for size, one in zip(sizes, axes, strict=True):
        before, own = out[:, None, :, None], one[None, :, None, :]
        out = np.where((before < 0) | (own < 0), -1, before * size + own)
        out = out.reshape(out.shape[0] * out.shape[1], -1)
    return out


def _along(size: int, kernel: int, stride: int, padding: tuple[int, int], dilation: int, *, ceil: bool) -> Places:
    room = size + sum(padding) - dilation * (kernel - 1) - 1
    places = room // stride + 1
    if ceil and room % stride and places * stride < size + padding[0]:
        places += 1
    at = np.add.outer(stride * np.arange(places) - padding[0], dilation * np.arange(kernel))
    return np.where((at >= 0) & (at < size), at, -1)


def adaptive_windows(sizes: Sequence[int], made: Sequence[int]) -> Places:
    """The windows of adaptive pooling, (places, entries); -1 where one has fewer entries than others."""
    axes = []
    for size, places in zip(sizes, made, strict=True):
        ends = [(i * size // places, -(-(i + 1) * size // places)) for i in range(places)]
        longest = max(b - a for a, b in ends)
        axes.append(np.array([[*range(a, b), *[-1] * (longest - b + a)] for a, b in ends]))
    return _joined(sizes, axes)


def convolution(weight: NDArray[Any], places: Places, pixels: int, groups: int = 1) -> sparse.csr_array:
    """The matrix of a convolution: weights (outputs, inputs / groups, entries) at places of :func:`positions`.

    Raises
    ------
    EocError
        Where it has too many entries.
    """
    outputs, inputs, entries = weight.shape
    if outputs * inputs * places.size > _MOST:
        raise EocError(
            f"a convolution of {outputs} channels at {places.shape[0]} places has {outputs * inputs * places.size:.3g} "
            "weights written out, too many: use smaller images or fewer channels"
        )
    channel = np.arange(outputs) // (outputs // groups) * inputs  # the first input of each output's group
    column = (channel[:, None] + np.arange(inputs))[:, None, :, None] * pixels + places[None, :, None, :]
    row = np.arange(outputs)[:, None] * places.shape[0] + np.arange(places.shape[0])
    shape = (outputs, places.shape[0], inputs, entries)
    inside = np.broadcast_to(places[None, :, None, :] >= 0, shape)
    values = np.broadcast_to(weight[:, None], shape)[inside]
    where = np.broadcast_to(row[:, :, None, None], shape)[inside], np.broadcast_to(column, shape)[inside]
    size = outputs * places.shape[0], inputs * groups * pixels
    return sparse.coo_array((values, where), shape=size).tocsr()


def mean_over(windows: Places, pixels: int, terms: NDArray[Any] | None = None) -> sparse.csr_array:
    """The matrix of means over windows; ``terms`` says what the sum of each is divided by, left out: its entries."""
    inside = windows >= 0
    counts = inside.sum(axis=1) if terms is None else terms
    row = np.broadcast_to(np.arange(windows.shape[0])[:, None], windows.shape)[inside]
    values = np.broadcast_to(1.0 / counts[:, None], windows.shape)[inside]
    return sparse.coo_array((values, (row, windows[inside])), shape=(windows.shape[0], pixels)).tocsr()


def by_channel(windows: Places, channels: int, pixels: int) -> Places:
    """The same windows in every channel."""
    shifted = np.where(windows < 0, -1, windows + pixels * np.arange(channels)[:, None, None])
    return shifted.reshape(channels * windows.shape[0], -1)


def filled(windows: Places) -> Places:
    """The same windows with their first pixel in place of padding, which changes no maximum.

    Examples
    --------
    >>> filled(np.array([[-1, 0, 1], [1, 2, 3]])).tolist()
    [[0, 0, 1], [1, 2, 3]]
    """
    first = np.argmax(windows >= 0, axis=1)
    return np.where(windows < 0, windows[np.arange(windows.shape[0]), first][:, None], windows)
