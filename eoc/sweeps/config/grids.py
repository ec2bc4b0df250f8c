"""Grids of numbers: evenly spaced, evenly in the logarithm, or by steps."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from eoc.errors import EocError
from eoc.sweeps.config.values import number, whole_number
from eoc.wording import quoted

__all__ = ["GRIDS", "MOST_VALUES", "Grid", "Linspace", "Logspace", "Range"]

MOST_VALUES = 1_000_000  #: of one axis


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
