"""The task that a configuration names, or those that it may mean."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from eoc.sweeps.config.problems import Fault
from eoc.sweeps.task import Parameter, Task
from eoc.sweeps.tasks import TASKS
from eoc.wording import closest, did_you_mean, quoted

__all__ = ["chosen_tasks", "in_common"]

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
    name, experiment = given.get("task"), given.get("experiment")
    if not isinstance(name, str):  # a fault of its own
        return tuple(TASKS.values()), []
    experiments = [known.partition("/")[2] for known in TASKS if known.startswith(f"{name}/")]
    if experiments:
        return _of_experiment(name, experiment, experiments)
    if name not in TASKS or "/" in name:
        return _unknown(name, given)
    if "experiment" in given:
        message = f"the task {name} has no experiments: remove this line"
        return (TASKS[name],), [Fault(("experiment",), message, key=True)]
    return (TASKS[name],), []


def _of_experiment(kind: str, name: object, experiments: Sequence[str]) -> tuple[tuple[Task, ...], list[Fault]]:
    if name in experiments:
        return (TASKS[f"{kind}/{name}"],), []
    meant, message = _meant(name, experiments)
    faults = [Fault(("experiment",), message, beside=("task",))] if message else []
    return tuple(TASKS[f"{kind}/{one}"] for one in meant), faults


def _meant(name: object, experiments: Sequence[str]) -> tuple[Sequence[str], str]:
    """Which experiments a wrong name may mean, and what is wrong with it; nothing if that is a fault of its own."""
    if name is None:
        return experiments, f"it is missing: one of {', '.join(experiments)}"
    if not isinstance(name, str):
        return experiments, ""
    if name in _COMMANDS:
        return _COMMANDS[name], f"{quoted(name)} is a command of eoc montecarlo: write {' or '.join(_COMMANDS[name])}"
    close = closest(name, experiments)
    message = f"unknown experiment {quoted(name)}; {did_you_mean(name, experiments)}"
    return experiments if close is None else [close], message


def _unknown(name: str, given: Mapping[str, Any]) -> tuple[tuple[Task, ...], list[Fault]]:
    experiments = [known for known in TASKS if name in (known, known.partition("/")[2])]
    experiments += [f"montecarlo/{one}" for one in _COMMANDS.get(name, ())]
    if experiments:
        kind = experiments[0].partition("/")[0]
        names = " or ".join(known.partition("/")[2] for known in experiments)
        message = f"{quoted(name)} is an experiment: write task: {kind} and experiment: {names}"
        return tuple(TASKS[known] for known in experiments), [Fault(("task",), message)]
    kinds = list(dict.fromkeys(known.partition("/")[0] for known in TASKS))
    fault = Fault(("task",), f"unknown task {quoted(name)}; {did_you_mean(name, kinds)}")
    tasks, more = chosen_tasks({**given, "task": closest(name, kinds)})
    return tasks, [fault, *more]


def in_common(tasks: Sequence[Task]) -> dict[str, Parameter]:
    """What is known of the parameters that some of the tasks take, whichever of these is meant.

    Those that are of the same kind wherever they occur, with the widest range, and required only if all need it.

    Examples
    --------
    >>> tasks = [task for name, task in TASKS.items() if name.startswith("montecarlo/")]
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
    )
