"""Any number of layers at once, by the map that holds for all of them."""

from __future__ import annotations

import numpy as np

from eoc.floats import FloatArray
from eoc.gaussian.moments import Estimate
from eoc.maps import CorrelationMap

__all__ = ["far"]


def far(f: CorrelationMap, layers: FloatArray, e: float, error: float) -> Estimate:
    """1 - c after so many more layers, from 1 - c = e, which is known to within ``error``.

    Any number of layers is a power series g in c with coefficients >= 0 and g(1) = 1, so that |g(b) - g(a)| is at most
    1 - g(1 - |b - a|), and at most |b - a| times the slope of the chord from the larger of |a| and |b| to 1.
    """
    found = f.iterate(layers, one_minus_c=e)
    if error == 0.0:
        return found
    from_one = f.iterate(layers, one_minus_c=min(error, 1.0))
    bound = from_one.value + from_one.error
    near = min(e, 2.0 - e) - error
    if near > 0.0:
        chord = f.iterate(layers, one_minus_c=near)
        bound = np.minimum(bound, (chord.value + chord.error) * (error / near))
    return Estimate(found.value, found.error + bound)
