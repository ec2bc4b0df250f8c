"""What a sweep has, by name, and which of its points are looked at: by state, by values of parameters, by errors."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eoc.errors import EocError
from eoc.messages import closest
from eoc.sweeps.store.layout import RECORDS, STATES

if TYPE_CHECKING:
    import xarray

__all__ = [
    "Failure",
    "broadcast",
    "checked_name",
    "checked_output",
    "chosen_outputs",
    "constants_of",
    "counts",
    "failures_of",
    "flag_meanings",
    "one_of_each",
    "outputs_of",
    "parameters_along",
    "parameters_at",
    "points_at",
    "records_of",
    "status_of",
    "with_errors",
    "without_errors",
]

_CLOSE = 1e-7  # relatively: numbers that are meant to be the same, written with 8 digits
_SHOWN = 4  # values of a parameter that an error names, at both ends
_NUMBERS = re.compile(r"\d[\d.]*(e[+-]?\d+)?")


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


def parameters_along(sweep: xarray.Dataset, dim: str) -> list[str]:
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


def flag_meanings(variable: xarray.DataArray) -> tuple[str, ...]:
    """What the numbers 0, 1, ... of a flag mean; nothing for what is no flag."""
    return tuple(str(variable.attrs.get("flag_meanings", "")).split())


def status_of(sweep: xarray.Dataset, status: str) -> xarray.DataArray:
    """Which points are "pending", "done" or "failed"."""
    return sweep["status"] == STATES.index(status)


def broadcast(values: xarray.DataArray, sizes: Mapping[str, int]) -> NDArray[Any]:
    """The values as an array with these dimensions in this order, repeated along those that they do not have."""
    return values.variable.set_dims(sizes).values  # type: ignore[no-untyped-call]


def counts(sweep: xarray.Dataset) -> dict[str, int]:
    """How many points are pending, done and failed.

    Examples
    --------
    >>> import xarray
    >>> counts(xarray.Dataset({"status": ("sigma_b", [1, 1, 2, 0])}))
    {'pending': 1, 'done': 2, 'failed': 1}
    """
    return {name: int(status_of(sweep, name).sum()) for name in STATES}


def points_at(sweep: xarray.Dataset, at: Mapping[str, Sequence[object]]) -> xarray.Dataset:
    """The part of a sweep where parameters have given values.

    Parameters
    ----------
    sweep
        What :func:`eoc.open_sweep` returns.
    at
        By name of a parameter, or of a dimension of outputs such as ``layer``, one value or several, as numbers or as
        text. A number means the nearest value that it agrees with to 7 digits.

    Returns
    -------
    xarray.Dataset
        The same data set without the other values. A parameter of which one value is left becomes a constant.

    Raises
    ------
    EocError
        For an unknown name, or a value that the sweep does not have.

    Examples
    --------
    >>> import xarray
    >>> sweep = xarray.Dataset({"q": ("sigma_b", [0.1, 0.2])}, {"sigma_b": [0.3, 0.4]})
    >>> points_at(sweep, {"sigma_b": ["0.4"]}).q.item()
    0.2
    """
    for name, wanted in at.items():
        checked_name(name, [str(known) for known in sweep.coords], "parameter")
        coordinate = sweep.coords[name]
        found = [_places(name, np.atleast_1d(coordinate.values), value) for value in wanted]
        if coordinate.ndim:
            places = np.unique(np.concatenate(found))
            sweep = sweep.isel({coordinate.dims[0]: int(places[0]) if places.size == 1 else places})
    return sweep


def one_of_each(sweep: xarray.Dataset, dims: Sequence[str]) -> dict[str, Any]:
    """For each dimension a parameter along it and one of its values: for :func:`points_at`, and for messages.

    Of whole numbers such as layers it is the last, of others such as quantiles the middle one, of words the first. Of
    parameters that move together the one with the most different values is taken.

    Examples
    --------
    >>> import xarray
    >>> one_of_each(xarray.Dataset({}, {"layer": [1, 2, 3], "eps": [0.05, 0.1, 0.2]}), ["layer", "eps"])
    {'layer': 3, 'eps': 0.1}
    """
    found = {}
    for dim in dims:
        name = max(parameters_along(sweep, dim), key=lambda name: np.unique(sweep[name].values).size)
        values = sweep[name].values
        place = {"i": -1, "f": values.size // 2}.get(values.dtype.kind, 0)
        found[name] = values.tolist()[place]
    return found


def _places(name: str, values: NDArray[Any], wanted: object) -> NDArray[np.intp]:
    """The indices of a value, at least one."""
    number = _number(wanted)
    same = np.array([str(value) == str(wanted).strip() for value in values])
    if not same.any() and math.isfinite(number):
        distances = np.nan_to_num(np.abs(np.array([_number(value) for value in values]) - number), nan=np.inf)
        same = (distances <= _CLOSE * abs(number)) & (distances == distances.min())
    if same.any():
        return np.flatnonzero(same)
    shown = [str(value) for value in values]
    if len(shown) > 2 * _SHOWN:
        shown = [*shown[:_SHOWN], "...", *shown[-_SHOWN:]]
    hint = ""
    if values.dtype.kind in "iuf" and math.isfinite(number):
        hint = f"; the nearest is {values[np.abs(values - number).argmin()]}"
    raise EocError(f"no point has {name} = {wanted}: this sweep has {', '.join(shown)}{hint}")


def _number(value: object) -> float:
    """The value as a number; NaN if it is none."""
    try:
        return float(str(value))
    except ValueError:
        return math.nan


@dataclass(frozen=True)
class Failure:
    """One kind of error.

    Attributes
    ----------
    error
        That of the first point, as one line.
    places
        The points, counted in the order of the sweep.
    """

    error: str
    places: list[int]


def failures_of(sweep: xarray.Dataset) -> list[Failure]:
    """All kinds of errors of a sweep, the most frequent first.

    Examples
    --------
    >>> import xarray
    >>> errors = ("seed", ["", "no 3", "no 4"])
    >>> failures_of(xarray.Dataset({"status": ("seed", [1, 2, 2]), "error": errors}))
    [Failure(error='no 3', places=[1, 2])]
    """
    errors = np.ravel(sweep["error"].values)
    found: dict[str, Failure] = {}
    for place in np.flatnonzero(status_of(sweep, "failed").values).tolist():
        error = " ".join(str(errors[place]).split())
        found.setdefault(_NUMBERS.sub("0", error), Failure(error, [])).places.append(place)
    return sorted(found.values(), key=lambda failure: -len(failure.places))


def parameters_at(sweep: xarray.Dataset, place: int) -> dict[str, Any]:
    """The parameters of one point, counted as in :class:`Failure`, that are not the same everywhere."""
    dims = [str(dim) for dim in sweep["status"].dims]
    indices = (int(i) for i in np.unravel_index(place, sweep["status"].shape))
    point = sweep.coords.to_dataset().isel(dict(zip(dims, indices, strict=True)))
    return {name: point[name].item() for dim in dims for name in parameters_along(sweep, dim)}
