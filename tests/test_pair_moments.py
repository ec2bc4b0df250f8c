"""Expectations at pairs of variances from tables: bounds hold, digits are there, limits are met, refusals are clear."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eoc.activations import activation
from eoc.errors import EocError
from eoc.gaussian.bivariate import bivariate
from eoc.gaussian.hinges import expectation_of_lines
from eoc.gaussian.moments import moments
from eoc.gaussian.pair_matrices import pair_matrices
from eoc.gaussian.pair_tables import pair_tables
from eoc.gaussian.pairs import NAMES, pair_moments
from eoc.gaussian.unequal import by_plane

MP = mp.mp.clone()
MP.dps = 50
few = settings(max_examples=15, deadline=None, derandomize=True)


def kinked(x):
    return np.where(x > 0.3, x - 0.3, 0.0) + np.tanh(x)


def bumped(x):
    return x + 0.3 * np.exp(-(((x - 4.31) / 0.05) ** 2))


def drawn(seed, n, low=0.7, high=1.9):
    """Pairs of all distances: variances (2n,) in one octave and a bit, and 1 - c (n,)."""
    rng = np.random.default_rng(seed)
    larger = rng.uniform(low, high, n)
    smaller = larger * np.exp(-(10.0 ** rng.uniform(-9.0, 0.0, n)))
    e = 10.0 ** rng.uniform(-12.0, 0.0, n)
    e[::3], e[1::6] = rng.uniform(0.0, 2.0, e[::3].size), 2.0 - 10.0 ** rng.uniform(-6.0, 0.0, e[1::6].size)
    return np.concatenate([larger, smaller]), e


def found_at(phi, q, e):
    n = e.size
    return pair_moments(phi, q, np.arange(n), np.arange(n) + n, one_minus_c=e)


ALL = ["tanh", "gelu", "elu", "hardtanh", "softplus", "silu(x) + abs(x - 0.5)/9", kinked, bumped]


@pytest.mark.parametrize("name", ALL, ids=lambda one: one if isinstance(one, str) else one.__name__)
def test_bounds_hold_against_the_integral_over_the_plane(name):
    phi = activation(name)
    q, e = drawn(1, 4, 1.1, 1.9)
    found = found_at(phi, q, e)
    for k in range(e.size):
        for part in NAMES:
            value, off = by_plane(phi, part, float(q[k]), float(q[k + e.size]), float(e[k]))
            assert abs(found[part].value[k] - value) <= found[part].error[k] + off


@pytest.mark.parametrize("name", ALL, ids=lambda one: one if isinstance(one, str) else one.__name__)
def test_bounds_are_small(name):
    phi = activation(name)
    q, e = drawn(1, 8, 1.1, 1.9)
    found, m = found_at(phi, q, e), moments(phi, q, ("V", "D"))
    assert (found["K"].error < 1e-11 * m["V"].value.reshape(2, -1).max(axis=0)).all()
    assert (found["Kd"].error < 1e-11 * m["D"].value.max()).all()
    assert (found["G"].error < 3e-10 * found["G"].value).all()


def williams(a, b, k):
    root = MP.sqrt((1 + 2 * a) * (1 + 2 * b))
    return 2 / MP.pi * MP.asin(2 * k / root), 4 / MP.pi / MP.sqrt(root**2 - 4 * k**2)


CLOSED = {
    "erf": williams,
    "sin": lambda a, b, k: (MP.exp(-(a + b) / 2) * MP.sinh(k), MP.exp(-(a + b) / 2) * MP.cosh(k)),
    "exp(x/2)": lambda a, b, k: (MP.exp((a + b + 2 * k) / 8), MP.exp((a + b + 2 * k) / 8) / 4),
}


@pytest.mark.parametrize("name", CLOSED)
def test_closed_forms(name):
    """K to 5e-14 of V, Kd to 1e-13 of D, G to 2e-12 relative, however close the inputs."""
    q, e = drawn(2, 60)
    n = e.size
    found, closed = found_at(activation(name), q, e), CLOSED[name]
    for k in range(n):
        a, b, c = MP.mpf(q[k]), MP.mpf(q[k + n]), 1 - MP.mpf(e[k])
        (v_a, d_a), (v_b, _), (kernel, slopes) = closed(a, a, a), closed(b, b, b), closed(a, b, c * MP.sqrt(a * b))
        exact = {"K": kernel, "Kd": slopes, "G": (v_a + v_b) / 2 - kernel}
        off = {part: float(abs(found[part].value[k] - exact[part])) for part in NAMES}
        assert all(off[part] <= found[part].error[k] for part in NAMES)
        assert off["K"] <= 5e-14 * v_a
        assert off["Kd"] <= 1e-13 * d_a
        assert off["G"] <= 2e-12 * exact["G"]


def test_many_kinks_are_sums_over_pairs_of_kinks():
    phi = activation("0.3*x + abs(x + 1.5) - 0.8*abs(x + 0.4) + 0.2*abs(x - 0.9)")
    q, e = drawn(3, 40, 1.1, 1.9)
    found = found_at(phi, q, e)
    for k in range(e.size):
        for part in ("K", "Kd"):
            value, off = expectation_of_lines(phi, part == "Kd", float(q[k]), float(q[k + e.size]), float(e[k]))
            assert abs(found[part].value[k] - value) <= found[part].error[k] + off


@pytest.mark.parametrize("text", ["sign", "step(x) - 0.3", "sign(x - 0.3) + 2*sign(x + 1)"])
def test_steps_are_sums_over_pairs_of_jumps(text):
    phi = activation(text)
    q, e = drawn(7, 60)
    found = found_at(phi, q, e)
    for k in range(0, e.size, 7):
        for part in ("K", "G"):
            value, off = by_plane(phi, part, float(q[k]), float(q[k + e.size]), float(e[k]))
            assert abs(found[part].value[k] - value) <= found[part].error[k] + off
    assert (found["K"].error < 1e-12).all()
    assert not found["Kd"].value.any()  # without deltas
    matrices = pair_matrices(phi, q[:4], np.full((4, 4), 0.3))
    pairs = pair_moments(phi, q[:4], [0, 1, 2], [1, 2, 3], one_minus_c=[0.3] * 3)
    assert matrices.K[[0, 1, 2], [1, 2, 3]] == pytest.approx(pairs["K"].value, rel=1e-14)
    assert max(matrices.K_error, matrices.G_error) < 1e-11


def test_a_single_step_at_0_keeps_the_digits_of_distances():
    found = pair_moments("sign", [1.0, 2.0], [0], [1], one_minus_c=[1e-20])["G"]
    assert found.value == pytest.approx(2.0 / np.pi * np.sqrt(2e-20), rel=1e-14)
    assert found.error < 1e-13 * found.value


variances, distances = st.floats(1.0, 1.99), st.floats(0.0, 2.0)


@few
@given(variances, variances, distances)
def test_the_order_of_two_inputs_is_nothing(a, b, e):
    one, other = (pair_moments("gelu", [a, b], [i], [1 - i], one_minus_c=[e]) for i in (0, 1))
    for part in NAMES:
        assert one[part].value == other[part].value


@few
@given(variances, distances)
def test_equal_variances_are_those_of_one(q, e):
    found, exact = pair_moments("gelu", [q, q], [0], [1], one_minus_c=[e]), bivariate("gelu", q, one_minus_c=e)
    for part in NAMES:
        assert abs(found[part].value - exact[part].value) <= found[part].error + exact[part].error


@few
@given(variances, variances)
def test_independent_inputs(a, b):
    mean = moments("gelu", [a, b], ("M",))["M"]
    found = pair_moments("gelu", [a, b], [0], [1], [0.0])["K"]
    assert abs(found.value - mean.value.prod()) <= found.error + np.abs(mean.value).sum() * mean.error.max()


@few
@given(variances)
def test_equal_and_opposite_inputs(q):
    m = moments("gelu", q, ("V", "D"))
    same = pair_moments("gelu", [q], [0], [0], [1.0])
    assert same["G"].value == 0.0
    assert same["G"].error == 0.0
    assert abs(same["K"].value - m["V"].value) <= same["K"].error
    assert abs(same["Kd"].value - m["D"].value) <= same["Kd"].error + m["D"].error
    opposite = pair_moments("tanh", [q], [0], [0], [-1.0])
    assert opposite["K"].value == pytest.approx(-float(moments("tanh", q, ("V",))["V"].value), rel=1e-12)


def test_values_depend_on_what_was_asked_before_by_rounding_at_most():
    q, e = drawn(4, 10)
    one, other = activation("tanh(x) + x/5"), activation("tanh(x) + x/5")
    together = found_at(one, q, e)
    for k in range(e.size):
        alone = pair_moments(other, q[[k, k + e.size]], [0], [1], one_minus_c=e[[k]])
        for part in NAMES:
            assert abs(alone[part].value[0] - together[part].value[k]) <= 0.02 * together[part].error[k]


@pytest.mark.parametrize("name", ["sign", "exp(0.1*x**2)", "relu", "x**3"])
def test_what_tables_do_not_resolve_is_right_as_well(name):
    phi = activation(name)
    q, e = np.array([1.3, 0.9, 0.9 / 3e4]), np.array([0.4, 1e-6, 1.7])
    found = pair_moments(phi, q, [0, 0, 1], [1, 1, 2], one_minus_c=e, names=("K",))["K"]
    for k, (i, j) in enumerate([(0, 1), (0, 1), (1, 2)]):
        value, off = by_plane(phi, "K", q[i], q[j], e[k])
        assert abs(found.value[k] - value) <= found.error[k] + off


def test_tables_are_kept_with_the_activation():
    phi = activation("tanh(x) + x/7")
    assert pair_tables(phi, 0) is pair_tables(phi, 0)
    assert pair_tables(activation("sign"), 0) is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (([1.0, 0.0], [0], [1], [0.5]), "q must be > 0"),
        (([1.0, np.nan], [0], [1], [0.5]), "q must be a variance"),
        (([1.0, 2.0], [0], [2], [0.5]), "inputs 0 to 1, got 2"),
        (([1.0, 2.0], [0], [1], [1.5]), "c must lie between -1 and 1"),
        (([1.0, 2.0], [0.5], [1], [0.5]), "whole numbers"),
        (([1.0, 2.0], [0], [1, 0], [0.5]), "as many"),
    ],
)
def test_bad_input(arguments, said):
    with pytest.raises(EocError, match=said):
        pair_moments("tanh", *arguments)


@pytest.mark.parametrize("name", ["tanh", "gelu", "relu", "sign"])
def test_matrices_are_those_of_the_pairs(name):
    rng = np.random.default_rng(6)
    n = 3 if name == "sign" else 9
    q, x = rng.uniform(0.8, 3.0, n), rng.standard_normal((n, 12))
    x /= np.linalg.norm(x, axis=1)[:, None]
    q[1] = q[0]
    e = 0.5 * ((x[:, None] - x) ** 2).sum(axis=2)
    found, (first, second) = pair_matrices(name, q, e), np.triu_indices(n, 1)
    pairs, m = pair_moments(name, q, first, second, one_minus_c=e[first, second]), moments(name, q, ("V", "D"))
    for part in NAMES:
        matrix = getattr(found, part)
        assert (matrix == matrix.T).all()
        assert (abs(matrix[first, second] - pairs[part].value) <= 0.02 * pairs[part].error).all()
    assert (np.diag(found.K) == m["V"].value).all()
    assert (np.diag(found.Kd) == m["D"].value).all()
    assert (np.diag(found.G) == 0.0).all()
    larger = np.maximum(m["V"].value[first], m["V"].value[second])
    assert (pairs["K"].error <= found.K_error * larger * (1.0 + 1e-12)).all()
    assert (pairs["Kd"].error <= found.Kd_error).all()
    assert (pairs["G"].error <= found.G_error * pairs["G"].value * (1.0 + 1e-12)).all()


def test_matrices_are_written_to_what_is_given():
    out = tuple(np.full((3, 3), np.nan) for _ in range(3))
    found = pair_matrices("tanh", [1.1, 1.5, 1.9], np.full((3, 3), 0.3), out=out)
    assert found.K is out[0]
    assert np.isfinite(out).all()
    with pytest.raises(EocError, match="three contiguous arrays"):
        pair_matrices("tanh", [1.1, 1.5], np.full((2, 2), 0.3), out=out)
    with pytest.raises(EocError, match="2 variances need"):
        pair_matrices("tanh", [1.1, 1.5], np.full((3, 3), 0.3))


def test_variances_too_far_apart_for_tables_in_a_matrix():
    e = np.array([[0.0, 0.4, 0.5], [0.4, 0.0, 0.7], [0.5, 0.7, 0.0]])
    q = [3e4, 1.0, 1.5]
    found = pair_matrices("tanh", q, e)
    for i, j in [(0, 1), (0, 2), (1, 2)]:
        value, off = by_plane(activation("tanh"), "K", q[i], q[j], e[i, j])
        assert abs(found.K[j, i] - value) <= off + found.K_error
