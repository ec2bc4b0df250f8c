r"""The correlation of two inputs in tanh networks: its map, its dynamics, its fixed point c*, and chi_1.

Source: Poole et al. (2016), figure 2: sigma_b = 0.3 and sigma_w = 1.3, 2.5, 4; panels (c), (d) on rows of their grid
of sigma_w = 1 ... 5.

What to see: (a) In the ordered phase (sigma_w = 1.3) f ends at c = 1 with a slope chi_1 = 0.940 below 1; in the
chaotic phase chi_1 = 1.585 and 2.367, and f crosses the diagonal at c* = 0.1221 and 0.0297. (b) Whatever inputs one
starts from, c_l comes to c*. (c), (d) c* leaves 1 at the sigma_w at which chi_1 comes to 1.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from _output import WIDE, Piece, caption, letters, new_figure, run, save, shades
from matplotlib.figure import Figure

import eoc
from eoc.plotting import paper_style

SIGMA_W, SIGMA_B = (1.3, 2.5, 4.0), 0.3
STARTS = (0.0, 0.5, 0.9)
ROWS = (0.1, 0.3, 1.0, 2.0)  # sigma_b in (c), (d)
DEPTH = 20


def correlation_map(sigma_w: float, points: int) -> Piece:
    f, c = eoc.CorrelationMap("tanh", sigma_w, SIGMA_B), np.linspace(0.0, 1.0, points)
    return {
        "sigma_w": sigma_w,
        "sigma_b": SIGMA_B,
        "c_star": f.stable_point.c,
        "chi_1": f.chi_1,
        "c": c,
        "f": f(c),
    }


def dynamics(sigma_w: float) -> list[Piece]:
    f, layers = eoc.CorrelationMap("tanh", sigma_w, SIGMA_B), np.arange(DEPTH + 1.0)
    network = {"sigma_w": sigma_w, "sigma_b": SIGMA_B}
    return [network | {"c_0": c_0, "layer": layers, "c": 1.0 - f.iterate(layers, c=c_0).value} for c_0 in STARTS]


def row(sigma_b: float, sigma_w: np.ndarray) -> Piece:
    corner = eoc.edge_of_chaos("tanh", sigma_b=sigma_b).best.sigma_w  # where c* leaves 1
    sigma_w = np.union1d(sigma_w, corner)
    found = [eoc.phase_of("tanh", w, sigma_b) for w in sigma_w]
    c_star, chi_1 = (np.array([getattr(one, name) for one in found]) for name in ("c_star", "chi_1"))
    return {"sigma_b": sigma_b, "sigma_w": sigma_w, "c_star": c_star, "chi_1": chi_1}


def draw(maps: list[Piece], runs: list[Piece], rows: list[Piece]) -> Figure:
    figure = new_figure(WIDE, 4.6)
    ((left, right), (lower_left, lower_right)) = axes = figure.subplots(2, 2)
    colours = dict(zip(SIGMA_W, ("C0", "C1", "C2"), strict=True))
    left.plot([0, 1], [0, 1], ":", color="0.4", linewidth=0.9, zorder=0)
    for piece in maps:
        colour, w, c_star = colours[piece["sigma_w"]], piece["sigma_w"], piece["c_star"]
        left.plot(piece["c"], piece["f"], color=colour, label=f"{w:g}")
        left.plot(c_star, c_star, "*", color=colour, markersize=8.0, clip_on=False, zorder=4)
        right.axhline(c_star, color=colour, linestyle=":", linewidth=0.9)
        lower_left.plot(w, c_star, "o", color=colour, markersize=4.5, zorder=4, clip_on=False)
        lower_right.plot(w, piece["chi_1"], "o", color=colour, markersize=4.5, zorder=4)
    for piece in runs:
        right.plot(piece["layer"], piece["c"], "o-", color=colours[piece["sigma_w"]], markersize=2.5, linewidth=0.9)
    for piece, shade in zip(rows, shades(len(rows)), strict=True):
        lower_left.plot(piece["sigma_w"], piece["c_star"], color=shade)
        lower_right.plot(piece["sigma_w"], piece["chi_1"], color=shade, label=f"{piece['sigma_b']:g}")
    lower_right.axhline(1.0, color="0.4", linestyle=":", linewidth=0.9)
    left.set(xlabel="$c$", ylabel="$f(c)$", xlim=(0, 1), ylim=(0, 1))
    right.set(
        xlabel=r"layer $\ell$", ylabel=r"$c_\ell$", xlim=(0, DEPTH), ylim=(-0.02, 1.02), xticks=(0, 5, 10, 15, 20)
    )
    lower_left.set(xlabel=r"$\sigma_w$", ylabel="$c^*$", xlim=(1, 5), ylim=(0, 1.02), xticks=range(1, 6))
    lower_right.set(
        xlabel=r"$\sigma_w$", ylabel=r"$\chi_1$", xlim=(1, 5), ylim=(0, 3.2), xticks=range(1, 6), yticks=range(4)
    )
    left.legend(frameon=False, title=r"$\sigma_w$", loc="lower right")
    lower_right.legend(frameon=False, title=r"$\sigma_b$", loc="upper left")
    for ax in (left, right):
        caption(ax, rf"tanh, $\sigma_b = {SIGMA_B}$")
    for ax in (lower_left, lower_right):
        caption(ax, "tanh")
    letters(axes.flat)
    return figure


@paper_style()
def main(out: Path, reduced: bool = False) -> None:
    maps = [correlation_map(w, 21 if reduced else 201) for w in SIGMA_W]
    runs = [piece for w in SIGMA_W for piece in dynamics(w)]
    sigma_w = np.linspace(1.0, 5.0, 9 if reduced else 81)
    rows = [row(b, sigma_w) for b in ROWS]
    save(draw(maps, runs, rows), {"maps": maps, "dynamics": runs, "fixed_points": rows}, out, "poole_correlation")


if __name__ == "__main__":
    run(main)
