"""The linear regions of a network in a plane: exact polygons, on each of which it is affine.

Layer by layer every polygon is cut along the lines on which units bend there. Cells of one pattern, patterns and affine
maps differ in number: a layer that is switched off merges what was cut before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eoc.errors import EocError
from eoc.machine import check_memory
from eoc.regions.along import along
from eoc.regions.cells import Cells, cut, passed
from eoc.regions.model import Array, PiecewiseLinear, exactly
from eoc.regions.polygons import area, area_in_disc, corners, stacked
from eoc.regions.reading import piecewise_linear
from eoc.validation import real_number

__all__ = ["PlaneSection", "Shape", "estimated_cells", "plane"]

Shape = Literal["disc", "square"]
Progress = Callable[[float, float], None]

_MOST = 2**23  # numbers of one layer that are held at once
_DIAMETERS = 8
_OUTSIDE = 1e-14  # of the area: what of a polygon may be in the disc without counting
_DIGITS = 9  # in which affine maps that are one may differ


@dataclass(frozen=True, eq=False)
class PlaneSection:
    """The cells of a network in a plane, x = centre + a u + b v.

    Attributes
    ----------
    centre, u, v
        Of the plane, as rows of all features.
    radius, shape
        (a, b) in the disc of this radius, or in the square [-radius, radius]^2.
    vertices
        (cells, vertices, 2): polygons in (a, b), counterclockwise; those with fewer vertices repeat the last. At the
        rim of a disc they are not cut off.
    areas
        In (a, b), of what is inside; (cells,).
    patterns
        On which piece every unit is, all layers side by side; (cells, units).
    maps
        The output is ``maps @ (a, b, 1)``; (cells, outputs, 3).
    """

    centre: Array = field(repr=False)
    u: Array = field(repr=False)
    v: Array = field(repr=False)
    radius: float
    shape: Shape
    vertices: Array = field(repr=False)
    areas: Array = field(repr=False)
    patterns: NDArray[np.int16] = field(repr=False)
    maps: Array = field(repr=False)

    @property
    def cells(self) -> int:
        """How many polygons there are."""
        return int(self.vertices.shape[0])

    @property
    def distinct_patterns(self) -> int:
        """How many activation patterns; less than cells where one of them has several polygons."""
        return len({row.tobytes() for row in self.patterns})

    @property
    def distinct_maps(self) -> int:
        """How many affine maps: linear regions as functions. Of doubles, to nine digits of the largest coefficient."""
        return len(set(self.map_index.tolist()))

    @property
    def map_index(self) -> NDArray[np.int64]:
        """For every cell the number of its affine map."""
        flat = self.maps.reshape(self.cells, -1)
        if flat.dtype == object:
            numbers: dict[tuple[object, ...], int] = {}
            return np.array([numbers.setdefault(tuple(row), len(numbers)) for row in flat])
        size = float(np.abs(flat).max(initial=0.0)) or 1.0
        return np.unique(np.round(flat / size, _DIGITS), axis=0, return_inverse=True)[1].ravel()

    def to_dict(self) -> dict[str, Any]:
        """Numbers of cells, patterns and maps, and all polygons, by the names that they have in JSON."""
        return {
            "cells": self.cells,
            "distinct_patterns": self.distinct_patterns,
            "distinct_maps": self.distinct_maps,
            "radius": self.radius,
            "shape": self.shape,
            "areas": self.areas.astype(float).tolist(),
            "polygons": [self.polygon(cell).astype(float).tolist() for cell in range(self.cells)],
        }

    def polygon(self, cell: int) -> Array:
        """The vertices of one cell, each once; (vertices, 2)."""
        return corners(self.vertices[cell])

    def inputs(self, places: ArrayLike) -> Array:
        """The inputs at places (a, b) as rows."""
        given = np.asarray(places)
        return self.centre + given[..., :1] * self.u + given[..., 1:] * self.v


def plane(
    model: object,
    centre: ArrayLike,
    u: ArrayLike,
    v: ArrayLike,
    radius: float = 1.0,
    *,
    shape: Shape = "disc",
    progress: Progress | None = None,
) -> PlaneSection:
    """All linear regions of a network in a plane.

    Parameters
    ----------
    model
        A network of :func:`eoc.regions.dense`, or a PyTorch model (:func:`eoc.regions.piecewise_linear`).
    centre, u, v
        A point and two directions: inputs centre + a u + b v. Orthonormal directions give a disc of this radius.
    radius
        Of the disc of (a, b), or half the side of the square; > 0.
    shape
        "disc" or "square". Networks of fractions need a square.
    progress
        Called with the area that is done, and all of it.

    Returns
    -------
    PlaneSection
        Polygons right to about 1e-12 of the radius, and exact in networks of fractions.

    Raises
    ------
    EocError
        For directions that are parallel, shapes that do not fit, models that cannot be read; and if the estimated
        number of polygons does not fit into memory.

    Examples
    --------
    >>> from eoc.regions import dense
    >>> cross = dense([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 1.0]]])  # relu(x) + relu(y)
    >>> found = plane(cross, [0, 0], [1, 0], [0, 1])
    >>> found.cells, found.areas.round(6).tolist(), found.maps[:, 0].tolist()[0]
    (4, [0.785398, 0.785398, 0.785398, 0.785398], [1.0, 1.0, 0.0])
    """
    network = piecewise_linear(model, centre)
    if shape not in ("disc", "square"):
        raise EocError(f"shape must be 'disc' or 'square', got {shape!r}")
    if network.is_exact and shape == "disc":
        raise EocError("in fractions a section is a square: areas in a disc are none; give shape='square'")
    half = real_number("radius", radius)
    if not 0.0 < half < np.inf:
        raise EocError(f"radius must be > 0, got {radius!r}")
    rows = [network.rows(one) for one in (centre, u, v)]
    if any(one.shape[0] != 1 for one in rows):
        raise EocError("centre, u and v must be single inputs, without the axis of the batch")
    _check_plane(rows[1][0], rows[2][0])
    _check_size(network, rows, half, shape)
    return _Section(network, rows, half, shape, progress).found()


def _check_plane(u: Array, v: Array) -> None:
    first, second = u.astype(float), v.astype(float)
    lengths = float(np.linalg.norm(first) * np.linalg.norm(second))
    if lengths == 0.0 or np.linalg.svd(np.stack([first, second]), compute_uv=False)[1] ** 2 <= 1e-24 * lengths:
        raise EocError("u and v must be two directions that are not parallel")


def _check_size(network: PiecewiseLinear, rows: list[Array], radius: float, shape: Shape) -> None:
    cells = estimated_cells(network, *rows, radius=radius) * (4.0 / np.pi if shape == "square" else 1.0)
    units = sum(network.nodes[at - 1].units for at in network.bends)
    size = cells * (4.0 * units + 160.0 + 48.0 * network.nodes[-1].units) + 64.0 * _MOST
    check_memory(f"about {cells:.2g} polygons with their patterns", size, "use a smaller radius or network")


def estimated_cells(model: object, centre: ArrayLike, u: ArrayLike, v: ArrayLike, *, radius: float = 1.0) -> float:
    """About how many polygons :func:`plane` would find in a disc, from exact counts on eight diameters.

    Of isotropic random lines, N of which meet the disc, a diameter meets 2 N / pi, and N^2 / 4 crossings are inside
    (Crofton): 1 + N + N^2 / 4 cells. Real lines are denser here than there, and bend: an estimate.

    Examples
    --------
    >>> from eoc.regions import dense
    >>> rng = np.random.default_rng(0)
    >>> net = dense([rng.normal(size=(50, 2)), np.ones((1, 50))], [rng.normal(size=50), None])
    >>> 0.5 < plane(net, [0, 0], [1, 0], [0, 1]).cells / estimated_cells(net, [0, 0], [1, 0], [0, 1]) < 1.5
    True
    """
    network = piecewise_linear(model, centre)
    middle, first, second = (network.rows(one) for one in (centre, u, v))
    kinks = []
    for angle in np.pi * (np.arange(_DIAMETERS) + 0.5) / _DIAMETERS:
        across, up = (exactly(radius * part) if network.is_exact else radius * part for part in _turn(angle))
        step = across * first + up * second
        kinks.append(along(network, middle - step, middle + step).t.size)
    lines = 0.5 * np.pi * float(np.mean(kinks))
    return 1.0 + lines + 0.25 * lines**2


def _turn(angle: float) -> tuple[float, float]:
    return float(np.cos(angle)), float(np.sin(angle))


class _Section:
    """The cells that are found so far, and those that wait."""

    def __init__(
        self, network: PiecewiseLinear, rows: list[Array], radius: float, shape: Shape, progress: Progress | None
    ) -> None:
        self._network, self._rows, self._radius, self._shape = network, rows, radius, shape
        self._progress, self._whole = progress, (np.pi if shape == "disc" else 4.0) * radius**2
        self._done: list[Cells] = []

    def found(self) -> PlaneSection:
        """All cells."""
        corner = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * self._radius
        vertices = (exactly(corner) if self._network.is_exact else corner)[None]
        first = np.stack([self._rows[1][0], self._rows[2][0], self._rows[0][0]])[None]
        waiting = [Cells(vertices, {0: first}, np.empty((1, 0), np.int16), 1)]
        done = 0.0
        while waiting:
            cells = passed(self._network, waiting.pop())
            if cells.at > len(self._network.nodes):
                self._done.append(cells)
                done += float(self._areas(cells.vertices).sum())
                if self._progress is not None:
                    self._progress(min(done, self._whole), self._whole)
                continue
            waiting += self._parts(cut(self._network, cells))
        return self._joined()

    def _parts(self, cells: Cells) -> list[Cells]:
        """Those that are inside, in parts that fit into memory with all their values."""
        if self._shape == "disc":
            cells = cells.part(np.flatnonzero(self._areas(cells.vertices) > _OUTSIDE * self._whole))
        wide = max(node.units for node in self._network.nodes) * (1 + len(cells.values))
        step = max(1, _MOST // (3 * wide))
        return [cells.part(slice(at, at + step)) for at in range(0, cells.size, step)]

    def _areas(self, vertices: Array) -> Array:
        return area_in_disc(vertices, self._radius) if self._shape == "disc" else area(vertices)

    def _joined(self) -> PlaneSection:
        vertices = self._done[0].vertices
        for cells in self._done[1:]:
            vertices = stacked(vertices, cells.vertices)
        last = len(self._network.nodes)
        centre, u, v = (row[0] for row in self._rows)
        return PlaneSection(
            centre,
            u,
            v,
            self._radius,
            self._shape,
            vertices,
            self._areas(vertices),
            np.concatenate([cells.patterns for cells in self._done]),
            np.concatenate([cells.values[last].transpose(0, 2, 1) for cells in self._done]),
        )
