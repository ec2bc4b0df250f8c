"""What failed in a sweep: points whose errors differ by numbers only are taken together."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from eoc.sweeps.views.names import names_along
from eoc.sweeps.views.selection import status_of

if TYPE_CHECKING:
    import xarray

__all__ = ["Failure", "failures_of", "parameters_at"]

_NUMBER = re.compile(r"\d[\d.]*(e[+-]?\d+)?")


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
        found.setdefault(_NUMBER.sub("0", error), Failure(error, [])).places.append(place)
    return sorted(found.values(), key=lambda failure: -len(failure.places))


def parameters_at(sweep: xarray.Dataset, place: int) -> dict[str, Any]:
    """The parameters of one point, counted as in :class:`Failure`, that are not the same everywhere."""
    dims = [str(dim) for dim in sweep["status"].dims]
    indices = (int(i) for i in np.unravel_index(place, sweep["status"].shape))
    point = sweep.coords.to_dataset().isel(dict(zip(dims, indices, strict=True)))
    return {name: point[name].item() for dim in dims for name in names_along(sweep, dim)}
