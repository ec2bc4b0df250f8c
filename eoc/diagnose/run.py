"""From a model and a batch to a diagnosis."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from torch import nn

from eoc.activations import Activation
from eoc.diagnose.calls import Call
from eoc.diagnose.compared import compare
from eoc.diagnose.diagnosis import Diagnosis
from eoc.diagnose.measured import Run, arguments, count_samples, measure
from eoc.diagnose.residual import drowned
from eoc.diagnose.rows import layer_row, values
from eoc.diagnose.start_loss import start_loss
from eoc.diagnose.stretches import stretches
from eoc.errors import AccuracyWarning, EocError
from eoc.messages import quoted
from eoc.models.steps import Kind, Reading, Step
from eoc.models.torch.preserve_state import preserved_state
from eoc.models.torch.read import read
from eoc.models.torch.unwrapped import unwrapped
from eoc.predict.inputs import inputs_of, named_inputs

__all__ = ["run"]

_FEW = 4  # names that a note lists
_UNSEEN = "they did not run, or what they compute cannot be seen"


def run(model: Any, batch: Any, activation: object, loss: Callable[[Any], Any] | None, seed: int) -> Diagnosis:
    """What :func:`eoc.diagnose.torch` does."""
    _check(model, loss, seed)
    arguments(batch)
    samples = count_samples(batch)
    with preserved_state(model, seed):  # reading too: a spectral norm iterates whenever its weight is looked at
        reading = _read(model, activation, batch)
        inner = unwrapped(model)[0]
        following = _following(reading.steps)
        flat = {at: partial(_is_flat, phi) for at, phi in following.items() if phi.knots}
        done = measure(model, batch, reading.steps, flat, loss, seed)
    if not done.calls:
        raise EocError(_nothing(reading.steps))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", AccuracyWarning)
        found = _compared(reading, inner, batch, done, following, samples)
    return found.noting(*_notes(reading, done.calls), *_inaccurate(caught))


def _compared(
    reading: Reading, model: Any, batch: Any, done: Run, following: Mapping[int, Activation], samples: int
) -> Diagnosis:
    steps = reading.steps
    calls = {call.at: call for call in done.calls if call.at is not None}
    theory = compare(steps, calls, inputs_of(steps, named_inputs(model, batch)), done.gradient)
    rows = tuple(layer_row(steps, call, following, theory) for call in done.calls)
    places = {call.at: at for at, call in enumerate(done.calls) if call.at is not None}
    return Diagnosis(
        rows=rows,
        stretches=stretches(steps, places, rows),
        samples=samples,
        output=values(done.output, done.gradient),
        attention=done.attention,
        drowned=drowned(steps, theory.states),
        start=start_loss(done.guessed, rows),
    )


def _check(model: Any, loss: Any, seed: Any) -> None:
    if not isinstance(model, nn.Module):
        raise EocError(f"model must be a torch.nn.Module, got {quoted(model)}")
    if any(parameter.is_meta for parameter in model.parameters()):
        raise EocError("the model's parameters are on the meta device and hold no numbers: model.to_empty(device=...)")
    if loss is not None and not callable(loss):
        raise EocError(f"loss must be a function of what the model returns, got {quoted(loss)}")
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**63:
        raise EocError(f"seed must be a whole number from 0 to 2^63 - 1, got {quoted(seed)}")


def _read(model: Any, activation: object, batch: Any) -> Reading:
    """The model as it runs on this batch; as it is traced where that fails, which measuring it will tell."""
    try:
        return read(model, activation, example_inputs=batch)
    except EocError:
        return read(model, activation)


def _following(steps: Sequence[Step]) -> dict[int, Activation]:
    """The activation that is applied to each layer's output itself."""
    return {
        step.inputs[0]: step.activation
        for step in steps
        if step.activation is not None and step.kind is Kind.ACTIVATION and steps[step.inputs[0]].kind is Kind.LAYER
    }


def _is_flat(phi: Activation, h: Any) -> Any:
    return phi.dphi(h) == 0.0


def _missed(steps: Sequence[Step], calls: Sequence[Call]) -> str:
    """The names of layers that are not measured."""
    seen = {call.at for call in calls}
    names = [step.name for at, step in enumerate(steps) if at not in seen and step.kind is Kind.LAYER]
    unique = list(dict.fromkeys(names))
    return ", ".join(unique[:_FEW]) + (", ..." if len(unique) > _FEW else "")


def _nothing(steps: Sequence[Step]) -> str:
    """Why there is nothing to measure."""
    missed = _missed(steps, ())
    if not missed:
        return "there is nothing to measure: no Linear layer or convolution is seen that the output depends on"
    return f"there is nothing to measure: {missed}: {_UNSEEN}"


def _inaccurate(caught: Sequence[warnings.WarningMessage]) -> tuple[str, ...]:
    first = next((str(one.message) for one in caught if issubclass(one.category, AccuracyWarning)), "")
    return (f"The theory has fewer digits than usual: {first}.",) if first else ()


def _notes(reading: Reading, calls: Sequence[Call]) -> tuple[str, ...]:
    notes = []
    missed = _missed(reading.steps, calls)
    if missed:
        notes.append(f"Not measured: {missed}: {_UNSEEN}.")
    if not reading.traced:
        notes.append(
            f"The model could not be traced ({reading.problem}): the theory takes its modules to be applied one after "
            "the other, in the order in which they were defined."
        )
    return tuple(notes)
