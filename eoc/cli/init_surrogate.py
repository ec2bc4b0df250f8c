"""``eoc init`` where gradients see the slope of a surrogate: every sigma_w at which they keep their size."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import typer

from eoc.cli.common import print_json
from eoc.cli.exit_codes import ExitCode
from eoc.cli.tables import console, print_next
from eoc.cli.words import command_line
from eoc.reports.writing import number, print_headline, print_paragraph, print_table, print_title

if TYPE_CHECKING:
    from eoc.activations import Activation
    from eoc.criticality import GradientCritical
    from eoc.layers import Network
    from eoc.phase import Phase

__all__ = ["init_surrogate"]

_MEANING = (
    "sigma_w: gain, weights have std gain / sqrt(fan_in); q: variance of the pre-activations that layers keep; c*: "
    "correlation at which two inputs end, by the activation itself; xi_c: layers in which they come e closer to it"
)


def init_surrogate(
    source: str, block: Activation | Network, sigma_b: float, backward: str | None, *, as_json: bool
) -> None:
    """Print the places that keep gradients, and where correlations end there.

    Raises
    ------
    typer.Exit
        With the code of "no point" where there is none.
    """
    from eoc.criticality import gradient_critical
    from eoc.phase import phase_of

    points = gradient_critical(block, sigma_b=sigma_b, backward=backward)
    stable = [p for p in points if p.stability == "stable"]
    found = {p: phase_of(block, p.sigma_w, p.sigma_b, p.q, backward=backward) for p in stable}
    if as_json:
        places = [dataclasses.asdict(p) for p in points]
        phases = [p.to_dict() for p in found.values()]
        print_json({**block.to_dict(), "backward": backward, "points": places, "phases": phases})
    else:
        _print(source, block, sigma_b, backward, points, found)
    if not found:
        raise typer.Exit(ExitCode.NO_POINT)


def _print(
    source: str,
    block: Activation | Network,
    sigma_b: float,
    backward: str | None,
    points: tuple[GradientCritical, ...],
    found: dict[GradientCritical, Phase],
) -> None:
    out = console()
    if found:
        gains = " or ".join(f"sigma_w = {p.sigma_w:.6g}" for p in found)
        print_headline(out, f"gradients keep their size with {gains}.")
    else:
        problem = "variances do not stay where gradients keep their size" if points else "no sigma_w keeps gradients"
        print_paragraph(out, "no usable point: ", f"{problem} at sigma_b = {sigma_b:g}.", 15, "yellow", indent=2)
    print_title(out, block)
    if backward is not None:
        print_paragraph(out, "", f"gradients see the slope of {backward}", indent=2)
    if points:
        print_table(
            out,
            ("sigma_w", "sigma_b", "q", "F'(q)", "", "chi_1", "c*", "xi_c"),
            lambda digits: [_cells(p, found.get(p), digits) for p in points],
            dim=[i for i, p in enumerate(points) if p not in found],
        )
        print_paragraph(out, "", _MEANING)
    for at in list(found)[:1]:
        phase = command_line("phase", source, sigma_w=at.sigma_w, sigma_b=at.sigma_b, backward=backward)
        print_next(out, phase, "says what depth does there")


def _cells(p: GradientCritical, at: Phase | None, digits: int) -> tuple[str, ...]:
    c_star, xi_c = ("", "") if at is None else (number(at.c_star, at.c_star_error, digits), f"{at.xi_c:.4g}")
    return (
        number(p.sigma_w, p.sigma_w_error, digits),
        f"{p.sigma_b:g}",
        number(p.q, p.q_error, digits),
        number(p.slope, p.slope_error, min(digits, 7)),
        p.stability,
        number(p.chi_1, 0.0, min(digits, 7)),
        c_star,
        xi_c,
    )
