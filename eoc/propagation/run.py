r"""Variances, correlations and gradients layer by layer, from any inputs.

For inputs a, b whose pre-activations have variances q_a, q_b and correlation c, the next layer has

.. math:: q_a' = F(q_a), \qquad
          1 - c' = \frac{\sigma_w^2 G_{ab} - (\sqrt{q_a'} - \sqrt{q_b'})^2 / 2}{\sqrt{q_a' q_b'}}, \qquad
          G_{ab} = \tfrac12 E[(\phi(u) - \phi(v))^2],

which loses no digits where inputs are close. Backwards, the second moment of the gradient is multiplied by
chi(q_a) = sigma_w^2 E[phi'^2] in each layer (Schoenholz et al. 2017). Once every variance has reached its fixed point
the correlation map takes over (:meth:`eoc.CorrelationMap.iterate`), and any depth costs the same.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from eoc.errors import EocError
from eoc.gaussian.angle import angle_of
from eoc.layers import Network, understood
from eoc.layers.bounded import Bounded, exact
from eoc.maps import VarianceMap
from eoc.maps.batches import settled_batch
from eoc.propagation.alike import followed_together
from eoc.propagation.inputs import checked_inputs, from_gram, recorded_layers
from eoc.propagation.layers import Progress, followed
from eoc.propagation.trajectory import Trajectory

__all__ = ["kept_variance", "propagate", "propagate_gram"]


def propagate(
    activation: object,
    sigma_w: float | None = None,
    sigma_b: float = 0.0,
    *,
    q: ArrayLike | None = None,
    c: ArrayLike | None = None,
    one_minus_c: ArrayLike | None = None,
    depth: ArrayLike,
    progress: Progress | None = None,
) -> Trajectory:
    """Follow inputs through ``depth`` layers, or blocks of a network.

    Parameters
    ----------
    activation
        An activation, or whatever :func:`eoc.activation` understands: a name, a formula, a Python function. Or an
        :func:`eoc.network`, whose blocks are followed one by one.
    sigma_w, sigma_b
        Standard deviations of the weights (times sqrt(fan-in)) and of the biases, >= 0; of a network those of its
        ``dense`` without numbers, and left out if it has none.
    q
        Variances of the first layer's pre-activations, > 0: (P,), or one number for all. Left out: the variance that
        layers keep. Where F(q) = q to within rounding of sigma_w (ReLU at sqrt(2)), every variance is kept exactly.
    c, one_minus_c
        Exactly one of: correlations in [-1, 1], or 1 minus them. A number for two inputs (or for all pairs), or a
        symmetric matrix (P, P).
    depth
        A whole number >= 0; at most 20 000 while variances are on their way, any once they have arrived. Or a list of
        layers that increase: then these are recorded.
    progress
        Called with the layer reached and the last one after every layer that is followed singly.

    Returns
    -------
    Trajectory
        All layers up to a depth of 1000, about 200 of them evenly on a log scale beyond; or those listed.

    Raises
    ------
    EocError
        For inputs that make no sense, or variances that diverge.

    Examples
    --------
    >>> run = propagate("relu", 2**0.5, q=[1.0, 4.0], c=0.0, depth=1000)
    >>> run.q[-1].round(6).tolist(), (run.one_minus_c[-1, 0, 1] * 1000**2).round(3).item()
    ([1.0, 4.0], 43.13)
    >>> from eoc.layers import network
    >>> block = network("residual(layernorm, relu, dense(sqrt(2)))")  # q grows by 1 a block
    >>> propagate(block, q=1.0, c=0.3, depth=100).q[-1, 0].round(9).item()
    101.0
    """
    at = angle_of(c, one_minus_c=one_minus_c)
    network = understood(activation)
    network.check_free(sigma_w, sigma_b)
    given, given_error = kept_variance(network, sigma_w, sigma_b) if q is None else (q, 0.0)
    rounding = np.zeros(at.e.shape)
    if c is not None:  # of 1 - |c|, to the last digit
        rounding = np.abs(np.where(at.e <= 1.0, 1.0 - at.e, at.rest - 1.0) - np.asarray(c))
    first, at = checked_inputs(given, at)
    start = Bounded(first, np.full(first.shape, given_error))
    error = np.broadcast_to(rounding, at.e.shape)
    follow = followed if network.group is None else partial(followed_together, network.group)
    return follow(network, sigma_w, sigma_b, start, at, error, recorded_layers(depth), progress)


def kept_variance(network: Network, sigma_w: float | None, sigma_b: float) -> tuple[float, float]:
    """The variance that layers keep, 1 where they scale it, and a bound on its error; EocError if there is none."""
    if network.varies:
        raise EocError(f"the blocks of {network.name!r} differ from layer to layer: give q, the variance of the inputs")
    if network.batch is not None:
        found = settled_batch(network, sigma_w, sigma_b)
        if found.q == np.inf:
            raise EocError(f"blocks of {network.name!r} let variances grow: give q, the variance of the inputs")
        return found.q, found.q_error
    if network.group is not None:
        raise EocError(f"{network.name!r} mixes {network.group}, and which variance it keeps is not known: give q")
    variance = VarianceMap(network, sigma_w, sigma_b)
    if variance.kept == 0.0:
        raise EocError(f"layers of {variance!r} keep no variance but 0: give q, the variances of the inputs")
    return variance.kept, variance.kept_error


def propagate_gram(
    activation: object,
    sigma_w: float,
    sigma_b: float = 0.0,
    *,
    gram: ArrayLike,
    depth: ArrayLike,
    progress: Progress | None = None,
) -> Trajectory:
    """Follow inputs that are given by the covariances of their first pre-activations.

    Parameters
    ----------
    activation, sigma_w, sigma_b, depth, progress
        As for :func:`propagate`.
    gram
        Covariances, symmetric and positive semidefinite, (P, P). For input vectors x_a of dimension n the first layer
        has the covariance sigma_w^2 x_a . x_b / n + sigma_b^2.

    Returns
    -------
    Trajectory
        As of :func:`propagate`.

    Raises
    ------
    EocError
        If ``gram`` is no such matrix; and as :func:`propagate`.

    Examples
    --------
    >>> run = propagate_gram("erf", 1.5, 0.2, gram=[[1.0, 0.5], [0.5, 2.0]], depth=3)
    >>> run.q.shape, run.one_minus_c.shape
    ((4, 2), (4, 2, 2))
    """
    q, e, error = from_gram(gram)
    first, at = checked_inputs(q, angle_of(one_minus_c=e))
    network = understood(activation)
    network.check_free(sigma_w, sigma_b)
    follow = followed if network.group is None else partial(followed_together, network.group)
    return follow(network, sigma_w, sigma_b, exact(first), at, error, recorded_layers(depth), progress)
