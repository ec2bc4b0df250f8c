r"""The variance q_l of three inputs, layer by layer: where it settles, and where it does not.

Source: Hayou, Doucet & Rousseau (2019), q^l of three inputs at (sigma_w, sigma_b) = (1, 1) for tanh and ReLU. Panel (c)
is ours: Swish at sigma_b = 0.2, a point of the published edge of chaos.

What to see: (a), (b) all inputs come to the same variance within some layers, q = 1.4639 for tanh and q = 2 for ReLU.
(c) At the point of Swish q = 0.689 is kept exactly, but F'(q) = 1.0987 > 1: 10 % below it the variance falls to
0.194, 10 % above it diverges (2.4e5 after 60 layers).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from _output import WIDE, Piece, caption, letters, network, new_figure, run, save
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

import eoc
from eoc.plotting import paper_style

INPUTS = (0.5, 1.0, 4.0)  # variances of the first layer
AROUND = (0.9, 1.0, 1.1)  # shares of the unstable variance


def trajectories(activation: str, sigma_w: float, sigma_b: float, q: tuple[float, ...], depth: int) -> list[Piece]:
    """q_l of each input."""
    run = [np.array(q)]
    for _ in range(depth):
        run.append(eoc.VarianceMap(activation, sigma_w, sigma_b)(run[-1]))
    at = {"activation": activation, "sigma_w": sigma_w, "sigma_b": sigma_b}
    return [at | {"first_q": q_1, "layer": np.arange(depth + 1), "q": np.array(run)[:, i]} for i, q_1 in enumerate(q)]


def draw(panels: list[list[Piece]], limits: list[float]) -> Figure:
    figure = new_figure(WIDE, 2.3)
    axes = figure.subplots(1, 3)
    for ax, pieces, limit in zip(axes, panels, limits, strict=True):
        ax.axhline(limit, color="0.5", linestyle=":", linewidth=0.9, zorder=0)
        for piece, style in zip(pieces, ("o-", "s-", "^-"), strict=True):
            ax.plot(piece["layer"], piece["q"], style, markersize=3.0, markevery=max(1, len(piece["layer"]) // 12))
        caption(ax, network(*(pieces[0][name] for name in ("activation", "sigma_w", "sigma_b"))))
        ax.set(xlabel=r"layer $\ell$", ylabel=r"$q_\ell$", xlim=(0, pieces[0]["layer"][-1]))
    for ax in axes[:2]:
        ax.legend(ax.lines[:0:-1], [f"$q_0 = {q:g}$" for q in INPUTS[::-1]], frameon=False)
        ax.set_ylim(0.0, 5.0)
        ax.xaxis.set_major_locator(MultipleLocator(3))
    axes[2].set(yscale="log", ylim=(0.1, 1e6), yticks=10.0 ** np.arange(-1, 6, 2))
    axes[2].legend(axes[2].lines[:0:-1], ("$q_0 = 1.1\\,q$", "$q_0 = q$", "$q_0 = 0.9\\,q$"), frameon=False)
    letters(axes)
    return figure


@paper_style()
def main(out: Path, reduced: bool = False) -> None:
    (swish,) = eoc.edge_of_chaos("silu", sigma_b=0.2).points
    around = tuple(share * swish.q for share in AROUND)
    panels = [
        trajectories("tanh", 1.0, 1.0, INPUTS, 5 if reduced else 12),
        trajectories("relu", 1.0, 1.0, INPUTS, 5 if reduced else 12),
        trajectories("silu", swish.sigma_w, swish.sigma_b, around, 60),
    ]
    limits = [eoc.VarianceMap(activation, 1.0, 1.0).kept for activation in ("tanh", "relu")]
    pieces = [piece for panel in panels for piece in panel]
    save(draw(panels, [*limits, swish.q]), {"trajectories": pieces}, out, "variance_trajectories")


if __name__ == "__main__":
    run(main)
