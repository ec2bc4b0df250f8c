"""The command line as its users run it."""

import io
import json
import os
import re
import shlex
import struct
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout

import pytest

import eoc
from eoc.cli import app, main, montecarlo, sweep
from eoc.operating_point import operating_point
from eoc.plotting import shown_range
from eoc.reports.writing import number

COMMANDS = sorted(
    (*group.split(), str(command.name))
    for group, some in (("", app), ("montecarlo", montecarlo.app), ("sweep", sweep.app))
    for command in some.registered_commands
)


def run(*arguments, cwd="."):
    """The command in this process, which has imported everything: what a terminal shows is tested in others."""
    out, err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), io.StringIO()
    code = 0
    with chdir(cwd), pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["eoc", *arguments])
        try:
            main()
        except SystemExit as left:
            code = left.code or 0
    out.flush()
    return subprocess.CompletedProcess(arguments, code, out.buffer.getvalue().decode(), err.getvalue())


def run_alone(*arguments, cwd=None, env=None):
    """The command in a process of its own."""
    command = [sys.executable, "-c", "from eoc.cli import main; main()", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=cwd, env={**os.environ, **(env or {})}, check=False, timeout=300
    )


def run_json(*arguments):
    done = run(*arguments, "--json")
    return done.returncode, json.loads(done.stdout, parse_constant=pytest.fail)


def run_in_terminal(*arguments, columns=80):
    """What a terminal of this width is sent."""
    fcntl, pty, termios = (pytest.importorskip(name) for name in ("fcntl", "pty", "termios"))
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    env = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES")} | {"TERM": "xterm", "NO_COLOR": "1"}
    command = [sys.executable, "-X", "utf8", "-c", "from eoc.cli import main; main()", *arguments]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=env) as process:
        os.close(theirs)
        sent = b"".join(iter(lambda: _read(ours), b""))
    os.close(ours)
    plain = re.sub(r"\x1b\[[\d;]*m", "", sent.decode()).replace("\r\n", "\n")
    return process.returncode, re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "\n", plain)  # what moves the cursor or erases


def _read(terminal):
    try:
        return os.read(terminal, 65536)
    except OSError:  # how Linux reports the end
        return b""


def test_init_prints_the_exact_table():
    done = run("init", "tanh", "--sigma-b", "0.2", "--fan-in", "400")
    assert done.returncode == 0, done.stderr
    assert "1.30414584006" in done.stdout  # theory: 1.304145840056511...
    assert "0.512078504234" in done.stdout
    assert "0.0652072920028" in done.stdout  # sigma_w / 20
    assert "stable" in done.stdout


def test_init_without_a_question_recommends_a_point_and_shows_the_curve():
    code, answer = run_json("init", "gelu")
    assert code == 0
    assert answer["given"] == {}
    assert answer["point"]["q"] == eoc.recommend("gelu").q
    assert {p["stability"] for p in answer["curve"]} == {"stable", "unstable"}


