"""``eoc init``: the edge-of-chaos initialisation of an activation."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eoc.cli.common import AsJson, Name, find_activation, print_json
from eoc.cli.framework import Framework
from eoc.cli.init_report import print_answer

if TYPE_CHECKING:
    from eoc.activations import Activation
    from eoc.criticality import EdgeOfChaos, EocPoint, OrderedPoint

__all__ = ["EXIT_NONE", "Answer", "answered", "command", "payload", "point_payload"]

_TABLE = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
EXIT_NONE = 3


@dataclasses.dataclass(frozen=True)
class Answer:
    """What is printed, as text or as JSON.

    ``point`` is the one to use; if there is none, ``alternative`` is the recommended point of the same activation,
    and if there is none of these either, ``ordered`` is a point in the ordered phase. ``curve`` is a table along the
    curve, if nothing was asked for.
    """

    activation: Activation
    found: EdgeOfChaos
    point: EocPoint | None
    alternative: EocPoint | None
    ordered: OrderedPoint | None
    curve: tuple[EocPoint, ...]
    fan_in: int | None


def command(
    activation: Name,
    sigma_b: Annotated[float | None, typer.Option(help="Standard deviation of the biases.")] = None,
    q: Annotated[float | None, typer.Option(help="Variance of the pre-activations to keep.")] = None,
    sigma_w: Annotated[float | None, typer.Option(help="Standard deviation of the weights times sqrt(fan_in).")] = None,
    correlation_depth: Annotated[
        float | None, typer.Option(help="Number of layers that correlations should survive.")
    ] = None,
    fan_in: Annotated[
        int | None, typer.Option(min=1, max=2**53, help="Inputs of a layer: adds the weights' std for it.")
    ] = None,
    framework: Annotated[Framework | None, typer.Option(help="Print the lines of code that set these values.")] = None,
    unstable: Annotated[
        bool, typer.Option("--unstable", help="Accept a point that does not hold its variance.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print (sigma_b, sigma_w) on the edge of chaos.

    Give one of --sigma-b, --q, --sigma-w and --correlation-depth, or none for a recommended point and a table along
    the curve.
    Exit code 3 if there is no usable point.
    """
    from eoc.criticality import edge_of_chaos

    phi = find_activation(activation)
    found = edge_of_chaos(phi, sigma_b=sigma_b, q=q, sigma_w=sigma_w, correlation_depth=correlation_depth)
    answer = answered(phi, found, unstable, fan_in)
    if as_json:
        print_json(payload(answer))
    else:
        print_answer(answer, framework)
    if answer.point is None:
        raise typer.Exit(EXIT_NONE)


def answered(phi: Activation, found: EdgeOfChaos, unstable: bool = False, fan_in: int | None = None) -> Answer:
    """What to say about the points that were found."""
    from eoc.criticality import edge_of_chaos, ordered_instead

    if found.reason is None:
        asked = bool(found.given) or found.best.any_q
        along = () if asked else tuple(p for b in _TABLE for p in edge_of_chaos(phi, sigma_b=b).points)
        return Answer(phi, found, found.best, None, None, along, fan_in)
    if unstable and found.points:
        return Answer(phi, found, found.points[0], None, None, (), fan_in)
    instead = edge_of_chaos(phi) if found.given else found
    if instead.reason is None:
        return Answer(phi, found, None, instead.best, None, (), fan_in)
    ordered = ordered_instead(phi, found.given.get("sigma_b", 0.0))
    return Answer(phi, found, None, None, ordered, (), fan_in)


def payload(answer: Answer) -> dict[str, Any]:
    """The answer for JSON."""
    found = answer.found
    return {
        "activation": answer.activation.name,
        "formula": answer.activation.formula,
        "class": str(answer.activation.smoothness),
        "given": found.given,
        "point": point_payload(answer.point, answer.fan_in),
        "points": [point_payload(p, answer.fan_in) for p in found.points],
        "reason": None if found.reason is None else str(found.reason),
        "message": found.message,
        "alternative": point_payload(answer.alternative, answer.fan_in),
        "ordered": None if answer.ordered is None else dataclasses.asdict(answer.ordered),
        "curve": [point_payload(p, answer.fan_in) for p in answer.curve],
    }


def point_payload(point: EocPoint | None, fan_in: int | None = None) -> dict[str, Any] | None:
    """A point for JSON."""
    if point is None:
        return None
    out = dataclasses.asdict(point)
    out["law"]["depth"] = point.law.depth
    out["fan_in"] = fan_in
    out["weight_std"] = point.sigma_w / math.sqrt(fan_in) if fan_in else None
    out["bias_std"] = point.sigma_b
    return out
