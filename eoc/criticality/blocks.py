r"""The edge of chaos of a network of several layers: a block that keeps its variance and multiplies gradients by 1.

Where nothing but sums and scales follows the free dense layer, F and chi are affine in sigma_w^2 and sigma_b^2,

.. math:: F = A(q) + \sigma_w^2 B(q) + \sigma_b^2 C(q), \qquad \chi = a(q) + \sigma_w^2 \beta(q),

so that the edge is explicit in q: sigma_w^2 = (1 - a)/beta, sigma_b^2 = (q - A - sigma_w^2 B)/C. Where a norm makes the
variance the same whatever came in, q follows from sigma_w and sigma_b, and chi = 1 is one equation for sigma_w. What
variances do where there is no such point is a :class:`Regime`.
"""

from __future__ import annotations

import math

import numpy as np

from eoc.criticality.point import STEP, overflows_above, root_error, with_given
from eoc.criticality.regimes import no_edge, regime_of
from eoc.criticality.results import EdgeOfChaos, EocPoint, NoPoint, Regime
from eoc.errors import EocError, UnsupportedError
from eoc.floats import EPS, FloatArray
from eoc.layers import Network
from eoc.layers.bounded import Bounded, exact
from eoc.maps import CorrelationMap, VarianceMap, convergence_law, stability_of
from eoc.maps.variance_layer import VarianceLayer
from eoc.rates import RateLaw
from eoc.scan import all_roots, decades
from eoc.validation import copied_within

__all__ = ["edge_of_network", "explicit_squares"]

_Q_RANGE = (1e-12, 1e8)
_SIGMA_RANGE = (1e-3, 1e3)
_LEAST_Q = 0.05  # of the place that is offered where nothing is asked for


def edge_of_network(network: Network, question: dict[str, float]) -> EdgeOfChaos:
    """The points of the edge of a network with one given quantity.

    Without one: the smallest variance >= 0.05 that a critical block holds, or, where a norm decides, sigma_b = 0.

    Raises
    ------
    EocError
        If nothing is free, or blocks differ from layer to layer.
    UnsupportedError
        Where activations follow the free dense layer and no norm follows these, or gradients see surrogates.
    """
    if network.has_surrogates:
        raise UnsupportedError(
            f"gradients do not see the slopes of {network.name!r}, so that keeping them is not keeping differences "
            "between inputs: there is no edge of chaos, eoc.gradient_critical gives the sigma_w that keep gradients"
        )
    if not network.is_free:
        raise EocError(f"{network.name!r} has no dense without numbers to be solved for: leave the numbers of one out")
    if "correlation_depth" in question:
        raise EocError("the correlation depth of a network is not looked for: give sigma_b, sigma_w or q")
    if network.varies:
        raise EocError(f"the blocks of {network.name!r} differ from layer to layer: no single one is critical")
    regime = regime_of(network, question.get("sigma_w", 1.0), question.get("sigma_b", 0.0))
    points: tuple[EocPoint, ...] = ()
    if regime is Regime.SCALES:
        points = _scaled_points(network, question) if network.free_is_last else ()
    elif network.free_is_last:
        points = _explicit_points(network, question)
    elif regime is Regime.FORCED:
        points = _forced_points(network, question)
    else:
        raise UnsupportedError(
            f"an activation follows the dense without numbers of {network.name!r}, and no norm decides its variance: "
            "give that one numbers, and leave those of the last dense out"
        )
    if any(p.usable for p in points):
        return EdgeOfChaos(network.name, question, points, None, "", regime)
    reason = NoPoint.UNSTABLE if points else NoPoint.NO_SOLUTION
    return EdgeOfChaos(network.name, question, points, reason, no_edge(network, question, points, regime), regime)


# Explicit in q


