r"""Weights of softmaxes over T independent Gaussian scores of variance s^2: their squares, and products of two queries.

With A and B the weights of two softmaxes whose scores have correlation r, token by token,

.. math:: a = E \sum_k A_k^2, \qquad b(r) = E \sum_k A_k B_k, \qquad b(0) = 1/T, \quad b(1) = a .

A_k is the probability that token k has the largest of the scores with Gumbel noise. With K(x, y) the probability that
both noisy scores of a token lie below x and y, and p its density,

.. math:: b = T \int p K^{T-1}, \qquad \partial_r K = s^2 \partial_x \partial_y K, \qquad
          b' = s^2 T (T - 1) \int p K^{T-3} (2 p K + (T - 2) K_x K_y),

where b' follows by parts: all its terms are positive, so that a - b(r), the integral of b' from r to 1, keeps its
digits when both queries are nearly one. To first order in s^2 it is s^2 (1 - r)(T - 1)/T^2. And with x one threshold,

.. math:: a = T \int E[e^{-2(x - sZ)} F(x - sZ)] L(x)^{T-1} dx, \quad L(x) = E F(x - sZ), \quad F(x) = \exp(-e^{-x}),

from the Laplace transform of the scores' law in t = e^{-x}. All integrals are sums over equidistant points: integrands
are analytic in a strip of half width pi/2, and what these sums leave out falls like exp(-pi^2/step).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from eoc.errors import EocError
from eoc.floats import EPS, FloatArray
from eoc.gaussian.moments import Estimate

__all__ = ["MOST_SPREAD", "overlap", "sensitivity", "separation", "squares"]

_Function = Callable[[FloatArray], FloatArray]

MOST_SPREAD = 1e4  #: largest s^2: beyond, a softmax is hardly told from a maximum
_MOST_OF_TWO = 100.0  # of two queries, whose thresholds fill a plane
_STEP = 0.2  # of thresholds
_FINEST = 4  # times finer may points be that a Gaussian is summed over
_RESOLVED = 0.7  # of its standard deviation: the widest step, which leaves out exp(-2 pi^2 / 0.7^2)
_LEFT = 42.0  # Gaussians are cut where T^2 times what is beyond is e^-42: it adds at most T times that to a >= 1/T
_NARROW, _HERMITE = 0.14, np.polynomial.hermite_e.hermegauss(12)  # a width, and the nodes that do: 3e-17 is left out
_TAIL = 45.0  # e^-x of Gumbel noise
_FAR = 300.0  # thresholds below which nothing lies
_NEGLIGIBLE = 1e-20  # of the largest term
_NODES = (6, 9, 13, 19, 28, 42, 63, 95)  # of the integral over r, until two agree
_AGREED = 1e-13
_ROUNDING = 400.0 * EPS  # relative: a thousandth part of terms has exponents of 40 that are known to 3 EPS


def squares(tokens: int | FloatArray, spread: float) -> Estimate:
    """E sum_k A_k^2, from 1/T where all scores are the same to 1 where one token has all the weight.

    Parameters
    ----------
    tokens
        T >= 1, or an array of such numbers.
    spread
        s^2, the variance of the scores, from 0 to 1e4.

    Returns
    -------
    Estimate
        Of the shape of ``tokens``, with bounds on the absolute errors.

    Raises
    ------
    EocError
        For numbers out of range.

    Examples
    --------
    >>> round(float(squares(16, 1.0).value), 12)
    0.13245221722
    """
    count = np.asarray(tokens, dtype=float)
    s = _checked(count, spread, MOST_SPREAD)
    if s == 0.0:
        return Estimate(1.0 / count, EPS / count)
    reach = _reach(float(count.max()))
    first, size = _thresholds(s, reach)
    below, above, square = (_smoothed(f, first, _STEP, size, s, reach) for f in (_below, _above, _square))
    log_weight = np.multiply.outer(count - 1.0, _log(below, above))
    value = count * (np.exp(log_weight) @ square) * _STEP
    return Estimate(np.minimum(value, 1.0), _ROUNDING * value)


def separation(tokens: int, spread: float, one_minus_r: float) -> Estimate:
    """E sum_k A_k (A_k - B_k), half the squared distance of the weights, to full relative precision.

    Parameters
    ----------
    tokens
        T >= 1.
    spread
        s^2, from 0 to 100.
    one_minus_r
        1 minus the correlation of the scores, from 0 to 2.

    Raises
    ------
    EocError
        For numbers out of range.

    Examples
    --------
    >>> float(separation(2, 1e-20, 1e-30).value)  # s^2 (1 - r)(T - 1)/T^2
    2.5e-51
    """
    _checked(np.asarray(tokens), spread, _MOST_OF_TWO)
    if not 0.0 <= one_minus_r <= 2.0:
        raise EocError(f"1 - r must be from 0 to 2, r a correlation; got {one_minus_r!r}")
    return _integral(int(tokens), float(spread), 0.0, float(one_minus_r))


def overlap(tokens: int, spread: float, one_minus_r: float) -> Estimate:
    """E sum_k A_k B_k of two softmaxes; parameters as of :func:`separation`.

    Examples
    --------
    >>> round(float(overlap(8, 0.7, 0.7).value), 12)
    0.145218391503
    """
    _checked(np.asarray(tokens), spread, _MOST_OF_TWO)
    if 0.5 <= one_minus_r <= 1.0:  # from what is known at r = 0
        rest = _integral(int(tokens), float(spread), float(one_minus_r), 1.0)
        return Estimate(1.0 / tokens + rest.value, rest.error + EPS)
    whole, rest = squares(tokens, spread), separation(tokens, spread, one_minus_r)
    return Estimate(whole.value - rest.value, whole.error + rest.error)


@lru_cache(maxsize=4096)
def sensitivity(tokens: int, spread: float, one_minus_r: float) -> Estimate:
    r"""E sum_jk (dA_k/ds_j) (dB_k/ds_j), b'/s^2: how much both weights move with a change of all scores of their own.

    Parameters as of :func:`separation`; (T - 1)/T^2 at s = 0.

    Examples
    --------
    >>> float(sensitivity(2, 0.0, 0.3).value)
    0.25
    """
    s = _checked(np.asarray(tokens), spread, _MOST_OF_TWO)
    if tokens == 1 or s == 0.0:
        value = (tokens - 1.0) / tokens**2
        return Estimate(np.array(value), np.array(EPS * value))
    found = _Slope.of(tokens, spread)(one_minus_r)
    return Estimate(np.array(found), np.array(_ROUNDING * found))


def _checked(tokens: FloatArray, spread: float, most: float) -> float:
    """The standard deviation of scores."""
    if not ((tokens >= 1) & (tokens == np.floor(tokens))).all():
        raise EocError(f"tokens must be a whole number >= 1, got {tokens.min():g}")
    if not 0.0 <= spread <= most:
        raise EocError(
            f"the scores of a softmax must have a variance from 0 to {most:g}, got {spread:g}: take smaller "
            "queries and keys"
        )
    return float(spread) ** 0.5


@lru_cache(maxsize=4096)
def _integral(tokens: int, spread: float, low: float, high: float) -> Estimate:
    """That of b' over 1 - r from low to high: b' is smooth at r = 1 and at r = -1, but not analytic."""
    if tokens == 1 or spread == 0.0 or low == high:
        return Estimate(np.zeros(()), np.zeros(()))
    slope = _Slope.of(tokens, spread)
    value, error = _from_end(slope, low, min(high, 1.0))
    if high > 1.0:
        rest, other = _from_end(lambda rest: slope(2.0 - rest), 2.0 - high, 1.0)
        value, error = value + rest, error + other
    return Estimate(np.array(spread * value), np.array(spread * (error + _ROUNDING * value)))


_legendre = lru_cache(np.polynomial.legendre.leggauss)


def _from_end(f: Callable[[float], float], low: float, high: float) -> tuple[float, float]:
    """The integral of f from low to high, in the third root of what is beyond low, and what nodes leave out."""
    width, value, error = high - low, np.inf, np.inf
    for count in _NODES:
        nodes, weights = _legendre(count)
        u, before = 0.5 * (1.0 + nodes), value
        value = 1.5 * width * float((weights * u**2) @ [f(low + width * float(v) ** 3) for v in u])
        error = abs(value - before)
        if error <= _AGREED * value:
            break
    return value, error


@dataclass(frozen=True)
class _Slope:
    """b'/s^2 at one T and s; thresholds are ``first``, ``first`` + step, ..., so many."""

    tokens: int
    s: float
    reach: float
    first: float
    count: int

    @classmethod
    def of(cls, tokens: int, spread: float) -> _Slope:
        """With the thresholds where anything happens."""
        s, reach = spread**0.5, _reach(tokens)
        first, size = _thresholds(s, reach)
        below, above, density = (_smoothed(f, first, _STEP, size, s, reach) for f in _FUNCTIONS)
        with np.errstate(divide="ignore"):
            profile = 2.0 * np.log(density) + max(tokens - 3, 0) * _log(below, above)
        found = np.flatnonzero(profile > profile.max() + np.log(_NEGLIGIBLE))
        return cls(tokens, s, reach, float(first + _STEP * found[0]), int(found[-1] - found[0] + 1))

    def __call__(self, one_minus_r: float) -> float:
        """T (T - 1) times the integral of p K^{T-3} (2 p K + (T - 2) K_x K_y)."""
        r = 1.0 - one_minus_r
        below, above, density, weights = self._given_common(abs(r), 1.0 - abs(r) if r < 0.0 else one_minus_r)
        side = slice(None, None, -1 if r < 0.0 else 1)  # what both have in common pushes them apart

        def mean(one: FloatArray, other: FloatArray) -> FloatArray:
            return np.asarray((one * weights) @ other[:, side].T)

        p = mean(density, density)
        if self.tokens == 2:
            return float(4.0 * np.sum(p * p) * _STEP**2)
        k, sole = mean(below, below), above @ weights
        log_k = _log(k, np.add.outer(sole, sole) - mean(above, above))
        by_x = mean(density, below)
        inner = 2.0 * p * k + (self.tokens - 2) * by_x * by_x.T
        total = float(np.sum(p * np.exp((self.tokens - 3) * log_k) * inner))
        return self.tokens * (self.tokens - 1.0) * total * _STEP**2

    def _given_common(self, r: float, rest: float) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """F, 1 - F and F' of x - C, smoothed by what is left of the score, and the weights of the common parts C."""
        shared, own = self.s * r**0.5, self.s * rest**0.5
        finer = int(np.ceil(_STEP / max(_RESOLVED * shared, _STEP / (2.0 * _FINEST))))
        if finer <= _FINEST:
            step = _STEP / finer
            offsets, weights = _gaussian(shared, step, self.reach)
            size = finer * (self.count - 1) + offsets.size
            lines = (_smoothed(f, self.first + offsets[0], step, size, own, self.reach) for f in _FUNCTIONS)
            below, above, density = (sliding_window_view(line, offsets.size)[::finer] for line in lines)
            return below, above, density, weights
        offsets, weights = _few(shared, self.reach)
        below, above, density = (
            np.stack([_smoothed(f, self.first + off, _STEP, self.count, own, self.reach) for off in offsets], axis=1)
            for f in _FUNCTIONS
        )
        return below, above, density, weights


