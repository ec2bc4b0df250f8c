"""``eoc diagram``: the phase and its scales on a grid of sigma_b and sigma_w."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eoc.cli.common import AsJson, NetworkName, Plot, check_file, edge_up_to, find_block, print_json, save_picture
from eoc.cli.progress import progress
from eoc.cli.tables import console, print_next
from eoc.cli.words import command_line
from eoc.errors import EocError
from eoc.files import replacing
from eoc.reports.writing import number, print_headline, print_paragraph, print_table, print_title

if TYPE_CHECKING:
    import numpy as np
    import xarray
    from numpy.typing import NDArray
    from rich.console import Console

    from eoc.activations import Activation
    from eoc.layers import Network

__all__ = ["command"]

_GRID = re.compile(r"(\d{1,9})\s*[xX]\s*(\d{1,9})\Z")
_STORES = ("zarr", "nc", "csv")
_NAMED = ("activation", "formula", "class", "network", "text")
_MEANING = {
    "ordered": "chi_1 < 1: inputs come to look alike, gradients vanish",
    "chaotic": "chi_1 > 1: small differences grow, gradients explode",
    "critical": "chi_1 = 1: the edge of chaos",
    "divergent": "variances grow without bound",
    "several": "where variances end depends on the inputs; the fields are those of the lowest",
}
_SUMMARISED = {
    "q": "variance that layers keep",
    "slope": "F'(q*)",
    "chi_1": "slope of f at c = 1",
    "c_star": "correlation at infinite depth",
    "xi_q": "layers, of variances",
    "xi_c": "layers, of correlations",
    "xi_grad": "layers, of gradients; < 0: they grow",
}


def command(
    activation: NetworkName,
    field: Annotated[
        str,
        typer.Option(
            help="What to draw, and to print with --json: phase, q, slope, chi_1, c_star, one_minus_c_star, xi_q, xi_c "
            "or xi_grad."
        ),
    ] = "phase",
    grid: Annotated[str, typer.Option(help="Cells in sigma_b x cells in sigma_w.")] = "100x100",
    sigma_w: Annotated[str, typer.Option(help="Range of sigma_w, LOW:HIGH.")] = "0.5:3",
    sigma_b: Annotated[str, typer.Option(help="Range of sigma_b, LOW:HIGH.")] = "0:2",
    plot: Plot = None,
    save: Annotated[
        Path | None, typer.Option(help="Write all fields with their errors (.zarr, .nc, .csv).", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compute a phase diagram: print a summary, draw a field, save everything."""
    rows, columns = _counts(grid)
    b, w = _axis("--sigma-b", sigma_b, rows), _axis("--sigma-w", sigma_w, columns)
    if plot is not None and min(rows, columns) < 2:
        raise EocError(f"--plot needs a grid of at least 2x2 cells, got --grid {grid}")
    if save is not None:
        _check_store(save)
    from eoc.phase import phase_diagram
    from eoc.plotting import DRAWN

    if field not in DRAWN:
        raise EocError(f"--field must be one of {', '.join(DRAWN)}; got {field!r}")
    phi = find_block(activation)
    report = progress()
    report.expect("cells")
    found = phase_diagram(phi, w, b, progress=report)
    if as_json:
        print_json(_payload(found, field))
    else:
        _print(activation, phi, found)
    if save is not None:
        _save(found, save)
    if plot is not None:
        _draw(phi, found, field, plot)


def _counts(grid: str) -> tuple[int, int]:
    match = _GRID.match(grid.strip())
    if match is None or not (rows := int(match[1])) * (columns := int(match[2])):
        raise EocError(f"--grid takes two numbers of cells >= 1, as 100x100 (sigma_b x sigma_w), got {grid!r}")
    return rows, columns


def _axis(option: str, text: str, count: int) -> NDArray[np.float64]:
    """``count`` values from LOW to HIGH."""
    import numpy as np

    from eoc.phase.diagram import MOST_CELLS

    try:
        low, high = (float(part) for part in text.split(":"))
    except ValueError:
        raise EocError(f"{option} takes a range LOW:HIGH, as 0:2, got {text!r}") from None
    if not (np.isfinite(low) and np.isfinite(high)):
        raise EocError(f"{option} must have finite ends, got {text!r}")
    if not low < high and not (low == high and count == 1):
        reversed_ends = f"; write {high:g}:{low:g}?" if high < low else ""
        raise EocError(f"{option} must increase from LOW to HIGH, got {text!r}{reversed_ends}")
    if count > MOST_CELLS:
        raise EocError(f"a diagram may have {MOST_CELLS:.0e} cells in all, got {count} along {option}")
    return np.linspace(low, high, count)


