"""Inputs as numbers, or an error that names what was given."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
from numpy.typing import ArrayLike

from eoc.errors import EocError
from eoc.floats import FloatArray

__all__ = ["copied_within", "real_number", "real_numbers", "whole_numbers"]

_COPIED = 5  # significant digits of a number that is taken for a copy of a longer one
_LOST = 2  # zeros at its end, which a number does not keep


def real_numbers(name: str, value: ArrayLike) -> FloatArray:
    """The value as an array of floats of its shape; EocError if it is not made of real numbers."""
    try:
        out = np.asarray(value)
        if out.dtype.kind not in "iuf":
            raise TypeError
    except (TypeError, ValueError):
        raise EocError(f"{name} must be a real number or an array of them, got {value!r}") from None
    return out.astype(float, copy=False)


def real_number(name: str, value: ArrayLike) -> float:
    """The value as a float; EocError if it is not a single real number."""
    out = real_numbers(name, value)
    if out.ndim:
        raise EocError(f"{name} must be one number, got an array of shape {out.shape}")
    return float(out)


def whole_numbers(name: str, value: ArrayLike, least: float = 0.0) -> FloatArray:
    """The value as an array of floats; EocError if one of them is not a whole number >= least."""
    out = real_numbers(name, value)
    bad = ~((out >= least) & np.isfinite(out) & (out == np.floor(out)))
    if bad.any():
        raise EocError(f"{name} must be a whole number of layers >= {least:g}, got {float(out[bad].flat[0])!r}")
    return out


def copied_within(*values: float) -> tuple[float, ...]:
    """How far numbers that were printed together, and copied, may be from those that they stand for.

    Half a unit of the last digit, for a number of five significant digits and more, as its shortest decimal has them:
    such a number is rarely meant for itself. One of three or four digits may have lost zeros at its end, and is taken
    to have as many digits as the longest that it stands beside, at least five. One of fewer is meant as it is given.

    Parameters
    ----------
    values
        Finite numbers, for example sigma_w and sigma_b.

    Returns
    -------
    tuple of float
        One for each; 0 where the number is exact.

    Examples
    --------
    >>> copied_within(1.30415, 0.2), copied_within(1.304), copied_within(1.5)
    ((5e-06, 0.0), (5e-05,), (0.0,))
    """
    longest = max(_COPIED, *map(_digits, values))
    return tuple(_half_unit(value, longest) for value in values)


def _half_unit(value: float, longest: int) -> float:
    digits = _digits(value)
    if digits < _COPIED - _LOST:
        return 0.0
    last = Decimal(repr(value)).adjusted() + 1 - (digits if digits >= _COPIED else longest)
    return float(Decimal((0, (5,), last - 1)))


def _digits(value: float) -> int:
    """Significant digits of the shortest decimal of a number."""
    return len(Decimal(repr(value)).normalize().as_tuple().digits)
