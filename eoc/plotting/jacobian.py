"""Pictures of the singular values of a Jacobian."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from eoc.plotting.style import network_name, row_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

    from eoc.jacobians import Isometry, JacobianSpectrum

__all__ = ["jacobian_figure", "plot_isometry", "plot_jacobian"]

_POINTS = 160
_RANGE = 1e-4  # of the largest value, down to which is drawn
_BEYOND = 1.15
_ROOM = 1.3
_UNBOUNDED = 10.0  # times m_2/m_1, where there is no largest value


def plot_jacobian(
    found: JacobianSpectrum | Sequence[JacobianSpectrum], ax: Axes, squared: ArrayLike | None = None
) -> Axes:
    """Draw the density of log s^2, on a logarithmic axis of s^2, with atoms as lines of which the masses are said.

    Parameters
    ----------
    found
        A spectrum, or several to compare.
    ax
        Where to draw: from a ten-thousandth of the largest value on.
    squared
        Squared singular values of real networks, as of :func:`eoc.jacobians.sample_jacobians`, for a histogram beside.

    Returns
    -------
    Axes
        The same ``ax``.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from eoc.jacobians import jacobian
    >>> hardtanh = jacobian("hardtanh", sigma_b=0.1, depth=8, weights="orthogonal")
    >>> ax = plot_jacobian(hardtanh, Figure().subplots())
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['orthogonal, $L = 8$', '$s^2 = 0$: 0.0495', '$s^2 = 1.5$: 0.604']
    """
    shown = [found] if not isinstance(found, Sequence) else list(found)
    top = max(_top(one) for one in shown)
    x = np.geomspace(_RANGE * top, _BEYOND * top, _POINTS)
    if squared is not None:
        logs = np.log(np.maximum(np.ravel(np.asarray(squared, dtype=float)), 1e-300))
        heights, edges = np.histogram(logs, bins=np.linspace(math.log(x[0]), math.log(x[-1]), 60))
        ax.stairs(heights / (logs.size * np.diff(edges)), np.exp(edges), fill=True, color="0.85", label="networks")
    highest = 0.0
    for i, one in enumerate(shown):
        near = np.sort(np.concatenate([x, _top(one) * (1.0 - np.geomspace(1e-5, 0.1, 24))]))
        density = one.density(near).value * near
        highest = max(highest, float(np.nanmax(density)))
        ax.semilogx(near, density, color=f"C{i}", label=f"{one.weights}, $L = {one.depth}$")
        for atom in one.atoms:
            label = f"$s^2 = {atom.value:.3g}$: {atom.mass:.3g}"
            if atom.value > 0.0:
                ax.axvline(atom.value, color=f"C{i}", linestyle=":", linewidth=1.2, label=label)
            else:
                ax.plot([], [], " ", label=label)
    ax.set(xscale="log", xlim=(x[0], x[-1]), xlabel="squared singular value $s^2$", ylabel="density of $\\log s^2$")
    ax.set_ylim(0.0, _ROOM * highest if highest > 0.0 else 1.0)  # of a histogram at an atom only the foot
    ax.legend(frameon=False, handlelength=1.8)
    return ax


def _top(one: JacobianSpectrum) -> float:
    if one.largest < math.inf:
        return one.largest
    second = one.moments[1] / one.moments[0]
    return float(_UNBOUNDED * second) if second < math.inf else float(_UNBOUNDED * one.moments[0])


def plot_isometry(found: Isometry | Sequence[Isometry], ax: Axes) -> Axes:
    r"""Draw where on the edge of chaos the largest s^2 stays below a number, sigma_w against sigma_b, on what is there.

    Parameters
    ----------
    found
        What :func:`eoc.isometry` returns, or several, such as of some depths; the deepest comes on top.
    ax
        Where to draw, such as that of :func:`plot_diagram` or :func:`plot_eoc`, whose limits stay.

    Returns
    -------
    Axes
        The same ``ax``.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from eoc.jacobians import isometry
    >>> ax = plot_isometry([isometry("hardtanh", 4.0, depth=depth) for depth in (10, 100)], Figure().subplots())
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['$s^2 \\leq 4$, $L = 10$', '$s^2 \\leq 4$, $L = 100$']
    """
    several = [found] if not isinstance(found, Sequence) else sorted(found, key=lambda one: one.depth)
    limits = (ax.get_xlim(), ax.get_ylim()) if ax.has_data() else None
    for i, one in enumerate(several):
        label: str | None = f"$s^2 \\leq {one.largest:g}$, $L = {one.depth}$"
        for sigma_b, sigma_w in one.along():
            marker = "o" if sigma_b.size == 1 else None
            ax.plot(sigma_b, sigma_w, color=f"C{i + 1}", marker=marker, linewidth=3.5, label=label, zorder=5)
            label = None
    ax.set(xlabel="$\\sigma_b$", ylabel="$\\sigma_w$")
    if limits is not None:
        ax.set(xlim=limits[0], ylim=limits[1])
    if ax.get_legend_handles_labels()[1]:
        ax.legend(frameon=False, handlelength=1.8)
    return ax


def jacobian_figure(found: JacobianSpectrum) -> Figure:
    """The picture of one spectrum, of column width."""
    known = None if math.isnan(found.sigma_b) else found.sigma_w
    title = network_name(found.activation, known, found.sigma_b)
    return row_figure(2.6, partial(plot_jacobian, found), title=title)
