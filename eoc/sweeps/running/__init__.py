"""Computing what a store does not hold yet: ``queue`` hands points out, ``engines`` compute them, ``run`` leads."""

from eoc.sweeps.running.run import Progress, Summary, run_sweep

__all__ = ["Progress", "Summary", "run_sweep"]
