"""Matrices of expectations of inputs with norms of their own: ``pytest benchmarks --benchmark-only``.

Against two-dimensional Gauss-Hermite quadrature and the closed form of relu in NumPy, and ``propagate`` against itself
with the plane integral for every pair, as without tables.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from timeit import repeat
from typing import Any

import numpy as np
import pytest
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import NDArray

from eoc.activations import activation
from eoc.gaussian.pair_matrices import pair_matrices
from eoc.gaussian.pairs import pair_moments
from eoc.gaussian.unequal import by_plane

FloatArray = NDArray[np.float64]
INPUTS, FURTHEST = 2000, 3.0  # inputs, and the ratio of their norms
FEW = 20  # pairs that slow contestants are timed at
ACCURACY = 1e-6
MAX_ORDER = 300


def kinked(x: FloatArray) -> FloatArray:
    return np.where(x > 0.3, x - 0.3, 0.0) + np.tanh(x)


def data(n: int) -> tuple[FloatArray, FloatArray]:
    """Variances (n,) and 1 - c (n, n) of inputs that have something in common."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, 50)) + 0.7
    x /= np.linalg.norm(x, axis=1)[:, None]
    e = 1.0 - x @ x.T
    return rng.uniform(1.0, FURTHEST, n) ** 2 / 3.0, np.clip(0.5 * (e + e.T), 0.0, 2.0)


def best_of(function: Callable[..., Any], *args: Any, times: int = 3, **rest: Any) -> float:
    return min(repeat(lambda: function(*args, **rest), number=1, repeat=times))


def recorded(benchmark: Any, **facts: Any) -> None:
    benchmark.extra_info.update(facts)
    print(f"\n{benchmark.group}: {facts}")


def hermite(phi: Callable[[Any], Any], order: int, q_a: float, q_b: float, e: float) -> float:
    """E[phi(u) phi(v)] by an order x order rule."""
    z, w = hermegauss(order)
    c = 1.0 - e
    v = q_b**0.5 * (c * z[:, None] + (1.0 - c * c) ** 0.5 * z)
    return float((w * phi(q_a**0.5 * z)) @ (phi(v) @ w) / w.sum() ** 2)


@pytest.mark.parametrize("phi", ["tanh", "gelu", "elu", kinked], ids=str)
def test_a_matrix(benchmark: Any, phi: Any) -> None:
    """Build, then K, Kd and G of all pairs, beside Gauss-Hermite that is good to 1e-6 for K alone."""
    benchmark.group = f"matrix of {INPUTS} inputs, {phi if isinstance(phi, str) else phi.__name__}"
    q, e = data(INPUTS)
    f = replace(activation(phi))  # without tables
    build = best_of(pair_matrices, f, q, e, times=1)
    out = tuple(np.ones((INPUTS, INPUTS)) for _ in range(3))
    ours = best_of(pair_matrices, f, q, e, out=out) / INPUTS**2
    found = pair_matrices(f, q, e, out=out)
    order, off = 8, 1.0
    while off > ACCURACY and order < MAX_ORDER:
        order = min(int(1.2 * order) + 1, MAX_ORDER)
        values = [hermite(f.phi, order, q[k], q[k + 1], e[k, k + 1]) for k in range(FEW)]
        off = max(abs(values[k] - found.K[k, k + 1]) for k in range(FEW))
    theirs = best_of(lambda: [hermite(f.phi, order, q[k], q[k + 1], e[k, k + 1]) for k in range(FEW)]) / FEW
    benchmark.pedantic(pair_matrices, (f, q, e), {"out": out}, rounds=1)
    recorded(
        benchmark,
        ns_an_element=1e9 * ours,
        first_use_s=build,
        hermite_order=order,
        hermite_error=off,
        ratio=theirs / 2.0 / ours,  # they need half of the matrix
        bounds=(found.K_error, found.Kd_error, found.G_error),
    )


def arc_cosine(q: FloatArray, e: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Cho & Saul (2009), as it is written."""
    c = np.clip(1.0 - e, -1.0, 1.0)
    theta = np.arccos(c)
    slopes = (np.pi - theta) / (2.0 * np.pi)
    return np.sqrt(np.outer(q, q)) * (np.sin(theta) / (2.0 * np.pi) + c * slopes), slopes


def test_relu(benchmark: Any) -> None:
    """The closed form in NumPy, which has lost G."""
    benchmark.group = f"matrix of {INPUTS} inputs, relu"
    q, e = data(INPUTS)
    out = tuple(np.ones((INPUTS, INPUTS)) for _ in range(3))
    found = pair_matrices("relu", q, e, out=out)
    assert np.abs(arc_cosine(q, e)[0] / found.K - 1.0).max() < 1e-7
    ours, theirs = best_of(pair_matrices, "relu", q, e, out=out), best_of(arc_cosine, q, e)
    benchmark.pedantic(pair_matrices, ("relu", q, e), {"out": out}, rounds=1)
    recorded(benchmark, ns_an_element=1e9 * ours / INPUTS**2, ratio=theirs / ours)


@pytest.mark.parametrize("name", ["tanh", "gelu", "elu"])
def test_pairs(benchmark: Any, name: str) -> None:
    """A list of pairs, beside one plane integral for each."""
    benchmark.group = f"45 pairs, {name}"
    q, e = data(10)
    i, j = np.triu_indices(10, 1)
    phi = replace(activation(name))
    build = best_of(pair_moments, phi, q, i, j, one_minus_c=e[i, j], times=1)
    ours = best_of(pair_moments, phi, q, i, j, one_minus_c=e[i, j])
    found = pair_moments(phi, q, i, j, one_minus_c=e[i, j])
    pairs = [(float(q[i[k]]), float(q[j[k]]), float(e[i[k], j[k]])) for k in range(FEW)]
    for part in ("K", "Kd", "G"):
        for k, pair in enumerate(pairs):
            value, off = by_plane(phi, part, *pair)
            assert abs(value - found[part].value[k]) <= off + found[part].error[k]
    theirs = best_of(lambda: [by_plane(phi, part, *pair) for pair in pairs for part in ("K", "Kd", "G")])
    benchmark.pedantic(pair_moments, (phi, q, i, j), {"one_minus_c": e[i, j]}, rounds=1)
    recorded(benchmark, us_a_pair=1e6 * ours / i.size, first_use_s=build, ratio=theirs / FEW / ours * i.size)
