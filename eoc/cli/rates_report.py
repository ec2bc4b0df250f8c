"""The text that ``eoc rates`` prints."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

from eoc.cli.common import number
from eoc.cli.tables import console, layer, print_headline, print_next, print_paragraph, print_table, print_title
from eoc.cli.words import command_line

if TYPE_CHECKING:
    from rich.console import Console

    from eoc.convergence import Convergence, ConvergenceLaw, Measured
    from eoc.criticality import EdgeOfChaos
    from eoc.operating_point import OperatingPoint

__all__ = ["Rates", "law_in_words", "print_rates"]

_CONSTANT = {"1/l": "beta_q", "1/l^2": "kappa", "exponential": "xi_c"}
_SHOWN = 100  # layers of the next command
_NOTABLE = 30.0  # depth of a crossover worth mentioning
_POWER = {"1/l": "l", "1/l^2": "l^2"}


@dataclasses.dataclass(frozen=True)
class Rates:
    """What ``eoc rates`` prints, as text or as JSON.

    ``anchor`` indexes the depth whose 1 - c_l gives ``offset``, the C of the next orders.
    """

    at: OperatingPoint
    c0: float
    found: Convergence

    @property
    def anchor(self) -> int:
        """In the middle of the depths, so that the deeper ones test the law."""
        return self.found.depths.size // 2

    @property
    def offset(self) -> float:
        """C of lambda_l = l + R sqrt(l) + A log(l) + C."""
        import numpy as np

        law, depth = self.found.law, self.found.depths[self.anchor]
        own = law.linear(self.found.one_minus_c[self.anchor])
        return float(own - depth - law.root * np.sqrt(depth) - law.log * np.log(depth))


def print_rates(source: str, r: Rates) -> None:
    """Print the place, the law with its constant and next orders, the measurement and a table of depths."""
    out, at = console(), r.at
    print_headline(out, f"{_in_words(r)}.")
    print_title(out, at.activation)
    _print_place(out, r)
    _print_law(out, r)
    if at.point is None:
        print_next(out, command_line("init", source), "gives the place to start from")
    else:
        run = command_line("propagate", source, sigma_w=at.sigma_w, sigma_b=at.sigma_b, depth=_SHOWN)
        print_next(out, run, "follows variances and gradients, too")


def _in_words(r: Rates) -> str:
    """What becomes of two inputs, in one sentence."""
    law, last, left = r.found.law, layer(r.found.depths[-1]), float(r.found.one_minus_c[-1])
    inputs = f"two inputs of correlation c = {r.c0:g}"
    if law.law == "constant":
        return f"{inputs} keep it at every depth"
    if law.law != "exponential":
        return f"{inputs} come to look alike slowly, like {law.law}: 1 - c = {left:.3g} after {last} layers"
    end = "look alike" if law.limit == 1.0 else f"c = {law.limit:.4g}"
    return f"{inputs} come to {end} exponentially, by e in {law.constant:.4g} layers"


def _print_law(out: Console, r: Rates) -> None:
    law = r.found.law
    print_paragraph(out, "law: ", law_in_words(law, str(r.at.activation.smoothness)), 4)
    if law.law == "constant":
        return
    if law.crossover >= _NOTABLE:
        print_paragraph(out, "crossover: ", _crossover(law), 9, indent=2)
    _print_measured(out, r)
    if law.law == "exponential":
        _print_distances(out, r)
    else:
        _print_next_orders(out, r)
        _print_depths(out, r)


def law_in_words(law: ConvergenceLaw, smoothness: str) -> str:
    """The law as a sentence."""
    if law.law == "constant":
        return "c_l = c_0: f is the identity, correlations never change"
    if law.law == "exponential":
        end = "1" if law.limit == 1.0 else f"c* = {law.limit:.8g}"
        return f"|c_l - c*| ~ exp(-l / xi_c): c_l -> {end} exponentially"
    far = f"phi is {smoothness}" if law.crossover == 0.0 else "the kinks of phi lie far out"
    why = "phi has kinks" if law.law == "1/l^2" else far
    name = _CONSTANT[law.law]
    constant = number(law.constant, law.error)
    return f"1 - c_l ~ {name} / {_POWER[law.law]}, {name} = {constant}: c_l -> 1 like {law.law}, because {why}"


def _print_place(out: Console, r: Rates) -> None:
    at = r.at
    if at.point is not None:
        p = at.point
        q = "any q" if p.any_q else f"q = {number(p.q, p.q_error)}"
        sigma_w, sigma_b = number(p.sigma_w, p.sigma_w_error), number(p.sigma_b, p.sigma_b_error)
        text = f"sigma_w = {sigma_w}, sigma_b = {sigma_b}, {q}{at.note and f'; {at.note}'}"
        print_paragraph(out, "edge of chaos: ", text, 14, indent=2)
        return
    law = r.found.law
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


def _print_measured(out: Console, r: Rates) -> None:
    law, found = r.found.law, r.found

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


def _print_next_orders(out: Console, r: Rates) -> None:
    law = r.found.law
    terms = [(law.root, " sqrt(l)"), (law.log, " log(l)"), (r.offset, "")]
    sums = "".join(f" {'-' if t < 0 else '+'} {abs(t):.6g}{name}" for t, name in terms if abs(t) > 0.0)
    form = f"{_CONSTANT[law.law]} / lambda{'^2' if law.law == '1/l^2' else ''}"
    text = f"1 - c_l = {form}, lambda = l{sums} + o(1), the last constant from c_{layer(r.found.depths[r.anchor])} "
    print_paragraph(out, "next orders: ", f"{text}of inputs with c_0 = {r.c0:g}", 12, indent=2)


def _print_depths(out: Console, r: Rates) -> None:
    law, found = r.found.law, r.found
    leading = law.leading(found.depths)
    refined = law.refined(found.depths, float(found.depths[r.anchor]), float(found.one_minus_c[r.anchor]))

    def rows(digits: int) -> list[list[str]]:
        table = []
        for depth, e, error, first, second in zip(
            found.depths, found.one_minus_c, found.error, leading, refined, strict=True
        ):
            full = number(second, 0.0, digits), number(e / second, error / second, digits)
            known = full if second <= 2.0 else ("-", "-")  # lambda is still negative, or so small that 1 - c > 2
            table.append(
                [layer(depth), number(e, error, digits), number(first, 0.0, digits), f"{e / first:.6g}", *known]
            )
        return table

    print_table(out, ("l", "1 - c_l", "law", "ratio", "with next orders", "ratio"), rows)


def _print_distances(out: Console, r: Rates) -> None:
    from eoc.floats import EPS

    found = r.found
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
