r"""Inputs of kernels, as variances and correlations: of vectors, of a Gram matrix, or as they are.

Of vectors x of d features the first layer sees S = x . x' / d, and

.. math:: 1 - c = \frac12 \Big\| \frac{x}{|x|} - \frac{x'}{|x'|} \Big\|^2,

which is summed from differences where vectors are close, so that no digits are lost. Lengths that differ by rounding
alone, as of normalised data, are taken to be one. A bias of the first layer is one more feature of all vectors, so that
vectors of length 0 have a direction with it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from eoc.errors import EocError
from eoc.floats import EPS, FloatArray
from eoc.propagation.inputs import from_gram
from eoc.validation import real_numbers

__all__ = ["Points", "bias_of", "points_of", "variances_of"]

_CLOSE = 0.05  # 1 - c below which differences are summed
_AT_ONCE = 2**22  # numbers
_INDEFINITE = 1e-9  # how negative rounding may make an eigenvalue, for each input
_ROUNDING = 16.0 * EPS  # relative, of the variances of vectors


@dataclass(frozen=True)
class Points:
    """The variances of inputs and 1 - c between those of two sets, or of one with itself.

    Attributes
    ----------
    q
        (n,), of the first set; ``other`` (m,) of the second.
    q_error
        A bound on their relative errors.
    one_minus_c, error
        (n, m), and bounds on its errors.
    symmetric
        Whether both sets are the same.
    features
        How many numbers an input has; None where only variances are known.
    is_first_layer
        Whether these are pre-activations of the first layer.
    bias
        sigma_b / sigma_w of the first layer, whose square the variances hold.
    """

    q: FloatArray
    other: FloatArray
    one_minus_c: FloatArray
    error: FloatArray
    symmetric: bool
    features: int | None
    is_first_layer: bool = False
    q_error: float = 0.0
    bias: float = 0.0


def points_of(
    x1: ArrayLike | None,
    x2: ArrayLike | None,
    gram: ArrayLike | None,
    q: ArrayLike | None,
    one_minus_c: ArrayLike | None,
    bias: float = 0.0,
) -> Points:
    """Inputs given in one of three ways; of vectors with a bias, sigma_b / sigma_w of the first layer, as a feature.

    Raises
    ------
    EocError
        For NaN, zero vectors, wrong shapes, matrices that no inputs have.
    """
    ways = [x1 is not None, gram is not None, q is not None or one_minus_c is not None]
    if sum(ways) != 1:
        raise EocError("give inputs in one way: x1 (and x2), gram, or q with one_minus_c")
    if x2 is not None and x1 is None:
        raise EocError("x2 goes with x1: the kernel between two sets of vectors")
    if gram is not None:
        variances, e, error = from_gram(gram)
        _check_definite("gram", e)
        return Points(variances, variances, e, error, True, None)
    if x1 is None:
        return _given(q, one_minus_c)
    first = _vectors("x1", x1, bias)
    second = first if x2 is None else _vectors("x2", x2, bias)
    if first.shape[1] != second.shape[1]:
        raise EocError(f"x1 has {first.shape[1]} features and x2 {second.shape[1]}: they must have as many")
    return _of_vectors(first, second, bias, symmetric=x2 is None)


def _given(q: ArrayLike | None, one_minus_c: ArrayLike | None) -> Points:
    if one_minus_c is None:
        raise EocError("q needs one_minus_c: a matrix (n, n) of 1 - c, or one number for all pairs")
    e = real_numbers("one_minus_c", one_minus_c)
    variances = np.atleast_1d(real_numbers("q", 1.0 if q is None else q))
    count = e.shape[0] if e.ndim else max(variances.size, 2)
    if e.ndim == 0:
        e = np.where(np.eye(count, dtype=bool), 0.0, e)
    if e.ndim != 2 or e.shape != (count, count) or variances.ndim > 1 or variances.size not in (1, count):
        raise EocError(f"one_minus_c must be (n, n) and q (n,), got shapes {e.shape} and {variances.shape}")
    variances = np.broadcast_to(variances, (count,)).copy()
    if not ((variances > 0.0) & np.isfinite(variances)).all():
        raise EocError(f"q must be variances > 0, got {variances[~(variances > 0.0)][:1]}")
    if not ((e >= 0.0) & (e <= 2.0)).all() or (e != e.T).any() or np.diag(e).any():
        raise EocError("one_minus_c must be a symmetric matrix of numbers from 0 to 2 with zeros on its diagonal")
    _check_definite("one_minus_c", e)
    return Points(variances, variances, e, np.zeros(e.shape), True, None, is_first_layer=True)


def _check_definite(name: str, e: FloatArray) -> None:
    lowest = float(np.linalg.eigvalsh(1.0 - e)[0])
    if lowest < -_INDEFINITE * len(e):
        raise EocError(
            f"{name} is not positive semidefinite: the correlations have the eigenvalue {lowest:.3g}, and no inputs "
            "have them"
        )


def _vectors(name: str, x: ArrayLike, bias: float) -> FloatArray:
    vectors = real_numbers(name, x)
    if vectors.ndim != 2 or vectors.size == 0:
        raise EocError(f"{name} must be vectors as rows, (n, d) with n, d >= 1; got shape {vectors.shape}")
    wrong = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if wrong.size:
        raise EocError(f"row {wrong[0]} of {name} is not finite: remove or fill what is missing")
    zero = np.flatnonzero(~vectors.any(axis=1))
    if zero.size and bias == 0.0:
        raise EocError(f"row {zero[0]} of {name} is zero, and has no direction: remove it, or use a sigma_b > 0")
    return vectors


def _of_vectors(x: FloatArray, y: FloatArray, bias: float, *, symmetric: bool) -> Points:
    features = x.shape[1]
    first, second = (_with_bias(part, bias) for part in (x, y))
    one, two = map(_directions, (first, second))
    variances = np.concatenate([_variances(part, features) for part in (first, second)])
    q, other = np.split(_one_where_close(variances), [len(one)])
    e = np.clip(1.0 - one @ two.T, 0.0, 2.0)
    error = np.full(e.shape, 4.0 * EPS * np.sqrt(features))
    close = np.nonzero(np.triu(e < _CLOSE, 1) if symmetric else e < _CLOSE)
    for part in np.array_split(np.arange(close[0].size), max(1, close[0].size * features // _AT_ONCE)):
        a, b = close[0][part], close[1][part]
        e[a, b] = 0.5 * np.square(one[a] - two[b]).sum(axis=1)
        error[a, b] = 8.0 * EPS * (e[a, b] + np.sqrt(e[a, b]))  # directions are rounded, each by about EPS
    if symmetric:
        upper = np.triu_indices(q.size, 1)
        e.T[upper], error.T[upper] = e[upper], error[upper]
        np.fill_diagonal(e, 0.0)
        np.fill_diagonal(error, 0.0)
    return Points(q, other, e, error, symmetric, features, q_error=_ROUNDING, bias=bias)


def bias_of(sigma_w: float | None, sigma_b: float) -> float:
    """The bias of the first layer as a feature of inputs whose mean square is over the other features: 0 for none."""
    return sigma_b / sigma_w if sigma_w else 0.0


def variances_of(x: ArrayLike, bias: float) -> tuple[FloatArray, int]:
    """The variances of vectors alone, as of :func:`points_of`, and how many features they have."""
    vectors = _vectors("x", x, bias)
    features = vectors.shape[1]
    return _one_where_close(_variances(_with_bias(vectors, bias), features)), features


def _with_bias(x: FloatArray, bias: float) -> FloatArray:
    return np.pad(x, ((0, 0), (0, 1)), constant_values=bias * x.shape[1] ** 0.5)


def _variances(x: FloatArray, features: int) -> FloatArray:
    return np.asarray(np.sum(x * x, axis=1) / features)


def _one_where_close(q: FloatArray) -> FloatArray:
    """The variances, those that differ by rounding alone replaced by the least of them."""
    values, inverse = np.unique(q, return_inverse=True)
    first = 0
    for i, value in enumerate(values):
        if value > values[first] * (1.0 + 0.5 * _ROUNDING):
            first = i
        values[i] = values[first]
    return np.asarray(values[inverse])


def _directions(x: FloatArray) -> FloatArray:
    scaled = x / np.abs(x).max(axis=1, keepdims=True)
    return np.asarray(scaled / np.linalg.norm(scaled, axis=1, keepdims=True))
