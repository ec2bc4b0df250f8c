"""The usual initialisations beside the recommended one."""

from __future__ import annotations

import json
import math
from functools import cache

import numpy as np
import pytest
from test_cli import run, run_json

import eoc
from eoc.errors import EocError
from eoc.plotting import comparison_figure, plot_comparison
from eoc.usual import USUAL, usual

TANH = eoc.compare("tanh", depth=30)
ROWS = {row.name: row for row in TANH.rows}


def test_sigmas_are_those_of_the_frameworks():
    tanh, leaky, gelu = (eoc.activation(name) for name in ("tanh", "leaky_relu(slope=0.2)", "gelu"))
    of = {
        name: {each.name: each for each in usual("all", phi, 256)}
        for name, phi in (("tanh", tanh), ("leaky", leaky), ("gelu", gelu))
    }
    assert of["tanh"]["xavier"].sigma_w == 5.0 / 3.0
    assert of["gelu"]["xavier"].sigma_w == 1.0
    assert "none for it" in of["gelu"]["xavier"].drawn
    assert of["gelu"]["kaiming"].sigma_w == math.sqrt(2.0)
    assert of["leaky"]["kaiming"].sigma_w == of["leaky"]["xavier"].sigma_w == pytest.approx(math.sqrt(2.0 / 1.04))
    assert of["tanh"]["torch"].sigma_w == pytest.approx(0.57735, abs=1e-5)
    assert of["tanh"]["torch"].sigma_b == pytest.approx(math.sqrt(1.0 / (3.0 * 256.0)))
    assert all(of["gelu"][name].sigma_w == 1.0 and of["gelu"][name].sigma_b == 0.0 for name in ("lecun", "keras"))


@pytest.mark.parametrize("name", [*USUAL, "eoc"])
def test_each_row_is_what_propagate_says(name):
    row = ROWS[name]
    start = TANH.recommendation.q if name == "eoc" else 1.0
    same = eoc.propagate("tanh", row.sigma_w, row.sigma_b, q=start, c=0.3, depth=30)
    assert row.q == pytest.approx(same.q[-1, 0], rel=1e-12)
    assert row.one_minus_c == pytest.approx(same.one_minus_c[-1, 0, 1], rel=1e-9)
    assert row.log_gradient_ratio == pytest.approx(same.log_gradient[1, 0], rel=1e-9, abs=1e-12)
    assert row.chi_1 == pytest.approx(same.chi[-1, 0], rel=1e-12)


def test_ours_is_the_recommendation():
    place, row = eoc.recommend("tanh", depth=30), ROWS["eoc"]
    assert (row.sigma_w, row.sigma_b) == (place.sigma_w, place.sigma_b)
    assert row.one_minus_c == pytest.approx(place.one_minus_c, rel=1e-9)
    assert row.gradient_ratio == pytest.approx(place.gradient_ratio, rel=1e-9)
    assert row.trains is place.trains is True
    assert row.phase == "critical"


def test_the_words_say_what_happens():
    assert {name: row.word for name, row in ROWS.items()} == {
        "kaiming": "gradients grow 15-fold",
        "xavier": "gradients grow 264-fold",
        "lecun": "gradients shrink 19-fold",
        "torch": "inputs look alike after 7 layers",
        "keras": "gradients shrink 19-fold",
        "eoc": "trains",
    }
    assert TANH.answer.startswith("30 layers of tanh: only eoc keeps")
    assert ROWS["torch"].run.one_minus_c[7, 0, 1] < 0.1 <= ROWS["torch"].run.one_minus_c[6, 0, 1]


def test_where_signals_die_out_they_are_followed_to_the_end():
    found = eoc.compare("relu", "keras, kaiming", depth=60)
    dying, kept, ours = found.rows
    assert dying.q == pytest.approx(2.0**-60, rel=1e-12)
    assert (dying.word, dying.lost_after) == ("signals die out", None)
    assert (kept.q, kept.chi_1, ours.q) == pytest.approx((1.0, 1.0, 1.0), rel=1e-15)
    assert not kept.trains
    assert "look alike" in kept.word
    assert found.answer.startswith("60 layers of relu: from none of these")


@cache
def exploding(name):
    return eoc.compare(name, "lecun", depth=60)


def test_underflow_and_overflow_are_said():
    gone = eoc.compare("relu", "keras", depth=2000).rows[0]
    assert (gone.q, gone.word) == (0.0, "signals die out")
    assert 660 < gone.lost_after < 1075  # q = 2^-l
    assert math.isnan(gone.one_minus_c)
    assert math.isnan(gone.chi_1)
    for name in ("exp", "x**3", "exp(x*x)"):
        found = exploding(name)
        row, ours = found.rows
        assert row.q == math.inf
        assert row.phase == "divergent"
        assert row.word == f"signals explode in layer {row.lost_after}"
        assert (ours.trains, found.recommendation.trains) == (False, False)


