"""Inputs followed layer by layer.

``run`` is where to start, ``inputs`` checks, ``layers`` follows, ``trajectory`` is the result; ``positions`` follows
inputs with positions, which ``position_inputs`` checks.
"""

from eoc.propagation.layers import Progress
from eoc.propagation.positions import PositionStep, PositionTrajectory, propagate_positions
from eoc.propagation.run import propagate, propagate_gram
from eoc.propagation.trajectory import Trajectory

__all__ = [
    "PositionStep",
    "PositionTrajectory",
    "Progress",
    "Trajectory",
    "propagate",
    "propagate_gram",
    "propagate_positions",
]
