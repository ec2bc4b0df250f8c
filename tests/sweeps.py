"""Sweeps that tests run, and what two data sets have to have in common."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray

#: A few milliseconds a point, random numbers, several axes, zipped ones, an inner one, "eoc".
NETWORKS: dict[str, Any] = {
    "schema": 1,
    "task": "montecarlo",
    "experiment": "length_process",
    "axes": {
        "activation": ["tanh", "elu"],
        "sigma_w": ["eoc", 1.25],
        "sigma_b": [0.2, 0.3],
        "width": [10, 30],
        "depth": 3,
        "networks": 40,
        "eps": [0.1, 0.2],
        "seed": {"grid": "range", "start": 0, "stop": 6, "step": 1},
    },
    "zip": [["sigma_w", "sigma_b"]],
}
#: Each of the 40 points takes a millisecond; gelu has no usable point below sigma_b = 0.416.
POINTS: dict[str, Any] = {
    "schema": 1,
    "task": "phase",
    "axes": {
        "activation": ["gelu", "tanh"],
        "sigma_w": "eoc",
        "sigma_b": {"grid": "linspace", "start": 0.1, "stop": 1.0, "num": 20},
    },
}


def assert_same(one: xarray.Dataset, other: xarray.Dataset) -> None:
    """To the last bit, but for the time that points took and when they were computed."""
    one, other = one.drop_vars("seconds"), other.drop_vars("seconds")
    assert list(one.variables) == list(other.variables)
    assert one.sizes == other.sizes
    for name in one.variables:
        a, b = one[name].values, other[name].values
        assert a.dtype == b.dtype, name
        if a.dtype.kind in "fiu":
            assert np.ascontiguousarray(a).tobytes() == np.ascontiguousarray(b).tobytes(), name
        else:
            assert a.tolist() == b.tolist(), name
        assert one[name].attrs == other[name].attrs
    assert one.attrs["config"] == other.attrs["config"]
