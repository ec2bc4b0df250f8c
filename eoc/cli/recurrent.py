"""``eoc recurrent``: what a recurrent cell settles at, how long it remembers, and real cells beside it."""

from __future__ import annotations

import math
import shlex
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eoc.cli.common import AsJson, print_json
from eoc.cli.sampling import Seed
from eoc.cli.tables import console, print_next
from eoc.cli.words import parameters_in_words
from eoc.errors import EocError
from eoc.reports.writing import number, print_headline, print_paragraph, print_table

if TYPE_CHECKING:
    from rich.console import Console

    from eoc.montecarlo import RecurrentSample
    from eoc.recurrence import Recurrent

__all__ = ["command"]


def command(
    cell: Annotated[
        str,
        typer.Argument(
            metavar="CELL",
            help='rnn, minimalrnn, gru or lstm, perhaps with numbers: "gru(sigma_w=2, sigma_v=1, mu_u=1)".',
        ),
    ],
    activation: Annotated[str | None, typer.Option(help="Of an rnn; tanh if left out.")] = None,
    critical: Annotated[
        str | None, typer.Option(metavar="NAME", help="Also for which values of this number chi is 1, or --chi.")
    ] = None,
    chi: Annotated[float, typer.Option(help="For --critical: exp(-1/xi) for a memory of xi steps.")] = 1.0,
    sample: Annotated[
        str | None, typer.Option(help="Also real cells: with tied weights, the same at every step, or fresh ones.")
    ] = None,
    width: Annotated[int, typer.Option(help="Units of those cells.")] = 256,
    networks: Annotated[int, typer.Option(help="How many there are.")] = 16,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Print what a recurrent cell settles at: variances, correlation, growth of gradients, and how long it remembers.

    Theory takes fresh weights at every step. With --sample real cells are beside it, and the first line says so where
    they differ.
    """
    from eoc.montecarlo import recurrent_networks
    from eoc.recurrence import critical_recurrent, recurrent

    if sample not in (None, "tied", "fresh"):
        raise EocError(f"--sample takes tied or fresh, got {sample!r}")
    found = recurrent(cell, activation=activation)
    roots = None if critical is None else critical_recurrent(cell, critical, chi=chi, activation=activation)
    options: dict[str, Any] = {"width": width, "networks": networks, "seed": seed, "activation": activation}
    seen = None if sample is None else recurrent_networks(cell, tied=sample == "tied", **options)
    if as_json:
        values = None if roots is None or critical is None else [one.numbers[critical] for one in roots]
        print_json({**found.to_dict(), "critical": values, "sample": None if seen is None else seen.to_dict()})
        return
    out = console()
    _print(out, found, seen)
    if critical is not None and roots is not None:
        at = " and ".join(f"{one.numbers[critical]:.8g}" for one in roots) or "nowhere that was looked at"
        print_paragraph(out, "critical: ", f"chi = {chi:.6g} at {critical} = {at}", 9)
    typed = f"eoc recurrent {shlex.quote(cell)}" + (f" --activation {shlex.quote(activation)}" if activation else "")
    if seen is None:
        print_next(out, f"{typed} --sample tied", "adds real cells, with the same weights at every step")
    else:
        print_next(out, f"{typed} --critical {_first(found)}", "adds for which of these gradients keep their size")


def _first(found: Recurrent) -> str:
    """The number that decides for how long a cell remembers."""
    return next(name for name in ("mu_f", "mu_u", "mu", "sigma_w") if name in found.numbers)


def _print(out: Console, found: Recurrent, seen: RecurrentSample | None) -> None:
    print_headline(out, f"{found.verdict if seen is None or seen.agrees else seen.verdict}.")
    of = f" of {found.activation}" if found.activation else ""
    numbers = {name: f"{value:.10g}" for name, value in found.numbers.items()}
    print_paragraph(out, f"{found.cell}{of}: ", parameters_in_words(numbers), len(found.cell))
    print_table(out, ("", "fresh weights at every step"), lambda digits: _rows(found, digits))
    if found.tied_is_exact:
        print_paragraph(out, "", "With the same weights at every step it is the same.")
    if seen is None:
        return
    from rich.markup import escape

    kind = "the same weights at every step" if seen.tied else "fresh weights"
    print_paragraph(
        out, "sample: ", f"{seen.networks} of {seen.width} units, {kind}, {seen.steps} steps, seed {seen.seed}", 6
    )
    print_table(
        out,
        ("", "theory", "measured", "+-", "z"),
        lambda digits: [
            [
                escape(one.quantity),
                f"{one.theory:.5g}",
                f"{one.measured:.5g}",
                f"{one.standard_error:.1g}",
                f"{one.z:.1f}",
            ]
            for one in seen.comparisons
        ],
    )


def _rows(found: Recurrent, digits: int) -> list[list[str]]:
    from rich.markup import escape

    names = {"rnn": ("variance of pre-activations", "E[h^2]"), "lstm": ("E[c^2] of the cell", "E[h^2]")}
    first, second = names.get(found.cell, ("E[h^2]", ""))
    rows = [
        (first, found.q, found.q_error),
        (second, found.hidden, found.hidden_error),
        ("E[c^4] of the cell", found.fourth, found.fourth_error),
        ("chi, of squared gradients a step", found.chi, found.chi_error),
        ("xi_grad, steps", found.xi_grad, found.xi_grad_error),
        ("c*, of two input sequences", found.c_star, found.c_star_error),
        ("slope at c*", found.slope, found.slope_error),
        ("xi_c, steps", found.xi_c, found.xi_c_error),
    ]
    return [
        [escape(name), number(value, error, digits)] for name, value, error in rows if name and not math.isnan(value)
    ]
