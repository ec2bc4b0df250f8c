"""``eoc verify``: theory beside simulation, one check a line."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from eoc.cli.common import AsJson, Name, Plot, find_activation, number
from eoc.cli.sampling import Seed, SigmaB, Workers, show, threads
from eoc.cli.tables import NARROW, console, print_next, print_paragraph, print_table, print_title
from eoc.cli.words import command_line

if TYPE_CHECKING:
    from rich.console import Console

    from eoc.montecarlo.experiments.verification import Check, Verification

__all__ = ["EXIT_FAILED", "command"]

EXIT_FAILED = 1


def command(
    activation: Name,
    sigma_w: Annotated[
        float | None,
        typer.Option(
            help="Std of the weights times sqrt(fan_in); left out: on the edge of chaos, or where variances stay.",
            show_default=False,
        ),
    ] = None,
    sigma_b: SigmaB = None,
    q: Annotated[
        float | None, typer.Option(help="Variance of the first layer's units; left out: what layers keep.")
    ] = None,
    seed: Seed = 0,
    workers: Workers = None,
    plot: Plot = None,
    as_json: AsJson = False,
) -> None:
    """Compare what theory says of an activation with simulations: PASS or FAIL.

    Maps with plain Gaussian sampling, chi_1 with gradients through real weight matrices, variances, kurtosis and
    correlations with random networks. A check passes if |z| <= 4. Exit code 1 if one fails. Half a minute to two
    minutes, by the number of cores.
    """
    from eoc.montecarlo import verify

    phi = find_activation(activation)
    found = verify(phi, sigma_w, sigma_b, q=q, seed=seed, **threads(workers, "checks", "verify"))
    show(found, partial(_print, activation), "verification_figure", plot, as_json)
    if found.failed:
        raise typer.Exit(EXIT_FAILED)


def _print(source: str, found: Verification) -> None:
    out, place, at = console(), found.place, found.place.variance
    _print_verdict(out, found)
    print_title(out, at.activation)
    sigmas = f"sigma_w = {number(at.sigma_w)}, sigma_b = {number(at.sigma_b)}"
    print_paragraph(out, "", f"{sigmas}, q = {number(place.q)}, seed {found.seed}: {place.why}", indent=2)
    _print_checks(out, found)
    for one in found.skipped:
        times = f", {one.groups} groups" if one.groups > 1 else ""
        print_paragraph(out, f"skipped ({one.kind}{times}): ", one.why, 7, "yellow", indent=2)
    if found.failed:
        again = command_line("verify", source, sigma_w=at.sigma_w, sigma_b=at.sigma_b, seed=found.seed + 1)
        print_next(out, again, "tells chance from a defect")
    else:
        print_next(out, command_line("init", source), "says how to initialise a network with it")


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
