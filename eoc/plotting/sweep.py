"""Pictures of sweeps: one quantity against another, a line for each value of a third, or as a map of two."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from functools import partial
from typing import TYPE_CHECKING

from eoc.errors import EocError
from eoc.plotting.quantity import label_of
from eoc.plotting.style import key_columns, make_room_for_key, stacked_figure
from eoc.plotting.sweep_lines import draw_lines
from eoc.plotting.sweep_map import HIGH, WIDE, draw_map
from eoc.sweeps.selection import constants_of

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


__all__ = ["plot_sweep", "sweep_figure"]

_HEIGHT = 2.8
_TITLE = 62  # letters of a line of the title
_UNSAID = ("seed", "networks")  # what has no influence but by chance
_USUAL_WEIGHTS = "gaussian"
_PAD, _ROW = 4.0, 13.0  # points below the title, and for each row of a key above the axes


def plot_sweep(
    sweep: xarray.Dataset,
    ax: Axes,
    x: str,
    y: str | Sequence[str],
    *,
    line: str | None = None,
    color: str | None = None,
    log: str = "",
) -> Axes:
    r"""Draw part of a sweep: y against x, with a line for each value of a third quantity, or a map of colours.

    Parameters
    ----------
    sweep
        What :func:`eoc.open_sweep` returns; :func:`eoc.sweeps.selection.points_at` takes a part of it. Constants
        are named in the title.
    ax
        Where to draw.
    x, y
        Outputs or parameters. Flags, names of activations and other words are drawn as categories. ``y_error`` is drawn
        as bars or a band where it can be seen. Several y, such as an output and its theory, share an axis: those after
        the first are dashed, in the colours of their lines.
    line
        A parameter with several values: a line for each.
    color
        An output that is drawn as a map over two parameters x and y.
    log
        Which of "x", "y" and "c" (colour) have a logarithmic scale, such as "xy". What such a scale cannot show is left
        out.

    Returns
    -------
    Axes
        The same ``ax``. Points that failed or are pending are not drawn.

    Raises
    ------
    EocError
        For an unknown name, parameters that are neither drawn nor constant (LeftOverError, with what to do), or nothing
        that can be drawn.

    Examples
    --------
    >>> import xarray
    >>> from matplotlib.figure import Figure
    >>> sweep = xarray.Dataset({"xi_c": ("sigma_b", [3.0, 5.0])}, {"sigma_b": [0.1, 0.2]})
    >>> plot_sweep(sweep, Figure().subplots(), "sigma_b", "xi_c").get_ylabel()
    'xi_c'
    """
    if not set(log) <= set("xyc"):
        raise EocError(f"log must be made of the letters x, y and c, such as 'xy', got {log!r}")
    if color is not None and line is not None:
        raise EocError("line and color exclude each other: a map has no lines")
    ys = [y] if isinstance(y, str) else list(y)
    if not ys or (color is not None and len(ys) > 1):
        raise EocError(f"there must be one y{'' if color is None else ' for a map'}, got {', '.join(ys) or 'none'}")
    drawn = [name for name in (x, *ys, line, color) if name is not None]
    if len(set(drawn)) < len(drawn):
        raise EocError(f"the quantities that are drawn must differ, got {', '.join(drawn)}")
    along = {dim for name in drawn if name in sweep.coords for dim in sweep[name].dims}
    sweep = sweep.squeeze([dim for dim, size in sweep.sizes.items() if size == 1 and dim not in along])
    if color is None:
        draw_lines(sweep, ax, x, ys, line, log)
    else:
        draw_map(sweep, ax, x, ys[0], color, log)
    _name_constants(sweep, ax, drawn, above=color is not None)
    return ax


def sweep_figure(
    sweep: xarray.Dataset,
    x: str,
    y: str | Sequence[str],
    *,
    line: str | None = None,
    color: str | None = None,
    log: str = "",
) -> Figure:
    """A figure of column width with :func:`plot_sweep`, not attached to any window; a key makes it higher."""
    figure = stacked_figure(_HEIGHT, partial(plot_sweep, sweep, x=x, y=y, line=line, color=color, log=log))
    ax = figure.axes[0]
    aspect = ax.get_box_aspect()
    if aspect is not None:
        figure.set_figheight(_HEIGHT - max(0.0, HIGH - WIDE * aspect))
    make_room_for_key(figure)
    return figure


def _name_constants(sweep: xarray.Dataset, ax: Axes, drawn: Collection[str], above: bool) -> None:
    """What all points have in common and matters, as the title; ``above``: above a key, if there is one."""
    unsaid = {*drawn, *_UNSAID}
    constants = {name: value for name, value in constants_of(sweep).items() if name not in unsaid}
    if constants.get("weights") == _USUAL_WEIGHTS:
        del constants["weights"]
    parts = [str(constants.pop("activation")).replace("$", r"\$")] if "activation" in constants else []
    for name, value in constants.items():
        shown = f"{value:.6g}" if isinstance(value, float) else str(value).replace("$", r"\$")
        parts.append(f"{label_of(sweep[name], units=False)} = {shown}")
    lines = [""]
    for part in parts:
        if lines[-1] and len(lines[-1]) + len(part) > _TITLE:
            lines.append("")
        lines[-1] += f", {part}" if lines[-1] else part
    key = ax.get_legend() if above else None
    names = [] if key is None else [text.get_text() for text in key.get_texts()]
    rows = 0 if key is None else math.ceil(len(names) / key_columns(names))
    if lines[0]:
        ax.set_title(",\n".join(lines), fontsize="medium", pad=_PAD + _ROW * rows)
