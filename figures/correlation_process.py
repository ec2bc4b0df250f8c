r"""Correlations of two inputs in networks of finite width on the edge of chaos: how deep they follow the law.

Source: the laws are those of Hayou, Doucet & Rousseau (2019), ReLU 9 pi^2 / (2 l^2), tanh beta_q / l; how networks
depart from them is derived here (:mod:`eoc.montecarlo.theory.pairs`). Inputs start at c_0 = 0.1, tanh at sigma_b = 0.2.

What to see: (a), (c) the median over networks of 1 - c_l with the band that 90 % of them lie in, for some widths,
beside infinite width (dashed). A network of N units follows it to a depth of 3 N / s (dots), s = 8 for ReLU and 3.9 for
tanh, and then falls below it faster than any power. (b), (d) The spread of log(1 - c_l) over networks, beside theory
(dashed), which grows to sqrt(s l / 3 N): each width reaches 1 at its departure depth, and grows faster from there on.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from _output import WIDE, Piece, caption, letters, network, new_figure, run, save, shades
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import eoc
from eoc.montecarlo import CorrelationProcess, correlation_process
from eoc.plotting import paper_style

C_0 = 0.1
SIGMA_B = {"relu": 0.0, "tanh": 0.2}
NETWORKS = {30: 2000, 300: 1000, 3000: 300, 30_000: 60}  # by width
SEED = 1


def processes(activation: str, depth: int, reduced: bool) -> list[CorrelationProcess]:
    """The networks of every width."""
    point = eoc.edge_of_chaos(activation, sigma_b=SIGMA_B[activation]).best
    return [
        correlation_process(
            activation,
            point.sigma_w,
            point.sigma_b,
            width=width,
            depth=depth,
            networks=networks // 10 if reduced else networks,
            seed=SEED,
            q=point.q,
            c=C_0,
            workers=2,
        )
        for width, networks in NETWORKS.items()
        if width <= 3000 or not reduced
    ]


def table(found: CorrelationProcess) -> Piece:
    """What is drawn of one width."""
    low, _, median, _, high = found.quantiles
    assert found.predicted_spread is not None  # it is known on the edge of chaos
    return {
        "activation": found.activation,
        "width": found.width,
        "departure_depth": found.departure_depth,
        "layer": found.layers,
        "infinite_width": found.expected.one_minus_c,
        "median": median,
        "low": low,
        "high": high,
        "spread": found.spread,
        "spread_error": found.spread_error,
        "predicted_spread": found.predicted_spread,
        "sigma_w": found.sigma_w,
        "sigma_b": found.sigma_b,
    }


def draw_correlations(pieces: list[Piece], ax: Axes) -> None:
    for piece, colour in zip(pieces, shades(len(pieces)), strict=True):
        layers = piece["layer"]
        ax.fill_between(layers, piece["low"], piece["high"], color=colour, alpha=0.2, linewidth=0.0)
        ax.loglog(layers, piece["median"], color=colour, label=f"$N = {piece['width']}$")
        at = int(piece["departure_depth"])
        if at <= layers[-1]:
            ax.plot(at, piece["median"][at - 1], "o", color=colour, markersize=4.0, zorder=4)
    ax.plot([], [], "o", color="0.3", markersize=4.0, label="departure depth")
    ax.loglog(layers, pieces[0]["infinite_width"], "--", color="black", linewidth=0.8, label=r"$N = \infty$")
    lowest = float(pieces[0]["infinite_width"].min())
    ax.set(ylabel=r"$1 - c_\ell$", xlim=(1.0, layers[-1]), ylim=(1e-3 * lowest, 2.0))
    ax.legend(frameon=False, loc="lower left")


def draw_spreads(pieces: list[Piece], ax: Axes) -> None:
    for piece, colour in zip(pieces, shades(len(pieces)), strict=True):
        ax.loglog(piece["layer"], piece["spread"], color=colour)
        ax.loglog(piece["layer"], piece["predicted_spread"], "--", color=colour, linewidth=0.9)
    ax.plot([], [], color="0.3", label="networks")
    ax.plot([], [], "--", color="0.3", linewidth=0.9, label="theory, small spread")
    ax.legend(frameon=False, loc="upper left")
    ax.axhline(1.0, color="0.6", linewidth=0.8, linestyle=":", zorder=0)
    ax.set(ylabel=r"spread of $\log(1 - c_\ell)$", xlim=(1.0, pieces[0]["layer"][-1]))


def draw(curves: dict[str, list[Piece]]) -> Figure:
    figure = new_figure(WIDE, 4.8)
    grid = figure.subplots(2, 2, sharex=True)
    for pieces, (left, right) in zip(curves.values(), grid, strict=True):
        draw_correlations(pieces, left)
        draw_spreads(pieces, right)
        for ax in (left, right):
            caption(ax, network(*(pieces[0][name] for name in ("activation", "sigma_w", "sigma_b"))))
    for ax in grid[-1]:
        ax.set_xlabel(r"layer $\ell$")
    letters(grid.flat)
    return figure


@paper_style()
def main(out: Path, reduced: bool = False) -> None:
    depth = 100 if reduced else 400
    curves = {name: [table(found) for found in processes(name, depth, reduced)] for name in SIGMA_B}
    rows = [
        {key: np.asarray(column) for key, column in piece.items()} for pieces in curves.values() for piece in pieces
    ]
    save(draw(curves), {"networks": rows}, out, "correlation_process")


if __name__ == "__main__":
    run(main)
