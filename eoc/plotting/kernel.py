"""Pictures of kernels: their eigenvalues, and condition numbers by depth."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from eoc.plotting.style import DIVERGING, network_name, row_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from eoc.kernels import ByDepth, Kernel, Which

__all__ = ["kernel_figure", "kernel_picture", "plot_condition_numbers", "plot_kernel", "plot_spectrum"]

_NAMES: tuple[tuple[Which, str], ...] = (("nngp", "NNGP"), ("ntk", "NTK"))


def plot_spectrum(found: Kernel, ax: Axes) -> Axes:
    """Draw the eigenvalues of both kernels, over the largest, those that are known.

    Parameters
    ----------
    found
        What :func:`eoc.kernel` returns for one set of inputs.
    ax
        Where to draw, both axes logarithmic.

    Returns
    -------
    Axes
        The same ``ax``.
    """
    for which, name in _NAMES:
        spectrum = found.spectrum(which)
        values = spectrum.eigenvalues[spectrum.eigenvalues > spectrum.error]
        ax.loglog(np.arange(1.0, values.size + 1.0), values / values[0], "o-", markersize=2.0, label=name)
    ax.set_xlabel("$i$")
    ax.set_ylabel("$\\lambda_i / \\lambda_1$")
    ax.legend(frameon=False)
    return ax


def plot_kernel(found: Kernel, ax: Axes) -> Axes:
    """Draw the correlations of outputs, NNGP_ab / sqrt(NNGP_aa NNGP_bb), as a matrix.

    Parameters
    ----------
    found
        What :func:`eoc.kernel` returns.
    ax
        Where to draw.

    Returns
    -------
    Axes
        The same ``ax``.
    """
    image = ax.imshow(1.0 - found.one_minus_c, cmap=DIVERGING, vmin=-1.0, vmax=1.0, interpolation="nearest")
    ax.figure.colorbar(image, ax=ax, label="correlation of outputs")
    ax.set_xlabel("input")
    ax.set_ylabel("input")
    return ax


def kernel_picture(found: Kernel) -> Figure:
    """The correlations of outputs, and where both sides are the same inputs the spectra of both kernels."""
    title = f"{network_name(found.network, found.sigma_w, found.sigma_b)}, depth {found.depth}"
    spectra = [partial(plot_spectrum, found)] if found.symmetric else []
    return row_figure(2.8, partial(plot_kernel, found), *spectra, title=title)


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
    return row_figure(2.6, partial(plot_spectrum, found.last), partial(plot_condition_numbers, found), title=title)
