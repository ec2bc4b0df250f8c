r"""E[phi'(u) phi'(v)] as a function of the correlation c of u and v, for variances q from 0.1 to 10.

Source: Hayou, Doucet & Rousseau (2019), supplement: the quantity whose supremum C_phi bounds sigma_w^2 in
Proposition 1 (every correlation comes to 1 if sigma_w^2 < 1/C_phi).

What to see: it is largest at c = 1 at every q (Cauchy-Schwarz), so that the bound is sup_q E[phi'^2]: 1 for tanh and
1/2 for ReLU, where the paper prints 2, which is its inverse. tanh: phi' is even, hence so is the curve; ELU comes to
the curve of ReLU as q grows; ReLU: (pi - arccos c) / (2 pi) at every q.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from _output import NAMES, WIDE, Piece, caption, letters, new_figure, run, save
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

import eoc
from eoc.plotting import paper_style

ACTIVATIONS = ("tanh", "elu", "relu")
VARIANCES = np.geomspace(0.1, 10.0, 9)


def curve(activation: str, q: float, points: int) -> Piece:
    c = np.linspace(-1.0, 1.0, points)
    return {"activation": activation, "q": q, "c": c, "Kd": eoc.bivariate(activation, q, c, ("Kd",))["Kd"].value}


def draw(curves: list[Piece]) -> Figure:
    figure = new_figure(WIDE, 2.4)
    axes = dict(zip(ACTIVATIONS, figure.subplots(1, 3, sharex=True, sharey=True), strict=True))
    norm, shade = LogNorm(VARIANCES[0], VARIANCES[-1] * 1.6), colormaps["cividis"]  # the lightest is left out
    for piece in curves:
        axes[piece["activation"]].plot(piece["c"], piece["Kd"], color=shade(norm(piece["q"])))
    for activation, ax in axes.items():
        ax.set(xlabel="$c$", ylabel=r"$\mathrm{E}[\phi'(u)\,\phi'(v)]$", xlim=(-1, 1), ylim=(0, 1), xticks=(-1, 0, 1))
        ax.label_outer()
        caption(ax, f"{NAMES[activation]}, every $q$" if activation == "relu" else NAMES[activation])
    bar = figure.colorbar(ScalarMappable(norm, shade), ax=list(axes.values()), label="$q$", pad=0.01)
    bar.ax.set_ylim(VARIANCES[0], VARIANCES[-1])
    letters(axes.values())
    return figure


@paper_style()
def main(out: Path, reduced: bool = False) -> None:
    points = 21 if reduced else 201
    curves = [curve(activation, q, points) for activation in ACTIVATIONS for q in VARIANCES]
    save(draw(curves), {"curves": curves}, out, "slope_correlations")


if __name__ == "__main__":
    run(main)
