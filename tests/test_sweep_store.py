"""The store of a sweep: what was finished is never lost or wrong, whatever interrupts, damages or fills the disk."""

from __future__ import annotations

import errno
import json
import math
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray
import zarr
from hypothesis import given
from hypothesis import strategies as st
from zarr.storage import LocalStore

import eoc.sweeps.store.layout as layout_module
from eoc.errors import EocError
from eoc.sweeps.functions import fingerprints
from eoc.sweeps.plan import Axis, Plan, Result
from eoc.sweeps.store.header import differences, git_commit, versions
from eoc.sweeps.store.layout import DONE, FAILED, PENDING, Blocks, Layout
from eoc.sweeps.store.lock import locked
from eoc.sweeps.store.opening import open_store
from eoc.sweeps.store.reading import open_sweep
from eoc.sweeps.task import Coordinate, Output, Parameter, Task

CONFIG = {"task": "fake", "axes": {"sigma_b": [0.0, 0.5]}}
OUTPUTS = {
    "q": Output("variance", symbol="q^*"),
    "count": Output("how many", kind="whole"),
    "phase": Output("phase", flags=("ordered", "chaotic")),
    "profile": Output("by layer", dims=("depth", "moment")),
}
TASK = Task(
    "fake",
    "numbers that cost nothing",
    (
        Parameter("activation", "activation", kind="activation"),
        Parameter("sigma_b", "standard deviation of the biases", symbol="\\sigma_b"),
        Parameter("sigma_w", "standard deviation of the weights", eoc=True),
        Parameter("width", "units of a layer", kind="whole"),
        Parameter("depth", "layers", units="layers", kind="whole", inner=True),
    ),
    outputs=lambda values: OUTPUTS,
    run=lambda point: {},
    seconds=lambda point: 0.0,
    coordinates=lambda values: {"moment": Coordinate(np.array([2, 4]), "order of the moment")},
    random=True,
)
PLAN = Plan(
    TASK,
    {"activation": "tanh"},
    (Axis({"sigma_b": (0.0, 0.5, 1.0)}), Axis({"sigma_w": ("eoc", 1.0, 1.5, 2.0, 3.0), "width": (1, 2, 4, 8, 16)})),
    {"depth": (1, 10, 100)},
)
POINT = Plan(TASK, {"activation": "tanh", "sigma_b": 0.5}, (), {"depth": (1, 10, 100)})
BAD = 7  # the number of a point that fails


def result(index: int) -> Result:
    """Numbers that only the point decides."""
    if index == BAD:
        return Result(index, 0.25, {}, "no luck")
    rng = np.random.default_rng(index)
    outputs = {"q": rng.random(), "count": index, "phase": index % 2, "profile": rng.random((3, 2))}
    if index % 5 == 0:
        outputs["sigma_w_used"] = rng.random()
    return Result(index, 0.25, {name: np.asarray(value) for name, value in outputs.items()})


