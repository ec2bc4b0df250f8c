"""Weight matrices drawn in blocks of rows, by several threads, each block used as soon as it is there and forgotten.

Every block has a generator of its own, a child of its layer's. Therefore the entries depend neither on how many threads
draw them nor on how often: a layer that is drawn again from an equal generator is the same layer.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from eoc.floats import FloatArray
from eoc.machine import cores
from eoc.montecarlo.sampling.laws import Dtype, Shape, WeightLaw, Weights, cast
from eoc.montecarlo.sampling.layer import check_stopped
from eoc.sharing import once

__all__ = ["backwards", "forwards", "matrix", "product", "working_memory"]

T = TypeVar("T")

_BLOCK = 2**16  # entries: half a megabyte stays in the cache of a core between its drawing and its use
_THREADS = 8  # at most: memory is the limit beyond
_FACTORISED = 4  # matrices that are there at a time while one is made orthogonal
_SINGLE = 2**18  # multiplications that OpenBLAS does on the calling thread
_ROWS, _INNER = 16, 1024  # of a tile, at most; columns as many as the size allows


def matrix(law: WeightLaw, shape: Shape, dtype: Dtype, rng: np.random.Generator) -> Weights:
    """The whole matrix (rows, columns), entries of variance 1."""
    return np.concatenate(list(_blocks(law, shape, dtype, rng, lambda _, block: block)))


def forwards(x: FloatArray, law: WeightLaw, rows: int, dtype: Dtype, rng: np.random.Generator) -> FloatArray:
    """W x for every row x of (P, columns): (P, rows). The products are computed in ``dtype``."""
    given, out = cast(x, dtype), np.empty((len(x), rows))

    def use(which: slice, block: Weights) -> None:
        with np.errstate(over="ignore", invalid="ignore"):  # the layer says so
            out[:, which] = product(given, block.T)

    for _ in _blocks(law, (rows, x.shape[1]), dtype, rng, use):
        pass
    return out


def backwards(g: FloatArray, law: WeightLaw, columns: int, dtype: Dtype, rng: np.random.Generator) -> FloatArray:
    """W^T g for every row g of (P, rows): (P, columns). The products are computed in ``dtype``."""
    given = cast(g, dtype)

    def use(which: slice, block: Weights) -> Weights:
        with np.errstate(over="ignore", invalid="ignore"):
            return product(given[:, which], block)

    out = np.zeros((len(g), columns))
    for part in _blocks(law, (g.shape[1], columns), dtype, rng, use):
        out += part  # in the order of the blocks, so that rounding is the same each time
    return out


def working_memory(law: WeightLaw, shape: Shape) -> float:
    """Bytes that drawing a matrix takes, at most."""
    if law.whole:
        return 8.0 * _FACTORISED * shape[0] * shape[1]
    return 8.0 * 2 * _THREADS * max(_BLOCK, shape[1])


def _blocks(
    law: WeightLaw, shape: Shape, dtype: Dtype, rng: np.random.Generator, use: Callable[[slice, Weights], T]
) -> Iterator[T]:
    """What ``use(rows, block)`` makes of all blocks, from the first rows to the last; called by several threads."""
    rows, columns = shape
    size = rows if law.whole else max(1, _BLOCK // columns)
    parts = [slice(first, min(first + size, rows)) for first in range(0, rows, size)]

    stop = copy_context()  # the threads have another one

    def draw(part: slice, own: np.random.Generator) -> T:
        stop.copy().run(check_stopped)
        return use(part, law.draw(own, (part.stop - part.start, columns), dtype))

    children = rng.spawn(len(parts))
    if len(parts) == 1:
        return iter([draw(parts[0], children[0])])
    return _pool(os.getpid()).map(draw, parts, children)


@once()
def _pool(process: int) -> ThreadPoolExecutor:
    """The threads of this process, kept for the next layer; a forked process does not inherit its parent's."""
    return ThreadPoolExecutor(min(cores(), _THREADS))


def product(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """A @ B of shapes (P, K) and (K, N), of one dtype, computed on the thread that asks for it.

    Above 2^18 multiplications OpenBLAS hands parts of a product to threads of its own. They go on waiting actively for
    the next product for a while, one product at a time, on cores on which other threads draw weights: measured on two
    cores, that makes a layer up to five times slower. Tiles below that size cost a few per cent. Rounding does not
    depend on how many threads there are.

    Examples
    --------
    >>> product(np.eye(2), np.ones((2, 3))).tolist()
    [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
    """
    out = np.zeros((a.shape[0], b.shape[1]), a.dtype)
    rows, inner = min(a.shape[0], _ROWS), min(a.shape[1], _INNER)
    columns = max(1, _SINGLE // (rows * inner))
    for i in range(0, a.shape[0], rows):
        for j in range(0, b.shape[1], columns):
            tile = out[i : i + rows, j : j + columns]
            for k in range(0, a.shape[1], inner):
                tile += a[i : i + rows, k : k + inner] @ b[k : k + inner, j : j + columns]
    return out
