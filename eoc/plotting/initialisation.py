"""What an initialisation means for a network: where it is on the edge of chaos, and what happens layer by layer."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from eoc.maps import CorrelationMap, VarianceMap
from eoc.plotting.activation import plot_activation, shown_range
from eoc.plotting.edge import plot_eoc
from eoc.plotting.style import network_name, row_figure
from eoc.recommendation import APART, C0

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from eoc.activations.base import Activation
    from eoc.criticality import EocCurve
    from eoc.floats import FloatArray
    from eoc.recommendation import Recommendation


__all__ = ["initialisation_figure", "plot_layers", "plot_place"]

_OFF = 2.0  # times and part of q at which two inputs start
_DEEPEST = 1000  # layers that are drawn, which is deep enough to see where it goes
_HUGE = 1e100
_WITHIN = 1.96  # standard deviations that 95 % of pre-activations are within
_FARTHEST = 50.0  # x that is drawn
_GREY = "0.4"


def plot_place(curve: EocCurve | None, place: Recommendation, ax: Axes) -> Axes:
    """Draw the edge of chaos as :func:`plot_eoc` does, and a place on it or beside it as a star.

    Parameters
    ----------
    curve
        What :func:`eoc.eoc_curve` returns; None, or without an edge of chaos, the star is alone.
    place
        What :func:`eoc.recommend` returns.
    ax
        Where to draw.

    Returns
    -------
    Axes
        The same ``ax``.
    """
    plot_eoc([] if curve is None else curve, ax)
    legend = ax.get_legend()
    handles: list[Any] = ax.lines[:1]
    names = ["edge of chaos"] * len(handles)
    if legend is not None:
        handles += legend.legend_handles
        names += [text.get_text() for text in legend.get_texts()]
    style: dict[str, Any] = {"color": "C2", "linestyle": "none", "markersize": 9.0, "clip_on": False, "zorder": 5}
    (star,) = ax.plot(place.sigma_b, place.sigma_w, "*", **style)
    ax.legend([star, *handles], ["this network", *names], frameon=False, handlelength=1.5)
    if curve is None or not curve.pieces:
        ax.set(xlim=(0.0, 2.0 * place.sigma_b or 1.0), ylim=(0.5 * place.sigma_w, 1.5 * place.sigma_w))
    ax.set_title("")
    return ax


def plot_layers(phi: Activation, place: Recommendation, ax: Axes) -> Axes:
    r"""Draw what becomes of variances, of two inputs and of gradients in a network, layer by layer.

    Parameters
    ----------
    phi
        The activation.
    place
        What :func:`eoc.recommend` returns; the first 1000 layers of deeper networks are drawn.
    ax
        Where to draw, with a logarithmic vertical axis: q_l / q of inputs with twice and half the variance q; 1 - c_l
        of two inputs with c_0 = 0.3, beside the 0.1 below which networks hardly train; and the second moment of the
        gradient of layer l over that of the last layer.

    Returns
    -------
    Axes
        The same ``ax``.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> import eoc
    >>> ax = plot_layers(eoc.activation("tanh"), eoc.recommend("tanh"), Figure().subplots())
    >>> [line.get_label() for line in ax.lines if not line.get_label().startswith("_")]
    ['$q_\\ell / q$', '$1 - c_\\ell$', 'gradient', '$1 - c = 0.1$']
    """
    layers = np.arange(min(place.depth, _DEEPEST) + 1.0)
    variance = VarianceMap(phi, place.sigma_w, place.sigma_b)
    f = CorrelationMap(phi, place.sigma_w, place.sigma_b, place.q)
    for i, start in enumerate((_OFF, 1.0 / _OFF) if place.q > 0.0 else ()):
        q = _variances(variance, start * place.q, layers.size) / place.q
        ax.semilogy(layers, q, color="C0", label="_" if i else "$q_\\ell / q$")
    e = f.iterate(layers, c=C0).value
    ax.semilogy(layers, np.where(e > 0.0, e, np.nan), color="C2", label="$1 - c_\\ell$")
    ax.semilogy(layers[1:], f.chi_1 ** (place.depth - layers[1:]), "--", color="C1", label="gradient")
    ax.axhline(APART, color=_GREY, linestyle=":", linewidth=0.9, zorder=0, label=f"$1 - c = {APART:g}$")
    low, high = ax.get_ylim()
    ax.set(xlabel="layer $\\ell$", xlim=(0.0, layers[-1]), ylim=(min(low, 0.5 * APART), max(high, _OFF * _OFF)))
    ax.legend(frameon=False, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1.0), handlelength=1.5)
    return ax


def _variances(variance: VarianceMap, q: float, layers: int) -> FloatArray:
    """q_l, NaN from where it is too large to be followed."""
    found = np.full(layers, np.nan)
    for i in range(layers):
        if not 0.0 < q < min(_HUGE, variance.activation.growth.q_max):
            break
        found[i] = q
        q = float(variance(q))
    return found


def initialisation_figure(phi: Activation, curve: EocCurve | None, place: Recommendation) -> Figure:
    """A figure with the activation, the edge of chaos with the place, and what layers do; not attached to any window.

    Shaded is where 95 % of the inputs of the activation are, in a network of this q.
    """
    panels = (
        partial(_plot_range, phi, place),
        partial(plot_place, curve, place),
        partial(plot_layers, phi, place),
    )
    title = f"{network_name(phi.name, place.sigma_w, place.sigma_b)}, $q = {place.q:.5g}$, {place.depth} layers"
    return row_figure(3.0, *panels, title=title)


def _plot_range(phi: Activation, place: Recommendation, ax: Axes) -> Axes:
    """The activation, and where pre-activations are."""
    half = min(_WITHIN * place.q**0.5, _FARTHEST)
    low, high = shown_range(phi)
    plot_activation(phi, ax, min(low, -half), max(high, half))
    ax.axvspan(-half, half, color="C0", alpha=0.12, linewidth=0.0, zorder=0, label="95 % of inputs")
    ax.legend(frameon=False, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1.0), handlelength=1.5)
    return ax
