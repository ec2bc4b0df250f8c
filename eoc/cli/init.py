"""``eoc init``: how to initialise a network with an activation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eoc.cli.answer import Answer, answered, recommended
from eoc.cli.common import AsJson, Backward, NetworkName, Plot, edge_up_to, find_block, print_json, save_picture
from eoc.cli.exit_codes import ExitCode
from eoc.cli.framework import Framework, code
from eoc.cli.init_network import init_network
from eoc.cli.init_surrogate import init_surrogate
from eoc.cli.tables import console, print_next
from eoc.cli.words import command_line
from eoc.errors import EocError
from eoc.reports.place import place_rows, write_meaning, write_points
from eoc.reports.writing import print_facts, print_headline, print_paragraph, print_title

if TYPE_CHECKING:
    from rich.console import Console

    from eoc.activations import Activation
    from eoc.recommendation import Recommendation

__all__ = ["command", "print_answer"]

_WINDOW = 1.0  # sigma_b of the edge of chaos that a picture shows at least


def command(
    activation: NetworkName,
    sigma_w: Annotated[float | None, typer.Option(help="Gain: std of the weights times sqrt(fan_in).")] = None,
    sigma_b: Annotated[float | None, typer.Option(help="Standard deviation of the biases.")] = None,
    q: Annotated[float | None, typer.Option(help="Variance of the pre-activations to keep.")] = None,
    correlation_depth: Annotated[
        float | None, typer.Option(help="Number of layers that correlations should survive.")
    ] = None,
    depth: Annotated[int | None, typer.Option(help="Layers of the network. (default 30)", show_default=False)] = None,
    fan_in: Annotated[
        int | None, typer.Option(min=1, max=2**53, help="Inputs of a layer: adds the weights' std for it.")
    ] = None,
    framework: Annotated[Framework | None, typer.Option(help="Print the lines of code that set these values.")] = None,
    unstable: Annotated[
        bool, typer.Option("--unstable", help="Accept a point that does not hold its variance.")
    ] = False,
    backward: Backward = None,
    plot: Plot = None,
    as_json: AsJson = False,
) -> None:
    """Print how to initialise a network: (sigma_w, sigma_b), what they mean for it, and the code.

    Without a question: the recommended place for networks of --depth layers, with a table along the edge of chaos. Or
    give one of --sigma-w, --sigma-b, --q and --correlation-depth for a point of the edge of chaos; exit code 3 if there
    is no usable one.

    Of a network of layers ('eoc networks') the place of its dense without numbers. With --backward, and of a network
    with 'ste', every sigma_w at which gradients keep their size.

    --plot draws the activation, the place on the edge of chaos, and variances, correlations and gradients by layer.

    What the printed words mean: 'eoc explain chi_1', and so on.
    """
    from eoc.activations import Activation
    from eoc.criticality import edge_of_chaos

    phi = find_block(activation)
    question = {"sigma_w": sigma_w, "sigma_b": sigma_b, "q": q, "correlation_depth": correlation_depth}
    given = {name: value for name, value in question.items() if value is not None}
    if backward is not None or (not isinstance(phi, Activation) and phi.has_surrogates):
        others = {name: value for name, value in question.items() if name != "sigma_b"}
        _refuse(_OF_SURROGATES, **others, depth=depth, fan_in=fan_in, framework=framework, plot=plot)
        init_surrogate(activation, phi, 0.0 if sigma_b is None else sigma_b, backward, as_json=as_json)
        return
    if not isinstance(phi, Activation):
        _refuse(_OF_NETWORKS, fan_in=fan_in, framework=framework, plot=plot)
        init_network(activation, phi, given, depth, as_json=as_json)
        return
    if given:
        answer = answered(phi, edge_of_chaos(phi, **given), depth, unstable, fan_in)
    else:
        answer = recommended(phi, depth, fan_in)
    if as_json:
        print_json(answer.to_dict())
    else:
        code = command_line("init", activation, **given, depth=depth, framework="torch")
        print_answer(answer, framework, code, activation)
    if plot is not None:
        _draw(phi, answer.place, plot)
    if answer.place is None or not answer.fits:
        raise typer.Exit(ExitCode.NO_POINT)


_OF_NETWORKS = "is for activations; of a network of layers it is not known"
_OF_SURROGATES = "is for the edge of chaos; where gradients see another slope give --sigma-b, or nothing"


def _refuse(why: str, **options: object) -> None:
    for name, value in options.items():
        if value is not None:
            raise EocError(f"--{name.replace('_', '-')} {why}")


def _draw(phi: Activation, place: Recommendation | None, path: Path) -> None:
    from eoc.plotting import initialisation_figure

    if place is None:
        typer.echo(f"no picture is written to {path}: there is no place to draw", err=True)
        return
    curve = edge_up_to(phi, max(_WINDOW, 2.0 * place.sigma_b))
    save_picture(initialisation_figure(phi, curve, place), path)


def print_answer(
    answer: Answer, framework: Framework | None = None, command: str = "", source: str | None = None
) -> None:
    """Print what to do first, then the numbers with what they mean, or why there are none, and what comes next.

    Parameters
    ----------
    answer
        The answer.
    framework
        Whose code to print.
    command
        The command that prints code, if no framework was given; empty: it is not mentioned.
    source
        The activation as it was typed, for the command that shapes it where it will not train as it is.
    """
    out, found, at = console(), answer.found, answer.place
    if answer.fits and at is not None:
        print_headline(out, f"{at.advice}.")
    else:
        print_paragraph(out, "no usable point: ", found.message, 15, "yellow", indent=2)
    print_title(out, answer.activation)
    if at is None:
        print_next(out, "eoc activations", "lists others to take")
        return
    if not answer.fits:
        print_paragraph(out, "recommended instead: ", f"{at.reason}. {at.advice}.", indent=2)
    write_meaning(out, at)
    if answer.fits and found.reason is not None:
        _print_doubt(out, answer, at)
    if answer.fits and not found.given:
        print_paragraph(out, "recommended: ", at.reason, indent=2)
    out.print()
    print_facts(out, place_rows(at, answer.fan_in, answer.gains))
    others = [p for p in found.points if answer.point is not None and p.q != answer.point.q]
    if others:
        write_points(out, "other points with the same value", others)
    if answer.curve:
        write_points(out, "along the edge of chaos", answer.curve)
    if framework:
        out.print("\n" + code(answer, framework), markup=False, soft_wrap=True)
    elif command:
        if not answer.curve:  # a table ends with an empty line
            out.print()
        _print_next(out, answer.activation, at, command, source)


def _print_next(out: Console, phi: Activation, at: Recommendation, command: str, source: str | None) -> None:
    from eoc.shaping import can_be_shaped

    if source is not None and not at.trains and can_be_shaped(phi, at.depth):
        print_next(out, command_line("shape", source, depth=at.depth), "changes it so that such a network trains")
    else:
        print_next(out, command, "prints the code (or jax, keras)")


def _print_doubt(out: Console, answer: Answer, at: Recommendation) -> None:
    """Of a place that answers the question, but not as the edge of chaos does."""
    if at.point is None:
        print_paragraph(out, "off the edge of chaos: ", answer.found.message, 21, "yellow", indent=2)
    elif not at.point.usable:
        print_paragraph(out, "warning: unstable point, as asked: ", answer.found.message, 34, "yellow", indent=2)
