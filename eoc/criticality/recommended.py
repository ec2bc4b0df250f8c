r"""The rule for the recommended point of the edge of chaos: a variance q, for a network of so many layers.

Of the points whose q has two digits the one with the smallest q at which

1. biases are no trifle: q >= 0.05, or sigma_b^2 >= 0.03 q where phi is so steep that this comes first. Optimisers take
   steps of about a fixed size, 1e-3 to 1e-2, that drown biases and pre-activations which are smaller;
2. larger variances do not run away over the depth L: one of 4 q grows by no more than e, (F(4 q) / 4 q)^L <= e.
   Variances of single inputs scatter about q, and F'(q) may be a little larger than 1;
3. depth scale <= max(100, 2 L): beyond that networks are almost linear, which gains nothing.

Found by training networks on digits, see docs/recommendation.md. A q of two digits is exact, and sigma_w and sigma_b
are those of this very q.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from eoc.activations.base import Activation
from eoc.criticality.explicit import squared_bias
from eoc.criticality.point import point_at
from eoc.criticality.results import EocPoint
from eoc.errors import EocError
from eoc.floats import EPS, FloatArray
from eoc.gaussian.integrands import easy_variance
from eoc.gaussian.moments import moments
from eoc.rates import depth_scale
from eoc.validation import real_number

__all__ = [
    "DEFAULT_DEPTH",
    "LEAST_Q",
    "SCATTER",
    "checked_depth",
    "easy_variances",
    "is_held",
    "recommended_point",
    "round_variances",
]


DEFAULT_DEPTH = 30  # layers of a network, where none are given
LEAST_Q = 0.05
SCATTER = 4.0  # times q: an input of such a variance shall not run away
_BIAS_SHARE = 0.03  # sigma_b^2 / q
_DEEP = 100.0  # depth scale
_Q_MIN = 1e-12
_CHANGED = 1.5


def checked_depth(depth: float | None) -> int:
    """A number of layers, :data:`DEFAULT_DEPTH` for None; EocError unless it is a whole number >= 1."""
    if depth is None:
        return DEFAULT_DEPTH
    layers = real_number("depth", depth)
    if not (1.0 <= layers <= 1e6 and layers == int(layers)):
        raise EocError(f"depth must be a whole number of layers of the network from 1 to 1e6, got {depth!r}")
    return int(layers)


def round_variances(low: float, high: float) -> FloatArray:
    """Every number of two digits from low to high.

    Examples
    --------
    >>> round_variances(0.095, 0.13).tolist()
    [0.095, 0.096, 0.097, 0.098, 0.099, 0.1, 0.11, 0.12, 0.13]
    """
    exponents = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    q = np.array([float(f"{digits}e{exponent - 1}") for exponent in exponents for digits in range(10, 100)])
    return q[(q >= low) & (q <= high)]


def easy_variances(phi: Activation, low: float, high: float) -> FloatArray:
    """Every variance of two digits in a range, up to the decade from which on expectations overflow, or are dear.

    Examples
    --------
    >>> import eoc
    >>> easy_variances(eoc.activation("exp"), 0.05, 1e4).max().item()
    10.0
    """
    decades = 10.0 ** np.arange(np.ceil(np.log10(low)), np.log10(min(high, easy_variance(phi))) + 1e-9)
    known = np.isfinite(moments(phi, SCATTER * decades, ("V",), strict=False)["V"].value)
    last = decades[known.argmin() - 1] if not known.all() else decades[-1]
    return round_variances(low, float(max(last, low)))


def recommended_point(phi: Activation, depth: int) -> EocPoint | None:
    """The point of the edge of chaos that the rule gives for a network of this depth; None where there is none.

    Parameters
    ----------
    phi
        The activation; neither with jumps nor positively homogeneous.
    depth
        Layers of the network.

    Returns
    -------
    EocPoint or None
        Always marked ``usable``: also where F' is a little larger than 1, it keeps its variance over this depth.

    Examples
    --------
    >>> import eoc
    >>> [recommended_point(eoc.activation("gelu"), depth).q for depth in (10, 30, 60)]
    [0.75, 1.7, 2.2]
    """
    for low, high in ((_Q_MIN if _is_steep(phi) else LEAST_Q, 1e4), (_Q_MIN if phi.kappa > 0.0 else LEAST_Q, 1e8)):
        found = _smallest(phi, depth, easy_variances(phi, low, high))
        if found is not None:
            return _offered(point_at(phi, found, 0.0))
    return None


def is_held(phi: Activation, p: EocPoint, depth: int) -> bool:
    """Whether variances stay about that of a point over this depth, as rule 2 has it, stable or not."""
    with np.errstate(over="ignore"):
        scattered = float(moments(phi, SCATTER * p.q, ("V",), strict=False)["V"].value)
        growth = (p.sigma_b**2 + p.sigma_w**2 * scattered) / (SCATTER * p.q) if p.q > 0.0 else p.slope
    return bool(growth <= np.exp(1.0 / depth))


def _offered(point: EocPoint | None) -> EocPoint | None:
    """The point, marked as usable; biases that no double adds to q, as of relu6 (1e-80), are 0."""
    if point is None:
        return None
    if point.sigma_b**2 <= EPS * point.q:
        error = point.sigma_b + point.sigma_b_error
        point = dataclasses.replace(point, sigma_b=0.0, sigma_b_error=error)
    return dataclasses.replace(point, usable=True)


def _is_steep(phi: Activation) -> bool:
    """Whether E[phi'^2] has changed much at q = 0.05 already; if not, biases are small at every smaller q."""
    d = float(moments(phi, LEAST_Q, ("D",), strict=False)["D"].value)
    return phi.kappa > 0.0 and not phi.kappa / _CHANGED < d < phi.kappa * _CHANGED


def _smallest(phi: Activation, depth: int, q: FloatArray) -> float | None:
    """The smallest of these q that the rule allows; where all depth scales are too large, that with the least one."""
    v, d = (moments(phi, at, (name,), strict=False)[name].value for at, name in ((SCATTER * q, "V"), (q, "D")))
    share = squared_bias(phi, q).value / q
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        growth = (share + v / (q * d)) / SCATTER
        holds = (share >= np.where(q >= LEAST_Q, 0.0, _BIAS_SHARE)) & (growth <= np.exp(1.0 / depth))
    if not holds.any():
        return None
    scale = depth_scale(phi, q)
    shallow = holds & (scale <= max(_DEEP, 2.0 * depth))
    return float(q[shallow][0] if shallow.any() else q[np.argmin(np.where(holds, scale, np.inf))])
