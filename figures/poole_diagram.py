r"""Phase diagram of tanh: q*, chi_1, c* and xi_c over the whole grid of Poole et al.

Source: Poole et al. (2016), figures 1 (c) and 2 (c), (d): tanh, sigma_w = 1 ... 5 and sigma_b = 0 ... 4 in 41 steps.

What to see: (a) q* grows with both. (b) chi_1 = 1 on the line, the edge of chaos. (c) Below it all inputs come to look
alike, c* = 1; above it they end at an angle, the larger the less bias there is; without bias at a right angle, since
tanh is odd. (d) The scale on which correlations come to c* diverges on the line.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray
from _output import WIDE, Piece, letters, new_figure, run, save
from matplotlib.figure import Figure

import eoc
from eoc.plotting import paper_style, plot_diagram

SIGMA_W, SIGMA_B = np.linspace(1.0, 5.0, 41), np.linspace(0.0, 4.0, 41)
FIELDS = ("q", "chi_1", "c_star", "xi_c")


def table(diagram: xarray.Dataset) -> list[Piece]:
    """All cells but (1, 0), where q* = 0 and tanh is the identity: every correlation is kept there."""
    rows = []
    for i, sigma_b in enumerate(diagram.sigma_b.values):
        known = np.isfinite(diagram.xi_c.values[i])
        fields = {name: diagram[name].values[i][known] for name in FIELDS}
        rows.append({"sigma_b": sigma_b, "sigma_w": diagram.sigma_w.values[known]} | fields)
    return rows


def draw(diagram: xarray.Dataset) -> Figure:
    figure = new_figure(WIDE, 5.4)
    figure.set_layout_engine("constrained", wspace=0.08)  # the label of a colour bar is not that of the next panel
    axes, edge = figure.subplots(2, 2), eoc.eoc_curve("tanh", sigma_b_max=float(diagram.sigma_b[-1]))
    for field, ax in zip(FIELDS, axes.flat, strict=True):
        plot_diagram(diagram, field, ax, edge)
    figure.suptitle("tanh", fontsize=8.0)
    letters(axes.flat, x=-0.2)
    return figure


@paper_style()
def main(out: Path, reduced: bool = False) -> None:
    step = 10 if reduced else 1
    diagram = eoc.phase_diagram("tanh", SIGMA_W[::step], SIGMA_B[::step])
    save(draw(diagram), {"grid": table(diagram)}, out, "poole_diagram")


if __name__ == "__main__":
    run(main)
