"""Inputs followed layer by layer.

``run`` is where to start, ``inputs`` checks, ``layers`` follows, ``trajectory`` is the result.
"""

from eoc.propagation.layers import Progress
from eoc.propagation.run import propagate, propagate_gram
from eoc.propagation.trajectory import Trajectory

__all__ = ["Progress", "Trajectory", "propagate", "propagate_gram"]
