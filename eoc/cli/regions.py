"""``eoc regions``: linear regions, as expected of random networks and as a model has them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eoc.cli.common import AsJson, Plot, find_block, numbers, print_json, save_picture
from eoc.cli.edge import network
from eoc.cli.regions_model import along_segment, in_plane, picture_of, print_counted
from eoc.cli.tables import console, print_next
from eoc.cli.words import command_line
from eoc.errors import EocError
from eoc.reports.writing import number, print_headline, print_paragraph, print_table

if TYPE_CHECKING:
    from eoc.regions import Breakpoints, ExpectedKinks, PlaneSection

__all__ = ["command"]

_SHOWN = 12  # layers in a table


def command(
    source: Annotated[
        str,
        typer.Argument(
            metavar="ACTIVATION|NETWORK|MODEL",
            help="An activation with kinks or a network ('eoc networks'); or with --segment or --plane where a PyTorch "
            'model is: "my_file.py:build". A function is called.',
            show_default=False,
        ),
    ],
    sigma_w: Annotated[
        float | None,
        typer.Option(help="Standard deviation of the weights times sqrt(fan_in). Left out: on the edge of chaos."),
    ] = None,
    sigma_b: Annotated[float | None, typer.Option(help="Standard deviation of the biases.", show_default=False)] = None,
    depth: Annotated[int, typer.Option(help="Blocks: hidden layers of a plain network.")] = 10,
    circle: Annotated[
        float | None, typer.Option(help="Mean square of the inputs on a great circle. (default 1)", show_default=False)
    ] = None,
    between: Annotated[
        str | None,
        typer.Option(
            help="In place of a circle: a segment between inputs of these mean squares and cosine, as 1,1,0.",
            metavar="QA,QB,C",
            show_default=False,
        ),
    ] = None,
    width: Annotated[
        int | None, typer.Option(help="Units of a layer: also say how many regions there are.", show_default=False)
    ] = None,
    segment: Annotated[
        tuple[Path, Path] | None,
        typer.Option(help="Of a model: the kinks between two inputs, each a .npy.", metavar="A B", show_default=False),
    ] = None,
    plane: Annotated[
        tuple[Path, Path, Path] | None,
        typer.Option(
            help="Of a model: the regions in a plane, a point and two directions, each a .npy.",
            metavar="CENTRE U V",
            show_default=False,
        ),
    ] = None,
    radius: Annotated[float, typer.Option(help="Of the disc in the plane, in units of the directions.")] = 1.0,
    plot: Plot = None,
    as_json: AsJson = False,
) -> None:
    """Count linear regions: what is expected of wide random networks, or exactly what a PyTorch model has.

    Without --segment and --plane: how often a unit of each layer has a kink around a great circle of inputs, or
    between two inputs. With them the file of the model is run.
    """
    if segment is not None and plane is not None:
        raise EocError("give --segment or --plane, not both")
    if segment is not None or plane is not None:
        found: Breakpoints | PlaneSection
        found = along_segment(source, segment) if segment is not None else in_plane(source, plane or (), radius)
        if as_json:
            print_json({"model": source, **found.to_dict()})
        else:
            print_counted(source, found)
        if plot is not None:
            save_picture(picture_of(found), plot)
        return
    kinks = _expected(source, sigma_w, sigma_b, depth, circle, between, as_json)
    if as_json:
        print_json({**kinks.to_dict(), "regions": None if width is None else kinks.regions(width)})
    else:
        _print(source, kinks, width)
    if plot is not None:
        from eoc.plotting import regions_figure

        save_picture(regions_figure(kinks), plot)


def _expected(
    source: str,
    sigma_w: float | None,
    sigma_b: float | None,
    depth: int,
    circle: float | None,
    between: str | None,
    as_json: bool,
) -> ExpectedKinks:
    from eoc.layers import Network
    from eoc.regions import expected

    block = find_block(source)
    if isinstance(block, Network):
        sigmas: tuple[float | None, float] = sigma_w, sigma_b or 0.0
    else:
        sigmas = network(source, block, sigma_w, sigma_b, None, as_json)[:2]
    if between is None:
        return expected(block, *sigmas, depth=depth, circle=1.0 if circle is None else circle)
    if circle is not None:
        raise EocError("give --circle or --between, not both")
    ends = numbers("--between", between)
    return expected(block, *sigmas, depth=depth, segment=tuple(ends))  # type: ignore[arg-type]


def _print(source: str, found: ExpectedKinks, width: int | None) -> None:
    out = console()
    first, last = found.layers[0], found.layers[-1]
    where = "around a great circle" if found.curve == "circle" else "on the segment"
    layers = len(found.layers)
    more = "" if layers == 1 else f", of layer {layers} {last.per_neuron:.6g}"
    print_headline(out, f"a unit of layer 1 has {first.per_neuron:.6g} kinks {where} on average{more}.")
    if found.sigma_w is not None:
        out.print(f"sigma_w = {found.sigma_w:.12g}, sigma_b = {found.sigma_b:.12g}")
    shown = [i for i in range(layers) if i < _SHOWN - 1 or i == layers - 1]

    def rows(digits: int) -> list[list[str]]:
        return [
            [str(i + 1), one.activation, *(number(k, e, digits) for k, e in zip(one.kinks, one.error, strict=True))]
            for i in shown
            for one in [found.layers[i]]
        ]

    if len({one.knots for one in found.layers}) == 1:
        print_table(out, ("layer", "activation", *(f"at {knot:g}" for knot in first.knots)), rows)
    else:
        print_table(out, ("layer", "activation", "kinks"), lambda digits: [_joined(row) for row in rows(digits)])
    if width is not None:
        print_paragraph(out, "regions: ", f"{found.regions(width):.6g} with {width} units in every layer", 8)
    if found.sigma_w is None:
        print_next(out, "eoc networks", "lists what else a network can be written of")
    else:
        at = {"sigma_w": found.sigma_w, "sigma_b": found.sigma_b}
        print_next(out, command_line("rates", source, **at), "says how fast inputs become alike")


def _joined(row: list[str]) -> list[str]:
    return [*row[:2], ", ".join(row[2:])]