def results(*indices: int) -> list[Result]:
    return [result(index) for index in indices]


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout_module, "_FEW", 3)  # the rows of PLAN have two blocks each


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in which everything was put in order, at once."""
    path = tmp_path_factory.mktemp("finished") / "whole.zarr"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layout_module, "_FEW", 3)
        with open_store(path, PLAN, CONFIG) as store:
            store.put(results(*range(PLAN.size)))
    return path


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    """One of it that a test may damage."""
    return Path(shutil.copytree(finished, tmp_path / "copy.zarr"))


def chunks(path: Path) -> dict[str, bytes]:
    """The numbers on disk, to the last bit."""
    return {str(file.relative_to(path)): file.read_bytes() for file in path.glob("*/c/**/*") if file.is_file()}


def complete(path: Path, plan: Plan = PLAN) -> list[int]:
    """Compute what is pending; what that was."""
    with open_store(path, plan, CONFIG) as store:
        pending = store.pending().tolist()
        store.put(results(*pending))
        assert store.pending().size == 0
    return pending


def assert_right(data: xarray.Dataset) -> None:
    """Every point is as it was computed, or pending and empty."""
    status = data.status.values.ravel()
    for index in range(status.size):
        truth = result(index)
        assert status[index] in (PENDING, FAILED if truth.error else DONE)
        for name, output in OUTPUTS.items():
            found = data[name].values.reshape(status.size, *data[name].shape[data.status.ndim :])[index]
            expected = truth.outputs[name] if status[index] == DONE else output.missing
            np.testing.assert_array_equal(found, np.broadcast_to(expected, found.shape))
        assert data.error.values.ravel()[index] == (truth.error if status[index] == FAILED else "")


class Killed(Exception):
    """Stands for the end of the process."""


@dataclass
class Disk:
    """Takes some more files, and then none; None stands for any number."""

    left: int | None = None
    failure: Exception = field(default_factory=Killed)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    found = Disk()
    write = LocalStore.set

    async def limited(store: LocalStore, key: str, value: Any) -> None:
        if found.left == 0:
            raise found.failure
        if found.left is not None:
            found.left -= 1
        await write(store, key, value)

    monkeypatch.setattr(LocalStore, "set", limited)
    return found


# --- what is on disk -------------------------------------------------------------------------------------------------


def test_what_was_put_is_read_back(finished: Path) -> None:
    data = open_sweep(finished)
    assert_right(data)
    assert dict(data.sizes) == {"sigma_b": 3, "sigma_w_and_width": 5, "depth": 3, "moment": 2}
    assert data.q.dims == ("sigma_b", "sigma_w_and_width")
    assert data.profile.dims == ("sigma_b", "sigma_w_and_width", "depth", "moment")
    assert data.sigma_w.values.tolist() == ["eoc", "1.0", "1.5", "2.0", "3.0"]
    assert data.width.dtype == data.random_seed.dtype == data["count"].dtype == np.int64
    assert data.activation.item() == "tanh"
    assert data.random_seed.values.ravel().tolist() == [PLAN.random_seed(index) for index in range(PLAN.size)]
    assert np.isfinite(data.sigma_w_used.values).tolist() == [[True] + 4 * [False]] * 3
    assert (data.seconds == 0.25).all()


def test_everything_is_described(finished: Path) -> None:
    data = open_sweep(finished)
    assert data.q.attrs == {"long_name": "variance", "units": "1", "symbol": "q^*"}
    assert data.depth.attrs["units"] == "layers"
    assert data.phase.attrs["flag_values"] == [0, 1]
    assert data.phase.attrs["flag_meanings"] == "ordered chaotic"
    assert data.status.attrs["flag_meanings"] == "pending done failed"
    assert all("long_name" in data[name].attrs for name in data.variables)
    assert all(isinstance(value, str | int) for value in data.attrs.values())
    assert json.loads(data.attrs["config"]) == CONFIG
    assert data.attrs["task"] == "fake"
    assert json.loads(data.attrs["versions"]) == versions()


@pytest.mark.parametrize("plan", [PLAN, POINT])
def test_xarray_alone_reads_the_same(tmp_path: Path, plan: Plan) -> None:
    path = tmp_path / "sweep.zarr"
    with open_store(path, plan, CONFIG) as store:
        xarray.testing.assert_identical(xarray.open_zarr(path).load(), open_sweep(path))
        store.put(results(0))
        xarray.testing.assert_identical(xarray.open_zarr(path).load(), open_sweep(path))
        assert_right(open_sweep(path))
    assert os.listdir(tmp_path) == ["sweep.zarr"]  # no lock is left, and nothing of the creation
    assert sorted(name for name, _ in zarr.open_group(path, use_consolidated=False).members()) == sorted(
        str(name) for name in open_sweep(path).variables
    )


def test_only_some_variables_are_read(finished: Path) -> None:
    assert set(open_sweep(finished, ["q"]).data_vars) == {"status", "q"}
    with pytest.raises(EocError, match=r"no variable 'xi'; it has .*profile"):
        open_sweep(finished, ["xi"])


def test_a_data_set_can_be_written_elsewhere(finished: Path, tmp_path: Path) -> None:
    data = open_sweep(finished)
    data.to_zarr(tmp_path / "other.zarr", consolidated=False)
    xarray.testing.assert_equal(xarray.open_zarr(tmp_path / "other.zarr", consolidated=False).load(), data)


@given(st.lists(st.integers(1, 9), max_size=4).map(tuple), st.integers(1, 2**16))
def test_blocks_are_runs_of_points(shape: tuple[int, ...], numbers: int) -> None:
    blocks = Blocks.of(shape, numbers)
    points = np.arange(math.prod(shape)).reshape(shape)
    seen: list[int] = []
    for block in range(blocks.count):
        own = list(blocks.points(block))
        assert points[blocks.where(block)].ravel().tolist() == own
        assert {blocks.block(point) for point in own} == {block}
        seen += own
    assert seen == list(range(points.size))
    assert len({blocks.key(block) for block in range(blocks.count)}) == blocks.count
    assert math.prod(blocks.chunk) <= max(1, 2**15 // numbers)


@pytest.mark.parametrize("shape", [(10_000,), (100, 100), (10, 1000), (1000, 10), (10, 10, 10, 10)])
def test_blocks_are_neither_small_nor_large(monkeypatch: pytest.MonkeyPatch, shape: tuple[int, ...]) -> None:
    monkeypatch.setattr(layout_module, "_FEW", 256)
    assert 100 <= math.prod(Blocks.of(shape).chunk) <= 256


# --- going on --------------------------------------------------------------------------------------------------------


def put_until_it_fails(path: Path, disk: Disk, writes: int, rng: np.random.Generator) -> set[int]:
    """A run that is interrupted after so many writes; what was put before."""
    put: set[int] = set()
    with open_store(path, PLAN, CONFIG) as store:
        disk.left = writes
        with pytest.raises((Killed, EocError), match=r"^$|No space left on device; \d+ points are stored"):  # noqa: PT012
            for batch in (*np.array_split(rng.permutation(store.pending()), 5), range(PLAN.size)):
                store.put(results(*batch))
                put |= set(batch)
        disk.left = None
    return put


@pytest.mark.parametrize(("failure", "step"), [(Killed(), 1), (OSError(errno.ENOSPC, "No space left on device"), 4)])
def test_interrupted_at_any_write(failure: Exception, step: int, finished: Path, tmp_path: Path, disk: Disk) -> None:
    rng = np.random.default_rng(11)
    path = tmp_path / "sweep.zarr"
    disk.failure = failure
    done: set[int] = set()
    for writes in rng.permutation(np.arange(1, 22, step)).tolist():
        done |= put_until_it_fails(path, disk, writes, rng)
        data = open_sweep(path)
        assert_right(data)
        assert done <= set(np.flatnonzero(data.status))
    complete(path)
    assert chunks(path) == chunks(finished)


@pytest.mark.parametrize("plan", [PLAN, POINT])
def test_numbers_without_a_status_are_not_shown(tmp_path: Path, disk: Disk, plan: Plan) -> None:
    path = tmp_path / "sweep.zarr"
    with open_store(path, plan, CONFIG) as store:
        disk.left = len(Layout(plan, CONFIG).variables) - 1
        with pytest.raises(Killed):
            store.put(results(0))
    disk.left = None
    data = open_sweep(path)
    assert not data.status.any()
    assert_right(data)
    assert complete(path, plan) == list(range(plan.size))


def test_order_does_not_matter(finished: Path, tmp_path: Path) -> None:
    path = tmp_path / "sweep.zarr"
    left = np.random.default_rng(3).permutation(PLAN.size)
    while left.size:
        with open_store(path, PLAN, CONFIG) as store:
            assert store.pending().tolist() == sorted(left.tolist())
            now, left = left[:4], left[4:]
            store.put(results(*now[:1].tolist()))
            store.put(results(*now[1:].tolist()))
    assert chunks(path) == chunks(finished)


def test_a_write_that_is_cut_off_leaves_the_old_numbers(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource")
    before, limit = chunks(copy), resource.getrlimit(resource.RLIMIT_FSIZE)
    with open_store(copy, PLAN, CONFIG) as store:
        resource.setrlimit(resource.RLIMIT_FSIZE, (60, limit[1]))
        try:
            with pytest.raises(EocError, match=r"cannot write to .*: File too large; 15 points are stored"):
                store.put([Result(0, 1.0, result(1).outputs)])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    after = chunks(copy)
    assert {name for name in before if before[name] != after[name]} <= {
        f"{name}/c/0/0" for name in ("q", "count", "phase")
    }
    assert not list(copy.rglob("*.partial"))


def test_what_a_killed_process_left_is_removed(copy: Path) -> None:
    new = copy.with_name(f".{copy.name}.new")
    shutil.copytree(copy, new)
    for place in (copy / "q" / "c" / "0" / "0.123.partial", copy / "zarr.123.partial"):
        place.write_text("half")
    assert complete(copy) == []
    assert not list(copy.rglob("*.partial"))
    assert not new.exists()


def test_a_finished_store_is_read_at_once(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading block by block takes seconds where there are thousands."""
    monkeypatch.setattr("eoc.sweeps.store.store.Store._read", None)
    assert complete(copy) == []


