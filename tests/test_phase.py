"""Phases and depth scales: published numbers, labels near criticality, domains, depths until inputs merge."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from truth import MP, error

from eoc.criticality import edge_of_chaos
from eoc.errors import EocError
from eoc.gaussian.moments import moments
from eoc.maps import CorrelationMap
from eoc.phase import Phase, phase_of, phases
from eoc.propagation import propagate

INF = float("inf")
SPACING = {"float16": 2.0**-10, "float32": 2.0**-23, "float64": 2.0**-52}

# --- published -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sigma_w", "name", "q", "chi_1", "c_star", "chi_2"),
    [
        (1.3, "ordered", 0.60704679, 0.93980743, 1.0, 0.54347202),
        (2.5, "chaotic", 4.07912388, 1.58522477, 0.12210375, 1.19604129),
        (4.0, "chaotic", 12.60414950, 2.36726104, 0.02969592, 1.85717604),
    ],
)
def test_poole(sigma_w: float, name: str, q: float, chi_1: float, c_star: float, chi_2: float) -> None:
    p = phase_of("tanh", sigma_w, 0.3)
    assert (p.phase, round(p.q, 8), round(p.chi_1, 8), round(p.c_star, 8)) == (name, q, chi_1, c_star)
    assert p.correlation is not None
    assert round(float(p.correlation.curvature(1.0).value) / p.q, 8) == chi_2  # f''(1) = q chi_2
    assert p.angle == pytest.approx(np.arccos(p.c_star), abs=1e-14)
    assert p.basin == (0.0, INF)


def test_curvature_of_poole() -> None:
    p = phase_of("tanh", 2.5, 0.3)
    chi_2 = 2.5**2 * float(moments("tanh", p.q, ("S",))["S"].value)
    assert round(3.0 * chi_2 / (p.chi_1 * (p.chi_1 - 1.0)), 6) == 3.867710


@pytest.mark.parametrize(
    ("sigma_w2", "xi_c", "digits"),
    [(1.0, 3.62698, 5), (1.3, 7.83407, 5), (1.7, 74.918, 3), (2.0, 25.2134, 4), (4.0, 6.9803, 4)],
)
def test_schoenholz(sigma_w2: float, xi_c: float, digits: int) -> None:
    p = phase_of("tanh", sigma_w2**0.5, 0.05**0.5)
    assert round(p.xi_c, digits) == xi_c
    assert p.trainable_depth == 6.0 * p.xi_c
    assert p.phase == ("ordered" if sigma_w2 < 1.76095464 else "chaotic")


def test_schoenholz_xi_q() -> None:
    assert round(phase_of("tanh", 1.3**0.5, 0.05**0.5).xi_q, 5) == 1.78524


@pytest.mark.parametrize(
    ("sigma_w", "sigma_b", "name", "chi_1", "c_star"),
    [(1.0, 1.0, "ordered", 0.39887901, 1.0), (2.0, 0.3, "chaotic", 1.32707039, 0.26389479)],
)
def test_slides(sigma_w: float, sigma_b: float, name: str, chi_1: float, c_star: float) -> None:
    p = phase_of("tanh", sigma_w, sigma_b)
    assert (p.phase, round(p.chi_1, 8)) == (name, chi_1)
    assert p.c_star == pytest.approx(c_star, abs=1.1e-8)  # 0.2638947803: the last printed digit is one too large


# --- against mpmath --------------------------------------------------------------------------------------------------


def erf_network(sigma_w: float, sigma_b: float) -> dict[str, Any]:
    """Everything in 40 digits for phi = erf, whose expectations are arcsines (Williams 1997)."""
    w2, b2 = MP.mpf(sigma_w) ** 2, MP.mpf(sigma_b) ** 2

    def following(k: Any, q: Any) -> Any:
        return b2 + w2 * 2 / MP.pi * MP.asin(2 * k / (1 + 2 * q))

    def slope(k: Any, q: Any) -> Any:
        return w2 * 4 / MP.pi / MP.sqrt((1 + 2 * q) ** 2 - 4 * k**2)

    q = c = MP.mpf(1)
    for _ in range(400):
        q = following(q, q)
    q = MP.findroot(lambda x: following(x, x) - x, q)
    chi_1 = slope(q, q)
    if chi_1 > 1:
        c = MP.findroot(lambda x: following(q * x, q) / q - x, (MP.mpf(0), MP.mpf("0.999")), solver="anderson")
    bend = w2 * 4 / MP.pi / ((1 + 2 * q) * MP.sqrt(1 + 4 * q))  # F'
    xi_q, xi_c, xi_grad = (-1 / MP.log(x) for x in (bend, slope(c * q, q), chi_1))
    return {"q": q, "chi_1": chi_1, "c_star": c, "slope": bend, "xi_q": xi_q, "xi_c": xi_c, "xi_grad": xi_grad}


@pytest.mark.parametrize(
    ("sigma_w", "sigma_b"), [(1.0, 0.3), (1.3, 0.3), (1.4, 0.1), (1.9, 0.3), (3.0, 0.1), (4.0, 2.0)]
)
def test_errors_of_erf_are_honest_and_small(sigma_w: float, sigma_b: float) -> None:
    p, true = phase_of("erf", sigma_w, sigma_b), erf_network(sigma_w, sigma_b)
    for key, value in true.items():
        off = float(abs(MP.mpf(getattr(p, key)) - value))
        assert off <= getattr(p, f"{key}_error") + 1e-15 * abs(float(value)), key
        assert getattr(p, f"{key}_error") <= 1e-10 * max(abs(float(value)), 1.0), key
    assert (p.c_star == 1.0) == (p.phase == "ordered")


# --- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "sigma_w", "sigma_b", "phase"),
    [
        ("relu", 1.0, 0.0, "ordered"),
        ("relu", 1.4, 0.2, "ordered"),
        ("relu", 2**0.5, 0.0, "critical"),
        ("relu", 1.6, 0.0, "divergent"),
        ("identity", 1.0, 0.0, "critical"),
        ("identity", 0.9, 0.1, "ordered"),
        ("tanh", 0.9, 0.0, "ordered"),
        ("tanh", 1.0, 0.0, "critical"),
        ("tanh", 1.2, 0.0, "chaotic"),
        ("elu", 1.0, 0.0, "critical"),
        ("sign", 1.0, 0.3, "chaotic"),
        ("heaviside", 0.5, 1.0, "chaotic"),
        ("silu", 3.0, 0.5, "divergent"),
        ("exp", 1.0, 0.1, "divergent"),
        ("tanh", 0.0, 0.3, "ordered"),
    ],
)
def test_names(name: str, sigma_w: float, sigma_b: float, phase: str) -> None:
    assert phase_of(name, sigma_w, sigma_b).phase == phase


POINTS = [
    (name, b) for name in ("tanh", "erf", "elu", "selu", "hardtanh", "relu6", "softsign") for b in (0.05, 0.2, 1.0)
]
POINTS += [("gelu", 0.62), ("gelu", 3.0), ("silu", 1.0), ("mish", 1.0), ("hardswish", 1.0), ("cos", 0.2), ("sin", 3.0)]


@pytest.mark.parametrize(("name", "sigma_b"), POINTS)
def test_the_edge_of_chaos_is_critical_and_its_neighbours_are_not(name: str, sigma_b: float) -> None:
    best = edge_of_chaos(name, sigma_b=sigma_b).best
    at = phase_of(name, best.sigma_w, sigma_b, best.q)
    assert (at.phase, at.chi_1, at.c_star, at.xi_c, at.xi_grad) == ("critical", 1.0, 1.0, INF, INF)
    for step, expected in ((-1e-6, "ordered"), (-1e-10, "ordered"), (1e-10, "chaotic"), (1e-6, "chaotic")):
        near = phase_of(name, best.sigma_w * (1.0 + step), sigma_b, best.q)
        assert near.phase == expected
        assert (near.c_star < 1.0) == (expected == "chaotic") or near.angle < 1e-7
        assert (near.angle > 0.0) == (expected == "chaotic")


@pytest.mark.parametrize(("name", "sigma_b"), [("tanh", 0.2), ("gelu", 1.0), ("selu", 0.2), ("hardtanh", 0.2)])
def test_depth_scale_diverges_at_criticality(name: str, sigma_b: float) -> None:
    """xi_c |1 - chi_1| -> 1; 2 in the chaotic phase if phi has kinks: there 1 - f'(c*) = (chi_1 - 1)/2."""
    best = edge_of_chaos(name, sigma_b=sigma_b).best
    kinked = best.law.law == "1/l^2"
    for step in (-1e-5, 1e-5):
        p = phase_of(name, best.sigma_w * (1.0 + step), sigma_b, best.q)
        expected = 2.0 if kinked and step > 0.0 else 1.0
        assert p.xi_c * abs(1.0 - p.chi_1) == pytest.approx(expected, rel=1e-3)
        assert p.xi_grad * (1.0 - p.chi_1) == pytest.approx(1.0, rel=1e-3)
        assert p.xi_c_error <= 1e-6 * p.xi_c


