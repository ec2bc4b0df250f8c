"""Many networks on several threads, with one result whatever their number and however often they are interrupted."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import numpy as np

from eoc.errors import EocError
from eoc.machine import version
from eoc.montecarlo.running.checkpoint import Snapshot, load, save
from eoc.montecarlo.running.study import Chunk, Study
from eoc.montecarlo.running.summary import Summary
from eoc.montecarlo.settings import checked_count
from eoc.validation import real_number

__all__ = ["Progress", "RunSettings", "checkpoint_path", "run", "run_study", "share_of"]

Progress = Callable[[float, float], None]

_QUEUED = 2  # chunks a worker has before it, so that none waits while a checkpoint is written
_AHEAD = 4  # chunks a worker may be ahead of the first unfinished one: they are all remembered
_LOOK = 0.1  # seconds between looks at the clock


@dataclass(frozen=True)
class RunSettings:
    """How networks are run, whatever they are: as the arguments of these names of :func:`run`."""

    workers: int = 1
    checkpoint: str | Path | None = None
    interval: float = 10.0
    progress: Progress | None = None


def run(
    study: Study,
    *,
    workers: int = 1,
    checkpoint: str | Path | None = None,
    interval: float = 10.0,
    fingerprint: Mapping[str, object] | None = None,
    progress: Progress | None = None,
) -> Summary:
    """Sample all networks of a study and keep statistics of what is observed.

    Parameters
    ----------
    study
        The networks and what is observed of them.
    workers
        Threads, >= 1. The result does not depend on them, to the last bit.
    checkpoint
        A file to go on from, if it exists, and to keep up to date. The result is the same, to the last bit, as without
        interruption. From the file of a run that was finished it is returned at once. Of a process that is killed, what
        it did since the last writing and the layers under way are lost, no more.
    interval
        Seconds between two writings of that file, >= 0.
    fingerprint
        What the networks and observations depend on, as numbers and strings (all that JSON can hold): it is written to
        the checkpoint, and one with another fingerprint is refused. Number of networks, seed, batch, depth and versions
        are added. Has to be given with a checkpoint.
    progress
        Called some times a second with the number of layers done, of all networks together, and their total.

    Returns
    -------
    Summary
        Statistics, each of the shape (depth, ...) of its observable in all layers.

    Raises
    ------
    EocError
        For numbers out of range; for a checkpoint that cannot be used or written; and what sampler and observations
        raise, of the first network and layer that raises anything. KeyboardInterrupt, as by Ctrl-C, stops at the end of
        a layer and writes the checkpoint first.

    Notes
    -----
    Threads run at once where NumPy releases Python's lock, as it does in all that is costly in samplers.

    Examples
    --------
    >>> from eoc.montecarlo.sampling.layer import Layer
    >>> class Walk:  # q makes a random step in each of 3 layers
    ...     depth = 3
    ...
    ...     def start(self, networks, rng):
    ...         return np.zeros((networks, 1))
    ...
    ...     def step(self, state, layer, rng):
    ...         state = state + rng.standard_normal(state.shape)
    ...         return state, Layer(state, state, state, state[..., None])
    >>> study = Study(Walk(), lambda layer, seen: {"q": seen.q[:, 0]}, networks=1000, seed=1, batch=100)
    >>> found = run(study).moments["q"]
    >>> found.count, bool((abs(found.variance - [1.0, 2.0, 3.0]) < 4.0 * found.variance_error).all())
    (1000, True)
    """
    return run_study(study, RunSettings(workers, checkpoint, interval, progress), fingerprint)


def run_study(study: Study, settings: RunSettings, fingerprint: Mapping[str, object] | None) -> Summary:
    """Sample all networks of a study as the settings say: :func:`run` with its arguments in two objects."""
    workers, progress = checked_count("workers", settings.workers), settings.progress
    interval = real_number("interval", settings.interval)
    if not interval >= 0.0:
        raise EocError(f"interval must be a number of seconds >= 0, got {interval!r}")
    if progress is not None and not callable(progress):
        raise EocError(f"progress must be a function of the layers done and their total, or None; got {progress!r}")
    if settings.checkpoint is None:
        going, interval = _Run(study), math.inf
    else:
        going = _Run(study, checkpoint_path(settings.checkpoint), _complete(fingerprint, study))
    if not going.finished:
        going.write()  # where nothing can be written, that is found out now
        try:
            going.work(workers, interval, progress)
            going.write()
        except KeyboardInterrupt:
            going.write()
            raise
    going.report(progress)
    return going.total


def share_of(progress: Progress | None, before: float, size: float, total: float) -> Progress | None:
    """Progress of one of several runs, as a share of all: this one is ``size`` of ``total``, after ``before``."""
    if progress is None:
        return None
    return lambda done, of: progress((before + size * done / of) / total, 1.0)


def checkpoint_path(checkpoint: str | Path) -> Path:
    """The path of a file to keep a run in; EocError if it is no path."""
    if not isinstance(checkpoint, str | os.PathLike):
        raise EocError(f"checkpoint must be the name of a file, or None; got {checkpoint!r}")
    return Path(checkpoint)


def _complete(fingerprint: Mapping[str, object] | None, study: Study) -> dict[str, object]:
    """The fingerprint, with what any study depends on; EocError if there is none or JSON cannot hold it."""
    if not fingerprint:
        raise EocError("a checkpoint needs a fingerprint, so that it is never taken for that of another problem")
    full = {
        **fingerprint,
        "networks": study.networks,
        "seed": study.seed,
        "batch": study.batch,
        "depth": study.sampler.depth,
        "quantiles": study.quantiles,
        "eoc": version("eoc"),
        "numpy": np.__version__,
    }
    try:
        return dict(json.loads(json.dumps(full, default=_plain)))
    except (TypeError, ValueError) as error:
        raise EocError(f"a fingerprint must be made of numbers and strings: {error}") from None


def _plain(value: object) -> object:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"got {value!r}")


class _Run:
    """The state of a run. Only the main thread changes it; workers change the chunks that they were given."""

    def __init__(self, study: Study, path: Path | None = None, fingerprint: Mapping[str, object] | None = None) -> None:
        self._study, self._path, self._fingerprint = study, path, fingerprint or {}
        found = (None if path is None else load(path, self._fingerprint)) or Snapshot()
        self._merged = found.merged, found.total  # one tuple: an interrupt finds both changed, or neither
        self._submitted = found.merged
        self._chunks = {number: Chunk(study, number, reached) for number, reached in found.under_way.items()}
        self._pending: dict[Future[Summary], int] = {}
        self._arrived: dict[int, Future[Summary]] = {}  # in any order; merged in theirs
        for number, summary in found.finished.items():
            self._arrived[number] = Future()
            self._arrived[number].set_result(summary)

    @property
    def finished(self) -> bool:
        return self._merged[0] == self._study.chunks

    @property
    def total(self) -> Summary:
        total = self._merged[1]
        assert total is not None  # there is at least one chunk
        return total

    def work(self, workers: int, interval: float, progress: Progress | None) -> None:
        stop, due = Event(), time.monotonic() + interval
        with ThreadPoolExecutor(workers, thread_name_prefix="eoc") as pool:
            try:
                while not self.finished:
                    self._submit(pool, workers, stop)
                    self._collect()
                    self.report(progress)
                    if time.monotonic() >= due:
                        self.write()
                        due = time.monotonic() + interval
            finally:
                stop.set()

    def _submit(self, pool: ThreadPoolExecutor, workers: int, stop: Event) -> None:
        last = min(self._study.chunks, self._merged[0] + _AHEAD * workers)
        self._submitted = max(self._submitted, self._merged[0])  # what was found finished can have been merged since
        while self._submitted < last and len(self._pending) < _QUEUED * workers:
            number = self._submitted
            if number not in self._arrived:
                chunk = self._chunks.setdefault(number, Chunk(self._study, number))
                # the context holds the caller's np.errstate
                self._pending[pool.submit(copy_context().run, chunk.summary, stop)] = number
            self._submitted += 1

    def _collect(self) -> None:
        """Wait for a chunk, not for long, and merge what is next. Errors come in order too: the first one is raised."""
        for future in wait(self._pending, _LOOK, FIRST_COMPLETED).done:
            number = self._pending.pop(future)
            self._arrived[number] = future
            del self._chunks[number]
        while (number := self._merged[0]) in self._arrived:
            summary, total = self._arrived[number].result(), self._merged[1]
            self._merged = number + 1, summary if total is None else total.merged(summary)
            del self._arrived[number]

    def write(self) -> None:
        if self._path is None:
            return
        merged, total = self._merged
        finished = {
            number: future.result()
            for number, future in self._arrived.items()
            if number >= merged and future.exception() is None
        }
        under_way = {number: chunk.reached for number, chunk in self._chunks.items() if number not in finished}
        there = {number: at for number, at in under_way.items() if at is not None}
        save(self._path, self._fingerprint, Snapshot(merged, total, finished, there))

    def report(self, progress: Progress | None) -> None:
        if progress is None:
            return
        study, depth = self._study, self._study.sampler.depth
        whole_chunks = min(self._merged[0] * study.batch, study.networks) + sum(map(study.size, self._arrived))
        parts = sum(chunk.layer * chunk.size for chunk in self._chunks.values())
        progress(whole_chunks * depth + parts, study.networks * depth)
