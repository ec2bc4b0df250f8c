"""What a store says about itself, read without opening any array: of which sweep it is, and what it was made with."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from eoc.errors import EocError
from eoc.machine import version
from eoc.messages import shortened

__all__ = [
    "FORMAT",
    "check_format",
    "differences",
    "git_commit",
    "header",
    "json_of",
    "unreadable",
    "unwritable",
    "versions",
]

FORMAT = 1  #: of stores; another one cannot be read

_PACKAGES = ("eoc", "numpy", "scipy", "numba", "xarray", "zarr")
_PATIENCE = 10.0  # seconds for git on a slow file system
_MOST = 20  # differences that are told


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


def json_of(path: Path, attributes: Mapping[str, Any], name: str) -> Any:
    """An attribute that is JSON."""
    try:
        return json.loads(attributes[name])
    except (KeyError, TypeError, ValueError) as error:
        raise unreadable(path, path / "zarr.json", f"{name}: {error}") from None


def differences(then: object, now: object) -> str:
    """One line for each entry that differs, or is in another order; "" if none does.

    Parameters
    ----------
    then, now
        What is in the store and what is given now, as read from JSON.

    Examples
    --------
    >>> print(differences({"axes": {"sigma_b": {"num": 50}}}, {"axes": {"sigma_b": {"num": 60}, "width": 8}}))
      axes.sigma_b.num: 50 in the store, 60 now
      axes.width: absent in the store, 8 now
    >>> print(differences({"axes": {"c": 0, "q": 1}}, {"axes": {"q": 1, "c": 0}}))  # that of the dimensions
      order of axes: c, q in the store, q, c now
    """
    old, new = dict(_leaves("", then)), dict(_leaves("", now))
    lines = [
        f"  {key}: {shortened(old.get(key, 'absent'))} in the store, {shortened(new.get(key, 'absent'))} now"
        for key in old | new
        if old.get(key) != new.get(key)
    ]
    lines += _orders("", then, now)
    if len(lines) > _MOST:
        lines[_MOST:] = [f"  ... and {len(lines) - _MOST} more"]
    return "\n".join(lines)


def _leaves(place: str, value: Any) -> Iterator[tuple[str, str]]:
    """Every number and text with its place, and what is empty."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(f"{place}.{key}" if place else key, inner)
    elif isinstance(value, list) and value:
        for number, inner in enumerate(value):
            yield from _leaves(f"{place}[{number}]", inner)
    else:
        yield place, json.dumps(value)


def _orders(place: str, then: Any, now: Any) -> Iterator[str]:
    """Where the same keys are in another order."""
    if isinstance(then, dict) and isinstance(now, dict):
        if list(then) != list(now) and set(then) == set(now):
            yield f"  order of {place or 'the keys'}: {', '.join(then)} in the store, {', '.join(now)} now"
        for key in (key for key in then if key in now):
            yield from _orders(f"{place}.{key}" if place else key, then[key], now[key])


def versions() -> dict[str, str]:
    """Of Python, of what numbers depend on, and of what stores them; and the system and its processor.

    Examples
    --------
    >>> list(versions())
    ['eoc', 'numpy', 'scipy', 'numba', 'xarray', 'zarr', 'python', 'system', 'machine']
    """
    found = {name: version(name) for name in _PACKAGES}
    found["python"] = platform.python_version()
    return found | {"system": f"{platform.system()} {platform.release()}", "machine": platform.machine()}


def git_commit(folder: str | Path) -> str | None:
    """The commit that a folder is at, with "-dirty" if files that git knows were changed since.

    Returns
    -------
    str or None
        None without git, outside a repository, or before its first commit.
    """
    command = ["git", "-C", str(folder or "."), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=True,
            stdin=subprocess.DEVNULL,
            env=os.environ | {"GIT_OPTIONAL_LOCKS": "0"},  # nothing is written
        )
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return done.stdout.strip() or None
