"""Quantities of a labelled data set, ready to be drawn: numbers, their label, and words where they stand for some."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eoc.errors import EocError
from eoc.sweeps.views.selection import (
    checked_name,
    constants_of,
    names_along,
    outputs_of,
    records_of,
    status_of,
    words_of,
)

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

__all__ = ["Quantity", "axis_of", "check_any", "dim_of", "label_of", "left_over", "quantity", "scale", "shown"]

_DECADE, _FEW_DECADES = 10.0, 300.0  # ratio of the ends of an axis
_SHORT = 6  # letters of a word that is written level


@dataclass(frozen=True)
class Quantity:
    """What is drawn along one axis, or as a colour.

    Attributes
    ----------
    values
        Numbers, NaN where there are none; for words their place among them.
    label
        What it is, for Matplotlib.
    words
        What 0, 1, ... stand for; nothing for numbers.
    """

    values: xarray.DataArray
    label: str
    words: tuple[str, ...] = ()


def quantity(sweep: xarray.Dataset, name: str) -> Quantity:
    """An output or a parameter of a sweep; what a point does not have, failed and pending points too, is NaN.

    Raises
    ------
    EocError
        For an unknown name.

    Examples
    --------
    >>> import xarray
    >>> found = quantity(xarray.Dataset({}, {"activation": ("activation", ["tanh", "relu"])}), "activation")
    >>> found.values.values.tolist(), found.words
    ([0.0, 1.0], ('tanh', 'relu'))
    """
    known = [*outputs_of(sweep), *(str(name) for name in sweep.coords), *records_of(sweep)]
    variable = sweep[checked_name(name, known, "output or parameter")]
    label, words = label_of(variable), words_of(variable)
    if variable.dtype.kind not in "iufb":
        if name not in sweep.coords:
            raise EocError(f"{name} is text and cannot be drawn")
        return Quantity(variable.copy(data=_ranks(variable)), label, tuple(dict.fromkeys(_texts(variable))))
    values = variable.astype(float)
    if name in sweep.coords:
        return Quantity(values, label, words)
    if variable.dtype.kind == "i":
        values = values.where(variable != -1)
    return Quantity(values.where(status_of(sweep, "done")) if "status" in sweep else values, label, words)


def _texts(variable: xarray.DataArray) -> list[str]:
    return [str(value) for value in np.atleast_1d(variable.values)]


def _ranks(variable: xarray.DataArray) -> FloatArray:
    """Numbers for texts, by their first appearance."""
    texts = _texts(variable)
    found = list(dict.fromkeys(texts))
    return np.array([float(found.index(text)) for text in texts]).reshape(variable.shape)


def label_of(variable: xarray.DataArray, units: bool = True) -> str:
    """Symbol or name, and ``units`` if there are any."""
    symbol, unit = variable.attrs.get("symbol", ""), variable.attrs.get("units", "1")
    shown = f"${symbol}$" if symbol else str(variable.name)
    return f"{shown} ({unit})" if units and unit not in ("", "1") else shown


def _put_words(ax: Axes, which: str, words: tuple[str, ...]) -> None:
    """Ticks with words along an axis, "x" or "y"."""
    longest = max(len(word) for word in words)
    style = {"rotation": 30.0, "ha": "right", "rotation_mode": "anchor"} if which == "x" and longest > _SHORT else {}
    shown = [word.replace("$", r"\$") for word in words]
    getattr(ax, f"set_{which}ticks")(range(len(words)), shown, **style)
    getattr(ax, f"set_{which}lim")(-0.5, len(words) - 0.5)
    getattr(ax, f"{which}axis").minorticks_off()


def axis_of(sweep: xarray.Dataset, name: str) -> Quantity:
    """A parameter with several values."""
    axes = [str(known) for known, values in sweep.coords.items() if values.ndim == 1]
    if name in constants_of(sweep):
        raise EocError(
            f"{name} is {constants_of(sweep)[name]} in all that is drawn; several values have: {', '.join(axes)}"
        )
    return quantity(sweep, checked_name(name, axes, "parameter with several values"))


def dim_of(axis: Quantity) -> str:
    """The dimension that a parameter runs along."""
    return str(axis.values.dims[0])


def left_over(sweep: xarray.Dataset, name: str, dims: Iterable[str]) -> tuple[str, str]:
    """The first parameter along dimensions that are not drawn, and that one value has to be taken."""
    over = [parameter for dim in dims for parameter in names_along(sweep, dim)]
    value = np.atleast_1d(sweep[over[0]].values)[0]
    return over[0], f"{name} also depends on {' and '.join(over)}: take one value with --at {over[0]}={value}"


def shown(what: Quantity, values: FloatArray, log: bool) -> FloatArray:
    """The values, NaN where they cannot be shown."""
    if log and what.words:
        raise EocError(f"{what.values.name} has no logarithmic scale: its values are words")
    return np.where(np.isfinite(values) & ((values > 0.0) | (not log)), values, np.nan)


def check_any(seen: NDArray[np.bool_], name: str, log: bool) -> None:
    """Raise EocError if nothing is seen of a quantity."""
    if not seen.any():
        where = " on a logarithmic scale" if log else ""
        raise EocError(f"there is nothing to draw: no finished point has a finite {name}{where}")


def scale(ax: Axes, drawn: dict[str, Quantity], log: str) -> None:
    """Labels and scales of the axes "x" and "y"."""
    for letter, what in drawn.items():
        getattr(ax, f"set_{letter}label")(what.label)
        if letter in log:
            _make_logarithmic(ax, letter)
        if what.words:
            _put_words(ax, letter, what.words)


def _make_logarithmic(ax: Axes, which: str) -> None:
    """A logarithmic scale along "x" or "y", with numbers in full if it spans few decades."""
    from matplotlib.ticker import MaxNLocator, NullLocator, StrMethodFormatter

    getattr(ax, f"set_{which}scale")("log")
    axis, (low, high) = getattr(ax, f"{which}axis"), getattr(ax, f"get_{which}lim")()
    if high < _DECADE * low:
        axis.set_major_locator(MaxNLocator(4))
        axis.set_minor_locator(NullLocator())
    if high < _FEW_DECADES * low:
        axis.set_major_formatter(StrMethodFormatter("{x:g}"))
