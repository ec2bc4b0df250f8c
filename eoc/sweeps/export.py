"""A sweep as a table, a row for each of its points, and in other programs' formats: CSV, Parquet and netCDF."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eoc.errors import EocError
from eoc.files import replacing
from eoc.sweeps.selection import (
    broadcast,
    checked_name,
    chosen_outputs,
    constants_of,
    flag_meanings,
    parameters_along,
    records_of,
    status_of,
)

if TYPE_CHECKING:
    import pandas
    import xarray

__all__ = ["LIBRARIES", "check_library", "export_sweep", "to_frame"]

#: What a format needs that eoc does not always bring along.
LIBRARIES: dict[str, tuple[str, ...]] = {"csv": (), "parquet": ("pyarrow",), "netcdf": ("h5netcdf", "h5py")}


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
    along = [name for dim in dims for name in parameters_along(sweep, dim)]
    seen = broadcast(~status_of(sweep, "pending"), sizes).ravel()
    columns = {}
    for name in (*along, *constants_of(sweep), *names, *records_of(sweep)):
        values = broadcast(sweep[name], sizes).ravel()[seen]
        columns[name] = _column(sweep[name], values, whole=name in names)
    return pandas.DataFrame(columns)


def _column(variable: xarray.DataArray, values: Any, whole: bool) -> Any:
    """Values as pandas keeps them: flags as words, whole numbers that may be missing."""
    import pandas

    words = flag_meanings(variable)
    if words:
        return pandas.Categorical.from_codes(values, list(words))
    if whole and values.dtype.kind == "i":
        return pandas.arrays.IntegerArray(values.astype(np.int64), values == -1)
    return values


def check_library(form: str) -> None:
    """Refuse a format whose library is not installed.

    Examples
    --------
    >>> check_library("csv")
    """
    for library in LIBRARIES[checked_name(form, LIBRARIES, "format")]:
        if find_spec(library) is None:
            raise EocError(f'{form} needs the library {library}, which is not installed: pip install "eoc[export]"')


def export_sweep(sweep: xarray.Dataset, path: str | Path, form: str, outputs: Sequence[str] | None = None) -> None:
    """Write a sweep to a file, which is replaced as a whole or not at all.

    Parameters
    ----------
    sweep
        What :func:`eoc.open_sweep` returns, or a part of it.
    path
        The file.
    form
        "csv" or "parquet": the table of :func:`to_frame`, all numbers in full. Read a CSV file
        by ``pandas.read_csv(path, float_precision="round_trip")``. "netcdf": the labelled data set with its attributes,
        pending points included.
    outputs
        Which outputs; all where left out.

    Raises
    ------
    EocError
        For an unknown format or output, a library that is not installed, or a file that cannot be written.

    Examples
    --------
    >>> import tempfile, xarray
    >>> sweep = xarray.Dataset({"q": ("sigma_b", [0.1]), "status": ("sigma_b", [1])}, {"sigma_b": [0.3]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     export_sweep(sweep, f"{folder}/sweep.csv", "csv")
    ...     print(Path(folder, "sweep.csv").read_text().split())
    ['sigma_b,q,status', '0.3,0.1,1']
    """
    check_library(form)
    with replacing(Path(path), "the sweep") as part:
        if form == "netcdf":
            chosen = sweep[[*chosen_outputs(sweep, outputs), *records_of(sweep)]]
            chosen.drop_encoding().to_netcdf(part, engine="h5netcdf")
        else:
            getattr(to_frame(sweep, outputs), f"to_{form}")(part, index=False)
