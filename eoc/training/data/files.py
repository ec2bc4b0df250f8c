"""Finding and reading the files of a data set."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from pathlib import Path

from eoc.errors import EocError

__all__ = ["found", "read"]


def found(folder: Path, names: Sequence[str], subfolders: Sequence[str] = (), endings: Sequence[str] = ()) -> Path:
    """The first of some files that is there.

    Parameters
    ----------
    folder
        Where to look.
    names
        What the file may be called.
    subfolders
        Of the folder, where it may be too.
    endings
        What may follow its name.

    Raises
    ------
    EocError
        If there is none.
    """
    for inside, name, ending in product(("", *subfolders), names, ("", *endings)):
        path = folder / inside / f"{name}{ending}"
        if path.is_file():
            return path
    what = "it is no folder" if not folder.is_dir() else f"there is no {names[0]} in it"
    raise EocError(f"cannot read a data set from {folder}: {what}")


def read(path: Path) -> bytes:
    """All bytes of a file; EocError if it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise EocError(f"cannot read {path}: {error.strerror or error}") from None
