"""The correlation map and its iterates: published numbers, closed forms, laws at depth, honest errors."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from truth import MP, error, pairs, reference

import eoc
from eoc.activations import activation
from eoc.errors import EocError
from eoc.maps import CorrelationMap, depth_flow

INF = float("inf")
EPS = float(np.finfo(float).eps)
RELU = 2.0**0.5
few = settings(max_examples=10, deadline=None, derandomize=True)


@cache
def critical(name: str, sigma_b: float) -> CorrelationMap:
    """The map on the edge of chaos, at its own variance even where that is unstable."""
    point = eoc.edge_of_chaos(name, sigma_b=sigma_b).points[0]
    return CorrelationMap(name, point.sigma_w, point.sigma_b, point.q)


@cache
def off_critical(excess: float) -> CorrelationMap:
    return CorrelationMap("tanh", critical("tanh", 0.2).sigma_w + excess, 0.2)


# --- published numbers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sigma_w", "q", "chi_1", "c", "chi_2"),
    [(1.3, 0.60704679, 0.93980743, 1.0, 0.54347202), (2.5, 4.07912388, 1.58522477, 0.12210375, 1.19604129)],
)
def test_poole_tanh(sigma_w: float, q: float, chi_1: float, c: float, chi_2: float) -> None:
    f = CorrelationMap("tanh", sigma_w, 0.3)
    assert [round(x, 8) for x in (f.q, f.chi_1, f.stable_point.c)] == [q, chi_1, c]
    assert f.curvature(1.0).value.item() == pytest.approx(f.q * chi_2, rel=1e-8)


@pytest.mark.parametrize(
    ("sigma_w", "sigma_b", "chi_1", "c"),
    [(1.0, 1.0, 0.39887901, 1.0), (2.0, 0.3, 1.32707039, 0.26389478)],  # 0.263894780316, printed as 0.26389479
)
def test_slides_tanh(sigma_w: float, sigma_b: float, chi_1: float, c: float) -> None:
    f = CorrelationMap("tanh", sigma_w, sigma_b)
    assert (round(f.chi_1, 8), round(f.stable_point.c, 8)) == (chi_1, c)


@pytest.mark.parametrize(
    ("squared", "xi", "digits"),
    [(1.0, 3.62698, 5), (1.3, 7.83407, 5), (1.7, 74.918, 3), (2.0, 25.2134, 4), (4.0, 6.9803, 4)],
)
def test_schoenholz_depth_scales(squared: float, xi: float, digits: int) -> None:
    point = CorrelationMap("tanh", squared**0.5, 0.05**0.5).stable_point
    assert round(-1.0 / np.log(point.slope), digits) == xi
    assert (point.c == 1.0) == (squared < 1.76)


def test_schoenholz_critical_point() -> None:
    f = critical("tanh", 0.05**0.5)
    assert round(f.sigma_w**2, 8) == 1.76095464
    assert f.chi_1 == 1.0
    assert f.stable_point.c == 1.0


LARGEST = {  # sup |f - x| = f(0) at sigma_b = 0.5, 0.2, 0.1, 0.05
    "tanh": (8, [0.18969011, 0.07811302, 0.03658971, 0.01626631]),
    "silu": (5, [0.25900, 0.14974, 0.08624, 0.04641]),
}


@pytest.mark.parametrize("name", LARGEST)
def test_distance_from_the_identity_vanishes_with_sigma_b(name: str) -> None:
    digits, expected = LARGEST[name]
    c = np.linspace(0.0, 1.0, 101)
    for sigma_b, value in zip((0.5, 0.2, 0.1, 0.05), expected, strict=True):
        f = critical(name, sigma_b)(c)
        assert round(f[0], digits) == value
        assert np.abs(f - c).max() == f[0]


def test_distance_of_relu_from_the_identity() -> None:
    c = np.linspace(0.0, 1.0, 101)
    f = CorrelationMap("relu", RELU)(c)
    assert f[0] == pytest.approx(1 / np.pi, abs=1e-14)
    assert np.abs(f - c).max() == f[0]


def test_published_values_of_beta() -> None:
    table = [
        ("tanh", 0.05, 39.2820),
        ("tanh", 0.1, 16.6393),
        ("tanh", 0.2, 7.083738),
        ("tanh", 1.0, 0.889737),
        ("elu", 0.1, 14.8149),
        ("silu", 0.2, 6.3591),
        ("gelu", 0.1, 7.6327),
        ("shifted_softplus", 0.1, 21.852),
    ]
    for name, sigma_b, beta in table:
        f = critical(name, sigma_b)
        assert 2.0 / f.curvature(1.0).value.item() == pytest.approx(beta, rel=1e-5)


# --- closed forms and references -------------------------------------------------------------------------------------


def relu(c: Any) -> tuple[Any, Any, Any]:
    """f, f', f''."""
    root = MP.sqrt((1 - c) * (1 + c))
    bend = 1 / (MP.pi * root) if root else MP.inf
    return (c * MP.asin(c) + root) / MP.pi + c / 2, MP.asin(c) / MP.pi + MP.mpf(1) / 2, bend


