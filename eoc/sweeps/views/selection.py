"""Which points of a sweep are looked at: by their state, and by the values of their parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eoc.errors import EocError
from eoc.sweeps.store.layout import STATES
from eoc.sweeps.views.names import checked_name, names_along

if TYPE_CHECKING:
    import xarray

__all__ = ["counts", "one_of_each", "points_at", "spread", "status_of", "words_of"]

_CLOSE = 1e-7  # relatively: numbers that are meant to be the same, written with 8 digits
_SHOWN = 4  # values of a parameter that an error names, at both ends


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
        name = max(names_along(sweep, dim), key=lambda name: np.unique(sweep[name].values).size)
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
