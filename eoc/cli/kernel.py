"""``eoc kernel``: the NNGP and the NTK of data, by depth."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eoc.cli.common import AsJson, NetworkName, Plot, check_file, find_block, print_json, save_picture
from eoc.cli.edge import network
from eoc.cli.kernel_data import PREPARED, prepared, read_data
from eoc.cli.progress import progress
from eoc.cli.tables import console, print_next
from eoc.cli.words import command_line
from eoc.errors import EocError
from eoc.files import replacing
from eoc.reports.writing import number, print_headline, print_paragraph, print_table, print_title

if TYPE_CHECKING:
    from eoc.activations import Activation
    from eoc.kernels import ByDepth, Score
    from eoc.layers import Network

__all__ = ["command"]

_STEPS = (1, 2, 5)  # then these times powers of ten
_MOST = 500  # inputs, unless more are asked for


def command(
    activation: NetworkName,
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="Inputs as rows: a file (.npy, .npz with an array x, .csv), or digits, which scikit-learn brings.",
            show_default=False,
        ),
    ],
    sigma_w: Annotated[
        float | None,
        typer.Option(help="Standard deviation of the weights times sqrt(fan_in). Left out: on the edge of chaos."),
    ] = None,
    sigma_b: Annotated[float | None, typer.Option(help="Standard deviation of the biases.", show_default=False)] = None,
    depth: Annotated[int, typer.Option(help="Blocks to go: activations of a plain network.")] = 10,
    labels: Annotated[
        str | None,
        typer.Option(
            help="Labels to predict: a file (.npy, or one a line), or the name of an array or column in DATA.",
            show_default=False,
        ),
    ] = None,
    folds: Annotated[int, typer.Option(help="Parts that are left out in turn, with labels.")] = 5,
    prepare: Annotated[
        str,
        typer.Option(
            help=f"One of {', '.join(PREPARED)}: every input scaled to mean square 1; features less their means, all "
            "scaled by one number; as they are."
        ),
    ] = "unit",
    inputs: Annotated[int, typer.Option(help="How many inputs at most, evenly over all rows.")] = _MOST,
    plot: Plot = None,
    save: Annotated[
        Path | None,
        typer.Option(help="Write both matrices at the last depth to a file (.npz).", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compute the kernels of data: spectrum, condition number by depth, and with labels how well they predict."""
    from eoc.kernels import kernels_by_depth
    from eoc.layers import Network

    if save is not None:
        check_file(save, "the kernels", ("npz",))
    if inputs < 2:
        raise EocError(f"--inputs must be a whole number >= 2, got {inputs}")
    source = find_block(activation)
    found = read_data(data, labels, inputs)
    x = prepared(found.x, prepare)
    if isinstance(source, Network):
        sigmas = sigma_w, sigma_b or 0.0
    else:
        sigmas = network(activation, source, sigma_w, sigma_b, None, as_json)[:2]
    report = progress()
    report.expect("blocks")
    kernels = kernels_by_depth(
        source,
        x,
        depth=_depths(depth),
        sigma_w=sigmas[0],
        sigma_b=sigmas[1],
        labels=found.labels,
        folds=folds,
        progress=report,
    )
    if as_json:
        print_json({**source.to_dict(), **kernels.to_dict(), "data": data, "prepare": prepare})
    else:
        _print(activation, source, kernels)
    if save is not None:
        with replacing(save, "the kernels") as part:
            kernels.last.save(part)
    if plot is not None:
        from eoc.plotting import kernel_figure

        save_picture(kernel_figure(kernels), plot)


def _depths(last: int) -> list[int]:
    """Round numbers up to the last.

    Examples
    --------
    >>> _depths(30)
    [1, 2, 5, 10, 20, 30]
    """
    if last < 1:
        return [last]
    decades = range(len(str(last)))
    return sorted({last, *(step * 10**k for k in decades for step in _STEPS if step * 10**k < last)})


def _print(typed: str, source: Activation | Network, found: ByDepth) -> None:
    from eoc.layers import Network

    out = console()
    print_headline(out, f"{_in_words(found)}.")
    print_title(out, source)
    if found.last.sigma_w is not None:
        out.print(f"sigma_w = {found.last.sigma_w:.12g}, sigma_b = {found.last.sigma_b:.12g}")
    scored = bool(found.scores["ntk"])
    columns = ("depth", "kappa NNGP", "kappa NTK", "dim NNGP", "dim NTK")
    kind = found.scores["ntk"][0].kind if scored else ""

    def rows(digits: int) -> list[list[str]]:
        few = min(digits, 6)
        table = []
        for i, depth in enumerate(found.depth.tolist()):
            spectra = [found.spectra[which][i] for which in ("nngp", "ntk")]
            table.append(
                [
                    str(depth),
                    *(number(one.condition_number, one.condition_number_error, few) for one in spectra),
                    *(f"{one.effective_dimension:.4g}" for one in spectra),
                    *(_score(found.scores[which][i]) for which in ("nngp", "ntk") if scored),
                ]
            )
        return table

    print_table(out, (*columns, f"{kind} NNGP", f"{kind} NTK") if scored else columns, rows)
    print_paragraph(out, "kappa  ", "largest over smallest eigenvalue; inf where the smallest cannot be told from 0")
    print_paragraph(
        out, "dim    ", "(sum of eigenvalues)^2 / sum of squares: in about how many directions outputs vary"
    )
    if isinstance(source, Network):
        print_next(out, "eoc networks", "lists what else a network can be written of")
    else:
        sigmas = {"sigma_w": found.last.sigma_w, "sigma_b": found.last.sigma_b}
        print_next(out, command_line("rates", typed, **sigmas), "says how fast inputs become alike")


def _in_words(found: ByDepth) -> str:
    """The answer in one sentence."""
    spectrum = found.spectra["ntk"][-1]
    kappa = spectrum.condition_number
    blocks = f"after {found.depth[-1]} block{'' if found.depth[-1] == 1 else 's'} the NTK of {found.inputs} inputs"
    if math.isinf(kappa):
        first = f"{blocks} is singular: add {spectrum.jitter:.1g} to its diagonal, or remove inputs that are alike"
    else:
        first = f"{blocks} has condition number {kappa:.3g} and effective dimension {spectrum.effective_dimension:.3g}"
    if not found.scores["ntk"]:
        return first
    score = found.scores["ntk"][-1]
    did = "tells labels apart with accuracy" if score.kind == "accuracy" else "predicts labels with R2 ="
    return f"{first}; it {did} {_score(score)}"


def _score(one: Score) -> str:
    return f"{one.value:.3f} +- {one.error:.2g}"
