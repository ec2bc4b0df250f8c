"""Few networks: comparisons whose errors are honest, or none."""

import numpy as np
import pytest

from eoc.errors import EocError
from eoc.montecarlo.experiments.comparison import Comparison
from eoc.montecarlo.experiments.divergence import divergence
from eoc.montecarlo.experiments.second_layer import (
    RECIPROCAL,
    cauchy_comparisons,
    covariance_comparisons,
    second_layer,
)


def test_at_the_fewest_networks_z_is_normal():
    found = [
        [
            *cauchy_comparisons(second_layer(RECIPROCAL, width=10, networks=100, seed=seed)),
            *(
                one
                for name in ("relu", "heaviside")
                for one in covariance_comparisons(
                    second_layer(name, 2**0.5, width=10, networks=100, units=10, seed=seed)
                )
            ),
        ]
        for seed in range(200)
    ]
    z = np.array([[one.z for one in row] for row in found])
    assert np.abs(z).max() < 4.0  # of 1400 normal numbers one exceeds it with a probability of 8 %
    assert ((z.std(axis=0) > 0.7) & (z.std(axis=0) < 1.2)).all()


def test_fewer_networks_are_not_compared():
    with pytest.raises(EocError, match=r"fewer than 100 networks .* got 99"):
        cauchy_comparisons(second_layer(RECIPROCAL, width=10, networks=99, seed=1))
    with pytest.raises(EocError, match=r"fewer than 100 networks .* got 2"):
        covariance_comparisons(second_layer("relu", width=10, networks=2, seed=1))


@pytest.mark.parametrize("networks", [1, 2, 10])
def test_few_kernels_of_exponentials_have_the_errors_of_theory(networks):
    runs = [divergence(0.5, widths=[10, 100], networks=networks, seed=seed) for seed in range(60)]
    z = np.array([[one.z for one in run.comparisons] for run in runs])
    assert np.abs(z).max() < 4.0
    assert 0.7 < z.std() < 1.3
    assert all((run.low >= 0.0).all() for run in runs)


def test_too_many_networks_are_refused_at_once():
    for sample in (
        lambda: second_layer("relu", width=10, networks=10**9, units=100, seed=1),
        lambda: divergence(0.5, widths=[10, 100], networks=8 * 10**9, seed=1),
    ):
        with pytest.raises(EocError, match="would take"):
            sample()


def test_progress_is_reported():
    seen = []
    second_layer("relu", width=1000, networks=50, seed=1, progress=lambda *at: seen.append(at))
    assert seen[-1] == (50, 50)
    divergence(0.5, widths=[10, 100], networks=50, seed=1, progress=lambda *at: seen.append(at))
    assert seen[-1] == (1.0, 1.0)
    assert (np.diff([done for done, total in seen if total == 1.0]) > 0.0).all()


@pytest.mark.parametrize("numbers", [(None, "x", 2.0, 1.0), (None, 1.0, None, 1.0), (None, 1.0, 2.0, "a")])
def test_comparisons_are_of_numbers(numbers):
    with pytest.raises(EocError, match="must be a real number"):
        Comparison("a", *numbers)
