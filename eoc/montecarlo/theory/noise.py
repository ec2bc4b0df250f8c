r"""How far correlations of finite networks stray from the correlation map, for inputs that are close.

In each layer of N units e = 1 - c gets a relative kick of variance s/N besides what the map does to it, and the next
layer passes a relative change of e on by the factor e f'(1 - e) / (1 - f(1 - e)). On the edge of chaos that factor is
1 - 1/l, for the law 1/l and for the law 1/l^2 alike, so that a kick in layer k has become k/l of it in layer l:

.. math:: Var \log e_l = \frac{s}{N} \sum_{k \le l} \frac{k^2}{l^2} \to \frac{s l}{3 N}.

Correlations spread by a factor of order e at l = 3N/s: from there on no single network follows the law. In the ordered
phase nothing damps the kicks, and the variance is s l / N.

For inputs of equal variance q, d = h_1 - h_2 is independent of h to leading order in e, each a Gaussian of N
independent units. The distance |d|^2 / N gets multiplied by sigma_w^2 mean(phi'^2 z_d^2), the variance of the units
becomes sigma_b^2 + sigma_w^2 mean(phi^2). With xi and eta the deviations of the first (relative) and the second from
their means,

.. math:: N Var(\xi) = 3 \frac{\sigma_w^4}{\chi_1^2} E[\phi'^4] - 1, \quad
          N Var(\eta) = \sigma_w^4 Var(\phi^2), \quad
          N Cov(\xi, \eta) = \frac{\sigma_w^4}{\chi_1} Cov(\phi'^2, \phi^2).

A change eta of the variance decays like F'^n and changes chi_1 on its way: s/N = Var(xi + g eta), with
g = (d log chi_1 / dq) / (1 - F'). Where phi is positively homogeneous and sigma_b = 0 it stays, changes nothing but
the scale of e = |d|^2 / (2 N q), and g = -1/q. ReLU: s = 5 + 5 - 2 = 8.

A kick is all there only after some 1/(1 - F') layers. For inputs that are not close, for variances that move, and for
single layers see :mod:`eoc.montecarlo.theory.pairs`.

Orthogonal weights fix |g|^2 = k N, k = q - sigma_b^2, and |d|^2, and keep g and d at their angle (g: h without its
bias). What depends on those is taken away, all to leading order:

.. math:: N Var(\xi): -2 - 2 (k \chi_1' / \chi_1)^2, \quad
          N Var(\eta): -2 (k F')^2, \quad
          N Cov(\xi, \eta): -2 k^2 F' \chi_1' / \chi_1.

ReLU: s = 3 + 3 - 2 = 4; linear networks: 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from eoc.activations.base import Activation, Smoothness
from eoc.errors import EocError
from eoc.floats import EPS, FloatArray
from eoc.gaussian.moments import Estimate, checked_variance, moments
from eoc.gaussian.quartic import fourth_moments
from eoc.layers import one_activation as resolve
from eoc.maps import CorrelationMap, VarianceMap
from eoc.montecarlo.settings import Weights, checked_count, checked_weights
from eoc.montecarlo.theory.expectations import DIFFERENCE_ERROR, derivatives
from eoc.validation import real_number, whole_numbers

__all__ = ["CorrelationNoise", "correlation_noise"]

_CRITICAL = 1e-6  # |chi_1 - 1| up to which a point counts as the edge of chaos
_NEGATIVE = 1e-9  # of q: how negative rounding of sigma_w and q may make sigma_b^2
_NOWHERE = np.zeros(1)


@dataclass(frozen=True)
class CorrelationNoise:
    """What finite width does to 1 - c of two inputs that are close, in layers of one width.

    Attributes
    ----------
    s : Estimate, 0-dimensional
        Each layer of N units multiplies 1 - c by 1 + kick, a kick of variance s/N; with a bound on the numerical error.
    chi_1 : float
        The slope of the correlation map at c = 1.
    damped : bool
        Whether layers damp what the kicks did: on the edge of chaos, but for linear phi, whose map is the identity.
    """

    s: Estimate
    chi_1: float
    damped: bool

    def spread(self, width: float, layers: ArrayLike) -> FloatArray:
        """Standard deviation of log(1 - c_l) over networks, for large l: sqrt(s l / 3N), or sqrt(s l / N) undamped.

        Parameters
        ----------
        width
            N, a whole number >= 1.
        layers
            l >= 1, of any shape. How soon this holds depends on the inputs: see :func:`eoc.montecarlo.pair_noise`.
        """
        n, depths = checked_count("width", width), whole_numbers("layers", layers, 1.0)
        return np.asarray(np.sqrt(float(self.s.value) * depths / (3.0 * n if self.damped else n)))

    def departure_depth(self, width: float) -> float:
        """The depth at which :meth:`spread` is 1: 3N/s, or N/s undamped; infinite for s = 0."""
        n, s = float(checked_count("width", width)), float(self.s.value)
        return (3.0 if self.damped else 1.0) * n / s if s > 0.0 else float("inf")


@dataclass(frozen=True)
class _Kicks:
    """N times the moments of xi and eta, F', and d log(chi_1) / dq: values with errors, all (1,)."""

    distance: Estimate
    variance: Estimate
    both: Estimate
    slope: Estimate
    bend: Estimate


