"""``eoc montecarlo``: random networks of finite width, beside what theory predicts."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from eoc.cli.common import (
    AsJson,
    Name,
    Plot,
    check_file,
    checked_by,
    find_activation,
    numbers,
    print_json,
    save_picture,
)
from eoc.cli.edge import network_at
from eoc.cli.montecarlo_payload import (
    comparison_rows,
    counterexamples_payload,
    gaussianity_payload,
    lengths_payload,
)
from eoc.cli.montecarlo_report import print_counterexamples, print_gaussianity, print_lengths, print_scaling
from eoc.cli.progress import progress_bar

__all__ = [
    "Checkpoint",
    "Depth",
    "Interval",
    "Seed",
    "SigmaB",
    "SigmaW",
    "Weights",
    "Workers",
    "app",
    "comparison_rows",
    "counterexamples",
    "gaussianity",
    "lengths",
    "resumable",
    "threads",
]

app = typer.Typer(
    help="Sample random networks of finite width, and compare them with theory.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

SigmaW = Annotated[
    float | None,
    typer.Option(help="Std of the weights times sqrt(fan_in); left out: on the edge of chaos.", show_default=False),
]
SigmaB = Annotated[float | None, typer.Option(help="Standard deviation of the biases.", show_default=False)]
FirstQ = Annotated[
    float | None,
    typer.Option(help="Variance of the first layer's units. Left out: what layers keep.", show_default=False),
]
Depth = Annotated[int, typer.Option(help="How many layers.")]
Count = Annotated[int, typer.Option("--networks", help="How many random networks.")]
Seed = Annotated[int, typer.Option(help="Of all random numbers; the same one gives the same result.")]
Weights = Annotated[
    str,
    typer.Option(
        help="gaussian or orthogonal, sampled without matrices; with real ones rademacher, uniform, laplace, "
        "student_t(df) or sparse(p)."
    ),
]
Workers = Annotated[int | None, typer.Option(help="Threads; they do not change the result.", show_default="all cores")]
Checkpoint = Annotated[
    Path | None,
    typer.Option(
        help="A file (.npz) to keep the run in, and to go on from if it exists: nothing but the last seconds is lost, "
        "and the result is the same.",
        show_default=False,
        callback=checked_by(lambda path: check_file(path, "the checkpoint", ("npz",))),
    ),
]
Interval = Annotated[float, typer.Option(help="Seconds between two writings of the checkpoint.")]

_EXAMPLE_WIDTHS = (10, 100, 1000)


@contextmanager
def resumable(checkpoint: Path | None, several: bool = False) -> Iterator[None]:
    """Say, where a run is interrupted, that it can go on; ``several``: that each width has a file of its own."""
    try:
        yield
    except KeyboardInterrupt:
        if checkpoint is not None:
            name = f"{glob.escape(checkpoint.stem)}{'-*' * several}{checkpoint.suffix}"
            for path in sorted(checkpoint.parent.glob(name)):
                print(f"interrupted: {path} keeps what was done; the same command goes on from it", file=sys.stderr)
        raise


def threads(workers: int | None) -> int:
    """How many threads the --workers option means."""
    return workers if workers is not None else os.cpu_count() or 1


def lengths(
    activation: Name,
    sigma_w: SigmaW = None,
    sigma_b: SigmaB = None,
    q: FirstQ = None,
    width: Annotated[str, typer.Option(help="Units of a layer; several for a run of each: 64,256,1024.")] = "1000",
    depth: Depth = 10,
    networks: Count = 1000,
    seed: Seed = 0,
    eps: Annotated[
        str | None,
        typer.Option(help="Count networks farther than these from the variance map: 0.1,0.2.", show_default=False),
    ] = None,
    weights: Weights = "gaussian",
    workers: Workers = None,
    checkpoint: Checkpoint = None,
    interval: Interval = 10.0,
    plot: Plot = None,
    as_json: AsJson = False,
) -> None:
    """Compare the variances q_l of finite networks with the variance map (Long & Sedghi's theorem 2).

    Mean and rms of q_l - q~_l beside theory, how often networks are farther off than eps, and with several widths the
    exponent of N. Layers are numbered from 1. Without --sigma-w: on the edge of chaos, with exit code 3 if there is no
    usable point. Interrupted with --checkpoint, the same command goes on where it was.
    """
    from eoc.montecarlo.experiments.lengths import length_process
    from eoc.montecarlo.experiments.scaling import length_scaling

    widths = [int(n) if n.is_integer() else n for n in numbers("--width", width)]
    distances = None if eps is None else numbers("--eps", eps)
    phi = find_activation(activation)
    w, b, first = network_at(phi, sigma_w, sigma_b, q, as_json)
    scaling = None
    with progress_bar("networks") as progress, resumable(checkpoint, several=len(widths) > 1):
        common: dict[str, Any] = {
            "depth": depth,
            "networks": networks,
            "seed": seed,
            "q": first,
            "eps": distances,
            "weights": weights,
            "workers": threads(workers),
            "checkpoint": checkpoint,
            "interval": interval,
            "progress": progress,
        }
        if len(widths) == 1:
            run = length_process(phi, w, b, width=widths[0], **common)
        else:
            scaling = length_scaling(phi, w, b, widths=widths, **common)
    if as_json:
        print_json(lengths_payload((run,), None) if scaling is None else lengths_payload(scaling.runs, scaling))
    elif scaling is None:
        print_lengths(run)
    else:
        print_scaling(scaling)
    if plot is not None:
        from eoc.plotting import length_figure, scaling_figure

        save_picture(length_figure(run) if scaling is None else scaling_figure(scaling), plot)


def gaussianity(
    activation: Name,
    sigma_w: SigmaW = None,
    sigma_b: SigmaB = None,
    q: FirstQ = None,
    width: Annotated[int, typer.Option(help="Units of a layer.")] = 100,
    depth: Depth = 10,
    networks: Count = 10_000,
    seed: Seed = 0,
    weights: Weights = "gaussian",
    workers: Workers = None,
    checkpoint: Checkpoint = None,
    interval: Interval = 10.0,
    plot: Plot = None,
    as_json: AsJson = False,
) -> None:
    """Compare the excess kurtosis of a unit over random networks with theory.

    It vanishes like 1/N: measured from the units themselves, and from the variance K_l that they share. Layers are
    numbered from 1. Without --sigma-w: on the edge of chaos, with exit code 3 if there is no usable point.
    """
    from eoc.montecarlo.experiments.gaussianity import gaussianity as measured

    phi = find_activation(activation)
    w, b, first = network_at(phi, sigma_w, sigma_b, q, as_json)
    with progress_bar("networks") as progress, resumable(checkpoint):
        found = measured(
            phi,
            w,
            b,
            width=width,
            depth=depth,
            networks=networks,
            seed=seed,
            q=first,
            weights=weights,
            workers=threads(workers),
            checkpoint=checkpoint,
            interval=interval,
            progress=progress,
        )
    if as_json:
        print_json(gaussianity_payload(found))
    else:
        print_gaussianity(found)
    if plot is not None:
        from eoc.plotting import gaussianity_figure

        save_picture(gaussianity_figure(found), plot)


def counterexamples(
    networks: Count = 10_000,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Show where the infinite-width theory fails: the second layers of Long & Sedghi (2019).

    1/x, whose units are Cauchy distributed at every width; exp(x^2/2), whose variance map does not exist at q = 1; ReLU
    and Heaviside, whose units are not independent. At least 100 networks.
    """
    from eoc.montecarlo.experiments.divergence import divergence
    from eoc.montecarlo.experiments.options import seed_of
    from eoc.montecarlo.experiments.second_layer import (
        RECIPROCAL,
        cauchy_comparisons,
        covariance_comparisons,
        second_layer,
    )

    with progress_bar("second layers") as progress:
        common: dict[str, Any] = {"networks": networks, "progress": progress}
        dependent = {  # first: if anything is too large for the memory, it is this
            name: covariance_comparisons(second_layer(name, 2**0.5, width=10, units=10, seed=seed, **common))
            for name in ("relu", "heaviside")
        }
        cauchy = {
            width: cauchy_comparisons(second_layer(RECIPROCAL, width=width, seed=seed_of(seed, width), **common))
            for width in _EXAMPLE_WIDTHS
        }
        growing = divergence(0.5, widths=_EXAMPLE_WIDTHS, seed=seed, **common)
    if not as_json:
        print_counterexamples(networks, cauchy, growing, dependent)
        return
    print_json({"networks": networks, "seed": seed, **counterexamples_payload(cauchy, growing, dependent)})
