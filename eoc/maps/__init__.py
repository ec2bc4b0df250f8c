"""The scalar maps that a layer applies: so far the variance map F(q), its fixed points and basins.

Poole et al. (2016), Hayou et al. (2019). ``variance`` holds the map itself, ``fixed_points`` the search.
"""

from eoc.maps.fixed_points import FixedPoint, Stability, stability_of
from eoc.maps.variance import VarianceMap, checked_sigma

__all__ = ["FixedPoint", "Stability", "VarianceMap", "checked_sigma", "stability_of"]
