"""What users' functions and full disks may do to the command line."""

import json
import os
import re
import subprocess
import sys

import pytest
from test_cli import COMMANDS, run, run_alone

import eoc.cli
from eoc.cli import command_wrapper
from eoc.errors import EocError

OWN = """
import math
import sys

print("imported")


def noisy(x):
    print("called")
    return math.tanh(x)


def leaving(x):
    sys.exit(7)
"""


def run_code(code, *arguments, stdout=None):
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False, timeout=60)


@pytest.fixture
def own(tmp_path):
    (tmp_path / "own.py").write_text(OWN)
    return tmp_path


def test_a_function_that_prints_does_not_break_json(own):
    done = run_alone("describe", "own.py:noisy", "--json", cwd=own)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["activation"] == "noisy"
    assert "imported" in done.stderr
    assert "called" in done.stderr


def test_a_function_that_leaves_is_an_error(own):
    done = run_alone("describe", "own.py:leaving", cwd=own)
    assert done.returncode == 2
    assert "error: leaving raises SystemExit at x = 0.0: 7" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a full disk")
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_full_disk_has_its_own_exit_code(options):
    with open("/dev/full", "w") as full:
        done = run_code("from eoc.cli import main; main()", "networks", *options, stdout=full)
    assert done.returncode == 74
    assert done.stderr == "error: cannot write: No space left on device\n"


def test_too_little_memory_is_an_error(monkeypatch, capsys):
    def app():
        raise MemoryError("Unable to allocate 7 TiB")

    monkeypatch.setattr(eoc.cli, "app", app)
    with pytest.raises(SystemExit) as left:
        eoc.cli.main()
    assert left.value.code == 2
    assert "not enough memory (Unable to allocate 7 TiB)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            PermissionError(13, "Permission denied", "/root/thesis"),
            "error: cannot use /root/thesis: Permission denied\n",
        ),
        (OSError(36, "File name too long", "x" * 300), f"error: cannot use {'x' * 300}: File name too long\n"),
        (OSError(5, "Input/output error"), "error: Input/output error\n"),
    ],
)
def test_files_that_cannot_be_used_are_named(monkeypatch, capsys, error, message):
    def app():
        raise error

    monkeypatch.setattr(eoc.cli, "app", app)
    with pytest.raises(SystemExit) as left:
        eoc.cli.main()
    assert left.value.code == 2
    assert capsys.readouterr().err == message


@pytest.mark.skipif(os.name != "posix", reason="other systems keep the current folder")
def test_a_current_folder_that_is_gone_is_told(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    monkeypatch.setattr(eoc.cli, "app", os.getcwd)
    with pytest.raises(SystemExit) as left:
        eoc.cli.main()
    assert left.value.code == 2
    assert capsys.readouterr().err.startswith("error: cannot use the current folder: ")


def test_arguments_that_are_no_text_are_refused():
    done = run("init", "tan\udcff")
    assert done.returncode == 2
    assert "'tan\\udcff'" in done.stderr


class Interrupt(BaseException):
    """What a user's function may raise."""


@pytest.mark.parametrize("raised", [SystemExit(7), EOFError(), GeneratorExit(), Interrupt("now")])
def test_whatever_a_function_raises_is_an_error(monkeypatch, raised):
    def command() -> None:
        raise raised

    with pytest.raises(EocError, match="the function that was given"):
        command_wrapper._guarded("eoc test", command)()


def test_ranges_are_checked_and_not_shown():
    text = run("init", "--help").stdout
    assert "--fan-in" in text
    assert "9007199254740992" not in text
    done = run("init", "tanh", "--fan-in", "0")
    assert done.returncode == 2
    assert "must be from 1 to 9007199254740992, got 0" in " ".join(done.stderr.split())


def test_the_help_of_every_command_has_words_for_values():
    for words in COMMANDS:
        text = run(*words, "--help").stdout
        assert not re.search(r"<=x|x>=|<float|<int|range>", text), words


def test_results_are_standard_output_outside_a_command(capsys):
    print("here", file=command_wrapper.results())
    assert capsys.readouterr().out == "here\n"
