"""The edge of chaos: reference points, published tables, laws, every kind of "none", questions that agree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from truth import MP, error, expectation, reference, rows

from eoc.activations import activation
from eoc.activations.named import STANDARD
from eoc.criticality import EocPoint, NoPoint, curve, edge_of_chaos, nearest_ordered, transitions
from eoc.criticality.recommended import DEFAULT_DEPTH
from eoc.errors import EocError
from eoc.maps import VarianceMap
from eoc.rates import rate_law

few = settings(max_examples=10, deadline=None, derandomize=True)


def only(name: str, **question: float) -> EocPoint:
    (point,) = edge_of_chaos(name, **question).points
    return point


# --- reference -------------------------------------------------------------------------------------------------------


def named(row: dict[str, Any]) -> str:
    return f"{row['activation']}-{row['sigma_b']}"


ROWS = rows("eoc_points.jsonl")


def solutions(row: dict[str, Any]) -> list[EocPoint]:
    found = edge_of_chaos(reference(row["activation"]), sigma_b=float(row["sigma_b"]))
    return [p for p in found.points if 1e-8 <= p.q <= 1e4]


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_reference_points_are_found(row: dict[str, Any]) -> None:
    found, points = edge_of_chaos(reference(row["activation"]), sigma_b=float(row["sigma_b"])), solutions(row)
    assert len(points) == row["n_solutions"]
    for p in points:
        assert p.sigma_b == float(row["sigma_b"])
        assert p.stability == row["stability"]
        assert p.usable == (row["stability"] == "stable")
        assert found.reason is (None if p.usable else NoPoint.UNSTABLE)
    if not points:
        assert found.reason in (NoPoint.HOMOGENEOUS, NoPoint.NO_SOLUTION, NoPoint.INFINITE_CHI_1)


def beside_the_reference() -> Iterator[tuple[str, float, float, float]]:
    """What, how far off, its bound and what rounding sigma_b = 1/20 or 1/5 adds, as shares of the value."""
    for row in ROWS:
        for p in solutions(row):
            for key, value, bound, rounding in (
                ("q", p.q, p.q_error, 0.0),
                ("sigma_w", p.sigma_w, p.sigma_w_error, 0.0),
                ("slope_dVdq", p.slope, p.slope_error, 1e-20),
            ):
                true = MP.mpf(row[key])
                yield f"{key} of {named(row)}", *(float(x / abs(true)) for x in (error(value, true), bound, rounding))


def test_bounds_of_reference_points_are_honest() -> None:
    assert [one for one in beside_the_reference() if not one[1] <= one[2] + one[3]] == []


def test_reference_points_are_accurate() -> None:
    found = list(beside_the_reference())
    assert len(found) == 3 * sum(row["n_solutions"] for row in ROWS)
    assert [one for one in found if not one[1] <= 1e-12] == []


#: What is promised to less than twelve digits, and to how many: of softshrink only the tails beyond 0.5 count.
LOOSE = {"sigma_w of softshrink_0.5-0.05": 2e-11}


def test_bounds_of_reference_points_are_tight_but_for_named_exceptions() -> None:
    loose = {what: bound for what, _, bound, _ in beside_the_reference() if not bound <= 1e-12}
    assert loose.keys() == LOOSE.keys()  # none that is named is missing or as good as the others
    assert all(loose[what] <= bar for what, bar in LOOSE.items())


def test_reference_points_stand_once_and_solve_the_equations() -> None:
    """The table itself: with V and D by another quadrature, of one activation with kinks and one without."""
    assert len({named(row) for row in ROWS}) == len(ROWS)
    for row in ROWS:
        if row["n_solutions"]:
            assert abs(MP.mpf(row["sigma_w"]) ** 2 / MP.mpf(row["sigma_w2"]) - 1) <= 1e-23
        if row["n_solutions"] and row["activation"] in ("tanh", "hardtanh"):
            phi, slope = {
                "tanh": (MP.tanh, lambda x: MP.sech(x) ** 2),
                "hardtanh": (lambda x: max(-1, min(1, x)), lambda x: 1 if abs(x) < 1 else 0),
            }[row["activation"]]
            q, squared, b = MP.mpf(row["q"]), MP.mpf(row["sigma_w2"]), MP.mpf(row["sigma_b"])
            knots = (-1, 1) if row["activation"] == "hardtanh" else ()
            v, d = (expectation(lambda x, g=g: g(x) ** 2, q, knots) for g in (phi, slope))
            assert abs(squared * d - 1) <= 1e-22
            assert abs((b**2 + squared * v) / q - 1) <= 1e-22


# --- published -------------------------------------------------------------------------------------------------------

TABLE = [  # sigma_b, sigma_w, q, beta_q, F'(q)
    ("tanh", 0.05, 1.12253900, 0.15369194, 39.2820, 0.7822),
    ("tanh", 0.1, 1.19340073, 0.27330091, 16.6393, None),
    ("tanh", 0.2, 1.30414584, 0.51207850, 7.083738, 0.5426),
    ("tanh", 1.0, 1.85558910, 3.03639639, 0.889737, None),
    ("tanh", 5.0, 3.33368847, 34.62398733, 0.072725, None),
    ("elu", 0.05, 1.13186979, 0.18917363, 29.4136, None),
    ("elu", 0.1, 1.17614847, 0.43782923, 14.8149, 0.8708),
    ("elu", 0.5, 1.30611167, 4.88662652, 2.78354, None),
    ("elu", 1.0, 1.35797718, 21.77755, 1.17818, None),
    ("silu", 0.1, 1.82005172, 0.25971250, 11.4674, 1.0723),
    ("silu", 0.2, 1.67953160, 0.68945250, 6.3591, 1.0987),
    ("silu", 0.5, 1.45694742, 4.42807695, 2.6884, 1.0459),
    ("silu", 1.0, 1.40251242, 39.39459, 0.9239, 0.9867),
    ("gelu", 0.1, 1.72707828, 0.18348319, 7.6327, 1.0979),
    ("shifted_softplus", 0.1, 1.90737461, 0.48793148, 21.852, 1.0390),
]


@pytest.mark.parametrize(("name", "sigma_b", "sigma_w", "q", "beta", "slope"), TABLE)
def test_exact_table(name: str, sigma_b: float, sigma_w: float, q: float, beta: float, slope: float | None) -> None:
    p = only(name, sigma_b=sigma_b)
    assert p.sigma_w == pytest.approx(sigma_w, abs=1.1e-8)
    assert p.q == pytest.approx(q, abs=1.1e-8 if q != round(q, 5) else 1.1e-5)
    assert p.law.law == "1/l"
    assert p.law.depth == p.law.constant == pytest.approx(beta, rel=1e-5 if beta != round(beta, 4) else 5e-5)
    if slope is not None:
        assert p.slope == pytest.approx(slope, abs=1e-4)
        assert p.stability == ("stable" if slope < 1.0 else "unstable")


@pytest.mark.parametrize(
    ("name", "sigma_b", "sigma_w"),
    [
        ("tanh", 0.0, 1.0),
        ("tanh", 0.05, 1.12434),
        ("tanh", 0.2, 1.30787),
        ("tanh", 0.5, 1.55254),
        ("tanh", 1.0, 1.85756),
        ("tanh", 5.0, 3.33547),
        ("elu", 0.1, 1.1775),
        ("tanh", 0.2, 1.3029),
        ("relu", 0.0, 2**0.5),
    ],
)
def test_monte_carlo_numbers_of_the_authors_are_close(name: str, sigma_b: float, sigma_w: float) -> None:
    """Hayou et al.'s own code samples, so its numbers are up to 3e-3 off; the exact ones are in the table above."""
    assert edge_of_chaos(name, sigma_b=sigma_b).best.sigma_w == pytest.approx(sigma_w, rel=3e-3)


