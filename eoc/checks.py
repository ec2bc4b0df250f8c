"""Inputs as numbers, or an error that names what was given."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eoc.errors import EocError

__all__ = ["real_number", "real_numbers", "whole_numbers"]

FloatArray = NDArray[np.float64]


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
