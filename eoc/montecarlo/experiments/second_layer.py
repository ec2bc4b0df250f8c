r"""The second layer of a network, where Long & Sedghi (2019) find what the infinite-width theory does not say.

Given the first layer, units of the second are independent N(0, K_2). But K_2 is random and shared by all of them.

* phi = 1/z is unbounded at 0, which their condition (a) excludes. A sum of N squares of 1/z has the law of (N/z)^2
  (Levy, stable of order 1/2), so that with sigma_b = 0 K_2 has the law of sigma_w^2 N / (q z^2), and a unit that of
  sigma_w sqrt(N/q) z'/|z|, Cauchy of scale sigma_w sqrt(N/q): at *every* width N, without a limit.
* ReLU and Heaviside (theorem 10): units are not independent at any N, as cov(h_21^2, h_22^2) = Var K_2 > 0.

What becomes of exp(a x^2), the third example, is in :mod:`eoc.montecarlo.experiments.divergence`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import special

from eoc.activations.base import Activation, Growth, Piece
from eoc.errors import EocError
from eoc.floats import FloatArray
from eoc.machine import check_memory
from eoc.maps import VarianceMap
from eoc.montecarlo.experiments.comparison import Comparison
from eoc.montecarlo.running.runner import Progress
from eoc.montecarlo.running.study import batch_size
from eoc.montecarlo.sampling.gram_sampler import GramSampler
from eoc.montecarlo.sampling.inputs import first_inputs
from eoc.montecarlo.settings import checked_count, checked_seed, generator
from eoc.montecarlo.theory.lengths import second_layer_covariance

__all__ = ["RECIPROCAL", "SecondLayer", "cauchy_comparisons", "covariance_comparisons", "second_layer"]

_LEAST = 100  # networks of which medians and covariances are about Gaussian
_COPIES = 3  # of the units that are there at a time when they are compared
_SMALLEST = 1e-300  # p of a test, so that its z is a number
_INVERSE = Piece(lambda x: 1.0 / x, lambda x: -1.0 / x**2, lambda x: 2.0 / x**3)

RECIPROCAL = Activation("1/x", "1/x", (_INVERSE, _INVERSE), (0.0,), Growth("bounded", 0.0), "odd")
"""phi(x) = 1/x, which :func:`eoc.activation` refuses: no expectation of phi^2 exists. For :func:`second_layer` only."""


@dataclass(frozen=True, eq=False)
class SecondLayer:
    """Units of the second layer of M networks whose first layer has N units.

    Attributes
    ----------
    activation, sigma_w, sigma_b, q, width
        What was sampled; ``width`` is N, and q the variance K_1 of the units of the first layer.
    kernel : (M,)
        K_2 = sigma_w^2 |phi(h_1)|^2 / N + sigma_b^2.
    h : (M, units)
        Units of the second layer.
    """

    activation: Activation
    sigma_w: float
    sigma_b: float
    q: float
    width: int
    kernel: FloatArray = field(repr=False)
    h: FloatArray = field(repr=False)


def second_layer(
    activation: object,
    sigma_w: float = 1.0,
    sigma_b: float = 0.0,
    *,
    width: int,
    networks: int,
    seed: int,
    units: int = 1,
    q: float | None = None,
    progress: Progress | None = None,
) -> SecondLayer:
    """Sample units of the second layer of random networks, exactly, also where the infinite-width theory has no limit.

    Parameters
    ----------
    activation
        An activation, or whatever :func:`eoc.activation` understands; or :data:`RECIPROCAL`.
    sigma_w, sigma_b
        Standard deviations of the weights (times sqrt(fan-in)) and of the biases.
    width
        N, the units of the first layer.
    networks
        M.
    seed
        A whole number >= 0.
    units
        How many units of the second layer to draw.
    q
        K_1 > 0. Left out: sigma_w^2 + sigma_b^2, as for inputs in {-1, 1}^N.
    progress
        Called with the number of networks done and their total.

    Returns
    -------
    SecondLayer
        K_2 and units of all networks.

    Raises
    ------
    EocError
        For a problem that makes no sense, that overflows or would not fit into memory.

    Examples
    --------
    >>> found = second_layer(RECIPROCAL, width=1000, networks=2000, units=2, seed=1)
    >>> found.h.shape, (np.median(abs(found.h[:, 0])) / 1000**0.5).round(1).item()  # 1 at every width
    ((2000, 2), 1.0)
    """
    variance = VarianceMap(activation, sigma_w, sigma_b)
    start = variance.sigma_w**2 + variance.sigma_b**2 if q is None else q
    inputs = first_inputs(variance, start)
    n, count = checked_count("width", width), checked_count("networks", networks)
    size, seed = checked_count("units", units), checked_seed(seed)
    needed = 8.0 * count * (size + 2) * _COPIES
    check_memory(f"second layers of {count} networks", needed, "draw fewer units or networks")
    sampler = GramSampler(variance.activation, variance.sigma_w, variance.sigma_b, inputs, (n,))
    batch = batch_size(count, n, 1, 1)
    kernel, h = np.empty(count), np.empty((count, size))
    for chunk, first in enumerate(range(0, count, batch)):
        part = slice(first, min(first + batch, count))
        state = sampler.start(part.stop - first, generator(seed, chunk, 0))
        factor, _ = sampler.step(state, 1, generator(seed, chunk, 1))
        kernel[part] = variance.sigma_w**2 * (factor[:, 0] ** 2).sum(axis=-1) + variance.sigma_b**2
        z = generator(seed, chunk, 2).standard_normal((part.stop - first, size))
        h[part] = np.sqrt(kernel[part])[:, None] * z
        if progress is not None:
            progress(part.stop, count)
    return SecondLayer(variance.activation, variance.sigma_w, variance.sigma_b, float(start), n, kernel, h)


def cauchy_comparisons(found: SecondLayer) -> tuple[Comparison, ...]:
    """Whether units of networks with phi = 1/x are Cauchy distributed with the scale s = sigma_w sqrt(N/q).

    Parameters
    ----------
    found
        What :func:`second_layer` returns for :data:`RECIPROCAL` and sigma_b = 0.

    Returns
    -------
    tuple of Comparison
        The logarithm of the median of abs(h_2)/s, which is 0, with its standard error pi/(2 sqrt(M)): its law is
        symmetric, and soon Gaussian. And tests of Kolmogorov and Smirnov, of h_2/s against Cauchy's law and of K_2/s^2
        against that of 1/z^2, their p as the normal number of the same probability: 0 where p = 1/2, 4 where p = 3e-5.

    Raises
    ------
    EocError
        For another activation, with biases, or for fewer than 100 networks.

    Examples
    --------
    >>> found = second_layer(RECIPROCAL, width=10, networks=2000, seed=1)
    >>> [one.agrees for one in cauchy_comparisons(found)]
    [True, True, True]
    """
    if found.activation is not RECIPROCAL or found.sigma_b != 0.0:
        raise EocError(
            "units of the second layer are Cauchy distributed for phi = 1/x (RECIPROCAL) without biases, got "
            f"{found.activation.name} with sigma_b = {found.sigma_b:g}"
        )
    _check_count(found)
    scale = found.sigma_w * np.sqrt(found.width / found.q)
    scaled = found.h[:, 0] / scale  # one unit of each network: the others share its K_2
    error = 0.5 * np.pi / np.sqrt(scaled.size)
    units = _uniform_score(0.5 + np.arctan(scaled) / np.pi)
    kernels = _uniform_score(2.0 * special.ndtr(-scale / np.sqrt(found.kernel)))
    return (
        Comparison(
            "log of median |h_2| / (sigma_w sqrt(N/q))", 2, 0.0, float(np.log(np.median(np.abs(scaled)))), error
        ),
        Comparison("test of h_2 against Cauchy's law, as z", 2, 0.0, units, 1.0),
        Comparison("test of K_2 against Levy's law, as z", 2, 0.0, kernels, 1.0),
    )


def _check_count(found: SecondLayer) -> None:
    if found.kernel.size < _LEAST:
        raise EocError(
            f"medians and covariances of fewer than {_LEAST} networks have no Gaussian errors to compare with: sample "
            f"more networks, got {found.kernel.size}"
        )


def _uniform_score(values: FloatArray) -> float:
    """The normal number as rare as the distance of values in (0, 1) from a uniform law, in Stephens' (1970) form."""
    n, ordered = values.size, np.sort(values)
    distance = max((np.arange(1, n + 1) / n - ordered).max(), (ordered - np.arange(n) / n).max())
    p = special.kolmogorov(distance * (np.sqrt(n) + 0.12 + 0.11 / np.sqrt(n)))
    return float(-special.ndtri(max(p, _SMALLEST)))


