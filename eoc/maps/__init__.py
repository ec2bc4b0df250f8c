"""The scalar maps that a layer applies: the variance map F(q) and the correlation map f(c).

Poole et al. (2016), Hayou et al. (2019). ``variance`` and ``correlation`` hold the maps themselves, ``layer`` and
``correlation_layer`` a single application, ``variance_fixed_points`` and ``correlation_fixed_points`` the fixed points,
``expansion`` that of f at c = 1, ``depth_flow`` the correlation at any depth.
"""

from eoc.maps.correlation import CorrelationMap
from eoc.maps.correlation_fixed_points import CorrelationFixedPoint
from eoc.maps.expansion import Term
from eoc.maps.variance import VarianceMap, checked_sigma
from eoc.maps.variance_fixed_points import FixedPoint, Stability, stability_of

__all__ = [
    "CorrelationFixedPoint",
    "CorrelationMap",
    "FixedPoint",
    "Stability",
    "Term",
    "VarianceMap",
    "checked_sigma",
    "stability_of",
]
