"""The task "montecarlo/divergence": networks with phi = exp(a x^2), whose variance map does not exist."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from eoc.sweeps.task import Output, Parameter, Task, Values
from eoc.sweeps.tasks.common import SEED, SIGMA_B, SIGMA_W, Q, always
from eoc.sweeps.tasks.montecarlo.common import COMPARED, NETWORKS, OF_SIGNS, WIDTH, asked, compared, different_widths

__all__ = ["DIVERGENCE"]

_ARGUMENTS = (
    Parameter("a", "a of phi(x) = exp(a x^2)", symbol="a", least=0.0, above=True, default=0.5),
    dataclasses.replace(SIGMA_W, above=True, required=False, default=1.0, eoc=False),
    SIGMA_B,
    dataclasses.replace(Q, about="variance of the first layer, at least 1/(4a)", note=OF_SIGNS),
    NETWORKS,
    SEED,
)
_WIDTH = dataclasses.replace(WIDTH, least=10, inner=True)
_OVER = ("width",)
_SIZE = r"K_2 - \sigma_b^2"
_LAPLACE = r"E \exp(-(K_2 - \sigma_b^2) / k_N)"
_OUTPUTS = {
    "median": Output("median of K_2 - sigma_b^2 over networks", symbol=_SIZE, dims=_OVER),
    "median_low": Output("lower end of the 95 % interval of median", symbol=_SIZE, dims=_OVER),
    "median_high": Output("upper end of the 95 % interval of median", symbol=_SIZE, dims=_OVER),
    "scale": Output("k_N, how large theory says that K_2 - sigma_b^2 is", symbol="k_N", dims=_OVER),
    "laplace": Output("mean of exp(-(K_2 - sigma_b^2) / k_N) over networks", symbol=_LAPLACE, dims=_OVER),
    "laplace_error": Output("standard error of laplace", dims=_OVER),
    "predicted_laplace": Output("exact value of laplace", symbol=_LAPLACE, dims=_OVER),
    "laplace_z": Output("laplace beside theory, in units of what either may be off", symbol="z", dims=_OVER),
    "exponent": Output("exponent of N in the median, over these widths"),
    "predicted_exponent": Output("exponent of N in scale, over these widths"),
    "limiting_exponent": Output("4 a q - 1, where both end as N grows"),
    **COMPARED,
}


def _problems(values: Values) -> Iterable[tuple[str, str]]:
    yield from different_widths(values)
    largest = {name: max(values[name]) for name in ("a", "sigma_w", "sigma_b", "q") if values.get(name)}
    q = largest.get("q", largest.get("sigma_w", 1.0) ** 2 + largest.get("sigma_b", 0.0) ** 2)
    a = largest.get("a", 0.5)
    if q < 0.25 / a:
        yield (
            "q" if "q" in values else "a",
            f"at q = {q:g} < 1/(4a) = {0.25 / a:g} the variance map exists: raise q or a",
        )


def _compute(point: Mapping[str, Any]) -> Mapping[str, ArrayLike]:
    from eoc.montecarlo import divergence

    found = divergence(**asked(point, (parameter.name for parameter in _ARGUMENTS)), widths=point["width"])
    comparisons = found.comparisons
    return {
        "median": found.median,
        "median_low": found.low,
        "median_high": found.high,
        "scale": found.scale,
        "laplace": [one.measured for one in comparisons],
        "laplace_error": [one.standard_error for one in comparisons],
        "predicted_laplace": [one.theory for one in comparisons],
        "laplace_z": [one.z for one in comparisons],
        "exponent": found.exponent,
        "predicted_exponent": found.predicted_exponent,
        "limiting_exponent": found.limiting_exponent,
        **compared(comparisons),
    }


def _seconds(point: Mapping[str, Any]) -> float:
    return 0.02 + 1e-7 * float(point["networks"]) * float(np.sum(point["width"]))


def _bytes(point: Mapping[str, Any]) -> float:
    return 8.0 * float(point["networks"]) * (2.0 * np.size(point["width"]) + 6.0)


DIVERGENCE = Task(
    name="montecarlo/divergence",
    about="networks with phi = exp(a x^2), whose variance map does not exist, beside exact laws",
    parameters=(*_ARGUMENTS, _WIDTH),
    outputs=always(_OUTPUTS),
    compute=_compute,
    seconds=_seconds,
    bytes=_bytes,
    problems=_problems,
    random=True,
)
