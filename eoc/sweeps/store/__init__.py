"""The results on disk, as zarr: written point by point, safe against kill -9, and read as one labelled data set.

``layout`` says which variables there are, ``blocks`` how they are cut into chunks, ``creating`` makes a new store,
``header`` holds what describes it, with ``provenance``, ``store`` writes points, ``differences`` tell why a store is of
another configuration, ``lock`` keeps a second run away, ``open`` reads.
"""

from eoc.sweeps.store.open import open_sweep
from eoc.sweeps.store.store import Store, open_store

__all__ = ["Store", "open_store", "open_sweep"]