def _reach(tokens: float) -> float:
    """Standard deviations after which Gaussians are cut."""
    return float(np.sqrt(2.0 * (_LEFT + 2.0 * np.log(tokens))))


def _thresholds(s: float, reach: float) -> tuple[float, int]:
    """The first one and how many there are: wherever noisy scores lie."""
    first, last = -np.ceil((reach * s + 5.0) / _STEP), np.ceil((reach * s + _TAIL) / _STEP)
    return float(first * _STEP), int(last - first)


def _gaussian(width: float, step: float, reach: float) -> tuple[FloatArray, FloatArray]:
    """Equidistant points and weights of a Gaussian of this standard deviation."""
    if width == 0.0:
        return np.zeros(1), np.ones(1)
    half = np.ceil(reach * width / step)
    points = step * np.arange(-half, half + 1.0)
    weights = np.exp(-0.5 * (points / width) ** 2)
    return points, weights / weights.sum()


def _few(width: float, reach: float) -> tuple[FloatArray, FloatArray]:
    """As few points and weights as will do: of Gauss-Hermite, off by n! (2 width/pi)^2n, where that is small."""
    if width > _NARROW:
        return _gaussian(width, _RESOLVED * width, reach)
    points, weights = _HERMITE
    return width * points, weights / weights.sum()


