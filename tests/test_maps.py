"""The variance map: published numbers, all fixed points, basins checked by plain iteration."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from truth import MP, error, expectation

from eoc.errors import AccuracyError, EocError, NotPermissibleError
from eoc.maps import FixedPoint, VarianceMap

INF = float("inf")
SIGMA = st.just(0.0) | st.floats(1e-3, 3.0)
few = settings(max_examples=12, deadline=None, derandomize=True)


def only(m: VarianceMap) -> FixedPoint:
    (point,) = m.fixed_points
    return point


# --- published -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sigma_w", "q", "chi_1"), [(1.3, 0.60704679, 0.93980743), (2.5, 4.07912388, 1.58522477), (4.0, 12.6041, 2.3673)]
)
def test_poole_tanh(sigma_w: float, q: float, chi_1: float) -> None:
    point = only(VarianceMap("tanh", sigma_w, 0.3))
    digits = 4 if sigma_w == 4.0 else 8
    assert (round(point.q, digits), round(point.chi_1, digits)) == (q, chi_1)
    assert (point.stability, point.basin) == ("stable", (0.0, INF))


@pytest.mark.parametrize(("sigma_w", "q", "chi_1"), [(1.0, 1.46385089, 0.39887901), (2.0, 2.25375338, 1.32707039)])
def test_slides_tanh(sigma_w: float, q: float, chi_1: float) -> None:
    point = only(VarianceMap("tanh", sigma_w, {1.0: 1.0, 2.0: 0.3}[sigma_w]))
    assert (round(point.q, 8), round(point.chi_1, 8)) == (q, chi_1)


def test_lee_defaults() -> None:
    assert round(only(VarianceMap("tanh", 1.3**0.5, 0.2**0.5)).q, 8) == 0.59230763


@pytest.mark.parametrize(
    ("name", "sigma_w", "sigma_b", "q_min", "chi_min", "q_star", "slope"),
    [
        ("silu", 1.679531600691645, 0.2, 0.194038, 0.82028, 0.68945250, 1.0987),
        ("gelu", 1.547009470416228, 0.2, 0.151894, 0.77552, 0.57563712, 1.0950),
        ("shifted_softplus", 1.9073746105854665, 0.1, 0.151032, 0.94151, 0.48793148, 1.0390),
    ],
)
def test_the_published_point_is_unstable_and_a_lower_one_attracts(
    name: str, sigma_w: float, sigma_b: float, q_min: float, chi_min: float, q_star: float, slope: float
) -> None:
    m = VarianceMap(name, sigma_w, sigma_b)
    low, high, infinity = m.fixed_points
    assert (low.stability, round(low.q, 6), round(low.chi_1, 5)) == ("stable", q_min, chi_min)
    assert (high.stability, round(high.slope, 4), high.basin) == ("unstable", slope, None)
    assert high.q == pytest.approx(q_star, abs=1e-7)
    assert high.chi_1 == pytest.approx(1.0, abs=1e-7)
    assert infinity.diverges
    assert (low.basin, infinity.basin) == ((0.0, high.q), (high.q, INF))
    assert m.limit(1.1 * high.q) == INF
    assert m.limit(0.9 * high.q) == m.limit(0.0) == low.q
    assert m.limit(high.q) == high.q
    assert m.domain == (low.q, high.q)


# --- homogeneous -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "sigma_w"), [("relu", 2**0.5), ("abs", 1.0), ("identity", 1.0), ("leaky_relu(slope=1)", 1.0)]
)
def test_a_homogeneous_function_at_criticality_keeps_every_variance(name: str, sigma_w: float) -> None:
    m = VarianceMap(name, sigma_w)
    assert m.is_identity
    assert (m.fixed_points, m.domain) == ((), None)
    assert [m.limit(q) for q in (0.0, 1e-9, 3.7)] == [0.0, 1e-9, 3.7]
    assert m([0.3, 7.0]) == pytest.approx([0.3, 7.0], rel=1e-14)


@few
@given(sigma_b=st.floats(0.01, 10.0), below=st.floats(-10.0, -0.01).map(lambda e: 10.0**e))
def test_relu_closed_form(sigma_b: float, below: float) -> None:
    m = VarianceMap("relu", float(np.sqrt(2.0 * (1.0 - below))), sigma_b)
    point = only(m)
    true = MP.mpf(m.sigma_b) ** 2 / (1 - MP.mpf(m.sigma_w) ** 2 / 2)
    assert error(point.q, true) <= point.q_error
    assert point.q_error <= 1e-13 / below * point.q
    assert (point.stability, point.basin) == ("stable", (0.0, INF))


@pytest.mark.parametrize(("sigma_w", "sigma_b"), [(1.5, 0.0), (1.5, 0.1), (2**0.5, 0.1), (2**0.5 * (1 + 1e-12), 0.1)])
def test_relu_diverges(sigma_w: float, sigma_b: float) -> None:
    m = VarianceMap("relu", sigma_w, sigma_b)
    assert m.fixed_points[-1].diverges
    assert m.limit(0.5) == INF
    assert m.domain is None


# --- criticality -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["tanh", "hardtanh", "erf", "sin", "arctan"])
def test_marginal_at_zero_yet_attracting(name: str) -> None:
    sigma_w = {"erf": float(np.sqrt(np.pi / 4))}.get(name, 1.0)
    m = VarianceMap(name, sigma_w)
    assert (only(m).q, only(m).stability, only(m).basin) == (0.0, "marginal", (0.0, INF))
    assert m.domain == (0.0, INF)


@pytest.mark.parametrize("above", [1e-12, 1e-9, 1e-6, 1e-3])
def test_tanh_just_above_criticality(above: float) -> None:
    """q = 2 q^2 sigma_w^2 ... : F(q) = sigma_w^2 (q - 2 q^2 + 17/3 q^3), so q* ~ (sigma_w^2 - 1) / 2."""
    m = VarianceMap("tanh", 1.0 + above)
    zero, point = m.fixed_points
    assert (zero.q, zero.stability, zero.basin) == (0.0, "unstable", None)
    e = 1.0 - m.sigma_w**-2
    assert point.q == pytest.approx(e / 2.0 + 17.0 / 24.0 * e**2, rel=3e-16 / above + 8 * above**2 + 1e-12)
    assert (point.stability, point.basin) == ("stable", (0.0, INF))
    assert m.domain == (point.q, INF)


def test_tanh_just_below_criticality() -> None:
    point = only(VarianceMap("tanh", 1.0 - 1e-12))
    assert (point.q, point.stability, point.basin) == (0.0, "stable", (0.0, INF))


@pytest.mark.parametrize(("sigma_b", "q"), [(0.2, 0.051742897705310984), (0.05, 0.002549532003036812857)])
def test_softshrink_is_marginal_on_its_edge_of_chaos(sigma_b: float, q: float) -> None:
    sigma_w = {0.2: 5.982235672187239345516491, 0.05: 156850915079.1307878847486}[sigma_b]
    m = VarianceMap("softshrink", sigma_w, sigma_b)
    assert abs(float(m.slope(q).value) - 1.0) <= m.slope(q).error + 1e-9 * sigma_w
    for point in m.fixed_points[:-1]:  # rounding of sigma_w may split or remove the double root
        assert abs(point.q - q) <= max(10.0 * point.q_error, 1e-6 * q)
        assert abs(point.slope - 1.0) <= max(10.0 * point.slope_error, 1e-5)
    assert m.fixed_points[-1].diverges


# --- everything by iteration -----------------------------------------------------------------------------------------

MAPS = [
    ("tanh", 1.5, 0.1),
    ("tanh", 0.9, 0.0),
    ("elu", 1.2, 0.2),
    ("elu", 1.45, 0.0),
    ("silu", 1.679531600691645, 0.2),
    ("gelu", 1.6, 0.1),
    ("shifted_softplus", 1.8, 0.2),
    ("softplus", 1.0, 0.3),
    ("softplus", 1.5, 0.3),
    ("softshrink", 3.0, 0.0),
    ("softshrink", 2.0, 0.3),
    ("hardshrink", 3.0, 0.05),
    ("polynomial", 0.3, 0.1),
    ("polynomial", 1.0, 0.0),
    ("exp", 0.3, 0.1),
    ("gaussian", 1.7, 0.05),
    ("gaussian", 30.0, 0.0),
    ("cos", 2.0, 0.3),
    ("sin", 5.0, 0.01),
    ("sign", 1.3, 0.2),
    ("heaviside", 2.0, 0.0),
    ("relu6", 3.0, 0.0),
    ("tanhshrink", 1.2, 0.5),
    ("exp(0.25*x**2)", 0.53, 0.1),
    ("4*x**2*exp(-x**2)", 1.5, 0.0),
    ("4*x**2*exp(-x**2)", 3.0, 0.05),
    ("4*x**3*exp(-x**2)", 2.0, 0.01),
]


def iterate(m: VarianceMap, q: float) -> float:
    """Where plain iteration goes within 3000 layers; NaN if it is still on its way."""
    for _ in range(3000):
        before = q
        try:
            q = float(m(q))
        except (AccuracyError, NotPermissibleError):
            return INF  # overflow
        if q < 1e-150 or q > 1e12:
            return INF if q > 1.0 else 0.0
        if abs(q - before) <= 1e-14 * q:
            return q
    return float("nan")


@pytest.mark.parametrize(("name", "sigma_w", "sigma_b"), MAPS)
def test_limits_and_basins_are_what_iteration_gives(name: str, sigma_w: float, sigma_b: float) -> None:
    m = VarianceMap(name, sigma_w, sigma_b)
    points = m.fixed_points
    assert points
    assert [p.q for p in points] == sorted(p.q for p in points)
    edges = {edge for p in points if p.basin for edge in p.basin if 0.0 < edge < INF}
    starts = [10.0**e for e in np.random.default_rng(3).uniform(-5.0, 3.0, 12)]
    for start in starts + [edge * (1.0 + side) for edge in edges for side in (-1e-3, 1e-3)]:
        expected, got = iterate(m, start), m.limit(start)
        if not np.isnan(expected):
            assert got == pytest.approx(expected, rel=1e-9, abs=1e-140), start
        for p in points:
            if p.basin and p.basin[0] < start < p.basin[1]:
                assert got == p.q
    for p in points:
        if 0.0 < p.q < INF:
            assert abs(float(m(p.q)) - p.q) <= 1e-12 * p.q
            assert p.stability == ("stable" if abs(p.slope) < 1.0 else "unstable")


def test_a_map_that_is_not_monotone_has_a_basin_with_an_upper_end() -> None:
    """F rises from 0 through an unstable point and falls like q^-1/2: huge variances are thrown down to 0."""
    m = VarianceMap("4*x**2*exp(-x**2)", 1.5)
    zero, barrier, top = m.fixed_points
    assert [p.stability for p in m.fixed_points] == ["stable", "unstable", "stable"]
    assert top.slope < 0.0
    assert top.basin is not None
    assert top.basin[0] == pytest.approx(barrier.q, rel=1e-9)
    assert float(m(top.basin[1])) == pytest.approx(barrier.q, rel=1e-6)
    assert m.limit(2.0 * top.basin[1]) == zero.q
    assert m.domain == (0.0, barrier.q)


@few
@given(sigma_w=st.floats(0.01, 20.0), sigma_b=st.just(0.0) | st.floats(1e-3, 5.0), q=st.floats(1e-6, 1e6))
def test_bounded_activations_have_one_limit_within_their_range(sigma_w: float, sigma_b: float, q: float) -> None:
    for name in ("tanh", "gaussian", "sigmoid"):
        m = VarianceMap(name, sigma_w, sigma_b)
        limit = m.limit(q)
        assert sigma_b**2 * (1.0 - 1e-12) <= limit <= (sigma_b**2 + sigma_w**2) * (1.0 + 1e-12)
        assert any(p.q == limit for p in m.fixed_points)


# --- pieces ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["elu", "gelu", "hardtanh", "softplus"])
@few
@given(q=st.floats(0.01, 100.0), sigma_w=SIGMA, sigma_b=SIGMA)
def test_values_and_slopes(name: str, q: float, sigma_w: float, sigma_b: float) -> None:
    m = VarianceMap(name, sigma_w, sigma_b)
    h = q * np.array([-0.01, 0.01])
    f = m(q + np.array([-2, -1, 1, 2]) * 0.01 * q)
    difference = (f @ [1.0, -8.0, 8.0, -1.0]) / (6.0 * (h[1] - h[0]))
    assert m.slope(q).value == pytest.approx(difference, abs=1e-5 * sigma_w**2 + 1e-12 * sigma_b**2 / q)
    growth = m.growth(q)
    assert abs(growth.value - (m(q) - q)) <= growth.error + m.F(q).error + 1e-15 * q


def test_f_against_quadrature() -> None:
    f = VarianceMap("tanh", 1.3, 0.3).F(0.7)
    true = MP.mpf(0.3) ** 2 + MP.mpf(1.3) ** 2 * expectation(lambda x: MP.tanh(x) ** 2, 0.7)
    assert error(f.value, true) <= f.error <= 1e-13


def test_growth_keeps_its_digits_at_criticality() -> None:
    growth = VarianceMap("tanh", 1.0).growth(1e-10)
    assert growth.value == pytest.approx(-2e-20, rel=1e-8)
    assert growth.error <= 1e-25


@pytest.mark.parametrize(("name", "expected"), [("heaviside", INF), ("sign", INF), ("relu", 0.5), ("tanh", 1.0)])
def test_chi_1_is_infinite_for_a_jump(name: str, expected: float) -> None:
    assert VarianceMap(name, 1.0).chi_1(1e-30).value == pytest.approx(expected, rel=1e-14)
    assert VarianceMap(name, 0.0).chi_1([1.0, 2.0]).value.tolist() == [0.0, 0.0]


@pytest.mark.parametrize(("sigma_b", "q"), [(0.0, 0.0), (0.5, 0.25)])
def test_no_weights(sigma_b: float, q: float) -> None:
    point = only(VarianceMap("gelu", 0.0, sigma_b))
    assert (point.q, point.slope, point.chi_1, point.basin) == (q, 0.0, 0.0, (0.0, INF))


@pytest.mark.parametrize("name", ["tanh", "gaussian", "relu"])
@pytest.mark.parametrize(("sigma_w", "sigma_b"), [(0.0, 1e-12), (0.5, 1e-12), (0.0, 1e-120), (1e-120, 1e-120)])
def test_tiny_standard_deviations(name: str, sigma_w: float, sigma_b: float) -> None:
    m = VarianceMap(name, sigma_w, sigma_b)
    if name == "gaussian":
        expected = sigma_b**2 + sigma_w**2 * float(MP.sqrt(1 / (1 + 4 * MP.mpf(m.limit(1.0)))))
    else:
        expected = sigma_b**2 / (1.0 - sigma_w**2 * {"relu": 0.5, "tanh": 1.0}[name])
    assert m.limit(1.0) == pytest.approx(expected, rel=1e-12, abs=0.0)


def test_gaussian_growth_diverges_beyond_the_bound_and_settles_below() -> None:
    m = VarianceMap("exp(0.25*x**2)", 0.53, 0.1)
    stable, unstable, infinity = m.fixed_points
    assert [p.stability for p in m.fixed_points] == ["stable", "unstable", "stable"]
    assert stable.q < unstable.q < 1.0
    for q in (stable.q, unstable.q):
        assert 0.1**2 + 0.53**2 / np.sqrt(1.0 - q) == pytest.approx(q, rel=1e-11)
    assert infinity.diverges
    assert m.limit(0.5) == stable.q
    assert m.limit(2.0) == INF  # F is infinite from q = 1 on


def test_gaussian_growth_diverges_beyond_the_bound_even_where_nothing_can_be_computed_near_it() -> None:
    """The unstable point is at q = 0.992, so close to the bound that the integrand overflows."""
    m = VarianceMap("exp(0.25*x**2)", 0.3, 0.1)
    assert m.limit(0.5) == pytest.approx(0.1056, abs=1e-3)
    assert m.limit(2.0) == INF


@pytest.mark.parametrize("bad", [-1.0, float("nan"), INF, "many", None, 1e101, 1e-140, [1.0, 2.0], 1j])
@pytest.mark.parametrize("which", ["sigma_w", "sigma_b"])
def test_what_is_no_standard_deviation_is_refused(which: str, bad: Any) -> None:
    with pytest.raises(EocError, match=f"^{which} must be a") as caught:
        VarianceMap("tanh", **{"sigma_w": 1.0, "sigma_b": 1.0, which: bad})
    assert repr(bad) in str(caught.value)


@pytest.mark.parametrize("bad", [-1.0, float("nan"), "x", None])
def test_what_is_no_variance_is_refused(bad: Any) -> None:
    m = VarianceMap("tanh", 1.0, 0.1)
    for use in (m, m.F, m.slope, m.chi_1, m.growth, m.limit):
        with pytest.raises(EocError):
            use(bad)


def test_repr() -> None:
    assert repr(VarianceMap("swish", 2, 0)) == "VarianceMap('silu', sigma_w=2.0, sigma_b=0.0)"


def test_a_vertical_tangent_leaves_the_variance_map_smooth() -> None:
    """sqrt|x|: E[phi'^2] is infinite, and V = sqrt(2 q / pi) all the same."""
    m = VarianceMap("sqrt(abs(x))", 1.0, 0.1)
    point = only(m)
    assert point.q == pytest.approx(0.01 + np.sqrt(2.0 * point.q / np.pi), rel=1e-13)
    assert abs(point.slope - np.sqrt(0.5 / (np.pi * point.q))) <= point.slope_error <= 1e-6
    assert point.stability == "stable"
    assert float(m.chi_1(1.0).value) == np.inf
