"""``eoc curve``: the whole edge of chaos of one or more activations."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eoc.cli.common import (
    AsJson,
    Names,
    Plot,
    check_file,
    find_activation,
    numbers,
    print_json,
    save_picture,
)
from eoc.cli.curve_report import print_curve
from eoc.cli.init_answer import EXIT_NONE
from eoc.cli.progress import progress
from eoc.cli.tables import console, print_next
from eoc.cli.words import command_line
from eoc.files import replacing

if TYPE_CHECKING:
    from eoc.activations import Activation
    from eoc.criticality import Curve, EocCurve

__all__ = ["Found", "command", "round_values"]

_STEPS = (1.0, 2.0, 5.0)  # times powers of ten
_SHARE = 1.0 / 250.0  # of the window, from which on round values are shown


@dataclasses.dataclass(frozen=True)
class Found:
    """What is printed for an activation, as text or as JSON: its curve, the points asked for, and what has none."""

    activation: Activation
    curve: EocCurve
    asked: tuple[Curve, ...]
    missing: tuple[str, ...]

    @property
    def has_no_point(self) -> bool:
        """Whether nothing that was asked for has an answer."""
        return len(self.missing) == sum(found.q.shape[1] for found in self.asked)


def command(
    activations: Names,
    sigma_w: Annotated[
        str | None, typer.Option(help="Print the points with these sigma_w: 1.2,1.4.", show_default=False)
    ] = None,
    sigma_b: Annotated[
        str | None, typer.Option(help="Print the points with these sigma_b: 0.1,0.2.", show_default=False)
    ] = None,
    sigma_b_max: Annotated[float, typer.Option(help="Sample the curve up to this sigma_b.")] = 2.0,
    points: Annotated[int, typer.Option(help="About how many samples, for --plot, --save and --json.")] = 400,
    plot: Plot = None,
    save: Annotated[Path | None, typer.Option(help="Write all samples to a .csv file.", show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """Print the edge of chaos as a whole: its ends with asymptotics, where it is stable, where it turns, and points.

    Without --sigma-b and --sigma-w the points are at round values of sigma_b. Exit code 3 if none of the activations
    has an edge of chaos, or a point that was asked for.
    """
    if save is not None:
        check_file(save, "the samples", ("csv",))
    given = {"sigma_b": ("--sigma-b", sigma_b), "sigma_w": ("--sigma-w", sigma_w)}
    asked = {name: numbers(option, text) for name, (option, text) in given.items() if text is not None}
    own = not asked
    if own:
        asked["sigma_b"] = round_values(sigma_b_max)
    found = _found(activations, asked, sigma_b_max, points)
    if as_json:
        print_json({"curves": [_payload(f) for f in found]})
    else:
        for i, f in enumerate(found):
            print_curve(f.activation, f.curve, f.asked, () if own else f.missing, first=i == 0)
        first = next((i for i, f in enumerate(found) if f.curve.kind != "none"), 0)
        print_next(console(), command_line("init", activations[first]), "says which point to take")
    if save is not None:
        _save([f.curve for f in found], save)
    if plot is not None:
        from eoc.plotting import eoc_figure

        save_picture(eoc_figure([f.curve for f in found]), plot)
    if all(f.curve.kind == "none" or (not own and f.has_no_point) for f in found):
        raise typer.Exit(EXIT_NONE)


def round_values(sigma_b_max: float) -> list[float]:
    """0 and the round numbers 1, 2, 5, 10, ... in the upper part of the window.

    Examples
    --------
    >>> round_values(2.0), round_values(float("nan"))
    ([0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0], [])
    """
    if not 0.0 < sigma_b_max < math.inf:
        return []
    last = math.floor(math.log10(sigma_b_max))
    values = [float(f"{step:g}e{k}") for k in range(last - 3, last + 1) for step in _STEPS]
    return [0.0, *(v for v in values if _SHARE * sigma_b_max < v <= sigma_b_max)]


def _found(names: list[str], asked: dict[str, list[float]], sigma_b_max: float, points: int) -> list[Found]:
    import numpy as np

    from eoc.criticality import eoc_curve

    activations = [find_activation(name) for name in names]
    out = []
    report = progress()
    report.expect("curves")
    for i, phi in enumerate(activations):
        curve = eoc_curve(phi, sigma_b_max=sigma_b_max, points=points)
        answers = {name: curve.at(**{name: values}) for name, values in asked.items()}
        missing = tuple(
            f"{name} = {value:g}"
            for name, values in asked.items()
            for value, q in zip(values, answers[name].q.T, strict=True)
            if np.isnan(q).all()
        )
        out.append(Found(phi, curve, tuple(answers.values()), missing))
        report(i + 1, len(activations))
    return out


def _payload(f: Found) -> dict[str, Any]:
    from eoc.cli.curve_report import rows

    c = f.curve
    return {
        **f.activation.to_dict(),
        "kind": c.kind,
        "reason": None if c.reason is None else str(c.reason),
        "message": c.message,
        "sigma_b_max": c.sigma_b_max,
        "ends": [[dataclasses.asdict(end) for end in pair] for pair in c.ends],
        "stretches": [dataclasses.asdict(s) for s in c.stretches],
        "transitions": [dataclasses.asdict(t) for t in c.transitions],
        "turning_points": [dataclasses.asdict(t) for t in c.turning_points],
        "points": [dataclasses.asdict(row) for row in rows(f.activation, c, f.asked)],
        "pieces": [dataclasses.asdict(p) | {"stable": p.slope < 1.0} for p in c.pieces],
    }


def _save(curves: list[EocCurve], path: Path) -> None:
    import csv

    with replacing(path, "the samples") as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("activation", "piece", "q", "sigma_b", "sigma_w", "slope", "stable"))
        for c in curves:
            for i, p in enumerate(c.pieces):
                columns = (x.tolist() for x in (p.q, p.sigma_b, p.sigma_w, p.slope, p.slope < 1.0))
                writer.writerows((c.activation, i, *row) for row in zip(*columns, strict=True))
