"""One function of the variance inverted at many values: split where it turns, tabulated once, then polished.

Between neighbouring turning points a function is monotone, so that a value has one solution there, and none is lost.
A table brackets it and gives the first guess; two evaluations of the function usually make it right to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from eoc.floats import EPS, FloatArray

__all__ = ["Monotone", "inverse", "monotone"]

Values = Callable[[FloatArray], FloatArray]

_SAME = 8.0 * EPS  # relative: a value this little outside a table is its last value
_PATIENCE = 4  # evaluations after which a bracket that did not halve is bisected
_MOST = 200
_NOISE = 1e-9  # relative size of steps that may be rounding of the function


@dataclass(frozen=True)
class Monotone:
    """A function on an interval of q on which it is monotone.

    Attributes
    ----------
    q
        Increasing.
    value
        Increasing or decreasing, where rounding made it neither with plateaus.
    slope
        Approximate derivatives, for first guesses only; they need not be finite.
    """

    q: FloatArray
    value: FloatArray
    slope: FloatArray


def monotone(q: FloatArray, value: FloatArray, turns: FloatArray) -> tuple[Monotone, ...]:
    """The monotone pieces of a function tabulated at increasing q, which include its turning points.

    Examples
    --------
    >>> q = np.linspace(0.0, 4.0, 9)
    >>> [p.q.tolist()[:: p.q.size - 1] for p in monotone(q, (q - 1.0) ** 2, np.array([1.0]))]
    [[0.0, 1.0], [1.0, 4.0]]
    """
    edges = [0, *np.searchsorted(q, turns).tolist(), q.size - 1]
    out = []
    for first, last in pairwise(edges):
        if last > first:
            out.append(_piece(q[first : last + 1], value[first : last + 1]))
    return tuple(out)


def _piece(q: FloatArray, value: FloatArray) -> Monotone:
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        slope = np.gradient(value, q, edge_order=1 if q.size == 2 else 2)
    bound = np.maximum if value[-1] >= value[0] else np.minimum
    return Monotone(q, bound.accumulate(value), slope)


def inverse(function: Values, pieces: Sequence[Monotone], targets: FloatArray) -> FloatArray:
    """Every q with function(q) = target, for many targets.

    Parameters
    ----------
    function
        Maps q (n,) to values (n,); what was tabulated.
    pieces
        From :func:`monotone`.
    targets
        Of any shape.

    Returns
    -------
    (len(pieces), *targets.shape)
        The solution on each piece, NaN where the piece does not reach the target. On a plateau, its smallest q.

    Notes
    -----
    Accuracy: to rounding of q, or of the function where that moves q by more: near a turning point by the square root.

    Examples
    --------
    >>> q = np.linspace(0.0, 4.0, 33)
    >>> pieces = monotone(q, (q - 1.0) ** 2, np.array([1.0]))
    >>> inverse(lambda q: (q - 1.0) ** 2, pieces, np.array([0.04, 4.0])).round(12).tolist()
    [[0.8, nan], [1.2, 3.0]]
    """
    flat = targets.ravel()
    out = np.full((len(pieces), flat.size), np.nan)
    brackets = [_bracketed(piece, flat) for piece in pieces]
    if any(inside.size for inside, _ in brackets):
        parts = np.concatenate([part for _, part in brackets], axis=1)
        found = _polished(function, parts)
        ends = np.cumsum([inside.size for inside, _ in brackets])[:-1]
        for row, (inside, _), q in zip(out, brackets, np.split(found, ends), strict=True):
            row[inside] = q
    return out.reshape(len(pieces), *targets.shape)


def _bracketed(piece: Monotone, targets: FloatArray) -> tuple[NDArray[np.intp], FloatArray]:
    """Which targets the piece reaches, and for each of them (target, direction, low, high, guess, slope, bend)."""
    value, rising = piece.value, piece.value[-1] >= piece.value[0]
    lowest, highest = (value[0], value[-1]) if rising else (value[-1], value[0])
    close = _SAME * np.abs(targets)
    inside = np.flatnonzero((targets >= lowest - close) & (targets <= highest + close))
    target = np.clip(targets[inside], lowest, highest)
    if rising:
        first = np.searchsorted(value, target, side="left")
    else:
        first = value.size - np.searchsorted(value[::-1], target, side="right")
    cell = np.clip(first - 1, 0, value.size - 2)
    direction = np.full(target.shape, 1.0 if rising else -1.0)
    return inside, np.stack([target, direction, piece.q[cell], piece.q[cell + 1], *_guess(piece, cell, target)])


def _guess(piece: Monotone, cell: NDArray[np.intp], target: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """q(f) by the cubic through both ends of the cell with their slopes, linear where that leads outside.

    With it the slope there, and by what fraction slopes change per distance.
    """
    a, b, fa, fb = piece.q[cell], piece.q[cell + 1], piece.value[cell], piece.value[cell + 1]
    da, db = piece.slope[cell], piece.slope[cell + 1]
    rise, run = fb - fa, b - a
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        u = (target - fa) / rise
        v = 1.0 - u
        left, right = rise / da - run, rise / db - run
        cubic = a + run * u + u * v * (left * v - right * u)
        slope = rise / (run + left * v * (1.0 - 3.0 * u) + right * u * (3.0 * u - 2.0))
        linear = rise / run
        good = (cubic > a) & (cubic < b) & (slope / linear > 0.1) & (slope / linear < 10.0)
        guess = np.where(good, cubic, a + run * np.where(np.isfinite(u), u, 0.0))
        bend = np.where(good, np.abs(db / da - 1.0) / run, np.inf)
    return np.where(target == fa, a, np.where(target == fb, b, guess)), np.where(good, slope, linear), bend


def _polished(function: Values, parts: FloatArray) -> FloatArray:
    """The roots of function - target by secants that never leave their brackets.

    A step with a slope that is off by some fraction leaves that fraction of the step as error. It is the last one where
    that is below rounding, or where steps no longer get shorter because the function's own rounding decides.
    """
    out, where = np.empty(parts.shape[1]), np.arange(parts.shape[1])
    target, direction, low, high, q, slope, bend = parts
    last, last_residual, last_step = q, np.full_like(q, np.nan), np.full_like(q, np.inf)
    for count in range(_MOST):
        residual = function(q) - target
        under = residual * direction < 0.0
        width, low, high = high - low, np.where(under, q, low), np.where(under, high, q)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            secant = (residual - last_residual) / (q - last)
            usable = secant * direction > 0.0
            off = np.where(usable, np.fmin(np.abs(secant / slope - 1.0), bend * np.abs(q - last)), 1.0)
            slope = np.where(usable & np.isfinite(secant), secant, slope)
            step = np.where(residual == 0.0, 0.0, -residual / slope)
            new = q + step
        size = np.abs(step)
        ready = size * off <= 0.25 * EPS * q
        ready |= (size <= _NOISE * q) & (size >= 0.25 * last_step)
        inside = (new > low) & (new < high)
        done = (size <= 2.0 * EPS * q) | (high - low <= 2.0 * EPS * high) | (ready & inside)
        halve = ~done & (~inside | ((count >= _PATIENCE) & (high - low > 0.5 * width)))
        new = np.where(halve, 0.5 * (low + high), np.clip(new, low, high))
        out[where[done]] = new[done]
        if done.all():
            return out
        left = ~done
        last, last_residual, last_step, q = q[left], residual[left], size[left], new[left]
        where, target, direction, low, high = where[left], target[left], direction[left], low[left], high[left]
        slope, bend = slope[left], bend[left]
    out[where] = q
    return out
