"""How pictures look: column width, print sizes, colours that colour-blind readers can tell apart."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

__all__ = [
    "COLUMN",
    "DIVERGING",
    "MISSING",
    "WIDE",
    "colour_key",
    "key_columns",
    "make_room_for_key",
    "network_name",
    "paper_style",
    "row_figure",
    "shown_name",
    "stacked_figure",
]

COLUMN = 3.4  #: width of a journal's column in inches
WIDE = 7.0  #: width of a figure over two columns in inches
MISSING = "0.85"  #: colour of cells without a value
DIVERGING = "RdBu_r"  #: colours of what has a neutral value, which is white
_NOTEBOOK_DPI = 160
_LONGEST = 28  # characters of the name of an activation
_KEY, _LETTER, _SYMBOL = 165.0, 4.3, 24.0  # points: width of a key, of a letter in it, of what else an entry takes
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


def shown_name(name: str) -> str:
    r"""The name of an activation for Matplotlib: short, and as it is written.

    Examples
    --------
    >>> shown_name("gelu"), shown_name("my$file.py:phi"), shown_name("x*sigmoid(1.702*x) + 0.001*tanh(x)")
    ('gelu', 'my\\$file.py:phi', 'x*sigmoid(1.702*x) + 0.001*…')
    """
    short = name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}"
    return short.replace("$", r"\$")


def network_name(activation: str, sigma_w: float | None, sigma_b: float) -> str:
    r"""What a network is called in the title of a picture; without ``sigma_w`` (None, NaN) they are in its name.

    Examples
    --------
    >>> network_name("tanh", 1.30414584, 0.2)
    'tanh, $\\sigma_w = 1.3041$, $\\sigma_b = 0.2$'
    """
    name = shown_name(activation)
    known = sigma_w is not None and not math.isnan(sigma_w)
    return f"{name}, $\\sigma_w = {sigma_w:.5g}$, $\\sigma_b = {sigma_b:.5g}$" if known else name


def stacked_figure(
    height: float, *panels: Callable[[Axes], Axes], heights: tuple[int, ...] = (1,), title: str = ""
) -> Figure:
    """The panels above each other, with a common horizontal axis, in a figure that belongs to no window."""
    with paper_style():
        figure = _figure(COLUMN, height, title)
        grid = figure.subplots(len(panels), sharex=True, squeeze=False, height_ratios=heights)
        for ax, panel in zip(grid[:, 0], panels, strict=True):
            panel(ax)
            ax.label_outer()
    return figure


def row_figure(height: float, *panels: Callable[[Axes], Axes], title: str = "") -> Figure:
    """The panels beside each other, each with axes of its own, in a figure that belongs to no window."""
    with paper_style():
        figure = _figure(WIDE if len(panels) > 1 else COLUMN, height, title)
        for ax, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
            panel(ax)
    return figure


def _figure(width: float, height: float, title: str) -> Figure:
    """An empty figure that is in the house's style when it is rendered, too: only then Matplotlib looks up "C0"."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    class PaperFigure(Figure):
        def draw(self, renderer: Any) -> None:
            with paper_style():
                super().draw(renderer)

        def _repr_png_(self) -> bytes:  # for notebooks
            picture = BytesIO()
            self.savefig(picture, format="png", dpi=_NOTEBOOK_DPI)
            return picture.getvalue()

    figure = PaperFigure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    if title:
        figure.suptitle(title, fontsize="medium")
    return figure


def make_room_for_key(figure: Figure) -> None:
    """Make a figure of one panel higher by its key, which is outside the axes."""
    key = figure.axes[0].get_legend()
    if key is not None:
        figure.set_figheight(figure.get_figheight() + key.get_window_extent().height / figure.dpi)


def key_columns(names: Sequence[str]) -> int:
    """In how many columns, 3 at most, the names of a key fit above axes that have a colour bar."""
    for columns in (3, 2):
        rows = -(-len(names) // columns)
        longest = [max(map(len, names[i : i + rows])) for i in range(0, len(names), rows)]
        if sum(_SYMBOL + _LETTER * length for length in longest) <= _KEY:
            return columns
    return 1


def colour_key(ax: Axes, colours: Sequence[tuple[str, str]], lines: Sequence[Line2D] = ()) -> None:
    """What colours and lines stand for, above the axes, where it hides nothing."""
    from matplotlib.patches import Patch

    patches = [Patch(facecolor=colour, edgecolor="0.4", linewidth=0.5, label=name) for colour, name in colours]
    ax.legend(
        handles=[*patches, *lines],
        frameon=False,
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=key_columns([str(each.get_label()) for each in (*patches, *lines)]),
        borderaxespad=0.2,
        handlelength=1.0,
        columnspacing=1.0,
    )
