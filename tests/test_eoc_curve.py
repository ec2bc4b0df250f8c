"""The whole edge of chaos: nothing missed, everything exact, smooth enough to draw; on the command line too."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from test_cli import run, run_json
from truth import MP, error, expectation, reference, rows

from eoc.activations import activation
from eoc.activations.named import STANDARD
from eoc.criticality import (
    Approach,
    Curve,
    EocCurve,
    NoPoint,
    curve,
    curve_sampling,
    edge_of_chaos,
    eoc_curve,
    transitions,
)
from eoc.criticality.branches import Branch
from eoc.errors import EocError
from eoc.inversion import inverse, monotone
from eoc.scan import decades, extrema, log_derivative

FloatArray = NDArray[np.float64]
some = settings(max_examples=25, deadline=None, derandomize=True)

FORMULAS = ("x+sin(x)**2", "exp(-x**2)", "x**2", "x**3", "sigmoid(x)", "cos(x)", "sin(x)", "x**2-0.5", "tanh(x)+0.3")
CURVES = ("tanh", "elu", "gelu", "silu", "hardtanh", "relu6", "selu", "mish", "snake", "sigmoid", "shifted_softplus")
MONOTONE = ("tanh", "erf", "elu", "hardtanh", "softsign", "selu", "shifted_softplus", "x_plus_half_tanh")


def known(found: Curve) -> FloatArray:
    """The variances that were found, by increasing q."""
    return np.sort(found.q[np.isfinite(found.q)])


# --- reference -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", rows("eoc_points.jsonl"), ids=lambda row: f"{row['activation']}-{row['sigma_b']}")
def test_reference_points_lie_on_the_curve(row: dict[str, Any]) -> None:
    found = eoc_curve(reference(row["activation"])).at(sigma_b=float(row["sigma_b"]))
    at = np.flatnonzero(np.isfinite(found.q))
    assert at.size == row["n_solutions"]
    for i in at:
        for mine, key in ((found.q[i], "q"), (found.sigma_w[i], "sigma_w"), (found.slope[i], "slope_dVdq")):
            assert error(mine, MP.mpf(row[key])) <= 1e-13 * abs(MP.mpf(row[key]))
        assert (found.slope[i] < 1.0) == (row["stability"] == "stable")


@pytest.mark.parametrize(
    ("name", "sigma_b", "q"), [("silu", 0.74507930, 14.32017), ("gelu", 0.41583938, 3.56155)], ids=["silu", "gelu"]
)
def test_thresholds_of_stability(name: str, sigma_b: float, q: float) -> None:
    found = eoc_curve(name)
    (change,) = found.transitions
    assert change.sigma_b == pytest.approx(sigma_b, abs=1e-8)
    assert change.q == pytest.approx(q, abs=1e-5)
    assert change.slope == pytest.approx(1.0, abs=1e-12)
    assert change.becomes == "stable"
    assert [(s.stability, s.sigma_b) for s in found.stretches] == [
        ("unstable", (0.0, change.sigma_b)),
        ("stable", (change.sigma_b, np.inf)),
    ]
    assert change.q in found.pieces[0].q


def test_closed_form_of_erf() -> None:
    """sigma_w^2 = (pi/4) sqrt(1 + 4 q)."""
    for sigma_w in (0.9, 1.0, 3.0, 30.0):
        (q,) = eoc_curve("erf").at(sigma_w=sigma_w).q
        assert q == pytest.approx(((sigma_w**2 * 4.0 / np.pi) ** 2 - 1.0) / 4.0, rel=1e-12)


# --- asymptotics -----------------------------------------------------------------------------------------------------

AT_ZERO = {  # sigma_b^2 ~ A q^m and sigma_w^2 - limit ~ B q^n: theory, Law 4
    "tanh": ((4.0 / 3.0, 3.0), 1.0, (2.0, 1.0)),
    "elu": ((1.0 / 8.0, 2.0), 1.0, ((2.0 / np.pi) ** 0.5, 0.5)),
    "swish": ((1.0 / 4.0, 2.0), 2.0, (-4.0, 1.0)),
    "x**3": ((4.0 / 9.0, 1.0), np.inf, (1.0 / 27.0, -2.0)),
}


def is_power(law: Approach, constant: float, exponent: float, accuracy: float = 1e-6) -> bool:
    assert law.law == "power"
    assert law.constant_error <= accuracy * abs(constant)
    return law.exponent == exponent and abs(law.constant - constant) <= law.constant_error + 1e-15


@pytest.mark.parametrize("name", AT_ZERO)
def test_laws_at_vanishing_variance(name: str) -> None:
    bias, sigma_w, weight = AT_ZERO[name]
    start, _ = eoc_curve(name).ends[0]
    assert (start.q, start.sigma_b, start.sigma_w) == (0.0, 0.0, pytest.approx(sigma_w, rel=1e-15))
    assert is_power(start.squared_bias, *bias)
    assert is_power(start.squared_weight, *weight)


@pytest.mark.parametrize("sigma_b", [1e-6, 1e-8, 1e-10])
def test_laws_at_small_sigma_b(sigma_b: float) -> None:
    q = {name: float(known(eoc_curve(name).at(sigma_b=sigma_b))[0]) for name in ("tanh", "elu", "swish")}
    assert q["tanh"] == pytest.approx((0.75 * sigma_b**2) ** (1.0 / 3.0), rel=1e-3)
    assert q["elu"] == pytest.approx(8.0**0.5 * sigma_b, rel=5e-3)
    assert q["swish"] == pytest.approx(2.0 * sigma_b, rel=1e-4)
    for name, at in q.items():
        assert float(curve(name, at).sigma_b) == pytest.approx(sigma_b, rel=1e-13)


def test_laws_at_large_variance() -> None:
    """sigma_w^2 ~ sqrt(2 pi q) / int phi'^2 if that exists; 2/(s+^2 + s-^2) for a phi that becomes two lines."""
    for name, integral in (("tanh", 4.0 / 3.0), ("hardtanh", 2.0), ("exp(-x**2)", (np.pi / 2.0) ** 0.5)):
        _, end = eoc_curve(name).ends[0]
        assert (end.q, end.sigma_b, end.sigma_w) == (np.inf, np.inf, np.inf)
        assert is_power(end.squared_weight, (2.0 * np.pi) ** 0.5 / integral, 0.5)
        assert is_power(end.squared_bias, 1.0, 1.0)
    for name, limit in (("elu", 2.0), ("gelu", 2.0), ("softshrink", 1.0), ("x_plus_half_tanh", 1.0)):
        _, end = eoc_curve(name).ends[0]
        assert end.squared_weight.limit == pytest.approx(limit, rel=1e-14)
        assert end.squared_weight.exponent == -0.5
        assert end.squared_bias.exponent == 0.5