# --- where variances end ---------------------------------------------------------------------------------------------


def test_where_variances_end_depends_on_the_inputs() -> None:
    low, high = phases("silu", 1.6, 0.2)
    assert (low.phase, high.phase) == ("ordered", "divergent")
    assert low.q == pytest.approx(0.132112, abs=1e-6)
    assert low.basin == (0.0, high.basin[0])
    assert high.basin[0] == pytest.approx(1.4688960125, abs=1e-9)
    assert high.basin[1] == INF
    with pytest.raises(EocError, match=r"q = 0\.132112 from 0 \.\.\. 1\.4689, q = inf from 1\.4689 \.\.\. inf.*give"):
        phase_of("silu", 1.6, 0.2)
    edge = high.basin[0]
    assert phase_of("silu", 1.6, 0.2, q=0.01).q == phase_of("silu", 1.6, 0.2, q=edge * (1 - 1e-6)).q == low.q
    assert phase_of("silu", 1.6, 0.2, q=edge * (1 + 1e-6)).phase == "divergent"
    with pytest.raises(EocError, match="unstable fixed point"):
        phase_of("silu", 1.6, 0.2, q=edge)


def test_divergent_phase() -> None:
    p = phase_of("relu", 1.6, 0.3)
    assert (p.phase, p.q, p.correlation, p.all_pairs_merge, p.in_domain) == ("divergent", INF, None, False, False)
    assert p.chi_1 == pytest.approx(1.28, rel=1e-15)
    assert p.xi_grad == pytest.approx(-1.0 / np.log(1.28), rel=1e-13)
    assert np.isnan([p.c_star, p.angle, p.xi_q, p.xi_c, p.merging_depth(1.0)]).all()


