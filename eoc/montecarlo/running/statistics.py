r"""What is kept of many networks: moments and counts, merged from any parts as if all had been seen at once.

With :math:`\delta = \bar x_B - \bar x_A` and :math:`M_k = \sum_i (x_i - \bar x)^k`, parts A and B of :math:`n_A` and
:math:`n_B` networks have together (Pebay 2008, Formulas for robust, one-pass parallel computation of covariances and
arbitrary-order statistical moments, eq. 2.1)

.. math:: M_k = M_{k,A} + M_{k,B} + \sum_{j=1}^{k-2} \binom kj \delta^j \left[\Big(\frac{-n_B}{n}\Big)^j M_{k-j,A}
          + \Big(\frac{n_A}{n}\Big)^j M_{k-j,B}\right] + \Big(\frac{n_A n_B}{n} \delta\Big)^k
          \left[\frac{1}{n_B^{k-1}} - \Big(\frac{-1}{n_A}\Big)^{k-1}\right].

Sums are kept in units of a power of two near the largest value, so fourth powers of 1e-200 do not vanish.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import special

from eoc.errors import EocError
from eoc.floats import FloatArray, IntArray

__all__ = ["Moments", "Proportions", "check_level", "check_same", "check_values"]


_ALL_ZERO = -1100  # exponent of zeros: below that of any number, so that it never sets the unit


@dataclass(frozen=True)
class Moments:
    """The first four moments of an observable over networks; every array has the shape of the observable.

    Attributes
    ----------
    count
        The number of networks, n.
    exponent
        The unit u = 2^exponent of the sums.
    first
        mean / u.
    second, third, fourth
        Sums of (x - mean)^2 / u^2, (x - mean)^3 / u^3, (x - mean)^4 / u^4 over the networks.

    Notes
    -----
    Every property with an error in its name or meaning needs two networks, and raises EocError if there is one. Merged
    parts agree with all data at once to rounding, about 1e-15 sqrt(parts) of the sum of |x - mean|^k.

    Examples
    --------
    >>> half = [Moments.of(np.array([[1.0], [2.0]])), Moments.of(np.array([[3.0], [6.0]]))]
    >>> all_four = half[0].merged(half[1])
    >>> all_four.count, all_four.mean.item(), all_four.variance.item()
    (4, 3.0, 4.666667)
    >>> low, high = all_four.interval(0.95)
    >>> low.item(), high.item()
    (-0.437435, 6.437435)
    """

    count: int
    exponent: NDArray[np.intc]
    first: FloatArray
    second: FloatArray
    third: FloatArray
    fourth: FloatArray

    @classmethod
    def of(cls, values: FloatArray) -> Self:
        """The moments of finite values (M, ...), of M >= 1 networks; EocError if one of them is not finite."""
        check_values(values)
        largest = np.abs(values).max(axis=0)
        exponent = np.where(largest > 0.0, np.frexp(largest)[1] - 1, _ALL_ZERO).astype(np.intc)
        x = values / np.ldexp(1.0, np.maximum(exponent, -1074))
        mean = x.mean(axis=0)
        delta = x - mean
        square = delta * delta
        return cls(
            len(values), exponent, mean, square.sum(axis=0), (square * delta).sum(axis=0), (square * square).sum(axis=0)
        )

    def merged(self, other: Self) -> Self:
        """The moments of all networks of both."""
        check_same(self.exponent.shape, other.exponent.shape)
        exponent = np.maximum(self.exponent, other.exponent)
        a, b = self._in_unit(exponent), other._in_unit(exponent)
        n = a.count + b.count
        part_a, part_b = a.count / n, b.count / n
        delta = b.first - a.first
        between = delta**2 * (part_a * b.count)  # delta^2 n_A n_B / n
        return type(self)(
            n,
            exponent,
            a.first + part_b * delta,
            a.second + b.second + between,
            a.third
            + b.third
            + between * delta * (part_a - part_b)
            + 3.0 * delta * (part_a * b.second - part_b * a.second),
            a.fourth
            + b.fourth
            + between * delta**2 * (part_a**2 - part_a * part_b + part_b**2)
            + 6.0 * delta**2 * (part_a**2 * b.second + part_b**2 * a.second)
            + 4.0 * delta * (part_a * b.third - part_b * a.third),
        )

    def _in_unit(self, exponent: NDArray[np.intc]) -> Self:
        """The same, in units of at least its own."""
        shift = self.exponent - exponent
        sums = (np.ldexp(part, k * shift) for k, part in enumerate(self._parts, start=1))
        return type(self)(self.count, exponent, *sums)

    @property
    def _parts(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        return self.first, self.second, self.third, self.fourth

    @property
    def mean(self) -> FloatArray:
        """The mean over networks."""
        return self._times_unit(self.first)

    @property
    def variance(self) -> FloatArray:
        """Unbiased, the sum of (x - mean)^2 over n - 1."""
        return self._times_unit(self._scaled_variance, 2)

    @property
    def std(self) -> FloatArray:
        """sqrt(variance), which neither overflows nor underflows."""
        return self._times_unit(np.sqrt(self._scaled_variance))

    @property
    def standard_error(self) -> FloatArray:
        """The standard error of the mean, std / sqrt(n)."""
        return self._times_unit(np.sqrt(self._scaled_variance / self.count))

    @property
    def variance_error(self) -> FloatArray:
        """The standard error of the variance, from mu_4: its variance is (mu_4 - sigma^4 (n-3)/(n-1)) / n."""
        return self._times_unit(self._scaled_variance_error, 2)

    @property
    def relative_variance(self) -> FloatArray:
        """The ratio variance / mean^2: inf where the mean is 0 and the variance is not, 0 where both are."""
        return _over_square(self._scaled_variance, self.first)

    @property
    def relative_variance_error(self) -> FloatArray:
        """The standard error of variance / mean^2, to leading order in 1/n, that of the mean and skewness included."""
        mean, variance = self.first, self._scaled_variance
        third = self.third / self.count
        # of log(variance) - 2 log(mean), times variance^2: the delta method with Cov(mean, variance) = mu_3 / n
        slope = np.divide(2.0 * variance, mean, out=np.zeros_like(mean), where=mean != 0.0)
        square = self._scaled_variance_error**2 + (slope**2 * variance - 2.0 * slope * third) / self.count
        return _over_square(np.sqrt(np.maximum(square, 0.0)), mean)

    @property
    def rms(self) -> FloatArray:
        """The root of the mean of x^2."""
        return self._times_unit(self._scaled_rms)

    @property
    def rms_error(self) -> FloatArray:
        """The standard error of rms, to leading order in 1/n."""
        n = self._at_least_two()
        second, third, fourth = self.second / n, self.third / n, self.fourth / n
        # the variance of x^2 = mean^2 + 2 mean d + d^2
        square = 4.0 * self.first**2 * second + 4.0 * self.first * third + fourth - second**2
        rms = self._scaled_rms
        error = np.sqrt(np.maximum(square, 0.0) / (n - 1))
        return self._times_unit(np.divide(error, 2.0 * rms, out=np.zeros_like(rms), where=rms > 0.0))

    def interval(self, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
        """Student's confidence interval for the expectation, at 0 < level < 1; exact for Gaussian observables."""
        half = special.stdtrit(self._at_least_two() - 1, 0.5 * (1.0 + check_level(level))) * self.standard_error
        return self.mean - half, self.mean + half

    @property
    def _scaled_variance(self) -> FloatArray:
        return self.second / (self._at_least_two() - 1)

    @property
    def _scaled_variance_error(self) -> FloatArray:
        n, variance = self._at_least_two(), self._scaled_variance
        return np.sqrt(np.maximum(self.fourth / n - variance**2 * (n - 3) / (n - 1), 0.0) / n)

    @property
    def _scaled_rms(self) -> FloatArray:
        return np.sqrt(self.second / self.count + self.first**2)

    def _times_unit(self, value: FloatArray, power: int = 1) -> FloatArray:
        return np.ldexp(value, power * self.exponent)

    def _at_least_two(self) -> int:
        if self.count < 2:
            raise EocError("fluctuations need at least 2 networks, got 1: run more networks")
        return self.count


