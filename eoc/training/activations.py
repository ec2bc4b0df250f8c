"""Activations as functions of tensors."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch.nn import functional

from eoc.activations import Activation
from eoc.errors import EocError

__all__ = ["torch_function"]


def torch_function(phi: Activation) -> Callable[[Any], Any]:
    """The activation as PyTorch computes it, with gradients.

    Parameters
    ----------
    phi
        One of those that PyTorch has, or that are a sum or product of such.

    Returns
    -------
    callable
        Takes a tensor and returns one of its shape.

    Raises
    ------
    EocError
        For any other, with those that there are.

    Examples
    --------
    >>> import eoc
    >>> torch_function(eoc.activation("elu(alpha=0.5)"))(torch.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.3161,  0.0000,  2.0000])
    """
    name = phi.name.partition("(")[0]
    if name not in _FUNCTIONS:
        raise EocError(f"networks with {phi.name} cannot be trained; there are {', '.join(_FUNCTIONS)}")
    return partial(_FUNCTIONS[name], **phi.parameters)


def _leaky_relu(x: Any, slope: float) -> Any:
    return functional.leaky_relu(x, slope)


def _shifted_softplus(x: Any) -> Any:
    return functional.softplus(x) - math.log(2.0)


def _silu(x: Any, beta: float) -> Any:
    return x * torch.sigmoid(beta * x)


def _x_plus_half_tanh(x: Any) -> Any:
    return x + 0.5 * torch.tanh(x)


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": torch.abs,
    "arctan": torch.arctan,
    "celu": functional.celu,
    "cos": torch.cos,
    "elu": functional.elu,
    "erf": torch.erf,
    "gelu": functional.gelu,
    "gelu_tanh": partial(functional.gelu, approximate="tanh"),
    "hardswish": functional.hardswish,
    "hardtanh": functional.hardtanh,
    "identity": torch.clone,
    "leaky_relu": _leaky_relu,
    "mish": functional.mish,
    "relu": functional.relu,
    "selu": functional.selu,
    "shifted_softplus": _shifted_softplus,
    "sigmoid": torch.sigmoid,
    "silu": _silu,
    "sin": torch.sin,
    "softplus": functional.softplus,
    "softsign": functional.softsign,
    "tanh": torch.tanh,
    "x_plus_half_tanh": _x_plus_half_tanh,
}
