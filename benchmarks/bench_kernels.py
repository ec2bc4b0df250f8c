"""Kernels of networks on data: ``pytest benchmarks/bench_kernels.py --benchmark-only``.

NNGP and NTK with all their bounds, of 2000 inputs whose norms differ by up to a factor of 3, through 5 layers, against
two-dimensional Gauss-Hermite quadrature of both, and for relu against Cho & Saul's formulas in NumPy.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter, process_time
from typing import Any

import numpy as np
import pytest
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import NDArray

import eoc
from eoc.activations import activation
from eoc.activations.base import Activation

FloatArray = NDArray[np.float64]
INPUTS, FURTHEST, DEPTH = 2000, 3.0, 5
FEW = 20  # pairs that Gauss-Hermite is timed at, for all of them
ACCURACY = 1e-6
MAX_ORDER = 300
SIGMAS = {"sigma_w": 1.5, "sigma_b": 0.2}
RELU = {"sigma_w": 2**0.5, "sigma_b": 0.1}


def kinked(x: FloatArray) -> FloatArray:
    return np.where(x > 0.3, x - 0.3, 0.0) + np.tanh(x)


def data(n: int) -> FloatArray:
    """Inputs that have something in common."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, 50)) + 0.7
    return x / np.linalg.norm(x, axis=1)[:, None] * rng.uniform(1.0, FURTHEST, (n, 1)) * 50.0**0.5 / FURTHEST


def timed(function: Callable[..., Any], *args: Any, **rest: Any) -> tuple[float, float, Any]:
    """Wall time, time of the processor, and what comes out."""
    wall, cpu = perf_counter(), process_time()
    found = function(*args, **rest)
    return perf_counter() - wall, process_time() - cpu, found


def recorded(benchmark: Any, **facts: Any) -> None:
    benchmark.extra_info.update(facts)
    print(f"\n{benchmark.group}: {facts}")


def by_hermite(f: Activation, order: int, x: FloatArray, pairs: list[tuple[int, int]]) -> FloatArray:
    """NNGP and NTK of pairs, (n, 2), by an order x order rule in every layer; variances by that of one dimension."""
    z, w = hermegauss(order)
    w = w / w.sum()
    w2, b2 = SIGMAS["sigma_w"] ** 2, SIGMAS["sigma_b"] ** 2
    out = []
    for i, j in pairs:
        (a, k), (_, b) = b2 + w2 * (x[[i, j]] @ x[[i, j]].T) / x.shape[1]
        ntk = k
        for _ in range(DEPTH):
            c, u = k / (a * b) ** 0.5, a**0.5 * z
            v = b**0.5 * (c * z[:, None] + max(1.0 - c * c, 0.0) ** 0.5 * z)
            k = b2 + w2 * float((w * f(u)) @ (f(v) @ w))
            ntk = k + w2 * float((w * f.dphi(u)) @ (f.dphi(v) @ w)) * ntk
            a, b = (b2 + w2 * float(w @ f(q**0.5 * z) ** 2) for q in (a, b))
        out.append((k, ntk))
    return np.array(out)


@pytest.mark.parametrize("phi", ["tanh", "gelu", "elu", kinked], ids=str)
def test_kernels(benchmark: Any, phi: Any) -> None:
    """First use, then again, beside the lowest order of Gauss-Hermite that is good to 1e-6."""
    x, f = data(INPUTS), activation(phi)
    benchmark.group = f"{INPUTS} inputs, {DEPTH} layers, {f.name}"
    first = timed(eoc.kernel, f, x, depth=DEPTH, **SIGMAS)
    again = timed(eoc.kernel, f, x, depth=DEPTH, **SIGMAS)
    found = again[2]
    pairs = [(k, k + 1) for k in range(FEW)]
    known = np.array([(found.nngp[pair], found.ntk[pair]) for pair in pairs])
    order, off = 8, 1.0
    while off > ACCURACY and order < MAX_ORDER:
        order = min(int(1.2 * order) + 1, MAX_ORDER)
        wall, cpu, values = timed(by_hermite, f, order, x, pairs)
        off = float(np.abs(values / known - 1.0).max())
    theirs = INPUTS * (INPUTS + 1) / 2 / FEW
    benchmark.pedantic(lambda: None)
    recorded(
        benchmark,
        first_s=first[:2],
        again_s=again[:2],
        ns_an_element_and_layer=1e9 * again[1] / INPUTS**2 / DEPTH,
        hermite_order=order,
        hermite_error=off,
        ratio_wall=wall * theirs / again[0],
        ratio_cpu=cpu * theirs / again[1],
        bound_nngp=float((found.nngp_error / found.nngp).max()),
        bound_ntk=float((found.ntk_error / found.ntk).max()),
    )


def arc_cosine(x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Both kernels as they are written down."""
    w2, b2 = RELU["sigma_w"] ** 2, RELU["sigma_b"] ** 2
    k = b2 + w2 * x @ x.T / x.shape[1]
    ntk = k
    for _ in range(DEPTH):
        q = np.sqrt(np.diag(k))
        unit = q[:, None] * q
        c = np.clip(k / unit, -1.0, 1.0)
        theta = np.arccos(c)
        slopes = (np.pi - theta) / (2.0 * np.pi)
        k = b2 + w2 * unit * (np.sin(theta) / (2.0 * np.pi) + c * slopes)
        ntk = k + w2 * slopes * ntk
    return k, ntk


def test_relu(benchmark: Any) -> None:
    """Beside the closed form in NumPy, which has no bounds and has lost 1 - c."""
    x = data(INPUTS)
    benchmark.group = f"{INPUTS} inputs, {DEPTH} layers, relu"
    eoc.kernel("relu", x, depth=1, **RELU)  # loads what is compiled
    ours, theirs = timed(eoc.kernel, "relu", x, depth=DEPTH, **RELU), timed(arc_cosine, x)
    assert np.abs(theirs[2][1] / ours[2].ntk - 1.0).max() < 1e-6
    benchmark.pedantic(lambda: None)
    recorded(
        benchmark,
        ours_s=ours[:2],
        theirs_s=theirs[:2],
        ratio=[a / b for a, b in zip(ours[:2], theirs[:2], strict=True)],
    )
