r"""One application of the correlation map f: values, slopes and the logarithms that iterating it needs.

Below the fixed points, the expansion at c = 1 and the flow, which are all computed from what is here; the formulas
stand in :mod:`eoc.maps.correlation`.
"""

from __future__ import annotations

from math import isnan

import numpy as np
from numpy.typing import ArrayLike

from eoc.activations.algebra import tangents
from eoc.activations.base import Activation
from eoc.errors import EocError
from eoc.floats import EPS, FloatArray
from eoc.gaussian import kernels
from eoc.gaussian.angle import Angle, Series, angle_of, fit
from eoc.gaussian.angle_functions import AngleFunctions
from eoc.gaussian.angular import angular
from eoc.gaussian.moments import Estimate, checked_variance, moments
from eoc.layers import Input, Pairs
from eoc.layers.bounded import Bounded
from eoc.maps.compiled import compiled
from eoc.maps.variance import VarianceMap
from eoc.sharing import Memory, cached_property

__all__ = [
    "CorrelationLayer",
]

_SIDE = 2.0**0.5  # the chord at theta = pi/2


class CorrelationLayer:
    """What one layer does to correlations; parameters and attributes are those of :class:`eoc.CorrelationMap`."""

    def __init__(
        self,
        activation: object,
        sigma_w: float | None = None,
        sigma_b: float = 0.0,
        q: float | None = None,
        q_error: float = 0.0,
        *,
        backward: object = None,
    ) -> None:
        self.cache = Memory()
        self.variance = VarianceMap(activation, sigma_w, sigma_b, backward=backward)
        self.network = self.variance.network
        self.sigma_w, self.sigma_b = self.variance.sigma_w, self.variance.sigma_b
        if q is None:
            self.q, self.q_error = self.variance.kept, self.variance.kept_error
        else:
            self.q, self.q_error = checked_variance(q), q_error
        if self.q == 0.0 and self.sigma_b > 0.0:
            raise EocError(
                f"sigma_b = {self.sigma_b:g} moves q = 0 to q = {self.sigma_b**2:g}: no correlation map exists at "
                "q = 0 with a bias; give a q > 0"
            )
        following = self.variance.F(self.q)
        self.next_q, next_error = float(following.value), float(following.error)
        if self.sigma_w == self.sigma_b == 0.0 or not (self.next_q > 0.0 or self.q == 0.0):
            raise EocError("sigma_w and sigma_b are both 0, or phi is: nothing is left after a layer to be correlated")
        self.angular, weight = self._functions()
        scale = self.next_q if self.q > 0.0 else 1.0
        own = self.angular.q
        self.gain = weight / scale * ((self.q or 1.0) / own)  # f = offset + gain * K, expectations at `own`
        self.relative_error = next_error / scale + 6.0 * EPS
        if self.q_error > 0.0:
            growth = float(self.variance.slope(self.q).value) * self.q / self.next_q
            self.relative_error += float(self.variance.sensitivity(self.q, growth)) * self.q_error / self.q
        self.chi_1, self.chi_1_error = float("inf"), 0.0
        if self.angular.w0 is not None or not self.angular.plain:
            self._set_slope(own)

    def _functions(self) -> tuple[AngleFunctions, float]:
        """The functions of the angle, and the factor between E[x_a x_b] and K of these; those of tangents at q = 0."""
        phi = self.network.phi
        if self.q > 0.0 and phi is not None:
            return angular(phi, self.q), self.sigma_w**2
        if self.q > 0.0:
            return compiled(self.network, self.sigma_w, self.sigma_b, self.q), 1.0
        if phi is not None:
            line = tangents(phi)
            return angular(line, 1.0), 1.0 / line.kappa
        near_zero = VarianceMap(self.network.tangents(), None if isnan(self.sigma_w) else self.sigma_w)
        if not near_zero.scales:
            raise EocError(f"{self.network.name!r} has no correlation map at q = 0: give a q > 0")
        return compiled(near_zero.network, self.sigma_w, self.sigma_b, 1.0), 1.0 / near_zero.gain

    def _set_slope(self, own: float) -> None:
        """chi_1, and the gain that goes with it."""
        a = self.angular
        self.chi_1 = self.gain * own * a.D
        self.chi_1_error = self.chi_1 * (self.relative_error + a.D_error / a.D) if a.D > 0.0 else 0.0
        if self.keeps_equal and abs(self.chi_1 - 1.0) <= self.chi_1_error + 4.0 * EPS:
            self.gain, self.chi_1 = 1.0 / (own * a.D), 1.0

    def __repr__(self) -> str:
        sigma = "" if isnan(self.sigma_w) else f"sigma_w={self.sigma_w!r}, sigma_b={self.sigma_b!r}, "
        return f"{type(self).__name__}({self.network.name!r}, {sigma}q={self.q!r})"

    @property
    def activation(self) -> Activation:
        """The activation of a plain layer; UnsupportedError for other networks."""
        return self.variance.activation

    def __call__(
        self, c: ArrayLike | None = None, *, one_minus_c: ArrayLike | None = None, angle: ArrayLike | None = None
    ) -> FloatArray:
        """f(c), of the shape of c, to about 1e-14; :meth:`one_minus_f` comes with error bounds."""
        return 1.0 - self._apply(angle_of(c, one_minus_c=one_minus_c, angle=angle).e)

    def one_minus_f(
        self, c: ArrayLike | None = None, *, one_minus_c: ArrayLike | None = None, angle: ArrayLike | None = None
    ) -> Estimate:
        """1 - f(c) to full relative precision, with its error bound."""
        return self.one_minus_f_at(angle_of(c, one_minus_c=one_minus_c, angle=angle))

    def one_minus_f_at(self, at: Angle) -> Estimate:
        """1 - f(c) at angles, which know 1 + c as well as 1 - c."""
        return self._scaled(*self.angular.half_distance(at))

    def slope(
        self, c: ArrayLike | None = None, *, one_minus_c: ArrayLike | None = None, angle: ArrayLike | None = None
    ) -> Estimate:
        """f'(c), the deltas of jumps included, with its error bound."""
        at = angle_of(c, one_minus_c=one_minus_c, angle=angle)
        return self._scaled(*self.angular.slope(at))

    def curvature(
        self, c: ArrayLike | None = None, *, one_minus_c: ArrayLike | None = None, angle: ArrayLike | None = None
    ) -> Estimate:
        """f''(c), the deltas of kinks included (infinite at c = 1 then), with its error bound."""
        at = angle_of(c, one_minus_c=one_minus_c, angle=angle)
        return self._scaled(*self.angular.curvature(at))

    def gradient_correlation(
        self, c: ArrayLike | None = None, *, one_minus_c: ArrayLike | None = None, angle: ArrayLike | None = None
    ) -> Estimate:
        """sigma_w^2 E[g(u) g(v)], by which products of the gradients of two inputs grow in a layer, c as that of u, v.

        g is the slope that gradients see: that of the surrogate, phi' without one. Of a block of a network its own.
        """
        at = angle_of(c, one_minus_c=one_minus_c, angle=angle)
        if self.q == 0.0:
            raise EocError("gradients of two inputs are compared at a variance q > 0: give one")
        one = np.zeros(at.e.size, np.int64)
        q = Bounded(np.array([self.q]), np.array([self.q_error]))
        block = self.variance.block(*self.variance.places, surrogates=True)
        t = block(Input(q, at.e.ravel(), Pairs(one, one))).T
        return Estimate(t.value.reshape(at.e.shape), t.error.reshape(at.e.shape))

    def _scaled(self, value: FloatArray, error: FloatArray) -> Estimate:
        scaled = self.gain * value
        with np.errstate(invalid="ignore"):
            bound = self.gain * error + self.relative_error * np.abs(scaled)
        return Estimate(scaled, np.where(np.isinf(scaled), 0.0, bound))

    def _apply(self, e: FloatArray) -> FloatArray:
        out = np.empty(e.size)
        kernels.apply_map(e.reshape(-1), self.terms, out)
        return out.reshape(e.shape)

    @cached_property
    def is_identity(self) -> bool:
        """Whether f(c) = c: a linear phi without bias."""
        a = self.angular
        return self.chi_1 == 1.0 and a.u1 is None and a.u2 is None and not a.plain

    @property
    def keeps_equal(self) -> bool:
        """Whether equal inputs stay equal, f(1) = 1: without noise of their own."""
        return self.angular.w0 is None

    @property
    def is_odd(self) -> bool:
        """Whether f(-c) = -f(c): an odd phi without bias."""
        plain = self.network.phi is not None
        return self.angular.parity == -1 and (self.sigma_b == 0.0 or not plain)

    @cached_property
    def terms(self) -> kernels.MapTerms:
        """The numbers behind 1 - f, for the kernels."""
        a = self.angular
        one, two, three = self._series
        offset = 2.0 * self.gain * a.V if a.parity == -1 else 0.0
        linear, power = (0.0, 1 if self.keeps_equal else 0) if a.plain else (self.chi_1, 3)
        return kernels.MapTerms(a.parity, offset, linear, power, *_plain(one), *_plain(two), *_plain(three))

    @cached_property
    def term_errors(self) -> FloatArray:
        """Relative rounding of a step, and bounds on the errors of ``linear`` and of the series, for the kernels."""
        linear = 0.0 if self.angular.plain else self.slope_error
        return np.array([4.0 * EPS, linear, *(0.0 if s is None else s.error.max() for s in self._series)])

    @cached_property
    def _series(self) -> tuple[Series | None, Series | None, Series | None]:
        """S_1, S_2 and S_3 of :class:`eoc.gaussian.kernels.MapTerms`: in y = 2 sin(theta/2) no arcsine is needed."""
        a = self.angular
        factor = self.gain if a.plain else -0.5 * self.gain * a.q
        one, two = (a.w1, a.w2) if a.plain else (a.u1, a.u2)
        one = one if self.keeps_equal else a.w0
        far = None if a.parity != 0 else fit(self._far_side, 1.0, _SIDE)
        return _in_chord(one, factor, self.relative_error), _in_chord(two, factor, self.relative_error), far

    def _far_side(self, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        """1 - f for c < 0, at y = sqrt(2 (1 + c))."""
        value, error = self.angular.half_distance(angle_of(one_minus_c=2.0 - 0.5 * y**2))
        scaled = self.gain * value
        return scaled, self.gain * error + self.relative_error * scaled

    @cached_property
    def at_zero(self) -> tuple[float, float]:
        """f(0) = (sigma_b^2 + sigma_w^2 E[phi]^2) / F(q) to full relative precision, and a bound on its error."""
        phi = self.network.phi
        if phi is None:
            at = self.one_minus_f(0.0)
            return (0.0, 0.0) if self.is_odd else (max(1.0 - float(at.value), 0.0), float(at.error) + EPS)
        own = moments(*((tangents(phi), 1.0) if self.q == 0.0 else (phi, self.q)), ("M",))["M"]
        mean, error = float(own.value), float(own.error)
        offset = 0.0 if self.q == 0.0 else self.sigma_b**2 / self.next_q
        value = offset + self.gain * mean**2
        return value, self.gain * (2.0 * abs(mean) * error + error**2) + self.relative_error * value

    def log_ratio(self, e: FloatArray) -> Estimate:
        """log((1 - f)/(1 - c)) at arrays 1 - c = e > 0, without cancellation near the edge of chaos."""
        a = self.angular
        if a.plain or (a.parity != 0 and (e > 1.0).any()):
            with np.errstate(divide="ignore", invalid="ignore"):
                at = self.one_minus_f(one_minus_c=e)
                return Estimate(np.log(at.value / e), at.error / at.value + 2.0 * EPS)
        lost, error = a.loss(angle_of(one_minus_c=e))
        gain = self.gain * a.q
        with np.errstate(divide="ignore", invalid="ignore"):
            value = np.log1p((self.chi_1 - 1.0) - gain * lost)
        error = gain * (error + self.relative_error * lost) + self.slope_error
        return Estimate(value, error * np.exp(-value) + 2.0 * EPS * np.abs(value))

    def log_ratio_slopes(self, e: FloatArray) -> tuple[FloatArray, FloatArray]:
        """First and second derivative of -log((1 - f)/(1 - c)) by log(1 - c)."""
        a, at = self.angular, angle_of(one_minus_c=e)
        if a.plain:
            out = self.gain * a.half_distance(at)[0]
            steepness = e * self.gain * a.slope(at)[0] / out
            return 1.0 - steepness, steepness**2 - steepness + e**2 * self.gain * a.curvature(at)[0] / out
        gain = self.gain * a.q
        lost, slope_lost = gain * a.loss(at)[0], gain * a.slope_loss(at)[0]
        ratio, difference = self.chi_1 - lost, slope_lost - lost
        first = difference / ratio
        return first, (gain * e * a.rise(at)[0] - difference) / ratio + first**2

    @property
    def slope_error(self) -> float:
        """The error of chi_1, which is exact on the edge of chaos."""
        return 0.0 if self.chi_1 == 1.0 else self.chi_1_error


def _in_chord(series: Series | None, factor: float, relative_error: float) -> Series | None:
    """A series in theta times a factor, as one in y = 2 sin(theta/2) for theta <= pi/2."""
    if series is None:
        return None
    known = series

    def at(y: FloatArray) -> tuple[FloatArray, FloatArray]:
        theta = 2.0 * np.arcsin(0.5 * y)
        value = factor * known(theta)
        return value, abs(factor) * known.bound(theta) + relative_error * np.abs(value)

    return fit(at, float(np.abs(factor * series.coefficients).sum(axis=1).max()), _SIDE)


def _plain(series: Series | None) -> tuple[FloatArray, FloatArray]:
    if series is None:
        return np.zeros(1), np.zeros((0, kernels.COEFFICIENTS))
    return series.ends, series.coefficients
