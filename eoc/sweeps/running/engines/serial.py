"""One point after the other, in this process."""

from __future__ import annotations

from concurrent.futures import Future

from eoc.sweeps.batch import Batch, Result
from eoc.sweeps.running.engines.engine import Computed
from eoc.sweeps.running.work import compute

__all__ = ["Serial"]


class Serial:
    """The engine of one worker: this process."""

    name = "serial"
    workers = 1

    def submit(self, batch: Batch, patience: float) -> Computed:
        """Compute the batch before this returns."""
        done: Future[list[Result]] = Future()
        done.set_result(compute(batch, patience))
        return done

    def lacks(self) -> str:
        """Nothing: its workers are its own."""
        return ""

    def restart(self) -> None:
        """Nothing to do: there is no worker that could die."""

    def close(self) -> None:
        """Nothing to do."""
