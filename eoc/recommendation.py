r"""How to initialise a network with an activation and so many layers, or blocks, and whether it will train.

The place is a point of the edge of chaos, by the rule of :mod:`eoc.criticality.recommended`. Where there is none
(softplus), or only at large variances at which inputs soon look alike (sigmoid, phi(0) is not 0), it is one of the
ordered phase, chi_1 < 1, with a smaller variance: q is kept, with the smallest biases with which 4 q does not run away,

.. math:: \sigma_b^2 = s q, \quad \sigma_w^2 = (1 - s) q / V(q), \quad
          s = \max(0, (r - e^{1/L}) / (r - 1/4)), \quad r = V(4 q) / (4 V(q)),

and of the q with two digits it has the smallest one >= 0.05 at which gradients are kept over the depth,
chi_1^L >= 1/10: that of softplus, for example, grows to 1 with q. Rule and threshold come from training networks, see
docs/recommendation.md. Of blocks of several layers only critical places are offered.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from math import e
from typing import Literal

import numpy as np

from eoc.activations.base import Activation
from eoc.criticality import EocPoint, edge_of_chaos
from eoc.criticality.explicit import only_scales, squared_bias
from eoc.criticality.recommended import LEAST_Q, SCATTER, checked_depth, easy_variances, is_held, recommended_point
from eoc.errors import EocError
from eoc.floats import EPS, FloatArray
from eoc.gaussian.moments import moments
from eoc.layers import Network, understood
from eoc.maps import CorrelationMap
from eoc.shown import Shown

__all__ = ["Recommendation", "judged", "recommend"]


C0 = 0.3  # correlation of two inputs at first
APART = 0.1  # 1 - c at the last layer, from which on networks train
KEPT = 0.1  # of the second moment of gradients, over the depth
_OF_INPUTS = 1.0  # the variance of standardised data
_ROUND = 100.0  # sigma_b^2 / q has two decimals
_EDGE = (
    "the point of the edge of chaos with the least variance q at which biases are no trifle, larger variances do not "
    "run away over the depth, and the network is not almost linear"
)
_FORCED = (
    "a norm decides the variance: the point of the edge of chaos without biases, or else that with the least sigma_w "
    "at which the network is not almost linear"
)
_ORDERED = (
    "no usable edge of chaos at small variances: the place of the ordered phase with the least variance q >= 0.05 that "
    "keeps the mean square of gradients over the depth to a factor 10, or as well as it can"
)


@dataclass(frozen=True)
class Recommendation(Shown, report="place.write_recommendation"):
    """A place in the (sigma_w, sigma_b) plane for networks of a depth, and what it means for them.

    Attributes
    ----------
    activation
        Name of the activation.
    depth
        Layers of the network.
    sigma_w, sigma_b, q
        Standard deviations of the weights (times sqrt(fan-in)) and of the biases, and the variance of pre-activations
        that layers keep, which the first layer should have already. For positively homogeneous activations, which keep
        every variance, q = 1.
    sigma_w_error, sigma_b_error
        Bounds on their errors; q is exact.
    point
        The point of the edge of chaos; None off it.
    chi_1, chi_1_error
        By how much a layer multiplies the second moment of gradients; exactly 1 on the edge of chaos.
    slope, slope_error
        F'(q), by how much a layer multiplies small distances from q.
    weights
        "orthogonal": with orthogonal hidden weights networks train better than with Gaussian ones.
    gradient_ratio
        Second moment of the gradient at the first layer over that at the last one, chi_1^(depth - 1).
    one_minus_c, one_minus_c_error
        1 - c of two inputs after all layers, whose correlation was 0.3 at first, and a bound on its error.
    trains
        Whether such networks train as they are: 1 - c is at least 0.1 and gradient_ratio is between 1/10 and 10.
    reason
        How the place was chosen.
    advice
        What to do, in one sentence.
    """

    activation: str
    depth: int
    sigma_w: float
    sigma_b: float
    q: float
    sigma_w_error: float
    sigma_b_error: float
    point: EocPoint | None
    chi_1: float
    chi_1_error: float
    slope: float
    slope_error: float
    weights: Literal["orthogonal", "gaussian"]
    gradient_ratio: float
    one_minus_c: float
    one_minus_c_error: float
    trains: bool
    reason: str
    advice: str


def recommend(activation: object, depth: int | None = None) -> Recommendation:
    """The place to initialise a network at, and whether it will train from there.

    Parameters
    ----------
    activation
        An activation, or whatever :func:`eoc.activation` understands: a name, a formula, a Python function. Or an
        :func:`eoc.network` or its text, with a ``dense`` without numbers.
    depth
        Layers with weights of the network, or its blocks, a whole number from 1 to 10^6. None: 30.

    Returns
    -------
    Recommendation
        sigma_w, sigma_b and q, exact to about 1e-14 relative, and what they mean at this depth.

    Raises
    ------
    EocError
        For a depth out of range, and if there is no place: for an activation that jumps, is zero, or grows so fast that
        every variance runs away, and for blocks that are critical nowhere; with what to do instead.

    Notes
    -----
    The rule is in :mod:`eoc.criticality.recommended`. That a network trains from here is what small ones on small data
    did (docs/recommendation.md); theory says how signals and gradients start, not how training ends.

    Examples
    --------
    >>> tanh = recommend("tanh")
    >>> round(tanh.sigma_w, 8), round(tanh.sigma_b, 8), tanh.q, tanh.trains
    (1.07540258, 0.02401353, 0.087, True)
    >>> gelu = recommend("gelu", depth=60)
    >>> gelu.q, round(gelu.one_minus_c, 4), gelu.trains
    (2.2, 0.0375, False)
    >>> softplus = recommend("softplus", depth=10)  # no edge of chaos
    >>> softplus.point is None, round(softplus.chi_1, 3)
    (True, 0.797)
    >>> block = recommend("residual(tanh, dense, skip=0.8)", depth=10)
    >>> block.q, round(block.sigma_w, 8), round(block.one_minus_c, 4), block.trains
    (0.17, 0.67985788, 0.6629, True)
    """
    network, layers = understood(activation), checked_depth(depth)
    if network.is_free and (network.jumps or only_scales(network)):
        only = edge_of_chaos(network).best  # EocError with the reason if there is none
        reason = f"the only point of the edge of chaos of {network.name}; it keeps every variance"
        return _described(network, layers, _of_point(only), only, reason)
    if network.phi is None:
        return _of_blocks(network, layers)
    point = recommended_point(network, layers)
    on_edge = None if point is None else _described(network, layers, _of_point(point), point, _EDGE)
    starts_later = squared_bias(network, np.array([LEAST_Q])).value[0] < 0.0
    if on_edge is not None and (on_edge.trains or not starts_later):
        return on_edge
    place = _ordered(network, layers, np.inf if on_edge is None else on_edge.q)
    found = on_edge if place is None else _described(network, layers, place, None, _ORDERED)
    if found is None:
        raise EocError(
            f"{network.name} holds no variance: it has no usable edge of chaos, and elsewhere variances run away or "
            "decay too; normalise before each activation, or take another one"
        )
    return found


def judged(activation: object, point: EocPoint, depth: int | None = None) -> Recommendation:
    """What a point of the edge of chaos, as it was asked for, means for a network.

    Parameters
    ----------
    activation
        Its activation, or network.
    point
        Of the edge of chaos, usable or not.
    depth
        As for :func:`recommend`.

    Returns
    -------
    Recommendation
        With this point, ``usable`` where variances stay over the depth; networks in which they do not do not train.

    Examples
    --------
    >>> point = edge_of_chaos("gelu", sigma_b=0.2).points[0]  # unstable, F' = 1.095
    >>> judged("gelu", point, depth=5).trains, judged("gelu", point, depth=30).trains
    (True, False)
    """
    network, layers = understood(activation), checked_depth(depth)
    held = dataclasses.replace(point, usable=point.usable or is_held(network, point, layers))
    return _described(network, layers, _of_point(held), held, "the point that was asked for")


@dataclass(frozen=True)
class _Place:
    """Sigmas and slopes, with bounds on their errors."""

    sigma_w: float
    sigma_b: float
    q: float
    chi_1: float
    slope: float
    sigma_w_error: float
    sigma_b_error: float
    chi_1_error: float
    slope_error: float


def _of_point(p: EocPoint) -> _Place:
    return _Place(
        p.sigma_w,
        p.sigma_b,
        p.q,
        1.0,
        p.slope,
        p.sigma_w_error,
        p.sigma_b_error,
        chi_1_error=0.0,
        slope_error=p.slope_error,
    )


def _of_blocks(network: Network, depth: int) -> Recommendation:
    """The critical place of a network of several layers; where there is none the reason is raised."""
    edge_of_chaos(network, sigma_b=0.0)  # or refused
    point = recommended_point(network, depth)
    if point is None:
        raise EocError(edge_of_chaos(network).message)
    return _described(network, depth, _of_point(point), point, _EDGE if network.free_is_last else _FORCED)


def _ordered(network: Network, depth: int, below: float) -> _Place | None:
    """The place of the ordered phase that the rule gives for a q below that of the edge, infinite without one."""
    phi = network.activation
    for high in (1e4, 1e8):
        q = easy_variances(network, LEAST_Q, high)
        share, squared, chi_1 = _holding(phi, depth, q)
        kept = np.flatnonzero((chi_1 >= KEPT ** (1.0 / depth)) & (chi_1 < 1.0) & (q < below))
        if kept.size or below < high:
            break
    if not (kept.size or (below == np.inf and chi_1.max() > 0.0)):
        return None
    i = int(kept[0] if kept.size else np.argmax(chi_1))
    if below == np.inf and q[i] < _OF_INPUTS:  # no edge: where chi_1 only grows with q nothing is won by a small one
        larger = int(np.searchsorted(q, _OF_INPUTS))
        i = larger if larger < q.size and chi_1[i] <= chi_1[larger] < 1.0 else i
    m = moments(phi, q[i : i + 1], ("V", "D", "P"), strict=False)
    off = {name: float(m[name].error[0] / m[name].value[0]) + 2.0 * EPS for name in ("V", "D")}
    sigma_w, sigma_b = float(squared[i]) ** 0.5, float(share[i] * q[i]) ** 0.5
    slope = float(squared[i] * (m["D"].value[0] + m["P"].value[0]))
    return _Place(
        sigma_w,
        sigma_b,
        float(q[i]),
        float(chi_1[i]),
        slope,
        sigma_w_error=sigma_w * (0.5 * off["V"] + 2.0 * EPS),
        sigma_b_error=2.0 * EPS * sigma_b,
        chi_1_error=float(chi_1[i]) * (off["V"] + off["D"]),
        slope_error=float(squared[i] * (m["D"].error[0] + m["P"].error[0])) + abs(slope) * (off["V"] + 2.0 * EPS),
    )


def _holding(phi: Activation, depth: int, q: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """sigma_b^2/q, sigma_w^2 and chi_1 where q (n,) is kept and 4 q does not run away; chi_1 = 0 if nowhere."""
    v, d = (moments(phi, q, (name,), strict=False)[name].value for name in ("V", "D"))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        growth = moments(phi, SCATTER * q, ("V",), strict=False)["V"].value / (SCATTER * v)  # of 4 q without biases
        share = (growth - e ** (1.0 / depth)) / (growth - 1.0 / SCATTER)
        share = np.ceil(_ROUND * np.maximum(0.0, share)) / _ROUND
        squared = (1.0 - share) * q / v
        return share, squared, np.where((share < 1.0) & np.isfinite(squared * d), squared * d, 0.0)


def _described(network: Network, depth: int, place: _Place, point: EocPoint | None, reason: str) -> Recommendation:
    f = CorrelationMap(network, place.sigma_w, place.sigma_b, place.q)
    after = f.iterate(depth, c=C0)
    apart, ratio = float(after.value), place.chi_1 ** (depth - 1)
    kept = point is None or point.usable
    trains = kept and apart >= APART and KEPT <= ratio <= 1.0 / KEPT
    return Recommendation(
        activation=network.name,
        depth=depth,
        **dataclasses.asdict(place),
        point=point,
        weights="orthogonal" if network.phi is not None else "gaussian",
        gradient_ratio=ratio,
        one_minus_c=apart,
        one_minus_c_error=float(after.error),
        trains=trains,
        reason=reason,
        advice=_advice(network, depth, f, trains, kept),
    )


def _advice(network: Network, depth: int, f: CorrelationMap, trains: bool, kept: bool) -> str:
    """What to do, in one sentence."""
    plain = network.phi is not None
    what = f"{'layer' if plain else 'block'}{'' if depth == 1 else 's'}"
    if trains and not plain:  # by these measures: such networks were not trained here
        return f"{depth} {what} should train"
    if trains:
        so = f"1 {what} trains as it is" if depth == 1 else f"{depth} {what} train as they are"
        return f"{so}, best with orthogonal hidden weights"
    layers = f.depth_until(APART, c=C0)
    fewer = f", or take about {layers:.0f} {what}" if kept and 2.0 <= layers < depth else ""
    if not kept:
        why = "variances do not stay where they begin"
    else:
        why = "inputs look alike at the end" if layers < depth else "gradients vanish on the way"
    another = "" if network.name == "tanh" else ", take another activation such as tanh"
    instead = f"normalise before each activation, add residual branches{another}" if plain else "scale branches down"
    return f"{depth} {what} of {network.name} will hardly train as they are, because {why}: {instead}{fewer}"