def test_vanishing_variance() -> None:
    """At q = 0 the correlation map is that of the tangent of tanh: the identity."""
    for sigma_w in (0.9, 1.0):
        p = phase_of("tanh", sigma_w)
        assert p.q == 0.0
        assert p.chi_1 == p.slope == pytest.approx(sigma_w**2, rel=1e-15)
        assert p.xi_q == p.xi_grad == (INF if sigma_w == 1.0 else pytest.approx(-0.5 / np.log(0.9), rel=1e-13))
        assert np.isnan(p.c_star)
        assert p.xi_c == INF
        assert p.correlation is not None
        assert p.correlation.is_identity


@pytest.mark.parametrize(("name", "sigma_b"), [("gelu", 0.416), ("gelu", 0.41584), ("silu", 0.7451), ("silu", 1.0)])
def test_edge_where_the_variance_is_badly_known_is_critical(name: str, sigma_b: float) -> None:
    """F' is almost 1, so that rounding of sigma moves q by far more, and chi_1 with it."""
    point = edge_of_chaos(name, sigma_b=sigma_b).best
    found = phase_of(name, point.sigma_w, sigma_b, point.q)
    assert (found.phase, found.chi_1, found.xi_c) == ("critical", 1.0, INF)


@pytest.mark.parametrize("gap", [1e-3, 1e-6, 1e-10, 1e-14])
def test_errors_of_the_variance_go_into_all_others(gap: float) -> None:
    """x + x^2/2: V = q + 3 q^2/4, D = 1 + q, so that q = (0.64 - sqrt(0.64^2 - 1.08 sigma_b^2)) / 0.54 at 0.6."""
    sigma_b = float(np.sqrt(0.64**2 * (1.0 - gap) / 1.08))
    w = MP.mpf(0.6) ** 2
    q = (1 - w - MP.sqrt((1 - w) ** 2 - 3 * w * MP.mpf(sigma_b) ** 2)) / (MP.mpf(3) / 2 * w)
    chi_1 = w * (1 + q)
    found = phase_of("x+0.5*x**2", 0.6, sigma_b, q=0.5)
    assert error(found.q, q) <= found.q_error
    assert error(found.chi_1, chi_1) <= found.chi_1_error
    assert error(found.xi_grad, -1 / MP.log(chi_1)) <= found.xi_grad_error
    assert error(found.xi_c, -1 / MP.log(chi_1)) <= found.xi_c_error
    e, run = MP.mpf(0.5), propagate("x+0.5*x**2", 0.6, sigma_b, c=0.5, depth=100)
    for n in range(1, 101):  # 1 - f = sigma_w^2 (q e + (q^2/2)(1 - c^2)) / q, by Hermite polynomials
        e = w * (e + q / 2 * (1 - (1 - e) ** 2))
        assert error(run.one_minus_c[n, 0, 1], e) <= run.error[n, 0, 1]


