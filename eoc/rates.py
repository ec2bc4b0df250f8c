r"""How fast correlations converge on the edge of chaos: the law that the smoothness of phi decides.

With e_l = 1 - c_l for two inputs and chi_1 = 1 (Hayou et al. 2019, Propositions 1 to 3; constants derived here for
every kinked phi):

- phi is C^1 with piecewise C^2: f(1 - e) = 1 - e + f''(1) e^2 / 2 + ..., so e_l ~ beta_q / l with
  beta_q = 2 / f''(1) = 2 E[phi'^2] / (q E[phi''^2]).
- phi has kinks: 1 - f = e - s e^{3/2} + ..., so e_l ~ kappa / l^2 with kappa = 4 / s^2. Two Gaussians of correlation
  cos(theta) are separated by a kink k with probability ~ theta exp(-k^2/2q) / pi, hence
  E[phi'(u) phi'(v)] = D - theta sum_k Delta_k^2 exp(-k^2/2q) / (2 pi) + ... and, by df/dc = sigma_w^2 E[phi' phi'],
  s = sigma_w^2 (sqrt(2) / (3 pi)) sum_k Delta_k^2 exp(-k^2/2q). ReLU: s = 2 sqrt(2)/(3 pi), kappa = 9 pi^2/2.
- phi is linear: f(c) = c, correlations never change.

This needs moments at one point only and serves whole curves of q at once; :func:`eoc.convergence_law` derives the same
constants, and the next orders, from the expansion of one correlation map.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from eoc.activations.base import Activation, Smoothness
from eoc.floats import EPS, FloatArray
from eoc.gaussian.integrands import integrals
from eoc.gaussian.moments import Estimate, moments

__all__ = ["RateLaw", "depth_scale", "e_folding", "kink_weights", "rate_constant", "rate_law"]


@dataclass(frozen=True)
class RateLaw:
    """The law of 1 - c_l at large depth l on the edge of chaos.

    Attributes
    ----------
    law
        "1/l" (constant: beta_q), "1/l^2" (constant: kappa) or "constant" (a linear phi, or q = 0); of networks with
        noise "exponential" (constant: xi_c), as equal inputs do not stay equal.
    constant, error
        1 - c_l ~ constant / l or constant / l^2, and a bound on the error of the constant. Infinite for "constant".
    depth
        The depth at which constant/l or constant/l^2 comes to 1, beta_q or sqrt(kappa): about this many layers pass
        before correlations are forgotten.
    """

    law: Literal["1/l", "1/l^2", "exponential", "constant"]
    constant: float
    error: float

    @property
    def depth(self) -> float:
        """Depth scale: beta_q or sqrt(kappa)."""
        return float(np.sqrt(self.constant)) if self.law == "1/l^2" else self.constant


def e_folding(factor: ArrayLike, one_minus: ArrayLike, error: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """-1/log|r|, in which something that is multiplied by r in each layer falls by e, and a bound on its error.

    Parameters
    ----------
    factor, one_minus
        r and 1 - r, each with its own digits: near r = 1 the second decides.
    error
        A bound on the error of either.

    Returns
    -------
    tuple of arrays
        Infinite for |r| = 1, and negative for |r| > 1. Where r cannot be told from 1 the error is infinite.

    Examples
    --------
    >>> [round(float(e_folding(r, 1.0 - r, 0.0)[0]), 6) for r in (0.9, 1.0, 0.0, 1.1)]
    [9.491222, inf, 0.0, -10.492059]
    >>> round(float(e_folding(1.0, 1e-20, 0.0)[0]) / 1e20, 12)
    1.0
    """
    r, d, error = (np.asarray(part, dtype=float) for part in (factor, one_minus, error))
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.abs(r)
        log = np.where(np.abs(d) < 0.5, np.log1p(-np.minimum(d, 0.5)), np.log(size))
        more, less = (log + np.log1p(np.maximum(part, -1.0)) for part in (error / size, -error / size))
        more = np.where(size == 0.0, np.log(error), more)
        less = np.where(size <= error, -np.inf, less)
        xi = _over_log(log)
        off = np.fmax(np.abs(_over_log(more) - xi), np.abs(_over_log(less) - xi))
    sign = np.sign(log)  # of products infinity times 0 would be no number
    unclear = (np.sign(more) * sign <= 0.0) | (np.sign(less) * sign <= 0.0)
    return xi, np.where(error == 0.0, 0.0, np.where(unclear, np.inf, off))


def _over_log(log: FloatArray) -> FloatArray:
    return np.where(log == 0.0, np.inf, np.where(np.isinf(log), 0.0, -1.0 / log))


def rate_constant(phi: Activation, q: FloatArray) -> Estimate:
    """beta_q, or kappa for a phi with kinks, at the variances q > 0 (n,) on the edge of chaos.

    Examples
    --------
    >>> from eoc.activations import activation
    >>> rate_constant(activation("relu"), np.array([1.0])).value.item()  # 9 pi^2 / 2 = 44.41...
    44.4132198
    """
    if phi.smoothness is Smoothness.KINK:
        return _kink_constant(phi, q)
    m = moments(phi, q, ("D", "S"), strict=False)
    d, s = m["D"], m["S"]
    with np.errstate(divide="ignore", invalid="ignore"):
        beta = np.where(s.value > 0.0, 2.0 * d.value / (q * s.value), np.inf)
        relative = d.error / d.value + s.error / s.value + 4.0 * EPS
        return Estimate(beta, np.where(np.isinf(beta), 0.0, beta * relative))


def _kink_constant(phi: Activation, q: FloatArray) -> Estimate:
    d, weights = moments(phi, q, ("D",), strict=False)["D"], kink_weights(phi, q)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        kappa = 18.0 * np.pi**2 * (d.value / weights.value) ** 2
        relative = 2.0 * (d.error / d.value + weights.error / weights.value) + 8.0 * EPS
        return Estimate(kappa, np.where(np.isinf(kappa), 0.0, kappa * relative))


def kink_weights(phi: Activation, q: FloatArray) -> Estimate:
    """The sum of Delta_k^2 exp(-k^2/2q) over all kinks, at the variances q > 0 (n,)."""
    total, off = np.zeros(q.shape), np.zeros(q.shape)
    for b in phi.kinks:
        exponent = b.x**2 / (2.0 * q)
        weight = np.exp(-exponent)
        total += b.kink**2 * weight
        off += (2.0 * abs(b.kink) + b.kink_error) * b.kink_error * weight + EPS * (4.0 + exponent) * b.kink**2 * weight
    return Estimate(total, off)


def depth_scale(phi: Activation, q: FloatArray) -> FloatArray:
    """beta_q, or sqrt(kappa) for a phi with kinks, at the variances q > 0 (n,); NaN where undefined.

    Where the curvature between kinks bends the map more than these do until inputs are very close, as behind kinks of
    1e-11 in Pade units, it is the beta_q of what lies between.
    """
    constant = rate_constant(phi, q).value
    if phi.smoothness is not Smoothness.KINK:
        return constant
    parts = integrals(phi, q, {"dphi^2", "ddphi^2"})[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        between = 2.0 * parts["dphi^2"][0] / (q * parts["ddphi^2"][0])
    return np.asarray(np.fmin(np.sqrt(constant), between))


def rate_law(phi: Activation, q: float) -> RateLaw:
    """The law at the variance q on the edge of chaos; phi must not jump.

    Examples
    --------
    >>> from eoc.activations import activation
    >>> law = rate_law(activation("tanh"), 0.512078504)  # sigma_b = 0.2
    >>> law.law, round(law.constant, 5)
    ('1/l', 7.08374)
    """
    if q == 0.0 and not phi.is_positively_homogeneous:
        return _law_at_zero(phi)
    constant = rate_constant(phi, np.array([q if q > 0.0 else 1.0]))
    value, error = float(constant.value[0]), float(constant.error[0])
    if np.isinf(value):
        return RateLaw("constant", value, 0.0)
    return RateLaw("1/l^2" if phi.smoothness is Smoothness.KINK else "1/l", value, error)


def _law_at_zero(phi: Activation) -> RateLaw:
    """The law as q -> 0, where phi is its tangents at 0: a kink there, or a line."""
    left, right = phi.slopes_at_zero
    if left == right:
        return RateLaw("constant", float("inf"), 0.0)
    bend = phi.at_zero
    kappa = float(18.0 * np.pi**2 * (phi.kappa / bend.kink**2) ** 2)
    return RateLaw("1/l^2", kappa, (32.0 * EPS + 4.0 * bend.kink_error / abs(bend.kink)) * kappa)
