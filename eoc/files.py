"""Files that are replaced as a whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from eoc.errors import EocError

__all__ = ["replacing"]


@contextmanager
def replacing(path: Path, what: str) -> Iterator[Path]:
    """Where to write instead of ``path``; what is there when all went well takes its place, a folder too.

    Whatever happens, one of the old and the new file is whole, and nothing else stays (of a process that is killed,
    a hidden folder beside it).
    """
    try:
        target = path.resolve()  # what a link points to is replaced, not the link
    except (OSError, RuntimeError):  # RuntimeError: Python up to 3.12
        raise EocError(f"cannot write {what} to {path}: links lead in a circle, or a folder cannot be read") from None
    try:
        with TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as folder:
            part = Path(folder) / target.name
            yield part
            if target.is_dir():
                target.replace(Path(folder) / "old")
            part.replace(target)
    except OSError as error:
        raise EocError(f"cannot write {what} to {path}: {error.strerror or error}") from None