def test_slopes_that_never_settle_are_not_taken_for_asymptotic_ones() -> None:
    """phi' = 1 + sin(2x): E[phi'^2] -> 3/2 although phi(x)/x -> 1."""
    _, end = eoc_curve("x+sin(x)**2").ends[0]
    assert end.squared_weight.limit == pytest.approx(2.0 / 3.0, rel=1e-12)
    assert end.squared_weight.law == "faster"


def test_faster_than_any_power() -> None:
    start, _ = eoc_curve("hardtanh").ends[0]
    assert (start.squared_bias.law, start.squared_weight.law) == ("faster", "faster")
    assert (start.sigma_b, start.sigma_w) == (0.0, 1.0)
    assert np.isnan(start.squared_bias.constant)


@pytest.mark.parametrize(
    ("name", "q"),
    [("exp", 1.0), ("exp(-x**2)", 0.5 + 0.5**0.5), ("x**2-0.5", (2.0**0.5 - 1.0) / 2.0)],
    ids=["exp", "gaussian", "x^2-1/2"],
)
def test_a_curve_that_starts_where_sigma_b_vanishes(name: str, q: float) -> None:
    """exp: V = D. exp(-x^2): qD = V. x^2 - 1/2: 4 q^2 = 3 q^2 - q + 1/4."""
    found = eoc_curve(name)
    (start, _) = found.ends[0]
    assert start.q == pytest.approx(q, rel=1e-13)
    assert start.sigma_b == 0.0
    assert start.squared_bias.exponent == 1.0
    piece = found.pieces[0]
    assert (piece.q[0], piece.sigma_b[0]) == (start.q, 0.0)
    assert known(found.at(sigma_b=0.0)) == pytest.approx([start.q], rel=1e-15)


