r"""Functions of the angle theta = arccos(c) on [0, pi]: adaptive Chebyshev series, and what follows by integration.

Expectations such as E[phi'(u) phi'(v)] are smooth in theta up to both ends even where phi has kinks, while in c they
have roots at c = 1 and c = -1. A :class:`Series` is a Chebyshev series on each of a few intervals, bisected until the
coefficients have decayed.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eoc.errors import AccuracyWarning, EocError
from eoc.floats import EPS, FloatArray
from eoc.gaussian import kernels
from eoc.gaussian.nodes import UNIT_NODES, UNIT_WEIGHTS, chebyshev_nodes, to_chebyshev
from eoc.sharing import cached_property
from eoc.validation import real_numbers

__all__ = ["Angle", "Series", "angle_of", "chord", "cumulative", "fit"]

Function = Callable[[FloatArray], tuple[FloatArray, FloatArray]]

N = kernels.COEFFICIENTS
_NODES, _TO_SERIES = chebyshev_nodes(N), to_chebyshev(N)
_LAST = 3  # coefficients whose size tells whether a series has converged
_SLOW = 16.0  # between the middle and the end of a series: a fall like that of a power of the degree
_NARROWEST = 1e-9
_MAX_INTERVALS = 400


def chord(theta: FloatArray) -> FloatArray:
    """The distance y = 2 sin(theta/2) of two points on the unit circle."""
    return np.asarray(2.0 * np.sin(0.5 * theta))


class Angle:
    """Angles between pairs of inputs, with whatever follows from them right to the last digits near 0 and near pi.

    Parameters
    ----------
    e, rest
        1 - c and 1 + c in [0, 2], arrays of one shape.
    theta
        arccos(c), if that is what is known; otherwise it is computed.
    """

    def __init__(self, e: FloatArray, rest: FloatArray, theta: FloatArray | None = None) -> None:
        self.e = e
        self.rest = rest
        self._theta = theta

    def __getitem__(self, keep: Any) -> Angle:
        return Angle(self.e[keep], self.rest[keep], None if self._theta is None else self._theta[keep])

    @cached_property
    def chord(self) -> FloatArray:
        """The distance y = 2 sin(theta/2) = sqrt(2 e) of two points on the unit circle."""
        return np.asarray(np.sqrt(2.0 * self.e) if self._theta is None else chord(self._theta))

    @cached_property
    def theta(self) -> FloatArray:
        """arccos(c) in [0, pi], from the nearer end."""
        if self._theta is not None:
            return self._theta
        half = np.arcsin(np.sqrt(0.5 * np.minimum(self.e, self.rest)))
        return np.where(self.e <= 1.0, 2.0 * half, np.pi - 2.0 * half)

    @cached_property
    def sine(self) -> FloatArray:
        """sin(theta)."""
        return np.asarray(np.sqrt(self.e * self.rest))

    @property
    def c(self) -> FloatArray:
        """cos(theta)."""
        return 0.5 * (self.rest - self.e)

    def folded(self, flip: NDArray[np.bool_]) -> Angle:
        """Those that are marked reflected: pi - theta, the angle between u and -v."""
        theta = None if self._theta is None else np.where(flip, np.pi - self._theta, self._theta)
        return Angle(np.where(flip, self.rest, self.e), np.where(flip, self.e, self.rest), theta)

    def broadcast_to(self, shape: tuple[int, ...]) -> Angle:
        """The same angles as arrays of another shape."""
        theta = None if self._theta is None else np.broadcast_to(self._theta, shape)
        return Angle(np.broadcast_to(self.e, shape), np.broadcast_to(self.rest, shape), theta)


def angle_of(
    c: ArrayLike | None = None, *, one_minus_c: ArrayLike | None = None, angle: ArrayLike | None = None
) -> Angle:
    """The angle given by exactly one of the correlation c, 1 - c, and the angle itself.

    Parameters
    ----------
    c
        In [-1, 1].
    one_minus_c
        In [0, 2]; 1e-300 is as good as 1.
    angle
        In [0, pi].

    Raises
    ------
    EocError
        Naming the first value outside the range, and where it is.

    Examples
    --------
    >>> angle_of(0.5).theta.round(12).item(), angle_of(one_minus_c=2e-300).theta.item()
    (1.047197551197, 2e-150)
    """
    named = {"c": c, "one_minus_c": one_minus_c, "angle": angle}
    given = {name: value for name, value in named.items() if value is not None}
    if len(given) != 1:
        raise EocError(f"give exactly one of c, one_minus_c and angle, got {', '.join(given) or 'none'}")
    ((name, value),) = given.items()
    if name == "c":
        correlation = _checked(name, value, -1.0, 1.0)
        return Angle(1.0 - correlation, 1.0 + correlation)
    if name == "one_minus_c":
        e = _checked(name, value, 0.0, 2.0)
        return Angle(e, 2.0 - e)
    theta = _checked(name, value, 0.0, np.pi)
    return Angle(2.0 * np.sin(0.5 * theta) ** 2, 2.0 * np.cos(0.5 * theta) ** 2, theta)


def _checked(name: str, value: ArrayLike, low: float, high: float) -> FloatArray:
    out = real_numbers(name, value)
    if out.size and not (out.min() >= low and out.max() <= high):  # nan too
        bad = ~((out >= low) & (out <= high))
        index = tuple(int(i[0]) for i in np.nonzero(np.atleast_1d(bad)))
        where = f" at index {index[0] if len(index) == 1 else index}" if out.ndim else ""
        limit = "pi" if high == np.pi else f"{high:g}"
        raise EocError(f"{name} must lie between {low:g} and {limit}, got {float(np.atleast_1d(out)[index])!r}{where}")
    return out


@dataclass(frozen=True)
class Series:
    """A function of theta in [0, ends[-1]]: Chebyshev coefficients (I, N) on I intervals, errors at most ``error``.

    ``error[i]`` bounds the absolute error on the i-th interval.
    """

    ends: FloatArray
    coefficients: FloatArray
    error: FloatArray

    def __call__(self, theta: FloatArray) -> FloatArray:
        """Values at theta, of its shape."""
        theta = np.asarray(theta, dtype=float)
        x, out = theta.reshape(-1), np.empty(theta.size)
        if kernels.worth("evaluate_series", x.size):
            kernels.evaluate_series(x, self.ends, self.coefficients, out)
        else:
            out = kernels.series_at(x, self.ends, self.coefficients)
        return out.reshape(theta.shape)

    def bound(self, theta: FloatArray) -> FloatArray:
        """Bounds on the absolute errors at theta."""
        return self.error[np.clip(np.searchsorted(self.ends, theta) - 1, 0, self.error.size - 1)]

    def derivative(self) -> Series:
        """d/dtheta, with an error that allows for the loss of digits."""
        half = 0.5 * np.diff(self.ends)[:, None]
        slopes = np.pad(np.polynomial.chebyshev.chebder(self.coefficients, axis=1), ((0, 0), (0, 1))) / half
        return Series(self.ends, slopes, self.error * N**2 / half[:, 0])


def fit(function: Function, scale: float, end: float = np.pi, edges: FloatArray | None = None) -> Series:
    """The series of a function on [0, end], bisected until it is resolved to rounding of ``scale``.

    Parameters
    ----------
    function
        Maps theta (or another argument), shape (n,), to values and bounds on their errors.
    scale
        The size of the function that errors are measured by.
    end
        Where it ends.
    edges
        Intervals to begin with, from 0 to ``end``, if it is known which are needed.

    Warns
    -----
    AccuracyWarning
        If the series does not converge, with the accuracy that was achieved.
    """
    if edges is None:
        edges = np.linspace(0.0, end, max(2, round(end / np.pi * 2.0) + 1))
    a, b = edges[:-1], edges[1:]
    done: list[tuple[FloatArray, FloatArray, FloatArray]] = []
    while a.size:
        found, noise = (part.reshape(a.size, N) for part in function(_interval_nodes(a, b).ravel()))
        (series, dropped), error = _series_through(found), noise.max(axis=1)
        tail = 2.0 * np.abs(series[:, -_LAST:]).max(axis=1)
        moved = 4.0 * EPS * b / (b - a) * np.ptp(found, axis=1)  # by rounding of the argument
        resolved = tail <= np.maximum(4.0 * EPS * scale, np.maximum(error, moved))
        hopeless = ((b - a) < _NARROWEST * end) | (sum(part[0].size for part in done) + a.size > _MAX_INTERVALS)
        given_up, keep = hopeless & ~resolved, resolved | hopeless
        # A series that falls slowly may go on like 1/k; where it does not fall, the variation is all that is known.
        slow = (tail > error) & (np.abs(series[:, N // 2 : -_LAST]).max(axis=1) < _SLOW * tail)
        left_out = np.where(given_up, 2.0 * np.ptp(found, axis=1), np.where(slow, 2.0 * N, _LAST) * tail) + dropped
        if given_up.any():
            warnings.warn(
                f"interpolation in the angle does not converge: achieved {left_out[given_up].max() / scale:.1g} of its "
                "scale",
                AccuracyWarning,
                stacklevel=2,
            )
        bound = error + left_out + _rounding(a, b, series)
        done.append((a[keep], series[keep], bound[keep]))
        middle = 0.5 * (a + b)
        a, b = np.concatenate([a[~keep], middle[~keep]]), np.concatenate([middle[~keep], b[~keep]])
    start, series, bound = (np.concatenate(part) for part in zip(*done, strict=True))
    order = np.argsort(start)
    return Series(np.append(start[order], end), series[order], bound[order])


def _series_through(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Chebyshev coefficients (I, N) through the values at the nodes without the rounding at their end, and its size.

    At the ends of an interval the rounding of all coefficients would add up.
    """
    series = values @ _TO_SERIES.T
    sizes = np.abs(series)
    from_here_on = np.maximum.accumulate(sizes[:, ::-1], axis=1)[:, ::-1]
    drop = from_here_on <= 2.0 * EPS * sizes.max(axis=1, keepdims=True)
    return np.where(drop, 0.0, series), np.where(drop, sizes, 0.0).sum(axis=1)


