r"""How the edge of chaos, or a place off it, moves with the parameters of an activation: exact derivatives.

For a parameter theta, psi = dphi/dtheta is an activation, and with the moments V, D, S of phi

.. math:: \partial V = 2 E[\phi \psi], \qquad \partial D = 2 E[\phi' \psi'], \qquad \partial S = 2 E[\phi'' \psi''],

up to terms of knots that move (:mod:`eoc.gaussian.variations`). The edge of chaos is sigma_w^2 = 1/D(q) and
sigma_b^2 = B(q) = q - V/D, so that with a prime for the derivative along the edge and q' = -B_theta / B_q at given
sigma_b, -D_theta / D_q at given sigma_w, or 0 at given q,

.. math:: \sigma_w' = -\tfrac12 D^{-3/2} D', \qquad (\sigma_b^2)' = B', \qquad D' = D_\theta + D_q q'.

At (sigma_w, sigma_b) that stay, q' = sigma_w^2 V_theta / (1 - F'(q)) and chi_1' = sigma_w^2 (D_theta + D_q q'). So an
activation that is learned can be held at chi_1 = 1, or brought back to it (derived here).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eoc.activations.base import Activation, Breakpoint, Smoothness
from eoc.activations.formula.varied import Varied, varied
from eoc.criticality import edge_of_chaos
from eoc.errors import EocError, UnsupportedError
from eoc.floats import EPS, FloatArray
from eoc.gaussian.moments import Estimate, checked_variance, moments
from eoc.gaussian.variations import variations
from eoc.layers import one_activation
from eoc.layers.bounded import Bounded, exact
from eoc.maps import VarianceMap
from eoc.rates import kink_weights, rate_constant

__all__ = ["Sensitivity", "sensitivity"]

_STEP = 1e-4  # relative step by which it is seen what errors of q do
_NOTHING = 1e-9  # of what meets at a knot: less is rounding


@dataclass(frozen=True, kw_only=True)
class Sensitivity:
    """Derivatives by the parameters of an activation at one place.

    Attributes
    ----------
    activation, parameters
        Its name, and the values of its P parameters by name.
    sigma_w, sigma_b, q, chi_1
        The place.
    given
        What stays when parameters change: "q", "sigma_b" or "sigma_w", the rest following along the edge of chaos, or
        "sigma_w and sigma_b".
    values, errors
        By quantity and parameter: the derivatives, and bounds on their errors. Of ``V`` and ``D`` at this q; of
        ``chi_1`` where sigma_w and sigma_b stay, and q goes where layers then keep it; of ``q``, ``sigma_w`` and
        ``sigma_b`` as ``given`` says, and so of ``rate``, which is beta_q, or kappa for a phi with kinks (off the edge
        as if it were on it). NaN where there is none: of ``rate`` where a change gives phi kinks, and with them another
        law, of what follows q where F'(q) = 1, or at a turning point.

    Examples
    --------
    >>> elu = sensitivity("elu(alpha=1.2)", sigma_b=0.2)
    >>> round(elu.values["sigma_w"]["alpha"], 8)
    -0.3738839
    """

    activation: str
    parameters: Mapping[str, float]
    sigma_w: float
    sigma_b: float
    q: float
    chi_1: float
    given: str
    values: Mapping[str, Mapping[str, float]]
    errors: Mapping[str, Mapping[str, float]]

    def to_dict(self) -> dict[str, Any]:
        """Everything by name."""
        own = {name: value for name, value in vars(self).items() if name not in ("parameters", "values", "errors")}
        tables = {name: {k: dict(v) for k, v in getattr(self, name).items()} for name in ("values", "errors")}
        return own | {"parameters": dict(self.parameters)} | tables


def sensitivity(
    activation: object, *, q: float | None = None, sigma_b: float | None = None, sigma_w: float | None = None
) -> Sensitivity:
    """The derivatives of moments, of chi_1 and of the place by every parameter of an activation.

    Parameters
    ----------
    activation
        An activation with parameters: a name such as "elu(alpha=1.2)" or "polynomial([0, 1, 0, -0.2])", whose
        coefficients are called coefficients_0 and so on, or a formula that names them,
        ``eoc.activation("a * tanh(b*x)", a=1.2, b=0.7)``.
    q, sigma_b, sigma_w
        One of them: the point of the edge of chaos with it, the usable one where there is one, which stays on the edge
        as parameters change. Both sigma_w and sigma_b: the place of that network, on the edge or not, whose variance
        follows.

    Returns
    -------
    Sensitivity
        To about 1e-12, with bounds.

    Raises
    ------
    EocError
        If nothing or too much is given, there is no such point, or variances settle nowhere.
    UnsupportedError
        For an activation that jumps, or would if a parameter changed; without parameters, or with some that its formula
        does not name.

    Examples
    --------
    One step of Newton's method brings a learned activation back to the edge:

    >>> import eoc
    >>> at = sensitivity(eoc.activation("a * tanh(b*x)", a=1.3, b=0.9), sigma_w=1.2, sigma_b=0.1)
    >>> a = 1.3 - (at.chi_1 - 1.0) / at.values["chi_1"]["a"]
    >>> after = sensitivity(eoc.activation("a * tanh(b*x)", a=a, b=0.9), sigma_w=1.2, sigma_b=0.1)
    >>> round(at.chi_1, 4), round(after.chi_1, 4)
    (1.0907, 1.0016)
    """
    phi = one_activation(activation)
    by = _by_parameter(phi)
    at = _place(phi, {"q": q, "sigma_b": sigma_b, "sigma_w": sigma_w})
    found = _derivatives(phi, list(by.values()), at, at.q)
    if at.q_error > 0.0:
        moved = _derivatives(phi, list(by.values()), at, at.q * (1.0 + _STEP))
        share = 2.0 * at.q_error / (_STEP * at.q)
        found = {n: Bounded(x.value, x.error + share * np.abs(moved[n].value - x.value)) for n, x in found.items()}
    return Sensitivity(
        activation=phi.name,
        parameters=_numbers(phi),
        sigma_w=at.sigma_w,
        sigma_b=at.sigma_b,
        q=at.q,
        chi_1=at.chi_1,
        given=at.given,
        values={name: _table(by, _known(x).value) for name, x in found.items()},
        errors={name: _table(by, x.error) for name, x in found.items()},
    )


def _table(by: Mapping[str, Varied], numbers: FloatArray) -> dict[str, float]:
    return dict(zip(by, numbers.tolist(), strict=True))


def _known(one: Bounded) -> Bounded:
    """NaN where nothing is known."""
    return Bounded(np.where(np.isfinite(one.error), one.value, np.nan), one.error)


def _numbers(phi: Activation) -> dict[str, float]:
    """The parameters that the formula names; of a tuple c they are c_0, c_1, ..."""
    found: dict[str, float] = {}
    for name, value in phi.parameters.items():
        several = {f"{name}_{i}": one for i, one in enumerate(value)} if isinstance(value, tuple) else {name: value}
        named = ((own, one) for own, one in several.items() if re.search(rf"\b{own}\b", phi.template))
        found |= {own: float(one) for own, one in named if isinstance(one, int | float)}
    return found


def _by_parameter(phi: Activation) -> dict[str, Varied]:
    """What changes with each of the parameters."""
    numbers = _numbers(phi)
    if not phi.template or not numbers:
        raise UnsupportedError(
            f"no formula names parameters of {phi.name}: give one that does, such as "
            'eoc.activation("a * tanh(b*x)", a=1.2, b=0.7)'
        )
    if phi.smoothness is Smoothness.JUMP:
        raise UnsupportedError(f"{phi.name} jumps: chi_1 is infinite, and with it every change of it")
    found = {name: varied(phi.template, tuple(numbers.items()), name, phi.knots) for name in numbers}
    for name, one in found.items():
        for x, (torn, _) in _meeting(phi, one, 0).items():
            if abs(torn) > _NOTHING:
                raise UnsupportedError(f"{phi.name} would jump at {x:.6g} if {name} changed: chi_1 is infinite then")
    return found


def _meeting(phi: Activation, one: Varied, order: int) -> dict[float, FloatArray]:
    """By how much the jump of phi, or of phi', changes at every knot x, [psi] + k' [phi'], and a bound on the error."""
    found = {x: np.zeros(2) for x in phi.knots}
    for b in one.psi.breakpoints:  # whose knots may be off by a rounding
        x = next((k for k in phi.knots if abs(k - b.x) <= _NOTHING * max(abs(k), 1.0)), b.x)
        found[x] = found.get(x, 0.0) + _step(b, order)
    for b in phi.breakpoints:
        pace = one.motion.get(b.x, 0.0)
        found[b.x] += _step(b, order + 1) * (pace, abs(pace))
    return found


def _step(b: Breakpoint, order: int) -> FloatArray:
    """By how much phi (order 0), phi' or phi'' jumps, and a bound on the error."""
    if order == 1:
        return np.array([b.kink, b.kink_error])
    left, right = b.left[order], b.right[order]
    return np.array([right - left, 8.0 * EPS * (abs(left) + abs(right))])


@dataclass(frozen=True)
class _Place:
    sigma_w: float
    sigma_b: float
    q: float
    q_error: float
    chi_1: float
    given: str


def _place(phi: Activation, question: Mapping[str, float | None]) -> _Place:
    """The place that is meant."""
    given = {name: value for name, value in question.items() if value is not None}
    if set(given) == {"sigma_w", "sigma_b"}:
        variance = VarianceMap(phi, given["sigma_w"], given["sigma_b"])
        q = checked_variance(variance.kept)
        if q == 0.0:
            raise EocError(f"signals vanish at {variance!r}, where phi is its tangents: take a larger sigma")
        chi_1 = float(variance.chi_1(q).value)
        return _Place(variance.sigma_w, variance.sigma_b, q, variance.kept_error, chi_1, "sigma_w and sigma_b")
    if len(given) != 1:
        raise EocError(f"give q, sigma_b or sigma_w, or both sigmas; got {', '.join(given) or 'nothing'}")
    found = edge_of_chaos(phi, **given)
    points = [p for p in found.points if p.q > 0.0]
    if not points:
        raise EocError(found.message or "the edge of chaos has no point with a variance > 0 there")
    p = next((p for p in points if p.usable), points[0])
    return _Place(p.sigma_w, p.sigma_b, p.q, p.q_error, 1.0, next(iter(given)))


def _derivatives(phi: Activation, by: Sequence[Varied], at: _Place, q: float) -> dict[str, Bounded]:
    """All derivatives at one variance, (P,) each."""
    m, change = moments(phi, np.array([q]), ("V", "D", "P")), variations(phi, by, q)
    v, d, p = (_bounded(m[name]) for name in ("V", "D", "P"))
    v_t, d_t, d_q = _bounded(change.V), _bounded(change.D), _bounded(change.D_q)
    weight = exact([at.sigma_w**2])
    b_t = (v * d_t / d - v_t) / d
    b_q = (v * d_q / d - p) / d
    left = exact([1.0]) - weight * (d + p)
    if phi.is_positively_homogeneous:  # every q is kept
        still = moving = exact(np.zeros(len(by)))
    else:
        still = weight * v_t / left
        moving = {"q": exact(np.zeros(len(by))), "sigma_b": b_t * -1.0 / b_q, "sigma_w": d_t * -1.0 / d_q}.get(
            at.given, still
        )
    along = d_t + d_q * moving
    off_edge = at.given == "sigma_w and sigma_b"
    nothing = exact(np.zeros(len(by)))
    return {
        "V": v_t,
        "D": d_t,
        "chi_1": weight * (d_t + d_q * still),
        "q": moving,
        "sigma_w": nothing if off_edge or at.given == "sigma_w" else along / (d * d.root()) * -0.5,
        "sigma_b": nothing if off_edge or at.given == "sigma_b" else _of_bias(b_t + b_q * moving, at.sigma_b),
        "rate": _of_rate(phi, by, q, along / d, moving, change.S, change.S_q),
    }


def _of_bias(square: Bounded, sigma_b: float) -> Bounded:
    """The derivative of sigma_b by that of its square; 0 where both are 0, as for a homogeneous phi."""
    if sigma_b > 0.0:
        return square / exact([2.0 * sigma_b])
    return Bounded(np.where(np.abs(square.value) <= square.error, 0.0, np.nan), np.zeros(square.value.shape))


def _of_rate(
    phi: Activation, by: Sequence[Varied], q: float, of_d: Bounded, q_t: Bounded, s_t: Estimate, s_q: Estimate
) -> Bounded:
    """That of beta_q = 2 D / q S, or of kappa = 18 pi^2 (D / sum Delta^2 exp(-k^2/2q))^2; ``of_d`` is D'/D."""
    constant = _bounded(rate_constant(phi, np.array([q])))
    if phi.smoothness is Smoothness.KINK:
        moved = _of_kinks(phi, by, q, q_t) / _bounded(kink_weights(phi, np.array([q])))
        return constant * (of_d - moved) * 2.0
    if np.isinf(constant.value).any():
        return Bounded(np.full(len(by), np.nan), np.full(len(by), np.inf))
    s = _bounded(moments(phi, np.array([q]), ("S",))["S"])
    of_s = (_bounded(s_t) + _bounded(s_q) * q_t) / s
    found = constant * (of_d - of_s - q_t / exact([q]))
    kinked = np.array([any(abs(bent) > _NOTHING for bent, _ in _meeting(phi, one, 1).values()) for one in by])
    return Bounded(np.where(kinked, np.nan, found.value), np.where(kinked, np.inf, found.error))


def _of_kinks(phi: Activation, by: Sequence[Varied], q: float, q_t: Bounded) -> Bounded:
    """The derivatives of sum Delta_k^2 exp(-k^2 / 2q)."""
    bends = [_meeting(phi, one, 1) for one in by]
    total = exact(np.zeros(len(by)))
    for b in phi.kinks:
        kink, bend = (Bounded(*np.atleast_2d(both).T) for both in ((b.kink, b.kink_error), [at[b.x] for at in bends]))
        motion = exact([one.motion.get(b.x, 0.0) for one in by])
        pace = q_t * (b.x**2 / (2.0 * q * q)) - motion * (b.x / q)
        total = total + kink * (bend * 2.0 + kink * pace) * float(np.exp(-(b.x**2) / (2.0 * q)))
    return total


def _bounded(one: Estimate) -> Bounded:
    return Bounded(np.atleast_1d(one.value), np.atleast_1d(one.error))
