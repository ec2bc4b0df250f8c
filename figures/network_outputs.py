r"""Outputs of one random network as functions of a two-dimensional input: ordered, on the edge of chaos, chaotic.

Source: Hayou, Doucet & Rousseau (2019), the figures with outputs of random networks; their talk draws tanh, 300 wide
and 20 deep, at (sigma_w, sigma_b) = (1, 1) and (2, 0.3). The two points on the edge of chaos are added here.

All four networks are made from the same standard normal numbers, so that only sigma_w, sigma_b and phi differ.

Outputs are drawn in units of sqrt(q), what their standard deviation over networks comes to (q = 1 for ReLU).

What to see: ordered (chi_1 = 0.399) the output is constant, whatever the input; chaotic (chi_1 = 1.327) it changes
between neighbouring inputs; on the edge of chaos it varies as slowly as the input does. ReLU there gives straight
pieces through the origin. Panel (e) is the cut x_2 = 0 through the others.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from _output import NAMES, WIDE, Piece, caption, letters, new_figure, run, save
from matplotlib.figure import Figure
from numpy.typing import NDArray

import eoc
from eoc.plotting import DIVERGING, paper_style

FloatArray = NDArray[np.float64]
Network = tuple[str, str, float, float]  # a word, the activation, sigma_w, sigma_b

SEED = 4  # chosen among eight for outputs of both signs; all eight show the same
WIDTH, DEPTH = 300, 20
EXTENT = 2.0  # inputs lie in [-2, 2]^2
RANGE = 2.0  # of the colours, in standard deviations


def forward(activation: str, sigma_w: float, sigma_b: float, inputs: FloatArray) -> list[FloatArray]:
    """The pre-activations of every layer, (WIDTH, inputs); W ~ N(0, sigma_w^2 / fan-in), b ~ N(0, sigma_b^2)."""
    rng, phi = np.random.default_rng(SEED), eoc.activation(activation)
    layers, x = [], inputs
    for _ in range(DEPTH):
        weights = rng.standard_normal((WIDTH, x.shape[0])) * sigma_w / x.shape[0] ** 0.5
        biases = rng.standard_normal((WIDTH, 1)) * sigma_b
        layers.append(weights @ x + biases)
        x = phi(layers[-1])
    return layers


def networks() -> list[Network]:
    """What is drawn."""
    tanh = eoc.edge_of_chaos("tanh", sigma_b=0.2).best
    relu = eoc.edge_of_chaos("relu").best
    return [
        ("ordered", "tanh", 1.0, 1.0),
        ("edge of chaos", "tanh", tanh.sigma_w, tanh.sigma_b),
        ("chaotic", "tanh", 2.0, 0.3),
        ("edge of chaos", "relu", relu.sigma_w, relu.sigma_b),
    ]


def output(network: Network, x_1: FloatArray, x_2: FloatArray) -> Piece:
    """The first unit of the last layer at inputs (x_1, x_2), in units of its standard deviation sqrt(q)."""
    phase, activation, sigma_w, sigma_b = network
    last = forward(activation, sigma_w, sigma_b, np.stack([x_1.ravel(), x_2.ravel()]))[-1]
    y = last[0].reshape(x_1.shape) / eoc.phase_of(activation, sigma_w, sigma_b).q ** 0.5
    parameters = {"phase": phase, "activation": activation, "sigma_w": sigma_w, "sigma_b": sigma_b}
    return parameters | {"x_1": x_1, "x_2": x_2, "output": y}


def summary(network: Network) -> Piece:
    """Theory, and two orthogonal inputs of equal length in this network: variance and correlation in the last layer."""
    phase, activation, sigma_w, sigma_b = network
    found = eoc.phase_of(activation, sigma_w, sigma_b)
    inputs = np.array([[1.0, 1.0], [1.0, -1.0]])
    last = forward(activation, sigma_w, sigma_b, inputs)[-1]
    gram = last.T @ last / WIDTH
    return {
        "phase": phase,
        "activation": activation,
        "sigma_w": sigma_w,
        "sigma_b": sigma_b,
        "q": found.q,
        "chi_1": found.chi_1,
        "c_star": found.c_star,
        "q_network": gram[0, 0],
        "c_network": gram[0, 1] / (gram[0, 0] * gram[1, 1]) ** 0.5,
    }


def draw(surfaces: list[Piece], cuts: list[Piece]) -> Figure:
    figure = new_figure(WIDE, 3.9)
    grid = figure.add_gridspec(2, len(surfaces), height_ratios=(1.5, 1.0))
    maps = [figure.add_subplot(grid[0, column]) for column in range(len(surfaces))]
    below = figure.add_subplot(grid[1, :])
    letters([*maps, below])
    square = (-EXTENT, EXTENT, -EXTENT, EXTENT)
    for ax, piece in zip(maps, surfaces, strict=True):
        image = ax.imshow(piece["output"], cmap=DIVERGING, vmin=-RANGE, vmax=RANGE, extent=square, origin="lower")
        sigmas = rf"$\sigma_w = {piece['sigma_w']:.4g}$, $\sigma_b = {piece['sigma_b']:.3g}$"
        caption(ax, f"{NAMES[piece['activation']]}, {piece['phase']}\n{sigmas}")
        ax.set(xlabel="$x_1$", ylabel="$x_2$", xticks=(-2, 0, 2), yticks=(-2, 0, 2))
    for ax in maps[1:]:
        ax.set(ylabel="", yticklabels=())
    figure.colorbar(image, ax=maps, label=r"$y \,/ \sqrt{q}$", aspect=15, pad=0.01, extend="both", ticks=(-2, 0, 2))
    for letter, style, piece in zip("abcd", ("-", "-", "-", "--"), cuts, strict=True):
        below.plot(piece["x_1"], piece["output"], style, label=f"({letter}) {piece['phase']}")
    below.set(xlabel="$x_1$", ylabel=r"$y \,/ \sqrt{q}$", xlim=(-EXTENT, EXTENT), xticks=(-2, -1, 0, 1, 2))
    below.set_ylim(top=1.45 * below.get_ylim()[1])
    below.legend(frameon=False, ncols=4, loc="upper center")
    return figure


@paper_style()
def main(out: Path, reduced: bool = False) -> None:
    points = 21 if reduced else 101
    side, fine = np.linspace(-EXTENT, EXTENT, points), np.linspace(-EXTENT, EXTENT, 10 * points)
    surfaces = [output(network, *np.meshgrid(side, side)) for network in networks()]
    cuts = [output(network, fine, np.zeros_like(fine)) for network in networks()]
    tables = {"surfaces": surfaces, "cuts": cuts, "theory": [summary(network) for network in networks()]}
    save(draw(surfaces, cuts), tables, out, "network_outputs")


if __name__ == "__main__":
    run(main)
