r"""Activations.

With u, v the units of a Gaussian signal of two points,

.. math:: q' = V(q), \quad m' = M(q), \quad G' = E[(\phi(u) - \phi(v))^2]/2, \quad T' = T E[\phi'(u) \phi'(v)],

and dq' = (D + P) dq, dm' = E[phi''] dq / 2 (:mod:`eoc.gaussian.moments`). Of phi(root) another activation is the
composition of both, of the same root.

Errors: f is a power series with coefficients >= 0 in c, so that d ln(1 - f) / d ln(1 - c) <= 1 for c >= 0: what is
relative in G stays relative. What is off in q moves V, D, and with them G' and E[phi' phi'], by the logarithmic slopes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eoc.activations.algebra import composed
from eoc.activations.base import Activation, Smoothness
from eoc.errors import EocError
from eoc.floats import EPS, FloatArray
from eoc.gaussian.bivariate import bivariate
from eoc.gaussian.moments import Estimate, moments
from eoc.layers.bounded import Bounded
from eoc.layers.signal import Signal, UnsupportedError, apart
from eoc.sharing import cached_property

__all__ = ["Elementwise"]

_STEP = 1e-3  # relative step of the logarithmic slopes, which errors are multiplied by
_Q_RANGE = (1e-250, 1e250)
_CURVED = 10.0  # times the relative error of q: by how much slopes change within it
_BELOW_ZERO = 1.2  # largest d ln(1 - f) / d ln(1 - c) seen for c < 0


@dataclass(frozen=True)
class Elementwise:
    """y = phi(x) for every unit."""

    phi: Activation

    def __call__(self, x: Signal) -> Signal:
        """The signal behind it."""
        if x.is_gaussian:
            return _Elementwise(x, self.phi)
        if x.root is not None and x.phi is not None:
            return _Elementwise(x.root, composed(self.phi, x.phi), x)
        raise UnsupportedError(
            f"{self.phi.name} acts on a signal that is neither Gaussian nor a function of a Gaussian one, such as a sum"
            " or a product with what comes from an activation: put a dense layer between them"
        )


class _Elementwise(Signal):
    """phi of a Gaussian root."""

    def __init__(self, root: Signal, phi: Activation, of: Signal | None = None) -> None:
        super().__init__(root.pairs, root.sources if of is None else of.sources)
        self.root, self.phi, self._phi = root, phi, phi

    @cached_property
    def _moments(self) -> dict[str, Estimate]:
        q = self._root.q.value
        if not ((q > _Q_RANGE[0]) & (q < _Q_RANGE[1])).all():
            raise EocError(
                f"the variance before {self._phi.name} is {q.max():.3g}: scale or normalise what comes before"
            )
        return moments(self._phi, q, ("V", "M"))

    @cached_property
    def _slopes(self) -> dict[str, Estimate]:
        return moments(self._phi, self._root.q.value, ("D", "P"))

    @property
    def _root(self) -> Signal:
        assert self.root is not None
        return self.root

    @cached_property
    def q(self) -> Bounded:
        v, off = self._moments["V"], self._root.q.error
        if not off.any():
            return Bounded(v.value, v.error)
        d, p = self._slopes["D"].value, self._slopes["P"].value
        slope = np.abs(d + p) + _CURVED * self._relative * (d + np.abs(p))
        return Bounded(v.value, v.error + slope * off)

    @cached_property
    def m(self) -> Bounded:
        m, off = self._moments["M"], self._root.q.error
        if not off.any():
            return Bounded(m.value, m.error)
        size = np.sqrt(self._moments["V"].value) / self._root.q.value
        slope = np.abs(self._mean_slope.value) + self._mean_slope.error + _CURVED * self._relative * size
        return Bounded(m.value, m.error + slope * off)

    @cached_property
    def _relative(self) -> FloatArray:
        """The relative error of the root's q."""
        return np.asarray(self._root.q.error / self._root.q.value)

    @cached_property
    def chi(self) -> Bounded:
        if self._phi.smoothness is Smoothness.JUMP:
            return self._root.chi * Bounded(np.full_like(self._root.q.value, np.inf), np.zeros_like(self._root.q.value))
        d = self._slopes["D"]
        return self._root.chi * Bounded(d.value, d.error + self._log_slopes[1] * self._relative * d.value)

    @cached_property
    def dq(self) -> Bounded:
        d, p = self._slopes["D"], self._slopes["P"]
        moved = self._log_slopes[2] * self._relative * (np.abs(d.value) + np.abs(p.value))
        return self._root.dq * Bounded(d.value + p.value, d.error + p.error + moved)

    @cached_property
    def dm(self) -> Bounded:
        return self._root.dq * self._mean_slope

    @cached_property
    def _mean_slope(self) -> Bounded:
        """dM/dq, by differences of M, which is analytic in log q: E[phi''] has deltas, which those of M know."""
        q = self._root.q.value
        steps = np.array([-2.0, -1.0, 1.0, 2.0]) * _STEP
        around = moments(self._phi, np.multiply.outer(1.0 + steps, q), ("M",))["M"]
        weights = np.array([1.0, -8.0, 8.0, -1.0]) / 12.0
        size = np.abs(around.value).max(axis=0) + np.sqrt(self._moments["V"].value)
        return Bounded(np.tensordot(weights, around.value, 1) / (_STEP * q), size / q * 1e-8)

    @cached_property
    def _log_slopes(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """|d ln V|, |d ln D| and |d ln (D + |P|)| by d ln q, of the shape of q."""
        around = np.multiply.outer(np.array([1.0 - _STEP, 1.0 + _STEP]), self._root.q.value)
        m = moments(self._phi, around, ("V", "D", "P"), strict=False)
        with np.errstate(divide="ignore", invalid="ignore"):
            sizes = (m["V"].value, m["D"].value, m["D"].value + np.abs(m["P"].value))
            v, d, s = (np.abs(np.diff(np.log(x), axis=0)[0]) / (2.0 * _STEP) for x in sizes)
        return np.nan_to_num(v, nan=1.0), np.nan_to_num(d), np.nan_to_num(s)

    @cached_property
    def _pairs(self) -> tuple[Bounded, Bounded]:
        """G' and E[phi' phi'] of every pair."""
        (qa, qb), g = self._root.of_pairs(self._root.q), self._root.G
        return _of_pairs(self._phi, qa, qb, g, *self._sensitivity)

    @cached_property
    def _sensitivity(self) -> tuple[FloatArray, FloatArray]:
        """By how much G' and E[phi' phi'] change relatively with q at fixed c, at the more sensitive of both points."""
        v, d, _ = self._log_slopes
        distance = v + 2.0 * np.maximum(np.abs(v - 1.0), d)
        a, b = self.pairs.first, self.pairs.second
        return np.maximum(distance[a], distance[b]), np.maximum((2.0 * d)[a], (2.0 * d)[b])

    @cached_property
    def G(self) -> Bounded:
        return self._pairs[0]

    @cached_property
    def T(self) -> Bounded:
        if self._phi.smoothness is Smoothness.JUMP:
            raise UnsupportedError(f"{self._phi.name} jumps: the tangents of two inputs have no product behind it")
        return self._root.T * self._pairs[1]


def _of_pairs(
    phi: Activation, qa: Bounded, qb: Bounded, g: Bounded, slope: FloatArray, slope_of_d: FloatArray
) -> tuple[Bounded, Bounded]:
    """G' and E[phi' phi'] of pairs of variances qa and qb and half squared distance g.

    ``slope`` and ``slope_of_d`` are by how much both change relatively with q at fixed c.
    """
    scale = np.sqrt(qa.value) * np.sqrt(qb.value)
    least = apart(qa.value, qb.value)
    e = np.clip((g.value - least) / scale, 0.0, 2.0)
    found = bivariate(phi, qa.value, None, ("G", "Kd"), q_b=qb.value, one_minus_c=e)
    distance, slopes = found["G"], found["Kd"]
    m = moments(phi, np.stack([qa.value, qb.value]), ("D", "P"), strict=False)
    steepest = np.sqrt(m["D"].value.prod(axis=0))  # E[phi' phi'] at c = 1
    relative = qa.error / qa.value + qb.error / qb.value
    off = g.error + qa.error + qb.error + 4.0 * EPS * least  # in the covariance
    with np.errstate(divide="ignore", invalid="ignore"):
        of_e = np.where(e > 0.0, g.error / (scale * e) + 0.5 * relative, 0.0)
        of_covariance = np.where(off < scale * e, off / (scale * e), 1.0)
        # d ln(1 - f) / d ln(1 - c), at this c and within its error
        steep = e * scale * (slopes.value + np.abs(steepest - slopes.value) * of_e) / distance.value
        steep = np.minimum(np.where(np.isfinite(steep), steep, np.inf), np.where(e <= 1.0, 1.0, _BELOW_ZERO))
    alike = (steep * of_e + slope * relative) * distance.value
    alike_slope = np.abs(steepest - slopes.value) * of_e + slope_of_d * relative * steepest
    bend = (m["D"].value + np.abs(m["P"].value)) * np.stack([qa.error, qb.error])
    differ = (np.abs(slopes.value) + np.abs(steepest - slopes.value) * of_covariance) * off + 2.0 * np.where(
        np.isfinite(bend), bend, 0.0
    ).sum(axis=0)
    differ_slope = np.abs(steepest - slopes.value) * of_covariance + slope_of_d * relative * steepest
    same = qa.value == qb.value
    return (
        Bounded(distance.value, distance.error + np.where(same, alike, differ)),
        Bounded(slopes.value, slopes.error + np.where(same, alike_slope, differ_slope)),
    )
