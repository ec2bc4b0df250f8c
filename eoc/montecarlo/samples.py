r"""Random networks as arrays: every layer of every network, without weight matrices or with them.

h_l = W_l x_{l-1} + b_l, x_l = phi(h_l), for layers l = 1..depth, with entries of W_l of variance sigma_w^2 / N_{l-1}.
Backwards, where there are matrices, g_{l-1} = phi'(h_{l-1}) W_l^T g_l. As

.. math:: E|W_l^T g|^2 = N_{l-1} \frac{\sigma_w^2}{N_{l-1}} |g|^2 \quad\Rightarrow\quad
          E|g_{l-1}|^2 \to \sigma_w^2 E[\phi'^2] |g_l|^2 = \chi_1 |g_l|^2

in wide networks, whatever the widths of the layers (Schoenholz et al. 2017). g_L being Gaussian with E|g_L|^2 = 1, its
|g_l|^2 is an unbiased estimate of |J|^2 / N_L, J the Jacobian of h_L with respect to h_l, in the Frobenius norm.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eoc.errors import EocError
from eoc.floats import FloatArray
from eoc.machine import check_memory
from eoc.maps import VarianceMap
from eoc.montecarlo.running.study import batch_size
from eoc.montecarlo.sampling.explicit_sampler import ExplicitSampler
from eoc.montecarlo.sampling.gram_sampler import gram_sampler
from eoc.montecarlo.sampling.inputs import first_inputs
from eoc.montecarlo.sampling.laws import Dtype
from eoc.montecarlo.sampling.layer import Layer
from eoc.montecarlo.settings import Weights, checked_count, checked_seed, checked_widths, generator

__all__ = ["ExplicitRun", "Sample", "explicit_networks", "sample_networks"]


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
    sampler = gram_sampler(variance, start, widths, weights)
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
    return Sample(np.array(widths), **_stacked(layers))


def _stacked(layers: list[list[Layer]]) -> dict[str, FloatArray]:
    """What was seen, each (M, L, ...), of all layers of one group of networks after the other."""
    return {
        one.name: np.concatenate([np.stack([getattr(seen, one.name) for seen in group], axis=1) for group in layers])
        for one in fields(Layer)
    }


@dataclass(frozen=True, eq=False)
class ExplicitRun:
    """What was seen in M networks of L layers with P inputs.

    Attributes
    ----------
    sampler
        The networks; ``sampler.parameters(l, generator(seed, m, l))`` are the weights and biases of layer l of
        network m, with :func:`eoc.montecarlo.settings.generator`.
    seed
        What they were drawn from.
    kernel, q, fourth : (M, L, P)
        Of each layer, from the first: see :class:`eoc.montecarlo.Layer`.
    one_minus_c : (M, L, P, P)
        1 - c of all pairs, of relative error 1e-16 / sqrt(1 - c), 1e-7 / sqrt(1 - c) in single precision. NaN where
        pre-activations vanish, as dead ReLUs do.
    log_gradient : (M, L, P) or None
        Natural logarithm of |g_l|^2 / |g_L|^2: squared lengths of a random gradient, with respect to the
        pre-activations of a layer, over that of the last layer. -inf where it vanishes. None unless asked for.
    """

    sampler: ExplicitSampler
    seed: int
    kernel: FloatArray
    q: FloatArray
    fourth: FloatArray
    one_minus_c: FloatArray
    log_gradient: FloatArray | None = None

    @property
    def gradient(self) -> FloatArray:
        """exp(log_gradient), (M, L, P); infinite where that overflows. EocError if the run has none."""
        if self.log_gradient is None:
            raise EocError("this run has no gradients: ask for them with backward=True")
        with np.errstate(over="ignore"):
            return np.asarray(np.exp(self.log_gradient))


def explicit_networks(
    activation: object,
    sigma_w: float,
    sigma_b: float = 0.0,
    *,
    inputs: ArrayLike,
    width: ArrayLike,
    depth: int | None = None,
    weights: object = "gaussian",
    dtype: Dtype = "float64",
    seed: int,
    networks: int = 1,
    backward: bool = False,
) -> ExplicitRun:
    """Send inputs through random networks with real weight matrices, and gradients back.

    Parameters
    ----------
    activation
        An activation, or whatever :func:`eoc.activation` understands: a name, a formula, a Python function.
    sigma_w, sigma_b
        Standard deviations of the weights (times sqrt(fan-in)) and of the biases, >= 0.
    inputs
        Vectors x_0, (P, N_0).
    width, depth
        Units of a layer and how many layers; or a list of widths, one for each layer.
    weights
        Their law: ``"gaussian"``, ``"orthogonal"``, ``"rademacher"``, ``"uniform"``, ``"laplace"``,
        ``"student_t(df)"``, ``"sparse(p)"``, ``"pruned(p)"``, ``"levels(n)"``, or a Python function; see
        :func:`eoc.montecarlo.law`.
    dtype
        ``"float32"`` or ``"float64"``: of weights and their products.
    seed
        A whole number >= 0. The same one gives the same networks; network m does not depend on how many there are.
    networks
        How many networks, >= 1.
    backward
        Whether a random gradient is sent back. Weights are then drawn twice, and pre-activations of all layers of one
        network kept. Of a phi that jumps, the slope beside the jumps counts.

    Returns
    -------
    ExplicitRun
        Moments and correlations of all layers.

    Raises
    ------
    EocError
        For inputs that make no sense, layers that overflow, or what would not fit into memory.

    Examples
    --------
    >>> run = explicit_networks("relu", 2**0.5, inputs=np.ones((1, 50)), width=200, depth=10, seed=1, backward=True)
    >>> run.q.shape, run.gradient[0, -1, 0].item()
    ((1, 10, 1), 1.0)
    >>> abs(run.q[0, 4, 0].item() - 2.0) < 1.0  # every layer keeps q in infinitely wide networks
    True
    """
    sampler = ExplicitSampler(
        activation, sigma_w, sigma_b, inputs=inputs, width=width, depth=depth, weights=weights, dtype=dtype
    )
    seed, networks = checked_seed(seed), checked_count("networks", networks)
    _check_memory(sampler, networks, backward)
    runs = [_one_network(sampler, seed, number, backward) for number in range(networks)]
    gradients = np.array([gradient for _, gradient in runs]) if backward else None
    return ExplicitRun(sampler, seed, **_stacked([layers for layers, _ in runs]), log_gradient=gradients)


def _one_network(
    sampler: ExplicitSampler, seed: int, number: int, backward: bool
) -> tuple[list[Layer], FloatArray | None]:
    """All layers of a network, and the logarithms (L, P) of its squared gradients."""
    layers, kept = [], []
    state = sampler.start(1, generator(seed, number, 0))
    for layer in range(1, sampler.depth + 1):
        h, seen = sampler.observe(state, layer, generator(seed, number, layer), first=number)
        state = sampler.activate(h)
        layers.append(seen)
        if backward:
            kept.append(h[0])
    return layers, _log_gradients(sampler, seed, number, kept) if backward else None


def _log_gradients(sampler: ExplicitSampler, seed: int, number: int, kept: list[FloatArray]) -> FloatArray:
    """log(|g_l|^2 / |g_L|^2), (L, P), for the pre-activations (P, N_l) of all layers of a network."""
    out = np.zeros((len(kept), len(sampler.inputs)))
    g, _ = _normalised(generator(seed, number, 0).standard_normal(kept[-1].shape))
    for layer in range(len(kept), 1, -1):
        g = sampler.pull_back(g, layer, kept[layer - 2], generator(seed, number, layer))
        if not np.isfinite(g).all():
            raise EocError(
                f"the gradient at layer {layer - 1} of network {number} is not finite: weights, or phi' of "
                f"{sampler.activation.name}, are too large there. Use smaller inputs or a smaller sigma_w"
            )
        g, factor = _normalised(g)
        out[layer - 2] = out[layer - 1] + factor
    return out


def _normalised(g: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Rows of length 1, so that nothing over- or underflows in deep networks, and the logarithms of |g|^2."""
    largest = np.abs(g).max(axis=1, keepdims=True)
    g = g / np.where(largest > 0.0, largest, 1.0)
    lengths = np.sqrt(np.einsum("pn,pn->p", g, g))
    with np.errstate(divide="ignore"):  # a gradient that has vanished
        logs = 2.0 * (np.log(lengths) + np.log(largest[:, 0]))
    return g / np.where(lengths > 0.0, lengths, 1.0)[:, None], logs


def _check_memory(sampler: ExplicitSampler, networks: int, backward: bool) -> None:
    inputs, units = len(sampler.inputs), float(sum(sampler.widths))
    results = 16.0 * networks * sampler.depth * inputs * (inputs + 4)  # twice while they are put together
    what = "the results"
    if backward:
        what += f", with pre-activations of {sampler.depth} layers for the way back,"
        results += 8.0 * inputs * units
    check_memory(what, results, "use fewer networks, layers, units or inputs")
