"""Networks with weight matrices against a NumPy loop that has been tuned by hand: ``pytest benchmarks``."""

from __future__ import annotations

from collections.abc import Callable
from timeit import timeit
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from eoc.montecarlo.samples import explicit_networks

FloatArray = NDArray[np.float64]

WIDTH, DEPTH, INPUTS = 1000, 100, 10
SIGMA_W, SIGMA_B = 1.5, 0.2
X = np.random.default_rng(0).standard_normal((INPUTS, WIDTH))
LAWS = ("gaussian", "rademacher", "uniform", "laplace", "student_t(5)", "sparse(0.1)")


def tuned_loop() -> FloatArray:
    """q of all layers: every buffer made once, the fastest generator, everything in place, one product a layer."""
    rng = np.random.Generator(np.random.SFC64(1))
    weights, h, x = np.empty((WIDTH, WIDTH)), np.empty((WIDTH, INPUTS)), np.ascontiguousarray(X.T)
    bias, q = np.empty((WIDTH, 1)), np.empty((DEPTH, INPUTS))
    for layer in range(DEPTH):
        rng.standard_normal(out=weights)
        rng.standard_normal(out=bias)
        np.matmul(weights, x, out=h)
        h *= SIGMA_W / WIDTH**0.5
        bias *= SIGMA_B
        h += bias
        q[layer] = np.einsum("np,np->p", h, h) / WIDTH
        np.tanh(h, out=x)
    return q


def ours(law: str = "gaussian", dtype: Any = "float64") -> FloatArray:
    run = explicit_networks(
        "tanh", SIGMA_W, SIGMA_B, inputs=X, width=WIDTH, depth=DEPTH, weights=law, dtype=dtype, seed=1
    )
    return run.q[0]


def times_as_long(one: Callable[[], Any], other: Callable[[], Any]) -> float:
    """Of best times, measured in turns: cores that others use too are slower at some times than at others."""
    pairs = [(timeit(one, number=1), timeit(other, number=1)) for _ in range(5)]
    first, second = map(min, zip(*pairs, strict=True))
    return first / second


CONTESTANTS: dict[str, Callable[[], FloatArray]] = {
    "ours": ours,
    "ours, float32": lambda: ours(dtype="float32"),
    "tuned NumPy": tuned_loop,
}


@pytest.mark.parametrize("who", CONTESTANTS)
def test_100_layers_of_1000_units(benchmark: Any, who: str) -> None:
    """Ours also gives the kernel, fourth moments and all correlations, and refuses what overflows."""
    benchmark.group = f"{INPUTS} inputs through {DEPTH} layers of {WIDTH} units"
    np.testing.assert_allclose(CONTESTANTS[who]().mean(), tuned_loop().mean(), rtol=0.03)
    times = times_as_long(CONTESTANTS[who], tuned_loop)
    benchmark.extra_info["times the tuned loop"] = round(times, 2)
    print(f"\n{benchmark.group}, {who}: {times:.2f} times as long as the tuned loop")
    benchmark.pedantic(CONTESTANTS[who], rounds=1)


@pytest.mark.parametrize("law", LAWS)
def test_laws(benchmark: Any, law: str) -> None:
    benchmark.group = f"laws: {INPUTS} inputs through {DEPTH} layers of {WIDTH} units"
    np.testing.assert_allclose(ours(law).mean(), ours().mean(), rtol=0.03)
    times = times_as_long(lambda: ours(law), tuned_loop)
    benchmark.extra_info["times the tuned Gaussian loop"] = round(times, 2)
    print(f"\n{law}: {times:.2f} times as long as the tuned loop with Gaussian weights")
    benchmark.pedantic(ours, (law,), rounds=1)
