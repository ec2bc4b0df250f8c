"""The commands that follow signals through depth: rates, propagate and phase, in a subprocess."""

import contextlib
import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from test_cli import run, run_in_terminal, run_json

from eoc import Trajectory, convergence_of, propagate
from eoc.cli import main
from eoc.maps import CorrelationMap
from eoc.plotting import convergence_figure, trajectory_figure

POOLE = ("tanh", "--sigma-b", "0.3", "--sigma-w", "2.5")


def words(text):
    return " ".join(text.split())


# rates


def test_rates_of_relu_are_known():
    done = run("rates", "relu")
    assert done.returncode == 0, done.stderr
    text = words(done.stdout)
    assert "edge of chaos: sigma_w = 1.41421356237, sigma_b = 0, any q" in text
    assert "1 - c_l ~ kappa / l^2, kappa = 44.4132198049" in text  # 9 pi^2 / 2
    assert "lambda = l + 1.5 log(l) + 4.65" in text
    assert "sqrt(l)" not in text
    assert "1000000 4.44109674598e-11" in text


def test_rates_of_tanh_are_measured_beside_the_prediction():
    code, answer = run_json("rates", "tanh", "--sigma-b", "0.2", "--depth", "1e12")
    assert code == 0
    assert answer["on_edge"] is True
    assert answer["law"]["law"] == "1/l"
    assert answer["law"]["constant"] == pytest.approx(7.08373782, abs=5e-9)
    for name, expected in (("exponent", 1.0), ("constant", 7.08373782491)):
        measured = answer["measured"][name]
        assert abs(measured["value"] - expected) <= measured["error"] + 1e-10
        assert measured["error"] < 1e-8
    assert answer["depths"] == [10.0**k for k in range(13)]
    ratio = np.array(answer["one_minus_c"]) / np.array(answer["refined"])
    assert abs(ratio[7:] - 1.0).max() < 1e-5
    assert answer["one_minus_c"][-1] == pytest.approx(answer["leading"][-1], rel=1e-9)


def test_only_the_orders_that_exist_are_printed():
    text = words(run("rates", "elu", "--sigma-b", "0.2").stdout)
    assert "lambda = l - 4.03422 sqrt(l) + 0.595543 log(l) + 25.4" in text
    assert "sqrt(l)" not in run("rates", "tanh", "--sigma-b", "0.2").stdout  # phi'' is continuous


def test_off_the_edge_of_chaos_rates_says_so():
    done = run("rates", *POOLE)
    assert done.returncode == 0, done.stderr
    text = words(done.stdout)
    assert "not on the edge of chaos: chi_1 = 1.5852248; correlations converge exponentially, xi_c = 5.108919" in text
    assert "the edge of chaos at this sigma_b has sigma_w = 1.39558397515" in text
    code, answer = run_json("rates", *POOLE)
    assert code == 0
    assert answer["on_edge"] is False
    assert answer["point"] is None
    assert answer["law"]["limit"] == pytest.approx(0.12210375, abs=5e-9)
    assert answer["leading"] is answer["refined"] is None


def test_a_printed_sigma_w_is_the_point_it_stands_for():
    code, answer = run_json("rates", "tanh", "--sigma-b", "0.2", "--sigma-w", "1.30414584006")
    assert (code, answer["on_edge"]) == (0, True)


def test_correlations_of_relu_converge_alike_at_every_sigma_w():
    code, answer = run_json("rates", "relu", "--sigma-w", "2", "--depth", "1000")
    assert (code, answer["on_edge"], answer["law"]["law"], answer["q"]) == (0, False, "1/l^2", "inf")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("sign",), "infinite chi_1"),
        (("gelu", "--sigma-b", "0.2"), "unstable"),
        (("softplus", "--sigma-b", "0.1"), "no solution"),
    ],
)
def test_rates_without_a_usable_point_explains_and_exits_with_3(arguments, reason):
    code, answer = run_json("rates", *arguments)
    assert (code, answer["reason"], answer["point"]) == (3, reason, None)
    assert answer["message"]


def test_rates_of_a_jump_says_that_chi_1_is_infinite():
    done = run("rates", "sign")
    assert done.returncode == 3
    assert "no usable point: sign jumps, so chi_1 is infinite" in words(done.stdout)


# propagate


