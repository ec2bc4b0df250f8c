"""``eoc recurrent``: what a recurrent cell settles at, how long it remembers, and real cells beside it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eoc.cli.common import AsJson, print_json
from eoc.cli.sampling import Seed
from eoc.cli.tables import console, print_next
from eoc.errors import EocError
from eoc.reports.recurrent import write_recurrent, write_recurrent_sample
from eoc.reports.writing import print_paragraph

if TYPE_CHECKING:
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
    if seen is None:
        write_recurrent(out, found)
    else:
        write_recurrent_sample(out, seen)
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
