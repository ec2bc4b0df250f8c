"""Distances from tables in variance and angle are those of the integrals, within the bounds they come with."""

import numpy as np
import pytest

from eoc.activations import activation
from eoc.gaussian.bivariate import bivariate
from eoc.gaussian.quick import quick_half_distances
from eoc.layers import Input, Pairs
from eoc.layers.elementwise import Elementwise

E = np.concatenate([np.random.default_rng(0).uniform(0.01, 1.3, 200), [0.0, 1e-300, 1e-12, 1e-6, 1.9, 2.0]])


@pytest.mark.parametrize("name", ["tanh", "relu", "silu", "silu(x)/0.596", "hardtanh", "softplus", "sign", "exp(x/3)"])
@pytest.mark.parametrize("q", [1e-3, 0.7, 1.0, 11.0])
def test_they_are_those_of_the_integrals(name, q):
    phi = activation(name)
    found, exact = quick_half_distances(phi, q, E), bivariate(phi, q, one_minus_c=E, names=("G",))["G"]
    assert np.isfinite(found.error).all()
    assert (abs(found.value - exact.value) <= found.error + exact.error).all()
    assert (found.error <= 2e-3 * found.value).all()
    known = exact.value > 0.0
    assert (abs(found.value[known] / exact.value[known] - 1.0) < 1e-4).all()


def test_what_turns_too_fast_for_tables_is_integrated():
    phi = activation("tanh(300*x)")
    found, exact = quick_half_distances(phi, 1.1, E), bivariate(phi, 1.1, one_minus_c=E, names=("G",))["G"]
    assert (abs(found.value - exact.value) <= 2.0 * exact.error).all()


def test_pairs_that_are_quick_take_them_and_leave_out_what_is_not_known():
    pairs = Pairs(np.zeros(2, np.int64), np.zeros(2, np.int64), strict=False, quick=True)
    found = Elementwise(activation("gelu"))(Input([1.3], [0.2, np.nan], pairs))
    exact = bivariate("gelu", 1.3, one_minus_c=0.2, names=("G",))["G"].value
    assert found.G.value[0] == pytest.approx(float(exact), rel=1e-5)
    assert np.isnan(found.G.value[1])
    assert np.isinf(found.G.error[1])


def test_far_out_it_is_that_of_a_homogeneous_function():
    phi = activation("gelu")
    found, exact = quick_half_distances(phi, 1e5, E), bivariate("relu", 1e5, one_minus_c=E, names=("G",))["G"]
    known = exact.value > 0.0
    assert (abs(found.value[known] / exact.value[known] - 1.0) < 0.01).all()
    assert (found.error[known] < 0.1 * found.value[known]).all()


def test_what_oscillates_fast_is_summed_over_a_lattice():
    phi, e = activation("sin(30*x)"), np.array([1e-6, 1e-4, 1e-3, 0.01, 0.3])
    found = quick_half_distances(phi, 0.3, e)
    exact = 0.5 * (1.0 - np.exp(-1800.0 * 0.3)) - (np.exp(-900.0 * 0.3 * e) - np.exp(-900.0 * 0.3 * (2.0 - e))) / 2.0
    assert found.value == pytest.approx(exact, rel=0.01)