def test_a_curve_that_ends_at_a_finite_variance() -> None:
    """E[exp(2 a X^2)] is finite for q < 1/(4a) only; sigma_b^2 -> 1/(4a) there and sigma_w -> 0."""
    found = eoc_curve("exp(0.1*x**2)", points=8)
    _, end = found.ends[0]
    assert (end.q, end.sigma_w) == (2.5, 0.0)
    assert end.sigma_b == pytest.approx(2.5**0.5, rel=1e-13)
    assert found.pieces[0].q[-1] < 2.5
    assert np.isnan(found.sigma_w(1.6)).all()


# --- turning points --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "q"), [("gelu", 10.2132868553), ("silu", 42.3066537238), ("mish", 8.14372206838)])
def test_turning_points_of_sigma_w(name: str, q: float) -> None:
    found = eoc_curve(name)
    (turn,) = found.turning_points
    assert (turn.quantity, turn.extremum) == ("sigma_w", "minimum")
    assert turn.q == pytest.approx(q, rel=1e-9)
    assert 0.0 < turn.q_error <= 2e-10 * turn.q
    assert turn.q in found.pieces[0].q
    assert turn.sigma_w == pytest.approx(found.pieces[0].sigma_w.min(), rel=1e-15)
    below, above = found.at(sigma_w=turn.sigma_w * (1.0 + 1e-8)).q
    assert below < turn.q < above
    assert np.isnan(found.sigma_b(turn.sigma_w * (1.0 - 1e-8))).all()


SLOPES = {
    "gelu": lambda x: MP.ncdf(x) + x * MP.npdf(x),
    "silu": lambda x: (1 + MP.exp(-x) * (1 + x)) / (1 + MP.exp(-x)) ** 2,
}


@pytest.mark.parametrize("name", SLOPES)
def test_where_sigma_w_turns_the_derivative_of_d_vanishes(name: str) -> None:
    """By Newton's step from there, with differences of 40 digits."""
    q, step = MP.mpf(eoc_curve(name).turning_points[0].q), MP.mpf("1e-4")
    low, here, high = (expectation(lambda x: SLOPES[name](x) ** 2, x) for x in (q - step, q, q + step))
    newton = step / 2 * (high - low) / (high - 2 * here + low)
    assert abs(newton) <= 1e-9 * q


@pytest.mark.parametrize("name", [*MONOTONE, "relu6", "cos(x)", "sin(x)", "x+sin(x)**2", "x**2", "exp(-x**2)"])
def test_plateaus_have_no_turning_points(name: str) -> None:
    assert eoc_curve(name).turning_points == ()


def test_extrema_of_a_function_that_turns_twice() -> None:
    def function(q: FloatArray) -> tuple[FloatArray, FloatArray]:
        x = np.log(q)
        return x**3 - 0.03 * x, np.full(q.shape, 1e-15)

    q, bound, is_minimum = extrema(function, decades(1e-3, 1e3))
    assert np.log(q) == pytest.approx([-0.1, 0.1], abs=1e-12)
    assert is_minimum.tolist() == [False, True]
    assert (np.abs(np.log(q) - [-0.1, 0.1]) <= bound).all()


