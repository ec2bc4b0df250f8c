"""What a configuration says about one parameter: a value, a list of values or a grid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from eoc.errors import EocError
from eoc.sweeps.config.grids import GRIDS, Grid
from eoc.sweeps.config.kinds import kind_of, spelled_out, unknown_keys
from eoc.sweeps.config.model import faults_of
from eoc.sweeps.config.problems import Fault, Place
from eoc.sweeps.config.values import value_of
from eoc.sweeps.task import Parameter
from eoc.wording import quoted

__all__ = ["Entry", "default_entry", "entry"]


@dataclass(frozen=True)
class Entry:
    """The values of one parameter.

    Attributes
    ----------
    written
        As in the configuration, with numbers of one kind and in one order.
    values
        All of them.
    constant
        Whether it is one value, and not a list or a grid.
    """

    written: Any
    values: tuple[Any, ...]
    constant: bool = False


def entry(parameter: Parameter, given: Any, zipped: bool = False) -> tuple[Entry | None, list[Fault]]:
    """The values of a parameter, or what is wrong with them, at places from ("axes", NAME) on.

    Values of a list differ, but where the parameter moves together with others, which tell its points apart.

    Examples
    --------
    >>> sigma_b = Parameter("sigma_b", "scale of biases", least=0.0)
    >>> entry(sigma_b, {"grid": "linspace", "start": 0, "stop": 1, "num": 3})[0].values
    (0.0, 0.5, 1.0)
    >>> entry(sigma_b, [1, 2, -1])[1]
    [Fault(place=('axes', 'sigma_b', 2), message='must be a number >= 0, got -1', key=False, origin=None, beside=())]
    """
    place = ("axes", parameter.name)
    if isinstance(given, dict):
        return _of_grid(parameter, given, place)
    if isinstance(given, list):
        return _of_list(parameter, given, place, zipped)
    try:
        value = value_of(parameter, given)
    except EocError as error:
        return None, [Fault(place, str(error))]
    return Entry(value, (value,), constant=True), []


def default_entry(parameter: Parameter) -> Entry:
    """The values of a parameter that is not given and has a default."""
    if isinstance(parameter.default, tuple):
        return Entry(list(parameter.default), parameter.default)
    return Entry(parameter.default, (parameter.default,), constant=True)


def _of_list(parameter: Parameter, given: list[Any], place: Place, zipped: bool) -> tuple[Entry | None, list[Fault]]:
    values, faults = [], []
    seen = set()
    for i, one in enumerate(given):
        try:
            value = value_of(parameter, one)
        except EocError as error:
            faults.append(Fault((*place, i), str(error)))
            continue
        values.append(value)
        if value in seen and not zipped:
            again = f"{quoted(one)} is in the list twice: remove one, points are told apart by their values"
            faults.append(Fault((*place, i), again))
        seen.add(value)
    if not given:
        faults.append(Fault(place, "the list is empty: give at least one value"))
    return (None if faults else Entry(values, tuple(values))), faults


def _of_grid(parameter: Parameter, given: dict[str, Any], place: Place) -> tuple[Entry | None, list[Fault]]:
    if parameter.kind not in ("real", "whole"):
        return None, [Fault(place, f"{parameter.name} is no number and has no grid: give a list")]
    if written := spelled_out(given):
        return None, [Fault(place, f"a grid is written {written}, got {quoted(given)}")]
    kind, faults = kind_of(given, place)
    if kind is None:
        return None, [*faults, *unknown_keys(given, place)]
    grid = GRIDS[kind]
    given = {**(grid.if_whole if parameter.kind == "whole" else {}), **given, "grid": kind}
    faults += faults_of(grid, given, place)
    known = {fault.place for fault in faults}
    faults += [fault for fault in _end_faults(parameter, given, place) if fault.place not in known]
    return (None, faults) if faults else _expanded(parameter, grid.model_validate(given), place)


def _expanded(parameter: Parameter, grid: Grid, place: Place) -> tuple[Entry | None, list[Fault]]:
    whole = parameter.kind == "whole"
    faults = [Fault((*place, key), message) for key, message in grid.problems(whole)]
    if faults:
        return None, faults
    values = grid.values(whole)
    if len(set(values)) < len(values):
        rounded = " once they are rounded to whole numbers" if whole else ""
        message = f"{len(values)} values from {values[0]:g} to {values[-1]:g} are not all different{rounded}"
        return None, [Fault((*place, grid.spacing), message)]
    try:
        value_of(parameter, values[-1])  # of a range, the end itself may be outside
    except EocError as error:
        return None, [Fault((*place, "stop"), str(error))]
    return Entry(_written(grid, whole), values), []


def _end_faults(parameter: Parameter, given: dict[str, Any], place: Place) -> Iterator[Fault]:
    """What is wrong with the ends of a grid as values of the parameter."""
    for key in ("start", "stop") if given["grid"] != "range" else ("start",):
        if key in given:
            try:
                value_of(parameter, given[key])
            except EocError as error:
                yield Fault((*place, key), str(error))


def _written(grid: Grid, whole: bool) -> dict[str, Any]:
    """The keys of a grid in one order."""
    found = grid.model_dump()
    numbers = {key: int(value) if whole else value for key, value in found.items() if key in ("start", "stop", "step")}
    return {"grid": found["grid"], **numbers, **({"num": found["num"]} if "num" in found else {})}
