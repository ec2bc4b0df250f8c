"""Ctrl-C reaches every process of a terminal; only the one that leads a run is to answer."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker

__all__ = ["ignoring_interrupts"]


@contextmanager
def ignoring_interrupts() -> Iterator[None]:
    """Threads and processes that begin here never see Ctrl-C; this thread does, when it is over."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # of multiprocessing: its start would end what begins here
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