def explicit_squares(network: Network, q: FloatArray) -> tuple[Bounded, Bounded]:
    """sigma_w^2 and sigma_b^2 at which blocks keep variances q (n,) and the second moment of gradients."""
    w, b = np.array([[1.0], [2.0], [1.0]]), np.array([[0.0], [0.0], [1.0]])
    layer, n = VarianceLayer(network, w, b), q.size
    y = layer.at(np.broadcast_to(q, (3, n)), strict=False, surrogates=True)
    one, four, biased = (slice(i * n, (i + 1) * n) for i in range(3))
    third = Bounded(np.full(n, 1.0 / 3.0), np.full(n, EPS))
    own = (_part(y.q, four) - _part(y.q, one)) * third
    rest, bias = _part(y.q, one) - own, _part(y.q, biased) - _part(y.q, one)
    slope = (_part(y.chi, four) - _part(y.chi, one)) * third
    weight = (exact(np.ones(n)) - (_part(y.chi, one) - slope)) / slope
    return weight, (exact(q) - rest - weight * own) / bias


def _part(one: Bounded, which: slice) -> Bounded:
    return Bounded(one.value[which], one.error[which])


def _explicit_points(network: Network, question: dict[str, float]) -> tuple[EocPoint, ...]:
    """Every point with the given quantity, by increasing q."""
    if "q" in question:
        at, errors = np.array([question["q"]]), np.zeros(1)
    elif question:
        ((name, value),) = question.items()

        def residual(q: FloatArray) -> tuple[FloatArray, FloatArray]:
            squared = explicit_squares(network, q)[name == "sigma_b"]
            scale = q if name == "sigma_b" else np.ones(q.shape)
            return (squared.value - value**2) / scale, squared.error / scale

        at = all_roots(residual, decades(*_Q_RANGE))[0]
        errors = np.array([root_error(residual, float(q)) for q in at])
    else:
        at, errors = _offered(network)
    found = (_point(network, q, q_error) for q, q_error in zip(at.tolist(), errors.tolist(), strict=True))
    name, value = next(iter(question.items()), ("q", math.nan))
    return tuple(with_given(p, name, value) for p in found if p is not None)


def _scaled_points(network: Network, question: dict[str, float]) -> tuple[EocPoint, ...]:
    """The one point of a network that only scales variances, which keeps every q; 1 stands for all."""
    point = _point(network, question.get("q", 1.0), 0.0)
    if point is None or question.get("sigma_b", 0.0) != 0.0:
        return ()
    asked = question.get("sigma_w", point.sigma_w)
    return (point,) if abs(asked - point.sigma_w) <= copied_within(asked)[0] + point.sigma_w_error else ()


def _offered(network: Network) -> tuple[FloatArray, FloatArray]:
    """The smallest variance >= 0.05 that a critical block holds, if there is one."""
    q = decades(_LEAST_Q, _Q_RANGE[1])
    weight, bias = explicit_squares(network, q)
    with np.errstate(invalid="ignore"):
        exists = (weight.value > weight.error) & (bias.value >= -bias.error) & np.isfinite(weight.error + bias.error)
    q, w, b = q[exists], np.sqrt(weight.value[exists]), np.sqrt(np.maximum(bias.value[exists], 0.0))
    if q.size == 0:
        return q, q
    slope = np.abs(VarianceLayer(network, w, b).slope(q, strict=False).value)
    settles = np.flatnonzero(slope < 1.0)
    best = q[settles[:1]] if settles.size else q[:1]
    return best, np.zeros(best.size)


def _point(network: Network, q: float, q_error: float) -> EocPoint | None:
    """The point at a variance that is known to within q_error; None if sigma_w^2 or sigma_b^2 is negative there."""
    weight, bias = explicit_squares(network, np.array([1.0 - STEP, 1.0, 1.0 + STEP]) * q)
    (_, w, _), (_, b, _) = weight.value.tolist(), bias.value.tolist()
    if not (w > weight.error[1] and b > -bias.error[1]):
        return None
    drift = [abs(float(s.value[2] - s.value[0])) / (2.0 * STEP * q) * q_error for s in (weight, bias)]
    sigma_w, sigma_b = math.sqrt(w), math.sqrt(b) if b > bias.error[1] else 0.0
    off = float(bias.error[1]) + drift[1]
    return _assembled(
        network,
        (sigma_w, (float(weight.error[1]) + drift[0]) / sigma_w),
        (sigma_b, math.sqrt(off) if b <= off else off / sigma_b),
        (q, q_error),
    )


