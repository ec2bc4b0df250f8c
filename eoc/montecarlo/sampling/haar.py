r"""Rows of random orthogonal matrices, a block at a time, without the matrix.

If Q is Haar distributed on O(n), Q U has for any U with k orthonormal columns the law of k columns of Q. Its first rows
are those of Z R^{-1}, Z a Gaussian matrix n x k and R the triangular factor of Z with a positive diagonal. Here Z is
never whole: below the rows that are wanted, all that matters of Z is the triangular factor T of the rest, which has
chi-distributed numbers on its diagonal and normals above it (Bartlett 1933). Given the first rows, the others are
those of another such matrix, times what the first leave of the identity; so the next block is drawn in the same way.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from eoc.floats import FloatArray

__all__ = ["haar_rows", "positive_qr"]


def haar_rows(
    rng: np.random.Generator, networks: int, columns: int, rows: int, sizes: Iterator[int]
) -> Iterator[FloatArray]:
    """Blocks (networks, columns, size) of the leading rows of Haar columns, entries scaled to unit variance.

    ``rows`` are those of the whole matrix, at least as many as columns and as the sum of ``sizes``.
    """
    scale = np.sqrt(float(rows))
    rest = np.broadcast_to(np.eye(columns), (networks, columns, columns))
    for size in sizes:
        z = rng.standard_normal((networks, size, rest.shape[-2]))
        rows -= size
        q, _ = positive_qr(np.concatenate([z, _triangle(rng, networks, rows, rest.shape[-2])], axis=-2))
        yield scale * np.swapaxes(q[:, :size] @ rest, -1, -2)
        rest = q[:, size:] @ rest


def positive_qr(matrices: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Q and R of matrices (..., n, k), n >= k, with R's diagonal >= 0: only then is Q of a Gaussian matrix Haar.

    Source: Mezzadri, How to generate random matrices from the classical compact groups (2007).
    """
    q, r = np.linalg.qr(matrices)
    signs = np.where(np.diagonal(r, axis1=-2, axis2=-1) < 0.0, -1.0, 1.0)
    return q * signs[..., None, :], r * signs[..., :, None]


def _triangle(rng: np.random.Generator, networks: int, rows: int, columns: int) -> FloatArray:
    """As many rows as needed, min(rows, columns), with the inner products of a Gaussian matrix rows x columns."""
    if rows < columns:
        return rng.standard_normal((networks, rows, columns))
    out = np.triu(rng.standard_normal((networks, columns, columns)), 1)
    i = np.arange(columns)
    out[:, i, i] = np.sqrt(rng.chisquare(rows - i, size=(networks, columns)))
    return out
