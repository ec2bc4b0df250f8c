r"""How deep tanh networks can be for training to work, beside the line 6 xi_c.

Source: Schoenholz et al. (2017), figure 5: training accuracy over sigma_w^2 and depth at sigma_b^2 = 0.05. The networks
there are 300 wide and learn MNIST; here, ``configs/trainable_depth.yaml``, 100 wide, and learn digits for 20 epochs.

What to see: training works up to a depth that is largest at the critical sigma_w^2 = 1.76, and is about 6 xi_c on both
sides of it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray
from _output import Piece, new_figure, run, save
from _sweep import swept
from matplotlib.figure import Figure
from matplotlib.patheffects import Normal, Stroke

import eoc
from eoc.plotting import COLUMN, paper_style

REDUCED = ["axes.sigma_w=[1.0, 1.3]", "axes.depth=[10, 30]", "axes.width=50", "axes.epoch=[2, 4]"]
SCALES = 6.0  # of xi_c


def line(sigma_b: float, sigma_w: np.ndarray) -> Piece:
    """6 xi_c, infinite on the edge of chaos."""
    xi_c = np.array([eoc.phase_of("tanh", one, sigma_b).xi_c for one in sigma_w])
    return {"sigma_w_squared": sigma_w**2, "depth": SCALES * xi_c}


def accuracies(found: xarray.Dataset) -> Piece:
    sigma_w, depth, epoch = np.meshgrid(found.sigma_w, found.depth, found.epoch, indexing="ij")
    accuracy = found.train_accuracy.transpose("sigma_w", "depth", "epoch").values
    return {"sigma_w_squared": sigma_w**2, "depth": depth, "epoch": epoch, "train_accuracy": accuracy}


def draw(found: xarray.Dataset, limit: Piece) -> Figure:
    figure = new_figure(COLUMN, 2.8)
    ax = figure.subplots()
    last = found.isel(epoch=-1).train_accuracy.transpose("depth", "sigma_w")
    mesh = ax.pcolormesh(
        found.sigma_w**2, found.depth, last, cmap="cividis", vmin=0.0, vmax=1.0, shading="nearest", rasterized=True
    )
    figure.colorbar(mesh, label="training accuracy")
    frame = {"xlim": ax.get_xlim(), "ylim": ax.get_ylim()}
    outline = [Stroke(linewidth=3.0, foreground="black"), Normal()]
    ax.plot(limit["sigma_w_squared"], limit["depth"], "--", color="white", linewidth=1.6, path_effects=outline)
    ax.text(2.75, 96.0, rf"${SCALES:g}\,\xi_c$", color="white", fontsize=10.0, in_layout=False)
    ax.set_title(rf"tanh, $\sigma_b^2 = {float(found.sigma_b) ** 2:g}$", fontsize=8.0)
    ax.set(xlabel=r"$\sigma_w^2$", ylabel="depth $L$", **frame)
    return figure


@paper_style()
def main(out: Path, reduced: bool = False) -> None:
    found = swept("trainable_depth", REDUCED, reduced)
    ends = found.sigma_w.values[[0, -1]]
    limit = line(float(found.sigma_b), np.linspace(*ends, 20 if reduced else 400))
    save(draw(found, limit), {"accuracies": [accuracies(found)], "limit": [limit]}, out, "trainable_depth")


if __name__ == "__main__":
    run(main)
