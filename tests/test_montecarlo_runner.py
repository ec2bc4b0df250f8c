"""Runs of many networks: the same to the last bit with any workers, after any interruption, and never another's."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import eoc.montecarlo.running.checkpoint as checkpoint_module
import eoc.montecarlo.running.runner as runner_module
from eoc.activations import activation
from eoc.errors import EocError
from eoc.montecarlo.running.checkpoint import Snapshot, digest, fingerprint_of, load, save
from eoc.montecarlo.running.runner import run
from eoc.montecarlo.running.study import Chunk, Reached, Study, batch_size
from eoc.montecarlo.running.summary import Summary
from eoc.montecarlo.sampling.layer import Layer
from eoc.montecarlo.settings import generator

FloatArray = NDArray[np.float64]

SEED = 7
PROBLEM = {"sigma_w": 1.5, "widths": [3, 3]}


def no_hook(number: int, layer: int, state: FloatArray) -> None:
    """Nothing special happens in a step."""


@dataclass
class Walk:
    """A random walk of two numbers a network. ``hook`` is called before every step, numbered from 1."""

    depth: int = 5
    hook: Any = no_hook
    steps: int = 0
    lock: Any = field(default_factory=threading.Lock)

    def start(self, networks: int, rng: np.random.Generator) -> FloatArray:
        return rng.standard_normal((networks, 2))

    def step(self, state: FloatArray, layer: int, rng: np.random.Generator) -> tuple[FloatArray, Layer]:
        with self.lock:
            self.steps += 1
            number = self.steps
        self.hook(number, layer, state)
        state = state + rng.standard_normal(state.shape)
        return state, Layer(state, state**2, state**4, np.zeros((len(state), 2, 2)))


def observe(layer: int, seen: Layer) -> dict[str, Any]:
    return {"q": seen.q, "k": seen.kernel[:, 0], "positive": seen.kernel[:, 0] > 0.0}


def study(sampler: Walk | None = None, **changes: Any) -> Study:
    settings = {"networks": 40, "seed": SEED, "batch": 6, "quantiles": ("q",)}
    return Study(sampler or Walk(), observe, **{**settings, **changes})


def assert_same(found: Summary, expected: Summary) -> None:
    """To the last bit."""
    a, b = found.to_arrays(), expected.to_arrays()
    assert a.keys() == b.keys()
    assert found.networks == expected.networks
    for key in a:
        assert (a[key].dtype, a[key].shape) == (b[key].dtype, b[key].shape)
        assert a[key].tobytes() == b[key].tobytes(), key


def chunk_of(state: FloatArray) -> int:
    """Which chunk begins with this state."""
    starts = [generator(SEED, i, 0).standard_normal((1, 2))[0] for i in range(7)]
    return [np.array_equal(state[0], start) for start in starts].index(True)


# -- What is computed --------------------------------------------------------------------------------------------------


def test_statistics_are_those_of_the_chunks_streams() -> None:
    found = run(study())
    walks = []
    for i, size in enumerate([6] * 6 + [4]):
        steps = [generator(SEED, i, layer).standard_normal((size, 2)) for layer in range(6)]
        walks.append(np.cumsum(steps, axis=0)[1:].swapaxes(0, 1))
    k = np.concatenate(walks)  # (40, 5, 2)
    assert found.networks == 40
    assert found.moments["q"].mean == pytest.approx((k**2).mean(axis=0), rel=1e-13)
    assert found.moments["k"].variance == pytest.approx(k[..., 0].var(axis=0, ddof=1), rel=1e-13)
    assert np.array_equal(found.proportions["positive"].events, (k[..., 0] > 0.0).sum(axis=0))
    median = found.quantiles["q"].quantile(0.5)
    assert (np.abs(median.value - np.quantile(k**2, 0.5, axis=0, method="inverted_cdf")) <= median.error).all()


def test_conclusions_see_all_layers() -> None:
    found = run(study(conclude=lambda seen: {"largest": seen["q"].max(axis=1), "kept": seen["k"]}, quantiles=()))
    assert found.moments["largest"].mean.shape == (2,)
    assert (found.moments["largest"].mean > run(study()).moments["q"].mean.max(axis=0)).all()
    assert_same(
        Summary(40, {"k": found.moments["kept"]}, {}, {}), Summary(40, {"k": run(study()).moments["k"]}, {}, {})
    )


@pytest.mark.parametrize("workers", [2, 3, 8])
def test_workers_change_nothing(workers: int) -> None:
    assert_same(run(study(networks=400), workers=workers), run(study(networks=400)))


def test_chunks_that_finish_out_of_order_change_nothing() -> None:
    def first_chunk_is_slow(number: int, layer: int, state: FloatArray) -> None:
        if layer == 1 and chunk_of(state) in (0, 3):
            time.sleep(0.05)

    assert_same(run(study(Walk(hook=first_chunk_is_slow)), workers=3), run(study()))


def test_the_callers_errstate_holds_in_workers() -> None:
    def divide(number: int, layer: int, state: FloatArray) -> None:
        assert np.isinf(np.ones(1) / np.zeros(1))

    with np.errstate(divide="ignore"):
        run(study(Walk(hook=divide)), workers=2)
    with pytest.raises(RuntimeWarning, match="divide by zero"):
        run(study(Walk(hook=divide)), workers=2)


def test_progress_rises_to_the_total() -> None:
    seen: list[tuple[float, float]] = []
    run(study(), workers=2, progress=lambda done, total: seen.append((done, total)))
    assert {total for _, total in seen} == {200}
    done = [done for done, _ in seen]
    assert done == sorted(done)
    assert done[-1] == 200


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_the_first_error_is_raised_whoever_meets_one_first(workers: int) -> None:
    def fail(number: int, layer: int, state: FloatArray) -> None:
        if layer == 1:
            chunk = chunk_of(state)
            time.sleep(0.03 * (chunk == 2))
            if chunk >= 2:
                raise EocError(f"layer {layer} of chunk {chunk} overflows")

    with pytest.raises(EocError, match="layer 1 of chunk 2 overflows"):
        run(study(Walk(hook=fail)), workers=workers)


# -- Interruption ------------------------------------------------------------------------------------------------------


def interrupting(at: int, sampler: Walk | None = None) -> Walk:
    """Ctrl-C comes in step number ``at``; what follows is slow, so that most of it is still to be done."""
    sampler = sampler or Walk()

    def hook(number: int, layer: int, state: FloatArray) -> None:
        if number == at:
            control_c()
        if number >= at:
            time.sleep(0.005)

    sampler.hook = hook
    return sampler


def control_c() -> None:
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_an_interrupted_run_goes_on_as_if_it_had_not_been(tmp_path: Path, workers: int) -> None:
    expected, left = run(study()), []
    for at in range(1, 36, 2):
        path = tmp_path / f"{at}.npz"
        with pytest.raises(KeyboardInterrupt):
            run(study(interrupting(at)), workers=workers, checkpoint=path, fingerprint=PROBLEM)
        rest = Walk()
        assert_same(run(study(rest), workers=1 + at % 3, checkpoint=path, fingerprint=PROBLEM), expected)
        assert rest.steps <= 35 - at + workers  # of a step in each worker, less is lost
        left.append(rest.steps)
        finished = Walk()
        assert_same(run(study(finished), checkpoint=path, fingerprint=PROBLEM), expected)
        assert finished.steps == 0
    assert min(left) <= 3  # interrupts came late,
    assert max(left) > 8  # and early
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".npz"] * 18


def test_a_run_interrupted_again_and_again(tmp_path: Path) -> None:
    path, times = tmp_path / "run.npz", 0
    while True:
        try:
            found = run(study(interrupting(4)), workers=1 + times % 3, checkpoint=path, fingerprint=PROBLEM)
            break
        except KeyboardInterrupt:
            times += 1
    assert times >= 4
    assert_same(found, run(study()))


def test_chunks_finished_out_of_order_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "run.npz"

    def hook(number: int, layer: int, state: FloatArray) -> None:
        if layer == 1 and chunk_of(state) == 0:
            deadline = time.monotonic() + 10.0
            while sampler.steps < 13 and time.monotonic() < deadline:  # two other chunks, and some of a third
                time.sleep(0.001)
            control_c()
            time.sleep(0.05)

    sampler = Walk(hook=hook)
    with pytest.raises(KeyboardInterrupt):
        run(study(sampler), workers=2, checkpoint=path, fingerprint=PROBLEM)
    rest = Walk()
    assert_same(run(study(rest), workers=2, checkpoint=path, fingerprint=PROBLEM), run(study()))
    assert rest.steps <= 35 - 12


def test_chunks_that_were_finished_far_ahead_are_not_computed_again(tmp_path: Path) -> None:
    finished = {number: Chunk(study(), number).summary(threading.Event()) for number in range(1, 6)}
    path = tmp_path / "run.npz"
    save(path, runner_module._complete(PROBLEM, study()), Snapshot(finished=finished))
    rest = Walk()
    assert_same(run(study(rest), workers=1, checkpoint=path, fingerprint=PROBLEM), run(study()))
    assert rest.steps == 10  # those of the first and the last chunk


def test_an_interrupt_while_the_checkpoint_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, calls, savez = tmp_path / "run.npz", [0], np.savez

    def interrupted(file: Any, **arrays: Any) -> None:
        calls[0] += 1
        savez(file, **arrays)
        if calls[0] == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint_module.np, "savez", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(study(), checkpoint=path, interval=0.0, fingerprint=PROBLEM)
    assert [file.name for file in tmp_path.iterdir()] == ["run.npz"]
    monkeypatch.undo()
    assert_same(run(study(), checkpoint=path, fingerprint=PROBLEM), run(study()))


def test_a_state_of_any_memory_layout_goes_on_as_it_was(tmp_path: Path) -> None:
    @dataclass
    class Transposed(Walk):
        """Sums along the second axis, whose last digits depend on the layout."""

        def start(self, networks: int, rng: np.random.Generator) -> FloatArray:
            return rng.standard_normal((2, 300, networks)).transpose(2, 1, 0)

        def step(self, state: FloatArray, layer: int, rng: np.random.Generator) -> tuple[FloatArray, Layer]:
            self.steps += 1
            self.hook(self.steps, layer, state)
            state = (state + rng.standard_normal(state.shape[::-1]).T) / (1.0 + abs(state.sum(axis=1, keepdims=True)))
            q = np.einsum("mnp,mnp->mp", state, state)
            return state.swapaxes(1, 2).copy().swapaxes(1, 2), Layer(q, q, q, np.zeros((len(q), 2, 2)))

    path = tmp_path / "run.npz"
    with pytest.raises(KeyboardInterrupt):
        run(study(interrupting(13, Transposed())), checkpoint=path, fingerprint=PROBLEM)
    assert_same(run(study(Transposed()), checkpoint=path, fingerprint=PROBLEM), run(study(Transposed())))


def test_a_killed_run_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    rng, path, done = np.random.default_rng(20261207), tmp_path / "run.npz", [0]
    for kill in range(7):
        command = [sys.executable, "-W", "error", __file__, str(path), str(1 + kill % 2)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "started\n"
            time.sleep(rng.uniform(0.02, 0.25))
            process.send_signal(signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL
        done.append(layers_done(path) if path.exists() else 0)
    assert done == sorted(done)  # nothing is lost that was written
    assert 0 < done[-1] < 480
    rest = Walk(40)
    assert_same(run(study(rest, networks=72), checkpoint=path, fingerprint=PROBLEM), run(study(Walk(40), networks=72)))
    assert rest.steps == 480 - done[-1]


def layers_done(path: Path) -> int:
    with np.load(path, allow_pickle=False) as arrays:
        header = json.loads(str(arrays["header"]))
    return 40 * (header["merged"] + len(header["finished"])) + sum(header["under way"].values())


# -- Checkpoints -------------------------------------------------------------------------------------------------------


@pytest.fixture
def half(tmp_path: Path) -> Path:
    """The checkpoint of a run that was interrupted half way."""
    path = tmp_path / "half.npz"
    with pytest.raises(KeyboardInterrupt):
        run(study(interrupting(18)), workers=2, checkpoint=path, fingerprint=PROBLEM)
    return path


@pytest.mark.parametrize(
    ("changes", "fingerprint", "difference"),
    [
        ({}, {**PROBLEM, "sigma_w": 1.6}, "sigma_w: 1.5 in the file, 1.6 now"),
        ({}, {**PROBLEM, "phi": "abc"}, 'phi: absent in the file, "abc" now'),
        ({}, {"sigma_w": 1.5}, r"widths: \[3, 3\] in the file, absent now"),
        ({"networks": 41}, PROBLEM, "networks: 40 in the file, 41 now"),
        ({"seed": 8}, PROBLEM, "seed: 7 in the file, 8 now"),
        ({"batch": 5}, PROBLEM, "batch: 6 in the file, 5 now"),
        ({"quantiles": ()}, PROBLEM, r'quantiles: \["q"\] in the file, \[\] now'),
        ({"sampler": Walk(6)}, PROBLEM, "depth: 5 in the file, 6 now"),
    ],
)
def test_another_problems_checkpoint_is_refused(
    half: Path, changes: dict[str, Any], fingerprint: dict[str, object], difference: str
) -> None:
    before = half.read_bytes()
    with pytest.raises(EocError, match=f"of another problem:\n  {difference}\n"):
        run(study(**changes), checkpoint=half, fingerprint=fingerprint)
    assert half.read_bytes() == before


def test_another_version_is_refused(half: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eoc.montecarlo.running.runner.version", lambda _: "99.0")
    with pytest.raises(EocError, match=r'eoc: ".*" in the file, "99.0" now'):
        run(study(), checkpoint=half, fingerprint=PROBLEM)


def test_numbers_of_numpy_are_as_good_as_others(half: Path) -> None:
    same = {"sigma_w": np.float64(1.5), "widths": np.array([3, 3])}
    found = run(study(networks=np.int64(40)), checkpoint=half, fingerprint=same)
    assert_same(found, run(study()))


def test_a_damaged_checkpoint_is_refused(half: Path) -> None:
    whole = half.read_bytes()
    for length in np.linspace(0, len(whole) - 1, 40).astype(int):
        half.write_bytes(whole[:length])
        with pytest.raises(EocError, match=r"half.npz is no checkpoint .* damaged: delete it or give another"):
            run(study(), checkpoint=half, fingerprint=PROBLEM)


def test_a_flipped_bit_is_noticed_or_harmless(half: Path) -> None:
    whole, rng = half.read_bytes(), np.random.default_rng(5)
    expected, refused = run(study()), 0
    for place in rng.integers(len(whole), size=150):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << int(rng.integers(8))
        half.write_bytes(flipped)
        try:
            assert_same(run(study(), checkpoint=half, fingerprint=PROBLEM), expected)
        except EocError:
            refused += 1
    assert refused > 75


class Malicious:
    """What pickle would execute."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, ("executed",))


