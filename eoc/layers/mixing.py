r"""Layers that mix the positions of an input by fixed weights: averages, uniform attention, causal means.

Of x'_a = sum_i A_ai x_i, the same for every unit, with the covariances k of all pairs of positions,

.. math:: k' = A k A^\top, \qquad m' = A m, \qquad T' = A T A^\top,

and with the half squared distances G, the row sums s of A and H = A G A^T

.. math:: q'_a = s_a (A q)_a - H_{aa}, \qquad
          G'_{ab} = H_{ab} - \frac{H_{aa} + H_{bb}}{2} + \frac{(s_a - s_b) ((A q)_a - (A q)_b)}{2},

in which nothing is subtracted from q: positions that have become alike keep their digits in q'. A Gaussian signal stays
Gaussian. What is close is known to rounding of the distances between the positions that are mixed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import NoReturn

import numpy as np

from eoc.errors import EocError, UnsupportedError
from eoc.floats import EPS, FloatArray, IntArray
from eoc.layers.bounded import Bounded
from eoc.layers.nature import Nature
from eoc.layers.pairs import Layout
from eoc.layers.signal import Products, Signal
from eoc.layers.split import Split, only_rest
from eoc.sharing import cached_property

__all__ = ["Averaged", "Mix", "Positional"]


@dataclass(frozen=True, eq=False)
class Mix:
    """x'_a = sum_i A_ai x_i of the positions of every input.

    Attributes
    ----------
    weights
        A, (positions behind it, positions before it), finite.
    positions
        The shape of the positions behind it; left out: in one row.

    Examples
    --------
    >>> from eoc.layers.inputs import Input
    >>> from eoc.layers.pairs import Pairs
    >>> x = Input(np.ones(4), np.where(np.eye(4)[np.triu_indices(4)], 0.0, 1.0), Pairs.every(1, (4,)))
    >>> Mix(np.full((1, 4), 0.25))(x).q.value.tolist()  # the mean of four independent ones
    [0.25]
    """

    weights: FloatArray
    positions: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if self.weights.ndim != 2 or not np.isfinite(self.weights).all():
            raise EocError(f"weights of positions form a matrix of finite numbers, got {self.weights!r}")
        if prod(self.shape) != len(self.weights):
            raise EocError(f"{len(self.weights)} positions have no shape {self.shape}")

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the positions behind it."""
        return (len(self.weights),) if self.positions is None else self.positions

    def __call__(self, x: Signal) -> Signal:
        """The signal behind it."""
        return _Mixed(x, self.weights, self.shape)


def _inputs(x: Signal, places: int) -> int:
    """How many inputs a signal is of, if they have so many positions of which every pair is known."""
    pairs = x.pairs
    if pairs.layout is not Layout.EVERY:
        raise UnsupportedError(
            "it mixes positions with each other, for which every pair of them has to be known: give inputs with their "
            "positions"
        )
    if pairs.places != places:
        raise UnsupportedError(f"it mixes {places} positions, but inputs have {pairs.places}")
    return x.q.value.size // places


class Positional(Signal):
    """A signal whose positions are made of several of those before it: of which one, no single variance tells."""

    @property
    def dq(self) -> Bounded:
        """Refused."""
        self._refuse("the slope of the variance map")

    @property
    def gap(self) -> Bounded:
        """Refused."""
        self._refuse("critical places")

    @cached_property
    def split(self) -> Split:
        """Nothing is known to be proportional to one variance."""
        return only_rest(self.q)

    def _of_unknown_size(self, before: Nature) -> Nature:
        unknown = np.full(before.power.shape, np.nan)
        return replace(before, factor=unknown, mean=unknown)

    def _chi_of_products(self, before: Bounded, at: IntArray) -> Bounded:
        """Chi from the products of tangents, at these pairs; infinite where those before are, as behind a jump."""
        if np.isfinite(before.value).all():
            return self.T[at]
        return Bounded(np.full(at.size, np.inf), np.zeros(at.size))

    def _refuse(self, what: str) -> NoReturn:
        raise UnsupportedError(
            f"positions are made of several others: {what} depends on all their variances, and is not known"
        )


