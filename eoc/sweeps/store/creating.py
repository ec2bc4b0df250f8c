"""Making a store, all arrays empty, and writing again what describes a damaged one: the layout knows all of it."""

from __future__ import annotations

import json
import shutil
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eoc.errors import EocError
from eoc.sweeps.store.header import header, json_of
from eoc.sweeps.store.layout import Layout, Variable, coordinate_file

if TYPE_CHECKING:
    import zarr

__all__ = ["create", "damaged", "empty_store", "leftover", "lost", "repair"]

_TRIES, _PAUSE = 20, 0.05  # seconds between two attempts to remove a folder
_ABOUT = "zarr.json"  # what describes an array, or the whole


def create(path: Path, layout: Layout, aside: Path | None = None) -> None:
    """Write a store in which all points are pending; it is there as a whole or not at all.

    It is written under another name first; what is there goes to ``aside`` only then. Who calls this holds the lock.
    """
    with empty_store(path, layout) as part:
        if aside is not None:
            path.rename(aside)
        part.rename(path)  # over an empty folder, too


@contextmanager
def empty_store(path: Path, layout: Layout) -> Iterator[Path]:
    """Beside a store, one in which nothing has been computed; it is removed at the end if it is still there."""
    part = leftover(path)
    try:
        _write(part, layout)
        yield part
    finally:
        for _ in range(_TRIES):  # where one write failed, zarr's others may still be under way
            if not part.exists():
                break
            shutil.rmtree(part, ignore_errors=True)
            time.sleep(_PAUSE)


def leftover(path: Path) -> Path:
    """Where a new store is written, from which what a run left that was killed is removed."""
    part = path.with_name(f".{path.name}.new")
    if part.is_symlink():
        part.unlink()
    elif part.exists():
        shutil.rmtree(part)
    return part


def _write(part: Path, layout: Layout) -> None:
    import zarr

    group = zarr.create_group(part, attributes=layout.attributes())
    axes = tuple(axis.dim for axis in layout.plan.axes)
    for name, variable in layout.variables.items():
        inner = layout.shapes[name]
        whole = replace(variable, dims=axes + variable.dims)
        _array(group, name, whole, layout.plan.shape + inner, layout.blocks.chunk + inner)
    for name, (variable, values) in layout.coordinates.items():
        with zarr.config.set({"array.write_empty_chunks": True}):  # so that a missing file is a lost one
            _array(group, name, variable, values.shape, values.shape)[...] = values
    _consolidate(part)


def _consolidate(path: Path) -> None:
    """Copy what describes the arrays to what describes the whole, where it is read at once."""
    import zarr
    from zarr.errors import ZarrUserWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ZarrUserWarning)  # all readers of zarr 3 in Python know consolidated metadata
        zarr.consolidate_metadata(path)


def _array(
    group: zarr.Group, name: str, variable: Variable, shape: tuple[int, ...], chunk: tuple[int, ...]
) -> zarr.Array[Any]:
    from zarr.codecs import Crc32cCodec

    return group.create_array(
        name,
        shape=shape,
        chunks=chunk,
        dtype=variable.dtype,
        fill_value=variable.missing,
        compressors=[Crc32cCodec()],  # fast, and damage is found
        dimension_names=variable.dims,
        attributes=dict(variable.about),
    )


def lost(path: Path) -> bool:
    """Whether nobody can tell any more what sweep a store is of."""
    try:
        found = header(path)
        for name in ("config", "functions", "runs"):
            json_of(path, found, name)
    except EocError:
        return True
    return False


def damaged(path: Path, layout: Layout) -> list[str]:
    """The arrays of which what describes them is not what it was.

    The whole has copies: where the two differ, one of them is damaged.
    """
    copies = _read(path).get("consolidated_metadata")
    known = copies.get("metadata") if isinstance(copies, dict) else None
    return [
        name
        for name in (*layout.variables, *layout.coordinates)
        if not isinstance(known, dict) or not known.get(name) or known[name] != _read(path / name)
    ]


def repair(path: Path, layout: Layout, right: Path, names: list[str]) -> None:
    """Describe the store as a new one is described, with all its numbers where they are.

    Parameters
    ----------
    path
        The store.
    layout
        What it is made of.
    right
        A new store of the same layout; files are moved from there.
    names
        The arrays to look at.

    Raises
    ------
    EocError
        If the whole is lost, and the parameters that the store has on disk are not those of the plan.
    """
    if lost(path):
        if not _same_parameters(path, layout, right):
            header(path)
            raise EocError(f"{path} is damaged, and its parameters are not those of this sweep: give another store")
        (right / _ABOUT).replace(path / _ABOUT)
    for name in names:
        if _read(path / name) != _read(right / name):
            (path / name).mkdir(exist_ok=True)
            (right / name / _ABOUT).replace(path / name / _ABOUT)
    _consolidate(path)


def _same_parameters(path: Path, layout: Layout, right: Path) -> bool:
    """Whether all values of all parameters are in the files that a new store has.

    Where functions of a user are among them, nobody can tell whether they still compute the same.
    """
    if not path.is_dir() or any(":" in str(text) for text in layout.plan.values.get("activation", ())):
        return False
    there, wanted = ({one.name for one in folder.iterdir() if one.is_dir()} for folder in (path, right))
    files = [coordinate_file(path, name, values.ndim) for name, (_, values) in layout.coordinates.items()]
    return there == wanted and all(
        file.is_file() and file.read_bytes() == (right / file.relative_to(path)).read_bytes() for file in files
    )


def _read(folder: Path) -> dict[str, Any]:
    """What describes an array or the whole; nothing if that cannot be read."""
    try:
        found = json.loads((folder / _ABOUT).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
