"""Exact kinks of a real network along straight lines.

Between neighbouring breakpoints every unit is linear, so a unit of the next layer crosses a knot there at most once, at
a place that its values at both ends say. Layer by layer such places are inserted: the cost is that of running the
network on as many inputs as there are breakpoints.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eoc.errors import EocError
from eoc.floats import IntArray
from eoc.regions.model import Array, Bend, Largest, PiecewiseLinear, exactly
from eoc.regions.reading import piecewise_linear

__all__ = ["Breakpoints", "along"]

_SAME = 1e-13  # of the length of a segment: breakpoints closer than that are one
_NEAR = 1e-9  # relatively: what may be the largest of a window
_MOST = 2**24  # numbers of one layer that are held at once


@dataclass(frozen=True, eq=False)
class Breakpoints:
    """Where a network bends on a segment, or on several that follow each other.

    Attributes
    ----------
    network
        That it is of.
    t
        The places, in order: from 0 at the first point to 1 at the second, 2 at the third. One for every unit that
        bends there, so that places may be repeated; (B,). Doubles, or fractions.
    layer
        Which layer of activations or maxima, from 1; (B,).
    neuron
        Which of its units, from 0; (B,).
    before, after
        The pieces of the activation, or the places in the window of a maximum; (B,).
    points
        The ends of the segments as rows, with the axis of the batch first.
    """

    network: PiecewiseLinear
    t: Array = field(repr=False)
    layer: IntArray = field(repr=False)
    neuron: IntArray = field(repr=False)
    before: IntArray = field(repr=False)
    after: IntArray = field(repr=False)
    points: Array = field(repr=False)

    @property
    def places(self) -> Array:
        """The distinct places inside."""
        return _distinct(self.t)

    @property
    def regions(self) -> int:
        """On how many stretches the activation pattern is constant."""
        return int(self.places.size) + 1

    @property
    def per_layer(self) -> IntArray:
        """How many kinks there are in each layer."""
        return np.bincount(self.layer - 1, minlength=len(self.network.bends))

    def to_dict(self) -> dict[str, Any]:
        """Numbers of regions and kinks, and all kinks, by the names that they have in JSON."""
        return {
            "regions": self.regions,
            "per_layer": self.per_layer.tolist(),
            "t": self.t.astype(float).tolist(),
            "layer": self.layer.tolist(),
            "neuron": self.neuron.tolist(),
        }

    def at(self, t: Array) -> Array:
        """The inputs at these places, as rows."""
        first = np.clip(np.array([int(one) for one in t], np.int64), 0, len(self.points) - 2)
        share = (t - first)[:, None]
        return self.points[first] * (1 - share) + self.points[first + 1] * share

    def outputs(self) -> tuple[Array, Array]:
        """The places with both ends and the points between, and the network there: it is linear between them."""
        corners = np.arange(len(self.points)).astype(self.t.dtype)
        t = _distinct(np.sort(np.concatenate([corners, self.places])))
        return t, self.network(self.at(t))


def along(model: object, *points: ArrayLike) -> Breakpoints:
    """Every kink of a network on the segment between two inputs, or on segments from point to point.

    Parameters
    ----------
    model
        A network of :func:`eoc.regions.dense`, or a PyTorch model (:func:`eoc.regions.piecewise_linear`).
    points
        Two or more inputs, without the axis of the batch; neighbours differ. Many of them on a curve: an inscribed
        polygon.

    Returns
    -------
    Breakpoints
        With layer and unit. Places are right to about 1e-13 of the segment, and exact in networks of fractions.

    Raises
    ------
    EocError
        For segments of length zero, shapes that do not fit, and models that cannot be read.

    Examples
    --------
    >>> from eoc.regions import dense
    >>> net = dense([[[1, -2], [2, 1]], [["1/2", 1]]], [[0, -1], [0]])
    >>> found = along(net, [-3, -2], [3, 2])
    >>> [str(t) for t in found.t], found.layer.tolist(), found.neuron.tolist()
    (['1/2', '9/16'], [1, 1], [0, 1])
    """
    if len(points) < 2:
        raise EocError("a segment has two ends: give two inputs or more")
    network = piecewise_linear(model, points[0])
    rows = _rows(network, points)
    same = np.flatnonzero((rows[1:] == rows[:-1]).all(axis=1))
    if same.size:
        raise EocError(f"the segment from point {same[0]} to point {same[0] + 1} has length zero: they must differ")
    t = np.arange(len(points))
    found = _Kinks(network)
    found.walk(exactly(t) if network.is_exact else t.astype(float), {0: rows}, 1)
    return found.sorted(rows)


def _rows(network: PiecewiseLinear, points: tuple[ArrayLike, ...]) -> Array:
    arrays = [np.asarray(one) for one in points]
    if any(one.dtype.kind not in "iufO" or (one.dtype.kind == "f" and not np.isfinite(one).all()) for one in arrays):
        raise EocError("the ends of a segment must be arrays of finite numbers")
    rows = [network.rows(one) for one in arrays]
    if any(one.shape[0] != 1 for one in rows):
        raise EocError("the ends of a segment are single inputs, without the axis of the batch")
    return np.concatenate(rows)


def _distinct(t: Array) -> Array:
    """Of sorted places those that differ from the one before."""
    return t[np.append(np.ones(t[:1].size, bool), t[1:] != t[:-1])]


class _Kinks:
    """What is found on the way through a network."""

    def __init__(self, network: PiecewiseLinear) -> None:
        self._network = network
        self._layers = {at: layer for layer, at in enumerate(network.bends, 1)}
        self._found: list[tuple[Array, ...]] = []

    def sorted(self, rows: Array) -> Breakpoints:
        """All of them by place, layer and unit."""
        if not self._found:
            empty = np.empty(0, np.int64)
            return Breakpoints(self._network, np.empty(0, rows.dtype), empty, empty, empty, empty, rows)
        t, layer, unit, before, after = (np.concatenate(part) for part in zip(*self._found, strict=True))
        order = np.lexsort((unit, layer, _ranks(t)))
        return Breakpoints(self._network, t[order], layer[order], unit[order], before[order], after[order], rows)

    def walk(self, t: Array, values: dict[int, Array], at: int) -> None:
        """From the value ``at`` on, of which those before are known at the places t."""
        while at <= len(self._network.nodes):
            node = self._network.nodes[at - 1]
            if isinstance(node, Bend | Largest):
                h = values[node.inputs[0]]
                new = _between(t, node, h)
                if new.size:
                    t, values = _inserted(t, values, new)
                    h = values[node.inputs[0]]
                self._note(t, at, node.index if isinstance(node, Largest) else node.pieces.index, h)
            if t.size > 2 and t.size * node.units > _MOST:
                for part in _halves(t, values):
                    self._step(*part, at)
                return
            self._apply(values, at)
            at += 1

    def _step(self, t: Array, values: dict[int, Array], at: int) -> None:
        self._apply(values, at)
        self.walk(t, values, at + 1)

    def _apply(self, values: dict[int, Array], at: int) -> None:
        node = self._network.nodes[at - 1]
        values[at] = node(*(values[earlier] for earlier in node.inputs))
        self._network.forget(values, at)

    def _note(self, t: Array, at: int, index: object, h: Array) -> None:
        piece = index((h[1:] + h[:-1]) / 2)  # type: ignore[operator]
        place, unit = np.nonzero(piece[1:] != piece[:-1])
        layer = np.full(place.size, self._layers[at])
        before, after = (piece[place + i, unit].astype(np.int64) for i in (0, 1))
        self._found.append((t[place + 1], layer, unit, before, after))


def _ranks(t: Array) -> NDArray[np.int64]:
    """Their order as whole numbers, which can be sorted together with others."""
    order = np.argsort(t, kind="stable")
    ranks = np.empty(t.size, np.int64)
    ranks[order] = np.cumsum(np.append(0, t[order][1:] != t[order][:-1]))
    return ranks


def _halves(t: Array, values: dict[int, Array]) -> list[tuple[Array, dict[int, Array]]]:
    """Both halves, which meet inside an interval: nothing bends there."""
    middle = t.size // 2
    t, values = _inserted(t, values, (t[middle - 1 : middle] + t[middle : middle + 1]) / 2)
    ends = (slice(None, middle + 1), slice(middle, None))
    return [(t[end], {at: value[end] for at, value in values.items()}) for end in ends]


def _between(t: Array, node: Bend | Largest, h: Array) -> Array:
    """The places inside of intervals at which a unit meets a knot, or two units that are the largest are equal."""
    if isinstance(node, Bend):
        found = [_zeros(t, h - knot) for knot in node.pieces.places(h)]
        new = [place for place, *_ in found]
    else:
        new = []
        seen = node.of(h)
        for a, b in combinations(range(seen.shape[-1]), 2):
            place, i, unit = _zeros(t, seen[..., a] - seen[..., b])
            share = ((place - t[i]) / (t[i + 1] - t[i]))[:, None]
            there = seen[i, unit] * (1 - share) + seen[i + 1, unit] * share
            largest = there.max(axis=1) if place.size else place
            slack = 0 if t.dtype == object else _NEAR * np.abs(there).max(initial=0.0)
            new.append(place[there[:, a] >= largest - slack])
    joined = np.sort(np.concatenate([*new, t[:0]]))
    if t.dtype == object:
        return _distinct(joined)
    apart = joined[np.diff(joined, prepend=-1.0) > _SAME]
    i = np.searchsorted(t, apart)
    return apart[(apart - t[i - 1] > _SAME) & (t[i] - apart > _SAME)]


def _zeros(t: Array, d: Array) -> tuple[Array, IntArray, IntArray]:
    """Where columns of d change their sign inside of an interval, in which, and which column."""
    i, unit = np.nonzero(((d[:-1] < 0) & (d[1:] > 0)) | ((d[:-1] > 0) & (d[1:] < 0)))
    left, right = d[i, unit], d[i + 1, unit]
    return t[i] + (t[i + 1] - t[i]) * (left / (left - right)), i, unit


def _inserted(t: Array, values: dict[int, Array], new: Array) -> tuple[Array, dict[int, Array]]:
    """The places and the values with those at new places, by interpolation."""
    i = np.searchsorted(t, new)
    share = ((new - t[i - 1]) / (t[i] - t[i - 1]))[:, None]
    filled = {
        at: np.insert(value, i, value[i - 1] + share * (value[i] - value[i - 1]), axis=0)
        for at, value in values.items()
    }
    return np.insert(t, i, new), filled
