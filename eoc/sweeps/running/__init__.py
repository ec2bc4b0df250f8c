"""Computing what a store does not hold yet.

``scheduling`` hands points out in batches, ``work`` computes one, on any of the ``engines``, and ``run`` stores the
results.
"""

from eoc.sweeps.running.run import Progress, Summary, run_sweep

__all__ = ["Progress", "Summary", "run_sweep"]
