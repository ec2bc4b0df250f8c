"""How well networks train from the recommended place, and from the usual initialisations.

    python benchmarks/recommendation.py results.csv --widths 64 --depths 10 30
    python benchmarks/recommendation_table.py results.csv

Fully connected networks, batch 64, 160 steps, three learning rates and three seeds each; all networks of a cell that
differ in learning rate, seed and initialisation are trained as one, by products over a leading dimension. Results are
written cell by cell, and a run that was ended goes on where it was.
"""

from __future__ import annotations

import argparse
import csv
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import pairwise, product
from pathlib import Path

import torch
from sklearn.datasets import make_classification
from torch.nn import functional

import eoc
from eoc.initializers.torch.draw import draw_orthogonal
from eoc.training.data import Dataset, dataset, standardised
from eoc.training.image_files import CLASSES, Images
from eoc.training.network import torch_function

ACTIVATIONS = (
    "gelu", "silu", "mish", "relu", "leaky_relu", "selu", "elu", "tanh", "sin", "softsign", "hardtanh", "erf",
    "sigmoid", "softplus",
)  # fmt: skip
DEPTHS = (10, 30, 60)
OPTIMISERS = ("sgd", "adam")
RATES = {
    ("sgd", 10): (0.003, 0.01, 0.03),
    ("sgd", 30): (0.001, 0.003, 0.01),
    ("sgd", 60): (0.0003, 0.001, 0.003),
    ("adam", 10): (0.001, 0.003, 0.01),
    ("adam", 30): (0.0003, 0.001, 0.003),
    ("adam", 60): (0.0001, 0.0003, 0.001),
}
SEEDS = (1, 2, 3)
STEPS, BATCH, MOMENTUM = 160, 64, 0.9
BETAS, EPSILON = (0.9, 0.999), 1e-8
SAME = 1e-6
Tensors = list[torch.Tensor]


# How networks are drawn: weights are (inputs, outputs), as products over many networks take them.


@dataclass(frozen=True)
class Start:
    """One way to draw a network: what fills the weight and the bias of a layer with these sizes."""

    name: str
    layer: Callable[[int, int, str, torch.Generator], tuple[torch.Tensor, torch.Tensor]]


def _gaussian(fan_in: int, units: int, std: float, generator: torch.Generator) -> torch.Tensor:
    return torch.randn(fan_in, units, generator=generator) * std


def _uniform(shape: tuple[int, ...], bound: float, generator: torch.Generator) -> torch.Tensor:
    return (2.0 * torch.rand(shape, generator=generator) - 1.0) * bound