def test_propagate_follows_a_known_map():
    code, answer = run_json("propagate", *POOLE, "--c0", "0.3", "--depth", "1e6")
    assert code == 0
    assert answer["layers"][0] == 0.0
    assert answer["layers"][-1] == 1e6
    assert answer["one_minus_c"][0] == 0.7
    assert answer["q"][-1] == pytest.approx([4.07912388] * 2, abs=5e-9)
    assert answer["c"][-1] == pytest.approx(0.12210375, abs=5e-9)
    assert answer["gradient"][-1] == [1.0, 1.0]
    for key in ("q_error", "error", "chi"):
        assert len(answer[key]) == len(answer["layers"])


def test_propagate_prints_few_rows_and_the_ends(tmp_path):
    files = tmp_path / "run.csv", tmp_path / "run.npz", tmp_path / "run.png"
    csv, npz, picture = (str(f) for f in files)
    done = run("propagate", *POOLE, "--q", "1,4", "--depth", "100", "--save", csv, "--plot", picture)
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines() if line.strip()[:1].isdigit()]
    assert [row[0] for row in rows[:6]] == ["0", "1", "2", "3", "4", "5"]
    assert rows[-1][0] == "100"
    assert len(rows) <= 20
    assert "q_a q_b c 1 - c +- gradient_a gradient_b" in words(done.stdout)
    table = np.genfromtxt(csv, delimiter=",", names=True)
    expected = propagate("tanh", 2.5, 0.3, q=[1.0, 4.0], c=0.1, depth=100)
    assert (table["one_minus_c_0_1"] == expected.one_minus_c[:, 0, 1]).all()
    assert files[2].read_bytes().startswith(b"\x89PNG")
    assert run("propagate", *POOLE, "--one-minus-c0", "1e-12", "--depth", "20", "--save", npz, "--json").returncode == 0
    stored = Trajectory.load(npz)
    assert stored.activation == "tanh"
    assert stored.one_minus_c[0, 0, 1] == 1e-12
    assert stored.layers.size == 21


def test_a_long_run_shows_a_bar_and_interrupting_it_exits_with_130():
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    code = "from eoc.cli import main; main()"
    arguments = ("propagate", "tanh", "--sigma-w", "1", "--q", "1", "--depth", "5000")  # half a minute
    command = [sys.executable, "-X", "utf8", "-c", code, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, text=True) as process:
        os.close(theirs)
        sent = b""
        while b"layers" not in sent:
            sent += os.read(ours, 65536)
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(OSError):  # how Linux reports the end
            while more := os.read(ours, 65536):
                sent += more
        assert not process.stdout.read()
    os.close(ours)
    assert process.returncode == 130
    assert b"Traceback" not in sent


# phase


def test_phase_of_poole_and_of_schoenholz():
    code, answer = run_json("phase", *POOLE)
    (found,) = answer["phases"]
    assert (code, found["phase"]) == (0, "chaotic")
    assert found["c_star"] == pytest.approx(0.12210375, abs=5e-9)
    assert found["angle_degrees"] == pytest.approx(np.degrees(np.arccos(0.12210375)), abs=1e-6)
    assert [(p["order"], p["stable"]) for p in found["fixed_points"]] == [(1.0, True), (1.0, False)]
    assert found["merging_depth"]["float32"]["0.1"] == "inf"
    assert "correlation" not in found
    (found,) = run_json("phase", "tanh", "--sigma-w", repr(1.3**0.5), "--sigma-b", repr(0.05**0.5))[1]["phases"]
    assert found["phase"] == "ordered"
    assert found["xi_c"] == pytest.approx(7.83407, abs=5e-6)
    assert found["trainable_depth"] == pytest.approx(6.0 * 7.83407, abs=5e-5)
    assert found["in_domain"] is True
    depths = [found["merging_depth"]["float32"][d] for d in ("0.1", "0.01", "0.001")]
    assert depths == sorted(depths, reverse=True)


