r"""Coordinates in which expectations at two variances are analytic up to equal inputs.

For variances q_a >= q_b and a correlation c >= 0, let y = sqrt(2 (1 - c)) and delta = (s_a - s_b) / sqrt(s_a s_b),
s = sqrt(q), so that Var(u - v) = s_a s_b (y^2 + delta^2). Expectations of a phi with kinks are analytic in log q_a, y
and delta but for y = delta = 0, where they are so in every direction. Three charts cover all pairs:

=====  =========================  ====================
chart  R                          tau
=====  =========================  ====================
0      y, where delta <= y        delta / y
1      delta, where y < delta     y / delta
2      delta > sqrt(2)            y / sqrt(2)
=====  =========================  ====================

For c < 0 the same holds of u and -v, with y = sqrt(2 (1 + c)). A kink of phi at h != 0 brings exp(-h^2 / (2 q tau^2))
to chart 1, and two kinks g apart exp(-g^2 / (2 q R^2)): both vanish faster than any power but are not analytic at 0, so
that boxes are halved towards 0 as far as such terms are seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eoc.activations.base import Activation
from eoc.floats import FloatArray, IntArray

__all__ = ["LARGEST", "Box", "BoxTree", "variances_and_distances"]

LARGEST = 1.6e4  #: ratio of two variances, for which delta is a bit less than 8 sqrt(2)
_ROOT = 2.0**0.5
_ENDS = (np.array([0.0, 0.35, 0.75, _ROOT]), np.array([0.0, 0.35, 0.75, _ROOT]), _ROOT * 2.0 ** (0.5 * np.arange(7.0)))
_PARTS = (np.array([0.0, 0.25, 0.5, 1.0]), np.array([0.0, 0.5, 1.0]), np.array([0.0, 0.5, 1.0]))
_SEEN = 9.0


@dataclass(frozen=True)
class Box:
    """A box in R and tau of a chart; ``sign`` is that of c, ``halvings`` how often it was halved."""

    sign: int
    chart: int
    low: tuple[float, float]
    high: tuple[float, float]
    halvings: int = 0

    def halves(self, along: int) -> tuple[Box, Box]:
        """Both halves in R (0) or tau (1)."""
        middle = 0.5 * (self.low[along] + self.high[along])
        ends = [(middle, x[1]) if along == 0 else (x[0], middle) for x in (self.high, self.low)]
        return (
            Box(self.sign, self.chart, self.low, ends[0], self.halvings + 1),
            Box(self.sign, self.chart, ends[1], self.high, self.halvings + 1),
        )


class BoxTree:
    """Boxes, and the trees that lead to them.

    Attributes
    ----------
    boxes
        All of them, those that were halved too.
    nodes
        Whether R (0) or tau (1) decides, at which value, and where to go below and above; of a leaf -1, 0, the number
        of its box, and -1.
    """

    def __init__(self) -> None:
        self.boxes: list[Box] = []
        self.nodes: list[tuple[int, float, int, int]] = []

    def plant(self, phi: Activation, sign: int, chart: int, s: float) -> int:
        """The root of a tree of the first boxes of a chart, for variances up to s^2."""

        def planted(r: FloatArray, tau: FloatArray) -> int:
            if r.size == tau.size == 2:
                return self._leaf(Box(sign, chart, (float(r[0]), float(tau[0])), (float(r[1]), float(tau[1]))))
            along, axis = (0, r) if r.size > 2 else (1, tau)
            here, middle = len(self.nodes), axis.size // 2
            self.nodes.append((along, float(axis[middle]), 0, 0))
            below, above = (
                planted(part, tau) if along == 0 else planted(r, part) for part in (axis[: middle + 1], axis[middle:])
            )
            self.nodes[here] = (along, float(axis[middle]), below, above)
            return here

        return planted(*_first_ends(phi, sign, chart, s))

    def halve(self, leaf: int, along: int) -> tuple[int, int]:
        """Both halves of a box are leaves in its place."""
        one, two = self.boxes[self.nodes[leaf][2]].halves(along)
        halves = self._leaf(one), self._leaf(two)
        self.nodes[leaf] = (along, one.high[along], *halves)
        return halves

    def arrays(self, place: IntArray) -> tuple[IntArray, FloatArray]:
        """What decides and where to go, (T, 3), with the ``place`` of boxes in tables at leaves, and at which value."""
        tree = np.array([(along, below, above) for along, _, below, above in self.nodes], np.int64)
        leaves = tree[:, 0] < 0
        tree[leaves, 1] = place[tree[leaves, 1]]
        return tree, np.array([at for _, at, _, _ in self.nodes])

    def _leaf(self, box: Box) -> int:
        self.boxes.append(box)
        self.nodes.append((-1, 0.0, len(self.boxes) - 1, -1))
        return len(self.nodes) - 1


def _first_ends(phi: Activation, sign: int, chart: int, s: float) -> tuple[FloatArray, FloatArray]:
    """The ends in R, and in tau, of the boxes of a chart, for variances up to s^2."""
    knots = np.asarray(phi.knots, dtype=float)
    knots = knots[np.abs(knots) < _SEEN * s]
    ends, parts = _ENDS[chart], _PARTS[chart]
    if chart < 2:
        gaps = np.abs(np.subtract.outer(knots, sign * knots))
        ends = _halved(ends, gaps[gaps > 0.0], s)
    if chart > 0:
        parts = _halved(parts, np.abs(knots[knots != 0.0]), s)
    return ends, parts


def _halved(ends: FloatArray, sizes: FloatArray, s: float) -> FloatArray:
    """Ends from 0 with the first interval halved until it is shorter than the sizes in units of 9 s."""
    while sizes.size and ends[1] > sizes.min() / (_SEEN * s):
        ends = np.insert(ends, 1, 0.5 * ends[1])
    return ends


def variances_and_distances(
    chart: int, q_a: FloatArray, r: FloatArray, tau: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """q_b and 1 - |c| of points of a chart."""
    delta = tau * r if chart == 0 else r
    y = r if chart == 0 else tau * r if chart == 1 else _ROOT * tau
    return q_a * np.exp(-4.0 * np.arcsinh(0.5 * delta)), 0.5 * y**2
