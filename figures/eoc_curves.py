r"""The edge of chaos of eight activations: curves for smooth ones, one point for ReLU.

Source: Hayou, Doucet & Rousseau (ICML 2019), figure 3: curves in (sigma_b, sigma_w) for smooth activations, a point for
ReLU-like ones.

What to see: (a) For bounded activations sigma_w grows with sigma_b without end, from 1/phi'(0) at sigma_b = 0. (b) For
ELU, Swish and GELU it comes to sqrt(2), the only value for ReLU, whose edge of chaos is the point (0, sqrt(2)). Dashed:
the variance is not stable there, F'(q) > 1; the paper draws these parts like the others.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from _output import COLOURS, NAMES, WIDE, Piece, letters, new_figure, run, save
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import eoc
from eoc.plotting import paper_style, plot_eoc

BOUNDED, LINEAR = ("tanh", "erf", "arctan", "hardtanh"), ("elu", "silu", "gelu", "relu")
OTHERS = {"erf": "C3", "arctan": "C7", "hardtanh": "C9"}  # activations that no other figure has
SIGMA_B_MAX = 2.0


def table(curve: eoc.EocCurve) -> list[Piece]:
    names = ("q", "sigma_b", "sigma_w", "slope")
    return [{"activation": curve.activation} | {name: getattr(p, name) for name in names} for p in curve.pieces]


def draw(bounded: list[eoc.EocCurve], linear: list[eoc.EocCurve]) -> Figure:
    figure = new_figure(WIDE, 2.8)
    axes = figure.subplots(1, 2)
    for curves, ax in zip((bounded, linear), axes, strict=True):
        ax.set_prop_cycle(color=[to_hex((COLOURS | OTHERS)[c.activation]) for c in curves])
        plot_eoc([replace(c, activation=NAMES.get(c.activation, c.activation)) for c in curves], ax)
    letters(axes)
    return figure


@paper_style()
def main(out: Path, reduced: bool = False) -> None:
    points = 20 if reduced else 400
    bounded, linear = (
        [eoc.eoc_curve(name, sigma_b_max=SIGMA_B_MAX, points=points) for name in names] for names in (BOUNDED, LINEAR)
    )
    curves = [piece for curve in bounded + linear for piece in table(curve)]
    changes = [
        {"activation": c.activation, "sigma_b": t.sigma_b, "sigma_w": t.sigma_w, "q": t.q}
        for c in bounded + linear
        for t in c.transitions
    ]
    save(draw(bounded, linear), {"curves": curves, "transitions": changes}, out, "eoc_curves")


if __name__ == "__main__":
    run(main)
