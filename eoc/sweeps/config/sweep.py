"""Sweeps from configurations: a YAML file or a mapping of Python, checked as a whole before anything is computed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eoc.sharing import cached_property
from eoc.sweeps.config.axes import Entry, default_entry, entry
from eoc.sweeps.config.choosing import chosen_tasks, in_common
from eoc.sweeps.config.estimate import result_bytes
from eoc.sweeps.config.model import SCHEMA, Config, faults_of
from eoc.sweeps.config.naming import activation_faults, axis_faults, misplaced
from eoc.sweeps.config.overrides import override
from eoc.sweeps.config.problems import ConfigError, Fault, Place
from eoc.sweeps.config.reading import Document, read
from eoc.sweeps.config.zips import axes_of, zip_faults
from eoc.sweeps.plan import Plan
from eoc.sweeps.task import Task
from eoc.wording import is_text, quoted

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
    document = Document(None)
    document.value = _plain(config, (), document)
    return _sweep(document, folder)


def _text(value: object, place: Place, document: Document) -> str:
    """A key or value as text that can be written."""
    text = str(value)
    if not is_text(text):
        document.faults.append(Fault(place, f"half of a surrogate pair is no text, got {quoted(text)}"))
    return text.encode(errors="replace").decode()


def _plain(value: Any, place: Place, document: Document) -> Any:
    """Values of Python as YAML has them."""
    if len(place) > 9:
        document.faults.append(Fault(place, "values are nested too deeply"))
        return None
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {
            key: _plain(inside, (*place, key), document)
            for key, inside in ((_text(name, place, document), inside) for name, inside in value.items())
        }
    if isinstance(value, list | tuple):
        return [_plain(inside, (*place, i), document) for i, inside in enumerate(value)]
    if isinstance(value, str):
        return _text(value, place, document)
    if value is None or isinstance(value, bool | int | float):
        return value
    document.faults.append(Fault(place, f"must be text, a number, a list or a mapping, got {quoted(value)}"))
    return None


def _sweep(document: Document, folder: str) -> Sweep:
    if not isinstance(document.value, dict):
        what = "the configuration is empty" if document.value is None else f"got {quoted(document.value)}"
        message = f"{what}: it must be a mapping with the keys schema, task and axes"
        raise ConfigError([document.problem(fault) for fault in document.faults or [Fault((), message)]])
    checked = _Checked(document.value, folder)
    faults = [*document.faults, *_not_below(checked.faults, document.faults)]
    if faults:
        raise ConfigError(map(document.problem, faults))
    return checked.sweep()


def _not_below(faults: Sequence[Fault], known: Sequence[Fault]) -> Iterator[Fault]:
    """Those of the faults that are not about a place of which one is known already."""
    places = {fault.place for fault in known}
    for fault in faults:
        if not any(fault.place[:n] in places for n in range(1, len(fault.place) + 1)):
            yield fault


class _Checked:
    """A configuration, part by part: what is right is looked at further, what is wrong is in ``faults``."""

    def __init__(self, given: Mapping[str, Any], folder: str) -> None:
        self.folder = folder
        self.faults = list(misplaced(given))
        placed = {key: value for key, value in given.items() if (key,) not in {fault.place for fault in self.faults}}
        self.faults += faults_of(Config, placed)
        wrong = {fault.place[:1] for fault in self.faults}
        self.given = {key: value for key, value in placed.items() if (key,) not in wrong}
        self.zipped = self.given.get("zip", [])
        self.tasks, faults = chosen_tasks(placed)
        self.faults += faults
        self.entries: dict[str, Entry] = {}
        if "axes" in self.given:
            self._check_axes(self.given["axes"])

    @property
    def task(self) -> Task:
        """The one that is named; only if nothing is wrong."""
        (task,) = self.tasks
        return task

    def _check_axes(self, given: Mapping[str, Any]) -> None:
        self.faults += axis_faults(self.tasks, given)
        parameters = in_common(self.tasks)
        zipped = {name for group in self.zipped for name in group}
        for name in (name for name in given if name in parameters):
            found, faults = entry(parameters[name], given[name], name in zipped)
            if parameters[name].kind == "activation":
                faults += activation_faults(parameters[name], given[name], self.folder)
            self.faults += faults
            if found is not None:
                self.entries[name] = found
        inner = [parameter.name for parameter in parameters.values() if parameter.inner]
        self.faults += zip_faults(self.zipped, inner, given, self.entries)
        if not self.faults:
            absent = [one for one in self.task.parameters if one.name not in given and one.default is not None]
            self.entries |= {parameter.name: default_entry(parameter) for parameter in absent}
            self._check_points()

    def _check_points(self) -> None:
        """What is wrong with all values together; the numbers of points first, before anything looks at them."""
        plan = self.plan
        if plan.size > MOST_POINTS:
            product = " x ".join(map(str, plan.shape))
            message = f"{product} = {plan.size:.3g} points are more than a sweep may have, {MOST_POINTS}"
            self.faults.append(Fault(("axes",), message, key=True))
            return
        self.faults += [Fault(("axes", name), message) for name, message in self.task.problems(plan.values)]
        if not self.faults and result_bytes(plan) > MOST_BYTES:
            message = f"the results would take {result_bytes(plan) / 1e9:.3g} GB, more than {MOST_BYTES / 1e9:g}"
            self.faults.append(Fault(("axes",), f"{message}: take fewer points or layers, or several sweeps", key=True))

    @cached_property
    def plan(self) -> Plan:
        """The points; only once all entries are right."""
        inner = [parameter.name for parameter in self.task.parameters if parameter.inner]
        moving = {name: found for name, found in self.entries.items() if not found.constant and name not in inner}
        return Plan(
            self.task,
            {name: found.values[0] for name, found in self.entries.items() if found.constant and name not in inner},
            axes_of(moving, self.zipped),
            {name: self.entries[name].values for name in self.entries if name in inner},
            self.folder,
        )

    def sweep(self) -> Sweep:
        """What is asked for; only if nothing is wrong."""
        kind, _, experiment = self.task.name.partition("/")
        axes = {name: found.written for name, found in self.entries.items() if not found.constant}
        for parameter in self.task.parameters:  # where constants stand, or defaults are written, says nothing
            if parameter.name in self.entries:
                axes.setdefault(parameter.name, self.entries[parameter.name].written)
        config = {
            "schema": SCHEMA,
            "task": kind,
            **({"experiment": experiment} if experiment else {}),
            "axes": axes,
            **({"zip": self.zipped} if self.zipped else {}),
        }
        return Sweep(self.given.get("name", ""), self.given.get("description", ""), self.plan, config)