def test_every_phase_is_explained_and_q_picks_one():
    done = run("phase", "silu", "--sigma-w", "1.6", "--sigma-b", "0.2")
    assert done.returncode == 0, done.stderr
    text = words(done.stdout)
    for expected in (
        "ordered, for variances 0 ... 1.468896",
        "settle at q* = 0.13211197",
        "all inputs come to look alike: c -> 1",
        "vanish",
        "divergent, for variances 1.468896 ... inf",
        "variances diverge: they grow without bound",
        "explode",
    ):
        assert expected in text
    code, answer = run_json("phase", "silu", "--sigma-w", "1.6", "--sigma-b", "0.2", "--q", "3")
    assert code == 0
    assert [p["phase"] for p in answer["phases"]] == ["divergent"]
    assert answer["phases"][0]["fixed_points"] == []
    assert answer["phases"][0]["merging_depth"]["float64"]["0.1"] == "nan"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ("relu", "--sigma-w", "1.4142135623730951"),
            ("critical", "are kept, whatever they are", "kappa = 44.4132198"),
        ),
        (("identity", "--sigma-w", "1"), ("f is the identity", "every c")),
        (("sign", "--sigma-w", "1", "--sigma-b", "0.3"), ("chaotic", "infinite second moment", "because phi jumps")),
    ],
)
def test_unusual_phases_are_explained(arguments, expected):
    done = run("phase", *arguments)
    assert done.returncode == 0, done.stderr
    for part in expected:
        assert part in words(done.stdout)


# all of them


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (("rates", "relu", "--depth", "1.5"), ("depth", "1.5")),
        (("rates", "relu", "--c0", "1"), ("c0", "[-1, 1)")),
        (("rates", "relu", "--sigma-w", "2", "--sigma-b", "0.1"), ("diverge", "sigma_w = 2")),
        (("rates", "silu", "--sigma-w", "1.6", "--sigma-b", "0.2"), ("give the first layer's variance",)),
        (("rates", "relu", "--plot", "no/such/folder/plot.png"), ("no/such/folder",)),
        (("propagate", *POOLE, "--c0", "1.5"), ("between -1 and 1", "1.5")),
        (("propagate", *POOLE, "--c0", "0.5", "--one-minus-c0", "0.5"), ("--one-minus-c0", "not both")),
        (("propagate", *POOLE, "--depth", "-1"), ("depth", "-1")),
        (("propagate", *POOLE, "--q", "1,2,3"), ("--q", "1,2,3")),
        (("propagate", *POOLE, "--save", "run.txt"), ("run.txt", "csv, npz")),
        (("propagate", *POOLE, "--plot", "plot.xyz"), ("plot.xyz", "png")),
        (("phase", "tanh", "--sigma-w", "-1"), ("sigma_w", "-1")),
        (("phase", "tanh", "--sigma-w", "2", "--q", "-3"), ("variance", "-3")),
        (("phase", "tanh"), ("--sigma-w",)),
    ],
)
def test_bad_input_exits_with_2_and_names_the_value(arguments, parts, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["eoc", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    printed = capsys.readouterr()
    assert stopped.value.code == 2
    assert not printed.out
    for part in parts:
        assert part in printed.err


def test_rates_writes_a_picture(tmp_path):
    picture = tmp_path / "elu.pdf"
    done = run("rates", "elu", "--sigma-b", "0.2", "--plot", str(picture), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["class"] == "C1"
    assert picture.read_bytes().startswith(b"%PDF")


def test_pictures_choose_their_axes():
    def axes(figure):
        return [(ax.get_xscale(), ax.get_yscale()) for ax in figure.axes]

    edge = convergence_figure(convergence_of(CorrelationMap("relu", 2**0.5)))
    assert axes(edge) == [("log", "log")]
    assert edge.axes[0].get_ylabel() == "$1 - c_\\ell$"
    assert len(edge.axes[0].lines) == 3
    chaos = CorrelationMap("tanh", 2.5, 0.3)
    assert axes(convergence_figure(convergence_of(chaos, 100.0))) == [("linear", "log")]
    assert axes(convergence_figure(convergence_of(CorrelationMap("identity", 1.0), 100.0))) == [("log", "log")]
    close = trajectory_figure(propagate("relu", 2**0.5, q=[1.0, 100.0, 4.0], c=0.5, depth=1e6))
    assert axes(close) == [("log", "log")] * 2
    assert [len(ax.lines) for ax in close.axes] == [3, 3]
    assert axes(trajectory_figure(propagate("tanh", 2.5, 0.3, c=0.5, depth=20))) == [("linear", "linear")] * 2


@pytest.mark.parametrize(
    "arguments",
    [("rates", "elu", "--sigma-b", "0.2"), ("propagate", *POOLE, "--q", "1,4"), ("phase", *POOLE)],
    ids=" ".join,
)
def test_nothing_is_cut_in_a_terminal_of_80_columns(arguments):
    code, text = run_in_terminal(*arguments)
    assert code == 0
    assert "\N{HORIZONTAL ELLIPSIS}" not in text
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 80
