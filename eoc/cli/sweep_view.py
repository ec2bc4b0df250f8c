"""``eoc sweep status``, ``show``, ``plot`` and ``export``: looking at a sweep, finished or under way."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eoc.cli.command_wrapper import results
from eoc.cli.common import AsJson, check_file, check_picture, print_json, save_picture
from eoc.cli.tables import console, print_next
from eoc.errors import EocError
from eoc.files import resolved

if TYPE_CHECKING:
    import xarray

    from eoc.plotting.quantity import LeftOverError

__all__ = ["Store", "export", "plot", "show", "status"]

Store = Annotated[Path, typer.Argument(metavar="STORE", help="What eoc sweep run has written.", show_default=False)]
At = Annotated[
    list[str] | None,
    typer.Option(
        "--at",
        metavar="NAME=VALUE",
        help="Take only points with this value, as activation=tanh, or one value along outputs, as layer=10. "
        "Repeat it for more names, or for more values of one.",
        show_default=False,
    ),
]
Columns = Annotated[
    str | None, typer.Option(metavar="NAME,NAME", help="Which outputs, separated by commas.", show_default=False)
]
_ENDINGS = {"csv": ("csv",), "parquet": ("parquet",), "netcdf": ("nc", "nc4")}
_SUFFIXES = ", ".join(f".{ending}" for endings in _ENDINGS.values() for ending in endings)
_ROWS = 40


def status(store: Store, as_json: AsJson = False) -> None:
    """Say how far a sweep is: points done, failed and pending, its runs, times and errors.

    It works while the sweep runs: eoc sweep status sweep.zarr
    """
    from eoc.cli.sweep_status import print_status, status_payload

    sweep = _opened(store, ("error", "seconds"))
    if as_json:
        print_json(status_payload(store, sweep))
    else:
        print_status(store, sweep)


def show(
    store: Store,
    columns: Columns = None,
    at: At = None,
    rows: Annotated[
        int | None, typer.Option(min=1, help="How many.", show_default=f"{_ROWS}, or all with --json")
    ] = None,
    failed: Annotated[bool, typer.Option("--failed", help="The points that failed, and why.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print the results as a table, a row for each point, with the digits that mean something.

    Where outputs run along one dimension of their own, such as layers, a row for each of its values. For example:
    eoc sweep show sweep.zarr --at activation=tanh --columns q,xi_c
    """
    from eoc.cli.sweep_status import print_failed
    from eoc.cli.sweep_table import print_shown, shown_of, shown_payload

    if failed and columns is not None:
        raise EocError("points that failed have no outputs: give --failed or --columns, not both")
    part = _part(store, at)
    if failed and not as_json:
        print_failed(part, rows)
        return
    shown = shown_of(part, _names(columns), failed)
    if as_json:
        print_json(shown_payload(shown, rows))
    else:
        print_shown(shown, _ROWS if rows is None else rows)
        export = ["eoc", "sweep", "export", str(store), f"{store.stem}.csv"]
        print_next(console(), shlex.join(export), "writes all of it to a file")


def plot(
    store: Store,
    x: Annotated[str, typer.Option(help="A parameter, or an output.", show_default=False)],
    y: Annotated[
        list[str],
        typer.Option(
            metavar="TEXT",
            help="An output; with --color another parameter. Repeat it to compare outputs, as with their theory.",
            show_default=False,
        ),
    ],
    line: Annotated[
        str | None, typer.Option(help="A parameter: a line for each of its values.", show_default=False)
    ] = None,
    color: Annotated[
        str | None, typer.Option(help="An output: a map of it over the parameters x and y.", show_default=False)
    ] = None,
    at: At = None,
    log: Annotated[
        str, typer.Option(metavar="x|y|xy|...", help="Logarithmic scales: the letters x, y, c (colour).")
    ] = "",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "--plot",
            help="Where to (.png, .pdf, .svg).",
            show_default="STORE-Y.png in the current folder",
        ),
    ] = None,
) -> None:
    """Draw one quantity against another, a line for each value of a third, or a map over two.

    For example: eoc sweep plot sweep.zarr --x sigma_b --y xi_c --line activation --log y, or eoc sweep plot sweep.zarr
    --x sigma_b --y sigma_w --color phase. Errors are drawn where they can be seen.
    """
    path = Path(f"{resolved(store).stem}-{color or y[0]}.png") if output is None else output
    check_picture(path)
    from eoc.cli.words import points_are
    from eoc.plotting import sweep_figure
    from eoc.plotting.quantity import LeftOverError
    from eoc.sweeps.selection import counts

    part = _part(store, at)
    try:
        figure = sweep_figure(part, x, y, line=line, color=color, log=log)
    except LeftOverError as error:
        raise EocError(_left_over(error)) from None
    save_picture(figure, path)
    left = {name: count for name, count in counts(part).items() if name != "done" and count}
    notes = ", ".join(f"{points_are(count, name)} not drawn" for name, count in left.items())
    print(f"{path} ({notes})" if notes else path, file=results())


