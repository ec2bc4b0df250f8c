r"""What drives expectations of two points as the angle between them opens: smooth parts and deltas.

For a function g with jumps J_i at k_i, Price's theorem gives for u, v of variance q and correlation cos(theta)

.. math:: -\frac{d}{d\theta} E[g(u) g(v)] = \tau(\theta) + q \sin\theta \; C(\theta),

.. math:: \tau = \sum_{ij} \frac{J_i J_j}{2 \pi}
          e^{-(k_i - k_j)^2 / 8 q \sin^2(\theta/2) - (k_i + k_j)^2 / 8 q \cos^2(\theta/2)}, \qquad
          C = E[g'(u) g'(v)] + 2 \sum_i J_i \, p(k_i) \, E[g'(k_i \cos\theta + \sqrt q \sin\theta Z)],

with p the density of u and g' without its deltas: tau is delta with delta, the sum in C is delta with g'. Both tau and
C are smooth in theta. Here g is phi if phi jumps, and phi' otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from eoc.activations.base import Activation, Smoothness
from eoc.errors import AccuracyError, NotPermissibleError
from eoc.gaussian.angle import Angle, angle_of
from eoc.gaussian.integrands import integrals
from eoc.gaussian.plane import Factor, Integrand, Plane, Problem, tabulate_plane
from eoc.gaussian.rule import WEIGHTS, nodes_of
from eoc.gaussian.shifted import Function, shifted_mean
from eoc.gaussian.tangent import resolved_radius

__all__ = ["Sources", "factor_of", "product_of", "reach_of", "refuse_singularities"]

FloatArray = NDArray[np.float64]

_EPS = float(np.finfo(float).eps)
_REACHES = (10.0, 12.0, 16.0, 22.0, 30.0, 40.0)
_BEYOND = np.array([0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0])
_NEGLIGIBLE = 1e-18
_USELESS = 1e-6  # relative error of E[g'^2] beyond which nothing built on it is of use
_FLOOR = 1e-300
_UNDERFLOW = 800.0  # exponents beyond which exp vanishes
_WIDTHS = np.sqrt([0.5, 0.75, 1.0])  # of X for theta in [0, pi/2], in units of sqrt(q)


def factor_of(phi: Activation, reach: float) -> Factor:
    """Where phi and its derivatives are not smooth on [-reach, reach]."""
    radius = resolved_radius(phi)
    graded = radius * 2.0 ** np.arange(64.0 if radius > 0.0 else 0.0)
    graded = graded[graded < reach]
    return Factor(np.asarray(phi.knots, dtype=float), np.concatenate([-graded, graded]))


def reach_of(function: Function, width: float, size: float) -> float:
    """How many standard deviations hold E[g(width Z)^2] = size but for 1e-18 of it; at most 40."""
    for reach in _REACHES:
        z = nodes_of(reach + _BEYOND[:-1], reach + _BEYOND[1:])
        half = 0.5 * np.diff(_BEYOND)[:, None] * WEIGHTS
        with np.errstate(over="ignore", invalid="ignore"):
            values = [function(sign * width * z.ravel())[0].reshape(z.shape) for sign in (1.0, -1.0)]
            tail = sum((half * (v * np.exp(-0.25 * z**2)) ** 2).sum() for v in values)
        if tail <= _NEGLIGIBLE * size:
            return reach
    return _REACHES[-1]


def product_of(function: Function, u: FloatArray, v: FloatArray) -> tuple[FloatArray, FloatArray]:
    """g(u) g(v) and bounds on the errors, (n,)."""
    (gu, eu), (gv, ev) = function(u), function(v)
    return gu * gv, np.abs(gu) * ev + np.abs(gv) * eu + eu * ev


def refuse_singularities(phi: Activation) -> None:
    """Raise NotPermissibleError if phi' or phi'' is infinite at a knot."""
    for b in phi.breakpoints:
        if not np.isfinite([*b.left[:2], *b.right[:2]]).all():
            raise NotPermissibleError(
                f"{phi.name} has a vertical tangent at x = {b.x:g}, where E[phi'^2] may be infinite: "
                "expectations at two points are not supported for it"
            )
        if not np.isfinite([b.left[2], b.right[2]]).all():
            raise NotPermissibleError(
                f"the second derivative of {phi.name} is infinite at x = {b.x:g}: expectations at two points are not "
                "supported for it"
            )


