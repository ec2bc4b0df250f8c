"""Names in a configuration: its task, and its activations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from eoc.errors import EocError, ExpressionError
from eoc.sweeps.config.model import Config, key_names
from eoc.sweeps.config.problems import Fault, did_you_mean, quoted
from eoc.sweeps.task import Parameter, Task
from eoc.sweeps.tasks import TASKS

__all__ = ["activation_faults", "axis_faults", "chosen_task", "misplaced"]


def chosen_task(given: Mapping[str, Any]) -> tuple[Task | None, list[Fault]]:
    """The task that a configuration names by ``task`` and ``experiment``, or what is wrong with these.

    Examples
    --------
    >>> chosen_task({"task": "edge_of_chaos"})[0].name
    'edge_of_chaos'
    >>> chosen_task({"task": "edge-of-caos"})[1][0].message
    "unknown task 'edge-of-caos'; did you mean 'edge_of_chaos'?"
    """
    name, experiment = given.get("task"), given.get("experiment")
    if not isinstance(name, str) or not isinstance(experiment, str | None):
        return None, []  # a fault of its own
    experiments = [known.partition("/")[2] for known in TASKS if known.startswith(f"{name}/")]
    if experiments:
        return _of_experiment(name, experiment, experiments)
    if name not in TASKS or "/" in name:
        return None, [Fault(("task",), _unknown_task(name))]
    if "experiment" in given:
        return TASKS[name], [Fault(("experiment",), f"the task {name} has no experiments: remove this line", key=True)]
    return TASKS[name], []


def _of_experiment(name: str, experiment: str | None, experiments: list[str]) -> tuple[Task | None, list[Fault]]:
    if experiment is None:
        return None, [Fault(("task",), f"experiment is missing: one of {', '.join(experiments)}")]
    if experiment not in experiments:
        message = f"unknown experiment {quoted(experiment)}; {did_you_mean(experiment, experiments)}"
        return None, [Fault(("experiment",), message)]
    return TASKS[f"{name}/{experiment}"], []


def _unknown_task(name: str) -> str:
    for known in TASKS:
        kind, _, experiment = known.partition("/")
        if name in (known, experiment):
            return f"{quoted(name)} is an experiment: write task: {kind} and experiment: {experiment}"
    kinds = list(dict.fromkeys(known.partition("/")[0] for known in TASKS))
    return f"unknown task {quoted(name)}; {did_you_mean(name, kinds)}"


def axis_faults(task: Task, given: Mapping[str, Any]) -> Iterator[Fault]:
    """Parameters under ``axes`` that the task does not take, and those that it needs."""
    known = [parameter.name for parameter in task.parameters]
    for name in given:
        if name not in known:
            yield Fault(("axes", name), _unknown(name, task, known), key=True)
    for parameter in task.parameters:
        if parameter.required and parameter.name not in given:
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


def misplaced(given: Mapping[str, Any]) -> Iterator[Fault]:
    """Parameters that are outside ``axes``."""
    known = {parameter.name for task in TASKS.values() for parameter in task.parameters}
    for name in (name for name in given if name in known and name not in key_names(Config)):
        yield Fault((name,), f"{name} is a parameter: write it below axes, with two spaces before it", key=True)


def _unknown(name: str, task: Task, known: list[str]) -> str:
    if name in key_names(Config):
        return f"{name} is no parameter of {task.name}: write it in the first column, outside axes"
    others = [other for other, about in TASKS.items() if any(one.name == name for one in about.parameters)]
    if others:
        return f"{task.name} takes no {name}, which belongs to {', '.join(others[:3])}; it takes {', '.join(known)}"
    return f"{task.name} has no parameter {quoted(name)}; {did_you_mean(name, known)}"
