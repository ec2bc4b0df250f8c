"""What happens while a call runs: how much processor time goes by before it says a word, and whether it ends."""

from __future__ import annotations

import io
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

__all__ = ["SILENCE", "Heard", "TooLongError", "watched"]

SILENCE = [1.0]  #: seconds of processor time that may pass without a word; more where compiled code is not cached
_ENOUGH = 2.5  # after which the call is interrupted as by Ctrl-C
_ENDLESS = 12.0  # and after which it is given up


class TooLongError(BaseException):
    """Raised in a call that Ctrl-C does not end; no ``except Exception`` may stop it."""


class _Ear(io.StringIO):
    """A stream that notes when it was first written to."""

    first: float | None = None

    def write(self, text: str) -> int:
        if self.first is None and text:
            self.first = time.process_time()
        return super().write(text)


@dataclass
class Heard:
    """What was heard of a call: the stream for standard error, its times, and whether it was interrupted."""

    err: _Ear = field(default_factory=_Ear)
    start: float = field(default_factory=time.process_time)
    end: float = 0.0
    interrupted: bool = False

    @property
    def silence(self) -> float:
        """Seconds of processor time until the first word, or until the end."""
        return (self.end if self.err.first is None else self.err.first) - self.start

    @property
    def too_silent(self) -> list[str]:
        """Said if that was too long."""
        return [f"{self.silence:.1f} s of processor time without a word"] if self.silence > SILENCE[0] else []


@contextmanager
def watched() -> Iterator[Heard]:
    """Interrupt what runs inside by KeyboardInterrupt after some seconds, and end it if that does not help."""
    heard = Heard()

    def stop(number: int, frame: object) -> None:
        if heard.interrupted:
            raise TooLongError
        heard.interrupted = True
        signal.setitimer(signal.ITIMER_PROF, _ENDLESS - _ENOUGH)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, _ENOUGH)
    try:
        yield heard
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        signal.signal(signal.SIGPROF, before)
        heard.end = time.process_time()
