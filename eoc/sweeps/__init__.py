"""Sweeps: many points from one YAML file, computed on all cores or a cluster, and kept whatever happens.

``config`` reads the file, ``plan`` lists the points, ``tasks`` say what is computed at each of them, ``running`` hands
them to engines and puts the results into a ``store``, which is read back as one labelled data set; ``views`` select
from it and export it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eoc.sweeps.config import ConfigError, Sweep, read_sweep, sweep_of
    from eoc.sweeps.kernel_matrix import kernel_rows, run_kernel
    from eoc.sweeps.running import Summary, run_sweep
    from eoc.sweeps.store import open_sweep

_WHERE = {
    "eoc.sweeps.config": ("ConfigError", "Sweep", "read_sweep", "sweep_of"),
    "eoc.sweeps.kernel_matrix": ("kernel_rows", "run_kernel"),
    "eoc.sweeps.running": ("Summary", "run_sweep"),
    "eoc.sweeps.store": ("open_sweep",),
}
_MODULE = {name: module for module, names in _WHERE.items() for name in names}

__all__ = [
    "ConfigError",
    "Summary",
    "Sweep",
    "kernel_rows",
    "open_sweep",
    "read_sweep",
    "run_kernel",
    "run_sweep",
    "sweep_of",
]


def __getattr__(name: str) -> object:
    if name not in _MODULE:
        raise AttributeError(f"module 'eoc.sweeps' has no attribute {name!r}")
    return getattr(import_module(_MODULE[name]), name)