def test_relu() -> None:
    f, c = CorrelationMap("relu", RELU), np.array([-1.0, -0.9375, -0.5, 0.0, 1e-9, 0.3, 0.9, 0.999999])
    slope, bend, rest = f.slope(c), f.curvature(c), f.one_minus_f(c)
    for i, x in enumerate(c):
        value, first, second = relu(MP.mpf(x))
        assert error(f(x), value) <= 1e-14
        assert error(rest.value[i], 1 - value) <= min(1e-14 * (1 - value), rest.error[i])
        assert error(slope.value[i], first) <= min(1e-14, slope.error[i])
        if abs(x) < 1.0:
            assert error(bend.value[i], second) <= min(1e-13 * second, bend.error[i])
    assert f.slope(1.0).value == 1.0
    assert f.curvature(1.0).value == INF


@pytest.mark.parametrize("above", [1e-3, 1e-10, 1e-15])
def test_a_correlation_near_minus_1_keeps_its_digits(above: float) -> None:
    """1 - c rounds there: it must not, or the error bounds have to say so."""
    f, c = CorrelationMap("relu", RELU), -1.0 + above
    _, slope, bend = relu(MP.mpf(c))
    for found, true in ((f.slope(c), slope), (f.curvature(c), bend)):
        assert error(found.value, true) <= found.error
        assert found.error <= 1e-2 * true


def erf_map(q: Any, gain: Any, offset: Any, c: Any) -> tuple[Any, Any, Any]:
    r = 2 * q / (1 + 2 * q)
    root = MP.sqrt(1 - r**2 * c**2)
    scale = gain * 2 / MP.pi
    return offset + scale * MP.asin(r * c), scale * r / root, scale * r**3 * c / root**3


def test_erf() -> None:
    sigma_w, sigma_b, q = 1.7, 0.4, 0.8
    f, c = CorrelationMap("erf", sigma_w, sigma_b, q=q), np.linspace(-1.0, 1.0, 21)
    q, w, b = (MP.mpf(x) for x in (q, sigma_w, sigma_b))
    following = b**2 + w**2 * 2 / MP.pi * MP.asin(2 * q / (1 + 2 * q))
    assert error(f.next_q, following) <= 2e-15
    for x in c:
        value, *slopes = erf_map(q, w**2 / following, b**2 / following, MP.mpf(x))
        assert error(f(x), value) <= 2e-14
        for found, true in zip((f.slope(x), f.curvature(x)), slopes, strict=True):
            assert error(found.value, true) <= min(found.error, 1e-11)


def test_sign() -> None:
    """Jumps: f' and f'' have poles at both ends."""
    f = CorrelationMap("sign", 1.5, 0.5)
    assert (f.q, f.chi_1) == (pytest.approx(2.5, rel=1e-14), INF)
    for e in (1e-20, 1e-3, 0.5, 1.0, 1.3, 2.0 - 1e-3):
        c, gain = 1 - MP.mpf(e), MP.mpf(9) / 10
        root = MP.sqrt((1 - c) * (1 + c))
        true = (gain * (1 - 2 / MP.pi * MP.asin(c)), gain * 2 / MP.pi / root, gain * 2 / MP.pi * c / root**3)
        for found, expected in zip((f.one_minus_f, f.slope, f.curvature), true, strict=True):
            estimate = found(one_minus_c=e)
            assert error(estimate.value, expected) <= min(1e-12 * abs(expected) + 1e-14, estimate.error), (found, e)
    assert f.slope(1.0).value == f.slope(-1.0).value == INF


def test_ends_of_what_is_not_symmetric() -> None:
    """At c = -1 only knots that mirror each other make f' or f'' infinite."""
    jump, kink = CorrelationMap("shifted_sign", 1.0, 0.5, q=0.7), CorrelationMap("max(x - 1, 0)", 1.0, 0.5, q=0.7)
    for at_end in (jump.slope(-1.0), jump.curvature(-1.0), kink.slope(-1.0), kink.curvature(-1.0)):
        assert abs(at_end.value) <= at_end.error <= 1e-13
    assert jump.slope(1.0).value == jump.curvature(1.0).value == kink.curvature(1.0).value == INF
    assert np.isfinite(kink.slope(1.0).value)
    mirrored = CorrelationMap("hardtanh", 1.0, 0.5, q=0.7)
    assert mirrored.curvature(-1.0).value == -INF


@pytest.mark.parametrize("threshold", [0.5, 1.0, 2.0, 3.0])
@pytest.mark.parametrize("q", [0.3, 1.0, 5.0])
def test_expansion_of_hardshrink(threshold: float, q: float) -> None:
    """1 - f = sigma_w^2 / F (sqrt(2) tau(0) e^{1/2} + q C(0) e + ...), C(0) = P(|u| > k) + 2 k p(k)."""
    f = CorrelationMap(f"hardshrink(threshold={threshold})", 1.3, 0.4, q=q)
    k, s = MP.mpf(threshold), MP.sqrt(MP.mpf(q))
    density = MP.exp(-(k**2) / (2 * s**2)) / (MP.sqrt(2 * MP.pi) * s)
    outside = MP.erfc(k / (MP.sqrt(2) * s))
    second = s**2 * (outside + 2 * k / s * s * density)  # E[phi^2]
    gain = MP.mpf(1.3) ** 2 / (MP.mpf(0.4) ** 2 + MP.mpf(1.3) ** 2 * second)
    tau = 2 * k**2 * MP.exp(-(k**2) / (2 * s**2)) * 2 / (2 * MP.pi) / 2
    expected = {0.5: gain * MP.sqrt(2) * tau, 1.0: gain * s**2 * (outside + 2 * k * density)}
    for term in f.expansion[:2]:
        assert error(term.coefficient, expected[term.power]) <= term.error <= 1e-11 * abs(term.coefficient)


