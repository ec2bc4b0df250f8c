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

Layer by layer (:meth:`CorrelationNoise.followed`), with the factors p_l above, the deviations delta_l of log e_l and
v_l of the variance obey

.. math:: v_{l+1} = F' v_l + \eta, \quad \delta_{l+1} = p_l \delta_l
          + \Big(\frac{\chi_1'}{\chi_1} + \frac{1 - F'}{q}\Big) v_l + (1 - e_l/2) \xi - \frac{\eta}{q}(1 - e_l/2),

so that a kick is all there only after some 1/(1 - F') layers. 1 - e/2 is what linear networks have instead of 1, where
the correlation of N pairs has the variance (1 - c^2)^2 / N; for others it stands for terms of order e.

Orthogonal weights fix |g|^2 = k N, k = q - sigma_b^2, and |d|^2, and keep g and d at their angle (g: h without its
bias). What depends on those is taken away, all to leading order:

.. math:: N Var(\xi): -2 - 2 (k \chi_1' / \chi_1)^2, \quad
          N Var(\eta): -2 (k F')^2, \quad
          N Cov(\xi, \eta): -2 k^2 F' \chi_1' / \chi_1.

ReLU: s = 3 + 3 - 2 = 4; linear networks: 0.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eoc.activations import activation as resolve
from eoc.activations.base import Activation, Smoothness
from eoc.checks import real_number, whole_numbers
from eoc.errors import EocError
from eoc.gaussian.moments import Estimate, checked_variance, moments
from eoc.gaussian.quartic import fourth_moments
from eoc.maps import CorrelationMap, VarianceMap
from eoc.montecarlo.settings import Weights, checked_count, checked_weights
from eoc.montecarlo.theory.differences import DIFFERENCE_ERROR, derivatives

__all__ = ["CorrelationNoise", "Kicks", "correlation_noise"]

FloatArray = NDArray[np.float64]

_EPS = float(np.finfo(float).eps)
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
    correlation_map : CorrelationMap
        The map at infinite width.
    kicks : Kicks
        What s is made of.
    """

    s: Estimate
    chi_1: float
    damped: bool
    correlation_map: CorrelationMap = field(repr=False)
    kicks: Kicks = field(repr=False)

    def spread(self, width: float, layers: ArrayLike) -> FloatArray:
        """Standard deviation of log(1 - c_l) over networks, for large l: sqrt(s l / 3N), or sqrt(s l / N) undamped.

        Parameters
        ----------
        width
            N, a whole number >= 1.
        layers
            l >= 1, of any shape. How soon this holds depends on the inputs: see :meth:`followed`.
        """
        n, depths = checked_count("width", width), whole_numbers("layers", layers, 1.0)
        return np.asarray(np.sqrt(float(self.s.value) * depths / (3.0 * n if self.damped else n)))

    def followed(self, width: float, depth: int, one_minus_c: float) -> FloatArray:
        """Standard deviation of log(1 - c_l) over networks for inputs with a given 1 - c in layer 1.

        It leaves out terms of order 1 - c that linear networks do not have, and those of higher order in 1/N.

        Parameters
        ----------
        width
            N, a whole number >= 1.
        depth
            L, a whole number >= 1.
        one_minus_c
            1 - c of the first pre-activations, 0 < 1 - c < 1.

        Returns
        -------
        (L,)
            The layers l = 1 .. L; 0 in the first, whose covariances are given.

        Examples
        --------
        >>> correlation_noise("relu", 2**0.5, 1.0).followed(500, 4, 0.01).round(4).tolist()
        [0.0, 0.1259, 0.1766, 0.2148]
        """
        n, last = checked_count("width", width), checked_count("depth", depth)
        start = real_number("one_minus_c", one_minus_c)
        if not 0.0 < start < 1.0:
            raise EocError(f"one_minus_c must be > 0 and < 1, for inputs that are close; got {start!r}")
        e = self.correlation_map.iterate(np.arange(float(last)), one_minus_c=start).value
        passed_on = (e * self.correlation_map.slope(one_minus_c=e).value)[:-1] / e[1:]
        kicks, q = self.kicks, self.correlation_map.q
        distance, spread, both, slope, bend = (
            float(one.value[0]) for one in (kicks.distance, kicks.variance, kicks.both, kicks.slope, kicks.bend)
        )
        drive = bend + (1.0 - slope) / q
        own = distance - 2.0 * both / q + spread / q**2  # of xi - eta / q
        shared = both - spread / q  # of that and eta
        out = np.zeros(last)
        square = mixed = variance = 0.0  # of delta and v, times N
        for i, (factor, near) in enumerate(zip(passed_on, 1.0 - 0.5 * e[:-1], strict=True)):
            square = factor**2 * square + 2.0 * factor * drive * mixed + drive**2 * variance + near**2 * own
            mixed = slope * (factor * mixed + drive * variance) + near * shared
            variance = slope**2 * variance + spread
            out[i + 1] = square / n
        return np.asarray(np.sqrt(out))

    def departure_depth(self, width: float) -> float:
        """The depth at which :meth:`spread` is 1: 3N/s, or N/s undamped; infinite for s = 0."""
        n, s = float(checked_count("width", width)), float(self.s.value)
        return (3.0 if self.damped else 1.0) * n / s if s > 0.0 else float("inf")


@dataclass(frozen=True)
class Kicks:
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
    Against simulations of 3000 networks at N = 1000 (ReLU, tanh on and off the edge of chaos, hard-tanh, SELU; both
    weights), the variance of log(1 - c_l) is as :meth:`CorrelationNoise.followed` says, in all of 40 layers: within the
    sampling error of 3% where 1 - c starts at 0.001, within 10% (orthogonal: 25%) from 0.1, and from 0.9 within 20%
    after 10 layers (orthogonal: 50%). Where F' is close to 1 higher orders in 1/N come sooner.
    The mean of log(1 - c_l) falls by up to about half that variance, of order l/N, which is not given here. All this is
    about the covariances of a layer given the one before; the empirical correlation of its N units adds 4/N to the
    variance (Gaussian weights).

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
    return CorrelationNoise(_combined(phi, kicks, variance, scales), network.chi_1, damped, network, kicks)


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


def _kicks(phi: Activation, weight: float, q: float, free: float, haar: bool) -> Kicks:
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
    return Kicks(
        Estimate(
            3.0 * steep - 1.0 - sphere * (1.0 + bent**2),
            3.0 * steep * (quartic.error / quartic.value + 2.0 * d.error / d.value + 4.0 * _EPS) + doubt * bend.error,
        ),
        Estimate(
            squared * spread.value - sphere * sloped**2,
            squared * spread.error + 4.0 * _EPS * squared * spread.value + doubt * slope.error,
        ),
        Estimate(
            weight * (product - v.value) - sphere * bent * sloped,
            weight * (mixed.error / d.value + product * d.error / d.value + v.error + 4.0 * _EPS * (product + v.value))
            + doubt * (bend.error + slope.error),
        ),
        slope,
        bend,
    )


def _combined(phi: Activation, kicks: Kicks, q: float, scales: bool) -> Estimate:
    """N Var(xi + g eta), which is s."""
    if scales:
        g, g_error = np.full(1, -1.0 / q), np.full(1, _EPS / q)
    else:
        room = 1.0 - kicks.slope.value
        if not (room > kicks.slope.error).all():
            raise EocError(
                f"q = {q:g} is no stable fixed point of {phi.name}, F'(q) = {float(kicks.slope.value[0]):.9g}: "
                "variances leave it before correlations do; take a stable one of VarianceMap.fixed_points"
            )
        g = kicks.bend.value / room
        g_error = (kicks.bend.error + np.abs(g) * (kicks.slope.error + _EPS)) / room
    value = kicks.distance.value + 2.0 * g * kicks.both.value + g**2 * kicks.variance.value
    error = kicks.distance.error + 2.0 * np.abs(g) * kicks.both.error + g**2 * kicks.variance.error
    error += 2.0 * np.abs(kicks.both.value + g * kicks.variance.value) * g_error
    return Estimate(np.maximum(value, 0.0)[0, ...], error[0, ...])