def _smoothed(f: _Function, first: float, step: float, count: int, width: float, reach: float) -> FloatArray:
    """E[f(x + width Z)] at x = first, first + step, ..."""
    if _RESOLVED * width >= step:
        points, weights = _gaussian(width, step, reach)
        own = first + points[0] + step * np.arange(count + points.size - 1)
        return np.convolve(f(own), weights, mode="valid")
    points, weights = _few(width, reach)
    return np.asarray(f((first + step * np.arange(count))[:, None] + points) @ weights)


def _log(below: FloatArray, above: FloatArray) -> FloatArray:
    """The logarithm of a probability, from it or from what it lacks of 1, whichever is smaller."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(below < 0.5, np.log(below), np.log1p(-above))


def _rate(x: FloatArray) -> FloatArray:
    """e^-x, where it does not matter below 1e130."""
    return np.exp(np.minimum(-x, _FAR))


def _below(x: FloatArray) -> FloatArray:
    return np.exp(-_rate(x))


def _above(x: FloatArray) -> FloatArray:
    return -np.expm1(-_rate(x))


def _density(x: FloatArray) -> FloatArray:
    return _rate(x) * _below(x)


def _square(x: FloatArray) -> FloatArray:
    return _rate(x) * _density(x)


_FUNCTIONS = (_below, _above, _density)
