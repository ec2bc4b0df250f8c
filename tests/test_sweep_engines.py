"""Engines of sweeps: the same to the last bit on any of them, also where processes are killed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor, ThreadPoolExecutor
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from sweeps import NETWORKS, POINTS, assert_same

from eoc.errors import EocError
from eoc.sweeps import open_sweep, run_sweep, sweep_of
from eoc.sweeps.running.engines import DaskEngine, ProcessEngine
from eoc.sweeps.running.scheduling import Queue, drive

KILLER = """
import json, os, signal, sys, time
import numba, scipy.linalg, threadpoolctl, xarray, zarr  # before forking: a resumed run costs no start-up
from eoc.sweeps import sweep_of
from eoc.sweeps.running import scheduling
from eoc.sweeps.running.run import run_sweep
from eoc.sweeps.running.work import compute

config, store, workers, moments = json.loads(sys.argv[1])
compute(scheduling.Queue(sweep_of(config).plan, [0], 1).batch(), 0.0)
scheduling._TARGET = 0.005  # small batches: as much time goes into writing as into computing
for reports, seconds in moments:
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        run_sweep(config, store, workers=workers, progress=lambda *counts: os.write(theirs, b"."))
        os._exit(0)
    os.close(theirs)
    for _ in range(reports):
        os.read(ours, 1)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(ours)
    print(json.dumps(child), flush=True)
    sys.stdin.readline()
