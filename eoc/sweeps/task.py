"""What a sweep can compute: a task, the parameters that it takes and the outputs that every point has."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eoc.sharing import cached_property

__all__ = ["EOC", "Coordinate", "Output", "Parameter", "Point", "Task", "Values"]

#: Of sigma_w: the value at which a network with that activation and sigma_b is on the edge of chaos.
EOC = "eoc"

#: All values of every parameter that a sweep gives.
Values = Mapping[str, tuple[Any, ...]]

#: The parameters of one point, or its outputs.
Point = Mapping[str, Any]


@dataclass(frozen=True)
class Parameter:
    """One quantity that a task takes: a constant of the sweep, or an axis of it.

    Attributes
    ----------
    name, about, symbol, units
        What it is, in the field's own name, in words, and for Matplotlib.
    kind
        "activation", "real", "whole" (a whole number) or "text".
    least, most
        The range of a number.
    above
        Whether the number must be larger than ``least``, not equal.
    required
        Whether it must be given.
    default
        Its value where it is not given; None leaves that to the function behind the task.
    inner
        Whether a point takes all its values at once, so that it is a dimension of the outputs and not an axis of
        points: the depths of a propagation.
    choices
        The texts that are allowed; any, if there are none. Of an activation: texts that the task understands besides
        activations, and is handed as they are.
    eoc
        Whether it may be the word "eoc".
    networks
        Of an activation: whether it may be a network of layers: "no", "any", or one that is the "same" in every layer.
    note
        More for whoever writes a configuration: what it is if it is left out, which texts there are.
    """

    name: str
    about: str
    kind: Literal["activation", "real", "whole", "text"] = "real"
    symbol: str = ""
    units: str = "1"
    least: float = -np.inf
    most: float = np.inf
    above: bool = False
    required: bool = False
    default: Any = None
    inner: bool = False
    choices: tuple[str, ...] = ()
    eoc: bool = False
    networks: Literal["no", "same", "any"] = "no"
    note: str = ""

    def but(self, **changes: Any) -> Parameter:
        """The same, with changes.

        Examples
        --------
        >>> Parameter("sigma_b", "standard deviation of the biases").but(least=0.0).least
        0.0
        """
        return replace(self, **changes)


@dataclass(frozen=True)
class Output:
    """One number, or one array of numbers, that every point has.

    Attributes
    ----------
    about, symbol, units
        What it is.
    read
        What it is of the result of a task: an attribute such as "theory.q.value", or a function of the result, which
        returns None where the point has none. Left out: the attribute of its own name.
    dims
        Its dimensions besides those of the axes: names of inner parameters or of :attr:`Task.coordinates`.
    kind
        "real" (NaN where a point has none), or "whole" (-1 where a point has none).
    flags
        Instead of a number one of these words, kept as its index (-1 where a point has none).
    """

    about: str
    symbol: str = ""
    read: str | Callable[[Any], ArrayLike | None] = ""
    units: str = "1"
    dims: tuple[str, ...] = ()
    kind: Literal["real", "whole"] = "real"
    flags: tuple[str, ...] = ()

    def but(self, **changes: Any) -> Output:
        """The same, with changes."""
        return replace(self, **changes)

    @cached_property
    def dtype(self) -> np.dtype[Any]:
        """How it is kept."""
        if self.flags:
            return np.dtype(np.int8)
        return np.dtype(np.float64 if self.kind == "real" else np.int64)

    @cached_property
    def missing(self) -> float | int:
        """What stands where a point has none."""
        return float("nan") if self.dtype.kind == "f" else -1

    def of(self, result: Any, name: str) -> ArrayLike:
        """The number, or numbers, of this name in a result: an object with attributes, or a mapping.

        Examples
        --------
        >>> Output("whether it was found", flags=("no", "yes")).of({"usable": True}, "usable")
        1
        """
        if callable(self.read):
            value = self.read(result)
        else:
            value = result[name] if isinstance(result, Mapping) else attrgetter(self.read or name)(result)
        if value is None:
            return self.missing
        if self.flags and isinstance(value, str | bool):
            return self.flags.index(("no", "yes")[value] if isinstance(value, bool) else value)
        return value


@dataclass(frozen=True)
class Coordinate:
    """The numbers along a dimension that outputs have and no parameter gives, such as layers."""

    values: NDArray[Any]
    about: str
    symbol: str = ""
    units: str = "1"


@dataclass(frozen=True)
class Task:
    """What a sweep computes at every one of its points.

    Attributes
    ----------
    name, about
        The name in configurations, for example "edge_of_chaos" or "montecarlo/length_process", and what it is.
    parameters
        What it takes.
    outputs
        What a point has, by name, from the names of the parameters that are given. None has the name of one of these.
    run
        What the outputs of one point are read from. Its parameters are those that are given or have a default, an
        :class:`~eoc.activations.Activation` or a :class:`~eoc.layers.Network` as "activation", arrays of inner
        parameters, and for a random task an integer "seed". Raises EocError where there is no answer.
    seconds
        About how long one point takes on one core.
    bytes
        About how much memory one point takes while it is computed.
    problems
        What is wrong with parameters that are each fine by themselves: pairs of a parameter's name and a sentence.
    coordinates
        Dimensions of outputs that no parameter gives.
    random
        Whether points draw random numbers.
    rule
        Which parameters have to be given together, in words; what ``problems`` checks.
    """

    name: str
    about: str
    parameters: tuple[Parameter, ...]
    outputs: Callable[[Collection[str]], Mapping[str, Output]]
    run: Callable[[Point], Any]
    seconds: Callable[[Point], float]
    bytes: Callable[[Point], float] = lambda point: 0.0
    problems: Callable[[Values], Iterable[tuple[str, str]]] = lambda values: ()
    coordinates: Callable[[Values], Mapping[str, Coordinate]] = lambda values: {}
    random: bool = False
    rule: str = ""

    @property
    def family(self) -> str:
        """What configurations write as ``task``: "montecarlo" of "montecarlo/length_process"."""
        return self.name.partition("/")[0]

    @property
    def experiment(self) -> str:
        """What they write as ``experiment``; "" of most."""
        return self.name.partition("/")[2]

    def parameter(self, name: str) -> Parameter:
        """The parameter of that name."""
        return next(parameter for parameter in self.parameters if parameter.name == name)

    def compute(self, point: Point) -> dict[str, ArrayLike]:
        """The outputs of one point, from its parameters as :attr:`run` wants them."""
        result = self.run(point)
        return {name: output.of(result, name) for name, output in self.outputs(point).items()}
