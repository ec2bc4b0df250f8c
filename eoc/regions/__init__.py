"""The geometry of piecewise linear networks: linear regions of random networks and of real ones.

``expected`` says how many kinks wide random networks have along a curve, from ``curves`` through the algebra of layers;
``disc`` counts regions of one hidden layer in a disc. ``pieces`` are activations made of straight lines.
"""

from eoc.regions.disc import DiscRegions, expected_in_disc
from eoc.regions.expected import expected
from eoc.regions.kinks import ExpectedKinks, LayerKinks
from eoc.regions.pieces import StraightPieces, straight_pieces

__all__ = [
    "DiscRegions",
    "ExpectedKinks",
    "LayerKinks",
    "StraightPieces",
    "expected",
    "expected_in_disc",
    "straight_pieces",
]
