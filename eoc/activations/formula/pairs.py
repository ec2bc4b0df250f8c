"""The rules on unevaluated sums of two float64 arrays: rounding on the way to a function's argument is carried along.

``sin(30*x)`` in double precision loses as many digits as 30 x has before the point. Here every sum, product and
quotient keeps the error of its rounding (Dekker 1971, Knuth), and so do exp, log and what is made of them, to about
1e-30: of ``sin(exp(x))`` nothing else is left. Any other function f passes it on as f'(u) times that of u; what such an
f itself rounds is not corrected.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from eoc.activations.formula.doubles import DOUBLES
from eoc.activations.formula.rules import Jet

__all__ = ["PAIRS", "Pair"]

_SPLIT = 2.0**27 + 1.0


class Pair:
    """The number ``high + low``, ``high`` being the nearest double; both are arrays, or numbers."""

    __array_ufunc__ = None  # NumPy leaves arithmetic to this class
    __slots__ = ("high", "low")

    def __init__(self, high: Any, low: Any) -> None:
        total = high + low
        self.high = total
        self.low = np.where(np.isfinite(total), low - (total - high), 0.0)

    def __neg__(self) -> Pair:
        return Pair(-self.high, -self.low)

    def __add__(self, other: Any) -> Pair:
        a, b = self, _pair(other)
        total = a.high + b.high
        part = total - a.high
        return Pair(total, (a.high - (total - part)) + (b.high - part) + (a.low + b.low))

    def __sub__(self, other: Any) -> Pair:
        return self + -other

    def __mul__(self, other: Any) -> Pair:
        a, b = self, _pair(other)
        product = a.high * b.high
        return Pair(product, _lost(a.high, b.high, product) + (a.high * b.low + a.low * b.high))

    __radd__, __rmul__ = __add__, __mul__

    def over(self, other: Pair) -> Pair:
        """The quotient."""
        quotient = self.high / other.high
        product = quotient * other.high
        rest = (self.high - product) - _lost(quotient, other.high, product) + (self.low - quotient * other.low)
        return Pair(quotient, rest / other.high)


def _pair(value: Any) -> Pair:
    return value if isinstance(value, Pair) else Pair(np.float64(value), np.float64(0.0))


def _lost(a: Any, b: Any, product: Any) -> Any:
    """What rounding took from the product a b."""
    (a1, a2), (b1, b2) = _halves(a), _halves(b)
    return ((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2


def _halves(a: Any) -> tuple[Any, Any]:
    large = _SPLIT * a
    high = large - (large - a)
    return high, a - high


def _function(f: Callable[[Any], Any], slope: Callable[[Any, Any], Any]) -> Callable[[Any], Pair]:
    """F of a pair; ``slope`` maps u and f(u) to f'(u)."""

    def of_pair(v: Any) -> Pair:
        u = _pair(v)
        value = f(u.high)
        return Pair(value, np.where(u.low == 0.0, 0.0, slope(u.high, value) * u.low))

    return of_pair


_SLOPES: dict[str, Callable[[Any, Any], Any]] = {
    "arcsin": lambda u, f: 1.0 / np.sqrt((1.0 - u) * (1.0 + u)),
    "arccos": lambda u, f: -1.0 / np.sqrt((1.0 - u) * (1.0 + u)),
    "arctan": lambda u, f: 1.0 / (1.0 + u * u),
    "arcsinh": lambda u, f: 1.0 / np.hypot(1.0, u),
    "erf": lambda u, f: 2.0 * DOUBLES.rsqrt_pi * np.exp(-u * u),
    "erfc": lambda u, f: -2.0 * DOUBLES.rsqrt_pi * np.exp(-u * u),
    "hypot1": lambda u, f: u / f,
}


_LN2 = Pair(math.log(2.0), 2.3190468138462996e-17)
_HALVINGS = 9  # of the argument of exp, so that few terms of its series are needed
_LARGEST = 750.0  # exp overflows above and is 0 below minus this
_INVERSES = [Fraction(1, math.factorial(n)) for n in range(11)]
_FIRST = [Pair(float(f), float(f - Fraction(float(f)))) for f in _INVERSES[:6]]  # the terms that need both parts


def _scaled_expm1(v: Any) -> tuple[Pair, Any]:
    """The s, about 1e-30 of it right, and the k with exp(v) = 2^k (1 + s) and |s| < 1/2."""
    u = _pair(v)
    inside = np.abs(u.high) <= _LARGEST
    u = Pair(np.clip(u.high, -_LARGEST, _LARGEST), np.where(inside, u.low, 0.0))
    k = np.rint(u.high / _LN2.high)
    r = (u - _LN2 * k) * 0.5**_HALVINGS
    last = np.float64(0.0)
    for inverse in _INVERSES[:5:-1]:
        last = last * r.high + float(inverse)
    series = _pair(last)
    for term in _FIRST[:0:-1]:
        series = series * r + term
    s = series * r
    for _ in range(_HALVINGS):
        s = s + s + s * s
    return s, np.where(np.isnan(k), 0.0, k).astype(int)


def _times_power_of_two(u: Pair, k: Any) -> Pair:
    return Pair(np.ldexp(u.high, k), np.ldexp(u.low, k))


