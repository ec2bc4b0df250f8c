"""``eoc montecarlo`` as its users run it: in a subprocess."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest
from test_cli import run, run_alone, run_in_terminal, run_json

SMALL = ("--width", "50", "--depth", "4", "--networks", "200")


def sentence(done):
    """What is printed, without line breaks."""
    return " ".join(done.stdout.split())


def drawn(path):
    return path.read_bytes().startswith(b"\x89PNG")


def test_lengths_compares_mean_and_rms_with_theory(tmp_path):
    done = run("montecarlo", "lengths", "tanh", "--sigma-b", "0.2", *SMALL, "--plot", "out.png", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "sigma_w = 1.30414584006, sigma_b = 0.2, q_1 = 0.512078504234" in done.stdout  # the edge of chaos
    assert "200 networks with gaussian weights, 4 layers of 50 units, seed 0" in done.stdout
    assert "sqrt(N) rms of q_l - q~_l" in done.stdout
    assert "all 8 comparisons agree with theory" in sentence(done)
    assert drawn(tmp_path / "out.png")


def test_lengths_as_json():
    code, answer = run_json(
        "montecarlo", "lengths", "tanh", "--sigma-w", "1.2", "--q", "1.0", "--eps", "0.1,0.5", *SMALL
    )
    assert code == 0
    assert (answer["activation"], answer["sigma_w"], answer["sigma_b"], answer["q"]) == ("tanh", 1.2, 0.0, 1.0)
    assert (answer["weights"], answer["networks"], answer["seed"]) == ("gaussian", 200, 0)
    assert answer["scaling"] is None
    (found,) = answer["runs"]
    assert found["widths"] == [50] * 4
    assert found["eps"] == [0.1, 0.5]
    for name in ("q_infinite", "mean", "mean_error", "variance", "rms", "rms_error", "predicted_rms", "beyond"):
        assert len(found[name]) == 4
    assert set(found["quantiles"]) == {"0.05", "0.25", "0.5", "0.75", "0.95"}
    shares = (found[f"ever_beyond{end}"] for end in ("_low", "", "_high"))
    assert all(low <= share <= high for low, share, high in zip(*shares, strict=True))
    assert len(found["comparisons"]) == 8
    assert all(one["agrees"] == (abs(one["z"]) <= 4.0) for one in found["comparisons"])


def test_several_widths_give_an_exponent(tmp_path):
    arguments = (
        "montecarlo",
        "lengths",
        "relu",
        "--q",
        "2",
        "--width",
        "32,128,512",
        "--depth",
        "3",
        "--networks",
        "300",
    )
    done = run(*arguments, "--plot", "out.png", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "3 layers of 32, 128, 512 units, seed 0" in done.stdout
    assert re.search(r"q_3 comes to the variance map like N\^-0\.[45]\d\d", sentence(done))
    assert drawn(tmp_path / "out.png")
    code, answer = run_json(*arguments)
    assert code == 0
    assert [one["widths"][0] for one in answer["runs"]] == [32, 128, 512]
    assert answer["scaling"]["exponent"][0] == pytest.approx(-0.5, abs=0.1)
    assert answer["scaling"]["predicted_exponent"][2] < -0.5


def test_gaussianity_compares_kurtosis_with_theory(tmp_path):
    arguments = "montecarlo", "gaussianity", "relu", "--networks", "1000", "--depth", "3"
    done = run(*arguments, "--plot", "out.png", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "excess kurtosis from K_l" in done.stdout
    assert "all 5 comparisons agree with theory" in sentence(done)
    assert drawn(tmp_path / "out.png")
    code, answer = run_json(*arguments)
    assert code == 0
    assert answer["predicted"] == pytest.approx([0.0, 0.15, 0.3075])
    assert len(answer["comparisons"]) == 5


def test_counterexamples_are_tested():
    done = run("montecarlo", "counterexamples", "--networks", "200")
    assert done.returncode == 0, done.stderr
    assert "Cauchy distributed" in done.stdout
    assert "comparisons agree with theory" in sentence(done)
    code, answer = run_json("montecarlo", "counterexamples", "--networks", "200")
    assert code == 0
    assert [one["width"] for one in answer["reciprocal"]] == [10, 100, 1000]
    assert answer["exponential"]["limiting_exponent"] == 1.0
    assert "condition (b)" in answer["exponential"]["reason"]
    assert [one["activation"] for one in answer["dependent"]] == ["relu", "heaviside"]


def test_without_a_usable_point_the_reason_is_printed():
    done = run("montecarlo", "lengths", "gelu", "--sigma-b", "0.2")
    assert done.returncode == 3
    assert "no usable point" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("lengths", "tanh", "--width", "ten"), "--width takes numbers"),
        (
            ("lengths", "tanh", "--width", "64,64"),
            "at least two different ones, to see how errors depend on them; got [64, 64]",
        ),
        (("lengths", "tanh", "--width", "0"), "width must be a whole number >= 1, got 0\n"),
        (("lengths", "tanh", "--depth", "10000000", "--networks", "2"), "depth must be at most 1000000"),
        (("correlations", "tanh", "--width", "10000000000", "--depth", "2"), "width must be at most 8589934592"),
        (("counterexamples", "--networks", "10"), "fewer than 100 networks"),
        (("counterexamples", "--networks", "1000000000"), "would take 2"),
        (("lengths", "tanh", "--weights", "cauchy"), "cauchy"),
        (("lengths", "tanh", "--checkpoint", "run.txt"), "must end in one of npz"),
        (("gaussianity", "tanh", "--plot", "no/folder.png"), "there is no folder"),
        (("gaussianity", "tanh", "--sigma-w", "0.5"), "give q"),
    ],
)
def test_bad_input_is_refused_with_a_message(arguments, message):
    done = run("montecarlo", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_in_a_pipe_tables_are_as_narrow_as_in_a_terminal():
    for arguments in (("correlations", "tanh"), ("correlations", "relu"), ("counterexamples",), ("lengths", "tanh")):
        size = () if arguments[0] == "counterexamples" else ("--width", "500", "--depth", "40")
        done = run("montecarlo", *arguments, *size, "--networks", "100")
        assert done.returncode == 0, done.stderr
        rules = [line for line in done.stdout.splitlines() if set(line.strip()) & {"\u2500", "-"} == set(line.strip())]
        assert rules
        assert max(len(line) for line in rules if line) <= 78


def test_help_is_wrapped_once(monkeypatch):
    text = run_alone("montecarlo", "lengths", "--help", env={"COLUMNS": "80"}).stdout
    start = next(line for line in text.splitlines() if line.startswith(" than eps"))
    assert start.rstrip().endswith("Layers are numbered from")  # and not "several widths the"
    assert "[default: (all cores)]" in " ".join(text.split())


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_an_interrupted_run_says_that_it_goes_on(tmp_path):
    size = "--width", "1000", "--depth", "200", "--networks", "5000", "--checkpoint", "run.npz"
    process = subprocess.Popen(
        [sys.executable, "-c", "from eoc.cli import main; main()", "montecarlo", "lengths", "tanh", *size],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    while not (tmp_path / "run.npz").exists() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, message = process.communicate(timeout=60)
    assert process.returncode == 130
    assert message.endswith("interrupted: run.npz keeps what was done; the same command goes on from it\n")


def test_other_weights():
    done = run("montecarlo", "lengths", "tanh", "--weights", "student_t(4)", *SMALL)
    assert done.returncode == 0, done.stderr
    assert "200 networks with student_t(4) weights" in done.stdout
    assert "theory does not know these weights" in sentence(done)


@pytest.mark.parametrize("arguments", [("lengths", "tanh"), ("lengths", "tanh", "--width", "20,40")])
def test_tables_fit_a_terminal(arguments):
    code, text = run_in_terminal("montecarlo", *arguments, "--depth", "200", "--networks", "20")
    assert code == 0
    assert max(map(len, text.splitlines())) <= 80


def test_a_killed_run_goes_on_where_it_was(tmp_path):
    path = tmp_path / "run.npz"
    size = "--width", "1000", "--depth", "20", "--networks", "2000", "--seed", "5"
    command = "montecarlo", "lengths", "tanh", "--sigma-b", "0.2", *size, "--json"
    kept = "--checkpoint", str(path), "--interval", "0.05"
    process = subprocess.Popen(
        [sys.executable, "-c", "from eoc.cli import main; main()", *command, *kept, "--workers", "1"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    written = set()
    while len(written) < 3 and process.poll() is None:  # nothing is in the first one
        time.sleep(0.01)
        if path.exists():
            written.add(path.stat().st_mtime_ns)
    process.send_signal(signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
    assert process.wait() != 0  # it was not finished
    resumed, whole = run(*command, *kept, "--workers", "2"), run(*command, "--workers", "2")
    assert resumed.returncode == whole.returncode == 0
    assert resumed.stdout == whole.stdout
    assert json.loads(whole.stdout)["runs"][0]["widths"] == [1000] * 20
    other = run(*command[:-1], *kept, "--eps", "0.5")
    assert other.returncode == 2
    assert "eps" in other.stderr
