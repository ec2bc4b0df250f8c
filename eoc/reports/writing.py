"""Text that fits where it goes: the certain digits of numbers, tables with as many as there is room for, paragraphs."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from rich.box import Box
    from rich.console import Console
    from rich.table import Table

    from eoc.activations import Activation
    from eoc.layers import Network

__all__ = [
    "NARROW",
    "PIPE_WIDTH",
    "Row",
    "layer",
    "new_table",
    "number",
    "print_facts",
    "print_headline",
    "print_paragraph",
    "print_table",
    "print_title",
    "subject",
]

NARROW = 78  #: columns of a table that fits a terminal of 80 wherever it is shown
PIPE_WIDTH = 120  #: columns of what does not go to a terminal
_NARROWEST = 40  # for paragraphs
# What is tried to make a table fit: digits, and blanks beside a column's separator.
_LAYOUTS = (*((digits, 1) for digits in range(12, 6, -1)), *((digits, 0) for digits in range(7, 2, -1)))
_ASCII_LINES = "    \n    \n -- \n    \n    \n    \n    \n    \n"  # rich's SIMPLE_HEAD with a dash


def number(value: float, error: float = 0.0, digits: int = 12, zeros: bool = False) -> str:
    """The value with the digits that its error leaves certain, at most ``digits``; ``zeros`` keeps those at its end.

    Examples
    --------
    >>> number(1.30414584005651, 2e-14), number(0.25, 3e-5), number(0.25, 3e-5, zeros=True), number(float("inf"))
    ('1.30414584006', '0.25', '0.2500', 'inf')
    >>> number(1e-31, 4e-28)
    '0 +- 4e-28'
    """
    if not math.isfinite(value) or value == 0.0:
        return f"{value:g}"
    if error > 0.0:
        digits = min(digits, math.floor(math.log10(abs(value)) - math.log10(2.0 * error)) + 1)
    if digits <= 0:
        return f"{0.0 if abs(value) < 0.1 * error else value:.1g} +- {error:.1g}"
    return f"{value:#.{digits}g}".replace(".e", "e").rstrip(".") if zeros else f"{value:.{digits}g}"


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
    most: int = PIPE_WIDTH,
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


Row = tuple[str, str, str]  #: a name, its value, and what it means


def print_facts(out: Console, rows: Sequence[Row], name: int = 8, value: int = 24) -> None:
    """Print names, values and what they mean, in columns of these widths."""
    for row in rows:
        print_paragraph(out, f"  {row[0]:<{name}} {row[1]:<{value}} ", row[2], 2 + len(row[0]))


def print_headline(out: Console, text: str, style: str = "bold") -> None:
    """Print the first line: the answer to what was asked, in plain words."""
    print_paragraph(out, "", text, None, style, indent=2)


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


def subject(network: Network) -> Activation | Network:
    """What a network is called by: its activation where it is plain."""
    return network if network.phi is None else network.phi
