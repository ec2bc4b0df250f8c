"""The geometry of piecewise linear networks: linear regions of random networks and of real ones.

``expected`` says how many kinks wide random networks have along a curve, from ``curves`` through the algebra of layers;
``disc`` counts regions of one hidden layer in a disc.

``pieces`` are activations made of straight lines, ``model`` networks of them, which ``reading`` makes of PyTorch
models (with the ``windows`` of convolutions and pooling). ``along`` finds their kinks on segments (``sampled``: of
random networks), ``plane`` their regions in planes, as ``polygons`` that layers cut into ``cells``, and ``terms``
what data make of a network: their affine maps and ``tropical`` terms.

``symmetry`` decides which networks of ``two_layer`` are one function, and ``fewest`` (with ``subsets``) how many
neurons it needs. ``landscape`` builds local minima that are not global, with ``derivatives`` of the loss by all
parameters, and ``loss_cells`` says in which cell parameters are.
"""

from eoc.regions.along import Breakpoints, along
from eoc.regions.disc import DiscRegions, expected_in_disc
from eoc.regions.expected import expected
from eoc.regions.fewest import Fewest, fewest
from eoc.regions.kinks import ExpectedKinks, LayerKinks
from eoc.regions.landscape import SpuriousMinimum, spurious_minimum
from eoc.regions.loss_cells import Cell, cell
from eoc.regions.model import PiecewiseLinear, dense
from eoc.regions.pieces import StraightPieces, straight_pieces
from eoc.regions.plane import PlaneSection, estimated_cells, plane
from eoc.regions.reading import piecewise_linear
from eoc.regions.sampled import CountedKinks, count_kinks, random_network
from eoc.regions.symmetry import Canonical, Equivalence, canonical, equivalent, flips
from eoc.regions.terms import LinearTerms, expected_cosines, linear_terms
from eoc.regions.two_layer import TwoLayer, two_layer

__all__ = [
    "Breakpoints",
    "Canonical",
    "Cell",
    "CountedKinks",
    "DiscRegions",
    "Equivalence",
    "ExpectedKinks",
    "Fewest",
    "LayerKinks",
    "LinearTerms",
    "PiecewiseLinear",
    "PlaneSection",
    "SpuriousMinimum",
    "StraightPieces",
    "TwoLayer",
    "along",
    "canonical",
    "cell",
    "count_kinks",
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
    "random_network",
    "spurious_minimum",
    "straight_pieces",
    "two_layer",
]
