"""From a model and a batch to a diagnosis."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from torch import nn

from eoc.diagnose.diagnosis import Diagnosis, LayerRow, Values
from eoc.diagnose.hooks import LAYERS, Call, count_samples, measure
from eoc.diagnose.signals import Signal, mean_distance
from eoc.diagnose.stretches import stretches
from eoc.diagnose.undisturbed import undisturbed
from eoc.diagnose.walks import Gradient, Measured, backward, forward
from eoc.errors import EocError
from eoc.models.read import read
from eoc.models.steps import Kind, Reading, Step
from eoc.models.unwrapped import unwrapped
from eoc.wording import quoted

__all__ = ["run"]

_NAN = float("nan")
_FEW = 4  # names that a note lists
_AGAIN = "it is called again, in a way that the tracing does not tell"


def run(model: Any, batch: Any, activation: object, loss: Callable[[Any], Any] | None, seed: int) -> Diagnosis:
    """What :func:`eoc.diagnose.torch` does."""
    if not isinstance(model, nn.Module):
        raise EocError(f"model must be a torch.nn.Module, got {quoted(model)}")
    if any(parameter.is_meta for parameter in model.parameters()):
        raise EocError("the model's parameters are on the meta device and hold no numbers: model.to_empty(device=...)")
    with undisturbed(model, seed):  # reading too: a spectral norm iterates whenever its weight is looked at
        reading = read(model, activation)
        steps = reading.steps
        following = _following(steps)
        layers = {
            step.module: _flat(following.get(at)) for at, step in enumerate(steps) if isinstance(step.module, LAYERS)
        }
        calls = measure(unwrapped(model)[0], batch, layers, loss, seed)
    samples = count_samples(batch)
    places = _places(steps, calls)
    measured = {index: _measured(steps[index], calls[at]) for index, at in places.items()}
    rows = _rows(steps, calls, places, measured, following, samples)
    return Diagnosis(rows, stretches(steps, places, rows), samples, _notes(reading, places))


def _following(steps: Sequence[Step]) -> dict[int, Step]:
    """The activation that is applied to each layer's output itself."""
    return {
        step.inputs[0]: step
        for step in steps
        if step.kind is Kind.ACTIVATION and isinstance(steps[step.inputs[0]].module, LAYERS)
    }


def _name(step: Step | None) -> str:
    return "" if step is None or step.activation is None else step.activation.name


def _flat(step: Step | None) -> Callable[[Any], Any] | None:
    """Where an activation is flat, if it has a piece that may be."""
    phi = None if step is None else step.activation
    return None if phi is None or not phi.knots else lambda h: phi.dphi(h) == 0.0


def _places(steps: Sequence[Step], calls: Sequence[Call]) -> dict[int, int]:
    """Which call was which step: those of one module come in the same order."""
    waiting = defaultdict(list)
    for at, call in enumerate(calls):
        waiting[call.module].append(at)
    return {index: waiting[step.module].pop(0) for index, step in enumerate(steps) if waiting[step.module]}


def _measured(step: Step, call: Call) -> Measured:
    signal = Signal(call.gram, True, call.units)
    known = signal if signal.is_usable else f"what {step.name} hands on is zero or not finite"
    return Measured(known, call.sigma_w * call.inside**0.5, call.sigma_b, call.units, call.gradient)


def _rows(
    steps: Sequence[Step],
    calls: Sequence[Call],
    places: Mapping[int, int],
    layers: Mapping[int, Measured],
    following: Mapping[int, Step],
    samples: int,
) -> tuple[LayerRow, ...]:
    once, whole = (forward(steps, layers, samples, chained) for chained in (False, True))
    back = backward(steps, layers, once.states, False)
    whole_back = backward(steps, layers, whole.states, True)
    step_of = {at: index for index, at in places.items()}
    first_of = {steps[index].module: index for index in sorted(places, reverse=True)}
    rows = []
    for at, call in enumerate(calls):
        index = step_of.get(at, -1)
        expected, gradient = once.expected.get(index, _AGAIN), back.get(index, _AGAIN)
        step = steps[first_of[call.module]]
        rows.append(
            LayerRow(
                name=step.name,
                layer=_described(call.module),
                activation=_name(following.get(index)),
                sigma_w=call.sigma_w,
                sigma_b=call.sigma_b,
                inside=call.inside,
                measured=Values(float(np.diag(call.gram).mean()), mean_distance(call.gram), call.gradient),
                expected=_values(expected, gradient),
                predicted=_values(whole.expected.get(index, _AGAIN), whole_back.get(index, _AGAIN)),
                spread=_NAN if isinstance(expected, str) else expected.noise**0.5 / expected.q,
                gradient_spread=_NAN if isinstance(gradient, str) else gradient.noise**0.5,
                dead=call.dead,
                why=expected if isinstance(expected, str) else "",
                gradient_why=gradient if isinstance(gradient, str) else "",
            )
        )
    return tuple(rows)


def _values(signal: Signal | str, gradient: Gradient | str) -> Values:
    q, distance = (_NAN, _NAN) if isinstance(signal, str) else (signal.q, mean_distance(signal.gram))
    return Values(q, distance, _NAN if isinstance(gradient, str) else gradient.squared**0.5)


def _described(module: Any) -> str:
    """For example "Linear 300 -> 10" or "Conv2d 3 -> 16, 3x3"."""
    kind = next(kind.__name__ for kind in LAYERS if isinstance(module, kind))
    if kind == "Linear":
        return f"{kind} {module.in_features} -> {module.out_features}"
    return f"{kind} {module.in_channels} -> {module.out_channels}, {'x'.join(map(str, module.kernel_size))}"


def _notes(reading: Reading, places: Mapping[int, int]) -> tuple[str, ...]:
    notes = []
    missed = [
        step.name
        for index, step in enumerate(reading.steps)
        if index not in places and (step.kind is Kind.LAYER or isinstance(step.module, LAYERS))
    ]
    if missed:
        few = ", ".join(dict.fromkeys(missed[:_FEW])) + (", ..." if len(missed) > _FEW else "")
        notes.append(
            f"Not measured: {few}: layers that are no Linear or convolution module of their own, or did not run."
        )
    if not reading.traced:
        notes.append(
            f"The model could not be traced ({reading.problem}): the theory takes its modules to be applied one after "
            "the other, in the order in which they were defined."
        )
    return tuple(notes)
