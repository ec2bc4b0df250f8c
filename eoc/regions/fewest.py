r"""The fewest neurons that compute the function of a two-layer network.

Every hyperplane on which the function bends needs a neuron, of one of two signs, which fixes what it adds to the linear
part: with r = lambda/mu,

.. math:: A = r \sum_H \pm \kappa_H w_H^T.

A second neuron on the same hyperplane, of the other sign, adds any y w_H^T; two neurons of opposite signs on any other
hyperplane add y g^T. So with a set D of hyperplanes that have two, the number is H + abs(D) + 2 rank of what the signs
of the others leave of A, modulo the w_H in D: the least over D and signs. Derived here.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, product

import numpy as np

from eoc.errors import EocError
from eoc.regions.model import Array
from eoc.regions.subsets import each_subset, factors, reduced, reducing
from eoc.regions.symmetry import Canonical, canonical, hyperplanes
from eoc.regions.two_layer import TwoLayer

__all__ = ["Fewest", "fewest"]

_CLOSE = 1e-9
_TRIED = 2**16  # choices of signs that are tried one by one


@dataclass(frozen=True, eq=False)
class Fewest:
    """What :func:`fewest` returns.

    Attributes
    ----------
    network
        The same function with that many neurons.
    is_proved
        Whether fewer are impossible. With one output always; with several, where choices of signs were too many to be
        tried, it may be that fewer do.
    """

    network: TwoLayer
    is_proved: bool

    @property
    def neurons(self) -> int:
        """How many there are."""
        return self.network.neurons


def fewest(net: TwoLayer, tolerance: float = _CLOSE) -> Fewest:
    """The network with the fewest neurons that computes the same function.

    Parameters
    ----------
    net
        The network, of any number of neurons.
    tolerance
        Of doubles, relative.

    Examples
    --------
    >>> from eoc.regions import two_layer
    >>> found = fewest(two_layer([[1, 2], [-1, -2], [1, 0]], [1, -1, 0], [["1", "-1", "3"]]))
    >>> found.neurons, found.is_proved
    (3, True)
    >>> fewest(two_layer([[1, 0], [3, 0], [0, 2]], [1, 3, -1], [["2", "1", "1"]])).neurons
    2
    """
    form = canonical(net, tolerance)
    search = _Search(net, form, 0.0 if net.is_exact else tolerance)
    found = search.with_own_signs()
    if found is not None and found.neurons == len(form.kappa):
        return Fewest(found, True)
    limit, proved = 2 * min(form.A.shape), True
    for more in range(limit + 1):
        if found is not None and not proved and found.neurons <= len(form.kappa) + more:
            return Fewest(found, False)
        for twice in range(min(more, len(form.kappa)) + 1):
            if (more - twice) % 2:
                continue
            other, complete = search.with_twice(twice, (more - twice) // 2)
            proved &= complete
            if other is not None:
                return Fewest(other, proved)
    raise AssertionError("signs of any kind leave a matrix of at most this rank")


class _Search:
    def __init__(self, net: TwoLayer, form: Canonical, within: float) -> None:
        self._net, self._form, self._tolerance = net, form, within
        self._w = form.hyperplanes[:, :-1]
        self._ratio = net.shift / net.mu
        size = float(abs(self._ratio) * np.abs(self._products(self._w)).sum(axis=0).max(initial=0.0))
        self._within = within * (size + float(np.abs(form.A).max(initial=0)))

    def with_own_signs(self) -> TwoLayer | None:
        """With the signs that the network has itself: two neurons where it has both."""
        signs = [one.signs for one in hyperplanes(self._net, self._tolerance)]
        doubled = [i for i, one in enumerate(signs) if len(one) == 2 and self._net.shift]
        found = self._built({i: next(iter(one)) for i, one in enumerate(signs) if i not in doubled}, doubled)
        return found if found.neurons <= len(signs) + len(doubled) else None

    def _slack(self, rows: Array) -> float:
        return self._tolerance * float(np.abs(rows).max(initial=0))

    def _products(self, w: Array) -> Array:
        """kappa_H w_H^T of every hyperplane, as rows (H, k d)."""
        return (self._form.kappa[:, :, None] * w[:, None, :]).reshape(len(w), self._form.A.size)

    def with_twice(self, twice: int, pairs: int) -> tuple[TwoLayer | None, bool]:
        """With so many hyperplanes that have two neurons, and so many further pairs; and whether all was tried."""
        complete = True
        for doubled in combinations(range(len(self._w)), twice):
            others = [i for i in range(len(self._w)) if i not in doubled]
            basis, pivots = reducing(self._w[list(doubled)], self._slack(self._w))
            vectors = self._ratio * self._products(reduced(self._w, basis, pivots))[others]
            target = reduced(self._form.A, basis, pivots)
            signs, tried = self._signs(vectors, target, pairs)
            complete &= tried
            if signs is not None:
                return self._built(dict(zip(others, signs, strict=True)), list(doubled)), True
        return None, complete

    def _signs(self, vectors: Array, target: Array, pairs: int) -> tuple[tuple[int, ...] | None, bool]:
        """Signs of the vectors whose sum differs from the target by a matrix of rank ``pairs`` at most."""
        n, flat = len(vectors), target.ravel()
        if not pairs:
            try:
                minus = next(each_subset(2 * vectors, vectors.sum(axis=0) - flat, self._within), None)
            except EocError:  # too many
                return None, False
            return None if minus is None else tuple(-1 if i in minus else 1 for i in range(n)), True
        if pairs >= min(target.shape):
            return (1,) * n, True
        if 2**n > _TRIED:
            return None, False
        for signs in product((1, -1), repeat=n):
            left = (flat - np.array(signs, vectors.dtype) @ vectors if n else flat).reshape(target.shape)
            if len(reducing(left, self._within)[1]) <= pairs:
                return signs, True
        return None, True

    def _built(self, signs: dict[int, int], doubled: list[int]) -> TwoLayer:
        form, net = self._form, self._net
        sign = np.array([signs.get(i, 1) for i in range(len(self._w))], int)
        left = form.A - self._ratio * (form.kappa * sign[:, None]).T @ self._w
        rows = [(sign[:, None] * form.hyperplanes, form.kappa / net.mu)]
        if doubled:
            weights = self._solved(left, doubled) / (2 * net.shift)
            # v phi(h) + u phi(-h): v + u = kappa / mu, and v - u is what it has to be
            rows[0][1][doubled] = rows[0][1][doubled] + weights.T
            rows.append((-form.hyperplanes[doubled], -weights.T))
            left = left - 2 * net.shift * weights @ self._w[doubled]
        outer, inner = factors(left, self._within)
        if len(inner):
            flat = np.concatenate([inner, inner[:, :1] * 0], axis=1)
            half = outer.T / (2 * net.shift)
            rows += [(flat, half), (-flat, -half)]
        planes, outputs = (np.concatenate(part) for part in zip(*rows, strict=True))
        zero = form.B * 0
        found = TwoLayer(planes[:, :-1], planes[:, -1], outputs.T, zero, net.mu, net.shift)
        return TwoLayer(found.W, found.b, found.V, form.B - canonical(found).B, net.mu, net.shift)

    def _solved(self, left: Array, doubled: list[int]) -> Array:
        """What Y is in left = Y w of the doubled hyperplanes, modulo what cannot be solved for, (k, D)."""
        w = self._w[doubled]
        _, pivots = reducing(w, self._slack(w))
        count, k = len(doubled), left.shape[0]
        system = np.concatenate([w[:, pivots].T, left[:, pivots].T], axis=1)  # w^T Y^T = left^T at the pivots
        solved, own = reducing(system, self._slack(w))
        out = np.zeros((count, k), left.dtype)
        for row, column in zip(solved, own, strict=True):
            if column < count:
                out[column] = row[count:]
        return out.T
