"""Cells of the loss surface: parameters with the same activation patterns on data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eoc.regions.derivatives import least_squares
from eoc.regions.reading import piecewise_linear
from eoc.regions.tropical import forward

__all__ = ["Cell", "cell"]

_ZERO = 1e-10  # relative: what is 0 in doubles


@dataclass(frozen=True, eq=False)
class Cell:
    """In which cell of the loss surface a network is, on data.

    Attributes
    ----------
    patterns
        The pieces of all units for each sample, (samples, units): parameters with the same ones make a cell, in which
        the network is a polynomial of its parameters.
    distinct
        How many of them differ.
    is_affine
        Whether the network is an affine function of the inputs on all samples.
    """

    patterns: NDArray[np.int16]
    distinct: int
    is_affine: bool


def cell(model: object, x: ArrayLike) -> Cell:
    """The activation patterns of a network on data.

    Parameters
    ----------
    model
        A network of :func:`eoc.regions.dense`, or a PyTorch model (:func:`eoc.regions.piecewise_linear`).
    x
        Samples along the first axis.

    Examples
    --------
    >>> from eoc.regions import dense
    >>> found = cell(dense([[[1.0], [-1.0]], [[1.0, -1.0]]]), [[-1.0], [0.5], [2.0]])  # relu(x) - relu(-x) = x
    >>> found.distinct, found.is_affine
    (2, True)
    """
    network = piecewise_linear(model, np.asarray(x)[0])
    rows = network.rows(x)
    outputs, pieces = forward(network, rows)
    patterns = (
        np.concatenate([pieces[at] for at in network.bends], axis=1) if pieces else np.zeros((len(rows), 0), np.int16)
    )
    features = np.concatenate([rows, rows[:, :1] * 0 + 1], axis=1)
    loss = least_squares(features, outputs)[1]
    flat = loss == 0 if network.is_exact else float(loss) <= (_ZERO * float(np.abs(outputs).max(initial=0.0))) ** 2
    return Cell(patterns, len({row.tobytes() for row in patterns}), bool(flat))
