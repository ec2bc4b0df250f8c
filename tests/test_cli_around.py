"""What users' functions and full disks may do to the command line."""

import json
import os
import subprocess
import sys

import pytest
from test_cli import run_alone

import eoc.cli
from eoc.cli import around

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
    assert "sys.exit(7)" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a full disk")
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_full_disk_has_its_own_exit_code(options):
    with open("/dev/full", "w") as full:
        done = run_code("from eoc.cli import main; main()", "activations", *options, stdout=full)
    assert done.returncode == 74
    assert done.stderr == "error: cannot write: No space left on device\n"


@pytest.mark.skipif(os.name != "posix", reason="pipes")
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_reader_that_has_left_has_it_too(options):
    reader, writer = os.pipe()
    os.close(reader)
    done = run_code("from eoc.cli import main; main()", "activations", *options, stdout=writer)
    os.close(writer)
    assert done.returncode == 74
    assert done.stderr == ""


def test_too_little_memory_is_an_error(monkeypatch, capsys):
    def app():
        raise MemoryError("Unable to allocate 7 TiB")

    monkeypatch.setattr(eoc.cli, "app", app)
    with pytest.raises(SystemExit) as left:
        eoc.cli.main()
    assert left.value.code == 2
    assert "not enough memory (Unable to allocate 7 TiB)" in capsys.readouterr().err


def test_results_are_standard_output_outside_a_command(capsys):
    print("here", file=around.results())
    assert capsys.readouterr().out == "here\n"
