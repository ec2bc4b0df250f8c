"""``eoc explain``: what the words mean that the other commands print."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from eoc.cli.common import AsJson, print_json
from eoc.cli.tables import console, print_next
from eoc.reports.writing import new_table, print_headline, print_paragraph

if TYPE_CHECKING:
    from eoc.glossary import Entry

__all__ = ["command"]


def _complete(incomplete: str) -> list[str]:
    from eoc.glossary import words

    return [word for word in words() if word.startswith(incomplete)]


def command(
    word: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[WORD]",
            help='As it is printed: chi_1, "F\'(q)", depth scale. Left out: all words.',
            autocompletion=_complete,
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print what a word means that eoc prints, its formula, and a command that shows it."""
    from eoc.glossary import explain, words

    if word is None:
        _print_all(list(words().values()), as_json)
        return
    entry = explain(" ".join(word))
    if as_json:
        print_json(entry.to_dict())
        return
    out = console()
    print_headline(out, f"{entry.word}: {entry.meaning}")
    if entry.formula:
        out.print(f"  {entry.formula}", markup=False, soft_wrap=True)
    if entry.also:
        print_paragraph(out, "also written: ", ", ".join(entry.also), 13)
    print_paragraph(out, "more: ", f"{entry.page} in the documentation", 5)
    print_next(out, entry.command, "gives an example")


def _print_all(entries: list[Entry], as_json: bool) -> None:
    from rich.markup import escape

    if as_json:
        print_json({"words": [entry.to_dict() for entry in entries]})
        return
    out = console()
    print_headline(out, f"{len(entries)} words are explained.")
    listing = new_table(out, ("word", "meaning"))
    for column in listing.columns:
        column.justify = "left"
    listing.columns[0].no_wrap = True
    for entry in entries:
        first, *_ = entry.meaning.partition(". ")
        listing.add_row(escape(entry.word), escape(f"{first.rstrip('.')}."))
    out.print(listing)
    print_next(out, "eoc explain chi_1", "says more of one")
