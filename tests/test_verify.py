"""``eoc verify``: right theories pass, wrong ones fail."""

import dataclasses
import json

import numpy as np
import pytest

import eoc
from eoc.activations import activation
from eoc.cli import main
from eoc.errors import EocError
from eoc.gaussian.moments import Estimate
from eoc.maps import VarianceMap
from eoc.montecarlo.experiments import checks
from eoc.montecarlo.experiments.checks import correlation_map_checks, variance_map_checks
from eoc.montecarlo.experiments.checks import gradient_checks as check_gradients
from eoc.montecarlo.experiments.verification import verified_point, verify
from eoc.montecarlo.sampling.gram_sampler import GramSampler
from eoc.plotting import verification_figure


@pytest.fixture
def small(monkeypatch):
    """Sizes that take a second."""
    monkeypatch.setattr(checks, "_BLOCKS", 8)
    monkeypatch.setattr(checks, "_NETWORKS", 12)
    monkeypatch.setattr(checks, "_WIDTH", 256)
    for name, size in {
        "_WIDE": (10_000, 10, 12),
        "_NARROW": (500, 8, 1000),
        "_KURTOSIS": (200, 8, 2000),
        "_PAIRS": (20_000, 40, 8),
    }.items():
        monkeypatch.setattr(checks, name, checks._Size(*size))


@pytest.fixture
def once(small, monkeypatch):
    """What the first command has simulated serves all that follow."""
    real, found = eoc.montecarlo.verify, []

    def first(*place, **given):
        found[:] = found or [real(*place, **given)]
        return found[0]

    monkeypatch.setattr("eoc.montecarlo.verify", first)


def kinds(found):
    return {check.kind for check in found.checks}


def failed(found):
    return {check.comparison.quantity for check in found.failed}


# where


def test_without_sigma_w_on_the_edge_of_chaos():
    place = verified_point(activation("tanh"), None, 0.2)
    assert place.on_edge
    assert place.variance.sigma_w == pytest.approx(1.30414584)
    assert place.q == pytest.approx(0.5120785)
    relu = verified_point(activation("relu"), None, None)
    assert (relu.q, relu.variance.sigma_b) == (1.0, 0.0)


def test_without_an_edge_of_chaos_where_variances_stay():
    for name in ("sign", "exp", "polynomial"):
        place = verified_point(activation(name), None, None)
        assert not place.on_edge
        assert place.why.startswith("not on the edge of chaos: ")
        assert float(place.variance.F(place.q).value) == pytest.approx(place.q, rel=1e-9)
        assert abs(float(place.variance.slope(place.q).value)) < 1.0


def test_with_sigma_w_there():
    place = verified_point(activation("tanh"), 2.5, 0.3)
    assert not place.on_edge
    assert place.q == pytest.approx(4.07912388)
    assert verified_point(activation("tanh"), 1.30414584, 0.2).on_edge  # as it is printed
    assert verified_point(activation("tanh"), 0.9, 0.0).q == 1.0  # where no variance stays
    assert verified_point(activation("tanh"), 0.9, 0.0, q=0.3).q == 0.3


def test_biases_can_be_too_large():
    with pytest.raises(EocError, match="sigma_b = 2 is too large"):
        verified_point(activation("sign"), None, 2.0)


# right theories


@pytest.mark.parametrize("name", ["relu", "tanh", "gelu", "hardtanh", "sign", "x*tanh(x)"])
def test_theory_passes(small, name):
    found = verify(name, seed=1)
    assert not found.failed
    assert len(found.checks) >= 10
    assert found.rms_z < 1.6
    assert kinds(found) | {skipped.kind for skipped in found.skipped} == {
        "map",
        "gradient",
        "length",
        "kurtosis",
        "correlation",
    }


@pytest.mark.parametrize(("sigma_w", "sigma_b"), [(2.5, 0.3), (1.0, 0.3)])
def test_theory_passes_off_the_edge_of_chaos(small, sigma_w, sigma_b):
    found = verify("tanh", sigma_w, sigma_b, seed=1)
    assert not found.failed
    names = {check.comparison.quantity for check in found.checks}
    assert ("c*" if sigma_w == 2.5 else "1/xi_c") in names


def test_functions_and_workers(small):
    def own(x):
        return np.arctan(x) + 0.1 * x

    one, two = (verify(own, 1.2, 0.2, seed=1, workers=workers) for workers in (1, 2))
    assert one.checks == two.checks
    assert not one.failed


def test_what_cannot_be_checked_is_said(small):
    found = verify("sign", seed=1)
    (skipped,) = (one for one in found.skipped if one.kind == "gradient")
    assert "jumps" in skipped.why
    with pytest.raises(EocError, match="tails of phi"):
        variance_map_checks(VarianceMap("exp", 0.3), 1.2, seed=1)


# wrong theories


def test_networks_of_another_sigma_w_fail(small, monkeypatch):
    step = GramSampler.step

    def wrong(self, state, layer, rng):
        return step(dataclasses.replace(self, sigma_w=1.02 * self.sigma_w), state, layer, rng)

    monkeypatch.setattr(GramSampler, "step", wrong)
    found = verify("tanh", None, 0.2, seed=1)
    assert {"q_l of 10000 units", "mean of q_l - q~_l"} <= failed(found)
    assert not any(check.kind in ("map", "gradient") for check in found.failed)


