"""Pictures of networks of finite width beside theory: their variances, and how Gaussian their units are."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from eoc.plotting.style import network_name, stacked_figure
from eoc.plotting.ticks import put_log_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from eoc.floats import FloatArray
    from eoc.montecarlo.experiments.gaussianity import Gaussianity
    from eoc.montecarlo.experiments.lengths import LengthProcess
    from eoc.montecarlo.experiments.networks import Networks
    from eoc.montecarlo.experiments.scaling import LengthScaling


__all__ = [
    "gaussianity_figure",
    "length_figure",
    "plot_kurtosis",
    "plot_length_mean",
    "plot_length_rms",
    "plot_length_scaling",
    "scaling_figure",
]

_DOTS: dict[str, Any] = {"fmt": "o", "markersize": 3.0, "elinewidth": 0.8, "capsize": 1.5}
_ERRORS = 2.0  # standard errors that a bar is long, to either side
_MOST_LAYERS = 5  # that are drawn against the width
_MOST_TICKS = 7  # that fit beside each other
_WIDE = 30.0  # largest over smallest number, from which on an axis is logarithmic
_ROOM = 1.08  # times what is drawn
_GREY = "0.55"


def plot_length_mean(run: LengthProcess, ax: Axes) -> Axes:
    """Draw the mean of q_l - q~_l with bars of two standard errors, and theory as a line.

    Parameters
    ----------
    run
        What :func:`eoc.montecarlo.length_process` returns.
    ax
        Where to draw.

    Returns
    -------
    Axes
        The same ``ax``.
    """
    layers = np.arange(1, run.widths.size + 1)
    error = _ERRORS * run.difference.standard_error
    ax.errorbar(layers, run.difference.mean, error, zorder=3, **_DOTS)
    ax.plot(layers, run.theory.shift.value, **{**_theory(run.networks), "label": None})
    _scale_about_zero(ax, error)
    return _finished(ax, "mean of $q_\\ell - \\tilde q_\\ell$", run.widths.size)


def plot_length_rms(run: LengthProcess, ax: Axes) -> Axes:
    """Draw sqrt(N) times the rms of q_l - q~_l with bars of two standard errors, and theory as a line.

    Parameters
    ----------
    run
        What :func:`eoc.montecarlo.length_process` returns.
    ax
        Where to draw.

    Returns
    -------
    Axes
        The same ``ax``.
    """
    layers = np.arange(1, run.widths.size + 1)
    ax.errorbar(layers, run.rms, _ERRORS * run.rms_error, label="networks", zorder=3, **_DOTS)
    ax.plot(layers, run.predicted_rms, **_theory(run.networks))
    values = np.concatenate([run.rms, run.predicted_rms])
    if _is_wide(values):
        ax.set_yscale("log")
    else:
        ax.set_ylim(0.0, _ROOM * float(max(values.max(), (run.rms + _ERRORS * run.rms_error).max())))
    return _finished(ax, "$\\sqrt{N}\\,\\mathrm{rms}(q_\\ell - \\tilde q_\\ell)$", run.widths.size)


def plot_length_scaling(found: LengthScaling, ax: Axes) -> Axes:
    """Draw the rms of q_l - q~_l against the width, and theory as lines, for some of the layers.

    Parameters
    ----------
    found
        What :func:`eoc.montecarlo.length_scaling` returns.
    ax
        Where to draw, both axes logarithmic.

    Returns
    -------
    Axes
        The same ``ax``.
    """
    last, runs = found.measured.exponent.size, sorted(found.runs, key=lambda run: int(run.widths[0]))
    widths = np.array([run.widths[0] for run in runs])
    shown = sorted(set(np.linspace(0, last - 1, min(last, _MOST_LAYERS)).round().astype(int).tolist()))
    for number, index in enumerate(shown):
        rms, error, theory = (
            np.array([getattr(run, name)[index] for run in runs]) / np.sqrt(widths)
            for name in ("rms", "rms_error", "predicted_rms")
        )
        if runs[0].networks.has_theory:
            ax.plot(widths, theory, "-", color=f"C{number}")
        else:
            ax.plot(widths, theory, **{**_theory(runs[0].networks), **({"label": None} if number else {})})
        label = f"$\\ell = {index + 1}$"
        ax.errorbar(widths, rms, _ERRORS * error, color=f"C{number}", label=label, zorder=3, **_DOTS)
    ax.set(xscale="log", yscale="log")
    ax.set_xticks(ticks := _apart(widths), labels=[str(n) for n in ticks])
    ax.minorticks_off()
    put_log_ticks(ax.yaxis, *ax.get_ylim())
    ax.set_xlabel("width $N$")
    ax.set_ylabel("$\\mathrm{rms}(q_\\ell - \\tilde q_\\ell)$")
    ax.legend(frameon=False)
    return ax


def plot_kurtosis(found: Gaussianity, ax: Axes) -> Axes:
    """Draw the excess kurtosis of a unit from units and from K_l, with bars of two standard errors, and theory.

    Parameters
    ----------
    found
        What :func:`eoc.montecarlo.gaussianity` returns.
    ax
        Where to draw.

    Returns
    -------
    Axes
        The same ``ax``.
    """
    layers: NDArray[np.int64] = np.arange(1, found.networks.widths.size + 1)
    shift = 0.12  # layers, so that bars do not hide each other
    ax.errorbar(layers - shift, found.units.value, _ERRORS * found.units.error, label="units", zorder=3, **_DOTS)
    ax.errorbar(
        layers + shift,
        found.kernel.value,
        _ERRORS * found.kernel.error,
        label="$K_\\ell$",
        zorder=3,
        color="C2",
        **_DOTS,
    )
    ax.plot(layers, found.theory.kurtosis, **_theory(found.networks))
    _scale_about_zero(ax, _ERRORS * found.units.error)
    return _finished(ax, "excess kurtosis", layers.size)


def _finished(ax: Axes, label: str, layers: int) -> Axes:
    ax.set_xlabel("layer $\\ell$")
    ax.set_ylabel(label)
    if layers > 1:
        ax.locator_params(axis="x", integer=True)
    else:
        ax.set(xticks=[1], xlim=(0.5, 1.5))
    if ax.get_legend_handles_labels()[0]:
        ax.legend(frameon=False)
    return ax


def _theory(networks: Networks) -> dict[str, Any]:
    """How theory is drawn: in grey that of Gaussian weights, where theory knows no others; one layer as a dash."""
    alone = {"marker": "_", "markersize": 12.0, "markeredgewidth": 1.2} if networks.widths.size == 1 else {}
    if networks.has_theory:
        return {"color": "C1", "linestyle": "-", "label": "theory", **alone}
    return {"color": _GREY, "linestyle": "--", "label": "Gaussian weights", **alone}


def _is_wide(values: FloatArray) -> bool:
    """Whether positive numbers span so much that a linear axis hides the small ones."""
    positive = values[values > 0.0]
    return bool(positive.size and positive.max() > _WIDE * positive.min())


def _scale_about_zero(ax: Axes, errors: FloatArray) -> None:
    """An axis for numbers of both signs: logarithmic on both sides of 0 where their errors span much."""
    if _is_wide(errors):
        ax.set_yscale("symlog", linthresh=float(errors[errors > 0.0].min()))


def _apart(widths: NDArray[np.int64]) -> list[int]:
    """The widths whose labels do not overlap on a logarithmic axis."""
    kept = [int(widths[0])]
    least = max(float(widths[-1] / widths[0]), 1.0) ** (1.0 / _MOST_TICKS)
    for n in widths.tolist():
        if n >= least * kept[-1] and n > kept[-1]:
            kept.append(n)
    return kept


def length_figure(run: LengthProcess) -> Figure:
    """A figure of column width with the rms above and the mean below, not attached to any window."""
    panels = partial(plot_length_rms, run), partial(plot_length_mean, run)
    return stacked_figure(3.8, *panels, heights=(3, 2), title=_title(run.networks))


def scaling_figure(found: LengthScaling) -> Figure:
    """A figure of column width with :func:`plot_length_scaling`, not attached to any window."""
    return stacked_figure(3.0, partial(plot_length_scaling, found), title=_title(found.runs[0].networks, alone=False))


def gaussianity_figure(found: Gaussianity) -> Figure:
    """A figure of column width with :func:`plot_kurtosis`, not attached to any window."""
    return stacked_figure(2.8, partial(plot_kurtosis, found), title=_title(found.networks))


def _title(networks: Networks, alone: bool = True) -> str:
    """The networks, with their width where that is one and the same."""
    name = network_name(networks.activation.name, networks.sigma_w, networks.sigma_b)
    same = alone and bool((networks.widths == networks.widths[0]).all())
    return f"{name}, $N = {networks.widths[0]}$" if same else name
