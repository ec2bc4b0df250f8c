r"""Layers of positions round a circle that are all alike, whose pairs are known by their offset.

Means over windows of taps d, whose shares v_d add up to 1, at every s-th position are alike again, with

.. math:: k'(\delta) = \sum_{d, e} v_d v_e \, k(s \delta + e - d),

and a single tap is every s-th position itself. Of weights w(\delta, \cdot) of such a sum, which add up to 1,

.. math:: q'_a = q_a - (w G_{aa})(0), \qquad
          G'_{ab} = w G_{ab} - \frac{(w G_{aa})(0) + (w G_{bb})(0)}{2}, \qquad T' = w T .
"""

from __future__ import annotations

import numpy as np

from eoc.errors import UnsupportedError
from eoc.floats import EPS, FloatArray
from eoc.layers.bounded import Bounded
from eoc.layers.mixing import Averaged
from eoc.layers.pairs import Pairs
from eoc.layers.signal import Products, Signal
from eoc.sharing import cached_property

__all__ = ["averaged_offsets", "mean_of_offsets", "thinned"]


def thinned(x: Signal, stride: int) -> Signal:
    """Every so many positions of a signal."""
    return averaged_offsets(x, (1,) * len(x.pairs.positions), stride)


def averaged_offsets(x: Signal, window: tuple[int, ...], stride: int) -> Signal:
    """Means over windows of this shape, so many positions apart.

    Raises
    ------
    UnsupportedError
        If the positions round the circle are no multiple of the stride.
    """
    positions = x.pairs.positions
    if any(n % stride for n in positions):
        raise UnsupportedError(
            f"positions {positions} round a circle are no multiple of the stride {stride}: where it closes they would "
            "differ; give inputs with all their positions"
        )
    after = tuple(n // stride for n in positions)
    at = np.indices(after).reshape(len(after), 1, -1) * stride
    taps = np.indices(window).reshape(len(window), -1)
    apart = (taps[:, :, None] - taps[:, None, :]).reshape(len(window), -1, 1)
    seen = np.ravel_multi_index(list((at + apart) % np.array(positions)[:, None, None]), positions)
    weights = np.zeros((at.shape[-1], x.pairs.places))
    np.add.at(weights, (np.arange(at.shape[-1]), seen), 1.0 / apart.shape[1])
    return _OverOffsets(x, weights, after)


def mean_of_offsets(x: Signal) -> Signal:
    """The mean over all positions."""
    return _OverOffsets(x, np.full((1, x.pairs.places), 1.0 / x.pairs.places), ())


class _OverOffsets(Averaged):
    def __init__(self, x: Signal, weights: FloatArray, positions: tuple[int, ...]) -> None:
        inputs = x.q.value.size
        pairs = x.pairs.arranged(positions, inputs) if positions else Pairs.every(inputs, ())
        super().__init__(pairs, x.sources)
        self._x, self._weights, self.is_gaussian = x, weights, x.is_gaussian
        first, second = np.triu_indices(inputs)
        self._own = np.flatnonzero(first == second) * len(weights)  # each input with itself, at offset 0

    def _over(self, one: Bounded) -> Bounded:
        """The sum over offsets."""
        value, error = (part.reshape(-1, self._weights.shape[1]) for part in (one.value, one.error))
        terms = int(np.count_nonzero(self._weights, axis=1).max())
        off = error + (EPS * (terms + 2)) * np.abs(value)
        return Bounded((value @ self._weights.T).ravel(), (off @ self._weights.T).ravel())

    @cached_property
    def _distances(self) -> Bounded:
        return self._over(self._x.G)

    @cached_property
    def q(self) -> Bounded:
        return self._x.q - self._distances[self._own]

    @cached_property
    def G(self) -> Bounded:
        a, b = self.of_pairs(self._distances[self._own])
        found = self._distances - (a + b) * 0.5
        alike = self.pairs.alike
        return Bounded(np.where(alike, 0.0, np.maximum(found.value, 0.0)), np.where(alike, 0.0, found.error))

    @cached_property
    def chi(self) -> Bounded:
        return self._chi_of_products(self._x.chi, self._own)

    def pushed(self, of: Products) -> Bounded:
        return self._over(of(self._x))