def test_failed_points_are_computed_again_when_asked(copy: Path) -> None:
    with open_store(copy, PLAN, CONFIG) as store:
        assert store.pending().size == 0
        assert store.pending(retry_failed=True).tolist() == [BAD]
        store.put([Result(BAD, 1.0, result(BAD + 1).outputs)])
        assert store.pending(retry_failed=True).size == 0
    data = open_sweep(copy).stack(point=("sigma_b", "sigma_w_and_width"), create_index=False)
    assert data.status.values.tolist() == PLAN.size * [DONE]
    assert data.q.values[BAD] == result(BAD + 1).outputs["q"]
    assert data.error.values[BAD] == ""


@pytest.mark.parametrize(
    ("outputs", "error"),
    [
        ({"q": np.array(1.0)}, "other names or shapes: {'q': ()}"),
        ({**result(0).outputs, "profile": np.zeros(4)}, "'profile': (4,)"),
        ({**result(0).outputs, "count": np.array(np.nan)}, "returned count as float64, not int64"),
    ],
)
def test_outputs_that_are_not_the_task_s_fail(tmp_path: Path, outputs: dict[str, Any], error: str) -> None:
    with open_store(tmp_path / "sweep.zarr", PLAN, CONFIG) as store:
        store.put([Result(0, 1.0, outputs)])
        assert store.status[0] == FAILED
    assert error in open_sweep(tmp_path / "sweep.zarr").error.values[0, 0]