def _rounding(a: FloatArray, b: FloatArray, series: FloatArray) -> FloatArray:
    """What rounding of the sum, and of the argument on the intervals [a, b], does to the values of series."""
    size = np.abs(series)
    return N * EPS * size.sum(axis=1) + 2.0 * EPS * b / (b - a) * (size @ np.arange(N) ** 2)


def _interval_nodes(a: FloatArray, b: FloatArray) -> FloatArray:
    return 0.5 * (a + b)[:, None] + 0.5 * (b - a)[:, None] * _NODES


def cumulative(
    series: Series, weight: Callable[[FloatArray], FloatArray], divisor: Callable[[FloatArray], FloatArray]
) -> Series:
    r"""The series of (1/d(theta)) \int_0^theta m(x) g(x) dx on the intervals of the series g.

    Parameters
    ----------
    series
        g.
    weight
        m(theta) >= 0, smooth.
    divisor
        d(theta) >= 0, such that the quotient is smooth at 0: no accuracy is lost there.
    """
    theta = _interval_nodes(series.ends[:-1], series.ends[1:])
    values = _integral(series.ends, theta, lambda x: weight(x) * series(x)) / divisor(theta)
    errors = _integral(series.ends, theta, lambda x: weight(x) * series.bound(x)) / divisor(theta)
    coefficients, dropped = _series_through(values)
    tail = 2.0 * np.abs(coefficients[:, -_LAST:]).max(axis=1)
    bound = errors.max(axis=1) + _LAST * tail + dropped + _rounding(series.ends[:-1], series.ends[1:], coefficients)
    return Series(series.ends, coefficients, bound)


def _integral(ends: FloatArray, theta: FloatArray, function: Callable[[FloatArray], FloatArray]) -> FloatArray:
    """The integral of a function, smooth on each interval, from 0 to theta (I, n): row i lies on interval i."""
    start, length = ends[:-1, None], np.diff(ends)[:, None]
    before = np.cumsum(length[:, 0] * (function(start + length * UNIT_NODES) @ UNIT_WEIGHTS))
    part = theta - start
    inside = part * (function(start[:, :, None] + part[:, :, None] * UNIT_NODES) @ UNIT_WEIGHTS)
    return np.append(0.0, before[:-1])[:, None] + inside