def test_xiao_and_schoenholz() -> None:
    p = only("tanh", sigma_w=float(np.sqrt(1.05)))
    assert f"{p.sigma_b**2:.6e}" == "2.010521e-05"
    assert round(p.q, 8) == 0.02592095
    p = only("tanh", q=1.0 / 16.0)
    assert round(p.sigma_w**2, 8) == 1.11538062
    assert f"{p.sigma_b**2:.7e}" == "2.3687675e-04"
    assert round(only("tanh", sigma_b=0.05**0.5).sigma_w ** 2, 8) == 1.76095464


@few
@given(q=st.floats(-8.0, 6.0).map(lambda e: 10.0**e))
def test_closed_form_of_erf(q: float) -> None:
    x = MP.mpf(q)
    sigma_w2 = MP.pi / 4 * MP.sqrt(1 + 4 * x)
    with MP.workdps(60):
        sigma_b = MP.sqrt(x - sigma_w2 * 2 / MP.pi * MP.asin(2 * x / (1 + 2 * x)))
    p = only("erf", q=q)
    assert error(p.sigma_w, MP.sqrt(sigma_w2)) <= min(p.sigma_w_error, 1e-13 * p.sigma_w)
    assert error(p.sigma_b, sigma_b) <= min(p.sigma_b_error, 1e-11 * p.sigma_b)
    along = curve("erf", np.array([q]))
    assert [along.sigma_w[0], along.sigma_b[0]] == pytest.approx([p.sigma_w, p.sigma_b], rel=1e-15)


