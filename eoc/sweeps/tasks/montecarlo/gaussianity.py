"""The task "montecarlo/gaussianity": how far units of finite networks are from Gaussian."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import ArrayLike

from eoc.sweeps.task import Task
from eoc.sweeps.tasks.common import always
from eoc.sweeps.tasks.montecarlo.common import (
    COMPARED,
    ONE_INPUT,
    by_layer,
    compared,
    layers,
    networks_bytes,
    networks_seconds,
    one_input,
    weights_problems,
    z_by_layer,
)

__all__ = ["GAUSSIANITY"]

_KURTOSIS = r"\kappa_l"
_OUTPUTS = {
    **by_layer(
        {
            "kurtosis_of_units": ("excess kurtosis of units over networks", _KURTOSIS),
            "kurtosis_of_units_error": ("standard error of kurtosis_of_units", ""),
            "kurtosis_of_units_z": ("kurtosis_of_units beside theory, in units of what either may be off", "z"),
            "kurtosis_of_kernel": ("excess kurtosis from mean and variance of K_l", _KURTOSIS),
            "kurtosis_of_kernel_error": ("standard error of kurtosis_of_kernel", ""),
            "kurtosis_of_kernel_z": ("kurtosis_of_kernel beside theory, in units of what either may be off", "z"),
            "predicted_kurtosis": ("theory of both", _KURTOSIS),
            "kurtosis_truncation": ("what predicted_kurtosis may be off", ""),
        }
    ),
    **COMPARED,
}


def _compute(point: Mapping[str, Any]) -> Mapping[str, ArrayLike]:
    from eoc.montecarlo import gaussianity

    found = gaussianity(**one_input(point), workers=1)
    comparisons, depth = found.comparisons, point["depth"]
    return {
        "kurtosis_of_units": found.units.value,
        "kurtosis_of_units_error": found.units.error,
        "kurtosis_of_units_z": z_by_layer(comparisons, "excess kurtosis from units", depth),
        "kurtosis_of_kernel": found.kernel.value,
        "kurtosis_of_kernel_error": found.kernel.error,
        "kurtosis_of_kernel_z": z_by_layer(comparisons, "excess kurtosis from K_l", depth),
        "predicted_kurtosis": found.theory.kurtosis,
        "kurtosis_truncation": found.truncation,
        **compared(comparisons),
    }


GAUSSIANITY = Task(
    name="montecarlo/gaussianity",
    about="how far units of finite networks are from Gaussian, beside theory",
    parameters=ONE_INPUT,
    outputs=always(_OUTPUTS),
    compute=_compute,
    seconds=networks_seconds,
    bytes=networks_bytes,
    problems=weights_problems,
    coordinates=layers,
    random=True,
)
