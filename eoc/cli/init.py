"""``eoc init``: the edge-of-chaos initialisation of an activation."""

from __future__ import annotations

import dataclasses
import math
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eoc.cli.common import AsJson, Name, console, find_activation, number, print_json, table
from eoc.errors import EocError

if TYPE_CHECKING:
    from rich.console import Console

    from eoc.activations import Activation
    from eoc.criticality import EdgeOfChaos, EocPoint, OrderedPoint

__all__ = ["command"]

_TABLE = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
_SOME_BIAS = 0.1  # for activations that hold no variance without bias
_EXIT_NONE = 3


class Framework(StrEnum):
    """Whose code to print."""

    TORCH = "torch"
    JAX = "jax"
    KERAS = "keras"


def command(
    activation: Name,
    sigma_b: Annotated[float | None, typer.Option(help="Standard deviation of the biases.")] = None,
    q: Annotated[float | None, typer.Option(help="Variance of the pre-activations to keep.")] = None,
    sigma_w: Annotated[float | None, typer.Option(help="Standard deviation of the weights times sqrt(fan_in).")] = None,
    depth: Annotated[float | None, typer.Option(help="Number of layers that correlations should survive.")] = None,
    fan_in: Annotated[
        int | None, typer.Option(min=1, help="Inputs of a layer: prints the weights' std for it.")
    ] = None,
    framework: Annotated[Framework | None, typer.Option(help="Print the lines of code that set these values.")] = None,
    unstable: Annotated[
        bool, typer.Option("--unstable", help="Accept a point at which the variance is not held.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print (sigma_b, sigma_w) on the edge of chaos.

    Give one of --sigma-b, --q, --sigma-w and --depth, or none for a recommended point and a table along the curve.
    Exit code 3 if there is no usable point.
    """
    from eoc.criticality import edge_of_chaos

    phi = find_activation(activation)
    found = edge_of_chaos(phi, sigma_b=sigma_b, q=q, sigma_w=sigma_w, depth=depth)
    chosen = _chosen(found, unstable)
    ordered = None if chosen else _alternative(phi, sigma_b)
    if as_json:
        print_json(_payload(phi, found, chosen, ordered, fan_in))
    else:
        _print(console(), phi, found, chosen, ordered, fan_in, framework)
    if chosen is None:
        raise typer.Exit(_EXIT_NONE)


def _chosen(found: EdgeOfChaos, unstable: bool) -> EocPoint | None:
    if found.reason is None:
        return found.best
    return found.points[0] if unstable and found.points else None


def _alternative(phi: Activation, sigma_b: float | None) -> OrderedPoint | None:
    from eoc.criticality import nearest_ordered

    return nearest_ordered(phi, sigma_b or 0.0) or nearest_ordered(phi, _SOME_BIAS)


def _recommended(phi: Activation, found: EdgeOfChaos) -> EocPoint | None:
    """The point to fall back on where the question has no usable answer."""
    from eoc.criticality import edge_of_chaos

    instead = edge_of_chaos(phi) if found.given else found
    return instead.best if instead.reason is None else None


def _payload(
    phi: Activation, found: EdgeOfChaos, chosen: EocPoint | None, ordered: OrderedPoint | None, fan_in: int | None
) -> dict[str, Any]:
    instead = None if chosen else _recommended(phi, found)
    return {
        "activation": phi.name,
        "formula": phi.formula,
        "given": found.given,
        "point": _point_payload(chosen, fan_in),
        "points": [_point_payload(p, fan_in) for p in found.points],
        "reason": None if found.reason is None else str(found.reason),
        "message": found.message,
        "alternative": _point_payload(instead, fan_in),
        "nearest_ordered": None if ordered is None or instead else dataclasses.asdict(ordered),
    }


def _point_payload(point: EocPoint | None, fan_in: int | None) -> dict[str, Any] | None:
    if point is None:
        return None
    out = dataclasses.asdict(point)
    out["law"]["depth"] = point.law.depth
    out["fan_in"] = fan_in
    out["weight_std"] = point.sigma_w / math.sqrt(fan_in) if fan_in else None
    out["bias_std"] = point.sigma_b
    return out


def _print(
    out: Console,
    phi: Activation,
    found: EdgeOfChaos,
    chosen: EocPoint | None,
    ordered: OrderedPoint | None,
    fan_in: int | None,
    framework: Framework | None,
) -> None:
    out.print(f"[bold]{_escape(phi.name)}[/]   phi(x) = {_escape(phi.formula)}   ({phi.smoothness})", soft_wrap=True)
    if found.reason is not None:
        out.print(f"[yellow]no usable point:[/] {_escape(found.message)}", soft_wrap=True)
    if chosen is None:
        instead = _recommended(phi, found)
        if instead is not None:
            out.print("\nnearest useful alternative:")
            _print_point(out, instead, fan_in, framework)
        elif ordered is not None:
            _print_ordered(out, ordered)
        return
    others = [p for p in found.points if p is not chosen]
    _print_point(out, chosen, fan_in, framework)
    if others:
        out.print(f"\n{len(others)} more with the same value:")
        _print_table(out, others)
    if not found.given and not chosen.any_q:
        _print_along(out, phi)


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
        out.print("\n" + _escape(_code(p, framework)), soft_wrap=True)


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
        f"{name} = {number(law.constant, law.error)}: survives about {law.depth:.3g} layers",
    )


def _print_ordered(out: Console, p: OrderedPoint) -> None:
    out.print(
        f"\nnearest useful alternative, in the ordered phase: sigma_b = {p.sigma_b:g}, sigma_w = {p.sigma_w:.6g} keeps "
        f"q = {p.q:.6g} with chi_1 = {p.chi_1:.6g}: gradients shrink by that factor a layer, by e in {p.xi:.3g} layers",
        soft_wrap=True,
    )


def _print_along(out: Console, phi: Activation) -> None:
    from eoc.criticality import edge_of_chaos

    points = [p for b in _TABLE for p in edge_of_chaos(phi, sigma_b=b).points]
    if points:
        out.print("\nalong the curve:")
        _print_table(out, points)


def _print_table(out: Console, points: list[EocPoint]) -> None:
    rows = table("sigma_b", "sigma_w", "q", "F'(q)", "", "law", "depth scale")
    for p in points:
        cells = (number(p.sigma_b, max(p.sigma_b_error, 1e-7 * p.sigma_b)), *_short(p))
        rows.add_row(*cells, style=None if p.usable else "dim")
    out.print(rows)


def _short(p: EocPoint) -> tuple[str, ...]:
    depth = f"{p.law.depth:.4g}" if p.law.law != "constant" else "inf"
    values = f"{p.sigma_w:.8f}" if p.sigma_w < 1e4 else f"{p.sigma_w:.8g}", f"{p.q:.8g}", f"{p.slope:.6f}"
    return *values, "stable" if p.stability == "stable" else p.stability.upper(), p.law.law, depth


def _code(p: EocPoint, framework: Framework) -> str:
    if framework is Framework.TORCH:
        return (
            "fan_in = torch.nn.init._calculate_correct_fan(layer.weight, 'fan_in')\n"
            f"torch.nn.init.normal_(layer.weight, std={p.sigma_w!r} / fan_in**0.5)\n"
            f"torch.nn.init.normal_(layer.bias, std={p.sigma_b!r})"
        )
    if framework is Framework.JAX:
        return (
            f"kernel_init = jax.nn.initializers.variance_scaling({p.sigma_w!r}**2, 'fan_in', 'normal')\n"
            f"bias_init = jax.nn.initializers.normal({p.sigma_b!r})"
        )
    if framework is Framework.KERAS:
        return (
            f"kernel = keras.initializers.VarianceScaling({p.sigma_w!r}**2, 'fan_in', 'untruncated_normal')\n"
            f"bias = keras.initializers.RandomNormal(stddev={p.sigma_b!r})"
        )
    raise EocError(f"unknown framework {framework}")


def _escape(text: str) -> str:
    from rich.markup import escape

    return escape(text)
