r"""Linear regions of a ReLU network on a plane of inputs, before and after training.

Source: ours, after Hanin & Rolnick (2019), who count regions of trained networks in planes.

A network 2-24-24-1, drawn with sigma_w = sqrt 2 and small biases, learns two spirals by Adam; both panels are exact.

What to see: training moves the kinks to where the function has to bend, along the spirals, and changes their number
little, far from exponentially in the number of units. Dots are the data, colours the output, in each panel to four
times its mean size, lines the borders of regions.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
from _output import WIDE, Piece, caption, letters, new_figure, run, save
from matplotlib.figure import Figure
from numpy.typing import NDArray

from eoc.plotting import DIVERGING, paper_style, plot_plane
from eoc.regions import PlaneSection, dense, plane

FloatArray = NDArray[np.float64]
Parameters = list[FloatArray]  # W_1, b_1, W_2, b_2, ...

WIDTHS = (2, 24, 24, 1)
RADIUS = 1.5
SAMPLES, TURNS = 200, 1.25
RATE = 0.005
PALE = 4.0  # mean outputs to the ends of the colours: borders have to be seen


def spirals(rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Points of two spirals, and which of them each is on, -1 or 1."""
    t = np.sqrt(rng.uniform(0.02, 1.0, SAMPLES))
    label = np.where(np.arange(SAMPLES) % 2, 1.0, -1.0)
    angle = 2.0 * np.pi * TURNS * t + np.pi * (label > 0.0)
    return 1.3 * (t * np.stack([np.cos(angle), np.sin(angle)])).T, label[:, None]


def drawn(rng: np.random.Generator) -> Parameters:
    """W ~ N(0, 2/fan-in), b ~ N(0, 0.3^2)."""
    layers = pairwise(WIDTHS)
    return [one for m, n in layers for one in (rng.normal(0, np.sqrt(2 / m), (n, m)), rng.normal(0, 0.3, n))]


def gradients(parameters: Parameters, x: FloatArray, y: FloatArray) -> Parameters:
    """Of the mean of log(1 + exp(-y f(x)))."""
    taken = [x]
    for weight, bias in zip(parameters[:-2:2], parameters[1:-2:2], strict=True):
        taken.append(np.maximum(taken[-1] @ weight.T + bias, 0.0))
    output = taken[-1] @ parameters[-2].T + parameters[-1]
    back = -y / (1.0 + np.exp(y * output)) / len(x)
    found: Parameters = []
    for layer in range(len(taken) - 1, -1, -1):
        found = [back.T @ taken[layer], back.sum(axis=0), *found]
        back = (back @ parameters[2 * layer]) * (taken[layer] > 0.0)
    return found


def trained(parameters: Parameters, x: FloatArray, y: FloatArray, steps: int) -> Parameters:
    """By Adam, on all data."""
    now = [one.copy() for one in parameters]
    first, second = ([np.zeros_like(one) for one in now] for _ in range(2))
    for step in range(1, steps + 1):
        for i, g in enumerate(gradients(now, x, y)):
            first[i] = 0.9 * first[i] + 0.1 * g
            second[i] = 0.999 * second[i] + 0.001 * g * g
            now[i] -= RATE * first[i] / (1 - 0.9**step) / (np.sqrt(second[i] / (1 - 0.999**step)) + 1e-8)
    return now


def section(parameters: Parameters) -> PlaneSection:
    """All regions in the disc."""
    net = dense(parameters[::2], parameters[1::2])
    return plane(net, [0.0, 0.0], [1.0, 0.0], [0.0, 1.0], RADIUS)


def counted(when: str, parameters: Parameters, found: PlaneSection, x: FloatArray, y: FloatArray) -> Piece:
    """What is said of a panel."""
    output = dense(parameters[::2], parameters[1::2])(x)
    return {
        "when": when,
        "accuracy": float(np.mean(output * y > 0.0)),
        "cells": found.cells,
        "patterns": found.distinct_patterns,
        "maps": found.distinct_maps,
    }


def draw(sections: list[PlaneSection], counts: list[Piece], x: FloatArray, y: FloatArray) -> Figure:
    figure = new_figure(WIDE, 3.5)
    axes = figure.subplots(1, 2)
    for ax, found, count in zip(axes, sections, counts, strict=True):
        plot_plane(found, ax)
        (polygons,) = ax.collections
        size = PALE * float(np.average(np.abs(polygons.get_array()), weights=found.areas))
        polygons.set(cmap=DIVERGING, clim=(-size, size))
        for side, colour in ((-1.0, "white"), (1.0, "black")):
            own = y[:, 0] == side
            ax.plot(*x[own].T, "o", color=colour, markersize=2.2, markeredgecolor="black", markeredgewidth=0.4)
        ax.set(xlabel="$x_1$", ylabel="$x_2$")
        caption(ax, f"{count['when']}: {count['cells']} regions, {count['maps']} affine maps")
    letters(axes)
    return figure


@paper_style()
def main(out: Path, reduced: bool = False) -> None:
    rng = np.random.default_rng(0)
    x, y = spirals(rng)
    before = drawn(rng)
    after = trained(before, x, y, 100 if reduced else 5000)
    sections = [section(one) for one in (before, after)]
    states = zip(("before training", "after training"), (before, after), sections, strict=True)
    counts = [counted(when, parameters, found, x, y) for when, parameters, found in states]
    save(draw(sections, counts, x, y), {"counts": counts}, out, "region_planes")


if __name__ == "__main__":
    run(main)