def test_files_of_another_origin_are_refused_and_never_executed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.npz").write_text("dear diary")
    np.savez(tmp_path / "other.npz", q=np.ones(3))
    np.savez(tmp_path / "header.npz", header=np.array('{"format": "something else"}'))
    np.savez(tmp_path / "object.npz", header=np.array(Malicious(), dtype=object))
    np.save(tmp_path / "array.npy", np.ones(3))
    np.array(Malicious(), dtype=object).dump(tmp_path / "pickle.npz")
    for path in sorted(tmp_path.iterdir()):
        before = path.read_bytes()
        with pytest.raises(EocError, match=f"{path.name} is no checkpoint"):
            run(study(), checkpoint=path, fingerprint=PROBLEM)
        assert path.read_bytes() == before
    assert not (tmp_path / "executed").exists()


def test_places_where_nothing_can_be_written_are_refused_before_anything_is_computed(tmp_path: Path) -> None:
    sampler = Walk()
    with pytest.raises(EocError, match="it is no file"):
        run(study(sampler), checkpoint=tmp_path, fingerprint=PROBLEM)
    with pytest.raises(EocError, match=r"cannot write the checkpoint to .*: No such file or directory"):
        run(study(sampler), checkpoint=tmp_path / "nowhere" / "run.npz", fingerprint=PROBLEM)
    assert sampler.steps == 0
    assert tmp_path.is_dir()


