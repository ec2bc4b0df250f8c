"""What a sweep costs besides its points, and what a second process gains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from eoc.sweeps import run_sweep

TRIVIAL = {
    "schema": 1,
    "task": "edge_of_chaos",
    "axes": {"activation": "relu", "sigma_b": {"grid": "linspace", "start": 0.0, "stop": 1.0, "num": 10_000}},
}
FIFTY = {  # milliseconds a point
    "schema": 1,
    "task": "montecarlo",
    "experiment": "length_process",
    "axes": {
        "activation": "tanh",
        "sigma_w": 1.3,
        "sigma_b": 0.2,
        "width": 1000,
        "depth": 5,
        "networks": 600,
        "seed": {"grid": "range", "start": 0, "stop": 200, "step": 1},
    },
}


@pytest.mark.parametrize("workers", [1, 2])
def test_trivial_points(benchmark: Any, tmp_path: Path, workers: int) -> None:
    benchmark.group = "10 000 trivial points"
    summary = benchmark.pedantic(run_sweep, (TRIVIAL, tmp_path / "s.zarr"), {"workers": workers, "new": True}, rounds=1)
    assert summary.done == 10_000
    each = 1e3 * summary.seconds / summary.done
    benchmark.extra_info["milliseconds a point"] = each
    print(f"\n{workers} workers: {each:.3f} ms a trivial point, end to end")
    assert each < 2.0


def test_two_processes(benchmark: Any, tmp_path: Path) -> None:
    benchmark.group = "points of 50 ms"
    serial = run_sweep(FIFTY, tmp_path / "serial.zarr", workers=1)
    pool = benchmark.pedantic(run_sweep, (FIFTY, tmp_path / "pool.zarr"), {"workers": 2}, rounds=1)
    assert serial.done == pool.done == 200
    ratio = serial.seconds / pool.seconds
    benchmark.extra_info["ratio"] = ratio
    print(f"\nserial {1e3 * serial.seconds / 200:.1f} ms a point, two processes {ratio:.2f} times as fast")