def test_errors_are_kept_whatever_they_say(tmp_path: Path) -> None:
    with open_store(tmp_path / "sweep.zarr", PLAN, CONFIG) as store:
        store.put([Result(0, 1.0, {}, "\u03c6 \udcff\n" + "a" * 5000), Result(1, 1.0, {}, "no")])
    assert open_sweep(tmp_path / "sweep.zarr").error.values[0, :3].tolist() == ["\u03c6 ?\n" + "a" * 5000, "no", ""]


def test_a_second_attempt_that_was_interrupted_is_made_again(copy: Path, disk: Disk) -> None:
    with open_store(copy, PLAN, CONFIG) as store:
        disk.left = len(Layout(PLAN, CONFIG).variables) - 1
        with pytest.raises(Killed):
            store.put([Result(BAD, 1.0, result(BAD + 1).outputs)])
    disk.left = None
    assert np.isnan(open_sweep(copy).q.values.ravel()[BAD])
    assert complete(copy) == [BAD]
    assert_right(open_sweep(copy))


def test_runs_are_recorded(copy: Path) -> None:
    for number in (1, 2):
        with open_store(copy, PLAN, CONFIG) as store:
            store.began({"workers": number})
            if number == 2:
                store.ended(1.5, 30)
    found = json.loads(open_sweep(copy).attrs["runs"])
    assert found == [{"workers": 1}, {"workers": 2, "seconds": 1.5, "points": 30}]


# --- what is refused -------------------------------------------------------------------------------------------------


