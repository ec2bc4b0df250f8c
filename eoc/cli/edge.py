"""Where a network is: at the sigmas that are given, or on the edge of chaos where there is no --sigma-w."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from eoc.cli.common import print_json
from eoc.cli.init import EXIT_NONE, answered, payload
from eoc.cli.init_report import print_answer

if TYPE_CHECKING:
    from eoc.activations import Activation
    from eoc.criticality import EdgeOfChaos

__all__ = ["network_at", "stop_without_point"]


def network_at(
    phi: Activation, sigma_w: float | None, sigma_b: float | None, q: float | None, as_json: bool
) -> tuple[float, float, float | None]:
    """The sigma_w, sigma_b and q that options mean; without sigma_w those of the edge of chaos.

    Where it has no usable point, that is said as by ``eoc init``, and the command ends with exit code 3.
    """
    from eoc.criticality import edge_of_chaos

    if sigma_w is not None:
        return sigma_w, sigma_b or 0.0, q
    edge = edge_of_chaos(phi, sigma_b=sigma_b, q=q)
    if edge.reason is not None:
        stop_without_point(phi, edge, as_json)
    return edge.best.sigma_w, edge.best.sigma_b, edge.best.q


def stop_without_point(phi: Activation, edge: EdgeOfChaos, as_json: bool) -> None:
    """Say as ``eoc init`` does why there is no usable point, and leave."""
    answer = answered(phi, edge)
    if as_json:
        print_json(payload(answer))
    else:
        print_answer(answer, None)
    raise typer.Exit(EXIT_NONE)
