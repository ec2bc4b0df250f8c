"""What formulas and Python functions share when their growth at infinity is classified."""

from __future__ import annotations

import numpy as np

from eoc.activations.base import Growth
from eoc.floats import FloatArray, simplest

__all__ = ["BOUNDED", "FASTER", "REACH", "exponential", "fastest", "gaussian"]

BOUNDED = Growth("bounded", 0.0)
FASTER = Growth("faster", float("inf"))

#: Where log|phi| is looked at to find an exponent, in units of the largest x that can be reached.
REACH = np.linspace(0.35, 0.999, 24)

_ORDER = ("bounded", "polynomial", "exponential", "gaussian", "faster")
_SIMPLE = 1e-7  # relative: a rate this close to a simple number is that number


def fastest(*sides: Growth) -> Growth:
    """Return the fastest of the growths at the two ends."""
    return max(sides, key=lambda g: (_ORDER.index(g.kind), g.rate))


def gaussian(x: FloatArray, log: FloatArray) -> Growth:
    """Growth like exp(a x^2), given log|phi| at x > 0."""
    return Growth("gaussian", _simple(_exponents(x, log)[0]))


def exponential(x: FloatArray, log: FloatArray) -> Growth:
    """Growth like exp(b x), given log|phi| at x > 0."""
    return Growth("exponential", _simple(_exponents(x, log)[1]))


def _exponents(x: FloatArray, log: FloatArray) -> tuple[float, float]:
    """Fit log|phi| = a x^2 + b x + c log x + d; return a and b."""
    basis = np.stack([x**2, x, np.log(x), np.ones_like(x)], axis=1)
    scale = np.abs(basis).max(axis=0)
    coefficients, *_ = np.linalg.lstsq(basis / scale, log, rcond=None)
    a, b, *_ = coefficients / scale
    return float(a), float(b)


def _simple(rate: float) -> float:
    return simplest(rate, _SIMPLE * abs(rate))
