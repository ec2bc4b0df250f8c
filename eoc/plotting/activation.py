"""Pictures of an activation."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from eoc.activations.base import Activation
from eoc.plotting.style import shown_name, stacked_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from eoc.floats import FloatArray


__all__ = ["activation_figure", "plot_activation", "shown_range"]

_POINTS = 400
_HALF, _FARTHEST = 4.0, 50.0
_USUAL, _STEEP, _ROOM = 0.98, 10.0, 1.3  # what is beyond 10 times the 98th percentile is cut, with some room


def shown_range(phi: Activation) -> tuple[float, float]:
    """The x to show: [-4, 4], widened to one beyond the outermost knots, within [-50, 50].

    Examples
    --------
    >>> from eoc.activations import activation
    >>> shown_range(activation("relu6"))
    (-4.0, 7.0)
    """
    low = min(-_HALF, min(phi.knots, default=0.0) - 1.0)
    high = max(_HALF, max(phi.knots, default=0.0) + 1.0)
    return max(low, -_FARTHEST), min(high, _FARTHEST)


def plot_activation(phi: Activation, ax: Axes, low: float | None = None, high: float | None = None) -> Axes:
    """Draw phi and phi' on [low, high], broken at jumps, with the knots as dots; cut where either is very large.

    Parameters
    ----------
    phi
        The activation.
    ax
        Where to draw.
    low, high
        Range of x; where left out, as :func:`shown_range` says.

    Returns
    -------
    Axes
        The same ``ax``.
    """
    shown = shown_range(phi)
    low, high = shown[0] if low is None else low, shown[1] if high is None else high
    largest: list[FloatArray] = []
    edges = [low, *(k for k in phi.knots if low < k < high), high]
    for which, label, style in (("phi", "$\\phi(x)$", "-"), ("dphi", "$\\phi'(x)$", "--")):
        color = None
        for a, b in pairwise(edges):
            x = np.linspace(np.nextafter(a, b), np.nextafter(b, a), _POINTS)
            y = getattr(phi, which)(x)
            largest.append(np.abs(y))
            (line,) = ax.plot(x, y, style, color=color, label=label if color is None else None)
            color = line.get_color()
    inside = [b for b in phi.breakpoints if low < b.x < high]
    if inside:
        name = "jumps" if all(b.jump for b in inside) else "kinks" if all(b.kink for b in inside) else "knots"
        ax.plot([b.x for b in inside], [b.right[0] for b in inside], "o", color="black", markersize=3, label=name)
    ax.axhline(0.0, color="0.8", linewidth=0.8, zorder=0)
    _cut(ax, np.concatenate(largest))
    ax.set_xlabel("$x$")
    ax.legend(frameon=False, ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0), handlelength=1.5)
    return ax


def _cut(ax: Axes, values: FloatArray) -> None:
    """End the vertical axis where a slope or a pole would flatten everything else."""
    values = values[np.isfinite(values)]
    usual = float(np.quantile(values, _USUAL)) if values.size else 0.0
    if usual > 0.0 and values.max() > _STEEP * usual:
        low, high = ax.get_ylim()
        ax.set_ylim(max(low, -_ROOM * usual), min(high, _ROOM * usual))


def activation_figure(phi: Activation) -> Figure:
    """A figure of column width with phi and phi', not attached to any window."""
    return stacked_figure(2.8, partial(plot_activation, phi), title=shown_name(phi.name))
