"""What a node of a graph can be while it is read: something that depends on the input of the model, or not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

import torch
from torch import nn

from eoc.activations import Activation
from eoc.errors import EocError
from eoc.models.steps import Kind
from eoc.models.torch.builder import Builder
from eoc.models.torch.elementwise import as_activation, as_function, straight_line

__all__ = ["Elements", "Fixed", "Value", "ValueBuilder"]


@dataclass(frozen=True, eq=False)
class Elements:
    """A function of each element of a step: the step itself, or what may become an activation.

    It becomes a step only when something else than a function of its elements is computed from it; so what a forward
    puts together, such as ``x * torch.sigmoid(x)``, is one activation.

    Attributes
    ----------
    source
        The step.
    text
        The function in x, for people.
    name, module, note
        Of the step that it becomes.
    function
        Of a tensor in double precision, which it leaves as it is. None for the step itself.
    activation
        The same as an activation, where that is known without evaluating the function.
    """

    source: int
    text: str = "x"
    name: str = ""
    function: Callable[[torch.Tensor], torch.Tensor] | None = None
    module: Any = None
    note: str = ""
    activation: Activation | None = None

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Its values where the step's are x."""
        return x.clone() if self.function is None else self.function(x)

    def then(self, activation: Activation, function: str, name: str, module: Any = None, note: str = "") -> Elements:
        """An activation of it; ``function`` is what people call that."""
        outer = as_function(activation)
        text = f"{function}({self.text})"
        if self.function is None:
            return Elements(self.source, text, name, outer, module, note, activation)
        notes = "; ".join(each for each in (self.note, note) if each)
        return Elements(self.source, text, name, lambda x: outer(self(x)), note=notes)


@dataclass(frozen=True, eq=False)
class Fixed:
    """What does not depend on the input of the model: a parameter, a buffer, a number made of shapes.

    Attributes
    ----------
    name
        What it is called.
    tensor
        A parameter or a buffer, None for what was computed.
    turned
        Whether the transpose of the tensor is meant.
    """

    name: str = "what does not depend on the input"
    tensor: Any = None
    turned: bool = False

    @property
    def number(self) -> float | None:
        """Its value, if that is known and one number."""
        return float(self.tensor.detach()) if self.size is not None and self.tensor.numel() == 1 else None

    @property
    def size(self) -> float | None:
        """The root mean square of its numbers, if they are known and finite."""
        if self.tensor is None or self.tensor.is_meta or self.tensor.numel() == 0:
            return None
        size = float(self.tensor.detach().double().square().mean().sqrt())
        return size if isfinite(size) else None


Value = Elements | Fixed


class ValueBuilder(Builder):
    """Makes steps of values, as late as possible."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__(model)
        self._made: dict[Elements, int] = {}

    def indices(self, values: Iterable[Any]) -> tuple[int, ...]:
        """The steps that those of the values are that depend on the input."""
        return tuple(self._index(value) for value in values if isinstance(value, Elements))

    def biased(self, value: Elements, fixed: Fixed) -> bool:
        """Make a parameter the bias of a layer that is a matrix product, if it is added to that; whether it is."""
        step = self.steps[value.source]
        affine, name = step.affine, self.name_of(fixed.tensor)
        if value.function is not None or affine is None or affine.bias is not None or name is None:
            return False
        if step.module is not None or affine.weight.dim() != 2 or fixed.tensor.dim() != 1:
            return False
        self.steps[value.source] = replace(step, affine=replace(affine, bias=fixed.tensor, bias_name=name))
        return True

    def _index(self, value: Elements) -> int:
        if value.function is None:
            return value.source
        if value not in self._made:
            self._made[value] = self._make(value)
        return self._made[value]

    def _make(self, value: Elements) -> int:
        inputs = (value.source,)
        try:
            activation = value.activation or as_activation(value, value.text)
        except EocError as error:
            return self.add(value.name, Kind.UNKNOWN, inputs, module=value.module, note=f"{value.text}: {error}")
        line = straight_line(activation)
        kind = Kind.ACTIVATION if line is None else Kind.SAME if line == (1.0, 0.0) else Kind.SCALE
        shown = None if kind is Kind.SAME else activation
        shift = f"adds {line[1]:g}, which is no activation" if line is not None and line[1] else ""
        note = "; ".join(each for each in (value.note, shift) if each)
        return self.add(value.name, kind, inputs, module=value.module, activation=shown, note=note)