DEPTHS = {200: (0.013806, 1.052206), 100: (0.023779,), 50: (0.041222,), 20: (0.086150,), 10: (0.151202,)}


@pytest.mark.parametrize("depth", DEPTHS)
def test_depth_table(depth: float) -> None:
    p = only("tanh", correlation_depth=depth)
    assert tuple(round(x, 6) for x in (p.sigma_b, p.sigma_w))[: len(DEPTHS[depth])] == DEPTHS[depth]
    assert p.law.depth == pytest.approx(depth, rel=1e-12)


def test_depth_of_elu() -> None:
    p = only("elu", correlation_depth=200)
    assert (round(p.sigma_b, 6), round(p.sigma_w, 6)) == (0.007197, 1.054295)


def test_the_published_bias_of_q_is_not_reproduced() -> None:
    assert only("tanh", sigma_b=0.2).q == pytest.approx(0.51969, rel=0.016)
    assert only("tanh", sigma_b=0.2).q != pytest.approx(0.51969, rel=0.01)


# --- small sigma_b ---------------------------------------------------------------------------------------------------

SMOOTH = {  # phi and phi' for mpmath
    "tanh": (MP.tanh, lambda x: 1 / MP.cosh(x) ** 2),
    "elu": (lambda x: x if x > 0 else MP.expm1(x), lambda x: 1 if x > 0 else MP.exp(x)),
    "silu": (lambda x: x / (1 + MP.exp(-x)), lambda x: (1 + MP.exp(-x) * (1 + x)) / (1 + MP.exp(-x)) ** 2),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_sigma_b_of_1e_8_is_right_to_ten_digits(name: str) -> None:
    """At the q that was found, 60 digits of mpmath have to give back sigma_b and sigma_w."""
    phi, slope = SMOOTH[name]
    p = only(name, sigma_b=1e-8)
    with MP.workdps(60):
        v, d = (expectation(lambda x, f=f: f(x) ** 2, p.q, knots=[0.0]) for f in (phi, slope))
        sigma_b2 = MP.mpf(p.q) - v / d
        assert abs(sigma_b2 / MP.mpf(1e-8) ** 2 - 1) <= 1e-10  # ~ q^2 or q^3, so q is at least as good
        assert error(p.sigma_w, 1 / MP.sqrt(d)) <= p.sigma_w_error <= 1e-13


def test_sigma_b_of_1e_8_for_hardtanh() -> None:
    q = MP.mpf(only("hardtanh", sigma_b=1e-8).q)
    with MP.workdps(60):
        d = MP.erf(1 / MP.sqrt(2 * q))
        v = q * d - MP.sqrt(2 * q / MP.pi) * MP.exp(-1 / (2 * q)) + MP.erfc(1 / MP.sqrt(2 * q))
        assert abs((q - v / d) / MP.mpf(1e-8) ** 2 - 1) <= 1e-10


@pytest.mark.parametrize("sigma_b", [1e-6, 1e-7, 1e-8])
def test_laws_at_small_sigma_b(sigma_b: float) -> None:
    tanh, elu, swish = (only(name, sigma_b=sigma_b) for name in ("tanh", "elu", "swish"))
    assert tanh.q == pytest.approx((0.75 * sigma_b**2) ** (1 / 3), rel=1e-3)
    assert tanh.sigma_w**2 - 1.0 == pytest.approx(2.0 * tanh.q, rel=1e-3)
    assert tanh.law.constant == pytest.approx(0.5 * tanh.q**-2, rel=1e-3)
    assert elu.q == pytest.approx(2.0 * 2**0.5 * sigma_b, rel=5e-3)
    assert elu.law.constant == pytest.approx(2**0.5 / sigma_b, rel=5e-3)
    assert swish.q == pytest.approx(2.0 * sigma_b, rel=1e-3)
    assert swish.law.constant == pytest.approx(1.0 / sigma_b, rel=1e-3)
    assert swish.sigma_w == pytest.approx(2.0, rel=1e-5)


def test_law_of_tanh_at_large_sigma_b() -> None:
    p = only("tanh", sigma_b=3000.0)
    assert p.sigma_w**2 == pytest.approx(0.75 * np.sqrt(2.0 * np.pi * p.q), rel=1e-4)


# --- stability -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "sigma_b", "q"), [("silu", 0.74507930, 14.32017), ("gelu", 0.41583938, 3.56155)], ids=["silu", "gelu"]
)
def test_thresholds_of_stability(name: str, sigma_b: float, q: float) -> None:
    ((b, at, becomes),) = transitions(name)
    assert (round(b, 8), becomes) == (sigma_b, "stable")
    assert at == pytest.approx(q, abs=1e-5)
    below, above = (edge_of_chaos(name, sigma_b=b * f) for f in (1.0 - 1e-9, 1.0 + 1e-9))
    assert (below.reason, above.reason) == (NoPoint.UNSTABLE, None)
    assert f"{sigma_b:.8f}" in below.message
    assert above.best.stability == "stable"


