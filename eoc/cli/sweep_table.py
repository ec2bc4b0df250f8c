"""The table that ``eoc sweep show`` prints: a row for each point, or for each place along one dimension of outputs.

Numbers have the digits that mean something, as their errors say.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eoc.cli.tables import console
from eoc.cli.words import options_at, points_are
from eoc.errors import EocError
from eoc.reports.writing import number, print_paragraph, print_table
from eoc.sweeps.export import to_frame
from eoc.sweeps.selection import (
    checked_output,
    constants_of,
    counts,
    one_of_each,
    outputs_of,
    parameters_along,
    records_of,
    with_errors,
    without_errors,
)

if TYPE_CHECKING:
    import pandas
    import xarray

__all__ = ["Shown", "cells", "print_shown", "shown_of", "shown_payload"]

_WIDEST = 120  # characters of a table whose columns nobody chose, on a wide terminal
_DIGITS = 6  # that columns are to have room for
_GAP = 3  # characters between columns
_PLAIN = 8  # digits of a number whose error is not known
_ROUGH = 3  # digits of z-scores and times
_LEAST = 2  # digits of a number whose error is a standard error, however large
_ESTIMATES = ("standard error", "estimate")  # how descriptions of errors begin that are no bounds


@dataclass(frozen=True)
class Shown:
    """What is shown of a sweep.

    Attributes
    ----------
    sweep
        The part of it.
    points
        The rows, with the errors of outputs.
    keys
        The columns that tell the rows apart.
    outputs
        The columns that were computed.
    spread
        The dimension of outputs that has a row for each of its values, if there is one.
    along
        Outputs that have several further dimensions, which such a table cannot show.
    chosen
        Whether somebody chose the outputs.
    """

    sweep: xarray.Dataset
    points: pandas.DataFrame
    keys: list[str]
    outputs: list[str]
    spread: str | None
    along: list[str]
    chosen: bool


def shown_of(sweep: xarray.Dataset, columns: Sequence[str] | None, failed: bool) -> Shown:
    """The finished points with outputs of these names, or the points that failed with their errors."""
    asked = ["error"] if failed else _asked(sweep, columns)
    dims = _further(sweep, asked)
    if len(dims) > 1 and columns is not None:
        raise EocError(f"{', '.join(asked)} cannot be in one table: {_take(sweep, dims)}")
    spread = dims[0] if len(dims) == 1 else None
    along = [name for name in asked if spread is None and _further(sweep, [name])]
    outputs = [name for name in asked if name not in along]
    points = to_frame(sweep, with_errors(sweep, [name for name in outputs if name not in records_of(sweep)]))
    points = points[points["status"] == ("failed" if failed else "done")]
    keys = [name for dim in map(str, sweep["status"].dims) for name in parameters_along(sweep, dim)]
    keys += [] if spread is None else parameters_along(sweep, spread)
    return Shown(sweep, points, keys, outputs, spread, along, chosen=columns is not None)


def _asked(sweep: xarray.Dataset, columns: Sequence[str] | None) -> list[str]:
    """The outputs of these names, or all; parameters are shown anyway."""
    known = outputs_of(sweep)
    if columns is None:
        return without_errors(known)
    everything = [*known, *records_of(sweep)]
    return [checked_output(sweep, name, everything) for name in columns if name not in sweep.coords]


def _further(sweep: xarray.Dataset, names: Sequence[str]) -> list[str]:
    """The dimensions of outputs that points do not have."""
    axes = sweep["status"].dims
    return list(dict.fromkeys(str(dim) for name in names for dim in sweep[name].dims if dim not in axes))


def _take(sweep: xarray.Dataset, dims: Sequence[str]) -> str:
    """How to come to one further dimension."""
    return f"take one value of each: {options_at(one_of_each(sweep, dims))} (of one of them all may stay)"


def shown_payload(shown: Shown, rows: int | None) -> dict[str, Any]:
    """What is shown, for JSON, each output followed by its error if it has one."""
    found = shown.points[:rows]
    pairs = (pair for name in shown.outputs for pair in (name, f"{name}_error"))
    names = [*shown.keys, *(name for name in pairs if name in found)]
    columns = (values_of(found[name]) for name in names)
    return {
        "task": shown.sweep.attrs.get("task", ""),
        **counts(shown.sweep),
        "constants": constants_of(shown.sweep),
        "columns": names,
        "rows": [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)],
    }


def print_shown(shown: Shown, rows: int) -> None:
    """The table, and in words what it leaves out."""
    out, sweep = console(), shown.sweep
    constants = ", ".join(f"{name} = {in_digits(value)}" for name, value in constants_of(sweep).items())
    task = str(sweep.attrs.get("task", ""))
    print_paragraph(out, f"{task}: " if constants else task, constants, len(task), indent=2)
    found = shown.points[:rows]
    fitting = shown.outputs if shown.chosen else _fitting(shown, found, min(out.width, _WIDEST))
    if len(found):
        names = [*shown.keys, *fitting] or ["point"]
        print_table(out, names, lambda digits: cells(sweep, found, names, digits), most=_WIDEST)
    notes = _missing(shown, len(found))
    if hidden := [name for name in shown.outputs if name not in fitting]:
        notes.append(f"columns that do not fit: {', '.join(hidden)}; choose with --columns")
    if shown.along:
        further = _further(sweep, shown.along)
        notes.append(f"with many values at each point: {', '.join(shown.along)}; {_take(sweep, further)}")
    for note in notes:
        print_paragraph(out, "", note, indent=2)


def _missing(shown: Shown, rows: int) -> list[str]:
    """The points that are not shown."""
    number_of, total = counts(shown.sweep), len(shown.points)
    found = [] if total else ["no point is done"]
    if rows < total and shown.spread is None:
        found.append(f"{total - rows} more points: --rows {total}")
    elif rows < total and shown.spread is not None:
        part = options_at(one_of_each(shown.sweep, [shown.spread]))
        found.append(f"{total - rows} more rows: --rows {total}, or one for each point: {part}")
    if number_of["failed"]:
        found.append(f"{points_are(number_of['failed'], 'failed')} left out: --failed")
    if number_of["pending"]:
        found.append(f"{points_are(number_of['pending'], 'pending')} left out")
    return found


def _fitting(shown: Shown, points: pandas.DataFrame, width: int) -> list[str]:
    """As many outputs as there is room for, at least one."""
    room = width - sum(_width(shown.sweep, points, name) for name in shown.keys)
    fitting: list[str] = []
    for name in shown.outputs:
        room -= _width(shown.sweep, points, name)
        if room >= 0 or not fitting:
            fitting.append(name)
    return fitting


def _width(sweep: xarray.Dataset, points: pandas.DataFrame, name: str) -> int:
    shown = [row[0] for row in cells(sweep, points, [name], _DIGITS)]
    return max(map(len, [name, *shown])) + _GAP


def cells(sweep: xarray.Dataset, points: pandas.DataFrame, names: Sequence[str], digits: int) -> list[list[str]]:
    """Rows of texts, numbers with at most ``digits`` digits; the column "point" counts the rows."""
    columns = [_column(sweep, points, name, digits) for name in names]
    return [list(row) for row in zip(*columns, strict=True)]


def _column(sweep: xarray.Dataset, points: pandas.DataFrame, name: str, digits: int) -> list[str]:
    if name == "point":  # a sweep without axes
        return [str(i) for i in range(len(points))]
    values = values_of(points[name])
    if f"{name}_error" not in points:
        most = _ROUGH if name.endswith("_z") or name == "seconds" else _PLAIN
        return [in_digits(value, min(digits, most)) for value in values]
    estimated = str(sweep[f"{name}_error"].attrs.get("long_name", "")).startswith(_ESTIMATES)
    pairs = zip(values, points[f"{name}_error"].tolist(), strict=True)
    return [_with_error(value, error, digits, estimated) for value, error in pairs]


def _with_error(value: Any, error: float, digits: int, estimated: bool) -> str:
    """With the digits that its error leaves certain, or if that is ``estimated`` up to its second digit."""
    if not (isinstance(value, float) and math.isfinite(value) and error > 0.0):
        return in_digits(value, digits)
    if math.isinf(error):
        return f"{value:.3g} +- inf"
    if not estimated or value == 0.0:
        return number(value, error, digits)
    meant = math.floor(math.log10(abs(value))) - math.floor(math.log10(error)) + 2
    return number(value, digits=min(max(meant, _LEAST), digits))


def values_of(column: pandas.Series[Any]) -> list[Any]:
    """As Python has them; None where there is no word or no whole number."""
    if column.dtype.kind == "f":
        return column.tolist()
    return [None if missing else value for value, missing in zip(column.tolist(), column.isna(), strict=True)]


def in_digits(value: Any, digits: int = _PLAIN) -> str:
    """A word or a number.

    Examples
    --------
    >>> in_digits(0.1 + 0.2), in_digits("tanh"), in_digits(None)
    ('0.3', 'tanh', '')
    """
    if value is None:
        return ""
    return number(value, digits=digits) if isinstance(value, float) else str(value)
