"""``eoc rates``: how fast correlations converge with depth, beside what the iterated map does."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from eoc.cli.common import AsJson, NetworkName, Plot, find_block, print_json, save_picture
from eoc.cli.edge import operating_at
from eoc.cli.tables import console, print_next
from eoc.cli.tokens import answer_tokens, check_unused
from eoc.cli.words import command_line
from eoc.reports.convergence import write_convergence, write_map
from eoc.reports.writing import number, print_headline, print_paragraph, print_title

if TYPE_CHECKING:
    from rich.console import Console

    from eoc.convergence import Convergence
    from eoc.criticality import EdgeOfChaos
    from eoc.layers import Network
    from eoc.maps import CorrelationMap
    from eoc.operating_point import OperatingPoint

__all__ = ["command"]

_SHOWN = 100  # layers of the next command
_PLACE = ("sigma_w", "sigma_b", "q", "q_error", "chi_1", "chi_1_error")


def command(
    activation: NetworkName,
    sigma_w: Annotated[
        float | None, typer.Option(help="Std of the weights times sqrt(fan_in); left out: on the edge of chaos.")
    ] = None,
    sigma_b: Annotated[float | None, typer.Option(help="Standard deviation of the biases.")] = None,
    q: Annotated[
        float | None, typer.Option(help="Variance to keep; with --sigma-w that of the first layer, where it matters.")
    ] = None,
    depth: Annotated[float, typer.Option(help="Layers to go, a whole number >= 10: 1e6, 1e12, ...")] = 1e6,
    c0: Annotated[float, typer.Option(help="Correlation of the two inputs, in [-1, 1).")] = 0.1,
    plot: Plot = None,
    as_json: AsJson = False,
) -> None:
    """Print the law of 1 - c_l with its constant, derived from the map, beside what the iterated map does.

    Without --sigma-w: on the edge of chaos, or where recommended; exit code 3 if there is no usable point.
    """
    from eoc.activations import Activation
    from eoc.convergence import convergence_of

    phi = find_block(activation)
    if not isinstance(phi, Activation) and phi.group is not None:
        check_unused(phi, plot=plot, q=q)
        answer = answer_tokens if phi.batch is None else _answer_batch
        answer(activation, phi, sigma_w, sigma_b or 0.0, as_json)
        return
    if isinstance(phi, Activation):
        at = operating_at(activation, phi, sigma_w, sigma_b, q, as_json)
        f, place, on_edge = at.f, at.to_dict(), at.point is not None
        write_place: Callable[[Console, Convergence], None] = partial(_print_place, at)
    else:
        f = _map_of(phi, sigma_w, sigma_b, q)
        place, on_edge = {name: getattr(f, name) for name in _PLACE}, f.chi_1 == 1.0 or not phi.is_free
        write_place = write_map
    found = convergence_of(f, depth, c0)
    if as_json:
        print_json({**phi.to_dict(), **place, **found.to_dict()})
    else:
        out = console()
        write_convergence(out, found, write_place)
        print_next(out, *_next(activation, f, on_edge))
    if plot is not None:
        from eoc.plotting import convergence_figure

        save_picture(convergence_figure(found), plot)


def _answer_batch(source: str, network: Network, sigma_w: float | None, sigma_b: float, as_json: bool) -> None:
    """How fast the inputs of a batch come to where they end, and gradients grow."""
    from eoc.phase import phase_of

    found = phase_of(network, sigma_w, sigma_b)
    if as_json:
        print_json({**network.to_dict(), "sigma_w": sigma_w, "sigma_b": sigma_b, **found.to_dict()})
        return
    out = console()
    end = f"two inputs of a batch of {found.batch:g} come to c* = {number(found.c_star, found.c_star_error)}"
    pace = "at once" if found.xi_c == 0.0 else f"by e in {number(found.xi_c, found.xi_c_error)} blocks"
    growth = f"gradients' second moment grows by {number(found.chi_1, found.chi_1_error)} a block"
    if found.phase == "divergent":
        pace, growth = "slowly, as variances grow", f"gradients grow like their power {found.power:.8g}"
    print_headline(out, f"{end} {pace}; {growth}.")
    print_title(out, network)
    given = {"sigma_w": sigma_w, "sigma_b": sigma_b} if network.is_free else {}
    print_next(out, command_line("propagate", source, **given, q=1.0), "follows a batch block by block")


def _map_of(network: Network, sigma_w: float | None, sigma_b: float | None, q: float | None) -> CorrelationMap:
    """The map of a block; without sigma_w that of its edge of chaos, if something is free."""
    from eoc.criticality import edge_of_chaos
    from eoc.maps import CorrelationMap

    if sigma_w is None and network.is_free:
        given = {name: value for name, value in (("sigma_b", sigma_b), ("q", q)) if value is not None}
        p = edge_of_chaos(network, **given).best
        return CorrelationMap(network, p.sigma_w, p.sigma_b, p.q, p.q_error)
    return CorrelationMap(network, sigma_w, sigma_b or 0.0, q)


def _next(source: str, f: CorrelationMap, on_edge: bool) -> tuple[str, str]:
    """What to do next, and what it gives."""
    if not on_edge:
        return command_line("init", source), "gives the place to start from"
    at = {"q": f.q} if math.isnan(f.sigma_w) else {"sigma_w": f.sigma_w, "sigma_b": f.sigma_b}
    return command_line("propagate", source, **at, depth=_SHOWN), "follows variances and gradients, too"


def _print_place(at: OperatingPoint, out: Console, found: Convergence) -> None:
    law = found.law
    if at.point is not None:
        p = at.point
        q = "any q" if p.any_q else f"q = {number(p.q, p.q_error)}"
        sigma_w, sigma_b = number(p.sigma_w, p.sigma_w_error), number(p.sigma_b, p.sigma_b_error)
        text = f"sigma_w = {sigma_w}, sigma_b = {sigma_b}, {q}{at.note and f'; {at.note}'}"
        print_paragraph(out, "edge of chaos: ", text, 14, indent=2)
        return
    out.print(f"sigma_w = {at.sigma_w:.12g}, sigma_b = {at.sigma_b:.12g}, q = {at.q:.12g}")
    near = f"1 {at.chi_1 - 1.0:+.3g}" if abs(at.chi_1 - 1.0) < 1e-6 else f"{at.chi_1:.8g}"
    text = f"chi_1 = {near}; "
    if law.law == "exponential":
        text += f"correlations converge exponentially, xi_c = {number(law.constant, law.error, 8)}; "
    elif at.activation.is_positively_homogeneous:
        text += "variances do not stay, but correlations converge as on it; "
    print_paragraph(out, "not on the edge of chaos: ", text + _where_it_is(at.edge), 25, "yellow", indent=2)


def _where_it_is(edge: EdgeOfChaos) -> str:
    if edge.reason is not None:
        return edge.message
    sigma_w = ", ".join(number(p.sigma_w, p.sigma_w_error) for p in edge.points if p.usable)
    return f"the edge of chaos at this sigma_b has sigma_w = {sigma_w}"
