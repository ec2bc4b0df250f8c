"""Pictures of phase diagrams."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from eoc.errors import EocError
from eoc.plotting.edge import stable_parts
from eoc.plotting.style import stacked_figure

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from eoc.criticality import EocCurve

    FloatArray = NDArray[np.float64]

__all__ = ["DRAWN", "diagram_figure", "plot_diagram"]

#: The fields that can be drawn.
DRAWN = ("phase", "q", "slope", "chi_1", "c_star", "one_minus_c_star", "xi_q", "xi_c", "xi_grad")
_LOGARITHMIC = ("q", "one_minus_c_star", "xi_q", "xi_c", "xi_grad")
_ABOUT_ONE = ("chi_1",)
_DECADES = 6.0  # of a logarithmic colour scale, at most
_PHASE_COLOURS = ("#3f90da", "#ffa90e", "#222222", "#d3d3d3", "#832db6")  # from petroff10, but for the grey
_MISSING = "0.85"
_NOTABLE = 0.02  # share of cells without a value from which on they are explained
_SHARE = 0.5  # percentile at both ends that may lie beyond the colours


def plot_diagram(diagram: xarray.Dataset, field: str, ax: Axes, edge: EocCurve | None = None) -> Axes:
    r"""Draw one field of a phase diagram as a map with a colour bar, sigma_b to the right and sigma_w upwards.

    Parameters
    ----------
    diagram
        What :func:`eoc.phase_diagram` returns, with at least two values of sigma_b and of sigma_w.
    field
        "phase", "q", "slope", "chi_1", "c_star", "one_minus_c_star", "xi_q", "xi_c" or "xi_grad". Depth scales and
        variances are drawn on a log scale, of xi_grad the size; chi_1 with a neutral colour at 1. Cells without a value
        are grey.
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
    if field not in DRAWN:
        raise EocError(f"field must be one of {', '.join(DRAWN)}; got {field!r}")
    if min(diagram.sizes["sigma_b"], diagram.sizes["sigma_w"]) < 2:
        raise EocError("a map needs at least two values of sigma_b and of sigma_w")
    values = diagram[field].values.T.astype(float)
    if field == "phase":
        _draw_phases(diagram, values, ax)
    else:
        _draw_field(diagram, field, values, ax)
    if edge is not None:
        _draw_edge(edge, ax)
    ax.set_xlim(diagram.sigma_b.values[[0, -1]])
    ax.set_ylim(diagram.sigma_w.values[[0, -1]])
    ax.set_xlabel("$\\sigma_b$")
    ax.set_ylabel("$\\sigma_w$")
    return ax


def _mesh(diagram: xarray.Dataset, values: FloatArray, ax: Axes, **style: Any) -> Any:
    x, y = diagram.sigma_b.values, diagram.sigma_w.values
    return ax.pcolormesh(x, y, values, shading="nearest", rasterized=True, **style)


def _draw_field(diagram: xarray.Dataset, field: str, values: FloatArray, ax: Axes) -> None:
    from matplotlib import colormaps

    symbol = diagram[field].attrs["symbol"]
    if field in _LOGARITHMIC:
        values, symbol = np.abs(values), f"|{symbol}|" if field == "xi_grad" else symbol
        values = np.where((values > 0.0) & np.isfinite(values), values, np.nan)
    values = np.where(np.isfinite(values), values, np.nan)
    if not np.isfinite(values).any():
        raise EocError(f"{field} has no finite value in this diagram: there is nothing to draw")
    colours = colormaps["berlin" if field in _ABOUT_ONE else "cividis"].with_extremes(bad=_MISSING)
    norm, extend = _norm(field, values)
    mesh = _mesh(diagram, np.ma.masked_invalid(values), ax, cmap=colours, norm=norm)
    bar = ax.figure.colorbar(mesh, ax=ax, extend=extend, pad=0.02)
    bar.set_label(f"${symbol}$" + (" (layers)" if field.startswith("xi_") else ""))
    if np.isnan(values).mean() > _NOTABLE:
        _key(ax, [(_MISSING, "no finite value")])


def _norm(field: str, values: FloatArray) -> tuple[Normalize, str]:
    """The colour scale of a field, and at which ends values lie beyond it."""
    from matplotlib.colors import LogNorm, Normalize, TwoSlopeNorm

    low, high = np.nanmin(values), np.nanmax(values)
    if field in _ABOUT_ONE:
        return TwoSlopeNorm(1.0, min(low, 0.999), max(high, 1.001)), "neither"
    if field not in _LOGARITHMIC:
        return Normalize(low, high), "neither"
    shown_low, shown_high = np.nanpercentile(values, [_SHARE, 100.0 - _SHARE])
    shown_low = max(shown_low, shown_high / 10.0**_DECADES)
    if not shown_low < shown_high:
        shown_low, shown_high = 0.5 * shown_high, 2.0 * shown_high
    ends = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}
    return LogNorm(shown_low, shown_high), ends[bool(low < shown_low), bool(high > shown_high)]


def _draw_phases(diagram: xarray.Dataset, values: FloatArray, ax: Axes) -> None:
    from matplotlib.colors import ListedColormap

    _mesh(diagram, values, ax, cmap=ListedColormap(_PHASE_COLOURS), vmin=-0.5, vmax=len(_PHASE_COLOURS) - 0.5)
    names = diagram.phase.attrs["flag_meanings"].split()
    _key(ax, [(_PHASE_COLOURS[i], names[i]) for i in np.unique(values).astype(int)])


def _key(ax: Axes, colours: list[tuple[str, str]]) -> None:
    """What colours stand for, above the axes, where it hides nothing."""
    from matplotlib.patches import Patch

    patches = [Patch(facecolor=colour, edgecolor="0.4", linewidth=0.5, label=name) for colour, name in colours]
    ax.legend(
        handles=patches,
        frameon=False,
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=len(colours),
        borderaxespad=0.2,
        handlelength=1.0,
        columnspacing=1.0,
    )


def _draw_edge(edge: EocCurve, ax: Axes) -> None:
    """The edge of chaos, white on a dark line so that it shows on every colour."""
    from matplotlib.patheffects import Stroke

    outline = [Stroke(linewidth=2.4, foreground="black"), Stroke(linewidth=1.1, foreground="white")]
    for sigma_b, sigma_w, stable in stable_parts(edge):
        style: dict[str, Any] = {"linestyle": "-" if stable else (0, (3.0, 2.0))}
        if edge.kind == "point":
            style = {"marker": "o", "markersize": 4.5, "markeredgecolor": "black", "clip_on": False}
        else:
            style["path_effects"] = outline
        ax.plot(sigma_b, sigma_w, color="white", zorder=4, **style)


def diagram_figure(diagram: xarray.Dataset, field: str, edge: EocCurve | None = None) -> Figure:
    """A figure of column width with :func:`plot_diagram`, not attached to any window."""
    return stacked_figure(2.8, partial(plot_diagram, diagram, field, edge=edge))
