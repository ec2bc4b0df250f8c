"""Roots by scan and refinement: none is lost, none is invented."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from eoc.scan import PER_DECADE, all_roots, bracketed_roots, decades

FloatArray = NDArray[np.float64]

GRID = decades(1e-6, 1e6)


def with_roots(roots: Sequence[float], noise: float = 1e-15) -> object:
    """A function of log q with the given roots, and a bound on its error."""

    def function(q: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        factors = np.tanh(np.log(q)[..., None] - np.log(roots))
        return np.prod(factors, axis=-1), np.full(q.shape, noise)

    return function


@pytest.mark.parametrize(("low", "high"), [(1e-20, 1e8), (1.0, 10.0), (0.3, 0.31), (5e-9, 1.1e4)])
def test_decades_include_both_ends_at_the_promised_density(low: float, high: float) -> None:
    grid = decades(low, high)
    assert (grid[0], grid[-1]) == (low, high)
    assert (np.diff(np.log10(grid)) <= 1.0 / PER_DECADE + 1e-12).all()
    assert (np.diff(grid) > 0.0).all()


@settings(deadline=None, max_examples=50, derandomize=True)
@given(st.lists(st.floats(-5.0, 5.0), max_size=6).map(sorted))
def test_all_separate_roots_are_found_with_the_signs_between_them(exponents: list[float]) -> None:
    assume(all(b - a > 2.5 / PER_DECADE for a, b in pairwise(exponents)))
    expected = 10.0 ** np.array(exponents)
    roots, signs = all_roots(with_roots(expected), GRID)
    assert roots == pytest.approx(expected, rel=1e-12)
    n = len(exponents)
    assert signs.tolist() == [(-1.0) ** (n - i) for i in range(n + 1)]


@pytest.mark.parametrize("gap", [1e-2, 1e-4, 1e-6])
@pytest.mark.parametrize("at", [0.013, 1.0, 2.2e3])
def test_two_roots_between_neighbouring_grid_points(gap: float, at: float) -> None:
    roots, signs = all_roots(with_roots([at, at * (1.0 + gap)]), GRID)
    assert roots == pytest.approx([at, at * (1.0 + gap)], rel=1e-9)
    assert signs.tolist() == [1.0, -1.0, 1.0]


def test_a_root_that_only_touches_zero() -> None:
    roots, signs = all_roots(lambda q: (np.log(q) ** 2, np.full(q.shape, 1e-16)), GRID)
    assert roots == pytest.approx([1.0], rel=1e-7)
    assert signs.tolist() == [1.0, 1.0]


def test_a_near_miss_is_no_root() -> None:
    roots, signs = all_roots(lambda q: (-(np.log(q) ** 2) - 1e-6, np.full(q.shape, 1e-16)), GRID)
    assert (roots.size, signs.tolist()) == (0, [-1.0])


@pytest.mark.parametrize("value", [0.0, np.nan, 1e-20])
def test_unknown_everywhere(value: float) -> None:
    roots, signs = all_roots(lambda q: (np.full(q.shape, value), np.full(q.shape, 1e-16)), GRID)
    assert (roots.size, signs.tolist()) == (0, [0.0])


def test_noise_and_nan_are_no_roots() -> None:
    rng = np.random.default_rng(0)

    def function(q: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        noisy = np.where(q < 1.0, 1e-15 * rng.standard_normal(q.shape), np.log(q / 100.0))
        return np.where(q > 1e5, np.nan, noisy), np.full(q.shape, 1e-14)

    roots, signs = all_roots(function, GRID)
    assert roots == pytest.approx([100.0], rel=1e-12)
    assert signs.tolist() == [-1.0, 1.0]


def test_bracketed_roots_are_right_to_rounding_and_cheap() -> None:
    target = np.geomspace(1e-9, 1e9, 50)
    calls = []

    def function(q: FloatArray, a: FloatArray) -> FloatArray:
        calls.append(q.size)
        return np.asarray(np.tanh(np.log(q / a)))

    found = bracketed_roots(function, target / 3.7, target * 1.9, (target,))
    np.testing.assert_allclose(found, target, rtol=2e-15)
    assert len(calls) <= 14
    assert bracketed_roots(lambda q: (q - 1.0) ** 9, np.zeros(1), np.full(1, 7.0)).item() == pytest.approx(
        1.0, abs=0.02
    )
    assert np.isnan(bracketed_roots(lambda q: np.where(q < 0.1, -1.0, np.nan), np.zeros(1), np.ones(1))).all()
