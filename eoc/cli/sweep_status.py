"""How far a sweep is, its runs, and what failed: what ``eoc sweep status`` and ``eoc sweep show --failed`` print."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eoc.cli.tables import console, print_next
from eoc.cli.words import duration, parameters_in_words, values_in_words
from eoc.reports.writing import NARROW, print_paragraph, print_table
from eoc.sweeps.selection import constants_of, counts, failures_of, parameters_along, parameters_at

if TYPE_CHECKING:
    import xarray
    from rich.console import Console

__all__ = ["failures", "print_failed", "print_failures", "print_status", "status_payload"]

_SHOWN = 5  # kinds of errors
_FEW = 3  # points of an error that are named unless somebody asks for more
_MOST = 40  # points that are named


def failures(sweep: xarray.Dataset) -> list[dict[str, Any]]:
    """The kinds of errors for JSON: one of each, at how many points, and the parameters of the first."""
    return [
        {"error": one.error, "points": len(one.places), "first": parameters_at(sweep, one.places[0])}
        for one in failures_of(sweep)
    ]


def status_payload(store: Path, sweep: xarray.Dataset) -> dict[str, Any]:
    """How far a sweep is, its runs and what failed, for JSON."""
    seconds = _seconds(sweep)
    return {
        "store": store,
        "title": sweep.attrs.get("title", ""),
        "task": sweep.attrs.get("task", ""),
        "points": sweep["status"].size,
        **counts(sweep),
        "axes": {str(dim): _along(sweep, str(dim)) for dim in sweep["status"].dims},
        "constants": constants_of(sweep),
        "seconds": {"median": float(np.median(seconds)), "slowest": float(seconds.max())} if seconds.size else None,
        "errors": failures(sweep),
        "created": sweep.attrs.get("created", ""),
        "runs": _runs(sweep),
        "config": json.loads(sweep.attrs.get("config", "{}")),
    }


def print_status(store: Path, sweep: xarray.Dataset) -> None:
    """How far it is, axis by axis, run by run."""
    out, number_of, total = console(), counts(sweep), sweep["status"].size
    print_paragraph(out, f"{store}: ", str(sweep.attrs.get("title", "")), len(str(store)), indent=2)
    parts = [f"{number_of['done']} of {total} points are done ({100.0 * number_of['done'] / total:.3g} %)"]
    parts += [f"{number_of[name]} {name}" for name in ("failed", "pending") if number_of[name]]
    out.print(", ".join(parts))
    seconds = _seconds(sweep)
    if seconds.size:
        slowest = duration(float(seconds.max()))
        out.print(f"a point took {duration(float(np.median(seconds)))} (median), at most {slowest}")
    print_failures(out, failures(sweep))
    out.print()
    for dim in map(str, sweep["status"].dims):
        for name, values in _along(sweep, dim).items():
            print_paragraph(out, f"{name}: ", values_in_words(values), len(name), indent=2)
    for name, value in constants_of(sweep).items():
        print_paragraph(out, f"{name} = ", str(value), len(name), indent=2)
    _print_runs(out, sweep)
    print_next(out, shlex.join(["eoc", "sweep", "show", str(store)]), "looks at the results")


def print_failures(out: Console, found: Sequence[Mapping[str, Any]]) -> None:
    """The most frequent of :func:`failures`, and how to see the others."""
    for one in found[:_SHOWN]:
        where = parameters_in_words(one["first"])
        times = f"{one['points']} x " if one["points"] > 1 else ""
        print_paragraph(out, f"  failed: {times}", one["error"] + (f" (at {where})" if where else ""), indent=4)
    if len(found) > _SHOWN:
        out.print(f"  and {len(found) - _SHOWN} other errors: eoc sweep show --failed")


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


def _seconds(sweep: xarray.Dataset) -> Any:
    """What finished points took, in any order."""
    values = np.asarray(sweep["seconds"].values)
    return values[np.isfinite(values)]


def _along(sweep: xarray.Dataset, dim: str) -> dict[str, list[Any]]:
    return {name: sweep[name].values.tolist() for name in parameters_along(sweep, dim)}


def _runs(sweep: xarray.Dataset) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(sweep.attrs.get("runs", "[]"))
    return found


def _print_runs(out: Console, sweep: xarray.Dataset) -> None:
    """When and where; a run without an end is under way, or was killed."""
    found = _runs(sweep)

    def rows(digits: int) -> list[list[str]]:
        return [
            [
                str(run.get("began", "")),
                str(run.get("host", "")),
                str(run.get("engine", "")),
                str(run.get("workers", "")),
                str(run.get("points", "")),
                duration(float(run["seconds"])) if "seconds" in run else "not ended",
            ]
            for run in found
        ]

    if found:
        out.print()
        print_table(out, ("run began", "on", "by", "workers", "points", "time"), rows, most=NARROW)