# Where a norm forces q


def _forced_points(network: Network, question: dict[str, float]) -> tuple[EocPoint, ...]:
    """Every point with the given sigma_b, or sigma_w, by increasing value of the other one."""
    if "q" in question:
        raise EocError(f"a norm decides the variance of {network.name!r}: give sigma_b or sigma_w instead of q")
    name, value = next(iter(question.items()), ("sigma_b", 0.0))

    def places(other: FloatArray) -> tuple[FloatArray, FloatArray]:
        given = np.full(other.shape, value)
        return (other, given) if name == "sigma_b" else (given, other)

    def residual(other: FloatArray) -> tuple[FloatArray, FloatArray]:
        layer = VarianceLayer(network, *places(other))
        q = layer.F(np.ones(other.shape), strict=False)
        chi = layer.chi_1(np.where(np.isfinite(q.value), q.value, 1.0), strict=False)
        return chi.value - 1.0, chi.error + 4.0 * EPS

    grid = decades(*_SIGMA_RANGE)
    chi, off = residual(grid)
    everywhere = bool((np.abs(chi) <= off).all())  # then any is as good: He's
    roots = np.array([math.sqrt(2.0)]) if everywhere else all_roots(residual, grid)[0]
    out = []
    for root in roots.tolist():
        error = 0.0 if everywhere else root_error(residual, root)
        w, b = ((root, error), (value, 0.0)) if name == "sigma_b" else ((value, 0.0), (root, error))
        q = VarianceLayer(network, w[0], b[0]).F(1.0)
        out.append(_assembled(network, w, b, (float(q.value), float(q.error))))
    return tuple(out)


# Both


def _assembled(network: Network, w: tuple[float, float], b: tuple[float, float], q: tuple[float, float]) -> EocPoint:
    """The point at places and a variance with their errors."""
    variance = VarianceMap(network, w[0], b[0])
    slope = variance.slope(q[0])
    bend = float(variance.slope_uncertainty(np.array([q[0]]))[0]) * q[1]
    slope_error = float(slope.error) + bend + 4.0 * EPS
    stability = stability_of(float(slope.value), slope_error)
    keeps = variance.is_identity or stability == "stable"
    overflow = overflows_above(variance)
    return EocPoint(
        sigma_w=w[0],
        sigma_b=b[0],
        q=q[0],
        sigma_w_error=w[1],
        sigma_b_error=b[1],
        q_error=q[1],
        chi_1=1.0,
        slope=float(slope.value),
        slope_error=slope_error,
        stability=stability,
        usable=keeps,
        any_q=variance.is_identity,
        law=_law(CorrelationMap(network, w[0], b[0], q[0], q[1])),
        overflows_above=overflow[0],
        overflows_above_error=overflow[1],
    )


def _law(f: CorrelationMap) -> RateLaw:
    """The first order of the law on the edge, from the expansion of the map at c = 1."""
    if not f.keeps_equal:
        found = convergence_law(f)
        return RateLaw("exponential", found.constant, found.error)
    terms = {} if f.is_identity else {term.power: term for term in f.expansion}
    for power, law in ((1.5, "1/l^2"), (2.0, "1/l")):
        if power in terms:
            s, error = -terms[power].coefficient, terms[power].error
            constant = 4.0 / s**2 if power == 1.5 else 1.0 / s
            relative = (2.0 if power == 1.5 else 1.0) * error / abs(s)
            return RateLaw("1/l^2" if law == "1/l^2" else "1/l", constant, constant * relative)
    return RateLaw("constant", math.inf, 0.0)
