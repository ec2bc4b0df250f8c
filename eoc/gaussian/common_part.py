r"""Expectations at two variances over what both points have in common, and G at equal ones without a difference.

Of u = sqrt(q_a) (sqrt(1 - e) Z + sqrt(e) xi) and v = sqrt(q_b) (sqrt(1 - e) Z + sqrt(e) xi') with independent standard
Gaussians the means given Z are known (:mod:`eoc.gaussian.heat`):

.. math:: A_q(Z) = \Phi(\sqrt{q (1 - e)} Z; \sqrt{q e}), \qquad E[\phi(u) \phi(v)] = E[A_{q_a}(Z) A_{q_b}(Z)].

With dK/de = -q E[phi'(u) phi'(v)] at equal variances, G_aa(e) = q int_0^e Kd de.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.polynomial.chebyshev import chebvander

from eoc.activations.base import Activation
from eoc.floats import FloatArray
from eoc.gaussian import kernels
from eoc.gaussian.heat import heat_of, phi_edges
from eoc.gaussian.moments import moments
from eoc.gaussian.nodes import NODES, NULL_RULES, UNIT_NODES, UNIT_WEIGHTS, WEIGHTS, N, chebyshev_nodes, to_chebyshev
from eoc.gaussian.products import reach_of
from eoc.gaussian.shifted import shifted_mean

__all__ = ["CLOSE", "CommonPart", "EqualVariances"]

CLOSE = 0.36  #: y up to which equal variances are tabulated
_OCTAVES = 2.2  # below the largest variance, that they are tabulated for
_LEAST = 1e-9  # of the largest standard deviation: less noise is not asked for
_X, _TO_SERIES = chebyshev_nodes(N), to_chebyshev(N)
_NULLS = np.array(NULL_RULES)
_TAIL = 2
_RESOLVED = 1e-13
_MOST = 9  # ends in y


class CommonPart:
    """Means of products at variances up to ``largest``.

    Attributes
    ----------
    reach
        How many standard deviations matter.
    """

    def __init__(self, phi: Activation, largest: float) -> None:
        m = moments(phi, largest, ("V", "D"))
        scale = np.sqrt([float(m[name].value) for name in ("V", "D")])
        s = largest**0.5
        self._phi = phi
        self.reach = max(_reach(phi, order, s, float(scale[order])) for order in (0, 1))
        self._half = phi.parity is not None
        self._edges = phi_edges(phi, (self.reach + 9.5) * s, scale)
        self._heat = heat_of(phi, self._edges, scale, _LEAST * s, s * (1.0 + 1e-9))
        self._knots = np.asarray(phi.knots, dtype=float)

    def __call__(self, q_a: FloatArray, q_b: FloatArray, e: FloatArray, sign: int) -> tuple[FloatArray, FloatArray]:
        """K and Kd of u and ``sign`` v, and E[(A_a - A_b)^2] / 2, at points (n,); with bounds on the errors, (n, 3)."""
        out, error = np.empty((q_a.size, 3)), np.empty((q_a.size, 3))
        panels = (self._edges, self._knots, self.reach, self._half, NODES, WEIGHTS, _NULLS)
        kernels.common_means(self._heat, q_a, q_b, e, float(sign), *panels, out, error)
        return out, error

    def turned_slopes(self, q: FloatArray) -> tuple[FloatArray, FloatArray]:
        """E[Z^2 phi'(sqrt(q) Z)^2] at variances (n,), and bounds on the errors."""

        def integrand(x: FloatArray, z: FloatArray, _: object) -> tuple[FloatArray, FloatArray]:
            slope, off = self._phi.derivative(1, x)
            return (z * slope) ** 2, 2.0 * z**2 * np.abs(slope) * off

        s = np.sqrt(q)
        return shifted_mean(integrand, np.zeros(q.size), s, self._edges / s[:, None], self.reach)


def _reach(phi: Activation, order: int, s: float, size: float) -> float:
    return reach_of(lambda x: phi.derivative(order, x), s, size**2)


@dataclass(frozen=True)
class EqualVariances:
    """G / (q e) at equal variances for y up to CLOSE: series in log q and in y on pieces, (pieces, N, N).

    ``error`` bounds its absolute error.
    """

    largest: float
    ends: FloatArray
    series: FloatArray
    error: float

    @classmethod
    def of(cls, means: CommonPart, largest: float) -> EqualVariances:
        """For variances down to 2.2 octaves below the largest."""
        q, ends = largest * 2.0 ** (-0.5 * _OCTAVES * (1.0 - _X)), np.array([0.0, CLOSE])
        while True:
            y = 0.5 * (ends[1:] + ends[:-1])[:, None] + 0.5 * np.diff(ends)[:, None] * _X
            shape = (len(y), N, N)
            at_q, at_y = (np.broadcast_to(part, shape).ravel() for part in (q[:, None], y[:, None, :]))
            found, error = means(at_q, at_q, 0.5 * at_y**2, 1)
            along = found[:, 1].reshape(shape) @ _TO_SERIES.T  # of Kd in y
            tail = np.abs(along[..., -_TAIL:]).sum(axis=2).max(axis=1)
            if tail[0] <= _RESOLVED * np.abs(along).max() or ends.size > _MOST:
                break
            ends = np.insert(ends, 1, 0.5 * ends[1])
        series = np.einsum("ij,pjk->pik", _TO_SERIES, _means_up_to(ends, y, along) @ _TO_SERIES.T)
        left_out = np.abs(series[..., -_TAIL:]).sum(axis=(1, 2)) + np.abs(series[:, -_TAIL:]).sum(axis=(1, 2))
        return cls(largest, ends, series, float(error[:, 1].max() + 2.0 * tail.max() + 2.0 * left_out.max()))

    def __call__(self, q: FloatArray, y: FloatArray) -> FloatArray:
        """Values at (n,)."""
        i = np.clip(np.searchsorted(self.ends, y) - 1, 0, len(self.series) - 1)
        of_q = chebvander(1.0 - 2.0 / _OCTAVES * np.log2(self.largest / q), N - 1)
        of_y = chebvander(2.0 * (y - self.ends[i]) / (self.ends[i + 1] - self.ends[i]) - 1.0, N - 1)
        out = np.empty(q.size)
        for piece in np.unique(i):
            here = i == piece
            out[here] = np.einsum("nk,nk->n", of_q[here] @ self.series[piece], of_y[here])
        return out


def _means_up_to(ends: FloatArray, y: FloatArray, along: FloatArray) -> FloatArray:
    """2/y^2 times the integral of y' Kd over y' < y, (pieces, q, y), from the series of Kd in y, (pieces, q, N)."""
    before, out = np.zeros(along.shape[1]), []
    for a, b, here, c in zip(ends[:-1], ends[1:], y, along, strict=True):
        x = a + np.append(here - a, b - a)[:, None] * UNIT_NODES
        kd = c @ chebvander(2.0 * (x - a) / (b - a) - 1.0, N - 1).reshape(-1, N).T
        inside = np.append(here - a, b - a) * ((kd.reshape(len(c), *x.shape) * x) @ UNIT_WEIGHTS)
        out.append(2.0 * (before[:, None] + inside[:, :-1]) / here**2)
        before = before + inside[:, -1]
    return np.stack(out)
