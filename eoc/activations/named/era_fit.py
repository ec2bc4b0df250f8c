"""Least squares of partial fractions through another activation, as the authors of ERA initialise theirs, and better.

For given poles e_i +- i f_i everything else is linear in phi = a x + b + sum_i (c_i x + d_i) / ((x - e_i)^2 + f_i^2),
so that only the poles are searched for (variable projection, Golub & Pereyra 1973). Where the target is a line plus an
even function, as of every ReLU-like one, so is its optimum: poles on the imaginary axis, or two pairs of which one is
the mirror image of the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, product

import numpy as np

from eoc.activations.base import Activation
from eoc.errors import EocError
from eoc.floats import FloatArray

__all__ = ["FITS", "Coefficients", "fitted"]

FITS = ("optimum", "authors")

_END, _POINTS, _FEW = 3.0, 100_000, 201
_NOTHING = 1e-12  # what rounding leaves of the odd part of an even function
_NARROWEST, _WIDEST = 1e-4, 300.0  # half widths f of a fraction: what is wider is a polynomial on the interval
_PLACES, _WIDTHS = (-1.5, 0.0, 1.5), (0.5, 1.5, 4.0, 12.0)  # e and f to start from
_ASIDE = (0.5, 1.5, 4.0)  # e of a pair that mirrors itself
_BEST = 3  # starts that are followed to the end
_SAME = 0.01  # poles, relative, that came to the same place
_STEPS = 20


@dataclass(frozen=True)
class Coefficients:
    """Of a x + b + sum_i (c_i x + d_i) / ((x - e_i)^2 + f_i^2)."""

    a: float
    b: float
    c: tuple[float, ...]
    d: tuple[float, ...]
    e: tuple[float, ...]
    f: tuple[float, ...]


def fitted(target: Activation, terms: int, fit: str) -> Coefficients:
    """The coefficients with the least sum of squares on linspace(-3, 3, 100000).

    Parameters
    ----------
    target
        What is approximated.
    terms
        1 or 2 fractions.
    fit
        "optimum": the smallest of the minima that a search from many poles finds, to the rounding of the sum.
        "authors": where SciPy's dogbox stops from all coefficients 1, as Trimmel et al. (2022) initialise.

    Raises
    ------
    EocError
        If the target is not finite on the interval, or the fractions widen without end, as for x^2.
    """
    x = np.linspace(-_END, _END, _POINTS)
    y = target(x)
    if not np.isfinite(y).all():
        raise EocError(f"{target.name} cannot be fitted: it is not finite everywhere between -3 and 3")
    return _by_authors(x, y, terms) if fit == "authors" else _optimum(target.name, x, y, terms)


def _by_authors(x: FloatArray, y: FloatArray, terms: int) -> Coefficients:
    from scipy.optimize import least_squares

    def function(w: FloatArray) -> FloatArray:
        poles, rest = w[: 2 * terms].reshape(-1, 2), w[2 * terms + 2 :].reshape(-1, 2)
        total = w[2 * terms] * x + w[2 * terms + 1] - y
        for (e, f), (c, d) in zip(poles, rest, strict=True):
            total = total + (c * x + d) / ((x - e) ** 2 + f**2)
        return total

    w = least_squares(function, np.ones(4 * terms + 2), jac="3-point", method="dogbox").x.tolist()
    poles, line, rest = w[: 2 * terms], w[2 * terms : 2 * terms + 2], w[2 * terms + 2 :]
    widths = tuple(abs(f) for f in poles[1::2])
    return Coefficients(line[0], line[1], tuple(rest[::2]), tuple(rest[1::2]), tuple(poles[::2]), widths)


@dataclass(frozen=True)
class _Shape:
    """Which of the coefficients are free: linear ones (a, b, c, d) = linear @ free, and poles (e, f) = poles @ free."""

    linear: FloatArray
    poles: FloatArray
    starts: list[FloatArray]


def _optimum(name: str, x: FloatArray, y: FloatArray, terms: int) -> Coefficients:
    odd, even = 0.5 * (y - y[::-1]), 0.5 * (y + y[::-1])
    slope, upper = float(odd @ x / (x @ x)), x > 0.0
    nothing = _NOTHING * max(float(np.abs(y).max()), 1.0)
    if np.abs(odd - slope * x).max() <= nothing:
        w = _searched(_symmetric(terms, is_odd=False), x[upper], even[upper])
        w[0] = float(f"{slope:.14g}") if abs(slope) > nothing else 0.0  # sums of 1e5 terms have their rounding
    elif np.abs(even).max() <= nothing:
        w = _searched(_symmetric(terms, is_odd=True), x[upper], odd[upper])
    else:
        w = _searched([_general(terms)], x, y)
    a, b, *rest = w.tolist()
    c, d, e, f = (tuple(rest[k * terms : (k + 1) * terms]) for k in range(4))
    if max(f) > _WIDEST:
        raise EocError(
            f"{name} has no best era: the fractions widen without end towards a polynomial: take fewer terms, or "
            "fit='authors', which stops on the way"
        )
    return Coefficients(a, b, c, d, e, f)


def _general(terms: int) -> _Shape:
    starts = [np.array(one).T.ravel() for one in combinations(product(_PLACES, _WIDTHS[::2]), terms)]
    return _Shape(np.eye(2 + 2 * terms), np.eye(2 * terms), starts)


def _symmetric(terms: int, *, is_odd: bool) -> list[_Shape]:
    """Even without a x, or odd: e = 0, and of two fractions also one and its mirror image."""
    own = [0, *range(2, 2 + terms)] if is_odd else [1, *range(2 + terms, 2 + 2 * terms)]
    on_axis = np.eye(2 * terms)[:, terms:]
    shapes = [_Shape(np.eye(2 + 2 * terms)[:, own], on_axis, [np.array(one) for one in combinations(_WIDTHS, terms)])]
    if terms == 2:
        sign = 1.0 if is_odd else -1.0
        linear = np.array(
            [[is_odd, 0, 0], [not is_odd, 0, 0], [0, 1, 0], [0, sign, 0], [0, 0, 1], [0, 0, -sign]], float
        )
        poles = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
        shapes.append(_Shape(linear, poles, [np.array(one) for one in product(_ASIDE, _WIDTHS)]))
    return shapes


def _searched(shapes: list[_Shape], x: FloatArray, y: FloatArray) -> FloatArray:
    """The coefficients a, b, c, d, e, f with the least sum of squares: poles first, on few points, then everything."""
    thin = slice(None, None, max(x.size // _FEW, 1))
    rough = [(*_best_poles(shape, x[thin], y[thin], start), shape) for shape in shapes for start in shape.starts]
    rough.sort(key=lambda found: found[0])
    apart: list[tuple[float, FloatArray, _Shape]] = []
    for one in rough:
        if not any(one[2] is other[2] and np.allclose(one[1], other[1], rtol=_SAME) for other in apart):
            apart.append(one)
    return min((_polished(shape, x, y, poles) for _, poles, shape in apart[:_BEST]), key=lambda found: found[0])[1]


def _best_poles(shape: _Shape, x: FloatArray, y: FloatArray, start: FloatArray) -> tuple[float, FloatArray]:
    """By variable projection: the sum of squares and the free poles."""
    from scipy.optimize import least_squares

    is_width = shape.poles[shape.poles.shape[0] // 2 :].any(axis=0)
    low, high = np.where(is_width, _NARROWEST, -10.0), np.where(is_width, _WIDEST, 10.0)

    def residual(poles: FloatArray) -> FloatArray:
        columns = _columns(x, shape.poles @ poles) @ shape.linear
        return columns @ _linear(columns, y) - y

    found = least_squares(residual, start, bounds=(low, high), x_scale=np.maximum(np.abs(start), 0.5), max_nfev=40)
    return float(found.cost), found.x


def _polished(shape: _Shape, x: FloatArray, y: FloatArray, poles: FloatArray) -> tuple[float, FloatArray]:
    """By Levenberg and Marquardt in all free coefficients with exact derivatives, then Gauss and Newton to rounding."""
    from scipy.optimize import least_squares

    count = shape.linear.shape[1]

    def coefficients(w: FloatArray) -> tuple[FloatArray, FloatArray]:
        return shape.linear @ w[:count], shape.poles @ w[count:]

    def residual(w: FloatArray) -> FloatArray:
        linear, at = coefficients(w)
        return _columns(x, at) @ linear - y

    def jacobian(w: FloatArray) -> FloatArray:
        linear, at = coefficients(w)
        return np.hstack([_columns(x, at) @ shape.linear, _slopes(x, linear, at) @ shape.poles])

    start = np.concatenate([_linear(_columns(x, shape.poles @ poles) @ shape.linear, y), poles])
    tight = {"ftol": 1e-15, "xtol": 1e-15, "gtol": 1e-15}
    found = least_squares(residual, start, jacobian, method="lm", x_scale="jac", max_nfev=200, **tight)
    w, last = found.x, np.inf
    for _ in range(_STEPS):
        step = _linear(jacobian(w), -residual(w))
        size = float(np.abs(step / np.maximum(np.abs(w), 1.0)).max())
        if not size < 0.5 * last:
            break
        w, last = w + step, size
    linear, at = coefficients(w)
    return float(found.cost), np.concatenate([linear, at[: at.size // 2], np.abs(at[at.size // 2 :])])


def _columns(x: FloatArray, poles: FloatArray) -> FloatArray:
    """x, 1, and x and 1 over each denominator: phi by a, b, c and d, (n, 2 + 2 terms)."""
    below = [(x - e) ** 2 + f * f for e, f in poles.reshape(2, -1).T]
    return np.column_stack([x, np.ones_like(x), *(x / h for h in below), *(1.0 / h for h in below)])


def _slopes(x: FloatArray, linear: FloatArray, poles: FloatArray) -> FloatArray:
    """The derivatives of phi by e and f, (n, 2 terms)."""
    terms = poles.size // 2
    by_place, by_width = [], []
    for c, d, e, f in zip(linear[2 : 2 + terms], linear[2 + terms :], poles[:terms], poles[terms:], strict=True):
        shared = 2.0 * (c * x + d) / ((x - e) ** 2 + f * f) ** 2
        by_place.append(shared * (x - e))
        by_width.append(-f * shared)
    return np.column_stack([*by_place, *by_width])


def _linear(columns: FloatArray, y: FloatArray) -> FloatArray:
    scale = np.sqrt((columns**2).sum(axis=0))
    return np.asarray(np.linalg.lstsq(columns / scale, y, rcond=None)[0] / scale)
