"""The tasks "montecarlo/length_process", "length_scaling" and "gaussianity": finite networks with one input."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from eoc.sweeps.task import Output, Parameter, Point, Task, Values
from eoc.sweeps.tasks.common import along, always
from eoc.sweeps.tasks.montecarlo import (
    COMPARED,
    ONE_INPUT,
    QUANTILES,
    WIDTH,
    arguments,
    different_widths,
    layers,
    layers_and_quantiles,
    networks_bytes,
    networks_seconds,
    weights_problems,
    z_by_layer,
)

if TYPE_CHECKING:
    from eoc.floats import FloatArray
    from eoc.montecarlo import Gaussianity, LengthProcess, LengthScaling

__all__ = ["GAUSSIANITY", "LENGTH_PROCESS", "LENGTH_SCALING"]

_MEAN = r"E[q_l - \tilde q_l]"
_RMS = r"\sqrt{N} \mathrm{rms}(q_l - \tilde q_l)"
_KURTOSIS = r"\kappa_l"
_BESIDE = "beside theory, in units of what either may be off"
_RMS_OF = "sqrt(N) rms of q_l - q~_l"
_EXPONENT_OF = "exponent of N in the rms of q_l - q~_l"

# ---- length_process: how variances stray from the variance map

_EPS = Parameter(
    "eps",
    "distance from q~_l",
    symbol=r"\epsilon",
    least=0.0,
    above=True,
    inner=True,
    note="left out: no shares of networks beyond it",
)


def _quantiles(found: LengthProcess) -> FloatArray:
    return np.stack([found.quantiles.quantile(p).value for p in QUANTILES], axis=-1)


_LENGTHS = {
    **along(
        "layer",
        variance=("variance at infinite width, q~_l", r"\tilde q_l", "theory.q.value"),
        variance_error=("bound on the absolute error of variance", "", "theory.q.error"),
        difference=("mean of q_l - q~_l over networks", _MEAN, "difference.mean"),
        difference_error=("standard error of difference", "", "difference.standard_error"),
        predicted_difference=("theory of difference", _MEAN, "theory.shift.value"),
        difference_truncation=("what predicted_difference may be off", "", "mean_truncation"),
        difference_z=(f"difference {_BESIDE}", "z", z_by_layer("mean of q_l - q~_l", "rms")),
        rms=(f"{_RMS_OF} over networks", _RMS),
        rms_error="standard error of rms",
        predicted_rms=("theory of rms", _RMS),
        rms_truncation="what predicted_rms may be off",
        rms_z=(f"rms {_BESIDE}", "z", z_by_layer(_RMS_OF, "rms")),
    ),
    "difference_quantile": Output(
        "quantiles of q_l - q~_l over networks", r"q_l - \tilde q_l", _quantiles, dims=("layer", "quantile")
    ),
    **COMPARED,
}


def _shares(name: str, about: str, dims: tuple[str, ...]) -> dict[str, Output]:
    """A share of networks, and the ends of its interval."""

    def end(i: int) -> Callable[[LengthProcess], FloatArray]:
        return lambda found: getattr(found, name).interval()[i]

    return along(
        *dims,
        **{
            name: (about, "P", f"{name}.proportion"),
            f"{name}_low": (f"lower end of the 95 % interval of {name}", "", end(0)),
            f"{name}_high": (f"upper end of the 95 % interval of {name}", "", end(1)),
        },
    )


def _predicted(i: int) -> Callable[[LengthProcess], FloatArray]:
    return lambda found: found.predicted_ever_beyond[i]


_BEYOND = {
    **_shares("beyond", "share of networks with |q_l - q~_l| > eps", ("layer", "eps")),
    **along("layer", "eps", predicted_beyond=("beyond if q_l were Gaussian", "P")),
    **_shares("ever_beyond", "share of networks with |q_l - q~_l| > eps in some layer", ("eps",)),
    **along(
        "eps",
        predicted_ever_beyond_low=("lower bound on ever_beyond if q_l were Gaussian", "", _predicted(0)),
        predicted_ever_beyond_high=("upper bound on ever_beyond if q_l were Gaussian", "", _predicted(1)),
    ),
}


def _length_outputs(given: Collection[str]) -> Mapping[str, Output]:
    return {**_LENGTHS, **_BEYOND} if "eps" in given else _LENGTHS


def _length_process(point: Point) -> LengthProcess:
    from eoc.montecarlo import length_process

    return length_process(**arguments(point, (*ONE_INPUT, _EPS)), workers=1)


LENGTH_PROCESS = Task(
    name="montecarlo/length_process",
    about="how variances of finite networks stray from the variance map, beside theory",
    parameters=(*ONE_INPUT, _EPS),
    outputs=_length_outputs,
    run=_length_process,
    seconds=networks_seconds,
    bytes=networks_bytes,
    problems=weights_problems,
    coordinates=layers_and_quantiles,
    random=True,
)

# ---- length_scaling: how fast they come to it with growing width


def _of_runs(name: str) -> Callable[[LengthScaling], FloatArray]:
    """An attribute of the runs, (layers, widths)."""
    return lambda found: np.stack([getattr(run, name) for run in found.runs], axis=-1)


_SCALING = {
    **along(
        "layer",
        exponent=(f"{_EXPONENT_OF}, measured", "p", "measured.exponent"),
        exponent_error=("standard error of exponent", "", "measured.exponent_error"),
        predicted_exponent=("theory of exponent", "p", "predicted.exponent"),
        exponent_truncation=("what predicted_exponent may be off", "", "predicted.exponent_error"),
        exponent_z=(f"exponent {_BESIDE}", "z", z_by_layer(_EXPONENT_OF, "predicted.exponent")),
        constant=(f"{_RMS_OF}, averaged over widths", _RMS, "measured.constant"),
        constant_error=("standard error of constant", "", "measured.constant_error"),
        predicted_constant=("theory of constant", _RMS, "predicted.constant"),
        constant_truncation=("what predicted_constant may be off", "", "predicted.constant_error"),
        constant_z=(f"constant {_BESIDE}", "z", z_by_layer(_RMS_OF, "predicted.constant")),
    ),
    **along(
        "layer",
        "width",
        rms=(f"{_RMS_OF} over networks", _RMS, _of_runs("rms")),
        rms_error=("standard error of rms", "", _of_runs("rms_error")),
        predicted_rms=("theory of rms", _RMS, _of_runs("predicted_rms")),
        rms_truncation=("what predicted_rms may be off", "", _of_runs("rms_truncation")),
    ),
    **COMPARED,
}


def _scaling_problems(values: Values) -> Iterable[tuple[str, str]]:
    yield from weights_problems(values)
    yield from different_widths(values)


def _length_scaling(point: Point) -> LengthScaling:
    from eoc.montecarlo import length_scaling

    given = arguments(point, ONE_INPUT)
    return length_scaling(widths=given.pop("width"), **given, workers=1)


def _of_each_width(point: Point) -> list[Point]:
    return [{**point, "width": width} for width in np.ravel(point["width"]).tolist()]


LENGTH_SCALING = Task(
    name="montecarlo/length_scaling",
    about="how fast variances of finite networks come to the variance map with growing width, beside theory",
    parameters=tuple(parameter.but(inner=True) if parameter is WIDTH else parameter for parameter in ONE_INPUT),
    outputs=always(_SCALING),
    run=_length_scaling,
    seconds=lambda point: sum(map(networks_seconds, _of_each_width(point))),
    bytes=lambda point: max(map(networks_bytes, _of_each_width(point))),
    problems=_scaling_problems,
    coordinates=layers,
    random=True,
)

# ---- gaussianity: how far units are from Gaussian

_KURTOSES = {
    **along(
        "layer",
        kurtosis_of_units=("excess kurtosis of units over networks", _KURTOSIS, "units.value"),
        kurtosis_of_units_error=("standard error of kurtosis_of_units", "", "units.error"),
        kurtosis_of_units_z=(
            f"kurtosis_of_units {_BESIDE}",
            "z",
            z_by_layer("excess kurtosis from units", "theory.kurtosis"),
        ),
        kurtosis_of_kernel=("excess kurtosis from mean and variance of K_l", _KURTOSIS, "kernel.value"),
        kurtosis_of_kernel_error=("standard error of kurtosis_of_kernel", "", "kernel.error"),
        kurtosis_of_kernel_z=(
            f"kurtosis_of_kernel {_BESIDE}",
            "z",
            z_by_layer("excess kurtosis from K_l", "theory.kurtosis"),
        ),
        predicted_kurtosis=("theory of both", _KURTOSIS, "theory.kurtosis"),
        kurtosis_truncation=("what predicted_kurtosis may be off", "", "truncation"),
    ),
    **COMPARED,
}


def _gaussianity(point: Point) -> Gaussianity:
    from eoc.montecarlo import gaussianity

    return gaussianity(**arguments(point, ONE_INPUT), workers=1)


GAUSSIANITY = Task(
    name="montecarlo/gaussianity",
    about="how far units of finite networks are from Gaussian, beside theory",
    parameters=ONE_INPUT,
    outputs=always(_KURTOSES),
    run=_gaussianity,
    seconds=networks_seconds,
    bytes=networks_bytes,
    problems=weights_problems,
    coordinates=layers,
    random=True,
)
