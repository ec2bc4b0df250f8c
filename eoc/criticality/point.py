"""One edge-of-chaos point from its variance, with errors."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from eoc.criticality.explicit import Curve, Residual, curve, edge_moments, squared_bias
from eoc.criticality.results import EocPoint
from eoc.floats import EPS, FloatArray
from eoc.gaussian.moments import moments
from eoc.layers import CloseInput, Network
from eoc.layers.close import Close
from eoc.maps import CorrelationMap, VarianceMap, convergence_law, stability_of
from eoc.rates import RateLaw, depth_scale, rate_law

__all__ = [
    "STEP",
    "Place",
    "d_at_zero",
    "depth_scales",
    "homogeneous_point",
    "law_at",
    "limit_at_zero",
    "located",
    "overflows_above",
    "point_at",
    "point_of",
    "root_error",
    "starts_at_zero",
    "with_given",
]

STEP = 1e-4  # relative step of the differences that propagate errors of q
_NEAR = np.array([1e-24, 1e-20])  # 1 - c where what is lost of it is a power
_SMALL = np.geomspace(1e-12, 1.0, 49)


@dataclass(frozen=True, kw_only=True)
class Place:
    """A place of the edge, with the variance that is kept there and its slope."""

    sigma_w: float
    sigma_b: float
    q: float
    slope: float
    sigma_w_error: float
    sigma_b_error: float
    q_error: float
    slope_error: float


def point_at(network: Network, q: float, q_error: float) -> EocPoint | None:
    """The point at q > 0, known to within q_error; None if sigma_b^2 < 0 there."""
    place = located(network, q, q_error)
    return None if place is None else point_of(network, place)


def point_of(network: Network, place: Place, *, any_q: bool = False, usable: bool | None = None) -> EocPoint:
    """The point with all that follows from its place; usable where its slope says so, if nothing else does."""
    stability = stability_of(place.slope, place.slope_error)
    above, above_error = overflows_above(VarianceMap(network, place.sigma_w, place.sigma_b))
    return EocPoint(
        **vars(place),
        chi_1=1.0,
        stability=stability,
        usable=stability == "stable" if usable is None else usable,
        any_q=any_q,
        law=law_at(network, place.sigma_w, place.sigma_b, place.q, place.q_error),
        overflows_above=above,
        overflows_above_error=above_error,
    )


def located(network: Network, q: float, q_error: float) -> Place | None:
    """The place of the point at q > 0, known to within q_error; None if sigma_b^2 < 0 there."""
    at = np.array([q])
    m = moments(network.phi, at, ("D", "P")) if network.phi is not None else edge_moments(network, at, ("D", "P"))
    d, p = m["D"], m["P"]
    squared = squared_bias(network, at)
    if not squared.value[0] > -squared.error[0]:
        return None
    around = curve(network, np.array([1.0 - STEP, 1.0 + STEP]) * q)
    drift = {
        n: abs(float(np.diff(getattr(around, n))[0])) / (2.0 * STEP * q) * q_error
        for n in ("sigma_b", "sigma_w", "slope")
    }
    sigma_w, sigma_b = float(d.value[0]) ** -0.5, max(float(squared.value[0]), 0.0) ** 0.5
    slope = 1.0 + float(p.value[0] / d.value[0])
    return Place(
        sigma_w=sigma_w,
        sigma_b=sigma_b,
        q=q,
        slope=slope,
        sigma_w_error=sigma_w * (0.5 * float(d.error[0] / d.value[0]) + 2.0 * EPS) + drift["sigma_w"],
        sigma_b_error=_sqrt_error(float(squared.value[0]), float(squared.error[0]), drift["sigma_b"]),
        q_error=q_error,
        slope_error=float((p.error[0] + abs(slope - 1.0) * d.error[0]) / d.value[0]) + drift["slope"] + 4.0 * EPS,
    )


def law_at(network: Network, sigma_w: float, sigma_b: float, q: float, q_error: float = 0.0) -> RateLaw:
    """The first order of the law of 1 - c_l at a point of the edge.

    Of a network from the expansion of its correlation map at c = 1.
    """
    if network.phi is not None:
        return rate_law(network.phi, q)
    f = CorrelationMap(network, sigma_w, sigma_b, q, q_error)
    if not f.keeps_equal:
        found = convergence_law(f)
        return RateLaw("exponential", found.constant, found.error)
    terms = {} if f.is_identity else {term.power: term for term in f.expansion}
    if 1.5 in terms:
        s, error = -terms[1.5].coefficient, terms[1.5].error
        return RateLaw("1/l^2", 4.0 / s**2, 8.0 * error / abs(s) ** 3)
    if 2.0 in terms:
        s, error = -terms[2.0].coefficient, terms[2.0].error
        return RateLaw("1/l", 1.0 / s, error / s**2)
    return RateLaw("constant", math.inf, 0.0)


def depth_scales(network: Network, along: Curve) -> FloatArray:
    """The depths of these laws at points (n,) of the edge at q > 0, to some digits; 0 with noise, which has no law.

    Where 1 - f = e (1 - k e^p + ...) with e = 1 - c, e_l is of order one up to l = 1/(p k).
    """
    if network.phi is not None:
        return depth_scale(network.phi, along.q)
    n, e = along.q.size, np.repeat(_NEAR, along.q.size)
    w, b, q = (np.tile(part, 2) for part in (along.sigma_w, along.sigma_b, along.q))
    g = network.block(w, b)(CloseInput(q, e)).G
    if not isinstance(g, Close):
        return np.zeros(n)
    with np.errstate(divide="ignore", invalid="ignore"):
        near, far = np.split(np.broadcast_to(g.loss.value / g.gain.value, 2 * n), 2)
        power = np.log(far / near) / np.log(_NEAR[1] / _NEAR[0])
        return np.asarray(np.where(far > 0.0, _NEAR[1] ** power / (power * far), np.inf))


def homogeneous_point(network: Network, q: float) -> EocPoint | None:
    """The one point of what only scales variances (relu), at the variance that is meant; None where it needs a bias."""
    m = edge_moments(network, np.ones(1), ("D", "gap"))
    d, gap = m["D"], m["gap"]
    if not (0.0 < d.value[0] < np.inf and abs(gap.value[0]) <= gap.error[0]):
        return None
    place = _without_bias(float(d.value[0]), float(d.error[0]), q)
    return point_of(network, place, any_q=True, usable=True)


def d_at_zero(network: Network) -> float:
    """The limit of D as q -> 0, kappa of an activation; 0 where there is none."""
    if network.phi is not None:
        return network.phi.kappa
    d = float(edge_moments(network, np.zeros(1), ("D",))["D"].value[0])
    return d if np.isfinite(d) else 0.0


def starts_at_zero(network: Network) -> float | None:
    """D where the curve begins with the limit q = 0, sigma_b = 0 and sigma_w^2 = 1/D; None where it does not."""
    vanishes = edge_moments(network, np.zeros(1), ("gap",))["gap"].value[0] == 0.0
    return d_at_zero(network) or None if vanishes else None


def limit_at_zero(network: Network) -> EocPoint | None:
    """The start of the curve, sigma_b = q = 0 and sigma_w^2 D(0) = 1; None unless it begins there.

    There F' = 1; it is usable if F(q) < q for small q, so that variances decay towards it (tanh), and not if they
    leave it (GELU).
    """
    d = starts_at_zero(network)
    if d is None:
        return None
    place = _without_bias(d, 0.0, 0.0)
    return point_of(network, place, usable=_decays_to_zero(network, place.sigma_w))


def _without_bias(d: float, error: float, q: float) -> Place:
    """The place without biases where the slope is 1 because nothing but tangents counts."""
    sigma_w = d**-0.5
    return Place(
        sigma_w=sigma_w,
        sigma_b=0.0,
        q=q,
        slope=1.0,
        sigma_w_error=max(4.0 * EPS, 0.5 * error / d + 2.0 * EPS) * sigma_w,
        sigma_b_error=0.0,
        q_error=0.0,
        slope_error=0.0,
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


def _decays_to_zero(network: Network, sigma_w: float) -> bool:
    """Whether F(q) < q for the smallest q at which the difference does not vanish in rounding."""
    if network.phi is not None:  # to more digits
        excess = moments(network.phi, _SMALL, ("excess",))["excess"]
    else:
        excess = VarianceMap(network, sigma_w).growth(_SMALL)
    signs = np.sign(excess.value[np.abs(excess.value) > excess.error])
    return bool(signs.size and signs[0] < 0.0)


def _sqrt_error(squared: float, error: float, drift: float) -> float:
    """Error of the square root of a number >= 0 known to within ``error``, plus what the error of q adds."""
    return error**0.5 if squared <= error else error / squared**0.5 + drift
