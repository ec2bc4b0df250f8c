"""Theory beside simulation as one picture: the z-scores of all checks."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from eoc.plotting.style import network_name, stacked_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from eoc.montecarlo.experiments.verification import Verification

__all__ = ["plot_verification", "verification_figure"]

_FARTHEST = 10.0  # z of the last place on the axis; what is beyond is drawn there as an arrow
_LINE, _MARGIN = 0.16, 1.2  # inches that a check takes, and all else


def plot_verification(found: Verification, ax: Axes) -> Axes:
    """Draw the z of every check as a dot, in a band that those who pass lie in.

    Parameters
    ----------
    found
        What :func:`eoc.verify` returns.
    ax
        Where to draw.

    Returns
    -------
    Axes
        The same ``ax``.
    """
    from eoc.montecarlo.experiments.comparison import LIMIT  # here, so that other pictures need not load it

    compared = [check.comparison for check in found.checks]
    z, places = np.array([one.z for one in compared]), np.arange(len(compared))
    failed, far = np.array([not one.agrees for one in compared]), np.abs(z) > _FARTHEST
    ax.axvspan(-LIMIT, LIMIT, color="C0", alpha=0.12, linewidth=0.0, label="within errors")
    ax.axvline(0.0, color="0.6", linewidth=0.8)
    for which, marker in ((~far, "o"), (far & (z > 0.0), ">"), (far & (z < 0.0), "<")):
        colours = np.where(failed, "C2", "C0")[which]
        at = np.clip(z[which], -_FARTHEST, _FARTHEST)
        ax.scatter(at, places[which], s=14.0, c=colours.tolist(), marker=marker, zorder=3)
    labels = [one.quantity if one.layer is None else f"{one.quantity}, layer {one.layer}" for one in compared]
    ax.set_yticks(places, labels, fontsize=6.0, parse_math=False)
    end = 1.1 * max(LIMIT, float(np.abs(z).clip(0.0, _FARTHEST).max()))
    for colour, which, name in (("C0", ~failed, "agrees"), ("C2", failed, "does not agree")):
        if which.any():
            ax.plot([], [], "o", color=colour, markersize=3.5, label=name)
    ax.legend(frameon=False, ncols=3, loc="lower right", bbox_to_anchor=(1.0, 1.0), handlelength=1.2, borderaxespad=0.2)
    ax.set(xlim=(-end, end), ylim=(len(z) - 0.5, -0.5), xlabel="(measured $-$ theory) / error")
    return ax


def verification_figure(found: Verification) -> Figure:
    """A figure of column width with :func:`plot_verification`, not attached to any window."""
    place = found.place
    title = network_name(place.source.name, place.sigma_w, place.sigma_b)
    return stacked_figure(_MARGIN + _LINE * len(found.checks), partial(plot_verification, found), title=title)
