r"""NNGP and NTK of infinitely wide networks, block by block.

With the covariance K and the neural tangent kernel Theta of pre-activations, a layer with an activation before it has

.. math:: K' = \sigma_b^2 + \sigma_w^2 E[\phi(u) \phi(v)], \qquad
          \Theta' = K' + \sigma_w^2 E[\phi'(u) \phi'(v)] \, \Theta,

and every other layer its own rule, which stands with the op (:mod:`eoc.layers`); distances are followed instead of K,
so that inputs that become alike keep their digits. In the standard parameterisation, where the weights themselves are
trained, a layer of fan-in n has n E[phi(u) phi(v)] + 1 in place of the first K'. Jacot et al. (2018), Lee et al. (2018,
2019), Sohl-Dickstein et al. (2020) for the standard one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike

from eoc.floats import FloatArray, IntArray
from eoc.kernels.inputs import Points, bias_of, points_of, variances_of
from eoc.kernels.result import Kernel
from eoc.kernels.tangents import Parameterization, tangents_of
from eoc.kernels.wide import Wide, checked_depth
from eoc.layers import Input, Pairs, understood
from eoc.layers.affine import Dense
from eoc.layers.bounded import Bounded, exact
from eoc.machine import check_memory

__all__ = ["Progress", "kernel", "kernel_diagonals", "kernels"]

Progress = Callable[[float, float], None]  #: of what is done and what there is to do

_PAIRS = 2**17  # that are followed together
_ARRAYS, _OF_DEPTH = 8, 6  # of the size of the result, in memory at once: for one depth, and for each further one


def kernel(
    network: object,
    x1: ArrayLike | None = None,
    x2: ArrayLike | None = None,
    *,
    depth: int,
    sigma_w: float | None = None,
    sigma_b: float = 0.0,
    gram: ArrayLike | None = None,
    q: ArrayLike | None = None,
    one_minus_c: ArrayLike | None = None,
    parameterization: Parameterization = "ntk",
    width: float | None = None,
    biases: bool = True,
    progress: Progress | None = None,
) -> Kernel:
    """The covariance (NNGP) and the neural tangent kernel of the outputs of a wide network, for all pairs of inputs.

    Parameters
    ----------
    network
        An activation, or an :func:`eoc.network`.
    x1, x2
        Vectors as rows, (n, d) and (m, d). Without ``x2``, or with neither, the matrix is that of one set.
    depth
        Blocks, >= 0, up to 20 000: activations of a plain network, whose first layer comes before them. 0: the first
        layer alone.
    sigma_w, sigma_b
        Of the first layer, and of the ``dense`` without numbers in the network. For networks without one: left out, and
        the first layer has sigma_w = 1, sigma_b = 0.
    gram
        Instead of vectors: x . x' / d, (n, n).
    q, one_minus_c
        Instead of inputs their pre-activations in the first layer, as for :func:`eoc.propagate`: variances (n,), or 1
        for all where left out, and 1 - c, (n, n) or one number for all pairs.
    parameterization
        "ntk": every weight is sigma_w / sqrt(fan-in) times a parameter drawn from N(0, 1), every bias sigma_b times
        one, and these are trained. "standard": weights and biases themselves are; then ``ntk`` grows with the fan-in.
    width, biases
        For "standard", with inputs as vectors: the fan-in of all layers but the first, and whether dense layers have
        biases, which may begin at sigma_b = 0.
    progress
        Called with how much is done, and how much there is.

    Returns
    -------
    Kernel
        With bounds on the errors of its numbers.

    Raises
    ------
    UnsupportedError
        If activations of the network meet signals that are not Gaussian.
    EocError
        For inputs that are none, values out of range, matrices that do not fit into memory.

    Examples
    --------
    >>> found = kernel("relu", np.eye(2), depth=1, sigma_w=2**0.5)
    >>> found.nngp.round(6).tolist()
    [[1.0, 0.31831], [0.31831, 1.0]]
    >>> found.ntk.round(6).tolist()
    [[2.0, 0.31831], [0.31831, 2.0]]
    """
    return kernels(
        network,
        x1,
        x2,
        depths=[checked_depth(depth)],
        sigma_w=sigma_w,
        sigma_b=sigma_b,
        gram=gram,
        q=q,
        one_minus_c=one_minus_c,
        parameterization=parameterization,
        width=width,
        biases=biases,
        progress=progress,
    )[0]


def kernels(
    network: object,
    x1: ArrayLike | None = None,
    x2: ArrayLike | None = None,
    *,
    depths: Sequence[int],
    sigma_w: float | None = None,
    sigma_b: float = 0.0,
    gram: ArrayLike | None = None,
    q: ArrayLike | None = None,
    one_minus_c: ArrayLike | None = None,
    parameterization: Parameterization = "ntk",
    width: float | None = None,
    biases: bool = True,
    progress: Progress | None = None,
) -> list[Kernel]:
    """Kernels at several depths, increasing, in one pass where blocks are all alike; arguments as of :func:`kernel`.

    Examples
    --------
    >>> [one.nngp[0].round(6).tolist() for one in kernels("relu", np.eye(2), depths=[1, 2], sigma_w=2**0.5)]
    [[1.0, 0.31831], [1.0, 0.493731]]
    """
    block = understood(network)
    block.check_free(sigma_w, sigma_b)
    points = points_of(x1, x2, gram, q, one_minus_c, bias_of(sigma_w, sigma_b))
    tangents = tangents_of(parameterization, width, biases, points.features, points.bias)
    wide = Wide(block, sigma_w, sigma_b, tangents, _first(points, sigma_w, sigma_b))
    shape = points.one_minus_c.shape
    size, matrices = 8.0 * shape[0] * shape[1], _ARRAYS + _OF_DEPTH * (len(depths) - 1)
    check_memory(f"a kernel of {shape[0]} x {shape[1]} pairs", matrices * size, "use fewer inputs")
    found = [tuple(Bounded(np.empty(shape), np.empty(shape)) for _ in range(3)) for _ in depths]
    parts = list(_parts(points))
    done, total = 0, len(parts) * (wide.steps(depths) + 1)

    def told() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(float(done), float(total))

    for rows, columns in parts:
        ends = wide.outputs(_pairs(points, rows, columns), depths, told)
        for matrices_of, end in zip(found, ends, strict=True):
            for into, of in zip(matrices_of, (end.k, tangents.of(end), end.one_minus_c), strict=True):
                into.value[rows, columns], into.error[rows, columns] = of.value, of.error
        told()
    if points.symmetric:
        for part in (part for one in found for matrix in one for part in (matrix.value, matrix.error)):
            part[:] = np.triu(part) + np.triu(part, 1).T
    return [
        Kernel(
            network=block.name,
            sigma_w=sigma_w,
            sigma_b=sigma_b,
            depth=depth,
            parameterization=parameterization,
            width=width,
            symmetric=points.symmetric,
            nngp=nngp.value,
            nngp_error=nngp.error,
            ntk=ntk.value,
            ntk_error=ntk.error,
            one_minus_c=e.value,
            one_minus_c_error=e.error,
        )
        for depth, (nngp, ntk, e) in zip(depths, found, strict=True)
    ]


def kernel_diagonals(
    network: object,
    x: ArrayLike,
    *,
    depth: int,
    sigma_w: float | None = None,
    sigma_b: float = 0.0,
    parameterization: Parameterization = "ntk",
    width: float | None = None,
    biases: bool = True,
) -> tuple[FloatArray, FloatArray]:
    """The diagonals of both kernels of vectors, (n,) each; arguments as of :func:`kernel`.

    Examples
    --------
    >>> [one.round(6).tolist() for one in kernel_diagonals("relu", np.eye(2), depth=1, sigma_w=2**0.5)]
    [[1.0, 1.0], [2.0, 2.0]]
    """
    block = understood(network)
    block.check_free(sigma_w, sigma_b)
    bias = bias_of(sigma_w, sigma_b)
    q, features = variances_of(x, bias)
    tangents = tangents_of(parameterization, width, biases, features, bias)
    first = _first_layer(sigma_w, sigma_b, bias)
    own = np.arange(q.size)
    own_pairs = Input(q, exact(np.zeros(q.size)), Pairs(own, own, diagonal=True))
    ends = next(Wide(block, sigma_w, sigma_b, tangents, first).outputs(own_pairs, [checked_depth(depth)]))
    return ends.k.value, tangents.of(ends).value


def _first(points: Points, sigma_w: float | None, sigma_b: float) -> Dense:
    return Dense(1.0) if points.is_first_layer else _first_layer(sigma_w, sigma_b, points.bias)


def _first_layer(sigma_w: float | None, sigma_b: float, bias: float) -> Dense:
    return Dense(1.0) if sigma_w is None else Dense(sigma_w, 0.0 if bias else sigma_b)


def _parts(points: Points) -> Iterator[tuple[IntArray, IntArray]]:
    """The pairs that have to be computed, a few rows at a time."""
    count, width = points.one_minus_c.shape
    first = 0
    while first < count:
        begin = first if points.symmetric else 0
        rows = min(max(1, _PAIRS // (width - begin)), count - first)
        a, b = np.indices((rows, width - begin)).reshape(2, -1)
        a, b = a + first, b + begin
        wanted = a <= b if points.symmetric else np.ones(a.size, dtype=bool)
        yield a[wanted], b[wanted]
        first += rows


def _pairs(points: Points, rows: IntArray, columns: IntArray) -> Input:
    """Inputs of these pairs alone."""
    e = Bounded(points.one_minus_c[rows, columns], points.error[rows, columns])
    if points.symmetric:
        return Input(_with_error(points.q, points), e, Pairs(rows, columns, diagonal=True))
    both = np.concatenate([points.q, points.other])
    return Input(_with_error(both, points), e, Pairs(rows, columns + points.q.size))


def _with_error(q: FloatArray, points: Points) -> Bounded:
    return Bounded(q, points.q_error * q)
