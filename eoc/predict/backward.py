r"""Gradients on their way back through the steps of a model.

At a random start a step multiplies squared norms of gradients by what it multiplies those of tangents by on their way
forward: its map is the transpose of the map of chi. So the factors are those of the algebra of layers, of signals whose
tangents begin anew: :math:`E[\phi'^2]` of an activation, :math:`\sigma_w^2` of a layer times the share of its terms
that are no padding, r^2 of a normalisation. What goes several ways adds up. Norms are over all units and positions of
one input. Of attention with random weights a, whose squares add up to s, values get

.. math:: s + (1 - s) c_g, \qquad \text{queries} \; s (q_v - k_v) q_k, \qquad \text{keys} \; s (q_v - k_v) q_q,

with the correlation :math:`c_g` of gradients at two positions, q of the vectors and k_v of values at two positions:
each score changes the output by a (v - mean), and is the product of a query and a key over the root of their width.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import isfinite, prod

import numpy as np

from eoc.errors import EocError
from eoc.gaussian.moments import moments
from eoc.layers import Renewed
from eoc.layers.positions import slope_at_largest
from eoc.models.steps import Kind, Step
from eoc.predict.state import State, Unknown
from eoc.predict.steps import after, apart_in_batch, dropped, normalised, shares, weights_squared

__all__ = ["Back", "Gradient", "backward"]

_ONES = (Kind.ADD, Kind.SAME, Kind.OUTPUT)
_SOURCES = (Kind.INPUT, Kind.PARAMETER, Kind.EMBEDDING)
_NOT_TAKEN = "nothing takes its output"


@dataclass(frozen=True)
class Gradient:
    """The gradient by what a step hands on.

    Attributes
    ----------
    squared
        The mean of its squared norm over inputs.
    shared
        The correlation of what it is at two positions.
    neglected
        What was taken for what it is not, on the way back here.
    """

    squared: float
    shared: float = 0.0
    neglected: tuple[str, ...] = ()

    def times(self, factor: float, shared: float | None = None, neglected: tuple[str, ...] = ()) -> Gradient:
        """What is left of it before a step."""
        known = tuple(dict.fromkeys((*self.neglected, *neglected)))
        return Gradient(self.squared * factor, self.shared if shared is None else shared, known)


Back = Callable[[int, Gradient | Unknown], Gradient | Unknown]


def backward(
    steps: Sequence[Step],
    states: Sequence[State | Unknown],
    size: Callable[[int], float | None],
    layer: Back,
    last: Gradient | Unknown,
) -> list[Gradient | Unknown]:
    """The gradients by what each step hands on.

    Parameters
    ----------
    steps, states, size
        Of the model, as of :class:`eoc.predict.forward.Forward`, and what is behind them.
    layer
        Of a layer's index and the gradient by what it hands on: the gradient by what it takes in.
    last
        The gradient by the output.
    """
    received: list[list[Gradient | Unknown]] = [[] for _ in steps]
    found: list[Gradient | Unknown] = [last] * len(steps)
    with np.errstate(all="ignore"):
        for at in range(len(steps) - 1, -1, -1):
            step = steps[at]
            if at < len(steps) - 1:
                found[at] = _total(received[at])
            before = [states[earlier] for earlier in step.inputs]
            sources = [steps[earlier] for earlier in step.inputs]
            if step.kind in (Kind.LAYER, Kind.RECURRENT):
                back = [layer(at, found[at])] * len(before)
            else:
                back = _before(step, found[at], before, sources, size(at) if step.kind is Kind.NORM else None)
            for earlier, one in zip(step.inputs, back, strict=True):
                received[earlier].append(one)
    return found


def _total(parts: Sequence[Gradient | Unknown]) -> Gradient | Unknown:
    """Gradients that come back along several ways are uncorrelated: their squares add."""
    known = [one for one in parts if isinstance(one, Gradient)]
    if len(known) < len(parts):
        return next(one for one in parts if isinstance(one, Unknown))
    if not known:
        return Unknown(_NOT_TAKEN)
    squared = sum(one.squared for one in known)
    shared = sum(one.squared * one.shared for one in known) / squared if 0.0 < squared < np.inf else 0.0
    return Gradient(squared, shared, tuple(dict.fromkeys(what for one in known for what in one.neglected)))


def _before(
    step: Step,
    gradient: Gradient | Unknown,
    before: Sequence[State | Unknown],
    steps: Sequence[Step],
    size: float | None,
) -> list[Gradient | Unknown]:
    """By each of the inputs of a step that is no layer."""
    several = step.kind is Kind.OUTPUT and len(before) > 1
    if isinstance(gradient, Unknown) or not before or (step.kind in _ONES and not several):
        return [gradient] * len(before)
    if step.kind in _SOURCES:
        return [Gradient(0.0)] * len(before)
    states = [one for one in before if isinstance(one, State)]
    if step.kind is Kind.CONCATENATE or several:
        return [gradient.times(share, gradient.shared * share) for share in shares(steps)]  # of other positions
    if len(states) < len(before):
        return [next(one for one in before if isinstance(one, Unknown))] * len(before)
    try:
        return [_kept(one, step) for one in _factored(step, gradient, states, steps, size)]
    except EocError as error:
        return [Unknown(f"{step.name}: {error}")] * len(before)


def _factored(
    step: Step, gradient: Gradient, before: Sequence[State], steps: Sequence[Step], size: float | None
) -> list[Gradient | Unknown]:
    if step.kind is Kind.MULTIPLY:
        powers = [one.power for one in before]
        others = [prod(powers[:at] + powers[at + 1 :]) for at in range(len(powers))]
        return [gradient.times(other, neglected=one.neglected) for other, one in zip(others, before, strict=True)]
    if step.kind is Kind.POOL:
        return [_before_pooling(step, gradient, before[0], steps[0])]
    if step.kind is Kind.ATTENTION:
        return _before_attention(step, gradient, before)
    x = replace(before[0], single=Renewed(before[0].single))
    if step.kind is Kind.NORM:
        out = None if size is None else normalised(replace(step, over_batch=False), x, size, as_run=True)
    else:
        out = dropped(step, x) if step.kind is Kind.DROPOUT else after(step, [x], steps)
    if out is None:
        return [Unknown(f"{step.name}: nothing is known of gradients behind a {step.kind}")] * len(before)
    apart = apart_in_batch(step, x) if step.kind is Kind.NORM else None
    return [gradient.times(float(np.mean(out.single.chi.value)) / (apart or 1.0), neglected=out.neglected)]


def _kept(one: Gradient | Unknown, step: Step) -> Gradient | Unknown:
    if isinstance(one, Gradient) and not isfinite(one.squared):
        return Unknown(f"the gradient before {step.name} is infinite: it jumps, or overflows")
    return one


def _before_pooling(step: Step, gradient: Gradient, before: State, source: Step) -> Gradient | Unknown:
    """A mean spreads gradients over its window, the largest value hands them on."""
    out = after(step, [before], [source])
    neglected = () if out is None else out.neglected
    if step.terms is None or step.terms <= 1:
        return gradient.times(1.0, neglected=neglected)
    if step.shape and step.shape == source.shape and not step.largest:  # windows overlap
        kept = 1.0 / step.terms + (1.0 - 1.0 / step.terms) * gradient.shared
        return gradient.times(kept, gradient.shared / kept, neglected)
    if step.largest:
        return gradient.times(_steeper(before, step.terms), neglected=neglected)
    everywhere = len(step.shape) == 2 or len(source.shape) < 3  # nothing but inputs and units is left
    positions = step.terms if everywhere else prod(source.shape[2:])
    together = min((step.terms - 1.0) / max(positions - 1.0, 1.0), 1.0)
    return gradient.times(1.0 / step.terms, max(together, gradient.shared), neglected)


def _steeper(x: State, terms: int) -> float:
    """By how much the squared slopes that gradients find next are larger where the largest value was than anywhere."""
    root, phi, shared = x.single.root, x.single.phi, x.paired.root
    if root is None or phi is None or shared is None:
        return 1.0
    q, apart = float(np.mean(root.q.value)), float(shared.one_minus_c.value[-1])
    anywhere = float(moments(phi, [q], ("D",))["D"].value[0])
    return slope_at_largest(phi, q, apart, terms) / anywhere if 0.0 < anywhere < np.inf else 1.0


def _before_attention(step: Step, gradient: Gradient, before: Sequence[State]) -> list[Gradient | Unknown]:
    """By queries, keys and values, of which only the last may be known."""
    out = after(step, before, [])
    neglected = () if out is None else out.neglected
    if step.terms is None or len(before) < 3:
        return [*[gradient.times(0.0)] * (len(before) - 1), gradient.times(1.0, neglected=neglected)]
    queries, keys, values = before[0], before[1], before[-1]
    s = weights_squared(step, before)
    moved = s * (values.power - values.positions.k) * step.sharpness**2
    value = s + (1.0 - s) * gradient.shared
    return [
        gradient.times(moved * keys.power, neglected=neglected),
        gradient.times(moved * queries.power, neglected=neglected),
        *[gradient.times(0.0)] * (len(before) - 3),  # of what is added to the scores
        gradient.times(value, gradient.shared / value if value > 0.0 else 0.0, neglected),
    ]
