"""Running a sweep: every point that is not in the store yet is computed and put there."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from eoc.errors import EocError
from eoc.sweeps.config.sweep import Sweep, read_sweep, sweep_of
from eoc.sweeps.functions import fingerprints
from eoc.sweeps.plan import Result
from eoc.sweeps.running.engines import Engine, engine_of
from eoc.sweeps.running.scheduling import Queue, drive
from eoc.sweeps.store.header import git_commit, versions
from eoc.sweeps.store.opening import open_store

__all__ = ["Progress", "Summary", "default_store", "run_sweep"]

#: Called with the points that are done, those that failed, and all points of the sweep.
Progress = Callable[[int, int, int], None]


@dataclass(frozen=True)
class Summary:
    """What became of a sweep.

    Attributes
    ----------
    path
        The store.
    points, done, failed
        How many there are in all, and how many are finished or failed by now.
    computed
        How many of these were computed by this run.
    seconds
        How long it took.
    set_aside
        Where the store that was there before has gone, if a new one was asked for.
    """

    path: Path
    points: int
    done: int
    failed: int
    computed: int
    seconds: float
    set_aside: Path | None


def run_sweep(
    sweep: Sweep | str | Path | Mapping[str, Any],
    store: str | Path | None = None,
    *,
    workers: int | None = None,
    executor: object = None,
    new: bool = False,
    fail_fast: bool = False,
    retry_failed: bool = False,
    progress: Progress | None = None,
) -> Summary:
    """Compute every point of a sweep that its store does not hold yet.

    Parameters
    ----------
    sweep
        A YAML file, a mapping as such a file holds, or what :func:`eoc.sweeps.read_sweep` made of one.
    store
        A folder for the results. Left out: NAME.zarr in the current folder for a file NAME.yaml.
    workers
        How many points are computed at a time, >= 1: processes on this machine. Left out: as many as there are cores.
        1: in this process.
    executor
        Somewhere else to compute: "dask" for a Dask cluster on this machine, "tcp://HOST:PORT" for one that is there,
        a ``distributed.Client``, any executor with ``submit`` as in :mod:`concurrent.futures`, or a function like
        ``map``. It is left open.
    new
        Begin anew; the store that is there is set aside under another name.
    fail_fast
        Stop when a point has failed; the summary says so, and the next run goes on with the others.
    retry_failed
        Compute points again that failed in an earlier run.
    progress
        Called after every batch with three numbers: points that are done, points that failed, and all points.

    Returns
    -------
    Summary
        How many points there are, and where. Points that failed do not stop a sweep: the data set says why.

    Raises
    ------
    EocError
        For a configuration, store or executor that cannot be used.

    Notes
    -----
    The numbers do not depend on the executor, the number of workers, or how often the run was interrupted. A process
    that is killed loses the points that were being computed, about a second's work of every worker or one point. With
    ``workers`` other than 1 a script must call this under ``if __name__ == "__main__":``, because the processes import
    it.

    Examples
    --------
    >>> import tempfile
    >>> from eoc.sweeps import open_sweep
    >>> config = {"schema": 1, "task": "edge_of_chaos", "axes": {"activation": "tanh", "sigma_b": [0.1, 0.2]}}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     summary = run_sweep(config, f"{folder}/tanh.zarr", workers=1)
    ...     sigma_w = open_sweep(summary.path).sigma_w.values
    >>> summary.done, sigma_w.round(8).tolist()
    (2, [1.19340073, 1.30414584])
    """
    asked, place = _asked(sweep), _place(sweep, store)
    start, computed = time.monotonic(), 0
    plan, functions = asked.plan, fingerprints(asked.plan)
    about = {"title": asked.name, "description": asked.description}
    with open_store(place, plan, asked.config, functions=functions, new=new, about=about) as results:

        def keep(found: list[Result]) -> bool:
            nonlocal computed
            if found:
                results.put(found)
                computed += len(found)
                if progress is not None:
                    progress(*results.counts, plan.size)
            return not (fail_fast and any(result.error for result in found))

        points = results.pending(retry_failed)
        if points.size:
            engine = engine_of(executor, workers, points.size)
            results.began(_record(engine, plan.folder))
            try:
                drive(Queue(plan, points.tolist(), engine.workers, functions), engine, keep)
            finally:
                engine.close()
                results.ended(time.monotonic() - start, computed)
        taken = time.monotonic() - start
        return Summary(results.path, plan.size, *results.counts, computed, taken, results.set_aside)


def default_store(file: str | Path) -> Path:
    """Where the results of a configuration go if nobody says where.

    Examples
    --------
    >>> default_store("configs/rates.yaml").name
    'rates.zarr'
    """
    return Path(f"{Path(file).stem}.zarr")


def _asked(sweep: Sweep | str | Path | Mapping[str, Any]) -> Sweep:
    if isinstance(sweep, Sweep):
        return sweep
    return sweep_of(sweep) if isinstance(sweep, Mapping) else read_sweep(sweep)


def _place(sweep: object, store: str | Path | None) -> Path:
    if store is None and not isinstance(sweep, str | Path):
        raise EocError("give store, a folder for the results, such as 'sweep.zarr'")
    return default_store(str(sweep)) if store is None else Path(store)


def _record(engine: Engine, folder: str) -> dict[str, Any]:
    """What a run is, for the record."""
    return {
        "began": datetime.now(UTC).isoformat(timespec="seconds"),
        "host": platform.node(),
        "process": os.getpid(),
        "engine": engine.name,
        "workers": engine.workers,
        "versions": versions(),
        "git_commit": git_commit(folder),
    }
