"""Quantities of a labelled data set, ready to be drawn: numbers, their label, and words where they stand for some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eoc.errors import EocError
from eoc.sweeps.selection import (
    checked_name,
    checked_output,
    constants_of,
    flag_meanings,
    one_of_each,
    outputs_of,
    parameters_along,
    records_of,
    status_of,
)

if TYPE_CHECKING:
    import xarray
    from numpy.typing import NDArray

    from eoc.floats import FloatArray


__all__ = ["LeftOverError", "Quantity", "axis_of", "check_any", "dim_of", "label_of", "left_over", "quantity", "shown"]


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
    variable = sweep[checked_output(sweep, name, known, "output or parameter")]
    label, words = label_of(variable), flag_meanings(variable)
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


class LeftOverError(EocError):
    """What is to be drawn runs along more dimensions than a picture has.

    Attributes
    ----------
    problem
        What depends on what else.
    values
        For each dimension that is left a parameter and one of its values.
    line
        One of these, if there can be a line for each of its values.
    map
        What would be x, y and colour of a map instead, if there can be one.
    """

    def __init__(
        self,
        problem: str,
        values: Mapping[str, object],
        line: str | None = None,
        map_: tuple[str, str, str] | None = None,
    ) -> None:
        self.problem, self.values, self.line, self.map = problem, values, line, map_
        arguments = ", ".join(f"{name!r}: [{value!r}]" for name, value in values.items())
        ways = [f"points_at(sweep, {{{arguments}}})"]
        if line is not None:
            ways.append(f"a line for each: line={line!r}")
        if map_ is not None:
            ways.append(f"a map: x={map_[0]!r}, y={map_[1]!r}, color={map_[2]!r}")
        super().__init__(f"{problem}; take one value of each: {', or '.join(ways)}")


def left_over(
    sweep: xarray.Dataset, name: str, dims: Sequence[str], x: str | None = None, lines: bool = False
) -> LeftOverError:
    """The error that an output runs along dimensions that are not drawn; ``lines``: it could have some."""
    values = one_of_each(sweep, dims)
    *first, last = (parameter for dim in dims for parameter in parameters_along(sweep, dim))
    over = f"{', '.join(first)} and {last}" if first else last
    line = next(iter(values)) if lines else None
    map_ = (x, line, name) if x is not None and line is not None and len(values) == 1 else None
    return LeftOverError(f"{name} also depends on {over}", values, line, map_)


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
