"""Sweeps that run: what failed is recorded, what was interrupted goes on, what has changed is refused."""

from __future__ import annotations

import numpy as np
import pytest
from sweeps import POINTS, assert_same

import eoc
from eoc.errors import EocError
from eoc.sweeps import open_sweep, run_sweep, sweep_of
from eoc.sweeps.plan import Result
from eoc.sweeps.running.scheduling import Queue
from eoc.sweeps.running.work import compute


def test_what_failed_is_recorded_and_tried_again_only_if_asked_for(tmp_path):
    store = tmp_path / "sweep.zarr"
    summary = run_sweep(POINTS, store, workers=1)
    found = open_sweep(store).load()
    failed = found.status.values == 2
    assert (summary.done, summary.failed) == (40 - failed.sum(), failed.sum())
    assert not failed[1].any()
    np.testing.assert_array_equal(failed[0], found.sigma_b.values < 0.4158)
    assert all("unstable" in text for text in found.error.values[failed])
    assert np.isnan(found.xi_c.values[failed]).all()
    assert run_sweep(POINTS, store, workers=1).computed == 0
    again = run_sweep(POINTS, store, workers=1, retry_failed=True)
    assert (again.computed, again.failed) == (failed.sum(), failed.sum())
    assert_same(open_sweep(store), found)


def test_fail_fast_stops_at_the_first_failure(tmp_path):
    summary = run_sweep(POINTS, tmp_path / "sweep.zarr", workers=1, fail_fast=True)
    status = open_sweep(tmp_path / "sweep.zarr").status.values
    assert summary.failed == (status == 2).sum() >= 1
    assert (status == 0).any()


def test_an_interrupted_run_goes_on(tmp_path):
    seen = []

    def interrupt(done, failed, total):
        seen.append((done, failed, total))
        if done + failed > 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_sweep(POINTS, tmp_path / "sweep.zarr", workers=1, progress=interrupt)
    assert seen[-1][2] == 40
    done = int((open_sweep(tmp_path / "sweep.zarr").status.values > 0).sum())
    assert 1 <= done < 40
    assert run_sweep(POINTS, tmp_path / "sweep.zarr", workers=1).computed == 40 - done


def test_a_sweep_over_networks_goes_on_and_has_them_as_they_were_typed(tmp_path):
    texts = ["tanh", "residual(tanh, dense, skip=0.8)", "postln", "resnet"]
    config = {"schema": 1, "task": "edge_of_chaos", "axes": {"activation": texts, "sigma_b": [0.0, 0.3]}}

    def interrupt(done, failed, total):
        if done + failed > 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_sweep(config, tmp_path / "sweep.zarr", workers=1, progress=interrupt)
    run_sweep(config, tmp_path / "sweep.zarr", workers=1)
    assert run_sweep(config, tmp_path / "sweep.zarr", workers=1).computed == 0
    data = open_sweep(tmp_path / "sweep.zarr")
    assert data.activation.values.tolist() == texts
    for text in texts:
        edge = eoc.edge_of_chaos(text, sigma_b=0.3)
        wanted = edge.best.sigma_w if edge.reason is None else np.nan
        np.testing.assert_equal(float(data.sigma_w.sel(activation=text, sigma_b=0.3)), wanted)


def test_a_changed_function_is_a_changed_sweep(tmp_path):
    (tmp_path / "own.py").write_text("import numpy as np\ndef phi(x):\n    return np.tanh(x)\n")
    config = tmp_path / "sweep.yaml"
    config.write_text("schema: 1\ntask: edge_of_chaos\naxes: {activation: own.py:phi, sigma_b: [0.1, 0.2]}\n")
    store = tmp_path / "sweep.zarr"
    assert run_sweep(config, store, workers=1).computed == 2
    (tmp_path / "own.py").write_text("import numpy as np\ndef phi(x):\n    return 2.0 * np.tanh(x)\n")
    with pytest.raises(EocError, match=r"functions\.own\.py:phi"):
        run_sweep(config, store, workers=1)
    summary = run_sweep(config, tmp_path / "new.zarr", workers=1)  # although this process has computed with the other
    sigma_w = [eoc.edge_of_chaos("2*tanh(x)", sigma_b=b).best.sigma_w for b in (0.1, 0.2)]
    np.testing.assert_allclose(open_sweep(summary.path).sigma_w, sigma_w, rtol=1e-8)


