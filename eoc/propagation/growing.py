r"""Blocks that add the same amount A to the variance, as pre-norm ones do: any depth by the flow in ln q.

Behind a normalisation a branch does not see q: with n = q/A, e = 1 - c and f the correlation map at q = A,

.. math:: q_{l+1} = q_l + A, \qquad e_{l+1} = e_l (1 - g(e_l) / (n_l + 1)), \qquad g = 2 (1 - (1 - f)/e),
          \qquad \chi(q) = 1 + \beta / q.

The first blocks are followed one by one; from then on zeta = log e follows d zeta/dn = w, whose integral over a block
is delta = log(1 - g/(n + 1)): by the formula of Euler and Maclaurin w = delta - delta'/2 + O(1/n^3), delta' its
derivative along the way. The product of chi is one of gamma functions, L^{beta/A} at large depth L (derived here).
"""

from __future__ import annotations

import math

import numpy as np

from eoc.floats import EPS, FloatArray
from eoc.gaussian.kernels import MapTerms
from eoc.gaussian.kernels.plain import step
from eoc.gaussian.moments import Estimate
from eoc.maps import CorrelationMap, VarianceMap

__all__ = ["Growing", "growing"]

_PROBES = np.array([1e-3, 1.0, 1e3])
_STEPS = 20_000  # blocks one by one before the flow takes over
_TOLERANCE = 1e-12  # relative, of the integration
_LEFT_OUT = 0.1  # times 1/n^2: what the flow leaves out, relatively
_TINY = 1e-300


class Growing:
    """Blocks with q' = q + A and chi = 1 + beta/q.

    Attributes
    ----------
    amount, amount_error
        A and a bound on its error.
    beta
        As above.
    f
        The correlation map at q = A.
    """

    def __init__(self, variance: VarianceMap, amount: float, amount_error: float, beta: float) -> None:
        self.amount, self.amount_error, self.beta = amount, amount_error, beta
        self.f = CorrelationMap(variance.network, variance.sigma_w, variance.sigma_b, amount)

    def log_gradients(self, q: float, layers: FloatArray) -> FloatArray:
        """The sums of log chi over so many blocks, from the variance q on."""
        from scipy.special import poch

        r, x = self.beta / self.amount, q / self.amount
        return np.asarray(np.log(poch(x + layers, r)) - np.log(poch(x, r)))

    def iterate(self, q: float, layers: FloatArray, e: float, error: float) -> Estimate:
        """1 - c after increasing numbers of blocks, from 1 - c = e at the variance q."""
        value, bound = np.empty(layers.size), np.empty(layers.size)
        relative = error / e if e > 0.0 else 0.0
        fresh = float(self.f.log_ratio(np.array([1e-3, 0.1, 0.9])).error.max()) + 4.0 * EPS
        terms = MapTerms._make(part.tolist() if isinstance(part, np.ndarray) else part for part in self.f.terms)
        first, n = layers[layers <= _STEPS], q / self.amount
        done = 0
        for i, depth in enumerate([*first.tolist(), *([_STEPS] if first.size < layers.size else [])]):
            while done < depth and e > 0.0:
                new = e - 2.0 * (e - step(e, terms)) / (n + done + 1.0)
                ratio = max(new / e, 1.0)  # of errors: where e grows they grow with it at most, f being convex
                relative = relative * ratio + 2.0 * fresh / (n + done + 1.0) + EPS
                e, done = min(max(new, 0.0), 2.0), done + 1
            if i < first.size:
                value[i], bound[i] = e, relative
        if first.size < layers.size:
            far = layers[first.size :]
            zeta = self._flowed(n + _STEPS, n + far, math.log(max(e, _TINY))) if e > 0.0 else np.full(far.size, -np.inf)
            value[first.size :] = np.exp(zeta)
            more = 2.0 * fresh * np.log((n + far) / (n + _STEPS)) + _LEFT_OUT / (n + _STEPS) ** 2 + 10.0 * _TOLERANCE
            grown = np.maximum(np.exp(zeta - math.log(max(e, _TINY))), 1.0)
            bound[first.size :] = (relative + more * (1.0 + np.abs(zeta))) * grown
        return Estimate(value, value * bound)

    def _flowed(self, start: float, ends: FloatArray, zeta: float) -> FloatArray:
        """Log(1 - c) at the values ``ends`` of n, from ``start`` on."""
        from scipy.integrate import solve_ivp

        def rate(s: float, z: FloatArray) -> FloatArray:
            e, n = np.exp(z), math.exp(s)
            ratio = self.f.log_ratio(e).value
            g, slope = -2.0 * np.expm1(ratio), 2.0 * np.exp(ratio) * self.f.log_ratio_slopes(e)[0]
            delta = np.log1p(-g / (n + 1.0))
            turn = (g / (n + 1.0) - slope * delta) / (n + 1.0 - g)  # the derivative of delta along the way
            return np.asarray(n * (delta - 0.5 * turn))

        at = np.log(ends)
        span = (math.log(start), float(at[-1]))
        found = solve_ivp(rate, span, [zeta], method="DOP853", t_eval=at, rtol=_TOLERANCE, atol=_TOLERANCE)
        return np.asarray(found.y[0])


def growing(variance: VarianceMap) -> Growing | None:
    """The law of blocks that add the same to every variance, without noise; None for others."""
    at = variance.at(_PROBES, strict=False)
    amount, error = at.q.value - _PROBES, at.q.error + EPS * at.q.value
    with np.errstate(invalid="ignore"):
        beta, off = (at.chi.value - 1.0) * _PROBES, at.chi.error * _PROBES + EPS * _PROBES
    if not (np.isfinite(amount).all() and np.isfinite(beta).all() and amount[1] > error[1]):
        return None
    if np.ptp(amount) > 2.0 * error.max() or np.ptp(beta) > 2.0 * off.max():
        return None
    grown = variance.growth(1.0)
    found = Growing(variance, float(grown.value), float(grown.error), float(beta[1]))
    return found if found.f.keeps_equal and not found.f.angular.plain else None
