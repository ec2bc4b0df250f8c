"""What the lines of a picture mean, below it, where it hides none of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

__all__ = ["key_below"]

_MOST_COLUMNS = 5
_OVERHANG = 1.25  # width over that of the axes: there is room below the labels on their left
_GAP = 0.05  # inches above it


def key_below(ax: Axes, handles: Sequence[Line2D]) -> None:
    """Explain lines below the axes, their ticks and their label, in as many columns as there is room for."""
    from matplotlib.transforms import ScaledTranslation

    figure = ax.figure
    lowest = ax.xaxis.get_tightbbox() or ax.bbox
    below = (ax.bbox.y0 - lowest.y0) / figure.dpi + _GAP
    place = ax.transAxes + ScaledTranslation(0.0, -below, figure.dpi_scale_trans)
    for columns in range(min(_MOST_COLUMNS, len(handles)), 0, -1):
        legend = ax.legend(
            handles=handles,
            ncols=columns,
            loc="upper center",
            bbox_to_anchor=(0.5, 0.0),
            bbox_transform=place,
            borderaxespad=0.0,
            frameon=False,
            handlelength=2.8,
            columnspacing=1.0,
        )
        width = legend.get_window_extent().width / ax.bbox.width
        if width <= _OVERHANG:
            break
    if width > 1.0:
        legend.set_loc("upper right")
        legend.set_bbox_to_anchor((1.0, 0.0), place)
