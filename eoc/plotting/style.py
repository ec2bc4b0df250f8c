"""How pictures look: column width, print sizes, colours that colour-blind readers can tell apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["COLUMN", "paper_style", "stacked_figure"]

COLUMN = 3.4  #: width of a journal's column in inches
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
