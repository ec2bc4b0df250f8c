"""``eoc compare``: the usual initialisations beside the recommended one."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING, Annotated

import typer

from eoc.cli.common import AsJson, Depth, Name, Plot, find_activation, print_json, save_picture
from eoc.cli.progress import progress
from eoc.cli.tables import console, print_next
from eoc.cli.words import command_line
from eoc.reports.writing import number, print_headline, print_paragraph, print_table

if TYPE_CHECKING:
    from rich.console import Console

    from eoc.activations import Activation
    from eoc.comparison import Comparison, Start

__all__ = ["command"]

_DIGITS = 4


def command(
    activation: Name,
    with_: Annotated[
        str,
        typer.Option(
            "--with", metavar="NAMES", help="kaiming, xavier, lecun, torch, keras, separated by commas; or all."
        ),
    ] = "all",
    depth: Depth = None,
    width: Annotated[int, typer.Option(help="Inputs and outputs of a layer, on which torch's biases depend.")] = 256,
    plot: Plot = None,
    as_json: AsJson = False,
) -> None:
    """Compare the initialisations that people use, as frameworks really draw them, with the one that eoc recommends.

    Two inputs of correlation 0.3 and the gradient are followed through all layers.
    """
    from eoc.comparison import compare

    report = progress()
    report.expect("layers")
    phi = find_activation(activation)
    found = compare(phi, with_, depth=depth, width=width, progress=report)
    if as_json:
        print_json(found.to_dict())
    else:
        _print(found, phi, activation)
    if plot is not None:
        from eoc.plotting import comparison_figure

        save_picture(comparison_figure(found), plot)


def _print(found: Comparison, phi: Activation, source: str) -> None:
    from eoc.shaping import can_be_shaped

    out = console()
    print_headline(out, found.answer)
    print_table(
        out,
        ("from", "sigma_w", "sigma_b", "q", "chi_1", "gradient", "1 - c", "phase", "what happens"),
        lambda digits: [_cells(row, min(digits, _DIGITS)) for row in found.rows],
        bold=[i for i, row in enumerate(found.rows) if row.trains],
        words=2,
    )
    _legend(out, found)
    print_paragraph(out, "", f"{found.advice}.", indent=2)
    place = found.recommendation
    if place is not None and not place.trains and can_be_shaped(phi, found.depth):
        again = command_line("shape", source, depth=found.depth)
        print_next(out, again, "changes the activation so that such a network trains")
    elif place is not None:
        code = command_line("init", source, depth=found.depth, framework="torch")
        print_next(out, code, "prints the code for the row of eoc")
    else:
        print_next(out, command_line("init", source), "says why there is no row of eoc")


def _cells(row: Start, digits: int) -> tuple[str, ...]:
    values = (row.sigma_w, row.sigma_b, row.q, row.chi_1, row.gradient_ratio, row.one_minus_c)
    return (row.name, *("-" if isnan(v) else number(v, digits=digits) for v in values), row.phase, row.word)


def _legend(out: Console, found: Comparison) -> None:
    """How each is drawn, and what the columns are."""
    from eoc.recommendation import C0

    longest = max(len(row.name) for row in found.rows)
    for row in found.rows:
        print_paragraph(out, f"{row.name:{longest}}  ", f"{row.drawn}: gain {row.gain}", indent=longest + 2)
    print_paragraph(
        out,
        "",
        f"weights have the std sigma_w / sqrt(fan_in), so sigma_w is the gain. q: variance of pre-activations in layer "
        f"{found.depth}; chi_1: what that layer multiplies gradients by; gradient: its second moment in the first "
        f"layer over that in the last; 1 - c: of two inputs that begin with variance 1 (eoc: its q) and c = {C0:g}",
    )
