"""(phi, phi', phi'') of a tree: one set of rules, run on NumPy arrays or on mpmath numbers.

A jet is the triple (u, u', u''). For a primitive f the chain rule gives

    f(u),   f'(u) u',   f''(u) u'^2 + f'(u) u'',

so the derivatives are exact, without expression swell. The NumPy run is fast and may cancel or overflow; the mpmath
run counts the bits that are lost to cancellation and repeats at a higher precision until more than 64 remain.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eoc.activations.grammar import Node, postorder

__all__ = ["OutOfReach", "Program", "Undefined", "constant_value", "to_float"]

FloatArray = NDArray[np.float64]
Jet = tuple[Any, Any, Any]

_PRECISIONS = (160, 480, 1500)
_GUARD = 70  # bits that must survive cancellation
_HUGE = 1100  # exp(u) is 0 or infinite, and sin(u) out of reach, beyond |u| = 2^1100
_NUDGE_BITS, _NUDGE_PRECISION = 130, 900  # a removable singularity is evaluated at distance 2^-130


class Undefined(Exception):
    """The formula has no real value here."""


class OutOfReach(Undefined):
    """The formula may have a value here, but nothing sensible can compute it, as for sin(exp(1e6))."""


# --- rules --------------------------------------------------------------------------------------------------------


def _sqrt(m: Any, v: Any) -> Jet:
    s = m.sqrt(v)
    return s, m.div(0.5, s), m.div(-0.25, s * v)


def _tan(m: Any, v: Any) -> Jet:
    t = m.div(m.sin(v), m.cos(v))
    return t, 1 + t * t, 2 * t * (1 + t * t)


def _tanh(m: Any, v: Any) -> Jet:
    t, c = m.tanh(v), m.cosh(v)
    s = m.div(m.div(1, c), c)
    return t, s, -2 * t * s


def _arcsin(m: Any, v: Any) -> Jet:
    s = m.sqrt(m.sum(1, -v) * m.sum(1, v))
    return m.arcsin(v), m.div(1, s), m.div(v, s * s * s)


def _arccos(m: Any, v: Any) -> Jet:
    _, f1, f2 = _arcsin(m, v)
    return m.arccos(v), -f1, -f2


def _arctan(m: Any, v: Any) -> Jet:
    s = m.div(1, 1 + v * v)
    return m.arctan(v), s, -2 * (v * s) * s


def _arcsinh(m: Any, v: Any) -> Jet:
    h = m.hypot1(v)
    return m.arcsinh(v), m.div(1, h), -m.div(m.div(m.div(v, h), h), h)


def _bell(m: Any, v: Any, scale: Any, a: Any) -> tuple[Any, Any]:
    """Scale exp(-a v^2) and its derivative."""
    g = scale * m.exp(-a * (v * v))
    return g, -2 * a * v * g


def _sigmoid(m: Any, v: Any) -> Jet:
    s = m.sigmoid(v)
    d = s * m.sigmoid(-v)
    return s, d, -d * m.tanh(0.5 * v)


def _softplus(m: Any, v: Any) -> Jet:
    s, d, _ = _sigmoid(m, v)
    return m.softplus(v), s, d


def _exp(m: Any, v: Any) -> Jet:
    e = m.exp(v)
    return e, e, e


def _sin(m: Any, v: Any) -> Jet:
    s = m.sin(v)
    return s, m.cos(v), -s


def _cos(m: Any, v: Any) -> Jet:
    c = m.cos(v)
    return c, -m.sin(v), -c


def _hyperbolic(m: Any, v: Any) -> tuple[Any, Any]:
    return m.sinh(v), m.cosh(v)


def _sinh(m: Any, v: Any) -> Jet:
    s, c = _hyperbolic(m, v)
    return s, c, s


def _cosh(m: Any, v: Any) -> Jet:
    s, c = _hyperbolic(m, v)
    return c, s, c


def _expm1(m: Any, v: Any) -> Jet:
    e = m.exp(v)
    return m.expm1(v), e, e


def _log(m: Any, v: Any) -> Jet:
    r = m.div(1, v)
    return m.log(v), r, -r * r


def _log1p(m: Any, v: Any) -> Jet:
    r = m.div(1, m.sum(1, v))
    return m.log1p(v), r, -r * r


_RULES: dict[str, Callable[[Any, Any], Jet]] = {
    "exp": _exp,
    "expm1": _expm1,
    "log": _log,
    "log1p": _log1p,
    "sqrt": _sqrt,
    "sin": _sin,
    "cos": _cos,
    "tan": _tan,
    "sinh": _sinh,
    "cosh": _cosh,
    "tanh": _tanh,
    "arcsin": _arcsin,
    "arccos": _arccos,
    "arctan": _arctan,
    "arcsinh": _arcsinh,
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "erf": lambda m, v: (m.erf(v), *_bell(m, v, 2 * m.rsqrt_pi, 1)),
    "erfc": lambda m, v: (m.erfc(v), *_bell(m, v, -2 * m.rsqrt_pi, 1)),
    "Phi": lambda m, v: (0.5 * m.erfc(-v * m.rsqrt_2), *_bell(m, v, m.rsqrt_pi * m.rsqrt_2, 0.5)),
}


def _is_zero(v: Any) -> bool:
    return isinstance(v, int | float) and v == 0


def _chain(m: Any, f: Jet, u: Jet) -> Jet:
    (f0, f1, f2), (_, u1, u2) = f, u
    if _is_zero(u1) and _is_zero(u2):
        return f0, 0, 0
    if isinstance(u1, int) and u1 == 1 and _is_zero(u2):
        return f0, f1, f2
    second = f2 * (u1 * u1)
    return f0, f1 * u1, second if _is_zero(u2) else m.sum(second, f1 * u2)


def _times(a: Any, b: Any) -> Any:
    return 0 if _is_zero(a) or _is_zero(b) else a * b


def _mul(m: Any, u: Jet, v: Jet) -> Jet:
    first = m.sum(_times(u[1], v[0]), _times(u[0], v[1]))
    outer = m.sum(_times(u[2], v[0]), _times(u[0], v[2]))
    return u[0] * v[0], first, m.sum(outer, 2 * _times(u[1], v[1]))


def _div(m: Any, u: Jet, v: Jet) -> Jet:
    """W = u/v: w' = (u' - w v')/v, w'' = (u'' - 2 w' v' - w v'')/v."""
    w = m.div(u[0], v[0])
    w1 = m.div(m.sum(u[1], -_times(w, v[1])), v[0])
    return w, w1, m.div(m.sum(m.sum(u[2], -2 * _times(w1, v[1])), -_times(w, v[2])), v[0])


