"""From what a user asks for to an engine."""

from __future__ import annotations

from eoc.errors import EocError
from eoc.machine import cores
from eoc.sweeps.running.engines.engine import Engine
from eoc.sweeps.running.engines.other import Given, Mapped
from eoc.sweeps.running.engines.pool import Pool
from eoc.sweeps.running.engines.serial import Serial

__all__ = ["engine_of"]


def engine_of(executor: object, workers: int | None, points: int) -> Engine:
    """The engine for a number of points.

    Parameters
    ----------
    executor
        None for this machine; "dask" for a Dask cluster on this machine; the address of a Dask scheduler,
        "tcp://HOST:PORT"; a ``distributed.Client``; an executor in the manner of :mod:`concurrent.futures`; or a
        function in the manner of ``map``, or an object with such a method.
    workers
        How many points are computed at a time; None for as many as there are cores. 1 without an executor computes in
        this process.
    points
        How many points there are: no more workers are started.

    Raises
    ------
    EocError
        For anything else, or a cluster that cannot be reached.
    """
    if workers is not None and (isinstance(workers, bool) or not isinstance(workers, int) or workers < 1):
        raise EocError(f"workers must be a whole number >= 1, got {workers!r}")
    count = max(1, min(workers or cores(), points))
    if executor is None:
        return Serial() if count == 1 else Pool(count)
    if isinstance(executor, str):
        from eoc.sweeps.running.engines.dask import dask_at, local_dask

        return local_dask(count) if executor == "dask" else dask_at(executor)
    if hasattr(executor, "get_executor"):
        from eoc.sweeps.running.engines.dask import Dask

        return Dask(executor)
    if hasattr(executor, "submit"):
        return Given(executor, count)
    mapped = getattr(executor, "map", executor)
    if callable(mapped):
        return Mapped(mapped, workers or 1)
    raise EocError(f"executor must have submit or map, or be a function like map; got {executor!r}")
