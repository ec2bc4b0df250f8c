"""The numbers that a model has at present: sizes of weights, biases, tables and running statistics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eoc.errors import EocError
from eoc.layers.affine import Dense, checked_sigma
from eoc.models.padding import inside
from eoc.models.steps import Affine, Kind, Step

__all__ = ["COHERENT", "dense", "is_coherent", "mean_square", "running", "sigmas", "size"]

COHERENT = "weights whose mean is not 0 are taken for random ones"
_CHANCE = 6.0  # standard errors of a mean


def mean_square(tensor: Any) -> float:
    """Of a tensor of PyTorch; 0 of None, and of one without numbers."""
    if tensor is None or tensor.numel() == 0:
        return 0.0
    found = tensor.detach().double().square().mean()
    return float(found.full_tensor() if hasattr(found, "full_tensor") else found)


def is_coherent(affine: Affine | None) -> bool:
    """Whether the mean of the weights of a layer is not that of random ones, as of weights that all are positive."""
    weight = None if affine is None else affine.weight
    if weight is None or weight.is_meta or weight.numel() == 0 or hasattr(weight, "full_tensor"):
        return False
    mean = float(weight.detach().double().mean())
    return mean**2 * weight.numel() > _CHANCE**2 * mean_square(weight)


def sigmas(affine: Affine) -> tuple[float, float]:
    """sqrt(fan_in mean W^2) and sqrt(mean b^2) of a layer."""
    return float((affine.fan_in * mean_square(affine.weight)) ** 0.5), mean_square(affine.bias) ** 0.5


def dense(steps: Sequence[Step], at: int) -> Dense:
    """The op that a layer of these sizes is at random; padding with zeros is counted where shapes are known.

    Raises
    ------
    EocError
        Where the weights are not known, not finite, or beyond the range of variances.
    """
    step = steps[at]
    if step.affine is None:
        raise EocError(step.note or "its weights are not known")
    sigma_w, sigma_b = sigmas(step.affine)
    share = inside(step, steps[step.inputs[0]])
    return Dense(checked_sigma("sigma_w", sigma_w * share**0.5), checked_sigma("sigma_b", sigma_b))


def size(step: Step) -> float | None:
    """The mean square of a table, of a learned tensor, or of a normalisation's weights plus that of its biases.

    None where there is no such number.
    """
    if step.kind is Kind.PARAMETER:
        return None if step.tensor is None else mean_square(step.tensor)
    weight, bias = getattr(step.module, "weight", None), getattr(step.module, "bias", None)
    if step.kind is Kind.EMBEDDING:
        return None if weight is None else mean_square(weight)
    return (1.0 if weight is None else mean_square(weight)) + mean_square(bias)


def running(step: Step) -> tuple[float, bool] | None:
    """By what a normalisation by running statistics multiplies mean squares, and whether its means are 0.

    None for normalisations by what comes in, as all are in training.
    """
    module = step.module
    mean, variance = getattr(module, "running_mean", None), getattr(module, "running_var", None)
    if mean is None or variance is None or module.training:
        return None
    factor = (variance.detach().double() + float(module.eps)).reciprocal().mean()
    return float(factor), not bool(mean.any())
