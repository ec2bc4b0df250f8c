"""Fully connected networks, drawn at a point of the (sigma_w, sigma_b) plane; activations as functions of tensors."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, Literal

import torch
from torch import nn
from torch.nn import functional

from eoc.activations import Activation
from eoc.activations.definitions import DEFINITIONS
from eoc.errors import EocError
from eoc.initializers.torch import eoc_bias_, eoc_normal_
from eoc.messages import quoted
from eoc.operating_point import operating_point

__all__ = ["Design", "Pointwise", "first_variance", "network", "torch_function"]


@dataclass(frozen=True)
class Design:
    """What is common to networks that differ in their random numbers only.

    Attributes
    ----------
    activation
        phi.
    sigma_w, sigma_b
        Standard deviations of the weights (times sqrt(fan-in)) and of the biases, in all layers.
    q
        The variance that inputs have in the first layer, in the mean; larger than sigma_b^2.
    width
        Units of every layer but the last.
    depth
        Layers with weights, the last one included; >= 2.
    normalisation
        "batch": between every layer but the last and its activation, with scales of 1 and shifts of 0 to begin with.
    """

    activation: Activation
    sigma_w: float
    sigma_b: float
    q: float
    width: int
    depth: int
    normalisation: Literal["none", "batch"] = "none"

    def __post_init__(self) -> None:
        if self.width < 1 or self.depth < 2:
            raise EocError(f"a network needs width >= 1 and depth >= 2, got {self.width!r} and {self.depth!r}")
        if self.normalisation not in ("none", "batch"):
            raise EocError(f"normalisation must be 'none' or 'batch', got {quoted(self.normalisation)}")
        if not self.sigma_w > 0.0:
            raise EocError(f"sigma_w must be larger than 0 for inputs to matter, got {self.sigma_w!r}")
        if not self.q > self.sigma_b**2:
            raise EocError(
                f"q = {self.q:.6g} must be larger than sigma_b^2 = {self.sigma_b**2:.6g}, what biases alone "
                "give the first layer"
            )

    @property
    def input_scale(self) -> float:
        """By what inputs of mean square 1 are multiplied so that q = sigma_b^2 + sigma_w^2 (mean square of inputs)."""
        return math.sqrt(self.q - self.sigma_b**2) / self.sigma_w


def first_variance(phi: Activation, sigma_w: float, sigma_b: float) -> float:
    """The variance that layers keep, so that it is the one to begin with.

    Raises
    ------
    EocError
        Where variances diverge, decay to 0, or end at one of several.

    Examples
    --------
    >>> import eoc
    >>> first_variance(eoc.activation("tanh"), 1.0, 1.0)
    1.46385089
    """
    q = operating_point(phi, sigma_w=sigma_w, sigma_b=sigma_b).q
    if not 0.0 < q < math.inf:
        what = "decay to 0" if q == 0.0 else "diverge"
        raise EocError(f"variances {what} at sigma_w = {sigma_w:g}, sigma_b = {sigma_b:g}: give q, the first one")
    return q


class Pointwise(nn.Module):
    """An activation as a module."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Any) -> Any:
        """phi(x)."""
        return self.function(x)


def network(design: Design, inputs: int, outputs: int, generator: Any) -> Any:
    """A network with weights N(0, sigma_w^2 / fan_in) and biases N(0, sigma_b^2).

    The normal numbers are drawn layer by layer, weights before biases, whatever sigma_w and sigma_b are: the same
    generator gives networks that differ in scales only.

    Parameters
    ----------
    design
        What it is like.
    inputs, outputs
        Units that it takes and returns.
    generator
        A ``torch.Generator``.

    Returns
    -------
    torch.nn.Sequential
        Linear layers, with what stands between them; it takes inputs that are scaled by ``design.input_scale``.

    Examples
    --------
    >>> import eoc, torch
    >>> design = Design(eoc.activation("tanh"), 1.0, 1.0, q=1.5, width=4, depth=2)
    >>> [type(step).__name__ for step in network(design, 64, 10, torch.Generator().manual_seed(0))]
    ['Linear', 'Pointwise', 'Linear']
    """
    phi = torch_function(design.activation)
    steps: list[Any] = []
    for fan_in, units in pairwise([inputs, *[design.width] * (design.depth - 1), outputs]):
        if steps:
            steps += [nn.BatchNorm1d(design.width)] if design.normalisation == "batch" else []
            steps.append(Pointwise(phi))
        layer = nn.utils.skip_init(nn.Linear, fan_in, units)
        eoc_normal_(layer.weight, sigma_w=design.sigma_w, sigma_b=design.sigma_b, generator=generator)
        eoc_bias_(layer.bias, sigma_w=design.sigma_w, sigma_b=design.sigma_b, generator=generator)
        steps.append(layer)
    return nn.Sequential(*steps)


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


def _shifted_softplus(x: Any) -> Any:
    return functional.softplus(x) - math.log(2.0)


def _named() -> dict[str, Callable[..., Any]]:
    """Those without parameters that PyTorch has under a name; the gradient of sign is 0 everywhere."""
    return {
        name: next(getattr(module, one) for one in known for module in (torch, functional) if hasattr(module, one))
        for name, definition in DEFINITIONS.items()
        if (known := definition.called.get("torch")) and not definition.parameters and name != "sign"
    }


_FUNCTIONS: dict[str, Callable[..., Any]] = dict(
    sorted(
        {
            **_named(),
            "celu": functional.celu,
            "elu": functional.elu,
            "gelu": functional.gelu,
            "gelu_tanh": partial(functional.gelu, approximate="tanh"),
            "hardtanh": functional.hardtanh,
            "identity": torch.clone,
            "leaky_relu": lambda x, slope: functional.leaky_relu(x, negative_slope=slope),
            "shifted_softplus": _shifted_softplus,
            "silu": lambda x, beta: x * torch.sigmoid(beta * x),
            "softplus": functional.softplus,
            "x_plus_half_tanh": lambda x: x + 0.5 * torch.tanh(x),
        }.items()
    )
)
