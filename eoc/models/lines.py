"""Functions of one number that are straight lines: no activations, but scalings."""

from __future__ import annotations

import numpy as np

from eoc.activations import Activation, activation
from eoc.activations.argument.by_values import GRID

__all__ = ["scaling", "straight_line"]

_CLOSE = 1e-13  # how straight a line has to be


def scaling(factor: float, offset: float = 0.0) -> Activation:
    """The function a x + b; a may be 0.

    Examples
    --------
    >>> scaling(0.25).name, float(scaling(0.0)(3.0))
    ('0.25*x', 0.0)
    """
    text = f"{factor:.12g}*x" + (f" + {offset:.12g}" if offset else "")
    return activation(text) if factor else activation(lambda x: factor * x + offset, name=text)


def straight_line(activation: Activation) -> tuple[float, float] | None:
    """The a and b of phi(x) = a x + b; None for any other function.

    Examples
    --------
    >>> straight_line(activation("3*x + 1")), straight_line(activation("relu"))
    ((3.0, 1.0), None)
    """
    with np.errstate(all="ignore"):
        values, b = activation(GRID), float(activation(0.0))
        a = float(activation(1.0)) - b
        off = np.abs(values - (a * GRID + b))
    return (a, b) if np.all(off <= _CLOSE * (np.abs(a * GRID) + abs(b))) else None
