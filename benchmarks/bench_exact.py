"""Networks without weight matrices against drawing the same normals, and against networks with them."""

from __future__ import annotations

from collections.abc import Callable
from timeit import repeat
from typing import Any

import numpy as np
import pytest

from eoc.activations import activation
from eoc.maps import VarianceMap
from eoc.montecarlo.samples import explicit_networks, sample_networks
from eoc.montecarlo.sampling.gram_sampler import GramSampler, gram_sampler
from eoc.montecarlo.sampling.inputs import first_inputs
from eoc.montecarlo.settings import generator

WIDTH, LAYERS, BLOCK = 10**6, 3, 2**13
NETWORKS = {
    "tanh": ("tanh", 1.30414584, 0.2, "gaussian"),
    "tanh, orthogonal": ("tanh", 1.30414584, 0.2, "orthogonal"),
    "relu": ("relu", 2**0.5, 0.0, "gaussian"),
    "gelu": ("gelu", 1.4, 0.5, "gaussian"),
}
CLOSENESS = {"1 - c = 0.5": 0.5, "1 - c = 1e-12": 1e-12}


def network(name: str, e: float) -> GramSampler:
    phi, sigma_w, sigma_b, weights = NETWORKS[name]
    variance = VarianceMap(activation(phi), sigma_w, sigma_b)
    return gram_sampler(variance, first_inputs(variance, q=1.0, one_minus_c=e), (WIDTH,) * LAYERS, weights)


def layers(sampler: GramSampler) -> float:
    state = sampler.start(1, generator(1, 0))
    for layer in range(1, LAYERS + 1):
        state, seen = sampler.step(state, layer, generator(1, layer))
    return float(seen.one_minus_c[0, 0, 1])


def normals() -> None:
    """As many as the sampler needs, by NumPy's default generator into a block that stays in the cache."""
    rng, block = np.random.default_rng(1), np.empty((2, BLOCK))
    for _ in range(LAYERS * WIDTH // BLOCK):
        rng.standard_normal(out=block)


def best_of(function: Callable[..., Any], *args: Any, rounds: int = 5) -> float:
    return min(repeat(lambda: function(*args), number=1, repeat=rounds))


@pytest.mark.parametrize("close", CLOSENESS)
@pytest.mark.parametrize("name", NETWORKS)
def test_a_million_units(benchmark: Any, name: str, close: str) -> None:
    benchmark.group = f"two inputs through {LAYERS} layers of {WIDTH} units"
    sampler = network(name, CLOSENESS[close])
    assert 0.0 < layers(sampler) < 2.0 * CLOSENESS[close]
    times = best_of(layers, sampler) / best_of(normals)
    benchmark.extra_info["times drawing the normals"] = round(times, 2)
    print(f"\n{name}, {close}: {times:.2f} times as long as drawing the normals")
    benchmark.pedantic(layers, (sampler,), rounds=3)


@pytest.mark.parametrize("width", [1000, 10_000])
def test_against_weight_matrices(benchmark: Any, width: int) -> None:
    benchmark.group = f"two inputs through 5 layers of {width} units, tanh"
    x = np.random.default_rng(0).standard_normal((2, width))
    options: dict[str, Any] = {"inputs": x, "width": width, "depth": 5, "seed": 1}

    def without() -> float:
        return float(sample_networks("tanh", 1.5, 0.2, **options).q[0, -1, 0])

    def with_matrices() -> float:
        return float(explicit_networks("tanh", 1.5, 0.2, **options).q[0, -1, 0])

    np.testing.assert_allclose(without(), with_matrices(), rtol=10.0 / width**0.5)
    times = best_of(with_matrices, rounds=3) / best_of(without)
    benchmark.extra_info["times faster than with matrices"] = round(times, 1)
    print(f"\nwidth {width}: {times:.0f} times faster than with weight matrices")
    benchmark.pedantic(without, rounds=3)
