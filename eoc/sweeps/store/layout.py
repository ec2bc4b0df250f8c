"""What the data set of a sweep consists of: its variables and coordinates, with their attributes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eoc.sweeps.plan import Plan
from eoc.sweeps.task import EOC, Output

__all__ = ["DONE", "FAILED", "PENDING", "RECORDS", "STATES", "Variable", "coordinate_file", "coordinates", "variables"]

RECORDS = ("status", "error", "seconds", "random_seed")  #: of points, besides their outputs
STATES = ("pending", "done", "failed")  #: what ``status`` says
PENDING, DONE, FAILED = range(3)


@dataclass(frozen=True)
class Variable:
    """An array of the data set.

    Attributes
    ----------
    dims
        Its dimensions; of what every point has, those besides the axes.
    dtype
        Type of its values; ``str`` for texts.
    missing
        What stands where there is no value.
    about
        Its attributes.
    """

    dims: tuple[str, ...]
    dtype: Any
    missing: Any
    about: Mapping[str, Any] = field(default_factory=dict)


def variables(plan: Plan) -> dict[str, Variable]:
    """What every point has, in the order in which it has to be written: ``status`` vouches for the others."""
    found = {name: _of_output(output) for name, output in plan.outputs.items()}
    if EOC in plan.values.get("sigma_w", ()):
        about = _about("sigma_w of the point, that of the edge of chaos where it was to be that", "1", "\\sigma_w")
        found["sigma_w_used"] = Variable((), np.float64, np.nan, about)
    if plan.task.random:
        found["random_seed"] = Variable((), np.int64, -1, _about("seed of the random numbers of the point", "1"))
    found["seconds"] = Variable((), np.float64, np.nan, _about("time that the point took", "s"))
    found["error"] = Variable((), str, "", _about("why the point failed"))
    found["status"] = Variable((), np.int8, PENDING, _about("state of the point") | _flags(STATES))
    return found


def coordinates(plan: Plan) -> dict[str, tuple[Variable, NDArray[Any]]]:
    """The values of the parameters, and of what else is a dimension of an output."""
    found = {}
    for name, value in plan.constants.items():
        found[name] = _of_parameter(plan, name, (value,), ())
    for axis in plan.axes:
        for name, values in axis.values.items():
            found[name] = _of_parameter(plan, name, values, (axis.dim,))
    for name, coordinate in plan.coordinates.items():
        about = _about(coordinate.about, coordinate.units, coordinate.symbol)
        found[name] = Variable((name,), coordinate.values.dtype, 0, about), coordinate.values
    return found


def coordinate_file(store: Path, name: str, dimensions: int) -> Path:
    """Where the values of a coordinate are, in one file."""
    return store.joinpath(name, "c", *dimensions * "0")


def _of_output(output: Output) -> Variable:
    if output.flags:
        about = _about(output.about) | _flags(output.flags)
    else:
        about = _about(output.about, output.units, output.symbol)
    return Variable(output.dims, output.dtype, output.missing, about)


def _of_parameter(
    plan: Plan, name: str, values: tuple[Any, ...], dims: tuple[str, ...]
) -> tuple[Variable, NDArray[Any]]:
    parameter = plan.task.parameter(name)
    array = _array(values, parameter.kind).reshape((-1,) * len(dims))
    if array.dtype == object:
        return Variable(dims, str, "", _about(parameter.about, symbol=parameter.symbol)), array
    return Variable(dims, array.dtype, 0, _about(parameter.about, parameter.units, parameter.symbol)), array


def _array(values: tuple[Any, ...], kind: str) -> NDArray[Any]:
    """Numbers, or texts (of type object) if one is a text."""
    if any(isinstance(value, str) for value in values):
        return np.array([str(value) for value in values], object)
    return np.array(values, np.int64 if kind == "whole" else np.float64)


def _about(long_name: str, units: str = "", symbol: str = "") -> dict[str, Any]:
    """Attributes; texts and flags have no units, and not everything has a symbol."""
    found = {"long_name": long_name, "units": units, "symbol": symbol}
    return {name: text for name, text in found.items() if text}


def _flags(words: tuple[str, ...]) -> dict[str, Any]:
    return {"flag_values": list(range(len(words))), "flag_meanings": " ".join(word.replace(" ", "_") for word in words)}
