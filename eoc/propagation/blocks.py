"""Blocks of a network one after the other: what becomes of variances, correlations and gradients.

Unlike plain layers (:mod:`eoc.propagation.layers`) every block is followed singly, so that the depth is bounded.
"""

from __future__ import annotations

import numpy as np

from eoc.errors import EocError
from eoc.floats import EPS, FloatArray, IntArray
from eoc.gaussian.angle import Angle
from eoc.layers import Input, Network, Pairs, Renewed, Signal
from eoc.propagation.layers import Progress
from eoc.propagation.trajectory import Trajectory

__all__ = ["MOST_BLOCKS", "followed_blocks", "kept_variance"]

MOST_BLOCKS = 20_000  #: that are followed, one by one
_SETTLED = 8.0 * EPS  # relative change of a variance that counts as none
_LAYERS = 2000  # after which a variance has settled, or does not
_RANGE = (1e-100, 1e100)


def kept_variance(network: Network, sigma_w: float | None, sigma_b: float) -> float:
    """The variance that a block keeps, coming from 1.

    Raises
    ------
    EocError
        If variances grow, vanish or are still on their way.
    """
    if network.varies:
        raise EocError(f"the blocks of {network.name!r} differ from layer to layer: give q, the variance of the inputs")
    block, q = network.block(sigma_w, sigma_b), 1.0
    for _ in range(_LAYERS):
        before, q = q, float(block(Input([q])).q.value[0])
        if abs(q - before) <= _SETTLED * before:
            return q
        if not _RANGE[0] < q < _RANGE[1]:
            break
    raise EocError(f"{network.name!r} keeps no variance: it is {q:.3g} after some blocks; give q, that of the inputs")


def followed_blocks(
    network: Network,
    sigma_w: float | None,
    sigma_b: float,
    q: FloatArray,
    at: Angle,
    layers: FloatArray,
    progress: Progress | None,
) -> Trajectory:
    """The trajectory of inputs with variances q (P,) and angles (P, P), recorded at ``layers``.

    Raises
    ------
    EocError
        If the variance leaves what double precision can follow, for deeper networks than :data:`MOST_BLOCKS`, and for
        what no formula is known of.
    """
    last = int(layers[-1])
    if last > MOST_BLOCKS:
        raise EocError(f"blocks are followed one by one: depth can be at most {MOST_BLOCKS}, got {last}")
    pairs = Pairs.all_of(q.size)
    x: Signal = Input(q, at.e[pairs.first, pairs.second], pairs)
    signals, log_chi = [x], np.zeros((last + 2, q.size))
    for layer in range(1, last + 2):  # one more, for what a gradient is multiplied by behind the last
        y = network.block(sigma_w, sigma_b, min(layer, max(last, 1)), max(last, 1))(x)
        with np.errstate(divide="ignore"):
            log_chi[layer] = np.log(y.chi.value)
        if layer <= last:
            _check_variance(network, y.q.value, layer)
            x = Renewed(y)
            _compute(x)
            signals.append(x)
        if progress is not None and layer <= last:
            progress(float(layer), float(last))
    return _trajectory(network, sigma_w, sigma_b, signals, layers.astype(int), log_chi)


def _compute(x: Signal) -> None:
    """What is asked for later, now: otherwise every block would ask the one before it, deeper than Python can."""
    for name in ("q", "m", "G"):
        getattr(x, name)


def _check_variance(network: Network, q: FloatArray, layer: int) -> None:
    low, high = _RANGE
    if not ((q > low) & (q < high)).all():
        size = float(q.max() if (q >= high).any() else q.min())
        what = "nothing is left of the signal" if size <= low else "scale its branches, normalise, or take fewer blocks"
        raise EocError(f"the variance is {size:.3g} after {layer} blocks of {network.name!r}: {what}")


def _trajectory(
    network: Network,
    sigma_w: float | None,
    sigma_b: float,
    signals: list[Signal],
    layers: IntArray,
    log_chi: FloatArray,
) -> Trajectory:
    """``log_chi`` (L + 2, P): of the block that ends in a layer."""
    recorded, pairs = [signals[layer] for layer in layers], signals[0].pairs
    count = signals[0].q.value.size
    e, error = np.zeros((layers.size, count, count)), np.zeros((layers.size, count, count))
    for i, x in enumerate(recorded):
        found = x.one_minus_c
        e[i, pairs.first, pairs.second] = e[i, pairs.second, pairs.first] = np.clip(found.value, 0.0, 2.0)
        error[i, pairs.first, pairs.second] = error[i, pairs.second, pairs.first] = np.minimum(found.error, 2.0)
    behind = np.cumsum(log_chi[layers[-1] : 0 : -1], axis=0)[::-1]  # of the blocks from each layer to the last one
    log_gradient = np.vstack([behind, np.zeros(count)])[np.minimum(layers, layers[-1])]
    return Trajectory(
        activation=network.name,
        sigma_w=float("nan") if sigma_w is None else sigma_w,
        sigma_b=float("nan") if sigma_w is None else sigma_b,
        layers=layers.astype(float),
        q=np.stack([x.q.value for x in recorded]),
        q_error=np.stack([x.q.error for x in recorded]),
        one_minus_c=e,
        error=error,
        chi=np.exp(log_chi[layers + 1]),
        log_gradient=log_gradient,
    )
