"""How small models train from ``initialize_``, from PyTorch's default and from the customary initialisation.

    python benchmarks/models_training.py training.csv
    python benchmarks/models_table.py results.csv --training training.csv

Digits by plain networks, vision transformers and ResNets, an image by a SIREN, and u'' = f by a network of tanh; three
learning rates, three seeds, batches of 64. Results are written cell by cell, and a further run adds what is missing.
"""

from __future__ import annotations

import argparse
import csv
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path

import torch
from models_own_attention import PostNorm, ViT, prenorm
from models_own_dense import Sine, mlp, siren
from models_own_images import resnet
from models_rows import known
from models_ways import WAYS
from sklearn.datasets import load_sample_image
from torch import nn
from torch.nn import functional

from eoc.training.data import dataset

SEEDS = (1, 2, 3)
BATCH, LAST = 64, 10
COLUMNS = ("task", "start", "rate", "seed", "loss", "score")
Change = Callable[[nn.Module], None]
Losses = Callable[[nn.Module, torch.Generator], torch.Tensor]  # of a step, which draws its samples


@dataclass(frozen=True)
class Task:
    """What is trained, from what is usual for it, and how; the score is an accuracy, or an error of the whole."""

    build: Callable[[], nn.Module]
    customary: Change
    inputs: Callable[[], torch.Tensor]
    loss: Losses
    score: Callable[[nn.Module], float]
    optimiser: Callable[..., torch.optim.Optimizer]
    rates: tuple[float, float, float]
    steps: int


# What is customary


def _weights(model: nn.Module) -> Iterator[torch.Tensor]:
    """Weights of dense and convolutional layers; their biases become 0."""
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            if module.bias is not None:
                nn.init.zeros_(module.bias)
            yield module.weight


def he(model: nn.Module) -> None:
    for weight in _weights(model):
        nn.init.kaiming_normal_(weight, nonlinearity="relu")


def lecun(model: nn.Module) -> None:
    for weight in _weights(model):
        nn.init.kaiming_normal_(weight, nonlinearity="linear")


def xavier(model: nn.Module) -> None:
    for weight in _weights(model):
        nn.init.xavier_normal_(weight)


def truncated(model: nn.Module) -> None:
    for weight in _weights(model):
        nn.init.trunc_normal_(weight, std=0.02)


def as_siren(model: nn.Module) -> None:
    model.load_state_dict(siren().state_dict())


# What is learned


def _sgd(parameters: Iterator[nn.Parameter], rate: float) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, rate, momentum=0.9)


def digits(build: Callable[[], nn.Module], customary: Change, shape: tuple[int, ...], **how: object) -> Task:
    data = dataset("digits")
    x, y = torch.from_numpy(data.train_inputs).view(-1, *shape), torch.from_numpy(data.train_labels)
    test, labels = torch.from_numpy(data.test_inputs).view(-1, *shape), torch.from_numpy(data.test_labels)

    def loss(model: nn.Module, generator: torch.Generator) -> torch.Tensor:
        chosen = torch.randint(len(y), (BATCH,), generator=generator)
        return functional.cross_entropy(model(x[chosen]), y[chosen])

    def accuracy(model: nn.Module) -> float:
        return float((model(test).argmax(1) == labels).float().mean())

    return Task(build, customary, lambda: x[:BATCH], loss, accuracy, **how)


def picture(size: int = 32) -> Task:
    """A photograph of scikit-learn's in grey, all points at once; the score is the mean square error."""
    grey = torch.from_numpy(load_sample_image("china.jpg").mean(2)).float()
    grey = functional.interpolate(grey[None, None], (size, size), mode="area").flatten()
    values = ((grey - grey.mean()) / grey.std())[:, None]
    line = torch.linspace(-1.0, 1.0, size)
    points = torch.cartesian_prod(line, line)
    error = lambda model: (model(points) - values).square().mean()  # noqa: E731
    build = partial(mlp, partial(Sine, 30.0), 5, 2, 1)
    rates = (1e-4, 3e-4, 1e-3)
    return Task(
        build,
        as_siren,
        lambda: points[::4],
        lambda m, g: error(m),
        lambda m: float(error(m)),
        torch.optim.Adam,
        rates,
        300,
    )


