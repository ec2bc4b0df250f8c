"""``eoc sweep``, from a file to tables, pictures and files."""

import json
import os
import signal
import subprocess
import sys
import time

import pandas
import pytest
import xarray
from typer.testing import CliRunner

import eoc
from eoc.cli import app
from eoc.cli.sweep_table import cells
from eoc.errors import EocError

EDGE = """\
schema: 1
task: edge_of_chaos
name: the edge of chaos
axes:
  activation: [tanh, relu]
  sigma_b: [0.1, 0.2, 0.3]
"""
RATES = """\
schema: 1
task: rates
axes:
  activation: [tanh, relu]
  sigma_b: [0.1, 0.3]
  sigma_w: eoc
  depth: 100
"""
LAYERS = """\
schema: 1
task: propagation
axes: {activation: tanh, sigma_b: [0.1, 0.2], sigma_w: 1.5, depth: [1, 10], q: 1, c: 0.5}
"""
ENDS = """\
schema: 1
task: edge_of_chaos
axes: {activation: [tanh, relu, heaviside], sigma_b: 0.1}
"""
LENGTHS = """\
schema: 1
task: montecarlo
experiment: length_process
axes: {activation: tanh, sigma_b: 0.1, sigma_w: 1.2, q: 1, width: [16, 32], eps: [0.1, 0.2], depth: 2, networks: 50}
"""
SLOW = """\
schema: 1
task: rates
axes:
  activation: tanh
  sigma_b: {grid: linspace, start: 0.1, stop: 1, num: 2000}
  sigma_w: eoc
  depth: 1000
"""


def sweep(*arguments, code=0, output="output"):
    """What ``eoc sweep`` prints on standard output and standard error."""
    done = CliRunner().invoke(app, ["sweep", *map(str, arguments)])
    if isinstance(done.exception, EocError):  # eoc.cli.main prints it
        assert code == 2, done.exception
        return f"error: {done.exception}"
    assert done.exit_code == code, (done.output, done.exception)
    return getattr(done, output)


