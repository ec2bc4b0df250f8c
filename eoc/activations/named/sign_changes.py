"""Where polynomials change their signs, from exact signs at doubles."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

__all__ = ["has_root_at", "sign_changes", "stationary_points"]

_Exact = list[Fraction]


def sign_changes(coefficients: Sequence[float]) -> list[float]:
    """The places at which c_0 + c_1 x + ... changes its sign, increasing; each the nearest double.

    Between the places at which its derivative changes its sign a polynomial is monotone, so that it changes its own at
    most once: those of the derivative are found first, and then its own by halving.

    Examples
    --------
    >>> sign_changes((-2, 0, 1)), sign_changes((0, 0, 1)), sign_changes((0, -1, 0, 1))
    ([-1.4142135623730951, 1.4142135623730951], [], [-1.0, 0.0, 1.0])
    """
    return _changes([Fraction(c) for c in coefficients])


def stationary_points(coefficients: Sequence[float]) -> list[float]:
    """The places at which the derivative changes its sign."""
    return _changes(_derivative([Fraction(c) for c in coefficients]))


def has_root_at(coefficients: Sequence[float], x: float) -> bool:
    """Whether the polynomial is exactly 0 at x."""
    return _sign([Fraction(c) for c in coefficients], x) == 0


def _derivative(p: _Exact) -> _Exact:
    return [i * c for i, c in enumerate(p)][1:]


def _changes(p: _Exact) -> list[float]:
    while p and not p[-1]:
        p = p[:-1]
    if len(p) < 2:
        return []
    far = float(1 + max(abs(c / p[-1]) for c in p[:-1])) * 1.01  # Cauchy: no root is beyond
    far = min(far, np.finfo(float).max)
    found = []
    left, before = -far, _sign(p, -far)
    for x in [*_changes(_derivative(p)), far]:
        sign = _sign(p, x)
        if sign == 0:
            continue  # it is counted where the sign beyond is known
        if before * sign < 0:
            found.append(_halved(p, left, x, before))
        left, before = x, sign
    return found


def _halved(p: _Exact, low: float, high: float, sign: int) -> float:
    """The double between low and high, where p has another sign than ``sign``, that comes nearest to its only root."""
    a, b = _rank(low), _rank(high)
    while b - a > 1:
        middle = (a + b) // 2
        here = _sign(p, _double(middle))
        if here == 0:
            return _double(middle)
        a, b = (middle, b) if here == sign else (a, middle)
    return min(_double(a), _double(b), key=lambda x: abs(_value(p, x)))


def _sign(p: _Exact, x: float) -> int:
    value = _value(p, x)
    return (value > 0) - (value < 0)


def _value(p: _Exact, x: float) -> Fraction:
    at, total = Fraction(x), Fraction(0)
    for c in reversed(p):
        total = total * at + c
    return total


def _rank(x: float) -> int:
    """Doubles in order as integers."""
    bits = int(np.float64(x).view(np.int64))
    return bits if bits >= 0 else -(bits & 0x7FFFFFFFFFFFFFFF)


def _double(rank: int) -> float:
    bits = rank if rank >= 0 else (-rank) | (1 << 63)
    return float(np.uint64(bits).view(np.float64))
