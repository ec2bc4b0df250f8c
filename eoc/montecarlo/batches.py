r"""The Gram matrix of any batch from layer to layer, in networks that normalise over it.

Given the Gram matrix G of its B inputs the entries of a unit are Gaussian of that covariance, and behind batch
normalisation and an activation

.. math:: G' = \sigma_b^2 + \sigma_w^2 E[\phi(x) \phi(x)^\top], \quad x = \sqrt{B} \, P h / |P h|, \quad h \sim N(0, G),

P = 1 - 1 1^T / B: an average over units, which is sampled. How far a batch still is from being all alike, where the
theory of :mod:`eoc.layers.batches` begins, says its *distance*, |P G P - t P| / |t P| with t the mean of the B - 1
eigenvalues of P G P: the relative spread of these.

Gradients come back through the same units. With Pi their products at two inputs, behind the weights,

.. math:: \Pi_h = \sigma_w^2 E[J^\top \Pi J], \qquad J^\top v = \frac{\sqrt{B}}{|P h|} (P - x x^\top / B) (\phi'(x) v),

with one random v of covariance Pi for every unit.

Of a linear network G' has the eigenvectors of P G P, and with its eigenvalues l_i

.. math:: l_i' = B \, E \frac{l_i z_i^2}{\sum_j l_j z_j^2}
          = B \int_0^\infty \frac{l_i}{1 + 2 s l_i} \prod_j (1 + 2 s l_j)^{-1/2} ds

exactly, without sampling (derived here).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from eoc.activations import activation as resolve
from eoc.activations.base import Activation, Smoothness
from eoc.errors import EocError
from eoc.floats import EPS, FloatArray
from eoc.layers import checked_sigma
from eoc.machine import check_memory
from eoc.montecarlo.settings import checked_count, checked_depth, checked_seed, generator
from eoc.propagation.inputs import from_gram

__all__ = ["BatchSample", "sample_batches"]

_LEAST_UNITS, _LEAST_NETWORKS = 16, 2
_NOTHING = 1e-13  # of the largest eigenvalue: no difference between inputs
_LOGS = np.arange(-110.0, 220.0, 0.25)  # of s: the trapezoidal rule is exact to rounding
_LINEAR = np.array([-1.7, 0.3, 2.1])


@dataclass(frozen=True, eq=False)
class BatchSample:
    """What becomes of a batch, layer 0 being the Gram matrix that was given.

    Attributes
    ----------
    gram, error : (L + 1, B, B)
        Gram matrices of pre-activations, their means over networks, and standard errors; zeros where none is sampled.
    distance, distance_error : (L + 1,)
        How far batches are from being all alike, 0: means over networks, and standard errors. Networks of N units have
        some of the order sqrt(B / N) at every depth.
    gradient, gradient_error : (L + 1,)
        Squared gradients at the pre-activations of each layer over those at the last one, where gradients at the inputs
        of the batch are independent and of one size: means over networks, always sampled, and standard errors. In
        batches of 5 and fewer rare units make them, and errors are too small. NaN where the activation jumps.
    units, networks
        How many of each.
    """

    gram: FloatArray
    error: FloatArray
    distance: FloatArray
    distance_error: FloatArray
    gradient: FloatArray
    gradient_error: FloatArray
    units: int
    networks: int


def sample_batches(
    activation: object,
    sigma_w: float = 1.0,
    sigma_b: float = 0.0,
    *,
    gram: ArrayLike,
    depth: int,
    units: int = 20_000,
    networks: int = 8,
    seed: int,
) -> BatchSample:
    """Follow the Gram matrix of a batch through layers of batch normalisation, activation and weights.

    Parameters
    ----------
    activation
        An activation, or whatever :func:`eoc.activation` understands: a name, a formula, a Python function.
    sigma_w, sigma_b
        Standard deviations of the weights (times sqrt(fan-in)) and of the biases. Neither changes what the next
        normalisation sees.
    gram
        Of the first pre-activations, (B, B), symmetric and positive semidefinite, B >= 3: sigma_w^2 x_a . x_b / n +
        sigma_b^2 of inputs x of dimension n.
    depth
        How many layers, >= 1.
    units
        Of every layer of a network, >= 16: what is of order 1 / units is not the limit of wide networks.
    networks
        How many independent ones, >= 2, from which standard errors are made.
    seed
        A whole number >= 0. Results depend on it alone.

    Returns
    -------
    BatchSample
        Gram matrices of a linear activation are exact.

    Raises
    ------
    EocError
        For numbers out of range, a matrix that is none of covariances, or inputs that are all equal.

    Examples
    --------
    >>> gram = np.diag([1.0, 1.0, 1.0, 1.0, 9.0, 9.0])  # two inputs are larger
    >>> sample_batches("identity", gram=gram, depth=4, seed=0).distance.round(3).tolist()
    [0.92, 0.695, 0.505, 0.359, 0.254]
    """
    phi, weight, bias = resolve(activation), checked_sigma("sigma_w", sigma_w) ** 2, checked_sigma("sigma_b", sigma_b)
    start, depth = _checked_gram(gram), checked_depth(depth)
    units, networks = checked_count("units", units), checked_count("networks", networks)
    seed = checked_seed(seed)
    if units < _LEAST_UNITS or networks < _LEAST_NETWORKS:
        raise EocError(f"at least {_LEAST_UNITS} units and {_LEAST_NETWORKS} networks, got {units} and {networks}")
    if weight == 0.0:
        raise EocError("sigma_w must be > 0: without weights all inputs of a batch are equal")
    check_memory("units of a batch", 8.0 * 8 * len(start) * units)
    slope, ways = _slope(phi), [generator(seed, i) for i in range(networks)]
    if slope is None:
        runs = np.array([_run(phi, start, (weight, bias**2), depth, units, rng) for rng in ways])
    else:
        runs = np.array([_exact(start, weight * slope**2, bias**2, depth)] * networks)
    away = np.array([[_distance(one) for one in run] for run in runs])
    back = np.array([_gradients(phi, run, weight, units, rng) for run, rng in zip(runs, ways, strict=True)])
    return BatchSample(*_over_networks(runs), *_over_networks(away), *_over_networks(back), units, networks)


def _over_networks(seen: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Means, and their standard errors: exactly 0 of what does not vary."""
    same = (seen == seen[0]).all(axis=0)
    error = seen.std(axis=0, ddof=1) / len(seen) ** 0.5
    return np.where(same, seen[0], seen.mean(axis=0)), np.where(same, 0.0, error)


