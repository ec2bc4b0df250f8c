r"""The rule for the recommended point of the edge of chaos: a variance q, for a network of so many layers or blocks.

Of the points whose q has two digits the one with the smallest q at which

1. biases are no trifle: q >= 0.05, or sigma_b^2 >= 0.03 q where phi is so steep that this comes first. Optimisers take
   steps of about a fixed size, 1e-3 to 1e-2, that drown biases and pre-activations which are smaller;
2. larger variances do not run away over the depth L: one of 4 q grows by no more than e, (F(4 q) / 4 q)^L <= e.
   Variances of single inputs scatter about q, and F'(q) may be a little larger than 1;
3. depth scale <= max(100, 2 L): beyond that networks are almost linear, which gains nothing.

Found by training networks on digits, see docs/recommendation.md. A q of two digits is exact, and sigma_w and sigma_b
are those of this very q.

The same rule serves blocks whose edge is explicit in q. Rule 3 does not hold back blocks with noise, whose correlations
have no law. Where a norm decides the variance, it is the point without biases, or else the smallest sigma_w of two
digits that rule 3 allows.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from eoc.criticality.explicit import curve, edge_moments
from eoc.criticality.forced import forced_along, forced_points
from eoc.criticality.point import d_at_zero, depth_scales, point_at
from eoc.criticality.results import EocPoint
from eoc.errors import EocError
from eoc.floats import EPS, FloatArray
from eoc.layers import Network
from eoc.maps.variance_layer import VarianceLayer
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


def easy_variances(network: Network, low: float, high: float) -> FloatArray:
    """Every variance of two digits in a range, up to the decade from which on expectations overflow, or are dear.

    Examples
    --------
    >>> from eoc.layers import understood
    >>> easy_variances(understood("exp"), 0.05, 1e4).max().item()
    10.0
    """
    decades = 10.0 ** np.arange(np.ceil(np.log10(low)), np.log10(min(high, network.easy_variance)) + 1e-9)
    known = np.isfinite(VarianceLayer(network, 1.0, 0.0).F(SCATTER * decades, strict=False).value)
    last = decades[known.argmin() - 1] if not known.all() else decades[-1]
    return round_variances(low, float(max(last, low)))


def recommended_point(network: Network, depth: int) -> EocPoint | None:
    """The point of the edge of chaos that the rule gives for a network of this depth; None where there is none.

    Parameters
    ----------
    network
        One whose edge is explicit in q, or where a norm decides the variance; neither with jumps, nor one that only
        scales variances.
    depth
        Layers, or blocks, of the network.

    Returns
    -------
    EocPoint or None
        Always marked ``usable``: also where F' is a little larger than 1, it keeps its variance over this depth.

    Examples
    --------
    >>> from eoc.layers import understood
    >>> [recommended_point(understood("gelu"), depth).q for depth in (10, 30, 60)]
    [0.75, 1.7, 2.2]
    """
    if not network.free_is_last:
        return _where_forced(network, depth)
    steep, starts = _is_steep(network), d_at_zero(network) > 0.0
    for low, high in ((_Q_MIN if steep else LEAST_Q, 1e4), (_Q_MIN if starts else LEAST_Q, 1e8)):
        found = _smallest(network, depth, easy_variances(network, low, high))
        if found is not None:
            return _offered(point_at(network, found, 0.0))
    return None


def _where_forced(network: Network, depth: int) -> EocPoint | None:
    """Without biases, or else the smallest sigma_w of two digits with a depth scale that is allowed."""
    without = forced_points(network, {"sigma_b": 0.0})
    if without:
        return min(without, key=lambda p: p.law.depth)
    for along in forced_along(network, round_variances):
        scale = depth_scales(network, along)
        best = _shallowest(scale, depth)
        sigma_w = float(along.sigma_w[best])
        return min(forced_points(network, {"sigma_w": sigma_w}), key=lambda p: abs(p.sigma_b - along.sigma_b[best]))
    return None


def is_held(network: Network, p: EocPoint, depth: int) -> bool:
    """Whether variances stay about that of a point over this depth, as rule 2 has it, stable or not."""
    if p.q == 0.0:
        return bool(p.slope <= np.exp(1.0 / depth))
    growth = _growth(network, *np.array([[p.q], [p.sigma_w], [p.sigma_b]]))
    return bool(growth[0] <= np.exp(1.0 / depth))


def _growth(network: Network, q: FloatArray, sigma_w: FloatArray, sigma_b: FloatArray) -> FloatArray:
    """By how much a layer multiplies a variance of 4 q, at points (n,)."""
    with np.errstate(over="ignore", invalid="ignore"):
        after = VarianceLayer(network, sigma_w, sigma_b).F(SCATTER * q, strict=False).value
        return np.asarray(after / (SCATTER * q))


def _offered(point: EocPoint | None) -> EocPoint | None:
    """The point, marked as usable; biases that no double adds to q, as of relu6 (1e-80), are 0."""
    if point is None:
        return None
    if point.sigma_b**2 <= EPS * point.q:
        error = point.sigma_b + point.sigma_b_error
        point = dataclasses.replace(point, sigma_b=0.0, sigma_b_error=error)
    return dataclasses.replace(point, usable=True)


def _is_steep(network: Network) -> bool:
    """Whether D has changed much at q = 0.05 already; if not, biases are small at every smaller q."""
    at_zero, d = d_at_zero(network), float(edge_moments(network, np.array([LEAST_Q]), ("D",))["D"].value[0])
    return at_zero > 0.0 and not at_zero / _CHANGED < d < at_zero * _CHANGED


def _smallest(network: Network, depth: int, q: FloatArray) -> float | None:
    """The smallest of these q that the rule allows; where all depth scales are too large, that with the least one."""
    along = curve(network, q)
    with np.errstate(invalid="ignore"):
        exists = along.sigma_b**2 >= np.where(q >= LEAST_Q, 0.0, _BIAS_SHARE * q)
    along = along[exists]
    holds = _growth(network, along.q, along.sigma_w, along.sigma_b) <= np.exp(1.0 / depth)
    if not holds.any():
        return None
    along, scale = along[holds], np.empty(0)
    for part in np.split(np.arange(along.q.size), np.flatnonzero(np.diff(np.floor(np.log10(along.q)))) + 1):
        scale = np.append(scale, depth_scales(network, along[part]))
        if (scale <= _allowed(depth)).any():
            break
    return float(along.q[_shallowest(scale, depth)])


def _shallowest(scale: FloatArray, depth: int) -> int:
    """The first depth scale that is allowed, and where none is, the least."""
    allowed = np.flatnonzero(scale <= _allowed(depth))
    return int(allowed[0] if allowed.size else np.argmin(scale))


def _allowed(depth: int) -> float:
    return max(_DEEP, 2.0 * depth)