@pytest.mark.parametrize("name", sorted(pairs("K")))
@pytest.mark.parametrize(("sigma_w", "sigma_b"), [(1.3, 0.2), (0.7, 0.0)])
def test_values_and_slopes_against_references(name: str, sigma_w: float, sigma_b: float) -> None:
    w, b = MP.mpf(sigma_w) ** 2, MP.mpf(sigma_b) ** 2
    slopes = {(row[0], row[2]): row[3] for row in pairs("Kd")[name]}
    distances = {(row[0], row[2]): row[3] for row in pairs("G")[name]}
    variances = {row[0]: row[3] + distances[row[0], row[2]] for row in pairs("K")[name]}
    for q, _, e, k in pairs("K")[name]:
        if e not in (MP.mpf("2"), MP.mpf("1.5"), MP.mpf("1"), MP.mpf("0.7"), MP.mpf("0.01"), MP.mpf("1e-12")):
            continue
        f = CorrelationMap(reference(name), sigma_w, sigma_b, q=q)
        following = b + w * variances[q]
        input_rounding = 1e-12 if e < MP.mpf("1e-9") else 0.0  # 1e-12 to the nearest double, of slope 1
        assert error(f(one_minus_c=float(e)), (b + w * k) / following) <= 1e-13
        slope = f.slope(one_minus_c=float(e))
        if name != "sign":
            true = w * q * slopes[q, e] / following
            assert error(slope.value, true) <= 1e-13 * (1 + abs(true)) + input_rounding
            assert slope.error <= 1e-11 * (1 + abs(true))


@pytest.mark.parametrize("name", ["tanh", "elu", "silu", "hardtanh", "sigmoid"])
def test_derivatives_belong_together(name: str) -> None:
    """f' and f'' against integrals of them by Gauss's rule."""
    f = CorrelationMap(name, 1.6, 0.2, q=1.2)
    x, weight = np.polynomial.legendre.leggauss(60)
    low, high = -0.8, 0.85
    c, half = 0.5 * (low + high) + 0.5 * (high - low) * x, 0.5 * (high - low)
    assert half * weight @ f.slope(c).value == pytest.approx(f(high) - f(low), abs=1e-13)
    steep = f.slope([low, high]).value
    assert half * weight @ f.curvature(c).value == pytest.approx(steep[1] - steep[0], abs=1e-11)


def test_next_variance_is_f_at_1() -> None:
    for name in ("tanh", "elu", "quantiser"):
        f = CorrelationMap(name, 1.6, 0.2, q=1.2)
        assert f(1.0) == 1.0
        assert f.next_q == f.variance(1.2)


# --- expansion -------------------------------------------------------------------------------------------------------


def terms(f: CorrelationMap) -> dict[float, float]:
    return {term.power: term.coefficient for term in f.expansion}


def test_expansion_of_relu() -> None:
    """1 - f = e - s e^{3/2} - ...: the series of the closed form in sqrt(e)."""
    found = terms(CorrelationMap("relu", RELU))
    with MP.workdps(60):
        e = MP.mpf(10) ** -12
        rest = (1 - relu(1 - e)[0]) - e + MP.sqrt(8) / (3 * MP.pi) * MP.sqrt(e) ** 3
        assert found[1.5] == pytest.approx(float(-MP.sqrt(8) / (3 * MP.pi)), rel=1e-14)
        assert found[2.5] == pytest.approx(float(rest / MP.sqrt(e) ** 5), rel=1e-9)
    assert set(found) == {1.0, 1.5, 2.5}


def test_expansion_of_a_smooth_function() -> None:
    f = critical("tanh", 0.2)
    found = terms(f)
    assert set(found) == {1.0, 2.0, 3.0}
    assert found[1.0] == 1.0
    assert found[2.0] == pytest.approx(-1 / 7.083738, rel=1e-6)
    assert found[2.0] == pytest.approx(-f.curvature(1.0).value.item() / 2, rel=1e-13)


@pytest.mark.parametrize("sigma_b", [0.1, 0.5])
def test_expansion_of_a_function_whose_second_derivative_jumps(sigma_b: float) -> None:
    """f'' loses sigma_w^2 q J^2 theta / 2 pi per theta: a term 2^{5/2} / (15 pi) of it in e^{5/2}."""
    f = critical("elu", sigma_b)
    found = terms(f)
    assert found[2.5] == pytest.approx(f.sigma_w**2 * f.q * 2**1.5 / (7.5 * 2 * np.pi), rel=1e-10)
    assert set(found) >= {1.0, 2.0, 2.5}
    assert 1.5 not in found


