"""The commands that take networks of layers: init, phase, rates and maps, as a user types them."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import eoc
from eoc.cli import main
from eoc.errors import UnsupportedError
from eoc.operating_point import operating_point
from eoc.sweeps.tasks import task

pytestmark = pytest.mark.usefixtures("wide")


@pytest.fixture
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


class Ran:
    """What a command printed."""

    def __init__(self, line: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sys.argv", ["eoc", *shlex.split(line)])
        with pytest.raises(SystemExit) as ended:
            main()
        self.code = ended.value.code or 0
        captured = capsys.readouterr()
        self.out, self.err = captured.out, captured.err

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    return lambda line: Ran(line, capsys, monkeypatch)


def test_init_of_a_block_that_settles_says_how_to_draw_it_and_what_follows(run: Any) -> None:
    found = run("init 'residual(tanh, dense, skip=0.8)' --sigma-b 0.1")
    first, *_, last = found.out.strip().split("\n")
    assert found.code == 0
    assert (
        first == "draw the free dense with gain sigma_w = 0.762064, biases with sigma_b = 0.1: 30 blocks should train."
    )
    assert "settles" in found.out
    assert last.startswith("next: eoc propagate 'residual(tanh, dense, skip=0.8)' --sigma-w 0.762064373141")
    assert run(last.removeprefix("next: eoc ").partition(" follows")[0]).code == 0
    answer = run("init 'residual(tanh, dense, skip=0.8)' --sigma-b 0.1 --depth 300 --json").json
    assert answer["regime"] == "settles"
    assert answer["point"]["law"]["law"] == "1/l"
    assert answer["network_of_depth"]["depth"] == 300
    assert answer["network_of_depth"]["gradient_ratio"] == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize(
    ("name", "regime", "words"),
    [("preln", "grows", "not exponentially"), ("resnet", "scales", "scale=1/sqrt(L)")],
)
def test_init_of_blocks_that_are_never_critical_says_why_and_what_to_do(
    run: Any, name: str, regime: str, words: str
) -> None:
    found = run(f"init {name}")
    assert found.code == 3
    assert found.out.startswith("no critical block: ")
    assert words in found.out
    assert regime in found.out
    answer = run(f"init {name} --json")
    assert (answer.code, answer.json["regime"], answer.json["point"]) == (3, regime, None)


def test_init_recommends_a_critical_block_for_a_depth_and_says_by_which_rule(run: Any) -> None:
    for name, reason in (
        ("postln", "a norm decides"),
        ("'residual(tanh, dense, skip=0.8)'", "the point of the edge of chaos with the least"),
    ):
        found = run(f"init {name} --depth 100")
        assert found.code == 0
        assert found.out.split("\n")[0].endswith(": 100 blocks should train.")
        assert f"recommended: {reason}" in found.out.replace("\n  ", " ")
        answer = run(f"init {name} --depth 100 --json").json["network_of_depth"]
        assert (answer["depth"], answer["trains"], answer["gradient_ratio"]) == (100, True, 1.0)
    held, left = (run(f"init 'residual(gelu, dense, skip=0.9)' --sigma-b 0.1 --depth {depth}") for depth in (30, 80))
    assert (held.code, left.code) == (0, 3)  # F' = 1.016
    assert "take a larger sigma_b" in left.out.replace("\n  ", " ")


def test_curves_of_networks_are_printed_drawn_and_saved(run: Any, tmp_path: Path) -> None:
    names = ["'residual(tanh, dense, skip=0.8)'", "postln", "'postnorm(relu, dense)'", "resnet"]
    picture, table = tmp_path / "curves.png", tmp_path / "curves.csv"
    found = run(f"curve {' '.join(names)} --points 50 --plot {picture} --save {table}")
    assert found.code == 0
    for words in (
        "sigma_w^2 - 0.36 ~ 0.72 q, sigma_b^2 ~ 0.48 q^3",
        "a norm decides the variance; ends and turning points are not known",
        "is the line sigma_b = 0: every sigma_w is critical",
        "no edge of chaos: every block of resnet multiplies the variance by 1.5",
    ):
        assert words in found.out
    assert picture.stat().st_size > 10_000
    assert "postln,0,1.0," in table.read_text()
    (answer,) = run("curve postln --sigma-w 1 --json").json["curves"]
    assert answer["text"] == "postnorm(dense(1), gelu, dense)"
    assert answer["points"][0]["sigma_b"] == pytest.approx(0.17501252263, rel=1e-10)
    assert run("curve 'residual(tanh, dense, skip=0.8)' --sigma-w 0.5").code == 3
    assert run("curve 'dense, tanh, dense(1)'").code == 2


def test_phase_rates_and_maps_of_networks_say_the_same(run: Any) -> None:
    phase = run("phase 'postnorm(relu, dense(1.5))' --json").json["phases"][0]
    rates = run("rates 'postnorm(relu, dense(1.5))' --json").json
    assert phase["phase"] == "critical"
    assert phase["law"]["constant"] == pytest.approx(rates["law"]["constant"], rel=1e-12)
    assert rates["sigma_w"] is None or rates["sigma_w"] == "nan"
    maps = run("maps 'postnorm(relu, dense(1.5))' --q 0.5,2 --json").json
    assert maps["F"]["value"] == [1.0, 1.0]
    assert maps["fixed_points"][0]["q"] == 1.0
    assert run("phase mlp_dropout --sigma-w 1 --sigma-b 0.1 --json").json["phases"][0]["c_star"] < 0.5


@pytest.mark.parametrize("line", ["phase postln --sigma-w 1", "rates postln --sigma-b 0.3", "maps postln --sigma-w 1"])
def test_answer_first_and_next_last(run: Any, line: str) -> None:
    found = run(line)
    lines = found.out.strip().split("\n")
    assert found.code == 0
    assert lines[0].endswith((".", "layers"))
    assert lines[-1].startswith("next: eoc ")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("phase postln", "sigma_w must be a number"),
        ("phase 'tanh, dense(1)' --sigma-w 1", "no dense without numbers"),
        ("init 'dense, tanh, dense(1)'", "an activation follows the dense without numbers"),
        ("init postln --framework torch", "--framework is for activations"),
        ("rates preln --sigma-w 1", "variances diverge"),
        ("maps 'residual(relu, dense(1), scale=1/l)'", "differ from layer to layer"),
        ("phase tanh", "give --sigma-w"),
        ("phase 'residual(tanh, dens(1))'", "column"),
        ("init transformer", "mixes 64 tokens, so that"),
        ("curve 'prenorm(attention(8)), tanh, dense'", "(eoc phase) says where they end"),
        ("diagram transformer --grid 2x2", "mixes 64 tokens, so that"),
        ("diagram 'batchnorm, relu, dense' --grid 2x2", "mixes an infinite batch, so that"),
        ("phase transformer --plot none.png", "--plot is not for networks that mix 64 tokens"),
        ("phase transformer --q 2", "--q is not for networks that mix 64 tokens"),
        ("phase 'batchnorm(8), relu, dense(1)' --plot none.png", "--plot is not for networks that mix a batch of 8"),
        ("rates 'batchnorm(8), relu, dense(1)' --plot none.png", "draws them with --plot"),
        ("rates transformer --q 2", "--q is not for"),
        ("init gru", "(eoc phase) says what it does as it stands"),
        ("init 'tanh, avgpool(2), conv(3)'", "(eoc images)"),
        ("phase 'tanh, maxpool(2), conv(3)' --sigma-w 1", "(eoc images)"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_a_sentence(run: Any, line: str, words: str) -> None:
    found = run(line)
    assert found.code == 2
    assert words in found.err
    assert found.err.startswith("error: ")


@pytest.mark.parametrize("value", ["1e-200", "1e60", "1e160", "1e308"])
@pytest.mark.parametrize(
    "word",
    [
        "scale({})",
        "noise({})",
        "rmsnorm(eps={})",
        "batchnorm({})",
        "residual(tanh, dense(1), skip={})",
        "input({})",
        "dense(1, {})",
        "minimalrnn(mu={})",
        "gru(R={})",
        "gru(sigma_w={})",
        "attention({})",
        "attention(64, 1, {})",
        "attention(64, 1, 1, {})",
        "conv({}, 1)",
        "conv(3, 1, stride={})",
        "dense(1, pruned={})",
        "repeat({}, relu)",
    ],
)
def test_numbers_of_any_size_are_followed_or_refused(word: str, value: str) -> None:
    try:
        run = eoc.propagate(f"{word.format(value)}, tanh, dense(1)", q=1.0, c=0.3, depth=2)
    except eoc.EocError:
        return
    assert not (np.isnan(run.q) | np.isnan(run.gradient)).any()


def test_what_verify_takes_grows_with_the_points_that_go_through_networks() -> None:
    seconds = task("montecarlo/verify").seconds
    plain = seconds({"activation": eoc.activation("tanh")})
    assert plain == seconds({"activation": "residual(relu, dense)"}) > 0.0
    for text, times in (("transformer", 32), ("batchnorm(8), relu, dense(1)", 4), ("relu, conv(3)", 8)):
        assert seconds({"activation": text}) == times * plain
    assert seconds({"activation": "batchnorm, relu, dense(1)"}) == 0.0  # is refused


def test_diagrams_of_networks_say_which_network(run: Any) -> None:
    answer = run("diagram 'tanh, conv(3)' --grid 2x2 --json").json
    assert (answer["network"], answer["text"], answer["field"]) == ("tanh, conv(3)", "tanh, conv(3)", "phase")
    assert "activation" not in answer
    assert np.shape(answer["values"]) == (2, 2)


@pytest.mark.parametrize(
    "line",
    [
        "compare 'residual(tanh, dense, skip=0.8)'",
        "gain 'tanh, dense'",
        "describe resnet",
        "montecarlo lengths preln --width 10 --depth 3",
        "montecarlo correlations 'tanh, dense' --width 10 --depth 3",
    ],
)
def test_commands_about_activations_say_what_takes_networks(run: Any, line: str) -> None:
    found = run(line)
    assert found.code == 2
    assert "is a network of layers, and this is about an activation" in found.err
    assert "eoc init" in found.err


@pytest.mark.parametrize(
    "function",
    [eoc.compare, eoc.gain, operating_point],
)
def test_functions_about_activations_say_what_takes_networks(function: Any) -> None:
    for source in ("postln", eoc.network("residual(tanh, dense, skip=0.8)")):
        with pytest.raises(UnsupportedError, match="is a network of layers, and this is about an activation"):
            function(source)


@pytest.mark.parametrize("line", ["phase postln --sigma-w 1", "rates postln --sigma-b 0.3", "maps postln --sigma-w 1"])
def test_pictures_of_networks_are_drawn(run: Any, line: str, tmp_path: Path) -> None:
    picture = tmp_path / "network.png"
    assert run(f"{line} --plot {picture}").code == 0
    assert picture.stat().st_size > 10_000


def test_surrogates_from_the_command_line(run: Any) -> None:
    found = run("init sign --backward hardtanh")
    first, *_, last = found.out.strip().split("\n")
    assert found.code == 0
    assert first == "gradients keep their size with sigma_w = 1.3661."
    after = run(last.removeprefix("next: eoc ").partition(" says")[0])
    assert after.code == 0
    assert "close inputs are torn apart with depth; gradients keep their size" in after.out
    assert "chi_back" in after.out
    assert "activity" in after.out
    answer = run("init 'ste(sign, bireal), dense' --json").json
    assert answer["points"][0]["sigma_w"] == pytest.approx(0.9871711476985923798, rel=1e-12)
    assert answer["phases"][0]["chi_backward"] == pytest.approx(1.0, abs=1e-12)
    values = run("maps sign --q 1 --sigma-w 1 --backward bireal --json").json
    assert values["chi_backward"]["value"] == pytest.approx([1.01420524682691112870722531], rel=1e-12)
    assert run("init 'layernorm, ste(sign, hardtanh), dense'").code == 3
    assert "--sigma-w" in run("maps sign --backward bireal").err
    assert "--sigma-b" in run("init sign --backward bireal --q 1").err
