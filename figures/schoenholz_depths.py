r"""Depth scales of tanh networks: over how many layers variances and correlations settle.

Source: Schoenholz et al. (2017), the depth scales xi_q and xi_c against sigma_w^2 at sigma_b^2 = 0.05.

What to see: xi_c diverges at the critical sigma_w^2 = 1.76095464 (published: 1.76), like 1/|sigma_w^2 - critical|, and
is 3.627, 7.834, 74.92 at 1, 1.3, 1.7 and 25.21, 6.980 at 2, 4. xi_q stays below two layers throughout: variances
settle long before correlations do. The sampled sigma_w^2 come to the critical one geometrically from both sides.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from _output import Piece, new_figure, run, save
from matplotlib.figure import Figure

import eoc
from eoc.plotting import COLUMN, paper_style

SQUARED_BIAS = 0.05
MARKED = (1.0, 1.3, 1.7, 2.0, 4.0)  # sigma_w^2 that are sampled exactly
LOWEST, HIGHEST, NEAREST = 0.8, 4.0, 1e-4


def critical_variance() -> float:
    """The sigma_w^2 on the edge of chaos."""
    return eoc.edge_of_chaos("tanh", sigma_b=SQUARED_BIAS**0.5).best.sigma_w ** 2


def sampled(critical: float, points: int) -> np.ndarray:
    """sigma_w^2 from the lowest to the highest, ever denser towards the critical one, which is left out."""
    below = critical - np.geomspace(critical - LOWEST, NEAREST, points)
    above = critical + np.geomspace(NEAREST, HIGHEST - critical, points)
    return np.unique(np.concatenate([below, above, MARKED]))


def depths(points: int) -> Piece:
    critical = critical_variance()
    squared = sampled(critical, points)
    found = [eoc.phase_of("tanh", w**0.5, SQUARED_BIAS**0.5) for w in squared]
    xi_q, xi_c = (np.array([getattr(one, name) for one in found]) for name in ("xi_q", "xi_c"))
    return {"sigma_b_squared": SQUARED_BIAS, "sigma_w_squared": squared, "xi_q": xi_q, "xi_c": xi_c}


def draw(found: Piece, critical: float) -> Figure:
    figure = new_figure(COLUMN, 2.6)
    ax = figure.subplots()
    squared = found["sigma_w_squared"]
    chaotic = squared > critical
    for side in (~chaotic, chaotic):
        ax.semilogy(squared[side], found["xi_c"][side], color="C0")
    ax.semilogy(squared, found["xi_q"], color="C1")
    ax.axvline(critical, color="0.4", linestyle="--", linewidth=0.9, zorder=0)
    ax.text(2.6, 18.0, r"$\xi_c$, correlations", color="C0")
    ax.text(2.6, 1.55, r"$\xi_q$, variances", color="C1")
    ax.set_title(rf"tanh, $\sigma_b^2 = {SQUARED_BIAS}$", fontsize=8.0)
    ax.text(critical - 0.08, 1.3e4, "ordered", ha="right", va="center")
    ax.text(critical + 0.08, 1.3e4, "chaotic", ha="left", va="center")
    ax.set(xlabel=r"$\sigma_w^2$", ylabel="depth scale (layers)", xlim=(LOWEST, HIGHEST), ylim=(0.5, 3e4))
    return figure


@paper_style()
def main(out: Path, reduced: bool = False) -> None:
    found, critical = depths(5 if reduced else 120), critical_variance()
    tables = {"depths": [found], "critical": [{"sigma_b_squared": SQUARED_BIAS, "sigma_w_squared": critical}]}
    save(draw(found, critical), tables, out, "schoenholz_depths")


if __name__ == "__main__":
    run(main)