@pytest.mark.parametrize(
    ("name", "sigma_w", "sigma_b"),
    [("tanh", 1.3, 0.2), ("elu", 1.2, 0.3), ("relu6", 1.2, 0.1), ("selu", 0.8, 0.4), ("quantiser", 1.2, 0.1)],
)
def test_expansion_is_what_is_left_near_1(name: str, sigma_w: float, sigma_b: float) -> None:
    f = CorrelationMap(name, sigma_w, sigma_b, q=0.9)
    for e in (1e-3, 1e-4, 1e-5):
        rest = f.one_minus_f(one_minus_c=e)
        total = sum(t.coefficient * e**t.power for t in f.expansion)
        last = f.expansion[-1].power
        next_power = max(last, 1.5 if activation(name).jumps else 3.0) + 0.5
        error_of_terms = sum(t.error * e**t.power for t in f.expansion)
        assert abs(rest.value - total) <= 20.0 * e**next_power + rest.error + error_of_terms


# --- fixed points and shape ------------------------------------------------------------------------------------------


def test_fixed_points_ordered_critical_chaotic() -> None:
    below, at, above = off_critical(-0.1), critical("tanh", 0.2), off_critical(0.1)
    assert [(p.c, p.order, p.stable) for p in below.fixed_points] == [(1.0, 1.0, True)]
    assert [(p.c, p.order, p.stable) for p in at.fixed_points] == [(1.0, 2.0, True)]
    assert [(p.order, p.stable) for p in above.fixed_points] == [(1.0, True), (1.0, False)]
    point = above.stable_point
    assert 0.0 < point.c < 1.0
    assert above(point.c) == pytest.approx(point.c, abs=2 * point.error)
    assert point.slope == pytest.approx(above.slope(point.c).value.item(), rel=1e-12)
    assert point.error <= 1e-12


def test_order_at_the_edge_is_three_halves_for_a_kink() -> None:
    assert [(p.c, p.order) for p in CorrelationMap("relu", RELU).fixed_points] == [(1.0, 1.5)]
    assert critical("hardtanh", 0.2).stable_point.order == 1.5


@pytest.mark.parametrize("excess", [1e-1, 1e-3, 1e-5, 1e-7, 1e-9])
def test_fixed_point_keeps_its_digits_near_the_edge(excess: float) -> None:
    """1 - c* ~ (chi_1 - 1) beta for a smooth phi; where f(c) = c to rounding."""
    f = off_critical(excess)
    point = f.stable_point
    beta = 2.0 / f.curvature(1.0).value.item()
    assert point.one_minus_c == pytest.approx((f.chi_1 - 1.0) * beta, rel=3.0 * excess + 1e-6)
    two = f.log_ratio(point.one_minus_c + point.error * np.array([-1.0, 1.0]))
    assert two.value[0] + two.error[0] >= 0.0 >= two.value[1] - two.error[1]


@pytest.mark.parametrize("name", ["sign", "heaviside", "quantiser", "hardshrink"])
def test_a_jump_has_no_stable_point_at_1(name: str) -> None:
    f = CorrelationMap(name, 0.9, 0.3)
    assert f.chi_1 == INF
    first, last = f.fixed_points
    assert (last.c, last.order, last.stable, last.slope) == (1.0, 0.5, False, INF)
    assert first.stable
    assert 0.0 < first.c < 1.0
    assert f(first.c) == pytest.approx(first.c, abs=1e-14)
    assert f.iterate(2000, c=0.999).value == pytest.approx(first.one_minus_c, rel=1e-12)


@pytest.mark.parametrize(("name", "sigma_w"), [("tanh", 2.0), ("sign", 1.0), ("hardtanh", 3.0), ("tanh", 0.9)])
def test_odd_maps_without_bias(name: str, sigma_w: float) -> None:
    f = CorrelationMap(name, sigma_w, q=1.0)
    assert f.is_odd
    c = np.linspace(0.0, 1.0, 21)
    assert f(-c) == pytest.approx(-f(c), abs=3e-14)
    points = f.fixed_points
    assert (points[0].c, points[-1].c) == (-1.0, 1.0)
    assert points[0].stable == points[-1].stable
    chaotic = f.chi_1 > 1.0
    assert [p.c for p in points] == ([-1.0, 0.0, 1.0] if chaotic else [-1.0, 1.0])
    assert points[0].stable != chaotic


def test_an_odd_map_keeps_the_sign_of_a_correlation() -> None:
    f = CorrelationMap("tanh", 0.9, q=0.0)
    assert f.is_identity  # the tangents
    g = CorrelationMap("sign", 1.0)
    depths = np.arange(5)
    assert g.iterate(depths, c=-0.8).value == pytest.approx(2.0 - g.iterate(depths, c=0.8).value, rel=1e-14)
    assert not CorrelationMap("tanh", 2.0, 0.1).is_odd


@pytest.mark.parametrize("sigma_w", [0.3, 1.0, 2.0])
def test_a_linear_net_is_the_identity(sigma_w: float) -> None:
    f = CorrelationMap("identity", sigma_w, q=2.0)
    assert f.is_identity
    assert f.fixed_points == ()
    c = np.linspace(-1.0, 1.0, 11)
    assert f(c) == pytest.approx(c, abs=1e-15)
    with pytest.raises(EocError, match="every correlation is kept"):
        _ = f.stable_point


