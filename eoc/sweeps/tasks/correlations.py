"""The task "montecarlo/correlation_process": correlations of two inputs in networks of finite width."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np

from eoc.floats import FloatArray
from eoc.sweeps.task import Output, Point, Task, Values
from eoc.sweeps.tasks.common import ACTIVATION, ONE_MINUS_C, SEED, SIGMA_B, SIGMA_W, C, Q, along, always
from eoc.sweeps.tasks.montecarlo import (
    COMPARED,
    DEPTH,
    NETWORKS,
    WEIGHTS,
    WIDTH,
    arguments,
    layers_and_quantiles,
    networks_bytes,
    networks_seconds,
    weights_problems,
    z_by_layer,
)

if TYPE_CHECKING:
    from eoc.montecarlo import CorrelationProcess

__all__ = ["CORRELATION_PROCESS"]

_PARAMETERS = (
    ACTIVATION,
    SIGMA_W,
    SIGMA_B,
    Q,
    C,
    ONE_MINUS_C,
    WIDTH.but(least=2),
    DEPTH.but(least=2),
    NETWORKS,
    WEIGHTS,
    SEED,
)
_SPREAD = r"\mathrm{std}\,\log e_l"
_BESIDE = "beside theory, in units of what either may be off; in some layers"
_FITS = {"exponent": "exponent", "1/xi_c": "rate", "c*": "average"}  # other quantities are constants


def _fitted(name: str, about: str, symbol: str) -> dict[str, Output]:
    """What is fitted to 1 - c_l in all layers."""

    def of_fit(attribute: str) -> Callable[[CorrelationProcess], float | None]:
        def read(found: CorrelationProcess) -> float | None:
            fits = {_FITS.get(fit.quantity, "constant"): fit for fit in found.reads}
            return getattr(fits.get(name), attribute, None)

        return read

    rows: dict[str, tuple[str, str, str]] = {
        "": (f"{about}: fitted to every network, averaged; nan where it is not fitted", symbol, "measured"),
        "_error": (f"standard error of {name}", "", "standard_error"),
        "_theory": (f"theory of {name} at infinite width and depth", symbol, "theory"),
        "_noiseless": (f"{name} by the same fit at infinite width", symbol, "noiseless"),
        "_systematic": (f"what the fit of {name} may be off at these depths; inf if it is not known", "", "systematic"),
        "_truncation": (f"what terms of order l/N may change in {name}", "", "truncation"),
    }
    return along(**{name + end: (text, sign, of_fit(attribute)) for end, (text, sign, attribute) in rows.items()})


def _predicted_spread(found: CorrelationProcess) -> FloatArray:
    return np.full(found.c.size, np.nan) if found.predicted_spread is None else found.predicted_spread


_OUTPUTS = {
    **along(
        "layer",
        one_minus_correlation=("1 - c~_l at infinite width", "1 - c_l", "expected.one_minus_c"),
        one_minus_correlation_error=("bound on the absolute error of one_minus_correlation", "", "expected.error"),
        log_ratio=("mean over networks of log((1 - c_l) / (1 - c~_l))", r"\log(e_l / \tilde e_l)"),
        log_ratio_error="standard error of log_ratio",
        log_ratio_z=(f"log_ratio {_BESIDE}", "z", z_by_layer("mean log(e_l / e~_l)", "c")),
        spread=("standard deviation over networks of log(1 - c_l)", _SPREAD),
        spread_error="standard error of spread",
        predicted_spread=("theory of spread to order 1/N; nan where there is none", _SPREAD, _predicted_spread),
        spread_z=(f"spread {_BESIDE}", "z", z_by_layer("spread of log e_l", "c")),
        correlation=("mean correlation over networks", "c_l", "c"),
        correlation_error=("standard error of correlation", "", "c_error"),
    ),
    **along(
        "layer",
        "quantile",
        one_minus_correlation_quantile=("quantiles of 1 - c_l over networks", "1 - c_l", "quantiles.T"),
    ),
    "departure_depth": Output("depth at which the spread is 1; inf if never, or not known", units="layers"),
    "reliable_depth": Output("depth up to which finite width does not dominate", units="layers"),
    **_fitted("constant", "beta_q or kappa, on the edge of chaos", r"\beta_q"),
    **_fitted("exponent", "exponent of l in 1 - c_l, on the edge of chaos", "p"),
    **_fitted("rate", "1/xi_c, in the ordered phase", r"1/\xi_c"),
    **_fitted("average", "c*, in the chaotic phase", "c^*"),
    **COMPARED,
}


def _problems(values: Values) -> Iterable[tuple[str, str]]:
    yield from weights_problems(values)
    if "c" in values and "one_minus_c" in values:
        yield "one_minus_c", "give only one of c and one_minus_c"


def _correlation_process(point: Point) -> CorrelationProcess:
    from eoc.montecarlo import correlation_process

    return correlation_process(**arguments(point, _PARAMETERS), workers=1)


CORRELATION_PROCESS = Task(
    name="montecarlo/correlation_process",
    about="correlations of two inputs in networks of finite width, beside infinite width and theory",
    parameters=_PARAMETERS,
    outputs=always(_OUTPUTS),
    run=_correlation_process,
    seconds=lambda point: networks_seconds(point, inputs=2),
    bytes=networks_bytes,
    problems=_problems,
    rule="at most one of c and one_minus_c; none of them: c = 0.1",
    coordinates=layers_and_quantiles,
    random=True,
)
