"""Keeping an engine busy: batches go out, results come back, what is lost with a worker goes out again."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, wait

from eoc.errors import EocError
from eoc.sweeps.batch import Batch, Result
from eoc.sweeps.running.engines.engine import Computed, Engine
from eoc.sweeps.running.queue import PATIENCE, Queue

__all__ = ["Took", "drive"]

_log = logging.getLogger(__name__)  # warnings go to standard error where nobody has set it up otherwise

#: Takes results, and says whether the run is to go on.
Took = Callable[[list[Result]], bool]

_AHEAD = 2  # batches a worker has, so that it never waits for the next
_QUIET = 10.0  # seconds without a result, after which it is asked what the engine lacks
_WATCH = 0.2  # seconds between two looks at what is under way: Windows delivers Ctrl-C only in between


def drive(queue: Queue, engine: Engine, took: Took) -> None:
    """Keep the engine busy until nothing is left, or ``took`` says that this is enough.

    Parameters
    ----------
    queue
        What is to be computed.
    engine
        Where.
    took
        Called with results as they come.

    Raises
    ------
    EocError
        If the engine cannot compute at all. A worker that dies is no reason: what it had is computed again.
    """
    under_way: dict[Computed, Batch] = {}
    go_on = True
    quiet = time.monotonic() + _QUIET
    while (queue or under_way) and go_on:
        _hand_out(queue, engine, under_way)
        done, _ = wait(under_way, _WATCH, FIRST_COMPLETED)
        if done:
            quiet = time.monotonic() + _QUIET
        elif time.monotonic() > quiet:
            if lacks := engine.lacks():
                _log.warning(lacks)
            quiet = time.monotonic() + _QUIET
        broken = any(isinstance(future.exception(), BrokenExecutor) for future in done if not future.cancelled())
        if broken:
            done, _ = wait(under_way)  # the rest is lost too, or done already
        go_on = took(_taken(done, under_way, queue))
        if broken and queue:
            engine.restart()


def _hand_out(queue: Queue, engine: Engine, under_way: dict[Computed, Batch]) -> None:
    """Submit batches as long as the engine has room; one of which workers died is computed alone."""
    room = _AHEAD * engine.workers if engine.workers > 1 else 1
    while queue and len(under_way) < room:
        if under_way and (queue.suspect or any(map(queue.suspects, under_way.values()))):
            return
        batch = queue.batch()
        try:
            under_way[engine.submit(batch, PATIENCE)] = batch
        except BrokenExecutor:  # a worker died between two batches
            queue.came(batch, [])
            if not under_way:
                engine.restart()
            return


def _taken(done: Iterable[Computed], under_way: dict[Computed, Batch], queue: Queue) -> list[Result]:
    """What has been computed; what was lost with a worker is put back."""
    alone = len(under_way) == 1
    found: list[Result] = []
    for future in done:
        batch = under_way.pop(future)
        results = _results(future)
        if results is None:
            found += queue.died(batch, alone)
        else:
            queue.came(batch, results)
            found += results
    return found


def _results(future: Computed) -> list[Result] | None:
    """What a worker has computed; None if it died."""
    try:
        return future.result()
    except BrokenExecutor:
        return None
    except CancelledError:
        raise EocError(
            "the connection to the workers is lost; what is in the store stays there: run it again"
        ) from None
    except EocError:
        raise
    except Exception as error:
        if type(error).__name__ == "KilledWorker":  # of Dask, which may not be installed
            return None
        raise EocError(f"a worker cannot compute: {type(error).__name__}: {error}") from error