def test_another_configuration_is_refused_with_the_difference(copy: Path) -> None:
    before = chunks(copy)
    other = {"task": "fake", "axes": {"sigma_b": [0.0, 0.75], "width": 3}}
    with pytest.raises(EocError) as caught, open_store(copy, PLAN, other):
        pass
    assert "  axes.sigma_b[1]: 0.5 in the store, 0.75 now\n  axes.width: absent in the store, 3 now" in str(
        caught.value
    )
    assert "--new" in str(caught.value)
    assert chunks(copy) == before


def test_differences_are_few_and_short() -> None:
    found = differences({"values": list(range(100))}, {"values": [-1 - i for i in range(100)], "text": "a" * 500})
    assert len(found.splitlines()) == 21
    assert max(map(len, found.splitlines())) < 150
    assert not differences({"a": [], "b": {}}, {"a": [], "b": {}})
    assert "1 in the store, 1.0 now" in differences([1], [1.0])


def test_new_sets_the_old_store_aside(copy: Path) -> None:
    before = chunks(copy)
    for number in (1, 2):
        with open_store(copy, POINT, {"number": number}, new=True) as store:
            assert store.set_aside == copy.with_name(f"copy-{number}.zarr")
            assert store.pending().tolist() == [0]
    assert chunks(copy.with_name("copy-1.zarr")) == before
    with open_store(copy, POINT, {"number": 2}) as store:
        assert store.set_aside is None


def foreign_file(path: Path) -> None:
    path.write_text("my results")


def foreign_folder(path: Path) -> None:
    path.mkdir()
    (path / "thesis.tex").write_text("my thesis")


def foreign_zarr(path: Path) -> None:
    zarr.create_group(path, attributes={"mine": 1})


def foreign_json(path: Path) -> None:
    path.mkdir()
    (path / "zarr.json").write_text("[1]")


@pytest.mark.parametrize("new", [False, True])
@pytest.mark.parametrize("make", [foreign_file, foreign_folder, foreign_zarr, foreign_json])
def test_what_is_no_store_is_not_touched(tmp_path: Path, make: Callable[[Path], None], new: bool) -> None:
    path = tmp_path / "mine.zarr"
    make(path)
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    with pytest.raises(EocError, match=r"mine\.zarr (is no store|holds zarr data)"):
        open_sweep(path)
    with (
        pytest.raises(EocError, match=r"mine\.zarr (is no store|holds zarr data)"),
        open_store(path, PLAN, CONFIG, new=new),
    ):
        pass
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "sweep.zarr").mkdir()
    assert complete(tmp_path / "sweep.zarr", POINT) == [0]


def test_folders_above_are_made(tmp_path: Path) -> None:
    assert complete(tmp_path / "a" / "b" / "sweep.zarr", POINT) == [0]


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(EocError, match=r"cannot write to .*sweep\.zarr: its lock"),
        open_store(tmp_path / "file" / "sweep.zarr", PLAN, CONFIG),
    ):
        pass
    with pytest.raises(EocError, match="there is no store"):
        open_sweep(tmp_path / "sweep.zarr")


def test_a_disk_that_cannot_be_written_at_the_start(tmp_path: Path, disk: Disk) -> None:
    disk.left, disk.failure = 4, OSError(errno.EROFS, "Read-only file system")
    with (
        pytest.raises(EocError, match=r"cannot write .*sweep\.zarr: Read-only file system"),
        open_store(tmp_path / "sweep.zarr", PLAN, CONFIG),
    ):
        pass
    assert os.listdir(tmp_path) == []


def test_a_store_that_is_deleted_meanwhile(copy: Path) -> None:
    with open_store(copy, PLAN, CONFIG) as store:
        store.began({})
        shutil.rmtree(copy)
        with pytest.raises(EocError, match="the store was deleted or moved"):
            store.put(results(0))
        with pytest.raises(EocError, match="the store was deleted or moved"):
            store.ended(1.0, 1)
    assert not copy.exists()


def with_attributes(path: Path, **changes: object) -> None:
    zarr.open_group(path, mode="r+").update_attributes(changes)


