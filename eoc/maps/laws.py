r"""The law by which correlations converge, from the expansion of the map at c = 1 or its slope at c*.

On the edge of chaos 1 - f(1 - e) = e - s e^{3/2} - a e^2 + b e^{5/2} + d e^3 + ..., the coefficients given by the map,
of one activation or of a block of many (:attr:`eoc.CorrelationMap.expansion`). For e_l = 1 - c_l let

- s > 0, as where an activation has kinks: lambda = (2/s) e^{-1/2}, so that e = kappa / lambda^2 with kappa = 4/s^2; of
  a plain layer s = sigma_w^2 (sqrt(2) / (3 pi)) sum_k Delta_k^2 exp(-k^2 / 2 q), for ReLU kappa = 9 pi^2 / 2;
- s = 0, as where all are C^1: lambda = 1/(a e), so that e = beta_q / lambda with beta_q = 1/a = 2/f''(1).

Inserting the expansion, one layer adds 1 + O(lambda^{-1/2}) to lambda, and summing over layers

.. math:: \lambda_l = l + R \sqrt l + A \log l + C + o(1)

where C depends on the inputs and, for kinks, R = 0 and A = 3/2 + 2 a/s^2 (ReLU: a = 0); for C^1, R = -2 b a^{-3/2} and
A = 1 - d/a^2 - b^2/a^3. R vanishes if phi is C^2: where phi'' jumps by J_k (ELU), b = sigma_w^2 q (2 sqrt(2) / 15 pi)
sum_k J_k^2 exp(-k^2 / 2 q), which is why ELU approaches its law so slowly. Off the edge of chaos |c_l - c*| falls like
exp(-l / xi_c), xi_c = -1/log f'(c*). Sources: Hayou et al. (2019) for 1/l and for ReLU; the rest is derived here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from eoc.errors import EocError
from eoc.floats import EPS, FloatArray
from eoc.maps.correlation import CorrelationMap
from eoc.maps.expansion import Term
from eoc.rates import e_folding
from eoc.validation import real_number

__all__ = ["ConvergenceLaw", "Law", "convergence_law"]

Law = Literal["1/l", "1/l^2", "exponential", "constant"]

_EARLY = 1e-3  # of the depth of the crossover


@dataclass(frozen=True)
class ConvergenceLaw:
    """What the correlation of two inputs does at large depth l.

    Attributes
    ----------
    law
        "1/l" or "1/l^2" (edge of chaos), "exponential" (off it), "constant" (f is the identity).
    constant, error
        beta_q, kappa or xi_c, and a bound on its error; infinite for "constant".
    limit
        c*, the correlation at infinite depth; NaN for "constant".
    root, log
        R and A of the next orders, lambda = l + R sqrt(l) + A log(l) + C; 0 off the edge of chaos.
    crossover, across
        Where phi has kinks and curvature, 1 - c_l ~ beta / l up to a depth of about ``crossover`` = a/s^2, and the
        kinks decide only beyond it (kappa / l^2): deep down if they lie far out. ``across`` is the constant on the
        other side of it; both 0 where there is no crossover.
    """

    law: Law
    constant: float
    error: float
    limit: float
    root: float = 0.0
    log: float = 0.0
    crossover: float = 0.0
    across: float = 0.0

    def linear(self, one_minus_c: FloatArray) -> FloatArray:
        """What grows by 1 a layer, lambda = beta_q / (1 - c), or sqrt(kappa / (1 - c)); on the edge of chaos."""
        ratio = self.constant / one_minus_c
        return np.asarray(np.sqrt(ratio) if self.law == "1/l^2" else ratio)

    def leading(self, depths: FloatArray) -> FloatArray:
        """beta_q / l or kappa / l^2; on the edge of chaos."""
        with np.errstate(divide="ignore"):
            return np.asarray(self.constant / depths ** (2.0 if self.law == "1/l^2" else 1.0))

    def refined(self, depths: FloatArray, at: float, one_minus_c: float) -> FloatArray:
        """The law with its next orders, C fixed by 1 - c at one depth; on the edge of chaos."""
        own = self.linear(np.array([one_minus_c]))[0]
        orders = [d + self.root * np.sqrt(d) + self.log * np.log(d) for d in (depths, at)]
        return self.leading(np.maximum(own + orders[0] - orders[1], EPS))


def convergence_law(f: CorrelationMap, depth: float = float("inf")) -> ConvergenceLaw:
    """The law that a correlation map obeys, from its expansion at c = 1 or its slope at c*.

    Parameters
    ----------
    f
        The correlation map.
    depth
        Up to which depth the law is to be used: where kinks lie so far out that they take over only beyond 1000 times
        this depth, the law is the one before.

    Raises
    ------
    EocError
        If the expansion is not known well enough, or the depth is no number > 0.

    Examples
    --------
    >>> law = convergence_law(CorrelationMap("relu", sigma_w=2**0.5))
    >>> law.law, round(law.constant, 8), round(law.log, 8)  # 9 pi^2 / 2, 3/2
    ('1/l^2', 44.4132198, 1.5)
    >>> convergence_law(CorrelationMap("tanh", sigma_w=2.5, sigma_b=0.3)).law
    'exponential'
    """
    if not real_number("depth", depth) > 0.0:
        raise EocError(f"depth must be a number of layers > 0, got {depth!r}")
    if f.is_identity:
        return ConvergenceLaw("constant", float("inf"), 0.0, float("nan"))
    if f.chi_1 != 1.0 or not f.keeps_equal:
        return _exponential(f)
    terms = {term.power: term for term in f.expansion}
    if 1.5 not in terms:
        return _of_curvature(f, terms)
    late = _of_kinks(terms)
    if depth < _EARLY * late.crossover:
        own = _of_curvature(f, terms)
        spread = own.error + own.constant * (depth / late.crossover) ** 0.5
        return replace(own, error=spread, crossover=late.crossover, across=late.constant)
    return late


def _exponential(f: CorrelationMap) -> ConvergenceLaw:
    end = f.stable_point
    xi, error = e_folding(end.slope, end.one_minus_slope, end.slope_error)
    return ConvergenceLaw("exponential", float(xi), float(error), end.c)


def _of_kinks(terms: dict[float, Term]) -> ConvergenceLaw:
    """From 1 - f = e - s e^{3/2} - a e^2 + ..."""
    s, s_error = -terms[1.5].coefficient, terms[1.5].error
    a = -terms[2.0].coefficient if 2.0 in terms else 0.0
    kappa = 4.0 / s**2
    crossover, across = (a / s**2, 1.0 / a) if a > 0.0 else (0.0, 0.0)
    error = 2.0 * kappa * s_error / s
    return ConvergenceLaw("1/l^2", kappa, error, 1.0, log=1.5 + 2.0 * a / s**2, crossover=crossover, across=across)


def _of_curvature(f: CorrelationMap, terms: dict[float, Term]) -> ConvergenceLaw:
    """From 1 - f = e - a e^2 + b e^{5/2} + d e^3 + ..."""
    if 2.0 not in terms:
        raise EocError(f"{f!r} has no quadratic term at c = 1 that is larger than its error: its law is not known")
    a, a_error = -terms[2.0].coefficient, terms[2.0].error
    b, d = (terms[p].coefficient if p in terms else 0.0 for p in (2.5, 3.0))
    root, log = -2.0 * b / a**1.5, 1.0 - d / a**2 - b**2 / a**3
    return ConvergenceLaw("1/l", 1.0 / a, a_error / a**2, 1.0, root, log)
