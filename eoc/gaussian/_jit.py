"""The one jit decorator of the package, and its variant for functions that are pasted into their callers."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numba
from numba.core.compiler_lock import global_compiler_lock
from numba.extending import register_jitable
from platformdirs import user_cache_dir

from eoc.sharing import Lock

__all__ = ["cache_folder", "compilable", "exactly", "inlined", "jit"]

_LENDING = Lock()
_FAST: bool | set[str] = {"contract", "reassoc"}


def inlined(function: Callable[..., Any]) -> Callable[..., Any]:
    """Like :func:`jit`, and pasted into the callers: loops over it then vectorise even if it has a loop itself.

    Whether it rounds as it is written is up to them.
    """
    return jit(function, inline="always", fastmath=False)


def exactly(function: Callable[..., Any]) -> Callable[..., Any]:
    """Like :func:`jit`, but every operation rounds as it is written: NumPy in the same order gives the same bits."""
    return jit(function, fastmath=False)


def compilable(function: Callable[..., Any], inline: str = "never") -> None:
    """Let compiled functions call one that stays Python's; every operation rounds as it is written."""
    register_jitable(inline=inline, error_model="numpy", nogil=True)(function)


def jit(function: Callable[..., Any], inline: str = "never", fastmath: bool | set[str] = _FAST) -> Callable[..., Any]:
    """Compile lazily and cache the machine code in the user's cache directory, never beside the source.

    ``contract`` and ``reassoc`` let the compiler vectorise sums; NaN and infinities keep their meaning. A
    ``NUMBA_CACHE_DIR`` that the user set wins; where no cache can be written, the kernel is compiled in memory.
    """
    flags = {"fastmath": fastmath, "error_model": "numpy", "nogil": True, "inline": inline}
    with _LENDING:
        chosen = numba.config.CACHE_DIR
        try:
            # Numba reads the directory while it decorates, so the setting is lent for this moment only.
            numba.config.CACHE_DIR = chosen or str(cache_folder())
            return numba.njit(cache=True, **flags)(function)
        except (RuntimeError, OSError):
            return numba.njit(**flags)(function)
        finally:
            numba.config.CACHE_DIR = chosen


@cache
def cache_folder() -> Path:
    """Of machine code of these very sources: Numba looks at a kernel's own file, not at those of what it calls."""
    sources = (Path(__file__), *sorted((Path(__file__).parent / "kernels").glob("*.py")))
    digest = sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    return Path(user_cache_dir("eoc")) / "numba" / digest[:16]


# A forked child would wait for a thread that compiled in its parent, and that it does not have.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=global_compiler_lock.acquire,
        after_in_parent=global_compiler_lock.release,
        after_in_child=global_compiler_lock.release,
    )
