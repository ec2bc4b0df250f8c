"""The loss of a fully connected piecewise linear network on data, with its gradient and Hessian in one cell.

The loss is the mean over samples of the squared distance from the targets. Where no unit is at a knot the network is,
near its parameters, a polynomial of them: derivatives are exact, and in fractions without rounding.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eoc.errors import UnsupportedError
from eoc.regions.model import Affine, Array, Bend, PiecewiseLinear
from eoc.regions.pieces import Exact
from eoc.regions.subsets import reducing

__all__ = ["Loss", "least_squares", "loss_of"]


@dataclass(frozen=True, eq=False)
class Loss:
    """What :func:`loss_of` returns; parameters are the weights and the bias of each layer in turn, row by row.

    Attributes
    ----------
    value
        The loss.
    gradient
        (parameters,).
    hessian
        (parameters, parameters).
    """

    value: object
    gradient: Array
    hessian: Array


def loss_of(network: PiecewiseLinear, x: Array, y: Array) -> Loss:
    """The mean squared distance of the outputs from targets, and its derivatives by all parameters.

    Parameters
    ----------
    network
        One of :func:`eoc.regions.dense`.
    x, y
        Inputs and targets as rows.

    Raises
    ------
    UnsupportedError
        For networks that are not layer after layer.

    Examples
    --------
    >>> from eoc.regions import dense
    >>> found = loss_of(dense([[[2.0]]], [[0.0]]), np.array([[1.0]]), np.array([[1.0]]))
    >>> float(found.value), found.gradient.tolist(), found.hessian.tolist()
    (1.0, [2.0, 2.0], [[2.0, 2.0], [2.0, 2.0]])
    """
    layers, slopes, taken, outputs = _forward(network, network.rows(x))
    targets = np.asarray(y) if outputs.dtype == object else np.asarray(y, dtype=float)
    residual = outputs - targets
    value = (residual * residual).sum() / len(residual)
    ends = _backward(layers, slopes, residual * 2 / len(residual))
    gradient = np.concatenate([_flat(g.T @ a, g.sum(axis=0)) for g, a in zip(ends, taken, strict=True)])
    sizes = [layer.weight.size + layer.bias.size for layer in layers]
    columns = [_along(layers, slopes, taken, ends, at, one) for at, size in enumerate(sizes) for one in range(size)]
    return Loss(value, gradient, np.stack(columns, axis=1))


def least_squares(features: Array, targets: Array) -> tuple[Array, Exact]:
    """The coefficients and the mean squared distance; of features that depend on others 0."""
    if features.dtype != object:
        found = np.linalg.lstsq(features, targets, rcond=None)[0]
    else:
        normal = np.concatenate([features.T @ features, features.T @ targets], axis=1)
        n = features.shape[1]
        solved, pivots = reducing(normal, 0.0)
        found = np.zeros((n, targets.shape[1]), object)
        for row, column in zip(solved, pivots, strict=True):
            found[column] = row[n:]
    residual = targets - features @ found
    return found, (residual * residual).sum() / len(residual)


def _forward(network: PiecewiseLinear, x: Array) -> tuple[list[Affine], list[Array], list[Array], Array]:
    """The layers, the slopes behind each but the last, what each takes in, and the outputs."""
    layers: list[Affine] = []
    slopes: list[Array] = []
    taken: list[Array] = []
    for at, node in enumerate(network.nodes):
        if node.inputs != (at,) or not isinstance(node, Affine if at % 2 == 0 else Bend):
            raise UnsupportedError("derivatives by parameters are those of fully connected networks, layer after layer")
        if isinstance(node, Affine):
            layers.append(node)
            taken.append(x)
        elif isinstance(node, Bend):
            slopes.append(node.pieces.slope(node.pieces.index(x), x))
        x = node(x)
    return layers, slopes, taken, x


def _backward(layers: list[Affine], slopes: list[Array], end: Array) -> list[Array]:
    """The gradients behind each layer, rows (samples, units)."""
    out = [end]
    for layer, slope in zip(layers[:0:-1], slopes[::-1], strict=True):
        out.append((out[-1] @ layer.weight) * slope)
    return out[::-1]


def _along(
    layers: list[Affine], slopes: list[Array], taken: list[Array], ends: list[Array], at: int, one: int
) -> Array:
    """The derivative of the gradient by one parameter of a layer."""
    weight = np.zeros(layers[at].weight.size, layers[at].weight.dtype)
    bias = np.zeros(layers[at].bias.size, layers[at].bias.dtype)
    (weight if one < weight.size else bias)[one if one < weight.size else one - weight.size] = 1
    step = weight.reshape(layers[at].weight.shape)
    moved = [taken[i] * 0 for i in range(at + 1)]  # by how much what each layer takes in changes
    change = taken[at] @ step.T + bias
    for layer, slope in zip(layers[at + 1 :], slopes[at:], strict=True):
        moved.append(change * slope)
        change = moved[-1] @ layer.weight.T
    back = change * 2 / len(change)
    parts = []
    for i in range(len(layers) - 1, -1, -1):
        parts.append(_flat(back.T @ taken[i] + ends[i].T @ moved[i], back.sum(axis=0)))
        if i:
            back = (back @ layers[i].weight + (ends[i] @ step if i == at else 0)) * slopes[i - 1]
    return np.concatenate(parts[::-1])


def _flat(weight: Array, bias: Array) -> Array:
    return np.concatenate([weight.ravel(), bias])
