r"""What a layer does to variances, for arrays of places and variances at once (NumPy broadcasts them).

.. math:: F(q) = \sigma_b^2 + \sigma_w^2 V(q), \qquad F'(q) = \sigma_w^2 (D + P), \qquad \chi_1 = \sigma_w^2 D.

Near criticality F(q) - q is the difference of almost equal numbers. It is computed as sigma_b^2 + (sigma_w^2 kappa -
1) q + sigma_w^2 (V - kappa q), each term without cancellation, kappa = (phi'(0+)^2 + phi'(0-)^2)/2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from eoc.activations.base import Activation, Smoothness
from eoc.floats import EPS, FloatArray
from eoc.gaussian.moments import Estimate, checked_variances, moments

__all__ = [
    "chi_1",
    "combined_growth",
    "growth",
    "growth_at_infinity",
    "sensitivity",
    "slope",
    "slope_uncertainty",
    "variance_after",
]

_STEP = 1e-3  # relative step of differences: their error is about 1e-12 for step^4, 1e-12 for rounding; 1e-8 is claimed
_BEND_STEP = 1e-4


def variance_after(phi: Activation, sigma_w: ArrayLike, sigma_b: ArrayLike, q: ArrayLike) -> Estimate:
    """F(q) with its error bound."""
    return _affine(np.square(sigma_b), np.square(sigma_w), moments(phi, q, ("V",))["V"])


def slope(phi: Activation, sigma_w: ArrayLike, q: ArrayLike, *, strict: bool = True) -> Estimate:
    """F'(q), the deltas of kinks and jumps included; ``strict`` as in :func:`eoc.moments`."""
    parts = moments(phi, q, ("D", "P"), strict=False)
    d, p = parts["D"], parts["P"]
    with np.errstate(invalid="ignore"):  # infinite D - infinite P: by differences, below
        value, error = d.value + p.value, d.error + p.error
    unknown = np.isnan(value)
    if unknown.any():
        differences = _slope_by_differences(phi, checked_variances(q), strict=strict)
        value = np.where(unknown, differences.value, value)
        error = np.where(unknown, differences.error, error)
    return _affine(0.0, np.square(sigma_w), Estimate(value, error))


def _slope_by_differences(phi: Activation, q: FloatArray, *, strict: bool) -> Estimate:
    """V' from V at four nearby variances, where E[phi'^2] is infinite: V is analytic in q all the same."""
    steps = np.array([-2.0, -1.0, 1.0, 2.0]) * _STEP
    around = moments(phi, np.multiply.outer(1.0 + steps, q), ("V",), strict=strict)["V"]
    weights = np.array([1.0, -8.0, 8.0, -1.0]) / 12.0
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.abs(around.value).max(axis=0) / q
        return Estimate(np.tensordot(weights, around.value, 1) / (_STEP * q), size * 1e-8)


def chi_1(phi: Activation, sigma_w: ArrayLike, q: ArrayLike, *, strict: bool = True) -> Estimate:
    """sigma_w^2 D(q): the slope of the correlation map at c = 1. Infinite if phi jumps and sigma_w > 0."""
    d = moments(phi, q, ("D",), strict=strict)["D"]
    found = _affine(0.0, np.square(sigma_w), d)
    if phi.smoothness is not Smoothness.JUMP:
        return found
    infinite = np.broadcast_to(np.asarray(sigma_w) > 0.0, found.value.shape)
    return Estimate(np.where(infinite, np.inf, found.value), np.where(infinite, 0.0, found.error))


def growth(phi: Activation, sigma_w: ArrayLike, sigma_b: ArrayLike, q: ArrayLike) -> Estimate:
    """F(q) - q without cancellation, with its error bound; the sign tells where q moves. NaN where undefined."""
    q = checked_variances(q)
    m = moments(phi, q, ("V", "excess"), strict=False)
    return combined_growth(phi.kappa, np.square(sigma_w), np.square(sigma_b), q, m["V"], m["excess"])


def combined_growth(
    kappa: float, squared_w: ArrayLike, squared_b: ArrayLike, q: FloatArray, variance: Estimate, excess: Estimate
) -> Estimate:
    """F(q) - q from V or from V - kappa q, where these are known already: whichever knows more digits."""
    w, b = np.asarray(squared_w), np.asarray(squared_b)
    linear, curved, scaled = (w * kappa - 1.0) * q, w * excess.value, w * variance.value
    error = w * excess.error + 4.0 * EPS * (b + w * (kappa * q) + np.abs(curved) + np.abs(linear))
    direct_error = w * variance.error + 4.0 * EPS * (b + scaled + q)
    direct = direct_error < 0.25 * error  # the other one is usually far better than its bound
    return Estimate(np.where(direct, b + scaled - q, b + linear + curved), np.where(direct, direct_error, error))


def growth_at_infinity(phi: Activation, sigma_w: ArrayLike) -> FloatArray:
    """The limit of (F(q) - q)/q as q grows."""
    squared, growth = np.square(np.asarray(sigma_w, dtype=float)), phi.growth
    if growth.kind == "bounded" or (growth.kind == "polynomial" and growth.rate < 1.0):
        return np.full(squared.shape, -1.0)
    if growth.kind == "polynomial" and growth.rate == 1.0:
        with np.errstate(over="ignore"):
            return np.asarray(squared * 0.5 * np.square(phi.asymptotic_slopes).sum() - 1.0)
    return np.where(squared == 0.0, -1.0, np.inf)


def slope_uncertainty(phi: Activation, sigma_w: ArrayLike, q: FloatArray) -> FloatArray:
    """The size of F''(q) for q > 0, to some digits: what errors of q do to the slope."""
    low, high = (slope(phi, sigma_w, (1.0 + step) * q, strict=False).value for step in (-_BEND_STEP, _BEND_STEP))
    return np.asarray(np.abs(high - low) / (2.0 * _BEND_STEP * q))


def sensitivity(phi: Activation, q: ArrayLike, relative_slope: ArrayLike) -> FloatArray:
    """How much faster than q, relatively, 1 - f and f' change, c fixed: twice what V/q, D and q/F(q) tell of it.

    ``relative_slope`` is F'(q) q / F(q).
    """
    around = np.multiply.outer(np.array([1.0 - _STEP, 1.0 + _STEP]), q)
    m = moments(phi, around, ("V", "D"), strict=False)
    with np.errstate(divide="ignore", invalid="ignore"):
        v, d = (np.diff(np.log(m[name].value), axis=0)[0] / (2.0 * _STEP) for name in ("V", "D"))
    changes = np.nanmax([np.abs(v - 1.0), np.abs(d), np.zeros(d.shape)], axis=0)
    return np.asarray(np.abs(1.0 - np.asarray(relative_slope)) + 2.0 * changes)


def _affine(offset: ArrayLike, factor: ArrayLike, moment: Estimate) -> Estimate:
    scaled = np.asarray(factor) * moment.value
    size = np.asarray(offset) + np.abs(scaled)
    return Estimate(np.asarray(offset) + scaled, np.asarray(factor) * moment.error + 2.0 * EPS * size)
