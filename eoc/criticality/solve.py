"""Edge-of-chaos points from one given quantity: all roots in q."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from eoc.activations.base import Activation, Smoothness
from eoc.criticality.blocks import edge_of_network
from eoc.criticality.explicit import Residual, bias_residual, curve, variances
from eoc.criticality.no_solution import explained
from eoc.criticality.point import limit_at_zero, point_at, root_error, with_given
from eoc.criticality.recommended import DEFAULT_DEPTH, recommended_point
from eoc.criticality.results import EdgeOfChaos, EocPoint, NoPoint
from eoc.errors import EocError
from eoc.floats import EPS, FloatArray
from eoc.gaussian.moments import checked_variances, moments
from eoc.layers import checked_sigma, understood
from eoc.rates import rate_constant, rate_law
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
    network = understood(activation)
    asked = {"sigma_b": sigma_b, "q": q, "sigma_w": sigma_w, "correlation_depth": correlation_depth}
    given = {name: value for name, value in asked.items() if value is not None}
    if len(given) > 1:
        raise EocError(f"give at most one of {', '.join(asked)}; got {', '.join(given)}")
    question = {name: _checked(name, value) for name, value in given.items()}
    if network.phi is None or network.has_surrogates:
        return edge_of_network(network, question)
    phi = network.phi
    if phi.smoothness is Smoothness.JUMP:
        message = f"{phi.name} jumps, so chi_1 is infinite and there is no edge of chaos; use a continuous activation"
        return EdgeOfChaos(phi.name, question, (), NoPoint.INFINITE_CHI_1, message)
    if phi.is_positively_homogeneous:
        return _homogeneous(phi, question)
    if not question:
        return _recommended(phi)
    name, value = next(iter(question.items()))
    return explained(phi, question, _points(phi, name, value))


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


def _homogeneous(phi: Activation, question: dict[str, float]) -> EdgeOfChaos:
    """ReLU and its kin: V = kappa q, D = kappa, so sigma_b = 0 and sigma_w = kappa^-1/2 for every q and depth."""
    if phi.kappa == 0.0:
        return EdgeOfChaos(phi.name, question, (), NoPoint.NO_SOLUTION, f"{phi.name} is zero everywhere")
    sigma_w, q = phi.kappa**-0.5, question.get("q", 1.0)
    point = EocPoint(
        sigma_b=0.0,
        sigma_w=sigma_w,
        q=q,
        sigma_b_error=0.0,
        sigma_w_error=4.0 * EPS * sigma_w,
        q_error=0.0,
        chi_1=1.0,
        slope=1.0,
        slope_error=0.0,
        stability="marginal",
        usable=True,
        any_q=True,
        law=rate_law(phi, q),
    )
    asked_b, asked_w = question.get("sigma_b", 0.0), question.get("sigma_w", sigma_w)
    if asked_b == 0.0 and abs(asked_w - sigma_w) <= copied_within(asked_w)[0] + point.sigma_w_error:
        return EdgeOfChaos(phi.name, question, (point,), None, "")
    message = (
        f"{phi.name} is positively homogeneous: its edge of chaos is the single point sigma_b = 0, "
        f"sigma_w = {sigma_w!r}, which keeps every q; use it"
    )
    return EdgeOfChaos(phi.name, question, (), NoPoint.HOMOGENEOUS, message)


def _recommended(phi: Activation) -> EdgeOfChaos:
    """The point for a network of the default depth; without one any point of the curve, to say why."""
    point = recommended_point(phi, DEFAULT_DEPTH)
    if point is not None:
        return EdgeOfChaos(phi.name, {}, (point,), None, "")
    along = curve(phi, variances(phi, 1e-12))
    exists = along.q[np.isfinite(along.sigma_b)]
    return explained(phi, {}, _points(phi, "q", float(exists[exists.size // 2])) if exists.size else ())


# All points that answer a question


def _points(phi: Activation, name: str, value: float) -> tuple[EocPoint, ...]:
    """Every point with the given quantity, which is put back exactly, by increasing q."""
    if name == "q":
        point = point_at(phi, value, 0.0) if value > 0.0 else limit_at_zero(phi)
        return () if point is None else (point,)
    residual = _RESIDUAL[name](phi, value)
    roots = all_roots(residual, _where_to_look(phi, name, value))[0]
    found = [limit_at_zero(phi)] if name != "correlation_depth" else []
    within = 8.0 * EPS * value + (copied_within(value)[0] if name == "sigma_w" else 0.0)
    found = [p for p in found if p is not None and abs(getattr(p, name) - value) <= within]
    found += [point_at(phi, float(q), root_error(residual, float(q))) for q in roots]
    return tuple(with_given(p, name, value) for p in found if p is not None)


def _where_to_look(phi: Activation, name: str, value: float) -> FloatArray:
    if name == "sigma_b":  # q >= sigma_b^2 because V >= 0
        target = value**2
        return variances(phi, max(0.5 * target, _Q_MIN), lambda squared: squared > _BEYOND * target)
    if name == "correlation_depth":  # q falls at most like 1/depth
        return variances(phi, max(_Q_MIN, 1e-6 / max(value, 1.0) ** 2))
    return variances(phi, _Q_MIN)


def _weight_residual(phi: Activation, sigma_w: float) -> Residual:
    def residual(q: FloatArray) -> tuple[FloatArray, FloatArray]:
        d = moments(phi, q, ("D",), strict=False)["D"]
        return sigma_w**2 * d.value - 1.0, sigma_w**2 * d.error + 4.0 * EPS

    return residual


def _depth_residual(phi: Activation, depth: float) -> Residual:
    power = 0.5 if phi.smoothness is Smoothness.KINK else 1.0

    def residual(q: FloatArray) -> tuple[FloatArray, FloatArray]:
        constant = rate_constant(phi, q)
        with np.errstate(divide="ignore", invalid="ignore"):
            value = power * np.log(np.minimum(constant.value, _HUGE)) - np.log(depth)
            relative = np.where(np.isinf(constant.value), 0.0, constant.error / constant.value)
        return value, relative + 4.0 * EPS

    return residual


_RESIDUAL: dict[str, Callable[[Activation, float], Residual]] = {
    "sigma_b": bias_residual,
    "sigma_w": _weight_residual,
    "correlation_depth": _depth_residual,
}
