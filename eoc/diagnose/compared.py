"""Theory beside what was measured: each layer from those next to it, and all from the first, or the last, one on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eoc.diagnose.calls import Call
from eoc.errors import EocError
from eoc.models.steps import Step
from eoc.predict.backward import Gradient, backward
from eoc.predict.chance import chance_of_gradients, chance_of_signals
from eoc.predict.forward import Forward
from eoc.predict.learned import dense, size
from eoc.predict.recurrent import before_recurrent, behind_recurrent
from eoc.predict.sequences import Recurred, as_measured
from eoc.predict.state import State, Unknown, through

__all__ = ["NO_GRADIENT", "Compared", "compare"]

_NOTHING = 1e-190
NO_GRADIENT = "the gradient behind is not finite, or none arrives there"


@dataclass(frozen=True)
class Compared:
    """What theory says of each layer, by its step.

    Attributes
    ----------
    expected, predicted
        Signals, from what was measured one layer before, and from the inputs on.
    gradients, predicted_gradients
        The same of gradients, from one layer behind, and from the output back.
    spread, gradient_spread
        By how much ``expected`` mean squares, and squared gradients, may be off by chance: relative.
    states
        Behind all steps, from what was measured.
    """

    expected: Mapping[int, State | Unknown]
    predicted: Mapping[int, State | Unknown]
    gradients: Mapping[int, Gradient | Unknown]
    predicted_gradients: Mapping[int, Gradient | Unknown]
    spread: Mapping[int, float]
    gradient_spread: Mapping[int, float]
    states: Sequence[State | Unknown]


def compare(
    steps: Sequence[Step], calls: Mapping[int, Call], inputs: Mapping[int, State | Unknown], gradient: float
) -> Compared:
    """Walk through the steps forward and back, once from layer to layer, once all the way.

    Parameters
    ----------
    steps
        Of the model.
    calls
        What was measured, by the step.
    inputs
        Of each step that is an input.
    gradient
        The norm of the gradient by the output.
    """
    last: Gradient | Unknown = Gradient(gradient**2) if gradient >= 0.0 else Unknown(NO_GRADIENT)
    once, whole = _Walk(steps, calls, chained=False), _Walk(steps, calls, chained=True)
    states, chained = once.forward(inputs), whole.forward(inputs)
    back, all_back = once.back(states, last), whole.back(chained, last)
    units = {at: call.moments.units for at, call in calls.items()}
    squares = [one.squared if isinstance(one, Gradient) else 0.0 for one in back]
    return Compared(
        once.expected,
        whole.expected,
        {at: back[at] for at in calls},
        {at: all_back[at] for at in calls},
        chance_of_signals(steps, states, units),
        chance_of_gradients(steps, states, squares, units),
        states,
    )


class _Walk:
    """From what was measured at each layer, or, ``chained``, from what was predicted as long as that is known."""

    def __init__(self, steps: Sequence[Step], calls: Mapping[int, Call], *, chained: bool) -> None:
        self.expected: dict[int, State | Unknown] = {}
        self._steps, self._calls, self._chained = steps, calls, chained
        self._states: Sequence[State | Unknown] = ()

    def forward(self, inputs: Mapping[int, State | Unknown]) -> list[State | Unknown]:
        """What is behind each step; what is expected of layers goes to ``expected``."""
        walk = Forward(self._steps, inputs, self._layer, self._size, as_run=True)
        self._states = walk.states
        return walk.run()

    def back(self, states: Sequence[State | Unknown], last: Gradient | Unknown) -> list[Gradient | Unknown]:
        """The gradients that arrive at each step."""
        self._states = states
        return backward(self._steps, states, self._size, self._before_layer, last)

    def _size(self, at: int) -> float | None:
        return size(self._steps[at])

    def _layer(self, at: int, x: State | Unknown) -> State | Unknown:
        found = x
        if isinstance(x, State):
            try:
                recurrent = self._steps[at].recurrence is not None
                found = (
                    behind_recurrent(self._steps, at, x, self._states)
                    if recurrent
                    else through(dense(self._steps, at), x)
                )
            except EocError as error:
                found = Unknown(f"{self._steps[at].name}: {error}")
        self.expected[at] = found
        goes_on = isinstance(found, State) and found.is_finite()
        silent = isinstance(found, State) and found.power < _NOTHING  # weights that are 0
        if at not in self._calls or silent or (self._chained and goes_on):
            return found
        seen = self._calls[at].moments.state
        return as_measured(found, seen) if isinstance(found, Recurred) and isinstance(seen, State) else seen

    def _before_layer(self, at: int, gradient: Gradient | Unknown) -> Gradient | Unknown:
        call = self._calls.get(at)
        if call is not None and not (self._chained and isinstance(gradient, Gradient)):
            shared = gradient.shared if isinstance(gradient, Gradient) else 0.0
            gradient = Gradient(call.gradient**2, shared) if call.gradient >= 0.0 else Unknown(NO_GRADIENT)
        if isinstance(gradient, Unknown):
            return gradient
        try:
            if self._steps[at].recurrence is not None:
                return before_recurrent(self._steps, at, self._states, gradient)
            return gradient.times(float(dense(self._steps, at).sigma_w) ** 2)
        except EocError as error:
            return Unknown(f"{self._steps[at].name}: {error}")
