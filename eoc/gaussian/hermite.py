r"""Polynomials: E[g(u) g(v)] as a sum of powers of the correlation.

With phi(x) = sum_i a_i x^i and g its n-th derivative, g = sum_i b_i x^i,

.. math:: g(\sqrt q z) = \sum_k \alpha_k \frac{He_k(z)}{\sqrt{k!}}, \qquad
          \alpha_k = \sum_{m \ge 0} b_{k+2m} q^{(k+2m)/2} \frac{(k+2m)!}{\sqrt{k!}\, m!\, 2^m}, \qquad
          E[g(u) g(v)] = \sum_k \alpha_k^2 c^k,

for u, v of variance q and correlation c: no quadrature, however steep g is.
"""

from __future__ import annotations

import math

import numpy as np

from eoc.activations.base import Activation
from eoc.floats import EPS, FloatArray
from eoc.gaussian.products import Products

__all__ = ["HermiteProducts", "products_of"]


def products_of(phi: Activation, order: int, low: float, high: float) -> Products:
    """Those of phi' (order 1) or phi'' (order 2) at variances in [low, high]: of polynomials in closed form."""
    return Products(phi, order, low, high) if phi.powers is None else HermiteProducts(phi, order, low, high)


class HermiteProducts(Products):
    """Those of a polynomial; all but E[g^2] and E[g(u) g(v)] is as of any other activation."""

    def __init__(self, phi: Activation, order: int, low: float, high: float) -> None:
        powers = np.array(phi.powers)
        for _ in range(order):
            powers = powers[1:] * np.arange(1.0, powers.size)
        self._powers = powers if powers.size else np.zeros(1)
        self._weights = _weights(self._powers.size)
        super().__init__(phi, order, low, high)

    def sizes(self, q: FloatArray) -> FloatArray:
        """E[g^2] at variances (n,)."""
        return np.array([(self._series(float(one))[0] ** 2).sum() for one in q])

    def __call__(self, q: float, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """E[g(u) g(v)] at angles in [0, pi], (n,), and bounds on the errors."""
        alpha, off = self._series(q)
        k = np.arange(alpha.size)[:, None]
        powers = np.cos(theta) ** k
        bounds = (2.0 * np.abs(alpha) + off) * off + EPS * (2.0 + k[:, 0]) * alpha**2
        return alpha**2 @ powers, bounds @ np.abs(powers)

    def _series(self, q: float) -> tuple[FloatArray, FloatArray]:
        """alpha_k, and bounds on the errors."""
        terms = self._powers * math.sqrt(q) ** np.arange(self._powers.size)
        with np.errstate(over="ignore"):
            return self._weights @ terms, EPS * (6.0 + 2.0 * terms.size) * (self._weights @ np.abs(terms))


def _weights(count: int) -> FloatArray:
    """I! / (sqrt(k!) m! 2^m) for rows k and columns i."""
    out = np.zeros((count, count))
    for i in range(count):
        for m in range(i // 2 + 1):
            k = i - 2 * m
            out[k, i] = math.factorial(i) // (math.factorial(m) * 2**m) / math.sqrt(math.factorial(k))
    return out
