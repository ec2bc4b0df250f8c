"""What a sweep will cost, before it runs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

from eoc.sweeps.plan import Plan
from eoc.sweeps.store.layout import Layout

__all__ = ["Estimate", "estimate"]

_SAMPLED = 200  # points that are asked how long they take
_START_SECONDS = 3.0  # until the first point is done: imports, processes, what is compiled is loaded
_TABLES_SECONDS = 0.1  # in which a worker tabulates the expectations of an activation
_PROCESS = 2.5e8  # bytes of a worker with the libraries it needs
_FILE = 4096  # bytes: the least that a file or a folder takes
_ABOUT = 1000  # bytes in the metadata of the whole for every array


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


def _store_bytes(plan: Plan) -> float:
    """How large the store of a sweep is on disk: files and folders are counted by what a disk gives to each of them."""
    layout = Layout(plan, {})
    parts = [layout.blocks.parts + (1,) * len(inner) for inner in layout.shapes.values()]
    parts += [(1,) * values.ndim for _, values in layout.coordinates.values()]
    files = sum(1 + math.prod(counts) for counts in parts)  # one more describes the array
    folders = sum(1 + math.prod(counts[:k]) for counts in parts for k in range(len(counts)))
    return plan.result_bytes + _FILE * (files + folders) + _ABOUT * len(parts)
