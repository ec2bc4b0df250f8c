"""Inputs as a tree: each is written as its nearest neighbour plus a difference, so that close ones lose no digits.

Of two inputs with 1 - c = 1e-12 the difference is known to 16 digits, whereas their inner product says no more than
four about it. With many inputs every one but the root has a parent, along a shortest spanning tree. The root is the
shortest input: what is added to a parent is then never much shorter than the parent, so that nothing gets lost either
where lengths differ by many orders of magnitude. A layer's phi maps differences to differences without cancellation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eoc.activations.base import Activation
from eoc.floats import FloatArray

__all__ = ["Tree", "increments", "one_minus_c", "shortest_tree"]

_SMALL = 1e-5  # of u: above it subtracting costs 1e-11, below it the rule's error, (d/scale)^4 / 4320, is less
_NODE = 0.5 / 3.0**0.5  # of Gauss-Legendre quadrature with two points, from the middle


@dataclass(frozen=True)
class Tree:
    """Which difference stands for which input: input ``i`` is input ``parent[i]`` plus difference ``i``.

    Attributes
    ----------
    order : (P,)
        The inputs, parents before their children; the root is first.
    parent : (P,)
        The parent of each input; of the root, itself.

    Examples
    --------
    >>> tree = Tree(order=(0, 2, 1), parent=(0, 2, 0))
    >>> tree.inputs(np.array([[1.0], [0.25], [0.5]])).ravel().tolist()
    [1.0, 1.75, 1.5]
    """

    order: tuple[int, ...]
    parent: tuple[int, ...]

    @property
    def root(self) -> int:
        """The input that is written as it is."""
        return self.order[0]

    def differences(self, inputs: FloatArray) -> FloatArray:
        """The root and the differences, of inputs (..., P, n)."""
        out = inputs - inputs[..., self.parent, :]
        out[..., self.root, :] = inputs[..., self.root, :]
        return out

    def inputs(self, differences: FloatArray) -> FloatArray:
        """The inputs again, of the root and the differences (..., P, n)."""
        out = differences.copy()
        for i in self.order[1:]:
            out[..., i, :] += out[..., self.parent[i], :]
        return out

    def cleared(self, differences: FloatArray, zero: NDArray[np.bool_]) -> FloatArray:
        """The differences (M, P, n) again, with those replaced that make the inputs ``zero`` (M, P) vanish exactly."""
        for i in self.order[1:]:
            if zero[:, i].any():
                parents = self.inputs(differences[zero[:, i]])[:, self.parent[i]]
                differences[zero[:, i], i] = -parents
        return differences


def shortest_tree(distances: FloatArray, root: int) -> Tree:
    """The spanning tree of the smallest total length (Prim's algorithm), of distances (P, P)."""
    count = len(distances)
    order, parent = [root], np.full(count, root)
    nearest = distances[root].astype(float)
    waiting = np.ones(count, dtype=bool)
    waiting[root] = False
    while waiting.any():
        new = int(np.where(waiting, nearest, np.inf).argmin())
        new = new if waiting[new] else int(waiting.argmax())
        order.append(new)
        waiting[new] = False
        closer = waiting & (distances[new] < nearest)
        nearest[closer], parent[closer] = distances[new][closer], new
    return Tree(tuple(order), tuple(parent.tolist()))


def one_minus_c(tree: Tree, factor: FloatArray) -> FloatArray:
    """1 - c for all pairs (..., P, P), of vectors (..., P, k) that are given as root and differences.

    From the part of the difference that is perpendicular to one of the two vectors: with sin its length over that of
    the other, 1 - c = sin^2 / (1 + c). NaN where a vector vanishes and has no direction.
    """
    vectors = tree.inputs(factor)
    apart = _all_differences(tree, factor)
    u, v = vectors[..., :, None, :], vectors[..., None, :, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        u_length, v_length = (np.sqrt((w * w).sum(axis=-1)) for w in (u, v))
        direction = u / u_length[..., None]
        c = (direction * v).sum(axis=-1) / v_length
        across = apart - (direction * apart).sum(axis=-1)[..., None] * direction
        sine = np.minimum(np.sqrt((across * across).sum(axis=-1)) / v_length, 1.0)
        e = np.where(c > 0.0, sine**2 / (1.0 + c), 1.0 - np.maximum(c, -1.0))
    upper = np.triu(e, 1)
    return upper + np.swapaxes(upper, -1, -2)


def _all_differences(tree: Tree, factor: FloatArray) -> FloatArray:
    """Input b minus input a at [..., a, b, :], each summed along the path between them."""
    count = factor.shape[-2]
    out = np.zeros((*factor.shape[:-2], count, count, factor.shape[-1]))
    done = [tree.root]
    for i in tree.order[1:]:
        out[..., done, i, :] = out[..., done, tree.parent[i], :] + factor[..., i, None, :]
        out[..., i, done, :] = -out[..., done, i, :]
        done.append(i)
    return out


def increments(phi: Activation, u: FloatArray, d: FloatArray, values: FloatArray) -> FloatArray:
    """phi(u + d) - phi(u) for networks and units (M, n), to full relative precision; ``values`` are phi(u).

    In networks where d is small, phi' is integrated from u to u + d. Differences across a kink or a jump are always
    subtracted: the smaller d is, the fewer of these there are, so that their rounding never matters in a sum.
    """
    small = np.abs(d).max(axis=-1) <= _SMALL * np.abs(u).max(axis=-1)
    if not small.any():
        return _subtracted(phi, u, d, values)
    if small.all():
        return _integrated(phi, u, d, values)
    out = np.empty_like(d)
    for networks, difference in ((small, _integrated), (~small, _subtracted)):
        out[networks] = difference(phi, u[networks], d[networks], values[networks])
    return out


def _subtracted(phi: Activation, u: FloatArray, d: FloatArray, values: FloatArray) -> FloatArray:
    return phi.phi(u + d) - values


def _integrated(phi: Activation, u: FloatArray, d: FloatArray, values: FloatArray) -> FloatArray:
    middle = u + 0.5 * d
    out = 0.5 * d * (phi.dphi(middle - _NODE * d) + phi.dphi(middle + _NODE * d))
    for knot in phi.knots:
        across = (u < knot) != (u + d < knot)
        if across.any():
            out[across] = _subtracted(phi, u[across], d[across], values[across])
    return out
