"""``eoc phase``: what layers do to variances, correlations and gradients at one (sigma_w, sigma_b)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eoc.cli.common import AsJson, Backward, NetworkName, Plot, find_block, print_json, save_picture
from eoc.cli.tables import console, print_next
from eoc.cli.tokens import answer_tokens, check_unused
from eoc.cli.words import command_line
from eoc.errors import EocError
from eoc.reports.phase import write_phases

if TYPE_CHECKING:
    from rich.console import Console

    from eoc.phase import Phase

__all__ = ["command"]

_DISTANCES = (0.1, 0.01, 0.001)
_FORMATS = ("float32", "float64")


def command(
    activation: NetworkName,
    sigma_w: Annotated[
        float | None,
        typer.Option(help="Standard deviation of the weights times sqrt(fan_in); of a network, of its free dense."),
    ] = None,
    sigma_b: Annotated[float, typer.Option(help="Standard deviation of the biases.")] = 0.0,
    q: Annotated[
        float | None, typer.Option(help="Variance of the first layer: show only the phase in which it ends.")
    ] = None,
    backward: Backward = None,
    plot: Plot = None,
    as_json: AsJson = False,
) -> None:
    """Print the phase, its fixed points and depth scales, and when close inputs can no longer be told apart.

    With --backward gradients are those of a straight-through estimator, as of a sign with the slope of hardtanh.

    --plot draws the variance map, the correlation map and two inputs layer by layer.

    What the printed words mean: 'eoc explain xi_c', and so on.
    """
    from eoc.activations import Activation
    from eoc.operating_point import critical_point
    from eoc.phase import phase_of, phases

    phi, critical = find_block(activation), None
    if isinstance(phi, Activation):
        if sigma_w is None:
            raise EocError("give --sigma-w, the standard deviation of the weights times sqrt(fan_in)")
        critical = critical_point(phi, sigma_w, sigma_b)
    elif phi.batch is not None:
        check_unused(phi, plot=plot)
    elif phi.group is not None:
        check_unused(phi, plot=plot, q=q, backward=backward)
        answer_tokens(activation, phi, sigma_w, sigma_b, as_json)
        return
    if critical is not None:
        sigma_w = critical.sigma_w
    if q is None:
        found = phases(phi, sigma_w, sigma_b, backward=backward)
    else:
        found = (phase_of(phi, sigma_w, sigma_b, q, backward=backward),)
    note = "" if critical is None else critical.note
    if as_json:
        place = {"sigma_w": sigma_w, "sigma_b": sigma_b, "note": note}
        print_json({**phi.to_dict(), **place, "backward": backward, "phases": [_payload(p) for p in found]})
    else:
        out = console()
        write_phases(out, found, note)
        _print_next(out, activation, sigma_w, sigma_b, backward, found)
    if plot is not None:
        from eoc.plotting import phase_figure

        save_picture(phase_figure(found), plot)


def _payload(p: Phase) -> dict[str, Any]:
    """The phase, with the law by which correlations converge and when close inputs become one."""
    from eoc.maps import convergence_law

    return p.to_dict() | {
        "law": None if p.correlation is None else dataclasses.asdict(convergence_law(p.correlation)),
        "merging_depth": {name: {str(d): p.merging_depth(d, name) for d in _DISTANCES} for name in _FORMATS},
    }


def _print_next(
    out: Console, source: str, sigma_w: float | None, sigma_b: float, backward: str | None, found: Sequence[Phase]
) -> None:
    if any(p.phase == "critical" for p in found):
        place = {} if sigma_w is None else {"sigma_w": sigma_w, "sigma_b": sigma_b}
        rates = command_line("rates", source, **place)
        print_next(out, rates, "gives the law by which inputs come to look alike")
    elif found[0].batch is not None:
        given = {} if sigma_w is None else {"sigma_w": sigma_w, "sigma_b": sigma_b}
        print_next(out, command_line("propagate", source, **given, q=1.0), "follows a batch block by block")
    elif sigma_w is None:
        print_next(out, command_line("propagate", source, q=1.0), "follows inputs block by block")
    else:
        print_next(out, command_line("init", source, backward=backward), "gives the place to start from")
