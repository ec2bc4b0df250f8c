"""Configurations of sweeps: what a good one means, and that a bad one is refused with every problem in its place."""

import contextlib
import dataclasses
import json
import math
import pickle
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from eoc.cli import app
from eoc.errors import EocError
from eoc.sweeps.config.grids import GRIDS, Linspace, Logspace, Range
from eoc.sweeps.config.names import in_common
from eoc.sweeps.config.problems import ConfigError, Problem, key_names
from eoc.sweeps.config.schema import Config, json_schema
from eoc.sweeps.config.sweep import MOST_POINTS, read_sweep, sweep_of
from eoc.sweeps.config.yaml_text import LARGEST
from eoc.sweeps.estimate import estimate
from eoc.sweeps.plan import Result
from eoc.sweeps.store.opening import open_store
from eoc.sweeps.tasks import TASKS

MALFORMED = sorted((Path(__file__).parent / "malformed").glob("*.yaml"))
GOOD = """\
schema: 1
task: rates
name: how fast
axes:
  activation: [tanh, elu(alpha=0.5), "x*tanh(x)", "max(x, 0.1*x)", numpy:tanh]
  sigma_b: {grid: linspace, start: 0.05, stop: 2.0, num: 40}
  depth: {grid: logspace, start: 10, stop: 1e6, num: 6}
  sigma_w: [eoc, 1.5]
  c: {grid: range, start: 0, stop: 0.8, step: 0.02}
zip: [[sigma_b, c]]
"""


