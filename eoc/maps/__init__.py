"""The scalar maps that a layer or a block applies: the variance map F(q) and the correlation map f(c).

Poole et al. (2016), Hayou et al. (2019). ``variance`` and ``correlation`` hold the maps themselves, ``variance_layer``
and ``correlation_layer`` a single application, ``compiled`` that of a network of several layers,
``variance_fixed_points`` and ``correlation_fixed_points`` the fixed points, ``expansion`` that of f at c = 1,
``depth_flow`` the correlation at any depth, ``laws`` how it converges; ``batches`` and ``tokens`` where points end that
layers mix.
"""

from eoc.maps.correlation import CorrelationMap
from eoc.maps.correlation_fixed_points import CorrelationFixedPoint
from eoc.maps.expansion import Term
from eoc.maps.laws import ConvergenceLaw, convergence_law
from eoc.maps.tokens import SettledTokens, angle_exponent, deep_attention, settled_tokens
from eoc.maps.variance import VarianceMap
from eoc.maps.variance_fixed_points import FixedPoint, Stability, stability_of

__all__ = [
    "ConvergenceLaw",
    "CorrelationFixedPoint",
    "CorrelationMap",
    "FixedPoint",
    "SettledTokens",
    "Stability",
    "Term",
    "VarianceMap",
    "angle_exponent",
    "convergence_law",
    "deep_attention",
    "settled_tokens",
    "stability_of",
]
