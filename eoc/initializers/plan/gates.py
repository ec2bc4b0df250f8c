r"""Products of signals in series, and how strongly powers behind them depend on those before.

A product has the power q_1 q_2, so relative changes of its factors add up. With
:math:`r = d \log q_{out} / d \log q_{in}`,

.. math:: r_\text{product} = \sum_i r_i, \qquad r_\text{layer} = (1 - s) \, r, \qquad
          r_\text{activation} = \frac{q V'(q)}{V(q)} \, r, \qquad r_\text{norm} = 0,

where s is the share of the variance of a layer that its biases have. Of factors without biases, as of layer(x)
gate(x), r doubles in each product, and no variance is kept for long. With :math:`(1 - s) \sum_i q V'/V = 1` it would
be kept, and gradients nearly, :math:`(1 - s) \sum_i q E[\phi'^2]/V` being what a product multiplies their squares by;
but chance moves variances, and those above run away. So biases have the share with which that is :math:`e^{-1/n}`, of n
products in series.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp, inf

from eoc.initializers.plan.structure import Structure
from eoc.models.steps import Kind, Step
from eoc.predict.chance import reacts
from eoc.predict.state import State, Unknown

__all__ = ["MOST_GATES", "bias_share", "gates_in_series", "reactions"]

MOST_GATES = 3  #: in series that widths of a few hundred stand without biases
_MOST = 0.75  # share that biases may have
_PASSED = (Kind.SAME, Kind.SCALE, Kind.DROPOUT)


def gates_in_series(model: Structure) -> int:
    """How many products of two signals follow each other, with no normalisation or residual sum between them."""
    ends = {branch.output for branch in model.branches}
    count: list[int] = []
    for step in model.steps:
        sums = step.kind is Kind.ADD and any(at in ends for at in step.inputs)
        before = 0 if sums or step.kind is Kind.NORM else max((count[at] for at in step.inputs), default=0)
        count.append(before + _multiplies(step))
    return max(count, default=0)


def bias_share(model: Structure, following: int, gates: int) -> float:
    """The share of the variance of layers before a product that biases are to have, so that it keeps variances.

    Parameters
    ----------
    model
        The steps.
    following
        The product, or the activation before it, that a layer feeds.
    gates
        How many products there are in series.
    """
    at: int | None = following
    while at is not None and not _multiplies(model.steps[at]):
        at = next(iter(model.consumers[at]), None)
    if at is None:
        return 0.0
    factors = [_factor(model.steps, earlier) for earlier in model.steps[at].inputs]
    free = sum(r for r, has_biases in factors if has_biases)
    rest = sum(r for r, has_biases in factors if not has_biases)
    return min(max(1.0 - max(exp(-1.0 / gates) - rest, 0.0) / free, 0.0), _MOST) if free > 0.0 else 0.0


def reactions(steps: Sequence[Step], states: Sequence[State | Unknown], weights: Mapping[int, float]) -> list[float]:
    """What r is behind every step; ``weights``: the share of the variance of each layer that they have."""
    found: list[float] = []
    for at, step in enumerate(steps):
        before = [found[earlier] for earlier in step.inputs]
        found.append(_reaction(step, before, [states[earlier] for earlier in step.inputs], weights.get(at, 1.0)))
    return found


def _reaction(step: Step, r: Sequence[float], before: Sequence[State | Unknown], share: float) -> float:
    known = [one for one in before if isinstance(one, State)]
    if not r or step.kind is Kind.NORM:
        return float(step.kind is Kind.INPUT)
    if step.kind is Kind.LAYER:
        return share * r[0]
    if step.kind is Kind.MULTIPLY:
        return sum(r)
    if step.kind is Kind.ACTIVATION and step.activation is not None and known:
        return r[0] * reacts(step.activation, known[0].power) if r[0] else 0.0
    if step.kind in (Kind.ADD, Kind.CONCATENATE) and len(known) == len(r):
        return _mean(r, [one.power for one in known])
    return r[-1] if step.kind is Kind.ATTENTION else max(r)


def _mean(r: Sequence[float], powers: Sequence[float]) -> float:
    """Of a sum, whose terms count by their powers."""
    total = sum(powers)
    return sum(p * each for p, each in zip(powers, r, strict=True)) / total if 0.0 < total < inf else max(r)


def _factor(steps: Sequence[Step], at: int) -> tuple[float, bool]:
    """How a factor of a product reacts to what its layer computes, at variance 1, and whether that layer has biases."""
    r, step = 1.0, steps[at]
    while step.kind in (*_PASSED, Kind.ACTIVATION) and step.inputs:
        if step.activation is not None and step.kind is Kind.ACTIVATION:
            r *= reacts(step.activation, 1.0)
        step = steps[step.inputs[0]]
    if step.kind is Kind.NORM:
        return 0.0, False
    return r, step.affine is not None and step.affine.bias is not None


def _multiplies(step: Step) -> bool:
    return step.kind is Kind.MULTIPLY and len(step.inputs) > 1
