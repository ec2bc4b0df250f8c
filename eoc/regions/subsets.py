"""Subsets of vectors with a given sum, and elimination, for doubles and for fractions."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np

from eoc.errors import EocError
from eoc.regions.model import Array

__all__ = ["each_subset", "factors", "reduced", "reducing", "subsets"]

_MOST_SUMS = 2**24  # numbers of one half
_MOST_FOUND = 2**16
_ROUGH = 1e-9  # of the largest sum: what projections to doubles may be off


def subsets(vectors: Array, target: Array, within: float) -> list[tuple[int, ...]]:
    """All subsets of vectors (n, m) whose sum is the target (m,).

    Parameters
    ----------
    vectors, target
        Doubles or fractions.
    within
        How far every entry of a sum may be off; 0 in fractions.

    Raises
    ------
    EocError
        For too many vectors, about 40, or more than 65536 subsets.

    Examples
    --------
    >>> subsets(np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]]), np.zeros(2), 0.0)
    [(), (0, 1, 2)]
    """
    found = list(islice(each_subset(vectors, target, within), _MOST_FOUND + 1))
    if len(found) > _MOST_FOUND:
        raise EocError(f"there are more than {_MOST_FOUND} such subsets of neurons")
    return found


def each_subset(vectors: Array, target: Array, within: float) -> Iterator[tuple[int, ...]]:
    """The same one by one.

    Both halves of the vectors have 2^(n/2) sums; those that fit are found in the order of one random projection.
    """
    n, m = vectors.shape
    half = n // 2
    if max(m, 1) * 2.0 ** (n - half) > _MOST_SUMS:
        raise EocError(f"the subsets of {n} neurons are too many to be tried")
    first, second = _sums(vectors[:half]), _sums(vectors[half:])
    direction = np.random.default_rng(0).normal(size=m)
    left, right = (one.astype(float) @ direction for one in (first, second))
    goal = float(target.astype(float) @ direction)
    order = np.argsort(right, kind="stable")
    size = max(float(np.abs(left).max()), float(np.abs(right).max()), abs(goal), 1e-300)
    slack = _ROUGH * size + within * float(np.abs(direction).sum())
    low, high = (np.searchsorted(right[order], goal - left + sign * slack) for sign in (-1.0, 1.0))
    for one in np.flatnonzero(high > low):
        others = order[low[one] : high[one]]
        off = first[one] + second[others] - target
        for other in others[np.asarray((np.abs(off) <= within).all(axis=1), dtype=bool)]:
            yield (*_members(int(one), 0), *_members(int(other), half))


def _sums(vectors: Array) -> Array:
    """The sums of all subsets: the bits of the index say which."""
    out = np.zeros((1, vectors.shape[1]), vectors.dtype)
    for vector in vectors:
        out = np.concatenate([out, out + vector])
    return out


def _members(bits: int, first: int) -> tuple[int, ...]:
    return tuple(first + i for i in range(bits.bit_length()) if bits >> i & 1)


def reducing(rows: Array, within: float) -> tuple[Array, list[int]]:
    """The reduced echelon form of rows, without those that vanish, and the columns of its pivots."""
    left, pivots = rows.copy(), list[int]()
    for column in range(rows.shape[1]):
        rank = len(pivots)
        if rank == left.shape[0]:
            break
        best = rank + int(np.argmax(np.abs(left[rank:, column])))
        if abs(left[best, column]) <= within:
            continue
        left[[rank, best]] = left[[best, rank]]
        left[rank] = left[rank] / left[rank, column]
        for other in range(left.shape[0]):
            if other != rank:
                left[other] = left[other] - left[other, column] * left[rank]
        pivots.append(column)
    return left[: len(pivots)], pivots


def reduced(rows: Array, basis: Array, pivots: list[int]) -> Array:
    """Rows without what of them is spanned by a basis of :func:`reducing`."""
    return rows - rows[:, pivots] @ basis if pivots else rows


def factors(matrix: Array, within: float) -> tuple[Array, Array]:
    """The matrix (k, m) as a product (k, r) (r, m) of its rank."""
    basis, pivots = reducing(matrix, within)
    return matrix[:, pivots], basis
