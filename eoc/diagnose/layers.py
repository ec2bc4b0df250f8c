"""Which modules of a model are affine maps that can be measured, and what they compute with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from eoc.diagnose.signals import mean_square
from eoc.models.steps import Affine, Kind, Step
from eoc.models.torch.builder import Builder, count_terms
from eoc.models.torch.modules import affine_of, is_layer

__all__ = ["Layer", "measurable"]


@dataclass(frozen=True)
class Layer:
    """A module whose output is that of an affine map.

    Attributes
    ----------
    module
        The module.
    affine
        Its parameters, where its forward is not one of torch.nn's; None where it is.
    """

    module: Any
    affine: Affine | None = None

    @property
    def window(self) -> tuple[int, ...]:
        """The kernel of a convolution; () for other layers."""
        return () if self.affine is not None else getattr(self.module, "kernel_size", ())

    @property
    def units(self) -> int:
        """Outputs, or channels."""
        if self.affine is not None:
            return int(self.affine.weight.shape[1 if self.affine.transposed else 0])
        return int(self.module.out_channels if self.window else self.module.out_features)

    @property
    def inputs(self) -> int:
        """What goes in, or channels."""
        if self.affine is not None:
            return int(self.affine.weight.shape[0 if self.affine.transposed else 1])
        return int(self.module.in_channels if self.window else self.module.in_features)

    def __str__(self) -> str:
        """For example "Linear 300 -> 10" or "Conv2d 3 -> 16, 3x3"."""
        kinds = type(self.module).__mro__  # a parametrized Linear has a class of its own
        own = kinds[0] if self.affine is not None else next(k for k in kinds if k.__module__.startswith("torch.nn.mod"))
        window = f", {'x'.join(map(str, self.window))}" if self.window else ""
        return f"{own.__name__} {self.inputs} -> {self.units}{window}"

    def gives(self, x: Any, output: Any) -> bool:
        """Whether an output is that of the affine map itself: a forward of the user's own may do more."""
        if self.affine is None:
            return True
        if not isinstance(x, torch.Tensor) or x.dtype != self.affine.weight.dtype or x.shape[-1:] != (self.inputs,):
            return False
        with torch.no_grad():
            weight, bias = self.affine.weight, self.affine.bias
            plain = functional.linear(x, weight.T if self.affine.transposed else weight, bias)
        small = 1e-2 if x.dtype.itemsize == 2 else 1e-4
        return plain.shape == output.shape and torch.allclose(output, plain, rtol=small, atol=small, equal_nan=True)

    def sigmas(self) -> tuple[float, float]:
        """sqrt(fan_in mean W^2) and sqrt(mean b^2) of what it computes with, also if that is made of other tensors."""
        if self.affine is not None:
            weight, bias, fan_in = self.affine.weight, self.affine.bias, self.affine.fan_in
        else:
            module = self.module
            weight, bias = module.weight, module.bias
            transposed, groups = getattr(module, "transposed", False), getattr(module, "groups", 1)
            fan_in = count_terms(weight, transposed=transposed, groups=groups, stride=getattr(module, "stride", ()))
        return (fan_in * mean_square(weight)) ** 0.5, 0.0 if bias is None else mean_square(bias) ** 0.5

    def inside(self, x: Any) -> float:
        """How many of the terms that an output of a convolution sums are not padding, on average over positions."""
        if not self.window or self.module.padding_mode != "zeros":
            return 1.0
        module, settings = self.module, {}
        name, terms = f"conv{len(self.window)}d", float(np.prod(self.window))
        if module.transposed:
            name, settings = name.replace("conv", "conv_transpose"), {"output_padding": module.output_padding}
            terms /= float(np.prod(module.stride))
        settings |= {"stride": module.stride, "padding": module.padding, "dilation": module.dilation}
        image, kernel = torch.ones(1, 1, *x.shape[-len(self.window) :]), torch.ones(1, 1, *self.window)
        return float(getattr(functional, name)(image, kernel, **settings).mean()) / terms


def measurable(steps: Sequence[Step], model: nn.Module) -> dict[int, Layer]:
    """The layers, by the index of their step.

    A layer whose forward is the user's own, or that is called as a function, counts if the module that owns its weight
    owns no other matrix; :meth:`Layer.gives` tells, once it runs, whether the output is the layer's.

    Parameters
    ----------
    steps
        What the model does.
    model
        The model they were read from.
    """
    builder, modules = Builder(model), dict(model.named_modules())
    found = {}
    for index, step in enumerate(steps):
        if is_layer(step.module):
            found[index] = Layer(step.module)
        elif (affine := _own_affine(builder, step)) is not None:
            owner = modules[affine.weight_name.rpartition(".")[0]]
            if sum(parameter.dim() > 1 for parameter in owner.parameters()) == 1:
                found[index] = Layer(owner, affine)
    return found


def _own_affine(builder: Builder, step: Step) -> Affine | None:
    """The matrix of a step whose forward is not one of torch.nn's."""
    affine = step.affine
    if affine is None and step.kind is Kind.UNKNOWN and isinstance(step.module, nn.Linear):  # seen from outside alone
        affine = affine_of(builder, step.module)
    return affine if affine is not None and affine.weight.dim() == 2 and not affine.part else None
