"""Random numbers of a seed, the same in every framework: a stream for each weight, in the order of the plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eoc.errors import EocError

Numbers = NDArray[np.floating[Any]]

__all__ = ["checked_seed", "normal_numbers", "orthogonal_matrices"]


def checked_seed(seed: object) -> int:
    """A seed as a whole number from 0 to 2^63 - 1, or an error."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**63:
        raise EocError(f"seed must be a whole number from 0 to 2^63 - 1, got {seed!r}")
    return int(seed)


def normal_numbers(shape: Sequence[int], seed: int, stream: int, *, wide: bool = False) -> Numbers:
    """Independent N(0, 1) of this shape, a weight (outputs, inputs, kernel...), in single precision unless ``wide``.

    Examples
    --------
    >>> normal_numbers((2, 3), seed=0, stream=1).shape
    (2, 3)
    """
    generator = np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, 0, stream]))
    return generator.standard_normal(tuple(shape), dtype=np.float64 if wide else np.float32)


def orthogonal_matrices(shape: Sequence[int], groups: int, seed: int, stream: int, *, wide: bool = False) -> Numbers:
    """A weight of this shape whose entries have the mean square 1 / inputs, inputs = shape[1].

    An orthogonal matrix for each group, uniformly distributed (Haar measure), at the centre tap of a kernel; zeros
    elsewhere.

    Examples
    --------
    >>> weight = orthogonal_matrices((2, 3), groups=1, seed=0, stream=0)
    >>> np.allclose(weight @ weight.T, np.eye(2), atol=1e-6)
    True
    """
    rows, columns = shape[0] // groups, shape[1]
    gaussian = normal_numbers((groups, max(rows, columns), min(rows, columns)), seed, stream, wide=wide)
    q, r = np.linalg.qr(gaussian)
    # The signs that make the factorisation unique make q Haar distributed (Mezzadri 2007, arXiv math-ph/0609050).
    q = q * np.where(np.diagonal(r, axis1=-2, axis2=-1) < 0.0, -1.0, 1.0)[:, None, :]
    matrices = q if rows >= columns else np.swapaxes(q, -1, -2)
    weight = np.zeros(tuple(shape), dtype=gaussian.dtype)
    centre: Any = tuple(k // 2 for k in shape[2:])
    weight[(slice(None), slice(None), *centre)] = max(1.0, rows / columns) ** 0.5 * matrices.reshape(-1, columns)
    return weight
