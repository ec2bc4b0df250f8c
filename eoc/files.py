"""Files that are replaced as a whole or not at all."""

from __future__ import annotations

import glob
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from eoc.errors import EocError

__all__ = ["replacing", "resolved"]

_LONGEST = 50  # characters of a name that another name is made of


@contextmanager
def replacing(path: Path, what: str) -> Iterator[Path]:
    """Where to write instead of ``path``; what is there when all went well takes its place, a folder too.

    Whatever happens, one of the old and the new file is whole, and nothing else stays. What a process that was killed
    has left, a hidden folder beside the file, the next one removes. A pipe or a device is written to.
    """
    target = resolved(path)  # what a link points to is replaced, not the link
    try:
        special = target.exists() and not (target.is_file() or target.is_dir())
        with _folder(target, None if special else target.parent) as folder:
            part = folder / target.name
            yield part
            if special:
                with part.open("rb") as new, target.open("wb") as old:
                    shutil.copyfileobj(new, old)
                return
            if target.is_dir():
                target.replace(folder / "old")
            part.replace(target)
    except OSError as error:
        raise EocError(f"cannot write {what} to {path}: {error.strerror or error}") from None


def resolved(path: Path) -> Path:
    """The path without links.

    Raises
    ------
    EocError
        Where there is no end to them, or the current folder is gone.
    """
    try:
        return path.resolve()
    except FileNotFoundError:
        raise EocError(f"cannot use {path}: the current folder does not exist any more; go to another one") from None
    except (OSError, RuntimeError) as error:  # RuntimeError: Python up to 3.12
        why = error.strerror if isinstance(error, OSError) else "links lead in a circle"
        raise EocError(f"cannot use {path}: {why}") from None


@contextmanager
def _folder(target: Path, parent: Path | None) -> Iterator[Path]:
    """A folder for a new file, in the folder of the old one or in that for all temporary ones.

    While it is used it is locked; one of that name without a lock is what a killed process has left.
    """
    prefix = f".{target.name[:_LONGEST]}.eoc-"
    for old in parent.glob(f"{glob.escape(prefix)}*") if parent is not None else ():
        with _locked(old) as ours:
            if ours:
                shutil.rmtree(old, ignore_errors=True)
    while True:
        folder = TemporaryDirectory(prefix=prefix, dir=parent, ignore_cleanup_errors=True)
        with folder as name, _locked(Path(name)):
            if os.path.isdir(name):  # nobody has taken it for an old one before it was locked
                yield Path(name)
                return


if sys.platform == "win32":

    @contextmanager
    def _locked(folder: Path) -> Iterator[bool]:
        """Nothing is known of folders here: none is ours to remove."""
        yield False

else:
    import fcntl

    @contextmanager
    def _locked(folder: Path) -> Iterator[bool]:
        """Whether a folder could be locked, until this ends: no living process has it."""
        try:
            number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            yield False
            return
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True
        finally:
            os.close(number)
