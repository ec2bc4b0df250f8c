r"""Phase diagram of tanh in sigma_w^2 and sigma_b^2: how far correlations reach.

Source: Schoenholz et al. (2017), figure 1: the ordered and the chaotic phase of tanh networks and the critical line
between them.

What to see: xi_c diverges on the critical line, on both sides of it; 6 xi_c is the depth up to which networks train.
The dotted line is sigma_b^2 = 0.05, along which the paper trains its networks; it crosses the critical line at
sigma_w^2 = 1.76095464 (dot), published as 1.76.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray
from _output import Piece, new_figure, run, save
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

import eoc
from eoc.plotting import COLUMN, paper_style

STUDIED = 0.05  # sigma_b^2


def table(diagram: xarray.Dataset) -> list[Piece]:
    names = ("xi_c", "xi_q", "chi_1")
    return [
        {"sigma_b_squared": b**2, "sigma_w_squared": diagram.sigma_w.values**2}
        | {name: diagram[name].values[i] for name in names}
        for i, b in enumerate(diagram.sigma_b.values)
    ]


def critical_line(sigma_b_max: float) -> Piece:
    (piece,) = eoc.eoc_curve("tanh", sigma_b_max=sigma_b_max).pieces
    return {"sigma_b_squared": piece.sigma_b**2, "sigma_w_squared": piece.sigma_w**2}


def draw(diagram: xarray.Dataset, line: Piece, crossing: float) -> Figure:
    figure = new_figure(COLUMN, 2.8)
    ax = figure.subplots()
    x, y = diagram.sigma_w.values**2, diagram.sigma_b.values**2
    mesh = ax.pcolormesh(x, y, diagram.xi_c.values, norm=LogNorm(1.0, 300.0), cmap="cividis", shading="gouraud")
    mesh.set_rasterized(True)
    figure.colorbar(mesh, ax=ax, label=r"$\xi_c$ (layers)", extend="both", pad=0.02)
    ax.plot(line["sigma_w_squared"], line["sigma_b_squared"], color="white", linewidth=1.4)
    ax.axhline(STUDIED, color="white", linestyle=":", linewidth=0.9)
    ax.plot(crossing, STUDIED, "o", color="white", markeredgecolor="black", markersize=4.5)
    for x_text, name in ((0.2, "ordered"), (0.75, "chaotic")):
        ax.text(x_text, 0.62, name, color="white", transform=ax.transAxes, ha="center")
    ax.set_title("tanh", fontsize=8.0)
    ax.set(xlabel=r"$\sigma_w^2$", ylabel=r"$\sigma_b^2$", xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
    return figure


@paper_style()
def main(out: Path, reduced: bool = False) -> None:
    count = 8 if reduced else 200
    sigma_w, sigma_b = np.sqrt(np.linspace(0.5, 4.0, count)), np.sqrt(np.linspace(1e-3, 0.25, count))
    diagram = eoc.phase_diagram("tanh", sigma_w, sigma_b)
    crossing = eoc.edge_of_chaos("tanh", sigma_b=STUDIED**0.5).best.sigma_w ** 2
    line = critical_line(float(sigma_b[-1]))
    tables = {
        "depths": table(diagram),
        "critical": [line],
        "crossing": [{"sigma_b_squared": STUDIED, "sigma_w_squared": crossing}],
    }
    save(draw(diagram, line, crossing), tables, out, "schoenholz_diagram")


if __name__ == "__main__":
    run(main)
