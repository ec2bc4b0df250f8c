r"""Ensembles of infinitely wide networks that gradient descent has trained for a time, or to the end.

On the loss sum_i (f(x_i) - y_i)^2 / 2 with small steps of size eta, t = eta times the number of steps, the outputs of
networks that differ in their random weights are Gaussian, with

.. math:: \mu_t(x) = \Theta_{xX} g_t(\Theta) y, \qquad
          \Sigma_t(x, x') = K_{xx'} - \Theta_{xX} g_t K_{Xx'} - K_{xX} g_t \Theta_{Xx'}
          + \Theta_{xX} g_t K_{XX} g_t \Theta_{Xx'},

.. math:: g_t(\lambda) = \frac{1 - e^{-\lambda t}}{\lambda}, \qquad \Theta = \Theta_{XX},

(Lee et al. 2019, eqs. 13 to 15): all times from one decomposition of Theta into eigenvectors.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from eoc.errors import EocError
from eoc.floats import FloatArray
from eoc.kernels.kernel import kernel
from eoc.kernels.result import Kernel
from eoc.kernels.spectra import decomposed
from eoc.kernels.tangents import Parameterization
from eoc.validation import real_number, real_numbers

__all__ = ["Ensemble", "LearningCurve", "Prediction", "ensemble"]


@dataclass(frozen=True, eq=False)
class Prediction:
    """What an ensemble says of inputs.

    Attributes
    ----------
    mean
        (m,), or (m, k) for k outputs.
    covariance
        (m, m), of every output: outputs are independent.
    """

    mean: FloatArray
    covariance: FloatArray

    @property
    def standard_deviation(self) -> FloatArray:
        """Of every input, (m,)."""
        return np.asarray(np.sqrt(np.maximum(np.diag(self.covariance), 0.0)))


@dataclass(frozen=True, eq=False)
class LearningCurve:
    """Mean squared errors over time: over samples, outputs, and the networks of the ensemble.

    Attributes
    ----------
    times
        (t,).
    train, test
        (t,), E[(f - y)^2]; ``test`` is None without inputs to test with.
    train_of_mean, test_of_mean
        The same of the mean of all networks.
    """

    times: FloatArray
    train: FloatArray
    train_of_mean: FloatArray
    test: FloatArray | None = None
    test_of_mean: FloatArray | None = None


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Infinitely wide networks trained on data, as :func:`eoc.ensemble` makes it.

    Attributes
    ----------
    x, y
        What they are trained on, (n, d) and (n,) or (n, k).
    kernels
        NNGP and NTK of these inputs.
    eigenvalues, eigenvectors
        Of the NTK, the largest first: along each vector a network learns as 1 - exp(-eigenvalue t).
    error
        A bound on the errors of the eigenvalues; along those that cannot be told from 0 nothing is learned.
    """

    x: FloatArray
    y: FloatArray
    kernels: Kernel
    eigenvalues: FloatArray
    eigenvectors: FloatArray
    error: float
    _given: dict[str, object] = field(repr=False)

    @property
    def unlearned(self) -> int:
        """How many directions of the data are never learned, as of inputs that are the same."""
        return int((self.eigenvalues <= self.error).sum())

    def predict(self, x: ArrayLike, time: float = float("inf")) -> Prediction:
        """Mean and covariance of the outputs at inputs (m, d), at a time >= 0; left out: at the end of training."""
        new = _vectors_like(self.x, x)
        cross, own = self._kernel(new, self.x), self._kernel(new)
        return self._predicted(cross, own.nngp, self._rates(time))

    def learning_curve(self, times: ArrayLike, x: ArrayLike | None = None, y: ArrayLike | None = None) -> LearningCurve:
        """Mean squared errors of training, and with ``x`` and ``y`` also on other data, at times (t,) >= 0."""
        if (x is None) != (y is None):
            raise EocError("x and y go together: the inputs and what they should give")
        at = np.atleast_1d(real_numbers("times", times))
        rates = [self._rates(time) for time in at.tolist()]
        train = [self._errors(self.kernels, self.kernels.nngp, self.y, rate) for rate in rates]
        columns = [np.array(one) for one in zip(*train, strict=True)]
        if x is None or y is None:
            return LearningCurve(at, *columns)
        new = _vectors_like(self.x, x)
        wanted = _targets(y, new.shape[0])
        if wanted.shape[1:] != self.y.shape[1:]:
            raise EocError(f"y has shape {wanted.shape}, and training was on {self.y.shape}: give as many outputs")
        cross, own = self._kernel(new, self.x), self._kernel(new)
        test = [self._errors(cross, own.nngp, wanted, rate) for rate in rates]
        return LearningCurve(at, *columns, *(np.array(one) for one in zip(*test, strict=True)))

    def _kernel(self, x1: FloatArray, x2: FloatArray | None = None) -> Kernel:
        return kernel(x1=x1, x2=x2, **self._given)  # type: ignore[arg-type]

    def _rates(self, time: float) -> FloatArray:
        """g_t of the eigenvalues; 0 where they cannot be told from 0, as what is multiplied by it is."""
        if not real_number("time", time) >= 0.0:
            raise EocError(f"time must be a number >= 0, or infinite for the end of training; got {time!r}")
        known = self.eigenvalues > self.error
        values = np.where(known, self.eigenvalues, 1.0)
        return np.where(known, -np.expm1(-values * time) / values, 0.0)

    def _predicted(self, cross: Kernel, prior: FloatArray, rates: FloatArray) -> Prediction:
        vectors = self.eigenvectors
        weights = (cross.ntk @ vectors * rates) @ vectors.T  # Theta_xX g_t, (m, n)
        mixed = weights @ cross.nngp.T
        covariance = prior - mixed - mixed.T + weights @ self.kernels.nngp @ weights.T
        return Prediction(weights @ self.y, 0.5 * (covariance + covariance.T))

    def _errors(self, cross: Kernel, prior: FloatArray, y: FloatArray, rates: FloatArray) -> tuple[float, float]:
        """Mean squared error of a network, and of the mean of all."""
        found = self._predicted(cross, prior, rates)
        of_mean = float(np.mean(np.square(found.mean - y)))
        return of_mean + float(np.maximum(np.diag(found.covariance), 0.0).mean()), of_mean


