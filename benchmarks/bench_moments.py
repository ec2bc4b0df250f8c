"""Gaussian expectations against the best plain NumPy of the same accuracy: ``pytest benchmarks --benchmark-only``."""

from __future__ import annotations

from collections.abc import Callable
from timeit import repeat
from typing import Any

import numpy as np
import pytest
from numpy.polynomial.hermite_e import hermegauss
from numpy.polynomial.legendre import leggauss
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr

from eoc.activations import activation
from eoc.criticality import edge_of_chaos
from eoc.gaussian.moments import moments

FloatArray = NDArray[np.float64]

Q = np.logspace(-2, 2, 1000)
BLOCK = 14_400  # numbers at a time: temporaries stay in the cache and below malloc's mmap threshold, up to 5x faster
SQRT_2PI = np.sqrt(2.0 * np.pi)


def _half_line() -> tuple[FloatArray, FloatArray]:
    """Nodes z > 0 and weights with the Gaussian density: 9 panels of 16 Gauss-Legendre points."""
    edges = np.array([0.0, 0.1, 0.25, 0.5, 1.0, 2.0, 3.5, 5.0, 7.0, 9.0])
    t, w = leggauss(16)
    half = 0.5 * np.diff(edges)[:, None]
    z = (edges[:-1, None] + half * (1.0 + t)).ravel()
    return z, (half * w).ravel() * np.exp(-0.5 * z**2) / SQRT_2PI


Z, W = _half_line()
FULL_Z, FULL_W = np.concatenate([-Z, Z]), np.concatenate([W, W])


def plain_tanh(q: FloatArray) -> list[FloatArray]:
    t = np.tanh(np.sqrt(q)[:, None] * Z)
    t2 = t * t
    d2 = (1.0 - t2) ** 2
    return [2.0 * (t2 @ W), 2.0 * (d2 @ W), 8.0 * ((t2 * d2) @ W)]


def plain_elu(q: FloatArray) -> list[FloatArray]:
    e = np.expm1(-np.sqrt(q)[:, None] * Z)
    e1 = e + 1.0
    exponential = (e1 * e1) @ W
    return [0.5 * q + (e * e) @ W, 0.5 + exponential, exponential]


def plain_gelu(q: FloatArray) -> list[FloatArray]:
    x = np.sqrt(q)[:, None] * FULL_Z
    cdf, x2 = ndtr(x), x * x
    pdf = np.exp(-0.5 * x2) / SQRT_2PI
    phi, slope, curvature = x * cdf, cdf + x * pdf, (2.0 - x2) * pdf
    return [(f * f) @ FULL_W for f in (phi, slope, curvature)]


def plain_relu(q: FloatArray) -> list[FloatArray]:
    x = np.sqrt(q)[:, None] * Z
    return [(x * x) @ W, (x > 0.0).astype(float) @ W]


PLAIN: dict[str, tuple[Callable[[FloatArray], list[FloatArray]], tuple[str, ...], FloatArray]] = {
    "tanh": (plain_tanh, ("V", "D", "S"), Z),
    "gelu": (plain_gelu, ("V", "D", "S"), FULL_Z),
    "elu": (plain_elu, ("V", "D", "S"), Z),
    "relu": (plain_relu, ("V", "D"), Z),
}


def plain(name: str) -> list[FloatArray]:
    function, _, nodes = PLAIN[name]
    rows = BLOCK // nodes.size
    blocks = [function(Q[i : i + rows]) for i in range(0, Q.size, rows)]
    return [np.concatenate(parts) for parts in zip(*blocks, strict=True)]


def ours(name: str) -> list[FloatArray]:
    quantities = PLAIN[name][1]
    found = moments(activation(name), Q, quantities)
    return [found[key].value for key in quantities]


def from_scratch(name: str) -> list[FloatArray]:
    activation(name).cache.clear()
    return ours(name)


def best_of(function: Callable[..., Any], *args: Any) -> float:
    return min(repeat(lambda: function(*args), number=1, repeat=30))


CONTESTANTS = {"ours": ours, "first use": from_scratch, "plain NumPy": plain}


@pytest.mark.parametrize("who", CONTESTANTS)
@pytest.mark.parametrize("name", PLAIN)
def test_1000_variances(benchmark: Any, name: str, who: str) -> None:
    benchmark.group = f"{', '.join(PLAIN[name][1])} of {name} at 1000 variances"
    for one, other in zip(ours(name), plain(name), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)
    times_faster = best_of(plain, name) / best_of(CONTESTANTS[who], name)
    benchmark.extra_info["times faster than plain NumPy"] = round(times_faster, 2)
    print(f"\n{benchmark.group}, {who}: {times_faster:.2f} times as fast as plain NumPy")
    benchmark(CONTESTANTS[who], name)


# --- one edge-of-chaos point ------------------------------------------------------------------------------------------

HERMITE_X, HERMITE_W = hermegauss(100)
HERMITE_W = HERMITE_W / SQRT_2PI


def hermite_point(sigma_b: float = 0.2) -> tuple[float, float]:
    """(sigma_w, q) for tanh as one writes it first: 100 Gauss-Hermite nodes and Brent's method."""

    def slope_variance(q: float) -> tuple[float, float]:
        t2 = np.tanh(q**0.5 * HERMITE_X) ** 2
        return t2 @ HERMITE_W, (1.0 - t2) ** 2 @ HERMITE_W

    def excess_bias(q: float) -> float:
        v, d = slope_variance(q)
        return q - v / d - sigma_b**2

    q = brentq(excess_bias, 1e-3, 1e1, xtol=1e-15)
    return float(slope_variance(q)[1] ** -0.5), q


def our_point(sigma_b: float = 0.2) -> tuple[float, float]:
    point = edge_of_chaos("tanh", sigma_b=sigma_b).best
    return point.sigma_w, point.q


POINTS = {"ours": our_point, "Gauss-Hermite and Brent": hermite_point}


@pytest.mark.parametrize("who", POINTS)
def test_one_edge_of_chaos_point(benchmark: Any, who: str) -> None:
    """Ours also finds every other root, the stability, the rate law and error bounds."""
    benchmark.group = "edge of chaos of tanh at sigma_b = 0.2"
    true = np.array([1.304145840056511430668589, 0.5120785042339015180680486])
    off = float(np.max(np.abs(np.array(POINTS[who]()) / true - 1.0)))
    benchmark.extra_info["relative error"] = f"{off:.1e}"
    benchmark.extra_info["times faster than Gauss-Hermite"] = round(best_of(hermite_point) / best_of(POINTS[who]), 2)
    print(f"\n{benchmark.group}, {who}: {benchmark.extra_info}")
    assert off <= (1e-14 if who == "ours" else 1e-6)
    benchmark(POINTS[who])
