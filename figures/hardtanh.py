r"""Hard-tanh on the edge of chaos: the curve, the variance, the variance map and the correlation map.

Source: Hayou, Doucet & Rousseau (2019), supplement, the figures for hard-tanh.

What to see: (a) sigma_w and (b) q along the edge of chaos; both start at sigma_b = 0, where sigma_w = 1 and q = 0, and
q rises at once, since an input below the kinks does not see them. (c) F crosses the diagonal once at each point of the
curve, at a slope below 1: q is stable. (d) f is tangent to the diagonal at c = 1 and comes closer to it as sigma_b
falls. Closed forms: E[phi'^2] = erf(1/sqrt(2q)), E[phi^2] = q erf(1/sqrt(2q)) - sqrt(2q/pi) exp(-1/2q) +
erfc(1/sqrt(2q)).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from _output import WIDE, Piece, letters, new_figure, run, save, shades
from matplotlib.figure import Figure

import eoc
from eoc.plotting import paper_style

SIGMA_B = (0.05, 0.2, 0.5, 1.0)
LARGEST_Q, LARGEST_SIGMA_B = 3.0, 1.2


def edge(points: int) -> Piece:
    """The edge of chaos, up to the largest sigma_b that is drawn."""
    along = eoc.curve("hardtanh", np.geomspace(0.02, 10.0, points))
    shown = along.sigma_b <= LARGEST_SIGMA_B
    columns = {name: getattr(along, name)[shown] for name in ("q", "sigma_b", "sigma_w", "slope")}
    return {name: columns[name] for name in ("sigma_b", "sigma_w", "q", "slope")}


def maps(sigma_b: float, points: int) -> tuple[Piece, Piece]:
    """The variance map and the correlation map at one point of the edge of chaos."""
    point = eoc.edge_of_chaos("hardtanh", sigma_b=sigma_b).best
    at = {"sigma_b": point.sigma_b, "sigma_w": point.sigma_w, "fixed_q": point.q}
    q, c = np.linspace(0.0, LARGEST_Q, points), np.linspace(0.0, 1.0, points)
    variance = eoc.VarianceMap("hardtanh", point.sigma_w, point.sigma_b)
    correlation = eoc.CorrelationMap("hardtanh", point.sigma_w, point.sigma_b)
    return at | {"q": q, "F": variance(q)}, at | {"c": c, "f": correlation(c)}


def draw(along: Piece, variances: list[Piece], correlations: list[Piece]) -> Figure:
    figure = new_figure(WIDE, 4.6)
    figure.suptitle("hard-tanh on the edge of chaos", fontsize=8.0)
    grid = figure.subplots(2, 2)
    edge_axes, map_axes = grid[0], grid[1]
    for ax, name, label in zip(edge_axes, ("sigma_w", "q"), (r"$\sigma_w$", "$q$"), strict=True):
        ax.plot(along["sigma_b"], along[name], color="0.3")
        ax.set(xlabel=r"$\sigma_b$", ylabel=label, xlim=(0.0, LARGEST_SIGMA_B))
    edge_axes[0].set_ylim(0.95, 1.55)
    edge_axes[1].set_ylim(0.0, LARGEST_Q)
    colours = shades(len(SIGMA_B))
    for colour, at_q, at_c in zip(colours, variances, correlations, strict=True):
        b, w, q = (at_q[name] for name in ("sigma_b", "sigma_w", "fixed_q"))
        edge_axes[0].plot(b, w, "o", color=colour, markersize=4.0)
        edge_axes[1].plot(b, q, "o", color=colour, markersize=4.0)
        map_axes[0].plot(at_q["q"], at_q["F"], color=colour)
        map_axes[0].plot(q, q, "o", color=colour, markersize=4.0)
        map_axes[1].plot(at_c["c"], at_c["f"], color=colour, label=f"({w:.3f}, {b:g})")
    for ax, largest in zip(map_axes, (LARGEST_Q, 1.0), strict=True):
        ax.plot([0.0, largest], [0.0, largest], ":", color="0.4", linewidth=0.9, zorder=0)
        ax.set(xlim=(0.0, largest), ylim=(0.0, largest))
    map_axes[0].set(xlabel="$q$", ylabel="$F(q)$")
    map_axes[1].set(xlabel="$c$", ylabel="$f(c)$")
    map_axes[1].legend(frameon=False, title=r"$(\sigma_w, \sigma_b)$", loc="lower right")
    letters(grid.flat)
    return figure


@paper_style()
def main(out: Path, reduced: bool = False) -> None:
    points = 31 if reduced else 301
    along = edge(points)
    variances, correlations = zip(*(maps(b, points) for b in SIGMA_B), strict=True)
    tables = {"edge": [along], "variance_maps": variances, "correlation_maps": correlations}
    save(draw(along, list(variances), list(correlations)), tables, out, "hardtanh")


if __name__ == "__main__":
    run(main)
