"""phi(u + d) - phi(u) to full relative precision, also where d is far below the rounding of u."""

from __future__ import annotations

import numpy as np

from eoc.activations.base import Activation
from eoc.floats import FloatArray

__all__ = ["increments"]

_SMALL = 1e-5  # of u: above it subtracting costs 1e-11, below it the rule's error, (d/scale)^4 / 4320, is less
_NODE = 0.5 / 3.0**0.5  # of Gauss-Legendre quadrature with two points, from the middle


def increments(phi: Activation, u: FloatArray, d: FloatArray, values: FloatArray) -> FloatArray:
    """phi(u + d) - phi(u) for networks and units (M, n); ``values`` are phi(u).

    In networks where d is small, phi' is integrated from u to u + d. Differences across a kink or a jump are always
    subtracted: the smaller d is, the fewer of these there are, so that their rounding never matters in a sum.
    """
    small = np.abs(d).max(axis=-1) <= _SMALL * np.abs(u).max(axis=-1)
    if not small.any():
        return _subtracted(phi, u, d, values)
    if small.all():
        return _integrated(phi, u, d, values)
    out = np.empty_like(d)
    for networks, difference in ((small, _integrated), (~small, _subtracted)):
        out[networks] = difference(phi, u[networks], d[networks], values[networks])
    return out


def _subtracted(phi: Activation, u: FloatArray, d: FloatArray, values: FloatArray) -> FloatArray:
    return phi.phi(u + d) - values


def _integrated(phi: Activation, u: FloatArray, d: FloatArray, values: FloatArray) -> FloatArray:
    middle = u + 0.5 * d
    out = 0.5 * d * (phi.dphi(middle - _NODE * d) + phi.dphi(middle + _NODE * d))
    for knot in phi.knots:
        across = (u < knot) != (u + d < knot)
        if across.any():
            out[across] = _subtracted(phi, u[across], d[across], values[across])
    return out
