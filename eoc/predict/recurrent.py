"""What recurrent layers of real models make of sequences: their units with the same weights at every step, sampled.

A layer is taken for infinitely wide; what some thousand of its units do, all of them of one law, is followed from step
to step (:mod:`eoc.recurrence.units`). The next layer sees the correlations of all steps with each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import prod

import numpy as np

from eoc.floats import FloatArray
from eoc.models.steps import Affine, Kind, Recurrence, Step
from eoc.predict.backward import Gradient
from eoc.predict.learned import sigmas
from eoc.predict.sequences import Recurred, is_part, moved
from eoc.predict.state import State, Unknown, known
from eoc.recurrence.units import History, Weights, histories

__all__ = ["before_recurrent", "behind_recurrent", "of_gates", "recurred"]

SAMPLED = "recurrent layers are taken for infinitely wide, inputs and their steps for equally large and far apart"
LENGTH = "the length of sequences is not known: 64 steps are taken"
LONG = "of sequences, 256 steps are followed"
CELL = "steps of a recurrent cell are taken to have weights of their own"
_USUAL, _MOST = 64, 256  # steps
_UNITS, _WORK = 2048, 3e8  # units, and products of a unit with all of its history
_FEW = 128  # numbers of an input, beyond which they are taken for infinitely many
_SEED = 0


def recurred(
    steps: Sequence[Step],
    at: int,
    x: State | Unknown,
    states: Sequence[State | Unknown],
    weights: Sequence[Mapping[str, Weights]],
    out: float,
) -> State | Unknown:
    """What a recurrent layer makes of a sequence.

    Parameters
    ----------
    steps, at
        Of the model, and which of them the layer is.
    x, states
        What it takes in, and what all steps before it hand on.
    weights
        Of its gates, one mapping for each way.
    out
        What its projection multiplies mean squares by; 1 without one.
    """
    own = steps[at].recurrence
    if isinstance(x, Unknown) or own is None:
        return x
    times = min(own.times or _USUAL, _MOST)
    inputs = _gram(x, times)
    start = _begun(steps[at], own, states)
    size = times * inputs.shape[1]
    units = int(np.clip(_WORK / size**2, 256, _UNITS))
    chained = x.tangents if isinstance(x, Recurred) and len(x.tangents) == times else None
    features = int(own.directions[0][0].inputs.weight.shape[1])
    few = features if features <= _FEW else None
    ways = [_way(own.cell, one, inputs, units, start, chained, few, backward=k > 0) for k, one in enumerate(weights)]
    neglected = [SAMPLED, *([LENGTH] if own.times is None else []), *([LONG] if (own.times or 0) > _MOST else [])]
    neglected += [CELL] if own.state is not None else []
    return _state(x, ways, out, own).neglecting(*x.neglected, *neglected)


def _begun(step: Step, own: Recurrence, states: Sequence[State | Unknown]) -> tuple[float, ...]:
    """Variances of h, and of the cell of an LSTM, that a cell goes on from."""
    if own.state is None:
        return ()
    before = states[step.inputs[own.state]]
    if not isinstance(before, State):
        return ()
    return before.power, before.cell if isinstance(before, Recurred) else before.power


def _gram(x: State, times: int) -> FloatArray:
    """E[s_t s_t'] of a sequence: as it is behind another layer, else all steps alike."""
    if isinstance(x, Recurred) and x.gram.shape[0] == times:
        return x.gram
    apart = x.one_minus_c[np.isfinite(x.one_minus_c)]
    c = float(np.clip(1.0 - apart.mean(), -1.0, 1.0)) if apart.size else 0.0
    together = float(np.clip(1.0 - x.paired.one_minus_c.value[-1], 0.0, 1.0))
    of_times = (1.0 - together) * np.eye(times) + together
    of_inputs = np.array([[1.0, c], [c, 1.0]])
    return np.asarray(x.power * np.einsum("ts,pq->tpsq", of_times, of_inputs))


def _way(
    cell: str,
    weights: Mapping[str, Weights],
    inputs: FloatArray,
    units: int,
    start: tuple[float, ...],
    tangents: FloatArray | None,
    features: int | None,
    *,
    backward: bool,
) -> History:
    """One way through the sequence, as it is seen from its beginning."""
    if not backward:
        return histories(cell, weights, inputs, units, _SEED, start=start, tangents=tangents, features=features)
    turned = None if tangents is None else tangents[::-1, ::-1]
    back = inputs[::-1, :, ::-1]
    one = histories(cell, weights, back, units, _SEED + 1, start=start, tangents=turned, features=features)
    return replace(
        one,
        gram=one.gram[::-1, :, ::-1],
        mean=one.mean[::-1],
        tangents=one.tangents[::-1, ::-1],
        gains=one.gains[::-1],
    )


def _state(x: State, ways: Sequence[History], out: float, own: Recurrence) -> Recurred:
    gram, tangents = (out * np.mean([getattr(one, name) for one in ways], axis=0) for name in ("gram", "tangents"))
    kept, times = 1.0 / (1.0 - own.dropout), len(gram)
    gram = gram + (kept - 1.0) * np.einsum("tptp,ts,pq->tpsq", gram, np.eye(times), np.eye(gram.shape[1]))
    tangents = tangents + (kept - 1.0) * np.diag(np.diag(tangents))
    first = np.einsum("tpsp->ts", gram) / gram.shape[1]
    q = float(np.trace(first)) / times
    between = (first.sum() - np.trace(first)) / (times * (times - 1)) if times > 1 else q
    mean = 0.0 if own.projections else float(np.mean([one.mean.mean() for one in ways]))
    points, pairs = np.ones(x.single.q.value.size), np.einsum("tptq->pq", gram)
    distances = np.append(moved(x.one_minus_c, pairs), 1.0 - between / q if q > 0.0 else 1.0)
    found = known(q * points, mean * points, distances)
    chained = out * kept * np.mean([one.gains for one in ways], axis=0)
    cell = float(np.mean([one.cell[-1].mean() for one in ways])) if own.cell == "lstm" else 0.0
    return Recurred(found.single, found.paired, (), gram, tangents, chained, cell)


def behind_recurrent(
    steps: Sequence[Step], at: int, x: State | Unknown, states: Sequence[State | Unknown]
) -> State | Unknown:
    """What a recurrent layer hands on, with the weights that it has."""
    own = steps[at].recurrence
    return x if own is None else recurred(steps, at, x, states, *measured(own))


def before_recurrent(
    steps: Sequence[Step], at: int, states: Sequence[State | Unknown], gradient: Gradient
) -> Gradient | Unknown:
    """The gradient by what a recurrent layer takes in; behind it the last step alone may have been used."""
    own, x = steps[at].recurrence, states[at]
    if not isinstance(x, Recurred) or own is None:
        return Unknown(f"{steps[at].name}: its signals are not known")
    if own.state is not None:
        return Unknown(f"{steps[at].name}: gradients through cells that are called step by step are not followed")
    later = _next(steps, at)
    if later is not None and isinstance(states[later], Recurred):  # whose gradients at several times hang together
        behind = states[later]
        assert isinstance(behind, Recurred)
        factor = _at(steps, later, behind.chained) / _at(steps, later, behind.gains)
    else:
        factor = _at(steps, at, x.gains)
    return gradient.times(factor, neglected=(SAMPLED,))


def _next(steps: Sequence[Step], at: int) -> int | None:
    """The recurrent layer that takes in what this one hands on, and nothing else does."""
    users = [k for k, step in enumerate(steps) if at in step.inputs]
    return users[0] if len(users) == 1 and steps[users[0]].kind is Kind.RECURRENT else None


def _at(steps: Sequence[Step], at: int, gains: FloatArray) -> float:
    """On average over times, or at the last one where no other is used."""
    size = prod(steps[at].shape)
    waiting = [at]
    while waiting:
        here = waiting.pop()
        users = [k for k, step in enumerate(steps) if here in step.inputs]
        if size > 1 and users and all(is_part(steps[k], size) for k in users):
            return float(gains[-1])
        waiting += users if len(users) == 1 and steps[users[0]].kind is Kind.SAME else []
    return float(gains.mean())


def of_gates(
    own: Recurrence, variance: Callable[[Affine], float], biases: Callable[[Affine], FloatArray]
) -> tuple[list[dict[str, Weights]], float]:
    """The gates of each way, and what projections multiply mean squares by.

    Parameters
    ----------
    own
        The layer.
    variance, biases
        Of an affine map: sigma_w^2, and the values of its biases.
    """
    out = float(np.mean([variance(one) for one in own.projections])) if own.projections else 1.0
    found: list[dict[str, Weights]] = []
    for way in own.directions:
        found.append({})
        for gate in way:
            come, stay = variance(gate.inputs), out * variance(gate.recurrent)
            if own.cell == "torch gru" and gate.name == "n":  # the reset gate multiplies W h + b
                found[-1]["n"] = Weights(0.0, come, biases(gate.inputs))
                found[-1]["hn"] = Weights(stay, 0.0, biases(gate.recurrent))
            else:
                found[-1][gate.name] = Weights(stay, come, biases(gate.inputs) + biases(gate.recurrent))
    return found, out


def measured(own: Recurrence) -> tuple[list[dict[str, Weights]], float]:
    """The same of weights as they are."""
    return of_gates(own, lambda one: sigmas(one)[0] ** 2, _values)


def _values(affine: Affine) -> FloatArray:
    return np.zeros(1) if affine.bias is None else np.asarray(affine.bias.detach().double().cpu().numpy())
