"""Pictures of what happens along the layers: convergence of two inputs, trajectories."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from eoc.plotting.style import network_name, stacked_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from eoc.convergence import Convergence
    from eoc.maps import ConvergenceLaw
    from eoc.propagation import Trajectory

__all__ = [
    "convergence_figure",
    "law_name",
    "plot_convergence",
    "plot_trajectory",
    "plot_variances",
    "trajectory_figure",
]

_POINTS = 400
_DOTS = 40
_DEEPEST = 1e200  # layers in a picture: an axis that ends at 1e300 overflows
_DECAYED = 36.0  # depth scales after which an exponential has come to rounding
_CLEAR = 10.0  # distances from c* this many times their error are drawn
_CLOSE = 0.01  # 1 - c from which on pairs are drawn on a log scale
_WIDE = 30.0
_MOST_NAMES = 6  # pairs or inputs that get a legend
_MOST_DOTS = 30
_MANY_LAYERS = 1000.0


def plot_convergence(found: Convergence, ax: Axes) -> Axes:
    """Draw how two inputs come to their limit: dots for the iterated map, lines for the law.

    Parameters
    ----------
    found
        What :func:`eoc.convergence_of` returns; the picture has more depths, up to the last.
    ax
        Where to draw: 1 - c_l against l, both logarithmic, with the leading law dashed and the law with its next
        orders as a line; off the edge of chaos |c_l - c*| against l with a line of slope -1/xi_c.

    Returns
    -------
    Axes
        The same ``ax``.
    """
    found = _with_more_depths(found)
    ax.set_xlabel("layer $\\ell$")
    if found.law.law == "exponential":
        return _plot_exponential(found, ax)
    seen = found.depths > 0.0
    depths, e = found.depths[seen], found.one_minus_c[seen]
    ax.loglog(depths, e, "o", markersize=3.0, label="iterated map", zorder=3)
    ax.set_ylabel("$1 - c_\\ell$")
    if found.law.law != "constant":
        fine = np.geomspace(depths[0], depths[-1], _POINTS)
        refined = found.law.refined(fine, float(depths[-1]), float(e[-1]))
        refined[refined > 2.0] = np.nan  # where the next orders are not small
        ax.loglog(fine, found.law.leading(fine), "--", label=law_name(found.law))
        ax.loglog(fine, refined, "-", label="with next orders")
        ax.set_ylim(0.3 * e.min(), 5.0)
    ax.legend(frameon=False)
    return ax


def _with_more_depths(found: Convergence) -> Convergence:
    """The same convergence at depths that make a picture."""
    last = min(float(found.depths[-1]), _DEEPEST)
    if found.law.law == "exponential":
        last = min(last, max(float(math.ceil(_DECAYED * found.law.constant)), 10.0))
        depths = np.unique(np.round(np.linspace(0.0, last, _DOTS)))
    else:
        depths = np.unique(np.round(np.geomspace(1.0, last, _DOTS)))
    iterated = found.map.iterate(depths, c=found.c0)
    return replace(found, depths=depths, one_minus_c=iterated.value, error=iterated.error)


def law_name(law: ConvergenceLaw) -> str:
    """The leading law of the edge of chaos with its constant, for a legend."""
    power, name = ("^2", "\\kappa") if law.law == "1/l^2" else ("", "\\beta_q")
    return f"${name} / \\ell{power}$, ${name} = {law.constant:.4g}$"


def _plot_exponential(found: Convergence, ax: Axes) -> Axes:
    xi = found.law.constant
    distance = np.abs(found.one_minus_c - (1.0 - found.law.limit))
    clear = distance > _CLEAR * found.error  # of rounding
    depths, distance = found.depths[clear], distance[clear]
    ax.semilogy(depths, distance, "o", markersize=3.0, label="iterated map", zorder=3)
    if depths.size and xi > 0.0:
        line = distance[-1] * np.exp((depths[-1] - depths) / xi)
        ax.semilogy(depths, line, "--", label=f"$\\exp(-\\ell/\\xi_c)$, $\\xi_c = {xi:.4g}$")
    ax.set_ylabel("$|c_\\ell - c^*|$" if found.law.limit < 1.0 else "$1 - c_\\ell$")
    ax.legend(frameon=False)
    return ax


def plot_trajectory(run: Trajectory, ax: Axes) -> Axes:
    """Draw the correlation of every pair of inputs against the layer.

    Parameters
    ----------
    run
        What :func:`eoc.propagate` returns.
    ax
        Where to draw: c, or 1 - c on a log scale once a pair has come close; layers on a log scale if there are many.

    Returns
    -------
    Axes
        The same ``ax``.
    """
    pairs = list(combinations(range(run.q.shape[1]), 2))
    closest = min((float(run.one_minus_c[:, a, b].min()) for a, b in pairs), default=1.0)
    log, few = closest < _CLOSE, len(pairs) <= _MOST_NAMES
    for a, b in pairs:
        e = run.one_minus_c[:, a, b]
        values = np.where(e > 0.0, e, np.nan) if log else 1.0 - e
        ax.plot(run.layers, values, _style(run), markersize=3.0, label=f"{_letter(a)}, {_letter(b)}" if few else None)
    ax.set_ylabel("$1 - c_\\ell$" if log else "$c_\\ell$")
    ax.set_yscale("log" if log else "linear")
    if few and len(pairs) > 1:
        ax.legend(frameon=False)
    return _scaled_layers(run, ax)


def plot_variances(run: Trajectory, ax: Axes) -> Axes:
    """Draw the variance of every input against the layer, on a log scale if they span more than a factor of 30.

    Parameters
    ----------
    run
        What :func:`eoc.propagate` returns.
    ax
        Where to draw.

    Returns
    -------
    Axes
        The same ``ax``.
    """
    differ = [a for a in range(run.q.shape[1]) if not any((run.q[:, a] == run.q[:, b]).all() for b in range(a))]
    few = 1 < len(differ) <= _MOST_NAMES
    for a in differ:
        ax.plot(run.layers, run.q[:, a], _style(run), markersize=3.0, label=f"$q_{_letter(a)}$" if few else None)
    log = bool(run.q.max() > _WIDE * run.q.min())
    ax.set_yscale("log" if log else "linear")
    if not log and np.ptp(run.q) <= 1e-6 * run.q.max():  # a constant, drawn as one
        ax.set_ylim(0.0, 2.0 * float(run.q.max()))
    if not log:
        ax.ticklabel_format(axis="y", useOffset=False)
    ax.set_ylabel("$q_\\ell$")
    if few:
        ax.legend(frameon=False)
    return _scaled_layers(run, ax)


def _style(run: Trajectory) -> str:
    return "o-" if run.layers.size <= _MOST_DOTS else "-"


def _letter(index: int) -> str:
    return chr(ord("a") + index)


def _scaled_layers(run: Trajectory, ax: Axes) -> Axes:
    if run.layers[-1] > _MANY_LAYERS:
        ax.set_xscale("log")
        ax.set_xlim(left=1.0)
    ax.set_xlabel("layer $\\ell$")
    return ax


def convergence_figure(found: Convergence) -> Figure:
    """A figure of column width with :func:`plot_convergence`, not attached to any window."""
    title = network_name(found.map.network.name, found.map.sigma_w, found.map.sigma_b)
    return stacked_figure(2.8, partial(plot_convergence, found), title=title)


def trajectory_figure(run: Trajectory) -> Figure:
    """A figure of column width with correlations above and variances below, not attached to any window."""
    title = network_name(run.activation, run.sigma_w, run.sigma_b)
    return stacked_figure(3.6, partial(plot_trajectory, run), partial(plot_variances, run), heights=(3, 2), title=title)