def _powi(m: Any, u: Any, n: int) -> Jet:
    return m.powi(u, n), n * m.powi(u, n - 1), n * (n - 1) * m.powi(u, n - 2) if n != 1 else 0


def _pow(m: Any, u: Any, p: Any) -> Jet:
    return m.pow(u, p), p * m.pow(u, p - 1), p * (p - 1) * m.pow(u, p - 2)


_OPERATIONS: dict[str, Callable[[Any, list[Jet], float], Any]] = {
    "add": lambda m, a, _: tuple(map(m.sum, *a)),
    "sub": lambda m, a, _: tuple(m.sum(u, -v) for u, v in zip(*a, strict=True)),
    "neg": lambda _, a, __: tuple(-u for u in a[0]),
    "mul": lambda m, a, _: _mul(m, *a),
    "div": lambda m, a, _: _div(m, *a),
    "powi": lambda m, a, n: _chain(m, _powi(m, a[0][0], int(n)), a[0]),
    "pow": lambda m, a, _: _chain(m, _pow(m, a[0][0], a[1][0]), a[0]),
    "switch": lambda m, a, strict: m.switch(*a, bool(strict)),
}


def _apply(m: Any, op: str, args: list[Jet], value: float) -> Jet:
    """One operation on jets; raise Undefined on a branch whose condition is undefined."""
    if op == "undefined":
        raise Undefined
    operation = _OPERATIONS.get(op)
    jet: Jet = operation(m, args, value) if operation else _chain(m, _RULES[op](m, args[0][0]), args[0])
    return jet


# --- two backends -------------------------------------------------------------------------------------------------


