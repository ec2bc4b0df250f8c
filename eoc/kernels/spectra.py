r"""Eigenvalues of kernel matrices, and what they say.

Gradient descent with small steps learns along each eigenvector of the NTK at the rate of its eigenvalue, so that
lambda_max / lambda_min says how much slower the slowest direction is (Xiao et al. 2020).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from eoc.errors import EocError
from eoc.floats import EPS, FloatArray

__all__ = ["Spectrum", "decomposed", "spectrum_of"]


@dataclass(frozen=True, eq=False)
class Spectrum:
    """The eigenvalues of a kernel matrix.

    Attributes
    ----------
    eigenvalues
        (n,), the largest first.
    error
        A bound on the error of each: of the matrix, and of rounding.
    """

    eigenvalues: FloatArray = field(repr=False)
    error: float

    @property
    def condition_number(self) -> float:
        """The largest over the smallest; infinite where the smallest cannot be told from 0."""
        least = float(self.eigenvalues[-1])
        return float(self.eigenvalues[0]) / least if least > self.error else float("inf")

    @property
    def condition_number_error(self) -> float:
        """A bound on its error."""
        least = float(self.eigenvalues[-1]) - self.error
        if least <= 0.0:
            return float("inf")
        return self.condition_number * self.error * (1.0 / least + 1.0 / float(self.eigenvalues[0]))

    @property
    def is_singular(self) -> bool:
        """Whether the smallest eigenvalue cannot be told from 0: inputs that are the same, or too alike."""
        return float(self.eigenvalues[-1]) <= self.error

    @property
    def jitter(self) -> float:
        """What has to be added to the diagonal for a Cholesky factorisation to be safe; 0 where nothing has."""
        size = self.eigenvalues.size
        return max(0.0, self.error + size * EPS * float(self.eigenvalues[0]) - float(self.eigenvalues[-1]))

    @property
    def effective_dimension(self) -> float:
        """(sum lambda)^2 / sum lambda^2: along about how many directions the outputs vary."""
        values = np.maximum(self.eigenvalues, 0.0)
        return float(values.sum() ** 2 / np.square(values).sum())


def spectrum_of(matrix: FloatArray, error: FloatArray) -> Spectrum:
    """The spectrum of a symmetric matrix whose entries are known to within ``error``.

    Raises
    ------
    EocError
        If an entry is not finite.
    """
    _check_finite(matrix)
    return _spectrum(np.asarray(np.linalg.eigvalsh(matrix), dtype=float), error)


def decomposed(matrix: FloatArray, error: FloatArray) -> tuple[Spectrum, FloatArray]:
    """The spectrum, and the eigenvectors as columns in the same order."""
    _check_finite(matrix)
    values, vectors = np.linalg.eigh(matrix)
    return _spectrum(np.asarray(values, dtype=float), error), np.asarray(vectors[:, ::-1])


def _check_finite(matrix: FloatArray) -> None:
    if not np.isfinite(matrix).all():
        raise EocError("the kernel has entries that are not finite: variances diverge in this network")


def _spectrum(increasing: FloatArray, error: FloatArray) -> Spectrum:
    values = increasing[::-1]
    rounding = values.size * EPS * float(np.abs(values).max())
    return Spectrum(values, float(np.linalg.norm(error)) + rounding)  # Weyl: by no more than the norm of the error
