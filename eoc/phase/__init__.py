"""Ordered, chaotic or critical: what layers do to signals and gradients, at one place and on grids of them.

``point`` says everything of one place. For a grid, ``ends`` finds where variances end in every cell and
``correlations`` where correlations do, ``grid`` computes the fields there, and ``diagram`` puts them together.
``modes`` says how fast differences between positions decay.
"""

from eoc.phase.diagram import phase_diagram
from eoc.phase.modes import ModeDecay, mode_decay
from eoc.phase.point import phase_of, phases
from eoc.phase.result import Phase, PhaseName

__all__ = ["ModeDecay", "Phase", "PhaseName", "mode_decay", "phase_diagram", "phase_of", "phases"]
