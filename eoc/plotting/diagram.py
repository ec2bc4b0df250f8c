"""Pictures of phase diagrams."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from eoc.errors import EocError
from eoc.phase.diagram import SYMBOLS
from eoc.phase.grid import PHASES
from eoc.plotting.edge import stable_parts
from eoc.plotting.style import DIVERGING, MISSING, colour_key, make_room_for_key, shown_name, stacked_figure
from eoc.plotting.ticks import put_log_ticks

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from numpy.typing import NDArray

    from eoc.criticality import EocCurve
    from eoc.floats import FloatArray


__all__ = ["DRAWN", "diagram_figure", "plot_diagram"]

#: The fields that can be drawn.
DRAWN = ("phase", *SYMBOLS)
_LOGARITHMIC = ("q", "one_minus_c_star", "xi_q", "xi_c", "xi_grad")
_ABOUT_ONE = ("chi_1",)
_AXES = ("sigma_b", "sigma_w")
_DECADES = 6.0  # of a logarithmic colour scale, at most
_PHASE_COLOURS = ("#3f90da", "#ffa90e", "#222222", "#d3d3d3", "#832db6")  # from petroff10, but for the grey
_LEAST = 1e-3  # distance from 1 that the colours of chi_1 span at least
_SHARE = 0.5  # percentile at both ends that may lie beyond the colours


def plot_diagram(diagram: xarray.Dataset, field: str, ax: Axes, edge: EocCurve | None = None) -> Axes:
    r"""Draw one field of a phase diagram as a map with a colour bar, sigma_b to the right and sigma_w upwards.

    Parameters
    ----------
    diagram
        What :func:`eoc.phase_diagram` returns, with at least two values of sigma_b and of sigma_w.
    field
        "phase", "q", "slope", "chi_1", "c_star", "one_minus_c_star", "xi_q", "xi_c" or "xi_grad". Depth scales and
        variances are drawn on a log scale, of xi_grad the size, with the outermost 0.5 % of the cells beyond its ends;
        chi_1 with a neutral colour at 1. Cells that such a scale cannot show, and those without a value, are grey; the
        key above says why.
    ax
        Where to draw.
    edge
        The edge of chaos of the same activation, drawn on top: its unstable part dashed.

    Returns
    -------
    Axes
        The same ``ax``.

    Raises
    ------
    EocError
        For an unknown field, or a diagram of a single row or column.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from eoc.phase import phase_diagram
    >>> small = phase_diagram("tanh", sigma_w=[1.0, 2.0, 3.0], sigma_b=[0.1, 0.2])
    >>> plot_diagram(small, "xi_c", Figure().subplots()).get_ylabel()
    '$\\sigma_w$'
    """
    values = _checked(diagram, field, edge)
    key = _draw_phases(diagram, values, ax) if field == "phase" else _draw_field(diagram, field, values, ax)
    lines = [] if edge is None else _draw_edge(diagram, edge, ax)
    if key or lines:
        colour_key(ax, key, lines)
    ax.set_xlim(diagram.sigma_b.values[[0, -1]])
    ax.set_ylim(diagram.sigma_w.values[[0, -1]])
    ax.set_xlabel("$\\sigma_b$")
    ax.set_ylabel("$\\sigma_w$")
    return ax


def _checked(diagram: xarray.Dataset, field: str, edge: EocCurve | None) -> FloatArray:
    """The values to draw, (sigma_w, sigma_b), of what is a diagram indeed."""
    if field not in DRAWN:
        raise EocError(f"field must be one of {', '.join(DRAWN)}; got {field!r}")
    if not {field, "sigma_b", "sigma_w"} <= set(getattr(diagram, "variables", ())):
        raise EocError(f"a data set with {field}, sigma_b and sigma_w is needed, as eoc.phase_diagram returns it")
    if min(diagram.sizes["sigma_b"], diagram.sizes["sigma_w"]) < 2:
        raise EocError("a map needs at least two values of sigma_b and of sigma_w")
    name = diagram.attrs.get("activation")
    if edge is not None and name not in (None, edge.activation):
        raise EocError(f"the edge of chaos is that of {edge.activation}, the diagram that of {name}")
    return np.asarray(diagram[field].transpose("sigma_w", "sigma_b").values, dtype=float)


def _mesh(diagram: xarray.Dataset, values: FloatArray, ax: Axes, **style: Any) -> Any:
    x, y = diagram.sigma_b.values, diagram.sigma_w.values
    return ax.pcolormesh(x, y, values, shading="nearest", rasterized=True, **style)


def _draw_field(diagram: xarray.Dataset, field: str, values: FloatArray, ax: Axes) -> list[tuple[str, str]]:
    """The map and its colour bar; what grey stands for."""
    from matplotlib import colormaps

    symbol = SYMBOLS[field]
    if field in _LOGARITHMIC:
        values, symbol = np.abs(values), f"|{symbol}|" if field == "xi_grad" else symbol
    missing = ~np.isfinite(values) | ((values == 0.0) & (field in _LOGARITHMIC))
    if missing.all():
        raise EocError(f"{field} is 0 or has no finite value everywhere in this diagram: there is nothing to draw")
    why = _reasons(diagram, values, missing)
    values = np.where(missing, np.nan, values)
    colours = colormaps[DIVERGING if field in _ABOUT_ONE else "cividis"].with_extremes(bad=MISSING)
    norm, extend = _norm(field, values)
    mesh = _mesh(diagram, np.ma.masked_invalid(values), ax, cmap=colours, norm=norm)
    bar = ax.figure.colorbar(mesh, ax=ax, extend=extend, pad=0.02)
    bar.set_label(f"${symbol}$" + (" (layers)" if field.startswith("xi_") else ""))
    if field in _ABOUT_ONE:
        bar.set_ticks(_ticks_about_one(float(norm.vmin or 0.0), float(norm.vmax or 2.0)))
    elif field in _LOGARITHMIC:
        put_log_ticks(bar.ax.yaxis, *bar.ax.get_ylim())
    return [(MISSING, " or ".join(why))] if why else []


def _reasons(diagram: xarray.Dataset, values: FloatArray, missing: NDArray[np.bool_]) -> list[str]:
    """Why cells have no colour."""
    known = "phase" in diagram and "sigma_b" in diagram.phase.dims
    phase = diagram.phase.transpose("sigma_w", "sigma_b").values if known else np.full(values.shape, -1)
    diverge = missing & (phase == PHASES.index("divergent"))
    left = missing & ~diverge
    kinds = {
        "variances diverge": diverge,
        "0": left & (values == 0.0),
        "infinite": left & np.isinf(values),
        "not defined": left & np.isnan(values),
    }
    return [name for name, cells in kinds.items() if cells.any()]


def _ticks_about_one(low: float, high: float) -> list[float]:
    """Some ticks on either side of 1."""
    from matplotlib.ticker import MaxNLocator

    locator = MaxNLocator(4)
    below = [t for t in locator.tick_values(low, 1.0) if low <= t < 1.0]
    above = [t for t in locator.tick_values(1.0, high) if 1.0 < t <= high]
    return [*below, 1.0, *above]


def _norm(field: str, values: FloatArray) -> tuple[Normalize, str]:
    """The colour scale of a field, and at which ends values lie beyond it."""
    from matplotlib.colors import LogNorm, Normalize, TwoSlopeNorm

    low, high = np.nanmin(values), np.nanmax(values)
    if field in _ABOUT_ONE:
        return TwoSlopeNorm(1.0, min(low, 1.0 - _LEAST), max(high, 1.0 + _LEAST)), "neither"
    if field not in _LOGARITHMIC:  # c* and F': numbers that have their meaning between 0 and 1
        return Normalize(min(low, 0.0), max(high, 1.0)), "neither"
    shown_low, shown_high = np.nanpercentile(values, [_SHARE, 100.0 - _SHARE])
    shown_low = max(shown_low, shown_high / 10.0**_DECADES)
    if not shown_low < shown_high:
        shown_low, shown_high = 0.5 * shown_high, 2.0 * shown_high
    ends = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}
    return LogNorm(shown_low, shown_high), ends[bool(low < shown_low), bool(high > shown_high)]


def _draw_phases(diagram: xarray.Dataset, values: FloatArray, ax: Axes) -> list[tuple[str, str]]:
    """The map of phases; what its colours stand for."""
    from matplotlib.colors import ListedColormap

    _mesh(diagram, values, ax, cmap=ListedColormap(_PHASE_COLOURS), vmin=-0.5, vmax=len(_PHASE_COLOURS) - 0.5)
    shown = np.unique(values[np.isfinite(values)]).astype(int)
    return [(colour, PHASES[i]) for i, colour in enumerate(_PHASE_COLOURS) if i in shown]


def _draw_edge(diagram: xarray.Dataset, edge: EocCurve, ax: Axes) -> list[Line2D]:
    """The edge of chaos, white on a dark line so that it shows on every colour; a line of each kind that is seen."""
    from matplotlib.patheffects import Stroke

    kinds: dict[bool, Line2D] = {}
    outline = [Stroke(linewidth=2.4, foreground="black"), Stroke(linewidth=1.1, foreground="white")]
    for sigma_b, sigma_w, stable in stable_parts(edge):
        style: dict[str, Any] = {"linestyle": "-" if stable else (0, (3.0, 2.0)), "path_effects": outline}
        if edge.kind == "point":
            if not _crosses(diagram, sigma_b, sigma_w):
                continue
            style = {"marker": "o", "markersize": 4.5, "markeredgecolor": "black", "clip_on": False}
        (line,) = ax.plot(sigma_b, sigma_w, color="white", zorder=4, **style)
        if _crosses(diagram, sigma_b, sigma_w):
            line.set_label("edge of chaos" if stable or edge.kind == "point" else "not stable")
            kinds.setdefault(stable, line)
    return [kinds[stable] for stable in sorted(kinds, reverse=True)]


def _crosses(diagram: xarray.Dataset, sigma_b: FloatArray, sigma_w: FloatArray) -> bool:
    """Whether part of a curve is in the picture."""
    ends = [(diagram[name].values[[0, -1]], values) for name, values in zip(_AXES, (sigma_b, sigma_w), strict=True)]
    return bool(np.logical_and(*((low <= values) & (values <= high) for (low, high), values in ends)).any())


def diagram_figure(diagram: xarray.Dataset, field: str, edge: EocCurve | None = None) -> Figure:
    """A figure of column width with :func:`plot_diagram`, not attached to any window."""
    title = shown_name(str(diagram.attrs.get("activation", diagram.attrs.get("network", ""))))
    figure = stacked_figure(2.6, partial(plot_diagram, diagram, field, edge=edge), title=title)
    make_room_for_key(figure)
    return figure
