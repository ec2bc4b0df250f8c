"""Chebyshev interpolants on many panels at once, with bounds on the errors of their derivatives.

Differentiating an interpolant of degree n on a panel of half-width h multiplies the noise tau of its values by about
n^2 / h at the ends and n / h inside (twice: n^4 / (3 h^2) and n^2 / h^2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from eoc.activations.base import Function
from eoc.activations.function.noise import Noise
from eoc.activations.tables import clenshaw
from eoc.floats import EPS, FloatArray

__all__ = ["SAFETY", "Fits", "fit"]

SAFETY = 4.0

_N = 32
# Rounding errors of this matrix raise the degree of what is only just resolved; the error bounds profit from that.
_DEGREES, _ODD = np.arange(_N)[:, None], 2 * np.arange(_N) + 1
_NODES = np.cos(_ODD * (np.pi / (2 * _N)))
_TO_CHEBYSHEV = np.cos((_DEGREES * _ODD) % (4 * _N) * (np.pi / (2 * _N))) * np.where(_DEGREES == 0, 1.0, 2.0) / _N
_PROBES = np.linspace(-0.987, 0.991, 17)
_POINTS = np.concatenate([_NODES, _PROBES])
_PREDICT = _TO_CHEBYSHEV.T @ chebyshev.chebvander(_PROBES, _N - 1).T
_D1 = np.pad(chebyshev.chebder(np.eye(_N)), ((0, 1), (0, 0))).T  # a series in T_n -> that of its derivative
_D2 = _D1 @ _D1
_TAIL = 5
_COEFFICIENT = float(np.sqrt(2.0 / _N))  # standard deviation of a coefficient in units of that of the values


@dataclass(frozen=True)
class Fits:
    """P interpolants on [a, b], their coefficients chopped at the noise ``tau`` of the values."""

    a: FloatArray
    b: FloatArray
    coefficients: FloatArray
    tau: FloatArray
    degree: FloatArray
    size: FloatArray
    resolved: NDArray[np.bool_]
    finite: NDArray[np.bool_]
    constant: NDArray[np.bool_]
    straight: NDArray[np.bool_]

    def __getitem__(self, index: NDArray[np.intp] | NDArray[np.bool_] | slice) -> Fits:
        return Fits(*(getattr(self, name)[index] for name in self.__dataclass_fields__))

    @classmethod
    def join(cls, parts: list[Fits]) -> Fits:
        """One after the other."""
        return cls(*(np.concatenate([getattr(p, name) for p in parts]) for name in cls.__dataclass_fields__))

    def derivative(self, order: int, x: FloatArray, which: NDArray[np.intp]) -> FloatArray:
        """Return the derivative of the interpolants ``which`` (n,) at x (n,)."""
        h = 0.5 * (self.b - self.a)[which]
        c = self.slopes if order == 1 else self.curvatures if order == 2 else self.coefficients
        return clenshaw(c[which], self._t(x, which)) / h**order

    @property
    def slopes(self) -> FloatArray:
        """Coefficients of the first derivative with respect to t in [-1, 1]."""
        return np.asarray(self.coefficients @ _D1)

    @property
    def curvatures(self) -> FloatArray:
        """Coefficients of the second derivative with respect to t."""
        return np.asarray(self.coefficients @ _D2)

    def bound(self, order: int, x: FloatArray, which: NDArray[np.intp]) -> FloatArray:
        """Return bounds on the errors of these derivatives, from |T_n'| <= min(n^2, n / sqrt(1 - t^2)) and its like."""
        h = 0.5 * (self.b - self.a)[which]
        n = np.minimum(self.degree + 3.0, _N)[which]
        inside = np.maximum(1.0 - self._t(x, which) ** 2, 1e-12)
        if order == 0:
            total = n + 1.0
        elif order == 1:
            total = np.minimum(n**5 / 5.0 + n**4 / 2.0, n**2 * (n + 1.0) / 2.0 / inside)
        else:
            total = np.minimum(n**9 / 81.0 + n**8 / 18.0, (n**5 / 5.0 + n**4) / inside**2 + n**3 / inside**3)
        return SAFETY * self.tau[which] * _COEFFICIENT * np.sqrt(total) / h**order

    def _t(self, x: FloatArray, which: NDArray[np.intp]) -> FloatArray:
        a, b = self.a[which], self.b[which]
        return np.asarray(np.clip(((x - a) + (x - b)) / (b - a), -1.1, 1.1))


def fit(f: Function, noise: Noise, a: FloatArray, b: FloatArray) -> Fits:
    """Interpolate f on the panels [a, b] (P,), with a verdict on each: resolved down to the noise or not."""
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    x = 0.5 * (a + b)[:, None] + 0.5 * (b - a)[:, None] * _POINTS
    x = np.clip(x, a[:, None], b[:, None])
    values = f(x)
    finite = np.asarray(np.isfinite(values).all(axis=1))
    values = np.where(finite[:, None], values, 0.0)
    at_nodes, at_probes = values[:, :_N], values[:, _N:]
    size = np.abs(values).max(axis=1)
    with np.errstate(over="ignore", invalid="ignore"):
        c = at_nodes @ _TO_CHEBYSHEV.T
        constant = np.asarray(finite & (np.ptp(values, axis=1) == 0.0))
        c[constant, 1:] = 0.0
        steep = np.abs(np.diff(at_nodes, axis=1) / np.diff(x[:, :_N], axis=1)).max(axis=1)
        shift = 0.25 * EPS * np.maximum(np.abs(a), np.abs(b)) * steep  # the nodes are rounded, too
        tau = np.maximum(noise.on(a, b, size) + 0.5 * EPS * size, shift)
        tail = np.abs(c[:, -_TAIL:]).max(axis=1)
        miss = np.abs(at_nodes @ _PREDICT - at_probes).max(axis=1)
        resolved = finite & (tail <= 3.0 * tau) & (miss <= 14.0 * tau)
        tau = np.maximum(tau, np.where(resolved, miss / 6.0, miss))
    small = np.abs(c) <= 1.5 * _COEFFICIENT * tau[:, None]
    straight = resolved & (np.abs(c[:, 2:]) <= 3.0 * _COEFFICIENT * tau[:, None]).all(axis=1)
    small[:, 0] = False
    degree = (_N - 1.0) - np.argmin(small[:, ::-1], axis=1)
    return Fits(a, b, np.where(small, 0.0, c), tau, degree, size, resolved, finite, constant, straight)
