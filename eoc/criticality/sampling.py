"""Variances at which a picture of the edge of chaos is smooth: evenly along the curve, closer where it bends.

The plane is that of the picture. Its horizontal unit is the window's width. sigma_w may run over orders of magnitude in
the same window, so its height is log(1 + log10(sigma_w / smallest)): proportional to sigma_w where that varies little,
and finite in effect where it diverges. The vertical unit is the height that the curve has, at most that of a decade.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from eoc.floats import FloatArray

__all__ = ["Line", "Plane", "plane_of", "spread"]

Place = Callable[[FloatArray], tuple[FloatArray, FloatArray]]

_FLAT = 1e-9  # relative variation of sigma_w below which it counts as constant
_FINE = 0.8  # largest step while refining, of the step that is wanted
_CLOSE = 0.05  # points nearer than this part of it are dropped first: their direction may be rounding
_HALF_TURN = np.pi  # counts as much as the width of the window
_ROUNDS = 60
_SAME = 1e-13


@dataclass(frozen=True)
class Plane:
    """The window's units; see the module.

    Examples
    --------
    >>> plane = Plane(sigma_b_max=2.0, smallest=1.0, unit=float(np.log(2.0)))
    >>> [x.round(3).tolist() for x in plane(np.array([0.0, 2.0]), np.array([1.0, 10.0]))]
    [[0.0, 1.0], [0.0, 1.0]]
    """

    sigma_b_max: float
    smallest: float
    unit: float

    def __call__(self, sigma_b: FloatArray, sigma_w: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Both coordinates, of the order of one."""
        return sigma_b / self.sigma_b_max, _height(sigma_w, self.smallest) / self.unit


def _height(sigma_w: FloatArray, smallest: float) -> FloatArray:
    return np.log1p(np.log10(np.maximum(sigma_w / smallest, 1.0)))


def plane_of(sigma_b_max: float, sigma_w: FloatArray) -> Plane:
    """The plane for a curve that takes these sigma_w in the window."""
    smallest = float(sigma_w.min())
    highest = float(_height(sigma_w, smallest).max())
    return Plane(sigma_b_max, smallest, min(max(highest, _FLAT), float(np.log(2.0))))


def spread(place: Place, pieces: list[Line], points: int) -> list[FloatArray]:
    """About ``points`` variances in all, spread over the pieces of a curve.

    Parameters
    ----------
    place
        Maps q to both coordinates of the plane.
    pieces
        What is known of each piece.
    points
        How many. A piece gets at least its points that have to stay.

    Returns
    -------
    list of arrays
        Increasing q of each piece. Neighbours differ by at most 1.8 times the average step, where half a turn counts
        as much as the width of the window.

    Examples
    --------
    >>> def circle(q):
    ...     return np.cos(q), np.sin(q)
    >>> start = np.array([1.0, 1.5, 3.0])
    >>> (q,) = spread(circle, [Line(start, *circle(start), keep=start[[0, 2]])], 50)
    >>> 30 < q.size < 70, bool(np.diff(q).max() < 1.8 * 2.0 / 50)
    (True, True)
    """
    for _ in range(_ROUNDS):
        length = sum(float(line.gaps.sum()) for line in pieces)
        pieces = [line.without_crowds(_CLOSE * length / points) for line in pieces]
        step = sum(float(line.measure.sum()) for line in pieces) / points
        refined = [_refined(line, place, _FINE * step) for line in pieces]
        if all(new is old for new, old in zip(refined, pieces, strict=True)):
            break
        pieces = refined
    return [_thinned(line, step) for line in pieces]


@dataclass(frozen=True)
class Line:
    """A piece of the curve: increasing q with their coordinates, and those q that have to stay."""

    q: FloatArray
    x: FloatArray
    y: FloatArray
    keep: FloatArray

    @property
    def gaps(self) -> FloatArray:
        """Lengths of the segments."""
        return np.hypot(np.diff(self.x), np.diff(self.y))

    @property
    def measure(self) -> FloatArray:
        """Length of each segment, with half of the turn at either end of it."""
        out = self.gaps
        if out.size > 1:
            turns = np.diff(np.unwrap(np.arctan2(np.diff(self.y), np.diff(self.x))))
            half = 0.5 * np.abs(turns) / _HALF_TURN
            out[:-1] += half
            out[1:] += half
        return out

    def without_crowds(self, close: float) -> Line:
        """Without points nearer than ``close`` to the last one that stays."""
        along = np.append(0.0, np.cumsum(self.gaps))
        stays = np.isin(self.q, self.keep)
        stays[1:] |= np.diff(np.floor(along / close) if close > 0.0 else along) > 0.0
        stays[[0, -1]] = True
        return self if stays.all() else Line(self.q[stays], self.x[stays], self.y[stays], self.keep)


def _refined(line: Line, place: Place, step: float) -> Line:
    """The line with a point more in every segment that measures more than ``step``; itself if there is none."""
    low, high = line.q[:-1], line.q[1:]
    long = (line.measure > step) & (line.gaps > 2.0 * _CLOSE * step) & (high > low * (1.0 + _SAME)) & (low > 0.0)
    if not long.any():
        return line
    middle = np.sqrt(low[long] * high[long])
    x, y = place(middle)
    at = np.flatnonzero(long) + 1
    return Line(np.insert(line.q, at, middle), np.insert(line.x, at, x), np.insert(line.y, at, y), line.keep)


def _thinned(line: Line, step: float) -> FloatArray:
    """One point for every ``step`` of the measure, and those that have to stay."""
    along = np.append(0.0, np.cumsum(line.measure))
    stays = np.isin(line.q, line.keep)
    stays[1:] |= np.diff(np.floor(along / step)) > 0.0 if step > 0.0 else False
    stays[[0, -1]] = True
    return line.q[stays]