def test_an_unstable_point_is_not_offered_unless_asked_for():
    code, answer = run_json("init", "gelu", "--sigma-b", "0.2")
    assert code == 3
    assert answer["point"] is None
    assert answer["reason"] == "unstable"
    assert "0.41583938" in answer["message"]
    assert answer["alternative"]["q"] == eoc.recommend("gelu").q
    assert answer["points"][0]["sigma_w"] == pytest.approx(1.547009470416228565327617, rel=1e-12)
    code, answer = run_json("init", "gelu", "--sigma-b", "0.2", "--unstable")
    assert code == 0
    assert answer["point"]["stability"] == "unstable"
    text = run("init", "gelu", "--sigma-b", "0.2", "--unstable").stdout
    assert "NOT stable" in text
    assert "warning: unstable point, as asked: " in text
    assert "no usable point" not in text


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("relu", "--sigma-b", "0.1"), "homogeneous"),
        (("softplus", "--q", "1"), "no solution"),
        (("shifted_softplus", "--sigma-b", "0.1"), "unstable"),
        (("sign",), "infinite chi_1"),
        (("quantiser(levels=8)", "--correlation-depth", "10"), "infinite chi_1"),
    ],
)
def test_every_kind_of_none_has_its_reason_and_exit_code(arguments, reason):
    code, answer = run_json("init", *arguments)
    assert code == 3
    assert answer["reason"] == reason
    assert answer["point"] is None
    assert answer["message"]
    if reason != "infinite chi_1":
        assert answer["alternative"] or answer["ordered"]["chi_1"] < 1.0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("init", "gleu"), ("gleu", "did you mean", "gelu")),
        (("init", "x*tanhh(x)"), ("column 3", "tanhh")),
        (("init", "__import__('os').system('true')"), ("column",)),
        (("init", "9**9**9**9*x"), ("column",)),
        (("init", "tanh", "--sigma-b", "-1"), ("sigma_b", ">= 0", "-1")),
        (("init", "tanh", "--sigma-b", "nan"), ("sigma_b", "nan")),
        (("init", "tanh", "--sigma-b", "0.1", "--q", "1"), ("at most one",)),
        (("init", "1/x"), ("condition (a)",)),
        (("init", "elu(alpha=nan)"), ("alpha",)),
        (("maps", "tanh", "--q", "1,two"), ("two",)),
        (("maps", "tanh", "--q", "-1"), ("-1",)),
        (("maps", "exp(0.25*x**2)", "--q", "1.5"), ("condition (b)", "1.5")),
        (("init", "missing_file.py:phi"), ("missing_file.py",)),
        (("init", "mine.py"), ("write mine.py:function",)),
        (("describe", "gelu", "--plot", "no/such/folder/plot.png"), ("no/such/folder",)),
        (("describe", "gelu", "--plot", "plot.xyz"), ("plot.xyz", "png")),
        (("describe", "gelu", "--plot", "plot"), ("png",)),
    ],
)
def test_bad_input_exits_with_2_and_names_the_value(arguments, words):
    done = run(*arguments)
    assert done.returncode == 2
    assert not done.stdout
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


