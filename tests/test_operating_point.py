"""Which point is meant: one answer for one point, whatever it was copied from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import eoc
from eoc.cli import app
from eoc.errors import EocError
from eoc.operating_point import NoPointError, critical_point, operating_point
from eoc.sweeps.tasks import task
from eoc.validation import copied_within

NAMES = ("tanh", "gelu", "silu", "elu", "erf", "sin", "softsign", "hardtanh", "selu")
DIGITS = st.integers(5, 17)
SIGMA_B = st.sampled_from([0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.62, 1.0, 2.0]) | st.floats(0.01, 2.0)


def run_json(*arguments: str):
    done = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
    return done.exit_code, json.loads(done.stdout)


@settings(max_examples=80, deadline=None)
@given(name=st.sampled_from(NAMES), digits=DIGITS, sigma_b=SIGMA_B)
def test_a_pair_copied_from_any_print_is_critical(name, digits, sigma_b):
    for p in eoc.edge_of_chaos(name, sigma_b=sigma_b).points:
        if p.usable:
            found = critical_point(name, float(f"{p.sigma_w:.{digits}g}"), float(f"{sigma_b:.{digits}g}"))
            assert found is not None
            assert found.sigma_w == pytest.approx(p.sigma_w, rel=1e-4)
            assert abs(found.difference) <= 1e-4 * p.sigma_w


@settings(max_examples=40, deadline=None)
@given(name=st.sampled_from(NAMES), sigma_b=SIGMA_B, digits=st.integers(5, 12), units=st.integers(2, 50))
def test_a_sweep_near_the_edge_is_taken_as_it_is(name, sigma_b, digits, units):
    sigma_b = float(f"{sigma_b:.2g}")
    edge = eoc.edge_of_chaos(name, sigma_b=sigma_b).points
    for p in edge:
        beside = float(f"{p.sigma_w * (1.0 + units * 10.0 ** (1 - digits)):.{digits + 1}g}")
        if all(abs(beside - other.sigma_w) > copied_within(beside)[0] + 1e-14 for other in edge):
            assert critical_point(name, beside, sigma_b) is None


@pytest.mark.parametrize("name", ["relu", "leaky_relu(slope=0.2)", "abs(x)", "x_plus_half_tanh"])
@pytest.mark.parametrize("digits", [5, 8, 12, 17])
def test_points_without_bias_are_recognised_too(name, digits):
    exact = eoc.edge_of_chaos(name, sigma_b=0.0).points[0]
    copied = float(f"{exact.sigma_w:.{digits}g}")
    found = operating_point(name, sigma_w=copied, sigma_b=0.0)
    assert (found.sigma_w, found.chi_1) == (exact.sigma_w, 1.0)
    assert eoc.edge_of_chaos(name, sigma_w=copied).reason is None


def test_the_places_of_a_homogeneous_activation_follow_the_same_rule():
    curve = eoc.eoc_curve("relu")
    for sigma_w, known in ((1.4142, True), (1.41421356237, True), (1.414, False), (1.41422, False)):
        assert (critical_point("relu", sigma_w, 0.0) is not None) == known
        assert bool(curve.sigma_b(sigma_w)[0] == 0.0) == known
        assert (eoc.edge_of_chaos("relu", sigma_w=sigma_w).reason is None) == known


def test_numbers_of_few_digits_are_meant_as_they_are():
    assert copied_within(1.3, 0.2) == (0.0, 0.0)
    assert copied_within(1.30415, 0.302) == (5e-6, 5e-7)  # 0.302 may have been 0.302000
    assert operating_point("tanh", sigma_w=1.0, sigma_b=1e-5).point is None  # 7e-6 below the edge


@pytest.mark.parametrize(
    ("name", "sigma_w", "sigma_b", "critical"),
    [
        ("tanh", "1.30414584", "0.2", True),
        ("tanh", "1.30414584005651", "0.2", True),
        ("tanh", "1.3041", "0.2", True),
        ("tanh", "1.304", "0.2", False),
        ("tanh", "1.30416", "0.2", False),
        ("elu", "1.22925112414", "0.2", True),
        ("gelu", "1.39884892", "0.62", True),
        ("relu", "1.41421356", "0", True),
        ("tanh", "1", "0", True),
    ],
)
def test_every_command_gives_the_same_answer(name, sigma_w, sigma_b, critical, tmp_path):
    place = name, "--sigma-w", sigma_w, "--sigma-b", sigma_b
    code, phase = run_json("phase", *place)
    assert code == 0
    assert any(p["phase"] == "critical" and p["chi_1"] == 1.0 for p in phase["phases"]) == critical
    q = () if phase["phases"][0]["q"] != "inf" and len(phase["phases"]) == 1 else ("--q", "13")
    code, rates = run_json("rates", *place, *q, "--depth", "1000")
    assert (code, rates["on_edge"]) == (0, critical)
    assert rates["sigma_w"] == phase["sigma_w"]
    point = {"activation": eoc.activation(name), "sigma_w": float(sigma_w), "sigma_b": float(sigma_b)}
    point |= {"depth": 1000, "c": 0.1} | ({"q": 13.0} if q else {})
    assert bool(task("rates").compute(point)["on_edge"]) == critical
    if critical:
        exact = eoc.edge_of_chaos(name, sigma_b=float(sigma_b)).points[-1].sigma_w
        assert phase["sigma_w"] == pytest.approx(exact, rel=1e-15)
        assert ("critical to within the digits given" in phase["note"]) == (abs(float(sigma_w) - exact) > 1e-14)


def test_the_distance_is_said():
    for command in ("phase", "rates"):
        done = CliRunner().invoke(app, [command, "tanh", "--sigma-w", "1.30414584", "--sigma-b", "0.2"])
        text = " ".join(done.stdout.split())
        assert "critical to within the digits given: sigma_w differs by 6e-11 from that of the edge of chaos" in text


def test_functions_of_given_numbers_take_them_as_they_are():
    assert eoc.phase_of("tanh", 1.30414584, 0.2).phase == "ordered"
    assert eoc.CorrelationMap("tanh", 1.3041, 0.2).chi_1 != 1.0


def test_correlations_that_vanish_are_said_to_be_0():
    done = CliRunner().invoke(app, ["phase", "selu", "--sigma-w", "1", "--sigma-b", "0"])
    assert "end at c* = 0, 90 degrees" in done.stdout
    assert "c*         0 +- 4e-28" in done.stdout
    assert "e-31" not in done.stdout


def test_one_question_has_one_answer_and_no_answer_its_reason():
    assert operating_point("tanh", sigma_b=0.2) is operating_point("tanh", sigma_b=0.2)
    assert operating_point("tanh", sigma_w=1.5).sigma_w == 1.5
    assert operating_point("tanh", q=0.5).q == 0.5
    with pytest.raises(NoPointError, match=r"point of gelu is unstable.*Recommended instead: sigma_w"):
        operating_point("gelu", sigma_b=0.2)
    with pytest.raises(NoPointError, match="jumps"):
        operating_point("sign")
    with pytest.raises(EocError, match="at most one"):
        operating_point("tanh", sigma_b=0.2, q=1.0)
    with pytest.raises(EocError, match="variances diverge"):
        _ = operating_point("gelu", sigma_w=3.0, sigma_b=0.1).f


def test_no_other_place_decides():
    """The tolerance of copies stands in one file."""
    sources = [path.read_text() for path in Path(eoc.__file__).parent.rglob("*.py")]
    assert sum("def copied_within" in text for text in sources) == 1
    assert not any("_PRINTED" in text for text in sources)
