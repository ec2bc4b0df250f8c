"""One edge-of-chaos point from its variance, with errors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from eoc.activations.base import Activation
from eoc.criticality.explicit import Residual, curve, squared_bias
from eoc.criticality.results import EocPoint
from eoc.floats import EPS
from eoc.gaussian.moments import moments
from eoc.maps import VarianceMap, stability_of
from eoc.rates import rate_law

__all__ = ["STEP", "limit_at_zero", "overflows_above", "point_at", "root_error", "with_given"]

STEP = 1e-4  # relative step of the differences that propagate errors of q
_SMALL = np.geomspace(1e-12, 1.0, 49)


def point_at(phi: Activation, q: float, q_error: float) -> EocPoint | None:
    """The point at q > 0, known to within q_error; None if sigma_b^2 < 0 there."""
    at = np.array([q])
    m = moments(phi, at, ("D", "P"))
    d, p = m["D"], m["P"]
    squared = squared_bias(phi, at)
    if not squared.value[0] > -squared.error[0]:
        return None
    around = curve(phi, np.array([1.0 - STEP, 1.0 + STEP]) * q)
    drift = {
        n: abs(float(np.diff(getattr(around, n))[0])) / (2.0 * STEP * q) * q_error
        for n in ("sigma_b", "sigma_w", "slope")
    }
    sigma_w, sigma_b = float(d.value[0]) ** -0.5, max(float(squared.value[0]), 0.0) ** 0.5
    slope = 1.0 + float(p.value[0] / d.value[0])
    slope_error = float((p.error[0] + abs(slope - 1.0) * d.error[0]) / d.value[0]) + drift["slope"] + 4.0 * EPS
    stability = stability_of(slope, slope_error)
    overflow = overflows_above(VarianceMap(phi, sigma_w, sigma_b))
    return EocPoint(
        sigma_b=sigma_b,
        sigma_w=sigma_w,
        q=q,
        sigma_b_error=_sqrt_error(float(squared.value[0]), float(squared.error[0]), drift["sigma_b"]),
        sigma_w_error=sigma_w * (0.5 * float(d.error[0] / d.value[0]) + 2.0 * EPS) + drift["sigma_w"],
        q_error=q_error,
        chi_1=1.0,
        slope=slope,
        slope_error=slope_error,
        stability=stability,
        usable=stability == "stable",
        any_q=False,
        law=rate_law(phi, q),
        overflows_above=overflow[0],
        overflows_above_error=overflow[1],
    )


def limit_at_zero(phi: Activation) -> EocPoint | None:
    """The start of the curve, sigma_b = q = 0 and sigma_w^2 D(0) = 1; None unless phi(0) = 0 with a slope.

    There F' = 1; it is usable if F(q) < q for small q, so that variances decay towards it (tanh), and not if they
    leave it (GELU).
    """
    if not phi.vanishes_at_zero or phi.kappa == 0.0:
        return None
    sigma_w = phi.kappa**-0.5
    overflow = overflows_above(VarianceMap(phi, sigma_w))
    return EocPoint(
        sigma_b=0.0,
        sigma_w=sigma_w,
        q=0.0,
        sigma_b_error=0.0,
        sigma_w_error=4.0 * EPS * sigma_w,
        q_error=0.0,
        chi_1=1.0,
        slope=1.0,
        slope_error=0.0,
        stability="marginal",
        usable=_decays_to_zero(phi),
        any_q=False,
        law=rate_law(phi, 0.0),
        overflows_above=overflow[0],
        overflows_above_error=overflow[1],
    )


def overflows_above(variance: VarianceMap) -> tuple[float, float]:
    """See :class:`EocPoint`: the variance and a bound on its error."""
    if not np.isinf(variance.growth_at_infinity()):
        return float("inf"), 0.0
    return variance.diverges_above, variance.diverges_above_error


def root_error(residual: Residual, x: float) -> float:
    """How far the error of a residual can move its root x > 0."""
    values, errors = residual(np.array([1.0 - STEP, 1.0, 1.0 + STEP]) * x)
    slope = abs(float(values[2] - values[0])) / (2.0 * STEP * x)
    return 2.0 * float(errors[1]) / slope + 4.0 * EPS * x if slope > 0.0 else float("inf")


def with_given(p: EocPoint, name: str, value: float) -> EocPoint:
    """The point with the quantity that was given, which carries no error."""
    if name == "sigma_b":
        return replace(p, sigma_b=value, sigma_b_error=0.0)
    if name == "sigma_w":
        return replace(p, sigma_w=value, sigma_w_error=0.0)
    return p


def _decays_to_zero(phi: Activation) -> bool:
    """Whether V(q) < kappa q for the smallest q at which the difference does not vanish in rounding."""
    excess = moments(phi, _SMALL, ("excess",))["excess"]
    signs = np.sign(excess.value[np.abs(excess.value) > excess.error])
    return bool(signs.size and signs[0] < 0.0)


def _sqrt_error(squared: float, error: float, drift: float) -> float:
    """Error of the square root of a number >= 0 known to within ``error``, plus what the error of q adds."""
    return error**0.5 if squared <= error else error / squared**0.5 + drift
