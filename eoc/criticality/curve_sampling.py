"""Samples of the edge of chaos in a window of sigma_b, to be plotted: evenly along the curve, closer where it bends.

The plane is that of the picture. Its horizontal unit is the window's width. sigma_w may run over orders of magnitude in
the same window, so its height is log(1 + log10(sigma_w / smallest)): proportional to sigma_w where that varies little,
and finite in effect where it diverges. The vertical unit is the height that the curve has, at most that of a decade.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from eoc.criticality.branches import Branch, bias_and_weight, squared_bias_value
from eoc.criticality.explicit import Curve, curve
from eoc.floats import FloatArray
from eoc.inversion import inverse
from eoc.layers import Network

__all__ = ["Plane", "sampled", "windowed"]

_Piece = tuple[FloatArray, FloatArray, FloatArray, FloatArray]
Place = Callable[[FloatArray], tuple[FloatArray, FloatArray]]

_RIM = 1e-6
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


def sampled(
    network: Network, parts: tuple[Branch, ...], changes: Sequence[float], window: float, points: int
) -> tuple[Curve, ...]:
    """About ``points`` samples of the curve with sigma_b <= window, in connected pieces.

    Ends and turning points are among them, and the q of ``changes``.
    """
    pieces = [piece for branch in parts for piece in windowed(network, branch, changes, window)]
    if not pieces:
        return ()
    plane = plane_of(window, np.concatenate([sigma_w for _, _, sigma_w, _ in pieces]))
    lines = [Line(q, *plane(sigma_b, sigma_w), keep) for q, sigma_b, sigma_w, keep in pieces]
    samples = spread(lambda q: plane(*_place(*bias_and_weight(network, q))), lines, points)
    return tuple(_exact_ends(parts, curve(network, q), window) for q in samples)


def _place(squared_bias: FloatArray, d: FloatArray) -> tuple[FloatArray, FloatArray]:
    return np.sqrt(np.maximum(squared_bias, 0.0)), d**-0.5


def windowed(network: Network, branch: Branch, changes: Sequence[float], window: float) -> list[_Piece]:
    """For each stretch with sigma_b <= window: q, sigma_b and sigma_w of the table, and the q that have to stay."""
    rim = inverse(lambda q: squared_bias_value(network, q), branch.bias, np.array([window**2])).ravel()
    edges = np.unique([branch.q[0], *rim[np.isfinite(rim)], branch.q[-1]])
    inside = [q for q in changes if branch.q[0] <= q <= branch.q[-1]]
    keep = np.unique([*edges, *inside, *(t.q for t in branch.turning_points)])
    new = np.setdiff1d(keep, branch.q)
    q = np.append(branch.q, new)
    order = np.argsort(q)
    known = zip((branch.squared_bias, branch.d), bias_and_weight(network, new), strict=True)
    squared, d = (np.append(old, more)[order] for old, more in known)
    out, q = [], q[order]
    shown = squared_bias_value(network, 0.5 * (edges[:-1] + edges[1:])) <= window**2
    for low, high in zip(edges[:-1][shown], edges[1:][shown], strict=True):
        part = (q >= low) & (q <= high)
        out.append((q[part], *_place(squared[part], d[part]), keep[(keep >= low) & (keep <= high)]))
    return out


def _exact_ends(parts: tuple[Branch, ...], along: Curve, window: float) -> Curve:
    """The samples with sigma_b = 0 where the curve ends there, and sigma_b_max at the rim of the window."""
    sigma_b = along.sigma_b.copy()
    outer = np.array([0, -1])  # q near a zero of sigma_b^2 leaves sigma_b with fewer digits than the rim has
    sigma_b[outer[np.abs(sigma_b[outer] / window - 1.0) <= _RIM]] = window
    zeros = [end for b in parts for end, crosses in zip(b.q[[0, -1]], b.crosses, strict=True) if crosses]
    sigma_b[np.isin(along.q, [0.0, *zeros])] = 0.0
    return replace(along, sigma_b=sigma_b)
