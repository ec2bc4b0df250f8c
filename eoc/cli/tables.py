"""Text that fits its terminal: tables with as many digits as there is room for, and indented paragraphs."""

from __future__ import annotations

import os
import textwrap
from typing import TYPE_CHECKING

from eoc.cli.command_wrapper import results

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from rich.box import Box
    from rich.console import Console
    from rich.table import Table

    from eoc.activations import Activation
    from eoc.layers import Network

__all__ = [
    "NARROW",
    "console",
    "layer",
    "new_table",
    "print_headline",
    "print_next",
    "print_paragraph",
    "print_table",
    "print_title",
]

NARROW = 78  #: columns of a table that fits a terminal of 80 wherever it is shown
_PIPE_WIDTH = 120
_NARROWEST = 40  # for paragraphs
# What is tried to make a table fit: digits, and blanks beside a column's separator.
_LAYOUTS = (*((digits, 1) for digits in range(12, 6, -1)), *((digits, 0) for digits in range(7, 2, -1)))
_ASCII_LINES = "    \n    \n -- \n    \n    \n    \n    \n    \n"  # rich's SIMPLE_HEAD with a dash


def console() -> Console:
    """Where text goes: colours and the terminal's width on a terminal, plain lines in a pipe; COLUMNS decides in both.

    Without it lines in a pipe have up to 120 columns.
    """
    from rich.console import Console

    out = results()
    known = out.isatty() or "COLUMNS" in os.environ
    return Console(file=out, highlight=False, width=None if known else _PIPE_WIDTH)


def new_table(out: Console, columns: Sequence[str], padding: int = 1) -> Table:
    """An empty table whose cells are folded, never cut; the first column is left-aligned, the others right-aligned."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=_lines(out), pad_edge=False, padding=(0, padding))
    for i, column in enumerate(columns):
        table.add_column(escape(column), justify="left" if i == 0 else "right", overflow="fold")
    return table


def _lines(out: Console) -> Box:
    from rich import box

    return box.Box(_ASCII_LINES, ascii=True) if out.options.ascii_only else box.SIMPLE_HEAD


def print_table(
    out: Console,
    columns: Sequence[str],
    rows: Callable[[int], Sequence[Sequence[str]]],
    dim: Collection[int] = (),
    most: int = _PIPE_WIDTH,
    bold: Collection[int] = (),
    words: int = 0,
) -> None:
    """Print ``rows(digits)`` with the largest number of digits, at most 12, for which the table fits ``most`` columns.

    ``dim`` and ``bold`` hold the indices of the rows to print so. The last ``words`` columns are left-aligned text, and
    the very last one is broken between words to make room; numbers never are.
    """
    from rich.measure import Measurement

    roomy = out.options.update(max_width=10 * out.width)
    for digits, padding in _LAYOUTS:
        table = new_table(out, columns, padding)
        for i, cells in enumerate(rows(digits)):
            table.add_row(*cells, style="dim" if i in dim else "bold" if i in bold else None)
        for column in table.columns[len(columns) - words :]:
            column.justify = "left"
        for column in table.columns[:-1]:
            column.no_wrap = words > 0  # the last one gives way
        measured = Measurement.get(out, roomy, table)
        needed = measured.minimum if words else measured.maximum
        if needed <= min(out.width, most):
            break
    width, out.width = out.width, max(out.width, needed)  # too wide at last: the terminal breaks the lines
    out.print(table)
    out.width = width


def print_paragraph(
    out: Console, head: str, text: str, bold: int | None = 0, style: str = "bold", indent: int = -1
) -> None:
    """Print the text after a head, wrapped between words and indented by the head's length or ``indent``.

    The first ``bold`` characters are set in ``style``; None: all of them.
    """
    from rich.text import Text

    further = " " * (len(head) if indent < 0 else indent)
    lines = textwrap.wrap(
        head.replace(" ", "\0") + text,
        max(out.width, len(further) + _NARROWEST),
        subsequent_indent=further,
        break_on_hyphens=False,
    )
    line = Text("\n".join(lines).replace("\0", " ").rstrip())
    line.stylize(style, 0, bold)
    out.print(line, soft_wrap=True)


def print_headline(out: Console, text: str, style: str = "bold") -> None:
    """Print the first line: the answer to what was asked, in plain words."""
    print_paragraph(out, "", text, None, style, indent=2)


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


def print_title(out: Console, phi: Activation | Network) -> None:
    """Name, formula and class of the activation, or name and text of the network, on one line."""
    from rich.markup import escape

    from eoc.layers import Network

    if isinstance(phi, Network):
        out.print(f"[bold]{escape(phi.name)}[/]" + ("" if phi.name == phi.text else f"   {escape(phi.text)}"))
        return
    out.print(f"[bold]{escape(phi.name)}[/]   phi(x) = {escape(phi.formula)}   ({phi.smoothness})")


def layer(depth: float) -> str:
    """A number of layers, e.g. 100000 or 1e+12."""
    return f"{depth:.0f}" if depth < 1e7 else f"{depth:.6g}"