def test_log_derivative_is_right_to_rounding() -> None:
    q = np.geomspace(1e-6, 1e6, 50)
    value, bound = log_derivative(lambda q: (np.sqrt(1.0 + 4.0 * q), 1e-16 * np.sqrt(1.0 + 4.0 * q)), q)
    assert (np.abs(value - 2.0 * q / np.sqrt(1.0 + 4.0 * q)) <= 1e-13 * np.sqrt(1.0 + 4.0 * q)).all()
    assert (bound > 0.0).all()


# --- inversion -------------------------------------------------------------------------------------------------------


@some
@given(
    turns=st.lists(st.floats(0.3, 2.7), max_size=3, unique_by=lambda x: round(4.0 * x)).map(sorted),
    wanted=st.lists(st.floats(-1.0, 1.0), min_size=1, max_size=20),
)
def test_inverse_finds_every_solution(turns: list[float], wanted: list[float]) -> None:
    """A polynomial with these turning points, against the roots of its companion matrix."""
    slope = np.polynomial.Polynomial.fromroots(turns) if turns else np.polynomial.Polynomial([1.0])
    function, domain = slope.integ(), (0.1, 3.0)
    q = np.sort(np.append(np.linspace(*domain, 60), turns))
    targets = np.array(wanted)
    found = inverse(function, monotone(q, function(q), np.array(turns)), targets)
    assert found.shape == (len(turns) + 1, targets.size)
    for target, row in zip(targets, found.T, strict=True):
        solutions = row[np.isfinite(row)]
        assert (np.diff(solutions) >= 0.0).all()
        assert function(solutions) == pytest.approx(np.full(solutions.shape, target), abs=1e-14)
        true = (function - target).roots()
        true = true[np.abs(true.imag) < 1e-6].real
        clear = [x for x in true if domain[0] < x < domain[1] and all(abs(x - t) > 1e-3 for t in turns)]
        for x in clear:
            assert np.abs(solutions - x).min() <= 1e-9


def test_inverse_on_a_plateau_and_beyond_the_ends() -> None:
    q = np.linspace(0.0, 3.0, 31)
    pieces = monotone(q, np.clip(q, 1.0, 2.0), np.array([]))
    found = inverse(lambda q: np.clip(q, 1.0, 2.0), pieces, np.array([1.0, 1.5, 2.0, 2.1, 0.9]))
    assert found[0, :3] == pytest.approx([0.0, 1.5, 2.0], abs=1e-14)
    assert np.isnan(found[0, 3:]).all()


@pytest.mark.parametrize("name", [*sorted(set(STANDARD) - {"exp"}), "x**2-0.5", "exp(-x**2)", "tanh(x)+0.3"])
def test_no_point_is_missed(name: str) -> None:
    """Everything that edge_of_chaos finds, and nothing else."""
    found = eoc_curve(name)
    questions = {"sigma_b": (0.0, 1e-6, 0.05, 1.3, 40.0), "sigma_w": (0.7, 1.0, 1.405, 12.0)}
    for key, values in questions.items():
        for value in values:
            points = edge_of_chaos(name, **{key: value}).points
            q = known(found.at(**{key: value}))
            assert q.size == len(points)
            for mine, p in zip(q, points, strict=True):
                assert abs(mine - p.q) <= p.q_error + 1e-14 * p.q


@some
@given(name=st.sampled_from(["tanh", "elu", "gelu", "silu", "exp(-x**2)"]), position=st.floats(-4.0, 3.0))
def test_at_inverts_the_curve(name: str, position: float) -> None:
    q = 10.0**position
    true, found = curve(name, q), eoc_curve(name)
    if np.isnan(true.sigma_b):
        return
    for key in ("sigma_b", "sigma_w"):
        got = found.at(**{key: float(getattr(true, key))})
        nearest = np.nanargmin(np.abs(got.q - q))
        at = [got.sigma_b[nearest], got.sigma_w[nearest], got.slope[nearest]]
        assert at == pytest.approx([true.sigma_b, true.sigma_w, true.slope], rel=1e-11)


