"""How far a command is, on standard error, once it takes longer than a second: a bar on a terminal, else lines."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Event, Thread
from typing import TextIO

from eoc.cli.words import duration
from eoc.notices import listening

__all__ = ["Report", "progress", "reporting"]

_PATIENCE = 1.0  # seconds without a word
_WORK = 0.8  # seconds of work without a word, where nobody has said that there is much to do
_EVERY = 30.0  # seconds between two lines
_LOOK = 0.1  # seconds between two looks


class Report:
    """What is known of how far a command is.

    Parameters
    ----------
    program
        The command, such as "eoc sweep run".
    """

    def __init__(self, program: str) -> None:
        self._program = program
        self._what = ""
        self._left = 0.0  # seconds, as expected beforehand; 0: not known
        self._count: tuple[float, float, str] | None = None
        self._first: tuple[float, float] | None = None
        self._began = time.monotonic(), time.process_time()
        self._patience: float | None = None
        self._ended = Event()
        self._speaker: Thread | None = None

    def begin(self) -> None:
        """Report from another thread: what runs may take long before it says anything."""
        self._speaker = Thread(target=_speak, args=(self, self._ended), daemon=True)
        self._speaker.start()

    def end(self) -> None:
        """Say no more, and take what stands in a terminal away: results come now."""
        self._ended.set()
        if self._speaker is not None:
            self._speaker.join()

    def expect(self, what: str, seconds: float = 0.0, patience: float = _PATIENCE) -> None:
        """Say what is being done or counted, and how long that is expected to take; it is printed after ``patience``.

        Of what was not expected to take long, only the processor time counts, not how busy the machine is.
        """
        self._what, self._left, self._patience = what, seconds, patience

    def note(self, what: str) -> None:
        """Say why it takes long, where nobody has said what is being done."""
        if not self.expected:
            self._what = what

    @property
    def expected(self) -> bool:
        """Whether somebody has said what is being done."""
        return self._patience is not None

    @property
    def doing(self) -> str:
        """What is being done, as far as somebody has said it."""
        return self._what

    @property
    def due(self) -> bool:
        """Whether it is time for a word."""
        if self._patience is None:
            return time.process_time() - self._began[1] >= _WORK
        return time.monotonic() - self._began[0] >= self._patience

    def __call__(self, done: float, total: float, note: str = "") -> None:
        """Take note of how much is done."""
        self._count = done, total, note
        if self._first is None:  # what earlier runs have done does not count
            self._first = time.monotonic(), done

    @property
    def share(self) -> tuple[float, float]:
        """How much is done, of how much; of 0 as long as that is not known."""
        return self._count[:2] if self._count else (0.0, 0.0)

    @property
    def text(self) -> str:
        """A line.

        Examples
        --------
        >>> report = Report("eoc montecarlo lengths")
        >>> report.text
        'eoc montecarlo lengths: computing'
        >>> report.expect("layers", 300.0)
        >>> report.text
        'eoc montecarlo lengths: computing, about 5 min'
        >>> report(121, 400, "1 failed")
        >>> report.text
        'eoc montecarlo lengths: 121 of 400 layers, 1 failed, about 5 min'
        """
        if self._count is None:
            doing = self._what if " " in self._what else "computing"
            return f"{self._program}: {doing}{self._about()}"
        done, total, note = self._count
        counted = f"{100.0 * done:.0f} %" if total == 1.0 else f"{done:.0f} of {total:.0f} {self._what}"
        return f"{self._program}: {counted}{note and f', {note}'}{self._rate(done, total)}"

    def _about(self) -> str:
        return f", about {duration(self._left)}" if self._left else ""

    def _rate(self, done: float, total: float) -> str:
        """How fast it goes and how long it still takes."""
        now = time.monotonic()
        start, before = self._first or (now, done)
        if done <= before or now <= start or done >= total:
            return "" if done >= total else self._about()
        rate = (done - before) / (now - start)
        fast = "" if total == 1.0 else f", {rate:.3g} a second"
        return f"{fast}, {duration(max(1.0, (total - done) / rate))} left"


_report: ContextVar[Report | None] = ContextVar("report", default=None)


def progress() -> Report:
    """The report of the command that runs, to be called with what is done."""
    return _report.get() or Report("eoc")


@contextmanager
def reporting(program: str) -> Iterator[None]:
    """Report on what runs inside."""
    report = Report(program)
    token = _report.set(report)
    report.begin()
    try:
        with listening(report.note):
            yield
    finally:
        report.end()
        _report.reset(token)


def _speak(report: Report, ended: Event) -> None:
    err = sys.stderr
    while not report.due:
        if ended.wait(_LOOK):
            return
    if not err.isatty():
        _print_lines(report, ended, err)
    elif report.expected:
        _show_bar(report, ended)
    else:
        text = report.text
        print(f"{text}\r", end="", file=err, flush=True)
        ended.wait()
        print(f"{' ' * len(text)}\r", end="", file=err, flush=True)


def _print_lines(report: Report, ended: Event, err: TextIO) -> None:
    while True:
        print(report.text, file=err, flush=True)
        why, next_line = report.doing, time.monotonic() + _EVERY
        while time.monotonic() < next_line and report.doing == why:
            if ended.wait(_LOOK):
                return


def _show_bar(report: Report, ended: Event) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = TextColumn("{task.fields[text]}"), BarColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", text="")
        while True:
            done, total = report.share
            bar.update(task, completed=done, total=total or None, text=report.text)
            if ended.wait(_LOOK):
                return
