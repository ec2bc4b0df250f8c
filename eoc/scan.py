"""All roots of a function of the variance: a scan in log q, then bracketed root finding."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["PER_DECADE", "all_roots", "decades"]

FloatArray = NDArray[np.float64]
Function = Callable[[FloatArray], tuple[FloatArray, FloatArray]]

PER_DECADE = 24
_TOLERANCES = {"xatol": 0.0, "xrtol": 4e-16, "fatol": 0.0, "frtol": 0.0}


def decades(low: float, high: float) -> FloatArray:
    """PER_DECADE points a decade from low to high, both ends included."""
    count = max(2, int(np.ceil(PER_DECADE * np.log10(high / low))) + 1)
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


def _crossings(function: Function, grid: FloatArray, values: FloatArray) -> FloatArray:
    change = np.flatnonzero(np.sign(values[:-1]) * np.sign(values[1:]) < 0.0)
    if change.size == 0:
        return np.array([])
    from scipy.optimize import elementwise

    bracket = (grid[change], grid[change + 1])
    return np.asarray(elementwise.find_root(lambda q: function(q)[0], bracket, tolerances=_TOLERANCES).x)


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