def test_another_format_is_refused(copy: Path) -> None:
    with_attributes(copy, eoc_format=2, eoc_version="9.9")
    for opening in (lambda: open_sweep(copy), lambda: open_store(copy, PLAN, CONFIG).__enter__()):
        with pytest.raises(EocError, match=r"format 2, written by eoc 9.9; this version reads format 1"):
            opening()


def test_going_on_with_another_version_is_refused_and_reading_is_not(copy: Path) -> None:
    with_attributes(copy, eoc_version="0.0.1")
    assert_right(open_sweep(copy))
    with (
        pytest.raises(EocError, match=r"begun by eoc 0\.0\.1, and this is eoc .*--new"),
        open_store(copy, PLAN, CONFIG),
    ):
        pass


# --- damage ----------------------------------------------------------------------------------------------------------


def lose(file: Path) -> None:
    file.unlink()


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[0] ^= 1
    file.write_bytes(bytes(content))


@pytest.mark.parametrize("name", ["q", "profile", "error", "seconds", "status"])
@pytest.mark.parametrize("damage", [lose, truncate, flip])
def test_damaged_numbers_are_noticed_and_computed_again(
    copy: Path, finished: Path, damage: Callable[[Path], None], name: str
) -> None:
    file = copy / name / "c" / "1" / "0" / ("0/0" if name == "profile" else "")
    damage(file)
    if (name, damage) != ("status", lose):  # then the points are pending
        with pytest.raises(EocError, match=r"is damaged: .*{}.*run the sweep again".format("/".join(file.parts[-3:]))):
            open_sweep(copy)
    assert complete(copy) == [5, 6, 7]
    assert chunks(copy) == chunks(finished)
    assert_right(open_sweep(copy))


@pytest.mark.parametrize("writes", [0, 1, 4, 9])
def test_a_repair_that_is_interrupted_makes_nothing_worse(copy: Path, finished: Path, disk: Disk, writes: int) -> None:
    flip(copy / "q" / "c" / "1" / "0")
    with pytest.raises((Killed, EocError)):  # noqa: PT012
        disk.left = writes
        with open_store(copy, PLAN, CONFIG) as store:
            store.put(results(5))
            store.put(results(6))
    disk.left = None
    assert complete(copy) in ([5, 6, 7], [6, 7])
    assert chunks(copy) == chunks(finished)


def garble(file: Path) -> None:
    file.write_bytes(b"\x00\xff nothing of this kind")


def empty(file: Path) -> None:
    file.write_text("{}")


@pytest.mark.parametrize("damage", [lose, truncate, garble, empty])
@pytest.mark.parametrize("name", ["", "q", "status", "error", "sigma_b", "activation", "depth"])
def test_damaged_descriptions_are_written_again_and_numbers_kept(
    copy: Path, finished: Path, name: str, damage: Callable[[Path], None]
) -> None:
    before = open_sweep(copy)
    damage(copy / name / "zarr.json")
    if not name:
        with pytest.raises(EocError, match=r"is damaged: .*zarr\.json|is no store|of another origin"):
            open_sweep(copy)
    assert complete(copy) == []
    xarray.testing.assert_identical(open_sweep(copy).drop_attrs(), before.drop_attrs())
    assert open_sweep(copy).attrs["config"] == before.attrs["config"]
    assert chunks(copy) == chunks(finished)
    assert [one.name for one in copy.parent.iterdir()] == [copy.name]


def test_all_descriptions_at_once(copy: Path, finished: Path) -> None:
    for file in copy.rglob("zarr.json"):
        file.unlink()
    assert complete(copy) == []
    assert chunks(copy) == chunks(finished)
    assert_right(open_sweep(copy))


@pytest.mark.parametrize("change", ['"float64"', '"q^*"', "[3, 5]", "[3,5]", "fill_value"])
def test_a_description_that_says_something_else(copy: Path, change: str) -> None:
    file = copy / "q" / "zarr.json"
    text = "".join(file.read_text().split())
    file.write_text(text.replace(change, {'"float64"': '"float32"', '"q^*"': '"r"'}.get(change, "[5,3]")))
    assert complete(copy) == []
    assert_right(open_sweep(copy))


