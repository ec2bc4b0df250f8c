"""All roots of a function of the variance: a scan in log q, then bracketed root finding."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from eoc.floats import EPS, FloatArray

__all__ = ["PER_DECADE", "all_roots", "bracketed_roots", "decades", "extrema", "log_derivative"]

Function = Callable[[FloatArray], tuple[FloatArray, FloatArray]]

PER_DECADE = 24
_CLOSE = 4e-16  # relative width of a bracket that is narrow enough
_MOST = 200  # steps: bisection alone needs 60 where the bracket is not huge

# A function that is analytic for |arg q| < pi/2 is a polynomial of degree 14 in log q to 1e-14 on this interval.
_DEGREE, _HALF_WIDTH = 14, 0.3
_NODES = np.sin(np.pi * (np.arange(_DEGREE + 1) / _DEGREE - 0.5))  # symmetric to the last digit


def decades(low: float, high: float, per_decade: int = PER_DECADE) -> FloatArray:
    """At least ``per_decade`` points a decade from low to high, both ends included."""
    count = max(2, int(np.ceil(per_decade * np.log10(high / low))) + 1)
    grid = np.geomspace(low, high, count)
    grid[0], grid[-1] = low, high
    return grid


def all_roots(function: Function, grid: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Roots of a function between the ends of an increasing grid, and its signs between them.

    Parameters
    ----------
    function
        Maps q to values and bounds on their errors. Where a value is smaller than its error the sign is unknown and
        the grid point is ignored; so is NaN.
    grid
        Where to look. Besides the sign changes, every local minimum of |value| is refined, so that two roots between
        neighbouring points are found, and a root at which the function only touches zero (to within its error).

    Returns
    -------
    roots : (n,)
        Accurate to rounding in q.
    signs : (n + 1,)
        The sign of the function below, between and above the roots; 0 if it is unknown everywhere.

    Examples
    --------
    >>> roots, signs = all_roots(lambda q: ((q - 1.0) * (q - 1.02), 1e-16 * q), decades(0.1, 10.0))
    >>> roots.round(12).tolist(), signs.tolist()
    ([1.0, 1.02], [1.0, -1.0, 1.0])
    """
    values, errors = function(grid)
    known = np.abs(values) > errors
    grid, values = grid[known], values[known]
    if grid.size == 0:
        return np.array([]), np.array([0.0])
    minima, minimum_values, touching = _minima(function, grid, values)
    crossing = minima[~touching]
    grid = np.concatenate([grid, crossing])
    order = np.argsort(grid)
    grid, values = grid[order], np.concatenate([values, minimum_values[~touching]])[order]
    crossings = _crossings(function, grid, values)
    roots = np.sort(np.concatenate([crossings, minima[touching]]))
    ends = np.concatenate([[0.0], np.sqrt(roots[:-1] * roots[1:]) if roots.size > 1 else [], [np.inf]])
    if roots.size == 0:
        return roots, np.sign(values[-1:])
    between = np.sign(function(ends[1:-1])[0])
    return roots, np.concatenate([[np.sign(values[0])], between, [np.sign(values[-1])]])


def bracketed_roots(
    function: Callable[..., FloatArray], low: FloatArray, high: FloatArray, args: tuple[FloatArray, ...] = ()
) -> FloatArray:
    """Where function(q, *args) changes its sign in each of the brackets [low, high] (n,), to rounding in q.

    The method of Chandrupatla (1997): inverse quadratic interpolation where that is safe, otherwise bisection. SciPy
    has it too, and takes longer to import than all of this package.

    Examples
    --------
    >>> bracketed_roots(lambda q, a: q**2 - a, np.zeros(2), np.full(2, 3.0), (np.array([2.0, 4.0]),)).round(12).tolist()
    [1.414213562373, 2.0]
    """
    x1, x2, where = high.astype(float), low.astype(float), np.arange(high.size)
    f1, f2 = function(x1, *args), function(x2, *args)
    out, t = np.where(np.abs(f1) < np.abs(f2), x1, x2), np.full(high.shape, 0.5)
    for _ in range(_MOST):
        x = x1 + t * (x2 - x1)
        f = function(x, *args)
        same = np.sign(f) == np.sign(f1)
        x3, f3 = np.where(same, x1, x2), np.where(same, f1, f2)
        x1, x2, f1, f2 = x, np.where(same, x2, x1), f, np.where(same, f2, f1)
        best = np.where(np.abs(f1) < np.abs(f2), x1, x2)
        out[where] = np.where(np.isnan(f), np.nan, best)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            shortest = _CLOSE * np.abs(best) / np.abs(x2 - x1)
            go_on = (shortest <= 0.5) & (np.minimum(np.abs(f1), np.abs(f2)) > 0.0)
            xi, phi = (x1 - x2) / (x3 - x2), (f1 - f2) / (f3 - f2)
            inverse = f1 / (f2 - f1) * f3 / (f2 - f3) + (x3 - x1) / (x2 - x1) * f1 / (f3 - f1) * f2 / (f3 - f2)
            t = np.where((phi**2 < xi) & ((1.0 - phi) ** 2 < 1.0 - xi), inverse, 0.5)
            t = np.clip(t, shortest, 1.0 - shortest)
        if not go_on.any():
            break
        x1, x2, f1, f2, t, where = (part[go_on] for part in (x1, x2, f1, f2, t, where))
        args = tuple(arg[go_on] for arg in args)
    return out


