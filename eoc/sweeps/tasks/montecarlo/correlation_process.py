"""The task "montecarlo/correlation_process": correlations of two inputs in networks of finite width."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from eoc.sweeps.task import Output, Task, Values
from eoc.sweeps.tasks.common import ACTIVATION, ONE_MINUS_C, SEED, SIGMA_B, SIGMA_W, C, Q, always
from eoc.sweeps.tasks.montecarlo.common import (
    COMPARED,
    DEPTH,
    NETWORKS,
    WEIGHTS,
    WIDTH,
    asked,
    by_layer,
    compared,
    layers_and_quantiles,
    networks_bytes,
    networks_seconds,
    weights_problems,
    z_by_layer,
)

if TYPE_CHECKING:
    from eoc.montecarlo.experiments.correlations import Read

__all__ = ["CORRELATION_PROCESS"]

_PARAMETERS = (
    ACTIVATION,
    SIGMA_W,
    SIGMA_B,
    Q,
    C,
    ONE_MINUS_C,
    dataclasses.replace(WIDTH, least=2),
    dataclasses.replace(DEPTH, least=2),
    NETWORKS,
    WEIGHTS,
    SEED,
)
_READS = {
    "constant": ("beta_q or kappa, on the edge of chaos", r"\beta_q"),
    "exponent": ("exponent of l in 1 - c_l, on the edge of chaos", "p"),
    "rate": ("1/xi_c, in the ordered phase", r"1/\xi_c"),
    "average": ("c*, in the chaotic phase", "c^*"),
}
_QUANTITIES = {"exponent": "exponent", "1/xi_c": "rate", "c*": "average"}


def _of_read(name: str, about: str, symbol: str) -> dict[str, Output]:
    return {
        name: Output(f"{about}: fitted to every network, averaged; nan where it is not fitted", symbol=symbol),
        f"{name}_error": Output(f"standard error of {name}"),
        f"{name}_theory": Output(f"theory of {name} at infinite width and depth", symbol=symbol),
        f"{name}_noiseless": Output(f"{name} by the same fit at infinite width", symbol=symbol),
        f"{name}_systematic": Output(f"what the fit of {name} may be off at these depths; inf if it is not known"),
        f"{name}_truncation": Output(f"what terms of order l/N may change in {name}"),
    }


_OUTPUTS = {
    **by_layer(
        {
            "one_minus_correlation": ("1 - c~_l at infinite width", "1 - c_l"),
            "one_minus_correlation_error": ("bound on the absolute error of one_minus_correlation", ""),
            "log_ratio": ("mean over networks of log((1 - c_l) / (1 - c~_l))", r"\log(e_l / \tilde e_l)"),
            "log_ratio_error": ("standard error of log_ratio", ""),
            "log_ratio_z": ("log_ratio beside theory, in units of what either may be off; in some layers", "z"),
            "spread": ("standard deviation over networks of log(1 - c_l)", r"\mathrm{std}\,\log e_l"),
            "spread_error": ("standard error of spread", ""),
            "predicted_spread": ("theory of spread to order 1/N; nan where there is none", r"\mathrm{std}\,\log e_l"),
            "spread_z": ("spread beside theory, in units of what either may be off; in some layers", "z"),
            "correlation": ("mean correlation over networks", "c_l"),
            "correlation_error": ("standard error of correlation", ""),
        }
    ),
    "one_minus_correlation_quantile": Output(
        "quantiles of 1 - c_l over networks", dims=("layer", "quantile"), symbol="1 - c_l"
    ),
    "departure_depth": Output("depth at which the spread is 1; inf if never, or not known", "layers"),
    "reliable_depth": Output("depth up to which finite width does not dominate", "layers"),
    **{key: output for name, texts in _READS.items() for key, output in _of_read(name, *texts).items()},
    **COMPARED,
}


def _problems(values: Values) -> Iterable[tuple[str, str]]:
    yield from weights_problems(values)
    if "c" in values and "one_minus_c" in values:
        yield "one_minus_c", "give only one of c and one_minus_c"


def _compute(point: Mapping[str, Any]) -> Mapping[str, ArrayLike]:
    from eoc.montecarlo import correlation_process

    found = correlation_process(**asked(point, (parameter.name for parameter in _PARAMETERS)), workers=1)
    comparisons, depth, spread = found.comparisons, point["depth"], found.predicted_spread
    reads = {_QUANTITIES.get(read.quantity, "constant"): read for read in found.reads}
    return {
        "one_minus_correlation": found.expected.one_minus_c,
        "one_minus_correlation_error": found.expected.error,
        "log_ratio": found.log_ratio,
        "log_ratio_error": found.log_ratio_error,
        "log_ratio_z": z_by_layer(comparisons, "mean log(e_l / e~_l)", depth),
        "spread": found.spread,
        "spread_error": found.spread_error,
        "predicted_spread": np.full(depth, np.nan) if spread is None else spread,
        "spread_z": z_by_layer(comparisons, "spread of log e_l", depth),
        "correlation": found.c,
        "correlation_error": found.c_error,
        "one_minus_correlation_quantile": found.quantiles.T,
        "departure_depth": found.departure_depth,
        "reliable_depth": found.reliable_depth,
        **{key: value for name in _READS for key, value in _read(name, reads.get(name)).items()},
        **compared(comparisons),
    }


def _read(name: str, read: Read | None) -> dict[str, ArrayLike]:
    names = tuple(_of_read(name, "", ""))
    if read is None:
        return dict.fromkeys(names, float("nan"))
    values = read.measured, read.standard_error, read.theory, read.noiseless, read.systematic, read.truncation
    return dict(zip(names, values, strict=True))


def _seconds(point: Mapping[str, Any]) -> float:
    return networks_seconds(point, inputs=2)


CORRELATION_PROCESS = Task(
    name="montecarlo/correlation_process",
    about="correlations of two inputs in networks of finite width, beside infinite width and theory",
    parameters=_PARAMETERS,
    outputs=always(_OUTPUTS),
    compute=_compute,
    seconds=_seconds,
    bytes=networks_bytes,
    problems=_problems,
    rule="at most one of c and one_minus_c; none of them: c = 0.1",
    coordinates=layers_and_quantiles,
    random=True,
)
