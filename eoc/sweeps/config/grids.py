"""Grids of numbers: evenly spaced, evenly in the logarithm, or by steps; which of them a mapping is."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from eoc.errors import EocError
from eoc.messages import closest, did_you_mean, quoted, shortened
from eoc.sweeps.config.problems import Fault, KeyPath, faults_of, key_names
from eoc.sweeps.config.values import AxisValues, number, value_of, whole_number
from eoc.sweeps.task import Parameter

__all__ = ["GRIDS", "MOST_VALUES", "Grid", "Linspace", "Logspace", "Range", "values_of_grid"]

MOST_VALUES = 1_000_000  #: of one axis

_NUMPY = {"arange": "range", "geomspace": "logspace"}


def _count(given: object) -> int:
    count = whole_number(given)
    if not 1 <= count <= MOST_VALUES:
        raise EocError(f"must be a whole number from 1 to {MOST_VALUES}, got {quoted(given)}")
    return count


def _positive(given: object) -> float:
    value = number(given)
    if value <= 0.0:
        raise EocError(f"must be a number > 0 for a logspace, got {value:g}: start and stop are values, not logarithms")
    return value


_Number = Annotated[float, BeforeValidator(number)]
_Positive = Annotated[float, Field(gt=0), BeforeValidator(_positive)]
_Count = Annotated[int, Field(ge=1, le=MOST_VALUES), BeforeValidator(_count)]


class Grid(BaseModel):
    """Numbers that are told by a rule."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    spacing: ClassVar[str]  #: the key that says how close the values are
    if_whole: ClassVar[Mapping[str, int]] = {}  #: keys that may be left out where values are whole numbers

    @abstractmethod
    def problems(self, whole: bool) -> Iterator[tuple[str, str]]:
        """What is wrong: keys, each with a sentence. Without any, there are values."""

    @abstractmethod
    def _numbers(self) -> tuple[float, ...]:
        """The numbers as the rule gives them."""

    def values(self, whole: bool) -> tuple[float, ...]:
        """The numbers; rounded if they are to be whole."""
        numbers = self._numbers()
        return tuple(map(round, numbers)) if whole else numbers


class _Between(Grid):
    """A number of values from one end to the other."""

    spacing = "num"

    start: _Number = Field(description="The first value.")
    stop: _Number = Field(description="The last value.")
    num: _Count = Field(description="How many values there are.")

    def problems(self, whole: bool) -> Iterator[tuple[str, str]]:
        if self.num == 1 and self.start != self.stop:
            yield "num", "one value cannot be both start and stop: write num: 2 or more, or the value alone"
        elif self.num > 1 and self.start == self.stop:
            yield "stop", f"must differ from start, got {self.stop:g} twice: write the value alone"


class Linspace(_Between):
    """Evenly spaced numbers, each the double that is next to it.

    Examples
    --------
    >>> Linspace(grid="linspace", start=0, stop=0.6, num=3).values(whole=False)
    (0.0, 0.3, 0.6)
    """

    grid: Literal["linspace"] = Field(description="Evenly spaced from start to stop.")

    def _numbers(self) -> tuple[float, ...]:
        start, stop = _exact(self.start), _exact(self.stop)
        return _steps(start, (stop - start) / max(self.num - 1, 1), self.num)


class Logspace(_Between):
    """Numbers evenly spaced in the logarithm; the ends are themselves, not exponents.

    Examples
    --------
    >>> Logspace(grid="logspace", start=1, stop=1024, num=3).values(whole=True)
    (1, 32, 1024)
    """

    grid: Literal["logspace"] = Field(description="Evenly spaced in the logarithm, from start to stop.")

    start: _Positive = Field(description="The first value, > 0.")
    stop: _Positive = Field(description="The last value, > 0.")

    def _numbers(self) -> tuple[float, ...]:
        import numpy as np

        return tuple(np.geomspace(self.start, self.stop, self.num).tolist())


class Range(Grid):
    """Numbers by steps, without the end, as in Python; each the double that is next to it.

    Examples
    --------
    >>> Range(grid="range", start=0, stop=0.4, step=0.1).values(whole=False)
    (0.0, 0.1, 0.2, 0.3)
    """

    spacing = "step"
    if_whole: ClassVar[Mapping[str, int]] = {"step": 1}

    grid: Literal["range"] = Field(description="From start by steps; stop itself is left out, as in Python.")
    start: _Number = Field(description="The first value.")
    stop: _Number = Field(description="Where the values end; it is none of them.")
    step: _Number = Field(description="From one value to the next; left out, 1 for whole numbers (only).")

    def problems(self, whole: bool) -> Iterator[tuple[str, str]]:
        """What is wrong: keys, each with a sentence."""
        if self.step == 0.0:
            yield "step", "must not be 0"
        elif self.start == self.stop:
            yield "stop", f"there are no values from {self.start:g} to {self.stop:g}: stop itself is left out"
        elif (self.stop - self.start > 0.0) != (self.step > 0.0):
            yield "step", f"leads away from stop: from {self.start:g} to {self.stop:g} it must be {_sign(-self.step)}"
        elif self._count > MOST_VALUES:
            yield "step", f"{float(self._count):.3g} values are more than an axis may have, {MOST_VALUES}"
        elif whole and not self.step.is_integer():
            yield "step", f"must be a whole number, got {self.step!r}"

    @property
    def _count(self) -> int:
        return math.ceil((_exact(self.stop) - _exact(self.start)) / _exact(self.step))

    def _numbers(self) -> tuple[float, ...]:
        return _steps(_exact(self.start), _exact(self.step), self._count)


