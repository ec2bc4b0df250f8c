"""What the data set of a sweep consists of: variables and coordinates with their attributes, and how both are cut."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eoc.sharing import cached_property
from eoc.sweeps.plan import VERSION, Plan
from eoc.sweeps.store.header import FORMAT, git_commit, versions
from eoc.sweeps.task import EOC, Coordinate, Output, Parameter

__all__ = ["DONE", "FAILED", "PENDING", "RECORDS", "STATES", "Blocks", "Layout", "Variable", "coordinate_file"]

RECORDS = ("status", "error", "seconds", "random_seed")  #: of points, besides their outputs
STATES = ("pending", "done", "failed")  #: what ``status`` says
PENDING, DONE, FAILED = range(3)

_FEW, _MANY = 256, 4096  # points of a block, in a sweep of few points and of many
_PARTS = 64  # at least so many blocks, where that leaves them as large as that
_NUMBERS = 2**15  # of one output in a block


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
    about: Mapping[str, Any]


@dataclass(frozen=True)
class Layout:
    """Everything that a store is made of but results.

    Attributes
    ----------
    plan
        The points.
    config
        What decides their numbers, as for JSON.
    functions
        Fingerprints of functions of a user, which do so too.
    about
        More attributes of the data set, such as a title.
    """

    plan: Plan
    config: Mapping[str, Any]
    functions: Mapping[str, str] = field(default_factory=dict)
    about: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def variables(self) -> dict[str, Variable]:
        """What every point has, in the order in which it has to be written: ``status`` vouches for the others."""
        found = {name: _of_output(output) for name, output in self.plan.outputs.items()}
        if EOC in self.plan.values.get("sigma_w", ()):
            about = _about("sigma_w of the point, that of the edge of chaos where it was to be that", "1", "\\sigma_w")
            found["sigma_w_used"] = Variable((), np.float64, np.nan, about)
        if self.plan.task.random:
            found["random_seed"] = Variable((), np.int64, -1, _about("seed of the random numbers of the point", "1"))
        found["seconds"] = Variable((), np.float64, np.nan, _about("time that the point took", "s"))
        found["error"] = Variable((), str, "", _about("why the point failed"))
        found["status"] = Variable((), np.int8, PENDING, _about("state of the point") | _flags(STATES))
        return found

    @cached_property
    def coordinates(self) -> Mapping[str, tuple[Variable, NDArray[Any]]]:
        """The values of the parameters, and of what else is a dimension of an output."""
        found = {name: self._of_parameter(name, (value,), ()) for name, value in self.plan.constants.items()}
        for axis in self.plan.axes:
            found |= {name: self._of_parameter(name, values, (axis.dim,)) for name, values in axis.values.items()}
        for name, one in self.plan.coordinates.items():
            found[name] = Variable((name,), one.values.dtype, 0, _about_numbers(one)), one.values
        return found

    @cached_property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """How many numbers one point has of each variable, along its dimensions."""
        sizes = {name: coordinate.values.size for name, coordinate in self.plan.coordinates.items()}
        return {name: tuple(sizes[dim] for dim in variable.dims) for name, variable in self.variables.items()}

    @cached_property
    def blocks(self) -> Blocks:
        """How the points are divided."""
        return Blocks.of(self.plan.shape, max(map(math.prod, self.shapes.values())))

    def attributes(self) -> dict[str, Any]:
        """What a new store says about itself: texts and numbers only, so that netCDF can hold them."""
        task = self.plan.task
        return {
            "title": f"{task.name}: {task.about}",
            **{name: text for name, text in self.about.items() if text},
            "task": task.name,
            "config": json.dumps(self.config),
            "functions": json.dumps(self.functions),
            "eoc_format": FORMAT,
            "eoc_version": VERSION,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "versions": json.dumps(versions()),
            "git_commit": git_commit(self.plan.folder) or "",
            "runs": "[]",
            "variables": " ".join(self.variables),  # in their order, which zarr does not keep
            "coordinates": " ".join(self.coordinates),  # that some are no dimension, xarray knows from this
        }

    def _of_parameter(self, name: str, values: tuple[Any, ...], dims: tuple[str, ...]) -> tuple[Variable, NDArray[Any]]:
        """Numbers, or texts (of type object) if one is a text."""
        parameter = self.plan.task.parameter(name)
        shape = (-1,) * len(dims)
        if any(isinstance(value, str) for value in values):
            texts = np.array([str(value) for value in values], object).reshape(shape)
            return Variable(dims, str, "", _about(parameter.about, symbol=parameter.symbol)), texts
        numbers = np.array(values, np.int64 if parameter.kind == "whole" else np.float64).reshape(shape)
        return Variable(dims, numbers.dtype, 0, _about_numbers(parameter)), numbers


def coordinate_file(store: Path, name: str, dimensions: int) -> Path:
    """Where the values of a coordinate are, in one file."""
    return store.joinpath(name, "c", *dimensions * "0")


def _of_output(output: Output) -> Variable:
    about = _about(output.about) | _flags(output.flags) if output.flags else _about_numbers(output)
    return Variable(output.dims, output.dtype, output.missing, about)


def _about(long_name: str, units: str = "", symbol: str = "") -> dict[str, Any]:
    """Attributes; texts and flags have no units, and not everything has a symbol."""
    found = {"long_name": long_name, "units": units, "symbol": symbol}
    return {name: text for name, text in found.items() if text}


def _about_numbers(one: Output | Coordinate | Parameter) -> dict[str, Any]:
    return _about(one.about, one.units, one.symbol)


def _flags(words: tuple[str, ...]) -> dict[str, Any]:
    return {"flag_values": list(range(len(words))), "flag_meanings": " ".join(word.replace(" ", "_") for word in words)}


@dataclass(frozen=True)
class Blocks:
    """How the points of a sweep are divided.

    Attributes
    ----------
    shape
        How many values the axes have.
    chunk
        How many of them a block has.

    Examples
    --------
    >>> blocks = Blocks.of((3, 40, 10))
    >>> blocks.chunk, blocks.count, blocks.points(1), blocks.where(1)
    ((1, 20, 10), 6, range(200, 400), (slice(0, 1, None), slice(20, 40, None), slice(0, 10, None)))
    """

    shape: tuple[int, ...]
    chunk: tuple[int, ...]

    @classmethod
    def of(cls, shape: tuple[int, ...], numbers: int = 1) -> Blocks:
        """Blocks of points of which the largest output has so many numbers."""
        wanted = min(max(math.prod(shape) // _PARTS, _FEW), _MANY)
        room = max(1, min(wanted, _NUMBERS // numbers))
        chunk = []
        for size in reversed(shape):
            parts = math.ceil(size / room)
            chunk.append(math.ceil(size / parts))  # parts of about the same size
            room = max(1, room // size)
        return cls(shape, tuple(reversed(chunk)))

    @cached_property
    def parts(self) -> tuple[int, ...]:
        """How many blocks there are along each axis."""
        return tuple(-(-size // step) for size, step in zip(self.shape, self.chunk, strict=True))

    @property
    def count(self) -> int:
        """How many blocks there are."""
        return math.prod(self.parts)

    def block(self, point: int) -> int:
        """The number of the block that a point is in."""
        return _number([i // step for i, step in zip(_places(point, self.shape), self.chunk, strict=True)], self.parts)

    def where(self, block: int) -> tuple[slice, ...]:
        """Its place along the axes."""
        places = zip(_places(block, self.parts), self.chunk, self.shape, strict=True)
        return tuple(slice(i * step, min((i + 1) * step, size)) for i, step, size in places)

    def sizes(self, block: int) -> tuple[int, ...]:
        """How many values of the axes it has."""
        return tuple(part.stop - part.start for part in self.where(block))

    def points(self, block: int) -> range:
        """The numbers of its points."""
        where = self.where(block)
        first = _number([part.start for part in where], self.shape)
        return range(first, first + math.prod(part.stop - part.start for part in where))

    def key(self, block: int, inner: int = 0) -> str:
        """The last part of the name of its file, of an array with so many more dimensions."""
        return "/".join(["c", *map(str, _places(block, self.parts)), *inner * "0"])


def _number(places: Sequence[int], shape: Sequence[int]) -> int:
    """Which one it is, in order, that is at these places along the axes."""
    number = 0
    for i, size in zip(places, shape, strict=True):
        number = number * size + i
    return number


def _places(number: int, shape: Sequence[int]) -> list[int]:
    """Where along the axes the one with this number is."""
    places = []
    for size in reversed(shape):
        number, i = divmod(number, size)
        places.append(i)
    return places[::-1]
