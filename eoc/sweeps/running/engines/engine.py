"""What an engine is."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Protocol

from eoc.sweeps.batch import Batch, Result

__all__ = ["Computed", "Engine"]

Computed = Future[list[Result]]


class Engine(Protocol):
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

    def submit(self, batch: Batch, patience: float) -> Computed:
        """Begin :func:`eoc.sweeps.running.work.compute`; a dead worker is an exception of the future."""

    def lacks(self) -> str:
        """What keeps it from computing, in a sentence; "" if nothing does."""

    def restart(self) -> None:
        """Make it usable again after a worker died."""

    def close(self) -> None:
        """Give up what is under way, at once, and free everything that the engine made itself."""
