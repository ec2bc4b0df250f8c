r"""The variances of a finite network beside the variance map (Long & Sedghi 2019, theorem 2).

q_l = |h_l|^2 / N_l is random in a network of finite width. Theorem 2: in networks that are wide enough it stays within
eps of q~_l in all layers l <= L, with a probability as close to 1 as one likes. It gives no rate; theory to the order
1/N does (:mod:`eoc.montecarlo.theory.lengths`): q_l - q~_l has a mean of order 1/N and a standard deviation of order
N^{-1/2}.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from eoc.errors import EocError
from eoc.floats import FloatArray
from eoc.montecarlo.experiments.comparison import Comparison, by_layer, by_name
from eoc.montecarlo.experiments.networks import Networks, one_input, variance_error
from eoc.montecarlo.running.quantiles import QUANTILES, Quantiles
from eoc.montecarlo.running.runner import Progress, RunSettings
from eoc.montecarlo.running.statistics import Moments, Proportions
from eoc.montecarlo.sampling.layer import Layer
from eoc.montecarlo.theory.lengths import LengthTheory, length_theory
from eoc.validation import real_numbers

__all__ = ["LengthProcess", "length_process", "measured_lengths", "theory_of"]

_ROUNDING = 1e-14  # of q_l, relative: all there is of its fluctuations in orthogonal layers without biases


@dataclass(frozen=True, eq=False)
class LengthProcess:
    """How q_l strays from q~_l over random networks, measured and predicted, for the layers l = 1 .. L.

    Attributes
    ----------
    networks
        What was sampled: activation, sigma_w, sigma_b, q, widths, weights, count, seed.
    theory
        What theory says of them. For weights whose kurtosis is not known it is that of Gaussian ones, of which only the
        leading orders hold: q~_l, and the variances if the law has four moments.
    eps : (E,)
        Distances from q~_l.
    difference : Moments of shape (L,)
        Of q_l - q~_l.
    kernel : Moments of shape (L,)
        Of K_l - q~_l, K_l the variance of the units given the layer before.
    quantiles : Quantiles of shape (L,)
        Of q_l - q~_l.
    beyond : Proportions of shape (L, E)
        How often abs(q_l - q~_l) > eps.
    ever_beyond : Proportions of shape (E,)
        How often it is so in one of the layers at least: the event of Long & Sedghi's theorem.
    """

    networks: Networks = field(repr=False)
    theory: LengthTheory = field(repr=False)
    eps: FloatArray
    difference: Moments = field(repr=False)
    kernel: Moments = field(repr=False)
    quantiles: Quantiles = field(repr=False)
    beyond: Proportions = field(repr=False)
    ever_beyond: Proportions = field(repr=False)

    @property
    def rms(self) -> FloatArray:
        """sqrt(N_l) times the root mean square of q_l - q~_l, measured, (L,)."""
        return self._root * self.difference.rms

    @property
    def rms_error(self) -> FloatArray:
        """Its standard error, (L,)."""
        return self._root * self.difference.rms_error

    @property
    def predicted_rms(self) -> FloatArray:
        """Theory of it, (L,): sqrt(N_l (Var q_l + shift^2)); exact where theory is."""
        return self._root * np.sqrt(self.theory.variance.value + self.theory.shift.value**2)

    @property
    def rms_truncation(self) -> FloatArray:
        """What :attr:`predicted_rms` may be off, (L,)."""
        theory = self.theory
        square = self.predicted_rms**2
        doubt = theory.variance_truncation + theory.variance.error
        doubt += 2.0 * np.abs(theory.shift.value) * self.mean_truncation
        return np.sqrt(square + self.widths * doubt) - np.sqrt(square) + self._root * _ROUNDING * theory.q.value

    @property
    def mean_truncation(self) -> FloatArray:
        """What the mean of theory may be off, (L,)."""
        theory = self.theory
        return theory.shift_truncation + theory.shift.error + theory.q.error + _ROUNDING * theory.q.value

    @property
    def predicted_beyond(self) -> FloatArray:
        """P(abs(q_l - q~_l) > eps) if q_l were Gaussian with the mean and variance of theory, (L, E)."""
        mean, std = self.theory.shift.value[:, None], np.sqrt(self.theory.variance.value)[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):  # where q_l is not random
            beyond = special.ndtr((-self.eps - mean) / std) + special.ndtr((mean - self.eps) / std)
        return np.where(std > 0.0, beyond, np.abs(mean) > self.eps)

    @property
    def predicted_ever_beyond(self) -> tuple[FloatArray, FloatArray]:
        """Bounds on the probability that one of the layers is beyond eps, from that of each, both (E,)."""
        each = self.predicted_beyond
        return each.max(axis=0), np.minimum(each.sum(axis=0), 1.0)

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        """Mean and rms of every layer beside theory; none for weights of which theory knows too little."""
        if not self.networks.has_theory:
            return ()
        # few networks underestimate their own fluctuations: errors are at least those of theory
        count, variance = self.networks.count, self.theory.variance.value
        relative = variance_error(variance / self.theory.q.value**2, count)
        error = np.maximum(self.difference.standard_error, np.sqrt(variance / count))
        rms_error = np.maximum(self.rms_error, 0.5 * self.predicted_rms * relative)
        mean = self.difference.mean, error, self.mean_truncation
        rms = self.rms, rms_error, self.rms_truncation
        return (
            *by_layer("mean of q_l - q~_l", self.theory.shift.value, *mean),
            *by_layer("sqrt(N) rms of q_l - q~_l", self.predicted_rms, *rms),
        )

    def to_dict(self) -> dict[str, Any]:
        """What was measured and predicted, by name; what was sampled is in ``networks.to_dict()``."""
        return {
            **by_name(self.networks, "widths", "seed"),
            "q_infinite": self.theory.q.value,
            "q_infinite_error": self.theory.q.error,
            "mean": self.difference.mean,
            "mean_error": self.difference.standard_error,
            **by_name(self.difference, "variance", "variance_error"),
            "predicted_variance": self.theory.variance.value,
            **by_name(self, "rms", "rms_error", "predicted_rms", "eps", "predicted_beyond", "comparisons"),
            "quantiles": {str(p): self.quantiles.quantile(p).value for p in QUANTILES},
            **self.beyond.to_dict("beyond"),
            **self.ever_beyond.to_dict("ever_beyond"),
        }

    @property
    def widths(self) -> NDArray[np.int64]:
        """Units of the layers, (L,)."""
        return self.networks.widths

    @property
    def _root(self) -> FloatArray:
        return np.asarray(np.sqrt(self.widths))


def length_process(
    activation: object,
    sigma_w: float,
    sigma_b: float = 0.0,
    *,
    width: ArrayLike,
    depth: int | None = None,
    networks: int,
    seed: int,
    q: float | None = None,
    eps: ArrayLike | None = None,
    weights: object = "gaussian",
    workers: int = 1,
    checkpoint: str | Path | None = None,
    interval: float = 10.0,
    progress: Progress | None = None,
) -> LengthProcess:
    """Sample networks of finite width and compare their variances with theory.

    Layers are numbered 1 .. L; layer 1 holds the first pre-activations, which are layer 0 of :func:`eoc.propagate`.

    Parameters
    ----------
    activation
        An activation, or whatever :func:`eoc.activation` understands: a name, a formula, a Python function.
    sigma_w, sigma_b
        Standard deviations of the weights (times sqrt(fan-in)) and of the biases, >= 0.
    width, depth
        Units of a layer and how many layers; or a list of widths, one for each layer.
    networks
        M >= 2, how many independent networks.
    seed
        A whole number >= 0. The same one gives the same result, whatever the number of workers.
    q
        K_1 > 0, the variance of the first layer's units: sigma_w^2 + sigma_b^2 for inputs in {-1, 1}^N. Left out: the
        variance that layers keep.
    eps
        Distances > 0 to count networks beyond, (E,). Left out: about 1, 2 and 3 standard deviations of the last layer.
    weights
        "gaussian" or "orthogonal", which are sampled without matrices; or another law of :func:`eoc.montecarlo.law`.
    workers
        Threads.
    checkpoint, interval
        A file to resume from, and to keep up to date every so many seconds: see :func:`eoc.montecarlo.run`.
    progress
        Called with the number of layers done and their total.

    Returns
    -------
    LengthProcess
        Means, standard errors, quantiles and probabilities per layer, and the comparisons with theory.

    Raises
    ------
    EocError
        For a problem that makes no sense, layers that overflow, a checkpoint that cannot be used.
    NotPermissibleError
        Where q_l has no variance: it names the layer.

    Notes
    -----
    Standard errors are those of large M. Where q_l is far from Gaussian, as in ReLU networks deeper than wide, moments
    are made by few networks, and these errors come out too small: quantiles and probabilities are then safe, since
    their intervals hold for any distribution.

    Examples
    --------
    >>> found = length_process("tanh", 1.5**0.5, 0.1**0.5, width=1000, depth=5, networks=2000, seed=1, q=1.6)
    >>> found.rms[4].round(1).item(), found.predicted_rms[4].round(2).item()  # published: 0.85 to 0.94
    (0.9, 0.89)
    >>> all(one.agrees for one in found.comparisons)
    True
    """
    sampled = one_input(activation, sigma_w, sigma_b, width, depth, networks, seed, q, weights)
    return measured_lengths(sampled, eps, RunSettings(workers, checkpoint, interval, progress))


def measured_lengths(sampled: Networks, eps: ArrayLike | None, settings: RunSettings) -> LengthProcess:
    """:func:`length_process` of networks, run as the settings say."""
    theory = theory_of(sampled)
    distances, observe = _distances(eps, theory), _Observer(theory.q.value)
    counted = _Beyond(distances)
    found = sampled.run("length process", observe, settings, ("difference",), counted, eps=distances.tolist())
    return LengthProcess(
        sampled,
        theory,
        distances,
        found.moments["difference"],
        found.moments["kernel"],
        found.quantiles["difference"],
        found.proportions["beyond"],
        found.proportions["ever beyond"],
    )


def theory_of(sampled: Networks) -> LengthTheory:
    """Theory of networks with one input; that of Gaussian weights where it knows no other."""
    weights = sampled.law if sampled.has_theory else "gaussian"
    q, widths = float(sampled.q), sampled.widths
    return length_theory(sampled.activation, sampled.sigma_w, sampled.sigma_b, q=q, widths=widths, weights=weights)


@dataclass(frozen=True, eq=False)
class _Observer:
    """Differences from q~_l (L,): small numbers, whose statistics lose nothing."""

    q: FloatArray

    def __call__(self, layer: int, seen: Layer) -> dict[str, FloatArray]:
        q = self.q[layer - 1]
        return {"difference": seen.q[:, 0] - q, "kernel": seen.kernel[:, 0] - q}


@dataclass(frozen=True, eq=False)
class _Beyond:
    """Adds which layers, and whether any, are beyond each eps."""

    eps: FloatArray

    def __call__(self, observed: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        beyond = np.abs(observed["difference"])[..., None] > self.eps
        return {**observed, "beyond": beyond, "ever beyond": beyond.any(axis=1)}


def _distances(eps: ArrayLike | None, theory: LengthTheory) -> FloatArray:
    if eps is None:
        std = float(np.sqrt(theory.variance.value[-1]))
        return np.array([float(f"{multiple * std:.1e}") for multiple in (1.0, 2.0, 3.0)])
    out = real_numbers("eps", eps).reshape(-1)
    if out.size == 0 or not ((out > 0.0) & np.isfinite(out)).all():
        raise EocError(f"eps must be distances from q~_l, finite and > 0, such as 0.1; got {eps!r}")
    return out
