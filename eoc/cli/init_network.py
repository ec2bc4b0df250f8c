"""``eoc init`` of a network of several layers: where its block is critical, or what its variance does instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from eoc.cli.common import print_json
from eoc.cli.exit_codes import ExitCode
from eoc.cli.tables import console, print_next
from eoc.cli.words import command_line
from eoc.errors import EocError
from eoc.reports.place import point_rows, write_meaning
from eoc.reports.writing import print_facts, print_headline, print_paragraph, print_title

if TYPE_CHECKING:
    from eoc.criticality import EdgeOfChaos, EocPoint
    from eoc.layers import Network
    from eoc.propagation import Trajectory
    from eoc.recommendation import Recommendation

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
    from eoc.criticality.recommended import checked_depth

    layers = checked_depth(depth)
    found, place = _answered(network, given, layers) if given else _recommended(network, layers)
    run = _followed(network, found, layers) if place is None else None
    if as_json:
        print_json(_payload(network, found, place, run))
    else:
        _print(source, network, found, place, run)
    if place is None:
        raise typer.Exit(ExitCode.NO_POINT)


def _answered(network: Network, given: dict[str, float], depth: int) -> tuple[EdgeOfChaos, Recommendation | None]:
    """What the edge of chaos says to a question, and what the point to take means."""
    from eoc.criticality import edge_of_chaos
    from eoc.operating_point import held_point
    from eoc.recommendation import judged

    found = edge_of_chaos(network, **given)
    point = held_point(network, found, depth)
    return found, None if point is None else judged(network, point, depth)


def _recommended(network: Network, depth: int) -> tuple[EdgeOfChaos, Recommendation | None]:
    """The same of the recommended place."""
    from eoc.criticality import EdgeOfChaos, edge_of_chaos
    from eoc.criticality.regimes import regime_of
    from eoc.recommendation import recommend

    try:
        place = recommend(network, depth)
    except EocError:
        found = edge_of_chaos(network)
        if found.reason is None:
            raise
        return found, None
    points = () if place.point is None else (place.point,)
    return EdgeOfChaos(network.name, {}, points, None, "", regime_of(network, place.sigma_w, place.sigma_b)), place


def _followed(network: Network, found: EdgeOfChaos, depth: int) -> Trajectory | None:
    """Two inputs through a network of this depth where no block is critical; None where variances diverge."""
    from eoc.criticality import Regime
    from eoc.propagation import propagate
    from eoc.recommendation import C0

    if found.regime is Regime.DIVERGES:
        return None
    place = found.given.get("sigma_w", 1.0), found.given.get("sigma_b", 0.0)
    if found.points:
        place = found.points[0].sigma_w, found.points[0].sigma_b
    try:
        return propagate(network, *place, q=1.0, c=C0, depth=[0, depth])
    except EocError:
        return None


def _payload(
    network: Network, found: EdgeOfChaos, place: Recommendation | None, run: Trajectory | None
) -> dict[str, Any]:
    point, followed = None, None
    if place is not None:
        point = place.point
        names = ("depth", "sigma_w", "sigma_b", "one_minus_c", "gradient_ratio", "q", "trains")
        followed = {name: getattr(place, name) for name in names}
    if run is not None:
        followed = {
            "depth": int(run.layers[-1]),
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
    source: str, network: Network, found: EdgeOfChaos, place: Recommendation | None, run: Trajectory | None
) -> None:
    out, point = console(), None if place is None else place.point
    if place is None:
        print_paragraph(out, "no critical block: ", f"{found.message}.", 19, "yellow", indent=2)
    else:
        print_headline(
            out,
            f"draw the free dense with gain sigma_w = {place.sigma_w:.6g}, biases with sigma_b = {place.sigma_b:.6g}: "
            f"{place.advice}.",
        )
    print_title(out, network)
    if place is not None:
        write_meaning(out, place, "block")
    elif run is not None:
        print_paragraph(out, "  ", _meaning(run))
    if place is not None and not found.given:
        print_paragraph(out, "recommended: ", place.reason, indent=2)
    out.print()
    regime = ("regime", str(found.regime), _REGIMES[str(found.regime)])
    print_facts(out, [*([] if point is None else point_rows(point, "block")), regime])
    others = [p for p in found.points if point is not None and found.given and not _is_same(p, point)]
    if others:
        places = "; ".join(f"sigma_w = {p.sigma_w:.6g}, sigma_b = {p.sigma_b:.6g}, q = {p.q:.6g}" for p in others)
        print_paragraph(out, "other points with the same value: ", places, indent=2)
    where = {}
    if place is not None:
        where = {"sigma_w": place.sigma_w, "sigma_b": place.sigma_b, "q": place.q or 1.0, "depth": place.depth}
    elif run is not None:
        where = {"sigma_w": run.sigma_w, "sigma_b": run.sigma_b, "q": 1.0, "depth": int(run.layers[-1])}
    run_it = command_line("propagate", source, **where)
    print_next(out, run_it, "follows variances, correlations and gradients block by block")


def _is_same(one: EocPoint, other: EocPoint) -> bool:
    return (one.sigma_w, one.sigma_b, one.q) == (other.sigma_w, other.sigma_b, other.q)


def _meaning(run: Trajectory) -> str:
    """What a network without a critical block does to inputs and gradients."""
    from eoc.recommendation import APART, C0

    apart, ratio = float(run.one_minus_c[-1, 0, 1]), float(run.gradient[0, 0])
    return (
        f"at sigma_w = {run.sigma_w:.6g}, after {run.layers[-1]:.0f} blocks two inputs of correlation c = {C0:g} have "
        f"1 - c = {apart:.3g}, of which it takes about {APART:g} to train; squared gradients at the first block are "
        f"{ratio:.3g} times those at the last, variances have gone from {float(run.q[0, 0]):.4g} to "
        f"{float(run.q[-1, 0]):.4g}."
    )
