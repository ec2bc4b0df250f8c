"""Names in a configuration: its parameters, and its activations."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from eoc.errors import EocError, ExpressionError
from eoc.sweeps.config.choosing import in_common
from eoc.sweeps.config.model import Config, key_names
from eoc.sweeps.config.problems import Fault
from eoc.sweeps.task import Parameter, Task
from eoc.sweeps.tasks import TASKS
from eoc.wording import closest, did_you_mean, quoted, shortened

__all__ = ["activation_faults", "axis_faults", "is_parameter", "misplaced"]


def axis_faults(tasks: Sequence[Task], given: Mapping[str, Any]) -> Iterator[Fault]:
    """Parameters under ``axes`` that none of the tasks takes, and those that all of them need."""
    known = list(dict.fromkeys(parameter.name for task in tasks for parameter in task.parameters))
    for name in given:
        if name not in known:
            yield Fault(("axes", name), _unknown(name, tasks, known), key=True)
    meant = {closest(name, known) for name in given if name not in known and not is_parameter(name)}
    for parameter in in_common(tasks).values():
        if parameter.required and parameter.name not in given and parameter.name not in meant:
            yield Fault(("axes",), f"{parameter.name} is missing: {parameter.about}", key=True)


def activation_faults(parameter: Parameter, given: Any, folder: str) -> Iterator[Fault]:
    """What is wrong with the texts of activations, as far as that is known without running anything.

    Names, their parameters and the spelling of formulas are checked, and that files are there; modules and files are
    not imported.
    """
    texts = dict(enumerate(given)) if isinstance(given, list) else {None: given}
    for i, text in texts.items():
        if isinstance(text, str) and text.strip() and text.strip() not in parameter.choices:
            message = _activation_problem(text, folder)
            place = ("axes", parameter.name)
            if message:
                yield Fault(place if i is None else (*place, i), message)


def _activation_problem(text: str, folder: str) -> str:
    problem = _one_activation_problem(text, folder)
    parts = _parts(text) if problem else []
    if len(parts) > 1 and all(part.count("(") == part.count(")") for part in parts):
        listed = ", ".join(f'"{part}"' if "," in part else part for part in parts)
        return f"{quoted(text)} is no activation: a list is written [{shortened(listed)}]"
    return problem


def _parts(text: str) -> list[str]:
    """What commas outside of brackets separate."""
    return [part.strip() for part in re.split(r",(?![^(]*\))", text)]


def _one_activation_problem(text: str, folder: str) -> str:
    from eoc.activations.imported import own_function
    from eoc.activations.resolve import check_text

    try:
        own = own_function(text)
        if own is None:
            check_text(text)
        elif own[0].endswith(".py") and not _is_file(folder, own[0]):
            return f"there is no file {quoted(own[0])}" + (f" in {folder}" if folder else "")
    except ExpressionError as error:
        cut = ": text with a comma in a list must be in quotes" if text.count("(") != text.count(")") else ""
        return f"column {error.column} of {quoted(text)}: {error.problem}{cut}"
    except EocError as error:
        return str(error)
    return ""


def _is_file(folder: str, name: str) -> bool:
    try:
        return (Path(folder) / Path(name).expanduser()).is_file()
    except (OSError, RuntimeError, ValueError):  # a name that is too long, or the home of nobody
        return False


def is_parameter(name: str) -> bool:
    """Whether it is a parameter of some task, which belongs below ``axes``.

    Examples
    --------
    >>> is_parameter("sigma_b"), is_parameter("name")
    (True, False)
    """
    known = (parameter.name for task in TASKS.values() for parameter in task.parameters)
    return name in known and name not in key_names(Config)


def misplaced(given: Mapping[str, Any]) -> Iterator[Fault]:
    """Parameters that are outside ``axes``."""
    for name in filter(is_parameter, given):
        yield Fault((name,), f"{name} is a parameter: write it below axes, with two spaces before it", key=True)


def _unknown(name: str, tasks: Sequence[Task], known: Sequence[str]) -> str:
    which = tasks[0].name if len(tasks) == 1 else tasks[0].name.partition("/")[0]
    if name in key_names(Config):
        return f"{name} is no parameter: write it in the first column, outside axes"
    others = [other for other, about in TASKS.items() if any(one.name == name for one in about.parameters)]
    if others:
        return f"{which} takes no {name}, which belongs to {', '.join(others[:3])}; it takes {', '.join(known)}"
    what = f"{which} has no parameter" if len(tasks) < len(TASKS) else "no task has a parameter"
    return f"{what} {quoted(name)}; {did_you_mean(name, known)}"
