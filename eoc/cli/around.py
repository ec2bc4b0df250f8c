"""What is done around every command: its help, where its results go, and what functions of users may do to it."""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from contextvars import ContextVar
from typing import TextIO

import typer

from eoc.errors import EocError

__all__ = ["EXIT_OUTPUT", "discard", "register", "results"]

EXIT_OUTPUT = 74  # EX_IOERR of sysexits.h

_results: ContextVar[TextIO | None] = ContextVar("results", default=None)


def results() -> TextIO:
    """Where a command prints: standard output. What else prints while it runs goes to standard error."""
    return _results.get() or sys.stdout


def register(app: typer.Typer, name: str, command: Callable[..., None]) -> None:
    """Make a function a command of an app; its docstring is the help, wrapped as wide as the terminal is."""
    paragraphs = inspect.cleandoc(command.__doc__ or "").split("\n\n")
    app.command(name, help="\n\n".join(" ".join(lines.split()) for lines in paragraphs))(_guarded(command))


def discard(stream: TextIO) -> None:
    """Forget what a stream could not write, so that Python does not try again at its end."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    except (OSError, ValueError):  # it has no file
        return


def _guarded(command: Callable[..., None]) -> Callable[..., None]:
    """The command, during which prints of a user's function do not break what it writes, nor sys.exit its exit code."""

    @functools.wraps(command)
    def guarded(*args: object, **options: object) -> None:
        token = _results.set(sys.stdout)
        try:
            with redirect_stdout(sys.stderr):
                command(*args, **options)
            results().flush()
        except SystemExit as left:  # commands themselves leave with typer.Exit
            raise EocError(f"the function that was given leaves the program by sys.exit({left.code!r})") from left
        except BrokenPipeError:  # whoever reads has seen enough
            discard(results())
            raise typer.Exit(EXIT_OUTPUT) from None
        finally:
            _results.reset(token)

    return guarded