def ensemble(
    network: object,
    x: ArrayLike,
    y: ArrayLike,
    *,
    depth: int,
    sigma_w: float | None = None,
    sigma_b: float = 0.0,
    parameterization: Parameterization = "ntk",
    width: float | None = None,
    biases: bool = True,
) -> Ensemble:
    """Infinitely wide networks, trained on data by gradient descent with small steps on the squared error.

    Parameters
    ----------
    network, depth, sigma_w, sigma_b, parameterization, width, biases
        As of :func:`eoc.kernel`.
    x, y
        Inputs (n, d), and what they should give, (n,), or (n, k) for k outputs.

    Returns
    -------
    Ensemble
        Which predicts means and covariances at any time of training.

    Raises
    ------
    EocError
        As :func:`eoc.kernel`; for targets that do not fit.

    Examples
    --------
    >>> x, y = np.eye(3), np.array([1.0, -1.0, 0.0])
    >>> found = ensemble("relu", x, y, depth=2, sigma_w=2**0.5)
    >>> (found.predict(x).mean - y).round(9).tolist()  # at the end of training all data are fitted
    [0.0, 0.0, 0.0]
    >>> found.learning_curve([0.0, 1.0, 1000.0]).train.round(6).tolist()
    [1.333333, 0.042046, 0.0]
    """
    vectors = np.atleast_2d(real_numbers("x", x))
    targets = _targets(y, vectors.shape[0])
    given = {
        "network": network,
        "depth": depth,
        "sigma_w": sigma_w,
        "sigma_b": sigma_b,
        "parameterization": parameterization,
        "width": width,
        "biases": biases,
    }
    own = kernel(x1=x, **given)  # type: ignore[arg-type]
    spectrum, eigenvectors = decomposed(own.ntk, own.ntk_error)
    return Ensemble(vectors, targets, own, spectrum.eigenvalues, eigenvectors, spectrum.error, given)


def _targets(y: ArrayLike, count: int) -> FloatArray:
    targets = real_numbers("y", y)
    if targets.ndim not in (1, 2) or targets.shape[0] != count:
        raise EocError(f"y must be ({count},) or ({count}, k) for {count} inputs, got shape {targets.shape}")
    if not np.isfinite(targets).all():
        raise EocError("y holds numbers that are not finite: remove what is missing")
    return targets


def _vectors_like(known: FloatArray, x: ArrayLike) -> FloatArray:
    vectors = real_numbers("x", x)
    if vectors.ndim != 2 or vectors.shape[1] != known.shape[1]:
        raise EocError(f"x must be (m, {known.shape[1]}), as what was trained on, got shape {vectors.shape}")
    return vectors
