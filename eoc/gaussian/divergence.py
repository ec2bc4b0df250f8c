"""Where the squares of phi' and phi'' are not integrable: at roots, as sqrt(|x|) has one, and their like."""

from __future__ import annotations

import numpy as np

from eoc.activations.base import Activation

__all__ = ["vertical", "where_diverges"]

_BITS = np.array([14.0, 18.0, 22.0])  # 2^-bits away from a knot
_ROUNDING = 1e-4  # of an exponent
_LARGE = 1e4


def where_diverges(phi: Activation, order: int) -> float | None:
    """A knot at which |phi'|^2 (order 1) or |phi''|^2 (order 2) is not integrable; None if there is none.

    The square is not if it grows towards the knot like 1/h or faster, as seen at three distances h.

    Examples
    --------
    >>> from eoc.activations import activation
    >>> where_diverges(activation("sqrt(abs(x))"), 1), where_diverges(activation("abs(x)**0.6"), 1)
    (0.0, None)
    """
    for knot in phi.breakpoints:
        if not _is_suspicious(knot.left, order) and not _is_suspicious(knot.right, order):
            continue
        for side in (-1.0, 1.0):
            x = knot.x + side * max(abs(knot.x), 1.0) * 2.0**-_BITS
            values, _ = phi.derivative(order, x)
            with np.errstate(divide="ignore", invalid="ignore"):
                exponents = np.diff(np.log2(np.abs(values))) / -np.diff(_BITS)
            if (2.0 * exponents <= -1.0 + _ROUNDING).all():
                return float(knot.x)
    return None


def vertical(phi: Activation) -> tuple[float, ...]:
    """The knots at which phi has a vertical tangent, or one that looks so from close to it.

    Examples
    --------
    >>> from eoc.activations import activation
    >>> vertical(activation("abs(x - 1)**0.7")), vertical(activation("relu"))
    ((1.0,), ())
    """
    return tuple(b.x for b in phi.breakpoints if _is_suspicious(b.left, 1) or _is_suspicious(b.right, 1))


def _is_suspicious(limits: tuple[float, float, float], order: int) -> bool:
    """Whether a one-sided limit is infinite, or so large that it was read off close to where it is."""
    return not abs(limits[order]) <= _LARGE
