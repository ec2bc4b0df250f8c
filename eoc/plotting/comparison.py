"""Pictures of initialisations beside each other: variance, gradient and correlation by layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from eoc.plotting.style import shown_name, stacked_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from eoc.comparison import Comparison, Start

__all__ = ["comparison_figure", "plot_comparison"]

Quantity = Literal["variance", "gradient", "correlation"]
_LABELS = {
    "variance": "variance $q_\\ell$",
    "gradient": "gradient$^2$",
    "correlation": "$1 - c_\\ell$",
}
_TINY, _HUGE = 1e-12, 1e12  # of an axis: beyond, signals are lost whatever the number
_STYLES = ("--", "-.", "-", ":", "--", "-.")
_COLOURS = (0, 2, 3, 4, 5, 6)  # without the yellow, which thin lines do not show


def plot_comparison(found: Comparison, ax: Axes, quantity: Quantity) -> Axes:
    """Draw what becomes of a quantity from each initialisation, by layer, on a log scale.

    Parameters
    ----------
    found
        What :func:`eoc.compare` returns.
    ax
        Where to draw: a line for each, one for those that are the same, the recommended one in black; cut where it
        leaves 1e-12 ... 1e12.
    quantity
        "variance" of the pre-activations, "gradient": its second moment over that in the last layer, or
        "correlation": 1 - c of two inputs.

    Returns
    -------
    Axes
        The same ``ax``.
    """
    for i, (row, names) in enumerate(_told_apart(found)):
        if row.run is None:
            continue
        with np.errstate(over="ignore", under="ignore"):
            values = {
                "variance": row.run.q[:, 0],
                "gradient": np.exp(row.run.log_gradient[:, 0]),
                "correlation": row.run.one_minus_c[:, 0, 1],
            }[quantity]
        shown = np.where((values >= _TINY) & (values <= _HUGE), values, np.nan)
        colour, style, width = ("k", "-", 2.0) if "eoc" in names else (f"C{_COLOURS[i]}", _STYLES[i], 1.2)
        ax.plot(row.run.layers, shown, style, color=colour, linewidth=width, label=", ".join(names), zorder=3 - i / 10)
    ax.set_yscale("log")
    ax.set_ylabel(_LABELS[quantity])
    ax.set_xlabel("layer $\\ell$")
    ax.set_xlim(0.0, found.depth)
    return ax


def _told_apart(found: Comparison) -> list[tuple[Start, list[str]]]:
    """The initialisations that differ, each with the names of all that are the same."""
    alike: dict[tuple[float, float, float], list[Start]] = {}
    for row in found.rows:
        start = -1.0 if row.run is None else float(row.run.q[0, 0])
        alike.setdefault((row.sigma_w, row.sigma_b, start), []).append(row)
    return [(rows[0], [row.name for row in rows]) for rows in alike.values()]


def comparison_figure(found: Comparison) -> Figure:
    """Variance, gradient and correlation by layer, from each initialisation, above each other."""

    def first(ax: Axes) -> Axes:
        plot_comparison(found, ax, "variance")
        ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, borderaxespad=0.2)
        return ax

    return stacked_figure(
        5.6,
        first,
        lambda ax: plot_comparison(found, ax, "gradient"),
        lambda ax: plot_comparison(found, ax, "correlation"),
        heights=(1, 1, 1),
        title=f"{shown_name(found.activation)}, {found.depth} layers",
    )
