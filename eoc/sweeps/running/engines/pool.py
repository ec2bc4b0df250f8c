"""A pool of processes on this machine."""

from __future__ import annotations

import os
import signal
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from threading import Thread

from eoc.errors import EocError
from eoc.sweeps.batch import Batch
from eoc.sweeps.running.engines.engine import Computed
from eoc.sweeps.running.engines.interrupts import ignoring_interrupts
from eoc.sweeps.running.work import compute

__all__ = ["Pool"]


class Pool:
    """Spawned processes, which begin clean: forked ones would inherit threads that no longer run.

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
            with ignoring_interrupts():
                first, *_ = [self._executor.submit(os.getpid) for _ in range(self.workers)]  # starts all of them
            first.result()
        except BrokenExecutor:
            self.close()
            raise EocError(
                "processes for the workers do not start: a script must call run_sweep under "
                'if __name__ == "__main__": (workers=1 does without processes)'
            ) from None

    def submit(self, batch: Batch, patience: float) -> Computed:
        """Compute the batch in one of the processes."""
        return self._executor.submit(compute, batch, patience)

    def lacks(self) -> str:
        """Nothing: its workers are its own."""
        return ""

    def restart(self) -> None:
        """Replace all processes: where one of them dies, the others are of no use to the pool."""
        self.close()
        self._start()

    def close(self) -> None:
        """Let every process leave at once, whatever it does."""
        self._ours.close()
        self._executor.shutdown(wait=True, cancel_futures=True)


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
