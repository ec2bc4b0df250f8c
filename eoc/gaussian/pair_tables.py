r"""Tables of expectations at two variances: Chebyshev series in log q_a and the two coordinates of a chart.

For c >= 0 what is kept is G / (s_a s_b R^2). Close to equal inputs G is a sum of what is >= 0 and keeps its digits,

.. math:: G = \frac{G_{aa} + G_{bb}}{2} + \frac12 E[(A_a - A_b)^2],

see :mod:`eoc.gaussian.common_part`, and further away (V_a + V_b)/2 - K. For c < 0 it is K / (s_a s_b) of u and
-v. In both cases Kd goes with it. Boxes (:mod:`eoc.gaussian.charts`) are built when pairs fall into them, and
halved where the series do not converge; whether they do depends on the box alone, so that values depend on what was
asked before by rounding at most.
"""

from __future__ import annotations

import numpy as np

from eoc.activations.base import Activation, Smoothness
from eoc.errors import AccuracyError
from eoc.floats import EPS, FloatArray, IntArray
from eoc.gaussian import kernels
from eoc.gaussian.charts import Box, BoxTree, variances_and_distances
from eoc.gaussian.common_part import CLOSE, CommonPart, EqualVariances
from eoc.gaussian.divergence import vertical
from eoc.gaussian.kernels import PairBoxes
from eoc.gaussian.moments import moments
from eoc.gaussian.nodes import chebyshev_nodes, to_chebyshev
from eoc.sharing import cached

__all__ = ["PairTables", "pair_tables"]

_TERMS = kernels.PAIR_TERMS
_X, _TO_SERIES = [chebyshev_nodes(n) for n in _TERMS], [to_chebyshev(n) for n in _TERMS]
_TAIL = 2  # coefficients whose size tells whether a series has converged
_RESOLVED = 1e-12
_HALVINGS = 6
_UNBUILT = -1
_LEFT_OUT = 1e-13  # of the largest coefficient: what may be left out
_USELESS = 1e-8  # an error above this fraction of the largest value is not good enough
_MOST_KNOTS = 8
_SMALLEST = 1e-300


@cached(16)
def pair_tables(phi: Activation, octave: int) -> PairTables | None:
    """Those for larger variances from 2^octave to twice that; None where phi is not for tables."""
    if not _suits(phi):
        return None
    try:
        return PairTables(phi, octave)
    except AccuracyError:
        return None


def _suits(phi: Activation) -> bool:
    """Whether phi is continuous, has finite slopes and few knots, and does not grow too fast."""
    tame = bool(np.isfinite([[b.left[:2], b.right[:2]] for b in phi.breakpoints]).all()) and not vertical(phi)
    grows = phi.growth.kind in ("gaussian", "faster")
    return tame and not grows and phi.smoothness is not Smoothness.JUMP and len(phi.knots) <= _MOST_KNOTS