def _check_store(path: Path) -> None:
    if path.suffix.lower() == ".zarr" and path.is_dir():
        if not (path / "zarr.json").is_file():
            raise EocError(f"cannot save to {path}: there is a folder of that name that is no zarr store")
        return
    check_file(path, "the diagram", _STORES)


def _save(found: xarray.Dataset, path: Path) -> None:
    import warnings

    with replacing(path, "the diagram") as part, warnings.catch_warnings():
        if path.suffix.lower() == ".zarr":
            # Without consolidated metadata xarray.open_zarr warns; with them zarr warns that they are no standard yet.
            warnings.filterwarnings("ignore", message="Consolidated metadata")
            found.to_zarr(part, mode="w", consolidated=True)
        elif path.suffix.lower() == ".nc":
            found.to_netcdf(part, engine="scipy")
        else:
            found.to_dataframe().reset_index().to_csv(part, index=False)


def _draw(phi: Activation | Network, found: xarray.Dataset, field: str, path: Path) -> None:
    from eoc.activations import Activation
    from eoc.plotting import diagram_figure

    edge = edge_up_to(phi, float(found.sigma_b[-1])) if isinstance(phi, Activation) else None
    save_picture(diagram_figure(found, field, edge), path)


def _phase_counts(found: xarray.Dataset) -> dict[str, int]:
    names = found.phase.attrs["flag_meanings"].split()
    return {name: int((found.phase == i).sum()) for i, name in enumerate(names)}


def _payload(found: xarray.Dataset, field: str) -> dict[str, Any]:
    return {
        **{name: found.attrs[name] for name in _NAMED if name in found.attrs},
        "sigma_b": found.sigma_b.values,
        "sigma_w": found.sigma_w.values,
        "cells": _phase_counts(found),
        "field": field,
        "meaning": found[field].attrs["flag_meanings"].split() if field == "phase" else found[field].attrs["long_name"],
        "values": found[field].values,
        "error": found[field + "_error"].values if field + "_error" in found else None,
    }


def _print(source: str, phi: Activation | Network, found: xarray.Dataset) -> None:
    from eoc.activations import Activation

    out = console()
    counts = _phase_counts(found)
    shares = [f"{100.0 * count / sum(counts.values()):.3g} % {name}" for name, count in counts.items() if count]
    print_headline(out, f"{phi.name} in this window: {', '.join(shares)}.")
    print_title(out, phi)
    for name in ("sigma_b", "sigma_w"):
        values = found[name].values
        out.print(f"{name} = {values[0]:.12g} ... {values[-1]:.12g}, {values.size} values")
    _print_phases(out, found)
    _print_ranges(out, found)
    following = command_line("curve" if isinstance(phi, Activation) else "init", source)
    print_next(out, following, "gives the edge of chaos between them")


def _print_phases(out: Console, found: xarray.Dataset) -> None:
    counts = {name: count for name, count in _phase_counts(found).items() if count}
    total = sum(counts.values())
    out.print()
    for name, count in counts.items():
        share = f"{100.0 * count / total:.3g} %"
        print_paragraph(out, f"  {name:<10} {count:>9} cells {share:>7}  ", _MEANING[name], 2 + len(name))


def _print_ranges(out: Console, found: xarray.Dataset) -> None:
    import numpy as np

    def rows(digits: int) -> list[list[str]]:
        table = []
        for name, meaning in _SUMMARISED.items():
            values, errors = found[name].values, found[name + "_error"].values
            finite = np.isfinite(values) & np.isfinite(errors)
            if not finite.any():
                continue
            with np.errstate(divide="ignore", invalid="ignore"):
                relative = np.where(values == 0.0, 0.0, errors / np.abs(values))[finite].max()
            ends = (int(np.argmin(values[finite])), int(np.argmax(values[finite])))
            low, high = (number(float(values[finite][i]), float(errors[finite][i]), digits) for i in ends)
            table.append([name, low, high, f"{relative:.1g}", meaning])
        return table

    if rows(12):
        print_table(out, ("field", "smallest", "largest", "+- (relative)", ""), rows)