@pytest.mark.parametrize("change", [{"runs": "["}, {"config": 3}, {"functions": None}])
def test_damaged_attributes_are_written_again(copy: Path, change: dict[str, object]) -> None:
    with_attributes(copy, **change)
    assert complete(copy) == []
    assert json.loads(open_sweep(copy).attrs["config"]) == CONFIG


def test_a_store_whose_description_is_lost_is_only_continued_by_its_own_sweep(copy: Path) -> None:
    before = chunks(copy)
    (copy / "zarr.json").unlink()
    other = Plan(PLAN.task, PLAN.constants, (Axis({"sigma_b": (0.0, 0.5, 1.5)}), PLAN.axes[1]), PLAN.inner)
    with pytest.raises(EocError, match="is no store"), open_store(copy, other, CONFIG):
        pass
    assert chunks(copy) == before


def test_a_store_of_other_points_under_the_same_configuration(copy: Path) -> None:
    with pytest.raises(EocError, match=r"its shape \(3, 5\) is not that"), open_store(copy, POINT, CONFIG):
        pass


def test_damage_during_a_run(copy: Path) -> None:
    with open_store(copy, PLAN, CONFIG) as store:
        flip(copy / "q" / "c" / "1" / "0")
        with pytest.raises(EocError, match="were damaged since this run began"):
            store.put(results(BAD))
    assert complete(copy) == [5, 6, 7]


# --- the lock --------------------------------------------------------------------------------------------------------

