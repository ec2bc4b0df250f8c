"""(phi, phi', phi'') of every operation: one set of rules, run on NumPy arrays or on mpmath numbers.

A jet is the triple (u, u', u''). For a primitive f the chain rule gives

    f(u),   f'(u) u',   f''(u) u'^2 + f'(u) u'',

so the derivatives are exact, without expression swell. ``m`` is what computes: :mod:`eoc.activations.formula.doubles`
or :mod:`eoc.activations.formula.multiprecision`. The numbers 0 and 1 in a jet stand for constants.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["Jet", "OutOfReach", "Undefined", "apply", "is_zero"]

Jet = tuple[Any, Any, Any]


class Undefined(Exception):
    """The formula has no real value here."""


class OutOfReach(Undefined):
    """The formula may have a value here, but nothing sensible can compute it, as for sin(exp(1e6))."""


def apply(m: Any, op: str, args: list[Jet], value: float) -> Jet:
    """One operation on jets; raise Undefined on a branch whose condition is undefined."""
    if op == "undefined":
        raise Undefined
    operation = _OPERATIONS.get(op)
    jet: Jet = operation(m, args, value) if operation else _chain(m, _RULES[op](m, args[0][0]), args[0])
    return jet


def is_zero(v: Any) -> bool:
    """Whether v is the number 0 that stands for a derivative of a constant."""
    return isinstance(v, int | float) and v == 0


def _chain(m: Any, f: Jet, u: Jet) -> Jet:
    (f0, f1, f2), (_, u1, u2) = f, u
    if is_zero(u1) and is_zero(u2):
        return f0, 0, 0
    if isinstance(u1, int) and u1 == 1 and is_zero(u2):
        return f0, f1, f2
    second = f2 * (u1 * u1)
    return f0, f1 * u1, second if is_zero(u2) else m.sum(second, f1 * u2)


def _times(a: Any, b: Any) -> Any:
    return 0 if is_zero(a) or is_zero(b) else a * b


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


# --- primitives ------------------------------------------------------------------------------------------------------


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
