"""The whole edge of chaos of an activation or a network, followed in q or in sigma_w."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from eoc.criticality.asymptotics import End, ends
from eoc.criticality.branches import Branch, branches
from eoc.criticality.curve import EocCurve
from eoc.criticality.curve_sampling import sampled
from eoc.criticality.explicit import Curve, explicit_network, only_scales, solvable_network
from eoc.criticality.forced import forced_pieces, forced_stretches
from eoc.criticality.no_solution import explained
from eoc.criticality.point import point_at
from eoc.criticality.regimes import regime_of
from eoc.criticality.results import EdgeOfChaos, NoPoint, Regime
from eoc.criticality.solve import edge_of_chaos
from eoc.criticality.stability import StabilityRange, Transition, stretches, transition_points
from eoc.errors import EocError
from eoc.layers import Network
from eoc.sharing import cached
from eoc.validation import real_number

if TYPE_CHECKING:
    pass

__all__ = ["eoc_curve"]

_POINTS = (8, 10**6)
_WINDOW = (1e-50, 1e50)


def eoc_curve(activation: object, *, sigma_b_max: float = 2.0, points: int = 400) -> EocCurve:
    r"""The whole edge of chaos of an activation, or of a network.

    The curve is explicit in the variance, sigma_w^2 = 1/D and sigma_b^2 = q - V/D with V = E[phi^2], D = E[phi'^2], so
    it is followed in q, and what is asked of it are roots of functions of one variable: its ends of sigma_b^2, its
    transitions of F' - 1 = E[phi phi'']/D, its turning points of the derivatives of sigma_b^2 and of D. So it is for
    every network in which only sums, scales and further dense layers follow the free one
    (:mod:`eoc.criticality.explicit`); where a norm does, and decides the variance, it is followed along sigma_w.

    Parameters
    ----------
    activation
        An activation, or whatever :func:`eoc.activation` understands: a name, a formula, a Python function. Or an
        :func:`eoc.network` or its text, with a ``dense`` without numbers.
    sigma_b_max
        Width > 0 of the window in which the curve is sampled.
    points
        About how many samples, from 8 to 10^6: evenly along the curve in the (sigma_w, sigma_b) plane of the window,
        closer where it bends.

    Returns
    -------
    EocCurve
        The samples, and what holds over all q: ends, transitions, turning points, and :meth:`EocCurve.at`, which gives
        every point with a given sigma_b or sigma_w. That there is no curve is not an error: see ``kind``.

    Raises
    ------
    EocError
        For a window or a number of points out of range; for a network without a free dense layer, or whose blocks
        differ.
    UnsupportedError
        Where an activation follows the free dense layer of a network, and no norm decides the variance.

    Notes
    -----
    Accuracy: samples about 1e-14 relative; transitions and turning points to some 1e-12 and 1e-10 in q. The constants
    of ``ends`` are measured, with error estimates; so are, for networks, their limits.

    Examples
    --------
    >>> silu = eoc_curve("silu")
    >>> [(round(t.sigma_b, 8), t.becomes) for t in silu.transitions]
    [(0.7450793, 'stable')]
    >>> [(t.quantity, t.extremum, round(t.sigma_b, 6), round(t.sigma_w, 6)) for t in silu.turning_points]
    [('sigma_w', 'minimum', 1.019929, 1.402493)]
    >>> start, _ = eoc_curve("tanh").ends[0]
    >>> start.sigma_w, start.squared_bias.exponent, round(start.squared_bias.constant, 9)  # sigma_b^2 ~ (4/3) q^3
    (1.0, 3.0, 1.333333333)
    >>> block = eoc_curve("residual(tanh, dense, skip=0.8)")
    >>> block.at(sigma_b=0.1).sigma_w.round(8).tolist()
    [0.76206437]
    """
    network = solvable_network(activation)
    window, count = _checked_window(sigma_b_max), _checked_points(points)
    if network.jumps or only_scales(network):
        return _isolated(edge_of_chaos(network), window, network)
    regime = None if network.phi is not None else regime_of(network, 1.0)
    if regime is Regime.FORCED and not network.free_is_last:
        return _forced(network, window, count)
    parts = branches(explicit_network(network))
    if not parts:
        return _isolated(explained(network, {}, (), regime), window, network)
    facts = _followed(network, regime)
    return EocCurve(
        activation=network.name,
        kind="curve",
        reason=facts.reason,
        message=facts.message,
        sigma_b_max=window,
        pieces=sampled(network, parts, [t.q for t in facts.transitions], window, count),
        transitions=facts.transitions,
        stretches=facts.stretches,
        turning_points=tuple(t for branch in parts for t in branch.turning_points),
        ends=facts.ends,
        network=network,
    )


# What goes in


def _checked_window(sigma_b_max: float) -> float:
    window, (least, most) = real_number("sigma_b_max", sigma_b_max), _WINDOW
    if not least <= window <= most:
        raise EocError(f"sigma_b_max must be from {least:g} to {most:g}, got {sigma_b_max!r}; 2 suits most pictures")
    return window


def _checked_points(points: int) -> int:
    count, (least, most) = real_number("points", points), _POINTS
    if not (least <= count <= most and count == int(count)):
        raise EocError(f"points must be a whole number from {least} to {most}, got {points!r}; 400 suits most pictures")
    return int(count)


def _isolated(answer: EdgeOfChaos, window: float, network: Network) -> EocCurve:
    """The point of relu and its kin, or none for what jumps, is zero, or is critical nowhere."""
    kind: Literal["point", "none"] = "point" if answer.reason is None else "none"
    one = np.ones(1)
    pieces = tuple(
        Curve(q=one * p.q, sigma_w=one * p.sigma_w, sigma_b=one * p.sigma_b, slope=one * p.slope) for p in answer.points
    )
    return EocCurve(network.name, kind, answer.reason, answer.message, window, pieces, (), (), (), (), network)


def _forced(network: Network, window: float, count: int) -> EocCurve:
    """Where a norm behind what is free decides the variance."""
    parts = forced_stretches(network)
    if not parts:
        return _isolated(explained(network, {}, (), Regime.FORCED), window, network)
    pieces = forced_pieces(network, window, count)
    return EocCurve(network.name, "curve", None, "", window, pieces, (), parts, (), (), network)


@dataclass(frozen=True)
class _Facts:
    """What does not depend on the window, and is kept with the activation."""

    reason: NoPoint | None
    message: str
    transitions: tuple[Transition, ...]
    stretches: tuple[StabilityRange, ...]
    ends: tuple[tuple[End, End], ...]


@cached()
def _followed(network: Network, regime: Regime | None) -> _Facts:
    parts, changes = branches(network), transition_points(network)
    limits = tuple(ends(network, branch) for branch in parts)
    between = tuple(
        s for branch, pair in zip(parts, limits, strict=True) for s in stretches(network, branch, pair, changes)
    )
    return _Facts(*_why_unstable(network, parts, between, regime), changes, between, limits)


def _why_unstable(
    network: Network, parts: tuple[Branch, ...], between: tuple[StabilityRange, ...], regime: Regime | None
) -> tuple[NoPoint | None, str]:
    """The reason and the sentence where no stretch is stable, with a point in the middle as the example."""
    if any(s.stability == "stable" for s in between):
        return None, ""
    point = point_at(network, float(parts[0].q[parts[0].q.size // 2]), 0.0)
    answer = explained(network, {}, () if point is None else (point,), regime)
    return answer.reason, answer.message