class _Numpy:
    """Float64 arrays. What overflows or is undefined comes out non-finite."""

    rsqrt_pi = 1.0 / math.sqrt(math.pi)
    rsqrt_2 = math.sqrt(0.5)
    pi, e = math.pi, math.e
    exp, expm1, log, log1p, sqrt = np.exp, np.expm1, np.log, np.log1p, np.sqrt
    sin, cos, sinh, cosh, tanh = np.sin, np.cos, np.sinh, np.cosh, np.tanh
    arcsin, arccos, arctan, arcsinh = np.arcsin, np.arccos, np.arctan, np.arcsinh
    div, pow = np.true_divide, np.power

    def __init__(self) -> None:
        from scipy import special

        self.sigmoid, self.erf, self.erfc = special.expit, special.erf, special.erfc

    @staticmethod
    def sum(a: Any, b: Any) -> Any:
        return a + b

    @staticmethod
    def number(value: float) -> np.float64:
        return np.float64(value)

    @staticmethod
    def softplus(v: Any) -> Any:
        return np.logaddexp(0.0, v)

    @staticmethod
    def hypot1(v: Any) -> Any:
        return np.hypot(1.0, v)

    @staticmethod
    def powi(v: Any, n: int) -> Any:
        return v * v if n == 2 else v if n == 1 else np.power(v, float(n))

    @staticmethod
    def switch(u: Jet, a: Jet, b: Jet, strict: bool) -> Jet:
        on = u[0] > 0 if strict else u[0] >= 0
        return tuple(np.where(np.isnan(u[0]), np.nan, np.where(on, p, q)) for p, q in zip(a, b, strict=True))  # type: ignore[return-value]


