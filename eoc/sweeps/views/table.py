"""A sweep as a table: a row for each of its points, and for each place along the dimensions of outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from eoc.sweeps.views.names import chosen_outputs, constants_of, names_along, records_of
from eoc.sweeps.views.selection import spread, status_of, words_of

if TYPE_CHECKING:
    import pandas
    import xarray

__all__ = ["to_frame"]


def to_frame(sweep: xarray.Dataset, outputs: Sequence[str] | None = None) -> pandas.DataFrame:
    """The finished and failed points of a sweep as a table of pandas.

    Parameters
    ----------
    sweep
        What :func:`eoc.open_sweep` returns, or a part of it.
    outputs
        Which outputs; all where left out.

    Returns
    -------
    pandas.DataFrame
        A row for each point that is not pending, in the order of the sweep; where outputs have further dimensions, such
        as layers, a row for each place along them, with the other outputs repeated. Columns: the axes, the further
        dimensions, the constants, the outputs, and what is known of every point (``status``, ``error``, ``seconds``,
        ``random_seed``). Flags are words; a whole number that a point does not have is missing.

    Raises
    ------
    EocError
        For an unknown output.

    Examples
    --------
    >>> import xarray
    >>> sweep = xarray.Dataset({"q": ("sigma_b", [0.1, 0.2]), "status": ("sigma_b", [1, 0])}, {"sigma_b": [0.3, 0.4]})
    >>> to_frame(sweep, ["q"])[["sigma_b", "q"]].values.tolist()
    [[0.3, 0.1]]
    """
    import pandas

    names = chosen_outputs(sweep, outputs)
    dims = dict.fromkeys(str(dim) for name in ("status", *names) for dim in sweep[name].dims)
    sizes = {dim: sweep.sizes[dim] for dim in dims}
    along = [name for dim in dims for name in names_along(sweep, dim)]
    seen = spread(~status_of(sweep, "pending"), sizes).ravel()
    columns = {}
    for name in (*along, *constants_of(sweep), *names, *records_of(sweep)):
        values = spread(sweep[name], sizes).ravel()[seen]
        columns[name] = _column(sweep[name], values, whole=name in names)
    return pandas.DataFrame(columns)


def _column(variable: xarray.DataArray, values: Any, whole: bool) -> Any:
    """Values as pandas keeps them: flags as words, whole numbers that may be missing."""
    import pandas

    words = words_of(variable)
    if words:
        return pandas.Categorical.from_codes(values, list(words))
    if whole and values.dtype.kind == "i":
        return pandas.arrays.IntegerArray(values.astype(np.int64), values == -1)
    return values
