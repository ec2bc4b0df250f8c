r"""Series of K = E[phi(u) phi(v)] and Kd = E[phi'(u) phi'(v)] for all variances in a range.

In the coordinates R and tau of :mod:`eoc.gaussian.charts`, and with the values at equal inputs, or opposite ones for
c < 0, taken out,

.. math:: \frac{K}{\sqrt{q_a q_b}} = f_0(\log q_a) + R\, f(\log q_a, R, \tau)

with an analytic f, and so for Kd: slopes by y and by delta are those of f, without a division by R.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from eoc.activations.base import Activation, Smoothness
from eoc.errors import AccuracyError, EocError, UnsupportedError
from eoc.floats import FloatArray, IntArray
from eoc.gaussian.charts import LARGEST, Box, BoxTree, variances_and_distances
from eoc.gaussian.moments import Estimate, moments
from eoc.gaussian.nodes import chebyshev_nodes, to_chebyshev
from eoc.gaussian.pairs import pair_moments
from eoc.sharing import cached

__all__ = ["DualTables", "dual_tables"]

TERMS = (14, 16, 14)  # of the series in log q_a, R and tau
_TAIL = 2  # coefficients whose size tells whether a series has converged
_RESOLVED = 2e-13  # for these, relative to K and Kd at equal inputs
_HALVINGS = 8
_ACCURACY = 1e-10  # relative error above which there is no function
_SMALLEST = 1e-300


@dataclass(frozen=True)
class DualTables:
    """Series for variances in [low, high], powers of 2.

    Attributes
    ----------
    name
        Of the activation.
    low, high
        0 and infinity for positively homogeneous activations, whose tables are those at q = 1, for y alone.
    is_smooth
        Whether the slope of Kd is finite at equal inputs.
    parity
        By which K at -c is that at c; 0 without parity.
    roots : (octaves, 6)
        Of the trees, for the three charts and both signs of c.
    tree, at, levels
        As of :class:`BoxTree`, and the longest way through it.
    spans : (B, 4)
        The least R and tau of a box, and the largest.
    ends : (B, Q, 2)
        Chebyshev coefficients of f_0, of both functions.
    series : (B, Q R, TAU 2)
        Of f.
    error
        Bounds on the errors of K relative to sqrt(V_a V_b), and of Kd relative to sqrt(D_a D_b).
    """

    name: str
    low: float
    high: float
    is_smooth: bool
    parity: int
    roots: IntArray
    tree: IntArray
    at: FloatArray
    levels: int
    spans: FloatArray
    ends: FloatArray
    series: FloatArray
    error: tuple[float, float]

    @property
    def is_homogeneous(self) -> bool:
        """Whether phi(s x) = s phi(x)."""
        return self.low == 0.0


@cached(8)
def dual_tables(phi: Activation, low: float, high: float) -> DualTables:
    """For variances from ``low`` to ``high``, and to the next powers of 2.

    Raises
    ------
    EocError
        For a range that is none, or too wide.
    UnsupportedError
        Where phi jumps.
    AccuracyError
        Where phi cannot be tabulated.
    """
    if phi.smoothness is Smoothness.JUMP:
        raise UnsupportedError(f"{phi.name} jumps: E[phi'(u) phi'(v)] has deltas, and is infinite at equal inputs")
    if phi.is_positively_homogeneous:
        return _Builder(phi, 1.0, (1, TERMS[1], 1)).tables(0.0, np.inf, range(1))
    if not 0.0 < low < high < np.inf:
        raise EocError(f"q must be two variances, 0 < low < high, got {(low, high)!r}")
    octaves = range(int(np.floor(np.log2(low))), int(np.ceil(np.log2(high))))
    if (ratio := 2.0 ** len(octaves)) > LARGEST:
        raise EocError(f"variances may differ by a factor of {LARGEST:g} at most, got q = {(low, high)!r}")
    return _Builder(phi, ratio, TERMS).tables(2.0**octaves.start, 2.0**octaves.stop, octaves)


class _Builder:
    """Boxes of all octaves, sampled from pair_moments and halved until they are resolved."""

    def __init__(self, phi: Activation, ratio: float, terms: tuple[int, int, int]) -> None:
        self._phi, self._terms = phi, terms
        self._furthest = 2.0 * np.sinh(0.25 * np.log(ratio))  # delta
        self._x, self._to_series = [chebyshev_nodes(n) for n in terms], [to_chebyshev(n) for n in terms]
        self._tree = BoxTree()
        self._place: dict[int, int] = {}
        self._ends: list[FloatArray] = []
        self._series: list[FloatArray] = []
        self._error = np.zeros(2)

    def tables(self, low: float, high: float, octaves: Iterable[int]) -> DualTables:
        signs, parity = ((1,), 1 if self._phi.parity == "even" else -1) if self._phi.parity else ((1, -1), 0)
        roots = []
        for octave in octaves:
            ends = {sign: self._at_ends(octave, sign) for sign in signs}
            planted = [self._planted(octave, sign, chart, ends[sign]) for sign in signs for chart in range(3)]
            roots.append((planted * 2)[:6])
        if not (self._error <= _ACCURACY).all():
            raise AccuracyError(f"{self._phi.name} cannot be tabulated: errors are up to {self._error.max():.1g}")
        place = np.zeros(len(self._tree.boxes), np.int64)
        place[list(self._place)] = list(self._place.values())
        tree, at = self._tree.arrays(place)
        spans = np.array([(*self._tree.boxes[n].low, *self._tree.boxes[n].high) for n in self._place])
        return DualTables(
            name=self._phi.name,
            low=low,
            high=high,
            is_smooth=not self._phi.kinks,
            parity=parity,
            roots=np.array(roots),
            tree=tree,
            at=at,
            levels=max(_depth(tree, root) for one in roots for root in one),
            spans=spans,
            ends=np.stack(self._ends),
            series=np.stack(self._series),
            error=(float(self._error[0]), float(self._error[1])),
        )

    def _planted(self, octave: int, sign: int, chart: int, ends: FloatArray) -> int:
        """The root of a chart whose boxes are built, those that no pair in the range can reach left out."""
        before = len(self._tree.nodes)
        root = self._tree.plant(self._phi, sign, chart, 2.0 ** (0.5 * (octave + 1)))
        left = list(range(before, len(self._tree.nodes)))
        while left:
            leaf = left.pop()
            along, _, number, _ = self._tree.nodes[leaf]
            if along < 0 and self._reached(self._tree.boxes[number]):
                left += self._built(octave, leaf, number, ends)
        return root

    def _reached(self, box: Box) -> bool:
        if self._terms[2] == 1:  # of a homogeneous phi y alone counts
            return box.chart == 0 and box.low[1] == 0.0
        return box.chart == 0 or box.low[0] < self._furthest

    def _built(self, octave: int, leaf: int, number: int, ends: FloatArray) -> list[int]:
        """The series of a box, or its halves."""
        box = self._tree.boxes[number]
        values, noise, size = self._sampled(octave, box, ends)
        series = np.einsum("ai,bj,ck,ijkf->abcf", *self._to_series, values, optimize=True)
        sizes = box.high[0] * np.abs(series) / size
        tails = [sizes[-_TAIL:], sizes[:, -_TAIL:], sizes[:, :, -_TAIL:]]
        along = [float(tail.max()) if n > 1 else 0.0 for tail, n in zip(tails[1:], self._terms[1:], strict=True)]
        worst = int(np.argmax(along))
        if along[worst] > _RESOLVED and box.halvings < _HALVINGS:
            return list(self._tree.halve(leaf, worst))
        left_out = sum(tail.sum(axis=(0, 1, 2)) for tail, n in zip(tails, self._terms, strict=True) if n > 1)
        self._error = np.maximum(self._error, noise + 2.0 * left_out)
        self._place[number] = len(self._series)
        self._ends.append(self._to_series[0] @ ends)
        self._series.append(series.reshape(self._terms[0] * self._terms[1], -1))
        return []

    def _sampled(self, octave: int, box: Box, ends: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Both f at the nodes of a box, (Q, R, TAU, 2), their noise, and the size of K / sqrt(q_a q_b) and of Kd."""
        r, tau = (0.5 * (a + b) + 0.5 * (b - a) * x for a, b, x in zip(box.low, box.high, self._x[1:], strict=True))
        q_a, at_r, at_tau = (x.ravel() for x in np.meshgrid(self._variances(octave), r, tau, indexing="ij"))
        q_b, e = variances_and_distances(box.chart, q_a, at_r, at_tau)
        found, sizes = self._moments(q_a, q_b, e, box.sign)
        values = (found.value.reshape(*self._terms, 2) - ends[:, None, None]) / r[:, None, None]
        return values, (found.error / sizes).max(axis=0), sizes.max(axis=0)

    def _at_ends(self, octave: int, sign: int) -> FloatArray:
        """Both f_0 at the nodes, (Q, 2)."""
        q = self._variances(octave)
        return self._moments(q, q, np.zeros(q.size), sign)[0].value

    def _moments(self, q_a: FloatArray, q_b: FloatArray, e: FloatArray, sign: int) -> tuple[Estimate, FloatArray]:
        """K / sqrt(q_a q_b) and Kd at 1 - |c| = e, (n, 2), and what errors of both are measured by."""
        q, index = np.unique(np.concatenate([q_a, q_b]), return_inverse=True)
        first, second = index[: e.size], index[e.size :]
        at = e if sign > 0 else 2.0 - e
        found = pair_moments(self._phi, q, first, second, one_minus_c=at, names=("K", "Kd"))
        one, unit = moments(self._phi, q, ("V", "D")), np.stack([np.sqrt(q_a * q_b), np.ones(e.size)], axis=1)
        sizes = np.stack([np.sqrt(one[name].value[first] * one[name].value[second]) for name in ("V", "D")], axis=1)
        value, error = (
            np.stack([getattr(found[name], part) for name in ("K", "Kd")], axis=1) / unit for part in ("value", "error")
        )
        if sign < 0:  # 2 - e was rounded, which only kinks feel
            value[:, 1] += unit[:, 0] * self._kinks_at_opposite(q_a, q_b, e) * (e - (2.0 - at))
        return Estimate(value, error), sizes / unit

    def _kinks_at_opposite(self, q_a: FloatArray, q_b: FloatArray, e: FloatArray) -> FloatArray:
        """What pairs of kinks of phi' add to E[phi'(u) phi'(v)] by the covariance, at 1 + c = e."""
        total, square = np.zeros(e.size), np.maximum(e * (2.0 - e), _SMALLEST)
        for one in self._phi.kinks:
            for other in self._phi.kinks:
                a, b = one.x / np.sqrt(q_a), -other.x / np.sqrt(q_b)
                exponent = ((a - b) ** 2 + 2.0 * e * a * b) / (2.0 * square)
                total += one.kink * other.kink * np.exp(-exponent) / (2.0 * np.pi * np.sqrt(q_a * q_b * square))
        return total

    def _variances(self, octave: int) -> FloatArray:
        return 2.0**octave * 2.0 ** (0.5 * (1.0 + self._x[0]))


def _depth(tree: IntArray, root: int) -> int:
    """The longest way from a root to a leaf."""
    along, below, above = tree[root].tolist()
    return 0 if along < 0 else 1 + max(_depth(tree, below), _depth(tree, above))