def test_at_takes_any_shape() -> None:
    gelu = eoc_curve("gelu")
    values = np.array([[0.5, 0.6, 0.7], [1.0, 2.0, 1e9]])
    found = gelu.at(sigma_b=values)
    assert found.q.shape == found.sigma_b.shape == found.sigma_w.shape == found.slope.shape == (1, 2, 3)
    assert np.isnan(found.sigma_b[0, 1, 2])  # beyond q = 1e8
    assert np.isfinite(found.q[0]).sum() == 5
    assert gelu.sigma_b(values).shape == (2, 2, 3)
    assert gelu.sigma_b(1.4).shape == (2,)
    assert gelu.sigma_w([]).shape == (1, 0)
    assert gelu.sigma_w(1).tolist() == gelu.at(sigma_b=1.0).sigma_w.tolist()


def test_sigma_b_zero_is_the_limit_of_vanishing_variance() -> None:
    for name, sigma_w in (("tanh", 1.0), ("gelu", 2.0), ("hardtanh", 1.0), ("relu6", 2.0**0.5)):
        found = eoc_curve(name).at(sigma_b=0.0)
        assert (found.q.tolist(), found.slope.tolist()) == ([0.0], [1.0])
        assert found.sigma_w[0] == pytest.approx(sigma_w, rel=1e-15)
    assert np.isnan(eoc_curve("x**2").sigma_w(0.0)).all()


# --- samples ---------------------------------------------------------------------------------------------------------


def turns_and_gaps(c: EocCurve) -> tuple[FloatArray, FloatArray]:
    """Between neighbouring samples, in a plot that fills the unit square: turning angles and distances."""
    low = min(float(p.sigma_w.min()) for p in c.pieces)
    high = max(float(p.sigma_w.max()) for p in c.pieces)
    angles, gaps = [], []
    for p in c.pieces:
        dx, dy = np.diff(p.sigma_b) / c.sigma_b_max, np.diff(p.sigma_w) / (high - low)
        gaps.append(np.hypot(dx, dy))
        angles.append(np.abs(np.diff(np.unwrap(np.arctan2(dy, dx)))))
    return np.concatenate(angles), np.concatenate(gaps)


@pytest.mark.parametrize("sigma_b_max", [0.3, 2.0, 20.0])
@pytest.mark.parametrize("name", [*CURVES, "exp(-x**2)", "sin(x)"])
def test_samples_are_smooth_and_even(name: str, sigma_b_max: float) -> None:
    found = eoc_curve(name, sigma_b_max=sigma_b_max)
    angles, gaps = turns_and_gaps(found)
    assert gaps.max() <= 0.02
    assert angles.max() <= 0.2
    assert 200 <= sum(p.q.size for p in found.pieces) <= 450
    for p in found.pieces:
        assert np.isfinite([p.q, p.sigma_b, p.sigma_w, p.slope]).all()
        assert (np.diff(p.q) > 0.0).all()
        assert ((p.sigma_b >= 0.0) & (p.sigma_b <= sigma_b_max)).all()
        inner = curve(name, p.q[1:-1])
        assert inner.sigma_b == pytest.approx(p.sigma_b[1:-1], rel=1e-12)
        assert inner.sigma_w.tolist() == p.sigma_w[1:-1].tolist()


@pytest.mark.parametrize("points", [8, 50, 5000])
def test_number_of_points(points: int) -> None:
    (piece,) = eoc_curve("gelu", points=points).pieces
    assert 0.4 * points <= piece.q.size <= 1.5 * points + 4


