"""The rules on mpmath numbers, counting the bits that are lost to cancellation."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from eoc.activations.formula.rules import Jet, OutOfReach, Undefined, is_zero
from eoc.sharing import Lock, once

__all__ = ["ONE_AT_A_TIME", "multiprecision", "to_float"]

#: Held while mpmath computes: it keeps pi and its like for the whole process, and two threads that need more digits
#: at the same time get wrong ones.
ONE_AT_A_TIME = Lock()

_HUGE = 1100  # exp(u) is 0 or infinite, and sin(u) out of reach, beyond |u| = 2^1100


class _Multiprecision:
    """Mpmath numbers. ``lost`` counts the bits lost to cancellation, ``pole`` records a division by zero.

    At a root that is known to so many bits, what cancels to ``nothing`` of them is 0.
    """

    def __init__(self, precision: int) -> None:
        import mpmath

        self.c: Any = mpmath.MPContext()
        self.c.prec = precision
        self.lost, self.pole, self.nothing = 0, False, math.inf
        self.pi, self.e = +self.c.pi, +self.c.e
        self.rsqrt_pi, self.rsqrt_2 = 1 / self.c.sqrt(self.pi), self.c.sqrt(self.c.mpf(0.5))
        self.number = self.c.mpf
        self.sinh = self._saturating(self.c.sinh)
        self.arctan, self.arcsinh = self.c.atan, self.c.asinh
        self.constants: dict[object, Any] = {}

    def magnitude(self, v: Any) -> int:
        """About log2|v|."""
        v = self.c.convert(v)
        _, man, exponent, bits = v._mpf_
        if man:
            return int(exponent + bits)
        return -(10**9) if exponent == 0 else 10**9

    def _left(self, before: Any, after: Any) -> Any:
        """What cancellation leaves."""
        bits = self.magnitude(before) - self.magnitude(after)
        if bits > self.nothing:
            return self.c.zero
        if bits > 2:
            self.lost += bits
        return after

    def _saturating(self, f: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def g(v: Any) -> Any:
            if self.magnitude(v) > _HUGE:
                return self.c.inf if v > 0 or f == self.c.cosh else -self.c.inf
            return f(v)

        return g

    def sum(self, a: Any, b: Any) -> Any:
        if is_zero(a):
            return b
        if is_zero(b):
            return a
        s = self.c.convert(a) + b
        larger = a if abs(a) > abs(b) else b
        return s if s == 0 and larger == 0 else self._left(larger, s)

    def div(self, a: Any, b: Any) -> Any:
        if b != 0:
            return self.c.convert(a) / b
        self.pole = True
        return self.c.nan if a == 0 or self.c.isnan(a) else self.c.inf * (1 if a > 0 else -1)

    def exp(self, v: Any) -> Any:
        size = self.magnitude(v)
        if size > _HUGE:
            return self.c.inf if v > 0 else self.c.zero
        self.lost += max(0, size)
        return self.c.exp(v)

    def expm1(self, v: Any) -> Any:
        return self.c.expm1(v) if self.magnitude(v) < 3 else self.exp(v) - 1

    def cosh(self, v: Any) -> Any:
        return self.c.inf if self.magnitude(v) > _HUGE else self.c.cosh(v)

    def tanh(self, v: Any) -> Any:
        return self.c.sign(v) if self.magnitude(v) > 12 else self.c.tanh(v)

    def sigmoid(self, v: Any) -> Any:
        return 1 / (1 + self.exp(-v))

    def softplus(self, v: Any) -> Any:
        return self.c.log1p(self.exp(v)) if v < 0 else v + self.c.log1p(self.exp(-v))

    def log(self, v: Any) -> Any:
        if v < 0 or self.c.isnan(v):
            raise Undefined
        if v == 0:
            self.pole = True
            return -self.c.inf
        return self._left(1, self.c.log(v))

    def log1p(self, v: Any) -> Any:
        return self.c.log1p(v) if v > -0.5 else self.log(self.sum(1, v))

    def sqrt(self, v: Any) -> Any:
        if v < 0 or self.c.isnan(v):
            raise Undefined
        return self.c.sqrt(v)

    def hypot1(self, v: Any) -> Any:
        return self.c.sqrt(1 + self.c.convert(v) * v)

    def _wave(self, f: Callable[[Any], Any], v: Any) -> Any:
        if self.magnitude(v) > _HUGE:
            raise OutOfReach
        return self._left(v, f(v))

    def sin(self, v: Any) -> Any:
        return self._wave(self.c.sin, v)

    def cos(self, v: Any) -> Any:
        return self._wave(self.c.cos, v)

    def arcsin(self, v: Any) -> Any:
        return self._arc(self.c.asin, v)

    def arccos(self, v: Any) -> Any:
        return self._arc(self.c.acos, v)

    def _arc(self, f: Callable[[Any], Any], v: Any) -> Any:
        if self.magnitude(abs(v) - 1) < -self.nothing:
            v = self.c.sign(v)
        if not abs(v) <= 1:
            raise Undefined
        return f(v)

    def erf(self, v: Any) -> Any:
        """Far out 1 - erfc, of which few digits count: mpmath's own takes a hundred times longer."""
        if abs(v) < 3:
            return self.c.erf(v)
        size = 1 - self._erfc(abs(v), self.c.prec - int(1.44 * to_float(abs(v)) ** 2) + 20) if abs(v) < 1e6 else 1
        return size if v > 0 else -size

    def erfc(self, v: Any) -> Any:
        return 1 + self.erf(-v) if v < 0 else self._erfc(v, self.c.prec)

    def _erfc(self, v: Any, precision: int) -> Any:
        """To that many bits, for v >= 0."""
        if precision <= 0 or self.magnitude(v) > 32:
            return self.c.zero
        with self.c.workprec(precision):
            return self.c.erfc(v)

    def powi(self, v: Any, n: int) -> Any:
        v = self.c.convert(v)
        if v == 0 and n < 0:
            return self.div(1, v)
        return v**n

    def pow(self, v: Any, p: Any) -> Any:
        if v < 0 or self.c.isnan(v):
            raise Undefined
        if v == 0:
            return self.c.one if p == 0 else self.c.zero if p > 0 else self.div(1, v)
        return self.exp(p * self.c.log(v))

    @staticmethod
    def switch(u: Jet, a: Jet, b: Jet, strict: bool) -> Jet:
        if not (u[0] <= 0 or u[0] > 0):
            raise Undefined
        return a if u[0] > 0 or (u[0] == 0 and not strict) else b


@once()
def multiprecision(precision: int) -> _Multiprecision:
    """The arithmetic with that many bits."""
    return _Multiprecision(precision)


def to_float(value: Any) -> float:
    """Round to the nearest double, or an infinity."""
    try:
        return float(value)
    except OverflowError:
        return math.copysign(math.inf, value)
