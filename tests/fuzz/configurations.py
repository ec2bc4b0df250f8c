"""Configurations of sweeps: those that are right and those that are known to be wrong, mutated."""

from __future__ import annotations

import random
import re
from functools import cache
from pathlib import Path

import numpy as np

from eoc.sweeps.config.problems import ConfigError, Problem
from eoc.sweeps.config.sweep import read_sweep
from eoc.sweeps.estimate import estimate

from .commands import problems_of
from .kind import Kind
from .values import TOKENS

__all__ = ["KIND"]

_ROOT = Path(__file__).parents[2]


@cache
def _seeds() -> tuple[str, ...]:
    files = sorted([*(_ROOT / "configs").glob("*.yaml"), *(_ROOT / "tests" / "malformed").glob("*.yaml")])
    return tuple(file.read_bytes().decode("utf-8", "replace") for file in files)


def _mutated(rng: random.Random, text: str) -> str:
    """The text with one thing changed."""
    lines = text.split("\n")
    i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
    at = rng.randrange(len(text) + 1)
    to = min(len(text), at + rng.choice((1, 1, 2, 5, 20)))
    what = rng.choice(
        ("insert", "insert", "replace", "delete", "swap lines", "drop line", "repeat line", "value", "value")
    )
    if what == "insert":
        return text[:at] + rng.choice(TOKENS) + text[at:]
    if what == "replace":
        return text[:at] + rng.choice(TOKENS) + text[to:]
    if what == "delete":
        return text[:at] + text[to:]
    if what == "swap lines":
        lines[i], lines[j] = lines[j], lines[i]
    elif what == "drop line":
        del lines[i]
    elif what == "repeat line":
        lines.insert(j, lines[i])
    else:
        key, colon, _ = lines[i].partition(":")
        lines[i] = f"{key}{colon or ':'} {rng.choice(TOKENS)}"
    return "\n".join(lines)


def _draw(rng: random.Random) -> str:
    text = rng.choice(_seeds())
    for _ in range(rng.choices((1, 2, 4, 8), (5, 3, 2, 1))[0]):
        text = _mutated(rng, text)
    return text


def _check(text: str) -> list[str]:
    path = Path("mutated.yaml")
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    found = problems_of("sweep check mutated.yaml")
    try:
        sweep = read_sweep(path)
    except ConfigError as error:
        return found + [wrong for problem in error.problems for wrong in _wrong_problem(text, problem)]
    except BaseException:  # is found above
        return found
    cost = estimate(sweep.plan)
    if not (0.0 < cost.seconds < np.inf and 0.0 < cost.bytes_store < np.inf and cost.bytes_memory > 0.0):
        found.append(f"an estimate that cannot be: {cost}")
    return found


def _wrong_problem(text: str, problem: Problem) -> list[str]:
    """What is wrong with how a problem is said."""
    found = []
    lines = len(re.split("\r\n|\r|\n", text))
    if problem.line is None or problem.column is None:
        found.append(f"no line: {problem}")
    elif not 1 <= problem.line <= lines + 1:
        found.append(f"a line that is not there: {problem}")
    if not str(problem).replace("\n", "").isprintable():
        found.append(f"a message that cannot be printed: {str(problem)!r}")
    return found


KIND = Kind("configurations", _draw, _check)
