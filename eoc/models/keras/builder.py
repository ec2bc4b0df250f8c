"""Steps of models of Keras are collected here, with the variables that they use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from eoc.activations import Activation
from eoc.activations import activation as resolve
from eoc.activations.argument.computed import formula_in, in_double, sampled
from eoc.errors import EocError
from eoc.models.lines import straight_line
from eoc.models.slots import Slot
from eoc.models.steps import Affine, Kind, Step

__all__ = ["Builder", "Elements", "called_as"]


@dataclass(frozen=True, eq=False)
class Elements:
    """A function of each element of a step: the step itself, or what may become an activation.

    Attributes
    ----------
    source
        The step.
    shape
        Its shape, without knowing how many inputs there are: None where a length is not known.
    function
        Of a tensor of Keras; None for the step itself.
    name
        Of the step that it becomes.
    """

    source: int
    shape: tuple[int | None, ...]
    function: Callable[[Any], Any] | None = None
    name: str = ""

    def __call__(self, x: Any) -> Any:
        """Its values where the step's are x."""
        return x if self.function is None else self.function(x)


@dataclass
class Builder:
    """The steps found so far.

    Attributes
    ----------
    variables
        The learned variables of the model, by name.
    steps
        The steps.
    unknown
        Layers and functions that nothing is known of, by name.
    uses
        What is done with other variables, see :class:`eoc.models.steps.Reading`.
    softmax, products
        Steps that are weights adding up to 1, and steps that are products of two others.
    """

    variables: Mapping[str, Any]
    steps: list[Step] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    uses: dict[str, str] = field(default_factory=dict)
    softmax: set[int] = field(default_factory=set)
    products: dict[int, tuple[int, int]] = field(default_factory=dict)
    _made: dict[Elements, int] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, kind: Kind, inputs: Sequence[int], shape: Any, **details: Any) -> Elements:
        """Append a step; what it hands on."""
        count = self._counts[name] = self._counts.get(name, 0) + 1
        own = name if count == 1 else f"{name}_{count}"
        self.steps.append(Step(own, kind, tuple(inputs), shape=_known(shape), **details))
        return Elements(len(self.steps) - 1, tuple(shape))

    def add_unknown(self, name: str, inputs: Sequence[int], shape: Any, note: str) -> Elements:
        """Append a step of which nothing is known, and which tracing might explain."""
        self.unknown.append(name)
        return self.add(name, Kind.UNKNOWN, inputs, shape, note=note)

    def name_of(self, variable: Any) -> str | None:
        """The name of a learned variable; None for others."""
        return next((name for name, one in self.variables.items() if one is variable), None)

    def slot(self, variable: Any, **axes: Any) -> Slot | None:
        """Where a weight stands in a variable; one that is a vector has outputs alone."""
        name = None if variable is None else self.name_of(variable)
        if name is None:
            return None
        lies = tuple(int(length) for length in variable.shape)
        return Slot(name, lies, **(axes or {"outputs": tuple(range(len(lies)))}))

    def affine(self, weight: Slot | None, bias: Slot | None, fan_in: float, **details: Any) -> Affine | None:
        """An affine map; None without a weight."""
        if weight is None:
            return None
        return Affine(weight, bias, weight.name, "" if bias is None else bias.name, "", fan_in, **details)

    def indices(self, values: Iterable[Any]) -> list[int]:
        """The steps that values are the output of."""
        return [self.index(value) for value in values]

    def index(self, value: Elements) -> int:
        """The step that a value is the output of, made where there is none yet."""
        if value.function is None:
            return value.source
        if value not in self._made:
            self._made[value] = self._make(value)
        return self._made[value]

    def activated(self, name: str, source: Any, x: Elements) -> Elements:
        """What an activation makes of a value: a function, a layer, or a name that Keras knows."""
        function = keras.activations.get(source) if isinstance(source, str) else source
        at = self.index(x)
        called = called_as(function)
        if called in ("softmax", "log_softmax", "sparsemax"):
            return self.add_softmax(name, at, x.shape, called)
        try:
            return self._of_activation(name, resolve(function), at, x.shape)
        except EocError as error:
            return self.add_unknown(name, (at,), x.shape, str(error))

    def add_softmax(self, name: str, at: int, shape: Any, called: str = "softmax") -> Elements:
        """Append weights that add up to 1, or their logarithms."""
        made = self.add(name, Kind.UNKNOWN, (at,), shape, note=called)
        self.softmax |= {made.source} if called == "softmax" else set()
        return made

    def _make(self, value: Elements) -> int:
        try:
            found = sampled(in_double("keras", value), value.name, formula_in("keras", value, resolve))
        except EocError as error:
            return self.add_unknown(value.name, (value.source,), value.shape, str(error)).source
        return self._of_activation(value.name, found, value.source, value.shape).source

    def _of_activation(self, name: str, found: Activation, at: int, shape: Any) -> Elements:
        line = straight_line(found)
        if line == (1.0, 0.0):
            return Elements(at, shape)
        kind = Kind.ACTIVATION if line is None else Kind.SCALE
        return self.add(name, kind, (at,), shape, activation=found)


def called_as(function: Any) -> str:
    """The name of a function, or of the class of a layer, in small letters."""
    return str(getattr(function, "__name__", type(function).__name__)).lower()


def _known(shape: Sequence[int | None]) -> tuple[int, ...]:
    """A shape with one input; () where it is not known."""
    if not shape:
        return ()
    lengths = [1 if shape[0] is None else shape[0], *shape[1:]]
    return () if any(length is None for length in lengths) else tuple(int(np.int64(length)) for length in lengths)  # type: ignore[arg-type]