def _left_over(error: LeftOverError) -> str:
    """What to do about dimensions that are left, in options."""
    from eoc.cli.words import options_at

    ways = [options_at(error.values)]
    if error.line is not None:
        others = {name: value for name, value in error.values.items() if name != error.line}
        ways.append(f"a line for each: --line {error.line} {options_at(others)}".rstrip())
    if error.map is not None:
        x, y, color = error.map
        ways.append(f"a map: --x {x} --y {y} --color {color}")
    return f"{error.problem}; take one value of each: {', or '.join(ways)}"


def export(
    store: Store,
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]", help="Where to: .csv, .parquet or .nc, of which its name says one.", show_default=False
        ),
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="A table (.csv).", show_default=False)] = None,
    parquet: Annotated[Path | None, typer.Option(help="The same table (.parquet).", show_default=False)] = None,
    netcdf: Annotated[Path | None, typer.Option(help="The labelled data set (.nc).", show_default=False)] = None,
    columns: Columns = None,
    at: At = None,
) -> None:
    """Write the results for other programs, with all digits.

    A table has a row for each point that is not pending, and for each layer or other dimension that outputs have. For
    example: eoc sweep export sweep.zarr sweep.csv, or several at once: --csv sweep.csv --netcdf sweep.nc
    """
    files = [("csv", csv), ("parquet", parquet), ("netcdf", netcdf), (_form_of(file), file)]
    wanted = [(form, path) for form, path in files if path is not None]
    if not wanted:
        raise EocError(f"say where to write: eoc sweep export {store} FILE, with a name in {_SUFFIXES}")
    from eoc.cli.words import points_are
    from eoc.sweeps.export import check_library, export_sweep
    from eoc.sweeps.selection import counts

    for form, path in wanted:
        check_file(path, "the sweep", _ENDINGS[form])
        check_library(form)
    part = _part(store, at)
    pending = counts(part)["pending"]
    for form, path in wanted:
        notes = ["replaced"] if path.exists() else []
        export_sweep(part, path, form, _names(columns))
        if pending:
            notes.append(f"{points_are(pending, 'pending')} {'empty' if form == 'netcdf' else 'left out'}")
        print(f"{path} ({', '.join(notes)})" if notes else path, file=results())


def _form_of(file: Path | None) -> str:
    """The format that the name of a file says."""
    for form, endings in _ENDINGS.items():
        if file is not None and file.suffix[1:].lower() in endings:
            return form
    if file is not None:
        raise EocError(f"cannot write the sweep to {file}: its name must end in {_SUFFIXES}")
    return ""


def _opened(store: Path, variables: Sequence[str] | None = None) -> xarray.Dataset:
    from eoc.sweeps.store.reading import open_sweep

    if store.is_file() and store.suffix in (".yaml", ".yml"):
        raise EocError(f"{store} is a configuration: give the store that eoc sweep run makes of it, {store.stem}.zarr")
    return open_sweep(store, variables)


def _part(store: Path, at: list[str] | None) -> xarray.Dataset:
    from eoc.sweeps.selection import points_at

    wanted: dict[str, list[str]] = {}
    for text in at or ():
        name, equals, value = text.partition("=")
        if not (name.strip() and equals and value.strip()):
            raise EocError(f"--at takes NAME=VALUE, as activation=tanh, got {text!r}")
        wanted.setdefault(name.strip(), []).append(value.strip())
    return points_at(_opened(store), wanted)


def _names(columns: str | None) -> list[str] | None:
    return None if columns is None else [name.strip() for name in columns.split(",") if name.strip()]
