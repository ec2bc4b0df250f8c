"""What each step of a model makes of signals: the op of the algebra that a step is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import prod, sqrt

import numpy as np

from eoc.activations import activation
from eoc.floats import FloatArray
from eoc.layers.affine import Scale
from eoc.layers.elementwise import Elementwise
from eoc.layers.graph import joined
from eoc.layers.joined import Product, Sum
from eoc.layers.mixture import Mixture
from eoc.layers.norms import Noise, Norm
from eoc.layers.positions import Positions, averaged, largest, squared_weights
from eoc.models.steps import Kind, Step
from eoc.predict.learned import running
from eoc.predict.sequences import Recurred, is_part, last
from eoc.predict.state import State, begin, known, through

__all__ = ["ALIKE", "TOKENS", "after", "apart_in_batch", "dropped", "normalised", "shares", "weights_squared"]

ALIKE = "pooling: positions are taken for alike, and for independent at the input"
TOKENS = "attention is taken to weigh tokens at random"
_TINY = 1e-3  # of the power of a sum: the law of less could not be followed
_UNLIKE = 1.5  # ratio of mean squares, from which on positions are not alike
PADDED = "zeros around images or tokens are taken for more of them"
RUNNING = "the running means of a normalisation are taken for 0"
BATCH = "the channels of a batch are taken to vary alike"
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
    apart = apart_in_batch(step, x)
    if apart is None:
        return out
    distances = np.clip(x.paired.one_minus_c.value / apart, 0.0, 2.0)  # what is common to all inputs is taken away
    normed = begin(out.single.q.value, distances[:-1], float(distances[-1]))
    return replace(normed, neglected=x.neglected).neglecting(BATCH)


def apart_in_batch(step: Step, x: State) -> float | None:
    """1 - c of any two positions in a batch: the share of mean squares that is left when means are taken away.

    None of normalisations that are not over a batch, and where no inputs are given.
    """
    has_inputs = step.over_batch and x.paired.pairs.size > 1
    between = x.one_minus_c if has_inputs else np.empty(0)
    if between.size == 0 or not np.isfinite(between).all():
        return None
    inputs = 0.5 + sqrt(0.25 + 2.0 * between.size)
    places = max(prod(step.shape) / (step.shape[1] * inputs), 1.0) if len(step.shape) > 1 else 1.0
    within = float(x.paired.one_minus_c.value[-1]) * (1.0 - 1.0 / places)
    found = float(between.mean()) * (1.0 - 1.0 / inputs) + within / inputs
    return found if found > 0.0 else None


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
    # Of slopes of PReLU phi has the root mean squares, which is exact.
    if step.mixture and phi in dict(step.mixture):
        kinds, shared = zip(*step.mixture, strict=True)
        return through(joined(Mixture(shared), [Elementwise(one) for one in kinds]), before[0])
    if step.kind is Kind.SCALE and float(phi(0.0)) == 0.0:
        return through(Scale(step.slope), before[0])
    return through(Elementwise(phi), before[0])


def _passed(step: Step, before: Sequence[State], steps: Sequence[Step]) -> State:
    x = before[0]
    if isinstance(x, Recurred) and is_part(step, prod(steps[0].shape)):
        return last(x)
    return x.neglecting(PADDED) if step.name.startswith("pad") else x


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
    if len(before) == 1:
        return before[0]
    joined, powers = through(Mixture(shares(steps)), *before), [one.power for one in before]
    tokens = len(step.shape) == 3 and all(one.shape[-1:] == step.shape[-1:] for one in steps)
    return joined.neglecting(ALIKE) if tokens and max(powers) > _UNLIKE * min(powers) else joined


def _pooled(step: Step, before: Sequence[State], steps: Sequence[Step]) -> State:
    x, terms = before[0], step.terms
    if x.power == 0.0:
        return x
    if terms is None:
        return x.neglecting(WINDOW)
    if terms <= 1:  # 0 where small images are made larger
        return x
    if not step.largest:
        return _averaged(x, 1.0 / terms, ALIKE)
    to, apart = _largest(x, terms), float(x.paired.one_minus_c.value[-1])
    # Two inputs that are as far apart as two positions stay so; closer ones in proportion.
    after_it = 1.0 - to.k / to.q if to.q > 0.0 else 1.0
    return _moved(x, to, x.one_minus_c * (after_it / apart if apart > 0.0 else 1.0), ALIKE)


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
    return _averaged(values, weights_squared(step, before), TOKENS)


def weights_squared(step: Step, before: Sequence[State]) -> float:
    """The squared weights of attention, added up, with so many tokens, or so many as come before each."""
    assert step.terms is not None
    scores = before[0].power * before[1].power * step.sharpness**2 if len(before) > 2 else 1.0
    seen = range(1, step.terms + 1) if step.causal else (step.terms,)
    return float(squared_weights(scores, seen).mean())


def _averaged(x: State, squares: float, what: str) -> State:
    """Means over positions with weights whose squares add up to so much.

    Two inputs at two positions have as much in common as at one, or as one input has at two if that is less.
    """
    at = replace(x.positions, k=max(x.positions.k, 0.0))
    to = averaged(at, squares)
    crossed = np.maximum(at.k - at.q * (1.0 - x.one_minus_c), 0.0)
    apart = squares * at.q * x.one_minus_c + (1.0 - squares) * crossed
    return _moved(x, to, apart / to.q if to.q > 0.0 else x.one_minus_c, what)


def _moved(x: State, to: Positions, one_minus_c: FloatArray, what: str) -> State:
    """Signals of other second moments, with those of pairs of inputs."""
    q = x.single.q.value * (to.q / x.power if x.power > 0.0 else 1.0)
    distances = np.append(np.clip(one_minus_c, 0.0, 2.0), 1.0 - to.k / to.q if to.q > 0.0 else 1.0)
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
