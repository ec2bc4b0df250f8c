"""Batches that layers normalise, followed block by block: inputs that are all alike stay so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from eoc.errors import EocError
from eoc.floats import EPS, FloatArray
from eoc.gaussian.angle import Angle
from eoc.layers import Input, Network, Pairs
from eoc.layers.bounded import Bounded
from eoc.propagation.layers import Progress, assembled, one_by_one
from eoc.propagation.trajectory import Trajectory

__all__ = ["followed_batch"]

_ALIKE = 8.0 * EPS


def followed_batch(
    network: Network,
    sigma_w: float | None,
    sigma_b: float,
    q: Bounded,
    at: Angle,
    error: FloatArray,
    layers: FloatArray,
    progress: Progress | None,
) -> Trajectory:
    """As :func:`eoc.propagation.layers.followed`, of inputs of one batch, all of one variance and one correlation.

    Gradients are those of a loss whose gradients at the inputs of a batch are independent.
    """
    points = q.value.size
    apart = np.triu_indices(points, 1)
    e = at.e[apart]
    if points > (network.batch or np.inf):
        raise EocError(f"{network.name!r} normalises batches of {network.batch:g}, which have no {points} inputs")
    if points < 2 or any(np.ptp(one) > _ALIKE * one.max() for one in (q.value, e)):
        raise EocError(
            f"{network.name!r} normalises over a batch, whose inputs theory takes to be all alike: give one variance q "
            "and one correlation c of any two; eoc.sample_batches follows the Gram matrix of any batch"
        )
    off = Bounded(np.array([0.0, e[0]]), np.array([0.0, error[apart].max()]))
    start = Input(Bounded(q.value[:1], np.full(1, q.error.max())), off, Pairs.batch())
    way = one_by_one(network, sigma_w, sigma_b, start, float(layers[-1]), progress)
    run = assembled(network, sigma_w, sigma_b, way, layers, np.zeros(2, bool))
    every, other = np.ones(points), 1.0 - np.eye(points)
    return replace(
        run,
        **{name: getattr(run, name) * every for name in ("q", "q_error", "chi", "log_gradient")},
        **{name: getattr(run, name) * other for name in ("one_minus_c", "error")},
    )
