"""The task "montecarlo/length_process": how variances of finite networks stray from the variance map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from eoc.sweeps.task import Output, Parameter, Task, Values
from eoc.sweeps.tasks.montecarlo.common import (
    COMPARED,
    ONE_INPUT,
    QUANTILES,
    asked,
    by_layer,
    compared,
    layers_and_quantiles,
    networks_bytes,
    networks_seconds,
    one_input,
    weights_problems,
    z_by_layer,
)

if TYPE_CHECKING:
    from eoc.montecarlo import LengthProcess

__all__ = ["LENGTH_PROCESS"]

_EPS = Parameter(
    "eps",
    "distance from q~_l",
    symbol=r"\epsilon",
    least=0.0,
    above=True,
    inner=True,
    note="left out: no shares of networks beyond it",
)
_OUTPUTS = {
    **by_layer(
        {
            "variance": ("variance at infinite width, q~_l", r"\tilde q_l"),
            "variance_error": ("bound on the absolute error of variance", ""),
            "difference": ("mean of q_l - q~_l over networks", r"E[q_l - \tilde q_l]"),
            "difference_error": ("standard error of difference", ""),
            "predicted_difference": ("theory of difference", r"E[q_l - \tilde q_l]"),
            "difference_truncation": ("what predicted_difference may be off", ""),
            "difference_z": ("difference beside theory, in units of what either may be off", "z"),
            "rms": ("sqrt(N) rms of q_l - q~_l over networks", r"\sqrt{N} \mathrm{rms}(q_l - \tilde q_l)"),
            "rms_error": ("standard error of rms", ""),
            "predicted_rms": ("theory of rms", r"\sqrt{N} \mathrm{rms}(q_l - \tilde q_l)"),
            "rms_truncation": ("what predicted_rms may be off", ""),
            "rms_z": ("rms beside theory, in units of what either may be off", "z"),
        }
    ),
    "difference_quantile": Output(
        "quantiles of q_l - q~_l over networks", dims=("layer", "quantile"), symbol=r"q_l - \tilde q_l"
    ),
    **COMPARED,
}
_BEYOND = {
    "beyond": Output("share of networks with |q_l - q~_l| > eps", dims=("layer", "eps"), symbol=r"P"),
    "beyond_low": Output("lower end of the 95 % interval of beyond", dims=("layer", "eps")),
    "beyond_high": Output("upper end of the 95 % interval of beyond", dims=("layer", "eps")),
    "predicted_beyond": Output("beyond if q_l were Gaussian", dims=("layer", "eps"), symbol=r"P"),
    "ever_beyond": Output("share of networks with |q_l - q~_l| > eps in some layer", dims=("eps",), symbol=r"P"),
    "ever_beyond_low": Output("lower end of the 95 % interval of ever_beyond", dims=("eps",)),
    "ever_beyond_high": Output("upper end of the 95 % interval of ever_beyond", dims=("eps",)),
    "predicted_ever_beyond_low": Output("lower bound on ever_beyond if q_l were Gaussian", dims=("eps",)),
    "predicted_ever_beyond_high": Output("upper bound on ever_beyond if q_l were Gaussian", dims=("eps",)),
}


def _outputs(values: Values) -> Mapping[str, Output]:
    return {**_OUTPUTS, **_BEYOND} if "eps" in values else _OUTPUTS


def _compute(point: Mapping[str, Any]) -> Mapping[str, ArrayLike]:
    from eoc.montecarlo import length_process

    found = length_process(**one_input(point), **asked(point, ("eps",)), workers=1)
    theory, comparisons, depth = found.theory, found.comparisons, found.widths.size
    outputs: dict[str, ArrayLike] = {
        "variance": theory.q.value,
        "variance_error": theory.q.error,
        "difference": found.difference.mean,
        "difference_error": found.difference.standard_error,
        "predicted_difference": theory.shift.value,
        "difference_truncation": found.mean_truncation,
        "difference_z": z_by_layer(comparisons, "mean of q_l - q~_l", depth),
        "rms": found.rms,
        "rms_error": found.rms_error,
        "predicted_rms": found.predicted_rms,
        "rms_truncation": found.rms_truncation,
        "rms_z": z_by_layer(comparisons, "sqrt(N) rms of q_l - q~_l", depth),
        "difference_quantile": np.stack([found.quantiles.quantile(p).value for p in QUANTILES], axis=-1),
        **compared(comparisons),
    }
    return outputs | _beyond(found) if "eps" in point else outputs


def _beyond(found: LengthProcess) -> dict[str, ArrayLike]:
    each, ever = found.beyond.interval(), found.ever_beyond.interval()
    predicted = found.predicted_ever_beyond
    return {
        "beyond": found.beyond.proportion,
        "beyond_low": each[0],
        "beyond_high": each[1],
        "predicted_beyond": found.predicted_beyond,
        "ever_beyond": found.ever_beyond.proportion,
        "ever_beyond_low": ever[0],
        "ever_beyond_high": ever[1],
        "predicted_ever_beyond_low": predicted[0],
        "predicted_ever_beyond_high": predicted[1],
    }


LENGTH_PROCESS = Task(
    name="montecarlo/length_process",
    about="how variances of finite networks stray from the variance map, beside theory",
    parameters=(*ONE_INPUT, _EPS),
    outputs=_outputs,
    compute=_compute,
    seconds=networks_seconds,
    bytes=networks_bytes,
    problems=weights_problems,
    coordinates=layers_and_quantiles,
    random=True,
)