def sweep_json(*arguments, code=0):
    return json.loads(sweep(*arguments, "--json", code=code, output="stdout"), parse_constant=pytest.fail)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a store in which all went well, and one in which half of the points failed."""
    where = tmp_path_factory.mktemp("sweeps")
    for name, text, code in (("edge", EDGE, 0), ("rates", RATES, 1)):
        (where / f"{name}.yaml").write_text(text)
        sweep("run", where / f"{name}.yaml", "--store", where / f"{name}.zarr", "--workers", 1, code=code)
    return where


@pytest.fixture
def inside(folder, monkeypatch):
    monkeypatch.chdir(folder)


@pytest.mark.usefixtures("inside")
def test_check_says_what_a_sweep_costs():
    text = sweep("check", "edge.yaml", "--set", "axes.sigma_b.num=50", code=2)
    assert "--set axes.sigma_b.num=50" in text
    text = sweep("check", "edge.yaml", "--set", "axes.sigma_b={grid: linspace, start: 0, stop: 1, num: 50}")
    assert "edge.yaml: the edge of chaos" in text
    assert "sigma_b: 50 values: 0, 0.0204082, 0.0408163 ... 1" in text
    assert "100 points = 2 x 50, about" in text
    found = sweep_json("check", "edge.yaml", "--workers", "3")
    assert (found["points"], found["workers"]) == (6, 3)
    assert found["axes"]["activation"] == {"activation": ["tanh", "relu"]}
    assert found["seconds"] > 0.0


@pytest.mark.usefixtures("inside")
def test_check_says_everything_that_is_wrong(tmp_path):
    bad = tmp_path / "bad.yaml"
    bad.write_text(EDGE.replace("task", "tasks").replace("tanh", "tnah").replace("0.3]", "-3]"))
    text = sweep("check", bad, code=2)
    assert f"{bad}:2:1: " in text
    problems = sweep_json("check", bad, code=2)["problems"]
    assert problems[0] | {"message": ""} == {"path": str(bad), "where": "tasks", "line": 2, "column": 1, "message": ""}
    assert len(problems) == len(text.splitlines())
    assert sweep("run", bad, code=2) == text


def test_the_schema_is_one():
    schema = json.loads(sweep("schema"))
    assert schema["properties"]["schema"]


@pytest.mark.usefixtures("inside")
def test_a_sweep_that_is_done_is_not_computed_again():
    summary = sweep_json("run", "edge.yaml")
    assert (summary["points"], summary["done"], summary["computed"]) == (6, 6, 0)
    assert "6 of 6 points are done; 0 were computed now" in sweep("run", "edge.yaml")
    text = sweep("run", "edge.yaml", "--set", "axes.sigma_b=[0.1]", code=2)
    assert "is of another configuration" in text


@pytest.mark.usefixtures("inside")
def test_points_that_failed_are_told_and_give_exit_code_1():
    text = sweep("run", "rates.yaml", "--workers", 1, "--retry-failed", code=1)
    assert "2 of 4 points are done, 2 failed, none pending; 2 were computed now" in " ".join(text.split())
    assert "failed: 2 x relu is positively homogeneous" in text
    assert "--retry-failed" in text
    errors = sweep_json("run", "rates.yaml", code=1)["errors"]
    assert [error["points"] for error in errors] == [2]
    assert errors[0]["first"] == {"activation": "relu", "sigma_b": 0.1}


@pytest.mark.usefixtures("inside")
def test_a_new_store_sets_the_old_one_aside(tmp_path):
    store = tmp_path / "s.zarr"
    for text in ("done", "the store that was there is"):
        assert text in sweep("run", "edge.yaml", "--store", store, "--workers", 1, "--new")
    assert (tmp_path / "s-1.zarr").is_dir()


@pytest.mark.usefixtures("inside")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "edge.zarr"], "edge.zarr is a store: give the configuration"),
        (["check", "edge.zarr"], "edge.zarr is a store"),
        (["check", "nowhere.yaml"], "nowhere.yaml: there is no such file"),
        (["status", "edge.yaml"], "edge.yaml is a configuration: give the store"),
        (["show", "nowhere.zarr"], "there is no store nowhere.zarr"),
        (
            ["show", "edge.zarr", "--columns", "sigma_v"],
            "there is no output 'sigma_v', did you mean 'sigma_w'? There are: ",
        ),
        (["show", "edge.zarr", "--columns", "random_seed"], "there is no output 'random_seed'"),
        (["show", "edge.zarr", "--at", "sigma_b"], "--at takes NAME=VALUE, as activation=tanh, got 'sigma_b'"),
        (["show", "edge.zarr", "--at", "sigma_b=0.25"], "no point has sigma_b = 0.25"),
        (["show", "edge.zarr", "--failed", "--columns", "q"], "not both"),
        (["show", "edge.zarr", "--rows", "0"], "Invalid value"),
        (["show", "edge.zarr", "--rows"], "requires an argument"),
        (["plot", "edge.zarr", "--x", "sigma_b"], "Missing option"),
        (
            ["plot", "edge.zarr", "--x", "sigma_b", "--y", "q"],
            "q also depends on activation; take one value of each: --at ",
        ),
        (["plot", "edge.zarr", "--x", "sigma_b", "--y", "q", "--output", "q.doc"], "its name must end in one of"),
        (["plot", "edge.zarr", "--x", "sigma_b", "--y", "../q"], "there is no folder"),
        (["export", "edge.zarr"], "say where to write: eoc sweep export edge.zarr FILE, with a name in .csv"),
        (["export", "edge.zarr", "--csv", "q.txt"], "its name must end in one of csv"),
        (["export", "edge.zarr", "--csv", "nowhere/q.csv"], "there is no folder nowhere"),
        (["run", "edge.yaml", "--dask", "tcp://host:1"], "--dask takes the word local"),
        (["run", "edge.yaml", "--dask", "local", "--scheduler", "tcp://host:1"], "not both"),
        (["run", "edge.yaml", "--workers", "0"], "Invalid value"),
    ],
)
def test_mistakes_of_a_user_are_explained(arguments, message, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    assert message in sweep(*arguments, code=2)


@pytest.mark.usefixtures("inside")
def test_status_says_how_far_it_is():
    text = sweep("status", "rates.zarr")
    assert "2 of 4 points are done (50 %), 2 failed" in text
    assert "sigma_b: 0.1, 0.3" in text
    assert "depth = 100" in text
    assert "serial" in text
    found = sweep_json("status", "edge.zarr")
    assert (found["done"], found["failed"], found["pending"]) == (6, 0, 0)
    assert found["config"]["task"] == "edge_of_chaos"
    assert found["runs"][0]["workers"] == 1
    assert found["seconds"]["slowest"] >= found["seconds"]["median"] > 0.0


@pytest.mark.usefixtures("inside")
def test_show_prints_the_digits_that_are_certain():
    text = sweep("show", "edge.zarr", "--columns", "sigma_w,law,reason", "--at", "sigma_b=0.2")
    assert "edge_of_chaos: sigma_b = 0.2" in text
    assert "1.30414584006" in text  # theory: 1.304145840056511...
    assert "1/l" in text
    text = sweep("show", "edge.zarr", "--rows", "1")
    assert "5 more points: --rows 6" in text
    assert "columns that do not fit: " in text
    rows = sweep_json("show", "edge.zarr")["rows"]
    assert len(rows) == 6
    assert rows[1]["sigma_w"] == eoc.edge_of_chaos("tanh", sigma_b=0.2).best.sigma_w
    assert rows[1]["sigma_w_error"] > 0.0


@pytest.mark.usefixtures("inside")
def test_show_tells_what_it_leaves_out():
    text = sweep("show", "rates.zarr", "--columns", "constant,seconds")
    assert "2 points failed and are left out: --failed" in text
    assert "relu" not in text


@pytest.mark.usefixtures("inside")
def test_errors_are_shown_once_with_the_first_of_their_points():
    text = sweep("show", "rates.zarr", "--failed")
    assert text.startswith("2 points: relu is positively homogeneous")
    assert text.endswith("  at activation = relu, sigma_b = 0.1\n  at activation = relu, sigma_b = 0.3\n")
    text = sweep("show", "rates.zarr", "--failed", "--rows", "1")
    assert text.endswith("  at activation = relu, sigma_b = 0.1\n  and 1 more: --rows 2\n")
    assert [row["sigma_b"] for row in sweep_json("show", "rates.zarr", "--failed")["rows"]] == [0.1, 0.3]
    assert sweep("show", "edge.zarr", "--failed") == "no point failed\n"


def test_words_that_have_blanks_stay_apart(tmp_path):
    (tmp_path / "ends.yaml").write_text(ENDS)
    store = tmp_path / "ends.zarr"
    sweep("run", tmp_path / "ends.yaml", "--store", store, "--workers", 1)
    reasons = [row["reason"] for row in sweep_json("show", store, "--columns", "reason")["rows"]]
    assert reasons == ["found", "homogeneous", "infinite_chi_1"]


def test_outputs_along_layers_have_a_row_for_each(tmp_path):
    (tmp_path / "layers.yaml").write_text(LAYERS)
    store = tmp_path / "layers.zarr"
    sweep("run", tmp_path / "layers.yaml", "--store", store, "--workers", 1)
    text = sweep("show", store, "--rows", 3)
    assert text.split()[13:16] == ["sigma_b", "depth", "variance"]
    assert "1 more rows: --rows 4, or one for each point: --at depth=10" in text
    layers = eoc.propagate("tanh", 1.5, 0.1, q=[1.0, 1.0], c=0.5, depth=10).q
    rows = sweep_json("show", store, "--columns", "variance")["rows"]
    assert [(row["sigma_b"], row["depth"]) for row in rows] == [(0.1, 1), (0.1, 10), (0.2, 1), (0.2, 10)]
    assert [row["variance"] for row in rows[:2]] == [layers[1, 0], layers[10, 0]]
    rows = sweep_json("show", store, "--columns", "sigma_b,variance", "--at", "depth=10")["rows"]
    assert rows[0]["variance"] == layers[10, 0]


@pytest.fixture(scope="module")
def lengths(tmp_path_factory):
    """A store whose outputs run along layers, distances and quantiles."""
    folder = tmp_path_factory.mktemp("lengths")
    (folder / "lengths.yaml").write_text(LENGTHS)
    sweep("run", folder / "lengths.yaml", "--store", folder / "lengths.zarr", "--workers", 1)
    return folder / "lengths.zarr"


def test_all_dimensions_that_are_left_are_named_as_options(lengths, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    text = " ".join(sweep("show", lengths).split())
    assert "worst_z" in text
    assert "take one value of each: --at layer=2 --at quantile=0.5 --at eps=0.2 (of one of them all may stay)" in text
    text = sweep("show", lengths, "--columns", "beyond", code=2)
    assert text.startswith("error: beyond cannot be in one table: take one value of each: --at layer=2 --at eps=0.2")
    rows = sweep_json("show", lengths, "--columns", "beyond", "--at", "layer=2")["rows"]
    assert [(row["width"], row["eps"]) for row in rows] == [(16, 0.1), (16, 0.2), (32, 0.1), (32, 0.2)]
    text = sweep("plot", lengths, "--x", "width", "--y", "beyond", code=2)
    assert "beyond also depends on layer and eps; take one value of each: --at layer=2 --at eps=0.2, or a line" in text
    assert "a line for each: --line layer --at eps=0.2" in text
    text = sweep("plot", lengths, "--x", "width", "--y", "rms", code=2)
    assert text.endswith("or a line for each: --line layer, or a map: --x width --y layer --color rms")


def test_standard_errors_leave_two_digits_and_z_scores_have_three(lengths):
    rows = sweep_json("show", lengths, "--columns", "rms,rms_z")["rows"]
    table = [line.split() for line in sweep("show", lengths, "--columns", "rms,rms_z").splitlines()]
    _, _, rms, z = next(cells for cells in table if cells[:2] == ["32", "2"])
    assert float(rms) == pytest.approx(rows[-1]["rms"], abs=rows[-1]["rms_error"] / 10)
    assert float(z) == pytest.approx(rows[-1]["rms_z"], rel=5e-3)
    assert len(rms) <= 5


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [(36.123, 10.0, "36"), (3.6, 1000.0, "3.6"), (1 / 3, 0.00123, "0.3333"), (0.0, 0.1, "0"), (1.0, "inf", "1 +- inf")],
)
def test_a_standard_error_leaves_its_second_digit(value, error, text):
    frame = pandas.DataFrame({"rms": [value], "rms_error": [float(error)]})
    sweep = xarray.Dataset({"rms": value, "rms_error": ((), float(error), {"long_name": "standard error of rms"})})
    assert cells(sweep, frame, ["rms"], 12) == [[text]]


def test_what_needs_a_parameter_says_so(lengths, folder):
    shown = sweep("show", lengths, "--columns", "ever_beyond")
    assert "eps" in shown
    (lengths.parent / "plain.yaml").write_text(LENGTHS.replace("eps: [0.1, 0.2], ", ""))
    plain = lengths.parent / "plain.zarr"
    sweep("run", lengths.parent / "plain.yaml", "--store", plain, "--workers", 1)
    for command in (["show", plain, "--columns", "ever_beyond"], ["plot", plain, "--x", "width", "--y", "ever_beyond"]):
        assert "'ever_beyond': this sweep was run without eps, which it needs" in sweep(*command, code=2)


def test_theory_is_drawn_beside_measurement(lengths, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = ["--x", "width", "--y", "rms", "--y", "predicted_rms", "--line", "layer"]
    assert sweep("plot", lengths, *options) == "lengths-rms.png\n"


@pytest.mark.usefixtures("inside")
def test_pictures_and_files_are_written(tmp_path):
    picture = tmp_path / "edge.png"
    assert str(picture) in sweep(
        "plot", "edge.zarr", "--x", "sigma_b", "--y", "sigma_w", "--line", "activation", "--output", picture
    )
    assert picture.read_bytes().startswith(b"\x89PNG")
    files = [tmp_path / "e.csv", tmp_path / "e.parquet", tmp_path / "e.nc"]
    text = sweep("export", "edge.zarr", "--csv", files[0], "--parquet", files[1], "--netcdf", files[2])
    assert text.split() == list(map(str, files))
    text = sweep("export", "edge.zarr", "--csv", files[0], "--columns", "sigma_w", "--at", "activation=tanh")
    assert text == f"{files[0]} (replaced)\n"
    for file in files:
        assert str(file) in sweep("export", "edge.zarr", file)
        assert file.is_file()
    assert "must end in .csv, .parquet, .nc" in sweep("export", "edge.zarr", tmp_path / "edge.txt", code=2)
    assert "say where to write: eoc sweep export edge.zarr FILE" in sweep("export", "edge.zarr", code=2)
    sweep("plot", "edge.zarr", "--x", "sigma_b", "--y", "sigma_w", "--at", "activation=tanh", "--plot", picture)
    sweep("export", "edge.zarr", files[0], "--columns", "sigma_w", "--at", "activation=tanh")
    header, *rows = files[0].read_text().splitlines()
    assert header == "sigma_b,activation,sigma_w,status,error,seconds"
    assert float(rows[1].split(",")[2]) == eoc.edge_of_chaos("tanh", sigma_b=0.2).best.sigma_w


def test_a_picture_has_a_name_of_its_own(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = sweep("plot", folder / "rates.zarr", "--x", "sigma_b", "--y", "constant", "--line", "activation")
    assert text.strip() == "rates-constant.png (2 points failed and are not drawn)"
    assert (tmp_path / "rates-constant.png").is_file()


def run(*arguments, **options):
    command = [sys.executable, "-c", "from eoc.cli import main; main()", "sweep", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def test_errors_end_without_a_traceback(folder):
    for process, message in (
        (run("check", folder / "nowhere.yaml"), f"{folder / 'nowhere.yaml'}: there is no such file\n"),
        (run("status", folder), f"error: {folder} is no store of a sweep"),
    ):
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out) == (2, "")
        assert message in err
        assert "Traceback" not in err


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is another thing there")
def test_a_sweep_that_is_interrupted_says_how_to_go_on(tmp_path):
    (tmp_path / "slow.yaml").write_text(SLOW)
    process = run("run", "slow.yaml", "--workers", 1, cwd=tmp_path)
    status = tmp_path / "slow.zarr" / "status" / "c"
    while not status.exists() and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert err.endswith("of 2000 points are in slow.zarr; the same command goes on\n")
    assert out == ""
    found = sweep_json("status", tmp_path / "slow.zarr")
    assert 0 < found["done"] < 2000
    assert f"interrupted: {found['done']} of" in err
    assert "pending and left out" in sweep("show", tmp_path / "slow.zarr", "--rows", "1")
