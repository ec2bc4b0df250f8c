"""What a node of a graph can be while it is read: something that depends on the input of the model, or not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

import torch
from torch import fx

from eoc.activations import Activation
from eoc.models.torch.elementwise import as_function

__all__ = ["Call", "Elements", "Fixed", "Value", "values_in"]

_MOST = 4096  # channels


@dataclass(frozen=True, eq=False)
class Fixed:
    """What does not depend on the input of the model: a parameter, a buffer, what is computed of them, a number.

    Attributes
    ----------
    name
        What it is called; of what is computed, the first parameter that it is computed of.
    tensor
        Its present values; None where they are not known.
    turned
        Whether the transpose of the tensor is meant.
    again
        What computes it, with other values for some parameters, by name; None for what is not computed.
    sources
        The names of the parameters that it is, or is computed of.
    plain
        Whether it is no tensor: a shape, a number, several tensors.
    """

    name: str = "what does not depend on the input"
    tensor: Any = None
    turned: bool = False
    again: Callable[[Mapping[str, torch.Tensor]], Any] | None = None
    sources: tuple[str, ...] = ()
    plain: bool = False

    @property
    def values(self) -> Any:
        """Its present values, turned where that is meant."""
        return self.tensor.mT if self.turned else self.tensor

    @property
    def number(self) -> float | None:
        """Its value, if that is known and one number."""
        return float(self.tensor.detach()) if self.size is not None and self.tensor.numel() == 1 else None

    @property
    def size(self) -> float | None:
        """The root mean square of its numbers, if they are known and finite."""
        if self.tensor is None or self.tensor.is_meta or self.tensor.numel() == 0 or self.tensor.is_complex():
            return None
        size = float(self.tensor.detach().double().square().mean().sqrt())
        return size if isfinite(size) else None

    @property
    def channels(self) -> int:
        """How many channels it has a number for; 0 for one number, and for what has several axes."""
        lengths = [length for length in self.tensor.shape if length > 1]
        return lengths[0] if len(lengths) == 1 and lengths[0] <= _MOST else 0

    @property
    def numbers(self) -> torch.Tensor:
        """All of them, one after the other, in double precision."""
        flat: torch.Tensor = self.tensor.detach().double().cpu().flatten()
        return flat

    def computed(self, others: Mapping[str, torch.Tensor]) -> Any:
        """Its values, with others for these parameters."""
        if self.again is not None:
            return self.again(others)
        tensor = others.get(self.name, self.tensor)
        return tensor.mT if self.turned else tensor


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
        Of a tensor in double precision, which it leaves as it is, and of a channel. None for the step itself.
    activation
        The same as an activation, where that is known without evaluating the function.
    by_channel
        What it takes that has a number for every channel.
    mixture
        The activations of its channels, each with its share, where they are known and differ.
    rows
        Whether it is a function of all units of a position instead, as what normalises by hand is.
    shape
        Of the tensor, where it is known.
    """

    source: int
    text: str = "x"
    name: str = ""
    function: Callable[[Any, int | slice], Any] | None = None
    module: Any = None
    note: str = ""
    activation: Activation | None = None
    by_channel: tuple[Fixed, ...] = ()
    mixture: tuple[tuple[Activation, float], ...] = ()
    rows: bool = False
    shape: tuple[int, ...] = ()

    def __call__(self, x: Any, channel: int | slice = 0) -> Any:
        """Its values where the step's are x."""
        return x.clone() if self.function is None else self.function(x, channel)

    def then(self, activation: Activation, function: str, name: str, module: Any = None, note: str = "") -> Elements:
        """An activation of it; ``function`` is what people call that."""
        outer = as_function(activation)
        text = f"{function}({self.text})"
        if self.function is None:
            return Elements(self.source, text, name, lambda x, _: outer(x), module, note, activation)
        notes = "; ".join(each for each in (self.note, note) if each)
        return Elements(
            self.source,
            text,
            name,
            lambda x, j: outer(self(x, j)),
            note=notes,
            by_channel=self.by_channel,
            rows=self.rows,
        )


Value = Elements | Fixed


@dataclass(frozen=True)
class Call:
    """A call of a function.

    Attributes
    ----------
    name
        Of the function, see :func:`eoc.models.torch.functions.plain_name`.
    node
        The name of the node.
    function
        What is called.
    args, kwargs
        With :data:`eoc.models.torch.values.Value` s for nodes.
    shape
        Of what it returns; () where that is not known.
    floating
        Whether that are numbers, and not indices or answers.
    causal
        Whether it was seen to mask scores so that tokens see none behind them.
    """

    name: str
    node: str
    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    shape: tuple[int, ...] = ()
    floating: bool = True
    causal: bool = False

    @property
    def values(self) -> list[Value]:
        """The values among the arguments, in order."""
        return values_in((self.args, dict(self.kwargs)))

    @property
    def data(self) -> list[Elements]:
        """Those that depend on the input of the model."""
        return [value for value in self.values if isinstance(value, Elements)]

    @property
    def fixed(self) -> list[Fixed]:
        """The others."""
        return [value for value in self.values if isinstance(value, Fixed)]

    def arguments(self, *names: str) -> list[Any]:
        """The first arguments, which have these names; None for what is not given."""
        given = dict(zip(names, self.args, strict=False)) | dict(self.kwargs)
        return [given.get(name) for name in names]

    def with_values(self, change: Callable[[Value], Any], through: Callable[..., Any] | None = None) -> Any:
        """What it returns with something else for every value; ``through`` is what calls the function."""
        args, kwargs = fx.node.map_aggregate(
            (self.args, dict(self.kwargs)), lambda leaf: change(leaf) if isinstance(leaf, Elements | Fixed) else leaf
        )
        return self.function(*args, **kwargs) if through is None else through(self.function, args, kwargs)


def values_in(structure: Any) -> list[Value]:
    """All values in nested tuples, lists and dictionaries, in order."""
    found: list[Value] = []
    fx.node.map_aggregate(structure, lambda leaf: found.append(leaf) if isinstance(leaf, Elements | Fixed) else None)
    return found