@pytest.mark.parametrize("name", [*CURVES, *FORMULAS])
def test_samples_hold_every_special_point_of_the_window(name: str) -> None:
    found = eoc_curve(name)
    q = np.concatenate([p.q for p in found.pieces])
    special = [t.q for t in (*found.transitions, *found.turning_points) if t.sigma_b <= found.sigma_b_max]
    assert np.isin(special, q).all()
    assert max(p.sigma_b[-1] for p in found.pieces) == found.sigma_b_max
    assert [(t.sigma_b, t.q, t.becomes) for t in found.transitions] == [
        (pytest.approx(b, rel=1e-14), at, becomes) for b, at, becomes in transitions(name)
    ]
    start, _ = found.ends[0]
    if start.q == 0.0 and np.isfinite(start.sigma_w):
        first = found.pieces[0]
        assert (first.q[0], first.sigma_b[0]) == (0.0, 0.0)
        assert first.sigma_w[0] == pytest.approx(start.sigma_w, rel=1e-15)


def test_a_curve_that_leaves_the_window_and_comes_back_has_several_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """No activation is known whose sigma_b turns, so here is a curve that has no activation."""

    def squared_bias(q: FloatArray) -> FloatArray:
        return 1.0 + 0.5 * np.sin(np.log(q))

    monkeypatch.setattr(curve_sampling, "squared_bias_value", lambda _, q: squared_bias(q))
    monkeypatch.setattr(curve_sampling, "bias_and_weight", lambda _, q: (squared_bias(q), np.ones(q.shape)))
    turns = np.exp(np.pi * (np.arange(4.0) + 0.5))
    q = np.sort(np.append(decades(1.0, 1e6), turns))
    branch = Branch(q, squared_bias(q), np.ones(q.shape), (False, False), (), monotone(q, squared_bias(q), turns), ())
    pieces = curve_sampling.windowed(activation("tanh"), branch, (), 1.25**0.5)
    rim = np.exp(np.pi * np.array([1.0 / 6.0, 5.0 / 6.0, 13.0 / 6.0, 17.0 / 6.0, 25.0 / 6.0]))
    ends = [[at[0], at[-1]] for at, *_ in pieces]
    assert ends == [[1.0, pytest.approx(rim[0])], pytest.approx(rim[1:3]), pytest.approx(rim[3:])]
    for at, sigma_b, _, keep in pieces:
        assert (sigma_b <= 1.25**0.5 * (1.0 + 1e-12)).all()
        assert np.isin(keep, at).all()


def test_stretches_cover_the_curve_and_say_what_slopes_say() -> None:
    for name in (*CURVES, "x**2-0.5"):
        found = eoc_curve(name)
        for s in found.stretches:
            for p in found.pieces:
                inside = (p.q > s.q[0]) & (p.q < s.q[1])
                excess = p.slope[inside] - 1.0
                assert (excess <= 1e-13).all() if s.stability == "stable" else (excess >= -1e-13).all()
        assert all(a.q[1] == b.q[0] for a, b in zip(found.stretches, found.stretches[1:], strict=False))


# --- points and none -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "sigma_w"), [("relu", 2.0**0.5), ("identity", 1.0), ("leaky_relu(slope=0.5)", 1.6**0.5)]
)
def test_positively_homogeneous_is_a_point(name: str, sigma_w: float) -> None:
    found = eoc_curve(name)
    assert (found.kind, found.reason, found.message) == ("point", None, "")
    (piece,) = found.pieces
    assert (piece.sigma_b.tolist(), piece.sigma_w.tolist()) == ([0.0], [pytest.approx(sigma_w, rel=1e-15)])
    at = found.at(sigma_b=[[0.0, 0.1]])
    assert at.sigma_w.shape == (1, 1, 2)
    assert at.sigma_w[0, 0, 0] == pytest.approx(sigma_w, rel=1e-15)
    assert np.isnan(at.q[0, 0, 1])
    assert found.sigma_b([sigma_w, round(sigma_w, 11), 0.5]).tolist() == [
        [0.0, 0.0, pytest.approx(np.nan, nan_ok=True)]
    ]


