"""Executors that others made."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import BrokenExecutor, ThreadPoolExecutor
from functools import partial
from typing import Any

from eoc.errors import EocError
from eoc.sweeps.batch import Batch, Result
from eoc.sweeps.running.engines.engine import Computed
from eoc.sweeps.running.work import compute

__all__ = ["Given", "Mapped"]


class Given:
    """An executor in the manner of :mod:`concurrent.futures`; it is left open."""

    def __init__(self, executor: Any, workers: int) -> None:
        self.name = type(executor).__name__
        self.workers = workers
        self._executor = executor
        self._under_way: set[Computed] = set()

    def submit(self, batch: Batch, patience: float) -> Computed:
        """Hand the batch to the executor."""
        try:
            future: Computed = self._executor.submit(compute, batch, patience)
        except RuntimeError as error:
            if isinstance(error, BrokenExecutor):
                raise
            raise EocError(f"the executor {self.name} takes no work: {error}") from None  # it was shut down
        self._under_way.add(future)
        future.add_done_callback(self._under_way.discard)
        return future

    def lacks(self) -> str:
        """Nothing that could be known."""
        return ""

    def restart(self) -> None:
        """Give up: only who made the executor can make another one."""
        raise EocError(f"a worker of {self.name} died, and it cannot go on: run the sweep again with another executor")

    def close(self) -> None:
        """Cancel what has not begun."""
        for future in list(self._under_way):
            future.cancel()


class Mapped:
    """A function in the manner of the built-in ``map``, such as that of a multiprocessing pool."""

    def __init__(self, mapped: Callable[..., Iterable[list[Result]]], workers: int) -> None:
        self.name = "map"
        self.workers = workers
        self._map = mapped
        self._threads = ThreadPoolExecutor(workers)

    def submit(self, batch: Batch, patience: float) -> Computed:
        """Call the function with the batch alone, on a thread of its own."""
        return self._threads.submit(self._one, batch, patience)

    def _one(self, batch: Batch, patience: float) -> list[Result]:
        (results,) = self._map(partial(compute, patience=patience), [batch])
        return results

    def lacks(self) -> str:
        """Nothing that could be known."""
        return ""

    def restart(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Cancel what has not begun."""
        self._threads.shutdown(wait=False, cancel_futures=True)
