"""Networks with one hidden layer, of an activation with one kink at 0."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from eoc.errors import UnsupportedError
from eoc.regions.model import Affine, Array, Bend, PiecewiseLinear, dense
from eoc.regions.pieces import Exact

__all__ = ["TwoLayer", "of_network", "two_layer"]


@dataclass(frozen=True, eq=False)
class TwoLayer:
    """V phi(W x + b) + c.

    Attributes
    ----------
    W, b, V, c
        (n, d), (n,), (k, n), (k,); doubles or fractions.
    mu, shift
        phi(x) = mu abs(x) + shift x.
    """

    W: Array = field(repr=False)
    b: Array = field(repr=False)
    V: Array = field(repr=False)
    c: Array = field(repr=False)
    mu: Exact
    shift: Exact

    @property
    def neurons(self) -> int:
        """Of the hidden layer."""
        return int(self.W.shape[0])

    @property
    def is_exact(self) -> bool:
        """Whether its numbers are fractions."""
        return bool(self.W.dtype == object)

    def __call__(self, x: ArrayLike) -> Array:
        """The outputs at inputs as rows."""
        h = np.asarray(x) @ self.W.T + self.b
        return (self.mu * np.abs(h) + self.shift * h) @ self.V.T + self.c


def two_layer(
    W: ArrayLike, b: ArrayLike | None, V: ArrayLike, c: ArrayLike | None = None, activation: object = "relu"
) -> TwoLayer:
    """A network with one hidden layer.

    Parameters
    ----------
    W, b
        Weights (neurons, inputs) and biases (neurons,) of the hidden layer; biases None for 0.
    V, c
        The same of the output layer, (outputs, neurons) and (outputs,). Of fractions, or texts such as "1/3", all is
        exact.
    activation
        ReLU, leaky ReLU, abs: one that is linear on both sides of 0 and has a kink there.

    Raises
    ------
    EocError
        For shapes that do not fit, and other activations.

    Examples
    --------
    >>> two_layer([[1, 0], [0, 1]], [0, "1/2"], [[1, 1]])
    TwoLayer(mu=Fraction(1, 2), shift=Fraction(1, 2))
    """
    return of_network(dense([W, V], [b, c], activation))


def of_network(network: PiecewiseLinear) -> TwoLayer:
    """A network that was read, if it has one hidden layer and an activation as of :func:`two_layer`."""
    kinds = tuple(map(type, network.nodes))
    if kinds != (Affine, Bend, Affine):
        raise UnsupportedError(f"symmetries are those of networks with one hidden layer; {network!r} has other layers")
    first, bend, last = network.nodes
    assert isinstance(first, Affine)
    assert isinstance(bend, Bend)
    assert isinstance(last, Affine)
    if [float(x) for x in bend.pieces.knots] != [0.0] or any(bend.pieces.offsets):
        raise UnsupportedError(
            "symmetries are known for activations with one kink, at 0, between lines through the origin, as ReLU has"
        )
    left, right = bend.pieces.slope(np.array([0, 1]), first.weight)
    return TwoLayer(first.weight, first.bias, last.weight, last.bias, (right - left) / 2, (right + left) / 2)
