"""The inputs of a network, checked: variances, correlations, depth."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from eoc.errors import EocError
from eoc.floats import EPS, FloatArray
from eoc.gaussian.angle import Angle
from eoc.validation import real_numbers, whole_numbers

__all__ = ["checked_inputs", "from_gram", "recorded_layers"]

_INDEFINITE = 1e-9  # how negative rounding may make an eigenvalue
_ALL = 1000  # depths up to which every layer is kept
_KEPT = 200  # about as many layers are kept of deeper networks


def checked_inputs(q: ArrayLike, at: Angle) -> tuple[FloatArray, Angle]:
    """Variances (P,) and angles as a matrix (P, P), or an EocError that says what is wrong with them."""
    e = at.e
    variances = real_numbers("q", q)
    if variances.size == 0:
        raise EocError("q is empty: give the variances of at least two inputs")
    count = max(variances.size, e.shape[0] if e.ndim else 2)
    if e.ndim not in (0, 2) or (e.ndim == 2 and e.shape != (count, count)):
        raise EocError(f"correlations are one number or a matrix ({count}, {count}), got shape {e.shape}")
    if variances.ndim > 1 or variances.size not in (1, count):
        raise EocError(f"variances are one number or an array ({count},), got shape {variances.shape}")
    variances = np.broadcast_to(variances.reshape(-1), (count,)).copy()
    bad = ~((variances > 0.0) & np.isfinite(variances))
    if bad.any():
        raise EocError(f"the variances of inputs must be finite and > 0, got {variances[bad][0]:g}")
    own = np.eye(count, dtype=bool)
    matrix = np.where(own, 0.0, e) if e.ndim == 0 else e
    if not (matrix == matrix.T).all() or np.diag(matrix).any():
        raise EocError("correlations must form a symmetric matrix with ones on its diagonal")
    lowest = float(np.linalg.eigvalsh(1.0 - matrix)[0])
    if lowest < -_INDEFINITE * count:
        raise EocError(f"no {count} inputs have these correlations: the matrix has the eigenvalue {lowest:.3g} < 0")
    return variances, Angle(np.asarray(matrix, dtype=float), np.where(own, 2.0, at.rest))


def from_gram(gram: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Variances (P,), 1 - c (P, P) and bounds on its errors, of covariances (P, P)."""
    covariance = real_numbers("gram", gram)
    if covariance.ndim != 2 or covariance.shape[0] != covariance.shape[1] or covariance.size == 0:
        raise EocError(f"a Gram matrix is square, (P, P) for P inputs, got shape {covariance.shape}")
    if not np.isfinite(covariance).all():
        raise EocError(f"a Gram matrix holds finite numbers, got {covariance[~np.isfinite(covariance)][0]}")
    q = np.diag(covariance)
    if not (q > 0.0).all():
        raise EocError(f"the diagonal of a Gram matrix holds variances > 0, got {q.min():g}")
    roots = np.sqrt(q)
    scaled = covariance / roots / roots[:, None]
    # (q_a + q_b)/2 - K is exact where K is close to both, unlike 1 - K / sqrt(q_a q_b)
    half = 0.5 * np.add.outer(q, q) - covariance - 0.5 * np.subtract.outer(roots, roots) ** 2
    e = np.where(scaled > 0.5, half / roots / roots[:, None], 1.0 - scaled)
    if e.min() < -4.0 * EPS or e.max() > 2.0 + 4.0 * EPS:
        raise EocError("the Gram matrix is not positive semidefinite: a correlation lies outside [-1, 1]")
    e = np.clip(e, 0.0, 2.0)
    mixed = np.abs(np.subtract.outer(roots, roots)) * np.maximum.outer(roots, roots) + np.maximum.outer(q, q)
    unequal = np.where(np.equal.outer(q, q), 0.0, mixed / roots / roots[:, None])
    error = 4.0 * EPS * np.where(scaled > 0.5, e + unequal, 1.0)
    np.fill_diagonal(error, 0.0)
    return q, e, error


def recorded_layers(depth: ArrayLike) -> FloatArray:
    """Every layer up to a depth of 1000, about 200 of them evenly on a log scale beyond; or the layers that are listed.

    Examples
    --------
    >>> recorded_layers(3).tolist(), recorded_layers([1, 10, 100]).tolist(), recorded_layers(1e9).size
    ([0.0, 1.0, 2.0, 3.0], [1.0, 10.0, 100.0], 188)
    """
    layers = whole_numbers("depth", depth)
    if layers.ndim:
        return _listed(layers)
    last = float(layers)
    if last <= _ALL:
        return np.arange(last + 1.0)
    return np.unique(np.append(0.0, np.round(np.geomspace(1.0, last, _KEPT))))


def _listed(layers: FloatArray) -> FloatArray:
    if layers.ndim > 1 or layers.size == 0:
        raise EocError(f"depth is one number or a list of layers to record, got an array of shape {layers.shape}")
    falls = np.flatnonzero(np.diff(layers) <= 0.0)
    if falls.size:
        i = int(falls[0])
        raise EocError(f"the layers of depth must increase, but {layers[i]:.17g} is followed by {layers[i + 1]:.17g}")
    return layers