def test_a_snapshot_comes_back_as_it_was(tmp_path: Path) -> None:
    path, problem = tmp_path / "any name", {"q": 1.0}
    assert load(path, problem) is None
    seen = Summary.of({"q": np.arange(6.0).reshape(3, 2)}, ["q"])
    at = Reached(2, np.ones((3, 4), np.float32), {"q/a": np.zeros((3, 2)), "yes": np.ones((3, 2), bool)})
    save(path, problem, Snapshot(4, seen, {6: seen, 5: seen}, {4: at, 7: Reached(0, np.ones((3, 4)), {})}))
    found = load(path, problem)
    assert found is not None
    assert (found.merged, list(found.finished), list(found.under_way)) == (4, [6, 5], [4, 7])
    assert found.total is not None
    for summary in (found.total, *found.finished.values()):
        assert_same(summary, seen)
    assert found.under_way[4].state.dtype == np.float32
    assert {name: values.dtype.str for name, values in found.under_way[4].observed.items()} == {
        "q/a": "<f8",
        "yes": "|b1",
    }
    assert (found.under_way[7].layer, found.under_way[7].observed) == (0, {})


# -- What cannot be run ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"), [("networks", 0), ("networks", 2.5), ("batch", 0), ("seed", -1), ("seed", 1.5), ("seed", None)]
)
def test_studies_are_checked(name: str, value: Any) -> None:
    with pytest.raises(EocError, match=f"{name} must be a whole number >= [01], got {value!r}"):
        study(**{name: value})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"workers": 0}, "workers must be a whole number >= 1, got 0"),
        ({"interval": -1.0}, "interval must be .* >= 0, got -1.0"),
        ({"interval": np.nan}, "interval must be .* >= 0, got nan"),
        ({"interval": None}, "interval must be a real number"),
        ({"interval": "a"}, "interval must be a real number"),
        ({"progress": 5}, "progress must be a function .*; got 5"),
        ({"checkpoint": 5, "fingerprint": PROBLEM}, "checkpoint must be the name of a file, or None; got 5"),
        ({"checkpoint": "run.npz"}, "a checkpoint needs a fingerprint"),
        ({"checkpoint": "run.npz", "fingerprint": {"phi": np.tanh}}, "made of numbers and strings"),
    ],
)
def test_settings_are_checked(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(EocError, match=message):
        run(study(), **settings)


@pytest.mark.parametrize(
    ("observed", "message"),
    [
        (lambda layer, seen: {}, "the same arrays after every layer"),
        (lambda layer, seen: {f"q{layer}": seen.q}, "the same arrays after every layer"),
        (lambda layer, seen: {"q": seen.q[:, :layer]}, "the same arrays after every layer"),
        (
            lambda layer, seen: {"q": seen.q[:2]},
            r"q of layer 1 must be .* 6 networks, .* got float64 of shape \(2, 2\)",
        ),
        (lambda layer, seen: {"q": ["a"] * 6}, "q of layer 1 must be numbers or booleans"),
        (lambda layer, seen: {"q": np.where(layer == 3, np.nan, seen.q)}, "q of layer 3 is not finite"),
    ],
)
def test_observations_are_checked(observed: Any, message: str) -> None:
    with pytest.raises(EocError, match=message):
        run(Study(Walk(), observed, networks=12, seed=0, batch=6))


def test_conclusions_are_checked() -> None:
    with pytest.raises(EocError, match="conclude must return arrays of 6 networks, got 5"):
        run(study(conclude=lambda seen: {"q": seen["q"][0]}))


def test_batches_depend_on_the_problem_only_and_keep_memory_small() -> None:
    assert batch_size(5, 10, 1, 10) == 5
    assert batch_size(10**6, [1000, 10], 2, 100) == 8
    assert batch_size(10**6, 10**7, 3, 10) == 1
    assert batch_size(10**6, 1, 1, 10**5) == 20
    for name, arguments in (("width", (1, [], 1, 1)), ("inputs", (1, 1, 0, 1)), ("depth", (1, 1, 1, 0))):
        with pytest.raises(EocError, match=f"{name} must be a whole number >= 1, got 0"):
            batch_size(*arguments)  # type: ignore[arg-type]


def test_hopeless_sizes_are_refused() -> None:
    with pytest.raises(EocError, match=r"3e\+15 units together, which would take about 3.5e\+02 days"):
        batch_size(10**6, 10**8, 3, 10)
    for name, arguments in (("width", (2, 10**10, 1, 2)), ("depth", (2, 10, 1, 10**7))):
        with pytest.raises(EocError, match=f"{name} must be at most 1000000|{name} must be at most 8589934592"):
            batch_size(*arguments)


@pytest.mark.skipif(os.name != "posix", reason="symbolic links")
def test_a_checkpoint_in_a_circle_of_links_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    path.symlink_to(path)
    if sys.version_info < (3, 13):  # which replaces the link
        with pytest.raises(EocError, match=r"cannot use .*run.npz: links lead in a circle"):
            run(study(), checkpoint=path, fingerprint=PROBLEM)


def test_fingerprints_tell_activations_apart() -> None:
    names = ("tanh", "elu", "elu(alpha=0.5)", "tanh(1.0000001 * x)", "relu")
    found = [fingerprint_of(activation(name)) for name in names]
    assert len({str(entry["phi"]) for entry in found}) == len(names)
    assert fingerprint_of(activation("tanh")) == found[0]
    assert digest(np.zeros(4)) != digest(np.zeros((2, 2))) != digest(np.zeros((2, 2), np.float32))


def test_a_chunk_shows_where_it_is() -> None:
    chunk = Chunk(study(), 6)
    assert (chunk.reached, chunk.layer, chunk.size) == (None, 0, 4)
    chunk.summary(threading.Event())
    at = chunk.reached
    assert at is not None
    assert (at.layer, at.state.shape, at.observed["q"].shape) == (5, (4, 2), (4, 5, 2))


if __name__ == "__main__":  # what the test above kills: 2 seconds on two workers
    slow = study(Walk(40, lambda number, layer, state: time.sleep(0.008)), networks=72)
    print("started", flush=True)
    run(slow, workers=int(sys.argv[2]), checkpoint=sys.argv[1], interval=0.0, fingerprint=PROBLEM)


@pytest.mark.parametrize("weights", ["gaussian", "orthogonal", "uniform"])
def test_a_very_wide_layer_is_given_up_in_its_middle(weights):
    """Ctrl-C is not made to wait for minutes: an event that is set ends the layer at the next of its blocks."""
    from concurrent.futures import CancelledError

    from eoc.montecarlo.experiments.networks import one_input
    from eoc.montecarlo.sampling.layer import stopping

    width = 4000 if weights == "uniform" else 200_000
    one = one_input("tanh", 1.2, 0.0, width=width, depth=2, networks=2, seed=0, q=1.0, weights=weights)
    rng = np.random.default_rng(0)
    state = one.sampler.start(1, rng)
    if weights == "uniform":
        state, _ = one.sampler.step(state, 1, rng)  # the first layer is its inputs
    stop = threading.Event()
    stop.set()
    token = stopping.set(stop)
    try:
        with pytest.raises(CancelledError):
            one.sampler.step(state, 2 if weights == "uniform" else 1, rng)
    finally:
        stopping.reset(token)
