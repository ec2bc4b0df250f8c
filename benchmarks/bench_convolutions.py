"""Covariances of all positions of an image in a deep convolutional network, beside the same in plain NumPy.

That of NumPy uses the closed forms of ReLU and erf, and has no bounds; where positions merge it has half the digits of
1 - c. Ours knows the form that all homogeneous activations have; others come from tables.
"""

from __future__ import annotations

from collections.abc import Callable
from time import process_time
from typing import Any

import numpy as np
import pytest

from eoc.propagation import propagate_positions

SIDE, DEPTH = 32, 100
SIGMA_W, SIGMA_B = 1.4, 0.1
FACTOR = {"relu": 8.0, "erf": 60.0}


def relu(k: np.ndarray) -> np.ndarray:
    size = np.sqrt(np.diag(k))
    scale = np.multiply.outer(size, size)
    c = np.clip(k / scale, -1.0, 1.0)
    return np.asarray(scale * (np.sqrt(1.0 - c * c) + (np.pi - np.arccos(c)) * c) / (2.0 * np.pi))


def erf(k: np.ndarray) -> np.ndarray:
    size = np.sqrt(1.0 + 2.0 * np.diag(k))
    return np.asarray(2.0 / np.pi * np.arcsin(2.0 * k / np.multiply.outer(size, size)))


def convolved(k: np.ndarray) -> np.ndarray:
    """Three by three taps, zeros beyond the edges."""
    padded = np.zeros((SIDE + 2,) * 2 + (SIDE + 2,) * 2)
    padded[1:-1, 1:-1, 1:-1, 1:-1] = k.reshape((SIDE,) * 4)
    total = np.zeros((SIDE,) * 4)
    for i in range(3):
        for j in range(3):
            total += padded[i : i + SIDE, j : j + SIDE, i : i + SIDE, j : j + SIDE]
    return np.asarray(SIGMA_W**2 / 9.0 * total.reshape(SIDE**2, -1) + SIGMA_B**2)


def plain(phi: Callable[[np.ndarray], np.ndarray], x: np.ndarray) -> np.ndarray:
    rows = x.reshape(x.shape[1], -1).T
    k = convolved(rows @ rows.T / rows.shape[1])
    for _ in range(DEPTH):
        k = convolved(phi(k))
    return k


@pytest.mark.benchmark(group="convolutional network")
@pytest.mark.parametrize("phi", [relu, erf], ids=["relu", "erf"])
def test_a_deep_convolutional_network_on_images(benchmark: Any, phi: Callable[[np.ndarray], np.ndarray]) -> None:
    x = np.random.default_rng(0).standard_normal((1, 3, SIDE, SIDE))
    conv = f"conv(3, {SIGMA_W}, {SIGMA_B}, pad='zero')"
    text = f"{conv}, repeat({DEPTH}, {phi.__name__}, {conv})"
    theirs, slow = timed(lambda: plain(phi, x))
    run, ours = timed(lambda: benchmark.pedantic(lambda: propagate_positions(text, x), rounds=1))
    assert np.allclose(run.covariance.reshape(SIDE**2, -1), theirs, rtol=1e-6)
    facts = {"ms_a_layer": 1e3 * ours / DEPTH, "numpy_ms_a_layer": 1e3 * slow / DEPTH, "ratio": ours / slow}
    benchmark.extra_info.update(facts)
    print(f"\n{phi.__name__}: {facts}")
    assert ours <= FACTOR[phi.__name__] * slow


def timed(function: Callable[[], Any]) -> tuple[Any, float]:
    """The result, and seconds of the processor: both are done by one thread."""
    start = process_time()
    return function(), process_time() - start
