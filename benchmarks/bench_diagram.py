"""A phase diagram against plain NumPy and SciPy: ``pytest benchmarks --benchmark-only``."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import roots_hermitenorm

from eoc.activations import activation
from eoc.phase import phase_diagram

FloatArray = NDArray[np.float64]

SIGMA_W, SIGMA_B = np.linspace(0.5, 4.0, 100), np.linspace(0.02, 2.0, 100)
SAMPLE = 40  # cells that the baseline is timed at, one by one: 10^4 would take minutes
ACCURACY = 1e-6
USUAL = 100  # nodes, as in hand-written code
SQRT_2PI = np.sqrt(2.0 * np.pi)


class Hermite:
    """All fields of one cell for tanh by Gauss-Hermite and Brent's method, as one would write it by hand."""

    def __init__(self, order: int) -> None:
        self.z, w = roots_hermitenorm(order)  # NumPy's own rule overflows beyond 370 nodes
        self.w = w / SQRT_2PI
        self.ww = np.outer(self.w, self.w)

    def variance(self, q: float) -> float:
        return float(self.w @ np.tanh(q**0.5 * self.z) ** 2)

    def slopes(self, q: float) -> tuple[float, float]:
        """E[phi'^2] and E[phi'^2 + phi phi'']."""
        t = np.tanh(q**0.5 * self.z)
        d = 1.0 - t**2
        return float(self.w @ d**2), float(self.w @ (d**2 - 2.0 * t**2 * d))

    def two_points(self, q: float, c: float, derivative: bool) -> float:
        u = q**0.5 * self.z[:, None]
        v = q**0.5 * (c * self.z[:, None] + (1.0 - c * c) ** 0.5 * self.z)
        if derivative:
            return float((self.ww * ((1.0 - np.tanh(u) ** 2) * (1.0 - np.tanh(v) ** 2))).sum())
        return float((self.ww * (np.tanh(u) * np.tanh(v))).sum())

    def cell(self, sigma_w: float, sigma_b: float) -> dict[str, float]:
        w, b = sigma_w**2, sigma_b**2
        q = brentq(lambda q: b + w * self.variance(q) - q, 0.5 * b, b + w + 1.0, xtol=1e-14, rtol=1e-13)
        d, slope = self.slopes(q)
        chi_1, c, at_c = w * d, 1.0, w * d
        if chi_1 > 1.0:
            c = brentq(lambda c: (b + w * self.two_points(q, c, False)) / q - c, 0.0, 1.0 - 1e-6, xtol=1e-12)
            at_c = w * self.two_points(q, c, True)
        return {
            "q": q,
            "slope": w * slope,
            "chi_1": chi_1,
            "c_star": c,
            "xi_q": -1.0 / np.log(abs(w * slope)),
            "xi_c": -1.0 / np.log(at_c),
            "xi_grad": -1.0 / np.log(chi_1),
        }


def sampled_cells() -> list[tuple[int, int]]:
    rng = np.random.default_rng(4)
    return [(int(rng.integers(SIGMA_B.size)), int(rng.integers(SIGMA_W.size))) for _ in range(SAMPLE)]


def by_hermite(order: int, found: Any, cells: list[tuple[int, int]]) -> tuple[float, float]:
    """The largest error in q, chi_1 and c* over the sampled cells, and the time for all cells that follows."""
    rule = Hermite(order)
    start = perf_counter()
    rows = [rule.cell(float(SIGMA_W[j]), float(SIGMA_B[i])) for i, j in cells]
    seconds = (perf_counter() - start) / SAMPLE * SIGMA_W.size * SIGMA_B.size
    off = [
        abs(row[name] - float(found[name][i, j]))
        for row, (i, j) in zip(rows, cells, strict=True)
        for name in ("q", "chi_1", "c_star")
    ]
    return max(off), seconds


def test_diagram_of_100_by_100_cells(benchmark: Any) -> None:
    """Against the customary order, and the smallest one tried that is good to ACCURACY."""
    found, cells = phase_diagram("tanh", SIGMA_W, SIGMA_B), sampled_cells()  # compiles
    usual_off, usual = by_hermite(USUAL, found, cells)
    for order in (160, 240, 320, 450, 640, 900, 1280):
        off, plain = by_hermite(order, found, cells)
        if off <= ACCURACY:
            break
    assert off <= ACCURACY

    benchmark.group = "diagram of tanh, 100 x 100"
    times = []
    for _ in range(3):
        activation("tanh").cache.clear()
        start = perf_counter()
        phase_diagram("tanh", SIGMA_W, SIGMA_B)
        times.append(perf_counter() - start)
    benchmark.pedantic(phase_diagram, args=("tanh", SIGMA_W, SIGMA_B), rounds=5, warmup_rounds=1)
    first, again = min(times), benchmark.stats.stats.min
    facts = {
        "first use (s)": round(first, 3),
        "later (s)": round(again, 3),
        f"Gauss-Hermite {order} (s, extrapolated)": round(plain, 1),
        "its error": f"{off:.0e}",
        "ratio, first use": round(plain / first),
        "ratio, later": round(plain / again),
        f"Gauss-Hermite {USUAL} (s)": round(usual, 1),
        "its  error": f"{usual_off:.0e}",
        "ratio, first  use": round(usual / first),
        "ratio,  later": round(usual / again),
    }
    benchmark.extra_info.update(facts)
    print(f"\n{benchmark.group}: {facts}")


@pytest.mark.parametrize("name", ["gelu", "elu", "relu", "hardtanh"])
def test_diagram_of_other_activations(benchmark: Any, name: str) -> None:
    phase_diagram(name, SIGMA_W, SIGMA_B)
    activation(name).cache.clear()
    start = perf_counter()
    phase_diagram(name, SIGMA_W, SIGMA_B)
    first = perf_counter() - start
    benchmark.group = f"diagram of {name}, 100 x 100"
    benchmark.pedantic(phase_diagram, args=(name, SIGMA_W, SIGMA_B), rounds=3, warmup_rounds=1)
    print(f"\n{benchmark.group}: first use {first:.2f} s, later {benchmark.stats.stats.min:.3f} s")


def test_a_million_cells(benchmark: Any) -> None:
    wide = np.linspace(0.5, 4.0, 1000), np.linspace(0.02, 2.0, 1000)
    benchmark.group = "diagram of tanh, 1000 x 1000"
    benchmark.pedantic(phase_diagram, args=("tanh", *wide), rounds=1, warmup_rounds=0)
    print(f"\n{benchmark.group}: {benchmark.stats.stats.min:.1f} s")
