"""What this machine has: processor cores, versions of packages, and memory, asked for before hours of work."""

from __future__ import annotations

import os
from importlib import metadata

from eoc._version import __version__
from eoc.errors import EocError

__all__ = ["check_memory", "cores", "version"]

_SHARE = 0.8  # of physical memory: the rest is for what else runs


def cores() -> int:
    """How many processor cores this process may use: fewer than there are under taskset, Slurm or in a container.

    Examples
    --------
    >>> 1 <= cores() <= os.cpu_count()
    True
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def version(package: str) -> str:
    """The version of a package, of eoc too where it runs from a checkout; "unknown" for what was not installed.

    Examples
    --------
    >>> version("eoc")[:2], version("nothing of this name")
    ('0.', 'unknown')
    """
    if package == "eoc":
        return __version__
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "unknown"


def check_memory(what: str, size: float, remedy: str = "use fewer or smaller networks, or fewer inputs") -> None:
    """Refuse arrays that would not fit into physical memory.

    Parameters
    ----------
    what
        What the arrays hold.
    size
        Bytes that they take, all together.
    remedy
        What to do instead.

    Raises
    ------
    EocError
        If ``size`` is more than 80 % of the physical memory of the machine. Where the system does not tell how much
        there is, nothing is refused.

    Examples
    --------
    >>> check_memory("the weights", 8.0 * 1000**2)
    >>> check_memory("the weights", 1e18)
    Traceback (most recent call last):
    ...
    eoc.errors.EocError: the weights would take 1e+09 GB, this machine has ...: use fewer or smaller networks, or ...
    """
    there = _physical()
    if there is not None and size > _SHARE * there:
        raise EocError(f"{what} would take {size / 1e9:.3g} GB, this machine has {there / 1e9:.3g} GB: {remedy}")


def _physical() -> float | None:
    """Bytes of physical memory, None if unknown: cached files make free memory look scarcer than it is."""
    try:
        pages, page = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # not on this system
        return None
    return float(pages) * page if pages > 0 and page > 0 else None
