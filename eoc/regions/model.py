"""Real piecewise linear networks: affine maps, activations made of straight lines, maxima over windows, and sums.

Numbers are doubles, or fractions (arrays of objects): then all is exact. Units of a layer stand in one row, images by
channel, row and column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from eoc.errors import EocError
from eoc.messages import quoted
from eoc.regions.pieces import StraightPieces, straight_pieces
from eoc.sharing import cached_property

__all__ = ["Affine", "Array", "Bend", "Joined", "Largest", "Node", "PiecewiseLinear", "Total", "dense", "exactly"]

Array = NDArray[Any]  #: of floats, or of fractions as objects
_MOST = 2**26  # entries of a matrix that is made dense


@dataclass(frozen=True, eq=False)
class Affine:
    """W x + b: the matrix dense or sparse (n, m), the vector (n,)."""

    inputs: tuple[int, ...]
    weight: Any
    bias: Array
    name: str = ""

    @property
    def units(self) -> int:
        """How many numbers come out."""
        return int(self.weight.shape[0])

    def linear(self, x: Array) -> Array:
        """W x of every row."""
        return (self.weight @ x.T).T if sparse.issparse(self.weight) else x @ self.weight.T

    def back(self, rows: Array) -> tuple[Array, ...]:
        """Every row times W."""
        return (rows @ self.weight,)

    def __call__(self, x: Array) -> Array:
        """The numbers behind it."""
        return self.linear(x) + self.bias


@dataclass(frozen=True, eq=False)
class Bend:
    """An activation made of straight lines, for every unit."""

    inputs: tuple[int, ...]
    pieces: StraightPieces
    units: int
    name: str = ""

    def __call__(self, x: Array) -> Array:
        """The numbers behind it."""
        return self.pieces(x)


@dataclass(frozen=True, eq=False)
class Largest:
    """Maxima over windows: indices (n, k), some of them repeated where a window has fewer."""

    inputs: tuple[int, ...]
    windows: NDArray[np.int64]
    name: str = ""

    @property
    def units(self) -> int:
        """How many windows there are."""
        return int(self.windows.shape[0])

    def of(self, x: Array) -> Array:
        """The numbers in each window, (..., n, k)."""
        return x[..., self.windows]

    def index(self, x: Array) -> NDArray[np.int16]:
        """Which place of each window has the largest number, the first of several."""
        found = self.of(x)
        best, at = found[..., 0], np.zeros(found.shape[:-1], np.int16)
        for place in range(1, found.shape[-1]):
            more = found[..., place] > best
            best, at = np.where(more, found[..., place], best), np.where(more, np.int16(place), at)
        return at

    def chosen(self, index: NDArray[Any]) -> NDArray[np.int64]:
        """Which unit of the input stands at these places of the windows, (..., n)."""
        return self.windows[np.arange(self.units), index]

    def __call__(self, x: Array) -> Array:
        """The numbers behind it."""
        return np.take_along_axis(x, self.chosen(self.index(x)), axis=-1)


@dataclass(frozen=True, eq=False)
class Total:
    """The sum of its inputs."""

    inputs: tuple[int, ...]
    units: int
    name: str = ""

    def linear(self, *x: Array) -> Array:
        """The sum."""
        return sum(x[1:], x[0])

    def back(self, rows: Array) -> tuple[Array, ...]:
        """The same rows for every input."""
        return (rows,) * len(self.inputs)

    __call__ = linear


@dataclass(frozen=True, eq=False)
class Joined:
    """Its inputs side by side: ``parts`` says where the units of each go."""

    inputs: tuple[int, ...]
    parts: tuple[NDArray[np.int64], ...]
    name: str = ""

    @property
    def units(self) -> int:
        """Of all inputs."""
        return sum(part.size for part in self.parts)

    def linear(self, *x: Array) -> Array:
        """All of them."""
        out = np.empty((*x[0].shape[:-1], self.units), x[0].dtype)
        for part, one in zip(self.parts, x, strict=True):
            out[..., part] = one
        return out

    def back(self, rows: Array) -> tuple[Array, ...]:
        """Of every row its part."""
        return tuple(rows[..., part] for part in self.parts)

    __call__ = linear


Node = Affine | Bend | Largest | Total | Joined


@dataclass(frozen=True, eq=False)
class PiecewiseLinear:
    """A network: nodes in the order in which they are computed.

    Attributes
    ----------
    features
        How many numbers it takes in.
    nodes
        Each takes in the values of its ``inputs``: 0 is the input of the network, i the node i - 1. The last one is
        the output.
    shape
        Of one input, where it is no vector.
    """

    features: int
    nodes: tuple[Node, ...] = field(repr=False)
    shape: tuple[int, ...] = ()

    @cached_property
    def bends(self) -> tuple[int, ...]:
        """The values that are made by activations or maxima: the layers, in order."""
        return tuple(at for at, node in enumerate(self.nodes, 1) if isinstance(node, Bend | Largest))

    @cached_property
    def last_use(self) -> Mapping[int, int]:
        """For every value the last one that needs it; the output is needed by none."""
        return {earlier: at for at, node in enumerate(self.nodes, 1) for earlier in node.inputs}

    @cached_property
    def is_exact(self) -> bool:
        """Whether its numbers are fractions."""
        return any(isinstance(node, Affine) and node.weight.dtype == object for node in self.nodes)

    def __call__(self, x: ArrayLike) -> Array:
        """The output for inputs as rows."""
        values: dict[int, Array] = {0: self.rows(x)}
        for at, node in enumerate(self.nodes, 1):
            values[at] = node(*(values[earlier] for earlier in node.inputs))
            self.forget(values, at)
        return values[len(self.nodes)]

    def forget(self, values: dict[int, Any], at: int) -> None:
        """Drop the values that nothing behind the value ``at`` needs."""
        for earlier in [one for one in values if one != at and self.last_use.get(one, 0) <= at]:
            del values[earlier]

    def rows(self, x: ArrayLike) -> Array:
        """Inputs as rows, in the arithmetic of the network."""
        given = np.asarray(x)
        own = (self.features,) if not self.shape else self.shape
        if given.shape[-len(own) :] != own and given.shape[-1:] != (self.features,):
            raise EocError(f"inputs of this network have the shape {own}, got an array of shape {given.shape}")
        rows = given.reshape(-1, self.features)
        return exactly(rows) if self.is_exact else rows.astype(float)

    def exact(self) -> PiecewiseLinear:
        """The same network in fractions: every double is one."""
        return replace(self, nodes=tuple(map(_exact, self.nodes)))

    def __repr__(self) -> str:
        widths = ", ".join(str(self.nodes[at - 1].units) for at in self.bends)
        return f"PiecewiseLinear({self.features} -> {widths} -> {self.nodes[-1].units})"


def exactly(numbers: ArrayLike) -> Array:
    """An array of fractions, of doubles, whole numbers, fractions and texts such as "1/3".

    Examples
    --------
    >>> exactly([0.5, "1/3"]).tolist()
    [Fraction(1, 2), Fraction(1, 3)]
    """
    given = np.asarray(numbers, dtype=object)
    out = np.empty(given.shape, dtype=object)
    for index, one in np.ndenumerate(given):
        out[index] = one if type(one) is Fraction else Fraction(one.item() if isinstance(one, np.generic) else one)
    return out


def _exact(node: Node) -> Node:
    if not isinstance(node, Affine):
        return node
    if prod(node.weight.shape) > _MOST:
        raise EocError(f"{node.name} has {prod(node.weight.shape)} weights: too many for fractions")
    weight = node.weight.toarray() if sparse.issparse(node.weight) else node.weight
    return replace(node, weight=exactly(weight), bias=exactly(node.bias))


def dense(
    weights: Sequence[ArrayLike], biases: Sequence[ArrayLike | None] | None = None, activation: object = "relu"
) -> PiecewiseLinear:
    """A fully connected network of weights that are known.

    Parameters
    ----------
    weights
        Matrices (outputs, inputs), one or more. Of fractions, or texts such as "1/3", all is exact.
    biases
        Vectors, or None for none; left out: none at all.
    activation
        Behind every layer but the last: what :func:`eoc.activation` understands, made of straight lines.

    Raises
    ------
    EocError
        For shapes that do not fit, numbers that are not finite, and other activations.

    Examples
    --------
    >>> net = dense([[[1.0, -1.0], [2.0, 0.5]], [[1.0, 1.0]]], [[0.0, -1.0], None])
    >>> net, net([[3.0, 1.0]]).tolist()
    (PiecewiseLinear(2 -> 2 -> 1), [[7.5]])
    """
    pieces = straight_pieces(activation)
    given = [_numbers(f"weights[{i}]", weight, 2) for i, weight in enumerate(weights)]
    vectors = [None] * len(given) if biases is None else [*biases]
    if not given or len(vectors) != len(given):
        raise EocError(f"give one bias, or None, for each of one or more weights; got {len(given)} and {len(vectors)}")
    terms = [None if one is None else _numbers(f"biases[{i}]", one, 1) for i, one in enumerate(vectors)]
    is_exact = any(one is not None and one.dtype == object for one in (*given, *terms))
    nodes: list[Node] = []
    before = given[0].shape[1]
    for i, (weight, term) in enumerate(zip(given, terms, strict=True)):
        n = weight.shape[0]
        bias = np.zeros(n) if term is None else term
        if weight.shape[1] != before or bias.shape != (n,):
            raise EocError(
                f"weights[{i}] of shape {weight.shape} and its bias of shape {bias.shape} do not fit: they must be "
                f"(outputs, {before}) and (outputs,)"
            )
        own = (exactly(weight), exactly(bias)) if is_exact else (weight.astype(float), bias.astype(float))
        nodes.append(Affine((len(nodes),), *own, name=f"layer {i + 1}"))
        if i + 1 < len(given):
            nodes.append(Bend((len(nodes),), pieces, n, name=f"layer {i + 1}"))
        before = n
    return PiecewiseLinear(given[0].shape[1], tuple(nodes))


def _numbers(name: str, value: ArrayLike, axes: int) -> Array:
    try:
        given = np.asarray(value)
        if given.dtype.kind in "OUS":
            given = exactly(value)
        elif given.dtype.kind not in "iuf" or not np.isfinite(given).all():
            raise ValueError
    except (TypeError, ValueError, ZeroDivisionError):
        raise EocError(f"{name} must be finite numbers, got {quoted(value)}") from None
    if given.ndim != axes:
        raise EocError(f"{name} must have {axes} axes, got an array of shape {given.shape}")
    return given
