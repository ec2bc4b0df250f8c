"""From a PyTorch model to its prediction."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, nan, sqrt
from typing import Any

import numpy as np
from torch import nn

from eoc.errors import EocError
from eoc.messages import quoted
from eoc.models.steps import Kind, Reading, Step
from eoc.models.torch.preserve_state import preserved_state
from eoc.models.torch.read import read
from eoc.models.torch.unwrapped import unwrapped
from eoc.predict.backward import Gradient, backward
from eoc.predict.chance import chances
from eoc.predict.forward import Forward
from eoc.predict.inputs import inputs_of, named_inputs
from eoc.predict.learned import COHERENT, dense, is_coherent, size
from eoc.predict.recurrent import before_recurrent, behind_recurrent
from eoc.predict.result import Known, PredictedStep, Prediction
from eoc.predict.state import State, Unknown, begin, through, without_mean

__all__ = ["predict"]

NARROW = "layers are narrow: mean squares differ from draw to draw by a third and more"
_NARROW = 0.35


def predict(model: Any, example_inputs: Any, input_variance: float, activation: object) -> Prediction:
    """What :func:`eoc.predict.torch` does."""
    _check(model, input_variance)
    with preserved_state(model, seed=0):
        reading = read(model, activation, example_inputs=example_inputs)
        inputs: State | dict[int, State | Unknown] = begin(input_variance)
        if example_inputs is not None:
            inputs = inputs_of(reading.steps, named_inputs(unwrapped(model)[0], example_inputs))
        states, gradients = walked(reading.steps, inputs)
    narrow = (chance > _NARROW for chance in chances(reading.steps, states))
    states = [
        one.neglecting(NARROW) if many and isinstance(one, State) else one
        for one, many in zip(states, narrow, strict=True)
    ]
    rows = tuple(_row(*one) for one in zip(reading.steps, states, gradients, strict=True))
    return Prediction(rows, _notes(reading))


def walked(steps: Sequence[Step], inputs: Any) -> tuple[list[State | Unknown], list[Gradient | Unknown]]:
    """Signals and gradients behind each step of a model with the weights that it has, of independent entries."""

    def layer(at: int, x: State | Unknown) -> State | Unknown:
        try:
            if isinstance(x, Unknown):
                return x
            affine = steps[at].affine
            if steps[at].recurrence is not None:
                return behind_recurrent(steps, at, x, walk.states)
            out = through(dense(steps, at), without_mean(x) if affine is not None and affine.centred else x)
            return out.neglecting(COHERENT) if is_coherent(affine) else out
        except EocError as error:
            return Unknown(f"{steps[at].name}: {error}")

    def back(at: int, gradient: Gradient | Unknown) -> Gradient | Unknown:
        try:
            if isinstance(gradient, Gradient) and steps[at].recurrence is not None:
                return before_recurrent(steps, at, walk.states, gradient)
            return gradient if isinstance(gradient, Unknown) else gradient.times(float(dense(steps, at).sigma_w) ** 2)
        except EocError as error:
            return Unknown(f"{steps[at].name}: {error}")

    def learned(at: int) -> float | None:
        return size(steps[at])

    walk = Forward(steps, inputs, layer, learned, as_run=True)
    states = walk.run()
    return states, backward(steps, states, learned, back, Gradient(1.0))


def _check(model: Any, input_variance: Any) -> None:
    if not isinstance(model, nn.Module):
        raise EocError(f"model must be a torch.nn.Module, got {quoted(model)}")
    if any(parameter.is_meta for parameter in model.parameters()):
        raise EocError("the model's parameters are on the meta device and hold no numbers: model.to_empty(device=...)")
    if not isinstance(input_variance, int | float) or not 0.0 < input_variance < np.inf:
        raise EocError(f"input_variance must be a finite number > 0, got {quoted(input_variance)}")


def _row(step: Step, state: State | Unknown, gradient: Gradient | Unknown) -> PredictedStep:
    power, distance, known, why = nan, nan, Known.UNKNOWN, ""
    if isinstance(state, State):
        power = state.power
        apart = state.one_minus_c
        distance = float(apart.mean()) if apart.size else nan
        known, why = (Known.APPROXIMATE, "; ".join(state.neglected)) if state.neglected else (Known.EXACT, "")
        if not isfinite(power):
            known, why = Known.UNKNOWN, f"{step.name}: its mean square is not finite"
    else:
        why = state.reason
    size_of, gradient_known = nan, Known.UNKNOWN
    if isinstance(gradient, Gradient):
        size_of = sqrt(gradient.squared)
        gradient_known = Known.APPROXIMATE if gradient.neglected else Known.EXACT
        why = why or "; ".join(gradient.neglected)
    else:
        why = why or gradient.reason
    return PredictedStep(step.name, str(step.kind), power, distance, size_of, known, gradient_known, why)


def _notes(reading: Reading) -> tuple[str, ...]:
    if reading.traced:
        return ()
    layers = sum(step.kind is Kind.LAYER for step in reading.steps)
    return (
        f"The model could not be traced ({reading.problem}): its {layers} layers are taken in the order in which they "
        "were defined; give example_inputs.",
    )
