"""Sweeps: many points from one YAML file, computed on all cores or a cluster, and kept whatever happens.

``config`` reads the file, ``plan`` lists the points, ``tasks`` say what is computed at each of them, ``run`` hands them
to ``engines`` and puts the results into a ``store``, which ``open`` reads back as one labelled data set.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eoc.sweeps.config import Sweep, read_sweep, sweep_of
    from eoc.sweeps.open import open_sweep
    from eoc.sweeps.run import Summary, run_sweep

_WHERE = {
    "Summary": "run",
    "Sweep": "config",
    "open_sweep": "open",
    "read_sweep": "config",
    "run_sweep": "run",
    "sweep_of": "config",
}

__all__ = ["Summary", "Sweep", "open_sweep", "read_sweep", "run_sweep", "sweep_of"]


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(f"module 'eoc.sweeps' has no attribute {name!r}")
    return getattr(import_module(f"eoc.sweeps.{_WHERE[name]}"), name)
