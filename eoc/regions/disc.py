r"""Linear regions of one wide random hidden layer in a disc around the origin of a plane through it.

A unit's knot tau is met on the line h(x) = tau, h = w x + b. With a = sigma_w^2/d, a disc of radius R and
q(rho) = sigma_b^2 + a rho^2,

.. math:: P(\text{line meets disc}) = \sqrt{a R^2/q(R)} \; e^{-\tau^2/2q(R)},

.. math:: E[\text{crossings of two lines}] = \int_0^R \frac{\rho}{q} e^{-(\tau_1^2 + \tau_2^2)/2q}
          \sqrt{2a/\pi} \; E|s Z + m| \, d\rho,

with Z two independent N(0, 1), s^2 = a sigma_b^2/q and m = a rho (tau_1, tau_2)/q: the gradients along rho, given that
both lines pass there; at tau = 0 it is 1 - sigma_b/sqrt(q(R)). Lines in general position make 1 + lines + crossings
regions (Euler). Derived here.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

import numpy as np
from scipy.integrate import quad
from scipy.special import ive

from eoc.activations import activation as resolve
from eoc.errors import EocError, UnsupportedError
from eoc.layers import checked_sigma
from eoc.validation import real_number, whole_numbers

__all__ = ["DiscRegions", "expected_in_disc"]


@dataclass(frozen=True)
class DiscRegions:
    """What :func:`expected_in_disc` returns.

    Attributes
    ----------
    regions
        How many there are on average.
    knots
        Where the activation bends.
    meets
        With which probability the line of each knot meets the disc.
    crosses
        For every pair of knots, of two units: how often their lines cross inside the disc on average; (K, K).
    error
        A bound on the error of ``regions``.
    """

    regions: float
    knots: tuple[float, ...]
    meets: tuple[float, ...]
    crosses: tuple[tuple[float, ...], ...]
    error: float


def expected_in_disc(
    activation: object, sigma_w: float, sigma_b: float = 0.0, *, neurons: int, radius_squared: float = 1.0
) -> DiscRegions:
    """How many linear regions one random hidden layer has in a disc around the origin.

    Parameters
    ----------
    activation
        One with kinks: what :func:`eoc.activation` understands.
    sigma_w, sigma_b
        Standard deviations of the weights (times sqrt(fan-in)) and of the biases; sigma_w > 0, sigma_b >= 0.
    neurons
        Of the hidden layer, >= 1.
    radius_squared
        R^2/d > 0, d the number of inputs; the disc lies in any plane through the origin.

    Returns
    -------
    DiscRegions
        Exact at every number of neurons and of inputs >= 2, the weights being Gaussian.

    Raises
    ------
    EocError
        For an activation without kinks, and numbers out of range.

    Examples
    --------
    >>> found = expected_in_disc("relu", 2**0.5, 0.5, neurons=100)
    >>> round(found.regions, 9), [round(p, 9) for p in found.meets], round(found.crosses[0][0], 9)
    (3395.280904158, [0.942809042], 0.666666667)
    """
    phi = resolve(activation)
    if phi.jumps or not phi.kinks:
        raise UnsupportedError(f"{phi.name} has no kinks: there are no linear regions to count")
    weight, bias = checked_sigma("sigma_w", sigma_w), checked_sigma("sigma_b", sigma_b)
    r2, n = (
        real_number("radius_squared", radius_squared),
        int(whole_numbers("neurons", real_number("neurons", neurons))),
    )
    if weight == 0.0 or not 0.0 < r2 < np.inf or n < 1:
        raise EocError(
            f"sigma_w, radius_squared and neurons must be > 0, got {sigma_w!r}, {radius_squared!r}, {neurons!r}"
        )
    knots = tuple(kink.x for kink in phi.kinks)
    spread, q = weight**2 * r2, bias**2 + weight**2 * r2
    meets = tuple(float(np.sqrt(spread / q) * np.exp(-0.5 * tau**2 / q)) for tau in knots)
    found = [[_crossings(spread, bias, one, two) for two in knots] for one in knots]
    through = bias == 0.0 and 0.0 in knots  # then the lines of that knot meet in one point, the origin
    pairs = sum(value for row in found for value, _ in row) - (1.0 if through else 0.0)
    regions = 1.0 + n * sum(meets) + comb(n, 2) * pairs + (n - 1 if through else 0)
    error = comb(n, 2) * sum(off for row in found for _, off in row) + 1e-15 * regions
    return DiscRegions(regions, knots, meets, tuple(tuple(v for v, _ in row) for row in found), error)


def _crossings(spread: float, bias: float, one: float, two: float) -> tuple[float, float]:
    """Of the lines of two units, inside the disc, with a bound on the error; ``spread`` is a R^2."""
    if one == two == 0.0:
        return 1.0 - bias / float(np.hypot(bias, np.sqrt(spread))), 1e-15
    square = one**2 + two**2

    def density(x: float) -> float:  # x = rho/R
        q = bias**2 + spread * x * x
        if q == 0.0:
            return 0.0
        s, m = np.sqrt(spread / q) * bias, spread * x * np.sqrt(square) / q
        return (
            float(x / q * np.exp(-0.5 * square / q) * np.sqrt(2.0 * spread / np.pi) * _mean_length(s, m))
            if q > 0.0
            else 0.0
        )

    peak = min(1.0, float(np.sqrt(square / spread)))
    points = sorted({0.25 * peak, 0.5 * peak, peak} - {1.0})
    value, error = quad(density, 0.0, 1.0, points=points, epsabs=1e-15, epsrel=1e-13, limit=200)
    return value, error


def _mean_length(s: float, m: float) -> float:
    """E|s Z + (m, 0)| of Z = two independent N(0, 1): the mean of a Rice law."""
    if m >= 1e6 * s:  # its expansion, to m (s/m)^4
        return m + 0.5 * s * s / m
    half = 0.25 * (m / s) ** 2
    return float(s * np.sqrt(0.5 * np.pi) * ((1.0 + 2.0 * half) * ive(0, half) + 2.0 * half * ive(1, half)))
