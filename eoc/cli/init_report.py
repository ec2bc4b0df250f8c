"""The text that ``eoc init`` prints."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TYPE_CHECKING

from eoc.cli.common import console, number, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from eoc.cli.init import Answer
    from eoc.criticality import EocPoint, OrderedPoint

__all__ = ["Framework", "print_answer"]


class Framework(StrEnum):
    """Whose code to print."""

    TORCH = "torch"
    JAX = "jax"
    KERAS = "keras"


def print_answer(answer: Answer, framework: Framework | None) -> None:
    """Print the point with what its numbers mean, or why there is none and what to take instead."""
    from rich.markup import escape

    out, phi, found = console(), answer.activation, answer.found
    out.print(f"[bold]{escape(phi.name)}[/]   phi(x) = {escape(phi.formula)}   ({phi.smoothness})", soft_wrap=True)
    if found.reason is not None:
        out.print(f"[yellow]no usable point:[/] {escape(found.message)}", soft_wrap=True)
    if answer.point is not None:
        _print_point(out, answer.point, answer.fan_in, framework)
    elif answer.alternative is not None:
        out.print("\nnearest useful alternative:")
        _print_point(out, answer.alternative, answer.fan_in, framework)
    elif answer.ordered is not None:
        _print_ordered(out, answer.ordered)
    others = [p for p in found.points if p is not answer.point]
    if others and answer.point is not None:
        _print_table(out, "other points with the same value", others)
    if answer.curve:
        _print_table(out, "along the curve", answer.curve)


def _print_point(out: Console, p: EocPoint, fan_in: int | None, framework: Framework | None) -> None:
    rows = [
        ("sigma_b", number(p.sigma_b, p.sigma_b_error), "std of the biases"),
        ("sigma_w", number(p.sigma_w, p.sigma_w_error), "std of the weights times sqrt(fan_in)"),
    ]
    if fan_in:
        std = p.sigma_w / math.sqrt(fan_in)
        rows.append(("weights", number(std, p.sigma_w_error / math.sqrt(fan_in)), f"their std for fan_in = {fan_in}"))
    kept = "any: every variance is kept" if p.any_q else number(p.q, p.q_error)
    rows += [
        ("q", kept, "" if p.any_q else "variance of the pre-activations that layers keep"),
        ("chi_1", "1", "gradients and small differences neither grow nor shrink"),
        ("F'(q)", number(p.slope, p.slope_error), _phase(p)),
        ("1 - c_l", *_law(p)),
    ]
    for name, value, meaning in rows:
        out.print(f"  [bold]{name:<8}[/] {value:<22} {meaning}", soft_wrap=True)
    if framework:
        out.print("\n" + _code(p, framework), markup=False, soft_wrap=True)


def _phase(p: EocPoint) -> str:
    if p.any_q:
        return "the variance map is the identity"
    if p.stability == "stable":
        return "stable: variances return to q"
    if p.usable:
        return "marginal: variances decay towards q = 0, like 1/l"
    return "NOT stable: variances leave q, do not train from here"


def _law(p: EocPoint) -> tuple[str, str]:
    law = p.law
    if law.law == "constant":
        return "constant", "correlations never change" if p.any_q or p.q > 0.0 else "in the limit q = 0"
    name = "beta_q" if law.law == "1/l" else "kappa"
    return (
        f"~ {name} / {law.law[2:]}",
        f"{name} = {number(law.constant, law.error)}: this fall sets in after about {law.depth:.3g} layers",
    )


def _print_ordered(out: Console, p: OrderedPoint) -> None:
    out.print(
        f"\nnearest useful alternative, in the ordered phase: sigma_b = {p.sigma_b:g}, sigma_w = {p.sigma_w:.6g} keeps "
        f"q = {p.q:.6g} with chi_1 = {p.chi_1:.6g}: gradients shrink by that factor a layer, by e in {p.xi:.3g} layers",
        soft_wrap=True,
    )


def _print_table(out: Console, title: str, points: Sequence[EocPoint]) -> None:
    out.print(f"\n{title}:")
    rows = table("sigma_b", "sigma_w", "q", "F'(q)", "", "law", "depth scale")
    for p in points:
        rows.add_row(number(p.sigma_b, p.sigma_b_error, 9), *_short(p), style=None if p.usable else "dim")
    out.print(rows)


def _short(p: EocPoint) -> tuple[str, ...]:
    depth = f"{p.law.depth:.4g}" if p.law.law != "constant" else "inf"
    values = number(p.sigma_w, p.sigma_w_error, 9), number(p.q, p.q_error, 9), number(p.slope, p.slope_error, 7)
    return *values, "stable" if p.stability == "stable" else p.stability.upper(), p.law.law, depth


def _code(p: EocPoint, framework: Framework) -> str:
    if framework is Framework.TORCH:
        return (
            "fan_in = layer.weight[0].numel()\n"
            f"torch.nn.init.normal_(layer.weight, std={p.sigma_w!r} / fan_in**0.5)\n"
            f"torch.nn.init.normal_(layer.bias, std={p.sigma_b!r})"
        )
    if framework is Framework.JAX:
        return (
            f"kernel_init = jax.nn.initializers.variance_scaling({p.sigma_w**2!r}, 'fan_in', 'normal')\n"
            f"bias_init = jax.nn.initializers.normal({p.sigma_b!r})"
        )
    return (
        f"kernel_initializer = keras.initializers.VarianceScaling({p.sigma_w**2!r}, 'fan_in', 'untruncated_normal')\n"
        f"bias_initializer = keras.initializers.RandomNormal(stddev={p.sigma_b!r})"
    )
