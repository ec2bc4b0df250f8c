"""What ``eoc sweep show --failed`` prints: each kind of error, and where it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eoc.cli.tables import console, print_paragraph
from eoc.cli.words import parameters_in_words
from eoc.sweeps.selection import failures_of, parameters_at

if TYPE_CHECKING:
    import xarray

__all__ = ["print_failed"]

_FEW = 3  # points of an error that are named unless somebody asks for more
_MOST = 40  # points that are named


def print_failed(sweep: xarray.Dataset, rows: int | None) -> None:
    """The errors, those that differ by numbers only once, with the first of their points, in all at most ``rows``."""
    out, found, left = console(), failures_of(sweep), rows or _MOST
    for one in found:
        if not left:
            print_paragraph(out, "", f"and other errors: --rows {2 * (rows or _MOST)}")
            break
        count = len(one.places)
        points = "1 point" if count == 1 else f"{count} points"
        print_paragraph(out, f"{points}: ", one.error, len(points), indent=2)
        named = one.places[: min(left, _FEW if rows is None else left)]
        left -= len(named)
        for place in named:
            print_paragraph(out, "  at ", parameters_in_words(parameters_at(sweep, place)))
        if count > len(named):
            print_paragraph(out, "  ", f"and {count - len(named)} more: --rows {count}")
    if not found:
        out.print("no point failed")
