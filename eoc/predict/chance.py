r"""By how much a model of finite width may differ from the theory by chance.

Of n units the mean of x^2 has the relative variance :math:`(E[x^4]/E[x^2]^2 - 1)/n`, and the cross term of two
independent signals adds :math:`4 q_x q_y / (n q^2)`. It goes with powers through sums; a layer of n units with Gaussian
weights adds 2/n. Gradients get 2/n from a layer of n inputs, :math:`(3 E[\phi'^4]/E[\phi'^2]^2 - 1)/n` from an
activation. Averages over samples and positions make both smaller: these are upper bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from math import inf, isfinite

import numpy as np

from eoc.activations import Activation
from eoc.floats import FloatArray
from eoc.gaussian.moments import moments
from eoc.models.steps import Kind, Step
from eoc.predict.state import State, Unknown

__all__ = ["chance_of_gradients", "chance_of_signals", "chances", "reacts"]

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(64)
_Noise = tuple[float, float]  # relative variance, and of how many units


def chance_of_signals(
    steps: Sequence[Step], states: Sequence[State | Unknown], units: Mapping[int, int]
) -> dict[int, float]:
    """The relative standard deviation of what is expected of each measured layer from those measured before it.

    Parameters
    ----------
    steps, states
        Of the model, with what is behind each.
    units
        Of each measured layer.
    """
    found: list[_Noise] = []
    out: dict[int, float] = {}
    for at, step in enumerate(steps):
        before = [found[earlier] for earlier in step.inputs]
        if at in units:
            out[at] = ((before[0][0] if before else 0.0) + 2.0 / max(units[at], 1)) ** 0.5
            found.append((0.0, max(units[at], 1)))
        else:
            found.append(_behind(step, states[at], [states[earlier] for earlier in step.inputs], before))
    return out


def _behind(step: Step, state: State | Unknown, inputs: Sequence[State | Unknown], before: Sequence[_Noise]) -> _Noise:
    if not before or not isinstance(state, State):
        return 0.0, 1
    n = min(units for _, units in before)
    known = [one for one in inputs if isinstance(one, State)]
    if step.kind in (Kind.ACTIVATION, Kind.MULTIPLY):
        spread = np.prod([_fourth(one) for one in (known if step.kind is Kind.MULTIPLY else [state])]) - 1.0
        return max(float(spread), 0.0) / n, n
    if step.kind is Kind.NORM:
        return 0.0, n
    if step.kind is Kind.ADD and len(known) == len(before) and state.power > 0.0:
        shares = [one.power / state.power for one in known]
        crossed = 2.0 * (sum(shares) ** 2 - sum(share**2 for share in shares)) / n
        return sum(share**2 * noise for share, (noise, _) in zip(shares, before, strict=True)) + crossed, n
    return max(noise for noise, _ in before), n


def chances(steps: Sequence[Step], states: Sequence[State | Unknown]) -> list[float]:
    """The relative standard deviation, from draw to draw, of mean squares behind each step over very many inputs."""
    found: list[tuple[_Noise, float]] = []  # of what is sampled, and relative variance of the law that it is of
    for step, state in zip(steps, states, strict=True):
        before = [found[earlier] for earlier in step.inputs]
        sampled, law = [one for one, _ in before], max((law for _, law in before), default=0.0)
        if step.kind is Kind.LAYER and before and step.affine is not None and len(step.shape) < 3:
            units, law = step.affine.weight.shape[0], sampled[0][0]
            found.append(((law + 2.0 / max(units, 1), units), law))
            continue
        noise, units = _behind(step, state, [states[earlier] for earlier in step.inputs], sampled)
        law = 0.0 if step.kind is Kind.NORM else law
        if step.kind is Kind.ACTIVATION and step.activation is not None and isinstance(state, State):
            law *= reacts(step.activation, _power(states[step.inputs[0]])) ** 2
            noise += law
        found.append(((noise, units), law))
    return [law**0.5 for _, law in found]


def chance_of_gradients(
    steps: Sequence[Step], states: Sequence[State | Unknown], squares: Sequence[float], units: Mapping[int, int]
) -> dict[int, float]:
    """The relative standard deviation of the squared gradient expected at each measured layer from those behind it.

    Parameters
    ----------
    steps, states, units
        As of signals.
    squares
        The squared gradients that are expected behind each step.
    """
    inputs = _inputs(steps, units)
    noise = [0.0] * len(steps)
    out: dict[int, float] = {}
    for at in range(len(steps) - 1, -1, -1):
        step, own = steps[at], noise[at]
        if at in units:
            out[at], own = own**0.5, 2.0 / max(inputs[at], 1)
        elif step.kind is Kind.ACTIVATION and step.activation is not None:
            own += _of_slope(step.activation.dphi, states[step.inputs[0]]) / max(inputs[at], 1)
        for earlier in step.inputs:
            share = squares[at] / squares[earlier] if squares[earlier] > 0.0 and isfinite(squares[at]) else 1.0
            noise[earlier] += min(share, 1.0) ** 2 * own
    return out


def _inputs(steps: Sequence[Step], units: Mapping[int, int]) -> list[int]:
    """How many units each step takes in."""
    out: list[int] = []
    behind: list[int] = []
    for at, step in enumerate(steps):
        taken = min((behind[earlier] for earlier in step.inputs), default=1)
        out.append(taken)
        behind.append(units.get(at, taken))
    return out


def _fourth(x: State) -> float:
    """E[x^4] / E[x^2]^2 to about a percent; 3 where the law is not known."""
    root, phi = x.single.root, x.single.phi
    if root is None or phi is None:
        return 3.0
    q = float(np.mean(root.q.value))
    return _mean(lambda z: phi(z) ** 4, q) / max(_mean(lambda z: phi(z) ** 2, q) ** 2, 1e-300)


def _power(state: State | Unknown) -> float:
    return state.power if isinstance(state, State) else 0.0


@lru_cache(maxsize=256)
def reacts(phi: Activation, q: float) -> float:
    """By which power of q the mean square behind an activation goes, q V' / V; 1 where that is not known."""
    if not 0.0 < q < inf:
        return 1.0
    found = moments(phi, [q], ("V", "D", "P"), strict=False)
    v, slope = float(found["V"].value[0]), float(found["D"].value[0] + found["P"].value[0])
    r = q * slope / v if v > 0.0 else 1.0
    return r if isfinite(r) else 1.0


def _of_slope(slope: Callable[[FloatArray], FloatArray], before: State | Unknown) -> float:
    if isinstance(before, Unknown):
        return 0.0
    d = _mean(lambda z: slope(z) ** 2, before.power)
    return max(3.0 * _mean(lambda z: slope(z) ** 4, before.power) / d**2 - 1.0, 0.0) if d > 0.0 else 0.0


def _mean(function: Callable[[FloatArray], FloatArray], q: float) -> float:
    """E[f(sqrt(q) Z)] to about a percent: enough for the size of fluctuations."""
    with np.errstate(over="ignore", invalid="ignore"):
        return float(_WEIGHTS @ function(np.sqrt(q) * _NODES) / _WEIGHTS.sum())
