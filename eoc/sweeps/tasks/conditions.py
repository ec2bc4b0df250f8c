"""The task "conditions": condition numbers of the kernels of plain networks with depth, beside their laws."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import ArrayLike

from eoc.sweeps.task import Output, Parameter, Point, Task, Values
from eoc.sweeps.tasks.common import (
    ACTIVATION,
    ONE_END,
    SIGMA_B,
    SIGMA_W,
    C,
    Q,
    along,
    always,
    increasing,
    with_errors,
)

__all__ = ["CONDITIONS"]

_DEPTH = Parameter(
    "depth", "activations that inputs go through", "whole", "l", "layers", least=0, most=1e4, required=True, inner=True
)
_INPUTS = Parameter("inputs", "inputs, each two of which have the correlation c", "whole", "m", least=2, most=1e9)
_PHASES = ("ordered", "edge", "chaotic", "constant")
_TO_LEADING_ORDER = "to leading order at large depth; nan where there is no law"
_OUTPUTS = {
    **with_errors(
        along(
            "depth",
            nngp=("condition number of the NNGP", r"\kappa(K)"),
            ntk=("condition number of the NTK", r"\kappa(\Theta)"),
        )
    ),
    **along(
        "depth",
        nngp_law=(f"nngp {_TO_LEADING_ORDER}", r"\kappa(K)"),
        ntk_law=(f"ntk {_TO_LEADING_ORDER}", r"\kappa(\Theta)"),
    ),
    **along(
        variance=("variance that layers keep", "q"),
        chi_1=("slope of the correlation map at c = 1", r"\chi_1"),
    ),
    "phase": Output("in which phase the network is", flags=_PHASES),
}
_START_SECONDS, _LAYER_SECONDS = 0.05, 4e-5


def _problems(values: Values) -> Iterable[tuple[str, str]]:
    yield from increasing(values, "depth")
    most = max(values.get("inputs", (2.0,)))
    for c in values.get("c", ()):
        if not -1.0 / (most - 1.0) < c < 1.0:
            yield "c", f"must lie between -1/(m - 1) and 1 for m = {most:g} inputs, got {c:g}"
            return


def _conditions(point: Point) -> Mapping[str, ArrayLike]:
    from eoc.kernels import condition_numbers

    depths = np.atleast_1d(point["depth"])
    found = condition_numbers(
        point["activation"],
        point["sigma_w"],
        point["sigma_b"],
        inputs=int(point["inputs"]),
        depth=depths,
        c=point["c"],
        q=point.get("q"),
    )
    return {
        **{name: getattr(found, name) for name in ("nngp", "nngp_error", "ntk", "ntk_error")},
        "nngp_law": found.law.nngp(found.depth),
        "ntk_law": found.law.ntk(found.depth),
        "variance": found.f.q,
        "chi_1": found.f.chi_1,
        "phase": found.law.phase,
    }


def _seconds(point: Point) -> float:
    return _START_SECONDS + _LAYER_SECONDS * float(np.max(point["depth"]))


CONDITIONS = Task(
    name="conditions",
    about="condition numbers of NNGP and NTK with depth, beside their laws in the three phases",
    parameters=(
        ACTIVATION,
        SIGMA_W,
        SIGMA_B,
        Q.but(note=ONE_END),
        C.but(default=0.1),
        _INPUTS.but(default=10),
        _DEPTH,
    ),
    outputs=always(_OUTPUTS),
    run=_conditions,
    seconds=_seconds,
    problems=_problems,
)
