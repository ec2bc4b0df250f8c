"""``eoc curve``: the whole edge of chaos of one or more activations or networks."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eoc.cli.common import AsJson, NetworkNames, Plot, check_file, find_block, numbers, print_json, save_picture
from eoc.cli.exit_codes import ExitCode
from eoc.cli.progress import progress
from eoc.cli.tables import console, print_next
from eoc.cli.words import command_line
from eoc.files import replacing
from eoc.reports.curve import write_curve
from eoc.reports.writing import number, print_paragraph, print_table

if TYPE_CHECKING:
    from rich.console import Console

    from eoc.activations import Activation
    from eoc.criticality import Curve, EocCurve
    from eoc.layers import Network

__all__ = ["command", "round_values"]

_STEPS = (1.0, 2.0, 5.0)  # times powers of ten
_SHARE = 1.0 / 250.0  # of the window, from which on round values are shown
_SURE = 1e-13  # relative accuracy of what is printed, and of F' - 1


@dataclasses.dataclass(frozen=True)
class _Point:
    """One point of the curve, with the law of 1 - c_l and its constant."""

    sigma_w: float
    sigma_b: float
    q: float
    slope: float
    stability: str
    law: str
    constant: float


@dataclasses.dataclass(frozen=True)
class _Found:
    """What is printed of an activation or a network, as text or as JSON: its curve, points, and what has none."""

    source: Activation | Network
    curve: EocCurve
    asked: tuple[Curve, ...]
    missing: tuple[str, ...]

    @property
    def has_no_point(self) -> bool:
        """Whether nothing that was asked for has an answer."""
        return len(self.missing) == sum(found.q.shape[1] for found in self.asked)

    @property
    def points(self) -> list[_Point]:
        """The points that were asked for, by increasing value, then by increasing q."""
        import numpy as np

        from eoc.criticality.point import law_at
        from eoc.layers import understood
        from eoc.maps import stability_of

        network = understood(self.source)
        any_q, out = self.curve.kind == "point", []
        for found in self.asked:
            columns = (found.sigma_w, found.sigma_b, found.q, found.slope)
            for sigma_w, sigma_b, q, slope in zip(*(np.asarray(x).T.ravel().tolist() for x in columns), strict=True):
                if math.isnan(q):
                    continue
                law, stability = law_at(network, sigma_w, sigma_b, q), stability_of(slope, _SURE)
                shown = math.inf if any_q else q
                out.append(_Point(sigma_w, sigma_b, shown, slope, stability, law.law, law.constant))
        return out

    def to_dict(self) -> dict[str, Any]:
        """What ``--json`` prints."""
        points = [dataclasses.asdict(point) for point in self.points]
        return {**self.source.to_dict(), **self.curve.to_dict(), "points": points}


def command(
    activations: NetworkNames,
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

    Of a network of layers ('eoc networks') sigma_w and sigma_b are those of its dense without numbers.
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
        print_json({"curves": [f.to_dict() for f in found]})
    else:
        for i, f in enumerate(found):
            _print(f, () if own else f.missing, first=i == 0)
        first = next((i for i, f in enumerate(found) if f.curve.kind != "none"), 0)
        print_next(console(), command_line("init", activations[first]), "says which point to take")
    if save is not None:
        _save([f.curve for f in found], save)
    if plot is not None:
        from eoc.plotting import eoc_figure

        save_picture(eoc_figure([f.curve for f in found]), plot)
    if all(f.curve.kind == "none" or (not own and f.has_no_point) for f in found):
        raise typer.Exit(ExitCode.NO_POINT)


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


def _found(names: list[str], asked: dict[str, list[float]], sigma_b_max: float, points: int) -> list[_Found]:
    import numpy as np

    from eoc.criticality import eoc_curve

    sources = [find_block(name) for name in names]
    out = []
    report = progress()
    report.expect("curves")
    for i, source in enumerate(sources):
        curve = eoc_curve(source, sigma_b_max=sigma_b_max, points=points)
        answers = {name: curve.at(**{name: values}) for name, values in asked.items()}
        missing = tuple(
            f"{name} = {value:g}"
            for name, values in asked.items()
            for value, q in zip(values, answers[name].q.T, strict=True)
            if np.isnan(q).all()
        )
        out.append(_Found(source, curve, tuple(answers.values()), missing))
        report(i + 1, len(sources))
    return out


def _save(curves: list[EocCurve], path: Path) -> None:
    import pandas as pd

    with replacing(path, "the samples") as part:
        pd.concat([c.to_dataframe() for c in curves]).to_csv(part, index=False)


def _print(found: _Found, missing: tuple[str, ...], *, first: bool) -> None:
    """Print what the curve is, a table of points, and what was asked for and has none."""
    out, c = console(), found.curve
    if not first:
        out.print()
    write_curve(out, c)
    if c.kind == "none":
        return
    if points := found.points:
        _print_points(out, points)
    if missing:
        far = "q from 1e-20 to 1e8 at most" if c.ends else "sigma_w and sigma_b from 1e-3 to 1e3"
        text = f"{', '.join(missing)}: not on the curve, as far as it can be computed ({far})"
        print_paragraph(out, "no point with ", text, 13, "yellow", indent=2)


def _print_points(out: Console, points: list[_Point]) -> None:
    print_table(
        out,
        ("sigma_w", "sigma_b", "q", "F'(q)", "", "law", "constant"),
        lambda digits: [_cells(p, min(digits, 9)) for p in points],
        dim=[i for i, p in enumerate(points) if p.stability == "unstable"],
    )


def _cells(p: _Point, digits: int) -> tuple[str, ...]:
    q = "any" if math.isinf(p.q) else number(p.q, _SURE * p.q, digits)
    stability = "stable" if p.stability == "stable" else p.stability.upper()
    values = (number(x, _SURE * x, digits) for x in (p.sigma_w, p.sigma_b))
    return *values, q, number(p.slope, _SURE, min(digits, 7)), stability, p.law, f"{p.constant:.6g}"
