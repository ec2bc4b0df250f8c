r"""How far units of finite networks are from Gaussian, over random networks.

Source: Roberts, Yaida & Hanin (2022): the excess kurtosis of a unit is 3 Var K / E[K]^2, of order l/N at criticality.

What to see: (a) networks of 100 units: ReLU 3 ((1 + 5/N)^(l-1) - 1), linear 3 ((1 + 2/N)^(l-1) - 1) and tanh at
sigma_w = 1, sigma_b = 0 against layers; dots from K_l, squares from the units themselves. (b) In tanh networks, here of
300 units, K_l falls like 1/(2l) and N Var K / K^2 grows like l: over l it comes to 2/3 (dotted).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from _output import COLOURS, WIDE, Piece, caption, letters, network, new_figure, run, save
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from eoc.montecarlo import Gaussianity, gaussianity
from eoc.plotting import paper_style

NETWORKS = (("relu", 2.0), ("identity", 1.0), ("tanh", 1.0))  # with sigma_w^2, at sigma_b = 0 and q = 1
LABELS = {"relu": "ReLU", "identity": "linear", "tanh": "tanh"}
DOT = {"marker": "o", "markersize": 3.0}
SQUARE = {"marker": "s", "markersize": 6.0, "markerfacecolor": "none"}
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
    figure = new_figure(WIDE, 2.7)
    left, right = figure.subplots(1, 2)
    for (name, squared), piece in zip(NETWORKS, narrow, strict=True):
        style = {"color": COLOURS.get(name, "C3"), "elinewidth": 0.8, "linestyle": "none"}
        left.plot(piece["layer"], piece["predicted"], color=style["color"], label=f"{LABELS[name]}, {squared:g}")
        left.errorbar(piece["layer"], piece["kernel"], 2.0 * piece["kernel_error"], **style | DOT)
        left.errorbar(piece["layer"], piece["units"], 2.0 * piece["units_error"], **style | SQUARE)
    for marker, label in ((DOT, r"from $K_\ell$"), (SQUARE, "from units")):
        left.plot([], [], color="0.3", linestyle="none", label=label, **marker)
    left.plot([], [], color="0.3", label="theory")
    left.set(xlabel=r"layer $\ell$", ylabel="excess kurtosis")
    left.legend(frameon=False, title=r"$\sigma_w^2$", alignment="left")
    left.locator_params(axis="x", integer=True)
    caption(left, rf"$\sigma_b = 0$, $N = {NARROW}$")
    draw_wider(wider, right)
    letters([left, right])
    return figure


def draw_wider(piece: Piece, ax: Axes) -> None:
    later = np.unique(np.geomspace(2, piece["layer"][-1], 30).round().astype(int)) - 1
    layers, colour = piece["layer"][later], COLOURS["tanh"]
    per_layer = piece["width"] / (3.0 * layers)  # from a kurtosis to N Var K / (K^2 l)
    bars = 2.0 * per_layer * piece["kernel_error"][later]
    style = {"color": colour, "linestyle": "none", "elinewidth": 0.8, **DOT}
    ax.errorbar(layers, per_layer * piece["kernel"][later], bars, label=r"from $K_\ell$", **style)
    ax.plot(layers, per_layer * piece["predicted"][later], color=colour, label="theory")
    ax.axhline(2.0 / 3.0, color="0.3", linestyle=":", label="2/3")
    ax.set(xscale="log", xlabel=r"layer $\ell$", ylim=(0.0, 0.75))
    ax.set_ylabel(r"$N\,\mathrm{Var}\,K_\ell \,/\, (\ell\, \mathrm{E}[K_\ell]^2)$")
    ax.set_xticks(ticks := [n for n in (2, 5, 10, 20, 50, 100) if n <= layers[-1]], [str(n) for n in ticks])
    ax.minorticks_off()
    ax.legend(frameon=False, loc="lower right")
    caption(ax, rf"{network('tanh', 1.0, 0.0)}, $N = {piece['width']}$")


@paper_style()
def main(out: Path, reduced: bool = False) -> None:
    depth, networks = (5, 500) if reduced else (20, 20_000)
    narrow = [table(measured(name, squared, NARROW, depth, networks)) for name, squared in NETWORKS]
    wider = table(measured("tanh", 1.0, WIDER, 10 if reduced else 100, networks // 5))
    save(draw(narrow, wider), {"layers": narrow, "tanh": [wider]}, out, "gaussianity")


if __name__ == "__main__":
    run(main)
