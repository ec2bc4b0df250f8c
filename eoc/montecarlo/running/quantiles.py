r"""Quantiles of a stream, from counts in bins of a fixed relative width.

A double is :math:`m 2^e` with :math:`1 \le m < 2`; every octave is cut into 256 bins of equal width, so the bin of x is
the upper part of its bits, and its middle differs from x by at most :math:`2^{-9} |x|`, about 0.2 %. Counts are
integers: they merge in any order, and on any machine, to the same sketch. (The idea is that of HdrHistogram and of
DDSketch, Masson, Rim & Lee 2019, with bins that need no logarithm.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from eoc.errors import EocError
from eoc.floats import FloatArray, IntArray
from eoc.gaussian.moments import Estimate
from eoc.montecarlo.running.statistics import check_level, check_same, check_values
from eoc.validation import real_numbers

__all__ = ["QUANTILES", "RELATIVE", "Quantiles"]

#: Of networks, in tables and pictures: their median, and what 50 % and 90 % of them lie between.
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


#: The largest relative error of a quantile of the sample.
RELATIVE = 2.0**-9

_DROPPED = 44  # of the 52 bits of a mantissa; 8 stay
_ZERO = 1 << 20  # the bin of 0; those of |x| > 0 are 1 to 2^19 away from it
_BINS = 1 << 21


@dataclass(frozen=True)
class Quantiles:
    """How many of an observable's values over networks fell into each bin.

    Attributes
    ----------
    count
        The number of networks.
    shape
        The shape of the observable, as integers.
    bins
        Sorted: the occupied bins, numbered within one entry of the observable after the other.
    counts
        How many values they hold.

    Notes
    -----
    Memory is 16 bytes an occupied bin, of which there are about 850 a decade of |x|. Numbers below 2.2e-308 are
    known to 1e-310 instead of 0.2 %.

    Examples
    --------
    >>> sketch = Quantiles.of(np.array([[0.0, -1.0], [5.0, -2.0], [7.0, -3.0]]))
    >>> median = sketch.quantile(0.5)
    >>> median.value.tolist(), median.error.tolist()
    ([5.007812, -2.003906], [0.007812, 0.003906])
    >>> sketch.merged(sketch).counts.tolist()
    [2, 2, 2, 2, 2, 2]
    """

    count: int
    shape: IntArray
    bins: IntArray
    counts: IntArray

    @classmethod
    def of(cls, values: FloatArray) -> Self:
        """The sketch of finite values (M, ...), of M >= 1 networks; EocError if one of them is not finite."""
        check_values(values)
        flat = np.ascontiguousarray(values, dtype=float).reshape(len(values), -1)
        keys = _bin_of(flat) + _BINS * np.arange(flat.shape[1])
        bins, counts = np.unique(keys, return_counts=True)
        return cls(len(values), np.array(values.shape[1:], np.int64), bins, counts.astype(np.int64))

    def merged(self, other: Self) -> Self:
        """The sketch of all networks of both."""
        check_same(tuple(self.shape.tolist()), tuple(other.shape.tolist()))
        few, many = sorted((self, other), key=lambda sketch: sketch.bins.size)
        place = np.searchsorted(many.bins, few.bins)
        new = np.append(many.bins, -1)[place] != few.bins
        counts = many.counts.copy()
        counts[place[~new]] += few.counts[~new]
        return type(self)(
            self.count + other.count,
            self.shape,
            np.insert(many.bins, place[new], few.bins[new]),
            np.insert(counts, place[new], few.counts[new]),
        )

    def quantile(self, p: ArrayLike) -> Estimate:
        """The smallest value x of the sample with at least p n values <= x, and how far it may be from the true one.

        Parameters
        ----------
        p : float or array
            In [0, 1]; 0.5 is the median.

        Returns
        -------
        Estimate
            Of the shape of p followed by that of the observable; the error is that of the bins only, see
            :meth:`interval` for that of sampling.

        Raises
        ------
        EocError
            For a p outside [0, 1].
        """
        low, high = self._edges(np.maximum(np.ceil(_probabilities(p) * self.count), 1.0).astype(np.int64))
        middle = 0.5 * low + 0.5 * high
        return Estimate(middle, np.maximum(middle - low, high - middle))

    def interval(self, p: ArrayLike, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
        """A confidence interval for the quantile of the distribution, whatever it is like.

        From order statistics: the number of values below the quantile is binomial. The error of the bins is included,
        and the level is at least the given one. An end is infinite where there are too few networks for it.

        Parameters
        ----------
        p : float or array
            In [0, 1].
        level : float
            Between 0 and 1.

        Returns
        -------
        low, high : arrays
            Of the shape of p followed by that of the observable.

        Raises
        ------
        EocError
            For a p or a level out of range.
        """
        p, n, tail = _probabilities(p), self.count, 0.5 * (1.0 - check_level(level))
        below = _binomial_quantile(tail, n, p)  # P(fewer values than this lie below) <= tail
        above = _binomial_quantile(1.0 - tail, n, p) + 1
        low, high = self._edges(np.maximum(below, 1))[0], self._edges(np.minimum(above, n))[1]
        wide = (..., *(None,) * len(self.shape))
        return np.where((below < 1)[wide], -np.inf, low), np.where((above > n)[wide], np.inf, high)

    def _edges(self, rank: IntArray) -> tuple[FloatArray, FloatArray]:
        """The ends of the bins that hold the values of the given ranks, from 1: rank.shape + the observable's."""
        entries = np.arange(int(np.prod(self.shape)))
        place = np.searchsorted(np.cumsum(self.counts), rank[..., None] + self.count * entries)
        low, high = _ends(self.bins[place] % _BINS)
        shape = (*rank.shape, *self.shape)
        return low.reshape(shape), high.reshape(shape)


def _bin_of(x: FloatArray) -> IntArray:
    """The bin of each number: increasing with it, symmetric about that of 0."""
    size = (np.abs(x).view(np.int64) >> _DROPPED) + 1
    return _ZERO + np.sign(x).astype(np.int64) * size


def _ends(bins: IntArray) -> tuple[FloatArray, FloatArray]:
    """The lowest and the highest number of each bin."""
    size, sign = np.abs(bins - _ZERO), np.sign(bins - _ZERO)
    inner = ((np.maximum(size, 1) - 1) << _DROPPED).view(np.float64)
    outer = ((np.maximum(size, 1) << _DROPPED) - 1).view(np.float64)
    return np.where(sign < 0, -outer, sign * inner), np.where(sign < 0, -inner, sign * outer)


def _binomial_quantile(level: float, n: int, p: FloatArray) -> IntArray:
    """The smallest k with P(B <= k) >= level, for B binomial(n, p)."""
    inside = (p > 0.0) & (p < 1.0)
    safe = np.where(inside, p, 0.5)
    k = np.ceil(special.bdtrik(level, n, safe))
    k -= (k > 0.0) & (special.bdtr(np.maximum(k - 1.0, 0.0), n, safe) >= level)  # as ceil has rounded up
    return np.where(inside, k, n * p).astype(np.int64)


def _probabilities(p: ArrayLike) -> FloatArray:
    out = real_numbers("p", p)
    if not ((out >= 0.0) & (out <= 1.0)).all():
        raise EocError(f"p must be between 0 and 1, such as 0.5 for the median, got {p!r}")
    return out
