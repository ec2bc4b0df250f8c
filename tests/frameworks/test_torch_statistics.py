"""Real networks of PyTorch, drawn by ``initialize_``, against the maps: width 1024, depth 50, and convolutions of 128
channels (9 taps each, circular padding, 6 x 6 pixels). A correct network is refused once in 150 000 checks (Z)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
import pytest
import torch
from torch import nn

import eoc
from eoc.initializers.torch import initialize_
from eoc.operating_point import operating_point
from frameworks.statistics import Z, backward_z, forward_z

WIDTH, CHANNELS, PIXELS, DEPTH = 1024, 128, 6, 50
ACTIVATIONS = {
    "tanh": (nn.Tanh, {"sigma_b": 0.2}),
    "relu": (nn.ReLU, {}),
    "elu": (nn.ELU, {"sigma_b": 0.1}),
    "gelu": (nn.GELU, {"sigma_b": 0.62}),
}


def dense() -> list[nn.Module]:
    return [nn.utils.skip_init(nn.Linear, WIDTH, WIDTH) for _ in range(DEPTH)]


def convolutional() -> list[nn.Module]:
    options = {"padding": 1, "padding_mode": "circular"}
    return [nn.utils.skip_init(nn.Conv2d, CHANNELS, CHANNELS, 3, **options) for _ in range(DEPTH)]


def drawn(layers: list[nn.Module], kind: type[nn.Module], seed: int = 0, **options: object) -> nn.Sequential:
    model = nn.Sequential(*(module for layer in layers for module in (layer, kind())))
    initialize_(model, generator=torch.Generator().manual_seed(seed), **{"weights": "gaussian"} | options)
    return model


def run(model: nn.Sequential, seed: int = 1) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Pre-activations of two inputs, correlated by 0.6, and gradients of one direction of the last for the first."""
    source = torch.Generator().manual_seed(seed)
    shape = (model[0].in_features,) if isinstance(model[0], nn.Linear) else (CHANNELS, PIXELS, PIXELS)
    first, other = torch.randn(2, *shape, generator=source)
    x, hidden = torch.stack([first, 0.6 * first + 0.8 * other]), []
    for layer, activation in zip(model[::2], model[1::2], strict=True):
        hidden.append(layer(x))
        x = activation(hidden[-1])
    direction = torch.randn(hidden[-1][0].shape, generator=source)
    gradients = torch.autograd.grad((hidden[-1][0] * direction).sum(), hidden)
    return _arrays(hidden), _arrays(gradients)


def _arrays(tensors: Sequence[torch.Tensor]) -> list[np.ndarray]:
    """(2, units), or (2, channels, pixels)."""
    return [(t if t.dim() == 2 else t.flatten(2)).detach().double().numpy() for t in tensors]


@lru_cache
def on_edge(name: str, layers: Callable[[], list[nn.Module]]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    kind, options = ACTIVATIONS[name]
    return run(drawn(layers(), kind, **options))


@pytest.mark.parametrize("layers", [dense, convolutional])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_forward_and_backward_statistics_follow_the_maps(name, layers):
    place = operating_point(name, **ACTIVATIONS[name][1])
    hidden, gradients = on_edge(name, layers)
    forward = forward_z(place.activation, place.sigma_w, place.sigma_b, hidden)
    assert all(abs(z) < Z for z in forward.values()), forward
    assert abs(backward_z(place.activation, place.sigma_w, hidden, gradients)) < Z


@pytest.mark.parametrize("layers", [dense, convolutional])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_gradient_norms_stay_within_a_factor_of_two_on_the_edge_of_chaos(name, layers):
    _, gradients = on_edge(name, layers)
    norms = np.array([np.linalg.norm(g[0]) for g in gradients])
    assert norms.max() / norms.min() < 2.0


def test_gradient_norms_stay_within_a_factor_of_two_where_activations_alternate():
    layers = [nn.utils.skip_init(nn.Linear, WIDTH, WIDTH) for _ in range(DEPTH + 1)]
    kinds = [(nn.ReLU, nn.Tanh)[at % 2] for at in range(DEPTH + 1)]
    model = nn.Sequential(*(module for layer, kind in zip(layers, kinds, strict=True) for module in (layer, kind())))
    initialize_(model, depth=30, weights="gaussian", generator=torch.Generator().manual_seed(0))
    _, gradients = run(model)
    norms = np.array([np.linalg.norm(g[0]) for g in gradients])
    assert norms[::2].max() / norms[::2].min() < 2.0
    expected = math.sqrt(operating_point("relu").q / (operating_point("tanh").q - operating_point("tanh").sigma_b ** 2))
    assert np.allclose(norms[1::2] / norms[:-1:2], expected, rtol=0.2)


@pytest.mark.parametrize("sigma_w", [0.9, 2.0])
def test_gradients_follow_the_predicted_exponential_in_both_phases(sigma_w):
    place = operating_point("tanh", sigma_w=sigma_w, sigma_b=0.2)
    _, gradients = run(drawn(dense(), nn.Tanh, sigma_w=sigma_w, sigma_b=0.2))
    fall = math.log(np.sum(gradients[0][0] ** 2) / np.sum(gradients[-1][0] ** 2))
    d = eoc.moments(place.activation, place.q, ("D",))["D"].value
    fourth = np.mean(place.activation.dphi(math.sqrt(place.q) * np.random.default_rng(0).standard_normal(100_000)) ** 4)
    spread = math.sqrt((DEPTH - 1) * (3.0 * fourth / d**2 - 1.0) / WIDTH)
    predicted = (DEPTH - 1) * math.log(place.chi_1)
    assert abs(predicted) > 10.0
    assert abs(fall - predicted) < Z * spread + 3.0 * DEPTH / WIDTH


def test_orthogonal_networks_follow_the_variance_map_and_keep_gradients():
    place = operating_point("tanh", sigma_b=0.2)
    hidden, gradients = run(drawn(dense()[:15], nn.Tanh, sigma_b=0.2, weights="orthogonal"))
    q = np.array([np.mean(h[0] ** 2) for h in hidden])
    assert np.allclose(q, place.q, rtol=Z * math.sqrt(2.0 / WIDTH))
    assert 0.5 < np.linalg.norm(gradients[0][0]) / np.linalg.norm(gradients[-1][0]) < 2.0