class _Mpmath:
    """Mpmath numbers. ``lost`` counts the bits lost to cancellation, ``pole`` records a division by zero."""

    def __init__(self, precision: int) -> None:
        import mpmath

        self.c: Any = mpmath.MPContext()
        self.c.prec = precision
        self.lost, self.pole = 0, False
        self.pi, self.e = +self.c.pi, +self.c.e
        self.rsqrt_pi, self.rsqrt_2 = 1 / self.c.sqrt(self.pi), self.c.sqrt(self.c.mpf(0.5))
        self.number = self.c.mpf
        self.sinh, self.erf = self._saturating(self.c.sinh), self.c.erf
        self.arctan, self.arcsinh = self.c.atan, self.c.asinh
        self.constants: dict[Node, Any] = {}

    def magnitude(self, v: Any) -> int:
        """About log2|v|."""
        v = self.c.convert(v)
        _, man, exponent, bits = v._mpf_
        if man:
            return int(exponent + bits)
        return -(10**9) if exponent == 0 else 10**9

    def _lose(self, before: Any, after: Any) -> None:
        bits = self.magnitude(before) - self.magnitude(after)
        if bits > 2:
            self.lost += bits

    def _saturating(self, f: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def g(v: Any) -> Any:
            if self.magnitude(v) > _HUGE:
                return self.c.inf if v > 0 or f == self.c.cosh else -self.c.inf
            return f(v)

        return g

    def sum(self, a: Any, b: Any) -> Any:
        if _is_zero(a):
            return b
        if _is_zero(b):
            return a
        s = self.c.convert(a) + b
        larger = a if abs(a) > abs(b) else b
        if not (s == 0 and larger == 0):
            self._lose(larger, s)
        return s

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
        y = self.c.log(v)
        self._lose(1, y)
        return y

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
        y = f(v)
        self._lose(v, y)
        return y

    def sin(self, v: Any) -> Any:
        return self._wave(self.c.sin, v)

    def cos(self, v: Any) -> Any:
        return self._wave(self.c.cos, v)

    def arcsin(self, v: Any) -> Any:
        return self._arc(self.c.asin, v)

    def arccos(self, v: Any) -> Any:
        return self._arc(self.c.acos, v)

    def _arc(self, f: Callable[[Any], Any], v: Any) -> Any:
        if not abs(v) <= 1:
            raise Undefined
        return f(v)

    def erfc(self, v: Any) -> Any:
        if self.magnitude(v) > 32:
            return self.c.mpf(2 if v < 0 else 0)
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


@lru_cache(maxsize=1)
def _numpy() -> _Numpy:
    return _Numpy()


@lru_cache(maxsize=4)
def _mpmath(precision: int) -> _Mpmath:
    return _Mpmath(precision)


def constant_value(op: str, args: list[float], value: float) -> float:
    """op(args) for constants, in double precision; not finite when undefined."""
    if op in ("pi", "e", "num"):
        return {"pi": math.pi, "e": math.e}.get(op, value)
    with np.errstate(all="ignore"):
        return float(_apply(_numpy(), op, [(np.float64(a), 0, 0) for a in args], value)[0])


# --- programs -----------------------------------------------------------------------------------------------------


class Program:
    """A tree ready to run.

    Examples
    --------
    >>> import numpy as np
    >>> from eoc.activations.grammar import Trees, read
    >>> Program(read("x**3", Trees())).fast(np.array([2.0]))[:, 0].tolist()
    [8.0, 12.0, 12.0]
    """

    def __init__(self, *roots: Node) -> None:
        self._order = postorder(*roots)
        index = {n: i for i, n in enumerate(self._order)}
        self._steps = [(n.op, [index[a] for a in n.args], n.value, n.constant is not None) for n in self._order]
        self._outputs = [index[r] for r in roots]

    def _run(self, m: Any, x: Any) -> list[Jet]:
        jets: list[Jet] = []
        constants = m.constants if isinstance(m, _Mpmath) else {}
        for node, (op, where, value, constant) in zip(self._order, self._steps, strict=True):
            if op == "x":
                jets.append((x, 1, 0))
            elif constant and node in constants:
                jets.append(constants[node])
            else:
                if op == "num":
                    jet = (m.number(value), 0, 0)
                elif op in ("pi", "e"):
                    jet = (getattr(m, op), 0, 0)
                else:
                    jet = _apply(m, op, [jets[i] for i in where], value)
                if constant:
                    constants[node] = jet
                jets.append(jet)
        return [jets[i] for i in self._outputs]

    def fast_all(self, x: FloatArray) -> FloatArray:
        """Return the jets of all roots in double precision, shape (roots, 3, n); not finite where this fails."""
        out = np.empty((len(self._outputs), 3, x.size))
        with np.errstate(all="ignore"):
            for i, jet in enumerate(self._run(_numpy(), x)):
                for j in range(3):
                    out[i, j] = jet[j]
        return out

    def fast(self, x: FloatArray) -> FloatArray:
        """(phi, phi', phi'') in double precision, shape (3, n); not finite where this fails."""
        return np.asarray(self.fast_all(x)[0])

    def exact(self, x: float, side: int = 0) -> Jet:
        """(phi, phi', phi'') at one point as mpmath numbers, right to at least 20 digits.

        Where the formula reads 0/0 or the like, its limit is taken (from one side if ``side`` is -1 or +1).

        Raises
        ------
        Undefined
            If phi has no finite real value there.
        """
        if math.isinf(x) or math.isnan(x):
            raise Undefined
        for precision in _PRECISIONS:
            m, jet = self._attempt(x, precision)
            if jet is None or m.lost <= precision - _GUARD:
                break
        if jet is not None and not any(map(m.c.isnan, jet)) and not (m.pole and abs(jet[0]) == m.c.inf):
            return jet
        return self._limit(x, side)

    def _attempt(self, x: float, precision: int, nudge: int = 0) -> tuple[_Mpmath, Jet | None]:
        m = _mpmath(precision)
        m.lost, m.pole = 0, False
        if len(m.constants) > 2000:
            m.constants.clear()
        point = m.c.mpf(x)
        if nudge:
            point += nudge * m.c.ldexp(max(abs(x), 1.0), -_NUDGE_BITS)
        try:
            return m, self._run(m, point)[0]
        except OutOfReach:
            raise
        except (Undefined, ZeroDivisionError, OverflowError, ValueError):
            return m, None

    def _limit(self, x: float, side: int) -> Jet:
        found: list[Jet] = []
        for nudge in (side,) if side else (1, -1):
            m, jet = self._attempt(x, _NUDGE_PRECISION, nudge)
            if jet is not None and not any(map(m.c.isnan, jet)) and m.magnitude(jet[0]) < _NUDGE_BITS // 3:
                found.append(tuple(m.c.convert(c) for c in jet))
        if not found:
            raise Undefined
        if len(found) == 2 and abs(found[0][0] - found[1][0]) <= 1e-9 * (abs(found[0][0]) + abs(found[1][0])):
            return tuple((a + b) / 2 for a, b in zip(*found, strict=True))
        return found[0]


def to_float(value: Any) -> float:
    """Round to the nearest double, or an infinity."""
    try:
        return float(value)
    except OverflowError:
        return math.copysign(math.inf, value)
