r"""What mean-field theory says a signal becomes, for a whole batch at once.

A signal is the Gram matrix of a batch, :math:`G_{ab}` = the mean over units of :math:`x_a x_b`. Where :math:`x` are the
pre-activations of a wide layer they are normal numbers with this covariance, and

.. math:: \phi: \; G_{aa} \to V(G_{aa}), \quad
          G_{ab} \to \sqrt{V(G_{aa}) V(G_{bb})} \; K(\bar q, c_{ab}) / V(\bar q); \qquad
          \text{layer}: \; G \to \sigma_b^2 + \sigma_w^2 G .

The second is exact for samples of one variance and for positively homogeneous :math:`\phi`; else, with
:math:`\bar q` the mean variance of the batch, right up to the square of the relative differences between variances.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from eoc.activations import Activation
from eoc.floats import FloatArray
from eoc.gaussian.bivariate import bivariate
from eoc.gaussian.moments import moments

__all__ = [
    "Signal",
    "activated",
    "added",
    "fourth_moment",
    "mean_distance",
    "mean_square",
    "normalised",
    "through_layer",
]


_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(64)


@dataclass(frozen=True)
class Signal:
    """A batch somewhere between two layers.

    Attributes
    ----------
    gram
        (B, B); NaN off the diagonal where only variances are known.
    normal
        Whether the values are normal numbers of mean 0, and independent from unit to unit: pre-activations.
    units
        How many units the means are taken over.
    noise
        The variance of the mean square that a finite number of units leaves.
    """

    gram: FloatArray
    normal: bool
    units: int
    noise: float = 0.0

    @property
    def q(self) -> float:
        """The mean square over the whole batch."""
        return float(np.diag(self.gram).mean())

    @property
    def is_usable(self) -> bool:
        """Whether the maps can be applied: all samples have a finite variance > 0."""
        q = np.diag(self.gram)
        return bool(np.isfinite(q).all() and (q > 0.0).all())


def activated(signal: Signal, phi: Activation) -> Signal:
    """After an activation."""
    q = np.diag(signal.gram)
    v = moments(phi, q, ("V",))["V"].value
    gram = np.sqrt(np.multiply.outer(v, v))
    distance, mean = _distances(signal.gram), signal.q
    known = np.triu(np.isfinite(distance), 1)
    if known.any():
        g = bivariate(phi, mean, one_minus_c=distance[known], names=("G",))["G"].value
        with np.errstate(invalid="ignore", divide="ignore"):  # where nothing is handed on there is no correlation
            gram[known] *= 1.0 - g / moments(phi, mean, ("V",))["V"].value
        gram.T[known] = gram[known]
    gram[np.isnan(signal.gram)] = np.nan
    np.fill_diagonal(gram, v)
    power = float(v.mean())
    spread = fourth_moment(phi.phi, mean) - power * power  # power**2 raises an error where it overflows
    return Signal(gram, False, signal.units, max(spread, 0.0) / signal.units)


def through_layer(signal: Signal, sigma_w: float, sigma_b: float, units: int) -> Signal:
    """After an affine map with independent weights; ``noise`` is that of the mean square of its ``units`` units."""
    gram = sigma_b**2 + sigma_w**2 * signal.gram
    q = float(np.diag(gram).mean())
    noise = sigma_w**4 * signal.noise + 2.0 * q * q / units
    return Signal(gram, True, units, noise)


def added(signals: list[Signal]) -> Signal:
    """The sum of signals of which at most one has a mean: what layers with weights of their own hand on."""
    gram = np.sum([one.gram for one in signals], axis=0)
    noise = sum(one.noise for one in signals)
    return Signal(gram, all(one.normal for one in signals), min(one.units for one in signals), noise)


def normalised(power: float, samples: int, units: int, normal: bool) -> Signal:
    """After a normalisation that gives every sample the mean square ``power``."""
    gram = np.full((samples, samples), np.nan)
    np.fill_diagonal(gram, power)
    return Signal(gram, normal, units)


def fourth_moment(function: Callable[[FloatArray], FloatArray], q: float) -> float:
    """E[f(sqrt(q) Z)^4] to about a percent: enough for the size of fluctuations."""
    with np.errstate(over="ignore", invalid="ignore"):
        return float(_WEIGHTS @ function(np.sqrt(q) * _NODES) ** 4 / _WEIGHTS.sum())


def mean_square(parameter: Any) -> float:
    """Of a tensor of PyTorch."""
    return float(parameter.detach().cpu().double().square().mean())


def mean_distance(gram: FloatArray) -> float:
    """The mean of 1 - c over all pairs of different samples; NaN if there is none, or a sample is all zero."""
    pairs = _distances(gram)[np.triu_indices(len(gram), 1)]
    return float(pairs.mean()) if pairs.size else float("nan")


def _distances(gram: FloatArray) -> FloatArray:
    """1 - c of every pair, with the digits it has where c is close to 1."""
    q = np.diag(gram)
    q = np.where((q > 0.0) & (q < np.inf), q, np.nan)
    roots = np.sqrt(q)
    half = (
        0.5 * np.add.outer(q, q)
        - np.where(np.isfinite(gram), gram, np.nan)
        - 0.5 * np.subtract.outer(roots, roots) ** 2
    )
    return np.asarray(np.clip(half / np.multiply.outer(roots, roots), 0.0, 2.0))