HOLD = """
import sys, time
from pathlib import Path
from eoc.sweeps.store.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_killed_process_holds_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "sweep.zarr"
    with subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        expected = rf"another run \(process {other.pid} on .*, since 20.*\) is writing to .*sweep\.zarr"
        with pytest.raises(EocError, match=expected), open_store(path, PLAN, CONFIG, new=True):
            pass
        assert os.listdir(tmp_path) == [".sweep.zarr.lock"]
        other.kill()
    assert complete(path, POINT) == [0]
    assert os.listdir(tmp_path) == ["sweep.zarr"]


@pytest.mark.skipif(os.name != "posix", reason="links")
@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_a_lock_is_never_a_link(tmp_path: Path, link: Callable[[Path, Path], None]) -> None:
    (tmp_path / "mine").write_text("my thesis")
    link(tmp_path / "mine", tmp_path / ".sweep.zarr.lock")
    with (
        pytest.raises(EocError, match=r"its lock .* cannot be taken"),
        open_store(tmp_path / "sweep.zarr", PLAN, CONFIG),
    ):
        pass
    assert (tmp_path / "mine").read_text() == "my thesis"


@pytest.mark.skipif(os.name != "posix", reason="links")
def test_links_in_a_circle(tmp_path: Path) -> None:
    loop = tmp_path / "loop.zarr"
    loop.symlink_to(loop)
    with pytest.raises(EocError, match=r"loop\.zarr"), open_store(loop, PLAN, CONFIG):
        pass
    with pytest.raises(EocError, match=r"loop\.zarr"):
        open_sweep(loop)


def test_readers_need_no_lock(copy: Path) -> None:
    with open_store(copy, PLAN, CONFIG):
        assert_right(open_sweep(copy))
        with pytest.raises(EocError, match="another run"), open_store(copy, PLAN, CONFIG):
            pass


def test_the_lock_is_not_inherited(tmp_path: Path) -> None:
    path = tmp_path / "sweep.zarr"
    with locked(path):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], close_fds=False)
    try:
        with locked(path):
            pass
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait()


# --- provenance ------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_the_commit_of_a_folder(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *arguments], cwd=tmp_path, check=True, capture_output=True)

    git("init")
    assert git_commit(tmp_path) is None
    (tmp_path / "night.yaml").write_text("schema: 1\n")
    git("add", ".")
    git("commit", "-m", "first")
    commit = git_commit(tmp_path)
    assert commit is not None
    assert len(commit) == 40
    (tmp_path / "night.yaml").write_text("schema: 1\ntask: curve\n")
    assert git_commit(tmp_path) == f"{commit}-dirty"
    assert git_commit(tmp_path / "nowhere") is None


def test_no_commit_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert git_commit(tmp_path) is None


def test_fingerprints_tell_what_a_function_computes(tmp_path: Path) -> None:
    digests = []
    for number, body in enumerate(["x", "x", "2 * x"]):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "mine.py").write_text(f"import numpy as np\n\n\ndef phi(x):\n    return np.tanh({body})\n")
        plan = Plan(TASK, {}, (Axis({"activation": ("tanh", "x*tanh(x)", "mine.py:phi")}),), folder=str(folder))
        found = fingerprints(plan)
        assert list(found) == ["mine.py:phi"]
        digests += found.values()
    assert digests[0] == digests[1] != digests[2]


def test_status_is_written_last() -> None:
    assert list(Layout(PLAN, CONFIG).variables)[-1] == "status"


def test_another_order_of_axes_is_another_configuration(tmp_path: Path) -> None:
    """Two axes of one size: nothing else would tell that numbers belong elsewhere."""
    config = {"task": "fake", "axes": {"sigma_b": [0.1, 0.2], "c": [0.3, 0.4]}}
    turned = {**config, "axes": dict(reversed(config["axes"].items()))}
    with open_store(tmp_path / "s.zarr", PLAN, config):
        pass
    with (
        pytest.raises(EocError, match="order of axes: sigma_b, c in the store, c, sigma_b now"),
        open_store(tmp_path / "s.zarr", PLAN, turned),
    ):
        pass


@pytest.mark.parametrize("damage", ["lost", "folder", "garbage"])
def test_coordinates_that_are_damaged_are_found_and_restored(tmp_path: Path, damage: str) -> None:
    """zarr takes a file that is missing for zeros."""
    path = tmp_path / "s.zarr"
    with open_store(path, PLAN, CONFIG) as store:
        store.put(results(0, 1))
    before = open_sweep(path)
    file = next((path / "depth" / "c").iterdir())
    file.unlink()
    if damage == "folder":
        file.mkdir()
    if damage == "garbage":
        file.write_bytes(b"nothing of this kind")
    with pytest.raises(EocError, match=r"depth.*run the sweep again"):
        open_sweep(path)
    if damage == "folder":
        file.rmdir()
    with open_store(path, PLAN, CONFIG):
        pass
    xarray.testing.assert_identical(open_sweep(path).drop_attrs(), before.drop_attrs())


def test_a_link_to_a_store_stays_one(tmp_path: Path) -> None:
    (tmp_path / "large disk").mkdir()
    link = tmp_path / "s.zarr"
    link.symlink_to(tmp_path / "large disk" / "real.zarr")
    with open_store(link, PLAN, CONFIG) as store:
        store.put(results(0))
    with (
        open_store(link, PLAN, CONFIG, new=True) as store,
        pytest.raises(EocError, match="another run"),
        open_store(tmp_path / "large disk" / "real.zarr", PLAN, CONFIG),
    ):
        pass
    assert link.is_symlink()
    assert store.set_aside == tmp_path / "large disk" / "real-1.zarr"
    assert sorted(path.name for path in (tmp_path / "large disk").iterdir()) == ["real-1.zarr", "real.zarr"]


def test_a_store_cannot_be_the_current_folder_or_a_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for place in (Path(), Path("/")):
        with pytest.raises(EocError, match="give the name of a folder"), open_store(place, PLAN, CONFIG):
            pass


def test_the_old_store_is_set_aside_only_when_there_is_a_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "s.zarr"
    with open_store(path, PLAN, CONFIG) as store:
        store.put(results(0))

    def full(*arguments: Any, **options: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("zarr.consolidate_metadata", full)
    with pytest.raises(EocError, match="No space left"), open_store(path, PLAN, CONFIG, new=True):
        pass
    assert [one.name for one in tmp_path.iterdir()] == ["s.zarr"]
    assert open_sweep(path).status.values.flat[0] == DONE
