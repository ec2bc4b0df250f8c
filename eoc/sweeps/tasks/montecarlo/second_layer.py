"""The task "montecarlo/second_layer": the second layer, also where infinite width has no limit (phi = 1/x)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from eoc.errors import NotPermissibleError
from eoc.sweeps.task import Output, Parameter, Task
from eoc.sweeps.tasks.common import ACTIVATION, SEED, SIGMA_B, SIGMA_W, Q, always
from eoc.sweeps.tasks.montecarlo.common import COMPARED, NETWORKS, OF_SIGNS, QUANTILE, QUANTILES, WIDTH, asked, compared

if TYPE_CHECKING:
    from eoc.montecarlo import Comparison, SecondLayer

__all__ = ["SECOND_LAYER"]

_RECIPROCAL = "1/x"
_ARGUMENTS = (
    dataclasses.replace(SIGMA_W, required=False, default=1.0),
    SIGMA_B,
    dataclasses.replace(Q, note=OF_SIGNS),
    WIDTH,
    dataclasses.replace(NETWORKS, least=100),
    Parameter("units", "units of the second layer", "whole", "units", least=1, most=2.0**33, default=1),
    SEED,
)
_OUTPUTS = {
    "kernel_quantile": Output("quantiles of K_2 over networks", dims=("quantile",), symbol="K_2"),
    "size_quantile": Output("quantiles of |h_2| over networks and units", dims=("quantile",), symbol="|h_2|"),
    "covariance": Output("cov(h_21^2, h_22^2) from K_2; nan where K_2 has no variance"),
    "covariance_error": Output("standard error of covariance"),
    "predicted_covariance": Output("theory of covariance"),
    "covariance_z": Output("covariance beside theory, in units of what either may be off", symbol="z"),
    "units_covariance": Output("cov(h_21^2, h_22^2) from pairs of units; nan if there is one unit"),
    "units_covariance_error": Output("standard error of units_covariance"),
    "units_covariance_z": Output("units_covariance beside theory, in units of what either may be off", symbol="z"),
    "log_median": Output("log of the median |h_2| / (sigma_w sqrt(N/q)), 0 for phi = 1/x; nan for others"),
    "log_median_error": Output("standard error of log_median"),
    "cauchy_z": Output("test of h_2 against Cauchy's law for phi = 1/x; nan for others", symbol="z"),
    "levy_z": Output("test of K_2 against Levy's law for phi = 1/x; nan for others", symbol="z"),
    **COMPARED,
}


def _compute(point: Mapping[str, Any]) -> Mapping[str, ArrayLike]:
    from eoc.montecarlo import RECIPROCAL, second_layer

    phi = RECIPROCAL if point["activation"] == _RECIPROCAL else point["activation"]
    found = second_layer(phi, **asked(point, (parameter.name for parameter in _ARGUMENTS)))
    comparisons = _comparisons(found)
    reciprocal = phi is RECIPROCAL
    return {
        **dict.fromkeys(_OUTPUTS, float("nan")),
        "kernel_quantile": np.quantile(found.kernel, QUANTILES),
        "size_quantile": np.quantile(np.abs(found.h), QUANTILES),
        **(_of_reciprocal(comparisons) if reciprocal else _of_covariance(comparisons)),
        **compared(comparisons),
    }


def _comparisons(found: SecondLayer) -> tuple[Comparison, ...]:
    """Those that theory has for it."""
    from eoc.montecarlo import RECIPROCAL, cauchy_comparisons, covariance_comparisons

    if found.activation is RECIPROCAL:
        return cauchy_comparisons(found) if found.sigma_b == 0.0 else ()
    try:
        return covariance_comparisons(found)
    except NotPermissibleError:  # K_2 has no variance
        return ()


def _of_reciprocal(comparisons: tuple[Comparison, ...]) -> dict[str, ArrayLike]:
    if not comparisons:
        return {}
    median, units, kernel = comparisons
    return {
        "log_median": median.measured,
        "log_median_error": median.standard_error,
        "cauchy_z": units.z,
        "levy_z": kernel.z,
    }


def _of_covariance(comparisons: tuple[Comparison, ...]) -> dict[str, ArrayLike]:
    outputs: dict[str, ArrayLike] = {}
    for name, one in zip(("covariance", "units_covariance"), comparisons, strict=False):
        outputs |= {name: one.measured, f"{name}_error": one.standard_error, f"{name}_z": one.z}
        outputs["predicted_covariance"] = one.theory
    return outputs


def _seconds(point: Mapping[str, Any]) -> float:
    return 0.01 + 3e-8 * float(point["networks"]) * (float(point["width"]) + float(point["units"]))


def _bytes(point: Mapping[str, Any]) -> float:
    return 24.0 * float(point["networks"]) * (float(point["units"]) + 2.0) + 64.0 * max(float(point["width"]), 2.0**14)


SECOND_LAYER = Task(
    name="montecarlo/second_layer",
    about="units of the second layer of finite networks, for phi = 1/x too, beside exact laws",
    parameters=(dataclasses.replace(ACTIVATION, choices=(_RECIPROCAL,)), *_ARGUMENTS),
    outputs=always(_OUTPUTS),
    compute=_compute,
    seconds=_seconds,
    bytes=_bytes,
    coordinates=always({"quantile": QUANTILE}),
    random=True,
)
