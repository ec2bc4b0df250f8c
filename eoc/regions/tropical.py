r"""Networks as tropical rational functions: the linear terms of samples (TropEx).

A network of convex activations with slopes >= 0 and of maxima is, in every logit, a difference of two maxima of affine
functions with coefficients >= 0,

.. math:: f_j(x) = P_j(x) - N(x).

Each sample x has one term in each: that of its region. They are found backwards, from rows B >= 0 (one of each kind)
and M, which is at least as large as every B: with W^+ and W^- the positive and the negative part of W,

.. math:: \text{output } (W, b): \quad A^- = \sum_k W_k^-, \quad A^+_k = W_k + A^-, \quad M = \max(A^+, A^-),

.. math:: \text{affine}: \quad B' = B W + M W^-, \quad M' = M |W|,

and bias += B b; an activation multiplies B by its slope in x and M by its largest, and adds B times the offset of its
piece; a maximum hands B to its largest entry, and M to all; sums hand both to all. Then P - N = f_j at x, and P's
coefficients less N's are the gradient of f_j. Trimmel, Petzka & Sminchisescu, "TropEx: an algorithm for extracting
linear terms in deep neural networks" (2021), after Zhang, Naitzat & Lim (2018).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from eoc.regions.model import Affine, Array, Bend, Largest, Node, PiecewiseLinear, exactly

__all__ = ["Rows", "backward", "forward", "not_tropical"]


@dataclass(frozen=True)
class Rows:
    """What goes backwards: one row for every sample and kind of term.

    Attributes
    ----------
    rows
        B of the linear, the positive and the negative terms, (3, samples, units).
    most
        M, (units,).
    """

    rows: Array
    most: Array

    def plus(self, other: Rows | None) -> Rows:
        """Of two ways from one value."""
        return self if other is None else Rows(self.rows + other.rows, self.most + other.most)


def forward(network: PiecewiseLinear, x: Array) -> tuple[Array, dict[int, NDArray[np.int16]]]:
    """The outputs of samples as rows, and the pieces of every layer of kinks, by value of the network."""
    values: dict[int, Array] = {0: x}
    pieces: dict[int, NDArray[np.int16]] = {}
    for at, node in enumerate(network.nodes, 1):
        own = [values[earlier] for earlier in node.inputs]
        if isinstance(node, Bend):
            pieces[at] = node.pieces.index(own[0])
        elif isinstance(node, Largest):
            pieces[at] = node.index(own[0])
        values[at] = node(*own)
        network.forget(values, at)
    return values[len(network.nodes)], pieces


def not_tropical(network: PiecewiseLinear) -> str:
    """Why a network has no positive and negative terms of this kind; "" where it has."""
    for node in network.nodes:
        if isinstance(node, Bend) and (not node.pieces.is_convex or min(node.pieces.slopes) < 0):
            return f"{node.name or 'an activation'} is not convex and increasing: there are only linear terms"
    return ""


def backward(
    network: PiecewiseLinear, pieces: dict[int, NDArray[np.int16]], label: NDArray[np.int64], like: Array
) -> tuple[Array, Array]:
    """The biases (3, samples) and coefficients (3, samples, features) of the linear, positive and negative terms.

    The last two of them only where nothing is :func:`not_tropical`.
    """
    last = len(network.nodes)
    end, bias = _ends(network, label, like)
    waiting: dict[int, Rows] = {}
    top = network.nodes[-1]
    if isinstance(top, Affine):
        waiting[top.inputs[0]] = end
        last -= 1
    else:
        waiting[last] = end
    for at in range(last, 0, -1):
        if at not in waiting:
            continue
        node, own = network.nodes[at - 1], waiting.pop(at)
        added, behind = _through(node, own, pieces.get(at), network)
        bias = bias + added
        for earlier, rows in zip(node.inputs, behind, strict=True):
            waiting[earlier] = rows.plus(waiting.get(earlier))
    return bias, waiting[0].rows


def _ends(network: PiecewiseLinear, label: NDArray[np.int64], like: Array) -> tuple[Rows, Array]:
    """The rows and biases of the output layer, the identity where the last layer is none."""
    top = network.nodes[-1]
    if isinstance(top, Affine):
        weight = top.weight.toarray() if sparse.issparse(top.weight) else top.weight
        bias = top.bias
    else:
        weight, bias = np.eye(top.units), np.zeros(top.units)
        if like.dtype == object:
            weight, bias = exactly(weight), exactly(bias)
    minus, minus_bias = np.maximum(-weight, 0).sum(axis=0), np.maximum(-bias, 0).sum()
    most = np.maximum((weight + minus).max(axis=0), minus)
    own = weight[label]
    negative = np.broadcast_to(minus, own.shape)
    rows = np.stack([own, own + minus, negative])
    biases = np.stack([bias[label], bias[label] + minus_bias, np.full(label.shape, minus_bias)])
    return Rows(rows, most), biases


def _through(
    node: Node, own: Rows, piece: NDArray[np.int16] | None, network: PiecewiseLinear
) -> tuple[Array | int, tuple[Rows, ...]]:
    """What a node adds to the biases, and the rows of its inputs."""
    if isinstance(node, Affine):
        return own.rows @ node.bias, (_affine(node, own),)
    if isinstance(node, Bend):
        assert piece is not None
        return _bend(node, own, piece)
    if isinstance(node, Largest):
        assert piece is not None
        return 0, (_largest(node, own, piece, network),)
    rows, most = node.back(own.rows), node.back(own.most)
    return 0, tuple(Rows(*one) for one in zip(rows, most, strict=True))


def _affine(node: Affine, own: Rows) -> Rows:
    weight = node.weight
    minus = (-weight).maximum(0) if sparse.issparse(weight) else np.maximum(-weight, 0)
    kinds, samples, units = own.rows.shape
    (behind,) = node.back(own.rows.reshape(-1, units))
    behind = behind.reshape(kinds, samples, -1)
    behind[1:] += own.most @ minus
    return Rows(behind, own.most @ abs(weight))


def _bend(node: Bend, own: Rows, piece: NDArray[np.int16]) -> tuple[Array, tuple[Rows, ...]]:
    pieces = node.pieces
    slope, offset = pieces.slope(piece, own.rows), pieces.offset(piece, own.rows)
    steepest = np.array(max(pieces.slopes), own.most.dtype)
    if own.most.dtype == object:
        steepest = exactly(steepest)
    return (own.rows * offset).sum(axis=2), (Rows(own.rows * slope, own.most * steepest),)


def _largest(node: Largest, own: Rows, piece: NDArray[np.int16], network: PiecewiseLinear) -> Rows:
    n = network.features if node.inputs[0] == 0 else network.nodes[node.inputs[0] - 1].units
    rows, most = np.zeros((*own.rows.shape[:2], n), own.rows.dtype), np.zeros(n, own.most.dtype)
    chosen = node.chosen(piece)
    sample = np.arange(chosen.shape[0])[:, None]
    for kind in range(rows.shape[0]):
        np.add.at(rows[kind], (sample, chosen), own.rows[kind])
    for place in range(node.windows.shape[1]):
        unit = node.windows[:, place]
        once = ~(node.windows[:, :place] == unit[:, None]).any(axis=1)  # entries may be repeated
        np.add.at(most, unit[once], own.most[once])
    return Rows(rows, most)
