"""Pictures of correlations in networks of finite width, beside infinite width."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from eoc.plotting.style import network_name, stacked_figure
from eoc.plotting.ticks import put_log_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from eoc.montecarlo.experiments.correlations import CorrelationProcess

__all__ = ["correlation_process_figure", "plot_correlation_process", "plot_correlation_spread"]

_CLOSE = 0.01  # 1 - c from which on it is drawn on a log scale
_BARS = 30  # at most, with errors
_GREY = "0.55"
_ROOM = 0.5  # for the legend, of the height of the bands
_MARGIN = 0.05  # below them


def plot_correlation_process(found: CorrelationProcess, ax: Axes) -> Axes:
    """Draw 1 - c_l of infinite width as a line, and bands that 50 % and 90 % of the networks lie in.

    Parameters
    ----------
    found
        What :func:`eoc.montecarlo.correlation_process` returns.
    ax
        Where to draw: 1 - c_l on logarithmic axes where inputs come close, else c_l; a vertical line at the departure
        depth, if it is within the layers.

    Returns
    -------
    Axes
        The same ``ax``.
    """
    close = bool(found.expected.one_minus_c.min() < _CLOSE)
    low, quarter, median, three, high = found.quantiles if close else 1.0 - found.quantiles[::-1]  # in rising order
    theory = found.expected.one_minus_c if close else 1.0 - found.expected.one_minus_c
    ax.fill_between(found.layers, low, high, color="C0", alpha=0.2, linewidth=0.0, label="90 % of networks")
    ax.fill_between(found.layers, quarter, three, color="C0", alpha=0.35, linewidth=0.0, label="50 %")
    ax.plot(found.layers, median, color="C0", label="median")
    ax.plot(found.layers, theory, "--", color="C1", label="$N = \\infty$")
    ax.set_ylabel("$1 - c_\\ell$" if close else "$c_\\ell$")
    if close:
        ax.set_yscale("log")
    else:
        bottom, top = float(min(low.min(), theory.min())), float(max(high.max(), theory.max()))
        margin = _MARGIN * (top - bottom)
        ax.set_ylim(bottom - margin, top + _ROOM * (top - bottom))
    return _finished(found, ax)


def plot_correlation_spread(found: CorrelationProcess, ax: Axes) -> Axes:
    """Draw the spread of log(1 - c_l) over networks, with bars of two standard errors, beside theory.

    Parameters
    ----------
    found
        What :func:`eoc.montecarlo.correlation_process` returns.
    ax
        Where to draw, on logarithmic axes.

    Returns
    -------
    Axes
        The same ``ax``.
    """
    last = int(found.layers[-1])
    some = np.unique(np.round(np.geomspace(1.0, last, min(last, _BARS))).astype(int)) - 1
    ax.errorbar(
        found.layers[some],
        found.spread[some],
        2.0 * found.spread_error[some],
        fmt="o",
        markersize=3.0,
        elinewidth=0.8,
        label="networks",
        zorder=3,
    )
    if found.predicted_spread is not None:
        ax.plot(found.layers, found.predicted_spread, "--", color="C1", label="theory, small spread")
    ax.set(ylabel="spread of $\\log(1 - c_\\ell)$", yscale="log")
    put_log_ticks(ax.yaxis, *ax.get_ylim())
    return _finished(found, ax)


def _finished(found: CorrelationProcess, ax: Axes) -> Axes:
    law = found.expected.law
    ax.set(xlabel="layer $\\ell$", xscale="log" if law is not None and law.law in ("1/l", "1/l^2") else "linear")
    ax.set_xlim(1.0, float(found.layers[-1]))
    if found.departure_depth < found.layers[-1]:
        ax.axvline(found.departure_depth, color=_GREY, linestyle=":", linewidth=0.9, label="departure depth")
    ax.legend(frameon=False)
    return ax


def correlation_process_figure(found: CorrelationProcess) -> Figure:
    """A figure of column width with correlations above and their spread below, not attached to any window."""
    title = f"{network_name(found.activation, found.sigma_w, found.sigma_b)}, $N = {found.width}$"
    panels = partial(plot_correlation_process, found), partial(plot_correlation_spread, found)
    return stacked_figure(4.6, *panels, heights=(3, 2), title=title)
