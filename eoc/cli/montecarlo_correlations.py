"""``eoc montecarlo correlations``: two inputs in networks of finite width, beside infinite width."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eoc.cli.common import AsJson, Name, Plot, find_activation, print_json, save_picture
from eoc.cli.edge import network
from eoc.cli.montecarlo_correlations_report import print_correlations
from eoc.cli.montecarlo_payload import comparison_rows
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
)
from eoc.errors import EocError

if TYPE_CHECKING:
    from eoc.activations import Activation
    from eoc.montecarlo.experiments.correlations import CorrelationProcess

__all__ = ["command"]


def command(
    activation: Name,
    sigma_w: SigmaW = None,
    sigma_b: SigmaB = None,
    q: FirstQ = None,
    c0: Annotated[
        float | None,
        typer.Option(help="Correlation of the two inputs, in (-1, 1).", show_default="0.1"),
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
    from eoc.montecarlo.experiments.correlations import correlation_process

    if c0 is not None and one_minus_c0 is not None:
        raise EocError(f"give --c0 or --one-minus-c0, not both; got {c0:g} and {one_minus_c0:g}")
    phi = find_activation(activation)
    w, b, first = network(activation, phi, sigma_w, sigma_b, q, as_json)
    common: dict[str, Any] = {"width": width, "depth": depth, "networks": networks, "weights": weights}
    with sampling("correlation_process", workers, checkpoint, **common) as how:
        common |= {"seed": seed, "q": first, "checkpoint": checkpoint, "interval": interval, **how}
        found = correlation_process(phi, w, b, **common, c=c0, one_minus_c=one_minus_c0)
    if as_json:
        print_json(_payload(phi, found, weights, seed))
    else:
        print_correlations(activation, phi, found, weights, seed)
    if plot is not None:
        from eoc.plotting import correlation_process_figure

        save_picture(correlation_process_figure(found), plot)


def _payload(phi: Activation, found: CorrelationProcess, weights: str, seed: int) -> dict[str, Any]:
    from eoc.montecarlo.experiments.correlations import QUANTILES

    law = found.expected.law
    return {
        "activation": phi.name,
        "formula": phi.formula,
        "class": str(phi.smoothness),
        "sigma_w": found.sigma_w,
        "sigma_b": found.sigma_b,
        "q": found.expected.phase.q,
        "weights": weights,
        "width": found.width,
        "networks": found.networks,
        "seed": seed,
        "phase": found.expected.phase.phase,
        "law": None if law is None else dataclasses.asdict(law),
        "departure_depth": found.departure_depth,
        "reliable_depth": found.reliable_depth,
        "layers": found.layers,
        "one_minus_c_infinite": found.expected.one_minus_c,
        "log_ratio": found.log_ratio,
        "log_ratio_error": found.log_ratio_error,
        "spread": found.spread,
        "spread_error": found.spread_error,
        "predicted_spread": found.predicted_spread,
        "c": found.c,
        "c_error": found.c_error,
        "quantiles": {str(p): row for p, row in zip(QUANTILES, found.quantiles, strict=True)},
        "reads": [dataclasses.asdict(read) for read in found.reads],
        "comparisons": comparison_rows(found.comparisons),
    }
