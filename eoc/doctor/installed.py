"""What is installed, how many threads there are, and where compiled code is kept."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from eoc.machine import cores, version

__all__ = ["Environment", "environment"]

_BASE = ("numpy", "scipy", "numba", "mpmath", "matplotlib", "xarray", "zarr", "pydantic", "typer")
_OPTIONAL = {  # what is imported, the package, and the extra that installs it
    "torch": ("torch", "torch"),
    "jax": ("jax", "jax"),
    "flax": ("flax", "frameworks"),
    "keras": ("keras", "keras"),
    "sklearn": ("scikit-learn", "sklearn"),
    "distributed": ("distributed", "dask"),
    "pyarrow": ("pyarrow", "export"),
    "h5netcdf": ("h5netcdf", "export"),
}
_VARIABLES = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "NUMBA_CACHE_DIR", "NUMBA_DISABLE_JIT", "MPLBACKEND")


@dataclass(frozen=True)
class Environment:
    """What eoc runs on.

    Attributes
    ----------
    system, python
        The platform, and the version of Python.
    versions
        Of eoc and of what it needs, by the name of the package.
    optional
        Versions of what optional parts need; "" where it is not there.
    extras
        The extra of eoc that installs each of these.
    cores, threads
        Cores that this process may use, and threads of each library of linear algebra.
    cache, cache_bytes, cache_writable
        The folder of compiled code, what is in it, and whether it can be written: if not, every process compiles anew.
    variables
        Those of the environment that matter, as they are set.
    """

    system: str
    python: str
    versions: dict[str, str]
    optional: dict[str, str]
    extras: dict[str, str]
    cores: int
    threads: dict[str, int]
    cache: str
    cache_bytes: int
    cache_writable: bool
    variables: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """What ``--json`` prints."""
        return asdict(self)


def environment() -> Environment:
    """Look at all of it; nothing of what is optional is imported.

    Examples
    --------
    >>> here = environment()
    >>> here.versions["eoc"] == __import__("eoc").__version__, here.cores >= 1, sorted(here.optional)[:2]
    (True, True, ['distributed', 'flax'])
    """
    cache = _cache()
    return Environment(
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        versions={name: version(name) for name in ("eoc", *_BASE)},
        optional={name: version(name) if find_spec(module) else "" for module, (name, _) in _OPTIONAL.items()},
        extras=dict(_OPTIONAL.values()),
        cores=cores(),
        threads=_threads(),
        cache=str(cache),
        cache_bytes=sum(path.stat().st_size for path in cache.rglob("*") if path.is_file()),
        cache_writable=_writable(cache),
        variables={name: os.environ[name] for name in _VARIABLES if name in os.environ},
    )


def _threads() -> dict[str, int]:
    """Of libraries that are loaded, so of linear algebra NumPy's at least."""
    import numba
    import numpy as np
    from threadpoolctl import threadpool_info

    np.eye(2) @ np.eye(2)
    found = {str(one["internal_api"]): int(one["num_threads"]) for one in threadpool_info()}
    return {"numba": int(numba.config.NUMBA_NUM_THREADS)} | found


def _cache() -> Path:
    import numba

    from eoc.gaussian._jit import cache_folder

    return Path(numba.config.CACHE_DIR or cache_folder())


def _writable(folder: Path) -> bool:
    """Whether it could be made and written to."""
    there = next((one for one in (folder, *folder.parents) if one.exists()), Path(sys.prefix))
    return os.access(there, os.W_OK)
