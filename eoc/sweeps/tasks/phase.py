"""The tasks "phase", one place, and "phase_diagram", a row of places with one sigma_b."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from eoc.sweeps.task import Output, Point, Task, Values
from eoc.sweeps.tasks.common import (
    NETWORK,
    OF_FREE,
    ONE_END,
    SIGMA_B,
    SIGMA_W,
    Q,
    along,
    always,
    free_problems,
    increasing,
    sigma_problems,
    with_errors,
)

if TYPE_CHECKING:
    from eoc.phase import Phase

__all__ = ["PHASE", "PHASE_DIAGRAM"]

_PHASES = ("ordered", "chaotic", "critical", "divergent", "several")
_BLOCK = NETWORK.but(networks="same")
_Q = Output("variance that layers keep, the lowest of them; inf where variances diverge", "q^*", "q")
_FIELDS = along(
    slope=("F'(q*), the factor by which distances from q* shrink in a layer", "F'(q^*)"),
    chi_1=(
        "slope of the correlation map at c = 1, by which the second moment of gradients grows in a layer",
        r"\chi_1",
    ),
    c_star=("correlation at infinite depth; nan where every correlation is kept or variances diverge", "c^*"),
    xi_q=("layers in which distances from q* fall by e", r"\xi_q", "", "layers"),
    xi_c=("layers in which distances from c* fall by e", r"\xi_c", "", "layers"),
    xi_grad=(
        "layers in which the second moment of gradients falls by e; negative where it grows",
        r"\xi_\nabla",
        "",
        "layers",
    ),
)
_ROW = {
    **with_errors({"q": _Q, **_FIELDS}),
    "one_minus_c_star": Output("1 - c*, with digits of its own where c* is close to 1", "1 - c^*"),
    "ends": Output("number of variances inputs may end at, infinity included", kind="whole"),
    "phase": Output("phase", flags=_PHASES),
}
_ALONG = {name: output.but(dims=("sigma_w",)) for name, output in _ROW.items()}
_PLACE = {
    **with_errors({"q_star": _Q.but(about="variance that layers keep; inf where it diverges")}),
    **with_errors(_FIELDS),
    "phase": Output("phase", flags=_PHASES[:4]),
}
_SECONDS = 0.02
_ROW_SECONDS = 0.008
_CELL_SECONDS = 1e-5
_BLOCK_FACTOR = 5.0  # of networks of layers


def _row(point: Point) -> Mapping[str, Any]:
    from eoc.phase import phase_diagram

    found = phase_diagram(point["activation"], point["sigma_w"], [point["sigma_b"]])
    return {name: found[name].values[0] for name in _ROW}


def _place(point: Point) -> Phase:
    from eoc.phase import phase_of

    return phase_of(point["activation"], point.get("sigma_w"), point["sigma_b"], point.get("q"))


def _row_problems(values: Values) -> Iterable[tuple[str, str]]:
    yield from increasing(values, "sigma_w")
    yield from free_problems(values)


def _row_seconds(point: Point) -> float:
    from eoc.layers import is_network

    factor = _BLOCK_FACTOR if is_network(point["activation"]) else 1.0
    return factor * (_ROW_SECONDS + _CELL_SECONDS * np.size(point["sigma_w"]))


PHASE_DIAGRAM = Task(
    name="phase_diagram",
    about="phase, fixed points and depth scales at many sigma_w, for one sigma_b at a time",
    parameters=(_BLOCK, SIGMA_B, SIGMA_W.but(above=True, eoc=False, inner=True)),
    outputs=always(_ALONG),
    run=_row,
    seconds=_row_seconds,
    problems=_row_problems,
)

PHASE = Task(
    name="phase",
    about="phase, fixed points and depth scales at one (sigma_w, sigma_b)",
    parameters=(_BLOCK, SIGMA_W.but(required=False, note=OF_FREE), SIGMA_B, Q.but(note=ONE_END)),
    outputs=always(_PLACE),
    run=_place,
    seconds=always(_SECONDS),
    problems=sigma_problems,
)
