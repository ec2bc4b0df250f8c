r"""The edge of chaos: the (sigma_b, sigma_w, q) at which chi_1 = sigma_w^2 E[phi'^2] = 1 and F(q) = q.

Both conditions together are explicit in q (used by Xiao et al. 2018, stated by Hayou et al. 2019 as a limit):

.. math:: \sigma_w^2 = 1 / D(q), \qquad \sigma_b^2 = q - V(q) / D(q) = (q D - V) / D,

so the whole curve needs no solver, and a point with a given sigma_b, sigma_w or depth is a root in one variable, of
which all are found. Such a point is an edge of chaos only if q is a stable fixed point of the variance map,
F'(q) = 1 + P/D < 1; the published tables for Swish and GELU at small sigma_b miss this.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from eoc.activations.base import Activation, Smoothness
from eoc.errors import EocError
from eoc.gaussian.integrands import easy_variance
from eoc.gaussian.moments import moments
from eoc.maps import Stability, checked_sigma
from eoc.rates import RateLaw, rate_constant, rate_law
from eoc.scan import all_roots, decades

__all__ = ["Curve", "EdgeOfChaos", "EocPoint", "NoPoint", "curve", "edge_of_chaos", "transitions"]

FloatArray = NDArray[np.float64]

_EPS = float(np.finfo(float).eps)
_Q_MIN = 1e-20
_Q_MAX = 1e8
_FIRST_STEP = 1e4
_BEYOND = 1e3  # sigma_b^2(q) this many times the target, and growing: no further root is to come
_RECOMMENDED_DEPTH = 100.0


@dataclass(frozen=True)
class EocPoint:
    """One point of the edge of chaos.

    Attributes
    ----------
    sigma_b, sigma_w, q
        Standard deviations of the biases and of the weights (times sqrt(fan-in)), and the variance that is kept.
    sigma_b_error, sigma_w_error, q_error
        Bounds on their errors.
    chi_1
        1 by construction.
    slope, slope_error
        F'(q) = 1 + P/D of the variance map.
    stability
        "stable" if |F'| < 1: usable. "unstable": variances leave q. "marginal": F' = 1.
    usable
        Whether layers keep (or, at q = 0, slowly approach) this q, so that it can be offered as an initialisation.
    any_q
        True for positively homogeneous phi: every q is kept; ``q`` is 1 by convention.
    law
        How 1 - c_l falls with depth.
    """

    sigma_b: float
    sigma_w: float
    q: float
    sigma_b_error: float
    sigma_w_error: float
    q_error: float
    chi_1: float
    slope: float
    slope_error: float
    stability: Stability
    usable: bool
    any_q: bool
    law: RateLaw


class NoPoint(StrEnum):
    """Which kind of "none" it is when there is no usable point."""

    HOMOGENEOUS = "homogeneous"  #: phi(t x) = t phi(x): the edge of chaos is the single point sigma_b = 0, any q
    UNSTABLE = "unstable"  #: there are solutions, and F'(q) >= 1 at each: variances leave q
    NO_SOLUTION = "no solution"  #: the curve does not reach the value asked for
    INFINITE_CHI_1 = "infinite chi_1"  #: phi jumps


@dataclass(frozen=True)
class EdgeOfChaos:
    """What :func:`edge_of_chaos` found: every point, and if none is usable, why.

    Attributes
    ----------
    activation
        Name of the activation.
    given
        The question, e.g. {"sigma_b": 0.2}; empty if a recommendation was asked for.
    points
        Every solution, usable or not, by increasing q.
    reason, message
        None and "" if there is a usable point; else the kind of "none", and a sentence that says what to do.
    """

    activation: str
    given: dict[str, float]
    points: tuple[EocPoint, ...]
    reason: NoPoint | None
    message: str

    @property
    def best(self) -> EocPoint:
        """The usable point that carries correlations deepest; EocError with the reason if there is none."""
        usable = [p for p in self.points if p.usable]
        if not usable:
            raise EocError(self.message)
        return max(usable, key=lambda p: p.law.depth)


@dataclass(frozen=True)
class Curve:
    """The edge of chaos at given variances: arrays of the shape of q; NaN where sigma_b^2 would be negative."""

    q: FloatArray
    sigma_b: FloatArray
    sigma_w: FloatArray
    slope: FloatArray


def curve(activation: object, q: FloatArray) -> Curve:
    """sigma_b(q), sigma_w(q) and F'(q) along the edge of chaos, at the variances q > 0 (n,).

    Examples
    --------
    >>> erf = curve("erf", np.array([1.0]))  # sigma_w^2 = (pi/4) sqrt(1 + 4 q)
    >>> bool(abs(erf.sigma_w[0] ** 2 - np.pi / 4 * 5**0.5) < 1e-14)
    True
    """
    from eoc.activations import activation as resolve

    q = np.asarray(q, dtype=float)
    m = moments(resolve(activation), q, ("D", "P", "gap"), strict=False)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        d = np.where(m["D"].value > 0.0, m["D"].value, np.nan)
        squared = m["gap"].value / d
        sigma_b = np.sqrt(np.where(squared >= 0.0, squared, np.nan))
        return Curve(q, sigma_b, d**-0.5, 1.0 + m["P"].value / d)


def edge_of_chaos(
    activation: object,
    *,
    sigma_b: float | None = None,
    q: float | None = None,
    sigma_w: float | None = None,
    depth: float | None = None,
) -> EdgeOfChaos:
    """The edge-of-chaos points with one given quantity, all of them; or a recommended point if none is given.

    Parameters
    ----------
    activation
        An activation, or whatever :func:`eoc.activation` understands: a name, a formula, a Python function.
    sigma_b, q, sigma_w
        Standard deviation of the biases (>= 0), variance (>= 0) or standard deviation of the weights times
        sqrt(fan-in) (> 0). At most one of the four.
    depth
        A number of layers L > 0: the points with beta_q = L (sqrt(kappa) = L if phi has kinks), so that
        1 - c_l falls to order one after L layers.

    Returns
    -------
    EdgeOfChaos
        All points with 1e-20 <= q <= 1e8 (and the limit q = 0), each with its stability; ``best`` is the one to use.
        Without a question: the point for depth 100 if it is stable, otherwise a stable point with F' <= 0.98, or
        the most stable one, at a sigma_b of two digits.

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
    (1.30414585, 0.5120785)
    >>> edge_of_chaos("softplus", sigma_b=0.1).reason
    <NoPoint.NO_SOLUTION: 'no solution'>
    """
    from eoc.activations import activation as resolve

    phi = resolve(activation)
    given = {k: v for k, v in (("sigma_b", sigma_b), ("q", q), ("sigma_w", sigma_w), ("depth", depth)) if v is not None}
    if len(given) > 1:
        raise EocError(f"give at most one of sigma_b, q, sigma_w and depth; got {', '.join(given)}")
    question = {name: _checked(name, value) for name, value in given.items()}
    if phi.smoothness is Smoothness.JUMP:
        message = f"{phi.name} jumps, so chi_1 is infinite and there is no edge of chaos; use a continuous activation"
        return EdgeOfChaos(phi.name, question, (), NoPoint.INFINITE_CHI_1, message)
    if phi.is_positively_homogeneous:
        return _homogeneous(phi, question)
    if not question:
        return _recommended(phi)
    name, value = next(iter(question.items()))
    variances = np.array([value]) if name == "q" else _SOLVERS[name](phi, value)
    points = tuple(p for p in (_point(phi, float(v), name, value) for v in variances) if p is not None)
    return _explained(phi, question, points)


def _checked(name: str, value: float) -> float:
    out = checked_sigma(name, value)
    if name in ("sigma_w", "depth") and out == 0.0:
        raise EocError(f"{name} must be > 0, got {value!r}")
    return out


def _homogeneous(phi: Activation, question: dict[str, float]) -> EdgeOfChaos:
    """ReLU and its kin: V = kappa q, D = kappa, so sigma_b = 0 and sigma_w = kappa^-1/2 for every q."""
    zero = phi.at_zero
    kappa = 0.5 * (zero.left[1] ** 2 + zero.right[1] ** 2)
    if kappa == 0.0:
        return EdgeOfChaos(phi.name, question, (), NoPoint.NO_SOLUTION, f"{phi.name} is zero everywhere")
    sigma_w = kappa**-0.5
    q = question.get("q", 1.0)
    law = rate_law(phi, q)
    point = EocPoint(0.0, sigma_w, q, 0.0, 4.0 * _EPS * sigma_w, 0.0, 1.0, 1.0, 0.0, "marginal", True, True, law)
    asked_b, asked_w = question.get("sigma_b", 0.0), question.get("sigma_w", sigma_w)
    if asked_b == 0.0 and abs(asked_w - sigma_w) <= 4.0 * _EPS * sigma_w:
        return EdgeOfChaos(phi.name, question, (point,), None, "")
    message = (
        f"{phi.name} is positively homogeneous: its edge of chaos is the single point sigma_b = 0, "
        f"sigma_w = {sigma_w!r}, which keeps every q; use it"
    )
    return EdgeOfChaos(phi.name, question, (), NoPoint.HOMOGENEOUS, message)


# The curve and its roots


def _squared_bias(phi: Activation, q: FloatArray) -> tuple[FloatArray, FloatArray]:
    """sigma_b^2(q) = (q D - V)/D and its error bound; NaN where D = 0."""
    m = moments(phi, q, ("D", "gap"), strict=False)
    d, gap = m["D"], m["gap"]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        value = np.where(d.value > 0.0, gap.value / d.value, np.nan)
        return value, gap.error / d.value + np.abs(value) * d.error / d.value + 4.0 * _EPS * np.abs(value)


def _at_sigma_b(phi: Activation, sigma_b: float) -> FloatArray:
    """All q with sigma_b(q) = sigma_b; q >= sigma_b^2 because V >= 0."""

    def difference(q: FloatArray) -> tuple[FloatArray, FloatArray]:
        value, error = _squared_bias(phi, q)
        return value / q - target / q, error / q

    target = sigma_b**2
    roots = all_roots(difference, _grid(phi, max(0.5 * target, _Q_MIN), lambda b2: b2 > _BEYOND * target))[0]
    return np.append(0.0, roots) if target == 0.0 and _has_limit_at_zero(phi) else roots


def _at_sigma_w(phi: Activation, sigma_w: float) -> FloatArray:
    """All q with sigma_w^2 D(q) = 1."""

    def difference(q: FloatArray) -> tuple[FloatArray, FloatArray]:
        d = moments(phi, q, ("D",), strict=False)["D"]
        return sigma_w**2 * d.value - 1.0, sigma_w**2 * d.error + 4.0 * _EPS

    roots = all_roots(difference, _grid(phi, _Q_MIN))[0]
    at_limit = _has_limit_at_zero(phi) and abs(difference(np.array([0.0]))[0][0]) <= 8.0 * _EPS
    return np.append(0.0, roots) if at_limit else roots


def _at_depth(phi: Activation, depth: float) -> FloatArray:
    """All q whose law has the given depth scale."""
    power = 0.5 if phi.smoothness is Smoothness.KINK else 1.0

    def difference(q: FloatArray) -> tuple[FloatArray, FloatArray]:
        constant = rate_constant(phi, q)
        with np.errstate(divide="ignore", invalid="ignore"):
            value = power * np.log(np.minimum(constant.value, 1e300)) - np.log(depth)
            relative = np.where(np.isinf(constant.value), 0.0, constant.error / constant.value)
        return value, relative + 4.0 * _EPS

    return all_roots(difference, _grid(phi, _Q_MIN))[0]


_SOLVERS: dict[str, Callable[[Activation, float], FloatArray]] = {
    "sigma_b": _at_sigma_b,
    "sigma_w": _at_sigma_w,
    "depth": _at_depth,
}


def _grid(phi: Activation, low: float, is_far: Callable[[FloatArray], NDArray[np.bool_]] | None = None) -> FloatArray:
    """Variances from low to 1e8, or to where sigma_b^2(q) is far beyond what is looked for and still growing.

    A phi that oscillates without end, such as snake, is scanned as far as quadrature is cheap, about q = 1e5.
    """
    high = min(_Q_MAX, easy_variance(phi))
    grid = decades(low, max(_FIRST_STEP, 1e4 * low))
    while grid[-1] < high:
        squared = _squared_bias(phi, grid[-3:])[0]
        if np.isnan(squared[-1]):
            break
        if is_far is not None and is_far(squared).all() and (np.diff(squared) > 0.0).all():
            break
        grid = np.append(grid, decades(grid[-1], min(1e2 * grid[-1], high))[1:])
    return grid


def _has_limit_at_zero(phi: Activation) -> bool:
    """Whether the curve starts at sigma_b = q = 0: phi(0) = 0 with a slope."""
    zero = phi.at_zero
    return zero.left[0] == 0.0 == zero.right[0] and (zero.left[1] != 0.0 or zero.right[1] != 0.0)


# One point


def _point(phi: Activation, q: float, name: str, value: float) -> EocPoint | None:
    """The point at q, with the given quantity put back exactly; None if sigma_b^2 < 0 there."""
    if q == 0.0:
        return _limit_at_zero(phi) if _has_limit_at_zero(phi) else None
    at = np.array([q])
    m = moments(phi, at, ("D", "P"))
    squared, squared_error = (float(part[0]) for part in _squared_bias(phi, at))
    d, d_error = float(m["D"].value[0]), float(m["D"].error[0])
    if not squared > -squared_error:
        return None
    q_error = _error_of_q(phi, q, name)
    sigma_w, sigma_b = d**-0.5, max(squared, 0.0) ** 0.5
    slope = 1.0 + float(m["P"].value[0]) / d
    slope_error = (float(m["P"].error[0]) + abs(slope - 1.0) * d_error) / d
    steps = _derivatives(phi, q)
    sigma_w_error = sigma_w * (0.5 * d_error / d + 2.0 * _EPS) + steps["sigma_w"] * q_error
    sigma_b_error = _root_error(squared, squared_error) + (steps["sigma_b"] * q_error if sigma_b > 0.0 else 0.0)
    slope_error += steps["slope"] * q_error + 4.0 * _EPS
    if name == "sigma_b":
        sigma_b, sigma_b_error = value, 0.0
    if name == "sigma_w":
        sigma_w, sigma_w_error = value, 0.0
    stability = _stability(slope, slope_error)
    law = rate_law(phi, q)
    usable = stability == "stable"
    errors = sigma_b_error, sigma_w_error, q_error
    return EocPoint(sigma_b, sigma_w, q, *errors, 1.0, slope, slope_error, stability, usable, False, law)


def _limit_at_zero(phi: Activation) -> EocPoint:
    """The limit q -> 0 of the curve: sigma_b = 0, sigma_w^2 kappa = 1. Usable if small variances decay towards it."""
    d = float(moments(phi, 0.0, ("D",))["D"].value)
    excess = moments(phi, np.array([1e-12, 1e-10]), ("excess",))["excess"].value
    sigma_w = d**-0.5
    usable = bool((excess < 0.0).all())
    error = 4.0 * _EPS * sigma_w
    return EocPoint(0.0, sigma_w, 0.0, 0.0, error, 0.0, 1.0, 1.0, 0.0, "marginal", usable, False, rate_law(phi, 0.0))


def _stability(slope: float, error: float) -> Stability:
    if abs(abs(slope) - 1.0) <= error:
        return "marginal"
    return "stable" if abs(slope) < 1.0 else "unstable"


def _root_error(squared: float, error: float) -> float:
    """Error of sqrt(squared)."""
    return float(error**0.5 if squared <= error else error / squared**0.5)


def _derivatives(phi: Activation, q: float) -> dict[str, float]:
    """Size of d/dq of sigma_b, sigma_w and F' along the curve by central differences: for error propagation only."""
    step = 1e-4
    around = curve(phi, np.array([1.0 - step, 1.0 + step]) * q)
    return {n: float(abs(np.diff(getattr(around, n))[0]) / (2.0 * step * q)) for n in ("sigma_b", "sigma_w", "slope")}


