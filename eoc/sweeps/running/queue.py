"""Which points are still to be computed, handed out in batches that take about half a second each."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import Any

from eoc.sweeps.batch import Batch, Result
from eoc.sweeps.plan import Plan

__all__ = ["PATIENCE", "Queue"]

PATIENCE = 1.0  #: seconds after which a worker hands over what it has
_TARGET = 0.5  # seconds of a batch
_SHARES = 4  # batches a worker gets at least of what is left, so that all finish together
_SORTED = 1000  # points of which the longest are computed first
_DEATHS = 3  # of workers with the same point, the last of them alone


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
        return self._plan.task.seconds(self._plan.whole_point(index))

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
        plan, size = self._plan, self._size()
        points: dict[int, dict[str, Any]] = {}
        while len(points) < size and self._waiting and not (points and self._deaths[self._waiting[0]]):
            index = self._waiting.popleft()
            points[index] = plan.point(index)
            if plan.task.random:
                points[index]["random_seed"] = plan.random_seed(index)
        return Batch(plan.task.name, plan.folder, plan.inner, points, self._functions)

    def _size(self) -> int:
        if self._seconds is None or self._deaths[self._waiting[0]]:
            return 1
        size = max(1, round(_TARGET / max(self._seconds, 1e-6)))
        return size if self._workers == 1 else min(size, -(-len(self._waiting) // (_SHARES * self._workers)))

    def came(self, batch: Batch, results: Sequence[Result]) -> None:
        """Learn from results; points that the worker had no time for come next."""
        left = dict(batch.points)
        for result in results:
            del left[result.index]
        if results:
            self._seconds = sum(result.seconds for result in results) / len(results)
        self._waiting.extendleft(reversed(left))

    def died(self, batch: Batch, alone: bool) -> list[Result]:
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
