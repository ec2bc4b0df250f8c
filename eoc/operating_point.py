"""Which point of the (sigma_w, sigma_b) plane is meant: decided here, once, for all that draws, iterates or verifies.

What is given decides: nothing means the recommended place (:func:`eoc.recommend`); one of sigma_w, sigma_b and q the
point of the edge of chaos with that value; sigma_w and sigma_b both this place of any phase.

Off the edge by a rounding error correlations would in the end converge exponentially, and not by the law of the edge.
So a pair that was copied from print is taken for the point that it stands for: if sigma_w is the critical one rounded
to the digits it has, five or more (:func:`eoc.validation.copied_within`). ``difference`` says by how much the two
differ. Functions that take sigma_w and sigma_b as plain numbers or arrays (:func:`eoc.phase_of`,
:func:`eoc.phase_diagram`, :class:`eoc.CorrelationMap`) take them as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from math import inf, isfinite, log
from typing import Any, Literal

import numpy as np

from eoc.activations.base import Activation
from eoc.criticality import EdgeOfChaos, EocPoint, curve, edge_of_chaos
from eoc.criticality.recommended import checked_depth, is_held
from eoc.errors import EocError
from eoc.gaussian.moments import moments
from eoc.layers import one_activation as resolve
from eoc.layers import understood
from eoc.maps import CorrelationMap
from eoc.phase import phase_of
from eoc.recommendation import Recommendation, recommend
from eoc.validation import copied_within, real_number

__all__ = ["NoPointError", "OperatingPoint", "critical_point", "held_point", "operating_point", "sigmas"]

_STEP = 1e-4  # relative step in q of the direction of the curve
_FARTHEST = 1e-4  # of sigma_w: a copy of five digits is never further off, whatever the rounding of sigma_b does


class NoPointError(EocError):
    """A question for a point of the edge of chaos has no usable answer; ``edge`` is the answer it has."""

    def __init__(self, edge: EdgeOfChaos, instead: str) -> None:
        super().__init__(f"{edge.message}{instead}")
        self.edge = edge


@dataclass(frozen=True)
class OperatingPoint:
    """Where layers work: how they are drawn, and what that keeps.

    Attributes
    ----------
    activation
        phi.
    sigma_w, sigma_b
        Standard deviations of the weights (times sqrt(fan-in)) and of the biases.
    q
        The variance of pre-activations that layers keep; 0 where they decay towards it (tanh at sigma_b = 0), inf where
        they grow for ever (relu at sigma_b = 0 and sigma_w^2 > 2).
    chi_1
        By how much a layer multiplies the second moment of gradients; exactly 1 on the edge of chaos.
    point
        The point of the edge of chaos; None off it.
    difference
        The sigma_w that was given minus ``sigma_w``: 0, or the rounding of a copy.
    recommendation
        Where nothing was given: how the place was chosen and what it means; else None.
    """

    activation: Activation
    sigma_w: float
    sigma_b: float
    q: float
    chi_1: float
    point: EocPoint | None
    difference: float = 0.0
    recommendation: Recommendation | None = field(default=None, compare=False, repr=False)

    @property
    def edge(self) -> EdgeOfChaos:
        """Where the edge of chaos is at this sigma_b."""
        return _edge_at(self.activation, self.sigma_b)

    @cached_property
    def f(self) -> CorrelationMap:
        """The correlation map of layers whose variance has settled; EocError where variances diverge."""
        phi, free = self.activation, self.sigma_b == 0.0
        if self.q < inf and (self.q > 0.0 or phi.kappa > 0.0):
            return CorrelationMap(phi, self.sigma_w, self.sigma_b, self.q)
        if phi.is_positively_homogeneous and free:
            return CorrelationMap(phi, self.sigma_w, 0.0, 0.0)  # the same at every q
        raise EocError(
            f"variances {'vanish' if self.q == 0.0 else 'diverge'} at sigma_w = {self.sigma_w:g}, sigma_b = "
            f"{self.sigma_b:g}, so that no correlation map is applied again and again; take a "
            f"{'larger' if self.q == 0.0 else 'smaller'} sigma_w, or follow both with eoc propagate"
        )

    @cached_property
    def power(self) -> float:
        """E[phi(sqrt(q) Z)^2], the mean square of what the activation hands on."""
        if not 0.0 < self.q < inf:
            return inf if self.q else float(self.activation.at_zero.right[0]) ** 2
        return float(moments(self.activation, [self.q], ("V",))["V"].value[0])

    @property
    def weights(self) -> Literal["orthogonal", "gaussian"]:
        """The law of hidden weights that is recommended."""
        return "orthogonal" if self.recommendation is None else self.recommendation.weights

    @property
    def note(self) -> str:
        """What should be said of a point of the edge: that it was recognised, and how far off; that layers leave q."""
        p, parts = self.point, []
        if p is not None and abs(self.difference) > p.sigma_w_error:
            parts.append(
                f"critical to within the digits given: sigma_w differs by {abs(self.difference):.1g} from that of the "
                f"edge of chaos, {self.sigma_w!r}, which is taken"
            )
        if p is not None and p.stability == "unstable":
            layers = 1.0 / log(abs(p.slope))
            parts.append(
                f"critical at q = {p.q:.6g}, which variances leave: small differences grow by e in {layers:.3g} layers"
            )
        return "; ".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """The place, the point of the edge of chaos there or None, and those with this sigma_b."""
        return {
            "on_edge": self.point is not None,
            "point": None if self.point is None else self.point.to_dict(),
            "edge": [p.to_dict() for p in self.edge.points if p.usable],
            "reason": None if self.edge.reason is None else str(self.edge.reason),
            "message": self.edge.message,
            "note": self.note,
            **{name: getattr(self, name) for name in ("sigma_w", "sigma_b", "q", "chi_1")},
        }


def operating_point(
    activation: object,
    *,
    sigma_w: float | None = None,
    sigma_b: float | None = None,
    q: float | None = None,
    depth: int | None = None,
) -> OperatingPoint:
    """The point that is meant.

    Parameters
    ----------
    activation
        An activation, or whatever :func:`eoc.activation` understands: a name, a formula, a Python function.
    sigma_w, sigma_b, q
        One of them: the point of the edge of chaos where it has this value, see :func:`held_point`. Both sigma_w and
        sigma_b: this place of any phase, with q as the variance of the first layer where variances may end at several.
        None of them: the recommended place.
    depth
        Layers of the network, >= 1; None: the default of :func:`eoc.recommend`.

    Returns
    -------
    OperatingPoint
        The same object for the same question.

    Raises
    ------
    NoPointError
        If there is no usable point, with the reason and what to take instead.
    EocError
        If variances may end at several values and q is not given; for values out of range.

    Examples
    --------
    >>> found = operating_point("tanh", sigma_b=0.2)
    >>> round(found.sigma_w, 8), round(found.q, 8), found.chi_1
    (1.30414584, 0.51207850, 1.0)
    >>> operating_point("tanh", sigma_w=1.30414584, sigma_b=0.2) == found  # copied from print
    False
    >>> operating_point("tanh", sigma_w=1.30414584, sigma_b=0.2).note[:61]
    'critical to within the digits given: sigma_w differs by 6e-11'
    >>> operating_point("tanh", sigma_w=1.0, sigma_b=1.0).chi_1  # ordered
    0.39887901
    >>> operating_point("relu").sigma_w ** 2  # doctest: +NUMBER
    2.0
    """
    given = (("sigma_w", sigma_w), ("sigma_b", sigma_b), ("q", q))
    numbers = (None if value is None else real_number(name, value) for name, value in given)
    return _found(resolve(activation), *numbers, checked_depth(depth))


def held_point(source: object, edge: EdgeOfChaos, depth: int) -> EocPoint | None:
    """The point of an answer that networks of a depth can be drawn at; None if there is none.

    It is the usable one that carries correlations deepest; where none is usable, one at which variances stay over the
    depth all the same (:func:`eoc.criticality.recommended.is_held`), the firmest.

    Examples
    --------
    >>> edge = edge_of_chaos("gelu", sigma_b=0.2)  # F' = 1.095
    >>> held_point("gelu", edge, depth=5) is edge.points[0], held_point("gelu", edge, depth=30)
    (True, None)
    """
    if edge.reason is None:
        return edge.best
    held = [p for p in edge.points if is_held(understood(source), p, depth)]
    return min(held, key=lambda p: p.slope, default=None)


def sigmas(
    activation: object,
    *,
    sigma_w: float | None,
    sigma_b: float | None,
    q: float | None,
    depth: int | None = None,
) -> tuple[float, float]:
    """(sigma_w, sigma_b) of the point that is meant: all that a layer is drawn with.

    Parameters
    ----------
    activation
        What follows the layer: whatever :func:`eoc.activation` understands. None: sigma_w and sigma_b are meant as
        they are given.
    sigma_w, sigma_b, q, depth
        As for :func:`operating_point`; without an activation sigma_w and sigma_b, both >= 0, and nothing else.

    Returns
    -------
    tuple
        Two numbers >= 0.

    Raises
    ------
    EocError
        As :func:`operating_point`, and if there is neither an activation nor both sigmas.

    Examples
    --------
    >>> sigmas("erf", sigma_w=2, sigma_b=None, q=None)[0], sigmas(None, sigma_w=1, sigma_b=0, q=None)
    (2.0, (1.0, 0.0))
    """
    if activation is not None:
        found = operating_point(activation, sigma_w=sigma_w, sigma_b=sigma_b, q=q, depth=depth)
        return found.sigma_w, found.sigma_b
    if sigma_w is None or sigma_b is None or q is not None:
        raise EocError(
            "which activation follows the layer? Its edge of chaos is meant, for example 'tanh'; or give sigma_w and "
            "sigma_b, and nothing else, for a layer without one"
        )
    width, spread = real_number("sigma_w", sigma_w), real_number("sigma_b", sigma_b)
    for name, value in (("sigma_w", width), ("sigma_b", spread)):
        if not (isfinite(value) and value >= 0.0):
            raise EocError(f"{name} must be a finite number >= 0, got {value!r}")
    return width, spread


def critical_point(activation: object, sigma_w: float, sigma_b: float) -> OperatingPoint | None:
    """The point of the edge of chaos that a pair is, or was copied from; None if it lies off the edge.

    Parameters
    ----------
    activation
        An activation, or whatever :func:`eoc.activation` understands.
    sigma_w, sigma_b
        As they were given.

    Returns
    -------
    OperatingPoint
        With this sigma_b and the sigma_w that belongs to it; where variances leave this point, ``note`` says so.

    Notes
    -----
    Where sigma_b was rounded, too, the critical sigma_w at the rounded one is another: by the slope of the curve times
    half a unit of the last digit of sigma_b.

    Examples
    --------
    >>> [critical_point("tanh", w, 0.2) is not None for w in (1.30415, 1.3041458, 1.30414, 1.3041459)]
    [True, True, False, False]
    """
    phi = resolve(activation)
    within_w, within_b = copied_within(sigma_w, sigma_b)

    def is_copied(p: EocPoint) -> bool:
        off = abs(sigma_w - p.sigma_w) - p.sigma_w_error
        return off <= within_w or off <= min(within_w + within_b * _tilt(phi, p), _FARTHEST * p.sigma_w)

    found = [p for p in _edge_at(phi, sigma_b).points if is_copied(p)]
    if not found:
        return None
    p = min(found, key=lambda p: (not p.usable, abs(p.sigma_w - sigma_w)))
    return OperatingPoint(phi, p.sigma_w, p.sigma_b, p.q, 1.0, p, sigma_w - p.sigma_w)


@lru_cache(maxsize=256)
def _edge_at(phi: Activation, sigma_b: float) -> EdgeOfChaos:
    return edge_of_chaos(phi, sigma_b=sigma_b)


def _tilt(phi: Activation, p: EocPoint) -> float:
    """|d sigma_w / d sigma_b| along the curve."""
    if p.any_q or p.q == 0.0:
        return 0.0
    around = curve(phi, np.array([1.0 - _STEP, 1.0 + _STEP]) * p.q)
    run, rise = abs(float(np.diff(around.sigma_b)[0])), abs(float(np.diff(around.sigma_w)[0]))
    return rise / run if run > 0.0 else 0.0


@lru_cache(maxsize=256)
def _found(
    phi: Activation, sigma_w: float | None, sigma_b: float | None, q: float | None, depth: int
) -> OperatingPoint:
    if sigma_w is not None and sigma_b is not None:
        return _at(phi, sigma_w, sigma_b, q)
    if sigma_w is sigma_b is q is None:
        best = _recommended(phi, depth)
        return OperatingPoint(phi, best.sigma_w, best.sigma_b, best.q, best.chi_1, best.point, recommendation=best)
    edge = edge_of_chaos(phi, sigma_b=sigma_b, q=q, sigma_w=sigma_w)
    p = held_point(phi, edge, depth)
    if p is None:
        raise NoPointError(edge, _instead(phi, depth))
    return OperatingPoint(phi, p.sigma_w, p.sigma_b, p.q, 1.0, p)


def _recommended(phi: Activation, depth: int) -> Recommendation:
    try:
        return recommend(phi, depth)
    except EocError:
        edge = edge_of_chaos(phi)
        if edge.reason is None:
            raise
        raise NoPointError(edge, "") from None


def _at(phi: Activation, sigma_w: float, sigma_b: float, q: float | None) -> OperatingPoint:
    critical = critical_point(phi, sigma_w, sigma_b)
    p = None if critical is None else critical.point
    if critical is None or p is None or (q is not None and not p.usable and not _is_at(p, q)):
        phase = phase_of(phi, sigma_w, sigma_b, q)
        return OperatingPoint(phi, sigma_w, sigma_b, phase.q, phase.chi_1, None)
    return replace(critical, q=q) if p.any_q and q is not None else critical


def _is_at(p: EocPoint, q: float) -> bool:
    return abs(q - p.q) <= copied_within(q)[0] + p.q_error


def _instead(phi: Activation, depth: int) -> str:
    """What to take where there is no point."""
    try:
        best = recommend(phi, depth)
    except EocError:
        return ""
    where = (
        "" if best.point is not None else f", off the edge, where gradients change by chi_1 = {best.chi_1:.4g} a layer"
    )
    return (
        f". Recommended instead: sigma_w = {best.sigma_w:.10g}, sigma_b = {best.sigma_b:.10g}, q = {best.q:.10g}{where}"
    )
