"""Which point of the (sigma_b, sigma_w) plane an initialiser means."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import inf, isfinite

from eoc.activations import Activation
from eoc.activations import activation as resolve
from eoc.checks import real_number
from eoc.criticality import edge_of_chaos, ordered_instead
from eoc.errors import EocError
from eoc.gaussian.moments import moments
from eoc.places import place_at

__all__ = ["Point", "point", "sigmas"]


@dataclass(frozen=True)
class Point:
    """How the layers before one activation are drawn, and what that keeps.

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
    power
        E[phi(sqrt(q) Z)^2], the mean square of what the activation hands on.
    """

    activation: Activation
    sigma_w: float
    sigma_b: float
    q: float
    chi_1: float
    power: float


def point(
    activation: object, *, sigma_b: float | None = None, q: float | None = None, sigma_w: float | None = None
) -> Point:
    """The point that is meant: on the edge of chaos unless sigma_w and sigma_b are both given.

    Parameters
    ----------
    activation
        An activation, or whatever :func:`eoc.activation` understands.
    sigma_b, q, sigma_w
        One of them: the point of the edge of chaos where it has this value. None of them: the recommended point, as
        by ``eoc init``. Both sigma_w and sigma_b: this place of any phase, with q as the variance of the first layer
        where variances may end at several.

    Returns
    -------
    Point
        The usable point that carries correlations deepest.

    Raises
    ------
    EocError
        If there is no usable point, with the reason and what to take instead; for values out of range.

    Examples
    --------
    >>> found = point("tanh", sigma_b=0.2)
    >>> round(found.sigma_w, 8), round(found.q, 8), found.chi_1
    (1.30414584, 0.51207850, 1.0)
    >>> point("relu").sigma_w ** 2  # doctest: +NUMBER
    2.0
    >>> point("tanh", sigma_w=1.0, sigma_b=1.0).chi_1  # ordered
    0.39887901
    """
    given = (("sigma_b", sigma_b), ("q", q), ("sigma_w", sigma_w))
    return _point(resolve(activation), *(None if value is None else real_number(name, value) for name, value in given))


def sigmas(activation: object, *, sigma_b: float | None, q: float | None, sigma_w: float | None) -> tuple[float, float]:
    """(sigma_w, sigma_b) of the point that is meant: all that a layer is drawn with.

    Parameters
    ----------
    activation
        What follows the layer: whatever :func:`eoc.activation` understands. None: sigma_w and sigma_b are meant as
        they are given.
    sigma_b, q, sigma_w
        As for :func:`point`; without an activation sigma_w and sigma_b, both >= 0, and nothing else.

    Returns
    -------
    tuple
        Two numbers >= 0.

    Raises
    ------
    EocError
        As :func:`point`, and if there is neither an activation nor both sigmas.

    Examples
    --------
    >>> sigmas("erf", sigma_b=None, q=None, sigma_w=2)[0], sigmas(None, sigma_b=0, q=None, sigma_w=1)
    (2.0, (1.0, 0.0))
    """
    if activation is not None:
        found = point(activation, sigma_b=sigma_b, q=q, sigma_w=sigma_w)
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


@lru_cache(maxsize=256)
def _point(phi: Activation, sigma_b: float | None, q: float | None, sigma_w: float | None) -> Point:
    if sigma_b is not None and sigma_w is not None:
        place = place_at(phi, sigma_w, sigma_b, q, edge_of_chaos(phi, sigma_b=sigma_b))
        return _with_power(phi, sigma_w, sigma_b, place.q, place.chi_1)
    edge = edge_of_chaos(phi, sigma_b=sigma_b, q=q, sigma_w=sigma_w)
    if edge.reason is not None:
        raise EocError(f"{edge.message}{_instead(phi, bool(edge.given))}")
    best = edge.best
    return _with_power(phi, best.sigma_w, best.sigma_b, best.q, 1.0)


def _with_power(phi: Activation, sigma_w: float, sigma_b: float, q: float, chi_1: float) -> Point:
    if q == inf:
        power = inf
    else:
        power = float(moments(phi, [q], ("V",))["V"].value[0]) if q > 0.0 else float(phi.at_zero.right[0]) ** 2
    return Point(phi, sigma_w, sigma_b, q, chi_1, power)


def _instead(phi: Activation, asked: bool) -> str:
    """What to take where there is no point."""
    recommended = edge_of_chaos(phi) if asked else None
    if recommended is not None and recommended.reason is None:
        best = recommended.best
        return (
            f". Recommended instead: sigma_b = {best.sigma_b:.10g} (sigma_w = {best.sigma_w:.10g}, q = {best.q:.10g})"
        )
    ordered = ordered_instead(phi)
    if ordered is None:
        return ""
    return (
        f". A point of the ordered phase that holds its variance is sigma_w = {ordered.sigma_w:.10g}, "
        f"sigma_b = {ordered.sigma_b:g}, q = {ordered.q:.10g}, where gradients shrink by chi_1 = {ordered.chi_1:.4g} a "
        "layer: give both sigmas to take it"
    )