def test_shifted_softplus_is_never_stable() -> None:
    assert transitions("shifted_softplus") == ()
    along = curve("shifted_softplus", np.logspace(-6, 6, 49))
    assert (along.slope[np.isfinite(along.sigma_b)] > 1.0).all()
    for sigma_b in (1e-3, 0.1, 1.0):
        found = edge_of_chaos("shifted_softplus", sigma_b=sigma_b)
        assert found.reason is NoPoint.UNSTABLE
        assert "every sigma_b" in found.message


QUESTIONS = [{}, {"sigma_b": 0.0}, {"sigma_b": 0.1}, {"sigma_b": 2.0}, {"q": 0.0}, {"q": 0.5}, {"q": 30.0}]
QUESTIONS += [{"sigma_w": 1.0}, {"sigma_w": 1.5}, {"correlation_depth": 3.0}, {"correlation_depth": 100.0}]


@pytest.mark.parametrize("name", sorted(set(STANDARD) - {"exp"}))
def test_best_is_never_unstable_and_agrees_with_the_variance_map(name: str) -> None:
    for question in QUESTIONS:
        found = edge_of_chaos(name, **question)
        assert found.given == question
        assert (found.reason is None) == any(p.usable for p in found.points) == (found.message == "")
        assert [p.q for p in found.points] == sorted(p.q for p in found.points)
        if found.reason is not None:
            with pytest.raises(EocError, match=r"\w+"):
                _ = found.best
            continue
        best = found.best
        assert best in found.points
        if question:
            assert best.stability == "stable" or (best.stability == "marginal" and (best.any_q or best.q == 0.0))
        else:  # a variance four times as large does not run away over the depth of the network
            after = float(VarianceMap(name, best.sigma_w, best.sigma_b)(4.0 * best.q))
            assert (after / (4.0 * best.q)) ** DEFAULT_DEPTH <= np.e
        assert best.chi_1 == 1.0
        m = VarianceMap(name, best.sigma_w, best.sigma_b)
        assert float(m.chi_1(best.q).value) == pytest.approx(1.0, rel=1e-12)
        if best.any_q:
            assert m.is_identity
        elif best.q > 0.0:
            assert float(m.slope(best.q).value) == pytest.approx(best.slope, abs=1e-11)
            if best.stability == "stable":
                here = min(m.fixed_points, key=lambda p: abs(p.q - best.q))
                assert abs(here.q - best.q) <= here.q_error + 1e-7 * best.q
                assert m.limit(best.q * (1.0 + 1e-3)) == here.q
        else:
            assert m.limit(1e-3) == 0.0


