"""What ``eoc regions`` counts in a model: kinks on a segment, regions in a plane."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from eoc.cli.models import built_model, read_array
from eoc.cli.progress import progress
from eoc.cli.tables import console, print_next
from eoc.cli.words import command_line
from eoc.frameworks import needs
from eoc.reports.writing import print_headline, print_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from eoc.regions import Breakpoints, PlaneSection

__all__ = ["along_segment", "in_plane", "picture_of", "print_counted"]


def along_segment(source: str, ends: Sequence[Path]) -> Breakpoints:
    """The kinks of a model between two inputs of files."""
    needs("the regions of a model", extra="torch", libraries=("torch",))
    from eoc.regions import along

    return along(built_model(source)[0], *map(read_array, ends))


def in_plane(source: str, files: Sequence[Path], radius: float) -> PlaneSection:
    """The regions of a model in a plane: a point and two directions of files."""
    needs("the regions of a model", extra="torch", libraries=("torch",))
    from eoc.regions import plane

    report = progress()
    report.expect("area")
    centre, u, v = map(read_array, files)
    return plane(built_model(source)[0], centre, u, v, radius, progress=report)


def print_counted(source: str, found: Breakpoints | PlaneSection) -> None:
    """The number of regions, and of kinks by layer."""
    from eoc.regions import Breakpoints

    out = console()
    if isinstance(found, Breakpoints):
        kinks = found.t.size
        print_headline(out, f"{source} has {found.regions} linear regions on the segment, from {kinks} kinks.")
        nodes = [found.network.nodes[at - 1] for at in found.network.bends]
        rows = [
            [str(layer), node.name, str(node.units), str(count), f"{count / node.units:.4g}"]
            for layer, (node, count) in enumerate(zip(nodes, found.per_layer.tolist(), strict=True), 1)
        ]
        print_table(out, ("layer", "name", "units", "kinks", "per unit"), lambda _: rows)
    else:
        print_headline(
            out,
            f"{source} has {found.cells} linear regions in the disc of radius {found.radius:g}, with "
            f"{found.distinct_patterns} patterns and {found.distinct_maps} affine maps.",
        )
    print_next(out, command_line("diagnose", source), "follows variances and gradients through the model")


def picture_of(found: Breakpoints | PlaneSection) -> Figure:
    """Its picture."""
    from eoc.plotting import plane_figure, segment_figure
    from eoc.regions import Breakpoints

    return segment_figure(found) if isinstance(found, Breakpoints) else plane_figure(found)
