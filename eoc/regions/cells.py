"""Cells of a plane section: convex polygons on which a network is affine, and how layers cut them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from eoc.regions.model import Affine, Array, Bend, Largest, PiecewiseLinear
from eoc.regions.polygons import clipped, stacked

__all__ = ["Cells", "cut", "passed"]

_ZERO = 1e-12  # of the largest value in a cell: a line that passes a vertex within it meets the vertex


@dataclass(frozen=True)
class Cells:
    """Polygons, and what the values of a network are on them.

    Attributes
    ----------
    vertices
        (P, V, 2).
    values
        By value of the network the coefficients of a, b and 1, (P, 3, n).
    patterns
        The pieces of all units so far, (P, units).
    at
        The value that is to be computed next.
    """

    vertices: Array
    values: Mapping[int, Array]
    patterns: NDArray[np.int16]
    at: int

    def part(self, index: NDArray[np.int64] | slice) -> Cells:
        """Some of the cells."""
        values = {at: value[index] for at, value in self.values.items()}
        return replace(self, vertices=self.vertices[index], values=values, patterns=self.patterns[index])

    @property
    def size(self) -> int:
        """How many there are."""
        return int(self.vertices.shape[0])


def passed(network: PiecewiseLinear, cells: Cells) -> Cells:
    """The cells up to the next layer of kinks, or to the end of the network."""
    values, at = dict(cells.values), cells.at
    while at <= len(network.nodes):
        node = network.nodes[at - 1]
        if isinstance(node, Bend | Largest):
            break
        own = [values[earlier] for earlier in node.inputs]
        flat = [one.reshape(-1, one.shape[-1]) for one in own]
        found = node.linear(*flat).reshape(*own[0].shape[:-1], node.units)
        if isinstance(node, Affine):
            found[:, 2] += node.bias
        values[at] = found
        network.forget(values, at)
        at += 1
    return replace(cells, values=values, at=at)


def cut(network: PiecewiseLinear, cells: Cells) -> Cells:
    """The cells behind a layer of kinks: cut by all of its units, each with its pieces and values."""
    node = network.nodes[cells.at - 1]
    assert isinstance(node, Bend | Largest)
    h = cells.values[node.inputs[0]]
    if isinstance(node, Bend):
        vertices, parent = _cut_by_knots(cells.vertices, h, node.pieces.places(h))
    else:
        vertices, parent = _cut_by_windows(cells.vertices, h, node.windows)
    middle = vertices.sum(axis=1) / vertices.shape[1]  # repeated vertices do no harm: it is inside all the same
    one = np.stack([middle[:, 0], middle[:, 1], middle[:, 0] * 0 + 1], axis=1)
    here = (one[:, :, None] * h[parent]).sum(axis=1)
    if isinstance(node, Bend):
        index = node.pieces.index(here)
        behind = node.pieces.slope(index, h)[:, None] * h[parent]
        behind[:, 2] += node.pieces.offset(index, h)
    else:
        index = node.index(here)
        behind = np.take_along_axis(h[parent], node.chosen(index)[:, None], axis=2)
    values = {at: value[parent] for at, value in cells.values.items()} | {cells.at: behind}
    network.forget(values, cells.at)
    patterns = np.concatenate([cells.patterns[parent], index], axis=1)
    return Cells(vertices, values, patterns, cells.at + 1)


def _at_vertices(vertices: Array, h: Array) -> Array:
    """The values of one function a cell, coefficients (P, 3), at its vertices, (P, V); those next to 0 are 0."""
    found = h[:, :1] * vertices[..., 0] + h[:, 1:2] * vertices[..., 1] + h[:, 2:]
    if found.dtype == object:
        return found
    size = (np.abs(h[:, :2]) * np.abs(vertices).max(axis=1)).sum(axis=1) + np.abs(h[:, 2])
    return np.where(np.abs(found) <= _ZERO * size[:, None], 0.0, found)


def _meets(vertices: Array, h: Array) -> NDArray[np.bool_]:
    """Which units, coefficients (P, 3, n), change their sign in which cell, (P, n)."""
    least, most = (np.zeros((h.shape[0], h.shape[2]), h.dtype) for _ in range(2))
    for corner in range(vertices.shape[1]):
        x = vertices[:, corner]
        found = h[:, 0] * x[:, :1] + h[:, 1] * x[:, 1:] + h[:, 2]
        least, most = np.minimum(least, found), np.maximum(most, found)
    return np.asarray((least < 0) & (most > 0), dtype=bool)


def _cut_by_knots(vertices: Array, h: Array, knots: Array) -> tuple[Array, NDArray[np.int64]]:
    """The polygons cut along the lines on which units meet knots, and which each of them was part of."""
    whole, parent = vertices, np.arange(vertices.shape[0])
    for knot in knots:
        shifted = h.copy()
        shifted[:, 2] -= knot
        met = _meets(whole, shifted)
        for unit in np.flatnonzero(met.any(axis=0)):
            some = np.flatnonzero(met[parent, unit])
            if some.size:
                vertices, parent = _halved(vertices, parent, some, shifted[parent[some], :, unit])
    return vertices, parent


def _halved(
    vertices: Array, parent: NDArray[np.int64], some: NDArray[np.int64], h: Array
) -> tuple[Array, NDArray[np.int64]]:
    """Some of the polygons cut by a line each, whose coefficients are h, where it passes through them."""
    values = _at_vertices(vertices[some], h)
    through = np.asarray((values < 0).any(axis=1) & (values > 0).any(axis=1), dtype=bool)
    if not through.any():
        return vertices, parent
    some, values = some[through], values[through]
    above, below = clipped(vertices[some], values), clipped(vertices[some], -values)
    rest = np.delete(np.arange(parent.size), some)
    return stacked(vertices[rest], stacked(above, below)), np.concatenate([parent[rest], parent[some], parent[some]])


def _cut_by_windows(vertices: Array, h: Array, windows: NDArray[np.int64]) -> tuple[Array, NDArray[np.int64]]:
    """The polygons cut where another number of a window becomes the largest."""
    parent = np.arange(vertices.shape[0])
    for window in windows:
        entries = np.unique(window)
        if entries.size > 1:
            vertices, parent = _by_largest(vertices, parent, h[:, :, entries])
    return vertices, parent


def _by_largest(vertices: Array, parent: NDArray[np.int64], h: Array) -> tuple[Array, NDArray[np.int64]]:
    """The polygons cut into those where each of several functions is the largest; of equal ones the first counts."""
    cells = []
    for one in range(h.shape[2]):
        here, own = vertices, parent
        for other in range(h.shape[2]):
            if other == one or not own.size:
                continue
            values = _at_vertices(here, h[own, :, one] - h[own, :, other])
            inside = np.asarray((values > 0).any(axis=1), dtype=bool)
            if other > one:  # equal ones are this one's
                inside |= np.asarray((values == 0).all(axis=1), dtype=bool)
            here, own, values = here[inside], own[inside], values[inside]
            outside = np.asarray((values < 0).any(axis=1), dtype=bool)
            if outside.any():
                here = stacked(here[~outside], clipped(here[outside], values[outside]))
                own = np.concatenate([own[~outside], own[outside]])
        cells.append((here, own))
    most = cells[0]
    for here, own in cells[1:]:
        most = stacked(most[0], here), np.concatenate([most[1], own])
    return most
