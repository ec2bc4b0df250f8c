"""The recommended place: what it is for the usual activations, that it obeys its rule, and what it says."""

from __future__ import annotations

import math

import numpy as np
import pytest

import eoc
from eoc.activations import activation
from eoc.activations.base import Smoothness
from eoc.activations.named import STANDARD
from eoc.criticality.recommended import DEFAULT_DEPTH, round_variances
from eoc.errors import EocError
from eoc.rates import depth_scale

DEPTHS = (10, 30, 60)
Q = {  # published in docs/recommendation.md
    "gelu": (0.75, 1.7, 2.2),
    "silu": (0.05, 5.6, 7.9),
    "mish": (0.05, 0.95, 1.4),
    "selu": (0.05, 0.05, 0.05),
    "elu": (0.05, 0.05, 0.05),
    "softsign": (0.05, 0.05, 0.05),
    "tanh": (0.087, 0.087, 0.078),
}
ORDERED_Q = {"softplus": (16.0, 120.0, 460.0), "sigmoid": (28.0, 39.0, 42.0)}
NONE = ("sign", "heaviside", "quantiser(levels=8)", "hardshrink")


@pytest.mark.parametrize("name", Q)
def test_what_is_recommended(name: str) -> None:
    for depth, q in zip(DEPTHS, Q[name], strict=True):
        found = eoc.recommend(name, depth)
        assert (found.activation, found.depth, found.q, found.chi_1, found.gradient_ratio) == (name, depth, q, 1.0, 1.0)
        (point,) = eoc.edge_of_chaos(name, q=q).points
        assert (found.sigma_w, found.sigma_b) == (point.sigma_w, point.sigma_b)
        assert (found.sigma_w_error, found.sigma_b_error) == (point.sigma_w_error, point.sigma_b_error)


@pytest.mark.parametrize(
    ("name", "depth"),
    [("gelu", 2), ("gelu", 30), ("mish", 500), ("selu", 30), ("hardtanh", 200), ("snake", 30), ("x_plus_half_tanh", 2)],
)
def test_the_rule_holds_and_no_smaller_variance_obeys_it(name: str, depth: int) -> None:
    found = eoc.recommend(name, depth)
    phi, q = activation(name), round_variances(0.05, 1e4)
    along = eoc.curve(name, q)
    larger = along.sigma_b**2 + along.sigma_w**2 * eoc.moments(phi, 4.0 * q, ("V",))["V"].value
    holds = (larger / (4.0 * q)) ** depth <= math.e  # not where sigma_b is NaN
    scale = depth_scale(phi, q)
    good = holds & (scale <= max(100.0, 2.0 * depth))
    assert found.q == (q[good][0] if good.any() else q[holds][np.argmin(scale[holds])])


def test_the_edge_is_kept_where_inputs_stay_apart_on_it() -> None:
    """Also where there is none at small variances: 1 - c would be less in the ordered phase."""
    for name in ("tanh(x) + 0.1", "cos"):
        assert eoc.recommend(name, 10).point is not None
    assert eoc.edge_of_chaos("sigmoid").best.q == 46.0


@pytest.mark.parametrize(("steep", "plain"), [("tanh(50*x)", "tanh"), ("elu(40*x)", "elu"), ("gelu(30*x)", "gelu")])
def test_steep_functions_are_not_driven_into_saturation(steep: str, plain: str) -> None:
    found = eoc.recommend(steep)
    assert found.q < 0.01
    assert found.one_minus_c > 0.3 * eoc.recommend(plain).one_minus_c


