"""E[g(u) g(v)] without deltas where g = phi' or phi'': tabulated once for a range of variances and all angles."""

from __future__ import annotations

import numpy as np

from eoc.activations.base import Activation
from eoc.errors import AccuracyError
from eoc.floats import FloatArray
from eoc.gaussian.integrands import integrals
from eoc.gaussian.nodes import WEIGHTS, nodes_of
from eoc.gaussian.plane import Factor, Integrand, Plane, Problem, tabulate_plane
from eoc.gaussian.shifted import Function
from eoc.gaussian.tangent import resolved_radius
from eoc.sharing import cached_property

__all__ = ["Products", "factor_of", "product_of", "reach_of"]

_REACHES = (10.0, 12.0, 16.0, 22.0, 30.0, 40.0)
_BEYOND = np.array([0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0])
_NEGLIGIBLE = 1e-18
_USELESS = 1e-6  # relative error of E[g^2] beyond which nothing built on it is of use
_FLOOR = 1e-300
_PER_OCTAVE = 2.0  # variances of X at which tables are certified


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


class Products:
    """E[g(u) g(v)] without deltas for g = phi' (order 1) or phi'' (order 2), at any variance in [low, high].

    Attributes
    ----------
    reach
        How many standard deviations matter.
    """

    def __init__(self, phi: Activation, order: int, low: float, high: float) -> None:
        self._phi, self._order, self._low, self._high = phi, order, low, high
        ends = np.unique([low, high])
        sizes = self.sizes(ends)
        self._scale = float(sizes.min())
        self.reach = max(reach_of(self.function, s, size) for s, size in zip(np.sqrt(ends), sizes, strict=True))

    def sizes(self, q: FloatArray) -> FloatArray:
        """E[g^2] at variances (n,); AccuracyError where it cannot be computed."""
        row = "dphi^2" if self._order == 1 else "ddphi^2"
        size, error = integrals(self._phi, q, {row})[0][row]
        bad = ~(error <= _USELESS * size + _FLOOR)
        if bad.any():
            raise AccuracyError(
                f"E[{row}] of {self._phi.name} cannot be computed at q = {q[bad][0]:g}: it is infinite, overflows "
                "double precision, or its integrand oscillates too fast; use a smaller q"
            )
        return size

    def function(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The values of g without deltas, and bounds on its errors."""
        return self._phi.derivative(self._order, x)

    @property
    def marks(self) -> FloatArray:
        """Where g is not smooth, and points graded around the scale on which it changes."""
        return self._factor.marks

    def __call__(self, q: float, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """E[g(u) g(v)] at angles in [0, pi], (n,), and bounds on the errors."""
        out, error = np.empty(theta.size), np.empty(theta.size)
        near = theta <= 0.5 * np.pi
        for side, angle in ((near, theta), (~near, np.pi - theta)):
            if side.any():
                table = self._same_side if side is near else self._other_side
                half = 0.5 * angle[side]
                out[side], error[side] = table(q * np.cos(half) ** 2, q * np.sin(half) ** 2)
        return out, error

    def _product(self, u: FloatArray, v: FloatArray) -> tuple[FloatArray, FloatArray]:
        return product_of(self.function, u, v)

    @cached_property
    def _factor(self) -> Factor:
        return factor_of(self._phi, self.reach * self._high**0.5)

    @cached_property
    def _same_side(self) -> Plane:
        """For theta <= pi/2: B(u, v) = g(u) g(v), even in t; with parity also even in x."""
        even = self._phi.parity is not None
        return self._table(self._product, self._factor, half_x=even, half_t=True)

    @cached_property
    def _other_side(self) -> Plane:
        """For theta > pi/2, as a function of pi - theta: B(u, v) = g(u) g(-v), even in x."""
        reflected = Factor(-self._factor.knots, -self._factor.graded)
        even = self._phi.parity is not None
        return self._table(lambda u, v: self._product(u, -v), reflected, half_x=True, half_t=even)

    def _table(self, integrand: Integrand, second: Factor, half_x: bool, half_t: bool) -> Plane:
        ratio = 2.0 * self._high / self._low  # for theta in [0, pi/2], X has variances from q/2 to q
        count = 1 + int(np.ceil(_PER_OCTAVE * np.log2(ratio)))
        widths, narrow = np.sqrt(0.5 * self._low * ratio ** np.linspace(0.0, 1.0, count)), (0.5 * self._high) ** 0.5
        return tabulate_plane(
            Problem(integrand, self._factor, second, widths, narrow, self._scale, self.reach, half_x, half_t)
        )
