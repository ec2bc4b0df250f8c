"""What the figure scripts share that draw a sweep of ``configs/``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import xarray

import eoc
from eoc.sweeps import read_sweep

__all__ = ["swept"]

CONFIGS = Path(__file__).parents[1] / "configs"


def swept(name: str, changes: Sequence[str], reduced: bool) -> xarray.Dataset:
    """The results of ``configs/NAME.yaml``, on all cores; reduced: with some changes, in this process."""
    with TemporaryDirectory() as folder:
        store = Path(folder) / f"{name}.zarr"
        sweep = read_sweep(CONFIGS / f"{name}.yaml", changes if reduced else ())
        assert eoc.run_sweep(sweep, store, workers=1 if reduced else None).failed == 0
        return eoc.open_sweep(store).load()