@pytest.mark.parametrize(("name", "sigma_w"), [("x**3", 1.0), ("tanhshrink", 3.0), ("x**2", 0.5)])
def test_variances_that_vanish_faster_than_in_proportion(name: str, sigma_w: float) -> None:
    """phi has no slope at 0: there is a phase at q = 0 and one at infinity, none with a correlation map."""
    small, large = phases(name, sigma_w)
    assert (small.phase, small.q, small.slope, small.chi_1, small.correlation) == ("ordered", 0.0, 0.0, 0.0, None)
    assert (small.xi_q, small.xi_grad) == (0.0, 0.0)
    assert np.isnan([small.c_star, small.xi_c, small.merging_depth(0.1)]).all()
    assert large.phase == "divergent"
    assert small.basin[1] == large.basin[0]


def test_odd_functions_without_bias_forget_everything() -> None:
    for name in ("tanh", "sign"):
        p = phase_of(name, 1.5)
        assert p.phase == "chaotic"
        assert abs(p.c_star) <= p.c_star_error + 1e-18
        assert p.angle == pytest.approx(np.pi / 2.0, abs=1e-14)


def test_sign() -> None:
    """f(c) = (sigma_b^2 + sigma_w^2 (2/pi) asin(c)) / q."""
    p = phase_of("sign", 1.0, 0.3)
    c = MP.findroot(lambda x: (MP.mpf(0.3) ** 2 + 2 / MP.pi * MP.asin(x)) / (1 + MP.mpf(0.3) ** 2) - x, 0.2)
    slope = 2 / MP.pi / MP.sqrt(1 - c**2) / (1 + MP.mpf(0.3) ** 2)
    assert (p.chi_1, p.slope, p.xi_q, p.xi_grad) == (INF, 0.0, 0.0, 0.0)
    assert p.q == pytest.approx(1.09, rel=1e-15)
    assert abs(p.c_star - float(c)) <= p.c_star_error + 1e-16
    assert abs(p.xi_c - float(-1 / MP.log(slope))) <= p.xi_c_error <= 1e-9


# --- domains ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "sigma_w", "sigma_b", "merge", "domain"),
    [
        ("tanh", 1.0, 1.0, True, INF),  # ordered
        ("tanh", 2.0, 0.3, False, INF),  # chaotic
        ("tanh", 1.304145840056511, 0.2, True, INF),  # critical
        ("tanh", 1.2, 0.0, False, INF),  # c* = 0
        ("tanh", 1.0, 0.0, False, INF),  # keeps correlations
        ("relu", 1.0, 0.0, True, INF),  # q = 0, but c -> 1 by the map that holds at every q
        ("relu", 2**0.5, 0.0, True, None),  # every variance is kept
        ("relu", 1.4, 0.2, True, INF),
        ("relu", 1.6, 0.0, False, None),  # diverges
        ("silu", 1.6, 0.2, True, 1.4688960125),  # small inputs only
        ("sign", 1.0, 0.3, False, INF),
    ],
)
def test_domain(name: str, sigma_w: float, sigma_b: float, merge: bool, domain: float | None) -> None:
    p = phase_of(name, sigma_w, sigma_b, q=0.1)
    assert (p.all_pairs_merge, p.in_domain) == (merge, merge and domain is not None)
    assert p.variance_domain == (domain if domain in (None, INF) else pytest.approx(domain, abs=1e-9))