def correlation_noise(
    activation: object, sigma_w: float, q: float, *, weights: Weights = "gaussian"
) -> CorrelationNoise:
    r"""The noise of correlations near c = 1 at a stable fixed point q of the variance map.

    Parameters
    ----------
    activation
        An activation, or whatever :func:`eoc.activation` understands: a name, a formula, a Python function.
    sigma_w
        Standard deviation of the weights, times sqrt(fan-in).
    q
        The variance that layers keep, > 0; with it sigma_b^2 = q - sigma_w^2 E[phi^2] is given.
    weights
        "gaussian", or "orthogonal": Haar matrices, square ones, scaled to the same variance.

    Returns
    -------
    CorrelationNoise
        s, and what follows from it. A chi_1 within 1e-6 of 1 counts as the edge of chaos.

    Raises
    ------
    EocError
        Where phi jumps, in the chaotic phase, at an unstable q, or for a q that no sigma_b gives.
    NotPermissibleError, AccuracyError
        Where an expectation of fourth order is infinite or cannot be computed.

    Notes
    -----
    To leading order in 1/N, and for late layers: :func:`eoc.montecarlo.pair_noise` follows two inputs layer by layer,
    gives the mean of log(1 - c_l), which falls by about half the variance, and says what higher orders may add. Where
    F' is close to 1 these come sooner.

    Examples
    --------
    >>> relu = correlation_noise("relu", 2**0.5, 1.0)
    >>> round(float(relu.s.value), 9), round(relu.departure_depth(1000), 6), relu.spread(1000, 375).round(6).item()
    (8.0, 375.0, 1.0)
    """
    phi, variance = resolve(activation), checked_variance(real_number("q", q))
    if phi.smoothness is Smoothness.JUMP:
        raise EocError(f"{phi.name} jumps: chi_1 is infinite and inputs never stay close; use a continuous activation")
    if variance == 0.0:
        raise EocError("q must be > 0: a signal of variance 0 has no correlations")
    haar = checked_weights(weights) == "orthogonal"
    weight = VarianceMap(phi, sigma_w).sigma_w ** 2
    scales = phi.is_positively_homogeneous and abs(weight * phi.kappa - 1.0) <= _CRITICAL
    bias = 0.0 if scales else _bias(phi, weight, variance)
    network = CorrelationMap(phi, float(np.sqrt(weight)), float(np.sqrt(bias)), variance)
    _check_phase(phi, network.chi_1)
    kicks = _kicks(phi, weight, variance, variance - bias if haar else 0.0, haar)
    critical = abs(network.chi_1 - 1.0) <= _CRITICAL
    damped = critical and phi.slopes_at_zero[0] != phi.slopes_at_zero[1] if scales else critical
    return CorrelationNoise(_combined(phi, kicks, variance, scales), network.chi_1, damped)


