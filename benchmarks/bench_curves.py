"""The edge of chaos at many sigma_b against plain NumPy and SciPy: ``pytest benchmarks --benchmark-only``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from timeit import repeat
from typing import Any

import numpy as np
import pytest
from bench_moments import BLOCK, FULL_W, FULL_Z, SQRT_2PI, W, Z
from numpy.typing import NDArray
from scipy.optimize import elementwise
from scipy.special import ndtr

from eoc.activations import activation
from eoc.criticality import edge_of_chaos, eoc_curve

FloatArray = NDArray[np.float64]
Pair = tuple[FloatArray, FloatArray]

SIGMA_B = np.geomspace(0.01, 2.0, 1000)
TOLERANCES = {"xatol": 0.0, "xrtol": 1e-12, "fatol": 0.0, "frtol": 0.0}


def best_of(function: Callable[..., Any], *args: Any, times: int = 20) -> float:
    return min(repeat(lambda: function(*args), number=1, repeat=times))


def recorded(benchmark: Any, **facts: Any) -> None:
    benchmark.extra_info.update(facts)
    print(f"\n{benchmark.group}: {facts}")


# --- by hand ---------------------------------------------------------------------------------------------------------


def tanh_moments(q: FloatArray) -> Pair:
    """V and D by Gauss-Legendre panels on the half-line, as in bench_moments."""
    t2 = np.tanh(np.sqrt(q)[:, None] * Z) ** 2
    return 2.0 * (t2 @ W), 2.0 * ((1.0 - t2) ** 2 @ W)


def elu_moments(q: FloatArray) -> Pair:
    e = np.expm1(-np.sqrt(q)[:, None] * Z)
    return 0.5 * q + (e * e) @ W, 0.5 + (e + 1.0) ** 2 @ W


def gelu_moments(q: FloatArray) -> Pair:
    x = np.sqrt(q)[:, None] * FULL_Z
    cdf = ndtr(x)
    return (x * cdf) ** 2 @ FULL_W, (cdf + x * np.exp(-0.5 * x * x) / SQRT_2PI) ** 2 @ FULL_W


BY_HAND: dict[str, tuple[Callable[[FloatArray], Pair], tuple[float, float]]] = {  # with a bracket for all SIGMA_B
    "tanh": (tanh_moments, (1e-3, 1e2)),
    "elu": (elu_moments, (1e-3, 1e4)),
    "gelu": (gelu_moments, (1e-3, 1e5)),
}


def blocked(function: Callable[[FloatArray], Pair], q: FloatArray) -> Pair:
    rows = max(1, BLOCK // Z.size)
    blocks = [function(q[i : i + rows]) for i in range(0, q.size, rows)]
    v, d = zip(*blocks, strict=True)
    return np.concatenate(v), np.concatenate(d)


def plain(name: str) -> FloatArray:
    """sigma_w by SciPy's vectorised bracketing root finder on NumPy integrands; the bracket is given."""
    function, (low, high) = BY_HAND[name]

    def residual(q: FloatArray, squared: FloatArray) -> FloatArray:
        v, d = blocked(function, q)
        return q - v / d - squared

    bracket = np.full(SIGMA_B.shape, low), np.full(SIGMA_B.shape, high)
    found = elementwise.find_root(residual, bracket, args=(SIGMA_B**2,), tolerances=TOLERANCES)
    return np.asarray(blocked(function, found.x)[1] ** -0.5)


@pytest.mark.parametrize("name", BY_HAND)
def test_1000_sigma_b(benchmark: Any, name: str) -> None:
    """Ours also finds every other branch, and F'(q)."""
    benchmark.group = f"sigma_w of {name} at 1000 sigma_b, after the first use"
    curve = eoc_curve(name)
    mine, theirs = curve.sigma_w(SIGMA_B)[0], plain(name)
    np.testing.assert_allclose(mine, theirs, rtol=1e-10)
    for i in (0, 499, 999):
        assert mine[i] == pytest.approx(edge_of_chaos(name, sigma_b=float(SIGMA_B[i])).points[0].sigma_w, rel=1e-14)
    ours, by_hand = best_of(curve.sigma_w, SIGMA_B), best_of(plain, name, times=5)
    recorded(
        benchmark,
        **{
            "ours, ms": round(1e3 * ours, 2),
            "find_root on NumPy integrands, ms": round(1e3 * by_hand, 1),
            "their difference": f"{np.abs(mine / theirs - 1.0).max():.0e}",
            "times faster": round(by_hand / ours, 1),
        },
    )
    benchmark(curve.sigma_w, SIGMA_B)


# --- the curve itself ------------------------------------------------------------------------------------------------


def from_scratch(name: str) -> Any:
    return eoc_curve(replace(activation(name)))  # with a cache of its own


@pytest.mark.parametrize("name", ["tanh", "elu", "gelu", "hardtanh"])
def test_whole_curve(benchmark: Any, name: str) -> None:
    """With an empty cache: every table, all branches, turning points, transitions, asymptotics and 400 samples."""
    benchmark.group = f"whole edge of chaos of {name}"
    found = from_scratch(name)
    (piece,) = found.pieces
    assert piece.sigma_w[-1] == pytest.approx(edge_of_chaos(name, sigma_b=2.0).points[0].sigma_w, rel=1e-13)
    first, again = best_of(from_scratch, name, times=5), best_of(eoc_curve, name)
    recorded(benchmark, **{"first use, ms": round(1e3 * first, 1), "again, ms": round(1e3 * again, 2)})
    benchmark(eoc_curve, name)


@pytest.mark.parametrize("text", ["residual(tanh, dense, skip=0.8)", "tanh, dropout(0.1), dense", "postln"])
def test_curve_of_a_network(benchmark: Any, text: str) -> None:
    """By the same mechanism as that of an activation, with moments from the algebra; along sigma_w behind a norm."""
    benchmark.group = f"whole edge of chaos of {text}"
    eoc_curve(text)
    plain, ours = best_of(from_scratch, "tanh", times=5), best_of(eoc_curve, text, times=5)
    recorded(benchmark, **{"ms": round(1e3 * ours, 1), "times that of tanh": round(ours / plain, 1)})
    benchmark.pedantic(lambda: eoc_curve(text), rounds=1)
