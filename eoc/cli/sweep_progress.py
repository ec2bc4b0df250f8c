"""How far a sweep is, on standard error: a bar on a terminal, else a line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from eoc.cli.sweep_words import duration

if TYPE_CHECKING:
    from eoc.sweeps.running import Progress

__all__ = ["Lines", "Rate", "sweep_progress"]

_EVERY = 30.0  # seconds between two lines


@contextmanager
def sweep_progress() -> Iterator[Progress]:
    """Yield what to call with the points that are done, those that failed and all of them."""
    if not sys.stderr.isatty():
        yield Lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = TextColumn("{task.fields[text]}"), BarColumn()
    rate = Rate()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, text="starting")

        def advance(done: int, failed: int, total: int) -> None:
            bar.update(task, completed=done + failed, total=total, text=rate.text(done, failed, total))

        yield advance


class Rate:
    """How fast points are computed, from the first report on: those of earlier runs do not count."""

    def __init__(self) -> None:
        self._first: tuple[float, int] | None = None

    def text(self, done: int, failed: int, total: int) -> str:
        """A line with rate and time left.

        Examples
        --------
        >>> Rate().text(120, 1, 400)
        '121 of 400 points, 1 failed'
        """
        now, ready = time.monotonic(), done + failed
        text = f"{ready} of {total} points" + (f", {failed} failed" if failed else "")
        if self._first is None:
            self._first = now, ready
        start, before = self._first
        if ready == before or now <= start:
            return text
        rate = (ready - before) / (now - start)
        left = f", {duration(max(1.0, (total - ready) / rate))} left" if ready < total else ""
        return f"{text}, {rate:.3g} a second{left}"


class Lines:
    """Prints a line every 30 seconds."""

    def __init__(self) -> None:
        self._rate, self._last = Rate(), time.monotonic()

    def __call__(self, done: int, failed: int, total: int) -> None:
        """Report."""
        text = self._rate.text(done, failed, total)
        now = time.monotonic()
        if now - self._last >= _EVERY:
            self._last = now
            print(text, file=sys.stderr, flush=True)
