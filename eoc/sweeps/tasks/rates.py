"""The task "rates": the law by which correlations converge with depth, beside what the iterated map does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from eoc.sweeps.task import EOC, Output, Parameter, Point, Task, Values
from eoc.sweeps.tasks.common import NETWORK, NO_YES, ONE_END, SIGMA_B, SIGMA_W, C, Q, along, always, free_problems

if TYPE_CHECKING:
    from eoc.convergence import Measured
    from eoc.maps import CorrelationMap
    from eoc.operating_point import OperatingPoint

__all__ = ["RATES"]

_DEPTH = Parameter("depth", "layers to go", "whole", "l", "layers", least=10, most=2.0**53, default=10**6)
_LAWS = ("1/l", "1/l^2", "exponential", "constant")
_CONSTANT = r"\beta_q"
_OUTPUTS = {
    "law": Output("how 1 - c_l, or off the edge of chaos its distance from 1 - c*, falls with depth", flags=_LAWS),
    **along(
        constant=("constant of the law: of 1/l or 1/l^2, or the layers of an e-folding", _CONSTANT),
        constant_error="bound on the absolute error of constant",
        limit=("correlation at infinite depth; nan where every correlation is kept", "c^*"),
        root=("R of the next orders l + R sqrt(l) + A log(l)", "R"),
        log=("A of the next orders l + R sqrt(l) + A log(l)", "A"),
        crossover=("depth of the crossover from 1/l to 1/l^2; 0 where there is none", "", "", "layers"),
        measured_exponent="exponent that the iterated map shows; nan where it shows none",
        measured_exponent_error="estimate of the error of measured_exponent",
        measured_constant=("constant that the iterated map shows; nan where it shows none", _CONSTANT),
        measured_constant_error="estimate of the error of measured_constant",
        one_minus_correlation=("1 - c_l at the depth", "1 - c_l"),
        one_minus_correlation_error="bound on the absolute error of one_minus_correlation",
        variance=("variance that layers keep", "q"),
        chi_1=("slope of the correlation map at c = 1", r"\chi_1"),
    ),
    "on_edge": Output("whether this is a usable point of the edge of chaos", flags=NO_YES),
}
_SECONDS = 0.03


def _problems(values: Values) -> Iterable[tuple[str, str]]:
    if 1.0 in values.get("c", ()):
        yield "c", "must be less than 1: inputs that are the same stay so"
    yield from free_problems(values)


def _rates(point: Point) -> Mapping[str, ArrayLike | None]:
    from eoc.convergence import convergence_of

    f, place, on_edge = _iterated(point)
    found = convergence_of(f, point["depth"], point["c"])
    law = found.law
    return {
        "law": law.law,
        "constant": law.constant,
        "constant_error": law.error,
        "limit": law.limit,
        "root": law.root,
        "log": law.log,
        "crossover": law.crossover,
        **_measured("measured_exponent", found.exponent),
        **_measured("measured_constant", found.constant),
        "one_minus_correlation": found.one_minus_c[-1],
        "one_minus_correlation_error": found.error[-1],
        "variance": place.q,
        "chi_1": place.chi_1,
        "on_edge": on_edge,
    }


def _iterated(point: Point) -> tuple[CorrelationMap, CorrelationMap | OperatingPoint, bool]:
    """The map, where that is, and whether it is on the edge of chaos."""
    from eoc.layers import Network
    from eoc.maps import CorrelationMap
    from eoc.operating_point import operating_point

    source, sigma_w, sigma_b, q = point["activation"], point["sigma_w"], point["sigma_b"], point.get("q")
    if isinstance(source, Network):
        f = CorrelationMap(source, sigma_w, sigma_b, q)
        return f, f, f.chi_1 == 1.0
    place = operating_point(source, sigma_w=sigma_w, sigma_b=sigma_b, q=q)
    return place.f, place, place.point is not None


def _measured(name: str, measured: Measured | None) -> dict[str, float | None]:
    value, error = (None, None) if measured is None else (measured.value, measured.error)
    return {name: value, f"{name}_error": error}


RATES = Task(
    name="rates",
    about="how fast correlations converge with depth: the law, beside what the iterated map does",
    parameters=(
        NETWORK.but(networks="same"),
        SIGMA_B,
        SIGMA_W.but(required=False, default=EOC),
        Q.but(note=ONE_END),
        _DEPTH,
        C.but(default=0.1),
    ),
    outputs=always(_OUTPUTS),
    run=_rates,
    seconds=always(_SECONDS),
    problems=_problems,
)