def _error_of_q(phi: Activation, q: float, name: str) -> float:
    """How far rounding in the equation that q solves can move its root."""
    if name == "q":
        return 0.0
    at = np.array([q])
    around = np.array([1.0 - 1e-4, 1.0 + 1e-4]) * q
    if name == "sigma_b":
        residual, function = float(_squared_bias(phi, at)[1][0]), lambda x: _squared_bias(phi, x)[0]
    elif name == "sigma_w":
        d = moments(phi, at, ("D",))["D"]
        residual, function = float(d.error[0]), lambda x: moments(phi, x, ("D",))["D"].value
    else:
        constant = rate_constant(phi, at)
        residual, function = float(constant.error[0]), lambda x: rate_constant(phi, x).value
    slope = abs(float(np.diff(function(around))[0])) / (2e-4 * q)
    return 2.0 * residual / slope + 4.0 * _EPS * q if slope > 0.0 else float("inf")


# Why there is none, and what to take instead


def _explained(phi: Activation, question: dict[str, float], points: tuple[EocPoint, ...]) -> EdgeOfChaos:
    if any(p.usable for p in points):
        return EdgeOfChaos(phi.name, question, points, None, "")
    if points:
        worst = max(points, key=lambda p: p.slope)
        problem = f"F'(q) = {worst.slope:.6g} at q = {worst.q:.6g}, so the variance does not stay there"
        message = f"the edge-of-chaos point of {phi.name} is {worst.stability}: {problem}; {_where_stable(phi)}"
        return EdgeOfChaos(phi.name, question, points, NoPoint.UNSTABLE, message)
    asked = ", ".join(f"{name} = {value:g}" for name, value in question.items()) or "any sigma_b"
    message = f"{phi.name} has no edge-of-chaos point with {asked}: {_range_of_curve(phi, question)}"
    return EdgeOfChaos(phi.name, question, (), NoPoint.NO_SOLUTION, message)