@pytest.mark.parametrize(
    ("name", "reason", "words"),
    [
        ("softplus", NoPoint.NO_SOLUTION, "negative for every q; shift it"),
        ("sign", NoPoint.INFINITE_CHI_1, "use a continuous activation"),
        ("sqrt(abs(x))", NoPoint.NO_SOLUTION, "infinite or cannot be computed"),
    ],
)
def test_none(name: str, reason: NoPoint, words: str) -> None:
    found = eoc_curve(name)
    assert (found.kind, found.reason, found.pieces, found.ends) == ("none", reason, (), ())
    assert words in found.message
    assert found.sigma_w([0.0, 0.1]).shape == (0, 2)


@pytest.mark.parametrize(("name", "stability"), [("shifted_softplus", "unstable"), ("softshrink", "marginal")])
def test_a_curve_without_a_stable_point_says_so(name: str, stability: str) -> None:
    found = eoc_curve(name)
    assert (found.kind, found.reason) == ("curve", NoPoint.UNSTABLE)
    assert [s.stability for s in found.stretches] == [stability]
    assert "every sigma_b; a place of the ordered phase" in found.message


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan"), float("inf"), "two", 1j, [1.0, 2.0]])
def test_bad_windows_are_refused(bad: Any) -> None:
    with pytest.raises(EocError, match="sigma_b_max must be"):
        eoc_curve("tanh", sigma_b_max=bad)


@pytest.mark.parametrize("bad", [7, 0, -5, 10**7, 12.5, float("nan"), "many", 1j])
def test_bad_numbers_of_points_are_refused(bad: Any) -> None:
    with pytest.raises(EocError, match="points must be"):
        eoc_curve("tanh", points=bad)


@pytest.mark.parametrize("name", ["tanh", "relu", "softplus"])
@pytest.mark.parametrize("key", ["sigma_b", "sigma_w"])
@pytest.mark.parametrize("bad", [-1.0, [0.5, float("nan")], float("inf"), "one", 1j, True])
def test_bad_targets_are_refused(name: str, key: str, bad: Any) -> None:
    with pytest.raises(EocError, match=f"{key} must be"):
        eoc_curve(name).at(**{key: bad})


def test_one_question_at_a_time() -> None:
    found = eoc_curve("tanh")
    with pytest.raises(EocError, match="got both"):
        found.at(sigma_b=0.1, sigma_w=1.2)
    with pytest.raises(EocError, match="got none"):
        found.at()
    with pytest.raises(EocError, match=r"sigma_w must be .* > 0"):
        found.at(sigma_w=0.0)
    with pytest.raises(EocError, match="unknown activation"):
        eoc_curve("tahn")


# --- pictures and the command line -----------------------------------------------------------------------------------


def test_picture_shows_what_is_stable() -> None:
    from eoc.plotting import eoc_figure

    figure = eoc_figure([eoc_curve(name) for name in ("tanh", "gelu", "relu", "softplus")])
    (ax,) = figure.axes
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["tanh", "gelu", "relu", "not stable"]
    lines = [line for line in ax.lines if len(line.get_xdata()) > 1]
    assert [line.get_linestyle() for line in lines] == ["-", "--", "-"]
    tanh, unstable, stable = lines
    assert unstable.get_color() == stable.get_color() != tanh.get_color()
    assert unstable.get_xdata()[-1] == stable.get_xdata()[0] == pytest.approx(0.41583938, abs=1e-8)
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_xlim()) == ("$\\sigma_b$", "$\\sigma_w$", (0.0, 2.0))


def test_a_sigma_w_that_diverges_does_not_flatten_the_picture() -> None:
    from eoc.plotting import eoc_figure

    (ax,) = eoc_figure(eoc_curve("x**2")).axes
    assert ax.get_ylim()[1] < 10.0
    (ax,) = eoc_figure(eoc_curve("softplus")).axes
    assert ax.get_legend() is None


