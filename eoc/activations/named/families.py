"""Families of activations with any number of parameters: splines, quantisers, polynomials, rational functions."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import numpy as np

from eoc.activations.base import Activation, Function, Growth, Parity, Piece
from eoc.activations.definitions import shown
from eoc.activations.named.building_blocks import BOUNDED, constant, factory, linear, number, parameters, positive
from eoc.errors import EocError
from eoc.floats import EPS, FloatArray

__all__ = ["polynomial", "quantiser", "rational", "spline"]

_MOST_LEVELS = 1024
_MOST_WRITTEN = 24  # knots or jumps, as a formula that can be typed
_HIGHEST_DEGREE = 64

Numbers = tuple[float, ...]


def _numbers(name: str, values: object, least: int = 1) -> Numbers:
    if not isinstance(values, tuple) or len(values) < least:
        raise EocError(f"{name} must be a tuple of {least} or more numbers, got {values!r}")
    return tuple(number(f"{name}[{i}]", value) for i, value in enumerate(values))


def _same_length(**tuples: Numbers) -> None:
    lengths = {name: len(values) for name, values in tuples.items()}
    if len(set(lengths.values())) > 1:
        raise EocError(f"{', '.join(lengths)} must have the same length, got {', '.join(map(str, lengths.values()))}")


# --- piecewise linear and piecewise constant --------------------------------------------------------------------------


@factory
def spline(
    knots: Numbers = (-1.0, 0.0, 1.0), values: Numbers = (0.0, 0.0, 1.0), slopes: tuple[float, float] | None = None
) -> Activation:
    """phi(x) = the straight lines through the points (knots[i], values[i]).

    Outside it goes on with ``slopes = (left, right)``, by default those of the first and last segments. The default is
    the ReLU.

    Notes
    -----
    0 always becomes a knot, so that phi is as accurate near 0 as a function that is written for it.
    """
    knots, values = _numbers("knots", knots, 1 if slopes else 2), _numbers("values", values)
    _same_length(knots=knots, values=values)
    if any(b <= a for a, b in pairwise(knots)):
        raise EocError(f"knots must increase, got {knots}")
    points = list(zip(knots, values, strict=True))
    inner = [
        number(f"the slope between knots {k0} and {k1}", (v1 - v0) / (k1 - k0))
        for (k0, v0), (k1, v1) in pairwise(points)
    ]
    outer = (inner[0], inner[-1]) if slopes is None else _numbers("slopes", slopes, 2)
    if len(outer) != 2:
        raise EocError(f"slopes must be two numbers (left, right), got {slopes!r}")
    left, right = outer
    rates = [left, *inner, right]
    pieces = _segments(points, rates)
    if 0.0 not in knots:
        i = bisect(knots, 0.0)
        points.insert(i, (0.0, float(pieces[i].phi(np.zeros(1))[0])))
        rates.insert(i, rates[i])
        pieces = _segments(points, rates)
    return Activation(
        "spline",
        _lines(points, rates),
        pieces,
        tuple(k for k, _ in points),
        growth=Growth("polynomial", 1.0) if left or right else BOUNDED,
        parity=_spline_parity(points, rates),
        parameters=parameters(knots=knots, values=values, slopes=(left, right)),
    )


def _lines(points: list[tuple[float, float]], rates: Sequence[float]) -> str:
    if len(points) > _MOST_WRITTEN:
        return "straight lines through (knots, values)"
    anchors = [points[0], *points]
    parts = [_line(*point, rate) for point, rate in zip(anchors, rates, strict=True)]
    conditions = [f" if x < {shown(k)} else " for k, _ in points] + [""]
    return "".join(part + condition for part, condition in zip(parts, conditions, strict=True))


def _from(x: float) -> str:
    """The distance to a point x, as a formula."""
    return f"x - {shown(x)}" if x > 0.0 else f"x + {shown(-x)}" if x < 0.0 else "x"


def _line(knot: float, value: float, slope: float) -> str:
    """The line of that slope through (knot, value)."""
    if not slope:
        return shown(value)
    rise = f"{shown(slope)} * ({_from(knot)})".removeprefix("1 * ") if knot else _terms((0.0, slope))
    return f"{shown(value)} + {rise}" if value else rise


def _segments(points: list[tuple[float, float]], rates: Sequence[float]) -> tuple[Piece, ...]:
    """Draw the pieces between and outside the points; ``rates`` are their slopes."""
    return (
        linear(rates[0], points[0][1], points[0][0]),
        *(_segment(rate, *ends) for rate, ends in zip(rates[1:-1], pairwise(points), strict=True)),
        linear(rates[-1], points[-1][1], points[-1][0]),
    )


def _segment(slope: float, start: tuple[float, float], end: tuple[float, float]) -> Piece:
    """Draw the line from start to end, exact at both, in a form that mirrors bit for bit."""
    (k0, v0), (k1, v1) = start, end
    length = k1 - k0
    return Piece(
        lambda x: v0 * ((k1 - x) / length) + v1 * ((x - k0) / length),
        lambda x: np.full_like(x, slope),
        np.zeros_like,
    )


def _spline_parity(points: list[tuple[float, float]], rates: list[float]) -> Parity | None:
    if points == [(-k, -v) for k, v in reversed(points)] and rates == rates[::-1]:
        return "odd"
    if points == [(-k, v) for k, v in reversed(points)] and rates == [-r for r in reversed(rates)]:
        return "even"
    return None


@factory
def quantiser(levels: int = 4, step: float | None = None) -> Activation:
    """phi(x) = the k-th of N = levels values from -1 to 1, k = how many of the N - 1 jumps lie below x.

    Jump k = 1 ... N-1 is at step (k - N/2). The default step, 2 / (N - 1), rounds x to the nearest level. Two levels
    are the sign, three with step t have their jumps at -t/2 and t/2.
    """
    n = int(number("levels", levels, 2, _MOST_LEVELS))
    if n != levels:
        raise EocError(f"levels must be an integer, got {levels!r}")
    step = 2.0 / (n - 1) if step is None else positive("step", step)
    return Activation(
        "quantiser",
        _steps(n, step),
        tuple(constant((2 * k - (n - 1)) / (n - 1)) for k in range(n)),
        tuple(step * (k - n / 2) for k in range(1, n)),
        growth=BOUNDED,
        parity="odd",
        parameters=parameters(levels=n, step=step),
    )


def _steps(n: int, step: float) -> str:
    if n > _MOST_WRITTEN:
        return "-1 + 2/(levels - 1) for every jump below x, at step (k - levels/2)"
    jumps = [f"heaviside({_from(step * (k - n / 2))})" for k in range(1, n)]
    return f"{shown(2.0 / (n - 1))} * ({' + '.join(jumps)}) - 1"


# --- polynomial and rational ------------------------------------------------------------------------------------------


@factory
def polynomial(coefficients: Numbers = (0.0, 0.0, 1.0)) -> Activation:
    """phi(x) = c0 + c1 x + c2 x^2 + ...; the default is x^2. Infinite where it overflows."""
    coefficients = _numbers("coefficients", coefficients)
    degree = max((i for i, c in enumerate(coefficients) if c), default=0)
    if degree > _HIGHEST_DEGREE:
        raise EocError(f"coefficients must not go beyond x^{_HIGHEST_DEGREE}, got x^{degree}")
    c = coefficients[: degree + 1]
    dc = tuple(i * a for i, a in enumerate(c))[1:]
    ddc = tuple(i * a for i, a in enumerate(dc))[1:]
    parity: Parity | None = None
    if not any(c[::2]):
        parity = "odd"
    elif not any(c[1::2]):
        parity = "even"
    return Activation(
        "polynomial",
        _terms(c),
        (Piece(*map(_horner, (c, dc, ddc))),),
        growth=Growth("polynomial", float(degree)) if degree else BOUNDED,
        parity=parity,
        uncertainty=partial(_rounding_of_horner, (c, dc, ddc)),
        parameters=parameters(coefficients=coefficients),
    )


def _terms(coefficients: Numbers) -> str:
    powers = ["", *(" * x" if i == 1 else f" * x^{i}" for i in range(1, len(coefficients)))]
    terms = [shown(c) + power for c, power in zip(coefficients, powers, strict=True) if c]
    return " + ".join(term.removeprefix("1 * ") for term in terms) or "0"


def _horner(coefficients: Numbers) -> Function:
    def value(x: FloatArray) -> FloatArray:
        total = np.zeros_like(x)
        with np.errstate(over="ignore"):
            for c in reversed(coefficients):
                total = total * x + c
        return total

    return value


def _rounding_of_horner(polynomials: tuple[Numbers, ...], x: FloatArray) -> FloatArray:
    """Bounds on the errors: every term in absolute value, times twice as many roundings as it goes through."""
    sizes = [_horner(tuple(map(abs, c)))(np.abs(x)) for c in polynomials]
    return 4.0 * EPS * max(1, len(polynomials[0]) - 1) * np.stack(sizes)


@factory
def rational(
    *,
    a: float = 1.0,
    b: float = 0.0,
    c: Numbers = (1.0,),
    d: Numbers = (0.0,),
    e: Numbers = (0.0,),
    f: Numbers = (1.0,),
) -> Activation:
    """phi(x) = a x + b + sum_i (c_i x + d_i) / ((x - e_i)^2 + f_i^2), f_i > 0 (ERA, Trimmel et al. 2022).

    The default is x + x / (x^2 + 1).
    """
    a, b = number("a", a), number("b", b)
    c, d, e = _numbers("c", c), _numbers("d", d), _numbers("e", e)
    f = tuple(positive(f"f[{i}]", value) for i, value in enumerate(_numbers("f", f)))
    _same_length(c=c, d=d, e=e, f=f)
    fractions = list(zip(c, d, e, f, strict=True))
    terms = [_fraction(*term) for term in fractions]
    piece = Piece(
        lambda x: sum((term.phi(x) for term in terms), a * x + b),
        lambda x: sum((term.dphi(x) for term in terms), np.full_like(x, a)),
        lambda x: sum((term.ddphi(x) for term in terms), np.zeros_like(x)),
    )
    return Activation(
        "rational",
        " + ".join(part for part in (_terms((b, a)), *map(_ratio, c, d, e, f)) if part != "0"),
        (piece,),
        growth=Growth("polynomial", 1.0) if a else BOUNDED,
        parity="odd" if b == 0.0 and not any(d) and not any(e) else None,
        uncertainty=partial(_rounding_of_fractions, a, b, fractions),
        parameters=parameters(a=a, b=b, c=c, d=d, e=e, f=f),
    )


def _ratio(c: float, d: float, e: float, f: float) -> str:
    if not c and not d:
        return "0"
    above = _terms((d, c)) if c else shown(d)
    centre = f"({_from(e)})^2" if e else "x^2"
    return f"({above}) / ({centre} + {shown(f)}^2)" if c and d else f"{above} / ({centre} + {shown(f)}^2)"


def _fraction(c: float, d: float, e: float, f: float) -> Piece:
    """phi(x) = n / h^2, n = c x + d, h^2 = (x - e)^2 + f^2, in the bounded ratios u = (x - e) / h and v = n / h."""

    def ratios(x: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        h = np.hypot(x - e, f)
        return h, (x - e) / h, (c * x + d) / h

    def phi(x: FloatArray) -> FloatArray:
        h, _, v = ratios(x)
        return v / h

    def slope(x: FloatArray) -> FloatArray:
        h, u, v = ratios(x)
        return (c - 2.0 * u * v) / h / h

    def curvature(x: FloatArray) -> FloatArray:
        h, u, v = ratios(x)
        return (8.0 * u * u * v - 4.0 * c * u - 2.0 * v) / h / h / h

    return Piece(phi, slope, curvature)


def _rounding_of_fractions(
    a: float, b: float, fractions: list[tuple[float, float, float, float]], x: FloatArray
) -> FloatArray:
    """Bounds on the errors of a x + b + fractions, and of its derivatives: every term in absolute value."""
    sizes = np.stack([np.abs(a * x) + abs(b), np.full_like(x, abs(a)), np.zeros_like(x)])
    for c, d, e, f in fractions:
        h = np.hypot(x - e, f)
        u, v = np.abs(x - e) / h, (np.abs(c * x) + abs(d)) / h
        sizes[0] += v / h
        sizes[1] += (abs(c) + 2.0 * u * v) / h / h
        sizes[2] += (8.0 * u * u * v + 4.0 * abs(c) * u + 2.0 * v) / h / h / h
    return 8.0 * EPS * sizes