def _where_stable(phi: Activation) -> str:
    changes = transitions(phi)
    if not changes:
        return "it is so for every sigma_b"
    sigma_b, becomes = changes[-1][0], changes[-1][2]
    if becomes == "stable" and len(changes) == 1:
        return f"it is so for every sigma_b < {sigma_b:.8f}; take a larger sigma_b"
    listed = ", ".join(f"{name} above sigma_b = {b:.8f}" for b, _, name in changes)
    return f"along the curve it becomes {listed}"


def _range_of_curve(phi: Activation, question: dict[str, float]) -> str:
    along = curve(phi, _grid(phi, 1e-12))
    exists = np.isfinite(along.sigma_b)
    if not exists.any():
        return "sigma_b^2 = q - E[phi^2]/E[phi'^2] is negative for every q"
    name = "sigma_w" if "sigma_w" in question else "sigma_b"
    values = getattr(along, name)[exists]
    return f"its curve covers {name} from {values.min():.6g} to {values.max():.6g}"


def transitions(activation: object) -> tuple[tuple[float, float, Stability], ...]:
    """Where the edge of chaos changes its stability as q grows: (sigma_b, q, what it becomes).

    The roots of P(q) = E[phi phi''], because F'(q) = 1 + P/D; only F' = 1 is looked for.

    Examples
    --------
    >>> [(round(b, 8), name) for b, q, name in transitions("gelu")]
    [(0.41583938, 'stable')]
    """
    from eoc.activations import activation as resolve

    phi = resolve(activation)

    def relative_slope(q: FloatArray) -> tuple[FloatArray, FloatArray]:
        m = moments(phi, q, ("D", "P"), strict=False)
        with np.errstate(divide="ignore", invalid="ignore"):
            return m["P"].value / m["D"].value, m["P"].error / m["D"].value

    roots, signs = all_roots(relative_slope, _grid(phi, 1e-12))
    out: list[tuple[float, float, Stability]] = []
    for q, sign in zip(roots, signs[1:], strict=True):
        squared = float(_squared_bias(phi, np.array([q]))[0][0])
        if squared > 0.0:
            out.append((squared**0.5, float(q), "stable" if sign < 0.0 else "unstable"))
    return tuple(out)


def _recommended(phi: Activation) -> EdgeOfChaos:
    deep = edge_of_chaos(phi, depth=_RECOMMENDED_DEPTH)
    if deep.reason is None:
        return EdgeOfChaos(phi.name, {}, (deep.best,), None, "")
    along = curve(phi, _grid(phi, 1e-12))
    inside = np.isfinite(along.sigma_b) & (along.sigma_b > 0.0) & (np.abs(along.slope) < 1.0)
    if not inside.any():
        exists = np.flatnonzero(np.isfinite(along.sigma_b))
        middle = [_point(phi, float(along.q[exists[exists.size // 2]]), "q", 0.0)] if exists.size else []
        return _explained(phi, {}, tuple(p for p in middle if p is not None))
    firm = np.flatnonzero(inside & (np.abs(along.slope) <= 0.98))
    best = firm[0] if firm.size else np.flatnonzero(inside)[np.argmin(np.abs(along.slope[inside]))]
    rounded = float(f"{along.sigma_b[best]:.1e}")
    found = edge_of_chaos(phi, sigma_b=rounded)
    return EdgeOfChaos(phi.name, {}, found.points, found.reason, found.message)
