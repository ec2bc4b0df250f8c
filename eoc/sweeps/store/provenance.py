"""What a sweep was run with: versions and the commit."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

from eoc.machine import version

__all__ = ["git_commit", "versions"]

_PACKAGES = ("eoc", "numpy", "scipy", "numba", "xarray", "zarr")
_PATIENCE = 10.0  # seconds for git on a slow file system


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
