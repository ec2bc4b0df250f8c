r"""Expectations at two points through what these have in common: for what oscillates fast, or has roots.

Two centred Gaussians of variance q and correlation c are u = r X + w A and v = +- r X + w B with independent standard
Gaussians X, A, B, r^2 = q |c|, w^2 = q (1 - |c|), the sign being that of c. Hence

.. math:: E[\phi(u) \phi(v)] = E[\psi(X) \psi(\pm X)], \qquad \psi(x) = E[\phi(r x + w A)],

and phi' for phi'; and for c >= 0, with d(x) = phi(r x + w A) - phi(r x),

.. math:: \tfrac12 E[(\phi(u) - \phi(v))^2] = E\bigl[ E[d(X)^2 | X] - E[d(X) | X]^2 \bigr].

psi is smooth on the scale of w however fast phi changes, so this costs as much as one integral over phi for each x of a
few. Where phi' is infinite at a point, :math:`\psi'(x) = E[A\, d(x)] / w` needs none. Every angle is computed anew.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from eoc.activations.base import Activation, Smoothness
from eoc.errors import AccuracyError
from eoc.floats import EPS, FloatArray
from eoc.gaussian.angle import Angle, fit
from eoc.gaussian.integrands import easy_variance
from eoc.gaussian.moments import moments
from eoc.gaussian.products import factor_of, reach_of
from eoc.gaussian.shifted import Function, Integrand, shifted_mean

__all__ = ["Common", "suits"]

Index = NDArray[np.int64]
_Pair = tuple[FloatArray, FloatArray]

_MANY = 2048.0  # how far below the easy variance tables over the plane are still quick
_GRADED = np.array([-8.0, -4.0, -2.0, -1.0, 0.0, 1.0, 2.0, 4.0, 8.0])
_CLOSE = 20.0
_LINES = 24  # at a time
_USELESS = 1e-6
_FAR = 1e-2  # of V: so large a G is V - K to enough digits


def suits(phi: Activation, q: float) -> bool:
    """Whether phi has a vertical tangent or an infinite curvature, or oscillates many times within sqrt(q)."""
    if phi.smoothness is Smoothness.JUMP or phi.is_positively_homogeneous:
        return False
    return not _is_tame(phi) or q * _MANY > easy_variance(phi)


def _is_tame(phi: Activation) -> bool:
    return bool(np.isfinite([[b.left, b.right] for b in phi.breakpoints]).all())


class Common:
    """K, Kd and G of a continuous activation at one variance q > 0, with the interface of Angular."""

    def __init__(self, phi: Activation, q: float) -> None:
        self.phi, self.q, self._tame = phi, q, _is_tame(phi)
        m = moments(phi, q, ("V",))["V"]
        self.V, self.V_error = float(m.value), float(m.error)
        self.reach = reach_of(self._phi, q**0.5, self.V)
        self._marks = factor_of(phi, self.reach * q**0.5).marks
        self._parity = {"even": 1.0, "odd": -1.0, None: 0.0}[phi.parity]

    def at(self, name: str, q: float, at: Angle) -> _Pair:
        """K, Kd or G at angles (n,), and bounds on the errors."""
        found = [self._one(name, float(e), float(rest)) for e, rest in zip(at.e, at.rest, strict=True)]
        value, error = np.array(found).reshape(-1, 2).T
        if name != "Kd" and not (error <= _USELESS * self.V).all():
            raise AccuracyError(f"{name} of {self.phi.name} cannot be computed at q = {q:g}: use a smaller q")
        return value, error

    def _one(self, name: str, e: float, rest: float) -> tuple[float, float]:
        near, sign = min(e, rest), 1.0 if e <= 1.0 else -1.0
        if self._parity and sign < 0.0:  # of v and -v
            value, error = self._one(name, rest, e)
            if name == "G" and self._parity < 0.0:
                return 2.0 * self.V - value, 2.0 * self.V_error + error + 4.0 * EPS * self.V
            return (value if name == "G" else self._parity * (1.0 if name == "K" else -1.0) * value), error
        if near == 0.0 and sign > 0.0:
            return self._same(name)
        r, w = (self.q * (1.0 - near)) ** 0.5, (self.q * near) ** 0.5
        if name != "G":
            return self._product("phi" if name == "K" else "slope", r, w, sign)
        value, error = self._product("phi", r, w, sign)
        if sign < 0.0 or self.V - value > _FAR * self.V:
            return self.V - value, self.V_error + error + 4.0 * EPS * self.V
        return self._spread(r, w)

    def _same(self, name: str) -> tuple[float, float]:
        """At c = 1."""
        if name == "G":
            return 0.0, 0.0
        if name == "K":
            return self.V, self.V_error
        d = moments(self.phi, self.q, ("D",))["D"]
        return float(d.value), float(d.error)

    def _product(self, kind: str, r: float, w: float, sign: float) -> tuple[float, float]:
        """E[psi(X) psi(+-X)], psi as a series: it is smooth."""
        if r == 0.0 or r > _CLOSE * w:  # psi is a number, or nearly as rough as phi
            psi: Function = partial(self._given, kind, w=w)
        else:
            end = self.reach * r
            size = moments(self.phi, self.q, ("D",))["D"].value ** 0.5 if kind == "slope" and self._tame else None
            scale = self.V**0.5 / (w if kind == "slope" else 1.0) if size is None else float(size)
            series = fit(lambda t: self._given(kind, t - end, w), scale, 2.0 * end, np.array([0.0, end, 2.0 * end]))

            def psi(m: FloatArray) -> _Pair:
                return series(m + end), series.bound(m + end)

        def integrand(x: FloatArray, *_: object) -> _Pair:
            (one, one_error), (other, other_error) = psi(r * x), psi(sign * r * x)
            return one * other, np.abs(one) * other_error + np.abs(other) * one_error + one_error * other_error

        return self._over_common(integrand, r, w)

    def _spread(self, r: float, w: float) -> tuple[float, float]:
        """E of the variance of phi given X: half the mean square of phi(u) - phi(v) for inputs that are close."""

        def integrand(x: FloatArray, *_: object) -> _Pair:
            (square, square_error), (one, one_error) = (self._given(kind, r * x, w) for kind in ("d^2", "d"))
            return square - one**2, square_error + (2.0 * np.abs(one) + one_error) * one_error

        return self._over_common(integrand, r, w)

    def _over_common(self, integrand: Integrand, r: float, w: float) -> tuple[float, float]:
        knots = np.asarray(self.phi.knots, dtype=float)
        marks = ((knots[:, None] + w * _GRADED) / r).ravel() if r > 0.0 else np.zeros(0)
        value, error = shifted_mean(integrand, np.zeros(1), np.ones(1), np.append(marks, -marks)[None], self.reach)
        return float(value[0]), float(error[0])

    def _given(self, kind: str, m: FloatArray, w: float) -> _Pair:
        """Means over A at every m (n,): of phi(m + w A), its derivative by m, d = phi(m + w A) - phi(m), or d^2."""
        if w == 0.0:
            return self.phi.derivative(1 if kind == "slope" else 0, m)
        parts = [self._few(kind, m[i : i + _LINES], w) for i in range(0, m.size, _LINES)]
        return np.concatenate([value for value, _ in parts]), np.concatenate([error for _, error in parts])

    def _few(self, kind: str, m: FloatArray, w: float) -> _Pair:
        start, start_error = self._phi(m)

        def integrand(x: FloatArray, z: FloatArray, line: Index) -> _Pair:
            if kind == "slope" and self._tame:
                return self.phi.derivative(1, x)
            value, error = self._phi(x)
            if kind == "phi":
                return value, error
            d, noise = value - start[line], error + start_error[line] + self._shifted(x, value)
            if kind == "d":
                return d, noise
            return (d**2, (2.0 * np.abs(d) + noise) * noise) if kind == "d^2" else (z * d / w, np.abs(z) * noise / w)

        return shifted_mean(integrand, m, np.full(m.size, w), (self._marks - m[:, None]) / w, self.reach)

    def _phi(self, x: FloatArray) -> _Pair:
        return self.phi.derivative(0, x)

    def _shifted(self, x: FloatArray, value: FloatArray) -> FloatArray:
        """What the rounding of x changes in phi(x), as far as it can."""
        return np.abs(self.phi.phi(x + 4.0 * EPS * np.abs(x)) - value)
