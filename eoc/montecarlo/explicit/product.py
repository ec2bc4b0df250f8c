"""Matrix products that stay on the thread that asks for them.

Above 2^18 multiplications OpenBLAS hands parts of a product to threads of its own. They go on waiting actively for the
next product for a while, one product at a time, on cores on which other threads draw weights: measured on two cores,
that makes a layer up to five times slower. Tiles below that size cost a few per cent.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["product"]

_SINGLE = 2**18  # multiplications that OpenBLAS does on the calling thread
_ROWS, _INNER = 16, 1024  # of a tile, at most; columns as many as the size allows


def product(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """A @ B of shapes (P, K) and (K, N), of one dtype. Rounding does not depend on how many threads there are.

    Examples
    --------
    >>> product(np.eye(2), np.ones((2, 3))).tolist()
    [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
    """
    out = np.zeros((a.shape[0], b.shape[1]), a.dtype)
    rows, inner = min(a.shape[0], _ROWS), min(a.shape[1], _INNER)
    columns = max(1, _SINGLE // (rows * inner))
    for i in range(0, a.shape[0], rows):
        for j in range(0, b.shape[1], columns):
            tile = out[i : i + rows, j : j + columns]
            for k in range(0, a.shape[1], inner):
                tile += a[i : i + rows, k : k + inner] @ b[k : k + inner, j : j + columns]
    return out
