"""Special functions of SciPy, imported at their first use: to know an activation by its name takes none of them."""

from __future__ import annotations

from eoc.floats import FloatArray

__all__ = ["erf", "erfc", "expit", "ndtr"]


def erf(x: FloatArray) -> FloatArray:
    """The error function.

    Examples
    --------
    >>> import numpy as np
    >>> erf(np.array([0.0, 1.0])).round(6).tolist()
    [0.0, 0.842701]
    """
    from scipy import special

    return special.erf(x)


def erfc(x: FloatArray) -> FloatArray:
    """1 - erf(x), to full relative precision."""
    from scipy import special

    return special.erfc(x)


def expit(x: FloatArray) -> FloatArray:
    """1 / (1 + exp(-x))."""
    from scipy import special

    return special.expit(x)


def ndtr(x: FloatArray) -> FloatArray:
    """The distribution function of the normal distribution."""
    from scipy import special

    return special.ndtr(x)
