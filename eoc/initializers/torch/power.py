"""The mean square of what each step of a model hands on, in wide layers with independent weights."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from math import isclose, prod

import numpy as np

from eoc.activations import Activation
from eoc.floats import FloatArray
from eoc.gaussian.moments import moments
from eoc.models.steps import Kind, Step
from eoc.operating_point import OperatingPoint

__all__ = ["Signal", "after", "agree", "normal"]

_DRAWS = 4096  # of a neuron


@dataclass(frozen=True)
class Signal:
    """What one neuron is, taken at random over the weights.

    Attributes
    ----------
    power
        Its mean square; None if unknown.
    draws
        Draws of it over the root of its power. They stand for the sums, products and activations that are not normal,
        whose mean square after the next activation has no formula.
    is_normal
        Whether it is N(0, power).
    """

    power: float | None
    draws: FloatArray
    is_normal: bool


def agree(a: float, b: float) -> bool:
    """Whether two powers are those of one point."""
    return isclose(a, b, rel_tol=1e-9)


def normal(power: float | None, at: int) -> Signal:
    """N(0, power), independent of the signals of other steps."""
    quantiles = _quantiles().copy()
    np.random.default_rng(at).shuffle(quantiles)
    return Signal(power, quantiles, True)


def after(step: Step, at: int, inputs: list[Signal], point: OperatingPoint | None = None) -> Signal:
    """What a step without weights makes of what it takes in.

    Parameters
    ----------
    step, at
        The step and its index.
    inputs
        What it takes in.
    point
        Of an activation: where the layer before it is meant to be; its power is used at its q.

    Notes
    -----
    Exact for normal inputs of activations, for normalisation, and for sums and products of independent signals. Where
    positions are independent pooling and attention hand on less than is assumed, where channels differ in number a
    concatenation something else: both are followed as if all they bring together were alike.
    """
    if step.activation is not None and step.kind is Kind.SCALE:
        return _on_line(inputs[0], step.slope, float(step.activation(0.0)))
    if step.activation is not None:
        return _activated(step.activation, inputs[0], point)
    if step.kind is Kind.NORM:
        return _normalised(step, inputs[0])
    if step.kind is Kind.ATTENTION:
        return inputs[-1]
    join = _JOINED.get(step.kind)
    if join is None:
        return normal(None, at) if step.kind is Kind.UNKNOWN else inputs[0]
    return join(step, inputs) if all(signal.power is not None for signal in inputs) else normal(None, at)


def _activated(phi: Activation, signal: Signal, point: OperatingPoint | None) -> Signal:
    if signal.power is None:
        return signal
    x = phi(signal.power**0.5 * signal.draws)
    if not signal.is_normal:
        power = float(np.mean(x**2))
    elif point is not None and agree(signal.power, point.q):
        power = point.power
    else:
        power = _mean_square(phi, signal.power)
    return Signal(power, _scaled(x), False)


@lru_cache(maxsize=1024)
def _mean_square(phi: Activation, q: float) -> float:
    return float(moments(phi, [q], ("V",))["V"].value[0])


def _on_line(signal: Signal, a: float, b: float) -> Signal:
    """A signal a x + b."""
    if signal.power is None:
        return signal
    x = a * signal.power**0.5 * signal.draws + b
    return Signal(float(np.mean(x**2)), _scaled(x), signal.is_normal and b == 0.0)


def _normalised(step: Step, signal: Signal) -> Signal:
    draws = signal.draws if _keeps_mean(step) else signal.draws - signal.draws.mean()
    return Signal(1.0, _scaled(draws), signal.is_normal)


def _product(step: Step, inputs: list[Signal]) -> Signal:
    draws = np.prod([signal.draws for signal in inputs], axis=0)
    return Signal(prod(_powers(inputs)), _scaled(draws), False)


def _sum(step: Step, inputs: list[Signal]) -> Signal:
    """Of independent terms, equal ones counted as often as they occur."""
    terms = Counter(step.inputs)
    powers = dict(zip(step.inputs, _powers(inputs), strict=True))
    power = sum(times**2 * powers[term] for term, times in terms.items())
    draws = sum(signal.draws * p**0.5 for signal, p in zip(inputs, _powers(inputs), strict=True))
    return Signal(power, _scaled(np.asarray(draws)), all(signal.is_normal for signal in inputs))


def _mixture(step: Step, inputs: list[Signal]) -> Signal:
    powers = _powers(inputs)
    draws = np.empty(_DRAWS)
    for k, (signal, power) in enumerate(zip(inputs, powers, strict=True)):
        draws[k :: len(inputs)] = power**0.5 * signal.draws[k :: len(inputs)]
    same = all(agree(power, powers[0]) for power in powers)
    return Signal(sum(powers) / len(powers), _scaled(draws), same and all(signal.is_normal for signal in inputs))


def _powers(inputs: list[Signal]) -> list[float]:
    return [signal.power for signal in inputs if signal.power is not None]


def _keeps_mean(step: Step) -> bool:
    """Whether a normalisation divides by the root mean square alone."""
    return "rms" in (type(step.module).__name__ if step.module is not None else step.name).lower()


def _scaled(draws: FloatArray) -> FloatArray:
    size = float(np.sqrt(np.mean(draws**2)))
    return draws / size if size > 0.0 else draws


@lru_cache(maxsize=1)
def _quantiles() -> FloatArray:
    from scipy.special import ndtri

    return _scaled(ndtri((np.arange(_DRAWS) + 0.5) / _DRAWS))


_JOINED = {Kind.ADD: _sum, Kind.MULTIPLY: _product, Kind.CONCATENATE: _mixture}
