"""Kernel matrices cut into square blocks, those on and above the diagonal numbered row by row."""

from __future__ import annotations

from math import isqrt
from pathlib import Path

import numpy as np

from eoc.errors import EocError
from eoc.floats import FloatArray

__all__ = ["block_at", "blocks_of", "inputs_at", "opened"]


def blocks_of(count: int, size: int) -> int:
    """How many blocks of a size the matrix of so many inputs has, on and above the diagonal.

    Examples
    --------
    >>> blocks_of(1000, 400), blocks_of(1000, 1000)
    (6, 1)
    """
    along = -(-count // size)
    return along * (along + 1) // 2


def block_at(number: int, along: int) -> tuple[int, int]:
    """The row and the column of a block, of so many along a side: 0 is (0, 0), 1 is (0, 1).

    Examples
    --------
    >>> [block_at(number, 3) for number in range(6)]
    [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]
    """
    left = along * (along + 1) // 2 - 1 - number  # from the end, where rows grow by one
    row = (isqrt(8 * left + 1) - 1) // 2
    return along - 1 - row, along - 1 - (left - row * (row + 1) // 2)


def inputs_at(path: Path, block: int, size: int) -> FloatArray:
    """The inputs of one block, of a ``.npy`` file (n, d) that is not read as a whole.

    Raises
    ------
    EocError
        If there is no such file, or it holds no inputs as rows.
    """
    return np.array(opened(path)[block * size : (block + 1) * size], dtype=float)


def opened(path: Path) -> FloatArray:
    """The inputs of a ``.npy`` file, mapped into memory."""
    try:
        found: FloatArray = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise EocError(f"cannot read the inputs {path}: {getattr(error, 'strerror', None) or error}") from None
    if found.ndim != 2 or found.dtype.kind not in "iuf":
        raise EocError(f"{path} must hold inputs as rows, (n, d), got shape {found.shape} of {found.dtype}")
    return found