def _checked_gram(gram: ArrayLike) -> FloatArray:
    from_gram(gram)  # refuses what is no Gram matrix
    found = np.array(gram, dtype=float)
    if len(found) < 3:
        raise EocError(f"a batch that is normalised has at least 3 inputs here, got {len(found)}")
    lowest, highest = np.linalg.eigvalsh(found)[[0, -1]]
    if lowest < -len(found) * 8.0 * EPS * highest:
        raise EocError(f"the Gram matrix is not positive semidefinite: it has the eigenvalue {lowest:.3g}")
    if _centred(found).trace() <= _NOTHING * highest:
        raise EocError("all inputs of the batch are equal: batch normalisation would divide 0 by 0")
    return found


def _slope(phi: Activation) -> float | None:
    """A of phi(x) = a x; None for others."""
    slopes = phi(_LINEAR) / _LINEAR
    own = float(slopes[0])
    linear = phi.is_positively_homogeneous and bool((np.abs(slopes - own) <= 4.0 * EPS * abs(own)).all())
    return own if linear and own != 0.0 else None


def _centred(gram: FloatArray) -> FloatArray:
    """P G P."""
    half = gram - gram.mean(axis=0)
    return np.asarray(half - half.mean(axis=1, keepdims=True))


def _distance(gram: FloatArray) -> float:
    values = np.linalg.eigvalsh(_centred(gram))
    count = len(values) - 1
    mean = values.sum() / count  # one eigenvalue is 0, that of (1, ..., 1)
    return float(max((values**2).sum() / count / mean**2 - 1.0, 0.0) ** 0.5)


def _drawn(gram: FloatArray, units: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Normalised units (B, N) of a batch, and what they were divided by (N,)."""
    h = _factor(_centred(gram)) @ rng.standard_normal((len(gram), units))
    h -= h.mean(axis=0)
    size = np.sqrt((h * h).mean(axis=0))
    return h / size, size


def _factor(gram: FloatArray) -> FloatArray:
    values, vectors = np.linalg.eigh(gram)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))


def _gradients(phi: Activation, grams: FloatArray, weight: float, units: int, rng: np.random.Generator) -> FloatArray:
    """Mean squared gradients at every layer over those at the last one, (L + 1,)."""
    inputs = grams.shape[1]
    if phi.smoothness is Smoothness.JUMP:
        return np.full(len(grams), np.nan)
    products, found = np.eye(inputs), [1.0]
    for gram in grams[-2::-1]:
        x, size = _drawn(gram, units, rng)
        v = phi.dphi(x) * (_factor(products) @ rng.standard_normal(x.shape))
        v -= v.mean(axis=0) + x * (x * v).mean(axis=0)
        v /= size
        products = weight * (v @ v.T) / units
        found.append(float(products.trace()) / inputs)
    return np.array(found[::-1])


def _run(
    phi: Activation, gram: FloatArray, sigmas: tuple[float, float], depth: int, units: int, rng: np.random.Generator
) -> FloatArray:
    """The Gram matrices of one network, (L + 1, B, B)."""
    seen = [gram]
    for _ in range(depth):
        out = phi(_drawn(seen[-1], units, rng)[0])
        seen.append(sigmas[0] * (out @ out.T) / units + sigmas[1])
        if not np.isfinite(seen[-1]).all():
            raise EocError(f"{phi.name} overflows in layer {len(seen) - 1}: scale it down")
    return np.array(seen)


def _exact(gram: FloatArray, weight: float, bias: float, depth: int) -> FloatArray:
    """The Gram matrices of a linear network, (L + 1, B, B)."""
    values, vectors = np.linalg.eigh(_centred(gram))
    values = np.where(values > _NOTHING * values[-1], values, 0.0)
    seen = [gram]
    for _ in range(depth):
        values = len(gram) * _shares(values / values.sum())
        seen.append(weight * (vectors * values) @ vectors.T + bias)
    return np.array(seen)


def _shares(values: FloatArray) -> FloatArray:
    """E[l_i z_i^2 / sum_j l_j z_j^2] of the eigenvalues, in the variable log s."""
    scaled = np.exp(_LOGS)[:, None] * values
    density = np.exp(-0.5 * np.log1p(2.0 * scaled).sum(axis=1))
    return np.asarray((scaled / (1.0 + 2.0 * scaled) * density[:, None]).sum(axis=0) * (_LOGS[1] - _LOGS[0]))
