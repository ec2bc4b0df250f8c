"""The task "montecarlo/length_scaling": how fast variances of finite networks come to the variance map."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from eoc.sweeps.task import Output, Task, Values
from eoc.sweeps.tasks.common import always
from eoc.sweeps.tasks.montecarlo.common import (
    COMPARED,
    ONE_INPUT,
    WIDTH,
    by_layer,
    compared,
    different_widths,
    layers,
    networks_bytes,
    networks_seconds,
    one_input,
    weights_problems,
    z_by_layer,
)

__all__ = ["LENGTH_SCALING"]

_RMS = r"\sqrt{N} \mathrm{rms}(q_l - \tilde q_l)"
_BY_WIDTH = ("layer", "width")
_OUTPUTS = {
    **by_layer(
        {
            "exponent": ("exponent of N in the rms of q_l - q~_l, measured", "p"),
            "exponent_error": ("standard error of exponent", ""),
            "predicted_exponent": ("theory of exponent", "p"),
            "exponent_truncation": ("what predicted_exponent may be off", ""),
            "exponent_z": ("exponent beside theory, in units of what either may be off", "z"),
            "constant": ("sqrt(N) rms of q_l - q~_l, averaged over widths", _RMS),
            "constant_error": ("standard error of constant", ""),
            "predicted_constant": ("theory of constant", _RMS),
            "constant_truncation": ("what predicted_constant may be off", ""),
            "constant_z": ("constant beside theory, in units of what either may be off", "z"),
        }
    ),
    "rms": Output("sqrt(N) rms of q_l - q~_l over networks", symbol=_RMS, dims=_BY_WIDTH),
    "rms_error": Output("standard error of rms", dims=_BY_WIDTH),
    "predicted_rms": Output("theory of rms", symbol=_RMS, dims=_BY_WIDTH),
    "rms_truncation": Output("what predicted_rms may be off", dims=_BY_WIDTH),
    **COMPARED,
}


def _problems(values: Values) -> Iterable[tuple[str, str]]:
    yield from weights_problems(values)
    yield from different_widths(values)


def _compute(point: Mapping[str, Any]) -> Mapping[str, ArrayLike]:
    from eoc.montecarlo import length_scaling

    arguments = one_input(point)
    found = length_scaling(widths=arguments.pop("width"), **arguments, workers=1)
    measured, predicted, comparisons, depth = found.measured, found.predicted, found.comparisons, point["depth"]
    return {
        "exponent": measured.exponent,
        "exponent_error": measured.exponent_error,
        "predicted_exponent": predicted.exponent,
        "exponent_truncation": predicted.exponent_error,
        "exponent_z": z_by_layer(comparisons, "exponent of N in the rms of q_l - q~_l", depth),
        "constant": measured.constant,
        "constant_error": measured.constant_error,
        "predicted_constant": predicted.constant,
        "constant_truncation": predicted.constant_error,
        "constant_z": z_by_layer(comparisons, "sqrt(N) rms of q_l - q~_l", depth),
        **{
            name: np.stack([getattr(run, name) for run in found.runs], axis=-1)
            for name in ("rms", "rms_error", "predicted_rms", "rms_truncation")
        },
        **compared(comparisons),
    }


def _each(point: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{**point, "width": width} for width in np.ravel(point["width"]).tolist()]


def _seconds(point: Mapping[str, Any]) -> float:
    return sum(networks_seconds(one) for one in _each(point))


def _bytes(point: Mapping[str, Any]) -> float:
    return max(networks_bytes(one) for one in _each(point))


LENGTH_SCALING = Task(
    name="montecarlo/length_scaling",
    about="how fast variances of finite networks come to the variance map with growing width, beside theory",
    parameters=tuple(
        dataclasses.replace(parameter, inner=True) if parameter is WIDTH else parameter for parameter in ONE_INPUT
    ),
    outputs=always(_OUTPUTS),
    compute=_compute,
    seconds=_seconds,
    bytes=_bytes,
    problems=_problems,
    coordinates=layers,
    random=True,
)
