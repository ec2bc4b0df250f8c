"""Ordered, chaotic or critical: what layers do to signals and gradients, at one place and on grids of them."""

from eoc.phase.point import Phase, PhaseName, phase_of, phases

__all__ = ["Phase", "PhaseName", "phase_of", "phases"]