GRIDS: Mapping[str, type[Linspace | Logspace | Range]] = {"linspace": Linspace, "logspace": Logspace, "range": Range}


def values_of_grid(
    parameter: Parameter, given: dict[str, Any], place: KeyPath
) -> tuple[AxisValues | None, list[Fault]]:
    """The values that a mapping stands for, or what is wrong with it, at places from ``place`` on."""
    if parameter.kind not in ("real", "whole"):
        return None, [Fault(place, f"{parameter.name} is no number and has no grid: give a list")]
    if written := _spelled_out(given):
        return None, [Fault(place, f"a grid is written {written}, got {quoted(given)}")]
    kind, faults = _kind_of(given, place)
    if kind is None:
        return None, [*faults, *_unknown_keys(given, place)]
    grid = GRIDS[kind]
    given = {**(grid.if_whole if parameter.kind == "whole" else {}), **given, "grid": kind}
    faults += faults_of(grid, given, place)
    known = {fault.place for fault in faults}
    faults += [fault for fault in _end_faults(parameter, given, place) if fault.place not in known]
    return (None, faults) if faults else _expanded(parameter, grid.model_validate(given), place)


def _expanded(parameter: Parameter, grid: Grid, place: KeyPath) -> tuple[AxisValues | None, list[Fault]]:
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
    return AxisValues(_written(grid, whole), values), []


def _end_faults(parameter: Parameter, given: dict[str, Any], place: KeyPath) -> Iterator[Fault]:
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


def _spelled_out(given: Mapping[str, Any]) -> str:
    """How {linspace: [16, 256, 5]} has to be written; "" if it is not of that form."""
    kind = _meant(next(iter(given))) if len(given) == 1 else None
    if kind is None:
        return ""
    (inside,) = given.values()
    keys = [key for key in key_names(GRIDS[kind]) if key != "grid"]
    values = dict(zip(keys, inside, strict=False)) if isinstance(inside, list) else inside
    if not isinstance(values, dict) or not values:
        values = dict.fromkeys(keys, "...")
    return f"{{{', '.join([f'grid: {kind}', *(f'{key}: {_plain(value)}' for key, value in values.items())])}}}"


def _kind_of(given: Mapping[str, Any], place: KeyPath) -> tuple[str | None, list[Fault]]:
    """Which grid it is, or if that is wrong, which it may be, and what is wrong."""
    if "grid" not in given:
        said = (
            f"a grid needs the key grid, one of {', '.join(GRIDS)}, got {quoted(given)}; a list needs none: [1.0, 1.5]"
        )
        return None, [Fault(place, said)]
    kind = given["grid"]
    if isinstance(kind, str) and kind in GRIDS:
        return kind, []
    meant = _meant(str(kind))
    hint = did_you_mean(meant or str(kind), list(GRIDS))
    return meant, [Fault((*place, "grid"), f"unknown grid {quoted(kind)}; {hint}")]


def _unknown_keys(given: Mapping[str, Any], place: KeyPath) -> Iterator[Fault]:
    """Keys that no grid has."""
    known = list(dict.fromkeys(key for grid in GRIDS.values() for key in key_names(grid)))
    for key in given:
        if key not in known:
            yield Fault((*place, key), f"unknown key {quoted(key)}; {did_you_mean(key, known)}", key=True)


def _meant(name: str) -> str | None:
    return _NUMPY.get(name) or closest(name, list(GRIDS))


def _plain(value: Any) -> str:
    return shortened(value) if isinstance(value, str) else quoted(value)


def _exact(value: float) -> Fraction:
    """The number that a person wrote: 1/10 for 0.1."""
    return Fraction(repr(value))


def _steps(start: Fraction, step: Fraction, count: int) -> tuple[float, ...]:
    """Multiples of a step, each rounded once."""
    below = math.lcm(start.denominator, step.denominator)
    first, by = int(start * below), int(step * below)
    return tuple((first + i * by) / below for i in range(count))


def _sign(step: float) -> str:
    return "> 0" if step > 0.0 else "< 0"
