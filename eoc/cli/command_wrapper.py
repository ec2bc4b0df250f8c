"""What is done around every command: its help, where its results go, and what functions of users may do to it."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TextIO, get_args, get_type_hints

import typer
from typer.models import OptionInfo

from eoc.cli.progress import progress, reporting
from eoc.cli.streams import OutputLostError
from eoc.errors import EocError

__all__ = ["register", "results"]

_WORDS = {float: "NUMBER", int: "N", str: "TEXT", Path: "FILE", bool: ""}  # for what an option takes

_results: ContextVar[TextIO | None] = ContextVar("results", default=None)


def results() -> TextIO:
    """Where a command prints: standard output, with no line on progress before it in a terminal.

    What else prints while it runs goes to standard error.
    """
    progress().end()
    return _results.get() or sys.stdout


def register(app: typer.Typer, program: str, name: str, command: Callable[..., None]) -> None:
    """Make a function a command of an app, ``program name``; its docstring is the help, as wide as the terminal is."""
    paragraphs = inspect.cleandoc(command.__doc__ or "").split("\n\n")
    hints = get_type_hints(command, include_extras=True)
    for hint in hints.values():
        kind, *about = get_args(hint) or (hint,)
        for option in (one for one in about if isinstance(one, OptionInfo)):
            _describe(kind, option)
    guarded = _guarded(f"{program} {name}", command)
    signature = inspect.signature(command)
    resolved = [one.replace(annotation=hints[one.name]) for one in signature.parameters.values()]
    guarded.__signature__ = signature.replace(parameters=resolved)  # type: ignore[attr-defined]
    guarded.__annotations__ = hints
    app.command(name, help="\n\n".join(" ".join(lines.split()) for lines in paragraphs))(guarded)


def _describe(kind: Any, option: OptionInfo) -> None:
    """Say in a word what an option takes, and check its range here: typer would print it beside the word."""
    kinds = (kind, *get_args(kind))  # list[str], int | None
    if option.metavar is None:
        option.metavar = next((word for one, word in _WORDS.items() if one in kinds), None)
    least, most = option.min, option.max
    if least is not None or most is not None:
        option.min = option.max = None
        option.callback = _in_range(least, most)


def _in_range(least: float | None, most: float | None) -> Callable[[float | None], float | None]:
    """Refuses values that are not in a range."""
    allowed = f">= {least}" if most is None else f"from {least} to {most}"

    def checked(value: float | None) -> float | None:
        if value is None or ((least is None or value >= least) and (most is None or value <= most)):
            return value
        raise typer.BadParameter(f"must be {allowed}, got {value}")

    return checked


def _guarded(program: str, command: Callable[..., None]) -> Callable[..., None]:
    """The command, during which prints of a user's function do not break what it writes, nor sys.exit its exit code."""

    @functools.wraps(command)
    def guarded(*args: object, **options: object) -> None:
        token = _results.set(sys.stdout)
        try:
            with redirect_stdout(sys.stderr), reporting(program):
                command(*args, **options)
        except (EOFError, SystemExit) as left:  # commands themselves leave with typer.Exit
            how = "reads standard input" if isinstance(left, EOFError) else f"leaves by sys.exit({left.code!r})"
            raise EocError(f"the function that was given {how}") from left
        except (Exception, KeyboardInterrupt, OutputLostError):
            raise
        except BaseException as raised:
            raise EocError(f"the function that was given raises {type(raised).__name__}: {raised}") from raised
        finally:
            _results.reset(token)

    return guarded