@pytest.mark.parametrize("name", ["hardtanh", "relu6", "softshrink", "silu", "gelu", "elu(alpha=0.5)", "hardswish"])
def test_point_at_sigma_b_zero_agrees_with_the_variance_map(name: str) -> None:
    """Usable exactly if small variances come to, or keep, q = 0 there."""
    for p in edge_of_chaos(name, sigma_b=0.0).points:
        if p.q == 0.0:
            assert p.usable == (VarianceMap(name, p.sigma_w).limit(1e-3) == 0.0)


@pytest.mark.parametrize("name", ["hardtanh", "relu6", "selu"])
def test_message_about_other_sigma_b_is_true(name: str) -> None:
    """These have stable points for many sigma_b > 0."""
    assert "every sigma_b" not in edge_of_chaos(name, sigma_b=0.0).message


# --- kinds of none ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "question", "reason", "message"),
    [
        ("relu", {"sigma_b": 0.1}, NoPoint.HOMOGENEOUS, r"single point sigma_b = 0, sigma_w = 1\.41421356"),
        ("relu", {"sigma_w": 1.0}, NoPoint.HOMOGENEOUS, "keeps every q"),
        ("leaky_relu", {"sigma_b": 1.0}, NoPoint.HOMOGENEOUS, "homogeneous"),
        ("identity", {"sigma_b": 1.0}, NoPoint.HOMOGENEOUS, "sigma_w = 1.0"),
        ("max(x, 0.2*x)", {"sigma_b": 1.0}, NoPoint.HOMOGENEOUS, "homogeneous"),
        ("silu", {"sigma_b": 0.2}, NoPoint.UNSTABLE, r"F'\(q\) = 1\.098.*take a larger sigma_b"),
        ("x*x", {}, NoPoint.UNSTABLE, "every sigma_b"),
        ("x**3", {"q": 2.0}, NoPoint.UNSTABLE, "F'"),
        ("softplus", {"sigma_b": 0.1}, NoPoint.NO_SOLUTION, "negative for every q"),
        ("softplus", {"q": 1.0}, NoPoint.NO_SOLUTION, "q = 1"),
        ("softplus", {}, NoPoint.NO_SOLUTION, "any sigma_b"),
        ("tanh", {"sigma_w": 0.9}, NoPoint.NO_SOLUTION, "covers sigma_w from 1 to"),
        ("heaviside", {"sigma_b": 0.1}, NoPoint.INFINITE_CHI_1, "jumps"),
        ("quantiser(levels=5)", {}, NoPoint.INFINITE_CHI_1, "infinite"),
        ("hardshrink", {"correlation_depth": 10.0}, NoPoint.INFINITE_CHI_1, "use a continuous activation"),
    ],
)
def test_every_kind_of_none(name: str, question: dict[str, float], reason: NoPoint, message: str) -> None:
    found = edge_of_chaos(name, **question)
    assert found.reason is reason
    with pytest.raises(EocError, match=message):
        _ = found.best


def test_polynomials_are_unstable_with_the_closed_form() -> None:
    """a x + b x^2: sigma_w^2 = 1 / (a^2 + 4 b^2 q), F' = (a^2 + 6 b^2 q) sigma_w^2 (Goyal et al.)."""
    a, b = 0.7, 0.3
    p = only(f"{a}*x + {b}*x**2", q=1.7)
    assert p.sigma_w**-2 == pytest.approx(a**2 + 4 * b**2 * 1.7, rel=1e-13)
    assert p.slope == pytest.approx((a**2 + 6 * b**2 * 1.7) * p.sigma_w**2, rel=1e-13)
    assert p.stability == "unstable"


