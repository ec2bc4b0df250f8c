"""The tasks "montecarlo/second_layer" and "divergence": networks in which infinite width may have no limit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from eoc.errors import NotPermissibleError
from eoc.sweeps.task import Parameter, Point, Task, Values
from eoc.sweeps.tasks.common import ACTIVATION, SEED, SIGMA_B, SIGMA_W, Q, along, always
from eoc.sweeps.tasks.montecarlo import (
    COMPARED,
    NETWORKS,
    OF_SIGNS,
    QUANTILE,
    QUANTILES,
    WIDTH,
    arguments,
    compared,
    different_widths,
)

if TYPE_CHECKING:
    from eoc.montecarlo import Comparison, Divergence, SecondLayer

__all__ = ["DIVERGENCE", "SECOND_LAYER"]

_COMPARED = compared(itemgetter("comparisons"))

# ---- second_layer: also where K_2 has no mean (phi = 1/x)

_RECIPROCAL = "1/x"
_SECOND_LAYER = (
    ACTIVATION.but(choices=(_RECIPROCAL,)),
    SIGMA_W.but(required=False, default=1.0),
    SIGMA_B,
    Q.but(note=OF_SIGNS),
    WIDTH,
    NETWORKS.but(least=100),
    Parameter("units", "units of the second layer", "whole", units="units", least=1, most=2.0**33, default=1),
    SEED,
)
_OF_SECOND_LAYER = {
    **along(
        "quantile",
        kernel_quantile=("quantiles of K_2 over networks", "K_2"),
        size_quantile=("quantiles of |h_2| over networks and units", "|h_2|"),
    ),
    **along(
        covariance="cov(h_21^2, h_22^2) from K_2; nan where K_2 has no variance",
        covariance_error="standard error of covariance",
        predicted_covariance="theory of covariance",
        covariance_z=("covariance beside theory, in units of what either may be off", "z"),
        units_covariance="cov(h_21^2, h_22^2) from pairs of units; nan if there is one unit",
        units_covariance_error="standard error of units_covariance",
        units_covariance_z=("units_covariance beside theory, in units of what either may be off", "z"),
        log_median="log of the median |h_2| / (sigma_w sqrt(N/q)), 0 for phi = 1/x; nan for others",
        log_median_error="standard error of log_median",
        cauchy_z=("test of h_2 against Cauchy's law for phi = 1/x; nan for others", "z"),
        levy_z=("test of K_2 against Levy's law for phi = 1/x; nan for others", "z"),
    ),
    **_COMPARED,
}


def _second_layer(point: Point) -> Mapping[str, Any]:
    from eoc.montecarlo import RECIPROCAL, second_layer

    reciprocal = point["activation"] == _RECIPROCAL
    found = second_layer(**{**arguments(point, _SECOND_LAYER), **({"activation": RECIPROCAL} if reciprocal else {})})
    comparisons = _comparisons(found, reciprocal)
    return {
        **dict.fromkeys(_OF_SECOND_LAYER),
        "kernel_quantile": np.quantile(found.kernel, QUANTILES),
        "size_quantile": np.quantile(np.abs(found.h), QUANTILES),
        **(_of_reciprocal(comparisons) if reciprocal else _of_covariance(comparisons)),
        "comparisons": comparisons,
    }


def _comparisons(found: SecondLayer, reciprocal: bool) -> tuple[Comparison, ...]:
    """Those that theory has for it."""
    from eoc.montecarlo import cauchy_comparisons, covariance_comparisons

    if reciprocal:
        return cauchy_comparisons(found) if found.sigma_b == 0.0 else ()
    try:
        return covariance_comparisons(found)
    except NotPermissibleError:  # K_2 has no variance
        return ()


def _of_reciprocal(comparisons: tuple[Comparison, ...]) -> dict[str, float]:
    if not comparisons:
        return {}
    median, units, kernel = comparisons
    return {
        "log_median": median.measured,
        "log_median_error": median.standard_error,
        "cauchy_z": units.z,
        "levy_z": kernel.z,
    }


def _of_covariance(comparisons: tuple[Comparison, ...]) -> dict[str, float]:
    outputs: dict[str, float] = {}
    for name, one in zip(("covariance", "units_covariance"), comparisons, strict=False):
        outputs |= {name: one.measured, f"{name}_error": one.standard_error, f"{name}_z": one.z}
        outputs["predicted_covariance"] = one.theory
    return outputs


def _second_layer_bytes(point: Point) -> float:
    return 24.0 * float(point["networks"]) * (float(point["units"]) + 2.0) + 64.0 * max(float(point["width"]), 2.0**14)


SECOND_LAYER = Task(
    name="montecarlo/second_layer",
    about="units of the second layer of finite networks, for phi = 1/x too, beside exact laws",
    parameters=_SECOND_LAYER,
    outputs=always(_OF_SECOND_LAYER),
    run=_second_layer,
    seconds=lambda point: 0.01 + 3e-8 * float(point["networks"]) * (float(point["width"]) + float(point["units"])),
    bytes=_second_layer_bytes,
    coordinates=always({"quantile": QUANTILE}),
    random=True,
)

# ---- divergence: phi = exp(a x^2), whose variance map does not exist

_DIVERGENCE = (
    Parameter("a", "a of phi(x) = exp(a x^2)", symbol="a", least=0.0, above=True, default=0.5),
    SIGMA_W.but(above=True, required=False, default=1.0, eoc=False),
    SIGMA_B,
    Q.but(about="variance of the first layer, at least 1/(4a)", note=OF_SIGNS),
    NETWORKS,
    SEED,
    WIDTH.but(least=10, inner=True),
)
_SIZE = r"K_2 - \sigma_b^2"
_LAPLACE = r"E \exp(-(K_2 - \sigma_b^2) / k_N)"


def _of_comparisons(name: str) -> Callable[[Divergence], list[float]]:
    return lambda found: [getattr(one, name) for one in found.comparisons]


_OF_DIVERGENCE = {
    **along(
        "width",
        median=("median of K_2 - sigma_b^2 over networks", _SIZE),
        median_low=("lower end of the 95 % interval of median", _SIZE, "low"),
        median_high=("upper end of the 95 % interval of median", _SIZE, "high"),
        scale=("k_N, how large theory says that K_2 - sigma_b^2 is", "k_N"),
        laplace=("mean of exp(-(K_2 - sigma_b^2) / k_N) over networks", _LAPLACE, _of_comparisons("measured")),
        laplace_error=("standard error of laplace", "", _of_comparisons("standard_error")),
        predicted_laplace=("exact value of laplace", _LAPLACE, _of_comparisons("theory")),
        laplace_z=("laplace beside theory, in units of what either may be off", "z", _of_comparisons("z")),
    ),
    **along(
        exponent="exponent of N in the median, over these widths",
        predicted_exponent="exponent of N in scale, over these widths",
        limiting_exponent="4 a q - 1, where both end as N grows",
    ),
    **COMPARED,
}


def _divergence_problems(values: Values) -> Iterable[tuple[str, str]]:
    yield from different_widths(values)
    largest = {name: max(values[name]) for name in ("a", "sigma_w", "sigma_b", "q") if values.get(name)}
    q = largest.get("q", largest.get("sigma_w", 1.0) ** 2 + largest.get("sigma_b", 0.0) ** 2)
    a = largest.get("a", 0.5)
    if q < 0.25 / a:
        yield (
            "q" if "q" in values else "a",
            f"at q = {q:g} < 1/(4a) = {0.25 / a:g} the variance map exists: raise q or a",
        )


def _divergence(point: Point) -> Divergence:
    from eoc.montecarlo import divergence

    given = arguments(point, _DIVERGENCE)
    return divergence(widths=given.pop("width"), **given)


DIVERGENCE = Task(
    name="montecarlo/divergence",
    about="networks with phi = exp(a x^2), whose variance map does not exist, beside exact laws",
    parameters=_DIVERGENCE,
    outputs=always(_OF_DIVERGENCE),
    run=_divergence,
    seconds=lambda point: 0.02 + 1e-7 * float(point["networks"]) * float(np.sum(point["width"])),
    bytes=lambda point: 8.0 * float(point["networks"]) * (2.0 * np.size(point["width"]) + 6.0),
    problems=_divergence_problems,
    random=True,
)
