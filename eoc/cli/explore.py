"""``eoc explore``: a page with sliders, in one file."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from eoc.cli.common import check_file, find_activation
from eoc.cli.progress import progress
from eoc.cli.tables import console, print_next
from eoc.cli.words import command_line
from eoc.files import replacing
from eoc.reports.writing import print_headline

__all__ = ["command"]


def command(
    activations: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ACTIVATION...]",
            help="At most 12 names, formulas or Python functions, as for eoc init. (default tanh relu gelu)",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="The page to write (.html).")] = Path("explorer.html"),
    show: Annotated[bool, typer.Option("--show", help="Open it in the browser.")] = False,
) -> None:
    """Write a page to explore with sliders: phase diagram, maps, correlations, gradients and a random network.

    It is one file that works from disk, without Python and without a network connection.
    """
    from eoc.explorer import explorer_page
    from eoc.explorer.page import DEFAULT

    check_file(out, "the page", ("html",))
    names = activations or list(DEFAULT)
    report = progress()
    report.expect("activations")
    page = explorer_page([find_activation(name) for name in names], report)
    with replacing(out, "the page") as part:
        part.write_text(page, encoding="utf-8")
    text = console()
    print_headline(text, f"open {out} in a browser: it has sliders for {', '.join(names)}.")
    print_next(text, command_line("init", names[0]), "gives the place to start from as numbers")
    if show:
        webbrowser.open(out.resolve().as_uri())
