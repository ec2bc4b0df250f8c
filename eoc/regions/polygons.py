"""Convex polygons, many at once: cut by lines, measured, also inside of a disc.

Vertices stand in one array (polygons, vertices, 2); those with fewer repeat their last one. Numbers are doubles or
fractions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from eoc.floats import FloatArray
from eoc.regions.model import Array

__all__ = ["area", "area_in_disc", "clipped", "corners", "stacked"]


def clipped(vertices: Array, h: Array) -> Array:
    """The parts of polygons where a function that is linear on each is >= 0; h are its values at the vertices.

    Each polygon has a vertex with h > 0.

    Examples
    --------
    >>> square = np.array([[[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]])
    >>> clipped(square, square[:, :, 0] - 0.25).tolist()
    [[[0.25, 0.0], [1.0, 0.0], [1.0, 1.0], [0.25, 1.0]]]
    """
    after, h_after = np.roll(vertices, -1, axis=1), np.roll(h, -1, axis=1)
    crosses = ((h > 0) & (h_after < 0)) | ((h < 0) & (h_after > 0))
    share = h / np.where(crosses, h - h_after, 1)
    points = np.where(crosses[..., None], vertices + share[..., None] * (after - vertices), vertices)
    kept = (h >= 0) & (vertices != after).any(axis=2)
    size = vertices.shape[0], 2 * vertices.shape[1]
    both = np.stack([vertices, points], axis=2).reshape(*size, 2)
    mask = np.stack([kept, crosses], axis=2).reshape(size)
    count = mask.sum(axis=1)
    order = np.argsort(~mask, axis=1, kind="stable")
    place = np.minimum(np.arange(count.max(initial=1)), np.maximum(count, 1)[:, None] - 1)
    return np.take_along_axis(both, np.take_along_axis(order, place, axis=1)[..., None], axis=1)


def stacked(first: Array, second: Array) -> Array:
    """Two arrays of polygons in one."""
    most = max(first.shape[1], second.shape[1])
    return np.concatenate([_padded(first, most), _padded(second, most)])


def corners(polygon: Array) -> Array:
    """The vertices of one polygon, (vertices, 2), each once."""
    return polygon[(polygon != np.roll(polygon, -1, axis=0)).any(axis=1)]


def area(vertices: Array) -> Array:
    """Of each polygon, (polygons,); > 0 where vertices go counterclockwise."""
    after = np.roll(vertices, -1, axis=1)
    return _cross(vertices, after).sum(axis=1) / 2


def area_in_disc(vertices: FloatArray, radius: float) -> FloatArray:
    """The area of the part of each polygon inside of a disc around the origin, to rounding.

    An edge makes a triangle with the origin, for what of it is inside, and sectors for what is not.
    """
    p, q = vertices, np.roll(vertices, -1, axis=1)
    step = q - p
    a, b, c = _dot(step, step), _dot(p, step), _dot(p, p) - radius**2
    with np.errstate(divide="ignore", invalid="ignore"):
        root = np.sqrt(np.maximum(b * b - a * c, 0.0))
        enters, leaves = (np.clip(np.nan_to_num((-b + sign * root) / a), 0.0, 1.0)[..., None] for sign in (-1.0, 1.0))
    first, last = p + enters * step, p + leaves * step
    sectors = _angle(p, first) + _angle(last, q)
    inside = np.where(leaves[..., 0] > enters[..., 0], _cross(first, last), 0.0)
    through = np.where(leaves[..., 0] > enters[..., 0], sectors, _angle(p, q))
    return 0.5 * (radius**2 * through + inside).sum(axis=1)


def _padded(vertices: Array, most: int) -> Array:
    last = np.repeat(vertices[:, -1:], most - vertices.shape[1], axis=1)
    return np.concatenate([vertices, last], axis=1)


def _cross(p: Array, q: Array) -> Array:
    return p[..., 0] * q[..., 1] - p[..., 1] * q[..., 0]


def _dot(p: FloatArray, q: FloatArray) -> FloatArray:
    return (p * q).sum(axis=-1)


def _angle(p: FloatArray, q: FloatArray) -> NDArray[np.float64]:
    return np.arctan2(_cross(p, q), _dot(p, q))
