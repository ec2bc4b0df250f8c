"""``eoc init`` of a network of several layers: where its block is critical, or what its variance does instead."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import typer

from eoc.cli.answer import overflow_rows
from eoc.cli.common import number, print_json
from eoc.cli.exit_codes import ExitCode
from eoc.cli.tables import console, print_headline, print_next, print_paragraph, print_title
from eoc.cli.words import command_line
from eoc.errors import EocError

if TYPE_CHECKING:
    from eoc.criticality import EdgeOfChaos, EocPoint
    from eoc.layers import Network
    from eoc.propagation import Trajectory

__all__ = ["init_network"]

_REGIMES = {
    "settles": "variances settle at a value that depends on sigma_w and sigma_b",
    "forced": "a norm decides the variance, whatever came in",
    "scales": "every block multiplies the variance by the same number, whatever it is",
    "grows": "every block adds about as much to the variance",
    "diverges": "the variance grows faster and faster",
}


def init_network(source: str, network: Network, given: dict[str, float], depth: int | None, *, as_json: bool) -> None:
    """Print the critical place of the free dense layer, and what a network of this depth does to inputs and gradients.

    Raises
    ------
    typer.Exit
        With the code of "no point" where no block is critical.
    """
    from eoc.criticality import edge_of_chaos
    from eoc.criticality.recommended import checked_depth

    found, layers = edge_of_chaos(network, **given), checked_depth(depth)
    point = found.best if found.reason is None else None
    run = _followed(network, found, point, layers)
    if as_json:
        print_json(_payload(network, found, point, layers, run))
    else:
        _print(source, network, found, point, layers, run)
    if point is None:
        raise typer.Exit(ExitCode.NO_POINT)


def _followed(network: Network, found: EdgeOfChaos, point: EocPoint | None, depth: int) -> Trajectory | None:
    """Two inputs through a network of this depth, at the point or where it was asked; None where variances overflow."""
    from eoc.propagation import propagate
    from eoc.recommendation import C0

    sigma_w = found.given.get("sigma_w", 1.0) if point is None else point.sigma_w
    sigma_b = found.given.get("sigma_b", 0.0) if point is None else point.sigma_b
    try:
        q = 1.0 if point is None or point.q == 0.0 else point.q
        return propagate(network, sigma_w, sigma_b, q=q, c=C0, depth=[0, depth])
    except EocError:
        return None


def _payload(
    network: Network, found: EdgeOfChaos, point: EocPoint | None, depth: int, run: Trajectory | None
) -> dict[str, Any]:
    followed = None
    if run is not None:
        followed = {
            "depth": depth,
            "sigma_w": run.sigma_w,
            "sigma_b": run.sigma_b,
            "one_minus_c": float(run.one_minus_c[-1, 0, 1]),
            "gradient_ratio": float(run.gradient[0, 0]),
            "q": float(run.q[-1, 0]),
        }
    return {
        **network.to_dict(),
        "given": found.given,
        "regime": str(found.regime),
        "point": None if point is None else point.to_dict(),
        "points": [p.to_dict() for p in found.points],
        "reason": None if found.reason is None else str(found.reason),
        "message": found.message,
        "network_of_depth": followed,
    }


def _print(
    source: str, network: Network, found: EdgeOfChaos, point: EocPoint | None, depth: int, run: Trajectory | None
) -> None:
    out = console()
    if point is None:
        print_paragraph(out, "no critical block: ", f"{found.message}.", 19, "yellow", indent=2)
    else:
        print_headline(
            out,
            f"draw the free dense with gain sigma_w = {point.sigma_w:.6g}, biases with sigma_b = {point.sigma_b:.6g}: "
            f"{_verdict(run, depth)}.",
        )
    print_title(out, network)
    if run is not None:
        print_paragraph(out, "  ", _meaning(run, depth, point))
    out.print()
    for name, value, meaning in _rows(found, point):
        print_paragraph(out, f"  {name:<8} {value:<24} ", meaning, 2 + len(name))
    others = [p for p in found.points if point is not None and p is not point]
    if others:
        places = "; ".join(f"sigma_w = {p.sigma_w:.6g}, sigma_b = {p.sigma_b:.6g}, q = {p.q:.6g}" for p in others)
        print_paragraph(out, "other points with the same value: ", places, indent=2)
    at = {} if run is None else {"sigma_w": run.sigma_w, "sigma_b": run.sigma_b}
    q = None if point is None or point.any_q else point.q
    run_it = command_line("propagate", source, **at, q=1.0 if q is None else q, depth=depth)
    print_next(out, run_it, "follows variances, correlations and gradients block by block")


def _verdict(run: Trajectory | None, depth: int) -> str:
    """Whether a network of this depth will train, by the measures of plain networks."""
    from eoc.recommendation import APART, KEPT

    if run is None:
        return f"variances overflow within {depth} blocks"
    apart, ratio = float(run.one_minus_c[-1, 0, 1]), float(run.gradient[0, 0])
    if apart >= APART and KEPT <= ratio <= 1.0 / KEPT:
        return f"{depth} blocks should train"
    problem = "inputs come to look alike" if apart < APART else "gradients do not keep their size"
    return f"{depth} blocks are too many, {problem}"


def _meaning(run: Trajectory, depth: int, point: EocPoint | None) -> str:
    """What the network does to inputs and gradients."""
    from eoc.recommendation import APART, C0

    at = f"at sigma_w = {run.sigma_w:.6g}, " if point is None else ""
    return (
        f"{at}after {depth} blocks two inputs of correlation c = {C0:g} have 1 - c = "
        f"{float(run.one_minus_c[-1, 0, 1]):.3g}, of which it takes about {APART:g} to train; squared gradients at the "
        f"first block are {float(run.gradient[0, 0]):.3g} times those at the last, variances have gone from "
        f"{float(run.q[0, 0]):.4g} to {float(run.q[-1, 0]):.4g}."
    )


def _rows(found: EdgeOfChaos, p: EocPoint | None) -> list[tuple[str, str, str]]:
    regime = ("regime", str(found.regime), _REGIMES[str(found.regime)])
    if p is None:
        return [regime]
    return [
        ("sigma_w", number(p.sigma_w, p.sigma_w_error), "gain of the free dense: weights have std gain / sqrt(fan_in)"),
        ("sigma_b", number(p.sigma_b, p.sigma_b_error), "std of its biases"),
        ("q", "any" if p.any_q else number(p.q, p.q_error), "variance that blocks keep"),
        ("chi_1", "1", "gradients and small differences neither grow nor shrink"),
        ("F'(q)", number(p.slope, p.slope_error), "of what is left of a distance from q after a block"),
        ("rate", *_law(p)),
        *overflow_rows(p),
        regime,
    ]


def _law(p: EocPoint) -> tuple[str, str]:
    law = p.law
    constant = number(law.constant, law.error)
    if law.law == "constant" or math.isinf(law.constant):
        return "constant", "correlations never change"
    if law.law == "exponential":
        return f"xi_c = {constant}", "correlations come to c* < 1 exponentially: noise keeps inputs apart"
    name, power = ("beta_q", "block") if law.law == "1/l" else ("kappa", "block^2")
    return f"{name} = {constant}", f"correlation c of two inputs: 1 - c falls like {name} / {power}"
