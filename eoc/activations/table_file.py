"""Activations from tables of (x, phi) pairs in files, joined by straight lines."""

from __future__ import annotations

import csv
import math
import re
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

from eoc.activations.base import Activation
from eoc.activations.named import spline
from eoc.errors import EocError

__all__ = ["from_table", "is_table"]

_DELIMITERS = (",", ";", "\t")
_MOST_ROWS = 2000
_NAME = re.compile(r"[^,()]+\.csv", re.IGNORECASE)

_Row = tuple[int, list[str]]  # its line and its cells


def is_table(text: str) -> bool:
    """Whether a text names a file with a table.

    Examples
    --------
    >>> is_table("learned.csv"), is_table("tanh"), is_table("dense, learned.csv")
    (True, False, False)
    """
    return _NAME.fullmatch(text.strip()) is not None


def from_table(text: str, folder: str = "") -> Activation:
    """The linear spline through the points of a file, two columns of numbers, x and phi(x).

    Parameters
    ----------
    text
        The file: cells separated by commas, semicolons or tabs; a first row of words is a header; empty lines and lines
        that begin with # do not count.
    folder
        What a relative path starts from; "" is the current folder.

    Returns
    -------
    Activation
        An :func:`eoc.spline` with the name of the file: left and right of all points it goes on with the slopes of the
        first and the last segment. It can be pickled, and does not read the file again.

    Raises
    ------
    EocError
        With file, line and column, for what is no number, a row of another length, x that do not increase, fewer than
        two rows or more than 2000.
    """
    name = text.strip()
    rows = _read(name, folder)
    points = [(line, *_numbers(cells, f"{name}, line {line}")) for line, cells in rows]
    if len(points) < 2:
        found = "one row" if points else "no rows"
        raise EocError(f"{name} has {found} of numbers: straight lines need two points or more")
    if len(points) > _MOST_ROWS:
        raise EocError(f"{name} has {len(points)} rows; at most {_MOST_ROWS} are possible: leave out some")
    for (before, left, _), (line, x, _) in pairwise(points):
        if x == left:
            raise EocError(f"{name}, line {line}, column 1: x = {x:g} is there twice, in line {before} already")
        if x < left:
            raise EocError(f"{name}, line {line}, column 1: x = {x:g} comes after {left:g}: sort the rows by x")
    return _joined(name, tuple(x for _, x, _ in points), tuple(y for _, _, y in points))


def _joined(name: str, knots: tuple[float, ...], values: tuple[float, ...]) -> Activation:
    try:
        made = spline(knots, values=values)
    except EocError as error:
        raise EocError(f"{name}: {error}") from None
    return replace(made, name=name, remake=partial(_joined, name, knots, values))


def _read(name: str, folder: str) -> list[_Row]:
    """The rows without a header, empty lines and comments."""
    try:
        text = (Path(folder) / Path(name).expanduser()).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise EocError(f"there is no file {name}" + (f" in {folder}" if folder else "")) from None
    except (OSError, UnicodeDecodeError) as error:
        raise EocError(f"{name} cannot be read: {error}") from None
    lines = [(i, line) for i, line in enumerate(text.splitlines(), 1) if line.strip() and line.lstrip()[0] != "#"]
    delimiter = max(_DELIMITERS, key=lambda d: sum(d in line for _, line in lines))
    rows = [(i, next(csv.reader([line], delimiter=delimiter))) for i, line in lines]
    for line, cells in rows:
        if len(cells) != 2:
            raise EocError(f"{name}, line {line}: a row must have two columns, x and phi(x); got {len(cells)}")
    return rows[1:] if rows and not any(map(_is_number, rows[0][1])) else rows


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _numbers(cells: list[str], where: str) -> tuple[float, float]:
    for column, cell in enumerate(cells, 1):
        if not _is_number(cell):
            raise EocError(f"{where}, column {column}: {cell.strip()!r} is no number")
        if not math.isfinite(float(cell)):
            raise EocError(f"{where}, column {column}: {cell.strip()} is not finite: leave the row out")
    return float(cells[0]), float(cells[1])
