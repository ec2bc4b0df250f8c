"""Scales of pictures: logarithms, whole numbers, powers of two, words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

    from eoc.floats import FloatArray
    from eoc.plotting.quantity import Quantity


__all__ = ["put_log_ticks", "scale"]

_FEW, _SOME_DECADES, _FEW_DECADES = 3.0, 30.0, 300.0  # ratio of the ends of an axis
_STEPS = [1, 2, 5, 10]
_SHORT = 6  # letters of a word that is written level
_SOME, _MANY = 8, 20  # words that are written aslant, and upright, and smaller if there are more


def scale(ax: Axes, which: str, what: Quantity, log: bool) -> None:
    """Label, scale and ticks along "x" or "y", after everything was drawn."""
    from matplotlib.ticker import MaxNLocator

    getattr(ax, f"set_{which}label")(what.label)
    values = what.values.values[np.isfinite(what.values.values)]
    if what.words:
        _put_words(ax, which, what.words)
    elif log:
        _make_logarithmic(ax, which, values)
    elif np.array_equal(values, np.round(values)):
        ticks = MaxNLocator(nbins="auto", integer=True, steps=_STEPS, min_n_ticks=1)
        getattr(ax, f"{which}axis").set_major_locator(ticks)


def _put_words(ax: Axes, which: str, words: tuple[str, ...]) -> None:
    """Ticks with words."""
    style: dict[str, Any] = {}
    if which == "x" and len(words) > _SOME:
        style = {"rotation": 90.0}
    elif which == "x" and max(len(word) for word in words) > _SHORT:
        style = {"rotation": 30.0, "ha": "right", "rotation_mode": "anchor"}
    if len(words) > _MANY:
        style["fontsize"] = "xx-small"
    shown = [word.replace("$", r"\$") for word in words]
    getattr(ax, f"set_{which}ticks")(range(len(words)), shown, **style)
    getattr(ax, f"set_{which}lim")(-0.5, len(words) - 0.5)
    getattr(ax, f"{which}axis").minorticks_off()


def _make_logarithmic(ax: Axes, which: str, values: FloatArray) -> None:
    """A logarithmic scale, in powers of two if all values are some."""
    from matplotlib.ticker import NullLocator

    axis = getattr(ax, f"{which}axis")
    if _are_powers_of_two(values):
        getattr(ax, f"set_{which}scale")("log", base=2)
        axis.set_minor_locator(NullLocator())
        return
    getattr(ax, f"set_{which}scale")("log")
    put_log_ticks(axis, *getattr(ax, f"get_{which}lim")())


def put_log_ticks(axis: Axis, low: float, high: float) -> None:
    """Numbers in full along a logarithmic axis between ``low`` and ``high``, if that is few decades."""
    from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, NullLocator, StrMethodFormatter

    axis.set_minor_formatter(NullFormatter())
    if high >= _FEW_DECADES * low:
        return
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    if high < _FEW * low:
        axis.set_major_locator(MaxNLocator(5, steps=_STEPS))
        axis.set_minor_locator(NullLocator())
    else:
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high > _SOME_DECADES * low else (1.0, 2.0, 3.0, 5.0)))


def _are_powers_of_two(values: FloatArray) -> bool:
    """Whether these are different powers of two from 1 on."""
    different = np.unique(values[values > 0.0])
    exact = np.frexp(different)[0] == 0.5
    return different.size > 1 and different[0] >= 1.0 and bool(exact.all())