def _exp(v: Any) -> Pair:
    s, k = _scaled_expm1(v)
    return _times_power_of_two(s + 1.0, k)


def _expm1(v: Any) -> Pair:
    s, k = _scaled_expm1(v)
    return _chosen(False, k == 0, s, _times_power_of_two(s + 1.0, k) + -1.0)


def _log(v: Any) -> Pair:
    """A step of Newton's method from what double precision says."""
    u = _pair(v)
    value = np.log(u.high)
    return _corrected(value, u * _exp(-value) + -1.0)


def _log1p(v: Any) -> Pair:
    u = _pair(v)
    value = np.log1p(u.high)
    back = _expm1(-value)
    return _corrected(value, (u + back) + u * back)


def _corrected(value: Any, correction: Pair) -> Pair:
    return Pair(value, np.where(np.isfinite(value), correction.high, 0.0))


def _sinh(v: Any) -> Pair:
    u = _pair(v)
    e = _expm1(_size(u))
    s = (e + e.over(e + 1.0)) * 0.5
    return _chosen(np.isnan(u.high), u.high < 0.0, -s, s)


def _cosh(v: Any) -> Pair:
    e = _exp(v)
    return (e + _pair(1.0).over(e)) * 0.5


def _tanh(v: Any) -> Pair:
    u = _pair(v)
    e = _expm1(_size(u) * -2.0)
    t = e.over(e + 2.0)
    return _chosen(np.isnan(u.high), u.high < 0.0, t, -t)


def _sigmoid(v: Any) -> Pair:
    u = _pair(v)
    e = _exp(-_size(u))
    return _chosen(np.isnan(u.high), u.high < 0.0, e, _pair(1.0)).over(e + 1.0)


def _softplus(v: Any) -> Pair:
    u = _pair(v)
    return _chosen(np.isnan(u.high), u.high > 0.0, u, _pair(0.0)) + _log1p(_exp(-_size(u)))


def _size(u: Pair) -> Pair:
    return _chosen(False, u.high < 0.0, -u, u)


def _sin(v: Any) -> Pair:
    u = _pair(v)
    s, c = np.sin(u.high), np.cos(u.high)
    return Pair(s, c * np.sin(u.low) - 2.0 * s * np.sin(0.5 * u.low) ** 2)


def _cos(v: Any) -> Pair:
    u = _pair(v)
    s, c = np.sin(u.high), np.cos(u.high)
    return Pair(c, -s * np.sin(u.low) - 2.0 * c * np.sin(0.5 * u.low) ** 2)


class _Pairs:
    """The arithmetic. What overflows or is undefined comes out non-finite."""

    pi = Pair(np.pi, 1.2246467991473532e-16)
    e = Pair(math.e, 1.4456468917292502e-16)
    rsqrt_pi = Pair(0.5641895835477563, 7.66772980658294e-18)
    rsqrt_2 = Pair(0.7071067811865476, -4.833646656726457e-17)
    exp, expm1, log, log1p = map(staticmethod, (_exp, _expm1, _log, _log1p))
    sinh, cosh, tanh, sin, cos = map(staticmethod, (_sinh, _cosh, _tanh, _sin, _cos))
    sigmoid, softplus = staticmethod(_sigmoid), staticmethod(_softplus)

    def __init__(self) -> None:
        for name, slope in _SLOPES.items():
            setattr(self, name, _function(getattr(DOUBLES, name), slope))

    @staticmethod
    def number(value: float) -> Pair:
        return _pair(value)

    @staticmethod
    def sum(a: Any, b: Any) -> Any:
        return a + b

    @staticmethod
    def div(a: Any, b: Any) -> Pair:
        return _pair(a).over(_pair(b))

    @staticmethod
    def sqrt(v: Any) -> Pair:
        u = _pair(v)
        root = np.sqrt(u.high)
        square = root * root
        rest = (u.high - square) - _lost(root, root, square) + u.low
        return Pair(root, np.where(root == 0.0, 0.0, 0.5 * rest / root))

    @classmethod
    def powi(cls, v: Any, n: int) -> Pair:
        power, result, left = _pair(v), _pair(1.0), abs(n)
        while left:
            if left % 2:
                result = result * power
            left //= 2
            if left:
                power = power * power
        return result if n >= 0 else cls.div(1.0, result)

    @staticmethod
    def pow(v: Any, p: Any) -> Pair:
        u, q = _pair(v), _pair(p)
        value = np.power(u.high, q.high)
        return Pair(value, np.where(value == 0.0, 0.0, value * (q.high * u.low / u.high + q.low * np.log(u.high))))

    @staticmethod
    def switch(u: Jet, a: Jet, b: Jet, strict: bool) -> Jet:
        at = _pair(u[0])
        on = at.high > 0 if strict else at.high >= 0
        return tuple(_chosen(np.isnan(at.high), on, _pair(p), _pair(q)) for p, q in zip(a, b, strict=True))  # type: ignore[return-value]


def _chosen(unknown: Any, on: Any, p: Pair, q: Pair) -> Pair:
    return Pair(np.where(unknown, np.nan, np.where(on, p.high, q.high)), np.where(on, p.low, q.low))


PAIRS = _Pairs()
