r"""The correlation map on the edge of chaos comes closer to the identity as sigma_b falls.

Source: Hayou, Doucet & Rousseau (2019), the correlation map of Swish for several sigma_b, and Proposition 4:
sup |f(c) - c| -> 0 over c in [0, 1] as sigma_b -> 0, for tanh and Swish, but not for ReLU, whose edge of chaos is the
single point sigma_b = 0 with f(0) = 1/pi.

What to see: (a), (b) f at sigma_b = 0.5, 0.2, 0.1, 0.05. (c) sup |f - c|, which f takes at c = 0 since it is convex
with f'(1) = 1. The points of Swish are those of the published algorithm; all of them are unstable fixed points of the
variance map (see stability.py), so that q is given explicitly.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from _output import COLOURS, NAMES, WIDE, Piece, caption, letters, new_figure, run, save, shades
from matplotlib.figure import Figure

import eoc
from eoc.plotting import paper_style

SIGMA_B = (0.5, 0.2, 0.1, 0.05)


def edge_map(activation: str, sigma_b: float) -> eoc.CorrelationMap:
    """The correlation map at an edge-of-chaos point, whether or not the variance stays there."""
    (point,) = eoc.edge_of_chaos(activation, sigma_b=sigma_b).points
    return eoc.CorrelationMap(activation, point.sigma_w, point.sigma_b, point.q)


def curve(activation: str, sigma_b: float, points: int) -> Piece:
    c = np.linspace(0.0, 1.0, points)
    f = edge_map(activation, sigma_b)
    return {"activation": activation, "sigma_b": sigma_b, "sigma_w": f.sigma_w, "q": f.q, "c": c, "f": f(c)}


def distances(activation: str, sigma_b: np.ndarray) -> Piece:
    """sup |f(c) - c| over [0, 1], against sigma_b."""
    largest = [float(edge_map(activation, b)(0.0)) for b in sigma_b]
    return {"activation": activation, "sigma_b": sigma_b, "sup_distance": largest}


def draw(curves: list[Piece], sups: list[Piece]) -> Figure:
    figure = new_figure(WIDE, 2.6)
    *maps, right = figure.subplots(1, 3)
    colours = dict(zip(sorted(SIGMA_B), shades(len(SIGMA_B)), strict=True))
    for ax, activation in zip(maps, ("silu", "tanh"), strict=True):
        ax.plot([0, 1], [0, 1], ":", color="0.4", linewidth=0.9)
        for piece in curves:
            if piece["activation"] == activation:
                b = piece["sigma_b"]
                ax.plot(piece["c"], piece["f"], color=colours[b], label=f"({piece['sigma_w']:.3f}, {b:g})")
        caption(ax, NAMES[activation])
        ax.set(xlabel="$c$", ylabel="$f(c)$", xlim=(0, 1), ylim=(0, 1))
        ax.set(xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
        ax.legend(
            frameon=False,
            title=r"$(\sigma_w, \sigma_b)$",
            loc="upper left",
            fontsize=7.0,
            handlelength=1.0,
            labelspacing=0.2,
        )
    right.axhline(1.0 / np.pi, color="0.4", linestyle="--", linewidth=0.9)
    right.text(0.011, 1.06 / np.pi, r"ReLU, $1/\pi$", color="0.3", va="bottom")
    for piece, marker in zip(sups, "so", strict=True):
        activation = piece["activation"]
        shown = [one["f"][0] for one in curves if one["activation"] == activation]
        right.loglog(piece["sigma_b"], piece["sup_distance"], color=COLOURS[activation], label=NAMES[activation])
        right.loglog(SIGMA_B, shown, marker, color=COLOURS[activation], markersize=4.0)
    right.set(xlabel=r"$\sigma_b$", ylabel=r"$\sup_{c} |f(c) - c|$", xlim=(0.01, 1.0), ylim=(1.5e-3, 0.7))
    right.legend(frameon=False, loc="lower right")
    letters([*maps, right])
    return figure


@paper_style()
def main(out: Path, reduced: bool = False) -> None:
    points = 21 if reduced else 201
    curves = [curve(activation, b, points) for activation in ("silu", "tanh") for b in SIGMA_B]
    sigma_b = np.geomspace(0.01, 1.0, 5 if reduced else 41)
    sups = [distances(activation, sigma_b) for activation in ("silu", "tanh")]
    save(draw(curves, sups), {"maps": curves, "distances": sups}, out, "correlation_maps")


if __name__ == "__main__":
    run(main)
