"""The table that ``eoc sweep show`` prints: a row for each point."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eoc.cli.common import number
from eoc.cli.tables import console, new_table, print_paragraph, print_table
from eoc.errors import EocError
from eoc.sweeps.views.selection import checked_name, constants_of, counts, names_along, outputs_of, records_of
from eoc.sweeps.views.table import to_frame, with_errors

if TYPE_CHECKING:
    import pandas
    import xarray
    from rich.console import Console

__all__ = ["Shown", "print_shown", "shown_of", "shown_payload"]

_WIDEST = 120  # characters of a table whose columns nobody chose, on a wide terminal
_DIGITS = 6  # that columns are to have room for
_GAP = 3  # characters between columns


@dataclass(frozen=True)
class Shown:
    """What is shown of a sweep.

    Attributes
    ----------
    sweep
        The part of it.
    points
        A row for each, with the errors of outputs.
    keys
        The columns that tell the points apart.
    outputs
        The columns that were computed.
    along
        Outputs that have further dimensions, which a row for each point cannot show.
    chosen
        Whether somebody chose the outputs.
    """

    sweep: xarray.Dataset
    points: pandas.DataFrame
    keys: list[str]
    outputs: list[str]
    along: list[str]
    chosen: bool


def shown_of(sweep: xarray.Dataset, columns: Sequence[str] | None, failed: bool) -> Shown:
    """The finished points, or those that failed."""
    axes = set(sweep["status"].dims)
    known = outputs_of(sweep)
    plain = [name for name in known if set(sweep[name].dims) <= axes]
    asked = [name for name in known if not _is_error(name, known)] if columns is None else list(columns)
    for name in asked:
        checked_name(name, [*known, *records_of(sweep)], "output")
    along = [name for name in asked if name in known and name not in plain]
    if along and columns is not None:
        raise EocError(f"{along[0]} has many values at each point: {_one_of(sweep, along)}")
    outputs = [name for name in asked if name not in along]
    if failed:
        outputs = ["error"]
    points = to_frame(sweep, with_errors(sweep, [name for name in outputs if name in known]))
    points = points[points["status"] == ("failed" if failed else "done")]
    keys = [name for dim in map(str, sweep["status"].dims) for name in names_along(sweep, dim)]
    return Shown(sweep, points, keys, outputs, [] if failed else along, chosen=columns is not None or failed)


def _is_error(name: str, known: Sequence[str]) -> bool:
    return name.endswith("_error") and name.removesuffix("_error") in known


def _one_of(sweep: xarray.Dataset, names: Sequence[str]) -> str:
    """How to take one value along the dimensions that points do not have."""
    axes = sweep["status"].dims
    dims = dict.fromkeys(str(dim) for name in names for dim in sweep[name].dims if dim not in axes)
    return "take one with " + " ".join(f"--at {dim}={sweep[dim].values[-1]}" for dim in dims)


def shown_payload(shown: Shown, rows: int | None) -> dict[str, Any]:
    """What is shown, for JSON, each output followed by its error if it has one."""
    found = shown.points[:rows]
    pairs = (pair for name in shown.outputs for pair in (name, f"{name}_error"))
    names = [*shown.keys, *(name for name in pairs if name in found)]
    return {
        "task": shown.sweep.attrs.get("task", ""),
        **counts(shown.sweep),
        "constants": constants_of(shown.sweep),
        "columns": names,
        "rows": [
            dict(zip(names, row, strict=True)) for row in zip(*(_values(found[name]) for name in names), strict=True)
        ],
    }


def _values(column: pandas.Series[Any]) -> list[Any]:
    """As Python has them; None where there is no word or no whole number."""
    if column.dtype.kind == "f":
        return column.tolist()
    return [None if missing else value for value, missing in zip(column.tolist(), column.isna(), strict=True)]


def print_shown(shown: Shown, rows: int) -> None:
    """The table, and in words what it leaves out."""
    out = console()
    constants = ", ".join(f"{name} = {_cell(value, 0.0, 12)}" for name, value in constants_of(shown.sweep).items())
    task = str(shown.sweep.attrs.get("task", ""))
    print_paragraph(out, f"{task}: " if constants else task, constants, len(task), indent=2)
    found = shown.points[:rows]
    fitting = shown.outputs if shown.chosen else _fitting(shown, found, min(out.width, _WIDEST))
    if len(found):
        names = [*shown.keys, *fitting] or ["point"]
        if fitting == ["error"]:
            _print_errors(out, found, names)
        else:
            print_table(out, names, lambda digits: _cells(found, names, digits), most=_WIDEST)
    notes = _missing(shown, len(found))
    if hidden := [name for name in shown.outputs if name not in fitting]:
        notes.append(f"columns that do not fit: {', '.join(hidden)}; choose with --columns")
    if shown.along:
        notes.append(f"with many values at each point: {', '.join(shown.along)}; {_one_of(shown.sweep, shown.along)}")
    for note in notes:
        print_paragraph(out, "", note, indent=2)


def _print_errors(out: Console, points: pandas.DataFrame, names: Sequence[str]) -> None:
    """A table whose last column is sentences."""
    from rich.markup import escape

    table = new_table(out, names)
    table.columns[-1].justify = "left"
    for row in _cells(points, names, _DIGITS):
        table.add_row(*(escape(" ".join(cell.split())) for cell in row))
    out.print(table)


def _missing(shown: Shown, rows: int) -> list[str]:
    """The points that are not shown."""
    number_of = counts(shown.sweep)
    found = []
    if rows < len(shown.points):
        found.append(f"{len(shown.points) - rows} more points: --rows {len(shown.points)}")
    if number_of["failed"] and shown.outputs != ["error"]:
        found.append(f"{number_of['failed']} points failed and are left out: --failed")
    if number_of["pending"]:
        found.append(f"{number_of['pending']} points are pending and left out")
    if not len(shown.points):
        found.insert(0, "no point failed" if shown.outputs == ["error"] else "no point is done")
    return found


def _fitting(shown: Shown, points: pandas.DataFrame, width: int) -> list[str]:
    """As many outputs as there is room for, at least one."""
    room = width - sum(_width(points, name) for name in shown.keys)
    fitting: list[str] = []
    for name in shown.outputs:
        room -= _width(points, name)
        if room >= 0 or not fitting:
            fitting.append(name)
    return fitting


def _width(points: pandas.DataFrame, name: str) -> int:
    cells = [row[0] for row in _cells(points, [name], _DIGITS)]
    return max(map(len, [name, *cells])) + _GAP


def _cells(points: pandas.DataFrame, names: Sequence[str], digits: int) -> list[list[str]]:
    columns = []
    for name in names:
        if name == "point":  # a sweep without axes
            columns.append([str(i) for i in range(len(points))])
            continue
        errors = points[f"{name}_error"].tolist() if f"{name}_error" in points else [0.0] * len(points)
        pairs = zip(_values(points[name]), errors, strict=True)
        columns.append([_cell(value, error, digits) for value, error in pairs])
    return [list(row) for row in zip(*columns, strict=True)]


def _cell(value: Any, error: float, digits: int) -> str:
    if value is None:
        return ""
    if not isinstance(value, float):
        return str(value)
    if math.isinf(error):
        return f"{value:.3g} +- inf"
    return number(value, error if error > 0.0 else 0.0, digits)