def test_a_linear_net_keeps_correlations_forever() -> None:
    f = CorrelationMap("identity", 1.0)
    found = f.iterate([0, 7, 10**6, 1e200], c=0.25)
    assert found.value == pytest.approx(0.75, rel=1e-8)
    assert (np.abs(found.value - 0.75) <= found.error + EPS).all()
    assert f.depth_until(0.5, c=0.25) == INF
    assert f.depth_until(0.8, c=0.25) == 0.0


def test_a_linear_net_with_bias_is_not_the_identity() -> None:
    f = CorrelationMap("identity", 0.6, 0.8)
    assert not f.is_identity
    assert f(0.0) == pytest.approx(0.64, rel=1e-14)
    assert f.iterate([1, 2, 30], one_minus_c=1.0).value == pytest.approx([0.36, 0.36**2, 0.36**30], rel=1e-12)


@pytest.mark.parametrize(
    ("name", "expected"), [("relu", -1.0), ("exp", -1.0), ("tanh", 0.0), ("sign", 0.0), ("abs", -1.0)]
)
def test_where_convexity_begins(name: str, expected: float) -> None:
    f = CorrelationMap(name, 1.0, 0.5, q=0.5)
    assert f.convex_from == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", ["gelu", "silu", "elu", "softplus", "relu6", "hardshrink"])
def test_convexity_begins_where_it_is_said_to(name: str) -> None:
    f = CorrelationMap(name, 1.0, 0.5, q=2.0)
    start = f.convex_from
    assert -1.0 <= start <= 1e-15
    inside = f.curvature(np.linspace(start, 0.99, 101)[1:])
    assert (inside.value >= -inside.error).all()
    if start > -1.0:
        outside = f.curvature(start - 1e-3 * (1.0 + start))
        assert outside.value < 0.0


@pytest.mark.parametrize(
    ("name", "same"), [("relu", "relu"), ("leaky_relu", "leaky_relu"), ("elu", "identity"), ("selu", None)]
)
def test_limit_of_small_variance(name: str, same: str | None) -> None:
    """The map of the tangents at 0."""
    f, c = CorrelationMap(name, 0.8, q=0.0), np.linspace(-1.0, 1.0, 9)
    near = CorrelationMap(name, 0.8, q=1e-12)
    assert f(c) == pytest.approx(near(c), abs=1e-5)
    if same is not None:
        assert f(c) == pytest.approx(CorrelationMap(same, 0.8, q=1.0)(c), abs=1e-15)


@pytest.mark.parametrize("name", ["sigmoid", "cos", "heaviside", "polynomial"])
def test_no_limit_of_small_variance(name: str) -> None:
    with pytest.raises(EocError, match="no correlation map at q = 0"):
        CorrelationMap(name, 1.0, q=0.0)


def test_variances_that_diverge_or_vanish_are_refused() -> None:
    with pytest.raises(EocError, match="variances diverge"):
        CorrelationMap("elu", 2.0)
    with pytest.raises(EocError, match="are both 0, or phi is"):
        CorrelationMap("tanh", 0.0, 0.0, q=1.0)
    for bad in (-1.0, float("nan"), INF):
        with pytest.raises(EocError, match="q must be a variance"):
            CorrelationMap("tanh", 1.0, 0.1, q=bad)
    for nothing in ("a", [1.0, 2.0]):
        with pytest.raises(EocError, match="q must be"):
            CorrelationMap("tanh", 1.0, 0.1, q=nothing)  # type: ignore[arg-type]
    with pytest.raises(EocError, match=r"sigma_b = 0\.3 moves q = 0 to q = 0\.09"):
        CorrelationMap("tanh", 1.0, 0.3, q=0.0)


@pytest.mark.parametrize("target", [0.0, -1.0, 2.5, float("nan"), "x"])
def test_what_is_no_target_is_refused(target: Any) -> None:
    with pytest.raises(EocError, match="target"):
        CorrelationMap("relu", RELU).depth_until(target, c=0.5)


def test_a_variance_that_is_not_kept_cannot_be_iterated() -> None:
    f = CorrelationMap("tanh", 1.5, 0.3, q=3.0)
    assert abs(f.next_q - 3.0) > 0.1
    for call in (lambda: f.iterate(3, c=0.5), lambda: f.depth_until(0.1, c=0.5)):
        with pytest.raises(EocError, match=r"q = 3\.0 becomes .* after a layer"):
            call()


@pytest.mark.parametrize("bad", [-1, 0.5, float("nan"), INF, [1, 2.5], "3", None])
def test_what_is_no_depth_is_refused(bad: Any) -> None:
    with pytest.raises(EocError):
        critical("tanh", 0.2).iterate(bad, c=0.5)


@pytest.mark.parametrize("bad", [{}, {"c": 2.0}, {"c": 0.5, "angle": 1.0}, {"c": [0.1, 0.2]}, {"one_minus_c": "x"}])
def test_what_is_no_correlation_is_refused(bad: Any) -> None:
    with pytest.raises(EocError):
        critical("tanh", 0.2).iterate(3, **bad)