class PairTables:
    """All boxes for larger variances q_a in [low, 2 low].

    Attributes
    ----------
    boxes
        What is there, as :func:`eoc.gaussian.kernels.evaluate_pairs` reads it: replaced as a whole when it grows.
    """

    def __init__(self, phi: Activation, octave: int) -> None:
        self.phi, self.low = phi, 2.0**octave
        self._means = CommonPart(phi, 2.0 * self.low)
        self._equal = EqualVariances.of(self._means, 2.0 * self.low)
        self._lock = phi.cache.lock
        self._tree = BoxTree()
        self._place: dict[int, int] = {}  # of boxes that are built: where they are in the tables
        self._tables: list[tuple[FloatArray, IntArray, FloatArray]] = []
        signs = (1,) if phi.parity is not None else (1, -1)
        s = (2.0 * self.low) ** 0.5
        roots = [self._tree.plant(phi, sign, chart, s) for sign in signs for chart in range(3)]
        self._roots = np.array((roots * 2)[:6])
        self.boxes = self._published()

    def build(self, leaves: IntArray) -> None:
        """Build these leaves of the tree."""
        with self._lock:
            for leaf in np.unique(leaves):
                along, _, number, _ = self._tree.nodes[leaf]
                if along < 0 and number not in self._place:  # another thread may have been here
                    self._build(int(leaf), number)
            self.boxes = self._published()

    def _build(self, leaf: int, number: int) -> None:
        box = self._tree.boxes[number]
        try:
            series, error, tails = self._series(box)
        except AccuracyError:
            series, error, tails = np.zeros((_TERMS[0], 2, *_TERMS[1:])), np.full(4, np.inf), np.zeros(2)
        worst = int(np.argmax(tails))
        if tails[worst] > _RESOLVED and box.halvings < _HALVINGS:
            self._tree.halve(leaf, worst)
            return
        first, second, falling, least = error
        bounds, sizes = np.array([first + falling / least, second]), np.abs(series).max(axis=(0, 2, 3))
        if not (bounds <= _USELESS * sizes).all():  # nan too
            series, error = np.zeros(series.shape), np.array([np.inf, np.inf, np.inf, 1.0])
        self._place[number] = len(self._tables)
        self._tables.append(_packed(series, error))

    def _published(self) -> PairBoxes:
        place = np.full(len(self._tree.boxes), _UNBUILT)
        place[list(self._place)] = list(self._place.values())
        tree, at = self._tree.arrays(place)
        spans = np.array([np.ravel(_span(self._tree.boxes[number])) for number in self._place]).reshape(-1, 4)
        series = np.concatenate([np.empty((_TERMS[0], 0)), *(packed for packed, _, _ in self._tables)], axis=1)
        lengths = np.array([packed.shape[1] for packed, _, _ in self._tables], np.int64)
        starts = np.cumsum(lengths) - lengths
        counts = np.array([c for _, c, _ in self._tables], np.int64).reshape(-1, _TERMS[1])
        errors = np.array([e for _, _, e in self._tables]).reshape(-1, 4)
        return PairBoxes(self._roots, tree, at, spans, starts, lengths, counts, series, errors)

    def _series(self, box: Box) -> tuple[FloatArray, FloatArray, FloatArray]:
        """The series (q, 2, R, tau), what bounds the errors (4,), and tails in R and tau relative to the size."""
        q_a = 2.0 * self.low * 2.0 ** (-0.5 * (1.0 - _X[0]))
        low, high = _span(box)
        r, tau = (0.5 * (a + b) + 0.5 * (b - a) * x for a, b, x in zip(low, high, _X[1:], strict=True))
        r[0] = box.low[0] if _is_closest(box) else r[0]
        q_a, r, tau = (part.ravel() for part in np.meshgrid(q_a, r, tau, indexing="ij"))
        values, noise = np.empty((2, 2, q_a.size))
        for here, function in ((r > 0.0, self._at), (r == 0.0, self._limit)):
            if here.any():
                values[:, here], noise[:, here] = function(box, q_a[here], r[here], tau[here])
        values = values.reshape(2, *_TERMS)
        series = np.einsum("ai,bj,ck,fijk->afbc", *_TO_SERIES, values, optimize=True)
        sizes = np.abs(series)
        size = np.abs(values).max(axis=(1, 2, 3))
        along = [
            sizes[-_TAIL:].sum(axis=(0, 2, 3)),
            sizes[:, :, -_TAIL:].sum(axis=(0, 2, 3)),
            sizes[..., -_TAIL:].sum(axis=(0, 2, 3)),
        ]
        left_out = 2.0 * sum(along) + 4.0 * EPS * sizes.sum(axis=(0, 2, 3))
        least = r[r > 0.0].min()
        steady, falling = 2.0 * noise.max(axis=1), 0.0
        if box.sign > 0:  # noise of G is like 1/R, and stays where it is
            steady[0], falling = 0.0, 2.0 * float((noise[0] * np.maximum(r, least)).max())
        error = np.array([*(left_out + steady), falling, least])
        return series, error, np.array([(part / np.maximum(size, _SMALLEST)).max() for part in along[1:]])

    def _limit(self, box: Box, q_a: FloatArray, _: FloatArray, tau: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The limits R -> 0 of what is tabulated: (y^2 E[phi'^2] + delta^2 E[Z^2 phi'^2]) / (2 R^2), and E[phi'^2]."""
        d = moments(self.phi, q_a, ("D",))["D"]
        q, index = np.unique(q_a, return_inverse=True)
        turned, off = (part[index] for part in self._means.turned_slopes(q))
        of_y, of_delta = (0.5, 0.5 * tau**2) if box.chart == 0 else (0.5 * tau**2, 0.5)
        g, g_off = of_y * d.value + of_delta * turned, of_y * d.error + of_delta * off
        return np.stack([g, d.value]), np.stack([g_off, d.error])

    def _at(self, box: Box, q_a: FloatArray, r: FloatArray, tau: FloatArray) -> tuple[FloatArray, FloatArray]:
        """What is tabulated at points (n,) of a box, and bounds on the errors, (2, n)."""
        q_b, e = variances_and_distances(box.chart, q_a, r, tau)
        found, off = self._means(q_a, q_b, e, box.sign)
        (k, kd, apart), (k_off, kd_off, apart_off) = found.T, off.T
        s_a, s_b = np.sqrt(q_a), np.sqrt(q_b)
        unit = s_a * s_b
        if box.sign < 0:
            return np.stack([k / unit, kd]), np.stack([k_off / unit, kd_off])
        if box.high[0] <= CLOSE:
            y, delta = np.sqrt(2.0 * e), (tau * r if box.chart == 0 else r)
            apart *= (delta * (s_a + s_b) * np.sqrt(unit) / (q_a - q_b)) ** 2  # q_b was rounded
            g = 0.5 * e * (q_a * self._equal(q_a, y) + q_b * self._equal(q_b, y)) + apart
            g_off = 0.5 * e * (q_a + q_b) * self._equal.error + apart_off
        else:
            v = moments(self.phi, np.stack([q_a, q_b]), ("V",))["V"]
            g = 0.5 * v.value.sum(axis=0) - k
            g_off = 0.5 * v.error.sum(axis=0) + k_off + 2.0 * EPS * v.value.sum(axis=0)
        return np.stack([g / (unit * r**2), kd]), np.stack([g_off / (unit * r**2), kd_off])


def _packed(series: FloatArray, error: FloatArray) -> tuple[FloatArray, IntArray, FloatArray]:
    """The coefficients that count, (q, length), how many in tau for each in R, and the errors with what is left out."""
    sizes = np.abs(series).sum(axis=0)  # (2, R, tau)
    beyond = np.cumsum(sizes[..., ::-1], axis=2)[..., ::-1]
    limit = _LEFT_OUT / _TERMS[1] * sizes.max(axis=(1, 2))[:, None]
    counts, error = np.full(_TERMS[1], _TERMS[2]), error.copy()
    for count in (*kernels.PAIR_COUNTS[::-1], 0):
        counts[(beyond[..., count] <= limit).all(axis=0)] = count
    counts[0] = max(counts[0], kernels.PAIR_COUNTS[0])
    kept = np.arange(_TERMS[2]) < counts[:, None]
    error[:2] += np.where(kept, 0.0, sizes).sum(axis=(1, 2))
    rows = [series[:, :, r, :count].reshape(len(series), -1) for r, count in enumerate(counts)]
    return np.concatenate(rows, axis=1), counts, error


def _is_closest(box: Box) -> bool:
    """Whether equal inputs are at its edge, where G is known: what is close to it has the most noise."""
    return box.sign > 0 and box.low[0] == 0.0


def _span(box: Box) -> tuple[tuple[float, float], tuple[float, float]]:
    """The ends of its series: those of the closest box begin below R = 0, so that the first node is there."""
    if not _is_closest(box):
        return box.low, box.high
    first = 1.0 + float(_X[1][0])  # from -1
    return (-box.high[0] * first / (2.0 - first), box.low[1]), box.high
