"""The results on disk, as zarr: written point by point, safe against kill -9, and read as one labelled data set.

``layout`` says what a store is made of and how it is cut into chunks, ``header`` is what it says about itself,
``creating`` makes a new store and repairs a damaged one, ``opening`` goes on with one that is there, under a ``lock``,
``store`` writes points, ``reading`` reads.
"""

from eoc.sweeps.store.opening import open_store
from eoc.sweeps.store.reading import open_sweep
from eoc.sweeps.store.store import Store

__all__ = ["Store", "open_store", "open_sweep"]