class Sources:
    """tau and the two parts of C, for one activation at one variance q > 0.

    Attributes
    ----------
    phi, q
        The activation and the variance.
    jumps
        Whether phi jumps: then g is phi, otherwise phi'.
    size
        E[g'^2] without deltas: what errors of C are measured by; 0 if g' vanishes.
    tau_size
        The same for tau; 0 if g does not jump.
    parity
        1, -1 or 0 for an even phi, an odd one, or neither.
    """

    def __init__(self, phi: Activation, q: float) -> None:
        self.phi, self.q = phi, q
        self.jumps = phi.smoothness is Smoothness.JUMP
        self.parity = {"even": 1, "odd": -1, None: 0}[phi.parity]
        found = phi.jumps if self.jumps else phi.kinks
        self._knots = np.array([b.x for b in found])
        self._steps = np.array([b.jump if self.jumps else b.kink for b in found])
        row = "dphi^2" if self.jumps else "ddphi^2"
        size, error = integrals(phi, np.array([q]), {row})[0][row]
        if not error[0] <= _USELESS * size[0] + _FLOOR:
            raise AccuracyError(
                f"E[{row}] of {phi.name} cannot be computed at q = {q:g}: it is infinite, overflows double precision, "
                "or its integrand oscillates too fast; use a smaller q"
            )
        self.size = float(size[0])
        exponent = self._knots**2 / (2.0 * q)
        self.tau_size = float((np.abs(self._steps) * np.exp(-0.5 * exponent)).sum() ** 2 / (2.0 * np.pi))

    def tau(self, at: Angle) -> tuple[FloatArray, FloatArray]:
        """The values of tau at angles (n,), and bounds on the errors; exactly 0 at pi without mirrored knots."""
        total, error = np.zeros(at.e.shape), np.zeros(at.e.shape)
        for size, apart, sums in self._pairs(at):
            term = size * np.exp(-apart - sums)
            total += term
            error += 4.0 * _EPS * np.abs(term) * (4.0 + np.minimum(apart + sums, _UNDERFLOW))
        return total, error

    def tau_slope(self, at: Angle) -> tuple[FloatArray, FloatArray]:
        """The derivative of tau by theta, and bounds on the errors."""
        total, error = np.zeros(at.e.shape), np.zeros(at.e.shape)
        for size, apart, sums in self._pairs(at):
            known = size * np.exp(-apart - sums)
            with np.errstate(divide="ignore", invalid="ignore"):
                opening = np.where((known == 0.0) | (apart == 0.0), 0.0, known * apart * np.sqrt(at.rest / at.e))
                closing = np.where((known == 0.0) | (sums == 0.0), 0.0, known * sums * np.sqrt(at.e / at.rest))
            total += opening - closing
            error += 4.0 * _EPS * (np.abs(opening) + np.abs(closing)) * (6.0 + np.minimum(apart + sums, _UNDERFLOW))
        return total, error

    def _pairs(self, at: Angle) -> Iterator[tuple[float, FloatArray, FloatArray]]:
        """For every pair of knots J_i J_j / 2 pi, twice if i != j, and the two terms of the exponent at angles (n,)."""
        for i, (k, step) in enumerate(zip(self._knots, self._steps, strict=True)):
            for other, other_step in zip(self._knots[i:], self._steps[i:], strict=True):
                size = step * other_step / (2.0 * np.pi) * (1.0 if k == other else 2.0)
                yield size, self._exponent(k - other, at.e), self._exponent(k + other, at.rest)

    def _exponent(self, distance: float, width: FloatArray) -> FloatArray:
        """distance^2 / (4 q width), 0 where the distance is."""
        if distance == 0.0:
            return np.zeros(width.shape)
        with np.errstate(divide="ignore"):
            return np.asarray(distance**2 / (4.0 * self.q * width))

    def plane(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """E[g'(u) g'(v)] without deltas at theta (n,), and bounds on the errors."""
        out, error = np.empty(theta.size), np.empty(theta.size)
        near = theta <= 0.5 * np.pi
        for side, angle in ((near, theta), (~near, np.pi - theta)):
            if side.any():
                table = self._same_side if side is near else self._other_side
                half = 0.5 * angle[side]
                out[side], error[side] = table(self.q * np.cos(half) ** 2, self.q * np.sin(half) ** 2)
        return out, error

    @cached_property
    def cross_size(self) -> float:
        """The size of the sum in C."""
        return float(np.abs(self.cross(np.linspace(0.01, np.pi - 0.01, 16))[0]).max())

    def cross(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The sum in C at theta (n,), and bounds on the errors."""
        total, error, at = np.zeros(theta.size), np.zeros(theta.size), angle_of(angle=theta)
        width, marks = np.sqrt(self.q) * at.sine, self._factor.marks
        for k, step in zip(self._knots, self._steps, strict=True):
            weight = 2.0 * step * np.exp(-(k**2) / (2.0 * self.q)) / np.sqrt(2.0 * np.pi * self.q)
            e, rest = at.e[:, None], at.rest[:, None]
            ahead = np.where(e <= 1.0, (marks - k) + k * e, (marks + k) - k * rest)  # marks - k cos(theta)
            value, bound = shifted_mean(self._derivative, k * at.c, width, ahead / width[:, None], self._reach)
            total += weight * value
            error += abs(weight) * (bound + _EPS * (8.0 + k**2 / self.q) * np.abs(value))
        return total, error

    def _derivative(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The derivative g' without deltas, and bounds on its errors."""
        return self.phi.derivative(1 if self.jumps else 2, x)

    def _product(self, u: FloatArray, v: FloatArray) -> tuple[FloatArray, FloatArray]:
        return product_of(self._derivative, u, v)

    @cached_property
    def _factor(self) -> Factor:
        return factor_of(self.phi, self._reach * self.q**0.5)

    @cached_property
    def _reach(self) -> float:
        return reach_of(self._derivative, self.q**0.5, self.size)

    @cached_property
    def _same_side(self) -> Plane:
        """For theta <= pi/2: B(u, v) = g'(u) g'(v), even in t; with parity also even in x."""
        even = self.parity != 0
        return self._table(self._product, self._factor, half_x=even, half_t=True)

    @cached_property
    def _other_side(self) -> Plane:
        """For theta > pi/2, as a function of pi - theta: B(u, v) = g'(u) g'(-v), even in x."""
        reflected = Factor(-self._factor.knots, -self._factor.graded)
        return self._table(lambda u, v: self._product(u, -v), reflected, half_x=True, half_t=self.parity != 0)

    def _table(self, integrand: Integrand, second: Factor, half_x: bool, half_t: bool) -> Plane:
        width = self.q**0.5
        widths, narrow = width * _WIDTHS, width * 0.5**0.5
        return tabulate_plane(
            Problem(integrand, self._factor, second, widths, narrow, self.size, self._reach, half_x, half_t)
        )