# --- homogeneous -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sigma_b", [0.0, 0.3])
def test_the_nearest_ordered_point_has_honest_errors(sigma_b: float) -> None:
    """Softplus: chi_1, F' and xi at exactly the q and sigma_b of the answer, by mpmath."""
    found = nearest_ordered("softplus", sigma_b)
    assert found is not None

    def phi(x: Any) -> Any:
        return MP.log1p(MP.exp(x))

    def sigmoid(x: Any) -> Any:
        return 1 / (1 + MP.exp(-x))

    v, d = expectation(lambda x: phi(x) ** 2, found.q), expectation(lambda x: sigmoid(x) ** 2, found.q)
    p = expectation(lambda x: phi(x) * sigmoid(x) * (1 - sigmoid(x)), found.q)
    squared = (MP.mpf(found.q) - MP.mpf(sigma_b) ** 2) / v
    truth = {"sigma_w": MP.sqrt(squared), "chi_1": squared * d, "slope": squared * (d + p)}
    truth["xi"] = -1 / MP.log(truth["chi_1"])
    for name, true in truth.items():
        off, bound = abs(getattr(found, name) - true), getattr(found, f"{name}_error")
        assert off <= bound, name
        assert bound <= (1e-12 if name != "xi" else 1e-10) * true


@pytest.mark.parametrize(
    ("name", "sigma_w"),
    [
        ("relu", 2**0.5),
        ("abs", 1.0),
        ("identity", 1.0),
        ("leaky_relu(slope=0.2)", (2 / 1.04) ** 0.5),
        ("max(x, 0.2*x)", (2 / 1.04) ** 0.5),
        ("spline", 2**0.5),
        ("spline(knots=(-3, 0, 2), values=(-0.6, 0, 2))", (2 / 1.04) ** 0.5),
    ],
)
def test_homogeneous_functions_have_one_point_that_keeps_every_variance(name: str, sigma_w: float) -> None:
    for question in ({}, {"sigma_b": 0.0}, {"q": 3.0}, {"sigma_w": sigma_w}):
        p = edge_of_chaos(name, **question).best
        assert (p.sigma_b, p.any_q, p.stability, p.usable) == (0.0, True, "marginal", True)
        assert p.sigma_w == pytest.approx(sigma_w, rel=1e-15)
        assert p.q == question.get("q", 1.0)


# --- questions agree -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["tanh", "elu", "gelu", "selu", "hardtanh"])
@few
@given(q=st.floats(-1.5, 2.5).map(lambda e: 10.0**e))
def test_every_question_leads_to_the_same_point(name: str, q: float) -> None:
    p = only(name, q=q)
    assert (p.q, p.q_error) == (q, 0.0)
    for question in ({"sigma_b": p.sigma_b}, {"sigma_w": p.sigma_w}, {"correlation_depth": p.law.depth}):
        found = edge_of_chaos(name, **question)
        again = min(found.points, key=lambda other: abs(other.q - q))
        ((key, value),) = question.items()
        assert key == "correlation_depth" or getattr(again, key) == value
        given_error = {"sigma_b": p.sigma_b_error, "sigma_w": p.sigma_w_error, "correlation_depth": p.law.error}[key]
        # How far an error of the given quantity moves q, from the curve itself.
        side = only(name, q=q * (1.0 + 1e-6))
        step = {"sigma_b": side.sigma_b - p.sigma_b, "sigma_w": side.sigma_w - p.sigma_w}.get(
            key, side.law.depth - p.law.depth
        )
        allowed = again.q_error + 4.0 * given_error * abs(1e-6 * q / step)
        assert abs(again.q - q) <= allowed
        assert again.stability == p.stability
        assert abs(again.sigma_w - p.sigma_w) <= (
            again.sigma_w_error + p.sigma_w_error + abs(side.sigma_w - p.sigma_w) * 1e6 * allowed / q
        )


