"""Random networks as arrays: every layer of every network, sampled exactly without weight matrices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eoc.floats import FloatArray
from eoc.machine import check_memory
from eoc.maps import VarianceMap
from eoc.montecarlo.exact.inputs import first_inputs
from eoc.montecarlo.exact.sampler import exact_sampler
from eoc.montecarlo.layer import Layer
from eoc.montecarlo.running.study import batch_size
from eoc.montecarlo.settings import Weights, checked_count, checked_seed, checked_widths, generator

__all__ = ["Sample", "sample_networks"]


@dataclass(frozen=True)
class Sample:
    """What was seen of M networks with L layers and P inputs.

    Attributes
    ----------
    widths : (L,)
        Units of each layer.
    kernel : (M, L, P)
        The variance of each unit given the layer before: K_l = sigma_w^2 |x_{l-1}|^2 / N_{l-1} + sigma_b^2.
    q : (M, L, P)
        (1/N_l) sum_i h_{l,i}^2.
    fourth : (M, L, P)
        (1/N_l) sum_i h_{l,i}^4.
    one_minus_c : (M, L, P, P)
        1 - c_l, c_l the cosine of the angle between the pre-activations of two inputs; NaN where those of one of them
        all vanish (a narrow ReLU network all of whose units are off).
    """

    widths: NDArray[np.int64]
    kernel: FloatArray
    q: FloatArray
    fourth: FloatArray
    one_minus_c: FloatArray


def sample_networks(
    activation: object,
    sigma_w: float,
    sigma_b: float = 0.0,
    *,
    width: ArrayLike,
    depth: int | None = None,
    networks: int = 1,
    seed: int,
    q: ArrayLike | None = None,
    c: ArrayLike | None = None,
    one_minus_c: ArrayLike | None = None,
    gram: ArrayLike | None = None,
    inputs: ArrayLike | None = None,
    weights: Weights = "gaussian",
) -> Sample:
    r"""Sample the Gram matrices of P inputs in random networks of finite width, exactly in distribution.

    .. math:: h_l = W_l x_{l-1} + b_l, \quad x_l = \phi(h_l), \quad W_{l,ij} \sim N(0, \sigma_w^2/N_{l-1}),
              \quad b_{l,i} \sim N(0, \sigma_b^2), \quad l = 1 \ldots L.

    No weight matrix is made, so a layer costs O(N P^2): given x_{l-1}, the units of layer l are independent Gaussian
    vectors whose covariances are inner products of x_{l-1}. With orthogonal weights, Haar matrices scaled so that
    entries have the variance sigma_w^2/N_{l-1}, they are rows of a random orthonormal basis.

    Parameters
    ----------
    activation
        An activation, or whatever :func:`eoc.activation` understands: a name, a formula, a Python function.
    sigma_w, sigma_b
        Standard deviations of the weights (times sqrt(fan-in)) and of the biases.
    width, depth
        Units of a layer and how many layers; or a list of widths, one for each layer.
    networks
        M, how many independent networks.
    seed
        A whole number >= 0; the same seed gives the same numbers.
    q, c, one_minus_c
        Variances and correlations of the first layer, as for :func:`eoc.propagate`; its layer 0 is layer 1 here.
        Without correlations there is one input; without q it is the variance that layers keep.
    gram
        Or the covariances of the first layer (P, P), as for :func:`eoc.propagate_gram`. What is given for the first
        layer holds given the inputs, on average over weights and biases.
    inputs
        Or the inputs x_0 themselves, (P, N_0).
    weights
        "gaussian" or "orthogonal". For the latter N_0 matters too; where no inputs are given, it is max(N_1, P).

    Returns
    -------
    Sample

    Raises
    ------
    EocError
        For a problem that makes no sense or would not fit into memory, or numbers that overflow: it names the layer.

    Notes
    -----
    1 - c keeps its relative precision however close inputs are, and equal inputs stay equal.

    Examples
    --------
    >>> run = sample_networks("tanh", 1.5**0.5, 0.1**0.5, width=1000, depth=5, networks=200, q=1.6, seed=1)
    >>> run.q.shape, (run.q[:, 4].std() * 1000**0.5).round(1).item()  # 0.85 to 0.94: Long & Sedghi (2019)
    ((200, 5, 1), 0.9)
    """
    variance = VarianceMap(activation, sigma_w, sigma_b)
    start = first_inputs(variance, q, c, one_minus_c, gram, inputs)
    widths = checked_widths(width, depth)
    sampler = exact_sampler(variance, start, widths, weights)
    seed, count = checked_seed(seed), checked_count("networks", networks)
    check_memory("what is recorded", 8.0 * count * len(widths) * (3 + start.count) * start.count)
    batch = batch_size(count, widths, start.count, len(widths))
    layers: list[list[Layer]] = []
    for chunk, first in enumerate(range(0, count, batch)):
        state = sampler.start(min(batch, count - first), generator(seed, chunk, 0))
        layers.append([])
        for layer in range(1, sampler.depth + 1):
            state, seen = sampler.step(state, layer, generator(seed, chunk, layer))
            layers[-1].append(seen)
    return Sample(np.array(widths), *(_stacked(layers, name) for name in ("kernel", "q", "fourth", "one_minus_c")))


def _stacked(layers: list[list[Layer]], name: str) -> FloatArray:
    return np.concatenate([np.stack([getattr(seen, name) for seen in chunk], axis=1) for chunk in layers])