def equation(periods: float = 0.5) -> Task:
    """u'' = f on [-1, 1] with u = 0 at both ends, solved by u = sin(w x); the score is the relative error of u."""
    points, w = torch.linspace(-1.0, 1.0, 65)[:, None], 2.0 * math.pi * periods
    ends, wave = points[[0, -1]], torch.sin(w * points)

    def loss(model: nn.Module, generator: torch.Generator) -> torch.Tensor:
        x = points.clone().requires_grad_()
        (slope,) = torch.autograd.grad(model(x).sum(), x, create_graph=True)
        (second,) = torch.autograd.grad(slope.sum(), x, create_graph=True)
        return (second / w**2 + wave).square().mean() + 10.0 * model(ends).square().mean()

    def error(model: nn.Module) -> float:
        return float((model(points) - wave).norm() / wave.norm())

    build = partial(mlp, nn.Tanh, 5, 1, 1)
    return Task(build, xavier, lambda: points, loss, error, torch.optim.Adam, (1e-3, 3e-3, 1e-2), 600)


_PLAIN: dict[str, tuple[Callable[[], nn.Module], Change]] = {
    "tanh": (nn.Tanh, xavier), "gelu": (nn.GELU, he), "relu": (nn.ReLU, he), "silu": (nn.SiLU, he),
    "selu": (nn.SELU, lecun), "sin": (Sine, lecun),
}  # fmt: skip
_RATES = {10: (0.003, 0.01, 0.03), 50: (0.0003, 0.001, 0.003), 100: (0.0003, 0.001, 0.003)}


def tasks() -> dict[str, Callable[[], Task]]:
    """By name; each is made when it is asked for."""
    found: dict[str, Callable[[], Task]] = {}
    for (name, (phi, customary)), depth in product(_PLAIN.items(), _RATES):
        how = {"optimiser": _sgd, "rates": _RATES[depth], "steps": 160}
        found[f"{name} {depth}"] = partial(digits, partial(mlp, phi, depth), customary, (64,), **how)
    how = {"optimiser": torch.optim.Adam, "rates": (3e-4, 1e-3, 3e-3), "steps": 160}
    vit = partial(ViT, depth=4, channels=1, patch=2)
    for size, token in product((0.02, 0.5), (True, False)):
        name = f"pre-norm ViT, {'class token' if token else 'mean'}, positions {size}"
        found[name] = partial(digits, partial(vit, prenorm, token, size), truncated, (1, 8, 8), **how)
    found["post-norm ViT, class token"] = partial(digits, partial(vit, PostNorm), truncated, (1, 8, 8), **how)
    how = {"optimiser": _sgd, "rates": (0.003, 0.01, 0.03), "steps": 120}
    for normalised in (True, False):
        name = f"ResNet, {'batch norm' if normalised else 'no norm'}"
        found[name] = partial(digits, partial(resnet, normalised, 6, inputs=1), he, (1, 8, 8), **how)
    return {**found, "SIREN, image": picture, "PINN, u'' = f": equation}


# Training


def starts(task: Task) -> dict[str, Callable[[nn.Module, int], object]]:
    """Ways to begin: PyTorch's default, the customary one and ours."""
    return {
        "torch": lambda model, seed: None,
        "customary": lambda model, seed: task.customary(model),
        "eoc": lambda model, seed: WAYS["eoc"](model, task.inputs(), seed),
    }


def trained(task: Task, start: Callable[[nn.Module, int], object], rate: float, seed: int) -> tuple[float, float]:
    """Mean loss of the last steps, and the score; infinite and nothing where it is not finite."""
    torch.manual_seed(seed)
    model = task.build()
    start(model, seed)
    optimiser, generator, kept = task.optimiser(model.parameters(), rate), torch.Generator().manual_seed(seed), []
    for _ in range(task.steps):
        loss = task.loss(model, generator)
        kept.append(float(loss.detach()))
        if not math.isfinite(kept[-1]):
            return math.inf, math.nan
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        return sum(kept[-LAST:]) / LAST, task.score(model.eval())


def run(path: Path, names: Sequence[str], again: Sequence[str]) -> None:
    """Train what is not in the file yet."""
    rows: list[dict[str, object]] = [r for r in known(path) if r["start"] not in again or r["task"] not in names]
    there = {(r["task"], r["start"]) for r in rows}
    for name in names:
        began, task = time.thread_time(), tasks()[name]()
        for start, change in starts(task).items():
            if (name, start) in there:
                continue
            for rate, seed in product(task.rates, SEEDS):
                loss, score = trained(task, change, rate, seed)
                rows.append(dict(zip(COLUMNS, (name, start, rate, seed, f"{loss:.5g}", f"{score:.5g}"), strict=True)))
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
        print(name, f"{time.thread_time() - began:.1f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("--only", nargs="+", choices=tuple(tasks()), default=tuple(tasks()), metavar="TASK")
    parser.add_argument("--again", nargs="+", default=(), help="starts to train anew")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    run(asked.results, asked.only, asked.again)


if __name__ == "__main__":
    main()
