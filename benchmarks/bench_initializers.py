"""The initialisers against PyTorch's: how far networks of 100 layers learn in equal steps, and what drawing costs."""

from __future__ import annotations

import timeit
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn.functional import cross_entropy

from eoc.initializers.torch import initialize_

DEPTH, WIDTH, BATCH, STEPS = 100, 128, 64, 300
RATES = [1e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 1e-1]
SEEDS = [1, 2, 3]
LEAST = {"tanh": 0.85, "gelu": 0.2}  # the accuracy that initialize_ reaches anywhere; chance is 0.1
ACTIVATIONS = {"tanh": nn.Tanh, "gelu": nn.GELU}
XAVIER, KAIMING = nn.init.xavier_normal_, nn.init.kaiming_normal_
FIVE_THIRDS = nn.init.calculate_gain("tanh")


def by_torch(fill: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[nn.Module], None]:
    """All weights by one of torch.nn.init, biases 0."""

    def initialise(model: nn.Module) -> None:
        for layer in model.modules():
            if isinstance(layer, nn.Linear):
                fill(layer.weight)
                nn.init.zeros_(layer.bias)

    return initialise


CONTESTANTS = {
    ("tanh", "xavier_normal_"): by_torch(XAVIER),
    ("tanh", "xavier_normal_, gain of tanh"): by_torch(partial(XAVIER, gain=FIVE_THIRDS)),
    ("tanh", "kaiming_normal_"): by_torch(KAIMING),
    ("tanh", "initialize_"): initialize_,
    ("gelu", "xavier_normal_"): by_torch(XAVIER),
    ("gelu", "kaiming_normal_"): by_torch(KAIMING),
    ("gelu", "initialize_"): initialize_,
}


def network(activation: str, width: int = WIDTH, depth: int = DEPTH) -> nn.Sequential:
    sizes = [64, *[width] * (depth - 1), 10]
    layers = [part for a, b in pairwise(sizes) for part in (nn.Linear(a, b), ACTIVATIONS[activation]())]
    return nn.Sequential(*layers[:-1])


def digits() -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """1200 images to learn from, 297 to choose a learning rate by and 300 to judge by; pixels have mean square 1."""
    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    x = torch.tensor(images[order] / np.sqrt(np.mean(images**2)), dtype=torch.float32)
    y = torch.tensor(labels[order])
    return {"train": (x[:1200], y[:1200]), "choose": (x[1200:1497], y[1200:1497]), "judge": (x[1497:], y[1497:])}


DIGITS = digits()


def train(activation: str, initialise: Callable[[nn.Module], object], rate: float, seed: int) -> nn.Sequential:
    """After so many steps of stochastic gradient descent; what is random is so through the seed alone."""
    torch.manual_seed(seed)
    model = network(activation)
    initialise(model)
    x, y = DIGITS["train"]
    optimiser = torch.optim.SGD(model.parameters(), lr=rate)
    for batch in torch.randint(len(y), (STEPS, BATCH)):
        optimiser.zero_grad()
        cross_entropy(model(x[batch]), y[batch]).backward()
        optimiser.step()
    return model


@torch.no_grad()
def accuracy(model: nn.Module, part: str) -> float:
    x, y = DIGITS[part]
    return float((model(x).argmax(1) == y).float().mean())


def gradient_ratio(activation: str, initialise: Callable[[nn.Module], object], seed: int) -> float:
    """|dL/dh| of the first hidden layer over that of the last one, before training."""
    torch.manual_seed(seed)
    model = network(activation).double()
    initialise(model)
    x, y = DIGITS["train"]
    h, seen = x[:BATCH].double(), []
    for layer in model:
        h = layer(h)
        if isinstance(layer, nn.Linear):
            h.retain_grad()
            seen.append(h)
    cross_entropy(h, y[:BATCH]).backward()
    return float(seen[0].grad.norm() / seen[-2].grad.norm())


@pytest.mark.parametrize(("activation", "name"), CONTESTANTS)
def test_hundred_layers_in_equal_steps(benchmark: Any, activation: str, name: str) -> None:
    benchmark.group = f"{activation}: {STEPS} steps of SGD"
    initialise = CONTESTANTS[activation, name]
    chosen = max(RATES, key=lambda rate: accuracy(train(activation, initialise, rate, 0), "choose"))
    models = [train(activation, initialise, chosen, seed) for seed in SEEDS[1:]]
    models.append(benchmark.pedantic(train, (activation, initialise, chosen, SEEDS[0]), rounds=1))
    reached = [accuracy(model, "judge") for model in models]
    ratio = float(np.exp(np.mean([np.log(gradient_ratio(activation, initialise, seed)) for seed in SEEDS])))
    benchmark.extra_info.update({"accuracy": reached, "gradient ratio": ratio, "learning rate": chosen})
    print(
        f"\n{activation}, {name}: accuracy {np.mean(reached):.3f} ({min(reached):.3f} to {max(reached):.3f}), ", end=""
    )
    print(f"learning rate {chosen:g}, gradients of the first over the last layer {ratio:.2g}")
    if initialise is initialize_:
        assert 1 / 3 < ratio < 3
        assert np.mean(reached) > LEAST[activation]


def test_drawing_a_large_network(benchmark: Any) -> None:
    benchmark.group = "drawing 20 layers of 2048 units"
    model = network("gelu", width=2048, depth=21)
    kaiming = by_torch(KAIMING)
    initialize_(model)  # the first time imports what it needs and finds the point
    theirs = min(timeit.repeat(lambda: kaiming(model), number=1, repeat=3))
    benchmark.pedantic(initialize_, (model,), rounds=3)
    ours = min(benchmark.stats.stats.data)
    benchmark.extra_info["ratio"] = ours / theirs
    print(f"\nkaiming_normal_ {theirs:.2f} s, initialize_ {ours / theirs:.2f} times as long")
