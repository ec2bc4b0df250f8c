"""``eoc cite``: whom to cite for a command, an activation, a network or a sweep."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eoc.cli.command_wrapper import results
from eoc.cli.common import AsJson, print_json
from eoc.errors import EocError

if TYPE_CHECKING:
    from eoc.citations import Citation

__all__ = ["command"]


def command(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[WHAT...]",
            help="A command, an activation, a network of layers or the store of a sweep: rates gelu, edge.zarr. Left "
            "out: eoc itself and what it stands on.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print BibTeX of the software and of the papers behind what is named, such as 'eoc cite rates gelu'."""
    from eoc.citations import Citation, citation

    parts = [_of(one) for one in what] if what else [citation()]
    found = Citation(tuple(sorted({paper for part in parts for paper in part.papers}, key=lambda p: (p.year, p.key))))
    if as_json:
        print_json(found.to_dict())
    else:
        print(found.bibtex, file=results())


def _of(word: str) -> Citation:
    from eoc.citations import citation
    from eoc.citations.topics import OF_WORDS
    from eoc.cli.common import find_block
    from eoc.messages import closest, quoted

    if Path(word).suffix == ".zarr":
        from eoc.sweeps import open_sweep

        return citation(open_sweep(word))
    found = citation(word)
    if not found.papers:
        try:
            find_block(word)  # an activation of which nothing is to be cited
        except EocError as error:
            near = closest(word, tuple(OF_WORDS))
            if near is None:
                raise
            raise EocError(f"{quoted(word)} is neither a command nor an activation: did you mean {near!r}?") from error
    return found
