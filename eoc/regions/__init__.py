"""The geometry of piecewise linear networks: linear regions of random networks and of real ones.

``expected`` says how many kinks wide random networks have along a curve, from ``curves`` through the algebra of layers;
``disc`` counts regions of one hidden layer in a disc.

``pieces`` are activations made of straight lines, ``model`` networks of them, which ``reading`` makes of PyTorch models
(with the ``windows`` of convolutions and pooling). ``along`` finds their kinks on segments, ``plane`` their
regions in planes, as ``polygons`` that layers cut into ``cells``, and ``terms`` what data make of a network: their
affine maps and ``tropical`` terms.

``symmetry`` decides which two-layer networks are one function, and ``fewest`` (with ``subsets``) how many neurons it
needs.
"""

from eoc.regions.along import Breakpoints, along
from eoc.regions.disc import DiscRegions, expected_in_disc
from eoc.regions.expected import expected
from eoc.regions.fewest import Fewest, fewest
from eoc.regions.kinks import ExpectedKinks, LayerKinks
from eoc.regions.model import PiecewiseLinear, dense
from eoc.regions.pieces import StraightPieces, straight_pieces
from eoc.regions.plane import PlaneSection, estimated_cells, plane
from eoc.regions.reading import piecewise_linear
from eoc.regions.symmetry import Canonical, Equivalence, TwoLayer, canonical, equivalent, flips, two_layer
from eoc.regions.terms import LinearTerms, expected_cosines, linear_terms

__all__ = [
    "Breakpoints",
    "Canonical",
    "DiscRegions",
    "Equivalence",
    "ExpectedKinks",
    "Fewest",
    "LayerKinks",
    "LinearTerms",
    "PiecewiseLinear",
    "PlaneSection",
    "StraightPieces",
    "TwoLayer",
    "along",
    "canonical",
    "dense",
    "equivalent",
    "estimated_cells",
    "expected",
    "expected_cosines",
    "expected_in_disc",
    "fewest",
    "flips",
    "linear_terms",
    "piecewise_linear",
    "plane",
    "straight_pieces",
    "two_layer",
]
