"""The row of a layer: what was measured of it beside what is expected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import nan

import numpy as np

from eoc.activations import Activation
from eoc.diagnose.calls import Call
from eoc.diagnose.compared import Compared
from eoc.diagnose.output_moments import Moments
from eoc.diagnose.records import LayerRow, Values
from eoc.models.padding import inside
from eoc.models.steps import Step
from eoc.predict.backward import Gradient
from eoc.predict.learned import sigmas
from eoc.predict.state import State, Unknown

__all__ = ["layer_row", "values"]

_AGAIN = Unknown("it is called again, in a way that the tracing does not tell")


def layer_row(steps: Sequence[Step], call: Call, following: Mapping[int, Activation], theory: Compared) -> LayerRow:
    """The row of one call.

    Parameters
    ----------
    steps
        Of the model.
    call
        What was measured.
    following
        The activation that is applied to a step itself.
    theory
        What is expected.
    """
    at = -1 if call.at is None else call.at
    expected, predicted = theory.expected.get(at, _AGAIN), theory.predicted.get(at, _AGAIN)
    gradient, all_back = theory.gradients.get(at, _AGAIN), theory.predicted_gradients.get(at, _AGAIN)
    sigma_w, sigma_b = _sigmas(call.step)
    return LayerRow(
        name=call.step.name,
        layer=described(call.step),
        activation=following[at].name if at in following else "",
        sigma_w=sigma_w,
        sigma_b=sigma_b,
        inside=inside(call.step, steps[call.step.inputs[0]]),
        measured=values(call.moments, call.gradient),
        expected=_expected(expected, gradient),
        predicted=_expected(predicted, all_back),
        spread=nan if isinstance(expected, Unknown) or expected.power == 0.0 else theory.spread[at],
        gradient_spread=nan if isinstance(gradient, Unknown) else theory.gradient_spread[at],
        dead=call.dead,
        reached=call.reached,
        weight_gradient=call.weight_gradient,
        why=expected.reason if isinstance(expected, Unknown) else "",
        gradient_why=gradient.reason if isinstance(gradient, Unknown) else "",
        neglected=() if isinstance(expected, Unknown) else expected.neglected,
        gradient_neglected=() if isinstance(gradient, Unknown) else gradient.neglected,
    )


def values(moments: Moments, gradient: float) -> Values:
    """As measured."""
    return Values(moments.mean_square, moments.distance, gradient)


def _expected(signal: State | Unknown, gradient: Gradient | Unknown) -> Values:
    norm = nan if isinstance(gradient, Unknown) else gradient.squared**0.5
    if isinstance(signal, Unknown):
        return Values(nan, nan, norm)
    distances = signal.one_minus_c
    return Values(signal.power, float(distances.mean()) if distances.size else nan, norm)


def _sigmas(step: Step) -> tuple[float, float]:
    """Those of a layer; of a recurrent one those of its recurrent weights, over all gates."""
    if step.recurrence is None:
        return (nan, nan) if step.affine is None else sigmas(step.affine)
    found = np.array([sigmas(gate.recurrent) for way in step.recurrence.directions for gate in way])
    sigma_w, sigma_b = np.sqrt((found**2).mean(axis=0)).tolist()
    return sigma_w, sigma_b


def described(step: Step) -> str:
    """For example "Linear 300 -> 10", "Conv2d 3 -> 16, 3x3" or "LSTM 64 -> 256"."""
    affine = step.affine
    if affine is None:
        own = step.recurrence
        assert own is not None
        inputs = own.directions[0][0].inputs.weight.shape[1]
        return f"{_kind(step)} {inputs} -> {own.hidden * len(own.directions)}"
    shape = tuple(affine.weight.shape)
    n_out, n_in = (shape[1], shape[0]) if affine.transposed else shape[:2]
    n_out, n_in = (n_out * affine.groups, n_in) if affine.transposed else (n_out, n_in * affine.groups)
    window = f", {'x'.join(map(str, shape[2:]))}" if len(shape) > 2 else ""
    return f"{_kind(step)} {n_in} -> {n_out}{window}"


def _kind(step: Step) -> str:
    """The class of torch.nn that a module is, or its own; what a function is called."""
    if step.module is None:
        return "function"
    kinds = type(step.module).__mro__  # a parametrized Linear has a class of its own
    return next((k for k in kinds if k.__module__.startswith("torch.nn.mod")), kinds[0]).__name__
