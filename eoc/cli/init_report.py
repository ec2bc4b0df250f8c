"""The text that ``eoc init`` prints."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from eoc.cli.common import number
from eoc.cli.framework import Framework, code
from eoc.cli.tables import console, print_paragraph, print_table, print_title

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from eoc.cli.init import Answer
    from eoc.criticality import EocPoint, OrderedPoint

__all__ = ["print_answer"]


def print_answer(answer: Answer, framework: Framework | None) -> None:
    """Print the point with what its numbers mean, or why there is none and what to take instead."""
    out, phi, found = console(), answer.activation, answer.found
    print_title(out, phi)
    if found.reason is not None:
        head = "no usable point:" if answer.point is None else "warning: unstable point, as asked:"
        print_paragraph(out, head + " ", found.message, len(head), "yellow", indent=2)
    if answer.point is not None:
        if not found.given and found.reason is None:
            print_paragraph(out, "recommended: ", _why(answer.point))
        _print_point(out, answer, answer.point, framework)
    elif answer.alternative is not None:
        out.print("\nrecommended instead:")
        _print_point(out, answer, answer.alternative, framework, asked=False)
    elif answer.ordered is not None:
        _print_ordered(out, answer.ordered)
    others = [p for p in found.points if p is not answer.point]
    if others and answer.point is not None:
        _print_table(out, "other points with the same value", others)
    if answer.curve:
        _print_table(out, "along the curve", answer.curve)


def _why(p: EocPoint) -> str:
    """How the recommendation came about; see ``eoc.recommend``."""
    from eoc.criticality.recommended import DEFAULT_DEPTH

    if p.any_q:
        return "the only point of its edge of chaos"
    return f"the point of the edge of chaos for a network of {DEFAULT_DEPTH} layers"


def _print_point(out: Console, answer: Answer, p: EocPoint, framework: Framework | None, asked: bool = True) -> None:
    rows = [
        ("sigma_b", number(p.sigma_b, p.sigma_b_error), "std of the biases"),
        ("sigma_w", number(p.sigma_w, p.sigma_w_error), "std of the weights times sqrt(fan_in)"),
    ]
    if answer.fan_in:
        std, error = (value / math.sqrt(answer.fan_in) for value in (p.sigma_w, p.sigma_w_error))
        rows.append(("weights", number(std, error), f"their std for fan_in = {answer.fan_in}"))
    variance = number(p.q, p.q_error), "variance of the pre-activations that layers keep"
    rows += [
        ("q", *(("any", "every variance is kept") if p.any_q else variance)),
        ("chi_1", "1", "gradients and small differences neither grow nor shrink"),
        ("F'(q)", number(p.slope, p.slope_error), _phase(p)),
        ("rate", *_law(p)),
    ]
    for name, value, meaning in rows:
        print_paragraph(out, f"  {name:<8} {value:<24} ", meaning, 2 + len(name))
    if framework:
        out.print("\n" + code(answer.activation, p, framework, asked), markup=False, soft_wrap=True)


def _phase(p: EocPoint) -> str:
    if p.any_q:
        return "the variance map is the identity"
    if p.stability == "stable":
        return f"stable: variances return to q{_return_time(p.slope)}"
    if p.usable and p.slope > 1.0:
        return f"variances leave q slowly: small differences grow by e in {1.0 / math.log(p.slope):.3g} layers"
    if p.usable:
        return "marginal: variances decay towards q = 0, like 1/l"
    return "NOT stable: variances leave q, do not train from here"


def _return_time(slope: float) -> str:
    return f", by e in {-1.0 / math.log(abs(slope)):.3g} layers" if 0.0 < abs(slope) < 1.0 else ""


def _law(p: EocPoint) -> tuple[str, str]:
    law = p.law
    if law.law == "constant":
        return "constant", "correlations never change" if p.any_q or p.q > 0.0 else "in the limit q = 0"
    name, power = ("beta_q", "layer") if law.law == "1/l" else ("kappa", "layer^2")
    return (
        f"{name} = {number(law.constant, law.error)}",
        f"correlation c of two inputs: 1 - c falls like {name} / {power}; they look alike after about "
        f"{law.depth:.3g} layers{', whatever q is' if p.any_q else ''}",
    )


def _print_ordered(out: Console, p: OrderedPoint) -> None:
    out.print()
    print_paragraph(
        out,
        "recommended instead, ",
        f"in the ordered phase: sigma_b = {p.sigma_b:g}, sigma_w = {p.sigma_w:.6g} keeps "
        f"q = {p.q:.6g} with chi_1 = {p.chi_1:.6g}: gradients shrink by that factor a layer, by e in {p.xi:.3g} layers",
        indent=2,
    )


def _print_table(out: Console, title: str, points: Sequence[EocPoint]) -> None:
    out.print(f"\n{title}:")
    print_table(
        out,
        ("sigma_b", "sigma_w", "q", "F'(q)", "", "law", "depth scale"),
        lambda digits: [_cells(p, min(digits, 9)) for p in points],
        dim=[i for i, p in enumerate(points) if not p.usable],
    )


def _cells(p: EocPoint, digits: int) -> tuple[str, ...]:
    pairs = (p.sigma_b, p.sigma_b_error), (p.sigma_w, p.sigma_w_error), (p.q, p.q_error)
    slope = number(p.slope, p.slope_error, min(digits, 7))
    depth = f"{p.law.depth:.4g}" if p.law.law != "constant" else "inf"
    stability = "stable" if p.stability == "stable" else p.stability.upper()
    return *(number(*pair, digits) for pair in pairs), slope, stability, p.law.law, depth
