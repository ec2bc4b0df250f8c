r"""The edge of chaos: the (sigma_b, sigma_w, q) at which chi_1 = sigma_w^2 E[phi'^2] = 1 and F(q) = q.

Both conditions together are explicit in q (used by Xiao et al. 2018, stated by Hayou et al. 2019 as a limit):

.. math:: \sigma_w^2 = 1 / D(q), \qquad \sigma_b^2 = q - V(q) / D(q) = (q D - V) / D,

so the whole curve needs no solver, and a point with a given sigma_b, sigma_w or depth is a root in one variable, of
which all are found. Such a point is an edge of chaos only if q is a stable fixed point of the variance map,
F'(q) = 1 + P/D < 1; the published tables for Swish and GELU at small sigma_b miss this.
"""

from eoc.criticality.asymptotics import Approach, End
from eoc.criticality.branches import TurningPoint
from eoc.criticality.curve import EocCurve
from eoc.criticality.edge_curve import eoc_curve
from eoc.criticality.explicit import Curve, curve, transitions
from eoc.criticality.gradient_critical import GradientCritical, gradient_critical
from eoc.criticality.ordered import OrderedPoint, nearest_ordered
from eoc.criticality.padded import PaddedEdge, padded_edge
from eoc.criticality.results import EdgeOfChaos, EocPoint, NoPoint, Regime
from eoc.criticality.solve import edge_of_chaos
from eoc.criticality.stability import StabilityRange, Transition

__all__ = [
    "Approach",
    "Curve",
    "EdgeOfChaos",
    "End",
    "EocCurve",
    "EocPoint",
    "GradientCritical",
    "NoPoint",
    "OrderedPoint",
    "PaddedEdge",
    "Regime",
    "StabilityRange",
    "Transition",
    "TurningPoint",
    "curve",
    "edge_of_chaos",
    "eoc_curve",
    "gradient_critical",
    "nearest_ordered",
    "padded_edge",
    "transitions",
]
