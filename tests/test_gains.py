"""Gains: what weights times sqrt(fan_in) are drawn with."""

from __future__ import annotations

import math

import numpy as np
import pytest
from test_cli import run, run_json

import eoc
from eoc.errors import EocError


def quadrature(phi):
    """E phi^2 and the variance of phi, by a fine sum."""
    x = np.linspace(-12.0, 12.0, 240_001)
    weight = np.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi) * (x[1] - x[0])
    values = phi(x)
    mean = float(np.sum(weight * values))
    return float(np.sum(weight * values**2)), float(np.sum(weight * (values - mean) ** 2))


@pytest.mark.parametrize("name", ["tanh", "gelu", "softplus", "selu", "x*sin(x) + 3"])
def test_they_are_inverse_root_mean_squares_and_standard_deviations(name):
    found = eoc.gain(name)
    second, variance = quadrature(eoc.activation(name))
    assert found.second_moment == pytest.approx(second**-0.5, rel=1e-8)
    assert found.std == pytest.approx(variance**-0.5, rel=1e-8)
    assert found.second_moment_error < 1e-12 * found.second_moment
    assert found.std_error < 1e-12 * found.std


def test_closed_forms():
    relu = eoc.gain("relu")
    assert relu.second_moment == pytest.approx(math.sqrt(2.0), rel=1e-15)
    assert relu.std == pytest.approx((0.5 - 0.5 / math.pi) ** -0.5, rel=1e-14)
    assert relu.chi_1 == pytest.approx(1.0, rel=1e-15)
    assert eoc.gain("identity").std == pytest.approx(1.0, rel=1e-15)
    selu = eoc.gain("selu")  # Klambauer et al. (2017): mean 0 and variance 1 are kept
    assert (selu.second_moment, selu.std) == (pytest.approx(1.0, abs=1e-12), pytest.approx(1.0, abs=1e-12))


def test_a_large_mean_costs_no_digits():
    assert eoc.gain("tanh(x) + 10").std == pytest.approx(eoc.gain("tanh").std, rel=1e-12)


def test_with_the_gain_before_it_layers_keep_variance_1():
    found = eoc.gain("mish")
    assert eoc.VarianceMap("mish", found.second_moment)(1.0) == pytest.approx(1.0, rel=1e-13)
    assert eoc.VarianceMap("mish", found.second_moment).chi_1(1.0).value == pytest.approx(found.chi_1, rel=1e-13)


def test_the_recommended_one_is_that_of_recommend():
    found, place = eoc.gain("gelu", depth=60), eoc.recommend("gelu", depth=60)
    assert (found.sigma_w, found.sigma_b, found.q) == (place.sigma_w, place.sigma_b, place.q)
    assert (found.reason, found.advice) == ("", place.advice)
    assert eoc.gain("gelu").sigma_w == eoc.recommend("gelu").sigma_w


def test_extremes_are_said():
    sign = eoc.gain("sign")
    assert (sign.second_moment, sign.chi_1) == (pytest.approx(1.0, rel=1e-15), math.inf)
    assert math.isnan(sign.sigma_w)
    assert "jumps" in sign.reason
    assert sign.advice == ""
    with pytest.raises(EocError):
        eoc.gain("exp(x*x)")  # its second moment is infinite
    with pytest.raises(EocError, match="depth"):
        eoc.gain("sign", depth=0)


def test_the_command_prints_one_row_for_each():
    done = run("gain", "gelu", "tanh", "sign")
    assert done.returncode == 0
    rows = {line.split()[0]: line.split() for line in done.stdout.splitlines() if line.split()}
    assert float(rows["tanh"][1]) == pytest.approx(1.59253742, rel=1e-8)
    assert float(rows["tanh"][-1]) == pytest.approx(5.0 / 3.0, rel=1e-6)
    assert rows["gelu"][-1] == "none"
    assert rows["sign"][-3:-1] == ["none", "none"]
    place = eoc.recommend("gelu")
    assert done.stdout.splitlines()[0] == (
        f"gain of gelu: {place.sigma_w:.12g}, with biases of std {place.sigma_b:.12g}"
    )
    assert "eoc init" in done.stdout.splitlines()[-1]


def test_the_last_line_can_be_typed(tmp_path):
    (tmp_path / "mine.py").write_text("import numpy as np\n\n\ndef phi(x):\n    return np.tanh(x)\n")
    done = run("gain", "mine.py:phi", "--depth", "20", cwd=tmp_path)
    assert "eoc init mine.py:phi --depth 20 --framework torch" in " ".join(done.stdout.splitlines()[-2:])


def test_json_and_none():
    code, told = run_json("gain", "relu", "sign")
    assert code == 0
    relu, sign = told["gains"]
    assert relu["torch"] == pytest.approx(relu["second_moment"], rel=1e-15)
    assert (sign["torch"], sign["sigma_w"]) == (None, "nan")


@pytest.mark.parametrize(
    ("name", "last"),
    [
        ("sign", "use a continuous activation"),
        ("exp", "hardly train as they are"),
        ("tanh", "layers train as they are"),
    ],
)
@pytest.mark.parametrize("columns", [70, 120])
def test_the_command_fits_its_terminal_and_agrees_with_init(name, last, columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    text = run("gain", name).stdout
    assert max(map(len, text.splitlines())) <= columns
    words = " ".join(text[text.index("torch  ") :].split())
    assert last in words
    assert last in " ".join(run("init", name).stdout.split())
    assert "nearest_ordered" not in run("init", name).stdout
