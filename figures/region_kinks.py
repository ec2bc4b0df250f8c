r"""Kinks of a unit around a great circle of inputs against the layer: theory, and counts in networks.

Source: ours, after Hanin & Rolnick (2019), who show that random networks have far fewer linear regions than they could.

What to see: (a) hard-tanh at sigma_b = 0.3. In the ordered phase kinks die out by the factor sqrt(chi_1) a layer, on
the edge of chaos every layer has as many, in the chaotic phase their number grows exponentially. (b) ReLU at sigma_w =
sqrt 2: without bias exactly 2 in every layer, whatever sigma_w is; with bias they fall like l^{-1/2}. Lines are the
theory of infinite width, 2 sum over knots of sqrt(g/q) exp(-tau^2/2q), dots exact counts in networks, with twice their
standard error.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from _output import WIDE, Piece, caption, letters, new_figure, run, save
from matplotlib.figure import Figure

import eoc
from eoc.plotting import paper_style
from eoc.regions import count_kinks, expected

DEPTH = 8
MEAN_SQUARE = 1.0  # of the inputs
SEED = 1
SIGMA_B = 0.3

Network = tuple[str, str, float, float]  # a word, the activation, sigma_w, sigma_b


def networks() -> list[Network]:
    """What is drawn."""
    edge = eoc.edge_of_chaos("hardtanh", sigma_b=SIGMA_B).best.sigma_w
    phases = (("ordered", 0.8), ("edge of chaos", edge), ("chaotic", 2.0))
    return [
        *((phase, "hardtanh", sigma_w, SIGMA_B) for phase, sigma_w in phases),
        *(
            ("edge of chaos" if sigma_b == 0.0 else "with bias", "relu", 2.0**0.5, sigma_b)
            for sigma_b in (0.0, 0.5, 1.0)
        ),
    ]


def kinks(network: Network, width: int, count: int) -> Piece:
    """Expected and counted kinks of a unit, by layer."""
    phase, activation, sigma_w, sigma_b = network
    given = {"depth": DEPTH, "circle": MEAN_SQUARE}
    counted = count_kinks(activation, sigma_w, sigma_b, **given, width=width, networks=count, seed=SEED)
    return {
        "activation": activation,
        "phase": phase,
        "sigma_w": sigma_w,
        "sigma_b": sigma_b,
        "layer": np.arange(1, DEPTH + 1),
        "kinks": expected(activation, sigma_w, sigma_b, **given).per_neuron,
        "counted": counted.per_neuron,
        "counted_error": counted.standard_error,
    }


def draw(pieces: list[Piece]) -> Figure:
    figure = new_figure(WIDE, 2.7)
    axes = figure.subplots(1, 2)
    for ax, activation in zip(axes, ("hardtanh", "relu"), strict=True):
        shown = [piece for piece in pieces if piece["activation"] == activation]
        for i, piece in enumerate(shown):
            word = piece["phase"] if activation == "hardtanh" else rf"$\sigma_b = {piece['sigma_b']:g}$"
            ax.plot(piece["layer"], piece["kinks"], color=f"C{i}", label=word)
            ax.errorbar(piece["layer"], piece["counted"], 2.0 * piece["counted_error"], fmt="o", color=f"C{i}", ms=3.0)
        ax.set(xlabel="layer", ylabel="kinks of a unit around the circle")
    axes[0].set_yscale("log")
    axes[0].legend(frameon=False)
    axes[1].set_ylim(0.0, 2.3)
    axes[1].legend(frameon=False, loc="lower left")
    caption(axes[0], rf"hard-tanh, $\sigma_b = {SIGMA_B}$")
    caption(axes[1], r"ReLU, $\sigma_w = \sqrt{2}$")
    letters(axes)
    return figure


@paper_style()
def main(out: Path, reduced: bool = False) -> None:
    width, count = (30, 2) if reduced else (200, 20)
    pieces = [kinks(network, width, count) for network in networks()]
    save(draw(pieces), {"layers": pieces}, out, "region_kinks")


if __name__ == "__main__":
    run(main)
