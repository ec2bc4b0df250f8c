"""The results on disk, as zarr: written point by point, safe against kill -9, and read as one labelled data set.

``layout`` says which variables there are, ``blocks`` how they are cut into chunks, ``creating`` makes a new store,
``header`` holds what describes it, with ``provenance``, ``opening`` goes on with one that is there, ``mending`` writes
what describes it again, ``store`` writes points, ``differences`` tell why a store is of another configuration, ``lock``
keeps a second run away, ``open`` reads.
"""

from eoc.sweeps.store.open import open_sweep
from eoc.sweeps.store.opening import open_store
from eoc.sweeps.store.store import Store

__all__ = ["Store", "open_store", "open_sweep"]
