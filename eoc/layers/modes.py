r"""What a convolution does to waves over positions: how much of each it lets through, and what padding by zeros loses.

Of a wave exp(2 pi i k a/n) over n positions round a circle the mean over taps keeps the factor

.. math:: \hat A(k) = \sum_d v_d e^{2 \pi i k d / n},

of a product of waves along several axes the product where v is one (Xiao et al. 2018). Where positions beyond the edges
are zeros, the largest eigenvalue of the mean over taps, a -> sum_d v_d q(a + d), is less than 1: for three equal taps
(1 + 2 cos(pi/(n + 1)))/3.
"""

from __future__ import annotations

from functools import reduce

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array

from eoc.errors import EocError
from eoc.floats import FloatArray
from eoc.layers.convolution import Conv, checked_profile, uniform
from eoc.validation import real_numbers

__all__ = ["checked_positions", "mode_factor", "padding_eigenvalue", "profile_of"]

_DENSE = 400  # positions up to which eigenvalues are those of a full matrix


def mode_factor(kernel: ArrayLike, positions: int | tuple[int, ...], mode: int | tuple[int, ...]) -> float:
    """|A(k)|: which share of a wave over positions the mean over the taps of a kernel keeps, with circular padding.

    Parameters
    ----------
    kernel
        How many taps along every axis, all alike; or the variances of the taps, in proportion: (k,) along every axis,
        or an array with an axis for each axis of the positions.
    positions
        How many, or their shape.
    mode
        k, how many waves there are along the axis, or along each axis.

    Returns
    -------
    float
        In [0, 1]; 1 for mode 0 and for a single tap. To some 1e-16.

    Raises
    ------
    EocError
        For numbers that are no such things.

    Examples
    --------
    >>> mode_factor(3, 8, 2), mode_factor([0, 1, 0], 8, 3)  # the second is delta-orthogonal
    (0.3333333333333333, 1.0)
    """
    shape, profile = checked_positions(positions), profile_of(kernel)
    modes = np.atleast_1d(real_numbers("mode", mode))
    if modes.shape != (len(shape),) or (modes != np.round(modes)).any():
        raise EocError(f"mode must be a whole number for each axis of positions {shape}, got {mode!r}")
    if profile.ndim == 1:
        each = [abs(_wave(profile.size, n, k) @ profile) for n, k in zip(shape, modes, strict=True)]
        return float(np.prod(each))
    if profile.ndim != len(shape):
        raise EocError(f"a kernel of shape {profile.shape} does not go with positions of shape {shape}")
    waves = [_wave(size, n, k) for size, n, k in zip(profile.shape, shape, modes, strict=True)]
    return float(abs((reduce(np.multiply.outer, waves) * profile).sum()))


def _wave(taps: int, positions: int, mode: float) -> FloatArray:
    """The wave at the taps, from the middle one; by the remainder, which is exact."""
    turns = (mode * (np.arange(taps) - (taps - 1) // 2)) % positions / positions
    return np.asarray(np.exp(2j * np.pi * turns))


def padding_eigenvalue(kernel: ArrayLike, positions: int | tuple[int, ...], pad: str = "zero") -> float:
    """The largest eigenvalue of the mean over the taps of a kernel: 1, or less where it is padded by zeros.

    ReLU without biases multiplies variances by sigma_w^2/2 times this at depth, so that its critical sigma_w^2 is 2
    over it; the profile of variances over positions tends to the eigenvector, which is dark at the edges.

    Parameters
    ----------
    kernel, positions
        As of :func:`mode_factor`.
    pad
        "zero"; or another one, for which it is 1.

    Returns
    -------
    float
        To some 1e-15.

    Raises
    ------
    EocError
        As :func:`mode_factor`, and for kernels that are larger than the input.

    Examples
    --------
    >>> abs(padding_eigenvalue(3, 8) - (1.0 + 2.0 * np.cos(np.pi / 9.0)) / 3.0).item() < 1e-15
    True
    >>> 2.0 / padding_eigenvalue(3, 32)  # critical sigma_w^2 of ReLU  # doctest: +NUMBER
    2.0060557
    """
    shape, profile = checked_positions(positions), profile_of(kernel)
    if profile.ndim == 1:
        return float(np.prod([_largest(profile, (n,), pad) for n in shape]))
    return _largest(profile, shape, pad)


def _largest(profile: FloatArray, shape: tuple[int, ...], pad: str) -> float:
    of = Conv(profile, 1.0, pad=pad).over(shape)[1]
    if of.shape != shape:
        raise EocError(f"behind a kernel with pad={pad!r} there are fewer positions: it has no eigenvalues")
    if pad != "zero":
        return 1.0
    rows = np.repeat(np.arange(of.places), profile.size)
    whole = csr_array((np.tile(profile.ravel(), of.places), (rows, of.seen.ravel())), (of.places, of.places + 1))
    matrix = whole[:, : of.places]
    if of.places <= _DENSE:
        dense = matrix.toarray()
        return float(np.linalg.eigvalsh(dense)[-1] if (dense == dense.T).all() else np.linalg.eigvals(dense).real.max())
    from scipy.sparse.linalg import eigs

    return float(eigs(matrix, 1, which="LR", v0=np.ones(of.places), return_eigenvectors=False)[0].real)


def checked_positions(positions: int | tuple[int, ...]) -> tuple[int, ...]:
    """The shape of positions."""
    found = np.atleast_1d(real_numbers("positions", positions))
    if found.ndim != 1 or found.size == 0 or not ((found >= 1) & (found == np.round(found))).all():
        raise EocError(f"positions must be a whole number >= 1, or one for each axis, got {positions!r}")
    return tuple(int(n) for n in found)


def profile_of(kernel: ArrayLike) -> FloatArray:
    """The profile of a kernel that is given by its size, or by that."""
    given = real_numbers("kernel", kernel)
    return checked_profile(given) if given.ndim else uniform(float(given))
