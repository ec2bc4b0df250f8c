"""The fuzz can fail: what it is to find is found, and the same seed draws the same inputs."""

import contextlib
import io
import os
import time

import numpy as np
import pytest
from fuzz import __main__ as runner
from fuzz import commands, formulas
from fuzz.kind import Kind
from fuzz.watch import TooLongError, watched

import eoc.cli

posix = pytest.mark.skipif(os.name != "posix", reason="timers of processor time")


@pytest.mark.parametrize("kind", runner.KINDS)
def test_an_input_depends_on_seed_and_number_alone(kind):
    drawn = [kind.input(1, number) for number in range(20)]
    assert [kind.input(1, number) for number in reversed(range(20))] == drawn[::-1]
    assert len(set(drawn)) > 10
    assert [kind.input(2, number) for number in range(20)] != drawn


def test_every_command_is_drawn():
    lines = [commands.KIND.input(1, number) for number in range(400)]
    missing = [words for words in commands._commands() if not any(line.startswith(" ".join(words)) for line in lines)]
    assert not missing


def test_what_would_be_a_traceback_is_found(monkeypatch):
    def app():
        raise IndexError("tuple index out of range")

    monkeypatch.setattr(eoc.cli, "app", app)
    code = commands._main(["init", "tanh"], io.StringIO(), io.StringIO())
    assert code == "IndexError: tuple index out of range"
    assert code not in commands._CODES


def test_wrong_results_are_found():
    assert commands._wrong_output(["init", "tanh"], "q = nan\n") == ["NaN without a word: q = nan"]
    assert commands._wrong_output(["init", "tanh"], "\n") == ["nothing was printed"]
    assert commands._wrong_output(["init", "tanh", "--json"], '{"q": NaN}')[0].startswith("no JSON")
    assert not commands._wrong_output(["init", "tanh", "--json"], '{"q": 1.5, "slope": "nan"}')


def test_dishonest_errors_are_found(monkeypatch):
    honest = {"V": (2.0, 1e-15), "K": (1.0, 1e-15), "G": (1.0, 1e-15)}
    assert not formulas._unlike(honest)
    assert [one[:3] for one in formulas._unlike(honest | {"K": (-2.1, 1e-15)})] == ["|K|", "G ="]
    assert len(formulas._unlike(honest | {"G": (1.0 + 1e-13, 1e-15)})) == 1

    def pairs(estimates):  # which says that nothing is lost, and loses some
        return {name: (float(one.value) * (1.0 + 1e-12 * rng.random()), 0.0) for name, one in estimates.items()}

    rng = np.random.default_rng(1)
    place = formulas._Place(1.0, 0.5, 2.0, 3.0, 1.0)
    assert not formulas._tried("max(x, 0.1*x)", place)
    monkeypatch.setattr(formulas, "_pairs", pairs)
    assert len(formulas._scaled("max(x, 0.1*x)", place)) == 2


def test_inputs_are_so_many_of_each_kind(monkeypatch, capsys):
    tried = []
    kinds = tuple(
        Kind(name, lambda rng: str(rng.random()), lambda text: tried.append(text) or []) for name in ("one", "other")
    )
    monkeypatch.setattr(runner, "KINDS", kinds)
    monkeypatch.setattr(commands, "prepared", lambda: None)
    monkeypatch.setattr("faulthandler.dump_traceback_later", lambda *_, **__: None)  # needs the real standard error
    monkeypatch.chdir(os.curdir)  # and back
    asked = (("60", "3 5", "5 tried"), ("60", "4", "4 tried"), ("0", "9", "time was over"))
    for seconds, number, said in asked:
        monkeypatch.setattr("sys.argv", ["fuzz", "--seconds", seconds, "--number", *number.split()])
        assert runner.main() == 0
        assert said in capsys.readouterr().out
    assert len(tried) == 3 + 5 + 4 + 4
    assert len({*tried}) == 9


def busy():
    while True:
        time.process_time()


def stubborn():
    with contextlib.suppress(KeyboardInterrupt):
        busy()
    busy()


@posix
def test_silence_and_endless_calls_are_found(monkeypatch):
    monkeypatch.setattr("fuzz.watch._ENOUGH", 0.1)
    monkeypatch.setattr("fuzz.watch._ENDLESS", 0.2)
    monkeypatch.setattr("fuzz.watch.SILENCE", [0.05])
    with watched() as heard, pytest.raises(KeyboardInterrupt):
        busy()
    assert heard.interrupted
    assert heard.too_silent
    with watched() as heard, pytest.raises(TooLongError):
        stubborn()
    assert heard.end - heard.start < 2.0
