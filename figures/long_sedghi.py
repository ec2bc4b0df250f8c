r"""Second layers of networks with phi(z) = 1/z, which no infinite-width theory describes.

Source: Long & Sedghi (2019), the counterexample to the convergence of the length process, sigma_w = 1, sigma_b = 0,
inputs in {-1, 1}^N: a unit of the second layer is Cauchy distributed with the scale sqrt(N), at every N.

What to see: (a) to (c) all units of the second layers of 100 networks, against that law (orange) and the Gaussian with
the same variance (dashed), which misses both the middle and the tails; what is left of (c) is that units of a network
share its K_2. (d) to (l) the N = 1000 units of each of nine networks, in the same units as (c): they are Gaussian with
the variance K_2 that is their own (purple), but K_2/N, written above, spans orders of magnitude between networks: units
of one network are wide or narrow together.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from _output import WIDE, Piece, letters, new_figure, run, save
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch

from eoc.montecarlo import RECIPROCAL, SecondLayer, cauchy_comparisons, second_layer
from eoc.plotting import paper_style

WIDTHS = (10, 100, 1000)
NETWORKS, SINGLE = 100, 9
SEED = 1
REACH = 8.0  # of the histograms, in units of sqrt(N)
BINS = 64
TESTED = 20_000  # networks behind the tests of the law


def density(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Middles of bins and the density of values in them, of all values, also those outside."""
    edges = np.linspace(-REACH, REACH, BINS + 1)
    counts, _ = np.histogram(values, edges)
    return 0.5 * (edges[1:] + edges[:-1]), counts / (values.size * np.diff(edges))


def gaussian(x: np.ndarray, variance: float) -> np.ndarray:
    return np.exp(-0.5 * x**2 / variance) / np.sqrt(2.0 * np.pi * variance)


def all_units(layer: SecondLayer) -> Piece:
    scaled = layer.h / layer.width**0.5
    x, seen = density(scaled)
    fitted = float(scaled.var())
    return {
        "width": layer.width,
        "x": x,
        "density": seen,
        "cauchy": 1.0 / (np.pi * (1.0 + x**2)),
        "fitted_variance": fitted,
        "gaussian": gaussian(x, fitted),
    }


def one_network(layer: SecondLayer, network: int) -> Piece:
    variance = float(layer.kernel[network] / layer.width)
    x, seen = density(layer.h[network] / layer.width**0.5)
    return {
        "network": network,
        "x": x,
        "density": seen,
        "kernel_over_width": variance,
        "gaussian": gaussian(x, variance),
    }


def tests(networks: int) -> list[Piece]:
    table = []
    for width in WIDTHS:
        layer = second_layer(RECIPROCAL, width=width, networks=networks, seed=SEED + width)
        median, units, kernels = cauchy_comparisons(layer)
        scores = {"z_median": median.z, "z_units": units.z, "z_kernels": kernels.z}
        value = float(np.exp(median.measured))
        table.append({"width": width, "median": value, "median_error": value * median.standard_error, **scores})
    return table


def draw(together: list[Piece], single: list[Piece]) -> Figure:
    figure = new_figure(WIDE, 5.8)
    figure.suptitle(r"$\phi(z) = 1/z$, $\sigma_w = 1$, $\sigma_b = 0$", fontsize=8.0)
    grid = figure.subplots(4, 3, sharex=True, height_ratios=(2.4, 1, 1, 1))
    for ax, piece in zip(grid[0], together, strict=True):
        units = draw_histogram(ax, piece)
        (cauchy,) = ax.semilogy(piece["x"], piece["cauchy"], color="C1")
        (fitted,) = ax.semilogy(piece["x"], piece["gaussian"], "--", color="0.3")
        ax.set(ylim=(5e-5, 1.0))
        ax.label_outer()
        ax.text(0.97, 0.93, f"$N = {piece['width']}$", transform=ax.transAxes, ha="right", va="top")
    for ax, piece in zip(grid[1:].flat, single, strict=True):
        fine = np.linspace(-REACH, REACH, 801)
        draw_histogram(ax, piece)
        (own,) = ax.plot(fine, gaussian(fine, piece["kernel_over_width"]), color="C4")
        ax.set(ylim=(0.0, None), yticks=[])
        ax.text(0.97, 0.9, f"$K_2/N$ = {piece['kernel_over_width']:.3g}", transform=ax.transAxes, ha="right", va="top")
    for ax in grid[:, 0]:
        ax.set_ylabel("density")
    for ax in grid[-1]:
        ax.set_xlabel(r"$h_{2,i} / \sqrt{N}$")
    lines = {
        "units of the second layer": units,
        r"Cauchy, scale $\sqrt{N}$": cauchy,
        "Gaussian of the same variance": fitted,
        "Gaussian of variance $K_2$": own,
    }
    figure.legend(lines.values(), lines, loc="outside lower center", ncols=2, frameon=False)
    letters(grid.flat)
    return figure


def draw_histogram(ax: Axes, piece: Piece) -> StepPatch:
    ax.set_xlim(-REACH, REACH)
    return ax.stairs(piece["density"], np.linspace(-REACH, REACH, BINS + 1), fill=True, color="C0", alpha=0.45)


@paper_style()
def main(out: Path, reduced: bool = False) -> None:
    layers = [
        second_layer(RECIPROCAL, width=width, units=width, networks=NETWORKS, seed=SEED + width) for width in WIDTHS
    ]
    together, single = [all_units(layer) for layer in layers], [one_network(layers[-1], i) for i in range(SINGLE)]
    tables = {"all": together, "single": single, "tests": tests(TESTED // 10 if reduced else TESTED)}
    save(draw(together, single), tables, out, "long_sedghi")


if __name__ == "__main__":
    run(main)
