"""Where points are computed: in this process, in a pool of others, on a Dask cluster, or by any executor."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection
from threading import Thread
from typing import Any

from eoc.errors import EocError
from eoc.machine import cores
from eoc.sweeps.plan import Batch, Result
from eoc.sweeps.running.work import compute

__all__ = [
    "Computed",
    "DaskEngine",
    "Engine",
    "ExecutorEngine",
    "MapEngine",
    "ProcessEngine",
    "SerialEngine",
    "engine_of",
]

Computed = Future[list[Result]]

_DASK_SECONDS = 30.0  # until a scheduler that does not answer is given up


class Engine:
    """Computes batches of points, several at a time, in any order.

    Attributes
    ----------
    name
        What it is, for the record of the run.
    workers
        How many batches it computes at a time.
    """

    name: str
    workers: int
    _executor: Any

    def submit(self, batch: Batch, patience: float) -> Computed:
        """Begin :func:`eoc.sweeps.running.work.compute`; a dead worker is an exception of the future."""
        return self._executor.submit(compute, batch, patience)

    def lacks(self) -> str:
        """What keeps it from computing, in a sentence; "" if nothing does, or nothing that could be known."""
        return ""

    def restart(self) -> None:
        """Make it usable again after a worker died: nothing to do where none can, or where others replace it."""

    def close(self) -> None:
        """Give up what is under way, at once, and free everything that the engine made itself."""


def engine_of(executor: object, workers: int | None, points: int) -> Engine:
    """The engine for so many points, of which no more are computed at a time.

    Raises
    ------
    EocError
        For an executor or workers other than :func:`eoc.run_sweep` takes, or a cluster that cannot be reached.
    """
    if workers is not None and (isinstance(workers, bool) or not isinstance(workers, int) or workers < 1):
        raise EocError(f"workers must be a whole number >= 1, got {workers!r}")
    count = max(1, min(workers or cores(), points))
    if executor is None:
        return SerialEngine() if count == 1 else ProcessEngine(count)
    if isinstance(executor, str):
        return _local_dask(count) if executor == "dask" else _dask_at(executor)
    if hasattr(executor, "get_executor"):
        return DaskEngine(executor)
    if hasattr(executor, "submit"):
        return ExecutorEngine(executor, count)
    mapped = getattr(executor, "map", executor)
    if callable(mapped):
        return MapEngine(mapped, workers or 1)
    raise EocError(f"executor must have submit or map, or be a function like map; got {executor!r}")


class SerialEngine(Engine):
    """One point after the other, in this process."""

    name = "serial"
    workers = 1

    def submit(self, batch: Batch, patience: float) -> Computed:
        """Compute the batch before this returns."""
        done: Future[list[Result]] = Future()
        done.set_result(compute(batch, patience))
        return done


class ProcessEngine(Engine):
    """Spawned processes on this machine, which begin clean: forked ones would inherit threads that no longer run.

    Every worker holds one end of a pipe whose other end is here alone. When it closes, because the sweep is over or
    because this process was killed, the worker leaves: none stays behind.
    """

    name = "processes"

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._start()

    def _start(self) -> None:
        context = get_context("spawn")
        theirs, self._ours = context.Pipe(duplex=False)
        self._executor = ProcessPoolExecutor(self.workers, context, initializer=_prepare, initargs=(theirs,))
        try:
            with _ignoring_interrupts():
                first, *_ = [self._executor.submit(os.getpid) for _ in range(self.workers)]  # starts all of them
            first.result()
        except BrokenExecutor:
            self.close()
            raise EocError(
                "processes for the workers do not start: a script must call run_sweep under "
                'if __name__ == "__main__": (workers=1 does without processes)'
            ) from None

    def restart(self) -> None:
        """Replace all processes: where one of them dies, the others are of no use to the pool."""
        self.close()
        self._start()

    def close(self) -> None:
        """Let every process leave at once, whatever it does."""
        self._ours.close()
        self._executor.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _ignoring_interrupts() -> Iterator[None]:
    """Threads and processes that begin here never see Ctrl-C; this thread does, when it is over.

    It reaches every process of a terminal; only the one that leads a run is to answer.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # of multiprocessing: its start would end what begins here
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _prepare(pipe: Connection) -> None:
    """Make a worker leave with the pipe, and only then: Ctrl-C in a terminal reaches all processes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(OSError):  # standard error is closed
        os.dup2(2, 1)  # what functions of users print is no result
    Thread(target=_leave_with, args=(pipe,), daemon=True).start()


def _leave_with(pipe: Connection) -> None:
    try:
        pipe.recv_bytes()
    except (EOFError, OSError):
        os._exit(1)


class ExecutorEngine(Engine):
    """An executor of others, in the manner of :mod:`concurrent.futures`; it is left open."""

    def __init__(self, executor: Any, workers: int) -> None:
        self.name = type(executor).__name__
        self.workers = workers
        self._executor = executor
        self._under_way: set[Computed] = set()

    def submit(self, batch: Batch, patience: float) -> Computed:
        """Hand the batch to the executor."""
        try:
            future = super().submit(batch, patience)
        except RuntimeError as error:
            if isinstance(error, BrokenExecutor):
                raise
            raise EocError(f"the executor {self.name} takes no work: {error}") from None  # it was shut down
        self._under_way.add(future)
        future.add_done_callback(self._under_way.discard)
        return future

    def restart(self) -> None:
        """Give up: only who made the executor can make another one."""
        raise EocError(f"a worker of {self.name} died, and it cannot go on: run the sweep again with another executor")

    def close(self) -> None:
        """Cancel what has not begun."""
        for future in list(self._under_way):
            future.cancel()


class MapEngine(Engine):
    """A function in the manner of the built-in ``map``, such as that of a multiprocessing pool."""

    name = "map"

    def __init__(self, mapped: Callable[..., Iterable[list[Result]]], workers: int) -> None:
        self.workers = workers
        self._map = mapped
        self._threads = ThreadPoolExecutor(workers)

    def submit(self, batch: Batch, patience: float) -> Computed:
        """Call the function with the batch alone, on a thread of its own."""
        return self._threads.submit(self._one, batch, patience)

    def _one(self, batch: Batch, patience: float) -> list[Result]:
        (results,) = self._map(partial(compute, patience=patience), [batch])
        return results

    def close(self) -> None:
        """Cancel what has not begun."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class DaskEngine(Engine):
    """Workers of a Dask cluster. One that dies is replaced by Dask, which tries again what was on it.

    Parameters
    ----------
    client
        A ``distributed.Client``, connected to the cluster.
    own
        What to close when the sweep is over: the client, and the cluster if it was made for the sweep.
    """

    name = "dask"

    def __init__(self, client: Any, *own: Any) -> None:
        self._client, self._own = client, own
        self._executor = client.get_executor(pure=False)
        self._address = client.scheduler.address  # which a client that is closed forgets
        self.workers = sum(client.nthreads().values())
        if not self.workers:
            self.close()
            raise EocError(f"the Dask cluster at {self._address} has no workers: start some (dask worker ADDRESS)")

    def lacks(self) -> str:
        """Workers, where the cluster has lost all of them."""
        try:
            if any(self._client.nthreads().values()):
                return ""
        except OSError as error:
            return f"the Dask scheduler at {self._address} does not answer: {error}"
        return f"the Dask cluster at {self._address} has no workers left: the sweep goes on when there are some"

    def close(self) -> None:
        """Cancel what is under way; leave a cluster that others made as it is."""
        self._executor.shutdown(wait=False)
        for own in self._own:
            own.close()


def _dask_at(address: str) -> DaskEngine:
    """The cluster whose scheduler is at an address such as tcp://10.0.0.1:8786; EocError if it does not answer."""
    distributed = _distributed()
    try:
        client = distributed.Client(address, timeout=_DASK_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise EocError(f"cannot reach a Dask scheduler at {address}: {reason}; write tcp://HOST:PORT") from None
    return DaskEngine(client, client)


def _local_dask(workers: int) -> DaskEngine:
    """A cluster of processes on this machine, which talk over TCP as those of a large one do."""
    distributed = _distributed()
    with _ignoring_interrupts():
        cluster = distributed.LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            silence_logs=logging.CRITICAL,
        )
    client = distributed.Client(cluster, set_as_default=False)  # what else of the program uses Dask is its own
    return DaskEngine(client, client, cluster)


def _distributed() -> Any:
    try:
        import distributed
    except ImportError:
        raise EocError('Dask is not installed: pip install "eoc[dask]"') from None
    return distributed
