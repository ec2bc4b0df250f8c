r"""Dynamical isometry: where on the edge of chaos the largest squared singular value stays below a number.

For orthogonal weights s^2 has the variance v = L (E[phi'^4] / E[phi'^2]^2 - 1) on the edge of chaos. If v stays fixed
as L grows and slopes come close to each other, the S-transform becomes exp(-v z), whatever phi is: the largest s^2
tends to

.. math:: \frac{1 + z}{z} e^{1/(1 + z)}, \qquad v = \frac{1}{z (1 + z)},

which is 4 at v = 0.7195. For tanh v ~ 8 L q^2, so s^2 stays below a number for q up to O(1/sqrt(L)). For hardtanh,
whose slopes are 1 and 0, the limit is e^v up to v = 1 and e v from there on, v ~ L (1 - p): q up to O(1/log L). With
Gaussian weights s^2 is at least that of linear layers, (L + 1)^{L+1} / L^L, about e L, at every point, and for ReLU
with orthogonal ones it is nearly as large. Pennington, Schoenholz & Ganguli (2017, 2018); these limits derived here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from math import exp, inf, log
from typing import Any

import numpy as np
from scipy.optimize import brentq

from eoc.activations.base import Activation
from eoc.criticality import EocPoint, edge_of_chaos
from eoc.errors import EocError
from eoc.floats import FloatArray
from eoc.gaussian.moments import moments
from eoc.jacobians.edge import largest_squared
from eoc.jacobians.place import place_of, plain
from eoc.jacobians.slopes import slope_law
from eoc.jacobians.spectrum import DEEPEST, Weights, checked_depth, checked_weights, spectrum_at
from eoc.jacobians.steepest import largest_square
from eoc.validation import real_number

__all__ = ["Isometry", "isometric_depth", "isometry"]

_LEAST, _MOST, _PER_DECADE = -10, 2, 4  # powers of ten of q that are looked at
_SHORT = 1e-6  # of a stretch, where a curve begins in place of 0


@dataclass(frozen=True)
class Isometry:
    """The stretches of the edge of chaos on which the largest squared singular value is at most a number.

    Attributes
    ----------
    activation, weights, depth, largest
        Of what, and the number.
    least
        The smallest that the largest s^2 was seen to be; inf where slopes have no bound, and where there is no edge.
    ranges
        (from, to) in q, in increasing order, from 0 where all small q are among them, up to inf where all are.
    point
        The point of the edge of chaos at the largest q; None where there is no stretch, or any q will do.
    phi
        The activation.
    """

    activation: str
    weights: Weights
    depth: int
    largest: float
    least: float
    ranges: tuple[tuple[float, float], ...]
    point: EocPoint | None
    phi: Activation = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Everything by name."""
        own = {name: value for name, value in vars(self).items() if name != "phi"}
        return {**own, "point": None if self.point is None else self.point.to_dict()}

    def along(self, points: int = 200) -> tuple[tuple[FloatArray, FloatArray], ...]:
        """The stretches as curves: sigma_b and sigma_w, both (points,), of each; one point where any q will do."""
        return tuple(self._curve(low, high, points) for low, high in self.ranges)

    def _curve(self, low: float, high: float, points: int) -> tuple[FloatArray, FloatArray]:
        if self.phi.is_positively_homogeneous:
            return np.zeros(1), np.array([self.phi.kappa**-0.5])
        top = min(high, 10.0**_MOST)
        q = np.geomspace(max(low, _SHORT * top), top, points)
        found = moments(self.phi, q, ("D", "gap"))
        return np.sqrt(np.maximum(found["gap"].value, 0.0) / found["D"].value), found["D"].value ** -0.5