# --- iteration: exact recursions -------------------------------------------------------------------------------------


def relu_recursion(depths: list[int]) -> list[Any]:
    """1 - c from c = 0 for ReLU on its edge, in extended precision without cancellation.

    (1 - f) = e - e^{3/2} P(e), P from its Taylor series; the first layers in 40 digits.
    """

    def lost(e: Any) -> Any:
        root = MP.sqrt(e)
        return (root * root - (1 - relu(1 - e)[0])) / root**3

    with MP.workdps(60):
        e, layer = MP.mpf(1), 0
        while e > 1e-3:
            e, layer = 1 - relu(1 - e)[0], layer + 1
        grid = [MP.mpf(k) / 2000 for k in range(1, 9)]
        inverse = MP.lu_solve(MP.matrix([[g**k for k in range(8)] for g in grid]), MP.matrix([lost(g) for g in grid]))
    p = [np.longdouble(MP.nstr(x, 30)) for x in inverse]
    e, out, p3 = np.longdouble(MP.nstr(e, 30)), [], p[:4]
    for depth in depths:
        while layer < depth:
            total = np.longdouble(0.0)
            for k in reversed(p if e > 1e-6 else p3):
                total = total * e + k
            e -= e * np.sqrt(e) * total
            layer += 1
        out.append(e)
    return out


@pytest.mark.skipif(np.finfo(np.longdouble).eps > 1e-18, reason="long double has no more digits than double")
def test_many_layers_of_relu_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    depths = [1000, 30_000, 1_000_000]
    monkeypatch.setattr(depth_flow, "_STEPS", depths[-1])
    true = relu_recursion(depths)
    found = CorrelationMap("relu", RELU).iterate(depths, c=0.0)
    off = np.abs((found.value - np.array(true)).astype(float))
    assert (off <= 1e-9 * found.value).all()
    assert (off <= found.error).all()


@pytest.mark.parametrize("c", [-1.0, -0.3, 0.0, 0.9999])
@pytest.mark.parametrize("name", ["relu", "erf", "sign"])
def test_single_steps_against_40_digits(name: str, c: float) -> None:
    q = {"relu": 1.0, "erf": None, "sign": None}[name]
    f = CorrelationMap(name, RELU if name == "relu" else 1.4, 0.0 if name == "relu" else 0.3, q=q)
    w, b, x, out = MP.mpf(f.sigma_w) ** 2, MP.mpf(f.sigma_b) ** 2, MP.mpf(c), []
    kept = b + w * (2 / MP.pi * MP.asin(2 * MP.mpf(f.q) / (1 + 2 * MP.mpf(f.q))) if name == "erf" else 1)
    for _ in range(60):
        out.append(x)
        if name == "relu":
            x = relu(x)[0]
        else:
            x = (
                b + w * 2 / MP.pi * MP.asin((2 * MP.mpf(f.q) / (1 + 2 * MP.mpf(f.q)) if name == "erf" else 1) * x)
            ) / kept
    found = f.iterate(np.arange(60), c=c)
    for value, bound, true in zip(found.value, found.error, out, strict=True):
        assert error(value, 1 - true) <= bound + EPS * (1 - true)
        assert bound <= 1e-11 * (1 - true)


# --- iteration: the flow against single steps ------------------------------------------------------------------------

FLOWING = {
    "tanh": lambda: critical("tanh", 0.2),
    "relu": lambda: CorrelationMap("relu", RELU),
    "elu": lambda: critical("elu", 0.2),
    "selu": lambda: critical("selu", 0.05),
    "hardtanh": lambda: critical("hardtanh", 0.2),
    "silu": lambda: critical("silu", 1.0),
    "gelu": lambda: critical("gelu", 0.62),
    "tanh above by 1e-3": lambda: off_critical(1e-3),
    "tanh below by 1e-3": lambda: off_critical(-1e-3),
    "tanh above by 1e-5": lambda: off_critical(1e-5),
    "tanh below by 1e-5": lambda: off_critical(-1e-5),
    "tanh chaotic": lambda: off_critical(0.5),
    "tanh ordered": lambda: off_critical(-0.5),
}


@pytest.mark.parametrize("name", FLOWING)
@pytest.mark.parametrize("e", [1.0, 1e-9, 1e-15])  # those far below 1 - c* rise towards it
def test_jumps_land_where_single_steps_do(name: str, e: float, monkeypatch: pytest.MonkeyPatch) -> None:
    f, depths = FLOWING[name](), [20_000, 100_000, 500_000]
    far = f.iterate(depths, one_minus_c=e)
    monkeypatch.setattr(depth_flow, "_STEPS", depths[-1])
    near = f.iterate(depths, one_minus_c=e)
    assert (far.error >= 0.0).all()
    assert (np.abs(far.value - near.value) <= far.error + near.error).all()
    assert (np.abs(far.value - near.value) <= 1e-8 * near.value).all()


