"""Points that layers mix, followed block by block: inputs of a batch, or tokens, that are all alike stay so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from eoc.errors import EocError
from eoc.floats import EPS, FloatArray
from eoc.gaussian.angle import Angle
from eoc.layers import Input, Network, Pairs, Signal
from eoc.layers.bounded import Bounded
from eoc.layers.group import Group, is_causal
from eoc.layers.signal import products_behind
from eoc.propagation.layers import Progress, assembled, one_by_one
from eoc.propagation.trajectory import Trajectory

__all__ = ["followed_together"]

_ALIKE = 8.0 * EPS
_INSTEAD = {
    "batchnorm": "give one variance q and one correlation c of any two; eoc.sample_batches follows any Gram matrix",
    "attention": "give one variance q and one correlation c of any two, or correlations of all tokens, as a matrix",
}


def followed_together(
    group: Group,
    network: Network,
    sigma_w: float | None,
    sigma_b: float,
    q: Bounded,
    at: Angle,
    error: FloatArray,
    layers: FloatArray,
    progress: Progress | None,
) -> Trajectory:
    """As :func:`eoc.propagation.layers.followed`, of points that layers mix, of one variance and one correlation.

    Tokens may also be all given, with correlations of their own; with a causal mask all are followed. Gradients are
    those of a loss whose gradients at these points are independent, means over them.
    """
    points = q.value.size
    apart = np.triu_indices(points, 1)
    e = at.e[apart]
    if points > group.size:
        raise EocError(f"{network.name!r} mixes {group}, which have no {points} inputs")
    least = -1.0 / (group.size - 1.0) if group.size > 1.0 else 0.0
    if group.tokens is not None and e.size and 1.0 - e.max() < least - _ALIKE and points < group.size:
        raise EocError(
            f"{group} cannot all have the correlation {1.0 - e.max():g} with each other: at least {least:.4g}"
        )
    if points < 2 or any(np.ptp(one) > _ALIKE * one.max() for one in (q.value, e)):
        if points == group.tokens:
            return _one_by_one(network, sigma_w, sigma_b, q, at, error, layers, progress)
        raise EocError(f"{network.name!r} mixes {group}, which theory takes to be all alike: {_INSTEAD[group.layer]}")
    if group.tokens is not None and is_causal(network.series):  # alike at first
        of_all, apart_all = np.ones(group.tokens), 1.0 - np.eye(group.tokens)
        tokens = Bounded(q.value[0] * of_all, q.error.max() * of_all)
        both = Angle(e[0] * apart_all, 2.0 - e[0] * apart_all)
        return _one_by_one(network, sigma_w, sigma_b, tokens, both, error[apart].max() * apart_all, layers, progress)
    off = Bounded(np.array([0.0, e[0]]), np.array([0.0, error[apart].max()]))
    start = Input(Bounded(q.value[:1], np.full(1, q.error.max())), off, group.pairs)
    way = one_by_one(network, sigma_w, sigma_b, start, float(layers[-1]), progress)
    run = assembled(network, sigma_w, sigma_b, way, layers, np.zeros(2, bool))
    every, other = np.ones(points), 1.0 - np.eye(points)
    if group.tokens is not None:
        logs = _log_gradients(way.signals[: int(layers[-1]) + 1], way.log_chi)
        run = replace(run, log_gradient=logs[layers.astype(int), None])
    return replace(
        run,
        **{name: getattr(run, name) * every for name in ("q", "q_error", "chi", "log_gradient")},
        **{name: getattr(run, name) * other for name in ("one_minus_c", "error")},
    )


def _log_gradients(signals: Sequence[Signal], log_chi: Sequence[FloatArray]) -> FloatArray:
    """Of the mean squared gradient at each layer over that at the last one, where gradients of points are independent.

    Each block maps the products of tangents of a point with itself and with another one, linearly; those of gradients
    go back by the transposed map.
    """
    row, logs = np.array([1.0, 0.0]), [0.0]
    for before, after, log in reversed(list(zip(signals, signals[1:], log_chi, strict=False))):
        found = row @ np.stack([products_behind(after, before, one) for one in np.eye(2)], axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            logs.append(logs[-1] + float(log[0]) + float(np.log(found[0])))
            row = found / found[0]
    return np.array(logs[::-1])


def _one_by_one(
    network: Network,
    sigma_w: float | None,
    sigma_b: float,
    q: Bounded,
    at: Angle,
    error: FloatArray,
    layers: FloatArray,
    progress: Progress | None,
) -> Trajectory:
    """Of every token of an input; gradients are means over tokens."""
    pairs = Pairs.every(1, (q.value.size,))
    start = Input(q, Bounded(at.e[pairs.first, pairs.second], error[pairs.first, pairs.second]), pairs)
    way = one_by_one(network, sigma_w, sigma_b, start, float(layers[-1]), progress)
    run = assembled(network, sigma_w, sigma_b, way, layers, np.zeros(pairs.size, bool))
    products = start.T.value
    signals = way.signals[: int(layers[-1]) + 1]
    for before, after, log in zip(signals, signals[1:], way.log_chi, strict=False):
        sizes = np.exp(0.5 * log)  # of which tangents have been relieved
        products = products_behind(after, before, products) * sizes[pairs.first] * sizes[pairs.second]
    logs = np.full(run.q.shape, np.nan)  # tangents from the inputs say nothing of gradients between
    logs[layers == layers[-1]] = 0.0
    logs[layers == 0.0] = np.log(products[pairs.alike].mean())
    return replace(run, log_gradient=logs)
