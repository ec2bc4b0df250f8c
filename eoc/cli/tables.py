"""Where the text of commands goes, and what comes last in it."""

from __future__ import annotations

import os
import textwrap
from typing import TYPE_CHECKING

from eoc.cli.command_wrapper import results
from eoc.reports.writing import PIPE_WIDTH

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["console", "print_next"]

_NARROWEST = 40  # for what a next step is good for


def console() -> Console:
    """Where text goes: colours and the terminal's width on a terminal, plain lines in a pipe; COLUMNS decides in both.

    Without it lines in a pipe have up to 120 columns.
    """
    from rich.console import Console

    out = results()
    known = out.isatty() or "COLUMNS" in os.environ
    return Console(file=out, highlight=False, width=None if known else PIPE_WIDTH)


def print_next(out: Console, command: str, purpose: str) -> None:
    """Print what comes last: what to type next, never broken so that it can be copied, and what it is good for.

    Where both do not fit on one line, the purpose begins the second.
    """
    from rich.text import Text

    head, indent = f"next: {command}", " " * len("next: ")
    further = textwrap.fill(purpose, max(out.width, _NARROWEST), initial_indent=indent, subsequent_indent=indent)
    line = Text(f"{head} {purpose}" if len(head) + 1 + len(purpose) <= out.width else f"{head}\n{further}")
    line.stylize("bold", 0, len("next:"))
    out.print(line, soft_wrap=True)
