"""Pictures of networks of finite width beside theory: their variances, and how Gaussian their units are."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from eoc.plotting.style import stacked_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from eoc.montecarlo.experiments.gaussianity import Gaussianity
    from eoc.montecarlo.experiments.lengths import LengthProcess
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
    ax.errorbar(layers, run.difference.mean, _ERRORS * run.difference.standard_error, zorder=3, **_DOTS)
    ax.plot(layers, run.theory.shift.value, "-", color="C1")
    return _finished(ax, "mean of $q_\\ell - \\tilde q_\\ell$")


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
    ax.plot(layers, run.predicted_rms, "-", color="C1", label="theory")
    ax.set_ylim(0.0, 1.15 * float(max(run.rms.max(), run.predicted_rms.max())))
    return _finished(ax, "$\\sqrt{N}\\,\\mathrm{rms}(q_\\ell - \\tilde q_\\ell)$")


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
    for index in sorted(set(np.linspace(0, last - 1, min(last, _MOST_LAYERS)).round().astype(int).tolist())):
        rms, error, theory = (
            np.array([getattr(run, name)[index] for run in runs]) / np.sqrt(widths)
            for name in ("rms", "rms_error", "predicted_rms")
        )
        (line,) = ax.loglog(widths, theory, "-")
        label = f"$\\ell = {index + 1}$"
        ax.errorbar(widths, rms, _ERRORS * error, color=line.get_color(), label=label, zorder=3, **_DOTS)
    ax.set_xlabel("$N$")
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
    ax.plot(layers, found.theory.kurtosis, "-", color="C1", label="theory")
    return _finished(ax, "excess kurtosis")


def _finished(ax: Axes, label: str) -> Axes:
    ax.set_xlabel("$\\ell$")
    ax.set_ylabel(label)
    ax.locator_params(axis="x", integer=True)
    ax.legend(frameon=False)
    return ax


def length_figure(run: LengthProcess) -> Figure:
    """A figure of column width with the rms above and the mean below, not attached to any window."""
    return stacked_figure(3.6, partial(plot_length_rms, run), partial(plot_length_mean, run), heights=(3, 2))


def scaling_figure(found: LengthScaling) -> Figure:
    """A figure of column width with :func:`plot_length_scaling`, not attached to any window."""
    return stacked_figure(2.8, partial(plot_length_scaling, found))


def gaussianity_figure(found: Gaussianity) -> Figure:
    """A figure of column width with :func:`plot_kurtosis`, not attached to any window."""
    return stacked_figure(2.6, partial(plot_kurtosis, found))
