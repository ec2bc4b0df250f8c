"""Which points are computed when: handed out in batches of half a second, and again if they are lost with a worker."""

from __future__ import annotations

import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, wait

from eoc.errors import EocError
from eoc.sweeps.plan import Batch, Plan, Result
from eoc.sweeps.running.engines import Computed, Engine

__all__ = ["Queue", "drive"]

_log = logging.getLogger(__name__)  # warnings go to standard error where nobody has set it up otherwise

_PATIENCE = 1.0  # seconds after which a worker hands over what it has
_TARGET = 0.5  # seconds of a batch
_SHARES = 4  # batches a worker gets at least of what is left, so that all finish together
_SORTED = 1000  # points of which the longest are computed first
_DEATHS = 3  # of workers with the same point, the last of them alone
_AHEAD = 2  # batches a worker has, so that it never waits for the next
_QUIET = 10.0  # seconds without a result, after which it is asked what the engine lacks
_WATCH = 0.2  # seconds between two looks at what is under way: Windows delivers Ctrl-C only in between


class Queue:
    """Points in the order in which they are computed.

    Parameters
    ----------
    plan
        The sweep.
    points
        Numbers of the points to compute.
    workers
        How many batches are computed at a time.
    functions
        Fingerprints of the activations that are functions of a user.
    """

    def __init__(
        self, plan: Plan, points: Sequence[int], workers: int, functions: Mapping[str, str] | None = None
    ) -> None:
        self._plan, self._workers, self._functions = plan, workers, functions or {}
        self._waiting = deque(points)
        if len(points) <= _SORTED:  # the longest first, or one of them goes on alone at the end
            self._waiting = deque(sorted(points, key=self._expected, reverse=True))
        self._seconds: float | None = None  # that a point took in the last batch: the very first one is much slower
        self._deaths: Counter[int] = Counter()

    def _expected(self, index: int) -> float:
        return self._plan.task.seconds(self._plan.full_point(index))

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def suspect(self) -> bool:
        """Whether the next point is to be computed alone: workers died of it, or of a neighbour."""
        return bool(self._waiting) and self._deaths[self._waiting[0]] >= _DEATHS - 1

    def suspects(self, batch: Batch) -> bool:
        """Whether this is a point that is computed alone."""
        return any(self._deaths[index] >= _DEATHS - 1 for index in batch.points)

    def batch(self) -> Batch:
        """The next points."""
        size = self._size()
        points: list[int] = []
        while len(points) < size and self._waiting and not (points and self._deaths[self._waiting[0]]):
            points.append(self._waiting.popleft())
        return self._plan.batch(points, self._functions)

    def _size(self) -> int:
        if self._seconds is None or self._deaths[self._waiting[0]]:
            return 1
        size = max(1, round(_TARGET / max(self._seconds, 1e-6)))
        return size if self._workers == 1 else min(size, -(-len(self._waiting) // (_SHARES * self._workers)))

    def returned(self, batch: Batch, results: Sequence[Result]) -> None:
        """Learn from results; points that the worker had no time for come next."""
        left = dict(batch.points)
        for result in results:
            del left[result.index]
        if results:
            self._seconds = sum(result.seconds for result in results) / len(results)
        self._waiting.extendleft(reversed(left))

    def worker_died(self, batch: Batch, alone: bool) -> list[Result]:
        """Put points back of which a worker may have died; those of which it has died alone have failed."""
        results = []
        for index in reversed(list(batch.points)):
            self._deaths[index] += 1
            if alone and self._deaths[index] >= _DEATHS:
                error = f"{_DEATHS} workers died of it: of a lack of memory, or a fault in the activation's own code"
                results.append(Result(index, float("nan"), {}, error))
            else:
                self._waiting.appendleft(index)
        return results


def drive(queue: Queue, engine: Engine, store: Callable[[list[Result]], bool]) -> None:
    """Keep the engine busy until nothing is left, or ``store`` says that this is enough.

    Parameters
    ----------
    queue
        What is to be computed.
    engine
        Where.
    store
        Takes results as they come, and says whether to go on.

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
        go_on = store(_taken(done, under_way, queue))
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
            under_way[engine.submit(batch, _PATIENCE)] = batch
        except BrokenExecutor:  # a worker died between two batches
            queue.returned(batch, [])
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
            found += queue.worker_died(batch, alone)
        else:
            queue.returned(batch, results)
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
