r"""Logits: the loss with which a network begins, the temperature that makes them calibrated, and cooling.

- *At the start* logits are independent N(0, q) and labels independent of them: the cross-entropy is

  .. math:: E \log \sum_{i \le k} e^{\sqrt q Z_i} = \int_0^\infty (e^{-t} - E[e^{-t X}]^k) \frac{dt}{t},
            \qquad X = e^{\sqrt q Z},

  log k + (q/2)(1 - 1/k) + O(q^2).
- *Temperature* (Guo et al. 2017): the cross-entropy of beta times the logits is convex in beta = 1/T. It is least where
  the mean of the logits under their softmax is the mean logit of the labels.
- *Cooling* the last layer, W and b divided by T, leaves what is classified as it is, and divides logits by T.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import logsumexp, softmax

from eoc.errors import EocError
from eoc.floats import FloatArray
from eoc.validation import real_number, real_numbers, whole_numbers

if TYPE_CHECKING:
    from eoc.models.steps import Step

__all__ = ["Calibration", "StartLoss", "cool", "expected_loss", "temperature"]

_STEP = 0.2  # of the trapezoidal rule: its error is exp(-pi^2 / step)
_SMALL = 40.0  # e^-40 is nothing
_DEVIATIONS = 12.0  # of a Gaussian, beyond which there is nothing
_MOST_SPREAD = 1e4
_BLOCK = 256  # numbers u at a time


@dataclass(frozen=True)
class StartLoss:
    """The cross-entropy of a network at initialisation.

    Attributes
    ----------
    value, error
        Expected, and a bound on its error.
    chance
        log k, that of equal probabilities.
    """

    value: float
    error: float
    chance: float


def expected_loss(q: float, classes: int) -> StartLoss:
    """The mean cross-entropy of independent logits N(0, q) with labels that are independent of them.

    Parameters
    ----------
    q
        The variance of the logits, 0 to 1e4.
    classes
        k >= 1.

    Examples
    --------
    >>> found = expected_loss(1.0, 10)
    >>> round(found.value, 11), round(found.chance, 6)
    (2.72886389549, 2.302585)
    """
    variance, k = real_number("q", q), float(whole_numbers("classes", real_number("classes", classes), 1.0))
    if not 0.0 <= variance <= _MOST_SPREAD:
        raise EocError(f"q must be a variance from 0 to {_MOST_SPREAD:g}, got {variance:g}")
    chance = float(np.log(k))
    if variance == 0.0 or k == 1.0:
        return StartLoss(chance, 0.0, chance)
    value = _entropy(variance, k, _STEP)
    error = abs(value - _entropy(variance, k, 0.75 * _STEP)) + 1e-14 * (1.0 + abs(value))
    return StartLoss(value, error, chance)


def _entropy(q: float, k: float, step: float) -> float:
    """The integral over u = log t, by the trapezoidal rule."""
    spread = float(np.sqrt(q))
    z = np.linspace(-_DEVIATIONS, _DEVIATIONS, 1 + int(np.ceil(2.0 * _DEVIATIONS * max(3.0, spread / step))))
    weights = np.exp(-0.5 * z**2)
    weights /= weights.sum()
    u = np.arange(-(_SMALL + 0.5 * q + np.log(k)), _DEVIATIONS * spread + 5.0, step)
    with np.errstate(over="ignore", under="ignore", divide="ignore"):
        blocks = np.array_split(u, 1 + u.size // _BLOCK)
        gone = np.concatenate([-np.expm1(-np.exp(part[:, None] + spread * z)) @ weights for part in blocks])
        left = np.expm1(k * np.log1p(-np.minimum(gone, 1.0)))  # E[e^(-t X)]^k - 1, which is small for small t
        return float(step * np.sum(np.expm1(-np.exp(u)) - left))


@dataclass(frozen=True)
class Calibration:
    """What :func:`temperature` returns.

    Attributes
    ----------
    beta
        What logits are to be multiplied by: 0 where they say nothing, inf where more is always better.
    loss
        The mean cross-entropy at that.
    before
        The same of the logits as they are.
    """

    beta: float
    loss: float
    before: float

    @property
    def temperature(self) -> float:
        """1 / beta."""
        return float("inf") if self.beta == 0.0 else 1.0 / self.beta


def temperature(logits: ArrayLike, labels: ArrayLike) -> Calibration:
    """The temperature at which logits have the least cross-entropy: the exact optimum of a convex function.

    Parameters
    ----------
    logits
        (samples, classes).
    labels
        Which class each sample is of, from 0.

    Raises
    ------
    EocError
        For other shapes, and labels that are no classes.

    Examples
    --------
    >>> found = temperature([[2, 1, 0], [0, 3, 1], [1, 1, 4], [-1, 2, 2]], [0, 2, 2, 1])
    >>> round(found.beta, 12), round(found.loss, 12)
    (0.688802057755, 0.810311251173)
    """
    x, own = _checked(logits, labels)
    true = float(np.mean(x[np.arange(len(x)), own]))
    before = _loss(x, true, 1.0)

    def slope(beta: float) -> float:
        return float(np.mean(np.sum(softmax(beta * x, axis=1) * x, axis=1))) - true

    if slope(0.0) >= 0.0:
        return Calibration(0.0, float(np.log(x.shape[1])), before)
    if np.all(x[np.arange(len(x)), own] == x.max(axis=1)):  # the loss falls for ever
        return Calibration(float("inf"), _in_the_limit(x), before)
    high = 1.0 / float(np.ptp(x, axis=1).max())
    while slope(high) < 0.0:
        high *= 4.0
    beta = float(brentq(slope, 0.0, high, xtol=1e-300, rtol=4 * np.finfo(float).eps))
    return Calibration(beta, _loss(x, true, beta), before)


def _checked(logits: ArrayLike, labels: ArrayLike) -> tuple[FloatArray, Any]:
    x, own = real_numbers("logits", logits), real_numbers("labels", labels)
    if x.ndim != 2 or own.shape != x.shape[:1] or not x.size or not np.isfinite(x).all():
        raise EocError(f"logits must be finite (samples, classes), labels (samples,); got {x.shape} and {own.shape}")
    if np.any((own < 0) | (own >= x.shape[1]) | (own != np.floor(own))):
        raise EocError(f"labels must be whole numbers from 0 to {x.shape[1] - 1}")
    return x, own.astype(np.int64)


def _loss(x: FloatArray, true: float, beta: float) -> float:
    return float(np.mean(logsumexp(beta * x, axis=1))) - beta * true


def _in_the_limit(x: FloatArray) -> float:
    """The loss as beta grows: the logarithm of how many logits are the largest."""
    return float(np.mean(np.log(np.sum(x == x.max(axis=1, keepdims=True), axis=1))))


def cool(model: Any, temperature: float) -> tuple[str, ...]:
    """Divide the last layer of a PyTorch model by a temperature: what it classifies stays, its logits are divided.

    Gradients of all earlier layers are divided too, as far as the softmax is the same.

    Parameters
    ----------
    model
        A ``torch.nn.Module`` whose output is that of a layer. Its last weight and bias are changed in place.
    temperature
        T > 0.

    Returns
    -------
    tuple of str
        The names of what was changed.

    Raises
    ------
    EocError
        For a model that does not end in a layer, whose last layer is used twice, or keeps its size by itself.

    Notes
    -----
    The schedule of temperatures that was published as Cooling is not known to us: this is one step of any.
    """
    if not 0.0 < real_number("temperature", temperature) < np.inf:
        raise EocError(f"temperature must be > 0, got {temperature!r}")
    import torch

    from eoc.models.torch.read import read

    affine = _last_layer(read(model).steps).affine
    if affine is None or affine.fixed:
        raise EocError(f"the last layer cannot be divided: {affine.fixed if affine else 'its weight is not known'}")
    with torch.no_grad():
        if affine.assign is not None:
            affine.assign(affine.weight / temperature)
        else:
            affine.weight.div_(temperature)
        if affine.bias is not None:
            affine.bias.div_(temperature)
    return tuple(name for name in (affine.weight_name, affine.bias_name) if name)


def _last_layer(steps: tuple[Step, ...]) -> Step:
    from eoc.models.steps import Kind

    at = len(steps) - 1
    while steps[at].kind in (Kind.OUTPUT, Kind.SAME, Kind.DROPOUT) and len(steps[at].inputs) == 1:
        at = steps[at].inputs[0]
    last = steps[at]
    if last.kind is not Kind.LAYER:
        raise EocError(f"the model does not end in a layer, but in {last.name} ({last.kind}): divide its logits")
    names = [one.affine.weight_name for one in steps if one.affine is not None]
    if last.affine is not None and names.count(last.affine.weight_name) > 1:
        raise EocError(f"{last.affine.weight_name} is used elsewhere in the model too: divide its logits")
    return last
