"""Edge-of-chaos points from one given quantity: all roots in q."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from eoc.activations.base import Smoothness
from eoc.criticality.explicit import (
    Residual,
    bias_residual,
    curve,
    edge_moments,
    explicit_network,
    only_scales,
    solvable_network,
    variances,
)
from eoc.criticality.forced import forced_points
from eoc.criticality.no_solution import explained
from eoc.criticality.point import homogeneous_point, limit_at_zero, point_at, root_error, with_given
from eoc.criticality.recommended import DEFAULT_DEPTH, recommended_point
from eoc.criticality.regimes import regime_of
from eoc.criticality.results import EdgeOfChaos, EocPoint, NoPoint, Regime
from eoc.errors import EocError
from eoc.floats import EPS, FloatArray
from eoc.gaussian.moments import checked_variances
from eoc.layers import Network, checked_sigma
from eoc.rates import rate_constant
from eoc.scan import all_roots
from eoc.validation import copied_within

__all__ = ["edge_of_chaos"]


_Q_MIN = 1e-20
_BEYOND = 1e3  # sigma_b^2(q) this many times the target, and growing: no further root is to come
_HUGE = 1e300


def edge_of_chaos(
    activation: object,
    *,
    sigma_b: float | None = None,
    q: float | None = None,
    sigma_w: float | None = None,
    correlation_depth: float | None = None,
) -> EdgeOfChaos:
    """The edge-of-chaos points with one given quantity, all of them; or the recommended point if none is given.

    Parameters
    ----------
    activation
        An activation, or whatever :func:`eoc.activation` understands: a name, a formula, a Python function. Or an
        :func:`eoc.network` or its text, with one ``dense`` without numbers that is solved for.
    sigma_b, q, sigma_w
        Standard deviation of the biases (>= 0), variance (>= 0) or standard deviation of the weights times
        sqrt(fan-in) (> 0). At most one of the four.
    correlation_depth
        A number of layers L > 0 that correlations survive: the points with beta_q = L (sqrt(kappa) = L if phi has
        kinks), so that 1 - c_l falls to order one after L layers.

    Returns
    -------
    EdgeOfChaos
        All points with 1e-20 <= q <= 1e8 (and the limit q = 0), each with its stability; ``best`` is the one to use.
        Without a question: the point that :func:`eoc.recommend` gives for a network of 30 layers.

    Raises
    ------
    EocError
        If more than one quantity is given or one is out of range. That no point exists is not an error: see
        ``reason`` and ``message``.

    Notes
    -----
    Accuracy: about 1e-14 relative in sigma_w and q; each point carries its own bounds.

    Examples
    --------
    >>> tanh = edge_of_chaos("tanh", sigma_b=0.2).best
    >>> round(tanh.sigma_w, 8), round(tanh.q, 8)
    (1.30414584, 0.5120785)
    >>> edge_of_chaos("softplus", sigma_b=0.1).reason
    <NoPoint.NO_SOLUTION: 'no solution'>
    >>> block = edge_of_chaos("residual(tanh, dense, skip=0.8)", sigma_b=0.1)
    >>> str(block.regime), round(block.best.sigma_w, 8)
    ('settles', 0.76206437)
    """
    network = solvable_network(activation)
    asked = {"sigma_b": sigma_b, "q": q, "sigma_w": sigma_w, "correlation_depth": correlation_depth}
    given = {name: value for name, value in asked.items() if value is not None}
    if len(given) > 1:
        raise EocError(f"give at most one of {', '.join(asked)}; got {', '.join(given)}")
    question = {name: _checked(name, value) for name, value in given.items()}
    if network.jumps:
        message = (
            f"{network.name} jumps, so chi_1 is infinite and there is no edge of chaos; use a continuous activation"
        )
        return EdgeOfChaos(network.name, question, (), NoPoint.INFINITE_CHI_1, message)
    if network.phi is not None:
        return _answered(network, question, None)
    if "correlation_depth" in question:
        raise EocError("the correlation depth of a network is not looked for: give sigma_b, sigma_w or q")
    regime = regime_of(network, question.get("sigma_w", 1.0), question.get("sigma_b", 0.0))
    if regime is not Regime.FORCED:
        explicit_network(network)  # or refused
    found = _answered(network, question, regime)
    if not found.points:
        return found
    at = found.best if found.reason is None else found.points[0]
    return replace(found, regime=regime_of(network, at.sigma_w, at.sigma_b))


def _answered(network: Network, question: dict[str, float], regime: Regime | None) -> EdgeOfChaos:
    """All points with what is given; of networks those of a regime."""
    if only_scales(network):
        return _homogeneous(network, question, regime)
    if not question:
        return _recommended(network, regime)
    return explained(network, question, _points(network, *next(iter(question.items()))), regime)


def _checked(name: str, value: float) -> float:
    if name == "q":
        q = checked_variances(value)
        if q.ndim:
            raise EocError(f"q must be one variance, got {value!r}; use eoc.curve for many")
        return float(q)
    if name == "correlation_depth":
        if not (isinstance(value, int | float | np.number) and 0.0 < value < np.inf):
            raise EocError(f"correlation_depth must be a number of layers > 0, got {value!r}")
        return float(value)
    out = checked_sigma(name, value)
    if name == "sigma_w" and out == 0.0:
        raise EocError(f"sigma_w must be > 0, got {value!r}")
    return out


def _homogeneous(network: Network, question: dict[str, float], regime: Regime | None) -> EdgeOfChaos:
    """ReLU and its kin: V = kappa q, D = kappa, so sigma_b = 0 and sigma_w = kappa^-1/2 for every q and depth."""
    point = homogeneous_point(network, question.get("q", 1.0))
    if point is None and regime is not None:
        return explained(network, question, (), regime)
    if point is None:
        return EdgeOfChaos(network.name, question, (), NoPoint.NO_SOLUTION, f"{network.name} is zero everywhere")
    asked_b, asked_w = question.get("sigma_b", 0.0), question.get("sigma_w", point.sigma_w)
    if asked_b == 0.0 and abs(asked_w - point.sigma_w) <= copied_within(asked_w)[0] + point.sigma_w_error:
        return EdgeOfChaos(network.name, question, (point,), None, "", regime)
    message = (
        f"{network.name} is positively homogeneous: its edge of chaos is the single point sigma_b = 0, "
        f"sigma_w = {point.sigma_w!r}, which keeps every q; use it"
    )
    return EdgeOfChaos(network.name, question, (), NoPoint.HOMOGENEOUS, message, regime)


def _recommended(network: Network, regime: Regime | None) -> EdgeOfChaos:
    """The point for a network of the default depth; without one any point of the curve, to say why."""
    point = recommended_point(network, DEFAULT_DEPTH)
    if point is not None:
        return EdgeOfChaos(network.name, {}, (point,), None, "", regime)
    if not network.free_is_last:
        return explained(network, {}, (), regime)
    along = curve(network, variances(network, 1e-12))
    exists = along.q[np.isfinite(along.sigma_b)]
    points = _points(network, "q", float(exists[exists.size // 2])) if exists.size else ()
    return explained(network, {}, points, regime)


# All points that answer a question


def _points(network: Network, name: str, value: float) -> tuple[EocPoint, ...]:
    """Every point with the given quantity, which is put back exactly, by increasing q."""
    if not network.free_is_last:
        return forced_points(network, {name: value})
    if name == "q":
        point = point_at(network, value, 0.0) if value > 0.0 else limit_at_zero(network)
        return () if point is None else (point,)
    residual = _RESIDUAL[name](network, value)
    roots = all_roots(residual, _where_to_look(network, name, value))[0]
    found = [limit_at_zero(network)] if name != "correlation_depth" else []
    within = 8.0 * EPS * value + (copied_within(value)[0] if name == "sigma_w" else 0.0)
    found = [p for p in found if p is not None and abs(getattr(p, name) - value) <= within]
    found += [point_at(network, float(q), root_error(residual, float(q))) for q in roots]
    return tuple(with_given(p, name, value) for p in found if p is not None)


def _where_to_look(network: Network, name: str, value: float) -> FloatArray:
    if name == "sigma_b":  # of a plain layer q >= sigma_b^2 because V >= 0
        target = value**2
        low = 0.5 * target if network.phi is not None else 0.0
        return variances(network, max(low, _Q_MIN), lambda squared: squared > _BEYOND * target)
    if name == "correlation_depth":  # q falls at most like 1/depth
        return variances(network, max(_Q_MIN, 1e-6 / max(value, 1.0) ** 2))
    return variances(network, _Q_MIN)


def _weight_residual(network: Network, sigma_w: float) -> Residual:
    def residual(q: FloatArray) -> tuple[FloatArray, FloatArray]:
        d = edge_moments(network, q, ("D",))["D"]
        return sigma_w**2 * d.value - 1.0, sigma_w**2 * d.error + 4.0 * EPS

    return residual


def _depth_residual(network: Network, depth: float) -> Residual:
    phi = network.activation
    power = 0.5 if phi.smoothness is Smoothness.KINK else 1.0

    def residual(q: FloatArray) -> tuple[FloatArray, FloatArray]:
        constant = rate_constant(phi, q)
        with np.errstate(divide="ignore", invalid="ignore"):
            value = power * np.log(np.minimum(constant.value, _HUGE)) - np.log(depth)
            relative = np.where(np.isinf(constant.value), 0.0, constant.error / constant.value)
        return value, relative + 4.0 * EPS

    return residual


_RESIDUAL: dict[str, Callable[[Network, float], Residual]] = {
    "sigma_b": bias_residual,
    "sigma_w": _weight_residual,
    "correlation_depth": _depth_residual,
}
