"""Kernel matrices larger than memory: computed block by block into a store, as a sweep, and read by rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from eoc.errors import EocError
from eoc.floats import FloatArray
from eoc.kernels import Which
from eoc.kernels.blocks import block_at, blocks_of, opened
from eoc.machine import check_memory
from eoc.sweeps.running import run_sweep

__all__ = ["kernel_rows", "run_kernel"]


def run_kernel(
    network: str,
    data: str | Path,
    store: str | Path,
    *,
    depth: int,
    sigma_w: float | None = None,
    sigma_b: float = 0.0,
    size: int = 1000,
    **options: Any,
) -> Path:
    """Compute the NNGP and the NTK of all inputs of a file into a store, or go on with what is there.

    Parameters
    ----------
    network, depth, sigma_w, sigma_b
        As of :func:`eoc.kernel`; the network as text.
    data
        A ``.npy`` with inputs as rows, (n, d), which is read block by block.
    store
        The folder of the store, a sweep of the task "kernel".
    size
        Inputs along a side of a block.
    options
        As of :func:`eoc.run_sweep`: ``workers``, ``executor``, ``progress``. The same bits whatever they are, and
        however often it was interrupted.

    Returns
    -------
    Path
        Of the store, of which :func:`kernel_rows` reads.

    Raises
    ------
    EocError
        As :func:`eoc.run_sweep`; if a block failed, with its reason.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     np.save(f"{folder}/x.npy", np.eye(5))
    ...     path = run_kernel("relu", f"{folder}/x.npy", f"{folder}/k.zarr", depth=1, sigma_w=1.0, size=2, workers=1)
    ...     found = kernel_rows(path, "ntk", 1, 3)
    >>> found.shape, found[0].round(4).tolist()
    ((2, 5), [0.0318, 0.2, 0.0318, 0.0318, 0.0318])
    """
    path = Path(data).resolve()
    axes: dict[str, Any] = {
        "activation": network,
        "sigma_b": sigma_b,
        "depth": depth,
        "data": str(path),
        "size": size,
        "block": {"grid": "range", "start": 0, "stop": blocks_of(len(opened(path)), size)},
    }
    if sigma_w is not None:
        axes["sigma_w"] = sigma_w
    else:
        del axes["sigma_b"]
    summary = run_sweep({"schema": 1, "task": "kernel", "axes": axes}, store, **options)
    if summary.failed:
        import xarray

        with xarray.open_zarr(summary.path) as kept:
            why = next(str(text) for text in np.ravel(kept["error"].values) if str(text))
        raise EocError(f"{summary.failed} blocks of the kernel failed: {why}")
    return Path(summary.path)


def kernel_rows(store: str | Path, which: Which, start: int, stop: int) -> FloatArray:
    """Rows of a kernel matrix in a store, (stop - start, n); those below the diagonal from the blocks above it.

    Raises
    ------
    EocError
        If the store holds no kernel, there are no such rows, they do not fit into memory, or are not all computed.
    """
    import xarray

    if which not in ("nngp", "ntk"):
        raise EocError(f"which must be 'nngp' or 'ntk', got {which!r}")
    with xarray.open_zarr(Path(store)) as kept:
        if which not in kept or "block" not in kept:
            raise EocError(f"{store} holds no kernel: make one with run_kernel")
        count, size = len(opened(Path(str(kept["data"].values)))), int(kept["size"])
        if not 0 <= start < stop <= count:
            raise EocError(f"rows must be from 0 to {count}, got {start} to {stop}")
        check_memory(f"{stop - start} rows of a kernel", 8.0 * (stop - start) * count, "read fewer rows at a time")
        blocks = kept[which] if "block" in kept[which].dims else kept[which].expand_dims("block")
        rows = np.empty((stop - start, count))
        for number in range(blocks_of(count, size)):
            i, j = block_at(number, -(-count // size))
            for a, b in {(i, j), (j, i)}:
                low, high = max(start, a * size), min(stop, (a + 1) * size)
                if low < high:
                    block = blocks.isel(block=number).values
                    own = (block if (a, b) == (i, j) else block.T)[low - a * size : high - a * size]
                    last = min(count, (b + 1) * size)
                    rows[low - start : high - start, b * size : last] = own[:, : last - b * size]
    if np.isnan(rows).any():
        raise EocError(f"not all blocks of {store} are computed: go on with run_kernel")
    return rows
