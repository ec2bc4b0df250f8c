"""Making a store: all arrays, empty, with everything that describes them."""

from __future__ import annotations

import json
import math
import shutil
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eoc.sweeps.plan import VERSION, Plan
from eoc.sweeps.store.blocks import Blocks
from eoc.sweeps.store.header import FORMAT
from eoc.sweeps.store.layout import Variable, coordinates, variables
from eoc.sweeps.store.provenance import git_commit, versions

if TYPE_CHECKING:
    import zarr

__all__ = ["blocks_of", "create", "empty_store", "inner_shape", "leftover"]

_TRIES, _PAUSE = 20, 0.05  # seconds between two attempts to remove a folder


def blocks_of(plan: Plan) -> Blocks:
    """How the points of a sweep are divided."""
    return Blocks.of(plan.shape, max(math.prod(inner_shape(plan, variable)) for variable in variables(plan).values()))


def inner_shape(plan: Plan, variable: Variable) -> tuple[int, ...]:
    """How many numbers one point has of a variable, along its dimensions."""
    return tuple(plan.coordinates[dim].values.size for dim in variable.dims)


def create(
    path: Path,
    plan: Plan,
    config: Mapping[str, Any],
    functions: Mapping[str, str],
    about: Mapping[str, str],
    aside: Path | None = None,
) -> None:
    """Write a store in which all points are pending; it is there as a whole or not at all.

    It is written under another name first; what is there goes to ``aside`` only then. Who calls this holds the lock.
    """
    with empty_store(path, plan, config, functions, about) as part:
        if aside is not None:
            path.rename(aside)
        part.rename(path)  # over an empty folder, too


@contextmanager
def empty_store(
    path: Path, plan: Plan, config: Mapping[str, Any], functions: Mapping[str, str], about: Mapping[str, str]
) -> Iterator[Path]:
    """Beside a store, one in which nothing has been computed; it is removed at the end if it is still there."""
    part = leftover(path)
    try:
        _write(part, plan, config, functions, about)
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


def _write(
    part: Path, plan: Plan, config: Mapping[str, Any], functions: Mapping[str, str], about: Mapping[str, str]
) -> None:
    import zarr
    from zarr.errors import ZarrUserWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ZarrUserWarning)  # all readers of zarr 3 in Python know consolidated metadata
        group = zarr.create_group(part, attributes=_attributes(plan, config, functions, about))
        dims = tuple(axis.dim for axis in plan.axes)
        chunk = blocks_of(plan).chunk
        for name, variable in variables(plan).items():
            inner = inner_shape(plan, variable)
            whole = replace(variable, dims=dims + variable.dims)
            _array(group, name, whole, plan.shape + inner, chunk + inner)
        for name, (variable, values) in coordinates(plan).items():
            with zarr.config.set({"array.write_empty_chunks": True}):  # so that a missing file is a lost one
                _array(group, name, variable, values.shape, values.shape)[...] = values
        zarr.consolidate_metadata(part)


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


def _attributes(
    plan: Plan, config: Mapping[str, Any], functions: Mapping[str, str], about: Mapping[str, str]
) -> dict[str, Any]:
    """Texts and numbers only, so that netCDF can hold them."""
    return {
        "title": f"{plan.task.name}: {plan.task.about}",
        **{name: text for name, text in about.items() if text},
        "task": plan.task.name,
        "config": json.dumps(config),
        "functions": json.dumps(functions),
        "eoc_format": FORMAT,
        "eoc_version": VERSION,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": json.dumps(versions()),
        "git_commit": git_commit(plan.folder) or "",
        "runs": "[]",
        "variables": " ".join(variables(plan)),  # in their order, which zarr does not keep
        "coordinates": " ".join(coordinates(plan)),  # that some are no dimension, xarray knows from this
    }
