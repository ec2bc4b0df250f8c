"""What each step of a model makes of signals: the op of the algebra that a step is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import sqrt

import numpy as np

from eoc.activations import activation
from eoc.layers.affine import Scale
from eoc.layers.elementwise import Elementwise
from eoc.layers.joined import Product, Sum
from eoc.layers.mixture import Mixture
from eoc.layers.norms import Noise, Norm
from eoc.layers.positions import Positions, averaged, largest, squared_weights
from eoc.models.steps import Kind, Step
from eoc.predict.learned import running
from eoc.predict.state import State, begin, known, through

__all__ = ["ALIKE", "TOKENS", "after", "dropped", "normalised", "shares"]

ALIKE = "pooling: positions are taken for alike, and for independent at the input"
TOKENS = "attention is taken to weigh tokens at random"
_TINY = 1e-3  # of the power of a sum: the law of less could not be followed
RUNNING = "the running means of a normalisation are taken for 0"
WINDOW = "pooling raises or lowers variances by what is not followed: how many positions is not known"


def after(step: Step, before: Sequence[State], steps: Sequence[Step]) -> State | None:
    """What a step without weights of its own makes of signals; None where nobody knows.

    Parameters
    ----------
    step
        Neither an input nor a layer.
    before
        What its inputs hand on.
    steps
        The steps that those are.
    """
    rule = _RULES.get(step.kind)
    return None if rule is None or not before else rule(step, before, steps)


def normalised(step: Step, x: State, power: float, *, as_run: bool = False) -> State:
    """Behind a normalisation whose weights and biases have mean squares that add up to ``power``.

    ``as_run``: with the small number that it adds to variances.
    """
    fixed = running(step)
    if fixed is not None:
        out = _scaled(x, power * fixed[0])
        return out if fixed[1] else out.neglecting(RUNNING)
    eps = getattr(step.module, "eps", None) if as_run else None
    out = _scaled(through(Norm(step.centred, float(eps) if isinstance(eps, float) else 0.0), x), power)
    inputs = x.paired.pairs.size - 1
    if not (step.over_batch and inputs):
        return out
    distances = np.full(inputs, np.nan)  # what is common to all inputs is taken away
    return begin(out.single.q.value, distances, float(x.paired.one_minus_c.value[-1]))


def dropped(step: Step, x: State) -> State:
    """Dropout that is on keeps a share 1 - p, times 1 / (1 - p); alpha dropout keeps the mean and the variance."""
    module = step.module
    p = float(getattr(module, "p", 0.0)) if getattr(module, "training", False) else 0.0
    if not 0.0 < p < 1.0 or "Alpha" in type(module).__name__:
        return x
    return through(Noise(1.0 / (1.0 - p)), x)


def shares(steps: Sequence[Step]) -> tuple[float, ...]:
    """How much of all their numbers is of each of several steps; alike where shapes are not known."""
    sizes = np.array([float(np.prod(one.shape)) if one.shape else np.nan for one in steps])
    sizes = np.ones(len(steps)) if np.isnan(sizes).any() else sizes
    return tuple((sizes / sizes.sum()).tolist())


def _scaled(x: State, power: float) -> State:
    return x if power == 1.0 else through(Scale(sqrt(power)), x)


def _activated(step: Step, before: Sequence[State], steps: Sequence[Step]) -> State:
    phi = step.activation
    if phi is None:
        return before[0]
    if step.kind is Kind.SCALE and float(phi(0.0)) == 0.0:
        return through(Scale(step.slope), before[0])
    return through(Elementwise(phi), before[0])


def _passed(step: Step, before: Sequence[State], steps: Sequence[Step]) -> State:
    return before[0]


def _added(step: Step, before: Sequence[State], steps: Sequence[Step]) -> State:
    """A sum; what is tiny beside the rest changes nothing but the power."""
    if len(before) == 1:
        return before[0]
    powers = [one.power for one in before]
    at = int(np.argmax(powers))
    rest = sum(powers) - powers[at]
    if rest < _TINY * powers[at]:
        return through(Scale(sqrt(1.0 + rest / powers[at])), before[at])
    return through(Sum(), *before)


def _multiplied(step: Step, before: Sequence[State], steps: Sequence[Step]) -> State:
    return before[0] if len(before) == 1 else through(Product(), *before)


def _beside(step: Step, before: Sequence[State], steps: Sequence[Step]) -> State:
    """Side by side, in shares of how many there are of each."""
    return before[0] if len(before) == 1 else through(Mixture(shares(steps)), *before)


def _pooled(step: Step, before: Sequence[State], steps: Sequence[Step]) -> State:
    x, terms = before[0], step.terms
    if x.power == 0.0:
        return x
    if terms is None:
        return x.neglecting(WINDOW)
    if terms == 1:
        return x
    return _moved(x, _largest(x, terms) if step.largest else averaged(x.positions, 1.0 / terms), ALIKE)


def _largest(x: State, terms: int) -> Positions:
    """Of the function of a Gaussian that the units are, or as if they were Gaussian themselves."""
    root, phi = x.single.root, x.single.phi
    shared = x.paired.root
    if root is None or phi is None or shared is None:
        root, phi, shared = x.single, activation("identity"), x.paired
    q, apart = float(np.mean(root.q.value)), float(shared.one_minus_c.value[-1])
    return largest(phi, q, apart, terms)


def _mixed(step: Step, before: Sequence[State], steps: Sequence[Step]) -> State:
    """Values mixed by the softmax of the products of queries and keys over the root of their width."""
    values = before[-1]
    if step.terms is None or values.power == 0.0:
        return values.neglecting(TOKENS)
    scores = before[0].power * before[1].power * step.sharpness**2 if len(before) > 2 else 1.0
    seen = range(1, step.terms + 1) if step.causal else (step.terms,)
    weights = sum(squared_weights(scores, tokens) for tokens in seen) / len(seen)
    return _moved(values, averaged(values.positions, weights), TOKENS)


def _moved(x: State, to: Positions, what: str) -> State:
    """Signals of other second moments; what two inputs have in common is lost sight of."""
    q = x.single.q.value * (to.q / x.power)
    distances = np.append(np.full(x.one_minus_c.size, np.nan), 1.0 - to.k / to.q if to.q > 0.0 else 1.0)
    if x.single.is_gaussian and to.m == 0.0:
        return begin(q, distances[:-1], float(distances[-1])).neglecting(*x.neglected, what)
    return known(q, np.full(q.shape, to.m), distances, (*x.neglected, what))


_Rule = Callable[[Step, Sequence[State], Sequence[Step]], State]
_RULES: Mapping[Kind, _Rule] = {
    Kind.ACTIVATION: _activated,
    Kind.SCALE: _activated,
    Kind.ADD: _added,
    Kind.MULTIPLY: _multiplied,
    Kind.CONCATENATE: _beside,
    Kind.POOL: _pooled,
    Kind.ATTENTION: _mixed,
    Kind.DROPOUT: _passed,
    Kind.SAME: _passed,
    Kind.OUTPUT: _passed,
}
