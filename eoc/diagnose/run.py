"""From a model and a batch to a diagnosis."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from torch import nn

from eoc.activations import Activation
from eoc.diagnose.diagnosis import Diagnosis
from eoc.diagnose.hooks import Call, count_samples, measure
from eoc.diagnose.layers import Layer, measurable
from eoc.diagnose.records import LayerRow, Values
from eoc.diagnose.signals import Signal, mean_distance
from eoc.diagnose.stretches import stretches
from eoc.diagnose.walks import NO_SIGNAL, Gradient, Measured, backward, forward
from eoc.errors import AccuracyWarning, EocError
from eoc.messages import quoted
from eoc.models.steps import Kind, Reading, Step
from eoc.models.torch.modules import is_layer
from eoc.models.torch.preserve_state import preserved_state
from eoc.models.torch.read import read
from eoc.models.torch.unwrapped import unwrapped

__all__ = ["run"]

_NAN = float("nan")
_FEW = 4  # names that a note lists
_FUNCTIONS = "layers called as functions, or that did not run, cannot be measured"
_AGAIN = "it is called again, in a way that the tracing does not tell"


def run(model: Any, batch: Any, activation: object, loss: Callable[[Any], Any] | None, seed: int) -> Diagnosis:
    """What :func:`eoc.diagnose.torch` does."""
    _check(model, loss, seed)
    with preserved_state(model, seed):  # reading too: a spectral norm iterates whenever its weight is looked at
        reading = read(model, activation)
        steps = reading.steps
        layers = measurable(steps, model)
        following = _following(steps, layers)
        flat = {layers[at].module: partial(_is_flat, phi) for at, phi in following.items() if phi.knots}
        calls = measure(unwrapped(model)[0], batch, layers.values(), flat, loss, seed)
    if not calls:
        raise EocError(_nothing(steps))
    samples = count_samples(batch)
    places = _places(layers, calls)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", AccuracyWarning)
        rows = _rows(steps, calls, places, following, samples)
        found = stretches(steps, places, rows)
    return Diagnosis(rows, found, samples, (*_notes(reading, places), *_inaccurate(caught)))


def _check(model: Any, loss: Any, seed: Any) -> None:
    if not isinstance(model, nn.Module):
        raise EocError(f"model must be a torch.nn.Module, got {quoted(model)}")
    if any(parameter.is_meta for parameter in model.parameters()):
        raise EocError("the model's parameters are on the meta device and hold no numbers: model.to_empty(device=...)")
    if loss is not None and not callable(loss):
        raise EocError(f"loss must be a function of what the model returns, got {quoted(loss)}")
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**63:
        raise EocError(f"seed must be a whole number from 0 to 2^63 - 1, got {quoted(seed)}")


def _following(steps: Sequence[Step], layers: Mapping[int, Layer]) -> dict[int, Activation]:
    """The activation that is applied to each layer's output itself."""
    return {
        step.inputs[0]: step.activation
        for step in steps
        if step.activation is not None and step.kind is Kind.ACTIVATION and step.inputs[0] in layers
    }


def _is_flat(phi: Activation, h: Any) -> Any:
    return phi.dphi(h) == 0.0


def _places(layers: Mapping[int, Layer], calls: Sequence[Call]) -> dict[int, int]:
    """Which call was which step: those of one module come in the same order."""
    waiting = defaultdict(list)
    for at, call in enumerate(calls):
        waiting[call.layer.module].append(at)
    return {index: waiting[layer.module].pop(0) for index, layer in layers.items() if waiting[layer.module]}


def _measured(call: Call) -> Measured:
    signal = Signal(call.gram, True, call.layer.units)
    known = signal if signal.is_usable else NO_SIGNAL
    return Measured(known, call.sigma_w * call.inside**0.5, call.sigma_b, call.layer.units, call.gradient)


def _rows(
    steps: Sequence[Step],
    calls: Sequence[Call],
    places: Mapping[int, int],
    following: Mapping[int, Activation],
    samples: int,
) -> tuple[LayerRow, ...]:
    layers = {index: _measured(calls[at]) for index, at in places.items()}
    once, whole = (forward(steps, layers, samples, chained) for chained in (False, True))
    back = backward(steps, layers, once.states, False)
    whole_back = backward(steps, layers, whole.states, True)
    step_of = {at: index for index, at in places.items()}
    names = {calls[at].layer.module: steps[index].name for index, at in sorted(places.items(), reverse=True)}
    rows = []
    for at, call in enumerate(calls):
        index = step_of.get(at, -1)
        expected, gradient = once.expected.get(index, _AGAIN), back.get(index, _AGAIN)
        rows.append(
            LayerRow(
                name=names[call.layer.module],
                layer=str(call.layer),
                activation=following[index].name if index in following else "",
                sigma_w=call.sigma_w,
                sigma_b=call.sigma_b,
                inside=call.inside,
                measured=Values(float(np.diag(call.gram).mean()), mean_distance(call.gram), call.gradient),
                expected=_values(expected, gradient),
                predicted=_values(whole.expected.get(index, _AGAIN), whole_back.get(index, _AGAIN)),
                spread=_spread(expected),
                gradient_spread=_NAN if isinstance(gradient, str) else gradient.noise**0.5,
                dead=call.dead,
                reached=call.reached,
                why=expected if isinstance(expected, str) else "",
                gradient_why=gradient if isinstance(gradient, str) else "",
            )
        )
    return tuple(rows)


def _values(signal: Signal | str, gradient: Gradient | str) -> Values:
    q, distance = (_NAN, _NAN) if isinstance(signal, str) else (signal.q, mean_distance(signal.gram))
    return Values(q, distance, _NAN if isinstance(gradient, str) else gradient.squared**0.5)


def _spread(expected: Signal | str) -> float:
    return _NAN if isinstance(expected, str) or expected.q == 0.0 else expected.noise**0.5 / expected.q


def _missed(steps: Sequence[Step], places: Mapping[int, int]) -> str:
    """The names of layers that are not measured."""
    names = [step.name for at, step in enumerate(steps) if at not in places and _is_layer(step)]
    unique = list(dict.fromkeys(names))
    return ", ".join(unique[:_FEW]) + (", ..." if len(unique) > _FEW else "")


def _is_layer(step: Step) -> bool:
    return step.kind is Kind.LAYER or is_layer(step.module)


def _nothing(steps: Sequence[Step]) -> str:
    """Why there is nothing to measure."""
    missed = _missed(steps, {})
    if not missed:
        return "there is nothing to measure: no Linear layer or convolution is seen that the output depends on"
    return f"there is nothing to measure: {_FUNCTIONS}: {missed}"


def _inaccurate(caught: Sequence[warnings.WarningMessage]) -> tuple[str, ...]:
    first = next((str(one.message) for one in caught if issubclass(one.category, AccuracyWarning)), "")
    return (f"The theory has fewer digits than usual: {first}.",) if first else ()


def _notes(reading: Reading, places: Mapping[int, int]) -> tuple[str, ...]:
    notes = []
    missed = _missed(reading.steps, places)
    if missed:
        notes.append(f"Not measured: {missed}: {_FUNCTIONS}.")
    if not reading.traced:
        notes.append(
            f"The model could not be traced ({reading.problem}): the theory takes its modules to be applied one after "
            "the other, in the order in which they were defined."
        )
    return tuple(notes)
