r"""What every op of :mod:`eoc.layers` does to the units of a finite network, and to gradients on their way back.

Units are arrays (P, N) of P inputs, or (P, ..., N) of inputs with positions: N units, the same N up to where positions
are flattened. A dense layer is drawn in one of two ways, both exact; its points are all inputs, or all their positions:

- with its weight matrix, in blocks that are used and forgotten, and drawn again on the way back: N^2 numbers;
- without it. With Q an orthonormal basis of the points (x^T = Q R), the matrix is W = (W Q) Q^T + W (1 - Q Q^T), whose
  parts are independent: W Q has independent Gaussian entries, and so has W. Hence

  .. math:: W x = (W Q) R, \qquad W^T g = Q (W Q)^T g + (1 - Q Q^T) \xi,

  with :math:`\xi` Gaussian vectors of the inner products of the gradients g: N P numbers. This is the Gram process of
  :mod:`eoc.montecarlo.sampling.gram_sampler`, for any network and both ways.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce, singledispatch

import numpy as np

from eoc.errors import EocError
from eoc.floats import FloatArray
from eoc.layers.affine import Dense, Scale
from eoc.layers.attention import Attention
from eoc.layers.batches import BatchNorm
from eoc.layers.convolution import Conv
from eoc.layers.elementwise import Elementwise
from eoc.layers.graph import Graph, Repeat
from eoc.layers.joined import Product, Sum
from eoc.layers.maxima import MaxPool
from eoc.layers.mixing import Mix
from eoc.layers.mixture import Mixture
from eoc.layers.norms import Noise, Norm
from eoc.layers.pooling import AveragePool, Flatten
from eoc.layers.recurrent import Outside
from eoc.montecarlo.sampling.attention import attended, checked_heads
from eoc.montecarlo.sampling.laws import WeightLaw, law
from eoc.montecarlo.sampling.weights import backwards, forwards, product
from eoc.montecarlo.settings import generator

__all__ = ["Back", "Drawn", "count", "draw"]

Back = Callable[[FloatArray], tuple[FloatArray, ...]]
Drawn = tuple[FloatArray, Back]

_GAUSSIAN = law("gaussian")


@singledispatch
def draw(op: object, x: tuple[FloatArray, ...], rng: np.random.Generator, matrices: bool) -> Drawn:
    """What an op makes of its inputs in one random network, and the transpose of its derivative there.

    Parameters
    ----------
    op
        An op of :mod:`eoc.layers`.
    x
        Its inputs, each (P, N), or (P, ..., N) with positions.
    rng
        What weights, biases and masks are drawn from. The way back may go on with it: go back in the reverse order.
    matrices
        Whether dense layers have weight matrices.

    Returns
    -------
    y
        The output, of the same kind.
    back
        Of gradients by y, of its shape, those by each of the inputs; to be called at most once.

    Raises
    ------
    EocError
        For an op that is none of these.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> y, back = draw(Norm(centred=True), (np.array([[1.0, 2.0, 6.0]]),), rng, True)
    >>> y.round(3).tolist()
    [[-0.926, -0.463, 1.389]]
    >>> (gradient,) = back(np.ones((1, 3)))
    >>> np.abs(gradient).max() < 1e-15  # a constant added to x changes nothing
    np.True_
    """
    raise EocError(f"{type(op).__name__} is no op that networks of finite width can be drawn of")


@draw.register
def _dense(op: Dense, x: tuple[FloatArray, ...], rng: np.random.Generator, matrices: bool) -> Drawn:
    units = x[0].shape[-1]
    size, weights = op.sigma_w * op.weights.second_moment**0.5, law(op.weights.law)
    if not matrices and weights is not _GAUSSIAN:
        raise EocError(
            f"weights of the law {weights.name} are drawn with their matrices: without them only Gaussian ones can be"
        )
    y, back = _linear(x[0], size / units**0.5, rng, matrices, weights)
    return y + op.sigma_b * rng.standard_normal(units), back


def _linear(
    x: FloatArray, scale: float, rng: np.random.Generator, matrices: bool, weights: WeightLaw = _GAUSSIAN
) -> Drawn:
    """W x of all points, with entries of W of this standard deviation."""
    rows = x.reshape(-1, x.shape[-1])
    y, back = _with_matrix(rows, scale, rng, weights) if matrices else _without_matrix(rows, scale, rng)
    return y.reshape(x.shape), lambda g: (back(g.reshape(rows.shape))[0].reshape(x.shape),)


@draw.register
def _conv(op: Conv, x: tuple[FloatArray, ...], rng: np.random.Generator, matrices: bool) -> Drawn:
    """A dense layer for every tap, which sees positions, or 0."""
    units, positions = x[0].shape[-1], x[0].shape[1:-1]
    if not positions:
        raise EocError("a convolution is drawn of inputs with positions")
    profile, of = op.over(positions)
    rows = np.concatenate([np.moveaxis(x[0].reshape(len(x[0]), -1, units), 1, 0), np.zeros((1, len(x[0]), units))])
    shape, total, backs = (len(x[0]), *of.shape, units), np.zeros(1), []
    for share, where in zip(profile.ravel(), of.seen.T, strict=True):
        if share > 0.0:
            y, back = _linear(rows[where], op.sigma_w * (share / units) ** 0.5, rng, matrices)
            total = total + y
            backs.append((where, back))

    def pull(g: FloatArray) -> tuple[FloatArray, ...]:
        seen, found = np.moveaxis(g.reshape(len(g), -1, units), 1, 0), np.zeros_like(rows)
        for where, back in reversed(backs):
            np.add.at(found, where, back(seen)[0])
        return (np.moveaxis(found[:-1], 0, 1).reshape(x[0].shape),)

    return np.moveaxis(total + op.sigma_b * rng.standard_normal(units), 0, 1).reshape(shape), pull


def _with_matrix(x: FloatArray, scale: float, rng: np.random.Generator, weights: WeightLaw) -> Drawn:
    own, units = int(rng.integers(2**63)), x.shape[1]  # of the seed: the matrix is drawn twice
    y = forwards(scale * x, weights, units, "float64", generator(own))
    return y, lambda g: (backwards(scale * g, weights, units, "float64", generator(own)),)


def _without_matrix(x: FloatArray, scale: float, rng: np.random.Generator) -> Drawn:
    basis, triangle = np.linalg.qr(x.T)
    seen = scale * rng.standard_normal((len(triangle), x.shape[1]))  # (W Q)^T

    def back(g: FloatArray) -> tuple[FloatArray, ...]:
        sizes = np.linalg.qr(g.T)[1]
        fresh = product(sizes.T, scale * rng.standard_normal((len(sizes), g.shape[1])))
        return (fresh + product(product(g, seen.T) - product(fresh, basis), basis.T),)

    return product(triangle.T, seen), back


@draw.register
def _scale(op: Scale, x: tuple[FloatArray, ...], rng: np.random.Generator, matrices: bool) -> Drawn:
    return op.factor * x[0], lambda g: (op.factor * g,)


@draw.register
def _elementwise(op: Elementwise, x: tuple[FloatArray, ...], rng: np.random.Generator, matrices: bool) -> Drawn:
    seen = op.phi if op.backward is None else op.backward
    return op.phi(x[0]), lambda g: (seen.dphi(x[0]) * g,)


@draw.register
def _mixture(op: Mixture, x: tuple[FloatArray, ...], rng: np.random.Generator, matrices: bool) -> Drawn:
    """The first units of the first branch, the next ones of the second, and so on."""
    ends = np.rint(np.cumsum(op.shares) * x[0].shape[-1])
    kind = np.searchsorted(ends, np.arange(x[0].shape[-1]), side="right")
    own = [kind == i for i in range(len(x))]
    return np.select(own, x), lambda g: tuple(np.where(mask, g, 0.0) for mask in own)


@draw.register
def _mix(op: Mix, x: tuple[FloatArray, ...], rng: np.random.Generator, matrices: bool) -> Drawn:
    def by(weights: FloatArray, units: FloatArray, positions: tuple[int, ...]) -> FloatArray:
        rows = units.reshape(len(units), weights.shape[1], -1)
        return np.asarray((weights @ rows).reshape(len(units), *positions, -1))

    before = x[0].shape[1:-1]
    return by(op.weights, x[0], op.shape), lambda g: (by(op.weights.T, g, before),)


@draw.register
def _average(op: AveragePool, x: tuple[FloatArray, ...], rng: np.random.Generator, matrices: bool) -> Drawn:
    return draw(op.mix(x[0].shape[1:-1]), x, rng, matrices)


@draw.register
def _maxima(op: MaxPool, x: tuple[FloatArray, ...], rng: np.random.Generator, matrices: bool) -> Drawn:
    of, rows = op.window.over(x[0].shape[1:-1]), x[0].reshape(len(x[0]), -1, x[0].shape[-1])
    seen = rows[:, of.seen]
    largest = seen.argmax(axis=2)
    where = np.take_along_axis(np.broadcast_to(of.seen[None, :, :, None], seen.shape), largest[:, :, None], 2)[:, :, 0]

    def pull(g: FloatArray) -> tuple[FloatArray, ...]:
        found = np.zeros_like(rows)
        for row, gradient, place in zip(found, g.reshape(where.shape), where, strict=True):
            np.add.at(row.T, (np.arange(row.shape[1]), place), gradient)
        return (found.reshape(x[0].shape),)

    shape = (len(rows), *of.shape, rows.shape[-1])
    return np.take_along_axis(seen, largest[:, :, None], 2)[:, :, 0].reshape(shape), pull


@draw.register
def _flatten(op: Flatten, x: tuple[FloatArray, ...], rng: np.random.Generator, matrices: bool) -> Drawn:
    """The units of all positions: S N of them."""
    return x[0].reshape(len(x[0]), -1), lambda g: (g.reshape(x[0].shape),)


@draw.register
def _batch_norm(op: BatchNorm, x: tuple[FloatArray, ...], rng: np.random.Generator, matrices: bool) -> Drawn:
    """The points are the inputs of one batch."""
    if len(x[0]) != op.batch:
        raise EocError(f"a batch of {op.batch:g} inputs is normalised, but networks are drawn with {len(x[0])}")
    rest = x[0] - x[0].mean(axis=0)
    r = (rest * rest).mean(axis=0) ** -0.5
    y = r * rest
    return y, lambda g: (r * (g - g.mean(axis=0) - y * (y * g).mean(axis=0)),)


@draw.register
def _attention(op: Attention, x: tuple[FloatArray, ...], rng: np.random.Generator, matrices: bool) -> Drawn:
    """Values, with queries and keys where there are heads, and outputs."""
    checked_heads(op, x[0])
    scale, count = x[0].shape[-1] ** -0.5, 3 if op.heads and op.beta > 0.0 else 1
    made = [_linear(x[0], scale, rng, matrices) for _ in range(count)]
    given = [one for one, _ in made] if count == 3 else [made[0][0], x[0]]
    middle, to_middle = attended(op, tuple(given), rng)
    y, to_outputs = _linear(middle, op.sigma_w * scale, rng, matrices)

    def back(g: FloatArray) -> tuple[FloatArray, ...]:
        by = zip(to_middle(to_outputs(g)[0]), made, strict=False)
        return (reduce(np.add, [of(part)[0] for part, (_, of) in reversed(list(by))]),)

    return y, back


@draw.register
def _norm(op: Norm, x: tuple[FloatArray, ...], rng: np.random.Generator, matrices: bool) -> Drawn:
    def centred(rows: FloatArray) -> FloatArray:
        return np.asarray(rows - _mean(rows)) if op.centred else rows

    rest = centred(x[0])
    r = (_mean(rest * rest) + op.eps) ** -0.5
    y = r * rest
    return y, lambda g: (r * (centred(g) - y * _mean(y * g)),)


def _mean(rows: FloatArray) -> FloatArray:
    return np.asarray(rows.mean(axis=-1, keepdims=True))


@draw.register
def _noise(op: Noise, x: tuple[FloatArray, ...], rng: np.random.Generator, matrices: bool) -> Drawn:
    """Dropout of this second moment."""
    shape = x[0].shape[-1:] if op.shared else x[0].shape
    mask = op.mu2 * (rng.random(shape) * op.mu2 < 1.0)
    return mask * x[0], lambda g: (mask * g,)


@draw.register
def _sum(op: Sum, x: tuple[FloatArray, ...], rng: np.random.Generator, matrices: bool) -> Drawn:
    return reduce(np.add, x), lambda g: (g,) * len(x)


@draw.register
def _product(op: Product, x: tuple[FloatArray, ...], rng: np.random.Generator, matrices: bool) -> Drawn:
    return reduce(np.multiply, x), lambda g: tuple(reduce(np.multiply, (*x[:i], *x[i + 1 :]), g) for i in range(len(x)))


@draw.register
def _outside(op: Outside, x: tuple[FloatArray, ...], rng: np.random.Generator, matrices: bool) -> Drawn:
    points, units = x[0].shape
    together = np.full((points, points), op.variance * op.c)
    np.fill_diagonal(together, op.variance)
    values, vectors = np.linalg.eigh(together)
    if values[0] < -1e-9 * op.variance:
        raise EocError(f"{points} inputs cannot all have the correlation {op.c:g}: at least {-1.0 / (points - 1):.4g}")
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    return root @ rng.standard_normal((points, units)), lambda g: (np.zeros_like(g),)


@draw.register
def _graph(op: Graph, x: tuple[FloatArray, ...], rng: np.random.Generator, matrices: bool) -> Drawn:
    values, backs = [x[0]], []
    for node in op.nodes:
        value, back = draw(node.op, tuple(values[i] for i in node.inputs), rng, matrices)
        values.append(value)
        backs.append(back)

    def pull(g: FloatArray) -> tuple[FloatArray, ...]:
        by_value = [*(np.zeros_like(value) for value in values[:-1]), g]
        for node, back in zip(reversed(op.nodes), reversed(backs), strict=True):
            for i, part in zip(node.inputs, back(by_value.pop()), strict=True):
                by_value[i] = by_value[i] + part
        return (by_value[0],)

    return values[-1], pull


@draw.register
def _repeat(op: Repeat, x: tuple[FloatArray, ...], rng: np.random.Generator, matrices: bool) -> Drawn:
    y, backs = x[0], []
    for layer in range(1, op.times + 1):
        y, back = draw(op.block(layer), (y,), rng, matrices)
        backs.append(back)
    return y, lambda g: reduce(lambda later, back: back(*later), reversed(backs), (g,))


def count(op: object) -> int:
    """How many ops there are in an op, repeated ones as often as they are repeated.

    Examples
    --------
    >>> from eoc.layers import network
    >>> count(network("repeat(10, tanh, dense(1))").block())
    20
    """
    if isinstance(op, Graph):
        return sum(count(node.op) for node in op.nodes)
    return op.times * count(op.block(1)) if isinstance(op, Repeat) else 1
