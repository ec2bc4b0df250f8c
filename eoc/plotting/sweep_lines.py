"""Lines of a sweep: one quantity against another, or several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from eoc.errors import EocError
from eoc.plotting.quantity import Quantity, axis_of, check_any, dim_of, label_of, left_over, quantity, shown
from eoc.plotting.ticks import put_log_ticks, scale
from eoc.sweeps.selection import broadcast

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

    from eoc.floats import FloatArray

__all__ = [
    "draw_lines",
]

_MOST_COLUMNS = 5
_OVERHANG = 1.25  # width over that of the axes: there is room below the labels on their left
_GAP = 0.05  # inches above it
_MOST_NAMES = 10  # lines with a colour each and a name in the key
_MOST_DOTS = 50  # points of a line that are all marked
_SOME_DOTS = 6  # that are marked of a line with more of them
_MOST_BARS = 20  # errors of a line that are bars; more are a band
_VISIBLE = 0.005  # share of the range from which on an error can be seen
_CONSTANT = 1e-6  # range, relatively, up to which values are drawn as constant
_LIGHTEST = 0.88  # colour of a line, of a scale that ends in a yellow that is hard to see
_GREY = "0.3"  # of what a key says of all lines
_WIDE = 100.0  # ratio of values from which on they have a logarithmic colour scale
_MARKERS = "osD^v+<x>p"
_FILLS = ("none", "full", "left", "top")
_DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1)), (0, (6, 1.5, 1, 1.5)))


def key_below(ax: Axes, handles: Sequence[Line2D]) -> None:
    """Explain lines below the axes, their ticks and their label, in as many columns as there is room for."""
    from matplotlib.transforms import ScaledTranslation

    figure = ax.figure
    lowest = ax.xaxis.get_tightbbox() or ax.bbox
    below = (ax.bbox.y0 - lowest.y0) / figure.dpi + _GAP
    place = ax.transAxes + ScaledTranslation(0.0, -below, figure.dpi_scale_trans)
    for columns in range(min(_MOST_COLUMNS, len(handles)), 0, -1):
        legend = ax.legend(
            handles=handles,
            ncols=columns,
            loc="upper center",
            bbox_to_anchor=(0.5, 0.0),
            bbox_transform=place,
            borderaxespad=0.0,
            frameon=False,
            handlelength=2.8,
            columnspacing=1.0,
        )
        width = legend.get_window_extent().width / ax.bbox.width
        if width <= _OVERHANG:
            break
    if width > 1.0:
        legend.set_loc("upper right")
        legend.set_bbox_to_anchor((1.0, 0.0), place)


@dataclass(frozen=True)
class _Curves:
    """The lines of one output: a row for each line."""

    xs: FloatArray
    ys: FloatArray
    errors: FloatArray | None


def draw_lines(sweep: xarray.Dataset, ax: Axes, x: str, y: Sequence[str], line: str | None, log: str) -> None:
    """Draw y against x, a line for each value of ``line``, as :func:`~eoc.plotting.plot_sweep` says."""
    across, ups = quantity(sweep, x), [quantity(sweep, name) for name in y]
    lines = None if line is None else axis_of(sweep, line)
    shape = _shape(sweep, x, y, (across, *ups), lines)
    curves = [_curves(sweep, shape, across, up, name, log) for up, name in zip(ups, y, strict=True)]
    check_any(np.stack([np.isfinite(one.xs) & np.isfinite(one.ys) for one in curves]), " or ".join(y), bool(log))
    keys = _draw_all(ax, curves, y, lines, joined=not across.words)
    values = np.stack([one.ys for one in curves])
    if not ups[0].words and "y" not in log and np.nanmax(values) - np.nanmin(values) <= _CONSTANT * _size(values):
        ax.set_ylim(*_about(float(np.nanmax(values))))
    scale(ax, "x", across, "x" in log)
    scale(ax, "y", _together(ups), "y" in log)
    if keys:
        key_below(ax, keys)


def _size(values: FloatArray) -> float:
    return float(np.nanmax(np.abs(values)))


def _about(value: float) -> tuple[float, float]:
    """The ends of an axis that shows one value."""
    half = 0.5 * abs(value) or 1.0
    return value - half, value + half


def _together(ups: Sequence[Quantity]) -> Quantity:
    """What several outputs along one axis are."""
    if len({up.words for up in ups}) > 1:
        raise EocError(f"{' and '.join(str(up.values.name) for up in ups)} cannot share an axis: some are words")
    return replace(ups[0], label=", ".join(dict.fromkeys(up.label for up in ups)))


def _shape(
    sweep: xarray.Dataset, x: str, y: Sequence[str], drawn: Sequence[Quantity], lines: Quantity | None
) -> dict[str, int]:
    """The dimensions of what is drawn: of the lines, if there are several, and along each of them."""
    across = drawn[0]
    if not across.values.ndim:
        raise EocError(f"{x} has one value, {sweep[x].item()}, in all that is drawn")
    if lines is not None and dim_of(lines) in across.values.dims and x in sweep.coords:
        raise EocError(f"{x} and {lines.values.name} move together in this sweep: draw a line for each of another")
    dims = list(dict.fromkeys(str(dim) for one in drawn for dim in one.values.dims))
    rest = [dim for dim in dims if lines is None or dim != dim_of(lines)]
    if not rest:
        name = x if lines is None else lines.values.name
        raise EocError(f"{y[0]} has one value for each {name}: there is nothing to draw along {x}")
    if len(rest) > 1:
        over = [dim for dim in rest if dim not in sweep[x].dims] or rest[1:]
        raise left_over(sweep, y[0], over, x if x in sweep.coords else None, lines=lines is None)
    return {dim: sweep.sizes[dim] for dim in (*([] if lines is None else [dim_of(lines)]), *rest)}


def _curves(sweep: xarray.Dataset, shape: dict[str, int], across: Quantity, up: Quantity, y: str, log: str) -> _Curves:
    """The lines of one output, along a parameter in increasing order."""
    drawn = across.values, up.values, _errors(sweep, y, up)
    xs, ys, errors = (np.atleast_2d(broadcast(values, shape)) for values in drawn)
    if across.values.name in sweep.coords:
        order = np.argsort(xs[0], kind="stable")
        xs, ys, errors = xs[:, order], ys[:, order], errors[:, order]
    xs, ys = shown(across, xs, "x" in log), shown(up, ys, "y" in log)
    return _Curves(xs, ys, _visible(ys, errors, "y" in log))


def _errors(sweep: xarray.Dataset, name: str, drawn: Quantity) -> xarray.DataArray:
    """The errors of an output; 0 where it has none."""
    if f"{name}_error" not in sweep or drawn.words:
        return drawn.values * 0.0
    return quantity(sweep, f"{name}_error").values


def _visible(ys: FloatArray, errors: FloatArray, log: bool) -> FloatArray | None:
    """The errors, or None if they are too small to be seen."""
    errors = np.where(np.isfinite(errors) & np.isfinite(ys), errors, 0.0)
    if not errors.any():
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        top, values = (np.log((ys + errors) / ys), np.log(ys)) if log else (errors, ys)
    range_ = float(np.nanmax(values) - np.nanmin(values))
    least = _CONSTANT if log else _CONSTANT * _size(ys)
    return errors if float(np.nanmax(top)) > _VISIBLE * max(range_, least) else None


def _draw_all(
    ax: Axes, curves: Sequence[_Curves], y: Sequence[str], lines: Quantity | None, joined: bool
) -> list[Line2D]:
    """The lines of the first output, and dashed those of others; the lines that a key has to explain."""
    names = [] if lines is None else _names(lines)
    shaded = lines is not None and not lines.words and len(names) > _MOST_NAMES
    colours = _colours(ax, lines) if lines is not None and shaded else None
    keys = []
    for i in range(len(curves[0].ys)):
        colour = f"C{i % 10}" if colours is None else colours[i]
        for j, one in enumerate(curves):
            style = _style(i, j, one.xs.shape[1], joined, shaded)
            if joined and not shaded and len(curves) == 1:
                style["linestyle"] = _DASHES[(i + i // 10) % len(_DASHES)]
            _draw(ax, one, i, {"color": colour, **style})
            if j == 0 and names and not shaded:
                seen = any(np.isfinite(each.ys[i]).any() for each in curves)
                keys.append(_key(colour, names[i] if seen else f"{names[i]} (no value)", style))
    if len(curves) > 1:
        colour = "C0" if lines is None else _GREY
        keys += [_key(colour, name, _style(0, j, 1, joined, lines is not None)) for j, name in enumerate(y)]
    return keys


def _key(colour: Any, label: str, style: Mapping[str, Any]) -> Line2D:
    """A line that only a key shows."""
    from matplotlib.lines import Line2D

    return Line2D([], [], color=colour, label=label, **{**style, "markevery": None})


def _style(line: int, output: int, points: int, joined: bool, shaded: bool) -> dict[str, Any]:
    """Markers that differ from line to line, and dashes from output to output."""
    found: dict[str, Any] = {"linestyle": _DASHES[output % len(_DASHES)] if joined else "none"}
    if joined and (shaded or output):
        return found
    step = 1 if points <= _MOST_DOTS else -(-points // _SOME_DOTS)
    marker = {"marker": _MARKERS[line % len(_MARKERS)], "markersize": 3.5, "markeredgewidth": 0.8}
    fill = {"fillstyle": _FILLS[output % len(_FILLS)], "markevery": (line * step // _MOST_NAMES % step, step)}
    return found | marker | fill


def _draw(ax: Axes, curves: _Curves, line: int, style: dict[str, Any]) -> None:
    """One line, with its errors."""
    x, y = curves.xs[line], curves.ys[line]
    ax.plot(x, y, **style)
    if curves.errors is None:
        return
    error = curves.errors[line]
    if x.size <= _MOST_BARS:
        ax.errorbar(x, y, error, fmt="none", ecolor=style["color"], elinewidth=0.8, capsize=1.5)
    else:
        ax.fill_between(x, y - error, y + error, color=style["color"], alpha=0.2, linewidth=0.0)


def _names(lines: Quantity) -> list[str]:
    """What the lines are called: a word, or a value of something.

    Where that does not tell them apart, with what moves together with it.
    """
    names = _plain_names(lines)
    others = [_plain_names(each) for each in _together_with(lines)]
    for count in range(len(others) + 1):
        for added in combinations(others, count):
            told = [", ".join(parts) for parts in zip(names, *added, strict=True)]
            if len(set(told)) == len(told):
                return told
    return names


def _plain_names(lines: Quantity) -> list[str]:
    if lines.words:
        return [lines.words[int(place)].replace("$", r"\$") for place in lines.values.values]
    return [f"{label_of(lines.values, units=False)} = {value:.6g}" for value in lines.values.values]


def _together_with(lines: Quantity) -> list[Quantity]:
    """The other parameters along the dimension of a parameter."""
    parameters = lines.values.coords.to_dataset()
    return [
        quantity(parameters, str(name))
        for name, values in parameters.coords.items()
        if values.dims == lines.values.dims and name != lines.values.name
    ]


def _colours(ax: Axes, lines: Quantity) -> Any:
    """A colour for each line, by its value, and a colour bar."""
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, LogNorm, Normalize

    values = lines.values.values
    ratio = float(values.max() / values.min()) if values.min() > 0.0 else 1.0
    norm = (LogNorm if ratio > _WIDE else Normalize)(values.min(), values.max())
    shades = ScalarMappable(norm, ListedColormap(colormaps["cividis"](np.linspace(0.0, _LIGHTEST, 256))))
    bar = ax.figure.colorbar(shades, ax=ax, pad=0.02)
    bar.set_label(lines.label)
    if ratio > _WIDE:
        put_log_ticks(bar.ax.yaxis, *bar.ax.get_ylim())
    return shades.to_rgba(values)
