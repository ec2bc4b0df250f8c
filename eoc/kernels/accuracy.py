"""How well a kernel predicts labels: regression with it, tried on data that are left out in turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eoc.errors import EocError
from eoc.floats import FloatArray

__all__ = ["Score", "cross_validated"]

_RIDGE = 1e-6  # of the mean of the diagonal: nearly the end of training
_MOST_CLASSES = 50  # of whole numbers that are taken for the names of classes


@dataclass(frozen=True)
class Score:
    """How labels that were left out were predicted.

    Attributes
    ----------
    kind
        "accuracy", the share of classes that were right, or "R2", the share of the variance of numbers that is
        explained.
    value, error
        Its mean over the folds, and the standard error of that.
    folds
        How many there were.
    """

    kind: Literal["accuracy", "R2"]
    value: float
    error: float
    folds: int


def cross_validated(matrix: FloatArray, labels: ArrayLike, folds: int = 5, ridge: float = _RIDGE) -> Score:
    """The score of ridge regression with a kernel: on one of so many folds in turn, from all others.

    Parameters
    ----------
    matrix
        The kernel (n, n).
    labels
        (n,): names, or up to 50 different whole numbers, for classes, which are told apart by regression on
        indicators; other numbers as they are.
    folds
        From 2 to n; every ``folds``-th input belongs to one.
    ridge
        > 0, in units of the mean of the diagonal.

    Raises
    ------
    EocError
        For labels that do not fit, or are all the same.

    Examples
    --------
    >>> x = np.arange(10.0)
    >>> cross_validated(np.exp(-np.abs(np.subtract.outer(x, x))), x > 4.5, folds=10).value
    0.8
    """
    names = np.asarray(labels)
    count = matrix.shape[0]
    if names.shape != (count,):
        raise EocError(f"labels must be ({count},), one for each input, got shape {names.shape}")
    if not (isinstance(folds, int) and 2 <= folds <= count):
        raise EocError(f"folds must be a whole number from 2 to {count}, the number of inputs; got {folds!r}")
    if not ridge > 0.0:
        raise EocError(f"ridge must be a number > 0, got {ridge!r}")
    classes, numbers = _classes(names)
    targets = numbers if classes is None else (names[:, None] == classes).astype(float)
    ridged = matrix + ridge * float(np.trace(matrix)) / count * np.eye(count)
    scores = []
    for fold in range(folds):
        out = np.arange(count) % folds == fold
        kept, middle = ~out, targets[~out].mean(axis=0)
        weights = np.linalg.solve(ridged[np.ix_(kept, kept)], targets[kept] - middle)
        found = middle + matrix[np.ix_(out, kept)] @ weights
        scores.append(_score(found, targets[out], float(targets.var()), classes is not None))
    value = np.array(scores)
    kind: Literal["accuracy", "R2"] = "R2" if classes is None else "accuracy"
    return Score(kind, float(value.mean()), float(value.std(ddof=1) / folds**0.5), folds)


def _classes(labels: NDArray[np.generic]) -> tuple[NDArray[np.generic] | None, FloatArray]:
    """The classes, or None and the labels as numbers."""
    different = np.unique(labels)
    if different.size < 2:
        raise EocError("all labels are the same: there is nothing to predict")
    if labels.dtype.kind not in "iufb":
        return different, np.empty(0)
    numbers = labels.astype(float)
    if not np.isfinite(numbers).all():
        raise EocError("labels hold numbers that are not finite: remove these inputs")
    whole = bool((numbers == np.round(numbers)).all())
    return (different, numbers) if whole and different.size <= _MOST_CLASSES else (None, numbers)


def _score(found: FloatArray, true: FloatArray, variance: float, are_classes: bool) -> float:
    if are_classes:
        return float((found.argmax(axis=1) == true.argmax(axis=1)).mean())
    return 1.0 - float(np.square(found - true).mean()) / variance