def test_wrong_expectations_fail(monkeypatch):
    real = checks.moments

    def wrong(phi, q, which, **how):
        return {name: Estimate(1.01 * m.value, m.error) for name, m in real(phi, q, which, **how).items()}

    monkeypatch.setattr(checks, "moments", wrong)
    v, d, slope = variance_map_checks(VarianceMap("tanh", 1.3, 0.2), 0.5, seed=1)
    assert not v.agrees
    assert not d.agrees
    assert slope.agrees


def test_a_wrong_correlation_map_fails():
    wide = VarianceMap("tanh", 1.3, 0.2)
    (right,) = correlation_map_checks(wide, 0.5, 0.5, seed=1)
    (other,) = correlation_map_checks(VarianceMap("tanh", 1.33, 0.2), 0.5, 0.5, seed=1)
    assert right.agrees
    assert abs(other.measured - right.theory) > 4.0 * right.standard_error


def test_wrong_gradients_fail(monkeypatch):
    monkeypatch.setattr(checks, "_NETWORKS", 24)
    right = VarianceMap("tanh", 1.30414584, 0.2)
    assert check_gradients(right, 0.5120785, seed=1)[0].agrees
    real = checks.explicit_networks
    monkeypatch.setattr(checks, "explicit_networks", lambda phi, w, b, **how: real(phi, 1.05 * w, b, **how))
    assert not check_gradients(right, 0.5120785, seed=1)[0].agrees


# the command


def command(monkeypatch, capsys, *arguments):
    monkeypatch.setattr("sys.argv", ["eoc", "verify", *arguments])
    with pytest.raises(SystemExit) as left:
        main()
    return left.value.code or 0, capsys.readouterr().out


def test_the_command_passes(small, monkeypatch, capsys, tmp_path):
    picture = tmp_path / "z.png"
    code, text = command(monkeypatch, capsys, "tanh", "--sigma-b", "0.2", "--seed", "1", "--plot", str(picture))
    assert code == 0
    assert picture.stat().st_size > 10_000
    assert "on the edge of chaos" in text
    assert text.count("PASS") == 1 + sum(line.rstrip().endswith("PASS") for line in text.splitlines())
    assert "PASS: theory and simulation agree in all" in text
    assert max(len(line) for line in text.splitlines() if line.endswith("PASS ")) <= 78
    assert "FAIL" not in text


def test_the_command_fails_with_exit_code_1(once, monkeypatch, capsys):
    step = GramSampler.step
    monkeypatch.setattr(
        GramSampler,
        "step",
        lambda self, *rest: step(dataclasses.replace(self, sigma_w=1.02 * self.sigma_w), *rest),
    )
    code, text = command(monkeypatch, capsys, "tanh", "--sigma-b", "0.2", "--seed", "1", "--json")
    answer = json.loads(text)
    assert code == 1
    assert answer["failed"] == sum(not check["agrees"] for check in answer["checks"]) > 0
    assert {"kind", "quantity", "layer", "theory", "measured", "z"} <= set(answer["checks"][0])
    code, text = command(monkeypatch, capsys, "tanh", "--sigma-b", "0.2", "--seed", "1")
    assert code == 1
    assert "FAIL: " in text


def test_the_verdict_says_what_was_skipped(once, monkeypatch, capsys):
    far = ("exp(0.3*x**2)", "--sigma-w", "0.563732378", "--sigma-b", "0", "--q", "0.5", "--seed", "1")  # few moments
    code, text = command(monkeypatch, capsys, *far)
    assert code == 0
    text = " ".join(text.split())
    assert "PASS: theory and simulation agree in the 3 checks that could be made; " in text
    assert "; SKIPPED groups of checks: 10" in text
    code, text = command(monkeypatch, capsys, *far, "--json")
    assert sum(one["groups"] for one in json.loads(text)["skipped"]) == 10


def test_the_command_refuses_what_is_no_activation(monkeypatch, capsys):
    code, _ = command(monkeypatch, capsys, "tahn")
    assert code == 2


def test_the_picture_shows_every_check(small):
    found = verify("tanh", sigma_b=0.2, seed=1)
    wrong = dataclasses.replace(found.checks[0].comparison, measured=1e3)
    found = dataclasses.replace(
        found, checks=(dataclasses.replace(found.checks[0], comparison=wrong), *found.checks[1:])
    )
    (ax,) = verification_figure(found).axes
    drawn = np.concatenate([np.asarray(dots.get_offsets()) for dots in ax.collections])
    assert sorted(drawn[:, 1]) == list(range(len(found.checks)))
    assert drawn[drawn[:, 1] == 0.0, 0] == 10.0  # the wrong one, at the end of the axis
    assert len(ax.get_yticklabels()) == len(found.checks)


@pytest.mark.parametrize("name", ["sin", "tanh", "softsign"])
def test_the_limit_of_the_edge_at_zero_variance_is_verified_at_one(name):
    place = verified_point(activation(name), 1.0, None)
    assert place.q == 1.0
    assert not place.on_edge


@pytest.mark.parametrize("q", [0.0, -1.0])
def test_inputs_without_variance_are_refused(q: float) -> None:
    with pytest.raises(EocError, match="q must be a variance > 0"):
        verify("hardtanh", 0.1, q=q, seed=0)
