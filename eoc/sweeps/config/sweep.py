"""Sweeps from configurations: a YAML file or a mapping of Python, checked as a whole before anything is computed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eoc.messages import quoted
from eoc.sweeps.config.activations import activation_faults
from eoc.sweeps.config.axes import axes_of, default_values, values_of, zip_faults
from eoc.sweeps.config.document import Document, document_of, override, read
from eoc.sweeps.config.names import axis_faults, chosen_tasks, in_common, misplaced
from eoc.sweeps.config.problems import ConfigError, Fault, faults_of
from eoc.sweeps.config.schema import SCHEMA, Config
from eoc.sweeps.config.values import AxisValues
from eoc.sweeps.plan import Plan
from eoc.sweeps.task import Task

__all__ = ["MOST_BYTES", "MOST_POINTS", "Sweep", "read_sweep", "sweep_of"]

MOST_POINTS = 10_000_000  #: of a sweep
MOST_BYTES = 10**11  #: of its results


@dataclass(frozen=True)
class Sweep:
    """What a configuration asks for.

    Attributes
    ----------
    name, description
        Free text.
    plan
        The points.
    config
        What decides the numbers, as JSON knows it: schema, task, experiment, axes with their defaults, zip.
    """

    name: str
    description: str
    plan: Plan
    config: dict[str, Any]


def read_sweep(path: str | Path, overrides: Sequence[str] = ()) -> Sweep:
    r"""The sweep that a YAML file asks for.

    Parameters
    ----------
    path
        The file.
    overrides
        Values in place of those in the file, such as ``"axes.sigma_b.num=50"``.

    Returns
    -------
    Sweep
        What it asks for; modules with activations are looked for beside the file first.

    Raises
    ------
    ConfigError
        For a file that cannot be used: every problem at once, with line and column.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "sweep.yaml"
    ...     _ = path.write_text("schema: 1\ntask: edge_of_chaos\naxes: {activation: [tanh, silu], sigma_b: 0.2}\n")
    ...     read_sweep(path, ["axes.sigma_b=[0.1, 0.2, 0.3]"]).plan.shape
    (2, 3)
    """
    path = Path(path)
    document = read(path)
    override(document, overrides)
    return _sweep(document, str(path.resolve().parent))


def sweep_of(config: Mapping[str, Any], folder: str = "") -> Sweep:
    """The sweep that a mapping asks for, which has the keys of a YAML file.

    Parameters
    ----------
    config
        The configuration: dictionaries, lists, texts and numbers; NumPy's are fine.
    folder
        Where modules with activations are looked for first.

    Returns
    -------
    Sweep
        What it asks for.

    Raises
    ------
    ConfigError
        For a configuration that cannot be used: every problem at once.

    Examples
    --------
    >>> sweep = sweep_of({"schema": 1, "task": "edge_of_chaos", "axes": {"activation": "tanh", "sigma_b": [0.1, 0.2]}})
    >>> sweep.plan.point(1)
    {'activation': 'tanh', 'sigma_b': 0.2}
    """
    return _sweep(document_of(config), folder)


def _sweep(document: Document, folder: str) -> Sweep:
    """Keys -> values of the axes -> points; parts that are right are looked at further, wherever others are wrong."""
    given = document.value
    if not isinstance(given, dict):
        what = "the configuration is empty" if given is None else f"got {quoted(given)}"
        message = f"{what}: it must be a mapping with the keys schema, task and axes"
        raise ConfigError([document.problem(fault) for fault in document.faults or [Fault((), message)]])
    keys, tasks, faults = _keys(given)
    axes, zipped = keys.get("axes", {}), keys.get("zip", [])
    values, more = _values(tasks, axes, zipped, folder) if "axes" in keys else ({}, [])
    if not (faults := faults + more):
        (task,) = tasks
        values |= {one.name: default_values(one) for one in task.parameters if one.default is not None} | values
        plan = _plan(task, values, zipped, folder)
        faults = _plan_faults(plan)
    if faults := [*document.faults, *_not_below(faults, document.faults)]:
        raise ConfigError(map(document.problem, faults))
    return Sweep(keys.get("name", ""), keys.get("description", ""), plan, _written(task, values, zipped))


def _not_below(faults: Sequence[Fault], known: Sequence[Fault]) -> Iterator[Fault]:
    """Those of the faults that are not about a place of which one is known already."""
    places = {fault.place for fault in known}
    for fault in faults:
        if not any(fault.place[:n] in places for n in range(1, len(fault.place) + 1)):
            yield fault


def _keys(given: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[Task, ...], list[Fault]]:
    """The keys that are right, the task that they name or may mean, and what is wrong."""
    faults = list(misplaced(given))
    outside = {fault.place for fault in faults}
    placed = {key: value for key, value in given.items() if (key,) not in outside}
    faults += faults_of(Config, placed)
    wrong = {fault.place[:1] for fault in faults}
    tasks, more = chosen_tasks(placed)
    return {key: value for key, value in placed.items() if (key,) not in wrong}, tasks, faults + more


def _values(
    tasks: Sequence[Task], axes: Mapping[str, Any], zipped: Sequence[Sequence[str]], folder: str
) -> tuple[dict[str, AxisValues], list[Fault]]:
    """The values of the axes that are right, and what is wrong with the others."""
    faults = list(axis_faults(tasks, axes))
    parameters = in_common(tasks)
    in_groups = {name for group in zipped for name in group}
    values: dict[str, AxisValues] = {}
    for name in (name for name in axes if name in parameters):
        found, more = values_of(parameters[name], axes[name], name in in_groups)
        if parameters[name].kind == "activation":
            more += activation_faults(parameters[name], axes[name], folder)
        faults += more
        if found is not None:
            values[name] = found
    inner = [parameter.name for parameter in parameters.values() if parameter.inner]
    return values, [*faults, *zip_faults(zipped, inner, axes, values)]


def _plan(task: Task, values: Mapping[str, AxisValues], zipped: Sequence[Sequence[str]], folder: str) -> Plan:
    inner = [parameter.name for parameter in task.parameters if parameter.inner]
    moving = {name: found for name, found in values.items() if not found.constant and name not in inner}
    return Plan(
        task,
        {name: found.values[0] for name, found in values.items() if found.constant and name not in inner},
        axes_of(moving, zipped),
        {name: found.values for name, found in values.items() if name in inner},
        folder,
    )


def _plan_faults(plan: Plan) -> list[Fault]:
    """What is wrong with all values together; the numbers of points first, before anything looks at them."""
    if plan.size > MOST_POINTS:
        product = " x ".join(map(str, plan.shape))
        message = f"{product} = {plan.size:.3g} points are more than a sweep may have, {MOST_POINTS}"
        return [Fault(("axes",), message, key=True)]
    faults = [Fault(("axes", name), message) for name, message in plan.task.problems(plan.values)]
    if not faults and (size := plan.result_bytes) > MOST_BYTES:
        message = f"the results would take {size / 1e9:.3g} GB, more than {MOST_BYTES / 1e9:g}"
        return [Fault(("axes",), f"{message}: take fewer points or layers, or several sweeps", key=True)]
    return faults


def _written(task: Task, values: Mapping[str, AxisValues], zipped: Sequence[Sequence[str]]) -> dict[str, Any]:
    """What decides the numbers, as JSON knows it."""
    axes = {name: found.written for name, found in values.items() if not found.constant}
    for parameter in task.parameters:  # where constants stand, or defaults are written, says nothing
        if parameter.name in values:
            axes.setdefault(parameter.name, values[parameter.name].written)
    config: dict[str, Any] = {"schema": SCHEMA, "task": task.family}
    if task.experiment:
        config["experiment"] = task.experiment
    config["axes"] = axes
    if zipped:
        config["zip"] = zipped
    return config
