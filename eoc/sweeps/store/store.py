"""The results of a sweep on disk, from which it can go on whatever ended it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eoc.errors import EocError
from eoc.sweeps.plan import Result
from eoc.sweeps.store.header import json_of, unreadable, unwritable
from eoc.sweeps.store.layout import DONE, FAILED, PENDING, Layout, coordinate_file

__all__ = ["Store"]

_AT_ONCE = 2**26  # numbers of one output that are read together

_Arrays = dict[str, NDArray[Any]]


class Store:
    """Results on disk, those of a block of points in one file for each output.

    A block under way is kept in memory and its files are replaced with every :meth:`put`, that of ``status`` last: a
    point is done when that says so, and whatever interrupts a process leaves whole files.

    Attributes
    ----------
    path
        The folder.
    set_aside
        Where the store went that was there before; None if there was none, or this is it.
    status
        By number of the point: 0 pending, 1 done, 2 failed, as it is on disk.
    """

    def __init__(self, path: Path, layout: Layout, set_aside: Path | None = None) -> None:
        import zarr

        self.path = path
        self.set_aside = set_aside
        self.status = np.zeros(layout.plan.size, np.int8)
        self._layout, self._plan, self._blocks = layout, layout.plan, layout.blocks
        self._variables, self._inner = layout.variables, layout.shapes
        self._open: dict[int, _Arrays] = {}
        for leftover in path.rglob("*.partial"):  # of a process that was killed while it wrote
            leftover.unlink(missing_ok=True)
        self._group = zarr.open_group(path, mode="r+")
        self._runs: list[dict[str, Any]] = json_of(path, self._group.attrs.asdict(), "runs")
        self._arrays = {name: self._array(name) for name in self._variables}
        self._repair_coordinates()
        self._recover()

    def pending(self, retry_failed: bool = False) -> NDArray[np.int64]:
        """The numbers of the points that are to be computed, increasing."""
        wanted = self.status != DONE if retry_failed else self.status == PENDING
        return np.flatnonzero(wanted)

    @property
    def counts(self) -> tuple[int, int]:
        """How many points are done, and how many failed."""
        return int(np.count_nonzero(self.status == DONE)), int(np.count_nonzero(self.status == FAILED))

    def put(self, results: Sequence[Result]) -> None:
        """Write results; when this returns they outlast a process that is killed.

        Raises
        ------
        EocError
            If they cannot be written. Everything written before is as it was.
        """
        by_block: dict[int, list[Result]] = {}
        for result in results:
            by_block.setdefault(self._blocks.block(result.index), []).append(result)
        for block, some in sorted(by_block.items()):
            self._check_there()
            points = self._blocks.points(block)
            values = self._values(block)
            for result in some:
                self._enter(values, result.index - points.start, result)
            self._open[block] = values
            self._write(block, values)
            self.status[points] = values["status"]
            if (values["status"] != PENDING).all():
                del self._open[block]

    def began(self, run: Mapping[str, Any]) -> None:
        """Note that a run begins: when, where, with what."""
        self._runs.append(dict(run))
        self._write_runs()

    def ended(self, seconds: float, points: int) -> None:
        """Note how long the run took that began last, and how many points it computed."""
        self._runs[-1] |= {"seconds": seconds, "points": points}
        self._write_runs()

    def _write_runs(self) -> None:
        self._check_there()
        try:
            notes = {"runs": json.dumps(self._runs), "functions": json.dumps(self._layout.functions)}
            self._group = self._group.update_attributes(notes)
        except OSError as error:
            raise self._unwritable(error) from None

    def _array(self, name: str) -> Any:
        """An array of numbers of points, if it is as it should be."""
        array, inner = _writable(self.path, name), self._inner[name]
        if array.shape != self._plan.shape + inner or array.chunks != self._blocks.chunk + inner:
            wrong = f"its shape {array.shape} is not that of the configuration"
            raise unreadable(self.path, self.path / name / "zarr.json", wrong)
        return array

    def _repair_coordinates(self) -> None:
        """Write those again that are damaged: the plan knows them."""
        for name, (_, values) in self._layout.coordinates.items():
            array = _writable(self.path, name)
            if not (coordinate_file(self.path, name, values.ndim).is_file() and _holds(array, values)):
                array[...] = values

    def _recover(self) -> None:
        """What is done, as far as all files of it can be read; the rest is pending."""
        finished = self._finished()
        if finished is not None:
            self.status = finished
            return
        for block in range(self._blocks.count):
            values = self._read(block)
            if values is None:
                self._disown(block)
                continue
            left = _left(values["status"], values["error"])
            for name, array in values.items():  # a put that was interrupted may have left numbers
                array[left] = self._variables[name].missing
            self.status[self._blocks.points(block)] = values["status"]
            if left.any():
                self._open[block] = values

    def _finished(self) -> NDArray[np.int8] | None:
        """The state of all points, if none is left and all files can be read: at once, which is quick; else None."""
        found: _Arrays = {}
        for name in reversed(self._variables):  # status first
            numbers = self._plan.size * math.prod(self._inner[name])
            if numbers > _AT_ONCE or not all(self._file(name, i).is_file() for i in range(self._blocks.count)):
                return None
            try:
                values = np.asarray(self._arrays[name][...])
            except Exception:  # a checksum that differs, and whatever else damage leads to
                return None
            if name in ("status", "error"):
                found[name] = values.ravel()
            if name == "error" and _left(found["status"], found["error"]).any():
                return None
        return found["status"]

    def _disown(self, block: int) -> None:
        """Say on disk that the points of a block are pending, before any of its files is replaced."""
        where = self._blocks.where(block)
        if self._file("status", block).exists():
            self._arrays["status"][where] = np.full(self._blocks.sizes(block), PENDING, np.int8)

    def _file(self, name: str, block: int) -> Path:
        return self.path / name / self._blocks.key(block, len(self._inner[name]))

    def _read(self, block: int) -> _Arrays | None:
        """The numbers of a block; None if it was never written as a whole, or a file of it is damaged."""
        where, size = self._blocks.where(block), len(self._blocks.points(block))
        values: _Arrays = {}
        for name in reversed(self._variables):  # status first: without it there is nothing
            if not self._file(name, block).is_file():
                return None
            try:
                found = np.asarray(self._arrays[name][where])
            except Exception:  # a checksum that differs, and whatever else damage leads to
                return None
            values[name] = found.astype(_kept(found.dtype)).reshape(size, *self._inner[name])
        return {name: values[name] for name in self._variables}

    def _values(self, block: int) -> _Arrays:
        """The numbers of a block, to be added to."""
        if block in self._open:
            return self._open[block]
        size = len(self._blocks.points(block))
        if (self.status[self._blocks.points(block)] == PENDING).all():
            return {
                name: np.full((size, *self._inner[name]), variable.missing, _kept(np.dtype(variable.dtype)))
                for name, variable in self._variables.items()
            }
        values = self._read(block)
        if values is None:
            raise EocError(
                f"files of the store {self.path} were damaged since this run began: the same command goes on"
            )
        return values

    def _enter(self, values: _Arrays, row: int, result: Result) -> None:
        """Make a result part of its block."""
        outputs, error = _checked(self._layout, result)
        for name, array in values.items():
            array[row] = outputs.get(name, self._variables[name].missing)
        values["seconds"][row] = result.seconds
        values["error"][row] = error
        values["status"][row] = FAILED if error else DONE
        if "random_seed" in values:
            values["random_seed"][row] = self._plan.random_seed(result.index)

    def _write(self, block: int, values: _Arrays) -> None:
        where = self._blocks.where(block)
        shape = self._blocks.sizes(block)
        try:
            for name, array in values.items():
                self._arrays[name][where] = array.reshape(shape + self._inner[name])
        except OSError as error:
            raise self._unwritable(error) from None

    def _check_there(self) -> None:
        if not (self.path / "zarr.json").exists():  # writing would make a part of it anew
            raise EocError(f"cannot write to {self.path}: the store was deleted or moved while this run was writing")

    def _unwritable(self, error: OSError) -> EocError:
        return unwritable(self.path, error, f"; {int((self.status != PENDING).sum())} points are stored")


def _left(status: NDArray[Any], error: NDArray[Any]) -> NDArray[np.bool_]:
    """Which points are still to be computed: those that failed were tried again, if they have no error any more."""
    return np.asarray((status == PENDING) | ((status == FAILED) & (error == "")))


def _writable(path: Path, name: str) -> Any:
    """An array of a store, to be read and written."""
    import zarr

    try:
        with zarr.config.set({"array.write_empty_chunks": True}):  # so that a missing file is a lost one
            return zarr.open_array(path / name, mode="r+")
    except Exception as error:  # whatever zarr raises where metadata is damaged
        raise unreadable(path, path / name / "zarr.json", error) from None


def _holds(array: Any, values: NDArray[Any]) -> bool:
    """Whether these are the values of an array on disk."""
    try:
        return bool(np.asarray(array[...]).astype(object).tolist() == values.tolist())
    except Exception:  # whatever damage leads to
        return False


def _kept(dtype: np.dtype[Any]) -> Any:
    """The type in memory: texts are objects, of any length."""
    return object if dtype.kind in "TUO" else dtype


def _checked(layout: Layout, result: Result) -> tuple[Mapping[str, NDArray[Any]], str]:
    """The outputs of a point and why it failed, which it also did if outputs are not those of the task."""
    if result.error:
        return {}, result.error.encode(errors="replace").decode()  # not every text is Unicode
    plan = layout.plan
    everything = {name: _filled(layout, name, np.asarray(values)) for name, values in result.outputs.items()}
    found = {name: array for name, array in everything.items() if name != "sigma_w_used"}  # where a sigma_w is given
    had = {name: array.shape for name, array in found.items()}
    if had != {name: layout.shapes[name] for name in plan.outputs}:
        return {}, f"the task {plan.task.name} returned outputs of other names or shapes: {had}"
    for name, array in found.items():
        dtype = plan.outputs[name].dtype
        if not np.can_cast(array.dtype, dtype, "same_kind"):
            return {}, f"the task {plan.task.name} returned {name} as {array.dtype}, not {dtype}"
    return everything, ""


def _filled(layout: Layout, name: str, array: NDArray[Any]) -> NDArray[Any]:
    """An output in all layers of the sweep, where the networks of a point have only the first of them."""
    output, shape = layout.plan.outputs.get(name), layout.shapes.get(name, ())
    if output is None or array.shape == shape or array.ndim != len(shape):
        return array
    for dim, have, size in zip(output.dims, array.shape, shape, strict=True):
        if have > size or (have < size and dim in layout.plan.inner):
            return array
    filled = np.full(shape, output.missing, array.dtype)
    filled[tuple(slice(have) for have in array.shape)] = array
    return filled