def covariance_comparisons(found: SecondLayer) -> tuple[Comparison, ...]:
    """The covariance of the squares of two units of the second layer beside theory.

    Parameters
    ----------
    found
        What :func:`second_layer` returns.

    Returns
    -------
    tuple of Comparison
        cov(h_21^2, h_22^2) from the variance of K_2, and from all pairs of the units if there are two or more. Few
        networks underestimate their own fluctuations: standard errors are at least those of a Gaussian K_2, and of
        units that are Gaussian given K_2.

    Raises
    ------
    NotPermissibleError
        Where K_2 has no variance.
    EocError
        For fewer than 100 networks, or phi = 1/x.

    Examples
    --------
    >>> found = second_layer("heaviside", 2.0, width=10, networks=5000, units=2, seed=1)
    >>> [(one.theory, one.agrees) for one in covariance_comparisons(found)]  # sigma_w^4 / (4 N)
    [(0.4, True), (0.4, True)]
    """
    if found.activation is RECIPROCAL:
        raise EocError("for phi = 1/x K_2 has no variance, not even a mean: see cauchy_comparisons")
    _check_count(found)
    theory = second_layer_covariance(found.activation, found.sigma_w, found.sigma_b, found.q, found.width)
    predicted, doubt = float(theory.value), float(theory.error)
    least = predicted * np.sqrt(2.0 / (found.kernel.size - 1.0))
    from_kernel = _mean_covariance(found.kernel**2, found.kernel, least)
    compared = [Comparison("cov(h_21^2, h_22^2) from K_2", 2, predicted, *from_kernel, doubt)]
    units = found.h.shape[1]
    if units > 1:
        squares = found.h**2
        total = squares.sum(axis=1)
        pairs = (total**2 - (squares**2).sum(axis=1)) / (units * (units - 1.0))
        seen = _mean_covariance(pairs, total / units, _units_error(found.kernel, units, from_kernel[1]))
        compared.append(Comparison("cov(h_21^2, h_22^2) of units", 2, predicted, *seen, doubt))
    return tuple(compared)


def _units_error(kernel: FloatArray, units: int, of_kernel: float) -> float:
    """The standard error from units given K_2, with which h^2 = K_2 g and Var g = 2; that from K_2 is ``of_kernel``."""
    away = kernel - kernel.mean()
    given = 8.0 * kernel**2 * (away**2 / units + kernel**2 / (units * (units - 1.0)))
    return float(np.hypot(of_kernel, np.sqrt(given.mean() / kernel.size)))


def _mean_covariance(products: FloatArray, values: FloatArray, least: float) -> tuple[float, float]:
    """E[products] - E[values]^2 without bias, and its standard error by the delta method, at least ``least``."""
    mean, count = values.mean(), values.size
    covariance = products.mean() - mean**2 + values.var(ddof=1) / count
    error = float((products - 2.0 * mean * values).std(ddof=1) / np.sqrt(count))
    return float(covariance), max(error, least)
