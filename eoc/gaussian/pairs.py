r"""Expectations of an activation at many pairs of inputs with variances of their own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from eoc.activations.base import Activation
from eoc.errors import EocError
from eoc.floats import FloatArray, IntArray
from eoc.gaussian import kernels
from eoc.gaussian.moments import moments
from eoc.gaussian.pair_tables import PairTables, pair_tables

__all__ = ["tabulated_pairs"]


def tabulated_pairs(
    phi: Activation, q: FloatArray, e: FloatArray, first: IntArray, second: IntArray
) -> tuple[FloatArray, FloatArray]:
    """K, Kd and G of pairs of inputs, and bounds on the errors, (3, N): NaN where there are no tables."""
    out, error = np.full((3, e.size), np.nan), np.full((3, e.size), np.inf)
    parity = {"even": 1, "odd": -1, None: 0}[phi.parity]
    v = moments(phi, q, ("V",))["V"]
    above = q[first] >= q[second]
    larger, smaller = np.where(above, first, second), np.where(above, second, first)
    order = np.argsort(larger, kind="stable")
    octaves = np.frexp(q)[1] - 1
    for octave in np.unique(octaves[larger]):
        here = order[octaves[larger[order]] == octave]
        try:
            tables = pair_tables(phi, int(octave))
        except EocError:
            continue
        rows, start = np.unique(larger[here], return_index=True)
        start = np.append(start, here.size)
        values, bounds = np.full((3, here.size), np.nan), np.full((3, here.size), np.inf)
        leaves = np.empty(here.size, np.int64)
        while True:
            missing = kernels.evaluate_pairs(
                tables.boxes, tables.low, parity, start, rows, smaller[here], e[here], q, v.value, v.error, values, bounds,
                leaves,
            )
            if not missing:
                break
            tables.build(leaves[leaves >= 0])
        out[:, here], error[:, here] = values, bounds
    return out, error
