"""Signals along the steps of a model, forward."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from eoc.errors import EocError
from eoc.floats import FloatArray
from eoc.models.steps import Kind, Step
from eoc.predict.learned import running
from eoc.predict.state import State, Unknown, begin, piece
from eoc.predict.steps import after, dropped, normalised

__all__ = ["Forward"]

_WITH_NUMBERS = (Kind.EMBEDDING, Kind.PARAMETER, Kind.NORM)

Layer = Callable[[int, State | Unknown], State | Unknown]


class Forward:
    """Follows signals step by step; whoever walks says what layers and learned numbers do.

    Parameters
    ----------
    steps
        Of the model.
    inputs
        What the model is called with: one for all, or one for each step that is an input. Of whole numbers, which
        tables are looked up by, the correlations are the shares of places where two inputs have the same.
    layer
        Of a layer's index and what it takes in: what it hands on. Recurrent layers, too.
    size
        Of the index of an embedding, a learned tensor or a normalisation: the mean square of its numbers, of a
        normalisation that of its weights plus that of its biases.
    as_run
        Whether dropout counts that is on, and the small number that normalisations add to variances.

    Attributes
    ----------
    states
        Behind each step so far.

    Examples
    --------
    >>> from eoc.activations import activation
    >>> from eoc.layers.affine import Dense
    >>> from eoc.predict.state import through
    >>> steps = (
    ...     Step("x", Kind.INPUT, ()),
    ...     Step("fc", Kind.LAYER, (0,)),
    ...     Step("relu", Kind.ACTIVATION, (1,), activation=activation("relu")),
    ... )
    >>> walk = Forward(steps, begin(1.0), lambda at, x: through(Dense(2.0), x), lambda at: 1.0)
    >>> [state.power for state in walk.run()]
    [1.0, 4.0, 2.0]
    """

    def __init__(
        self,
        steps: Sequence[Step],
        inputs: State | Unknown | Mapping[int, State | Unknown],
        layer: Layer,
        size: Callable[[int], float | None],
        *,
        as_run: bool = False,
    ) -> None:
        self.states: list[State | Unknown] = []
        self._steps, self._inputs, self._layer, self._size = steps, inputs, layer, size
        self._as_run = as_run
        self._pieces: dict[tuple[int, int], State] = {}

    def run(self) -> list[State | Unknown]:
        """The states behind all steps."""
        with np.errstate(all="ignore"):
            for at in range(len(self.states), len(self._steps)):
                self.states.append(self._state(at))
        return self.states

    def _state(self, at: int) -> State | Unknown:
        step = self._steps[at]
        before = [self.states[earlier] for earlier in step.inputs]
        if step.kind is Kind.INPUT:
            return self._inputs[at] if isinstance(self._inputs, Mapping) else self._inputs
        if step.kind in (Kind.LAYER, Kind.RECURRENT):
            return self._layer(at, before[0])
        try:
            return self._found(at, step, before)
        except EocError as error:
            return Unknown(f"{step.name}: {error}")

    def _found(self, at: int, step: Step, before: Sequence[State | Unknown]) -> State | Unknown:
        if step.kind in _WITH_NUMBERS:
            return self._of_numbers(at, step, before)
        unknown = next((one for one in before if isinstance(one, Unknown)), None)
        if unknown is not None:
            return unknown
        states = [one for one in before if isinstance(one, State)]
        if step.kind is Kind.SAME and step.piece is not None:
            key = step.inputs[0], step.piece
            if key not in self._pieces:
                self._pieces[key] = piece(states[0])
            return self._pieces[key]
        if step.kind is Kind.DROPOUT and self._as_run:
            return dropped(step, states[0])
        found = after(step, states, [self._steps[earlier] for earlier in step.inputs])
        return Unknown(_why(step)) if found is None else found

    def _of_numbers(self, at: int, step: Step, before: Sequence[State | Unknown]) -> State | Unknown:
        power = self._size(at)
        if power is None:
            return Unknown(f"the numbers of {step.name} are not known")
        if step.kind is not Kind.NORM:
            looked_up = before[0] if step.kind is Kind.EMBEDDING and before else None
            if isinstance(looked_up, State):
                return begin(power, looked_up.one_minus_c, float(looked_up.paired.one_minus_c.value[-1]))
            return begin(power, self._alike(0.0 if looked_up is None else 1.0), _between_rows(step))
        if isinstance(before[0], State):
            return normalised(step, before[0], power, as_run=self._as_run)
        if running(step) is not None:
            return before[0]
        return begin(power, self._alike(np.nan))  # whatever it was, it has this size now

    def _alike(self, one_minus_c: float) -> FloatArray:
        """The same for all pairs of inputs."""
        inputs = list(self._inputs.values()) if isinstance(self._inputs, Mapping) else [self._inputs]
        counts = [one.one_minus_c.size for one in inputs if isinstance(one, State)]
        return np.full(max(counts, default=0), one_minus_c)


def _between_rows(step: Step) -> float:
    """1 - c of two positions of what is looked up at places that are not inputs: of few rows, it is one of them."""
    rows = getattr(getattr(step.module, "weight", None), "shape", (np.inf,))[0]
    places = step.shape[-2] if step.kind is Kind.EMBEDDING and len(step.shape) > 1 else 1
    return 1.0 if rows >= places else 0.0


def _why(step: Step) -> str:
    if step.kind is Kind.UNKNOWN and not step.note:
        return f"what {step.name} does is not known"
    return f"{step.name}: {step.note}" if step.note else f"{step.name}: nothing is known behind a {step.kind}"
