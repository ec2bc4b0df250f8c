"""``eoc montecarlo``: random networks of finite width, beside what theory predicts."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import typer

from eoc.cli.common import AsJson, Name, Plot, find_activation, numbers, print_json, save_picture
from eoc.cli.edge import network
from eoc.cli.montecarlo_report import (
    print_correlations,
    print_counterexamples,
    print_gaussianity,
    print_lengths,
    print_scaling,
)
from eoc.cli.progress import progress
from eoc.cli.sampling import (
    Checkpoint,
    Count,
    Depth,
    FirstQ,
    Interval,
    Seed,
    SigmaB,
    SigmaW,
    Weights,
    Workers,
    sampling,
    show,
)
from eoc.errors import EocError

__all__ = ["app", "correlations", "counterexamples", "gaussianity", "lengths"]

app = typer.Typer(
    help="Sample random networks of finite width, and compare them with theory.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

_EXAMPLE_WIDTHS = (10, 100, 1000)


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
    from eoc.montecarlo import length_process, length_scaling

    widths = [int(n) if n.is_integer() else n for n in numbers("--width", width)]
    distances = None if eps is None else numbers("--eps", eps)
    phi = find_activation(activation)
    w, b, first = network(activation, phi, sigma_w, sigma_b, q, as_json)
    point: dict[str, Any] = {"depth": depth, "networks": networks, "weights": weights}
    given: dict[str, Any] = {"q": first, "seed": seed, "eps": distances, **point}
    one, several = widths[0], len(widths) > 1
    with sampling("length_scaling", workers, checkpoint, interval, width=widths if several else one, **point) as how:
        scaling = length_scaling(phi, w, b, widths=widths, **given, **how) if several else None
        runs = scaling.runs if scaling else (length_process(phi, w, b, width=one, **given, **how),)
    if as_json:
        powers = None if scaling is None else scaling.to_dict()
        each = [run.to_dict() for run in runs]
        print_json({**runs[0].networks.to_dict(), "seed": seed, "runs": each, "scaling": powers})
    elif scaling is None:
        print_lengths(activation, runs[0])
    else:
        print_scaling(activation, scaling)
    if plot is not None:
        from eoc.plotting import length_figure, scaling_figure

        save_picture(length_figure(runs[0]) if scaling is None else scaling_figure(scaling), plot)


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
    from eoc.montecarlo import gaussianity as measured

    phi = find_activation(activation)
    w, b, first = network(activation, phi, sigma_w, sigma_b, q, as_json)
    point: dict[str, Any] = {"width": width, "depth": depth, "networks": networks, "weights": weights}
    with sampling("gaussianity", workers, checkpoint, interval, **point) as how:
        found = measured(phi, w, b, q=first, seed=seed, **point, **how)
    show(found, partial(print_gaussianity, activation), "gaussianity_figure", plot, as_json)


def correlations(
    activation: Name,
    sigma_w: SigmaW = None,
    sigma_b: SigmaB = None,
    q: FirstQ = None,
    c0: Annotated[
        float | None, typer.Option(help="Correlation of the two inputs, in (-1, 1).", show_default="0.1")
    ] = None,
    one_minus_c0: Annotated[
        float | None, typer.Option(help="Or 1 minus it, for inputs that are close.", show_default=False)
    ] = None,
    width: Annotated[int, typer.Option(help="Units of a layer.")] = 30_000,
    depth: Depth = 100,
    networks: Count = 20,
    seed: Seed = 0,
    weights: Weights = "gaussian",
    workers: Workers = None,
    checkpoint: Checkpoint = None,
    interval: Interval = 10.0,
    plot: Plot = None,
    as_json: AsJson = False,
) -> None:
    """Compare the correlation of two inputs in finite networks with the correlation map and its law.

    Mean and spread of 1 - c_l over networks, up to which depth they follow the law, and its constant and exponent
    fitted to networks; off the edge of chaos the rate 1/xi_c, or c*. Layers are numbered from 1. Without --sigma-w: on
    the edge of chaos, with exit code 3 if there is no usable point.
    """
    from eoc.montecarlo import correlation_process

    if c0 is not None and one_minus_c0 is not None:
        raise EocError(f"give --c0 or --one-minus-c0, not both; got {c0:g} and {one_minus_c0:g}")
    phi = find_activation(activation)
    w, b, first = network(activation, phi, sigma_w, sigma_b, q, as_json)
    point: dict[str, Any] = {"width": width, "depth": depth, "networks": networks, "weights": weights}
    with sampling("correlation_process", workers, checkpoint, interval, **point) as how:
        found = correlation_process(phi, w, b, q=first, c=c0, one_minus_c=one_minus_c0, seed=seed, **point, **how)
    show(found, partial(print_correlations, activation), "correlation_process_figure", plot, as_json)


def counterexamples(networks: Count = 10_000, seed: Seed = 0, as_json: AsJson = False) -> None:
    """Show where the infinite-width theory fails: the second layers of Long & Sedghi (2019).

    1/x, whose units are Cauchy distributed at every width; exp(x^2/2), whose variance map does not exist at q = 1; ReLU
    and Heaviside, whose units are not independent. At least 100 networks.
    """
    from eoc.montecarlo import RECIPROCAL, cauchy_comparisons, covariance_comparisons, divergence, second_layer
    from eoc.montecarlo.experiments.networks import seed_of

    report = progress()
    report.expect("second layers")
    common: dict[str, Any] = {"networks": networks, "progress": report}
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
    by_width = [{"width": n, "comparisons": [one.to_dict() for one in seen]} for n, seen in cauchy.items()]
    by_name = [{"activation": name, "comparisons": [one.to_dict() for one in seen]} for name, seen in dependent.items()]
    examples = {"reciprocal": by_width, "exponential": growing.to_dict(), "dependent": by_name}
    print_json({"networks": networks, "seed": seed, **examples})