@pytest.fixture
def write(tmp_path):
    def write(text, name="sweep.yaml"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def refused(path, overrides=()):
    with pytest.raises(ConfigError) as caught:
        read_sweep(path, overrides)
    return caught.value.problems


def refused_mapping(config):
    with pytest.raises(ConfigError) as caught:
        sweep_of(config)
    return str(caught.value)


def rates(**axes):
    return {"schema": 1, "task": "rates", "axes": {"activation": "tanh", **axes}}


# ---- networks of layers


def test_networks_are_values_of_an_activation(write):
    texts = ["tanh", "residual(tanh, dense, skip=0.8)", "postln"]
    sweep = read_sweep(write(f"schema: 1\ntask: phase\naxes:\n  activation: {json.dumps(texts)}\n  sigma_w: 1.0\n"))
    assert [sweep.plan.point(i)["activation"] for i in range(3)] == texts
    assert sweep.config["axes"]["activation"] == texts


@pytest.mark.parametrize(
    ("task", "network", "column", "message"),
    [
        ("phase", '"residual(tanh, dens(1))"', 22, "column 16 of 'residual(tanh, dens(1))': unknown function 'dens'"),
        ("phase", '"tanh, dropout(2), dense"', 22, "column 7 of 'tanh, dropout(2), dense': the rate of dropout"),
        ("phase", '"residual(relu, dense, scale=1/l)"', 22, "differ from block to block"),
        ("montecarlo/gaussianity", "postln", 22, "this task takes activations only; networks are taken by"),
        ("phase", "resnet, residual(relu", 30, "text with a comma in a list must be in quotes"),
        ("phase", '"resnet, postln"', 22, "a list is written [resnet, postln]"),
    ],
)
def test_what_is_wrong_with_a_network_is_told_with_its_place(write, task, network, column, message):
    every = refused(write(f"schema: 1\ntask: {task}\naxes:\n  activation: [tanh, {network}]\n  sigma_w: 1.0\n"))
    (found,) = [one for one in every if one.line == 4]
    assert found.column == column
    assert message in found.message


# ---- what is refused, and where


def test_there_are_a_hundred_malformed_configurations():
    assert len(MALFORMED) >= 100


@pytest.mark.parametrize("path", MALFORMED, ids=lambda path: path.stem)
def test_every_problem_of_a_malformed_configuration_is_told_with_its_line(path):
    """The first line of each file says what is expected: "# expect LINE: part of the message | LINE: ..."."""
    wanted = path.read_bytes().split(b"\n")[0].decode().removeprefix("# expect ").split(" | ")
    found = refused(path)
    assert len(found) == len(wanted), found
    for line, fragment in (one.split(": ", 1) for one in wanted):
        assert any(p.line == int(line) and fragment in f"{p.where}: {p.message}" for p in found), (fragment, found)
    assert all(p.path == str(path) and p.column >= 1 and "\n" not in p.message for p in found)


@pytest.mark.parametrize(
    ("raw", "line", "message"),
    [
        (b"schema: 1\nname: caf\xe9\n", 2, "the byte 0xe9 is not UTF-8"),
        ("schema: 1\n".encode("utf-16"), None, "UTF-16"),
        (b"\n" * (LARGEST + 1), None, "larger than"),
    ],
)
def test_files_that_are_no_text_are_refused(write, raw, line, message):
    (problem,) = refused(write(raw))
    assert problem.line == line
    assert message in problem.message


@pytest.mark.parametrize("text", ["- " * 9000 + "1", "[" * 9000, "? " * 9000, "{a: " * 900])
def test_values_that_are_nested_endlessly_are_refused(write, text):
    (problem,) = refused(write(text))
    assert "nested too deeply" in problem.message
    assert problem.column > 20


def test_a_file_that_is_not_there_is_refused_with_the_one_beside_it(tmp_path, write):
    write(GOOD, "night.yml")
    assert "did you mean night.yml?" in str(refused(tmp_path / "night.yaml")[0])
    assert str(refused(tmp_path)[0]) == f"{tmp_path}: it is a folder: give the file in it"
    assert "cannot be read" in str(refused(tmp_path / "a\0b")[0])


def test_byte_order_marks_and_line_ends_of_windows_are_fine(write):
    plain = read_sweep(write(GOOD))
    assert read_sweep(write(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())) == plain
    assert refused(write(GOOD.replace("\n", "\r\n").replace("0.05", "-1")))[0].line == 6


def test_problems_of_a_mapping_have_no_line():
    text = refused_mapping({"schema": 1, "task": "rates", "axes": {"activation": ["tahn"], "depth": 3}, "zipp": []})
    assert text.splitlines() == [
        "zipp: unknown key 'zipp'; did you mean 'zip'?",
        "axes.activation[0]: unknown activation 'tahn'; did you mean 'tanh' or 'arctan'?",
        "axes.depth: must be a whole number >= 10 and <= 9007199254740992, got 3",
    ]


@pytest.mark.parametrize("value", [object(), lambda x: x, {1, 2}, 1j, b"tanh"])
def test_values_of_python_that_no_file_can_hold_are_refused(value):
    assert "must be text, a number, a list or a mapping" in refused_mapping(rates(sigma_b=value))


def test_a_mapping_that_contains_itself_is_refused():
    loop = []
    loop.append(loop)
    assert "nested too deeply" in refused_mapping(rates(sigma_b=loop))
    assert "must be a mapping" in refused_mapping([1])


def test_long_values_are_shortened_and_many_problems_counted():
    text = refused_mapping(rates(sigma_b=["x" * 1000] + [-1.0] * 200))
    assert max(map(len, text.splitlines())) < 200
    assert text.splitlines()[-1] == "and 101 more problems"


def test_errors_come_from_other_processes_whole():
    error = ConfigError([Problem("a.yaml", "axes", 2, 1, "bad"), Problem("a.yaml", "task", 1, 1, "bad")])
    again = pickle.loads(pickle.dumps(error))
    assert isinstance(again, EocError)
    assert again.problems == error.problems
    assert str(again) == "a.yaml:1:1: task: bad\na.yaml:2:1: axes: bad"


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_whatever_happens_to_a_configuration_it_is_read_or_refused(tmp_path_factory, data):
    text = GOOD
    for _ in range(data.draw(st.integers(1, 4))):
        i, j = sorted(data.draw(st.tuples(*[st.integers(0, len(text))] * 2)))
        j = min(j, i + 12)
        text = data.draw(
            st.sampled_from([text[:i] + text[j:], text[:j] + text[i:]])
            | st.text(alphabet="[]{}:,-#&*!|>'\"%@ \n\t?<=~019.eax\0\u2028\ud800", max_size=4).map(
                lambda new, i=i, j=j, text=text: text[:i] + new + text[j:]
            )
        )
    path = tmp_path_factory.mktemp("mutated") / "sweep.yaml"
    path.write_bytes(text.encode(errors="surrogatepass"))
    with contextlib.suppress(ConfigError):
        read_sweep(path)


# ---- what a good one means


def test_a_configuration_becomes_a_plan(write):
    sweep = read_sweep(write(GOOD))
    plan = sweep.plan
    assert sweep.name == "how fast"
    assert [axis.dim for axis in plan.axes] == ["activation", "sigma_b_and_c", "depth", "sigma_w"]
    assert plan.shape == (5, 40, 6, 2)
    assert plan.values["depth"] == (10, 100, 1000, 10**4, 10**5, 10**6)
    assert plan.values["c"][15] == 0.3
    assert plan.folder == str(write(GOOD).parent)
    assert plan.point(13)["sigma_w"] == 1.5
    assert sweep.config["axes"]["sigma_b"] == {"grid": "linspace", "start": 0.05, "stop": 2.0, "num": 40}
    assert "name" not in sweep.config


def test_a_resolved_configuration_means_the_same_sweep(write):
    sweep = read_sweep(write(GOOD))
    again = sweep_of(json.loads(json.dumps(sweep.config)), sweep.plan.folder)
    assert again.plan == sweep.plan
    assert json.dumps(again.config) == json.dumps(sweep.config)


def test_how_numbers_and_grids_are_spelled_does_not_matter():
    one = sweep_of(rates(sigma_b=[1, 2.0], depth=1000, c={"grid": "linspace", "start": 0, "stop": 0.5, "num": 3}))
    two = sweep_of(rates(sigma_b=(1.0, 2), depth=1e3, c={"num": 3.0, "stop": 0.5, "start": 0.0, "grid": "linspace"}))
    three = sweep_of(rates(sigma_b=np.array([1.0, 2.0]), depth=np.int64(1000), c=one.config["axes"]["c"]))
    assert json.dumps(one.config) == json.dumps(two.config) == json.dumps(three.config)
    assert one.plan == two.plan == three.plan


def test_values_are_constants_and_lists_of_one_are_axes():
    plan = sweep_of(rates(sigma_b=0.5, depth=[100], c={"grid": "linspace", "start": 0.5, "stop": 0.5, "num": 1})).plan
    assert {"activation": "tanh", "sigma_b": 0.5, "sigma_w": "eoc"}.items() <= plan.constants.items()
    assert [axis.values for axis in plan.axes] == [{"depth": (100,)}, {"c": (0.5,)}]


def test_zipped_values_may_be_there_again_if_the_others_differ():
    config = {**rates(sigma_b=[0.1, 0.1, 0.2], c=[0.1, 0.2, 0.1]), "zip": [["sigma_b", "c"]]}
    assert sweep_of(config).plan.shape == (3,)
    config["axes"]["c"] = [0.1, 0.2, 0.2]
    assert sweep_of(config).plan.point(2)["c"] == 0.2
    config["axes"]["sigma_b"] = [0.1, 0.2, 0.2]
    assert "zip[0]: sigma_b = 0.2, c = 0.2 is there twice" in refused_mapping(config)


def test_defaults_are_written_down():
    sweep = sweep_of(rates())
    assert sweep.plan.shape == ()
    assert sweep.config["axes"] == {"activation": "tanh", "sigma_b": 0.0, "sigma_w": "eoc", "depth": 10**6, "c": 0.1}


def test_where_constants_stand_and_defaults_are_written_does_not_matter():
    one, two = rates(sigma_b=[0.1, 0.2], q=[1, 2], depth=1000), rates(depth=1000, sigma_b=[0.1, 0.2], c=0.1, q=[1, 2])
    assert json.dumps(sweep_of(one).config) == json.dumps(sweep_of(two).config)
    assert json.dumps(sweep_of(one).config) != json.dumps(
        sweep_of(rates(q=[1, 2], sigma_b=[0.1, 0.2], depth=1000)).config
    )


def test_inner_parameters_are_no_axes():
    config = {"schema": 1, "task": "propagation", "axes": {"activation": "tanh", "sigma_w": ["eoc", 1], "c": 0.5}}
    for depth, values in (
        (10, (10,)),
        ([1, 10], (1, 10)),
        ({"grid": "range", "start": 0, "stop": 3, "step": 1}, (0, 1, 2)),
    ):
        plan = sweep_of({**config, "axes": {**config["axes"], "depth": depth}}).plan
        assert plan.inner == {"depth": values}
        assert plan.shape == (2,)


def test_experiments_are_found():
    axes = {"activation": "relu", "sigma_w": 1.4, "width": [10, 100], "depth": 5, "networks": 100}
    sweep = sweep_of({"schema": 1, "task": "montecarlo", "experiment": "length_process", "axes": axes})
    assert sweep.plan.task is TASKS["montecarlo/length_process"]
    assert (sweep.config["task"], sweep.config["experiment"]) == ("montecarlo", "length_process")


def test_aliases_and_dates_are_read(write):
    path = write(
        "schema: 1\ntask: rates\nname: 2024-01-01\naxes:\n  activation: tanh\n  sigma_b: &a [.1, 0.2_0]\n  c: *a\n"
    )
    assert read_sweep(path).plan.values["c"] == (0.1, 0.2)
    sweep = read_sweep(path, ["axes.sigma_b=0x10"])
    assert sweep.name == "2024-01-01"
    assert sweep.plan.constants["sigma_b"] == 16.0


# ---- overrides


@pytest.mark.parametrize(
    ("override", "shape"),
    [
        ("axes.sigma_b.num=41", (5, 41, 6, 2)),
        ("axes.activation=[tanh, relu]", (2, 40, 6, 2)),
        ("axes.activation=max(x, 0.1*x)", (40, 6, 2)),
        ("axes.activation=elu(alpha=0.5)", (40, 6, 2)),
        ("axes.sigma_w=eoc", (5, 40, 6)),
        ("axes.q=[1, 2, 3]", (5, 40, 6, 2, 3)),
        ("axes.depth={grid: range, start: 10, stop: 20, step: 5}", (5, 40, 2, 2)),
        (" axes . depth = 100", (5, 40, 2)),
    ],
)
def test_overrides_replace_what_is_in_the_file(write, override, shape):
    text = GOOD.replace("stop: 0.8", "stop: 0.82") if "41" in override else GOOD
    assert read_sweep(write(text), [override]).plan.shape == shape


def test_later_overrides_win(write):
    path = write(GOOD)
    assert read_sweep(path, ["zip=[]", "axes.depth=10", "axes.depth=11"]).plan.constants["depth"] == 11


def test_an_override_mends_what_is_wrong_in_the_file(write):
    path = write(GOOD.replace("[eoc, 1.5]", "!mine 1"))
    assert refused(path)[0].line == 8
    assert read_sweep(path, ["axes.sigma_w=2"]).plan.constants["sigma_w"] == 2.0


@pytest.mark.parametrize(
    ("override", "where", "message"),
    [
        ("axes.sigma_b.num=x", "axes.sigma_b.num", "got 'x'"),
        ("axes.sigma_b.nun=3", "axes.sigma_b.nun", "unknown key 'nun'"),
        ("axes.sigmab=3", "axes.sigmab", "has no parameter 'sigmab'"),
        ("axis.sigma_b=3", "", "there is no axis; did you mean 'axes'?"),
        ("axes.sigmab.num=3", "", "there is no axes.sigmab; did you mean 'sigma_b'?"),
        ("axes.sigma_w.num=3", "", "axes.sigma_w is ['eoc', 1.5] and has no keys"),
        ("axes.q=", "axes.q", "got nothing"),
        ("axes.q=[1, 2", "", "a list that is not closed"),
        ("axes.q=[1, -2]", "axes.q[1]", "got -2"),
        ("axes.q={a: 1, a: 2}", "axes.q.a", "there already"),
        ("axes.q", "", "write it as axes.NAME=VALUE"),
        ("networks=2000", "", "networks is a parameter: write --set axes.networks=2000"),
        ("sigma_b.num=3", "", "write --set axes.sigma_b.num=3"),
        ("axes.activation=tanh,relu", "axes.activation", "a list is written [tanh, relu]"),
        ("axes.activation=max(x, 0),relu", "axes.activation", 'a list is written ["max(x, 0)", relu]'),
        ("=3", "", "write it as axes.NAME=VALUE"),
        ("tsk=rates", "tsk", "did you mean"),
        ("", "", "write it as"),
    ],
)
def test_bad_overrides_are_named(write, override, where, message):
    problem = refused(write(GOOD), [override])[0]
    assert (problem.path, problem.where, problem.line) == (f"--set {override}", where, None)
    assert message in problem.message


def test_problems_of_the_file_and_of_overrides_are_told_together(write):
    found = refused(write(GOOD.replace("0.05", "-1")), ["axes.depth=1", "axes.foo.bar=1"])
    assert [problem.path.partition("=")[0] for problem in found[:2]] == ["--set axes.foo.bar", "--set axes.depth"]
    assert found[2].where == "axes.sigma_b.start"


# ---- grids

_decimals = st.integers(-(10**6), 10**6).map(lambda i: i / 1000)


@given(start=_decimals, stop=_decimals, num=st.integers(2, 50))
def test_evenly_spaced_numbers_are_the_nearest_doubles(start, stop, num):
    grid = Linspace(grid="linspace", start=start, stop=stop, num=num)
    if start == stop:
        assert [key for key, _ in grid.problems(False)] == ["stop"]
        return
    values = grid.values(whole=False)
    assert (len(values), values[0], values[-1]) == (num, start, stop)
    np.testing.assert_allclose(values, np.linspace(start, stop, num), rtol=1e-14, atol=1e-12)
    assert not list(grid.problems(False))


@given(start=_decimals, step=_decimals.filter(bool), count=st.integers(1, 50))
def test_steps_are_not_accumulated_and_the_end_is_left_out(start, step, count):
    exact = [(round(1000 * start) + i * round(1000 * step)) / 1000 for i in range(count + 1)]
    grid = Range(grid="range", start=start, stop=exact[-1], step=step)
    assert grid.values(whole=False) == tuple(exact[:-1])
    assert not list(grid.problems(False))


@given(exponents=st.tuples(st.integers(-20, 20), st.integers(-20, 20)), num=st.integers(2, 30))
def test_numbers_even_in_the_logarithm_have_exact_ends(exponents, num):
    start, stop = (10.0**exponent for exponent in exponents)
    grid = Logspace(grid="logspace", start=start, stop=stop, num=num)
    if start != stop:
        values = grid.values(whole=False)
        assert (values[0], values[-1]) == (start, stop)
        ratios = np.diff(np.log(values))
        np.testing.assert_allclose(ratios, ratios[0], rtol=1e-9)


def test_whole_numbers_are_rounded_and_differ():
    widths = Logspace(grid="logspace", start=2**4, stop=2**20, num=17).values(whole=True)
    assert widths == tuple(2**i for i in range(4, 21))
    assert all(type(width) is int for width in widths)
    text = refused_mapping(rates(depth={"grid": "linspace", "start": 10, "stop": 12, "num": 4}))
    assert "once they are rounded" in text


def test_whole_numbers_have_a_step_of_one():
    sweep = sweep_of(rates(depth={"grid": "range", "start": 10, "stop": 13}))
    assert sweep.plan.values["depth"] == (10, 11, 12)
    assert sweep.config["axes"]["depth"] == {"grid": "range", "start": 10, "stop": 13, "step": 1}
    assert "step is missing" in refused_mapping(rates(sigma_b={"grid": "range", "start": 0, "stop": 3}))
    assert json_schema()["$defs"]["range"]["required"] == ["grid", "start", "stop"]


@pytest.mark.parametrize("axis", ["sigma_b", "c"])
def test_too_many_points_are_refused_before_they_are_made(axis):
    step = {"grid": "range", "start": 0, "stop": 0.9, "step": 1e-9}
    assert "9e+08 values are more than" in refused_mapping(rates(**{axis: step}))
    many = {"grid": "linspace", "start": 0, "stop": 0.5, "num": 10**4}
    assert f"more than a sweep may have, {MOST_POINTS}" in refused_mapping(rates(sigma_b=many, c=many))


def test_results_that_no_disk_holds_are_refused():
    layers = {"grid": "range", "start": 0, "stop": 10**5, "step": 1}
    many = {"grid": "linspace", "start": 0, "stop": 1, "num": 10**5}
    config = {"activation": "tanh", "sigma_w": "eoc", "c": 0.5, "sigma_b": many, "depth": layers}
    assert "the results would take" in refused_mapping({"schema": 1, "task": "propagation", "axes": config})


# ---- activations are not run


def test_checking_does_not_run_modules(write):
    write("raise RuntimeError\n", "boom.py")
    text = GOOD.replace("numpy:tanh", "'boom.py:phi', boom:phi")
    assert read_sweep(write(text)).plan.shape[0] == 6


@pytest.mark.parametrize("name", ["~nobody-at-all/phi.py:phi", "x" * 5000 + ".py:phi", "no.such/phi.py:phi"])
def test_files_that_cannot_be_there_are_refused(name):
    assert "there is no file" in refused_mapping(rates() | {"axes": {"activation": name}})


# ---- what is known of a task that is not


@pytest.mark.parametrize("names", [["rates", "phase"], [name for name in TASKS if "/" in name], list(TASKS)])
def test_what_tasks_have_in_common_refuses_nothing_that_one_of_them_takes(names):
    found = in_common([TASKS[name] for name in names])
    for name in names:
        for one in TASKS[name].parameters:
            widest = found.get(one.name, one)
            assert widest.least <= one.least
            assert widest.most >= one.most
            assert not widest.above or one.above or widest.least < one.least
            assert widest.eoc >= one.eoc
            assert widest.required <= one.required
            assert set(widest.choices) >= set(one.choices)


# ---- schema and estimate


def test_the_schema_has_every_task_and_parameter():
    schema = json.loads(json.dumps(json_schema(), allow_nan=False))
    assert set(schema["properties"]) == set(key_names(Config))
    assert len(schema["oneOf"]) == len(TASKS)
    for task, one in zip(TASKS.values(), schema["oneOf"], strict=True):
        axes = one["properties"]["axes"]
        assert set(axes["properties"]) == {parameter.name for parameter in task.parameters}
        assert axes["required"] == [parameter.name for parameter in task.parameters if parameter.required]
        assert all(about["description"] for about in axes["properties"].values())
    assert set(schema["$defs"]) == set(GRIDS)
    references = set(re.findall(r'"\$ref": "#/\$defs/(\w+)"', json.dumps(schema)))
    assert references == set(GRIDS)


def test_estimates_grow_with_points_and_shrink_with_workers():
    two, many = sweep_of(rates(sigma_b=[0.1, 0.2])).plan, {"grid": "linspace", "start": 0, "stop": 1, "num": 2000}
    few, most = estimate(two), estimate(sweep_of(rates(sigma_b=many)).plan)
    start = 2 * estimate(two, workers=2).seconds - few.seconds
    assert 1.0 < start < few.seconds
    assert most.points == 2000
    assert most.seconds - start == pytest.approx(1000 * (few.seconds - start))
    assert few.bytes_store < most.bytes_store < 1000 * few.bytes_store
    assert estimate(two, workers=8) == estimate(two, workers=2)


def test_estimates_know_what_a_point_takes():
    plan = sweep_of(rates(sigma_b={"grid": "range", "start": 0, "stop": 1000, "step": 1}, c=[0.1, 0.2])).plan
    task = dataclasses.replace(plan.task, seconds=lambda p: 100.0 + 100.0 * p["c"], bytes=lambda p: 1e6 * p["sigma_b"])
    found = estimate(dataclasses.replace(plan, task=task), workers=3)
    assert found.seconds == pytest.approx(2000 * 115.0 / 3, rel=0.02)
    assert 1e6 * 999 < found.bytes_memory < 1e6 * 999 + 1e9


_LINE = {"grid": "linspace", "start": 0.1, "stop": 1.0}
_NETWORKS = {"sigma_w": 1.2, "width": [10, 20], "depth": 5, "networks": 100}


@pytest.mark.parametrize(
    ("task", "axes"),
    [
        ("edge_of_chaos", {}),
        ("edge_of_chaos", {"sigma_b": {**_LINE, "num": 3000}}),
        ("rates", {"sigma_b": {**_LINE, "num": 9}, "c": [0.1, 0.2], "q": [1.0, 2.0], "depth": [10, 20]}),
        ("curve", {"sigma_b": {**_LINE, "num": 200}}),
        ("phase_diagram", {"sigma_b": {**_LINE, "num": 150}, "sigma_w": {**_LINE, "num": 300}}),
        ("propagation", {"sigma_w": "eoc", "c": 0.5, "depth": [1, 10]}),
        ("montecarlo/gaussianity", _NETWORKS),
        ("montecarlo/correlation_process", {**_NETWORKS, "seed": {"grid": "range", "start": 0, "stop": 400}}),
    ],
)
def test_estimates_know_what_a_store_takes(tmp_path, task, axes):
    """Files and folders are counted by the 4096 bytes that most disks give to each of them."""
    kind, _, experiment = task.partition("/")
    which = {"task": kind, **({"experiment": experiment} if experiment else {})}
    plan = sweep_of({"schema": 1, **which, "axes": {"activation": ["tanh", "relu"], **axes}}).plan
    outputs = {
        name: np.zeros([plan.coordinates[dim].values.size for dim in output.dims], output.dtype)
        for name, output in plan.outputs.items()
    }
    with open_store(tmp_path / "s.zarr", plan, {}) as store:
        store.put([Result(index, 0.1, outputs) for index in range(plan.size)])
    paths = [store.path, *store.path.rglob("*")]
    taken = sum(4096 if path.is_dir() else -(-path.stat().st_size // 4096) * 4096 for path in paths)
    assert taken / 2 < estimate(plan).bytes_store < 2 * taken, taken


def test_every_task_can_be_estimated(tmp_path):
    np.save(tmp_path / "x.npy", np.ones((4, 2)))
    wide = {"activation": "relu", "sigma_w": 1.4, "width": [100, 1000], "depth": [10], "networks": 100, "c": 0.5}
    wide |= {"learning_rate": 0.01, "epoch": [0, 10], "data": str(tmp_path / "x.npy"), "block": 0}
    for name, task in TASKS.items():
        kind, _, experiment = name.partition("/")
        axes = {key: value for key, value in wide.items() if any(one.name == key for one in task.parameters)}
        config = {"schema": 1, "task": kind, **({"experiment": experiment} if experiment else {}), "axes": axes}
        if name == "edge_of_chaos":
            axes.pop("depth", None)
        found = estimate(sweep_of(config).plan)
        assert math.isfinite(found.seconds)
        assert found.seconds > 0.0
        assert found.bytes_store > 0.0


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        ([], ["rates", "montecarlo/verify"]),
        (["montecarlo"], ["montecarlo/length_process", "montecarlo/verify"]),
        (["curve"], ["give exactly one of q, sigma_b and sigma_w", "depth_scale"]),
        (["montecarlo/gaussianity"], ["experiment: gaussianity", "left out: what layers keep", "student_t(df)"]),
    ],
)
def test_tasks_are_listed(arguments, parts):
    text = " ".join(CliRunner().invoke(app, ["sweep", "tasks", *arguments]).stdout.split())
    assert all(part in text for part in parts), text
    found = json.loads(CliRunner().invoke(app, ["sweep", "tasks", *arguments, "--json"]).stdout)["tasks"]
    assert len(found) == {"": len(TASKS), "montecarlo": 7}.get("".join(arguments), 1)


@pytest.mark.parametrize(("one", "two"), [("sigma_b", "c"), ("c", "depth")])
def test_the_order_of_dimensions_is_that_of_the_keys(one, two):
    values = {"sigma_b": [0.1, 0.2], "c": [0.1, 0.2, 0.3], "depth": [10, 20]}
    plans = [sweep_of(rates(**{a: values[a], b: values[b]})).plan for a, b in ((one, two), (two, one))]
    assert [[axis.dim for axis in plan.axes] for plan in plans] == [[one, two], [two, one]]


def test_half_of_a_surrogate_pair_is_refused_wherever_it_comes_from(write):
    path = write(GOOD)
    for text in ('axes.activation="\\ud800"', 'name="\\udfff"', 'axes={"\\ud800": 1}'):
        assert any("half of a surrogate pair" in str(problem) for problem in refused(path, [text]))
    for config in (rates(**{"\ud800": 1}), rates(activation="\udfff"), {**rates(), "\ud800": 1}):
        assert "half of a surrogate pair" in refused_mapping(config)
        refused_mapping(config).encode()


def test_problems_can_be_printed_whatever_the_keys_are(write):
    for key in ("ac\ufefftivation", "a\u2028b", "\u202eab"):
        for problem in refused(write(GOOD.replace("  c:", f"  {key}:"))):
            assert str(problem).isprintable()


def test_a_checkout_that_is_not_installed_works(monkeypatch):
    """Where there are no metadata of packages."""
    from importlib import metadata

    from eoc.machine import version
    from eoc.sweeps.store.header import versions

    def absent(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", absent)
    assert version("eoc") == "0.1.0"
    assert versions()["zarr"] == "unknown"
