"""Kernel matrices in a store, block by block: the matrix itself, the same bits however it was computed."""

from __future__ import annotations

import numpy as np
import pytest

import eoc
from eoc.errors import EocError
from eoc.kernels.blocks import block_at, blocks_of
from eoc.sweeps import kernel_rows, open_sweep, run_kernel

X = np.random.default_rng(0).standard_normal((7, 4))
PLACE = {"depth": 2, "sigma_w": 1.4, "sigma_b": 0.1}


@pytest.fixture
def data(tmp_path):
    np.save(tmp_path / "x.npy", X)
    return tmp_path / "x.npy"


def test_blocks_are_numbered_row_by_row():
    for along in range(1, 12):
        expected = list(zip(*np.triu_indices(along), strict=True))
        assert [block_at(number, along) for number in range(along * (along + 1) // 2)] == expected
    assert blocks_of(10**6, 1000) == 500_500
    assert block_at(500_499, 1000) == (999, 999)


@pytest.mark.parametrize("size", [2, 3, 7, 10])
def test_the_store_holds_the_matrix(data, tmp_path, size):
    store = run_kernel("relu", data, tmp_path / "k.zarr", **PLACE, size=size, workers=1)
    whole = eoc.kernel("relu", X, **PLACE)
    for which in ("nngp", "ntk"):
        np.testing.assert_allclose(kernel_rows(store, which, 0, 7), getattr(whole, which), rtol=1e-13)
        np.testing.assert_array_equal(kernel_rows(store, which, 3, 6), kernel_rows(store, which, 0, 7)[3:6])


def test_networks_without_free_weights_are_taken(data, tmp_path):
    network = "residual(relu, dense(1))"
    store = run_kernel(network, data, tmp_path / "k.zarr", depth=2, size=4, workers=1)
    np.testing.assert_allclose(kernel_rows(store, "ntk", 0, 7), eoc.kernel(network, X, depth=2).ntk, rtol=1e-13)


def interrupted(done: float, failed: float, points: float) -> None:
    if done >= 3:
        raise KeyboardInterrupt


def test_it_goes_on_where_it_was_interrupted_with_the_same_bits(data, tmp_path, monkeypatch):
    place = {**PLACE, "size": 2}
    whole = run_kernel("tanh", data, tmp_path / "whole.zarr", **place, workers=2)
    monkeypatch.setattr("eoc.sweeps.running.scheduling._TARGET", 1e-9)  # a batch for every block
    with pytest.raises(KeyboardInterrupt):
        run_kernel("tanh", data, tmp_path / "parts.zarr", **place, workers=1, progress=interrupted)
    done = int((open_sweep(tmp_path / "parts.zarr").status == 1).sum())
    assert 0 < done < blocks_of(7, 2)
    with pytest.raises(EocError, match="not all blocks"):
        kernel_rows(tmp_path / "parts.zarr", "ntk", 0, 7)
    parts = run_kernel("tanh", data, tmp_path / "parts.zarr", **place, workers=1)
    for which in ("nngp", "ntk"):
        assert kernel_rows(whole, which, 0, 7).tobytes() == kernel_rows(parts, which, 0, 7).tobytes()


def test_what_cannot_be_read_is_refused(data, tmp_path):
    with pytest.raises(EocError, match="cannot read the inputs"):
        run_kernel("relu", tmp_path / "none.npy", tmp_path / "k.zarr", **PLACE)
    np.save(tmp_path / "flat.npy", X[0])
    with pytest.raises(EocError, match="inputs as rows"):
        run_kernel("relu", tmp_path / "flat.npy", tmp_path / "k.zarr", **PLACE)
    np.save(tmp_path / "nan.npy", X * np.nan)
    with pytest.raises(EocError, match=r"blocks of the kernel failed: .*not finite"):
        run_kernel("relu", tmp_path / "nan.npy", tmp_path / "nan.zarr", **PLACE, size=4, workers=1)
    store = run_kernel("relu", data, tmp_path / "k.zarr", **PLACE, size=4, workers=1)
    with pytest.raises(EocError, match="rows must be from 0 to 7"):
        kernel_rows(store, "ntk", 5, 9)
    with pytest.raises(EocError, match="which must be"):
        kernel_rows(store, "other", 0, 1)
