r"""How fast the correlation of two inputs comes to 1 on the edge of chaos: like 1/l^2 for ReLU, 1/l for ELU and tanh.

Source: Hayou, Doucet & Rousseau (2019), the convergence of correlations on the edge of chaos (Propositions 2 and 3).
Inputs start at c_0 = 0.1; ELU at sigma_b = 0.1 and tanh at 0.2, where the authors train them.

What to see: (a) 1 - c_l of the iterated map (broad) with the laws 9 pi^2 / (2 l^2) and beta_q / l (dashed). (b)
Iterated map over law: it comes to 1 at depths at which the leading order alone is far off, slowest for ELU, whose phi''
jumps: the correction is of order l^(-1/2), not log(l)/l. With the next orders (thin lines, fixed by one value at the
largest depth) the law holds to 1 % from some 500 layers on for ELU, and from some 50 on for tanh and ReLU.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from _output import COLOURS, NAMES, Piece, letters, new_figure, run, save
from matplotlib.figure import Figure

import eoc
from eoc.plotting import COLUMN, paper_style

C_0 = 0.1
SIGMA_B = {"relu": 0.0, "elu": 0.1, "tanh": 0.2}
BROAD = {"linewidth": 3.5, "alpha": 0.4}  # so that a line on top of it is seen


def edge_map(activation: str) -> eoc.CorrelationMap:
    """The correlation map on the edge of chaos."""
    point = eoc.edge_of_chaos(activation, sigma_b=SIGMA_B[activation]).best
    return eoc.CorrelationMap(activation, point.sigma_w, point.sigma_b)


def convergence(activation: str, depth: float) -> Piece:
    """1 - c_l beside the leading law and the law with its next orders."""
    f = edge_map(activation)
    law = eoc.convergence_law(f)
    layers = np.unique(np.round(np.geomspace(1.0, depth, 200)))
    one_minus_c = f.iterate(layers, c=C_0).value
    refined = law.refined(layers, layers[-1], one_minus_c[-1])
    return {
        "activation": activation,
        "layer": layers,
        "one_minus_c": one_minus_c,
        "leading_law": law.leading(layers),
        "refined_law": refined,
        "sigma_w": f.sigma_w,
        "sigma_b": f.sigma_b,
    }


def measured(activation: str, depth: float) -> Piece:
    """Exponent and constant of the law, predicted and read off the iterated map."""
    found = eoc.convergence_of(edge_map(activation), depth, C_0)
    assert found.constant is not None  # these depths are large enough to measure at
    assert found.exponent is not None
    return {
        "activation": activation,
        "law": found.law.law,
        "constant": found.law.constant,
        "measured_constant": found.constant.value,
        "measured_exponent": found.exponent.value,
    }


def draw(curves: list[Piece]) -> Figure:
    figure = new_figure(COLUMN, 4.2)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    for piece in curves:
        layers, e, law = piece["layer"], piece["one_minus_c"], piece["leading_law"]
        colour = COLOURS[piece["activation"]]
        label = f"{NAMES[piece['activation']]} ({piece['sigma_w']:.4g}, {piece['sigma_b']:g})"
        top.loglog(layers, e, color=colour, label=label, **BROAD)
        top.loglog(layers, law, "--", color=colour)
        bottom.semilogx(layers, e / law, color=colour, **BROAD)
        good = np.abs(piece["refined_law"] / e - 1.0) < 0.3
        bottom.semilogx(layers[good], (piece["refined_law"] / law)[good], color=colour)
    top.plot([], [], color="0.3", label="iterated map", **BROAD)
    top.plot([], [], "--", color="0.3", label="leading law")
    top.plot([], [], color="0.3", label="with next orders, in (b)")
    bottom.axhline(1.0, color="0.3", linestyle="--", zorder=0)
    top.set(ylabel=r"$1 - c_\ell$", ylim=(0.2 * min(piece["one_minus_c"].min() for piece in curves), 5.0))
    top.legend(frameon=False, loc="lower left", title=r"$(\sigma_w, \sigma_b)$", alignment="left")
    bottom.set(
        xlabel=r"layer $\ell$",
        ylabel=r"$(1 - c_\ell) \,/\,$ law",
        xlim=(1.0, curves[0]["layer"][-1]),
        ylim=(0.0, 1.3),
    )
    letters([top, bottom])
    return figure


@paper_style()
def main(out: Path, reduced: bool = False) -> None:
    depth = 1e5 if reduced else 1e7
    curves = [convergence(activation, depth) for activation in SIGMA_B]
    laws = [measured(activation, depth) for activation in SIGMA_B]
    save(draw(curves), {"curves": curves, "laws": laws}, out, "correlation_convergence")


if __name__ == "__main__":
    run(main)
