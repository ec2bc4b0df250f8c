r"""Angles between the linear terms of digits, in a fully connected and a convolutional ReLU network, before and after.

Source: ours, after Trimmel, Petzka & Sminchisescu, "TropEx: an algorithm for extracting linear terms in deep neural
networks" (2021), who compare such angles of trained networks.

The linear term of a digit is the gradient of its largest logit. Pairs with the same largest logit are shown.

What to see: before training cosines scatter around prod E[phi'phi']/E[phi'^2] of wide networks (line), a function of
the cosine of the inputs alone. Those of the convolutional network lie lower: max pooling chooses other pixels for
other digits. Training makes terms with one largest logit alike, also of digits that are not, and more so in the fully
connected network.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from _output import WIDE, Piece, caption, letters, new_figure, run, save
from matplotlib.figure import Figure
from torch import nn

from eoc.plotting import paper_style
from eoc.regions import expected_cosines, linear_terms
from eoc.training import dataset

HIDDEN = 3  # layers of the fully connected network
SIGMA_W = 2.0**0.5
BATCH, RATE = 64, 1e-3
SHOWN = 2000  # pairs in a panel at most


def fully_connected(width: int) -> nn.Module:
    layers = [nn.Linear(n, width) for n in (64, *[width] * (HIDDEN - 1))]
    return nn.Sequential(*(part for layer in layers for part in (layer, nn.ReLU())), nn.Linear(width, 10))


def convolutional(channels: int) -> nn.Module:
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        nn.Conv2d(1, channels, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(channels, channels, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * channels, 64),
        nn.ReLU(),
        nn.Linear(64, 10),
    )


def drawn(model: nn.Module, generator: torch.Generator) -> nn.Module:
    """W ~ N(0, 2/fan-in), no biases to begin with."""
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            fan_in = module.weight[0].numel()
            nn.init.normal_(module.weight, std=SIGMA_W / fan_in**0.5, generator=generator)
            nn.init.zeros_(module.bias)
    return model


def train(model: nn.Module, x: torch.Tensor, y: torch.Tensor, epochs: int, generator: torch.Generator) -> None:
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    for _ in range(epochs):
        for some in torch.randperm(len(x), generator=generator).split(BATCH):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x[some]), y[some]).backward()
            optimizer.step()


def angles(model: nn.Module, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The cosines of inputs and of linear terms, of pairs with the same largest logit."""
    found = linear_terms(model, images)
    unit = images / np.linalg.norm(images, axis=1, keepdims=True)
    first, second = np.triu_indices(len(images), 1)
    same = found.label[first] == found.label[second]
    first, second = first[same], second[same]
    return (unit[first] * unit[second]).sum(axis=1), found.cosines()[first, second]


def pieces(samples: int, width: int, channels: int, epochs: int) -> list[Piece]:
    data = dataset("digits")
    x, y = torch.from_numpy(data.train_inputs), torch.from_numpy(data.train_labels)
    images = data.test_inputs[:samples].astype(float)
    out: list[Piece] = []
    for name, model in (("fully connected", fully_connected(width)), ("convolutional", convolutional(channels))):
        generator = torch.Generator().manual_seed(0)
        drawn(model, generator)
        for when in ("before training", "after training"):
            if when == "after training":
                train(model, x, y, epochs, generator)
            inputs, terms = angles(model, images)
            with torch.no_grad():
                right = (model(torch.from_numpy(data.test_inputs)).argmax(1).numpy() == data.test_labels).mean()
            out.append({"network": name, "when": when, "accuracy": right, "input_cosine": inputs, "cosine": terms})
    return out


def theory(points: int) -> Piece:
    """Of wide fully connected networks at initialisation."""
    c = np.linspace(-0.6, 1.0, points)
    return {"input_cosine": c, "cosine": expected_cosines("relu", SIGMA_W, depth=HIDDEN, c=c).value}


def draw(found: list[Piece], line: Piece) -> Figure:
    figure = new_figure(WIDE, 2.9)
    axes = figure.subplots(1, 2, sharey=True)
    for ax, name in zip(axes, ("fully connected", "convolutional"), strict=True):
        own = [one for one in found if one["network"] == name]
        for i, piece in enumerate(own):
            every = 1 + len(piece["cosine"]) // SHOWN
            x, y = piece["input_cosine"][::every], piece["cosine"][::every]
            ax.plot(x, y, "o", color=f"C{i}", markersize=1.5, alpha=0.6, label=piece["when"])
        ax.plot(line["input_cosine"], line["cosine"], color="0.2", label="wide, before training")
        ax.set(xlabel="cosine of inputs", xlim=(-0.6, 1.0), ylim=(-0.4, 1.02))
        caption(ax, f"{name}: accuracy {own[0]['accuracy']:.0%}, then {own[1]['accuracy']:.0%}")
    axes[0].legend(loc="lower right", markerscale=3.0, framealpha=0.9)
    axes[0].set_ylabel("cosine of linear terms")
    letters(axes)
    return figure


@paper_style()
def main(out: Path, reduced: bool = False) -> None:
    found = pieces(60, 50, 8, 2) if reduced else pieces(200, 300, 32, 30)
    line = theory(21 if reduced else 161)
    save(draw(found, line), {"pairs": found, "theory": [line]}, out, "tropical_angles")


if __name__ == "__main__":
    run(main)
