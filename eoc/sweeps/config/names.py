"""Names in a configuration: the task, or those that may be meant, and its parameters."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from eoc.messages import closest, did_you_mean, quoted
from eoc.sweeps.config.problems import Fault, key_names
from eoc.sweeps.config.schema import Config
from eoc.sweeps.task import Parameter, Task
from eoc.sweeps.tasks import FAMILIES, TASKS

__all__ = ["axis_faults", "chosen_tasks", "in_common", "is_parameter", "misplaced"]

_NETWORKS = ("no", "same", "any")  # that a parameter may be, ever more
_COMMANDS = {  # of ``eoc montecarlo``: the experiments behind them
    "lengths": ("length_process",),
    "correlations": ("correlation_process",),
    "counterexamples": ("second_layer", "divergence"),
}


def chosen_tasks(given: Mapping[str, Any]) -> tuple[tuple[Task, ...], list[Fault]]:
    """The task that a configuration names by ``task`` and ``experiment``.

    If something is wrong with these, that, and the tasks that may be meant, so that the axes can be checked all the
    same.

    Examples
    --------
    >>> [task.name for task in chosen_tasks({"task": "edge_of_chaos"})[0]]
    ['edge_of_chaos']
    >>> tasks, faults = chosen_tasks({"task": "edge-of-caos"})
    >>> tasks[0].name, faults[0].message
    ('edge_of_chaos', "unknown task 'edge-of-caos'; did you mean 'edge_of_chaos'?")
    """
    name = given.get("task")
    if not isinstance(name, str):  # a fault of its own
        return tuple(TASKS.values()), []
    family = tuple(task for task in TASKS.values() if task.family == name)
    if not family:
        return _unknown_task(name, given)
    if family[0].experiment:
        return _of_experiment(given.get("experiment"), family)
    if "experiment" in given:
        return family, [Fault(("experiment",), f"the task {name} has no experiments: remove this line", key=True)]
    return family, []


def _of_experiment(name: object, family: Sequence[Task]) -> tuple[tuple[Task, ...], list[Fault]]:
    """Those of the family that have this name, or if it is wrong, which it may mean, and what is wrong with it."""
    names = [task.experiment for task in family]
    if name in names:
        return (family[names.index(str(name))],), []
    if name is None:
        meant, message = names, f"it is missing: one of {', '.join(names)}"
    elif not isinstance(name, str):  # a fault of its own
        return tuple(family), []
    elif name in _COMMANDS:
        meant = [*_COMMANDS[name]]
        message = f"{quoted(name)} is a command of eoc montecarlo: write {' or '.join(meant)}"
    else:
        close = closest(name, names)
        meant = names if close is None else [close]
        message = f"unknown experiment {quoted(name)}; {did_you_mean(name, names)}"
    fault = Fault(("experiment",), message, beside=("task",))
    return tuple(task for task in family if task.experiment in meant), [fault]


def _unknown_task(name: str, given: Mapping[str, Any]) -> tuple[tuple[Task, ...], list[Fault]]:
    meant = _COMMANDS.get(name, ())
    experiments = tuple(task for task in TASKS.values() if task.experiment and name in (task.name, task.experiment))
    experiments += tuple(task for task in TASKS.values() if task.experiment in meant)
    if experiments:
        names = " or ".join(task.experiment for task in experiments)
        message = f"{quoted(name)} is an experiment: write task: {experiments[0].family} and experiment: {names}"
        return experiments, [Fault(("task",), message)]
    fault = Fault(("task",), f"unknown task {quoted(name)}; {did_you_mean(name, FAMILIES)}")
    tasks, more = chosen_tasks({**given, "task": closest(name, FAMILIES)})
    return tasks, [fault, *more]


def in_common(tasks: Sequence[Task]) -> dict[str, Parameter]:
    """What is known of the parameters that some of the tasks take, whichever of these is meant.

    Those that are of the same kind wherever they occur, with the widest range, and required only if all need it.

    Examples
    --------
    >>> tasks = [task for task in TASKS.values() if task.family == "montecarlo"]
    >>> found = in_common(tasks)
    >>> found["depth"].kind, found["depth"].least, found["depth"].required
    ('whole', 1, False)
    """
    found: dict[str, list[Parameter]] = {}
    for task in tasks:
        for parameter in task.parameters:
            found.setdefault(parameter.name, []).append(parameter)
    return {
        name: _widest(same, required=len(same) == len(tasks) and all(one.required for one in same))
        for name, same in found.items()
        if len({one.kind for one in same}) == 1
    }


def _widest(same: Sequence[Parameter], required: bool) -> Parameter:
    least = min(one.least for one in same)
    return dataclasses.replace(
        same[0],
        least=least,
        most=max(one.most for one in same),
        above=all(one.above for one in same if one.least == least),
        required=required,
        inner=all(one.inner for one in same),
        choices=tuple(dict.fromkeys(choice for one in same for choice in one.choices)),
        eoc=any(one.eoc for one in same),
        networks=max((one.networks for one in same), key=_NETWORKS.index),
    )


def axis_faults(tasks: Sequence[Task], given: Mapping[str, Any]) -> Iterator[Fault]:
    """Parameters under ``axes`` that none of the tasks takes, and those that all of them need."""
    known = list(dict.fromkeys(parameter.name for task in tasks for parameter in task.parameters))
    for name in given:
        if name not in known:
            yield Fault(("axes", name), _unknown_axis(name, tasks, known), key=True)
    meant = {closest(name, known) for name in given if name not in known and not is_parameter(name)}
    for parameter in in_common(tasks).values():
        if parameter.required and parameter.name not in given and parameter.name not in meant:
            yield Fault(("axes",), f"{parameter.name} is missing: {parameter.about}", key=True)


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


def _unknown_axis(name: str, tasks: Sequence[Task], known: Sequence[str]) -> str:
    which = tasks[0].name if len(tasks) == 1 else tasks[0].family
    if name in key_names(Config):
        return f"{name} is no parameter: write it in the first column, outside axes"
    others = [other for other, about in TASKS.items() if any(one.name == name for one in about.parameters)]
    if others:
        return f"{which} takes no {name}, which belongs to {', '.join(others[:3])}; it takes {', '.join(known)}"
    what = f"{which} has no parameter" if len(tasks) < len(TASKS) else "no task has a parameter"
    return f"{what} {quoted(name)}; {did_you_mean(name, known)}"
