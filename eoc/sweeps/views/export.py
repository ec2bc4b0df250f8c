"""A sweep in other programs' formats: CSV, Parquet and netCDF."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from eoc.errors import EocError
from eoc.files import replacing
from eoc.sweeps.views.names import checked_name, chosen_outputs, records_of
from eoc.sweeps.views.table import to_frame

if TYPE_CHECKING:
    import xarray

__all__ = ["LIBRARIES", "check_library", "export_sweep"]

#: What a format needs that eoc does not always bring along.
LIBRARIES: dict[str, tuple[str, ...]] = {"csv": (), "parquet": ("pyarrow",), "netcdf": ("h5netcdf", "h5py")}


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
        "csv" or "parquet": the table of :func:`~eoc.sweeps.views.table.to_frame`, all numbers in full. Read a CSV file
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
        _WRITERS[form](sweep, part, outputs)


def _csv(sweep: xarray.Dataset, path: Path, outputs: Sequence[str] | None) -> None:
    to_frame(sweep, outputs).to_csv(path, index=False)


def _parquet(sweep: xarray.Dataset, path: Path, outputs: Sequence[str] | None) -> None:
    to_frame(sweep, outputs).to_parquet(path, index=False)


def _netcdf(sweep: xarray.Dataset, path: Path, outputs: Sequence[str] | None) -> None:
    chosen = sweep[[*chosen_outputs(sweep, outputs), *records_of(sweep)]]
    chosen.drop_encoding().to_netcdf(path, engine="h5netcdf")


_WRITERS: dict[str, Callable[[xarray.Dataset, Path, Sequence[str] | None], None]] = {
    "csv": _csv,
    "parquet": _parquet,
    "netcdf": _netcdf,
}
