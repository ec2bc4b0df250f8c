"""What two points make of an activation, or of a block of layers, as functions of the angle: from series to values."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from eoc.floats import EPS, FloatArray
from eoc.gaussian.angle import Angle, Series

__all__ = ["AngleFunctions"]

_Pair = tuple[FloatArray, FloatArray]

_SUBNORMAL = 1e-322  # what underflow loses


class AngleFunctions(ABC):
    """G, K and their derivatives by c at one variance, from series in the angle; see :mod:`eoc.gaussian.angular`.

    Attributes
    ----------
    q
        The variance of both points.
    V, V_error, D, D_error
        K and dK/d(q c) at c = 1, with error bounds.
    plain
        Whether G = y w_1 + y^2 w_2; otherwise G = q e (D - y u_1 - y^2 u_2) and dK/d(q c) = D - y w_1 - y^2 w_2.
    w1, w2, u1, u2
        The series; None where they vanish.
    w0
        G itself, where it is not 0 at c = 1: equal inputs do not stay equal, as behind noise of their own. Then this is
        plain, and nothing else is there.
    parity
        1, -1 or 0: whether K is even or odd in c, or neither. With parity all series end at theta = pi/2.
    """

    q: float
    V: float
    V_error: float
    D: float
    D_error: float
    plain: bool
    parity: int
    w0: Series | None = None
    w1: Series | None
    w2: Series | None
    u1: Series | None
    u2: Series | None

    @abstractmethod
    def rise(self, at: Angle) -> _Pair:
        """The slope of ``slope_loss`` in 1 - c, or of G where this is plain; angles up to pi/2 if there is a parity."""

    @abstractmethod
    def _bend(self, at: Angle) -> _Pair:
        """The slope of ``rise`` in c."""

    def half_distance(self, at: Angle) -> _Pair:
        """G = E[(phi(u) - phi(v))^2] / 2."""
        near, flip = self._folded(at)
        value, error = self._half_distance(near)
        lost = _SUBNORMAL * (1.0 if self.plain else 1.0 + self.q * self.D)
        error = error + np.where(near.chord > 0.0, lost, 0.0)
        if self.parity == -1:
            error = np.where(flip, 2.0 * self.V_error + error + 4.0 * EPS * self.V, error)
            value = np.where(flip, 2.0 * self.V - value, value)
        return value, error

    def kernel(self, at: Angle) -> _Pair:
        """K = E[phi(u) phi(v)]."""
        near, flip = self._folded(at)
        value, error = self._half_distance(near)
        sign = np.where(flip, float(self.parity), 1.0)
        return sign * (self.V - value), error + self.V_error + 2.0 * EPS * self.V

    def slope(self, at: Angle) -> _Pair:
        """dK/dc = q E[phi'(u) phi'(v)], the deltas of jumps included."""
        near, flip = self._folded(at)
        value, error = self.rise(near) if self.plain else self._slopes(near)
        factor = 1.0 if self.plain else self.q
        return factor * np.where(flip, -float(self.parity), 1.0) * value, factor * error

    def curvature(self, at: Angle) -> _Pair:
        """d^2K/dc^2 = q^2 E[phi''(u) phi''(v)], the deltas of kinks and jumps included."""
        near, flip = self._folded(at)
        value, error = self._bend(near) if self.plain else self.rise(near)
        factor = 1.0 if self.plain else self.q
        return factor * np.where(flip, float(self.parity), 1.0) * value, factor * error

    def loss(self, at: Angle) -> _Pair:
        """D - G / (q e) = y u_1 + y^2 u_2; not of what is plain."""
        near, flip = self._folded(at)
        value, error = self._two_terms(self.u1, self.u2, near)
        if flip.any():
            g, off = self.half_distance(at)
            scale = self.q * at.e
            value = np.where(flip, self.D - g / scale, value)
            error = np.where(flip, self.D_error + off / scale + 4.0 * EPS * self.D, error)
        return value, error

    def slope_loss(self, at: Angle) -> _Pair:
        """D - Kd = y w_1 + y^2 w_2; not of what is plain."""
        near, flip = self._folded(at)
        value, error = self._two_terms(self.w1, self.w2, near)
        if flip.any():
            slope, off = self.slope(at)
            value = np.where(flip, self.D - slope / self.q, value)
            error = np.where(flip, self.D_error + off / self.q + 4.0 * EPS * self.D, error)
        return value, error

    def _folded(self, at: Angle) -> tuple[Angle, NDArray[np.bool_]]:
        """With parity, angles beyond pi/2 are reflected, and marked."""
        flip = (at.e > 1.0) & (self.parity != 0)
        return (at.folded(flip) if flip.any() else at), flip

    def _two_terms(self, one: Series | None, two: Series | None, at: Angle) -> _Pair:
        """The sum y one + y^2 two."""
        value, error = np.zeros(at.e.shape), np.zeros(at.e.shape)
        for series, factor in ((one, at.chord), (two, 2.0 * at.e)):
            if series is not None:
                term = factor * series(at.theta)
                value = value + term
                error = error + factor * series.bound(at.theta) + 4.0 * EPS * np.abs(term)
        return value, error

    def _half_distance(self, at: Angle) -> _Pair:
        if self.w0 is not None:
            return self.w0(at.theta), self.w0.bound(at.theta)
        if self.plain:
            return self._two_terms(self.w1, self.w2, at)
        value, error = self._two_terms(self.u1, self.u2, at)
        value, error = self.D - value, self.D_error + error + 4.0 * EPS * (self.D + np.abs(value))
        return self.q * at.e * value, self.q * at.e * error

    def _slopes(self, at: Angle) -> _Pair:
        value, error = self._two_terms(self.w1, self.w2, at)
        return self.D - value, self.D_error + error + 2.0 * EPS * (self.D + np.abs(value))