def test_cli_prints_what_the_curve_is(tmp_path: Path) -> None:
    done = run("curve", "gelu", "relu", "--plot", str(tmp_path / "a.png"), "--save", str(tmp_path / "a.csv"))
    assert done.returncode == 0, done.stderr
    for words in (
        "0.415839381",
        "1.3985023617",
        "q -> inf",
        "UNSTABLE",
        "every variance",
        "sigma_b^2 ~ 0.636619772 q^2",
    ):
        assert words in done.stdout
    assert (tmp_path / "a.png").stat().st_size > 5000
    with (tmp_path / "a.csv").open() as file:
        samples = list(csv.DictReader(file))
    assert list(samples[0]) == ["activation", "piece", "q", "sigma_b", "sigma_w", "slope", "stable"]
    assert {s["activation"] for s in samples} == {"gelu", "relu"}
    gelu = [s for s in samples if s["activation"] == "gelu"]
    assert [float(s["sigma_w"]) for s in gelu] == eoc_curve("gelu").pieces[0].sigma_w.tolist()
    assert {s["stable"] for s in gelu} == {"True", "False"}


def test_cli_json() -> None:
    code, answer = run_json("curve", "tanh", "softplus", "--sigma-b", "0.05,0.2", "--sigma-w", "2", "--points", "50")
    assert code == 0
    tanh, softplus = answer["curves"]
    assert [p["sigma_b"] for p in tanh["points"][:2]] == [0.05, 0.2]
    assert tanh["points"][1]["sigma_w"] == pytest.approx(1.304145840056511, rel=1e-13)
    assert tanh["points"][2]["sigma_w"] == 2.0
    assert tanh["ends"][0][0]["squared_bias"]["exponent"] == 3.0
    assert tanh["ends"][0][1]["q"] == "inf"
    assert set(tanh["pieces"][0]) == {"q", "sigma_b", "sigma_w", "slope", "stable"}
    assert (softplus["kind"], softplus["reason"], softplus["points"]) == ("none", "no solution", [])


def test_cli_exit_codes() -> None:
    done = run("curve", "softplus", "sign")
    assert done.returncode == 3
    assert "use a continuous activation" in done.stdout
    for bad, words in (
        (["--sigma-b", "-1"], "sigma_b must be"),
        (["--sigma-b-max", "0"], "sigma_b_max must be"),
        (["--points", "3"], "points must be a whole number"),
        (["--save", "curve.txt"], "must end in one of csv"),
    ):
        done = run("curve", "tanh", *bad)
        assert done.returncode == 2
        assert words in done.stderr
        assert done.stdout == ""


def test_cli_json_of_none_is_json() -> None:
    done = run("curve", "softplus", "--json")
    assert (done.returncode, json.loads(done.stdout)["curves"][0]["kind"]) == (3, "none")


@pytest.mark.parametrize(("formula", "q"), [("x-x**3/3", 1.0 / 3.0), ("x-0.2*x**3+0.02*x**5", 0.72585659028762217)])
def test_turning_points_of_polynomials(formula, q):
    """D = 1 - 2q + 3q^2, and the root of 4.2 q^3 - 5.4 q^2 + 3.36 q - 1.2."""
    (turn,) = eoc_curve(formula).turning_points
    assert turn.quantity == "sigma_w"
    assert abs(turn.q - q) <= turn.q_error + 1e-16
    assert turn.q_error <= 1e-10 * q


@pytest.mark.parametrize(("a", "k"), [(0.2, 20), (0.1, 30)])
def test_the_law_at_zero_is_not_that_of_a_plateau(a, k):
    """phi = x + a sin(k x): D = E[(1 + a k cos(k X))^2] = (1 + a k)^2 - (1 + a k) a k^3 q + ..."""
    law = eoc_curve(f"x+{a}*sin({k}*x)").ends[0][0].squared_weight
    slope = 1.0 + a * k
    assert law.exponent == 1.0
    assert law.limit == pytest.approx(slope**-2, rel=1e-14)
    assert law.constant == pytest.approx(a * k**3 / slope**3, rel=1e-6)
    assert abs(law.constant - a * k**3 / slope**3) <= law.constant_error
