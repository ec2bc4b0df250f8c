"""The fuzz can fail: what it is to find is found, and the same seed draws the same inputs."""

import contextlib
import io
import os
import time

import pytest
from fuzz import commands, configurations
from fuzz.watch import TooLongError, watched

import eoc.cli

posix = pytest.mark.skipif(os.name != "posix", reason="timers of processor time")


@pytest.mark.parametrize("kind", [commands.KIND, configurations.KIND])
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
