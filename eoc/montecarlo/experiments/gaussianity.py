r"""How far units of a finite network are from Gaussian over random networks.

Given the layer before, units of networks with Gaussian weights are Gaussian with the variance K_l, which is random:
over networks they are mixtures of Gaussians, with the excess kurtosis

.. math:: \kappa_l = \frac{E h^4}{(E h^2)^2} - 3 = \frac{3\, Var K_l}{E[K_l]^2},

which vanishes like 1/N (Roberts, Yaida and Hanin 2022). For Haar orthogonal weights, where a unit is one coordinate of
a point on a sphere in M_l dimensions besides its bias, :math:`6 E[(K_l - \sigma_b^2)^2] / ((M_l + 2) E[K_l]^2)` is to
be subtracted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from eoc.errors import EocError
from eoc.floats import FloatArray
from eoc.gaussian.moments import Estimate
from eoc.montecarlo.experiments.comparison import Comparison, by_layer, by_name
from eoc.montecarlo.experiments.lengths import theory_of
from eoc.montecarlo.experiments.networks import Networks, one_input, variance_error
from eoc.montecarlo.running.runner import Progress, RunSettings
from eoc.montecarlo.running.statistics import Moments
from eoc.montecarlo.sampling.layer import Layer
from eoc.montecarlo.theory.lengths import LengthTheory

__all__ = ["Gaussianity", "gaussianity"]

_WIDEST = 1e30  # Var K / q^2: beyond, squares of what is summed soon overflow
_ROUNDING = 1e-14  # of K, relative: all there is of its variance where phi^2 is constant, as for sign
_PART = 6.0  # d(fourth / q^2) / dq over d/dfourth at Gaussian units of variance 1, with the sign turned


@dataclass(frozen=True, eq=False)
class Gaussianity:
    """The excess kurtosis of a unit over random networks, measured in two ways and predicted, for l = 1 .. L.

    Attributes
    ----------
    networks
        What was sampled: activation, sigma_w, sigma_b, q, widths, weights, count, seed.
    theory
        What theory says of them. For weights other than Gaussian and orthogonal it is that of Gaussian ones, which does
        not hold for them.
    units : Estimate of shape (L,)
        E[h^4] / E[h^2]^2 - 3 of the units themselves, over networks and units, with its standard error.
    kernel : Estimate of shape (L,)
        The same from mean and variance of K_l, with its standard error, which is much smaller: it leaves out the noise
        of the units themselves. It takes units for Gaussian, or Haar, given the layer before.
    """

    networks: Networks = field(repr=False)
    theory: LengthTheory = field(repr=False)
    units: Estimate
    kernel: Estimate

    @property
    def truncation(self) -> FloatArray:
        """What theory may be off, (L,): the next order in 1/N of Var K_l and of K_l, and numerical errors."""
        theory = self.theory
        q = theory.q.value
        variance = theory.kernel_truncation + theory.kernel_variance.error
        mean = np.abs(theory.shift.value) + theory.q.error + theory.shift.error
        rounding = _ROUNDING * (_ROUNDING + 2.0 * np.sqrt(theory.kernel_variance.value) / q)
        return 3.0 * (variance / q**2 + rounding) + 2.0 * np.abs(theory.kurtosis) * mean / q

    @property
    def _least_errors(self) -> tuple[FloatArray, FloatArray]:
        """Standard errors of kernel and units that theory predicts, (L,): few networks underestimate their own."""
        count, widths = self.networks.count, self.networks.widths
        relative = self.theory.kernel_variance.value / self.theory.q.value**2
        kernel = 3.0 * relative * variance_error(relative, count)
        return kernel, np.hypot(kernel, np.sqrt(24.0 / (count * widths)))

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        """Both measurements of every layer beside theory; none for weights of which theory knows too little."""
        if not self.networks.has_theory:
            return ()
        theory, lost, layers = self.theory.kurtosis, self.truncation, range(1, self.theory.kurtosis.size + 1)
        of_kernel, of_units = self._least_errors
        units = self.units.value, np.maximum(self.units.error, of_units)
        kernel = self.kernel.value, np.maximum(self.kernel.error, of_kernel)
        return (
            *by_layer("excess kurtosis from units", theory, *units, lost),
            *by_layer("excess kurtosis from K_l", theory, *kernel, lost, layers[1:]),  # K_1 is not random
        )

    def to_dict(self) -> dict[str, Any]:
        """What was sampled, the excess kurtosis of all layers and the comparisons, by name."""
        known = {"predicted": self.theory.kurtosis, **by_name(self, "truncation", "units", "kernel", "comparisons")}
        return {**self.networks.to_dict(), **by_name(self.networks, "seed", "widths"), **known}


def gaussianity(
    activation: object,
    sigma_w: float,
    sigma_b: float = 0.0,
    *,
    width: ArrayLike,
    depth: int | None = None,
    networks: int,
    seed: int,
    q: float | None = None,
    weights: object = "gaussian",
    workers: int = 1,
    checkpoint: str | Path | None = None,
    interval: float = 10.0,
    progress: Progress | None = None,
) -> Gaussianity:
    """Measure how far units are from Gaussian over random networks, and compare it with theory.

    Parameters
    ----------
    activation, sigma_w, sigma_b, width, depth, networks, seed, q, weights, workers, checkpoint, interval, progress
        As for :func:`eoc.montecarlo.length_process`, with its numbers of layers.

    Returns
    -------
    Gaussianity
        The excess kurtosis of every layer.

    Raises
    ------
    EocError
        For a problem that makes no sense, layers that overflow, a checkpoint that cannot be used.
    NotPermissibleError
        Where K_l has no variance: it names the layer.

    Notes
    -----
    Standard errors are to leading order in 1/M, M networks. In ReLU networks deeper than wide fourth moments are made
    by few networks, and these errors come out too small.

    Examples
    --------
    >>> found = gaussianity("relu", 2**0.5, width=100, depth=4, networks=4000, seed=1, q=1.0)
    >>> found.theory.kurtosis.round(4).tolist()  # 3 (1 + 5/N)^(l-1) - 3
    [0.0, 0.15, 0.3075, 0.4729]
    >>> all(one.agrees for one in found.comparisons)
    True
    """
    sampled = one_input(activation, sigma_w, sigma_b, width, depth, networks, seed, q, weights)
    theory, settings = theory_of(sampled), RunSettings(workers, checkpoint, interval, progress)
    _check_tails(theory)
    found = sampled.run("gaussianity", _Observer(theory.q.value), settings).moments
    units = _of_units(found["fourth"], found["square"], found["both"])
    return Gaussianity(sampled, theory, units, _of_kernel(found["kernel"], sampled, theory))


def _check_tails(theory: LengthTheory) -> None:
    wide = theory.kernel_variance.value > _WIDEST * theory.q.value**2
    if wide.any():
        raise EocError(
            f"K_l fluctuates by more than {_WIDEST:g} times its squared mean from layer {int(wide.argmax()) + 1} on: "
            f"no number of networks shows its moments; go to depth {int(wide.argmax())} at most, or take more units"
        )


@dataclass(frozen=True, eq=False)
class _Observer:
    """Moments in units of q~_l (L,); "both" gives away how the fourth and the second vary together."""

    q: FloatArray

    def __call__(self, layer: int, seen: Layer) -> dict[str, FloatArray]:
        q = self.q[layer - 1]
        fourth, square = seen.fourth[:, 0] / q**2, seen.q[:, 0] / q
        return {"fourth": fourth, "square": square, "both": fourth - _PART * square, "kernel": seen.kernel[:, 0] / q}


def _of_units(fourth: Moments, square: Moments, both: Moments) -> Estimate:
    """E[fourth] / E[square]^2 - 3, its error by the delta method."""
    mean, scale = fourth.mean, square.mean
    covariance = (fourth.variance + _PART**2 * square.variance - both.variance) / (2.0 * _PART)
    a, b = scale**-2.0, -2.0 * mean / scale**3
    variance = a**2 * fourth.variance + b**2 * square.variance + 2.0 * a * b * covariance
    return Estimate(mean * a - 3.0, np.sqrt(np.maximum(variance, 0.0) / fourth.count))


def _of_kernel(kernel: Moments, sampled: Networks, theory: LengthTheory) -> Estimate:
    """The kurtosis of units that are Gaussian, coordinates on a sphere, or as theory has it, given K / q."""
    q = theory.q.value
    relative, error = kernel.relative_variance, kernel.relative_variance_error
    if sampled.weights != "orthogonal":
        return Estimate(3.0 * relative + theory.cumulant, 3.0 * error)
    sphere = 6.0 / (_dimensions(sampled) + 2.0)
    bias = sampled.sigma_b**2 / (q * kernel.mean)
    value = (3.0 - sphere) * relative - sphere * (1.0 - bias) ** 2
    further = 2.0 * sphere * np.abs(1.0 - bias) * bias * kernel.standard_error / kernel.mean
    return Estimate(value, (3.0 - sphere) * error + further)


def _dimensions(sampled: Networks) -> FloatArray:
    """M_l: of the sphere of each layer, (L,)."""
    widths = sampled.widths.astype(float)
    return np.maximum(widths, np.append(widths[:1], widths[:-1]))
