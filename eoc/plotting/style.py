"""How pictures look: column width, print sizes, colours that colour-blind readers can tell apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["COLUMN", "IN_A_ROW", "MISSING", "colour_key", "paper_style", "stacked_figure"]

COLUMN = 3.4  #: width of a journal's column in inches
IN_A_ROW = 3  #: entries of a key
MISSING = "0.85"  #: colour of cells without a value
_RC: dict[str, Any] = {"font.size": 8.0, "axes.labelsize": 9.0, "lines.linewidth": 1.2, "pdf.fonttype": 42}


@contextmanager
def paper_style() -> Iterator[None]:
    """What is drawn inside looks like the pictures of this package: print sizes, the petroff10 colours.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> with paper_style():
    ...     ax = Figure(figsize=(COLUMN, 2.6), layout="constrained").subplots()
    >>> ax.xaxis.label.get_fontsize()
    9.0
    """
    from matplotlib import style

    with style.context(["petroff10", _RC]):
        yield


def stacked_figure(height: float, *panels: Callable[[Axes], Axes], heights: tuple[int, ...] = (1,)) -> Figure:
    """The panels above each other, with a common horizontal axis, in a figure that belongs to no window."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with paper_style():
        figure = Figure(figsize=(COLUMN, height), layout="constrained")
        FigureCanvasAgg(figure)
        grid = figure.subplots(len(panels), sharex=True, squeeze=False, height_ratios=heights)
        for ax, panel in zip(grid[:, 0], panels, strict=True):
            panel(ax)
            ax.label_outer()
    return figure


def colour_key(ax: Axes, colours: list[tuple[str, str]]) -> None:
    """What colours stand for, above the axes, where it hides nothing."""
    from matplotlib.patches import Patch

    patches = [Patch(facecolor=colour, edgecolor="0.4", linewidth=0.5, label=name) for colour, name in colours]
    ax.legend(
        handles=patches,
        frameon=False,
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=IN_A_ROW,
        borderaxespad=0.2,
        handlelength=1.0,
        columnspacing=1.0,
    )
