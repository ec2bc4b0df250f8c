r"""What drives expectations of two points as the angle between them opens: smooth parts and deltas.

For a function g with jumps J_i at k_i, Price's theorem gives for u, v of variance q and correlation cos(theta)

.. math:: -\frac{d}{d\theta} E[g(u) g(v)] = \tau(\theta) + q \sin\theta \; C(\theta),

.. math:: \tau = \sum_{ij} \frac{J_i J_j}{2 \pi}
          e^{-(k_i - k_j)^2 / 8 q \sin^2(\theta/2) - (k_i + k_j)^2 / 8 q \cos^2(\theta/2)}, \qquad
          C = E[g'(u) g'(v)] + 2 \sum_i J_i \, p(k_i) \, E[g'(k_i \cos\theta + \sqrt q \sin\theta Z)],

with p the density of u and g' without its deltas: tau is delta with delta, the sum in C is delta with g'. Both tau and
C are smooth in theta. Here g is phi if phi jumps, and phi' otherwise, or phi where that is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from eoc.activations.base import Activation, Smoothness
from eoc.errors import NotPermissibleError
from eoc.floats import EPS, FloatArray
from eoc.gaussian.angle import Angle, angle_of
from eoc.gaussian.hermite import products_of
from eoc.gaussian.products import Products
from eoc.gaussian.shifted import shifted_mean
from eoc.sharing import cached_property

__all__ = ["Sources", "refuse_singularities"]

_UNDERFLOW = 800.0  # exponents beyond which exp vanishes


def refuse_singularities(phi: Activation) -> None:
    """Raise NotPermissibleError if phi' or phi'' is infinite at a knot."""
    for b in phi.breakpoints:
        if not np.isfinite([*b.left[:2], *b.right[:2]]).all():
            raise NotPermissibleError(
                f"{phi.name} has a vertical tangent at x = {b.x:g}: expectations at two points are not supported for "
                "it, although those at one point (eoc.moments) may be finite"
            )
        if not np.isfinite([b.left[2], b.right[2]]).all():
            raise NotPermissibleError(
                f"the second derivative of {phi.name} is infinite at x = {b.x:g}: expectations at two points are not "
                "supported for it"
            )


class Sources:
    """tau and the two parts of C, for one activation at one variance q > 0.

    Parameters
    ----------
    phi, q
        The activation and the variance.
    products
        Tables that hold q, if there are some already.
    plain
        Whether g is phi even where phi does not jump.

    Attributes
    ----------
    phi, q
        As given.
    plain
        Whether g is phi: asked for, or because phi jumps; otherwise g is phi'.
    size
        E[g'^2] without deltas: what errors of C are measured by; 0 if g' vanishes.
    tau_size
        The same for tau; 0 if g does not jump.
    parity
        1, -1 or 0 for an even phi, an odd one, or neither.
    """

    def __init__(self, phi: Activation, q: float, products: Products | None = None, plain: bool = False) -> None:
        self.phi, self.q = phi, q
        self.plain = plain or phi.smoothness is Smoothness.JUMP
        self.parity = {"even": 1, "odd": -1, None: 0}[phi.parity]
        found = phi.jumps if self.plain else phi.kinks
        self._knots = np.array([b.x for b in found])
        self._steps = np.array([b.jump if self.plain else b.kink for b in found])
        self._products = products_of(phi, 1 if self.plain else 2, q, q) if products is None else products
        self.size = float(self._products.sizes(np.array([q]))[0])
        exponent = self._knots**2 / (2.0 * q)
        self.tau_size = float((np.abs(self._steps) * np.exp(-0.5 * exponent)).sum() ** 2 / (2.0 * np.pi))

    def tau(self, at: Angle) -> tuple[FloatArray, FloatArray]:
        """The values of tau at angles (n,), and bounds on the errors; exactly 0 at pi without mirrored knots."""
        total, error = np.zeros(at.e.shape), np.zeros(at.e.shape)
        for size, apart, sums in self._pairs(at):
            terms = size * np.exp(-apart - sums)
            total += terms.sum(axis=0)
            error += (4.0 * EPS * np.abs(terms) * (4.0 + np.minimum(apart + sums, _UNDERFLOW))).sum(axis=0)
        return total, error

    def tau_slope(self, at: Angle) -> tuple[FloatArray, FloatArray]:
        """The derivative of tau by theta, and bounds on the errors."""
        total, error = np.zeros(at.e.shape), np.zeros(at.e.shape)
        for size, apart, sums in self._pairs(at):
            known = size * np.exp(-apart - sums)
            with np.errstate(divide="ignore", invalid="ignore"):
                opening = np.where((known == 0.0) | (apart == 0.0), 0.0, known * apart * np.sqrt(at.rest / at.e))
                closing = np.where((known == 0.0) | (sums == 0.0), 0.0, known * sums * np.sqrt(at.e / at.rest))
            total += (opening - closing).sum(axis=0)
            sizes = (np.abs(opening) + np.abs(closing)) * (6.0 + np.minimum(apart + sums, _UNDERFLOW))
            error += (4.0 * EPS * sizes).sum(axis=0)
        return total, error

    def _pairs(self, at: Angle) -> Iterator[tuple[FloatArray, FloatArray, FloatArray]]:
        """J_i J_j / 2 pi, twice if i != j, and the terms of the exponent at the angles: for each i, all j >= i."""
        count = self._knots.size
        knots, steps = (row.reshape(count, *np.ones(at.e.ndim, int)) for row in (self._knots, self._steps))
        for i in range(count):
            size = steps[i] * steps[i:] / np.pi
            size[0] *= 0.5
            yield size, self._exponent(knots[i] - knots[i:], at.e), self._exponent(knots[i] + knots[i:], at.rest)

    def _exponent(self, distance: FloatArray, width: FloatArray) -> FloatArray:
        """distance^2 / (4 q width), 0 where the distance is."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(distance == 0.0, 0.0, distance**2 / (4.0 * self.q * width))

    def plane(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """E[g'(u) g'(v)] without deltas at theta (n,), and bounds on the errors."""
        return self._products(self.q, theta)

    @cached_property
    def cross_size(self) -> float:
        """The size of the sum in C."""
        return float(np.abs(self.cross(np.linspace(0.01, np.pi - 0.01, 16))[0]).max())

    def cross(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The sum in C at theta (n,), and bounds on the errors."""
        total, error, at = np.zeros(theta.size), np.zeros(theta.size), angle_of(angle=theta)
        width, marks = np.sqrt(self.q) * at.sine, self._products.marks
        for k, step in zip(self._knots, self._steps, strict=True):
            weight = 2.0 * step * np.exp(-(k**2) / (2.0 * self.q)) / np.sqrt(2.0 * np.pi * self.q)
            e, rest = at.e[:, None], at.rest[:, None]
            ahead = np.where(e <= 1.0, (marks - k) + k * e, (marks + k) - k * rest)  # marks - k cos(theta)
            value, bound = shifted_mean(
                lambda x, *_: self._products.function(x), k * at.c, width, ahead / width[:, None], self._products.reach
            )
            total += weight * value
            error += abs(weight) * (bound + EPS * (8.0 + k**2 / self.q) * np.abs(value))
        return total, error
