"""The kernels as plain Python: against NumPy, against their compiled selves, and once through everything.

Run these with NUMBA_DISABLE_JIT=1 as well.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from truth import error, values

from eoc.activations.formula import parse
from eoc.activations.named import named
from eoc.gaussian import kernels
from eoc.gaussian.moments import moments

pytestmark = pytest.mark.unjitted
RNG = np.random.default_rng(1)


def versions(kernel: Any) -> list[Any]:
    """The kernel as plain Python and, unless jit is off, compiled."""
    plain = getattr(kernel, "py_func", kernel)
    return [plain] if plain is kernel else [plain, kernel]


@pytest.mark.parametrize(("n", "rows", "variances"), [(1, 1, 1), (7, 2, 3), (512, 1, 2), (513, 3, 1), (1100, 2, 2)])
def test_integrate_is_a_weighted_sum(n: int, rows: int, variances: int) -> None:
    q, x = 10.0 ** RNG.uniform(-3, 3, variances), RNG.uniform(0.0, 8.0, n)
    weights, values = RNG.uniform(0.1, 1.0, n), RNG.standard_normal((rows, n))
    expected = np.array(
        [[math.fsum(w * math.exp(-y * y / (2 * s)) * g for w, y, g in zip(weights, x, row, strict=True))
          / math.sqrt(2 * math.pi * s) for row in values] for s in q]
    )  # fmt: skip
    magnitude = np.array([np.exp(-(x**2) / (2 * s)) * weights / math.sqrt(2 * math.pi * s) for s in q]) @ np.abs(
        values.T
    )
    found = []
    for kernel in versions(kernels.integrate):
        out = np.full((variances, rows), np.nan)
        kernel(q, x**2, weights, values, out)
        assert (np.abs(out - expected) <= 1e-14 * magnitude + 1e-300).all()
        found.append(out)
    assert np.ptp(found, axis=0) == pytest.approx(
        0.0, abs=1e-14 * magnitude.max() + 1e-300
    )  # an FMA moves exp(y) by |y| eps


def test_integrate_gaussian_factor_from_one_to_underflow() -> None:
    """A single node, whose factor is exp(-x^2/2q): right to 2 ulp and 0 below the normal numbers."""
    exponents = np.concatenate([[0.0], np.logspace(-18, np.log10(708.0), 60), [707.9999, 708.1, 750.0, 1e10]])
    for kernel in versions(kernels.integrate):
        for y in exponents:
            out = np.empty((1, 1))
            kernel(np.array([0.5]), np.array([y]), np.array([math.sqrt(math.pi)]), np.ones((1, 1)), out)
            expected = math.exp(-y) if y < 708.0 else 0.0
            assert out[0, 0] == pytest.approx(expected, rel=1e-15, abs=0.0)


@pytest.mark.parametrize(("q", "n"), [(0, 5), (2, 0)])
def test_integrate_nothing(q: int, n: int) -> None:
    for kernel in versions(kernels.integrate):
        out = np.full((q, 2), np.nan)
        kernel(np.ones(q), np.ones(n), np.ones(n), np.ones((2, n)), out)
        assert (out == 0.0).all()


def test_integrate_keeps_infinities_and_nan() -> None:
    for kernel in versions(kernels.integrate):
        out = np.empty((1, 3))
        kernel(np.ones(1), np.array([1.0, 2.0]), np.ones(2), np.array([[1, np.inf], [np.nan, 1], [1, 1]]), out)
        assert np.isposinf(out[0, 0])
        assert np.isnan(out[0, 1])
        assert np.isfinite(out[0, 2])


@pytest.mark.parametrize("variances", [0, 1, 9])
def test_evaluate_is_a_polynomial_with_its_error(variances: int) -> None:
    pieces, functions = 3, 4
    coefficients = RNG.standard_normal((pieces, functions, kernels.TERMS))
    relative, absolute = RNG.uniform(size=(2, pieces, functions))
    t, piece = RNG.uniform(-1, 1, variances), RNG.integers(0, pieces, variances)
    for rows in ([0], [3, 1], [0, 1, 2, 3]):
        found = []
        for kernel in versions(kernels.evaluate):
            out, bound = np.full((2, len(rows), variances), np.nan)
            kernel(t, piece, np.array(rows), coefficients, relative, absolute, out, bound)
            for r, k in enumerate(rows):
                for i, p in enumerate(piece):
                    expected = np.polynomial.polynomial.polyval(t[i], coefficients[p, k])
                    assert out[r, i] == pytest.approx(expected, abs=1e-14 * np.abs(coefficients[p, k]).sum())
                    assert bound[r, i] == pytest.approx(relative[p, k] * abs(out[r, i]) + absolute[p, k], rel=1e-15)
            found.append(out)
        assert np.isfinite(found).all()
        assert np.ptp(found, axis=0) == pytest.approx(0.0, abs=1e-13)


@pytest.mark.parametrize("name", ["tanh", "relu"])
def test_moments_stand_on_either_kernel(name: str) -> None:
    quantities = ("V", "D", "S") if name == "tanh" else ("V", "D")
    fresh = {"tanh": parse("tanh(x)"), "relu": named("relu")}[name]
    q = np.array([0.1, 1.0, 10.0])
    for quantity, found in moments(fresh, q, quantities).items():
        for i, x in enumerate(q):
            expected = values(quantity)[name][x]
            assert error(found.value[i], expected) <= 2e-13 * expected
            assert error(found.value[i], expected) <= found.error[i]
