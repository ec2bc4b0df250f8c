r"""Random networks of blocks: what becomes of two inputs and of gradients in every one of them.

Gradients are sent back from the last block to the inputs. With J the Jacobian of a network of N units, g random with
E g^2 = 1,

.. math:: E |J^T g|^2 / N = E \mathrm{tr}(J J^T) / N \to \chi,

the squared size of a tangent that was 1 at first (:mod:`eoc.layers.signal`); of two inputs g_a . g_b / N \to T.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from threading import Event
from typing import TypeVar

import numpy as np

from eoc.errors import EocError
from eoc.floats import FloatArray
from eoc.layers import Network
from eoc.machine import check_memory
from eoc.montecarlo.positions import drawn_positions, places_of, watched
from eoc.montecarlo.running.runner import Progress
from eoc.montecarlo.sampling.explicit_sampler import angles
from eoc.montecarlo.sampling.layer import stopping
from eoc.montecarlo.sampling.ops import Back, count, draw
from eoc.montecarlo.settings import checked_count, checked_depth, checked_seed, generator
from eoc.validation import real_number

__all__ = ["BlockSample", "sample_blocks"]

_KEPT = 5  # arrays of units that an op keeps for the way back, at most
_MOST = 1e100  # of a unit, so that squares are numbers

T = TypeVar("T")


@dataclass(frozen=True)
class BlockSample:
    """What was seen of M networks of L blocks with two inputs.

    Attributes
    ----------
    q, m : (M, L, 2)
        Second moments and means over units, after each block.
    one_minus_c : (M, L)
        1 - c of both inputs; NaN where all units of one vanish.
    chi : (M, 2)
        Squared gradients at the inputs, over those at the end; empty, (0, 2), without a way back.
    T : (M,)
        Products of the gradients at both inputs, over those at the end.
    """

    q: FloatArray
    m: FloatArray
    one_minus_c: FloatArray
    chi: FloatArray
    T: FloatArray


def sample_blocks(
    network: Network,
    sigma_w: float | None = None,
    sigma_b: float = 0.0,
    *,
    q: tuple[float, float] = (1.0, 1.0),
    c: float = 0.0,
    depth: int = 1,
    width: int,
    networks: int,
    seed: int,
    matrices: bool = True,
    backward: bool = False,
    workers: int = 1,
    progress: Progress | None = None,
) -> BlockSample:
    """Send two inputs, a batch or tokens through random networks of ``depth`` blocks, and gradients back.

    Inputs of networks with layers such as ``conv`` have positions (:mod:`eoc.montecarlo.positions`).

    Parameters
    ----------
    network
        As :func:`eoc.network` makes it.
    sigma_w, sigma_b
        Of its free ``dense``, if it has one.
    q, c
        Variances > 0 of the inputs, and their correlation in [-1, 1]: Gaussian vectors that have exactly these. Of a
        network that mixes a batch or tokens all of these have the first variance, and all pairs the correlation.
    depth
        How many blocks.
    width
        Units, from 3 on.
    networks
        How many, >= 1.
    seed
        A whole number >= 0. Network m depends on it and on m alone.
    matrices
        With weight matrices, or without: sampled exactly from the law that they have, at any width.
    backward
        Whether gradients are sent back.
    workers
        Threads; they do not change the result.
    progress
        Called with the number of networks that are done, and their number.

    Returns
    -------
    BlockSample

    Raises
    ------
    EocError
        For numbers out of range, what would not fit into memory, and units that overflow.

    Examples
    --------
    >>> from eoc.layers import network
    >>> block = network("residual(relu, dense(sqrt(2)))")  # q and squared gradients double
    >>> seen = sample_blocks(block, depth=3, width=10**5, networks=4, seed=1, matrices=False, backward=True)
    >>> seen.q[:, :, 0].mean(axis=0).round(1).tolist(), seen.chi.mean().round(1).item()
    ([2.0, 4.0, 8.0], 8.0)
    """
    q = _checked("q", q[0]), _checked("q", q[1])
    if not -1.0 <= real_number("c", c) <= 1.0:
        raise EocError(f"c must be a correlation in [-1, 1], got {c!r}")
    depth, width, networks = checked_depth(depth), checked_count("width", width), checked_count("networks", networks)
    seed, workers = checked_seed(seed), checked_count("workers", workers)
    inputs = _inputs_of(network)
    if width <= inputs:
        raise EocError(f"width must be at least {inputs + 1}, for {inputs} inputs and what weights add; got {width}")
    blocks = [network.block(sigma_w, sigma_b, layer, depth, surrogates=True) for layer in range(1, depth + 1)]
    kept = sum(map(count, blocks)) if backward else max(map(count, blocks))
    places = places_of(network)
    points = inputs * max(places, 1)
    check_memory("units of the networks", 8.0 * _KEPT * points * width * kept * min(workers, networks))

    def one(number: int) -> tuple[FloatArray, ...]:
        rng = generator(seed, number)
        if places:
            x = drawn_positions(rng, width, q, c, places)
        else:
            x = _pair(rng, width, q, c) if network.group is None else _alike(rng, width, inputs, q[0], c)
        seen: list[FloatArray] = []
        backs: list[Back] = []
        for block in blocks:
            with np.errstate(all="ignore"):  # what overflows is refused below
                x, back = draw(block, (x,), rng, matrices)
            _check_units(x, len(seen) + 1, number)
            two = watched(x)
            seen.append(np.array([*(two * two).mean(axis=1), *two.mean(axis=1), angles(two)[0, 1]]))
            if backward:
                backs.append(back)
        return np.array(seen), _gradients(backs, rng, x.shape, alone=network.group is None) if backward else np.zeros(0)

    columns, gradients = (np.array(part) for part in zip(*_each(one, networks, workers, progress), strict=True))
    chi, products = (gradients[:, :2], gradients[:, 2]) if backward else (np.zeros((0, 2)), np.zeros(0))
    return BlockSample(columns[..., :2], columns[..., 2:4], columns[..., 4], chi, products)


def _checked(name: str, value: float) -> float:
    if not 0.0 < real_number(name, value) < np.inf:
        raise EocError(f"{name} must be a variance > 0, got {value!r}")
    return float(value)


def _inputs_of(network: Network) -> int:
    """Two, or those that layers mix."""
    if network.group is None:
        return 2
    if not 2.0 <= network.group.size < np.inf:
        raise EocError(f"{network.name!r} mixes {network.group}: give a number from 2 on to sample them")
    return int(network.group.size)


def _alike(rng: np.random.Generator, width: int, inputs: int, q: float, c: float) -> FloatArray:
    """Gaussian vectors (inputs, N) of exactly one variance and one correlation."""
    basis = np.linalg.qr(rng.standard_normal((width, inputs)))[0].T * width**0.5
    least = 1.0 + (inputs - 1.0) * c
    if least < 0.0:
        raise EocError(f"{inputs} inputs cannot all have the correlation {c:g}: it is at least -1/{inputs - 1}")
    shared = (least**0.5 - (1.0 - c) ** 0.5) / inputs
    return np.asarray(q**0.5 * ((1.0 - c) ** 0.5 * basis + shared * basis.sum(axis=0)))


def _pair(rng: np.random.Generator, width: int, q: tuple[float, float], c: float) -> FloatArray:
    """Two Gaussian vectors (2, N) of exactly these moments: less noise, the same limit."""
    basis = np.linalg.qr(rng.standard_normal((width, 2)))[0].T * width**0.5
    other = c * basis[0] + (1.0 - c * c) ** 0.5 * basis[1]
    return np.stack([q[0] ** 0.5 * basis[0], q[1] ** 0.5 * other])


def _gradients(backs: list[Back], rng: np.random.Generator, shape: tuple[int, ...], *, alone: bool) -> FloatArray:
    """Chi of both inputs and T, (3,), of one gradient of exactly the size 1; of what is mixed all have one, orthogonal.

    Chi is then the mean over inputs or tokens, T that of the first two. Of inputs with positions both are sums over
    these, where gradients begin at all positions of the output, over the number of these.
    """
    inputs, size = shape[0], math.prod(shape[1:])
    if alone:
        g = rng.standard_normal(shape[1:])
        both = np.stack([g, g]) / ((g * g).sum() / size) ** 0.5
    else:
        both = np.linalg.qr(rng.standard_normal((size, inputs)))[0].T * size**0.5
    with np.errstate(all="ignore"):
        for back in reversed(backs):
            (both,) = back(both)
        products = [(both[i] * both[j]).sum() for i, j in ((0, 0), (1, 1), (0, 1))]
        mean = (both * both).sum() / inputs
        found = np.array(products if alone else [mean, mean, products[2]]) / size
    if not np.isfinite(found).all():
        raise EocError("gradients overflow on their way back: use fewer blocks, or smaller weights")
    return found


def _check_units(x: FloatArray, block: int, number: int) -> None:
    if not np.abs(x).max() <= _MOST:  # nan too
        raise EocError(
            f"units overflow in block {block} of network {number}: they exceed {_MOST:g} or are not numbers. Use fewer "
            "blocks, smaller weights or smaller inputs"
        )


def _each(one: Callable[[int], T], networks: int, workers: int, progress: Progress | None) -> Iterator[T]:
    """What is made of each network, in their order, on so many threads; an interrupt ends those that are under way."""
    stop, context = Event(), copy_context()  # of the caller

    def stoppable(number: int) -> T:
        stopping.set(stop)
        return one(number)

    with ThreadPoolExecutor(workers, thread_name_prefix="eoc") as pool:
        try:
            pending = [pool.submit(context.copy().run, stoppable, number) for number in range(networks)]
            for number, future in enumerate(pending):
                if progress is not None:
                    progress(number, networks)
                yield future.result()
        finally:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