def isometry(activation: object, largest: float, *, depth: int, weights: Weights = "orthogonal") -> Isometry:
    """Where on the edge of chaos the largest squared singular value of the Jacobian is at most a number.

    Parameters
    ----------
    activation
        Whatever :func:`eoc.activation` understands, which does not jump.
    largest
        The number, > 0.
    depth
        L, layers, from 1 to 10^6.
    weights
        "orthogonal" or "gaussian".

    Returns
    -------
    Isometry
        Ranges of q, from 1e-10 to 100 as far as it was looked, and the point with the largest of them.

    Raises
    ------
    UnsupportedError
        For networks of other layers, and activations that jump.
    EocError
        For numbers out of range.

    Examples
    --------
    >>> round(isometry("tanh", 4.0, depth=10**4).point.q, 6)  # about 0.3 / sqrt(L)
    0.003072
    >>> isometry("relu", 4.0, depth=10).ranges, isometry("relu", 4.0, depth=2).ranges
    ((), ((0.0, inf),))
    """
    phi, layers, most = plain(activation), checked_depth(depth), real_number("largest", largest)
    orthogonal = checked_weights(weights) == "orthogonal"
    if not 0.0 < most < inf:
        raise EocError(f"largest must be > 0, got {most!r}: 4 allows singular values up to 2")

    def excess(q: float) -> float:
        edge, error = largest_squared(slope_law(phi, q), layers, orthogonal)
        return log(max(edge - error, 1e-300) / most)

    if phi.is_positively_homogeneous:
        over = excess(1.0)
        everywhere = ((0.0, inf),) if over <= 0.0 else ()
        return Isometry(phi.name, weights, layers, most, most * exp(over), everywhere, None, phi)
    if largest_square(phi, 1.0) == inf:
        return Isometry(phi.name, weights, layers, most, inf, (), None, phi)
    ranges, least = _ranges(phi, excess)
    top = next((high for _, high in reversed(ranges) if high < inf), None)
    points = () if top is None else edge_of_chaos(phi, q=top).points
    return Isometry(phi.name, weights, layers, most, most * exp(least), ranges, points[0] if points else None, phi)


def _ranges(phi: Activation, excess: Callable[[float], float]) -> tuple[tuple[tuple[float, float], ...], float]:
    """The ranges of q at which there is a point and nothing exceeds, and the least excess."""
    q = np.logspace(_LEAST, _MOST, _PER_DECADE * (_MOST - _LEAST) + 1)
    exists = moments(phi, q, ("gap",), strict=False)["gap"].value >= 0.0
    over = np.array([excess(float(x)) if there else np.nan for x, there in zip(q, exists, strict=True)])
    inside = exists & (over <= 0.0)
    ends = [0.0] if inside[0] else []
    for a, b in pairwise(range(q.size)):
        if inside[a] != inside[b]:
            both = bool(exists[a] and exists[b])
            ends.append(_crossing(excess if both else _gap_of(phi), float(q[a]), float(q[b])))
    if inside[-1]:
        ends.append(inf)
    least = float(np.nanmin(over)) if exists.any() else inf
    return tuple(zip(ends[::2], ends[1::2], strict=True)), least


def _gap_of(phi: Activation) -> Callable[[float], float]:
    return lambda q: float(moments(phi, q, ("gap",))["gap"].value)


def _crossing(function: Callable[[float], float], low: float, high: float) -> float:
    at = brentq(lambda y: function(exp(y)), log(low), log(high), xtol=1e-13, rtol=1e-13)
    return exp(at)


def isometric_depth(
    activation: object,
    largest: float,
    sigma_w: float | None = None,
    sigma_b: float | None = None,
    *,
    weights: Weights = "orthogonal",
    q: float | None = None,
) -> int:
    """The most layers whose largest squared singular value is at most a number.

    Parameters
    ----------
    activation, sigma_w, sigma_b, weights, q
        As of :func:`jacobian`; a place with chi_1 >= 1, where the largest value grows with depth.
    largest
        The number, > 0.

    Returns
    -------
    int
        0 where one layer exceeds it; 10^6 where that many do not.

    Raises
    ------
    EocError
        In the ordered phase, where singular values vanish with depth; and as :func:`jacobian`.

    Examples
    --------
    >>> isometric_depth("tanh", 4.0, sigma_b=0.05), isometric_depth("tanh", 4.0, sigma_b=0.01)
    (13, 73)
    """
    most, place = real_number("largest", largest), place_of(activation, sigma_w, sigma_b, q)
    if not 0.0 < most < inf:
        raise EocError(f"largest must be > 0, got {most!r}: 4 allows singular values up to 2")
    chi = spectrum_at(place, 1, weights).chi_1
    if chi < 1.0:
        raise EocError(
            f"chi_1 = {chi:.6g} is below 1: singular values vanish with depth; give a place on the edge of chaos, "
            "where sigma_w is left out"
        )

    def holds(depth: int) -> bool:
        found = spectrum_at(place, depth, weights)
        return found.largest - found.largest_error <= most

    if not holds(1):
        return 0
    low, high = 1, 2
    while high < DEEPEST and holds(high):
        low, high = high, 2 * high
    if high >= DEEPEST and holds(DEEPEST):
        return DEEPEST
    high = min(high, DEEPEST)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low
