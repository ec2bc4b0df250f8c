"""Standard output and standard error, whatever has become of them: closed, full, without a reader, of few characters.

What cannot be written to standard output ends a command; what cannot be written to standard error is lost, and the
command goes on. A stream that was closed (``>&-``) is as one to ``/dev/null``.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

from eoc.cli.exit_codes import ExitCode

__all__ = ["OutputLostError", "standard_streams"]

_NARROWEST, _WIDEST = 20, 10_000  # columns


class OutputLostError(BaseException):
    """Standard output cannot be written. No ``except Exception`` or ``except OSError`` on the way takes it for its own.

    Attributes
    ----------
    why
        What the system said.
    """

    def __init__(self, why: OSError) -> None:
        super().__init__(str(why))
        self.why = why

    @property
    def exit_code(self) -> ExitCode:
        """What the program ends with."""
        return ExitCode.READER_GONE if self.why.errno == errno.EPIPE else ExitCode.OUTPUT_LOST


@contextmanager
def standard_streams() -> Iterator[None]:
    """Have ``sys.stdout`` and ``sys.stderr`` that can be printed to; all is written when this ends."""
    _open_closed()
    _check_size()
    before = sys.stdout, sys.stderr
    for stream in before:
        if isinstance(stream, io.TextIOWrapper):  # what its encoding lacks, and lone surrogates, become escapes
            stream.reconfigure(errors="backslashreplace")
    sys.stdout, sys.stderr = (cast(TextIO, kind(one)) for kind, one in zip((_Output, _Notes), before, strict=True))
    try:
        yield
        sys.stdout.flush()
    finally:
        sys.stdout, sys.stderr = before
        for stream in before:
            _forget_unwritten(stream)


def _open_closed() -> None:
    """Open the null device in place of streams that are closed: the next file would get their number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            null = os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(null, True)  # workers have it too
            setattr(sys, name, os.fdopen(null, mode, encoding="utf-8"))


def _check_size() -> None:
    """Have a COLUMNS and a LINES that say a size, or none: rich fails at "²" and 1e20, and prints nothing in 0."""
    for name in ("COLUMNS", "LINES"):
        text = os.environ.get(name, "").lstrip("0")
        if text.isascii() and text.isdecimal():
            os.environ[name] = str(min(max(int(text[:9]), _NARROWEST), _WIDEST))
        else:
            os.environ.pop(name, None)


def _forget_unwritten(stream: TextIO) -> None:
    """Forget what cannot be written, so that Python does not try again at its end."""
    try:
        stream.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError):  # it has no file
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


class _Stream:
    """A stream with a rule of its own for what cannot be written."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _Output(_Stream):
    """Standard output."""

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError as error:
            raise OutputLostError(error) from None

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            raise OutputLostError(error) from None


class _Notes(_Stream):
    """Standard error."""

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()
