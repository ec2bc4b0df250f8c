"""Where the edge of chaos begins and ends, over all variances, and how it gets there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eoc.activations.base import Activation
from eoc.criticality.branches import Branch, starts_at_zero
from eoc.criticality.curves import squared_bias
from eoc.criticality.power_laws import Approach, approach
from eoc.floats import EPS, FloatArray
from eoc.gaussian.moments import moments

__all__ = ["End", "ends"]

_NEAREST = 2.0**-26  # relative distance from a finite end below which differences from it are rounding


@dataclass(frozen=True)
class End:
    """One end of a connected stretch of the edge of chaos.

    Attributes
    ----------
    q
        0, inf, a root of sigma_b^2(q), or the variance beyond which E[phi^2] is infinite.
    sigma_b, sigma_w
        Their limits there.
    squared_bias, squared_weight
        How sigma_b^2 and sigma_w^2 approach their limits: powers of q where q -> 0 or inf, else of the distance from q.
    """

    q: float
    sigma_b: float
    sigma_w: float
    squared_bias: Approach
    squared_weight: Approach


def ends(phi: Activation, branch: Branch) -> tuple[End, End]:
    """The end at small and the end at large variance."""
    low, high = float(branch.q[branch.q > 0.0][0]), float(branch.q[-1])
    return (
        _crossing(phi, low, 1.0, high - low) if branch.crosses[0] else _zero(phi, low, high),
        _crossing(phi, high, -1.0, high - low) if branch.crosses[1] else _beyond(phi, low, high),
    )


def _zero(phi: Activation, low: float, high: float) -> End:
    q = 2.0 ** np.arange(min(0.0, np.floor(np.log2(high))), np.log2(low), -1.0)
    begins = starts_at_zero(phi)
    return _end(phi, 0.0, q, q, 0.0 if begins else None, 1.0 / phi.kappa if phi.kappa > 0.0 else None)


def _beyond(phi: Activation, low: float, high: float) -> End:
    q_max = phi.growth.q_max
    if q_max < np.inf:
        t = (q_max - low) * 2.0 ** -np.arange(1.0, np.log2((q_max - low) / (q_max - high)))
        return _end(phi, q_max, q_max - t, t, q_max, 0.0)
    q = 2.0 ** np.arange(max(0.0, np.ceil(np.log2(low))), np.log2(high))
    end = _end(phi, float("inf"), q, 1.0 / q, None, _linear_limit(phi))
    return End(end.q, end.sigma_b, end.sigma_w, _in_q(end.squared_bias), _in_q(end.squared_weight))


def _crossing(phi: Activation, q0: float, direction: float, length: float) -> End:
    t = 0.25 * min(q0, length) * 2.0 ** -np.arange(0.0, -np.log2(_NEAREST))
    d = float(moments(phi, q0, ("D",))["D"].value)
    return _end(phi, q0, q0 + direction * t, t, 0.0, 1.0 / d)


def _end(
    phi: Activation, at: float, q: FloatArray, t: FloatArray, bias: float | None, squared_weight: float | None
) -> End:
    squared = squared_bias(phi, q)
    d = moments(phi, q, ("D",), strict=False)["D"]
    with np.errstate(divide="ignore", over="ignore"):
        weight, weight_error = 1.0 / d.value, d.error / d.value**2 + 2.0 * EPS / d.value
    moved = EPS * np.abs(q) if np.isfinite(at) and at > 0.0 else 0.0  # rounding of at +- t
    b = approach(t, squared.value, squared.error + moved, bias)
    w = approach(t, weight, weight_error, squared_weight)
    return End(at, max(b.limit, 0.0) ** 0.5, max(w.limit, 0.0) ** 0.5, b, w)


def _linear_limit(phi: Activation) -> float | None:
    """2/(s+^2 + s-^2) for a phi that becomes a straight line on either side."""
    if phi.growth.kind not in ("bounded", "polynomial") or phi.growth.rate > 1.0:
        return None
    left, right = phi.asymptotic_slopes
    both = left**2 + right**2
    return 2.0 / both if both > EPS else None


def _in_q(law: Approach) -> Approach:
    """A power of 1/q as a power of q."""
    return Approach(law.limit, law.limit_error, law.law, law.constant, law.constant_error, -law.exponent)
