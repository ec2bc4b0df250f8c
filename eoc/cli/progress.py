"""A progress bar on standard error, for what takes longer than a second on a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["progress_bar"]

_PATIENCE = 1.0  # seconds


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[float, float], None] | None]:
    """Yield what to call with (done, total), or None where nobody is watching; the bar is removed at the end."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    bar = Progress(console=Console(stderr=True), transient=True)
    start, task = time.monotonic(), bar.add_task(what, total=None)

    def advance(done: float, total: float) -> None:
        if not bar.live.is_started:
            if time.monotonic() - start < _PATIENCE:
                return
            bar.start()
        bar.update(task, completed=done, total=total)

    try:
        yield advance
    finally:
        if bar.live.is_started:
            bar.stop()
