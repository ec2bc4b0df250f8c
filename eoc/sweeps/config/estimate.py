"""What a sweep will cost, before it runs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

from eoc.sweeps.plan import Plan

__all__ = ["Estimate", "estimate", "store_bytes"]

_SAMPLED = 200  # points that are asked how long they take
_RECORD = 32  # bytes of a point besides its outputs: status, error, seconds, random_seed


@dataclass(frozen=True)
class Estimate:
    """What a sweep will cost, each to a factor of about 3.

    Attributes
    ----------
    points
        How many there are.
    seconds
        How long they take, once every worker has been started and has tabulated its expectations.
    bytes_store
        How large the data set is, before it is compressed.
    bytes_memory
        How much memory the points take that are computed at a time, besides about 0.2 GB for Python and its libraries
        in every worker; 0 if that is little.
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
        Of everything together.

    Examples
    --------
    >>> from eoc.sweeps.config.sweep import sweep_of
    >>> sweep = sweep_of({"schema": 1, "task": "edge_of_chaos", "axes": {"activation": "tanh", "sigma_b": [0.1, 0.2]}})
    >>> found = estimate(sweep.plan, workers=2)
    >>> found.points, found.seconds < 1.0
    (2, True)
    """
    some = Random(0).sample(range(plan.size), min(plan.size, _SAMPLED))  # even steps could miss values of an axis
    points = [{**plan.point(i), **plan.inner} for i in {*some, plan.size - 1}]  # the last is often the largest
    mean = math.fsum(plan.task.seconds(point) for point in points) / len(points)
    largest = max(plan.task.bytes(point) for point in points)
    busy = min(workers, plan.size)
    return Estimate(plan.size, mean * plan.size / busy, store_bytes(plan), largest * busy)


def store_bytes(plan: Plan) -> float:
    """How large the data set of a sweep is, before it is compressed."""
    sizes = {name: coordinate.values.size for name, coordinate in plan.coordinates.items()}
    each = sum(output.dtype.itemsize * math.prod(sizes[dim] for dim in output.dims) for output in plan.outputs.values())
    return float(plan.size * (each + _RECORD))
