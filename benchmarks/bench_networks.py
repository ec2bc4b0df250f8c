"""Maps and phases of networks of layers beside those of a plain layer: ``pytest benchmarks --benchmark-only``."""

from __future__ import annotations

from collections.abc import Callable
from timeit import repeat
from typing import Any

import numpy as np
import pytest
from scipy.special import erf

from eoc.gaussian.bivariate import bivariate
from eoc.gaussian.moments import moments
from eoc.layers import Input, network
from eoc.maps import CorrelationMap, VarianceMap
from eoc.phase import phase_diagram
from eoc.propagation import propagate

Q = np.geomspace(0.01, 100.0, 1000)
NODE_SECONDS = 20e-6
#: Blocks with the moments that they are made of: the activation and at how many variances it is asked for.
BLOCKS = {
    "tanh, dense(1.5)": 2,
    "residual(tanh, dense(1.5), skip=0.8)": 4,
    "prenorm(dense(1), tanh, dense(1.5), skip=0.8)": 6,
    "postnorm(dense(1), tanh, dense(1.5))": 6,
    "gate(dense(1), (dense(1), tanh)), dense(1.5, 1)": 6,
}
DIAGRAMS = ("residual(tanh, dense, skip=0.8)", "layernorm, tanh, dense", "postln", "mlp_dropout")
DIAGRAM_FACTOR = 5.0
CELLS = 100


def best_of(function: Callable[[], Any], times: int = 5) -> float:
    return min(repeat(function, number=1, repeat=times))


def recorded(benchmark: Any, **facts: Any) -> None:
    benchmark.extra_info.update(facts)
    print(f"\n{benchmark.group}: {facts}")


@pytest.mark.benchmark(group="variances of a block")
@pytest.mark.parametrize("text", BLOCKS)
def test_a_block_costs_its_moments_and_little_a_node(benchmark: Any, text: str) -> None:
    block, nodes = VarianceMap(network(text)), BLOCKS[text]
    ours = best_of(lambda: block.F(Q))
    alone = best_of(lambda: moments("tanh", Q, ("V", "M") if "norm" in text else ("V",)))
    benchmark(block.F, Q)
    recorded(benchmark, block=text, ms=1e3 * ours, moments_ms=1e3 * alone, us_a_node=1e6 * (ours - alone) / nodes)


@pytest.mark.benchmark(group="correlation map of a block")
@pytest.mark.parametrize("text", BLOCKS)
def test_a_map_of_a_block_beside_its_evaluations(benchmark: Any, text: str) -> None:
    """The fitted map, against as many evaluations of the algebra as 10^4 correlations would take."""
    block = network(text)
    q = VarianceMap(block).kept
    f = CorrelationMap(block, q=q)
    e = np.linspace(1e-3, 1.0, 10_000)
    ours = best_of(lambda: f(one_minus_c=e))

    def one_by_one() -> Any:
        return [float(block.block()(Input([q, q], [x])).one_minus_c.value[0]) for x in e[::1000]]

    slow = best_of(one_by_one, 2) * 1000.0
    assert np.allclose(1.0 - f(one_minus_c=e[::1000]), one_by_one(), rtol=1e-11)
    benchmark(lambda: f(one_minus_c=e))
    recorded(benchmark, block=text, ns_a_value=1e5 * ours, ratio=slow / ours)


@pytest.mark.benchmark(group="any depth of a block")
@pytest.mark.parametrize("text", ["postnorm(relu, dense(1.5))", "gate(dense(1), (dense(1), tanh)), rmsnorm"])
def test_depth_costs_nothing(benchmark: Any, text: str) -> None:
    f = CorrelationMap(network(text), q=1.0)
    ours = best_of(lambda: f.iterate(10**12, c=0.1))
    benchmark(lambda: f.iterate(10**12, c=0.1))
    recorded(benchmark, block=text, ms=1e3 * ours)


@pytest.mark.benchmark(group="phase diagram of a block")
@pytest.mark.parametrize("text", DIAGRAMS)
def test_a_diagram_of_a_block_beside_the_plain_one(benchmark: Any, text: str) -> None:
    w, b = np.linspace(0.5, 2.0, CELLS), np.linspace(0.05, 0.5, CELLS)
    bivariate("tanh", 1.0, 0.5)
    plain = best_of(lambda: phase_diagram("tanh", w, b), 2)
    ours = best_of(lambda: phase_diagram(text, w, b), 2)
    benchmark.pedantic(lambda: phase_diagram(text, w, b), rounds=1)
    assert ours <= DIAGRAM_FACTOR * plain
    recorded(benchmark, block=text, cells=CELLS**2, ms_a_cell=1e3 * ours / CELLS**2, times_the_plain_one=ours / plain)


TOKENS, DEPTH = 64, 12
Z, WEIGHTS = np.polynomial.hermite_e.hermegauss(32)
WEIGHTS = WEIGHTS / WEIGHTS.sum()


def gelu(x: Any) -> Any:
    return 0.5 * x * (1.0 + erf(x / 2.0**0.5))


def plain_transformer(gram: Any) -> Any:
    """Twelve blocks of attention and MLP, normalised before, on the Gram matrix: 32 x 32 Gauss-Hermite nodes a pair."""
    pairs, mean = np.triu_indices(TOKENS), np.full((TOKENS, TOKENS), 1.0 / TOKENS)
    for _ in range(DEPTH):
        roots = np.sqrt(np.diag(gram))
        gram = gram + mean @ (gram / np.outer(roots, roots)) @ mean.T
        roots = np.sqrt(np.diag(gram))
        c = np.minimum(gram / np.outer(roots, roots), 1.0)[pairs]
        found = np.empty(c.size)
        for start in range(0, c.size, 256):
            r = c[start : start + 256, None, None]
            other = r * Z[:, None] + np.sqrt(1.0 - r * r) * Z
            found[start : start + 256] = np.einsum("i,nij,j->n", gelu(Z) * WEIGHTS, gelu(other), WEIGHTS)
        branch = np.zeros(gram.shape)
        branch[pairs] = branch.T[pairs] = found
        gram = gram + branch
    return gram


@pytest.mark.benchmark(group="a transformer")
def test_a_transformer_of_twelve_blocks_and_64_tokens(benchmark: Any) -> None:
    """All pairs of tokens that differ; gradients and error bounds are ours alone."""
    x = np.random.default_rng(0).standard_normal((TOKENS, 96))
    gram = x @ x.T / 96.0
    q, roots = np.diag(gram), np.sqrt(np.diag(gram))
    c = np.clip(gram / np.outer(roots, roots), -1.0, 1.0)
    np.fill_diagonal(c, 1.0)

    def ours() -> Any:
        return propagate("transformer", q=q, c=c, depth=DEPTH)

    off = float(np.abs(ours().q[-1] - np.diag(plain_transformer(gram))).max())
    one, other = best_of(ours, 3), best_of(lambda: plain_transformer(gram), 2)
    alike = best_of(lambda: propagate("transformer", q=1.0, c=0.2, depth=DEPTH), 3)
    benchmark(ours)
    recorded(benchmark, seconds=one, times_numpy=one / other, alike_seconds=alike, difference=off)
    assert one < other
