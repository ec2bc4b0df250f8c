"""Moments of an activation at single points: of variances of any size, and their derivatives."""

from __future__ import annotations

import numpy as np

from eoc.activations.base import Activation
from eoc.errors import EocError
from eoc.floats import FloatArray, extremes
from eoc.gaussian.moments import Estimate, moments

__all__ = ["STEP", "by_differences", "moments_at"]

STEP = 1e-3  #: relative step of the logarithmic slopes, which errors are multiplied by
_OF_DIFFERENCES = 1e-8  # claimed; they are off by about 1e-12 for step^4, and as much for rounding
_Q_RANGE = (1e-280, 1e280)


def moments_at(phi: Activation, q: FloatArray, names: tuple[str, ...], *, strict: bool) -> dict[str, Estimate]:
    """Moments at variances of any size; unless ``strict``, those that do not exist are NaN."""
    least, most = extremes(q) if q.size else _Q_RANGE
    if least >= _Q_RANGE[0] and most <= _Q_RANGE[1]:
        return moments(phi, q, names, strict=strict)
    inside = (q == 0.0) | ((q >= _Q_RANGE[0]) & (q <= _Q_RANGE[1]))
    if inside.all():
        return moments(phi, q, names, strict=strict)
    if strict:
        raise EocError(
            f"the variance before {phi.name} is {q[~inside].flat[0]:.3g}: scale or normalise what comes before"
        )
    out = {name: Estimate(np.full(q.shape, np.nan), np.full(q.shape, np.inf)) for name in names}
    for name, found in moments(phi, q[inside], names, strict=False).items():
        out[name].value[inside], out[name].error[inside] = found.value, found.error
    return out


def by_differences(phi: Activation, q: FloatArray, name: str, size: FloatArray | float, *, strict: bool) -> Estimate:
    """The derivative by q of a moment, analytic in q, from four nearby variances; ``size`` is added to its own."""
    steps = np.array([-2.0, -1.0, 1.0, 2.0]) * STEP
    around = moments_at(phi, np.multiply.outer(1.0 + steps, q), (name,), strict=strict)[name]
    weights = np.array([1.0, -8.0, 8.0, -1.0]) / 12.0
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = (np.abs(around.value).max(axis=0) + size) / q
        return Estimate(np.tensordot(weights, around.value, 1) / (STEP * q), relative * _OF_DIFFERENCES)
