"""Reading a sweep: one labelled data set."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eoc.errors import EocError
from eoc.sweeps.store.header import check_format, header, unreadable
from eoc.sweeps.store.layout import DONE, PENDING, RECORDS, Blocks, coordinate_file

if TYPE_CHECKING:
    import xarray

__all__ = ["open_sweep"]


def open_sweep(path: str | Path, variables: Iterable[str] | None = None) -> xarray.Dataset:
    """The data set of a sweep, finished or under way, in memory.

    Parameters
    ----------
    path
        The folder that a run has written, or is writing to.
    variables
        Names of the variables to read, besides ``status``; all of them if None.

    Returns
    -------
    xarray.Dataset
        Every output over the parameters, and of every point ``status`` (0 pending, 1 done, 2 failed), ``error`` (why
        it failed) and ``seconds`` (how long it took). Outputs are NaN, or -1 where they are whole numbers or flags,
        where a point is not done.

    Raises
    ------
    EocError
        If there is no store, or it is of another format or damaged.

    Notes
    -----
    ``xarray.open_zarr(path)`` reads the same data set without eoc, and chunk by chunk when it is used, for data that
    do not fit into memory; of a run under way it may show numbers of points that are not yet done.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from eoc.sweeps import run_sweep
    >>> config = {"schema": 1, "task": "edge_of_chaos", "axes": {"activation": ["tanh", "erf"], "sigma_b": 0.2}}
    >>> with TemporaryDirectory() as folder:
    ...     data = open_sweep(run_sweep(config, f"{folder}/edge.zarr", workers=1).path)
    >>> data.sigma_w.sel(activation="tanh").item(), data.status.values.tolist()
    (1.30414584, [1, 1])
    """
    import xarray

    path = Path(path)
    check_format(path, header(path))
    try:
        with xarray.open_zarr(path, chunks=None, consolidated=True) as lazy:
            status = lazy["status"].load()  # before the rest: what is done is then in all files
            names = list(lazy.data_vars) if variables is None else ["status", *_known(path, lazy, variables)]
            chunk = status.encoding["chunks"]
            data = lazy[names].load().drop_encoding()
    except EocError:
        raise
    except Exception as error:  # whatever damage leads to
        raise _damaged(path) or unreadable(path, path, error) from None
    if lost := _lost(path, data, chunk):
        raise _repairable(path, lost)
    for name in set(names) - set(RECORDS):  # a run that is under way or was killed may have left numbers
        values = data[name].values
        values[status.values != DONE] = np.nan if values.dtype.kind == "f" else -1
    return _plain(data)


def _known(path: Path, data: xarray.Dataset, names: Iterable[str]) -> list[str]:
    """Those names, if they are all variables."""
    asked = [name for name in names if name != "status"]
    for name in asked:
        if name not in data.data_vars:
            raise EocError(f"{path} has no variable {name!r}; it has {', '.join(map(str, data.data_vars))}")
    return asked


def _plain(data: xarray.Dataset) -> xarray.Dataset:
    """The same with texts as Python strings, whatever type xarray has for those of zarr."""
    import xarray

    texts = {  # not by xarray's own astype, which imports dask wherever that is installed
        name: xarray.Variable(array.dims, array.values.astype(object), array.attrs)
        for name, array in data.variables.items()
        if array.dtype.kind in "TU"
    }
    return data.assign({name: text for name, text in texts.items() if name in data.data_vars}).assign_coords(
        {name: text for name, text in texts.items() if name in data.coords}
    )


def _lost(path: Path, data: xarray.Dataset, chunk: tuple[int, ...]) -> Path | None:
    """A file that should be there and is not: zarr takes it for numbers that are missing."""
    status = data["status"].values
    blocks = Blocks(status.shape, chunk)
    written = [block for block in range(blocks.count) if (status[blocks.where(block)] != PENDING).any()]
    known = (coordinate_file(path, str(name), array.ndim) for name, array in data.coords.items())
    files = (
        path / str(name) / blocks.key(block, array.ndim - status.ndim)
        for name, array in data.data_vars.items()
        for block in written
    )
    return next((file for file in chain(known, files) if not file.is_file()), None)


def _damaged(path: Path) -> EocError | None:
    """The error that names the first file with numbers that cannot be read."""
    import zarr

    for file in sorted(path.glob("*/zarr.json")):
        try:
            array = zarr.open_array(file.parent, mode="r")
        except Exception as error:  # as above
            return unreadable(path, file, error)
        blocks = Blocks(array.shape, array.chunks)
        for block in range(blocks.count):
            try:
                array[blocks.where(block)]
            except Exception:  # as above
                return _repairable(path, file.parent / blocks.key(block))
    return None


def _repairable(path: Path, file: Path) -> EocError:
    return EocError(
        f"the store {path} is damaged: {file} is missing or cannot be read; run the sweep again, which restores it"
    )
