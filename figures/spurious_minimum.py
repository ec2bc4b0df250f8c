r"""A local minimum of the loss of a ReLU network that is not global: its valley, and the way to a better point.

Source: He, Wang & Tao (2020), "Piecewise linear activations substantially shape the loss surfaces of neural networks".

What to see: (a) five points, the best straight line through them, which the network computes at the spurious minimum,
and the network with the same three units in each of two layers at a better point. (b) The loss along the straight way
between both: it rises first. Along the valley, where all weights of the first layer change and those of the last make
up for it, the loss stays what it is. (c) The same near the minimum, in random directions: no way leads down.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from _output import WIDE, Piece, letters, new_figure, run, save
from matplotlib.figure import Figure

from eoc.plotting import paper_style
from eoc.regions import PiecewiseLinear, SpuriousMinimum, dense, spurious_minimum
from eoc.regions.model import Affine

X = np.array([[-2.0], [-1.0], [0.0], [1.0], [2.0]])
Y = np.array([[0.4], [0.0], [0.1], [0.9], [2.2]])
WIDTHS = (3, 3)
DIRECTIONS = 12


def layers(network: PiecewiseLinear) -> list[Affine]:
    return [node for node in network.nodes if isinstance(node, Affine)]


def between(first: PiecewiseLinear, second: PiecewiseLinear, t: float) -> PiecewiseLinear:
    """The network whose parameters are a share t of the way from the first to the second."""
    pairs = list(zip(layers(first), layers(second), strict=True))
    weights = [(1 - t) * one.weight + t * other.weight for one, other in pairs]
    return dense(weights, [(1 - t) * one.bias + t * other.bias for one, other in pairs])


def loss(network: PiecewiseLinear) -> float:
    return float(np.mean((network(X) - Y) ** 2))


def way(minimum: SpuriousMinimum, points: int) -> Piece:
    """The loss on the straight way to the better point, and in the valley."""
    t = np.linspace(0.0, 1.0, points)
    valley = np.linspace(0.02, 1.98, points)
    better = minimum.better()
    return {
        "t": t,
        "to_better": [loss(between(minimum.network, better, one)) for one in t],
        "factor": valley,
        "in_valley": [loss(minimum.valley(one).network) for one in valley],
    }


def around(minimum: SpuriousMinimum, points: int) -> list[Piece]:
    """The loss in random directions, over the loss at the minimum, as far as units stay on their piece."""
    rng = np.random.default_rng(0)
    out: list[Piece] = []
    steps = np.linspace(-1.0, 1.0, points) * minimum.step / 20.0
    for direction in range(DIRECTIONS):
        moved = [
            (rng.normal(size=one.weight.shape), rng.normal(size=one.bias.shape)) for one in layers(minimum.network)
        ]
        away = dense(
            [one.weight + w for one, (w, _) in zip(layers(minimum.network), moved, strict=True)],
            [one.bias + b for one, (_, b) in zip(layers(minimum.network), moved, strict=True)],
        )
        values = [loss(between(minimum.network, away, one)) - minimum.loss for one in steps]
        out.append({"direction": direction, "step": steps, "loss_above": values})
    return out


def functions(minimum: SpuriousMinimum, points: int) -> Piece:
    x = np.linspace(-2.4, 2.4, points)[:, None]
    return {"x": x[:, 0], "minimum": minimum.network(x)[:, 0], "better": minimum.better()(x)[:, 0]}


def draw(line: Piece, curve: Piece, near: list[Piece], lowest: float) -> Figure:
    figure = new_figure(WIDE, 2.5)
    axes = figure.subplots(1, 3)
    axes[0].plot(X[:, 0], Y[:, 0], "o", color="0.2", markersize=4.0, label="data")
    axes[0].plot(line["x"], line["minimum"], label="spurious minimum")
    axes[0].plot(line["x"], line["better"], label="better point")
    axes[0].set(xlabel="$x$", ylabel="$f(x)$")
    axes[0].legend(frameon=False)
    axes[1].plot(curve["t"], curve["to_better"], color="C1", label="to the better point")
    axes[1].plot(curve["factor"] / 2.0, curve["in_valley"], "--", color="C0", label="in the valley")
    axes[1].set(xlabel="way", ylabel="loss", ylim=(0.0, 3.0 * lowest))
    axes[1].legend(frameon=False)
    for piece in near:
        axes[2].plot(1e3 * piece["step"], piece["loss_above"], color="C0", linewidth=0.7)
    axes[2].set(xlabel="step, $10^{-3}$", ylabel="loss above the minimum")
    letters(axes)
    return figure


@paper_style()
def main(out: Path, reduced: bool = False) -> None:
    minimum = spurious_minimum(WIDTHS, "relu", X, Y)
    points = 41 if reduced else 401
    line, curve, near = functions(minimum, points), way(minimum, points), around(minimum, points)
    tables = {"functions": [line], "way": [curve], "around": near}
    save(draw(line, curve, near, float(minimum.loss)), tables, out, "spurious_minimum")


if __name__ == "__main__":
    run(main)
