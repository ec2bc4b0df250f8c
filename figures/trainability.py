r"""The trainability experiment: accuracy of deep networks against epoch and time, from three initialisations.

Source: the talk of the authors of Hayou, Doucet & Rousseau (2019): fully connected networks on the edge of chaos, on it
with batch normalisation, and in the ordered phase at (sigma_w, sigma_b) = (1, 1). They are 300 wide and 200 deep there,
on MNIST; here, ``configs/trainability.yaml``, 100 wide and 60 deep, on digits, means and ranges over three seeds.

What to see: on the edge of chaos ELU and tanh learn within ten epochs and ReLU within fifty. From the ordered phase
nothing is learnt. Shifted softplus diverges at the published point, where its variance is an unstable fixed point.
Batch normalisation slows learning down: it makes gradients explode with depth.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray
from _output import NAMES, WIDE, Piece, caption, letters, new_figure, run, save
from _sweep import swept
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from eoc.plotting import paper_style

REDUCED = ["axes.width=40", "axes.depth=20", "axes.learning_rate=0.01", "axes.epoch=[0, 3]", "axes.seed=[0, 1]"]
CHANCE = 0.1
COLOUR = {"EOC": "C2", "EOC + BN": "C0", "ordered": "C1"}


def trials(found: xarray.Dataset) -> xarray.Dataset:
    """The sweep with a name for what activation and initialisation vary along: dimensions trial, seed, epoch."""
    return found.rename({found.activation.dims[0]: "trial"})


def regime(trial: xarray.Dataset) -> str:
    if trial.chi_1[0] < 0.99:
        return "ordered"
    return "EOC + BN" if trial.normalisation == "batch" else "EOC"


def curve(trial: xarray.Dataset) -> Piece:
    return {
        "activation": str(trial.activation.values),
        "regime": regime(trial),
        "seed": trial.seed.values[:, None],
        "epoch": trial.epoch.values,
        "seconds": trial.train_seconds.values,
        "test_accuracy": trial.test_accuracy.values,
    }


def start(trial: xarray.Dataset) -> Piece:
    """What the networks were before training, and whether it diverged."""
    names = ("sigma_b", "sigma_w", "q", "chi_1", "gradient_ratio", "diverged")
    piece = {"activation": str(trial.activation.values), "regime": regime(trial), "seed": trial.seed.values}
    return piece | {name: trial[name].values for name in names}


def draw_curve(piece: Piece, x: np.ndarray, ax: Axes) -> None:
    accuracy, colour = piece["test_accuracy"], COLOUR[piece["regime"]]
    ax.fill_between(x, accuracy.min(0), accuracy.max(0), color=colour, alpha=0.2, linewidth=0.0)
    ax.plot(x, accuracy.mean(0), color=colour, label=piece["regime"])


def draw(curves: list[Piece], diverging: set[str]) -> Figure:
    figure = new_figure(WIDE, 3.9)
    names = list(dict.fromkeys(piece["activation"] for piece in curves))
    grid = figure.subplots(2, len(names), sharey=True, sharex="row")
    for piece in curves:
        upper, lower = grid[:, names.index(piece["activation"])]
        draw_curve(piece, piece["epoch"], upper)
        draw_curve(piece, np.median(piece["seconds"], 0), lower)
    for ax in grid.flat:
        ax.axhline(CHANCE, color="0.3", linestyle=":", linewidth=0.9, zorder=0, label="chance")
        ax.set(ylim=(0.0, 1.0), xlim=(0.0, None))
    letters(grid.flat)
    for name, (upper, lower) in zip(names, grid.T, strict=True):
        for ax in (upper, lower):
            caption(ax, NAMES[name])
            if name in diverging:
                ax.text(0.97, 0.93, "EOC: diverges", color=COLOUR["EOC"], transform=ax.transAxes, ha="right", va="top")
        upper.set_xlabel("epoch")
        lower.set_xlabel("training time (s)")
    for ax in grid[:, 0]:
        ax.set_ylabel("test accuracy")
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=4, frameon=False)
    return figure


@paper_style()
def main(out: Path, reduced: bool = False) -> None:
    found = trials(swept("trainability", REDUCED, reduced))
    each = [found.isel(trial=i) for i in range(found.sizes["trial"])]
    curves = [curve(trial) for trial in each]
    starts = [start(trial) for trial in each]
    diverging = {piece["activation"] for piece in starts if piece["regime"] == "EOC" and piece["diverged"].all()}
    save(draw(curves, diverging), {"curves": curves, "starts": starts}, out, "trainability")


if __name__ == "__main__":
    run(main)
