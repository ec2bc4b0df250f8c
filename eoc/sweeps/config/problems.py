"""What is wrong with a configuration, where, and how it is said: every problem at once, also those of pydantic."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from eoc.errors import EocError
from eoc.messages import closest, did_you_mean, quoted, shortened, visible

__all__ = ["ConfigError", "Fault", "KeyPath", "Origin", "Problem", "dotted", "faults_of", "key_names"]

#: The keys and indices that lead to a value of a configuration.
KeyPath = tuple[str | int, ...]

_MOST_LINES = 100  # of a message
_MEANT = {"title": "name", "version": "schema", "parameters": "axes"}  # what people write

_WANTED = {
    "dict_type": "a mapping with one key a line",
    "list_type": "a list in brackets",
    "string_type": "text, in quotes if need be",
    "model_type": "a mapping with one key a line",
}


@dataclass(frozen=True)
class Fault:
    """Something wrong at a place of a configuration, before it is known where that is in a file.

    Attributes
    ----------
    place
        Where.
    message
        What was given, what is allowed, what to do.
    key
        Whether it is the key that is wrong, not its value.
    origin
        Where it was written, if the place does not tell.
    beside
        The place next to which it should be, if it is not there.
    """

    place: KeyPath
    message: str
    key: bool = False
    origin: Origin | None = None
    beside: KeyPath = ()


@dataclass(frozen=True)
class Origin:
    """Where a value was written: in a file, at a line and a column from 1; or in an override; "" is in Python."""

    path: str = ""
    line: int | None = None
    column: int | None = None


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a configuration.

    Attributes
    ----------
    path
        The file, or ``--set ...`` for an override; "" for a mapping of Python.
    where
        The keys that lead there, such as ``axes.sigma_b.stop``; "" for the whole.
    line, column
        In the file, both from 1; None where there is no file.
    message
        What was given, what is allowed, what to do.

    Examples
    --------
    >>> print(Problem("sweep.yaml", "axes.sigma_b.stop", 5, 9, "must be a number >= 0, got -1"))
    sweep.yaml:5:9: axes.sigma_b.stop: must be a number >= 0, got -1
    """

    path: str
    where: str
    line: int | None
    column: int | None
    message: str

    def __str__(self) -> str:
        """One line."""
        place = self.path if self.line is None else f"{self.path}:{self.line}:{self.column}"
        return visible(": ".join(part for part in (place, self.where, self.message) if part))


class ConfigError(EocError):
    """A configuration that cannot be used. Its text has one line for each of its ``problems``, in their order.

    Examples
    --------
    >>> print(ConfigError([Problem("", "axes.depth", None, None, "too deep"), Problem("", "task", None, None, "bad")]))
    axes.depth: too deep
    task: bad
    """

    problems: tuple[Problem, ...]

    @classmethod
    def at(cls, path: str, message: str, line: int | None = None, column: int | None = None) -> ConfigError:
        """One problem with a file."""
        return cls([Problem(path, "", line, column, message)])

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.line or 0, problem.column or 0)))
        lines = [str(problem) for problem in self.problems[:_MOST_LINES]]
        more = len(self.problems) - len(lines)
        super().__init__("\n".join([*lines, f"and {more} more problems"] if more else lines))

    def __reduce__(self) -> tuple[Any, ...]:
        """So that it can come from another process."""
        return ConfigError, (self.problems,)


def dotted(place: KeyPath) -> str:
    """A place as people write it.

    Examples
    --------
    >>> dotted(("axes", "sigma_b", 2))
    'axes.sigma_b[2]'
    """
    parts = (f"[{part}]" if isinstance(part, int) else f".{shortened(part)}" for part in place)
    return "".join(parts).lstrip(".")


def key_names(model: type[BaseModel]) -> dict[str, str]:
    """The keys of a mapping that is such a model, and what they are."""
    return {field.alias or name: field.description or "" for name, field in model.model_fields.items()}


def faults_of(model: type[BaseModel], given: Mapping[str, Any], place: KeyPath = ()) -> list[Fault]:
    """What keeps a mapping from being the model.

    Examples
    --------
    >>> from eoc.sweeps.config.schema import Config
    >>> [fault.message for fault in faults_of(Config, {"schema": 1, "task": "phase", "axis": {}, "zip": 3})]
    ['must be a list in brackets, got 3', "unknown key 'axis'; did you mean 'axes'?"]
    """
    known = key_names(model)
    free = [key for key in known if key not in given]
    meant = [_meant(key, free) for key in given if key not in known]
    try:
        model.model_validate(given)
    except ValidationError as error:
        errors = [
            one for one in error.errors(include_url=False) if one["type"] != "missing" or one["loc"][0] not in meant
        ]
        return [_fault(dict(one), known, place) for one in errors]
    return []


def _meant(key: str, known: Sequence[str]) -> str | None:
    return _MEANT[key] if _MEANT.get(key) in known else closest(key, known)


def _fault(error: Mapping[str, Any], known: Mapping[str, str], place: KeyPath) -> Fault:
    kind, where, value = error["type"], (*place, *error["loc"]), error["input"]
    name = str(where[-1]) if where else ""
    if kind == "missing":
        return Fault(place, f"{name} is missing: {known[name][:1].lower()}{known[name][1:].rstrip('.')}", key=True)
    if kind == "extra_forbidden":
        hint = did_you_mean(_meant(name, list(known)) or name, list(known))
        return Fault(where, f"unknown key {quoted(name)}; {hint}", key=True)
    if kind == "value_error":
        return Fault(where, str(error["ctx"]["error"]))
    if kind == "literal_error":
        return Fault(where, f"must be {error['ctx']['expected']}, got {quoted(value)}")
    return Fault(where, f"must be {_WANTED[kind]}, got {quoted(value)}")
