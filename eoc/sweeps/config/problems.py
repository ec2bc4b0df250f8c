"""What is wrong with a configuration, where, and how it is said: every problem at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from eoc.errors import EocError
from eoc.wording import shortened, visible

__all__ = ["ConfigError", "Fault", "Origin", "Place", "Problem", "dotted"]

#: The keys and indices that lead to a value of a configuration.
Place = tuple[str | int, ...]

_MOST_LINES = 100  # of a message


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

    place: Place
    message: str
    key: bool = False
    origin: Origin | None = None
    beside: Place = ()


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

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.line or 0, problem.column or 0)))
        lines = [str(problem) for problem in self.problems[:_MOST_LINES]]
        more = len(self.problems) - len(lines)
        super().__init__("\n".join([*lines, f"and {more} more problems"] if more else lines))

    def __reduce__(self) -> tuple[Any, ...]:
        """So that it can come from another process."""
        return ConfigError, (self.problems,)


def dotted(place: Place) -> str:
    """A place as people write it.

    Examples
    --------
    >>> dotted(("axes", "sigma_b", 2))
    'axes.sigma_b[2]'
    """
    parts = (f"[{part}]" if isinstance(part, int) else f".{shortened(part)}" for part in place)
    return "".join(parts).lstrip(".")