def test_curve_is_an_array_of_points() -> None:
    q = np.logspace(-6, 4, 11)
    for name in ("tanh", "elu", "gelu"):
        along = curve(name, q)
        for i, x in enumerate(q):
            p = only(name, q=float(x))
            expected = pytest.approx([p.sigma_b, p.sigma_w, p.slope], rel=1e-15)
            assert [along.sigma_b[i], along.sigma_w[i], along.slope[i]] == expected
    assert np.isnan(curve("softplus", q).sigma_b).all()


# --- rates -----------------------------------------------------------------------------------------------------------


def test_rate_of_relu_and_its_kin() -> None:
    relu = edge_of_chaos("relu").best.law
    assert (relu.law, relu.constant) == ("1/l^2", pytest.approx(4.5 * np.pi**2, rel=1e-14))
    assert relu.depth == pytest.approx(np.pi * 4.5**0.5, rel=1e-14)
    assert rate_law(activation("abs"), 1.0).constant == pytest.approx(4.5 * np.pi**2 / 4.0, rel=1e-14)
    assert rate_law(activation("identity"), 1.0).law == "constant"
    for q in (0.0, 1e-6, 1e6):
        assert rate_law(activation("relu"), q).constant == pytest.approx(4.5 * np.pi**2, rel=1e-13)


@pytest.mark.parametrize("name", ["tanh", "elu", "hardtanh", "gelu"])
def test_rate_at_sigma_b_zero_is_the_limit_of_infinite_depth(name: str) -> None:
    (p,) = (p for p in edge_of_chaos(name, sigma_b=0.0).points if p.q == 0.0)
    assert (p.law.law, p.law.constant, p.sigma_b) == ("constant", float("inf"), 0.0)
    assert p.sigma_w == pytest.approx({"gelu": 2.0}.get(name, 1.0), rel=1e-14)


def test_rate_of_hardtanh() -> None:
    """Two kinks of size 1 at +-1: kappa = 18 pi^2 (D / (2 exp(-1/2q)))^2."""
    q = 0.8
    d = float(MP.erf(1 / MP.sqrt(2 * MP.mpf(q))))
    expected = 18.0 * np.pi**2 * (d / (2.0 * np.exp(-0.5 / q))) ** 2
    law = rate_law(activation("hardtanh"), q)
    assert law.constant == pytest.approx(expected, rel=1e-13)
    assert law.error <= 1e-12 * expected


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["tanh", "relu", "sign"])
@pytest.mark.parametrize("key", ["sigma_b", "sigma_w", "q", "correlation_depth"])
@pytest.mark.parametrize("bad", [-1.0, float("nan"), float("inf"), "one", [1.0, 2.0], 1j])
def test_bad_values_are_refused(name: str, key: str, bad: Any) -> None:
    with pytest.raises(EocError, match=f"^{key} must be") as caught:
        edge_of_chaos(name, **{key: bad})
    assert repr(bad) in str(caught.value)


def test_questions_that_make_no_sense_are_refused() -> None:
    with pytest.raises(EocError, match=r"at most one of .*; got sigma_b, q"):
        edge_of_chaos("tanh", sigma_b=0.1, q=1.0)
    for key, words in (("sigma_w", "sigma_w must be > 0"), ("correlation_depth", "must be a number of layers > 0")):
        with pytest.raises(EocError, match=words):
            edge_of_chaos("tanh", **{key: 0.0})
    with pytest.raises(EocError, match="unknown activation"):
        edge_of_chaos("tahn", sigma_b=0.1)


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ({"q": 1e300}, "q must be a variance"),
        ({"q": [1.0, 2.0]}, "q must be one variance"),
        ({"correlation_depth": 0.0}, "correlation_depth must be a number of layers"),
        ({"correlation_depth": float("inf")}, "correlation_depth must be a number of layers"),
        ({"correlation_depth": "ten"}, "correlation_depth must be a number of layers"),
    ],
)
def test_each_quantity_is_named_for_what_it_is(question: dict[str, Any], words: str) -> None:
    with pytest.raises(EocError, match=words):
        edge_of_chaos("tanh", **question)