@pytest.mark.parametrize(("name", "sigma_w", "sigma_b"), [("tanh", 1.1, 0.3), ("relu", 1.4, 0.2), ("cos", 1.2, 0.0)])
def test_in_the_domain_correlations_of_opposite_inputs_go_to_one(name: str, sigma_w: float, sigma_b: float) -> None:
    p = phase_of(name, sigma_w, sigma_b)
    assert p.in_domain
    assert p.correlation is not None
    for c in (-1.0, -0.5, 0.0):
        assert float(p.correlation.iterate(3000, c=c).value) <= 1e-8


# --- merging ---------------------------------------------------------------------------------------------------------

SETS = [("tanh", 1.0, 0.3), ("tanh", 1.3, 0.3), ("relu", 1.4, 0.2), ("gelu", 1.3, 0.3), ("elu", 1.1, 0.3)]


@pytest.mark.parametrize(("name", "sigma_w", "sigma_b"), SETS)
@pytest.mark.parametrize("dtype", SPACING)
def test_merging_depth_is_where_the_distance_falls_below_the_spacing(
    name: str, sigma_w: float, sigma_b: float, dtype: str
) -> None:
    """|x - x'|^2 / |x|^2 = 2 (1 - c)."""
    p = phase_of(name, sigma_w, sigma_b)
    for distance in (0.1, 1.0, 2.0):
        depth = p.merging_depth(distance, dtype)
        before, after = (
            CorrelationMap(name, sigma_w, sigma_b).iterate([depth - 1.0, depth], angle=angle(distance)).value
        )
        assert (2.0 * after) ** 0.5 <= SPACING[dtype] * (1.0 + 1e-12)
        assert (2.0 * before) ** 0.5 > SPACING[dtype] * (1.0 - 1e-12)


def angle(distance: float) -> float:
    return float(2.0 * np.arcsin(0.5 * distance))


def test_merging_depth_on_the_edge_of_chaos() -> None:
    p = phase_of("relu", 2**0.5)
    depths = [p.merging_depth(1.0, dtype) for dtype in SPACING]
    expected = [3.0 * np.pi / spacing for spacing in SPACING.values()]  # 9 pi^2 / (2 l^2) = spacing^2 / 2
    assert depths == pytest.approx(expected, rel=3e-3)
    assert depths[1:] == pytest.approx(expected[1:], rel=1e-6)


def test_inputs_never_merge_in_the_chaotic_phase() -> None:
    p = phase_of("tanh", 2.5, 0.3)
    assert {p.merging_depth(d, dtype) for d in (1e-2, 1.0) for dtype in SPACING} == {INF}
    assert phase_of("tanh", 1.0, 0.3).merging_depth(1e-4, "float16") == 0.0


def test_bad_arguments_are_refused() -> None:
    p: Phase = phase_of("tanh", 1.0, 0.3)
    with pytest.raises(EocError, match="dtype must be one of float16, float32, float64; got 'float8'"):
        p.merging_depth(1.0, "float8")
    for distance in (0.0, -1.0, 2.1, float("nan")):
        with pytest.raises(EocError, match=r"distance \|h - h'\|/\|h\| must lie in"):
            p.merging_depth(distance)
    for q in (-5.0, float("nan"), float("inf")):
        with pytest.raises(EocError, match="q must be a variance"):
            phase_of("tanh", 1.0, 0.3, q=q)
    with pytest.raises(EocError, match="sigma_w must be"):
        phase_of("tanh", -1.0, 0.3)
    with pytest.raises(EocError, match="sigma_b must be"):
        phase_of("tanh", 1.0, float("nan"))
