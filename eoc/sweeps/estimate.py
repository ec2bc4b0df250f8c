"""What a sweep will cost, before it runs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

from eoc.sweeps.plan import Plan
from eoc.sweeps.task import EOC

__all__ = ["Estimate", "estimate", "result_bytes"]

_SAMPLED = 200  # points that are asked how long they take
_START_SECONDS = 3.0  # until the first point is done: imports, processes, what is compiled is loaded
_TABLES_SECONDS = 0.1  # in which a worker tabulates the expectations of an activation
_PROCESS = 2.5e8  # bytes of a worker with the libraries it needs
_RECORD = 32  # bytes of a point besides its outputs: status, error, seconds, random_seed
_FILE = 4096  # bytes: the least that a file or a folder takes
_ABOUT = 1000  # bytes in the metadata of the whole for every array
_FEW_POINTS, _MANY_FILES = 256, 64  # of a file, and of an array: beyond these, files grow


@dataclass(frozen=True)
class Estimate:
    """What a sweep will cost, each to a factor of about 3.

    Attributes
    ----------
    points
        How many there are.
    seconds
        How long it takes, from the command to the last point.
    bytes_store
        What the data set takes on disk, with its many small files.
    bytes_memory
        What every worker takes in memory, with Python and its libraries.
    """

    points: int
    seconds: float
    bytes_store: float
    bytes_memory: float


def estimate(plan: Plan, workers: int = 1) -> Estimate:
    """What a sweep will cost.

    Parameters
    ----------
    plan
        Its points, of which some are asked.
    workers
        How many are computed at a time.

    Returns
    -------
    Estimate
        Of everything together; memory is that of one worker.

    Examples
    --------
    >>> from eoc.sweeps import sweep_of
    >>> sweep = sweep_of({"schema": 1, "task": "edge_of_chaos", "axes": {"activation": "tanh", "sigma_b": [0.1, 0.2]}})
    >>> found = estimate(sweep.plan, workers=2)
    >>> found.points, found.seconds < 10.0
    (2, True)
    """
    some = Random(0).sample(range(plan.size), min(plan.size, _SAMPLED))  # even steps could miss values of an axis
    points = [plan.full_point(i) for i in {*some, plan.size - 1}]  # the last is often the largest
    mean = math.fsum(plan.task.seconds(point) for point in points) / len(points)
    first = _START_SECONDS + _TABLES_SECONDS * len(set(plan.values.get("activation", ())))
    largest = max(plan.task.bytes(point) for point in points)
    return Estimate(
        plan.size, first + mean * plan.size / min(workers, plan.size), _store_bytes(plan), _PROCESS + largest
    )


def result_bytes(plan: Plan) -> float:
    """How large the results of a sweep are, as numbers.

    Examples
    --------
    >>> from eoc.sweeps import sweep_of
    >>> sweep = sweep_of({"schema": 1, "task": "edge_of_chaos", "axes": {"activation": "tanh", "sigma_b": [0.1, 0.2]}})
    >>> result_bytes(sweep.plan)
    248.0
    """
    each = sum(
        output.dtype.itemsize * math.prod(plan.coordinates[dim].values.size for dim in output.dims)
        for output in plan.outputs.values()
    )
    return float(plan.size * (each + _RECORD))


def _store_bytes(plan: Plan) -> float:
    """How large the store of a sweep is on disk.

    An array is a folder with a file that describes it and, in a folder for each of its dimensions, files of at least
    some points. Coordinates, with one dimension or none, are arrays too.
    """
    axes = len(plan.shape)
    records = 3 + plan.task.random + (EOC in plan.values.get("sigma_w", ()))
    known = len({**plan.values, **plan.coordinates})
    arrays = [axes + len(output.dims) for output in plan.outputs.values()] + [axes] * records
    files = len(arrays) * min(max(plan.size / _FEW_POINTS, 1.0), _MANY_FILES) + known
    folders = sum(1 + dims for dims in arrays) + known
    about = (len(arrays) + known) * (_FILE + _ABOUT)
    return result_bytes(plan) + _FILE * (files + folders) + about