def test_an_own_function_from_a_file(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text("import math\ndef bend(x):\n    return x if x > 0 else math.expm1(x)\n")
    code, mine = run_json("init", f"{file}:bend", "--sigma-b", "0.2")
    assert code == 0
    assert mine["point"]["sigma_w"] == pytest.approx(1.229251124137206400534243, rel=1e-10)  # elu
    assert mine["class"] == "C1"
    described = run("describe", f"{file}:bend")
    assert described.returncode == 0
    assert "C1" in described.stdout


def test_maps_reports_all_fixed_points():
    code, answer = run_json("maps", "silu", "--q", "1", "--sigma-w", "1.679531600691645", "--sigma-b", "0.2")
    assert code == 0
    kinds = [(p["stability"], p["q"]) for p in answer["fixed_points"]]
    assert [kind for kind, _ in kinds] == ["stable", "unstable", "stable"]
    assert kinds[0][1] == pytest.approx(0.194038, abs=1e-6)
    assert kinds[2][1] == "inf"
    assert answer["F"]["value"][0] == pytest.approx(0.04 + 1.679531600691645**2 * answer["V"]["value"][0], rel=1e-14)
    assert run("maps", "relu", "--sigma-w", "1.4142135623730951").stdout.count("identity") == 1


def test_describe_shows_what_was_found_and_writes_a_picture(tmp_path):
    picture = tmp_path / "hardshrink.png"
    done = run("describe", "hardshrink", "--plot", str(picture))
    assert done.returncode == 0
    for word in ("jump", "-0.5", "0.5", "odd", "permissible", "E[phi^2]"):
        assert word in done.stdout
    assert picture.read_bytes().startswith(b"\x89PNG")
    code, answer = run_json("describe", "exp(x**2/8)")
    assert code == 0
    assert answer["permissible"] is False
    assert answer["growth"]["q_max"] == pytest.approx(2.0, rel=1e-6)


def test_activations_lists_every_name():
    code, answer = run_json("activations")
    listed = {row["name"] for row in answer["activations"]}
    assert code == 0
    assert {"gelu", "relu", "x_plus_half_tanh", "quantiser", "spline"} <= listed
    assert "x * Phi(x)" in run("activations").stdout


@pytest.mark.parametrize("framework", ["torch", "jax", "keras"])
def test_framework_code_carries_all_digits(framework):
    done = run("init", "tanh", "--sigma-b", "0.2", "--framework", framework)
    sigma_w = 1.3041458400565114
    assert done.returncode == 0
    assert f"{sigma_w:.12f}"[:-1] in done.stdout or f"{sigma_w**2:.12f}"[:-1] in done.stdout
    code = done.stdout[done.stdout.index(f"import {framework}") :]
    compile(code, framework, "exec")
    assert "NOT the point" not in done.stdout


@pytest.mark.parametrize("framework", ["torch", "jax", "keras"])
@pytest.mark.parametrize(
    "asked", [("tanh", "--sigma-b", "0.2"), ("x*tanh(x)", "--q", "30"), ("gelu", "--sigma-w", "1.4")]
)
def test_a_comment_names_the_same_point_for_the_initialisers_of_eoc(framework, asked):
    comment = re.search(r"# or by eoc: (.*)", run("init", *asked, "--framework", framework).stdout)[1]
    compile(comment, framework, "exec")
    name, key, value = re.search(r'"(.*?)", (sigma_b|q)=([^,)]+)\)', comment).groups()
    wanted = eoc.edge_of_chaos(asked[0], **{asked[1].strip("-").replace("-", "_"): float(asked[2])}).best
    assert operating_point(name, **{key: float(value)}).sigma_w == pytest.approx(wanted.sigma_w, rel=1e-12)


def test_code_for_a_function_calls_it_by_its_name(tmp_path):
    (tmp_path / "mine.py").write_text("import numpy as np\n\n\ndef mine(x):\n    return np.tanh(x)\n")
    text = run("init", f"{tmp_path / 'mine.py'}:mine", "--sigma-b", "0.2", "--framework", "jax").stdout
    assert "eoc_orthogonal(mine, sigma_b=0.2), eoc_bias(mine, sigma_b=0.2)" in text


def test_code_for_another_point_than_asked_for_says_so():
    text = run("init", "gelu", "--sigma-b", "0.2", "--framework", "torch").stdout
    code = text.index("# NOT the point that was asked for: sigma_b = ")
    assert text.index("recommended instead:") < code < text.index("import torch")


@pytest.mark.parametrize(
    ("arguments", "first", "others"),
    [
        (("tanh",), "30 layers train as they are", ("recommended: the point of", "1 - c falls like beta_q / layer")),
        (("gelu", "--depth", "60"), "60 layers of gelu will hardly train", ("normalise", "residual", "or take about")),
        (("relu",), "30 layers of relu will hardly train", ("kappa = 44.4132198049", "kappa / layer^2, whatever q is")),
        (
            ("softplus",),
            "30 layers of softplus will hardly train",
            ("off the edge of chaos: softplus has no", "shrink"),
        ),
        (("selu", "--depth", "10"), "10 layers train as they are", ("as large as those at the last",)),
    ],
)
def test_the_first_line_says_whether_a_network_trains_and_the_last_what_comes_next(arguments, first, others):
    done = run("init", *arguments)
    assert done.returncode == 0
    lines = done.stdout.strip().splitlines()
    assert lines[0].startswith(first)
    name, depth = arguments[0], arguments[2] if len(arguments) > 1 else "30"
    if "train as they are" in first:
        assert lines[-1] == f"next: eoc init {' '.join(arguments)} --framework torch prints the code (or jax, keras)"
    else:
        assert lines[-1] == f"next: eoc shape {name} --depth {depth} changes it so that such a network trains"
    for word in others:
        assert word in " ".join(done.stdout.split())
    assert done.stdout.index("  sigma_w  ") < done.stdout.index("  sigma_b  ")


def test_depth_is_that_of_the_network_and_changes_the_recommendation():
    places = [run_json("init", "gelu", "--depth", str(depth))[1]["place"] for depth in (10, 60)]
    assert [place["depth"] for place in places] == [10, 60]
    assert places[0]["trains"]
    assert not places[1]["trains"]
    assert places[0]["q"] < places[1]["q"]
    assert run_json("init", "gelu")[1]["place"]["depth"] == 30
    code, deep = run_json("init", "tanh", "--correlation-depth", "100")
    assert (code, deep["given"]) == (0, {"correlation_depth": 100.0})
    assert deep["point"]["law"]["depth"] == pytest.approx(100.0)
    for depth in ("0", "-3", "1.5"):
        assert run("init", "tanh", "--depth", depth).returncode == 2


def test_a_point_that_holds_over_the_depth_is_an_answer():
    code, answer = run_json("init", "gelu", "--sigma-b", "0.2", "--depth", "5")
    assert (code, answer["fits"], answer["point"]["stability"]) == (0, True, "unstable")
    assert run("init", "gelu", "--sigma-b", "0.2", "--depth", "30").returncode == 3


@pytest.mark.parametrize("name", ["tanh", "gelu", "softsign", "elu"])
def test_what_is_recommended_is_understood_when_it_is_given_back(name):
    place = run_json("init", name)[1]["place"]
    for digits in (5, 9, 12, 17):
        sigmas = [f"{place[key]:.{digits}g}" for key in ("sigma_w", "sigma_b")]
        code, rates = run_json("rates", name, "--sigma-w", sigmas[0], "--sigma-b", sigmas[1], "--depth", "100")
        assert (code, rates["on_edge"]) == (0, True)
        assert rates["q"] == pytest.approx(place["q"], rel=1e-3)


def test_the_printed_sigma_w_of_relu_is_accepted_back():
    assert "1.41421356237" in run("init", "relu").stdout
    assert run("init", "relu", "--sigma-w", "1.41421356237").returncode == 0


IN_A_TERMINAL = [
    ("init", "gelu"),
    ("init", "sin"),
    ("describe", "gelu"),
    ("describe", "relu6"),
    ("maps", "silu", "--sigma-w", "1.6", "--sigma-b", "0.2"),
    ("activations",),
]


@pytest.mark.parametrize("arguments", IN_A_TERMINAL, ids=" ".join)
def test_nothing_is_cut_in_a_terminal_of_80_columns(arguments):
    code, text = run_in_terminal(*arguments)
    assert code == 0
    assert "\N{HORIZONTAL ELLIPSIS}" not in text
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 80
    if arguments == ("activations",):
        assert "step=0.6667" in text
        assert re.search(r"^ gelu +smooth +x \* Phi\(x\)", text, re.MULTILINE)
    if arguments[0] == "maps":  # each number in one piece, with at least 7 digits
        assert re.search(r"^ 1\.46889\d+ +1\.13618\d+ +1\.03971\d+ +unstable", text, re.MULTILINE)


def test_a_wide_terminal_shows_all_digits():
    text = run_in_terminal("describe", "gelu", columns=120)[1]
    assert "0.282094791774 " in text
    assert "-0.00929425817137 " in text


ONE_BY_ONE = """
import sys
from eoc.cli import main
for line in sys.argv[1:]:
    sys.argv[1:] = line.split()
    try:
        main()
    except SystemExit as left:
        print(f"\\n===== {line} ended with {left.code}")
"""


def test_an_ascii_only_stdout_is_enough():
    commands = [" ".join(arguments) for arguments in (*IN_A_TERMINAL, ("--help",), ("init", "--help"))]
    env = {**os.environ, "PYTHONIOENCODING": "ascii", "LANG": "C", "LC_ALL": "C"}
    done = subprocess.run([sys.executable, "-c", ONE_BY_ONE, *commands], capture_output=True, env=env, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.isascii()
    ends = re.findall(r"^===== (.*) ended with (.*)$", done.stdout.decode("ascii"), re.MULTILINE)
    assert ends == [(command, "0") for command in commands]


def test_what_ascii_lacks_is_escaped(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text("import numpy as np\ndef \u03c6(x):\n    return np.tanh(x)\n", encoding="utf8")
    done = run_alone("init", f"{file}:\u03c6", env={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0, done.stderr
    assert "\\u03c6" in done.stdout


def test_the_sketch_shows_every_knot():
    lines = run("describe", "relu6").stdout.splitlines()
    assert lines[-2].split() == ["-4", "0", "7"]
    assert shown_range(eoc.activation("relu6")) == (-4.0, 7.0)
    assert shown_range(eoc.activation("max(x + 1000, 0)")) == (-50.0, 4.0)


def test_help_is_light_and_version_is_printed():
    code = (
        "import sys; from eoc.cli import app\n"
        "try: app(['--help'])\nexcept SystemExit: pass\n"
        "heavy = {'numpy', 'scipy', 'numba', 'matplotlib', 'mpmath'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "init" in done.stdout
    assert run("--version").stdout.strip() == "0.1.0"


def test_importing_eoc_has_no_side_effect():
    code = "import sys, eoc; assert not {'numpy', 'numba', 'scipy'} & set(sys.modules); eoc.edge_of_chaos"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["tanh", "gelu", "relu"])
def test_the_first_answer_needs_no_compiler(name):
    code = (
        "import sys; from eoc.cli import app\n"
        f"try: app(['init', '{name}'])\nexcept SystemExit as end: assert not end.code\n"
        "heavy = {'numba', 'scipy.linalg', 'scipy.optimize', 'matplotlib', 'xarray'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "sigma_w" in done.stdout


def test_compiled_kernels_go_to_the_cache_directory_and_do_not_pile_up(tmp_path):
    env = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "HOME": str(tmp_path), "NUMBA_CACHE_DIR": ""}
    (tmp_path / "work").mkdir()

    def files():
        return {p for p in tmp_path.rglob("*") if p.is_file()}

    def compiled(name):
        code = f"import eoc; eoc.CorrelationMap('{name}', 1.2, 0.3)(0.5)"
        subprocess.run([sys.executable, "-c", code], cwd=tmp_path / "work", env={**os.environ, **env}, check=True)
        return files()

    first = compiled("tanh")
    assert compiled("gelu") == compiled("tanh(x)") == first
    if sys.platform == "linux":
        assert first
        assert all(tmp_path / "cache" in p.parents for p in first)


def test_numbers_are_printed_with_the_digits_that_are_certain():
    assert number(1.30414584005651, 1e-14) == "1.30414584006"
    assert number(1.23456789, 1e-4) == "1.235"
    assert number(2.5, 0.0) == "2.5"
    assert number(0.3, 1.0) == "0.3 +- 1"


def test_maps_shows_what_exists_and_says_what_does_not():
    done = run("maps", "sqrt(abs(x))", "--q", "1", "--sigma-w", "1", "--sigma-b", "0.1")
    assert done.returncode == 0, done.stderr
    assert "0.79788456" in done.stdout  # V = sqrt(2/pi)
    assert done.stdout.split("E[phi phi'']")[1].split()[3:7] == ["0.797884560803", "inf", "inf", "-inf"]
    assert run("init", "tanh", "--fan-in", str(10**40)).returncode == 2


ANSWERS = {
    "activations": "activations have names",
    "curve relu": "is one point",
    "describe relu6": "relu6 is continuous with kinks, is bounded and is permissible",
    "diagram tanh --grid 4x4": "% ordered",
    "gain sign": "none is recommended",
    "explain": "words are explained",
    "explain depth scale": "after which a distance has fallen by e",
    "jacobian tanh --sigma-b 0.3 --depth 5": "reach 6.967, their mean is 1",
    "jacobian relu --weights gaussian --below 4": "reach 163.1, their mean is 1",
    "jacobian identity": "are 1",
    "maps silu --sigma-w 1.6 --sigma-b 0.2": "settle at q = 0.132112 or grow without bound",
    "maps relu": "Gaussian expectations of relu",
    "phase tanh --sigma-w 1 --sigma-b 0.2": "is ordered",
    "phase relu --sigma-w 1.4142135623730951": "is on the edge of chaos",
    "phase gelu --sigma-w 1.4385036 --sigma-b 0.32112968": "is on the edge of chaos, but its q is not stable",
    "propagate tanh --sigma-w 1.3 --depth 20": "after 20 layers",
    "rates tanh --sigma-b 0.2 --depth 1e3": "like 1/l",
    "rates 'tanh(x)*1.5' --sigma-w 0.5 --sigma-b 0.3 --depth 1e3": "exponentially",
    "rates sign --sigma-b 0.1": "no usable point",
    "recurrent rnn --sample tied --width 32 --networks 8": "this rnn remembers for 1.088 steps",
    "recurrent 'gru(sigma_w=4, sigma_v=0.22)' --sample tied --width 48 --networks 8": "and not 0.0",
    "regions hardtanh --sigma-w 2.5 --sigma-b 0.3": "a unit of layer 1 has 3.67033 kinks around a great circle",
    "regions 'residual(relu, dense(1))' --between 1,1,0 --depth 2": "has 0.5 kinks on the segment on average",
    "sweep tasks": None,
}


@pytest.mark.parametrize(("command", "answer"), ANSWERS.items(), ids=ANSWERS)
def test_the_first_line_answers_and_what_is_said_to_be_next_can_be_typed(command, answer):
    done = run(*shlex.split(command))
    lines = done.stdout.strip().splitlines()
    assert answer is None or answer in lines[0]
    said = next(line for line in reversed(lines) if line.startswith("next: "))
    assert len(lines) - lines.index(said) <= 2
    typed = re.match(r"next: eoc (.*?)(?: (?:gives|says|adds|prints|follows|lists) .*)?$", said)[1]
    assert run(*shlex.split(typed)).returncode in (0, 3)


def test_a_picture_behind_a_circle_of_links_is_refused_before_anything_is_printed(tmp_path):
    (tmp_path / "one.png").symlink_to("two.png")
    (tmp_path / "two.png").symlink_to("one.png")
    done = run("describe", "tanh", "--plot", "one.png", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "links lead in a circle" in done.stderr