def test_functions_that_end_their_process_only_fail(tmp_path):
    functions = {
        "leaves": "sys.exit(3)",
        "ends": "os._exit(7)",
        "rude": "raise Rude",
        "fine": "return np.tanh(x)",
    }
    lines = ["import os, sys", "import numpy as np", "class Rude(Exception):", "    def __str__(self): return 1 / 0"]
    lines += [f"def {name}(x): {body}" for name, body in functions.items()]
    (tmp_path / "own.py").write_text("\n".join(lines))
    config = tmp_path / "sweep.yaml"
    named = ", ".join(f"own.py:{name}" for name in functions)
    config.write_text(f"schema: 1\ntask: edge_of_chaos\naxes: {{activation: [{named}], correlation_depth: 30}}\n")
    run_sweep(config, tmp_path / "sweep.zarr", workers=1)
    found = open_sweep(tmp_path / "sweep.zarr")
    assert found.status.values.tolist() == [2, 2, 2, 1]
    assert "ends the process" in found.error.values[1]
    mended = (tmp_path / "own.py").read_text().replace("sys.exit(3)", "return np.tanh(x)")
    (tmp_path / "own.py").write_text(mended)
    assert run_sweep(config, tmp_path / "sweep.zarr", workers=1, retry_failed=True).done == 2


def test_workers_with_another_function_are_refused(tmp_path, monkeypatch):
    """As those of a cluster that imported a module before it was changed, or have other files."""
    (tmp_path / "elsewhere.py").write_text("import numpy as np\ndef phi(x):\n    return np.tanh(x)\n")
    config = tmp_path / "sweep.yaml"
    config.write_text("schema: 1\ntask: edge_of_chaos\naxes: {activation: elsewhere:phi, sigma_b: [0.1, 0.2]}\n")
    monkeypatch.setattr("eoc.sweeps.running.run.fingerprints", lambda plan: {"elsewhere:phi": "another one"})
    with pytest.raises(EocError, match=r"a worker has another elsewhere:phi"):
        run_sweep(config, tmp_path / "sweep.zarr", workers=1)


def test_a_worker_with_another_version_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("eoc.sweeps.running.work.VERSION", "0.0.1")
    with pytest.raises(EocError, match="install the same version"):
        run_sweep(POINTS, tmp_path / "sweep.zarr", workers=1)


def test_batches_take_about_half_a_second_and_are_shared_out():
    sigma_b = {"grid": "linspace", "start": 0.1, "stop": 1.0, "num": 5000}
    config = {**POINTS, "axes": {**POINTS["axes"], "activation": "tanh", "sigma_b": sigma_b}}
    queue = Queue(sweep_of(config).plan, range(5000), 2)
    sizes = []
    while queue:
        batch = queue.batch()
        sizes.append(len(batch.points))
        queue.returned(batch, [Result(i, 1e-3, {}) for i in batch.points])
    assert sizes[0] == 1
    assert max(sizes) == 500
    assert sizes[-1] == 1
    assert sum(sizes) == 5000


def test_points_that_a_worker_had_no_time_for_come_next():
    queue = Queue(sweep_of(POINTS).plan, range(40), 1)
    batch = queue.batch()
    queue.returned(batch, [Result(i, 0.02, {}) for i in batch.points])
    batch = queue.batch()
    first, *rest = batch.points
    queue.returned(batch, [Result(first, 0.02, {})])
    assert list(queue.batch().points)[: len(rest)] == rest


def test_computing_uses_one_thread_and_leaves_warnings_alone(recwarn):
    from threadpoolctl import threadpool_info

    before = [library["num_threads"] for library in threadpool_info()]
    batch = Queue(sweep_of(POINTS).plan, [39], 1).batch()
    (result,) = compute(batch, 1.0)
    assert not result.error
    assert [library["num_threads"] for library in threadpool_info()][: len(before)] == before
    assert not recwarn.list
