"""Where points are computed: in this process, in a pool of others, on a Dask cluster, or by any executor."""

from eoc.sweeps.running.engines.choice import engine_of
from eoc.sweeps.running.engines.engine import Engine

__all__ = ["Engine", "engine_of"]
