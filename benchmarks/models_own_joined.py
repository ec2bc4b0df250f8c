"""Own networks of gates, products, branches and shared weights, for benchmarks/bench_models.py."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from models_own_dense import INPUTS, OUTPUTS, WIDTH, Own, Residual, mlp, normal
from torch import nn
from torch.nn import functional


class SwiGLU(nn.Module):
    def __init__(self, width: int = WIDTH, hidden: int = 128):
        super().__init__()
        self.gate, self.up, self.down = nn.Linear(width, hidden), nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x):
        return self.down(functional.silu(self.gate(x)) * self.up(x))


class Glu(nn.Module):
    def __init__(self, depth: int = 6):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(WIDTH, 2 * WIDTH) for _ in range(depth))
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(depth))
        self.head = nn.Linear(WIDTH, OUTPUTS)

    def forward(self, x):
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = functional.glu(layer(norm(x)), -1)
        return self.head(x)


class Highway(nn.Module):
    def __init__(self, depth: int = 10):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(depth))
        self.gates = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(depth))
        self.head = nn.Linear(WIDTH, OUTPUTS)

    def forward(self, x):
        for layer, gate in zip(self.layers, self.gates, strict=True):
            open_ = torch.sigmoid(gate(x))
            x = open_ * torch.relu(layer(x)) + (1.0 - open_) * x
        return self.head(x)


class Bilinear(nn.Module):
    def __init__(self):
        super().__init__()
        self.left, self.right = mlp(nn.Tanh, 3, INPUTS // 2, WIDTH), mlp(nn.Tanh, 3, INPUTS // 2, WIDTH)
        self.both, self.head = nn.Bilinear(WIDTH, WIDTH, WIDTH), nn.Linear(WIDTH, OUTPUTS)

    def forward(self, x):
        left, right = x.chunk(2, -1)
        return self.head(torch.tanh(self.both(self.left(left), self.right(right))))


class Maxout(nn.Module):
    def __init__(self, depth: int = 8, pieces: int = 3):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(WIDTH, pieces * WIDTH) for _ in range(depth))
        self.head, self.pieces = nn.Linear(WIDTH, OUTPUTS), pieces

    def forward(self, x):
        for layer in self.layers:
            x = layer(x).unflatten(-1, (WIDTH, self.pieces)).amax(-1)
        return self.head(x)


class PerUnit(nn.Module):
    """A network of its own for each of eight groups, by einsum over parameters of the model."""

    def __init__(self, groups: int = 8, units: int = 32):
        super().__init__()
        self.first_weight = nn.Parameter(torch.randn(groups, units, 8) / 8**0.5)
        self.second_weight = nn.Parameter(torch.randn(groups, units, units) / units**0.5)
        self.head = nn.Linear(groups * units, OUTPUTS)

    def forward(self, x):
        x = torch.relu(torch.einsum("bgi,goi->bgo", x.unflatten(-1, (-1, 8)), self.first_weight))
        return self.head(torch.relu(torch.einsum("bgi,goi->bgo", x, self.second_weight)).flatten(1))


class Hypernetwork(nn.Module):
    """A layer whose weights another network computes from the first half of the input."""

    def __init__(self, units: int = 16):
        super().__init__()
        self.writes, self.reads = mlp(nn.ReLU, 3, INPUTS // 2, units * units), nn.Linear(INPUTS // 2, units)
        self.head, self.units = nn.Linear(units, OUTPUTS), units

    def forward(self, x):
        code, data = x.chunk(2, -1)
        weights = self.writes(code).unflatten(-1, (self.units, self.units))
        return self.head(torch.relu(torch.einsum("boi,bi->bo", weights, torch.relu(self.reads(data)))))


class Modulated(nn.Module):
    """FiLM: one half of the input scales and shifts what the other half's network computes."""

    def __init__(self, depth: int = 4):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(INPUTS // 2 if place == 0 else WIDTH, WIDTH) for place in range(depth))
        self.films = nn.ModuleList(nn.Linear(INPUTS // 2, 2 * WIDTH) for _ in range(depth))
        self.head = nn.Linear(WIDTH, OUTPUTS)

    def forward(self, x):
        code, x = x.chunk(2, -1)
        for layer, film in zip(self.layers, self.films, strict=True):
            scale, shift = film(code).chunk(2, -1)
            x = functional.silu((1.0 + scale) * layer(x) + shift)
        return self.head(x)


class Experts(nn.Module):
    """A soft mixture of experts in residual branches."""

    def __init__(self, depth: int = 4, experts: int = 4):
        super().__init__()
        self.routers = nn.ModuleList(nn.Linear(WIDTH, experts) for _ in range(depth))
        several = lambda: nn.ModuleList(mlp(nn.GELU, 2, WIDTH, WIDTH) for _ in range(experts))  # noqa: E731
        self.experts = nn.ModuleList(several() for _ in range(depth))
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(depth))
        self.head = nn.Linear(WIDTH, OUTPUTS)

    def forward(self, x):
        for router, experts, norm in zip(self.routers, self.experts, self.norms, strict=True):
            y = norm(x)
            shares = torch.softmax(router(y), -1)
            x = x + sum(shares[..., place, None] * expert(y) for place, expert in enumerate(experts))
        return self.head(x)


class Shared(nn.Module):
    """One layer ten times, and the length of the batch asked for."""

    def __init__(self):
        super().__init__()
        self.first, self.again, self.head = nn.Linear(INPUTS, WIDTH), nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, OUTPUTS)

    def forward(self, x):
        x = torch.tanh(self.first(x))
        for _ in range(10):
            x = torch.tanh(self.again(x))
        return self.head(x.reshape(len(x), -1))


class LayerOfAParameter(nn.Module):
    def __init__(self):
        super().__init__()
        self.latent = nn.Parameter(torch.randn(1, WIDTH))
        self.keys, self.queries = nn.Linear(INPUTS, WIDTH), nn.Linear(WIDTH, WIDTH)
        self.head = nn.Linear(WIDTH, OUTPUTS)

    def forward(self, x):
        return self.head(torch.relu(self.keys(x) + self.queries(self.latent)))


class Variational(nn.Module):
    """An autoencoder with a drawn code."""

    def __init__(self, code: int = 16):
        super().__init__()
        self.encoder, self.decoder = mlp(nn.ReLU, 3, INPUTS, WIDTH), mlp(nn.ReLU, 3, code, INPUTS)
        self.mean, self.logarithm = nn.Linear(WIDTH, code), nn.Linear(WIDTH, code)

    def forward(self, x):
        seen = torch.relu(self.encoder(x))
        return self.decoder(self.mean(seen) + torch.exp(0.5 * self.logarithm(seen)) * torch.randn_like(self.mean(seen)))


def stack(block: Callable[[], nn.Module], depth: int, *after: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Linear(INPUTS, WIDTH), *[block() for _ in range(depth)], *after, nn.Linear(WIDTH, OUTPUTS))


def branch(depth: int, phi: Callable[[], nn.Module], **options: Any) -> nn.Module:
    return Residual(mlp(phi, depth, WIDTH, WIDTH), **options)


_EACH: dict[str, Callable[[], nn.Module]] = {
    "swiglu, pre-norm": partial(stack, lambda: Residual(SwiGLU(), nn.RMSNorm(WIDTH)), 8, nn.RMSNorm(WIDTH)),
    "swiglu, plain": partial(stack, SwiGLU, 6),
    "residual, no norm": partial(stack, partial(branch, 3, nn.ReLU), 12),
    "rezero": partial(stack, partial(branch, 2, nn.GELU, factor=0.0), 12),
    "layer scale": partial(stack, lambda: branch(2, nn.GELU, norm=nn.LayerNorm(WIDTH), factor=1e-4), 12),
    "glu": Glu,
    "highway": Highway,
    "bilinear": Bilinear,
    "maxout": Maxout,
    "einsum groups": PerUnit,
    "hypernetwork": Hypernetwork,
    "film": Modulated,
    "experts": Experts,
    "shared, len": Shared,
    "layer of a parameter": LayerOfAParameter,
    "variational": Variational,
}
_TRAINED = {"swiglu, pre-norm", "residual, no norm", "glu", "highway", "maxout", "film", "experts"}
JOINED: Own = {name: (build, normal(INPUTS), name in _TRAINED) for name, build in _EACH.items()}
