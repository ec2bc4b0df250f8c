"""What becomes of a command whose standard output or standard error is closed, full, narrow or without a reader."""

import io
import os
import subprocess
import sys
import time

import pytest
from test_cli import COMMANDS, run, run_alone

from eoc.cli import main
from eoc.cli.progress import Report, progress, reporting
from eoc.cli.streams import standard_streams
from eoc.gaussian.moments import moments

EOC = f"{sys.executable} -m eoc"
SWEEP = "schema: 1\ntask: edge_of_chaos\naxes: {activation: tanh, sigma_b: [0.1, 0.2]}\n"

posix = pytest.mark.skipif(os.name != "posix", reason="a shell")


def shell(line, cwd=None, **env):
    """What a line of a shell does, in which eoc is the command."""
    line = line.replace("eoc ", f"{EOC} ")
    return subprocess.run(
        ["bash", "-c", line], cwd=cwd, env=os.environ | env, capture_output=True, text=True, check=False, timeout=120
    )


class Gone(io.RawIOBase):
    """A pipe without a reader."""

    def writable(self):
        return True

    def write(self, data):
        raise BrokenPipeError(32, "Broken pipe")


def ended(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["eoc", *arguments])
    with pytest.raises(SystemExit) as left:
        main()
    return left.value.code


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("activations",), ("activations", "--json")])
def test_a_reader_that_has_left_ends_a_command_without_a_word(monkeypatch, capsys, arguments):
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BufferedWriter(Gone()), write_through=True))
    assert ended(monkeypatch, *arguments) == 141
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("words", COMMANDS)
def test_so_it_does_in_every_command(monkeypatch, capsys, words):
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BufferedWriter(Gone())))
    assert ended(monkeypatch, *words, "--help") == 141
    assert capsys.readouterr().err == ""


@posix
def test_head_is_such_a_reader():
    done = shell("eoc networks | head -1; echo ${PIPESTATUS[0]}")
    assert done.stdout.splitlines()[-1] in ("0", "141")
    assert done.stderr == ""


@posix
def test_a_sweep_computes_all_the_same_where_streams_are_closed(tmp_path):
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    done = shell("eoc sweep run sweep.yaml --workers 2 >&- 2>&- <&-; echo code $?", tmp_path)
    assert "code 0" in done.stdout
    assert "Traceback" not in done.stderr
    assert "2 of 2 points are done" in run("sweep", "status", str(tmp_path / "sweep.zarr")).stdout


@posix
@pytest.mark.parametrize("closed", [">&-", "2>&-"])
def test_messages_never_get_into_results(closed):
    done = shell(f"eoc init tahn {closed}; echo code $?")
    assert done.stdout == "code 2\n"
    assert "Traceback" not in done.stderr


def test_standard_error_without_a_reader_stops_nothing(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(io.BufferedWriter(Gone()), write_through=True))
    with standard_streams(), reporting("eoc test"):
        progress().expect("waiting", patience=0.0)
        time.sleep(0.15)
        print("done")
    assert capsys.readouterr().out == "done\n"


@pytest.mark.parametrize("columns", ["40", "20", "1", "0", "-3", "", "\u00b2", "abc", "9" * 30, "9" * 5000])
def test_columns_are_respected_in_a_pipe_if_they_make_sense(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    done = run("activations")
    assert done.returncode == 0, done.stderr
    widest = max(map(len, done.stdout.splitlines()))
    assert widest <= (40 if columns == "40" else 120 if len(columns) < 9 else 10_000)
    assert run("init", "--help").returncode == 0


@pytest.mark.parametrize("env", [{"LC_ALL": "C", "PYTHONIOENCODING": "ascii"}, {"TERM": "dumb"}, {"NO_COLOR": "1"}])
def test_poor_terminals_get_everything(env):
    done = run_alone("activations", env=env)
    assert done.returncode == 0, done.stderr
    assert "tanh" in done.stdout
    assert "\x1b" not in done.stdout


def test_a_line_says_how_far_a_command_is(monkeypatch):
    clock = iter([0.0, 0.0, 5.0, 10.0, 20.0, 30.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    report = Report("eoc test")
    report.expect("points", 80.0)
    assert report.text == "eoc test: computing, about 1.3 min"
    report(100, 400)
    assert report.text == "eoc test: 100 of 400 points, about 1.3 min"
    report(200, 400, "2 failed")
    assert report.text == "eoc test: 200 of 400 points, 2 failed, 10 a second, 20 s left"
    report(400, 400)
    assert report.text == "eoc test: 400 of 400 points"


def test_a_command_that_takes_long_says_so_once_a_second_is_over(monkeypatch, capsys):
    monkeypatch.setattr("eoc.cli.progress._EVERY", 0.1)
    with reporting("eoc test"):
        progress().expect("layers", 300.0, patience=0.05)
        time.sleep(0.35)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "eoc test: computing, about 5 min"
    assert 1 <= len(lines) <= 3


def test_a_command_that_does_not_says_nothing(capsys):
    with reporting("eoc test"):
        progress()(1, 2)
    assert capsys.readouterr().err == ""


def test_lines_say_why_it_takes_long_as_soon_as_that_is_known(monkeypatch, capsys):
    monkeypatch.setattr("eoc.cli.progress._WORK", 0.0)
    monkeypatch.setattr("eoc.cli.progress._LOOK", 0.01)
    with reporting("eoc init"):
        time.sleep(0.1)
        moments("sin(1.01*exp(x))", 0.25, ("V",))
        time.sleep(0.1)
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["eoc init: computing", "eoc init: resolving the many oscillations of sin(1.01*exp(x))"]
