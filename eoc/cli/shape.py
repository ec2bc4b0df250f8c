"""``eoc shape``: make an activation trainable at a depth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from eoc.cli.common import AsJson, Depth, Name, find_activation, print_json
from eoc.cli.framework import Framework
from eoc.cli.tables import console, print_next
from eoc.cli.words import command_line
from eoc.reports.writing import number, print_headline, print_paragraph, print_table

if TYPE_CHECKING:
    from eoc.shaping import Shaping, Solution

__all__ = ["command"]

_DIGITS = 15
_FEW = 2
_CONDITIONS = {
    "Q(1)": "layers keep the variance 1",
    "Q'(1)": "what variances are off by neither grows nor shrinks",
    "C'(1)": "what a layer multiplies gradients, and small differences of inputs, by",
    "C''(1)": "what a layer bends correlations by; they add up to tau",
    "C(0)": "where a layer takes a correlation of 0",
}


def command(
    activation: Name,
    depth: Depth = None,
    method: Annotated[
        str | None,
        typer.Option(help="tat or dks. (default: tat, dks where phi has kinks)", show_default=False),
    ] = None,
    network: Annotated[
        str | None,
        typer.Option(help="The block in which it stands ('eoc networks'), such as 'residual(gelu, dense(1), ...)'."),
    ] = None,
    tau: Annotated[float | None, typer.Option(help="TAT: curvature of the network. (default 0.3)")] = None,
    zeta: Annotated[float | None, typer.Option(help="DKS: slope of the network. (default 1.5)")] = None,
    eta: Annotated[float | None, typer.Option(help="TAT of ReLU: C(0) of the network. (default 0.9)")] = None,
    framework: Annotated[Framework | None, typer.Option(help="Print the lines of code.")] = None,
    as_json: AsJson = False,
) -> None:
    """Change an activation so that a network of --depth layers trains: gamma * (phi(alpha x + beta) + delta).

    The numbers follow from the depth, by TAT (tailored activation transformation) or DKS (deep kernel shaping), so that
    a network that is drawn with sigma_w = 1 and sigma_b = 0 keeps variances, gradients and the distance of inputs.
    """
    from eoc.shaping import shape

    found = shape(find_activation(activation), depth, method=method, network=network, tau=tau, zeta=zeta, eta=eta)
    if as_json:
        print_json(found.to_dict())
        return
    again = {"depth": found.depth, "method": method, "network": network, "tau": tau, "zeta": zeta, "eta": eta}
    _print(found, framework, command_line("shape", activation, **again, framework="torch"))


def _print(found: Shaping, framework: Framework | None, code: str) -> None:
    from eoc.cli.shape_code import shape_code

    out = console()
    print_headline(out, f"{_verdict(found)}: draw weights orthogonal with gain 1, biases 0, inputs of variance 1.")
    out.print(f"phi(x) = {found.activation.name}", markup=False, soft_wrap=True)
    print_paragraph(out, "  ", _meaning(found))
    out.print()
    for name, value, error in _numbers(found):
        print_paragraph(out, f"  {name:<15} ", number(value, error, _DIGITS), 2 + len(name))
    print_table(
        out,
        ("layer", "asked for", "has", "what it is"),
        lambda digits: [
            (c.name, number(c.asked, digits=digits), _has(c.value, c.error, digits), _CONDITIONS[c.name])
            for c in found.conditions
        ],
        words=1,
    )
    if found.others:
        places = "; ".join(_place(s) for s in found.others[:_FEW])
        more = f"; {len(found.others) - _FEW} more with --json" if len(found.others) > _FEW else ""
        print_paragraph(out, "further solutions, not kept: ", f"{places}{more}.", indent=2)
    if framework is not None:
        out.print("\n" + shape_code(found, framework), markup=False, soft_wrap=True)
        check = command_line("verify", found.activation.name, sigma_w=1.0, sigma_b=0.0, q=1.0)
        print_next(out, check, "compares it with finite networks")
    else:
        print_next(out, code, "prints the code (or jax, keras)")


def _place(s: Solution) -> str:
    why = f"phi is {1.0 / s.steepness:.2g} times as steep there as at its steepest"
    return f"alpha = {s.alpha:.6g}, beta = {s.beta:.6g}, gamma = {s.gamma:.6g} ({why})"


def _has(value: float, error: float, digits: int) -> str:
    return number(value, error, digits) if abs(value) > error else f"0 +- {error:.1g}"


def _verdict(found: Shaping) -> str:
    what = "1 layer" if found.depth == 1 else f"{found.depth} layers"
    where = "" if found.network.partition(",")[0] == found.original else " in this network"
    how = "should train" if found.trains else "may not train"
    return f"{what} of {found.original}{where}, shaped by {found.method.upper()}, {how}"


def _meaning(found: Shaping) -> str:
    from eoc.recommendation import C0
    from eoc.shaping.result import SHAPED_APART

    return (
        f"two inputs of correlation c = {C0:g} end with 1 - c = {found.one_minus_c:.2g}, of which it takes about "
        f"{SHAPED_APART:g} to train; squared gradients at the first block are {found.gradient_ratio:.3g} times those "
        "at the last."
    )


def _numbers(found: Shaping) -> list[tuple[str, float, float]]:
    names = ("alpha", "beta", "gamma", "delta")
    rows = [(name, getattr(found, name), error) for name, error in zip(names, found.errors, strict=False)]
    if found.negative_slope is None:
        return rows
    return [rows[2], ("negative_slope", found.negative_slope, found.errors[4])]