class Averaged(Positional):
    """Weighted sums over positions of the signal ``_x``: linear, so that means over units are as the units are."""

    _x: Signal

    def _of_points(self, one: Bounded) -> Bounded:
        """What is linear in units, at every point: the same where one point stands for all positions."""
        return one

    @cached_property
    def m(self) -> Bounded:
        """Means over units, (P,)."""
        return self._of_points(self._x.m)

    @cached_property
    def dm(self) -> Bounded:
        """Derivative of m by the variance of the input, (P,)."""
        return self._of_points(self._x.dm)

    @cached_property
    def nature(self) -> Nature:
        """That of the signal before, of unknown size."""
        return self._of_unknown_size(self._x.nature)


class _Mixed(Averaged):
    def __init__(self, x: Signal, weights: FloatArray, positions: tuple[int, ...]) -> None:
        inputs = _inputs(x, weights.shape[1])
        super().__init__(x.pairs.arranged(positions, inputs), x.sources)
        self._x, self._weights, self._inputs = x, weights, inputs
        self.is_gaussian = x.is_gaussian
        self._rounding = 2.0 * EPS * (1 + int(np.count_nonzero(weights, axis=1).max(initial=0)))

    def _of_points(self, one: Bounded) -> Bounded:
        """A one, for every input."""
        value, error = (part.reshape(self._inputs, -1) for part in (one.value, one.error))
        size = np.abs(self._weights)
        off = error @ size.T + self._rounding * (np.abs(value) @ size.T)
        return Bounded((value @ self._weights.T).ravel(), off.ravel())

    def _of_pairs(self, one: Bounded) -> Bounded:
        """A one A^T as a matrix (P, P), of every pair."""
        value, error = self._x.pairs.matrix(one.value), self._x.pairs.matrix(one.error)
        size = np.abs(self._weights)
        off = self._both_sides(error + 2.0 * self._rounding * np.abs(value), size)
        return Bounded(self._both_sides(value, self._weights), off)

    def _both_sides(self, matrix: FloatArray, weights: FloatArray) -> FloatArray:
        after, before = weights.shape
        half = weights @ matrix.reshape(self._inputs, before, -1)
        whole = half.reshape(-1, self._inputs, before) @ weights.T
        return np.asarray(whole.reshape(self._inputs * after, self._inputs * after))

    @cached_property
    def _H(self) -> Bounded:
        return self._of_pairs(self._x.G)

    @cached_property
    def _own(self) -> Bounded:
        """H of points with themselves, (P,)."""
        return Bounded(np.diag(self._H.value).copy(), np.diag(self._H.error).copy())

    @cached_property
    def _sums(self) -> Bounded:
        """The row sums s, (P,)."""
        value, size = (np.tile(part.sum(axis=1), self._inputs) for part in (self._weights, np.abs(self._weights)))
        return Bounded(value, self._rounding * size)

    @cached_property
    def _means(self) -> Bounded:
        return self._of_points(self._x.q)

    @cached_property
    def q(self) -> Bounded:
        return self._sums * self._means - self._own

    @cached_property
    def G(self) -> Bounded:
        own, other = self.of_pairs(self._own)
        (s, t), (mean, other_mean) = self.of_pairs(self._sums), self.of_pairs(self._means)
        found = self.pairs.of_matrix(self._H) - (own + other) * 0.5
        if np.ptp(self._sums.value) > 0.0:
            found = found + (s - t) * (mean - other_mean) * 0.5
        alike = self.pairs.alike
        return Bounded(np.where(alike, 0.0, np.maximum(found.value, 0.0)), np.where(alike, 0.0, found.error))

    @cached_property
    def chi(self) -> Bounded:
        return self._chi_of_products(self._x.chi, np.flatnonzero(self.pairs.alike))

    def pushed(self, of: Products) -> Bounded:
        return self.pairs.of_matrix(self._of_pairs(of(self._x)))
