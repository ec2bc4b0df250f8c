"""The rules on float64 arrays: fast, and not finite where something overflows or is undefined."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from eoc.activations import special
from eoc.activations.formula.rules import Jet, apply

__all__ = ["DOUBLES", "constant_value"]


class _Doubles:
    """Float64 arrays. What overflows or is undefined comes out non-finite."""

    rsqrt_pi = 1.0 / math.sqrt(math.pi)
    rsqrt_2 = math.sqrt(0.5)
    pi, e = math.pi, math.e
    exp, expm1, log, log1p, sqrt = np.exp, np.expm1, np.log, np.log1p, np.sqrt
    sin, cos, sinh, cosh, tanh = np.sin, np.cos, np.sinh, np.cosh, np.tanh
    arcsin, arccos, arctan, arcsinh = np.arcsin, np.arccos, np.arctan, np.arcsinh
    div, pow = np.true_divide, np.power
    sigmoid, erf, erfc = staticmethod(special.expit), staticmethod(special.erf), staticmethod(special.erfc)

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


DOUBLES = _Doubles()


def constant_value(op: str, args: list[float], value: float) -> float:
    """op(args) for constants, in double precision; not finite when undefined."""
    if op in ("pi", "e", "num"):
        return {"pi": math.pi, "e": math.e}.get(op, value)
    with np.errstate(all="ignore"):
        return float(apply(DOUBLES, op, [(np.float64(a), 0, 0) for a in args], value)[0])
