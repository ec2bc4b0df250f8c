"""``eoc verify``: theory beside simulation, one check a line."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eoc.cli.common import AsJson, NetworkName, Plot, find_block
from eoc.cli.exit_codes import ExitCode
from eoc.cli.sampling import Seed, SigmaB, Workers, show, threads
from eoc.cli.tables import console, print_next
from eoc.cli.words import command_line
from eoc.reports.writing import NARROW, number, print_paragraph, print_table, print_title

if TYPE_CHECKING:
    from rich.console import Console

    from eoc.montecarlo.experiments.network_checks import VerifiedNetwork
    from eoc.montecarlo.experiments.verification import Check, Verification, VerifiedPoint

__all__ = ["command"]


def command(
    activation: NetworkName,
    sigma_w: Annotated[
        float | None,
        typer.Option(
            help="Std of the weights times sqrt(fan_in); left out: on the edge of chaos, or where variances stay. Of a "
            "network, of its free dense.",
            show_default=False,
        ),
    ] = None,
    sigma_b: SigmaB = None,
    q: Annotated[
        float | None, typer.Option(help="Variance of the first layer's units; left out: what layers keep.")
    ] = None,
    depth: Annotated[int | None, typer.Option(help="Of a network: how many blocks. (default 8)")] = None,
    width: Annotated[
        int | None, typer.Option(help="Of a network: units where there are weight matrices, 16 to 10000. (default 400)")
    ] = None,
    networks: Annotated[int | None, typer.Option(help="Of a network: how many random ones. (default 64)")] = None,
    seed: Seed = 0,
    workers: Workers = None,
    plot: Plot = None,
    as_json: AsJson = False,
) -> None:
    """Compare what theory says of an activation, or of a network, with simulations: PASS or FAIL.

    Of an activation: maps with plain Gaussian sampling, chi_1 with gradients through real weight matrices, variances,
    kurtosis and correlations with random networks. Of a network: variances, correlation and gradients of two inputs in
    wide networks, and in networks with real weight matrices. A check passes if |z| <= 4. Exit code 1 if one fails.
    Half a minute to two minutes, by the number of cores; of tokens, batches and positions as many times as there are
    pairs of them.
    """
    from eoc.montecarlo import verify

    given: dict[str, Any] = {"q": q, "depth": depth, "width": width, "networks": networks, "seed": seed}
    source = find_block(activation)
    found = verify(source, sigma_w, sigma_b, **given, **threads(workers, "checks", "verify", activation=source))
    show(found, partial(_print, activation), "verification_figure", plot, as_json)
    if found.failed:
        raise typer.Exit(ExitCode.FAILED)


def _print(source: str, found: Verification) -> None:
    from eoc.layers import Network

    out, place = console(), found.place
    _print_verdict(out, found)
    print_title(out, place.source)
    print_paragraph(out, "", f"{_where(place)}, seed {found.seed}: {place.why}", indent=2)
    _print_checks(out, found)
    for one in found.skipped:
        times = f", {one.groups} groups" if one.groups > 1 else ""
        print_paragraph(out, f"skipped ({one.kind}{times}): ", one.why, 7, "yellow", indent=2)
    if found.failed:
        again = command_line("verify", source, **place.options(), seed=found.seed + 1)
        print_next(out, again, "tells chance from a defect")
    elif isinstance(place.source, Network):
        at = {name: value for name, value in place.options().items() if name in ("sigma_w", "sigma_b", "q", "depth")}
        print_next(out, command_line("propagate", source, **at), "says what becomes of two inputs, block by block")
    else:
        print_next(out, command_line("init", source), "says how to initialise a network with it")


def _where(place: VerifiedPoint | VerifiedNetwork) -> str:
    """For example "sigma_w = 1.2, sigma_b = 0.1, q = 1"."""
    return ", ".join(f"{name} = {number(float(value))}" for name, value in place.options().items() if value is not None)


def _print_verdict(out: Console, found: Verification) -> None:
    worst, count = max(abs(check.comparison.z) for check in found.checks), len(found.checks)
    groups = sum(one.groups for one in found.skipped)
    left = f"; SKIPPED groups of checks: {groups}" if groups else ""
    text = f"largest |z| = {worst:.1f}, rms z = {found.rms_z:.2f}{left}"
    if found.failed:
        print_paragraph(out, "FAIL: ", f"{len(found.failed)} of {count} checks disagree; {text}", 4, "bold red")
    else:
        which = f"the {count} checks that could be made" if groups else f"all {count} checks"
        print_paragraph(out, "PASS: ", f"theory and simulation agree in {which}; {text}", 4, "bold green")


def _print_checks(out: Console, found: Verification) -> None:
    def rows(digits: int) -> list[list[str]]:
        shown = min(digits, 5)
        return [_row(check, shown) for check in found.checks]

    print_table(out, ("check", "l", "theory", "measured", "+-", "z", ""), rows, most=NARROW)


def _row(check: Check, digits: int) -> list[str]:
    one = check.comparison
    error = math.hypot(one.standard_error, one.truncation)
    layer = "" if one.layer is None else str(one.layer)
    return [
        one.quantity,
        layer,
        f"{one.theory:.{digits}g}",
        f"{one.measured:.{digits}g}",
        f"{error:.1g}",
        f"{one.z:.1f}",
        "PASS" if one.agrees else "[bold red]FAIL[/]",
    ]
