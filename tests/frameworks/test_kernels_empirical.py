"""Real networks have these kernels: products of outputs and of gradients, by torch.func, beside NNGP and NTK.

Every case draws 20 networks of width 600 and compares means over them, for three inputs, with kernels: they may be off
by 5 standard errors and, for the finite width, by 6/600 of the size of the kernel. With a right theory a case fails
once in some thousand seeds; seeds are fixed.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch.func import grad

import eoc

WIDTH, NETWORKS, FEATURES = 600, 20, 5
X = torch.tensor(np.random.default_rng(0).standard_normal((3, FEATURES)), dtype=torch.float64)
Tensor = torch.Tensor
Layer = tuple[Tensor, Tensor]


def dense(x: Tensor, layer: Layer, sigma_w: float, sigma_b: float, standard: bool) -> Tensor:
    """Of parameters that are N(0, 1), or of weights and biases themselves."""
    weight, bias = layer
    if standard:
        return x @ weight.T + bias
    return sigma_w * (x @ weight.T) / x.shape[-1] ** 0.5 + sigma_b * bias


def drawn(generator: torch.Generator, fan_in: int, sigmas: tuple[float, float], standard: bool) -> Layer:
    weight = torch.randn(WIDTH, fan_in, generator=generator, dtype=torch.float64)
    bias = torch.randn(WIDTH, generator=generator, dtype=torch.float64)
    return (weight * sigmas[0] / fan_in**0.5, bias * sigmas[1]) if standard else (weight, bias)


def plain(phi: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Callable[[Tensor], Tensor]], Tensor]:
    return lambda x, linear: linear(phi(x))


def residual(x: Tensor, linear: Callable[[Tensor], Tensor]) -> Tensor:
    return x + 0.7 * linear(torch.relu(x))


def normalised(x: Tensor, linear: Callable[[Tensor], Tensor]) -> Tensor:
    return linear(torch.nn.functional.gelu(torch.nn.functional.layer_norm(x, x.shape[-1:], eps=0.0)))


FORMULA = "sin(x) + 0.3*abs(x - 0.2)"
# name: the network, what a block does, sigma_w and sigma_b of blocks, and of the first layer
CASES = {
    "relu": ("relu", plain(torch.relu), (2**0.5, 0.1)),
    "tanh": ("tanh", plain(torch.tanh), (1.5, 0.2)),
    "gelu": ("gelu", plain(torch.nn.functional.gelu), (1.4, 0.3)),
    "formula": (FORMULA, plain(lambda x: torch.sin(x) + 0.3 * torch.abs(x - 0.2)), (1.2, 0.3)),
    "residual": ("residual(relu, dense, scale=0.7)", residual, (1.3, 0.2)),
    "normalised": ("layernorm, gelu, dense", normalised, (1.4, 0.2)),
}


@pytest.mark.parametrize("standard", [False, True], ids=["ntk", "standard"])
@pytest.mark.parametrize("case", CASES)
def test_real_networks_have_these_kernels(case, standard):
    name, block, (sigma_w, sigma_b) = CASES[case]
    depth = 2
    options = {"parameterization": "standard", "width": WIDTH} if standard else {}
    theory = eoc.kernel(name, X.numpy(), depth=depth, sigma_w=sigma_w, sigma_b=sigma_b, **options)
    generator = torch.Generator().manual_seed(len(case) + 100 * standard)
    products, gradients = [], []
    for _ in range(NETWORKS):
        fans = [FEATURES, *[WIDTH] * depth]
        layers = [drawn(generator, fan_in, (sigma_w, sigma_b), standard) for fan_in in fans]

        def outputs(layers: list[Layer], x: Tensor) -> Tensor:
            y = dense(x, layers[0], sigma_w, sigma_b, standard)
            for layer in layers[1:]:
                y = block(y, lambda z, layer=layer: dense(z, layer, sigma_w, sigma_b, standard))
            return y

        y = outputs(layers, X)
        products.append((y @ y.T / WIDTH).numpy())
        slopes = [grad(lambda layers, x: outputs(layers, x)[0])(layers, x) for x in X]
        flat = torch.stack([torch.cat([part.ravel() for layer in one for part in layer]) for one in slopes])
        gradients.append((flat @ flat.T).numpy())
    for found, true in ((products, theory.nngp), (gradients, theory.ntk)):
        mean, error = np.mean(found, axis=0), np.std(found, axis=0, ddof=1) / NETWORKS**0.5
        sizes = np.sqrt(np.outer(np.diag(true), np.diag(true)))
        assert (np.abs(mean - true) <= 5.0 * error + 6.0 / WIDTH * sizes).all()
        assert (error < 0.06 * sizes).all()  # so that it says something
