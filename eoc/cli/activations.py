"""``eoc activations``: the named activations."""

from __future__ import annotations

from eoc.cli.common import AsJson, print_json
from eoc.cli.tables import console, print_next
from eoc.reports.writing import new_table, print_headline

__all__ = ["command"]


def command(as_json: AsJson = False) -> None:
    """List the named activations with class, formula and parameters."""
    from rich.markup import escape

    from eoc.activations import activation, names

    found = [activation(name) for name in names()]
    if as_json:
        rows = [
            {"name": a.name, "formula": a.formula, "class": str(a.smoothness), "parameters": dict(a.parameters)}
            for a in found
        ]
        print_json({"activations": rows})
        return
    out = console()
    listing = new_table(out, ("name", "class", "formula", "parameters"))
    for i, column in enumerate(listing.columns):
        column.justify = "left"
        column.no_wrap = i < 2
    for a in found:
        parameters = ", ".join(f"{k}={_short(v)}" for k, v in a.parameters.items())
        listing.add_row(a.name, str(a.smoothness), escape(a.formula), escape(parameters))
    print_headline(out, f"{len(found)} activations have names; formulas in x and Python functions are understood, too.")
    out.print(listing)
    print_next(out, "eoc init gelu", "says how to initialise a network, with any of them")


def _short(value: object) -> str:
    if isinstance(value, tuple | list):
        return f"({', '.join(map(_short, value))}{',' if len(value) == 1 else ''})"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