@dataclass(frozen=True)
class Proportions:
    """How often something happened.

    Attributes
    ----------
    count
        The number of networks.
    events
        In how many of them it happened, in the shape of the observable.

    Examples
    --------
    >>> seen = Proportions.of(np.array([[True, False], [True, False], [False, False]]))
    >>> seen.proportion.tolist()
    [0.666667, 0.0]
    >>> [bound.tolist() for bound in seen.interval(0.9)]
    [[0.135350, 0.0], [0.983048, 0.631597]]
    """

    count: int
    events: IntArray

    @classmethod
    def of(cls, happened: NDArray[np.bool_]) -> Self:
        """The counts of booleans (M, ...), of M >= 1 networks."""
        check_values(happened)
        return cls(len(happened), happened.sum(axis=0, dtype=np.int64))

    def merged(self, other: Self) -> Self:
        """The counts in all networks of both."""
        check_same(self.events.shape, other.events.shape)
        return type(self)(self.count + other.count, self.events + other.events)

    @property
    def proportion(self) -> FloatArray:
        """The share of the networks, events / count."""
        return self.events / self.count

    def interval(self, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
        """Clopper and Pearson's confidence interval for the probability: it covers at least at the given level."""
        tail = 0.5 * (1.0 - check_level(level))
        k, n = self.events, self.count
        low = np.where(k > 0, special.betaincinv(np.maximum(k, 1), n - k + 1.0, tail), 0.0)
        high = np.where(k < n, special.betaincinv(k + 1.0, np.maximum(n - k, 1), 1.0 - tail), 1.0)
        return low, high

    def to_dict(self, name: str) -> dict[str, FloatArray]:
        """The share, and the ends of its 95 % interval as ``name_low`` and ``name_high``."""
        low, high = self.interval()
        return {name: self.proportion, f"{name}_low": low, f"{name}_high": high}


def check_values(values: NDArray[np.generic]) -> None:
    """EocError unless the values (M, ...) are of at least one network and finite."""
    if values.ndim == 0 or len(values) == 0:
        raise EocError(f"observations must have the networks, at least 1, as their first axis, got {values.shape}")
    if not np.isfinite(values).all():
        raise EocError("observations must be finite, got nan or inf: take logarithms of what overflows")


def check_same(shape: tuple[int, ...], other: tuple[int, ...]) -> None:
    """EocError unless two observables have one shape."""
    if shape != other:
        raise EocError(f"only observables of one shape can be merged, got {shape} and {other}")


def check_level(level: float) -> float:
    """The confidence level; EocError unless 0 < level < 1."""
    if not 0.0 < level < 1.0:
        raise EocError(f"level must be a confidence level between 0 and 1 such as 0.95, got {level!r}")
    return level


def _over_square(value: FloatArray, mean: FloatArray) -> FloatArray:
    """The ratio value / mean^2: inf where only mean is 0, 0 where both are."""
    undefined = np.where(value > 0.0, np.inf, 0.0)
    return np.divide(value, mean**2, out=undefined, where=mean != 0.0)
