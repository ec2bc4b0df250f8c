"""``eoc propagate``: variances, correlations and gradients of two inputs, layer by layer."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eoc.cli.common import AsJson, NetworkName, Plot, check_file, find_block, numbers, print_json, save_picture
from eoc.cli.edge import recognised
from eoc.cli.progress import progress
from eoc.cli.tables import console, print_next
from eoc.cli.words import command_line
from eoc.errors import EocError
from eoc.files import replacing
from eoc.reports.trajectory import write_trajectory

if TYPE_CHECKING:
    from eoc.activations import Activation
    from eoc.layers import Network
    from eoc.propagation import Trajectory

__all__ = ["command"]

_C0 = 0.1


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
        out = console()
        write_trajectory(out, run, source)
        if isinstance(source, Network):
            print_next(out, "eoc networks", "lists what else a network can be written of")
        else:
            where = command_line("phase", activation, sigma_w=run.sigma_w, sigma_b=run.sigma_b)
            print_next(out, where, "says where this ends")
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


def _save(run: Trajectory, path: Path) -> None:
    with replacing(path, "the layers") as part:
        run.save(part)
