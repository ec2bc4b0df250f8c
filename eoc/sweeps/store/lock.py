"""One run at a time: a lock on a store that vanishes with the process that holds it, however that ends."""

from __future__ import annotations

import errno
import json
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from platform import node

from eoc.errors import EocError
from eoc.files import resolved

__all__ = ["locked"]

_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)  # nothing that others have is written to

if sys.platform == "win32":
    import msvcrt

    _FAR = 2**30  # behind what the file says of its holder: what is locked cannot be read

    def _take(file: FileIO) -> None:
        os.lseek(file.fileno(), _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except PermissionError as error:
            raise BlockingIOError(*error.args) from None  # as flock says it
else:
    import fcntl

    def _take(file: FileIO) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def locked(store: Path) -> Iterator[None]:
    """Hold the lock of a store, which need not exist yet.

    The lock is one of the operating system on a hidden file beside the store. Should the process be killed, the lock
    is gone and the file stays, which is harmless. Processes that this one starts do not inherit it.

    Raises
    ------
    EocError
        If another run holds it, or it cannot be taken.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder, locked(Path(folder) / "night.zarr"):
    ...     with locked(Path(folder) / "night.zarr"):
    ...         pass
    Traceback (most recent call last):
    eoc.errors.EocError: another run (process ... on ..., since ...) is writing to ...night.zarr: ...
    """
    target = resolved(store)
    if not target.name:
        raise EocError(f"{store} cannot be a store: give the name of a folder in it")
    path = target.with_name(f".{target.name}.lock")
    try:
        file = _held(path)
    except BlockingIOError:
        raise EocError(
            f"another run{_holder(path)} is writing to {store}: wait until it ends, stop it, or give another store"
        ) from None
    except OSError as error:
        raise EocError(
            f"cannot write to {store}: its lock {path} cannot be taken: {error.strerror or error}; "
            "make room or give write access there, or give a store in another folder"
        ) from None
    with file:
        try:
            yield
        finally:
            with suppress(OSError):  # Windows deletes no file that is open
                path.unlink()


def _held(path: Path) -> FileIO:
    """The locked file of that name, which says who holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | _NO_LINK | getattr(os, "O_BINARY", 0), 0o666)
        file = FileIO(number, "ab+")
        try:
            if not stat.S_ISREG((found := os.fstat(number)).st_mode) or found.st_nlink > 1:
                raise OSError(errno.EEXIST, "it is no file of its own, but something else of that name: remove it")
            _take(file)
            if path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat()):
                file.truncate(0)
                file.write(json.dumps([os.getpid(), node(), datetime.now(UTC).isoformat(timespec="seconds")]).encode())
                return file
        except BaseException:
            file.close()
            raise
        file.close()  # who held the lock has deleted the file in between


def _holder(path: Path) -> str:
    try:
        process, host, since = json.loads(path.read_text())
    except (OSError, ValueError):  # it is just being written
        return ""
    return f" (process {process} on {host}, since {since})"
