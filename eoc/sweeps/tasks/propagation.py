"""The task "propagation": two inputs, layer by layer at infinite width."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import ArrayLike

from eoc.sweeps.task import EOC, Parameter, Point, Task, Values
from eoc.sweeps.tasks.common import (
    NETWORK,
    OF_FREE,
    ONE_MINUS_C,
    SIGMA_B,
    SIGMA_W,
    C,
    Q,
    along,
    always,
    increasing,
    sigma_problems,
    with_errors,
)

__all__ = ["PROPAGATION"]

_Q2 = Q.but(name="q2", about="variance of the first layer for the second input", note="left out: that of the first")
_DEPTH = Parameter(
    "depth", "layer that is recorded, from 0", "whole", "l", "layers", least=0, most=2.0**53, required=True, inner=True
)
_CHI = "by which the second moment of gradients grows in a layer"
_LOG_GRADIENT = "logarithm of the gradient's second moment over that of the last layer"
_OUTPUTS = {
    **with_errors(
        along(
            "depth",
            variance=("variance of the first input", "q_l"),
            variance_2=("variance of the second input", "q_l"),
            one_minus_correlation=("1 - c_l, with digits of its own where c_l is close to 1", "1 - c_l"),
        )
    ),
    **along(
        "depth",
        chi=(f"{_CHI}, first input", r"\chi"),
        chi_2=(f"{_CHI}, second input", r"\chi"),
        log_gradient=(f"{_LOG_GRADIENT}, first input", r"\log \nabla^2"),
        log_gradient_2=(f"{_LOG_GRADIENT}, second input", r"\log \nabla^2"),
    ),
}
_ARRIVED = 100.0  # layers that variances take to settle, about
_LAYER_SECONDS = 8e-3  # on the way there; afterwards any depth costs the same
_START_SECONDS = 0.02


def _problems(values: Values) -> Iterable[tuple[str, str]]:
    if "c" not in values and "one_minus_c" not in values:
        yield "c", "give c or one_minus_c: the correlation of the two inputs"
    if "c" in values and "one_minus_c" in values:
        yield "one_minus_c", "give only one of c and one_minus_c"
    yield from increasing(values, "depth")
    yield from sigma_problems(values)
    if "q2" in values and "q" not in values and any(value != EOC for value in values.get("sigma_w", ())):
        yield "q2", "give q, the variance of the first input, too"


def _propagation(point: Point) -> Mapping[str, ArrayLike]:
    from eoc.propagation import propagate

    q = point.get("q")
    found = propagate(
        point["activation"],
        point.get("sigma_w"),
        point["sigma_b"],
        q=None if q is None else [q, point.get("q2", q)],
        c=point.get("c"),
        one_minus_c=point.get("one_minus_c"),
        depth=point["depth"],
    )
    return {
        "variance": found.q[:, 0],
        "variance_error": found.q_error[:, 0],
        "variance_2": found.q[:, 1],
        "variance_2_error": found.q_error[:, 1],
        "one_minus_correlation": found.one_minus_c[:, 0, 1],
        "one_minus_correlation_error": found.error[:, 0, 1],
        "chi": found.chi[:, 0],
        "chi_2": found.chi[:, 1],
        "log_gradient": found.log_gradient[:, 0],
        "log_gradient_2": found.log_gradient[:, 1],
    }


def _seconds(point: Point) -> float:
    on_their_way = min(float(np.max(point["depth"])), _ARRIVED) if "q" in point else 0.0
    return _START_SECONDS + _LAYER_SECONDS * on_their_way


PROPAGATION = Task(
    name="propagation",
    about="variances, correlation and gradients of two inputs, layer by layer at infinite width",
    parameters=(NETWORK, SIGMA_W.but(required=False, note=OF_FREE), SIGMA_B, Q, _Q2, C, ONE_MINUS_C, _DEPTH),
    outputs=always(_OUTPUTS),
    run=_propagation,
    seconds=_seconds,
    problems=_problems,
    rule="exactly one of c and one_minus_c; q2 with q only",
)