@pytest.mark.parametrize("name", ["relu", "leaky_relu(slope=0.2)", "abs", "identity"])
def test_homogeneous_activations_have_one_place(name: str) -> None:
    found = eoc.recommend(name, 12)
    assert found.sigma_w**2 == pytest.approx(1.0 / activation(name).kappa, rel=1e-15)
    assert (found.sigma_b, found.q, found.gradient_ratio) == (0.0, 1.0, 1.0)
    assert found.point is not None
    assert found.point.any_q


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("name", ["softplus", "abs(x) + 0.1", "gelu(x) + 0.5", "sigmoid"])
def test_off_the_edge_gradients_shrink_by_no_more_than_10(name: str, depth: int) -> None:
    found = eoc.recommend(name, depth)
    assert found.point is None
    assert "ordered" in found.reason
    assert found.q == dict(zip(DEPTHS, ORDERED_Q.get(name, ()), strict=False)).get(depth, found.q)
    assert 0.1 <= found.chi_1**depth < found.chi_1
    assert found.gradient_ratio == pytest.approx(found.chi_1 ** (depth - 1), rel=1e-15)
    assert found.slope < 1.0
    variance = eoc.VarianceMap(name, found.sigma_w, found.sigma_b)
    assert abs(float(variance.F(found.q).value) - found.q) <= 1e-12 * found.q
    assert abs(float(variance.chi_1(found.q).value) - found.chi_1) <= 1e-12
    assert abs(float(variance.slope(found.q).value) - found.slope) <= 1e-12


def test_biases_that_no_double_adds_are_none() -> None:
    found = eoc.recommend("relu6")
    assert found.sigma_b == 0.0 < found.sigma_b_error < 1e-50
    assert found.sigma_w == pytest.approx(2.0**0.5, rel=1e-14)


def test_softplus_of_a_signed_distance_is_held_near_critical() -> None:
    found = eoc.recommend("softplus(beta=100)", 8)
    assert found.chi_1 > 0.96
    assert 1.414 < found.sigma_w < 2.0**0.5


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("formula", ["x + 7/3", "abs(x) + 1"])
def test_a_straight_line_beside_zero_has_a_place(formula: str) -> None:
    r = eoc.recommend(formula)
    v = float(eoc.moments(formula, r.q, ("V",))["V"].value)
    assert r.point is None
    assert r.sigma_w**2 * v + r.sigma_b**2 == pytest.approx(r.q, rel=1e-13)
    assert r.slope_error <= 1e-12


@pytest.mark.parametrize("name", NONE)
def test_what_has_no_place_says_why(name: str) -> None:
    with pytest.raises(EocError, match="continuous activation"):
        eoc.recommend(name)


@pytest.mark.parametrize("depth", [0, 1.5, -3, math.nan, 1e7, "ten"])
def test_depth_is_a_number_of_layers(depth: object) -> None:
    with pytest.raises(EocError, match="depth must be"):
        eoc.recommend("tanh", depth)


def test_no_depth_means_the_default_one_and_the_edge_without_a_question_the_same() -> None:
    for name in ("tanh", "gelu", "relu"):
        found = eoc.recommend(name)
        assert found == eoc.recommend(name, DEFAULT_DEPTH)
        assert eoc.edge_of_chaos(name).best == found.point


@pytest.mark.parametrize("name", sorted({*STANDARD} - {"exp"}))
def test_every_named_activation_is_answered(name: str) -> None:
    if name in NONE or activation(name).smoothness is Smoothness.JUMP:
        return
    found = eoc.recommend(name)
    assert all(math.isfinite(x) and x >= 0.0 for x in (found.sigma_w, found.sigma_b, found.q, found.one_minus_c))
    f = eoc.CorrelationMap(name, found.sigma_w, found.sigma_b, found.q)
    assert abs(f.iterate(DEFAULT_DEPTH, c=0.3).value - found.one_minus_c) <= found.one_minus_c_error
    assert ("normalise" in found.advice) != found.trains


def test_the_advice_names_no_activation_that_one_has() -> None:
    assert "such as tanh, or take about" in eoc.recommend("gelu", 3000).advice
    tanh = eoc.recommend("tanh", 3000)
    assert not tanh.trains
    assert "tanh, or" not in tanh.advice
    assert "residual branches, or take about" in tanh.advice
