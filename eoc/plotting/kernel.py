"""Pictures of kernels: their eigenvalues, and condition numbers by depth."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from eoc.plotting.style import network_name, row_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from eoc.kernels import ByDepth, Which

__all__ = ["kernel_figure", "plot_condition_numbers", "plot_spectrum"]

_NAMES: tuple[tuple[Which, str], ...] = (("nngp", "NNGP"), ("ntk", "NTK"))


def plot_spectrum(found: ByDepth, ax: Axes) -> Axes:
    """Draw the eigenvalues of both kernels at the largest depth, over the largest, those that are known.

    Parameters
    ----------
    found
        What :func:`eoc.kernels.kernels_by_depth` returns.
    ax
        Where to draw, both axes logarithmic.

    Returns
    -------
    Axes
        The same ``ax``.
    """
    for which, name in _NAMES:
        spectrum = found.spectra[which][-1]
        values = spectrum.eigenvalues[spectrum.eigenvalues > spectrum.error]
        ax.loglog(np.arange(1.0, values.size + 1.0), values / values[0], "o-", markersize=2.0, label=name)
    ax.set_xlabel("$i$")
    ax.set_ylabel("$\\lambda_i / \\lambda_1$")
    ax.legend(frameon=False)
    return ax


def plot_condition_numbers(found: ByDepth, ax: Axes) -> Axes:
    """Draw the condition numbers of both kernels against the depth; singular matrices have none.

    Parameters
    ----------
    found
        What :func:`eoc.kernels.kernels_by_depth` returns.
    ax
        Where to draw.

    Returns
    -------
    Axes
        The same ``ax``.
    """
    for which, name in _NAMES:
        values = found.condition_numbers(which)
        ax.plot(found.depth, np.where(np.isfinite(values), values, np.nan), "o-", markersize=3.0, label=name)
    ax.set_yscale("log")
    ax.set_xlabel("depth")
    ax.set_ylabel("condition number")
    ax.legend(frameon=False)
    return ax


def kernel_figure(found: ByDepth) -> Figure:
    """The spectra at the largest depth, and condition numbers by depth."""
    title = network_name(found.last.network, found.last.sigma_w, found.last.sigma_b)
    return row_figure(2.6, partial(plot_spectrum, found), partial(plot_condition_numbers, found), title=title)
