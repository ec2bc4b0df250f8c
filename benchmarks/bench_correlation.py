"""The correlation map against plain NumPy and SciPy: ``pytest benchmarks --benchmark-only``."""

from __future__ import annotations

import math
from collections.abc import Callable
from timeit import repeat
from typing import Any

import numpy as np
import pytest
from numba import njit
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import NDArray
from scipy.integrate import dblquad
from scipy.special import ndtr

from eoc.activations import activation
from eoc.convergence import convergence_law
from eoc.criticality import edge_of_chaos
from eoc.gaussian.bivariate import bivariate
from eoc.gaussian.kernels import iterate_map
from eoc.maps import CorrelationMap

FloatArray = NDArray[np.float64]
Function = Callable[[Any], Any]

NAMES = ("tanh", "gelu", "elu", "relu")
MILLION = 1_000_000
C = np.linspace(-1.0, 1.0, MILLION)
TEST_C = np.array([-0.9, -0.5, 0.1, 0.5, 0.9])
ACCURACY = 1e-6
MAX_ORDER = 300  # of Gauss-Hermite: numpy's rule overflows beyond 370; relu does not come to 1e-6 with them
SQRT_2PI = np.sqrt(2.0 * np.pi)

PHI: dict[str, Function] = {
    "tanh": np.tanh,
    "gelu": lambda x: x * ndtr(x),
    "elu": lambda x: np.where(x > 0.0, x, np.expm1(np.minimum(x, 0.0))),
    "relu": lambda x: np.maximum(x, 0.0),
}


def best_of(function: Callable[..., Any], *args: Any, times: int = 5) -> float:
    return min(repeat(lambda: function(*args), number=1, repeat=times))


def recorded(benchmark: Any, **facts: Any) -> None:
    benchmark.extra_info.update(facts)
    print(f"\n{benchmark.group}: {facts}")


# --- many correlations -----------------------------------------------------------------------------------------------


def hermite_map(phi: Function, order: int, c: FloatArray) -> FloatArray:
    """K(1, c) by an order x order Gauss-Hermite rule, whose weights are shared by all c."""
    z, w = hermegauss(order)
    w = w / SQRT_2PI
    left = w * phi(z)
    s = np.sqrt(1.0 - c * c)
    out = np.empty(c.size)
    for i in range(c.size):
        out[i] = left @ (phi(c[i] * z[:, None] + s[i] * z) @ w)
    return out


def hermite_order(name: str) -> tuple[int, float]:
    """The smallest order that is good to ACCURACY at q = 1, or MAX_ORDER, and the error that it has."""
    true = bivariate(name, 1.0, TEST_C, ("K",))["K"].value
    order = 4
    while True:
        off = float(np.abs(hermite_map(PHI[name], order, TEST_C) - true).max())
        if off <= ACCURACY or order >= MAX_ORDER:
            return order, off
        order = min(math.ceil(1.2 * order), MAX_ORDER)


