"""Networks that normalise over batches: where these end, and by what gradients grow there.

A batch whose inputs are all alike is followed from block to block, with the tangents of its inputs, until nothing
changes. Behind a batch normalisation that is so after one block; with a skip connection of weight below 1 variances
come to an end as they do there, and with one of weight 1 they grow by the same amount in every block.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eoc.errors import AccuracyError
from eoc.floats import EPS, FloatArray
from eoc.layers import Graph, Input, Network, Pairs, Renewed, Signal
from eoc.layers.bounded import Bounded

__all__ = ["SettledBatch", "settled_batch"]

_MOST = 5000  # blocks
_STILL = 16.0 * EPS  # relative change in a block
_STEADY = 1e-11  # relative change of what is added in a block
_SOONEST = 8  # blocks
_STEP = 1e-3  # relative, of slopes


@dataclass(frozen=True)
class SettledBatch:
    """Where a batch of inputs that are all alike ends.

    Attributes
    ----------
    q, q_error
        The variance that blocks keep; infinite where it grows.
    one_minus_c, one_minus_c_error
        1 - c of two inputs of the batch.
    growth, growth_error
        By what a block multiplies the second moment of gradients; 1 where variances grow, with gradients like a power.
    power
        Of the variance that gradients grow by; 0 where variances settle.
    slope, pair_slope, pair_slope_error
        By what a block multiplies distances from q, and from 1 - c.
    """

    q: float
    q_error: float
    one_minus_c: float
    one_minus_c_error: float
    growth: float
    growth_error: float
    power: float
    slope: float
    pair_slope: float
    pair_slope_error: float


def settled_batch(network: Network, sigma_w: float | None, sigma_b: float) -> SettledBatch:
    """Where inputs of variance 1, all independent, come to.

    Raises
    ------
    AccuracyError
        Where they come to no end within 5000 blocks.

    Examples
    --------
    >>> from eoc.layers import network
    >>> found = settled_batch(network("batchnorm(8), relu, dense(1.5)"), None, 0.0)
    >>> round(found.q, 9), round(1.0 - found.one_minus_c, 9), round(found.growth, 9)
    (1.125, 0.250134933, 1.788189977)
    """
    block = network.block(sigma_w, sigma_b, surrogates=True)
    seen = [_numbers(_batch(1.0, 1.0))]
    x: Signal = _batch(1.0, 1.0)
    for layer in range(_MOST):
        y = block(x)
        seen.append(_numbers(y))
        now, before = seen[-1], seen[-2]
        if (np.abs(now - before) <= _STILL * np.abs(now[[0, 1, 2, 2]])).all():
            return _settled(block, y, now, np.abs(now - before))
        if layer >= _SOONEST:
            added, last = now - before, before - seen[-3]
            if (added[:2] > 0.0).all() and (np.abs(added - last)[:2] <= _STEADY * added[:2]).all():
                return _growing(seen)
        x = Renewed(y)
    raise AccuracyError(
        f"a batch is still on its way after {_MOST} blocks of {network.name!r}, at q = {seen[-1][0]:g}: follow it with "
        "eoc.propagate"
    )


def _batch(q: float, e: float) -> Input:
    return Input([q], [0.0, e], Pairs.batch())


def _numbers(x: Signal) -> FloatArray:
    """q, G of two inputs, chi, and T of two inputs."""
    return np.array([x.q.value[0], x.G.value[1], x.chi.value[0], x.T.value[1]])


def _settled(block: Graph, y: Signal, now: FloatArray, moved: FloatArray) -> SettledBatch:
    q, e = float(now[0]), float(y.one_minus_c.value[1])
    start = _batch(q, e)
    slope = float(block(start).dq.value[0])
    left = 1.0 / max(1.0 - abs(slope), EPS)  # of what later blocks would still change
    wide, narrow = (_pair_slope(block, q, e, step) for step in (2.0 * _STEP, _STEP))

    def error(one: Bounded, at: int, i: int) -> float:
        return float(one.error[at]) + left * float(moved[i])

    return SettledBatch(
        q=q,
        q_error=error(y.q, 0, 0),
        one_minus_c=e,
        one_minus_c_error=error(y.one_minus_c, 1, 1),
        growth=float(now[2]),
        growth_error=error(y.chi, 0, 2),
        power=0.0,
        slope=slope,
        pair_slope=narrow,
        pair_slope_error=0.0 if wide == narrow == 0.0 else abs(wide - narrow) + 8.0 * EPS / _STEP,
    )


def _pair_slope(block: Graph, q: float, e: float, step: float) -> float:
    """By differences to batches that are more alike: there may be none that are less."""
    factors = (1.0, 1.0 - step, 1.0 - 2.0 * step)
    here, near, far = (float(block(_batch(q, factor * e)).one_minus_c.value[1]) for factor in factors)
    return (3.0 * (here - near) - (near - far)) / (2.0 * step * e)


def _growing(seen: list[FloatArray]) -> SettledBatch:
    """Where a block adds the same A to q and A' to G, and multiplies what differs in tangents by 1 + power A' / G."""
    (q, g, own, other), (later, distance, chi, product) = seen[-2].tolist(), seen[-1].tolist()
    grown = (chi - product) / (1.0 - other / own)  # tangents had the size 1 before the last block
    return SettledBatch(
        q=np.inf,
        q_error=0.0,
        one_minus_c=(distance - g) / (later - q),
        one_minus_c_error=_STEADY,
        growth=1.0,
        growth_error=0.0,
        power=(grown - 1.0) * g / (distance - g),
        slope=1.0,
        pair_slope=1.0,
        pair_slope_error=0.0,
    )
