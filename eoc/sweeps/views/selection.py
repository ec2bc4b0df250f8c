"""Which part of a sweep is looked at: its outputs by name, and its points by the values of their parameters."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eoc.errors import EocError
from eoc.sweeps.config.problems import did_you_mean
from eoc.sweeps.store.layout import RECORDS, STATES

if TYPE_CHECKING:
    import xarray

__all__ = [
    "checked_name",
    "chosen_outputs",
    "constants_of",
    "counts",
    "names_along",
    "outputs_of",
    "points_at",
    "records_of",
    "spread",
    "status_of",
    "words_of",
]

_CLOSE = 1e-9  # relatively: two numbers that are meant to be the same
_SHOWN = 4  # values of a parameter that an error names, at both ends


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
    return known if names is None else [checked_name(name, known, "output") for name in names]


def names_along(sweep: xarray.Dataset, dim: str) -> list[str]:
    """The parameters that run along a dimension: one, or those that move together."""
    return [str(name) for name, values in sweep.coords.items() if values.dims == (dim,)]


def constants_of(sweep: xarray.Dataset) -> dict[str, Any]:
    """Parameters that have one value in the whole data set."""
    return {str(name): coordinate.item() for name, coordinate in sweep.coords.items() if not coordinate.ndim}


def words_of(variable: xarray.DataArray) -> tuple[str, ...]:
    """What the numbers 0, 1, ... of a flag mean; nothing for what is no flag."""
    return tuple(str(variable.attrs.get("flag_meanings", "")).split())


def status_of(sweep: xarray.Dataset, status: str) -> xarray.DataArray:
    """Which points are "pending", "done" or "failed"."""
    return sweep["status"] == STATES.index(status)


def spread(values: xarray.DataArray, sizes: Mapping[str, int]) -> NDArray[Any]:
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


def checked_name(name: str, known: Collection[str], what: str) -> str:
    """The name, or an error that tells the similar ones, or else all.

    Examples
    --------
    >>> checked_name("xi_d", ["xi_c", "q"], "output")
    Traceback (most recent call last):
    eoc.errors.EocError: there is no output 'xi_d': did you mean 'xi_c'?
    """
    if name not in known:
        raise EocError(f"there is no {what} {name!r}: {did_you_mean(name, list(known))}")
    return name


def points_at(sweep: xarray.Dataset, at: Mapping[str, Sequence[object]]) -> xarray.Dataset:
    """The part of a sweep where parameters have given values.

    Parameters
    ----------
    sweep
        What :func:`eoc.open_sweep` returns.
    at
        By name of a parameter, or of a dimension of outputs such as ``layer``, one value or several, as numbers or as
        text. A number means the value that it agrees with to 9 digits.

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


def _places(name: str, values: NDArray[Any], wanted: object) -> NDArray[np.intp]:
    """The indices of a value, at least one."""
    text = values.dtype.kind not in "iuf"
    number = _number(wanted)
    if text:
        same = np.array([str(value) == str(wanted).strip() or _close(_number(value), number) for value in values])
    else:
        same = np.array([_close(float(value), number) for value in values])
    if same.any():
        return np.flatnonzero(same)
    shown = [str(value) for value in values]
    if len(shown) > 2 * _SHOWN:
        shown = [*shown[:_SHOWN], "...", *shown[-_SHOWN:]]
    hint = ""
    if not text and math.isfinite(number):
        hint = f"; the nearest is {values[np.abs(values - number).argmin()]}"
    raise EocError(f"no point has {name} = {wanted}: this sweep has {', '.join(shown)}{hint}")


def _number(value: object) -> float:
    """The value as a number; NaN if it is none."""
    try:
        return float(str(value))
    except ValueError:
        return math.nan


def _close(a: float, b: float) -> bool:
    return a == b or abs(a - b) <= _CLOSE * abs(a)
