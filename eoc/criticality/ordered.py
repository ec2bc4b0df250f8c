"""The ordered phase as a fallback for activations without a usable edge of chaos."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eoc.activations.base import Smoothness
from eoc.criticality.explicit import FIRM
from eoc.floats import EPS
from eoc.gaussian.moments import Estimate, moments
from eoc.layers import checked_sigma
from eoc.layers import one_activation as resolve
from eoc.scan import decades

__all__ = ["OrderedPoint", "nearest_ordered"]


@dataclass(frozen=True, kw_only=True)
class OrderedPoint:
    """A stable point in the ordered phase, chi_1 < 1: what to take where there is no edge of chaos.

    Attributes
    ----------
    sigma_w, sigma_b, q
        Standard deviations of the weights (times sqrt(fan-in)) and of the biases, and the variance that layers keep.
    chi_1, slope
        sigma_w^2 D(q) < 1, and F'(q).
    xi
        -1/log(chi_1): the number of layers in which squared gradients shrink by e.
    sigma_w_error, chi_1_error, slope_error, xi_error
        Bounds on their errors, at exactly this sigma_b and q.
    """

    sigma_w: float
    sigma_b: float
    q: float
    chi_1: float
    slope: float
    xi: float
    sigma_w_error: float
    chi_1_error: float
    slope_error: float
    xi_error: float


def nearest_ordered(activation: object, sigma_b: float = 0.0) -> OrderedPoint | None:
    """The stable point with this sigma_b whose chi_1 < 1 comes closest to 1, with F' <= 0.98; None if there is none.

    With sigma_b fixed, sigma_w^2 = (q - sigma_b^2)/V makes any q > sigma_b^2 a fixed point, so the search runs over q
    from 1e-6 to 1e4 at 24 points a decade; the values belong exactly to the q that was chosen.

    Parameters
    ----------
    activation
        An activation, or whatever :func:`eoc.activation` understands.
    sigma_b
        Standard deviation of the biases, >= 0.

    Returns
    -------
    OrderedPoint or None
        None if phi jumps or no such point holds its variance.

    Examples
    --------
    >>> point = nearest_ordered("softplus")
    >>> point.chi_1 < 1.0 and point.slope <= 0.98
    True
    """
    phi, sigma_b = resolve(activation), checked_sigma("sigma_b", sigma_b)
    if phi.smoothness is Smoothness.JUMP:
        return None
    q = decades(max(1e-6, 1.001 * sigma_b**2), max(1e4, 1e4 * sigma_b**2))
    m = moments(phi, q, ("V", "D", "P"), strict=False)
    with np.errstate(divide="ignore", invalid="ignore"):
        squared = (q - sigma_b**2) / m["V"].value
        chi_1, slope = squared * m["D"].value, squared * (m["D"].value + m["P"].value)
        ordered = (chi_1 < 1.0) & (np.abs(slope) <= FIRM) & np.isfinite(squared)
    if not ordered.any():
        return None
    i = int(np.flatnonzero(ordered)[np.argmax(chi_1[ordered])])
    v, d, p = (Estimate(m[name].value[i], m[name].error[i]) for name in ("V", "D", "P"))
    relative = float(v.error / v.value) + 4.0 * EPS  # the error of sigma_w^2
    chi, chi_error = float(chi_1[i]), float(squared[i] * d.error + relative * chi_1[i])
    size = squared[i] * (d.value + abs(p.value))
    slope_error = float(squared[i] * (d.error + p.error) + relative * size)
    sigma_w, xi = float(squared[i] ** 0.5), float(-1.0 / np.log(chi))
    most = chi + chi_error
    xi_error = -1.0 / float(np.log(most)) - xi + 4.0 * EPS * xi if most < 1.0 else float("inf")
    return OrderedPoint(
        sigma_w=sigma_w,
        sigma_b=sigma_b,
        q=float(q[i]),
        chi_1=chi,
        slope=float(slope[i]),
        xi=xi,
        sigma_w_error=0.5 * sigma_w * relative + EPS * sigma_w,
        chi_1_error=chi_error,
        slope_error=slope_error,
        xi_error=xi_error,
    )
