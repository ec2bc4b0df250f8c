"""The task "edge_of_chaos": the best point of the edge of chaos with one given quantity, or the recommended one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from eoc.sweeps.task import Output, Parameter, Task, Values
from eoc.sweeps.tasks.common import (
    ACTIVATION,
    NO_YES,
    SIGMA_B,
    SIGMA_W,
    Q,
    always,
    flag,
    not_given,
    optional,
    with_errors,
)

if TYPE_CHECKING:
    from eoc.criticality import EocPoint

__all__ = ["EDGE_OF_CHAOS", "LAWS", "REASONS"]

LAWS = ("1/l", "1/l^2", "constant")
REASONS = ("found", "homogeneous", "unstable", "no solution", "infinite chi_1")
_STABILITIES = ("stable", "marginal", "unstable")
_SECONDS = 0.005

_QUESTIONS = (
    optional(SIGMA_B),
    optional(Q, about="variance that layers keep", above=False, note=""),
    optional(SIGMA_W, above=True, eoc=False),
    Parameter(
        "correlation_depth", "depth after which correlations are forgotten", units="layers", least=0.0, above=True
    ),
)
_NAMES = ", ".join(parameter.name for parameter in _QUESTIONS)
_NUMBERS = {
    "sigma_b": Output(SIGMA_B.about, symbol=SIGMA_B.symbol),
    "sigma_w": Output(SIGMA_W.about, symbol=SIGMA_W.symbol),
    "q": Output("variance that layers keep", symbol="q"),
    "slope": Output("F'(q), the factor by which distances from q shrink in a layer", symbol="F'(q)"),
    "constant": Output("constant of the law: 1 - c_l ~ constant / l or constant / l^2", symbol=r"\beta_q"),
}
_OUTPUTS = {
    **with_errors(_NUMBERS),
    "depth_scale": Output("depth at which the law comes to 1: correlations are forgotten", "layers", r"\beta_q"),
    "law": Output("how 1 - c_l falls with depth", flags=LAWS),
    "stability": Output("of the variance that is kept", flags=_STABILITIES),
    "any_q": Output("whether every variance is kept", flags=NO_YES),
    "points": Output("points that solve the equations, usable or not", kind="whole"),
    "usable_points": Output("points that can be used", kind="whole"),
    "reason": Output("whether there is a usable point, and if not, which kind of none", flags=REASONS),
}


def _outputs(values: Values) -> Mapping[str, Output]:
    return not_given(values, _OUTPUTS)


def _problems(values: Values) -> Iterable[tuple[str, str]]:
    given = [parameter.name for parameter in _QUESTIONS if parameter.name in values]
    for name in given[1:]:
        yield name, f"give at most one of {_NAMES}: {given[0]} is given already"


def _compute(point: Mapping[str, Any]) -> Mapping[str, ArrayLike]:
    from eoc.criticality import edge_of_chaos

    question = {parameter.name: point[parameter.name] for parameter in _QUESTIONS if parameter.name in point}
    found = edge_of_chaos(point["activation"], **question)
    outputs = {
        **_of_point(None if found.reason is not None else found.best),
        "points": len(found.points),
        "usable_points": sum(one.usable for one in found.points),
        "reason": flag("found" if found.reason is None else found.reason, REASONS),
    }
    return not_given(question, outputs)


def _of_point(best: EocPoint | None) -> dict[str, ArrayLike]:
    if best is None:
        return {name: output.missing for name, output in _OUTPUTS.items()}
    names = [name for name in with_errors(_NUMBERS) if not name.startswith("constant")]
    return {
        **{name: getattr(best, name) for name in names},
        "constant": best.law.constant,
        "constant_error": best.law.error,
        "depth_scale": best.law.depth,
        "law": flag(best.law.law, LAWS),
        "stability": flag(best.stability, _STABILITIES),
        "any_q": int(best.any_q),
    }


EDGE_OF_CHAOS = Task(
    name="edge_of_chaos",
    about="the best point of the edge of chaos with one given quantity, or the recommended one",
    parameters=(ACTIVATION, *_QUESTIONS),
    outputs=_outputs,
    compute=_compute,
    seconds=always(_SECONDS),
    problems=_problems,
    rule=f"at most one of {_NAMES}; none of them: the recommended point",
)
