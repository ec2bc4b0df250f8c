"""Lines of a sweep: one quantity against another."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import numpy as np

from eoc.errors import EocError
from eoc.plotting.quantity import Quantity, axis_of, check_any, dim_of, left_over, quantity, scale, shown
from eoc.sweeps.views.selection import spread

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["draw_lines"]

_MOST_NAMES = 10  # lines with a colour each and a name in the legend
_MOST_DOTS = 50  # points of a line that are marked
_MOST_BARS = 20  # errors of a line that are bars; more are a band
_VEIL = 0.7  # opacity of the legend, which may have to lie on lines
_VISIBLE = 0.005  # share of the range from which on an error can be seen
_CONSTANT = 1e-6  # range, relatively, up to which values are drawn as constant
_WIDE = 100.0  # ratio of values from which on they have a logarithmic colour scale


def draw_lines(sweep: xarray.Dataset, ax: Axes, x: str, y: str, line: str | None, log: str) -> None:
    """Draw y against x, a line for each value of ``line``, as :func:`~eoc.plotting.plot_sweep` says."""
    across, up = quantity(sweep, x), quantity(sweep, y)
    lines = None if line is None else axis_of(sweep, line)
    if not across.values.ndim:
        raise EocError(f"{x} has one value, {sweep[x].item()}, in all that is drawn")
    if lines is not None and dim_of(lines) in across.values.dims and x in sweep.coords:
        raise EocError(f"{x} and {line} move together in this sweep: draw a line for each of something else")
    rest = _left(sweep, (across, up), lines)
    if len(rest) != 1:
        raise EocError(_what_to_take(sweep, rest, x, y, line))
    dims = rest if lines is None else [dim_of(lines), *rest]
    shape = {dim: sweep.sizes[dim] for dim in dims}
    drawn = across.values, up.values, _errors(sweep, y, up)
    xs, ys, errors = (np.atleast_2d(spread(values, shape)) for values in drawn)
    if x in sweep.coords:
        order = np.argsort(xs[0], kind="stable")
        xs, ys, errors = xs[:, order], ys[:, order], errors[:, order]
    xs, ys = shown(across, xs, "x" in log), shown(up, ys, "y" in log)
    check_any(np.isfinite(xs) & np.isfinite(ys), y, bool(log))
    _draw_each(ax, xs, ys, _visible(ys, errors, "y" in log), lines, joined=not across.words)
    if not up.words and "y" not in log and np.nanmax(ys) - np.nanmin(ys) <= _CONSTANT * np.nanmax(np.abs(ys)):
        ax.set_ylim(*_about(float(np.nanmax(ys))))
    scale(ax, {"x": across, "y": up}, log)


def _about(value: float) -> tuple[float, float]:
    """The ends of an axis that shows one value."""
    half = 0.5 * abs(value) or 1.0
    return value - half, value + half


def _left(sweep: xarray.Dataset, drawn: Collection[Quantity], lines: Quantity | None) -> list[str]:
    """The dimensions of what is drawn that run along a line."""
    dims = dict.fromkeys(str(dim) for one in drawn for dim in one.values.dims)
    return [dim for dim in dims if lines is None or dim != dim_of(lines)]


def _what_to_take(sweep: xarray.Dataset, rest: list[str], x: str, y: str, line: str | None) -> str:
    """What to do if there is more or less than one dimension along the lines."""
    if not rest:
        return f"{y} has one value for each {line or x}: there is nothing to draw along {x}"
    along = sweep[x].dims
    first, found = left_over(sweep, y, [dim for dim in rest if (dim,) != along])
    if line is None:
        found += f", draw a line for each with --line {first}"
    if len(along) == 1 and len(rest) == 2 and line is None:
        found += f", or a map with --x {x} --y {first} --color {y}"
    return found


def _errors(sweep: xarray.Dataset, name: str, drawn: Quantity) -> xarray.DataArray:
    """The errors of an output; 0 where it has none."""
    if f"{name}_error" not in sweep or drawn.words:
        return drawn.values * 0.0
    return quantity(sweep, f"{name}_error").values


def _visible(ys: FloatArray, errors: FloatArray, log: bool) -> FloatArray | None:
    """The errors, or None if they are too small to be seen."""
    errors = np.where(np.isfinite(errors) & np.isfinite(ys), errors, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        top, values = (np.log((ys + errors) / ys), np.log(ys)) if log else (errors, ys)
    range_ = float(np.nanmax(values) - np.nanmin(values))
    least = _CONSTANT if log else _CONSTANT * float(np.nanmax(np.abs(ys)))
    return errors if float(np.nanmax(top)) > _VISIBLE * max(range_, least) and errors.any() else None


def _draw_each(
    ax: Axes, xs: FloatArray, ys: FloatArray, errors: FloatArray | None, lines: Quantity | None, joined: bool
) -> None:
    """The lines, with a legend, or with a colour bar where there are many."""
    names = [] if lines is None else list(lines.words) or [f"{value:.6g}" for value in lines.values.values]
    colours = _colours(ax, lines) if lines is not None and len(names) > _MOST_NAMES and not lines.words else None
    dots = not joined or (colours is None and xs.shape[1] <= _MOST_DOTS)
    bars = xs.shape[1] <= _MOST_BARS
    for i, (x, y) in enumerate(zip(xs, ys, strict=True)):
        colour = f"C{i % 10}" if colours is None else colours[i]
        label = _named(names[i], y) if names and colours is None else None
        style: dict[str, Any] = {"color": colour, "linestyle": _line_style(i) if joined else "none", "label": label}
        ax.plot(x, y, marker="o" if dots else "", markersize=3.0, **style)
        if errors is not None and bars:
            ax.errorbar(x, y, errors[i], fmt="none", ecolor=colour, elinewidth=0.8, capsize=1.5)
        elif errors is not None:
            ax.fill_between(x, y - errors[i], y + errors[i], color=colour, alpha=0.2, linewidth=0.0)
    if names and colours is None and lines is not None:
        title = None if lines.words else lines.label
        ax.legend(framealpha=_VEIL, edgecolor="none", title=title, ncols=1 + len(names) // (_MOST_NAMES + 1))


def _named(name: str, values: FloatArray) -> str:
    """The name of a line in the legend."""
    return name.replace("$", r"\$") + ("" if np.isfinite(values).any() else " (no value)")


def _line_style(number: int) -> str:
    """Lines beyond the number of colours differ in their dashes."""
    return ("-", "--", ":", "-.")[number // 10 % 4]


def _colours(ax: Axes, lines: Quantity) -> Any:
    """A colour for each line, by its value, and a colour bar."""
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LogNorm, Normalize

    values = lines.values.values
    ratio = float(values.max() / values.min()) if values.min() > 0.0 else 1.0
    norm = (LogNorm if ratio > _WIDE else Normalize)(values.min(), values.max())
    shades = ScalarMappable(norm, colormaps["cividis"])
    ax.figure.colorbar(shades, ax=ax, pad=0.02).set_label(lines.label)
    return shades.to_rgba(values)
