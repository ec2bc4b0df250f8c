"""``eoc propagate``: variances, correlations and gradients of two inputs, layer by layer."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eoc.cli.common import (
    AsJson,
    NetworkName,
    Plot,
    check_file,
    find_block,
    number,
    numbers,
    print_json,
    save_picture,
)
from eoc.cli.edge import recognised
from eoc.cli.progress import progress
from eoc.cli.tables import console, layer, print_headline, print_next, print_table, print_title
from eoc.cli.words import command_line
from eoc.errors import EocError
from eoc.files import replacing

if TYPE_CHECKING:
    from eoc.activations import Activation
    from eoc.layers import Network
    from eoc.propagation import Trajectory

__all__ = ["command"]

_C0 = 0.1
_FIRST = 6  # layers that are always shown
_STEPS = (1.0, 2.0, 3.0, 5.0, 7.0)  # then these times powers of ten
_ALL_DECADES = 1000.0  # beyond, as many rows evenly on a log scale
_ROWS = 20


def command(
    activation: NetworkName,
    sigma_w: Annotated[
        float | None,
        typer.Option(help="Standard deviation of the weights times sqrt(fan_in); of a network, of its free dense."),
    ] = None,
    sigma_b: Annotated[float, typer.Option(help="Standard deviation of the biases.")] = 0.0,
    c0: Annotated[
        float | None, typer.Option(help=f"Correlation of the two inputs, in [-1, 1]. (default {_C0})")
    ] = None,
    one_minus_c0: Annotated[float | None, typer.Option(help="Or 1 minus it, for inputs that are close.")] = None,
    q: Annotated[
        str | None, typer.Option(help="Variance of the first layer, or two: 1,4. Left out: what layers keep.")
    ] = None,
    depth: Annotated[float, typer.Option(help="Layers to go, a whole number: 100, 1e6, ...")] = 100.0,
    plot: Plot = None,
    save: Annotated[
        Path | None, typer.Option(help="Write all recorded layers to a file (.csv, .npz).", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Follow two inputs through a network: variances, correlation with error, and second moment of gradients."""
    from eoc.layers import Network
    from eoc.propagation import propagate

    if save is not None:
        check_file(save, "the layers", ("csv", "npz"))
    variances = None if q is None else numbers("--q", q)
    if variances is not None and len(variances) > 2:
        raise EocError(f"--q takes one variance or two, got {q!r}")
    source = find_block(activation)
    if c0 is not None and one_minus_c0 is not None:
        raise EocError(f"give --c0 or --one-minus-c0, not both; got {c0:g} and {one_minus_c0:g}")
    if c0 is None and one_minus_c0 is None:
        c0 = _C0
    if not isinstance(source, Network):
        if sigma_w is None:
            raise EocError(f"give --sigma-w, or '{source.name}, dense(1.2)' with the weights in it")
        sigma_w = recognised(source, sigma_w, sigma_b)
    report = progress()
    report.expect("layers")
    run = propagate(source, sigma_w, sigma_b, q=variances, c=c0, one_minus_c=one_minus_c0, depth=depth, progress=report)
    if as_json:
        print_json(_payload(source, run))
    else:
        _print(activation, source, run)
    if save is not None:
        _save(run, save)
    if plot is not None:
        from eoc.plotting import trajectory_figure

        save_picture(trajectory_figure(run), plot)


def _payload(source: Activation | Network, run: Trajectory) -> dict[str, Any]:
    free = not math.isnan(run.sigma_w)
    return {
        **source.to_dict(),
        "sigma_w": run.sigma_w if free else None,
        "sigma_b": run.sigma_b if free else None,
        "layers": run.layers,
        "q": run.q,
        "q_error": run.q_error,
        "c": run.c[:, 0, 1],
        "one_minus_c": run.one_minus_c[:, 0, 1],
        "error": run.error[:, 0, 1],
        "chi": run.chi,
        "gradient": run.gradient,
        "log_gradient": run.log_gradient,
    }


def _print(typed: str, source: Activation | Network, run: Trajectory) -> None:
    from eoc.layers import Network

    out = console()
    print_headline(out, f"{_in_words(run)}.")
    print_title(out, source)
    if not math.isnan(run.sigma_w):
        out.print(f"sigma_w = {run.sigma_w:.12g}, sigma_b = {run.sigma_b:.12g}")
    alike = bool((run.q[:, 0] == run.q[:, 1]).all())
    inputs = (0,) if alike else (0, 1)
    names = ("",) if alike else ("_a", "_b")

    def rows(digits: int) -> list[list[str]]:
        table = []
        for i in _shown(run):
            e, error = float(run.one_minus_c[i, 0, 1]), float(run.error[i, 0, 1])
            table.append(
                [
                    layer(run.layers[i]),
                    *(number(float(run.q[i, a]), float(run.q_error[i, a]), digits) for a in inputs),
                    number(1.0 - e, error, digits),
                    number(e, error, digits),
                    f"{error:.1g}",
                    *(_exponential(float(run.log_gradient[i, a]), min(digits, 6)) for a in inputs),
                ]
            )
        return table

    columns = *(f"q{n}" for n in names), "c", "1 - c", "+-", *(f"gradient{n}" for n in names)
    print_table(out, ("layer", *columns), rows)
    out.print("gradient: its second moment over that of the last layer")
    if isinstance(source, Network):
        print_next(out, "eoc networks", "lists what else a network can be written of")
    else:
        print_next(out, command_line("phase", typed, sigma_w=run.sigma_w, sigma_b=run.sigma_b), "says where this ends")


def _in_words(run: Trajectory) -> str:
    """What is left of the two inputs and of their gradients, in one sentence."""
    apart, ratios = float(run.one_minus_c[-1, 0, 1]), [_exponential(float(g), 3) for g in run.log_gradient[0]]
    sizes = " and ".join(dict.fromkeys(ratios))
    return (
        f"after {layer(run.layers[-1])} layers the two inputs have 1 - c = {apart:.3g}; squared gradients at the first "
        f"layer are {sizes} times those at the last"
    )


def _exponential(log: float, digits: int) -> str:
    """exp(log), also where that overflows."""
    if abs(log) < 700.0 or math.isinf(log):
        return f"{math.exp(log):.{digits}g}"
    exponent = math.floor(log / math.log(10.0))
    return f"{math.exp(log - exponent * math.log(10.0)):.3g}e{exponent:+d}"


def _shown(run: Trajectory) -> list[int]:
    """Which recorded layers the text shows: the first ones, round numbers or an even spread, and the last."""
    import numpy as np

    last = float(run.layers[-1])
    if last <= _ALL_DECADES:
        wanted = [s * 10.0**k for k in range(1 + round(np.log10(_ALL_DECADES))) for s in _STEPS if s * 10.0**k < last]
    else:
        wanted = np.geomspace(_FIRST, last, _ROWS - _FIRST).tolist()
    later = [w for w in wanted if w >= _FIRST]
    nearest = np.abs(run.layers[:, None] - np.array([*range(_FIRST), *later, last])).argmin(axis=0)
    return sorted({int(i) for i in nearest})


def _save(run: Trajectory, path: Path) -> None:
    with replacing(path, "the layers") as part:
        run.save(part)