def scaled(name: str, std: Callable[[int, int], float], uniform: bool = False) -> Start:
    """Weights with a standard deviation that sizes decide, and no biases."""

    def layer(fan_in: int, units: int, role: str, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        size = std(fan_in, units)
        if uniform:
            return _uniform((fan_in, units), 3.0**0.5 * size, generator), torch.zeros(units)
        return _gaussian(fan_in, units, size, generator), torch.zeros(units)

    return Start(name, layer)


def of_torch() -> Start:
    """``nn.Linear`` untouched: weights and biases uniform up to 1/sqrt(fan_in)."""

    def layer(fan_in: int, units: int, role: str, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        bound = fan_in**-0.5
        return _uniform((fan_in, units), bound, generator), _uniform((units,), bound, generator)

    return Start("torch", layer)


def gain_of(activation: str) -> float:
    """``nn.init.calculate_gain`` where it knows the activation, else 1."""
    known = {"relu", "leaky_relu", "selu", "tanh", "sigmoid"}
    return float(torch.nn.init.calculate_gain(activation)) if activation in known else 1.0


def usual(activation: str) -> list[Start]:
    """He, LeCun, Xavier and PyTorch's default."""
    gain = gain_of(activation)
    return [
        scaled("he", lambda fan_in, units: (2.0 / fan_in) ** 0.5),
        scaled("lecun", lambda fan_in, units: fan_in**-0.5),
        scaled("xavier", lambda fan_in, units: gain * (2.0 / (fan_in + units)) ** 0.5, uniform=True),
        of_torch(),
    ]


def at_place(name: str, activation: str, sigma_w: float, sigma_b: float, q: float, orthogonal: bool) -> Start:
    """As ``initialize_`` draws: the first layer lands on q for inputs of mean square 1, outputs have variance 1."""
    power = float(eoc.moments(activation, q, ("V",))["V"].value)

    def layer(fan_in: int, units: int, role: str, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        width = {"first": max(q - sigma_b**2, 0.0) ** 0.5, "hidden": sigma_w, "head": power**-0.5}[role]
        spread = 0.0 if role == "head" else sigma_b
        if orthogonal:
            weight = draw_orthogonal(torch.empty(units, fan_in), width, 1, generator).mT
        else:
            weight = _gaussian(fan_in, units, width / fan_in**0.5, generator)
        return weight, spread * torch.randn(units, generator=generator)

    return Start(name, layer)


# What they learn


def clusters() -> Dataset:
    """Ten classes of two Gaussian clusters each in 64 dimensions, made by scikit-learn, of the size of digits."""
    x, y = make_classification(
        1797,
        64,
        n_informative=20,
        n_redundant=20,
        n_classes=CLASSES,
        n_clusters_per_class=2,
        class_sep=2.0,
        random_state=0,
    )
    return standardised(Images(x[360:], y[360:], "clusters"), Images(x[:360], y[:360], "clusters"))


DATA: dict[str, Callable[[], Dataset]] = {"digits": partial(dataset, "digits"), "clusters": clusters}


# Training many networks as one


@dataclass(frozen=True)
class Cell:
    activation: str
    depth: int
    optimiser: str
    width: int


def drawn(start: Start, cell: Cell, inputs: int, seed: int) -> Tensors:
    """Weights and biases of one network, in turn."""
    generator = torch.Generator().manual_seed(seed)
    sizes = [inputs, *[cell.width] * (cell.depth - 1), CLASSES]
    roles = ["first", *["hidden"] * (cell.depth - 2), "head"]
    out: Tensors = []
    for (fan_in, units), role in zip(pairwise(sizes), roles, strict=True):
        weight, bias = start.layer(fan_in, units, role, generator)
        out += [weight, bias[None]]
    return out


def outputs(parameters: Tensors, phi: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """(networks, samples, classes) of inputs (networks, samples, inputs)."""
    for weight, bias in zip(parameters[:-2:2], parameters[1:-2:2], strict=True):
        x = phi(torch.baddbmm(bias, x, weight))
    return torch.baddbmm(parameters[-1], x, parameters[-2])


def batches(samples: int, seed: int) -> Iterator[torch.Tensor]:
    """Samples of a step, without replacement within an epoch."""
    generator = torch.Generator().manual_seed(10_000 + seed)
    while True:
        yield from torch.randperm(samples, generator=generator)[: samples - samples % BATCH].split(BATCH)


def sgd(parameters: Tensors, rates: torch.Tensor) -> Callable[[Sequence[torch.Tensor]], None]:
    velocity = [torch.zeros_like(p) for p in parameters]

    def step(gradients: Sequence[torch.Tensor]) -> None:
        for p, v, g in zip(parameters, velocity, gradients, strict=True):
            v.mul_(MOMENTUM).add_(g)
            p.addcmul_(v, rates, value=-1.0)

    return step


def adam(parameters: Tensors, rates: torch.Tensor) -> Callable[[Sequence[torch.Tensor]], None]:
    first, second = ([torch.zeros_like(p) for p in parameters] for _ in range(2))
    taken = 0

    def step(gradients: Sequence[torch.Tensor]) -> None:
        nonlocal taken
        taken += 1
        (one, two), (b1, b2) = (1.0 - BETAS[0] ** taken, 1.0 - BETAS[1] ** taken), BETAS
        for p, m, v, g in zip(parameters, first, second, gradients, strict=True):
            m.lerp_(g, 1.0 - b1)
            v.mul_(b2).addcmul_(g, g, value=1.0 - b2)
            p.addcmul_(m / v.sqrt().mul_(two**-0.5).add_(EPSILON), rates, value=-1.0 / one)

    return step


def train(
    cell: Cell,
    starts: Sequence[Start],
    data: Dataset,
    rates: Sequence[float],
    phi: Callable[[torch.Tensor], torch.Tensor] | None = None,
) -> list[tuple[str, float, int, float, float]]:
    """(initialisation, rate, seed, training loss, test accuracy) of every network of a cell, or with another phi."""
    phi = phi or torch_function(eoc.activation(cell.activation))
    x, y = torch.from_numpy(data.train_inputs), torch.from_numpy(data.train_labels)
    one = {(s.name, seed): drawn(s, cell, x.shape[1], seed) for s in starts for seed in SEEDS}
    every = list(product(starts, rates, SEEDS))
    networks = [n for n in every if not is_blind(one[n[0].name, n[2]], phi, x[:BATCH])]
    blind = [
        (start.name, rate, seed, math.inf, 1.0 / CLASSES)
        for start, rate, seed in every
        if (start, rate, seed) not in networks
    ]
    if not networks:
        return blind
    several = [one[start.name, seed] for start, _, seed in networks]
    parameters = [torch.stack(parts).requires_grad_() for parts in zip(*several, strict=True)]
    column = torch.tensor([rate for _, rate, _ in networks])[:, None, None]
    step = {"sgd": sgd, "adam": adam}[cell.optimiser](parameters, column)
    order = {seed: batches(len(y), seed) for seed in SEEDS}
    for _ in range(STEPS):
        chosen = {seed: next(order[seed]) for seed in SEEDS}
        at = torch.stack([chosen[seed] for _, _, seed in networks])
        logits = outputs(parameters, phi, x[at])
        loss = functional.cross_entropy(logits.flatten(0, 1), y[at].flatten(), reduction="sum") / BATCH
        gradients = torch.autograd.grad(loss, parameters)
        with torch.no_grad():
            step(gradients)
    losses = measured(parameters, phi, x, y)[0]
    accuracies = measured(parameters, phi, torch.from_numpy(data.test_inputs), torch.from_numpy(data.test_labels))[1]
    return blind + [
        (s.name, r, k, loss, acc) for (s, r, k), loss, acc in zip(networks, losses, accuracies, strict=True)
    ]


@torch.no_grad()
def is_blind(parameters: Tensors, phi: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor) -> bool:
    """Whether all images give the same outputs in single precision: nothing can be learned, and need not be tried."""
    logits = outputs([p[None] for p in parameters], phi, x[None])[0]
    return bool(logits.std(0).max() <= SAME * logits.abs().max())


@torch.no_grad()
def measured(
    parameters: Tensors, phi: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor, y: torch.Tensor
) -> tuple[list[float], list[float]]:
    """Loss and accuracy of every network; infinite and by chance where it is not finite any more."""
    networks = parameters[0].shape[0]
    parts = [outputs(parameters, phi, some.expand(networks, *some.shape)) for some in x.split(360)]
    logits = torch.cat(parts, 1)
    losses = functional.cross_entropy(logits.transpose(1, 2), y.expand(networks, -1), reduction="none").mean(1)
    accuracies = (logits.argmax(2) == y).float().mean(1)
    finite = losses.isfinite()
    return losses.where(finite, math.inf).tolist(), accuracies.where(finite, 1.0 / CLASSES).tolist()


# Cell by cell into a file

COLUMNS = (
    *("data", "activation", "depth", "optimiser", "width", "start", "sigma_w", "sigma_b", "q"),
    *("rate", "seed", "loss", "accuracy"),
)
Row = dict[str, object]


def known(path: Path) -> list[dict[str, str]]:
    """The rows that are there already."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def append(path: Path, rows: Sequence[Row]) -> None:
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        if new:
            writer.writeheader()
        writer.writerows(rows)


def recommended(cell: Cell) -> tuple[list[Start], Row]:
    """The recommended place with orthogonal and with Gaussian weights, and what it is."""
    found = eoc.recommend(cell.activation, cell.depth)
    place = {"sigma_w": found.sigma_w, "sigma_b": found.sigma_b, "q": found.q}
    kinds = (("ours", True), ("ours, Gaussian", False))
    return [at_place(name, cell.activation, **place, orthogonal=orthogonal) for name, orthogonal in kinds], place


def run(path: Path, cells: Sequence[Cell], data: str) -> None:
    """Train what is not in the file yet: the usual initialisations once, the recommended one at its present place."""
    there = {
        (r["data"], Cell(r["activation"], int(r["depth"]), r["optimiser"], int(r["width"])), r["q"])
        for r in known(path)
    }
    for cell in cells:
        ours, place = recommended(cell)
        for starts, at in ((usual(cell.activation), {}), (ours, place)):
            if (data, cell, str(at.get("q", ""))) in there:
                continue
            began = time.thread_time()
            trained = train(cell, starts, DATA[data](), RATES[cell.optimiser, cell.depth])
            fixed = {"data": data, **asdict(cell), **at}
            append(
                path,
                [{**fixed, "start": s, "rate": r, "seed": k, "loss": x, "accuracy": a} for s, r, k, x, a in trained],
            )
            print(*asdict(cell).values(), *at.values(), f"{time.thread_time() - began:.1f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("--data", default="digits", choices=DATA)
    for name, values in (
        ("activations", ACTIVATIONS),
        ("depths", DEPTHS),
        ("optimisers", OPTIMISERS),
        ("widths", (64, 32)),
    ):
        parser.add_argument(f"--{name}", nargs="+", type=type(values[0]), default=values)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    run(
        asked.results,
        [Cell(*values) for values in product(asked.activations, asked.depths, asked.optimisers, asked.widths)],
        asked.data,
    )


if __name__ == "__main__":
    main()