def test_what_jumps_has_no_gradient_and_no_recommendation():
    found = eoc.compare("sign", "lecun", depth=10)
    (row,) = found.rows
    assert row.gradient_ratio == math.inf
    assert row.word == "gradients explode"
    assert "jumps" in found.advice


def test_biases_of_torch_depend_on_the_width():
    narrow, wide = (eoc.compare("tanh", "torch", depth=3, width=width).rows[0] for width in (16, 4096))
    assert narrow.sigma_b == 16.0 * wide.sigma_b
    assert narrow.q > wide.q


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"with_": "kaming"}, "did you mean 'kaiming'"),
        ({"with_": "qqq"}, "known: kaiming, xavier, lecun, torch, keras, or all"),
        ({"depth": 0}, "depth must be a whole number"),
        ({"depth": 2.5}, "depth must be a whole number"),
        ({"depth": 50_000}, "from 1 to 20000"),
        ({"width": 0}, "width must be a whole number"),
        ({"width": 2.5}, "width must be a whole number"),
    ],
)
def test_what_makes_no_sense_is_refused(options, message):
    with pytest.raises(EocError, match=message):
        eoc.compare("tanh", **options)


def test_other_names_and_lists_mean_the_same():
    names = [each.name for each in usual(["He", "glorot", "kaiming", "flax"], eoc.activation("tanh"), 8)]
    assert names == ["kaiming", "xavier", "lecun"]
    assert [each.name for each in usual("torch,all", eoc.activation("tanh"), 8)] == list(USUAL)


def test_the_command_answers_first_and_says_what_to_do_last(tmp_path):
    picture = tmp_path / "compared.svg"
    done = run("compare", "tanh", "--with", "torch,xavier", "--depth", "30", "--plot", str(picture))
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0] == "30 layers of tanh: only eoc keeps signals, gradients and differences between inputs"
    last = done.stdout[done.stdout.index("next: ") :]
    assert "eoc init tanh --depth 30 --framework torch" in " ".join(last.split())
    assert "gain 5/3" in done.stdout
    assert picture.stat().st_size > 10_000


@cache
def told_of(name):
    """What is printed as JSON; of exp it takes long."""
    code, told = run_json("compare", name, "--with", "torch,lecun")
    assert code == 0
    return told


@pytest.mark.parametrize(  # q = 9.3e-10, gradients 4.4e-19
    ("name", "columns"), [("relu6", 60), ("relu6", 80), ("relu6", 100), ("relu6", 120), ("exp", 60), ("exp", 100)]
)
def test_numbers_are_whole_at_every_width(name, columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    text = run("compare", name, "--with", "torch,lecun").stdout
    told = told_of(name)
    for row in told["rows"]:
        cells = next(line.split() for line in text.splitlines() if line.startswith(f" {row['name']} "))
        keys = ("sigma_w", "sigma_b", "q", "chi_1", "gradient_ratio", "one_minus_c")
        for key, cell in zip(keys, cells[1:7], strict=True):
            expected = float(row[key])
            assert math.isnan(expected) if cell == "-" else float(cell) == pytest.approx(expected, rel=6e-3)
        assert cells[7] == row["phase"]
    assert "happens" in text


def test_json_has_all_numbers():
    row = told_of("exp")["rows"][0]
    assert (row["q"], row["one_minus_c"], row["phase"]) == ("inf", "nan", "divergent")
    code, told = run_json("compare", "relu", "--with", "keras", "--depth", "5")
    assert code == 0
    assert [row["name"] for row in told["rows"]] == ["keras", "eoc"]
    assert told["rows"][0]["by_layer"]["q"] == [2.0**-layer for layer in range(6)]
    assert json.dumps(told)


def test_the_command_refuses_in_words():
    done = run("compare", "tanh", "--with", "kaming")
    assert (done.returncode, done.stderr) == (2, "error: unknown initialisation 'kaming'; did you mean 'kaiming'?\n")


def test_the_picture_has_a_line_for_each_that_differs():
    figure = comparison_figure(TANH)
    variance, gradient, correlation = figure.axes
    assert [line.get_label() for line in variance.lines] == ["kaiming", "xavier", "lecun, keras", "torch", "eoc"]
    assert "tanh, 30 layers" in figure.get_suptitle()
    ours = gradient.lines[-1]
    assert np.allclose(ours.get_ydata(), 1.0)
    assert np.isnan(correlation.lines[3].get_ydata()[-1])  # below what the axis shows
    assert plot_comparison(exploding("exp(x*x)"), variance, "variance") is variance
