"""Own fully connected, implicit, recurrent and set networks, for benchmarks/bench_models.py."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

WIDTH, INPUTS, OUTPUTS = 64, 64, 10
Own = dict[str, tuple[Callable[[], nn.Module], Callable[[int], torch.Tensor], bool]]


class Sine(nn.Module):
    def __init__(self, omega: float = 1.0):
        super().__init__()
        self.omega = omega

    def forward(self, x):
        return torch.sin(self.omega * x)


def mlp(activation: Callable[[], nn.Module], depth: int, inputs: int = INPUTS, outputs: int = OUTPUTS) -> nn.Module:
    """``depth`` layers, the head among them."""
    sizes = pairwise([inputs, *[WIDTH] * (depth - 1)])
    parts = [part for size in sizes for part in (nn.Linear(*size), activation())]
    return nn.Sequential(*parts, nn.Linear(WIDTH, outputs))


def siren() -> nn.Module:
    """Sitzmann et al. 2020, with its own initialisation."""
    model = mlp(partial(Sine, 30.0), 5, inputs=2, outputs=1)
    for place, layer in enumerate(layer for layer in model if isinstance(layer, nn.Linear)):
        bound = 1.0 / layer.in_features if place == 0 else (6.0 / layer.in_features) ** 0.5 / 30.0
        nn.init.uniform_(layer.weight, -bound, bound)
    return model


class AdaptiveTanh(nn.Module):
    """tanh(n a x), a learned, as in networks that solve differential equations."""

    def __init__(self, a: float = 0.1, n: float = 10.0):
        super().__init__()
        self.a, self.n = nn.Parameter(torch.tensor(a)), n

    def forward(self, x):
        return torch.tanh(self.n * self.a * x)


class Residual(nn.Module):
    """x + f(norm(x)), with a learned factor before the branch if one is given."""

    def __init__(self, branch: nn.Module, norm: nn.Module | None = None, factor: float | None = None):
        super().__init__()
        self.norm, self.branch = norm or nn.Identity(), branch
        self.factor = None if factor is None else nn.Parameter(torch.tensor(factor))

    def forward(self, x):
        y = self.branch(self.norm(x))
        return x + (y if self.factor is None else self.factor * y)


class SignedDistance(nn.Module):
    """DeepSDF: weight normalisation, softplus of beta 100, the input once more half way."""

    def __init__(self):
        super().__init__()
        sizes = [(3, WIDTH), (WIDTH, WIDTH), (WIDTH, WIDTH - 3), (WIDTH, WIDTH), (WIDTH, WIDTH), (WIDTH, 1)]
        self.layers = nn.ModuleList(weight_norm(nn.Linear(*size)) for size in sizes)
        self.phi = nn.Softplus(beta=100)

    def forward(self, x):
        y = x
        for place, layer in enumerate(self.layers):
            y = layer(torch.cat([y, x], -1) if place == 3 else y)
            y = self.phi(y) if place < len(self.layers) - 1 else y
        return y


class Nerf(nn.Module):
    """Sines and cosines of the input, and a skip by concatenation."""

    def __init__(self, octaves: int = 6):
        super().__init__()
        features = 3 + 6 * octaves
        self.register_buffer("octaves", 2.0 ** torch.arange(octaves))
        self.first = nn.Sequential(nn.Linear(features, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.ReLU())
        self.second = nn.Sequential(nn.Linear(WIDTH + features, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 4))

    def forward(self, x):
        angles = (x[..., None] * self.octaves).flatten(-2)
        seen = torch.cat([x, angles.sin(), angles.cos()], -1)
        return self.second(torch.cat([self.first(seen), seen], -1))


class DeepSets(nn.Module):
    def __init__(self):
        super().__init__()
        self.each, self.all = mlp(nn.ReLU, 4, 3, WIDTH), mlp(nn.ReLU, 3, WIDTH, OUTPUTS)

    def forward(self, x):
        return self.all(self.each(x).sum(1))


class Recurrent(nn.Module):
    def __init__(self, cell: Callable[..., nn.Module]):
        super().__init__()
        self.cells, self.head = cell(8, WIDTH, num_layers=2, batch_first=True), nn.Linear(WIDTH, OUTPUTS)

    def forward(self, x):
        return self.head(self.cells(x)[0][:, -1])


class GraphNetwork(nn.Module):
    def __init__(self, nodes: int = 12, depth: int = 4):
        super().__init__()
        near = torch.eye(nodes) + torch.eye(nodes).roll(1, 0) + torch.eye(nodes).roll(-1, 0)
        self.register_buffer("adjacency", near / 3.0)
        self.layers = nn.ModuleList(nn.Linear(8 if place == 0 else WIDTH, WIDTH) for place in range(depth))
        self.head = nn.Linear(WIDTH, OUTPUTS)

    def forward(self, x):
        for layer in self.layers:
            x = torch.relu(layer(self.adjacency @ x))
        return self.head(x.mean(1))


def normal(*shape: int) -> Callable[[int], torch.Tensor]:
    return lambda batch: torch.randn(batch, *shape)


def behind(*parts: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
    """Several modules in a row where one activation is expected."""
    return lambda: nn.Sequential(*(part() for part in parts))


_VECTOR = normal(INPUTS)
_PLAIN: dict[str, Callable[[], nn.Module]] = {
    "tanh": nn.Tanh, "relu": nn.ReLU, "gelu": nn.GELU, "silu": nn.SiLU, "selu": nn.SELU, "sin": Sine,
}  # fmt: skip
_CHAINS: dict[str, tuple[Callable[[], nn.Module], int]] = {
    **{f"{name} {depth}": (phi, depth) for name, phi in _PLAIN.items() for depth in (10, 50, 100)},
    "leaky 0.2, dropout": (behind(partial(nn.LeakyReLU, 0.2), partial(nn.Dropout, 0.1)), 20),
    "prelu": (partial(nn.PReLU, WIDTH), 20),
    "rrelu": (nn.RReLU, 20),
    "selu, alpha dropout": (behind(nn.SELU, partial(nn.AlphaDropout, 0.1)), 16),
    "layer norm, tanh": (behind(partial(nn.LayerNorm, WIDTH), nn.Tanh), 30),
    "batch norm, relu": (behind(partial(nn.BatchNorm1d, WIDTH), nn.ReLU), 20),
}
_TRAINED = {
    "tanh 50", "relu 50", "gelu 50", "silu 50", "selu 50", "sin 50", "prelu", "layer norm, tanh", "batch norm, relu",
}  # fmt: skip
DENSE: Own = {
    **{name: (partial(mlp, *chain), _VECTOR, name in _TRAINED) for name, chain in _CHAINS.items()},
    "siren": (siren, lambda batch: 2.0 * torch.rand(batch, 2) - 1.0, False),
    "pinn": (partial(mlp, AdaptiveTanh, 8, 1, 1), lambda batch: 2.0 * torch.rand(batch, 1) - 1.0, False),
    "weight norm, softplus": (SignedDistance, normal(3), False),
    "nerf": (Nerf, normal(3), False),
    "deep sets": (DeepSets, normal(16, 3), True),
    "lstm": (partial(Recurrent, nn.LSTM), normal(16, 8), False),
    "gru": (partial(Recurrent, nn.GRU), normal(16, 8), False),
    "graph": (GraphNetwork, normal(12, 8), True),
}
