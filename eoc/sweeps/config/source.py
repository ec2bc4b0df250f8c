"""The text of a file, or why there is none."""

from __future__ import annotations

import re
from pathlib import Path

from eoc.sweeps.config.problems import ConfigError, Problem

__all__ = ["LARGEST", "error_at", "text_of"]

LARGEST = 200_000  #: bytes of a file


def text_of(path: Path) -> str:
    """The text of a file in UTF-8.

    Raises
    ------
    ConfigError
        If it cannot be read.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise _unreadable(path, f"there is no such file{_beside(path)}") from None
    except (IsADirectoryError, PermissionError) as error:  # the latter is what Windows says of folders
        problem = "it is a folder: give the file in it" if path.is_dir() else f"it cannot be read: {error.strerror}"
        raise _unreadable(path, problem) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise _unreadable(path, f"it cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(raw) > LARGEST:
        raise _unreadable(path, f"it is larger than {LARGEST} bytes: write long lists of numbers as grids")
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _unreadable(path, "it is in UTF-16: save it as UTF-8")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8-sig", errors="replace")
        message = f"the byte 0x{raw[error.start]:02x} is not UTF-8: save the file as UTF-8"
        raise error_at(before, str(path), len(before), message) from None


def _beside(path: Path) -> str:
    names = [path.with_suffix(suffix).name for suffix in (".yaml", ".yml") if path.with_suffix(suffix).is_file()]
    return f"; did you mean {names[0]}?" if names else ""


def _unreadable(path: Path, message: str) -> ConfigError:
    return ConfigError([Problem(str(path), "", None, None, message)])


def error_at(text: str, path: str, index: int, message: str) -> ConfigError:
    r"""What is wrong at a character of a text.

    Examples
    --------
    >>> print(error_at("one\ntwo", "a.yaml", 5, "bad"))
    a.yaml:2:2: bad
    """
    lines = re.split(r"\r\n|\r|\n", text[:index])
    return ConfigError([Problem(path, "", len(lines), len(lines[-1]) + 1, message)])