def _crossings(function: Function, grid: FloatArray, values: FloatArray) -> FloatArray:
    change = np.flatnonzero(np.sign(values[:-1]) * np.sign(values[1:]) < 0.0)
    if change.size == 0:
        return np.array([])
    return bracketed_roots(lambda q: function(q)[0], grid[change], grid[change + 1])


def _minima(
    function: Function, grid: FloatArray, values: FloatArray
) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """Minima of |function| between sign changes: where, the value there, and whether it is zero to within its error."""
    size, sign = np.abs(values), np.sign(values)
    same = (sign[1:-1] == sign[:-2]) & (sign[1:-1] == sign[2:])
    middle = np.flatnonzero((size[1:-1] < size[:-2]) & (size[1:-1] < size[2:]) & same) + 1
    if middle.size == 0:
        return np.array([]), np.array([]), np.array([], bool)
    from scipy.optimize import elementwise

    bracket = (grid[middle - 1], grid[middle], grid[middle + 1])
    found = elementwise.find_minimum(lambda q, s: s * function(q)[0], bracket, args=(sign[middle],))
    x, sign = found.x[np.isfinite(found.f_x)], sign[middle][np.isfinite(found.f_x)]
    value, error = function(x)
    touching = np.abs(value) <= error
    useful = touching | (np.sign(value) != sign)
    return x[useful], value[useful], touching[useful]


def log_derivative(function: Function, q: FloatArray) -> tuple[FloatArray, FloatArray]:
    """df/dlog q at q > 0 (n,), and what the errors of the function add to it.

    The derivative of the polynomial through 15 Chebyshev points of log q within 0.3 of it: for Gaussian expectations,
    which are analytic in q, right to about 1e-13 of the function's size, and not to the square root of rounding.

    Examples
    --------
    >>> value, error = log_derivative(lambda q: (q**3, 1e-16 * q**3), np.array([2.0]))
    >>> bool(abs(value[0] - 24.0) < 1e-11), bool(0.0 < error[0] < 1e-12)
    (True, True)
    """
    around = q[:, None] * np.exp(_HALF_WIDTH * _NODES)
    values, errors = (part.reshape(around.shape) for part in function(around.ravel()))
    weights = _centre_weights() / _HALF_WIDTH
    return values @ weights, errors @ np.abs(weights)


def _centre_weights() -> FloatArray:
    """The row of the Chebyshev differentiation matrix that belongs to the middle node."""
    middle = _DEGREE // 2
    signs = (-1.0) ** (np.arange(_DEGREE + 1) + middle)
    signs[[0, -1]] *= 0.5
    weights = np.zeros(_DEGREE + 1)
    others = np.arange(_DEGREE + 1) != middle
    weights[others] = -signs[others] / _NODES[others]
    return weights


def extrema(function: Function, grid: FloatArray) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """Where a function of q turns between the ends of an increasing grid.

    Parameters
    ----------
    function
        Maps q to values and bounds on their errors; analytic in q > 0. Where its derivative is smaller than the errors
        allow to say, as on a plateau, no turning point is found.
    grid
        Where to look.

    Returns
    -------
    q, error, is_minimum : (n,)
        By increasing q. The errors are what those of the function can move the root of its derivative.

    Examples
    --------
    >>> q, error, is_minimum = extrema(lambda q: (q + 4.0 / q, 1e-16 * q), decades(0.1, 100.0))
    >>> q.round(12).tolist(), bool(error[0] < 1e-12), is_minimum.tolist()
    ([2.0], True, [True])
    """

    def derivative(q: FloatArray) -> tuple[FloatArray, FloatArray]:
        return log_derivative(function, q)

    roots, signs = all_roots(derivative, _where_it_may_turn(function, grid))
    turns = signs[:-1] * signs[1:] < 0.0
    at = roots[turns]
    if at.size == 0:
        return at, at, np.array([], bool)
    error = derivative(at)[1]
    steepness = np.abs(log_derivative(derivative, at)[0])
    with np.errstate(divide="ignore"):
        return at, at * (error / steepness + 4.0 * EPS), signs[1:][turns] > 0.0


def _where_it_may_turn(function: Function, grid: FloatArray) -> FloatArray:
    """The grid points around every change of sign of the differences, and every minimum of their size."""
    values, errors = function(grid)
    slopes = np.diff(values) / np.diff(np.log(grid))
    clear = np.flatnonzero(np.abs(np.diff(values)) > errors[1:] + errors[:-1])
    slopes = slopes[clear]
    may = np.zeros(grid.size, bool)
    changes = np.flatnonzero(slopes[:-1] * slopes[1:] < 0.0)
    size = np.abs(slopes)
    least = np.flatnonzero((size[1:-1] < size[:-2]) & (size[1:-1] < size[2:]))
    for first, last in zip(clear[[*changes, *least]], clear[[*(changes + 1), *(least + 2)]], strict=True):
        may[max(first - 1, 0) : last + 3] = True
    return np.asarray(grid[may])