"""


def killed(config, store, workers, moments):
    """Run the sweep, kill it and go on; yields after each kill, so many seconds after so many reports of progress."""
    arguments = json.dumps([config, str(store), workers, moments])
    with subprocess.Popen(
        [sys.executable, "-c", KILLER, arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as driver:
        for line in driver.stdout:
            yield json.loads(line)
            driver.stdin.write("\n")
            driver.stdin.flush()
    assert driver.returncode == 0


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    """The data set of NETWORKS, computed in this process."""
    path = tmp_path_factory.mktemp("serial") / "sweep.zarr"
    summary = run_sweep(NETWORKS, path, workers=1)
    assert (summary.points, summary.done, summary.failed, summary.computed) == (48, 48, 0, 48)
    return open_sweep(path).load()


def test_two_processes_give_the_same_bits(networks, tmp_path):
    run_sweep(NETWORKS, tmp_path / "sweep.zarr", workers=2)
    assert_same(open_sweep(tmp_path / "sweep.zarr"), networks)


@pytest.mark.parametrize("executor", ["submit", "map"])
def test_executors_of_others_give_the_same_bits(networks, tmp_path, executor):
    with ThreadPoolExecutor(3) as threads:
        given = threads if executor == "submit" else map
        run_sweep(NETWORKS, tmp_path / "sweep.zarr", executor=given)
    assert_same(open_sweep(tmp_path / "sweep.zarr"), networks)


def test_the_seed_of_a_point_does_not_depend_on_the_others(networks, tmp_path):
    alone = {**NETWORKS, "axes": {**NETWORKS["axes"], "seed": 4, "width": 30, "activation": "tanh"}}
    run_sweep(alone, tmp_path / "sweep.zarr", workers=1)
    found, same = open_sweep(tmp_path / "sweep.zarr"), networks.sel(seed=4, width=30, activation="tanh")
    assert found.random_seed.values.tolist() == same.random_seed.values.tolist()
    np.testing.assert_array_equal(found["rms"].values, same["rms"].values)
    assert len(np.unique(networks.random_seed)) == networks.random_seed.size


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_twenty_kills_lose_nothing(tmp_path):
    seeds = {"grid": "range", "start": 0, "stop": 40, "step": 1}
    config = {**NETWORKS, "axes": {**NETWORKS["axes"], "activation": "tanh", "seed": seeds}}
    rng = random.Random(7)
    moments = [((0, 1, 2, 1, 2)[i % 5], rng.uniform(0.0, 0.03)) for i in range(20)]
    store, kept, stages = tmp_path / "sweep.zarr", {}, []
    for _ in killed(config, store, 1, moments):
        if not store.exists():
            continue
        found = open_sweep(store).load()
        seconds = found.seconds.values.ravel().tolist()
        done = {i: seconds[i] for i in np.flatnonzero(found.status.values.ravel() == 1)}
        assert {i: done[i] for i in kept} == kept  # with the time that it took then: it was not computed again
        kept = done
        stages.append(len(done))
    assert len(set(stages)) >= 16  # moments all over the sweep
    summary = run_sweep(config, store, workers=1)
    assert summary.computed == 160 - stages[-1] > 0
    run_sweep(config, tmp_path / "whole.zarr", workers=1)
    assert_same(open_sweep(store), open_sweep(tmp_path / "whole.zarr"))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_no_worker_outlives_a_killed_run(networks, tmp_path):
    for child in killed(NETWORKS, tmp_path / "sweep.zarr", 2, [(0, 0.5), (1, 0.0)]):
        until = time.monotonic() + 5.0
        while workers_of(child) and time.monotonic() < until:
            time.sleep(0.02)
        assert not workers_of(child)
    run_sweep(NETWORKS, tmp_path / "sweep.zarr", workers=1)
    assert_same(open_sweep(tmp_path / "sweep.zarr"), networks)


def workers_of(process):
    """The processes of this session that were spawned by that one."""
    found = []
    for status in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = status.read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if "spawn_main" in command and f"parent_pid={process}," in command:
            found.append(status.parent.name)
    return found


class Murderous(ProcessEngine):
    """A pool one of whose processes is killed."""

    submitted = 0

    def submit(self, batch, patience):
        future = super().submit(batch, patience)
        self.submitted += 1
        if self.submitted == 5:
            os.kill(next(iter(self._executor._processes)), signal.SIGKILL)
        return future


def test_killed_workers_are_replaced(networks, tmp_path, monkeypatch):
    monkeypatch.setattr("eoc.sweeps.running.engines.ProcessEngine", Murderous)
    summary = run_sweep(NETWORKS, tmp_path / "sweep.zarr", workers=2)
    assert (summary.done, summary.failed) == (48, 0)
    assert_same(open_sweep(tmp_path / "sweep.zarr"), networks)


def test_a_point_that_kills_its_workers_is_recorded(tmp_path):
    (tmp_path / "mine.py").write_text(
        "import multiprocessing, os\nimport numpy as np\n"
        "def deadly(x):\n    if multiprocessing.parent_process():\n        os._exit(3)\n    return np.tanh(x)\n"
        "def raising(x):\n    raise RuntimeError('no')\n"
    )
    config = tmp_path / "sweep.yaml"
    config.write_text(
        "schema: 1\ntask: edge_of_chaos\naxes:\n"
        "  activation: [tanh, mine.py:raising, relu, mine.py:deadly, erf]\n  correlation_depth: 30\n"
    )
    summary = run_sweep(config, tmp_path / "sweep.zarr", workers=2)
    found = open_sweep(tmp_path / "sweep.zarr")
    assert (summary.done, summary.failed) == (3, 2)
    assert found.status.values.tolist() == [1, 2, 1, 2, 1]
    assert "no" in found.error.values[1]
    assert "died" in found.error.values[3]
    assert np.isfinite(found.sigma_w.values).tolist() == [True, False, True, False, True]


def test_executors_that_are_none_are_refused(tmp_path):
    for arguments in ({"executor": 3}, {"workers": 0}, {"workers": 1.5}, {"executor": "nonsense"}):
        with pytest.raises(EocError):
            run_sweep(POINTS, tmp_path / "sweep.zarr", **arguments)


def test_dask_gives_the_same_bits_although_a_worker_is_killed(networks, tmp_path):
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50) as cluster,
        distributed.Client(cluster) as client,
    ):
        address = client.scheduler.address
        assert address.startswith("tcp://")
        victims = [worker["pid"] for worker in client.run(worker_pid).values()]

        def kill(done, failed, total):
            if len(victims) == 2 and done > 3:
                os.kill(victims.pop(), signal.SIGKILL)

        run_sweep(NETWORKS, tmp_path / "sweep.zarr", executor=address, progress=kill)
    assert len(victims) == 1
    assert_same(open_sweep(tmp_path / "sweep.zarr"), networks)


def test_a_cluster_without_workers_is_refused_and_one_that_lost_them_is_told(tmp_path, monkeypatch, caplog):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr("eoc.sweeps.running.scheduling._QUIET", 0.0)
    options = {"processes": False, "dashboard_address": None, "silence_logs": 50}
    with distributed.LocalCluster(n_workers=0, **options) as cluster, distributed.Client(cluster) as client:
        with pytest.raises(EocError, match=r"the Dask cluster at \w+://\S+ has no workers: start some"):
            run_sweep(POINTS, tmp_path / "none.zarr", executor=client)
        cluster.scale(1)
        client.wait_for_workers(1)
        engine = DaskEngine(client)
        cluster.scale(0)
        while client.nthreads():
            time.sleep(0.05)
        queue = Queue(sweep_of(POINTS).plan, [39], 1)

        def later():
            while "has no workers left" not in caplog.text:
                time.sleep(0.05)
            cluster.scale(1)

        helper = Thread(target=later, daemon=True)
        helper.start()
        found = []
        drive(queue, engine, lambda results: found.extend(results) or True)
        helper.join()
    assert [one.index for one in found] == [39]


def worker_pid():
    return {"pid": os.getpid()}


def test_without_dask_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(EocError, match=r"eoc\[dask\]"):
        run_sweep(POINTS, tmp_path / "sweep.zarr", executor="dask")


def test_a_broken_executor_of_others_ends_the_run_with_what_was_done(tmp_path):
    class Fragile(ThreadPoolExecutor):
        submitted = 0

        def submit(self, function, *arguments):
            self.submitted += 1
            return super().submit(function if self.submitted < 2 else broken, *arguments)

    def broken(batch, patience):
        raise BrokenExecutor

    with Fragile(1) as executor, pytest.raises(EocError, match="a worker of Fragile died, and it cannot go on"):
        run_sweep(POINTS, tmp_path / "sweep.zarr", executor=executor, workers=1)
    assert (open_sweep(tmp_path / "sweep.zarr").status.values > 0).any()
    with pytest.raises(EocError, match="takes no work"):  # it was shut down
        run_sweep(POINTS, tmp_path / "sweep.zarr", executor=executor, workers=1)