def _bias(phi: Activation, weight: float, q: float) -> float:
    """sigma_b^2."""
    bias = q - weight * float(moments(phi, q, ("V",))["V"].value)
    if bias < -_NEGATIVE * q:
        raise EocError(
            f"q = {q:g} is no fixed point of {phi.name} at sigma_w = {weight**0.5:g}: sigma_b^2 = q - sigma_w^2 "
            f"E[phi^2] would be {bias:.3g} < 0; take q from eoc.edge_of_chaos or VarianceMap.fixed_points"
        )
    return max(bias, 0.0)


def _check_phase(phi: Activation, chi_1: float) -> None:
    if not chi_1 <= 1.0 + _CRITICAL:
        raise EocError(
            f"{phi.name} is chaotic there, chi_1 = {chi_1:.9g} > 1: inputs do not stay close; take a smaller sigma_w "
            "or a point of eoc.edge_of_chaos"
        )


def _kicks(phi: Activation, weight: float, q: float, free: float, haar: bool) -> _Kicks:
    """The moments of one layer; ``free`` is k for orthogonal weights."""
    at, squared = np.array([q]), weight**2
    two, four = moments(phi, at, ("V", "D")), fourth_moments(phi, at, ("phi^2 dphi^2", "dphi^4", "Var phi^2"))
    v, d = two["V"], two["D"]
    slope = VarianceMap(phi, float(np.sqrt(weight))).slope(at)
    relative = derivatives(lambda x: moments(phi, x, ("D",))["D"].value, at)[0] / d.value
    if phi.is_positively_homogeneous:
        relative = _NOWHERE
    bend = Estimate(relative, np.full(1, DIFFERENCE_ERROR / q) * (not phi.is_positively_homogeneous))
    quartic, mixed, spread = four["dphi^4"], four["phi^2 dphi^2"], four["Var phi^2"]
    sphere = 2.0 * haar
    steep = quartic.value / d.value**2
    product = mixed.value / d.value
    bent, sloped = free * bend.value, free * slope.value
    doubt = 2.0 * sphere * (np.abs(bent) + np.abs(sloped)) * free
    return _Kicks(
        Estimate(
            3.0 * steep - 1.0 - sphere * (1.0 + bent**2),
            3.0 * steep * (quartic.error / quartic.value + 2.0 * d.error / d.value + 4.0 * EPS) + doubt * bend.error,
        ),
        Estimate(
            squared * spread.value - sphere * sloped**2,
            squared * spread.error + 4.0 * EPS * squared * spread.value + doubt * slope.error,
        ),
        Estimate(
            weight * (product - v.value) - sphere * bent * sloped,
            weight * (mixed.error / d.value + product * d.error / d.value + v.error + 4.0 * EPS * (product + v.value))
            + doubt * (bend.error + slope.error),
        ),
        slope,
        bend,
    )


def _combined(phi: Activation, kicks: _Kicks, q: float, scales: bool) -> Estimate:
    """N Var(xi + g eta), which is s."""
    if scales:
        g, g_error = np.full(1, -1.0 / q), np.full(1, EPS / q)
    else:
        room = 1.0 - kicks.slope.value
        if not (room > kicks.slope.error).all():
            raise EocError(
                f"q = {q:g} is no stable fixed point of {phi.name}, F'(q) = {float(kicks.slope.value[0]):.9g}: "
                "variances leave it before correlations do; take a stable one of VarianceMap.fixed_points"
            )
        g = kicks.bend.value / room
        g_error = (kicks.bend.error + np.abs(g) * (kicks.slope.error + EPS)) / room
    value = kicks.distance.value + 2.0 * g * kicks.both.value + g**2 * kicks.variance.value
    error = kicks.distance.error + 2.0 * np.abs(g) * kicks.both.error + g**2 * kicks.variance.error
    error += 2.0 * np.abs(kicks.both.value + g * kicks.variance.value) * g_error
    return Estimate(np.maximum(value, 0.0)[0, ...], error[0, ...])
