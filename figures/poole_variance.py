r"""The variance of tanh networks: its map, its dynamics, its fixed point, and how soon it is reached.

Source: Poole et al. (2016), figure 1: sigma_b = 0.3 and sigma_w = 1.3, 2.5, 4; their panels (c), (d) are maps over
(sigma_w, sigma_b), of which these are rows.

What to see: (a) F crosses the diagonal once, at q* = 0.607, 4.079 and 12.604, with a slope below 1. (b) Any initial
variance comes to q* within some layers. (c) q* grows with both sigmas. (d) The layers after which q_l is within 1 %
of q* from every q_0 in [0, 15] (F increases, so that the ends of the interval are the slowest): few, except near
(sigma_w, sigma_b) = (1, 0), where F'(q*) comes to 1.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from _output import WIDE, Piece, caption, letters, new_figure, run, save, shades
from matplotlib.figure import Figure

import eoc
from eoc.plotting import paper_style

SIGMA_W, SIGMA_B = (1.3, 2.5, 4.0), 0.3
STARTS = (0.2, 2.0, 8.0, 15.0)
LARGEST_Q = 15.0
ROWS = (0.1, 0.3, 1.0, 2.0)  # sigma_b in (c), (d)
CLOSE = 0.01


def variance_map(sigma_w: float, points: int) -> Piece:
    network, q = eoc.VarianceMap("tanh", sigma_w, SIGMA_B), np.linspace(0.0, LARGEST_Q, points)
    return {"sigma_w": sigma_w, "sigma_b": SIGMA_B, "q_star": network.kept, "q": q, "F": network(q)}


def dynamics(sigma_w: float) -> list[Piece]:
    network, layers = eoc.VarianceMap("tanh", sigma_w, SIGMA_B), np.arange(9)
    run = [np.array(STARTS)]
    for _ in layers[1:]:
        run.append(network(run[-1]))
    return [
        {"sigma_w": sigma_w, "sigma_b": SIGMA_B, "q_0": q_0, "layer": layers, "q": np.array(run)[:, i]}
        for i, q_0 in enumerate(STARTS)
    ]


def layers_to_settle(network: eoc.VarianceMap) -> int:
    """The layers until q is within 1 % of q* from every initial variance in [0, 15]."""
    q, layers = np.array([0.0, LARGEST_Q]), 0
    while (np.abs(q / network.kept - 1.0) > CLOSE).any():
        q, layers = network(q), layers + 1
    return layers


def row(sigma_b: float, sigma_w: np.ndarray) -> Piece:
    networks = [eoc.VarianceMap("tanh", w, sigma_b) for w in sigma_w]
    return {
        "sigma_b": sigma_b,
        "sigma_w": sigma_w,
        "q_star": np.array([network.kept for network in networks]),
        "layers": np.array([layers_to_settle(network) for network in networks]),
    }


def draw(maps: list[Piece], runs: list[Piece], rows: list[Piece]) -> Figure:
    figure = new_figure(WIDE, 4.6)
    ((left, right), (lower_left, lower_right)) = axes = figure.subplots(2, 2)
    colours = dict(zip(SIGMA_W, ("C0", "C1", "C2"), strict=True))
    left.plot([0, LARGEST_Q], [0, LARGEST_Q], ":", color="0.4", linewidth=0.9, zorder=0)
    for piece in maps:
        colour, q_star = colours[piece["sigma_w"]], piece["q_star"]
        left.plot(piece["q"], piece["F"], color=colour, label=f"{piece['sigma_w']:g}")
        left.plot(q_star, q_star, "*", color=colour, markersize=8.0)
        right.axhline(q_star, color=colour, linestyle=":", linewidth=0.9)
        for ax, value in ((lower_left, q_star), (lower_right, layers_at(rows, piece["sigma_w"]))):
            ax.plot(piece["sigma_w"], value, "o", color=colour, markersize=4.5, zorder=4)
    for piece in runs:
        right.plot(piece["layer"], piece["q"], "o-", color=colours[piece["sigma_w"]], markersize=2.5, linewidth=0.9)
    for piece, shade in zip(rows, shades(len(rows)), strict=True):
        lower_left.plot(piece["sigma_w"], piece["q_star"], color=shade, label=f"{piece['sigma_b']:g}")
        lower_right.step(piece["sigma_w"], piece["layers"], color=shade, where="mid")
    left.set(xlabel="$q$", ylabel="$F(q)$", xlim=(0, LARGEST_Q), ylim=(0, LARGEST_Q))
    left.set(xticks=(0, 5, 10, 15), yticks=(0, 5, 10, 15))
    right.set(xlabel=r"layer $\ell$", ylabel=r"$q_\ell$", xlim=(0, 8), ylim=(0, 15.5), yticks=(0, 5, 10, 15))
    lower_left.set(xlabel=r"$\sigma_w$", ylabel="$q^*$", xlim=(1, 5), ylim=(0, 25), xticks=range(1, 6))
    lower_right.set(xlabel=r"$\sigma_w$", ylabel=r"layers to $|q_\ell / q^* - 1| \leq 1\,\%$", xlim=(1, 5))
    lower_right.set(yscale="log", ylim=(1.5, 30), xticks=range(1, 6))
    lower_right.set_yticks((2, 5, 10, 20), ("2", "5", "10", "20"))
    lower_right.minorticks_off()
    right.legend(*left.get_legend_handles_labels(), frameon=False, title=r"$\sigma_w$", loc=(0.75, 0.38))
    lower_left.legend(frameon=False, title=r"$\sigma_b$", loc="upper left")
    for ax in (left, right):
        caption(ax, rf"tanh, $\sigma_b = {SIGMA_B}$")
    for ax in (lower_left, lower_right):
        caption(ax, "tanh")
    letters(axes.flat)
    return figure


def layers_at(rows: list[Piece], sigma_w: float) -> float:
    """The layers to settle at (sigma_w, 0.3)."""
    (piece,) = (one for one in rows if one["sigma_b"] == SIGMA_B)
    return float(piece["layers"][np.argmin(np.abs(piece["sigma_w"] - sigma_w))])


@paper_style()
def main(out: Path, reduced: bool = False) -> None:
    maps = [variance_map(w, 31 if reduced else 301) for w in SIGMA_W]
    runs = [piece for w in SIGMA_W for piece in dynamics(w)]
    sigma_w = np.linspace(1.0, 5.0, 41 if reduced else 161)
    rows = [row(b, sigma_w) for b in ROWS]
    save(draw(maps, runs, rows), {"maps": maps, "dynamics": runs, "fixed_points": rows}, out, "poole_variance")


if __name__ == "__main__":
    run(main)
