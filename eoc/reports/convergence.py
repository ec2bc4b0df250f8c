"""What convergence looks like as text: the law with its constant and next orders, beside what the iterated map does."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from eoc.reports.writing import layer, number, print_headline, print_paragraph, print_table, print_title, subject

if TYPE_CHECKING:
    from rich.console import Console

    from eoc.activations import Activation
    from eoc.convergence import Convergence, Measured
    from eoc.maps import ConvergenceLaw

__all__ = ["law_in_words", "write_convergence", "write_map"]

_CONSTANT = {"1/l": "beta_q", "1/l^2": "kappa", "exponential": "xi_c"}
_POWER = {"1/l": "l", "1/l^2": "l^2"}
_NOTABLE = 30.0  # depth of a crossover worth mentioning


def write_map(out: Console, found: Convergence) -> None:
    """Where the network is."""
    f = found.map
    at = "" if math.isnan(f.sigma_w) else f"sigma_w = {f.sigma_w:.12g}, sigma_b = {f.sigma_b:.12g}, "
    print_paragraph(out, "block: ", f"{at}q = {number(f.q, f.q_error)}, chi_1 = {number(f.chi_1, f.chi_1_error)}", 6)


def write_convergence(
    out: Console, found: Convergence, write_place: Callable[[Console, Convergence], None] = write_map
) -> None:
    """The place, the law with its constant and next orders, the measurement and a table of depths."""
    print_headline(out, f"{_in_words(found)}.")
    print_title(out, subject(found.map.network))
    write_place(out, found)
    _print_law(out, found)


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


def _print_law(out: Console, found: Convergence) -> None:
    law = found.law
    print_paragraph(out, "law: ", law_in_words(law, found.map.network.phi), 4)
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


def law_in_words(law: ConvergenceLaw, phi: Activation | None) -> str:
    """The law as a sentence; phi is that of a plain network."""
    if law.law == "constant":
        return "c_l = c_0: f is the identity, correlations never change"
    if law.law == "exponential":
        end = "1" if law.limit == 1.0 else f"c* = {law.limit:.8g}"
        return f"|c_l - c*| ~ exp(-l / xi_c): c_l -> {end} exponentially"
    smooth = "its activations have no kinks" if phi is None else f"phi is {phi.smoothness}"
    far = smooth if law.crossover == 0.0 else f"the kinks of {'its activations' if phi is None else 'phi'} lie far out"
    why = ("its activations have kinks" if phi is None else "phi has kinks") if law.law == "1/l^2" else far
    name = _CONSTANT[law.law]
    constant = number(law.constant, law.error)
    return f"1 - c_l ~ {name} / {_POWER[law.law]}, {name} = {constant}: c_l -> 1 like {law.law}, because {why}"


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
