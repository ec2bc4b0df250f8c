"""Maps of a sweep: one quantity as a colour over two parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eoc.errors import EocError
from eoc.plotting.quantity import Quantity, axis_of, check_any, dim_of, left_over, quantity, shown
from eoc.plotting.style import MISSING, colour_key
from eoc.plotting.ticks import put_log_ticks, scale
from eoc.sweeps.selection import broadcast

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from numpy.typing import NDArray

    from eoc.floats import FloatArray


__all__ = ["HIGH", "WIDE", "draw_map"]

WIDE, HIGH = 2.6, 2.1  #: inches of a map of many cells
_CELL = 0.6  # inches that a cell has at most
_BAR = (1.03, 0.0, 0.05, 1.0)  # of colours, beside the axes


def draw_map(sweep: xarray.Dataset, ax: Axes, x: str, y: str, color: str, log: str) -> None:
    """Draw ``color`` over x and y, as :func:`~eoc.plotting.plot_sweep` says."""
    across, up, shade = axis_of(sweep, x), axis_of(sweep, y), quantity(sweep, color)
    if dim_of(across) == dim_of(up):
        raise EocError(f"{x} and {y} move together in this sweep: draw {color} against one of them")
    rest = [dim for dim in map(str, shade.values.dims) if dim not in (dim_of(across), dim_of(up))]
    if rest:
        raise left_over(sweep, color, rest)
    shape = {dim: sweep.sizes[dim] for dim in (dim_of(up), dim_of(across))}
    values = shown(shade, broadcast(shade.values, shape), "c" in log)
    check_any(np.isfinite(values), color, "c" in log)
    (columns, right), (rows, above) = _cells(across, "x" in log), _cells(up, "y" in log)
    _draw_cells(ax, right, above, values[np.ix_(rows, columns)], shade, "c" in log)
    wide, high = min(WIDE, _CELL * columns.size), min(HIGH, _CELL * rows.size)
    if wide < WIDE or high < HIGH:
        ax.set_box_aspect(high / wide)
    scale(ax, "x", across, "x" in log)
    scale(ax, "y", up, "y" in log)


def _cells(axis: Quantity, log: bool) -> tuple[NDArray[np.intp], FloatArray]:
    """The increasing order of the values along an axis, and the edges between them, in the middle on its scale."""
    values = axis.values.values
    order = np.argsort(values)
    centres = values[order]
    if np.unique(centres).size < centres.size or not np.isfinite(shown(axis, centres, log)).all():
        raise EocError(f"a map needs values of {axis.values.name} that differ and can be shown")
    if log:
        centres = np.log(centres)
    gaps = np.diff(centres) if centres.size > 1 else np.ones(1)
    middle = centres[:-1] + 0.5 * np.diff(centres)
    edges = np.concatenate([centres[:1] - 0.5 * gaps[0], middle, centres[-1:] + 0.5 * gaps[-1]])
    return order, np.exp(edges) if log else edges


def _draw_cells(ax: Axes, x: FloatArray, y: FloatArray, values: FloatArray, shade: Quantity, log: bool) -> None:
    """The map between edges x and y, and what its colours mean."""
    from matplotlib import color_sequences, colormaps
    from matplotlib.colors import ListedColormap, LogNorm, Normalize, to_hex

    cells = np.ma.masked_invalid(values)
    map_: Colormap = colormaps["cividis"]
    key = [(MISSING, "no value")] if cells.mask.any() else []
    if shade.words:
        count, colours = len(shade.words), color_sequences["petroff10"]
        shades = [to_hex(colours[i % len(colours)]) for i in range(count)]
        norm, map_ = Normalize(-0.5, count - 0.5), ListedColormap(shades)
        key = [(shades[i], shade.words[i]) for i in np.unique(cells.compressed()).astype(int)] + key
    else:
        norm = (LogNorm if log else Normalize)(cells.min(), cells.max())
    mesh = ax.pcolormesh(x, y, cells, cmap=map_.with_extremes(bad=MISSING), norm=norm, rasterized=True)
    if not shade.words:
        bar = ax.inset_axes(_BAR)  # as high as the map, whatever its aspect
        ax.figure.colorbar(mesh, cax=bar).set_label(shade.label)
        if log:
            put_log_ticks(bar.yaxis, *bar.get_ylim())
    if key:
        colour_key(ax, key)