@pytest.mark.parametrize(("size", "excess"), [(0.01, 0.0), (0.001, 1e-6)])
@pytest.mark.parametrize("c", [-0.5, 0.5, 0.999])
def test_jumps_of_a_function_that_jumps(size: float, excess: float, c: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """x + size sign(x): chi_1 is infinite and f'(c*) close to 1, so that 10^4 layers are few."""
    v = 1.0 + 2.0 * size * (2.0 / np.pi) ** 0.5 + size**2  # E[phi^2] at q = 1
    sigma_w = (1.0 / (v + excess)) ** 0.5
    f, depths = CorrelationMap(f"x+{size}*sign(x)", sigma_w, (1.0 - sigma_w**2 * v) ** 0.5, q=1.0), [20_000, 100_000]
    far = f.iterate(depths, c=c)
    monkeypatch.setattr(depth_flow, "_STEPS", depths[-1])
    near = f.iterate(depths, c=c)
    assert (np.abs(far.value - near.value) <= far.error + near.error).all()
    assert (far.error <= 1e-7).all()


@pytest.mark.parametrize("e", [1e-12, 1e-6])
def test_even_and_odd_functions_keep_the_digits_of_1_plus_c(e: float) -> None:
    depths = [1, 2, 5, 1000]
    even, odd = CorrelationMap("abs", 1.0), CorrelationMap("tanh", 1.5)
    c = -1.0 + e
    for f, found in ((even, even.iterate(depths, c=c)), (odd, odd.iterate(depths, c=c))):
        mirror = f.iterate(depths, one_minus_c=1.0 + c)
        value = mirror.value if f is even else 2.0 - mirror.value
        assert found.value == pytest.approx(value, rel=1e-13)
    skew = CorrelationMap("sign", 1.0, 0.4)
    true = 1 - (MP.mpf(0.4) ** 2 + 2 / MP.pi * MP.asin(MP.mpf(c))) / (MP.mpf(0.4) ** 2 + 1)
    found = skew.iterate(1, c=c)
    assert error(found.value, true) <= found.error <= 1e-12


@pytest.mark.parametrize("name", FLOWING)
@few
@given(first=st.floats(0.0, 7.0), second=st.floats(0.0, 7.0))
def test_depths_add_up(name: str, first: float, second: float) -> None:
    f, one, two = FLOWING[name](), float(int(10**first)), float(int(10**second))
    both = f.iterate([one, one + two], c=0.1)
    again = f.iterate(two, one_minus_c=both.value[0])
    allowed = again.error + both.error[1] + both.error[0] / max(both.value[0], 1e-299) * again.value
    assert abs(again.value - both.value[1]) <= allowed


@pytest.mark.parametrize("name", FLOWING)
def test_depth_until_is_the_inverse(name: str) -> None:
    f = FLOWING[name]()
    found = f.iterate([1, 2, 50, 51, 3_000, 3_001, 200_000, 200_001], c=0.1)
    for i in (0, 2, 4, 6):
        high, low = found.value[i : i + 2]
        if high - low > 4.0 * (found.error[i] + found.error[i + 1]):
            assert f.depth_until(0.5 * (high + low), c=0.1) == [2, 51, 3_001, 200_001][i // 2]


def test_depth_until_of_opposite_inputs() -> None:
    """An odd map without bias, in the chaotic phase: c = -0.99 rises to 0, c = -1 stays."""
    f = CorrelationMap("tanh", 1.5)
    assert f.depth_until(1.5, c=-1.0) == f.depth_until(1.0, c=-0.99) == INF
    assert f.depth_until(1.999, c=-1.0) == INF
    for target in (1.99, 1.9, 1.5, 1.1, 1.001):
        depth = f.depth_until(target, c=-0.99)
        before, at = f.iterate([max(depth - 1, 0), depth], c=-0.99).value
        assert at <= target
        assert depth == 0.0 or before > target
    near = CorrelationMap("tanh", 1.0001)
    depth = near.depth_until(1.5, one_minus_c=2.0 - 1e-12)
    assert depth > 20_000
    before, at = near.iterate([depth - 1, depth], one_minus_c=2.0 - 1e-12).value
    assert at <= 1.5 < before


@pytest.mark.parametrize(("name", "sigma_w", "sigma_b"), [("cos", 3.0, 0.1), ("gaussian", 2.0, 0.5), ("abs", 0.9, 0.3)])
def test_opposite_inputs_of_an_even_function_are_one_after_a_layer(name: str, sigma_w: float, sigma_b: float) -> None:
    f = CorrelationMap(name, sigma_w, sigma_b)
    assert f.depth_until(1e-3, c=-1.0) == 1.0
    assert f.iterate([1, 10**6], c=-1.0).value.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("start", [1.3, 2.0, 3.0, 1e3])
@pytest.mark.parametrize("target", [1.01, 1.2, 1e2])
def test_depth_until_close_to_the_end_is_right_or_infinite(start: float, target: float) -> None:
    """In units of the error of 1 - c*, next to the edge of chaos, where 10^4 layers change little."""
    f = CorrelationMap("tanh", 1.3042, 0.2)
    end = f.stable_point
    e, goal = (end.one_minus_c + times * end.error for times in (start, target))
    depth = f.depth_until(goal, one_minus_c=e)
    if start <= target:
        assert depth == 0.0
    elif depth < INF:
        found = f.iterate([depth - 1.0, depth], one_minus_c=e)
        assert found.value[1] - found.error[1] <= goal <= found.value[0] + found.error[0]
    else:
        assert target < 10.0


def test_depth_until_that_never_comes() -> None:
    f = off_critical(0.5)
    assert f.depth_until(0.5 * f.stable_point.one_minus_c, c=0.1) == INF
    assert f.depth_until(f.stable_point.one_minus_c, c=0.1) == f.depth_until(f.stable_point.one_minus_c, c=-0.9) == INF
    assert f.depth_until(2.0, c=0.1) == 0.0


# --- iteration: laws at great depth ----------------------------------------------------------------------------------


def test_relu_follows_its_law_to_second_order() -> None:
    """(2/s) e^{-1/2} = l + (3/2) ln l + C + O(ln l / l)."""
    s = 2 * 2**0.5 / (3 * np.pi)
    depths = 10.0 ** np.arange(3, 13)
    found = CorrelationMap("relu", RELU).iterate(depths, c=0.0)
    rest = 2 / s * found.value**-0.5 - depths - 1.5 * np.log(depths)
    noise = 2 / s * found.value**-0.5 * found.error / found.value
    drift = np.abs(np.diff(rest))
    assert (drift <= 4.0 * np.log(depths[:-1]) / depths[:-1] + noise[1:] + 1e-12 * depths[1:]).all()
    assert found.value[3] * 1e12 == pytest.approx(9 * np.pi**2 / 2, rel=1e-4)


@pytest.mark.parametrize(
    ("name", "sigma_b"), [("tanh", 0.2), ("tanh", 1.0), ("silu", 1.0), ("gelu", 0.62), ("elu", 0.2)]
)
def test_smooth_functions_follow_beta_over_l(name: str, sigma_b: float) -> None:
    f = critical(name, sigma_b)
    beta = 2.0 / f.curvature(1.0).value.item()
    depths = 10.0 ** np.arange(3, 13, 3)
    ratio = f.iterate(depths, c=0.0).value * depths / beta
    slack = depths**-0.5 * 10 if name == "elu" else 30 * np.log(depths) / depths
    assert (np.abs(ratio - 1.0) <= slack * max(beta, 1.0) + 1e-9).all()
    assert ratio[-1] == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("name", ["relu", "tanh", "elu", "silu"])
def test_any_depth(name: str) -> None:
    f = FLOWING[name]()
    power = 2.0 if name == "relu" else 1.0
    factor = 9 * np.pi**2 / 2 if name == "relu" else 2.0 / f.curvature(1.0).value.item()
    for depth in (1e12, 1e15, 1e100):
        found = f.iterate(depth, c=0.3)
        assert found.value * depth**power == pytest.approx(factor, rel=1e-4)
        assert 0.0 < found.error <= 1e-6 * found.value
    deepest = f.iterate(1e300, c=0.3)
    assert deepest.value <= 1e-290
    assert deepest.error > 0.0
    if power == 1.0:
        assert deepest.value + deepest.error >= 0.5 * factor * 1e-300


def test_depths_of_an_ordered_and_a_chaotic_net() -> None:
    below, above = off_critical(-0.5), off_critical(0.5)
    few_layers = below.iterate([100, 101], c=0.3).value
    assert few_layers[1] / few_layers[0] == pytest.approx(below.chi_1, rel=1e-9)
    deep = below.iterate([1e5, 1e100], c=0.3)
    assert deep.value.tolist() == [0.0, 0.0]
    assert (deep.error > 0.0).all()
    for e in (1e-200, 1e-12, 1.0, 2.0):
        assert above.iterate(1e9, one_minus_c=e).value == pytest.approx(above.stable_point.one_minus_c, rel=1e-12)


def test_equal_inputs_stay_equal_and_depth_0_changes_nothing() -> None:
    for f in (off_critical(0.5), critical("tanh", 0.2), CorrelationMap("sign", 1.0, 0.1)):
        same = f.iterate([0, 1, 10**5, 1e100], c=1.0)
        assert same.value.tolist() == [0.0] * 4
        assert f.iterate(0, one_minus_c=0.37).value == 0.37


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 2)])
def test_depths_of_any_shape_and_order(shape: tuple[int, ...]) -> None:
    f = critical("tanh", 0.2)
    depths = np.random.default_rng(0).permutation(10 ** np.arange(12.0))[: int(np.prod(shape))].reshape(shape)
    found = f.iterate(depths, c=0.3)
    assert found.value.shape == found.error.shape == shape
    for index in np.ndindex(shape):
        assert found.value[index] == pytest.approx(f.iterate(depths[index], c=0.3).value, rel=1e-13)


def test_a_jump_that_no_signal_reaches_makes_all_inputs_alike() -> None:
    """Hardshrink at q = sigma_b^2 = 1e-18 is 0 to every digit: only the bias is left, f = 1."""
    f = CorrelationMap("hardshrink", 1e12, 1e-9, 1e-18)
    assert f.chi_1 == math.inf
    assert [(p.c, p.stable) for p in f.fixed_points] == [(1.0, True)]
    assert f.stable_point.c == 1.0
