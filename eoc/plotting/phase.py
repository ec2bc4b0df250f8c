"""Pictures of a phase: the maps, and what becomes of two inputs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from eoc.maps import convergence_law
from eoc.plotting.depth import law_name
from eoc.plotting.maps import plot_correlation_map, plot_variance_map
from eoc.plotting.style import network_name, row_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from eoc.maps import CorrelationMap
    from eoc.phase import Phase

__all__ = ["phase_figure", "plot_phase", "plot_two_inputs"]

_STARTS = ((0.9, "-"), (1e-3, "--"))  # 1 - c of two inputs that differ much, and little
_SCALES = 6.0  # of xi_c that are drawn: the depth up to which networks train
_FEWEST, _CRITICAL = 10.0, 1e4  # layers that are drawn at least, and on the edge of chaos
_DEEPEST = 1e200
_POINTS = 200
_ROOM = 0.6  # for the legend, of what the curves take
_GREY = "0.4"


def plot_two_inputs(found: Phase | Sequence[Phase], ax: Axes) -> Axes:
    r"""Draw 1 - c_l of two inputs that differ much (c_0 = 0.1) and of two that are close (0.999) against the layer.

    Parameters
    ----------
    found
        A phase, or all that the variance of the first layer can lead to; those without a correlation map are left out.
    ax
        Where to draw. The vertical axis is logarithmic. Off the edge of chaos layers go up to 6 xi_c, and xi_c is
        marked; on it they go to 10^4 on a logarithmic axis, with the law that both come to.

    Returns
    -------
    Axes
        The same ``ax``.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from eoc.phase import phase_of
    >>> ax = plot_two_inputs(phase_of("tanh", 2.5, 0.3), Figure().subplots())
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['$c_0 = 0.1$', '$c_0 = 0.999$', '$\\xi_c = 5.11$ layers', '$c^* = 0.122$']
    """
    shown = [(p, p.correlation) for p in ([found] if not isinstance(found, Sequence) else found) if p.correlation]
    critical = any(math.isinf(p.xi_c) for p, _ in shown)
    last = _CRITICAL if critical else max(_FEWEST, *(math.ceil(_SCALES * p.xi_c) for p, _ in shown))
    spread = np.geomspace(1.0, last, _POINTS) if critical else np.linspace(0.0, min(last, _DEEPEST), _POINTS)
    layers = np.unique(np.round(spread))
    for i, (p, f) in enumerate(shown):
        for start, style in _STARTS:
            e = f.iterate(layers, one_minus_c=start).value
            label = f"$c_0 = {1.0 - start:g}$" if i == 0 else None
            ax.semilogy(layers, np.where(e > 0.0, e, np.nan), style, color=f"C{i}", label=label)
        if 0.0 < p.xi_c < math.inf:
            _mark(ax, p, several=len(shown) > 1, colour=f"C{i}" if len(shown) > 1 else _GREY)
        elif math.isinf(p.xi_c) and not f.is_identity:
            _draw_law(ax, f, layers)
    ax.set(xlabel="layer $\\ell$", ylabel="$1 - c_\\ell$", xscale="log" if critical else "linear")
    low, high = ax.get_ylim()
    ax.set(xlim=(layers[0], layers[-1]), ylim=(low * (low / high) ** _ROOM, high))
    ax.legend(frameon=False, handlelength=1.8)
    return ax


def _mark(ax: Axes, p: Phase, several: bool, colour: str) -> None:
    """xi_c, and c* where inputs do not come to look alike."""
    of = f"$q = {p.q:.3g}$: " if several else ""
    ax.axvline(p.xi_c, color=colour, linestyle=":", linewidth=0.9, label=f"{of}$\\xi_c = {p.xi_c:.3g}$ layers")
    if p.c_star < 1.0:
        ax.axhline(1.0 - p.c_star, color=colour, linestyle="-.", linewidth=0.9, label=f"{of}$c^* = {p.c_star:.3g}$")


def _draw_law(ax: Axes, f: CorrelationMap, layers: np.ndarray) -> None:
    """The leading law of the edge of chaos."""
    law = convergence_law(f, float(layers[-1]))
    if law.law == "exponential":
        return
    late = layers[law.leading(layers) <= 1.0]
    ax.plot(late, law.leading(late), ":", color=_GREY, label=law_name(law))


def plot_phase(found: Phase, ax: Axes) -> Axes:
    """Draw what becomes of two inputs (:func:`plot_two_inputs`); where they have no limit map, the variance map."""
    return plot_variance_map(found.variance, ax) if found.correlation is None else plot_two_inputs(found, ax)


def phase_figure(found: Phase | Sequence[Phase]) -> Figure:
    """A figure with the variance map, the correlation maps and two inputs by layer, not attached to any window.

    Parameters
    ----------
    found
        A phase, or all of one place, as :func:`eoc.phases` returns them; where none has a correlation map the first
        panel is alone.
    """
    found = found if isinstance(found, Sequence) else [found]
    variance = found[0].variance
    maps = [p.correlation for p in found if p.correlation is not None]
    panels = [partial(plot_variance_map, variance)]
    if maps:
        panels += [partial(plot_correlation_map, maps), partial(plot_two_inputs, found)]
    return row_figure(2.6, *panels, title=network_name(variance.network.name, variance.sigma_w, variance.sigma_b))
