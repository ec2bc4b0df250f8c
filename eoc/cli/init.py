"""``eoc init``: how to initialise a network with an activation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eoc.cli.common import AsJson, Name, Plot, edge_up_to, find_activation, print_json, save_picture
from eoc.cli.framework import Framework
from eoc.cli.init_answer import EXIT_NONE, answered, payload, recommended
from eoc.cli.init_report import print_answer
from eoc.cli.words import command_line

if TYPE_CHECKING:
    from eoc.activations import Activation
    from eoc.recommendation import Recommendation

__all__ = ["command"]

_WINDOW = 1.0  # sigma_b of the edge of chaos that a picture shows at least


def command(
    activation: Name,
    sigma_w: Annotated[float | None, typer.Option(help="Gain: std of the weights times sqrt(fan_in).")] = None,
    sigma_b: Annotated[float | None, typer.Option(help="Standard deviation of the biases.")] = None,
    q: Annotated[float | None, typer.Option(help="Variance of the pre-activations to keep.")] = None,
    correlation_depth: Annotated[
        float | None, typer.Option(help="Number of layers that correlations should survive.")
    ] = None,
    depth: Annotated[int | None, typer.Option(help="Layers of the network.  [default: 30]", show_default=False)] = None,
    fan_in: Annotated[
        int | None, typer.Option(min=1, max=2**53, help="Inputs of a layer: adds the weights' std for it.")
    ] = None,
    framework: Annotated[Framework | None, typer.Option(help="Print the lines of code that set these values.")] = None,
    unstable: Annotated[
        bool, typer.Option("--unstable", help="Accept a point that does not hold its variance.")
    ] = False,
    plot: Plot = None,
    as_json: AsJson = False,
) -> None:
    """Print how to initialise a network: (sigma_w, sigma_b), what they mean for it, and the code.

    Without a question: the recommended place for networks of --depth layers, with a table along the edge of chaos. Or
    give one of --sigma-w, --sigma-b, --q and --correlation-depth for a point of the edge of chaos; exit code 3 if there
    is no usable one.

    --plot draws the activation, the place on the edge of chaos, and variances, correlations and gradients by layer.
    """
    from eoc.criticality import edge_of_chaos

    phi = find_activation(activation)
    question = {"sigma_w": sigma_w, "sigma_b": sigma_b, "q": q, "correlation_depth": correlation_depth}
    given = {name: value for name, value in question.items() if value is not None}
    if given:
        answer = answered(phi, edge_of_chaos(phi, **given), depth, unstable, fan_in)
    else:
        answer = recommended(phi, depth, fan_in)
    if as_json:
        print_json(payload(answer))
    else:
        print_answer(answer, framework, command_line("init", activation, **given, depth=depth, framework="torch"))
    if plot is not None:
        _draw(phi, answer.place, plot)
    if answer.place is None or not answer.fits:
        raise typer.Exit(EXIT_NONE)


def _draw(phi: Activation, place: Recommendation | None, path: Path) -> None:
    from eoc.plotting import initialisation_figure

    if place is None:
        typer.echo(f"no picture is written to {path}: there is no place to draw", err=True)
        return
    curve = edge_up_to(phi, max(_WINDOW, 2.0 * place.sigma_b))
    save_picture(initialisation_figure(phi, curve, place), path)