@pytest.mark.parametrize("name", NAMES)
def test_a_million_correlations(benchmark: Any, name: str) -> None:
    benchmark.group = f"f of {name} at 10^6 values of c, after construction"
    f = CorrelationMap(name, 1.0, 0.0, q=1.0)
    f(C[:1])
    order, off = hermite_order(name)
    few = C[:: MILLION // 200]
    plain = best_of(hermite_map, PHI[name], order, few) * (MILLION / few.size)
    mine = best_of(f, C)
    direct = bivariate(name, 1.0, TEST_C, ("K",))["K"].value
    np.testing.assert_allclose(f(TEST_C) * f.next_q, direct, rtol=0.0, atol=1e-13)
    assert off <= (ACCURACY if name != "relu" else 1e-3)
    recorded(
        benchmark,
        **{
            "ours, ns a value": round(1e9 * mine / MILLION, 1),
            "Gauss-Hermite order": order,
            "its error": f"{off:.0e}",
            "Gauss-Hermite, us a value": round(1e6 * plain / MILLION, 1),
            "times faster": round(plain / mine),
        },
    )
    benchmark(f, C)


# --- construction ----------------------------------------------------------------------------------------------------


def constructed(name: str) -> CorrelationMap:
    phi = activation(name)
    phi.cache.clear()
    f = CorrelationMap(phi, 1.0, 0.0, q=1.0)
    f(0.5)
    return f


def quadrature(name: str) -> float:
    """K(1, 1/2) by scipy's adaptive rule, for a phi of one number, cut at its kinks only by luck."""
    phi: Function = {
        "tanh": math.tanh,
        "gelu": lambda x: 0.5 * x * math.erfc(-x / 2**0.5),
        "elu": lambda x: x if x > 0.0 else math.expm1(x),
        "relu": lambda x: max(x, 0.0),
    }[name]
    s = 0.75**0.5

    def integrand(y: float, x: float) -> float:
        return phi(x) * phi(0.5 * x + s * y) * math.exp(-0.5 * (x * x + y * y)) / (2.0 * math.pi)

    return float(dblquad(integrand, -9.0, 9.0, -9.0, 9.0, epsabs=1e-10, epsrel=1e-10)[0])


@pytest.mark.parametrize("name", NAMES)
def test_construction(benchmark: Any, name: str) -> None:
    benchmark.group = f"construction of the map of {name} at q = 1, with an empty cache"
    f = constructed(name)
    off = abs(float(f(0.5)) * f.next_q - quadrature(name))
    assert off <= 1e-8
    mine, one_point = best_of(constructed, name, times=10), best_of(quadrature, name, times=2)
    recorded(
        benchmark,
        **{
            "ours, ms": round(1e3 * mine, 2),
            "dblquad for one point, ms": round(1e3 * one_point, 1),
            "their difference": f"{off:.0e}",
            "times faster": round(one_point / mine, 1),
        },
    )
    benchmark(constructed, name)


# --- depth -----------------------------------------------------------------------------------------------------------


def _tanh_loop(x: float, n: int) -> float:
    for _ in range(n):
        x = math.tanh(x)
    return x


tanh_loop = njit(_tanh_loop)


def stepped(f: CorrelationMap, n: int) -> float:
    value, relative = np.empty(1), np.empty(1)
    iterate_map(0.9, 0.0, f.terms, f.term_errors, np.array([n]), value, relative)
    return float(value[0])


@pytest.mark.parametrize("name", ["relu", "tanh", "elu", "gelu"])
def test_a_million_layers_one_by_one(benchmark: Any, name: str) -> None:
    benchmark.group = f"10^6 layers of {name} on its edge of chaos, one by one"
    point = edge_of_chaos(name, **({} if name == "relu" else {"sigma_b": 1.0})).best
    f = CorrelationMap(name, point.sigma_w, point.sigma_b, point.q)
    assert stepped(f, MILLION) == pytest.approx(float(f.iterate(MILLION, c=0.1).value), rel=1e-9)
    tanh_loop(0.9, 1)
    mine, loop = best_of(stepped, f, MILLION), best_of(tanh_loop, 0.9, MILLION)
    recorded(
        benchmark,
        **{
            "ours, ns a layer": round(1e9 * mine / MILLION, 1),
            "math.tanh in a numba loop, ns": round(1e9 * loop / MILLION, 1),
            "calls of tanh a layer costs": round(mine / loop, 2),
        },
    )
    benchmark(stepped, f, MILLION)


@pytest.mark.parametrize("name", ["relu", "tanh", "elu", "gelu"])
def test_depth_1e12(benchmark: Any, name: str) -> None:
    """By the flow, after 10^4 single layers."""
    benchmark.group = f"10^12 layers of {name} on its edge of chaos"
    point = edge_of_chaos(name, **({} if name == "relu" else {"sigma_b": 1.0})).best
    f = CorrelationMap(name, point.sigma_w, point.sigma_b, point.q)
    found = f.iterate(1e12, c=0.1)
    law = convergence_law(f)
    start = float(f.iterate(1e9, c=0.1).value)
    assert float(found.value) == pytest.approx(float(law.refined(np.array([1e12]), 1e9, start)[0]), rel=1e-8)
    one_by_one = 1e6 * best_of(stepped, f, MILLION, times=3)
    mine = best_of(lambda: f.iterate(1e12, c=0.1))
    recorded(
        benchmark,
        **{
            "ours, ms": round(1e3 * mine, 2),
            "bound on the relative error": f"{float(found.error / found.value):.0e}",
            "one by one, hours": round(one_by_one / 3600.0, 1),
            "times faster": f"{one_by_one / mine:.0e}",
        },
    )
    benchmark(lambda: f.iterate(1e12, c=0.1))
