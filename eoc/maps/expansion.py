"""The expansion of a correlation map at c = 1."""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial

import numpy as np

from eoc.gaussian.angle import Series
from eoc.maps.correlation_layer import CorrelationLayer

__all__ = ["Term", "expansion_at_one"]


@dataclass(frozen=True)
class Term:
    """coefficient * (1 - c)^power of an expansion, and a bound on the error of the coefficient."""

    power: float
    coefficient: float
    error: float


def expansion_at_one(f: CorrelationLayer) -> tuple[Term, ...]:
    """See :attr:`CorrelationMap.expansion`."""
    a = f.angular
    one, two = (a.w1, a.w2) if a.plain else (a.u1, a.u2)
    # theta = y + y^3/24 + ...; of a single activation tau, and with it the first series, is even in theta
    (a0, a1, a2, a3), (b0, b1, b2) = _taylor(one, 4), _taylor(two, 3)
    root = 2.0**0.5
    if a.plain:
        g = f.gain
        terms = [(0.5, root * g, (a0,)), (1.0, 2.0 * g, (b0, a1)), (1.5, 2.0 * root * g, (a2, b1))]
    else:
        g = -f.gain * a.q
        terms = [
            (1.5, root * g, (a0,)),
            (2.0, 2.0 * g, (b0, a1)),
            (2.5, 2.0 * root * g, (a2, b1)),
            (3.0, 4.0 * g, (b2, a3, (a1[0] / 24.0, a1[1] / 24.0))),
        ]
    out = [] if a.plain else [Term(1.0, f.chi_1, f.chi_1_error)]
    for power, factor, parts in terms:
        value, error = factor * sum(p[0] for p in parts), abs(factor) * sum(p[1] for p in parts)
        if abs(value) > error:
            out.append(Term(power, value, error + f.relative_error * abs(value)))
    return tuple(out)


def _taylor(series: Series | None, count: int) -> list[tuple[float, float]]:
    """Taylor coefficients at theta = 0 with error bounds; those that cannot be told from 0 are 0."""
    out, zero = [], np.zeros(1)
    for order in range(count):
        if series is None:
            out.append((0.0, 0.0))
            continue
        value, error = float(series(zero)[0]) / factorial(order), float(series.error[0]) / factorial(order)
        out.append((value, error) if abs(value) > error else (0.0, 0.0))
        series = series.derivative()
    return out
