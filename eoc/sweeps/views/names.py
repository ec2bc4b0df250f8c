"""What a sweep has, by name: outputs, parameters, and what is known of every point."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from eoc.errors import EocError
from eoc.sweeps.store.layout import RECORDS
from eoc.wording import closest

if TYPE_CHECKING:
    import xarray

__all__ = [
    "checked_name",
    "checked_output",
    "chosen_outputs",
    "constants_of",
    "names_along",
    "outputs_of",
    "records_of",
    "with_errors",
    "without_errors",
]


def outputs_of(sweep: xarray.Dataset) -> list[str]:
    """The names of everything that was computed, without status, error, seconds and random_seed."""
    ordered = [*str(sweep.attrs.get("variables", "")).split(), *map(str, sweep.data_vars)]
    return [name for name in dict.fromkeys(ordered) if name in sweep.data_vars and name not in RECORDS]


def records_of(sweep: xarray.Dataset) -> list[str]:
    """What is known of every point besides its outputs: status, error, seconds and, of random tasks, random_seed."""
    return [name for name in RECORDS if name in sweep]


def chosen_outputs(sweep: xarray.Dataset, names: Sequence[str] | None) -> list[str]:
    """The outputs of these names, or all where none are given.

    Examples
    --------
    >>> import xarray
    >>> chosen_outputs(xarray.Dataset({"q": ("sigma_b", [0.1]), "status": ("sigma_b", [1])}), None)
    ['q']
    """
    known = outputs_of(sweep)
    return known if names is None else [checked_output(sweep, name, known) for name in names]


def with_errors(sweep: xarray.Dataset, names: Sequence[str]) -> list[str]:
    """The outputs of these names, and with each its error if it has one."""
    known = outputs_of(sweep)
    pairs = (pair for name in chosen_outputs(sweep, names) for pair in (name, f"{name}_error") if pair in known)
    return list(dict.fromkeys(pairs))


def without_errors(names: Collection[str]) -> list[str]:
    """The names, without those that are the error of another one.

    Examples
    --------
    >>> without_errors(["q", "q_error", "last_error"])
    ['q', 'last_error']
    """
    return [name for name in names if not (name.endswith("_error") and name.removesuffix("_error") in names)]


def names_along(sweep: xarray.Dataset, dim: str) -> list[str]:
    """The parameters that run along a dimension: one, or those that move together."""
    return _in_order(sweep, [str(name) for name, values in sweep.coords.items() if values.dims == (dim,)])


def constants_of(sweep: xarray.Dataset) -> dict[str, Any]:
    """Parameters that have one value in the whole data set, in the order of the configuration."""
    names = _in_order(sweep, [str(name) for name, values in sweep.coords.items() if not values.ndim])
    return {name: sweep.coords[name].item() for name in names}


def _in_order(sweep: xarray.Dataset, names: list[str]) -> list[str]:
    """Names of parameters in the order of the configuration, then what else there is."""
    axes = list(json.loads(sweep.attrs.get("config", "{}")).get("axes", ()))
    return sorted(names, key=lambda name: axes.index(name) if name in axes else len(axes))


def checked_name(name: str, known: Collection[str], what: str) -> str:
    """The name, or an error that tells the similar one, and all.

    Examples
    --------
    >>> checked_name("xi_d", ["xi_c", "q"], "output")
    Traceback (most recent call last):
    eoc.errors.EocError: there is no output 'xi_d', did you mean 'xi_c'? There are: xi_c, q
    """
    if name in known:
        return name
    close = closest(name, list(known))
    hint = f", did you mean {close!r}? There are: " if close else "; there are: "
    raise EocError(f"there is no {what} {name!r}{hint}{', '.join(without_errors(known)) or 'none'}")


def checked_output(sweep: xarray.Dataset, name: str, known: Collection[str], what: str = "output") -> str:
    """The name of an output, or of what else is known; an error tells what the sweep would have had to be given."""
    if name not in known and (parameter := _needed(sweep, name)):
        raise EocError(f"there is no {what} {name!r}: this sweep was run without {parameter}, which it needs")
    return checked_name(name, known, what)


def _needed(sweep: xarray.Dataset, output: str) -> str | None:
    """A parameter that was not given, without which the task does not have that output."""
    from eoc.sweeps.tasks import TASKS

    task = TASKS.get(str(sweep.attrs.get("task", "")))
    if task is None:
        return None
    given = [one.name for one in task.parameters if one.name in sweep.coords]
    others = [one.name for one in task.parameters if one.name not in given]
    return next((name for name in others if output in task.outputs([*given, name])), None)
