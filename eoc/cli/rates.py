"""``eoc rates``: how fast correlations converge with depth, beside what the iterated map does."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from eoc.cli.common import AsJson, NetworkName, Plot, find_block, number, print_json, save_picture
from eoc.cli.edge import operating_at
from eoc.cli.tables import console, layer, print_headline, print_next, print_paragraph, print_table, print_title
from eoc.cli.words import command_line

if TYPE_CHECKING:
    from rich.console import Console

    from eoc.activations import Activation
    from eoc.convergence import Convergence, Measured
    from eoc.criticality import EdgeOfChaos
    from eoc.layers import Network
    from eoc.maps import ConvergenceLaw, CorrelationMap
    from eoc.operating_point import OperatingPoint

__all__ = ["command", "law_in_words"]

_DOTS = 40
_DEEPEST = 1e200  # layers in a picture: an axis that ends at 1e300 overflows
_DECAYED = 36.0  # depth scales after which an exponential has come to rounding
_CONSTANT = {"1/l": "beta_q", "1/l^2": "kappa", "exponential": "xi_c"}
_POWER = {"1/l": "l", "1/l^2": "l^2"}
_SHOWN = 100  # layers of the next command
_PLACE = ("sigma_w", "sigma_b", "q", "q_error", "chi_1", "chi_1_error")
_NOTABLE = 30.0  # depth of a crossover worth mentioning


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
    if isinstance(phi, Activation):
        at = operating_at(activation, phi, sigma_w, sigma_b, q, as_json)
        f, place, on_edge, headings = at.f, at.to_dict(), at.point is not None, partial(_print_place, at=at)
    else:
        f = _map_of(phi, sigma_w, sigma_b, q)
        place, on_edge = {name: getattr(f, name) for name in _PLACE}, f.chi_1 == 1.0 or not phi.is_free
        headings = partial(_print_map, f=f)
    found = convergence_of(f, depth, c0)
    if as_json:
        print_json({**phi.to_dict(), **place, **found.to_dict()})
    else:
        next_one = _next(activation, f, on_edge)
        _print(phi, found, headings, next_one)
    if plot is not None:
        from eoc.plotting import convergence_figure, network_name

        name = network_name(phi.name, f.sigma_w, f.sigma_b)
        save_picture(convergence_figure(_with_more_depths(f, found), name), plot)


def _map_of(network: Network, sigma_w: float | None, sigma_b: float | None, q: float | None) -> CorrelationMap:
    """The map of a block; without sigma_w that of its edge of chaos, if something is free."""
    from eoc.criticality import edge_of_chaos
    from eoc.maps import CorrelationMap

    if sigma_w is None and network.is_free:
        given = {name: value for name, value in (("sigma_b", sigma_b), ("q", q)) if value is not None}
        p = edge_of_chaos(network, **given).best
        return CorrelationMap(network, p.sigma_w, p.sigma_b, p.q, p.q_error)
    return CorrelationMap(network, sigma_w, sigma_b or 0.0, q)


def _print_map(out: Console, law: ConvergenceLaw, f: CorrelationMap) -> None:
    """Where the block of a network is."""
    at = "" if math.isnan(f.sigma_w) else f"sigma_w = {f.sigma_w:.12g}, sigma_b = {f.sigma_b:.12g}, "
    print_paragraph(out, "block: ", f"{at}q = {number(f.q, f.q_error)}, chi_1 = {number(f.chi_1, f.chi_1_error)}", 6)


def _with_more_depths(f: CorrelationMap, found: Convergence) -> Convergence:
    """The same convergence at depths that make a picture."""
    import numpy as np

    last = min(float(found.depths[-1]), _DEEPEST)
    if found.law.law == "exponential":
        last = min(last, max(float(math.ceil(_DECAYED * found.law.constant)), 10.0))
        depths = np.unique(np.round(np.linspace(0.0, last, _DOTS)))
    else:
        depths = np.unique(np.round(np.geomspace(1.0, last, _DOTS)))
    iterated = f.iterate(depths, c=found.c0)
    return dataclasses.replace(found, depths=depths, one_minus_c=iterated.value, error=iterated.error)


def _next(source: str, f: CorrelationMap, on_edge: bool) -> tuple[str, str]:
    """What to do next, and what it gives."""
    if not on_edge:
        return command_line("init", source), "gives the place to start from"
    at = {"q": f.q} if math.isnan(f.sigma_w) else {"sigma_w": f.sigma_w, "sigma_b": f.sigma_b}
    return command_line("propagate", source, **at, depth=_SHOWN), "follows variances and gradients, too"


def _print(
    phi: Activation | Network, found: Convergence, place: Callable[..., None], next_one: tuple[str, str]
) -> None:
    """Print the place, the law with its constant and next orders, the measurement and a table of depths."""
    out = console()
    print_headline(out, f"{_in_words(found)}.")
    print_title(out, phi)
    place(out, law=found.law)
    _print_law(out, found, phi)
    print_next(out, *next_one)


def _in_words(found: Convergence) -> str:
    """What becomes of two inputs, in one sentence."""
    law, last, left = found.law, layer(found.depths[-1]), float(found.one_minus_c[-1])
    inputs = f"two inputs of correlation c = {found.c0:g}"
    if law.law == "constant":
        return f"{inputs} keep it at every depth"
    if law.law != "exponential":
        return f"{inputs} come to look alike slowly, like {law.law}: 1 - c = {left:.3g} after {last} layers"
    end = "look alike" if law.limit == 1.0 else f"c = {law.limit:.4g}"
    return f"{inputs} come to {end} exponentially, by e in {law.constant:.4g} layers"


def _print_law(out: Console, found: Convergence, phi: Activation | Network) -> None:
    law = found.law
    print_paragraph(out, "law: ", law_in_words(law, phi), 4)
    if law.law == "constant":
        return
    if law.crossover >= _NOTABLE:
        print_paragraph(out, "crossover: ", _crossover(law), 9, indent=2)
    _print_measured(out, found)
    if law.law == "exponential":
        _print_distances(out, found)
    else:
        _print_next_orders(out, found)
        _print_depths(out, found)


def law_in_words(law: ConvergenceLaw, phi: Activation | Network) -> str:
    """The law as a sentence."""
    if law.law == "constant":
        return "c_l = c_0: f is the identity, correlations never change"
    if law.law == "exponential":
        end = "1" if law.limit == 1.0 else f"c* = {law.limit:.8g}"
        return f"|c_l - c*| ~ exp(-l / xi_c): c_l -> {end} exponentially"
    from eoc.activations import Activation

    plain = isinstance(phi, Activation)
    smooth = f"phi is {phi.smoothness}" if isinstance(phi, Activation) else "its activations have no kinks"
    far = smooth if law.crossover == 0.0 else f"the kinks of {'phi' if plain else 'its activations'} lie far out"
    why = ("phi has kinks" if plain else "its activations have kinks") if law.law == "1/l^2" else far
    name = _CONSTANT[law.law]
    constant = number(law.constant, law.error)
    return f"1 - c_l ~ {name} / {_POWER[law.law]}, {name} = {constant}: c_l -> 1 like {law.law}, because {why}"


def _print_place(out: Console, law: ConvergenceLaw, at: OperatingPoint) -> None:
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


def _print_measured(out: Console, found: Convergence) -> None:
    law = found.law

    def rows(digits: int) -> list[list[str]]:
        table = []
        if found.exponent is not None:
            table.append(["exponent", "2" if law.law == "1/l^2" else "1", *_measured(found.exponent, digits)])
        constant = number(law.constant, law.error, digits)
        return [*table, [_CONSTANT[law.law], constant, *_measured(found.constant, digits)]]

    print_table(out, ("", "predicted", "measured", "+-"), rows)


def _measured(m: Measured | None, digits: int) -> tuple[str, str]:
    if m is None:
        return "cannot be measured", ""
    unknown = 2.0 * m.error >= abs(m.value)  # to any digit
    return f"{m.value:.1g}" if unknown else number(m.value, m.error, digits, zeros=True), f"{m.error:.1g}"


def _crossover(law: ConvergenceLaw) -> str:
    where = f"a depth of about {law.crossover:.3g}"
    if law.law == "1/l":
        return f"beyond {where} the kinks of phi decide, which lie far out: 1 - c_l ~ {law.across:.6g} / l^2"
    return f"up to {where} the kinks of phi hardly matter, and 1 - c_l ~ {law.across:.6g} / l"


def _print_next_orders(out: Console, found: Convergence) -> None:
    law = found.law
    terms = [(law.root, " sqrt(l)"), (law.log, " log(l)"), (found.offset, "")]
    sums = "".join(f" {'-' if t < 0 else '+'} {abs(t):.6g}{name}" for t, name in terms if abs(t) > 0.0)
    form = f"{_CONSTANT[law.law]} / lambda{'^2' if law.law == '1/l^2' else ''}"
    text = f"1 - c_l = {form}, lambda = l{sums} + o(1), the last constant from c_{layer(found.anchor)} "
    print_paragraph(out, "next orders: ", f"{text}of inputs with c_0 = {found.c0:g}", 12, indent=2)


def _print_depths(out: Console, found: Convergence) -> None:
    def rows(digits: int) -> list[list[str]]:
        table = []
        for depth, e, error, first, second in zip(
            found.depths, found.one_minus_c, found.error, found.leading, found.refined, strict=True
        ):
            full = number(second, 0.0, digits), number(e / second, error / second, digits)
            known = full if second <= 2.0 else ("-", "-")  # lambda is still negative, or so small that 1 - c > 2
            table.append(
                [layer(depth), number(e, error, digits), number(first, 0.0, digits), f"{e / first:.6g}", *known]
            )
        return table

    print_table(out, ("l", "1 - c_l", "law", "ratio", "with next orders", "ratio"), rows)


def _print_distances(out: Console, found: Convergence) -> None:
    from eoc.floats import EPS

    distances = abs(found.one_minus_c - (1.0 - found.law.limit))
    floor = 0.0 if found.law.limit == 1.0 else EPS
    arrived = [i for i, (d, error) in enumerate(zip(distances, found.error, strict=True)) if d <= error]
    shown = arrived[0] + 1 if arrived else found.depths.size

    def rows(digits: int) -> list[list[str]]:
        table = []
        for depth, e, error, d in zip(found.depths[:shown], found.one_minus_c, found.error, distances, strict=False):
            law = math.exp(-depth / found.law.constant) if found.law.constant > 0.0 else 0.0
            away = number(d, error, min(digits, 6)) if d > error else f"< {max(error, floor):.1g}"
            ratio = number(d / law, error / law, min(digits, 6)) if d > error and law > 0.0 else "-"
            cells = number(1.0 - e, error, digits), number(e, error, digits), away, f"{law:.6g}", ratio
            table.append([layer(depth), *cells])
        return table

    print_table(out, ("l", "c_l", "1 - c_l", "|c_l - c*|", "exp(-l/xi_c)", "ratio"), rows)
    if shown < found.depths.size:
        out.print(f"the same up to l = {layer(found.depths[-1])}")
