"""``eoc activations``: the named activations."""

from __future__ import annotations

from eoc.cli.common import AsJson, console, print_json, table

__all__ = ["command"]


def command(as_json: AsJson = False) -> None:
    """List the named activations with formula, class and parameters."""
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
    listing = table("name", "class", "parameters", "formula")
    for column in listing.columns:
        column.justify = "left"
    listing.columns[-1].no_wrap = False
    for a in found:
        listing.add_row(a.name, str(a.smoothness), ", ".join(f"{k}={v}" for k, v in a.parameters.items()), a.formula)
    out.print(listing)
