"""The task "kernel": the NNGP and the NTK of inputs in a file, block by block, for matrices larger than memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from eoc.errors import EocError
from eoc.floats import FloatArray
from eoc.sweeps.task import Coordinate, Parameter, Point, Task, Values
from eoc.sweeps.tasks.common import NETWORK, OF_FREE, SIGMA_B, SIGMA_W, along, always, sigma_problems

__all__ = ["KERNEL"]

_DATA = Parameter("data", "file with the inputs as rows, (n, d)", "text", required=True, note="a .npy")
_DEPTH = Parameter("depth", "blocks of the network", "whole", "L", "layers", least=0, most=20_000, required=True)
_SIZE = Parameter("size", "inputs along a side of a block of the matrix", "whole", least=1, most=20_000, default=1000)
_BLOCK = Parameter(
    "block",
    "number of a block on or above the diagonal, counted row by row from 0",
    "whole",
    least=0,
    most=1e12,
    required=True,
    note="all of them: {grid: range, start: 0, stop: m (m + 1)/2} for m along a side",
)
_OUTPUTS = along(
    "row",
    "column",
    nngp=("covariance of outputs; nan beyond the last input", "K"),
    ntk=("neural tangent kernel; nan beyond the last input", r"\Theta"),
)
_PAIR_SECONDS = 1e-6  # in a layer
_PAIR_BYTES = 500.0


def _problems(values: Values) -> Iterable[tuple[str, str]]:
    from eoc.kernels.blocks import blocks_of, opened

    yield from sigma_problems(values)
    if len(values.get("size", ())) > 1:
        yield "size", "must be one number: all blocks of a matrix are of one size"
        return
    for path in values.get("data", ()):
        try:
            count = len(opened(Path(path)))
        except EocError as error:
            yield "data", str(error)
            return
        there, most = blocks_of(count, int(values.get("size", (_SIZE.default,))[0])), max(values.get("block", (0,)))
        if most >= there:
            yield "block", f"there are {there} blocks of {count} inputs, got number {most}"


def _kernel(point: Point) -> Mapping[str, FloatArray]:
    from eoc.kernels import kernel
    from eoc.kernels.blocks import block_at, inputs_at, opened

    path, size = Path(point["data"]), int(point["size"])
    row, column = block_at(int(point["block"]), -(-len(opened(path)) // size))
    x1 = inputs_at(path, row, size)
    x2 = None if row == column else inputs_at(path, column, size)
    found = kernel(
        point["activation"],
        x1,
        x2,
        depth=int(point["depth"]),
        sigma_w=point.get("sigma_w"),
        sigma_b=point["sigma_b"],
    )
    missing = [(0, size - length) for length in found.ntk.shape]
    return {name: np.pad(getattr(found, name), missing, constant_values=np.nan) for name in ("nngp", "ntk")}


def _coordinates(values: Values) -> Mapping[str, Coordinate]:
    numbers = np.arange(int(values.get("size", (_SIZE.default,))[0]))
    return {
        "row": Coordinate(numbers, "input of the block of rows"),
        "column": Coordinate(numbers, "input of the block of columns"),
    }


def _pairs(point: Point) -> float:
    return float(point["size"]) ** 2


KERNEL = Task(
    name="kernel",
    about="NNGP and NTK of inputs in a file, block by block",
    parameters=(NETWORK, SIGMA_W.but(required=False, note=OF_FREE), SIGMA_B, _DEPTH, _DATA, _SIZE, _BLOCK),
    outputs=always(_OUTPUTS),
    run=_kernel,
    seconds=lambda point: 0.1 + _PAIR_SECONDS * _pairs(point) * (1.0 + float(point["depth"])),
    bytes=lambda point: _PAIR_BYTES * _pairs(point),
    problems=_problems,
    coordinates=_coordinates,
)
