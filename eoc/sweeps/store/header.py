"""What a store says about itself, read without opening any array."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eoc.errors import EocError

__all__ = ["FORMAT", "check_format", "entry", "header", "unreadable", "unwritable"]

FORMAT = 1  #: of stores; another one cannot be read


def header(path: Path) -> dict[str, Any]:
    """The attributes of a store.

    Raises
    ------
    EocError
        If there is no store, or it is damaged.
    """
    if not path.exists():
        raise EocError(f"there is no store {path}: give the folder that eoc sweep run has written")
    file = path / "zarr.json"
    try:
        text = file.read_text()
    except (FileNotFoundError, NotADirectoryError):
        raise EocError(f"{path} is no store of a sweep: give the folder that eoc sweep run has written") from None
    except (OSError, UnicodeDecodeError) as error:
        raise unreadable(path, file, error) from None
    try:
        found = json.loads(text)
    except ValueError as error:
        raise unreadable(path, file, error) from None
    attributes = found.get("attributes") if isinstance(found, dict) else None
    if not isinstance(attributes, dict) or "eoc_format" not in attributes:
        raise EocError(f"{path} holds zarr data of another origin: give the folder that eoc sweep run has written")
    return attributes


def check_format(path: Path, attributes: dict[str, Any]) -> None:
    """Raise EocError if a store is of a format that this version of eoc cannot read."""
    if attributes["eoc_format"] != FORMAT:
        raise EocError(
            f"the store {path} is of format {attributes['eoc_format']}, written by eoc {attributes.get('eoc_version')};"
            f" this version reads format {FORMAT}: use that version, or start over in another store"
        )


def unreadable(path: Path, file: Path, why: object) -> EocError:
    """The error of a store in which a file is damaged or missing."""
    reason = (why.strerror or why) if isinstance(why, OSError) else why
    return EocError(
        f"the store {path} is damaged: {file} cannot be read ({reason}); run the sweep again, which restores it, or "
        "move the store away and start over"
    )


def unwritable(path: Path, error: OSError, stored: str = "") -> EocError:
    """The error of a store that cannot be written to."""
    return EocError(
        f"cannot write to {path}: {error.strerror or error}{stored}. Make room or give write access, and the same "
        "command goes on"
    )


def entry(path: Path, attributes: Mapping[str, Any], name: str) -> Any:
    """An attribute that is JSON."""
    try:
        return json.loads(attributes[name])
    except (KeyError, TypeError, ValueError) as error:
        raise unreadable(path, path / "zarr.json", f"{name}: {error}") from None
