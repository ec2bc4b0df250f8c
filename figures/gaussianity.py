r"""How far units of finite networks are from Gaussian, over random networks.

Source: Roberts, Yaida & Hanin (2022): the excess kurtosis of a unit is 3 Var K / E[K]^2, of order l/N at criticality.

What to see: (a) networks of 100 units: ReLU 3 ((1 + 5/N)^(l-1) - 1), linear 3 ((1 + 2/N)^(l-1) - 1) and tanh at
sigma_w = 1, sigma_b = 0 against layers; dots from K_l, squares from the units themselves. (b) In tanh networks, here of
300 units, K_l falls like 1/(2l) and N Var K / K^2 grows like l: over l it comes to 2/3 (dotted).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from _output import COLOURS, WIDE, Piece, letters, new_figure, run, save
from matplotlib.figure import Figure

from eoc.montecarlo.experiments import Gaussianity, gaussianity
from eoc.plotting import paper_style

NETWORKS = (("relu", 2.0), ("identity", 1.0), ("tanh", 1.0))  # with sigma_w^2, at sigma_b = 0 and q = 1
NAMES = {"relu": "ReLU", "identity": "linear", "tanh": "tanh"}
NARROW, WIDER = 100, 300
SEED = 1


def measured(activation: str, squared: float, width: int, depth: int, networks: int) -> Gaussianity:
    return gaussianity(
        activation, squared**0.5, width=width, depth=depth, networks=networks, seed=SEED, q=1.0, workers=2
    )


def table(found: Gaussianity) -> Piece:
    return {
        "activation": found.networks.activation.name,
        "width": found.networks.widths[0],
        "layer": np.arange(1, found.networks.widths.size + 1),
        "q_infinite": found.theory.q.value,
        "predicted": found.theory.kurtosis,
        "truncation": found.truncation,
        "kernel": found.kernel.value,
        "kernel_error": found.kernel.error,
        "units": found.units.value,
        "units_error": found.units.error,
    }


def draw(narrow: list[Piece], wider: Piece) -> Figure:
    figure = new_figure(WIDE, 2.6)
    left, right = figure.subplots(1, 2)
    for piece in narrow:
        name = piece["activation"]
        colour = COLOURS.get(name, "C3")
        left.plot(piece["layer"], piece["predicted"], color=colour)
        style = {"color": colour, "markersize": 3.5, "elinewidth": 0.8}
        left.errorbar(piece["layer"], piece["kernel"], 2.0 * piece["kernel_error"], fmt="o", label=NAMES[name], **style)
        units = {"markerfacecolor": "none", **style, "markersize": 6.0}
        left.errorbar(piece["layer"], piece["units"], 2.0 * piece["units_error"], fmt="s", **units)
    left.set(xlabel=r"$\ell$", ylabel="excess kurtosis")
    left.legend(frameon=False)
    left.locator_params(axis="x", integer=True)
    later = np.unique(np.geomspace(2, wider["layer"][-1], 30).round().astype(int)) - 1
    layers = wider["layer"][later]
    per_layer = wider["width"] / (3.0 * layers)  # from a kurtosis to N Var K / (K^2 l)
    right.axhline(2.0 / 3.0, color="0.4", linestyle=":", linewidth=0.9)
    right.plot(layers, per_layer * wider["predicted"][later], color="C1", label="theory")
    bars = 2.0 * per_layer * wider["kernel_error"][later]
    right.errorbar(
        layers, per_layer * wider["kernel"][later], bars, fmt="o", markersize=2.5, elinewidth=0.8, label="networks"
    )
    right.set(xscale="log", xlabel=r"$\ell$", ylabel=r"$N\,\mathrm{Var}\,K_\ell \,/\, (\ell\, \mathrm{E}[K_\ell]^2)$")
    right.set(ylim=(0.0, 0.75))
    right.legend(frameon=False, loc="lower right")
    letters([left, right])
    return figure


@paper_style()
def main(out: Path, reduced: bool = False) -> None:
    depth, networks = (5, 500) if reduced else (20, 20_000)
    narrow = [table(measured(name, squared, NARROW, depth, networks)) for name, squared in NETWORKS]
    wider = table(measured("tanh", 1.0, WIDER, 10 if reduced else 100, networks // 5))
    save(draw(narrow, wider), {"layers": narrow, "tanh": [wider]}, out, "gaussianity")


if __name__ == "__main__":
    run(main)
