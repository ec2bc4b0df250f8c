"""Pictures of the variance map and the correlation map: curves, diagonal, fixed points."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from eoc.errors import EocError
from eoc.gaussian.moments import moments
from eoc.plotting.style import network_name, row_figure, shown_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

    from eoc.activations.base import Activation
    from eoc.floats import FloatArray
    from eoc.maps import CorrelationMap, FixedPoint, VarianceMap


__all__ = [
    "expectations_figure",
    "maps_figure",
    "plot_correlation_map",
    "plot_expectations",
    "plot_variance_map",
]

_POINTS = 401
_WIDE = 30.0  # largest over smallest fixed point from which on axes are logarithmic
_AROUND = 5.0  # times the outermost fixed points, on logarithmic axes
_USUAL = 2.0  # variance up to which F is drawn where all settle at 0 or none settles
_GREY = "0.4"
_DIAGONAL: dict[str, Any] = {"color": _GREY, "linestyle": ":", "linewidth": 0.9, "zorder": 0}
_FILLS = {"stable": "full", "marginal": "left", "unstable": "none"}
_SYMBOLS = {
    "M": "$\\mathrm{E}[\\phi]$",
    "V": "$\\mathrm{E}[\\phi^2]$",
    "D": "$\\mathrm{E}[\\phi'^2]$",
    "S": "$\\mathrm{E}[\\phi''^2]$",
    "P": "$\\mathrm{E}[\\phi\\phi'']$",
}


def plot_variance_map(variance: VarianceMap, ax: Axes) -> Axes:
    """Draw F(q) with the diagonal, and every finite fixed point as a dot: open where it is unstable.

    Parameters
    ----------
    variance
        The map.
    ax
        Where to draw; both axes are logarithmic where the fixed points span more than a factor of 30.

    Returns
    -------
    Axes
        The same ``ax``.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from eoc.maps import VarianceMap
    >>> ax = plot_variance_map(VarianceMap("silu", 1.6, 0.2), Figure().subplots())
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['stable', 'unstable']
    """
    points = [p for p in variance.fixed_points if not p.diverges]
    q, log = _range_of_q(variance, points)
    values = variance.F(q, strict=False).value  # a norm has no answer at q = 0
    ax.plot(q, values)
    ax.plot(q, q, **_DIAGONAL)
    _draw_points(ax, [(p.q, p.stability) for p in points], "C0")
    if log:
        ax.set(xscale="log", yscale="log")
    else:
        ax.set_ylim(0.0, 1.05 * float(min(max(np.nanmax(values), q[-1]), 2.0 * q[-1])))
    ax.set(xlim=(q[0], q[-1]), xlabel="variance $q$", ylabel="$F(q)$, a layer later")
    _name_points(ax, {p.stability for p in points}, _beyond_points(variance))
    return ax


def _beyond_points(variance: VarianceMap) -> str:
    """What to say where no fixed point shows where variances end."""
    if variance.is_identity:
        return "every $q$ is kept"
    ends = [p for p in variance.fixed_points if p.basin is not None]
    return "variances diverge" if all(p.diverges for p in ends) else ""


def _range_of_q(variance: VarianceMap, points: Sequence[FixedPoint]) -> tuple[FloatArray, bool]:
    """The variances to draw F at, and whether they are spread logarithmically."""
    places = [p.q for p in points if p.q > 0.0]
    most = variance.network.q_max
    if places and places[-1] > _WIDE * places[0]:
        return np.geomspace(places[0] / _AROUND, min(places[-1] * _AROUND, 0.5 * (places[-1] + most)), _POINTS), True
    top = 2.0 * places[-1] if places else _USUAL
    return np.linspace(0.0, min(top, 0.9 * most), _POINTS), False


def plot_correlation_map(maps: CorrelationMap | Sequence[CorrelationMap], ax: Axes) -> Axes:
    """Draw f(c) on [-1, 1] with the diagonal, and every fixed point as a dot: open where it is unstable.

    Parameters
    ----------
    maps
        A map, or those of the variances that layers can settle at.
    ax
        Where to draw.

    Returns
    -------
    Axes
        The same ``ax``.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from eoc.maps import CorrelationMap
    >>> ax = plot_correlation_map(CorrelationMap("tanh", 2.5, 0.3), Figure().subplots())
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['stable', 'unstable']
    """
    several = list(maps) if isinstance(maps, Sequence) else [maps]
    angle, found = np.linspace(np.pi, 0.0, _POINTS), set()
    for i, f in enumerate(several):
        points = [] if f.is_identity else [(p.c, "stable" if p.stable else "unstable") for p in f.fixed_points]
        label = f"$q = {f.q:.3g}$" if len(several) > 1 else None
        ax.plot(np.cos(angle), f(angle=angle), color=f"C{i}", label=label)
        _draw_points(ax, points, f"C{i}")
        found |= {stability for _, stability in points}
    ax.plot([-1.0, 1.0], [-1.0, 1.0], **_DIAGONAL)
    ax.set(xlim=(-1.0, 1.0), xticks=(-1.0, -0.5, 0.0, 0.5, 1.0))
    ax.set(xlabel="correlation $c$", ylabel="$f(c)$, a layer later")
    _name_points(ax, found, "every $c$ is kept" if any(f.is_identity for f in several) else "")
    return ax


def _draw_points(ax: Axes, points: Sequence[tuple[float, str]], colour: str) -> None:
    for at, stability in points:
        ax.plot(at, at, color=colour, clip_on=False, zorder=4, **_mark(stability))


def _mark(stability: str) -> dict[str, Any]:
    return {"marker": "o", "markersize": 5.0, "fillstyle": _FILLS[stability], "linestyle": "none"}


def _name_points(ax: Axes, found: set[str], else_: str) -> None:
    """A legend of the kinds of fixed points, after the curves that have names; or of what holds where there is none."""
    from matplotlib.lines import Line2D

    handles, names = ax.get_legend_handles_labels()
    handles += [Line2D([], [], color="0.3", **_mark(kind)) for kind in _FILLS if kind in found]
    names += [kind for kind in _FILLS if kind in found]
    if else_:
        handles, names = [*handles, Line2D([], [], linestyle="none")], [*names, else_]
    if handles:
        ax.legend(handles, names, frameon=False, handlelength=1.5)


def maps_figure(variance: VarianceMap, maps: Sequence[CorrelationMap]) -> Figure:
    """A figure with the variance map and the correlation maps beside it, not attached to any window."""
    panels = [partial(plot_variance_map, variance), *([partial(plot_correlation_map, maps)] if maps else [])]
    return row_figure(2.8, *panels, title=network_name(variance.network.name, variance.sigma_w, variance.sigma_b))


def plot_expectations(phi: Activation, q: ArrayLike, ax: Axes) -> Axes:
    """Draw E[phi], E[phi^2], E[phi'^2], E[phi''^2] and E[phi phi''] against the variance, both axes logarithmic.

    Parameters
    ----------
    phi
        The activation.
    q
        Variances > 0, which get dots; lines go from the smallest to the largest, or a decade around a single one.
    ax
        Where to draw. What is negative is dashed, by its size; what is 0 or infinite is left out.

    Returns
    -------
    Axes
        The same ``ax``.
    """
    from matplotlib.lines import Line2D

    at = np.unique(np.ravel(q))
    at = at[at > 0.0]
    if not at.size:
        raise EocError("a picture of expectations needs a variance q > 0, got none but 0")
    low, high = (at[0], at[-1]) if at.size > 1 else (at[0] / 10.0**0.5, min(at[0] * 10.0**0.5, 0.99 * phi.growth.q_max))
    fine = np.union1d(np.geomspace(low, high, _POINTS), at)
    handles, signs = [], set()
    for i, (name, found) in enumerate(moments(phi, fine, strict=False).items()):
        values = np.where(np.isfinite(found.value) & (np.abs(found.value) > found.error), found.value, np.nan)
        if np.isnan(values).all():
            continue
        for sign, style in ((1.0, "-"), (-1.0, "--")):
            shown = np.where(sign * values > 0.0, np.abs(values), np.nan)
            ax.loglog(fine, shown, style, color=f"C{i}")
        ax.loglog(at, np.abs(values)[np.searchsorted(fine, at)], "o", color=f"C{i}", markersize=3.0)
        handles.append(Line2D([], [], color=f"C{i}", label=_SYMBOLS[name]))
        signs |= set(np.sign(values[np.isfinite(values)]))
    if -1.0 in signs:
        handles.append(Line2D([], [], color=_GREY, linestyle="--", label="negative"))
    ax.set(xlabel="variance $q$", ylabel="expectation")
    ax.legend(handles=handles, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return ax


def expectations_figure(phi: Activation, q: ArrayLike) -> Figure:
    """A figure with :func:`plot_expectations`, not attached to any window."""
    return row_figure(2.8, partial(plot_expectations, phi, q), title=shown_name(phi.name))
