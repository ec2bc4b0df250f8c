"""``eoc maps``: Gaussian expectations and the variance map of an activation."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eoc.cli.common import AsJson, Backward, NetworkName, Plot, find_block, numbers, print_json, save_picture
from eoc.cli.tables import console, print_next
from eoc.cli.words import command_line
from eoc.errors import EocError
from eoc.reports.writing import number, print_headline, print_table

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure
    from numpy.typing import NDArray
    from rich.console import Console

    from eoc.activations import Activation
    from eoc.gaussian.moments import Estimate
    from eoc.layers import Network
    from eoc.maps import FixedPoint, VarianceMap

__all__ = ["command"]

_MEANING = {
    "M": "E[phi]",
    "V": "E[phi^2]",
    "D": "E[phi'^2]",
    "S": "E[phi''^2]",
    "P": "E[phi phi'']",
}


def command(
    activation: NetworkName,
    q: Annotated[str, typer.Option(help="Variances, separated by commas.")] = "0.1,0.5,1,2,10",
    sigma_w: Annotated[
        float | None, typer.Option(help="Std of the weights times sqrt(fan_in): adds the map F.")
    ] = None,
    sigma_b: Annotated[float, typer.Option(help="Std of the biases.")] = 0.0,
    backward: Backward = None,
    plot: Plot = None,
    as_json: AsJson = False,
) -> None:
    """Print Gaussian expectations at given variances; with --sigma-w also F(q), F'(q), chi_1 and all fixed points.

    Of a network of layers ('eoc networks') the map alone, with --sigma-w if it has a dense without numbers. With
    --backward also chi_backward, by which gradients grow that see the slope of another function.

    --plot draws the expectations against q; with --sigma-w the variance map and the correlation map.
    """
    import numpy as np

    from eoc.activations import Activation
    from eoc.gaussian.moments import moments
    from eoc.maps import VarianceMap

    phi, found = find_block(activation), {}
    variances = np.array(numbers("--q", q))
    if isinstance(phi, Activation):
        moments(phi, variances, ("V",))  # without V there is nothing to print; the others may be nan
        found = moments(phi, variances, strict=False)
    needed = sigma_w is not None or not isinstance(phi, Activation)
    if backward is not None and not needed:
        raise EocError("--backward is about gradients of layers: give --sigma-w")
    network = VarianceMap(phi, sigma_w, sigma_b, backward=backward) if needed else None
    values = {} if network is None else _map_values(network, variances)
    if as_json:
        print_json(_payload(phi.name, variances.tolist(), found, network, values))
    else:
        _print(console(), phi, variances.tolist(), found, network, values)
        _print_next(console(), activation, network)
    if plot is not None:
        save_picture(_figure(phi, variances, network), plot)


def _figure(phi: Activation | Network, q: NDArray[np.float64], network: VarianceMap | None) -> Figure:
    """The expectations, or the maps."""
    from eoc.activations import Activation
    from eoc.phase import phases
    from eoc.plotting import expectations_figure, maps_figure

    if network is None and isinstance(phi, Activation):
        return expectations_figure(phi, q)
    assert network is not None
    found = phases(network.network, network.sigma_w, network.sigma_b)
    return maps_figure(network, [p.correlation for p in found if p.correlation is not None])


def _map_values(network: VarianceMap, q: Any) -> dict[str, Estimate]:
    found = {"F": network.F(q), "slope": network.slope(q), "chi_1": network.chi_1(q, strict=False)}
    if network.network.has_surrogates:
        found["chi_backward"] = network.chi_backward(q, strict=False)
    return found


def _payload(
    name: str, q: list[float], found: dict[str, Estimate], network: VarianceMap | None, values: dict[str, Estimate]
) -> dict[str, Any]:
    out: dict[str, Any] = {"activation": name, "q": q}
    out |= {key: dataclasses.asdict(e) for key, e in (found | values).items()}
    if network is not None:
        out |= {"sigma_w": network.sigma_w, "sigma_b": network.sigma_b, "is_identity": network.is_identity}
        out["fixed_points"] = [dataclasses.asdict(p) for p in network.fixed_points]
        out["domain"] = None if network.domain is None else dict(zip(("q", "K_var"), network.domain, strict=True))
    return out


def _print(
    out: Console,
    phi: Activation | Network,
    q: list[float],
    found: dict[str, Estimate],
    network: VarianceMap | None,
    values: dict[str, Estimate],
) -> None:
    print_headline(out, _in_words(phi, q, network))
    if found:
        _print_estimates(out, q, {_MEANING[name]: e for name, e in found.items()})
    if any((e.value != e.value).any() for e in found.values()):
        out.print("nan: infinite, or beyond what double precision can compute")
    if network is None:
        return
    shown = {"F": "F(q)", "slope": "F'(q)", "chi_1": "chi_1", "chi_backward": "chi_backward"}
    _print_estimates(out, q, {shown[name]: e for name, e in values.items()})
    if network.is_identity:
        out.print("F is the identity: every variance is kept.")
        return
    print_table(
        out,
        ("fixed point q", "F'", "chi_1", "stability", "reached from q ="),
        lambda digits: [_fixed_point(p, digits) for p in network.fixed_points],
    )


def _in_words(phi: Activation | Network, q: list[float], network: VarianceMap | None) -> str:
    """The answer in one sentence."""
    if network is None:
        at = f"q = {q[0]:g}" if len(q) == 1 else f"{len(q)} variances q"
        return f"Gaussian expectations of {phi.name} at {at}."
    place = f"variances of {phi.name}"
    if not math.isnan(network.sigma_w):
        place += f" at sigma_w = {network.sigma_w:.12g}, sigma_b = {network.sigma_b:.12g}"
    if network.is_identity:
        return f"{place} are kept, whatever they are."
    reached = [p for p in network.fixed_points if p.basin is not None]
    ends = [*(f"settle at q = {p.q:.6g}" for p in reached if not p.diverges)]
    if any(p.diverges for p in reached):
        ends.append("grow without bound")
    return f"{place} {' or '.join(ends) or 'settle nowhere'}."


def _print_next(out: Console, source: str, network: VarianceMap | None) -> None:
    if network is None:
        print_next(out, command_line("maps", source, sigma_w=1), "adds the variance map of sigma_w = 1")
    else:
        at = {} if math.isnan(network.sigma_w) else {"sigma_w": network.sigma_w, "sigma_b": network.sigma_b}
        phase = command_line("phase", source, **at)
        print_next(out, phase, "says what depth does to correlations and gradients")


def _fixed_point(p: FixedPoint, digits: int) -> tuple[str, ...]:
    values = number(p.q, p.q_error, digits), number(p.slope, p.slope_error, digits), number(p.chi_1, 0.0, digits)
    return *values, p.stability, _basin(p)


def _print_estimates(out: Console, q: list[float], columns: dict[str, Estimate]) -> None:
    def rows(digits: int) -> list[list[str]]:
        return [
            [f"{variance:g}", *(number(float(e.value[i]), float(e.error[i]), digits) for e in columns.values())]
            for i, variance in enumerate(q)
        ]

    print_table(out, ("q", *columns), rows)


def _basin(p: FixedPoint) -> str:
    name = "diverges: " if p.diverges else ""
    if p.basin is None:
        return f"{name}only itself"
    return f"{name}{p.basin[0]:.8g} ... {p.basin[1]:.8g}"
