"""What an operation of JAX can take in: what depends on the input of the model, and what does not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from eoc.models.jax.views import View
from eoc.sharing import cached_property

__all__ = ["Fixed", "Operation", "Signal", "Value", "common_dominator"]


@dataclass(frozen=True)
class Operation:
    """One primitive of JAX and what it is applied to.

    Attributes
    ----------
    primitive, params
        As in a jaxpr.
    inputs
        Its arguments.
    module, function
        The path of the module that it belongs to, and the function that is called there; "" where that is not known.
    whole
        Whether it returns whole numbers or truth values.
    product
        Of a product or a convolution: how many of them there are up to it, in the order in which they are computed; 0
        within loops.
    """

    primitive: Any
    params: Mapping[str, Any]
    inputs: tuple[Value, ...]
    module: str = ""
    function: str = ""
    whole: bool = False
    product: int = 0

    @property
    def name(self) -> str:
        """What people call it: ``encoder/silu``."""
        return "/".join(filter(None, (self.module, self.function or self.kind)))

    @property
    def kind(self) -> str:
        """The name of the primitive."""
        return str(self.primitive.name)

    @property
    def signals(self) -> list[Signal]:
        """The arguments that depend on the input of the model."""
        return [value for value in self.inputs if isinstance(value, Signal)]

    @property
    def fixed(self) -> list[Fixed]:
        """The others."""
        return [value for value in self.inputs if isinstance(value, Fixed)]


@dataclass(frozen=True, eq=False)
class Fixed:
    """What does not depend on the input of the model.

    Attributes
    ----------
    shape
        Its shape.
    compute
        Makes its numbers: one of them if all are the same, ``uniform``. None where they are not known.
    uniform
        Whether all its numbers are the same one.
    leaves
        The names of the parameters that it is computed from.
    view
        How one parameter became it, where nothing was computed.
    chosen
        Whether it is some entries of one parameter, in whatever shape.
    state
        Whether it is computed from numbers that are kept beside the parameters: running means.
    random
        Whether it is computed from random numbers.
    """

    shape: tuple[int, ...]
    compute: Callable[[], Any] | None = None
    uniform: bool = False
    leaves: frozenset[str] = frozenset()
    view: View | None = None
    chosen: bool = False
    state: bool = False
    random: bool = False

    @cached_property
    def value(self) -> Any:
        """Its numbers; None where they are not known."""
        return None if self.compute is None else self.compute()

    @property
    def name(self) -> str:
        """The parameter that it is, or the parameters that it is computed from."""
        return ", ".join(sorted(self.leaves)) or "fixed numbers"

    @property
    def number(self) -> float | None:
        """Its value, where it is one number."""
        if not self.uniform or self.random or self.value is None:
            return None
        one = np.asarray(self.value).ravel()[0]
        return float(str(one)) if one.dtype == np.float32 else float(one)  # 0.2, not the single number next to it

    @property
    def level(self) -> float | None:
        """Its value where all of its numbers are the same one, else their root mean square, with the sign of the mean.

        That is what layers see in second moments of a leaky ReLU with a slope for each channel.
        """
        if self.number is not None or self.size is None:
            return self.number
        numbers = np.asarray(self.value, dtype=float)
        if np.ptp(numbers) == 0.0:
            return float(numbers.flat[0])
        return self.size if numbers.mean() >= 0.0 else -self.size

    @cached_property
    def size(self) -> float | None:
        """The root mean square of its numbers, if they are known and finite."""
        return self._size(lambda numbers: numbers)

    @property
    def inverse_size(self) -> float | None:
        """That of one over its numbers."""
        return self._size(lambda numbers: 1.0 / numbers)

    def _size(self, of: Callable[[Any], Any]) -> float | None:
        if self.random or self.value is None or not np.size(self.value):
            return None
        with np.errstate(all="ignore"):
            found = float(np.sqrt(np.mean(np.square(of(np.asarray(self.value, dtype=float))))))
        return found if np.isfinite(found) else None


@dataclass(frozen=True, eq=False)
class Signal:
    """A function of a step: the step itself, or what operations make of it that need no other step.

    Attributes
    ----------
    shape
        Its shape.
    base
        The step.
    view
        How the step's output became it, where that can be said.
    operation
        The last operation; None for the step itself.
    dominator
        The last signal that all of it is computed from; None for the step itself.
    rank
        How many dominators there are.
    start
        The first of them; None for the step itself.
    """

    shape: tuple[int, ...]
    base: int
    view: View | None = None
    operation: Operation | None = None
    dominator: Signal | None = None
    rank: int = 0
    start: Signal | None = None

    @property
    def root(self) -> Signal:
        """What the step hands on that it is a function of."""
        return self if self.start is None else self.start


Value = Fixed | Signal


def common_dominator(signals: list[Signal]) -> Signal:
    """The last signal that all of these, which have one root, are computed from, or one of themselves."""
    common = signals[0]
    for signal in signals[1:]:
        other = signal
        while common is not other:
            later = common if common.rank >= other.rank else other
            assert later.dominator is not None  # they have one root
            common, other = (later.dominator, other) if later is common else (common, later.dominator)
    return common
