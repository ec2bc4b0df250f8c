"""From what a user asks to what is sampled: the inputs, and the sampler."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from eoc.checks import real_number
from eoc.errors import EocError
from eoc.floats import FloatArray
from eoc.gaussian.angle import Angle, angle_of
from eoc.maps import VarianceMap
from eoc.montecarlo.exact.inputs import Inputs, from_variances, from_vectors
from eoc.montecarlo.exact.sampler import ExactSampler
from eoc.montecarlo.settings import Weights, checked_weights
from eoc.propagation.inputs import checked_inputs, from_gram

__all__ = ["exact_sampler", "first_inputs"]


def first_inputs(
    variance: VarianceMap,
    q: ArrayLike | None = None,
    c: ArrayLike | None = None,
    one_minus_c: ArrayLike | None = None,
    gram: ArrayLike | None = None,
    inputs: ArrayLike | None = None,
) -> Inputs:
    """The inputs, from vectors, from the first layer's covariances, or from its variances and correlations."""
    odd = variance.activation.parity == "odd" and variance.sigma_b == 0.0
    given = [name for name, value in (("inputs", inputs), ("gram", gram)) if value is not None]
    others = [name for name, value in (("q", q), ("c", c), ("one_minus_c", one_minus_c)) if value is not None]
    if len(given) > 1 or (given and others):
        raise EocError(f"give inputs, or gram, or q and correlations; got {' and '.join([*given, *others])}")
    if inputs is not None:
        return from_vectors(inputs, odd)
    if gram is not None:
        variances, e, _ = from_gram(gram)
        variances, at = checked_inputs(variances, angle_of(one_minus_c=e))
    else:
        variances, at = _first_layer(variance, q, c, one_minus_c)
    return from_variances(variances, at, variance.sigma_w, variance.sigma_b, odd)


def _first_layer(
    variance: VarianceMap, q: ArrayLike | None, c: ArrayLike | None, one_minus_c: ArrayLike | None
) -> tuple[FloatArray, Angle]:
    given = variance.kept if q is None else q
    if q is None and given == 0.0:
        raise EocError(f"layers of {variance!r} keep no variance but 0: give q, the variance of the first layer")
    if c is not None or one_minus_c is not None:
        return checked_inputs(given, angle_of(c, one_minus_c=one_minus_c))
    q_one = real_number("q, without correlations c or one_minus_c,", given)
    if not (q_one > 0.0 and np.isfinite(q_one)):
        raise EocError(f"the variances of inputs must be finite and > 0, got {q_one:g}")
    return np.array([q_one]), Angle(np.zeros((1, 1)), np.full((1, 1), 2.0))


def exact_sampler(variance: VarianceMap, inputs: Inputs, widths: tuple[int, ...], weights: Weights) -> ExactSampler:
    """The sampler without weight matrices."""
    law = checked_weights(weights)
    return ExactSampler(variance.activation, variance.sigma_w, variance.sigma_b, inputs, widths, law)
