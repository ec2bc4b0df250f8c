"""Theory along the steps of a model: signals forward, gradients back, from what was measured at its layers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eoc.activations import Activation
from eoc.diagnose.signals import Signal, activated, added, fourth_moment, mean_square, normalised, through_layer
from eoc.errors import EocError
from eoc.gaussian.moments import moments
from eoc.models.steps import Kind, Step

__all__ = [
    "FIRST",
    "LAST",
    "NO_GRADIENT",
    "NO_SIGNAL",
    "Forward",
    "Gradient",
    "Measured",
    "backward",
    "forward",
    "passes",
]

FIRST = "the model's own input comes before"
LAST = "no layer comes behind"
NO_SIGNAL = "what the layer before hands on is zero or not finite for some sample"
NO_GRADIENT = "the gradient behind is not finite, or none arrives there"
_BEYOND = "what {} does at such a variance cannot be computed"


@dataclass(frozen=True)
class Measured:
    """A layer of the model: what it was initialised with, and what came out of it.

    Attributes
    ----------
    signal
        Its pre-activations; a reason if the maps cannot start from them.
    sigma_w, sigma_b
        sqrt(fan_in mean W^2), times the root of the share of its terms that are not padding; sqrt(mean b^2).
    units
        Outputs, or channels.
    gradient
        The root mean square over samples of the norm of the gradient.
    """

    signal: Signal | str
    sigma_w: float
    sigma_b: float
    units: int
    gradient: float


@dataclass(frozen=True)
class Gradient:
    """The mean over samples of a squared norm of gradients, and the relative variance that finite widths leave."""

    squared: float
    noise: float = 0.0


@dataclass(frozen=True)
class Forward:
    """What the theory says of signals, or the reasons why it says nothing.

    Attributes
    ----------
    expected
        After each measured layer.
    states
        After each step.
    """

    expected: dict[int, Signal | str]
    states: list[Signal | str]


def forward(steps: Sequence[Step], layers: Mapping[int, Measured], samples: int, chained: bool) -> Forward:
    """Follow signals through the steps.

    Parameters
    ----------
    steps
        What the model does.
    layers
        What was measured, by the index of the step.
    samples
        How many samples the batch has.
    chained
        If False every layer's output is predicted from what was measured before it. If True from what was predicted,
        starting anew only where that is not known, as at the first layer and behind normalisations.
    """
    expected: dict[int, Signal | str] = {}
    states: list[Signal | str] = []
    for index, step in enumerate(steps):
        before = [states[at] for at in step.inputs]
        layer = layers.get(index)
        if layer is None:
            states.append(_signal_after(step, before, samples))
            continue
        found = before[0]
        if isinstance(found, Signal):
            found = through_layer(found, layer.sigma_w, layer.sigma_b, layer.units)
        expected[index] = found
        goes_on = chained and isinstance(found, Signal) and bool(np.isfinite(found.gram).all())
        states.append(found if goes_on else layer.signal)
    return Forward(expected, states)


def backward(
    steps: Sequence[Step], layers: Mapping[int, Measured], states: Sequence[Signal | str], chained: bool
) -> dict[int, Gradient | str]:
    """Follow gradients back through the steps; what is expected at each layer, or why nothing is.

    Parameters
    ----------
    steps, layers, chained
        As for :func:`forward`; where gradients start is the last layer.
    states
        The signals after the steps.
    """
    expected: dict[int, Gradient | str] = {}
    received: list[list[Gradient | str]] = [[] for _ in steps]
    for index, step in reversed(list(enumerate(steps))):
        gradient = _total(received[index])
        if index in layers:
            expected[index] = gradient
            if not (chained and isinstance(gradient, Gradient)):
                gradient = _measured_gradient(layers[index])
        for at in step.inputs:
            received[at].append(_gradient_before(step, gradient, layers.get(index), states[at]))
    return expected


def passes(step: Step) -> bool:
    """Whether a step hands on what it takes, reshaped at most: dropout too, where it is off."""
    if step.kind is Kind.DROPOUT:
        return not getattr(step.module, "training", True) or getattr(step.module, "p", 1.0) == 0.0
    return step.kind in (Kind.SAME, Kind.OUTPUT)


def _signal_after(step: Step, before: list[Signal | str], samples: int) -> Signal | str:
    found: Signal | str = _unknown(step)
    if step.kind is Kind.NORM:
        found = _normalised(step, before[0], samples)
    elif step.kind is Kind.ADD:
        found = _added(before)
    elif step.kind is Kind.ACTIVATION and step.activation is not None:
        found = _activated(before[0], step.activation)
    elif passes(step):
        found = before[0]
    return found


def _unknown(step: Step) -> str:
    """Why the theory does not go on behind a step."""
    if step.kind is Kind.INPUT:
        return FIRST
    if step.kind is Kind.DROPOUT:
        return "dropout is on: model.eval() turns it off"
    if step.kind is Kind.LAYER:
        return f"a layer that was not measured comes before ({step.name})"
    return f"{_what(step)} comes before{f' ({step.note})' if step.note else ''}"


def _what(step: Step) -> str:
    return "something unknown" if step.kind is Kind.UNKNOWN else str(step.kind)


def _activated(signal: Signal | str, phi: Activation) -> Signal | str:
    if isinstance(signal, str):
        return signal
    if not signal.normal:
        return "an activation before acts on something else than pre-activations"
    try:
        return activated(signal, phi)
    except EocError:
        return _BEYOND.format(phi.name)


def _added(before: list[Signal | str]) -> Signal | str:
    signals = [one for one in before if isinstance(one, Signal)]
    if len(signals) < len(before):
        return next(one for one in before if isinstance(one, str))
    if sum(not one.normal for one in signals) > 1:
        return "a sum of signals that depend on each other comes before"
    if len({one.gram.shape for one in signals}) > 1:
        return "a sum of signals of different shapes comes before"
    return added(signals)


def _normalised(step: Step, before: Signal | str, samples: int) -> Signal | str:
    """A mean square of mean w^2 + mean b^2, which is 1 at initialisation."""
    module = step.module
    if getattr(module, "running_mean", None) is not None and not module.training:
        return "normalisation by running statistics comes before"
    weight, bias = getattr(module, "weight", None), getattr(module, "bias", None)
    power = (1.0 if weight is None else mean_square(weight)) + (0.0 if bias is None else mean_square(bias))
    if isinstance(before, Signal):
        return normalised(power, samples, before.units, before.normal)
    return normalised(power, samples, 1 if weight is None else weight.numel(), True)


def _measured_gradient(layer: Measured) -> Gradient | str:
    return Gradient(layer.gradient * layer.gradient) if math.isfinite(layer.gradient) else NO_GRADIENT


def _total(parts: list[Gradient | str]) -> Gradient | str:
    """Gradients that come back along several ways are uncorrelated: their squares add."""
    reason = next((one for one in parts if isinstance(one, str)), None)
    if reason is not None:
        return reason
    known = [one for one in parts if isinstance(one, Gradient)]
    squared = sum(one.squared for one in known)
    if not known:
        return "nothing takes its output"
    if squared == 0.0 or math.isinf(squared):
        return Gradient(squared)
    return Gradient(squared, sum((one.squared / squared) ** 2 * one.noise for one in known))


def _gradient_before(
    step: Step, gradient: Gradient | str, layer: Measured | None, before: Signal | str
) -> Gradient | str:
    if step.kind is Kind.OUTPUT:
        return LAST
    if isinstance(gradient, str) or step.kind is Kind.ADD or passes(step):
        return gradient
    if layer is not None:
        units = before.units if isinstance(before, Signal) else 1
        return Gradient(layer.sigma_w**2 * gradient.squared, 2.0 / units)
    if step.kind is Kind.ACTIVATION and step.activation is not None:
        return _gradient_before_activation(step.activation, gradient, before)
    return f"{_what(step)} comes behind"


def _gradient_before_activation(phi: Activation, gradient: Gradient, before: Signal | str) -> Gradient | str:
    if isinstance(before, str):
        return before
    if not before.normal:
        return "an activation behind acts on something else than pre-activations"
    try:
        d = float(moments(phi, np.diag(before.gram), ("D",))["D"].value.mean())
    except EocError:
        return _BEYOND.format(phi.name)
    noise = 3.0 * fourth_moment(phi.dphi, before.q) / d**2 - 1.0 if d > 0.0 else 0.0
    return Gradient(d * gradient.squared, max(noise, 0.0) / before.units)
