"""Pictures of linear regions: kinks by layer, along a segment, and the polygons of a plane."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np

from eoc.errors import EocError
from eoc.plotting.style import network_name, row_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

    from eoc.regions import Breakpoints, ExpectedKinks, PlaneSection

__all__ = ["plane_figure", "plot_breakpoints", "plot_kinks", "plot_plane", "regions_figure", "segment_figure"]

_HEIGHT = 2.6
_THIN = 0.25  # lines between regions
_COLOURS = "cividis"


def plot_kinks(
    found: ExpectedKinks | Sequence[ExpectedKinks], ax: Axes, counted: Sequence[ArrayLike | None] = ()
) -> Axes:
    """Draw the kinks of a unit against the layer.

    Parameters
    ----------
    found
        What :func:`eoc.regions.expected` returns, or several of them.
    ax
        Where to draw.
    counted
        For each of them what was counted in networks, by layer, as points; None where nothing was.

    Returns
    -------
    Axes
        The same ``ax``.
    """
    several = [found] if not isinstance(found, Sequence) else list(found)
    for i, one in enumerate(several):
        layers = np.arange(1, len(one.layers) + 1)
        ax.plot(layers, one.per_neuron, color=f"C{i}", label=network_name(one.network, one.sigma_w, one.sigma_b))
        points = counted[i] if i < len(counted) else None
        if points is not None:
            ax.plot(layers, np.asarray(points), "o", color=f"C{i}", markersize=3.0)
    where = "around the circle" if several[0].curve == "circle" else "on the segment"
    ax.set(xlabel="layer", ylabel=f"kinks of a unit {where}")
    if len(several) > 1:
        ax.legend(frameon=False)
    return ax


def plot_breakpoints(found: Breakpoints, ax: Axes) -> Axes:
    """Draw how many kinks a network has up to each place of a segment, by layer.

    Parameters
    ----------
    found
        What :func:`eoc.regions.along` returns.
    ax
        Where to draw.

    Returns
    -------
    Axes
        The same ``ax``.
    """
    end = float(len(found.points) - 1)
    for layer, count in enumerate(found.per_layer, 1):
        t = found.t[found.layer == layer].astype(float)
        places = np.concatenate([[0.0], t, [end]])
        heights = np.append(np.arange(count + 1.0), count)
        ax.step(places, heights, where="post", label=f"layer {layer}")
    ax.set(xlim=(0.0, end), xlabel="place on the segment", ylabel="kinks so far")
    ax.legend(frameon=False)
    return ax


def plot_plane(
    found: PlaneSection, ax: Axes, colour: Literal["output", "map", "area"] = "output", output: int = 0
) -> Axes:
    """Draw the polygons of a plane section.

    Parameters
    ----------
    found
        What :func:`eoc.regions.plane` returns.
    ax
        Where to draw; both axes get one scale.
    colour
        What colours say: the ``output`` in the middle of a polygon, which affine ``map`` it has (few colours, so that
        neighbours can be told apart), or its ``area``, on a logarithmic scale.
    output
        Which of the outputs.

    Returns
    -------
    Axes
        The same ``ax``.
    """
    from matplotlib.collections import PolyCollection
    from matplotlib.patches import Circle

    vertices = found.vertices.astype(float)
    lines = PolyCollection(list(vertices), edgecolors="0.15", linewidths=_THIN, cmap=_COLOURS)
    lines.set_array(_colours(found, vertices, colour, output))
    ax.add_collection(lines)
    if found.shape == "disc":
        rim = Circle((0.0, 0.0), found.radius, transform=ax.transData)
        lines.set_clip_path(rim)
    limit = 1.02 * found.radius
    ax.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal", xlabel="$a$", ylabel="$b$")
    return ax


def _colours(found: PlaneSection, vertices: np.ndarray, colour: str, output: int) -> np.ndarray:
    if colour == "map":
        return np.random.default_rng(0).permutation(found.cells)[found.map_index] % 12
    if colour == "area":
        return np.asarray(np.log(np.maximum(found.areas.astype(float), 1e-300)))
    if colour != "output":
        raise EocError(f"colour must be 'output', 'map' or 'area', got {colour!r}")
    middle = np.concatenate([vertices.mean(axis=1), np.ones((found.cells, 1))], axis=1)
    return np.asarray((found.maps[:, output].astype(float) * middle).sum(axis=1))


def regions_figure(found: ExpectedKinks) -> Figure:
    """The picture of expected kinks, of column width."""
    title = network_name(found.network, found.sigma_w, found.sigma_b)
    return row_figure(_HEIGHT, partial(plot_kinks, found), title=title)


def segment_figure(found: Breakpoints) -> Figure:
    """The picture of a segment, of column width."""
    return row_figure(_HEIGHT, partial(plot_breakpoints, found))


def plane_figure(found: PlaneSection) -> Figure:
    """The picture of a plane section, of column width."""
    return row_figure(3.2, partial(plot_plane, found))
