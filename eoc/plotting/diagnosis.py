"""A real model beside the theory: variances, correlations and gradients against the layer."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np

from eoc.plotting.style import network_name, paper_style, stacked_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from eoc.diagnose.diagnosis import Diagnosis

__all__ = ["diagnosis_figure", "plot_diagnosis"]

Quantity = Literal["q", "one_minus_c", "gradient"]

_LABELS = {"q": "$q_\\ell$", "one_minus_c": "$1 - c_\\ell$", "gradient": "$\\|\\nabla_{h_\\ell}\\|$"}
_WIDE = 10.0  # ratio from which on a log scale is clearer
_MOST_DOTS = 60


def plot_diagnosis(found: Diagnosis, ax: Axes, quantity: Quantity = "q") -> Axes:
    """Draw one quantity of every layer: dots as measured, a dashed line for the maps, from the first layer on.

    Parameters
    ----------
    found
        What :func:`eoc.diagnose.torch` returns.
    ax
        Where to draw. The vertical axis is logarithmic for gradients, and where values span more than a factor of 10.
    quantity
        "q", "one_minus_c" or "gradient". The line of gradients starts at the last layer and goes back.

    Returns
    -------
    Axes
        The same ``ax``.
    """
    measured = np.array([getattr(row.measured, quantity) for row in found.rows])
    theory = np.array([getattr(row.predicted, quantity) for row in found.rows])
    start = 0 if quantity != "gradient" else len(theory) - 1
    theory[start] = measured[start]
    layers = np.arange(1, len(measured) + 1)
    drawn = np.concatenate([measured, theory])
    drawn = drawn[np.isfinite(drawn) & (drawn > 0.0)]
    if drawn.size and (quantity == "gradient" or drawn.max() > _WIDE * drawn.min()):
        ax.set_yscale("log")
    size = 3.0 if len(layers) <= _MOST_DOTS else 1.5
    ax.plot(layers, measured, "o", markersize=size, label="model")
    line = "--" if np.isfinite(theory).all() else "x--"  # a layer between two without theory is a mark
    ax.plot(layers, theory, line, markersize=size, label="theory", zorder=3)
    ax.locator_params(axis="x", integer=True)
    ax.set(xlabel="layer $\\ell$", ylabel=_LABELS[quantity])
    return ax


def diagnosis_figure(found: Diagnosis) -> Figure:
    """A figure of column width with variances, correlations and gradients, not attached to any window.

    Correlations are left out where the batch has one sample.
    """
    names: list[Quantity] = ["q", "one_minus_c", "gradient"] if found.samples > 1 else ["q", "gradient"]
    panels = [partial(plot_diagnosis, found, quantity=name) for name in names]
    known = {network_name(s.activation.name, s.sigma_w, s.sigma_b) for s in found.stretches}
    title = known.pop() if len(known) == 1 else ""  # a model of several kinds of layers has no short name
    figure = stacked_figure(0.3 + 1.5 * len(names), *panels, heights=(1,) * len(names), title=title)
    with paper_style():
        figure.axes[0].legend(frameon=False, ncols=2, loc="lower left", bbox_to_anchor=(0.0, 1.0), borderaxespad=0.2)
    return figure
