r"""Gaussian expectations over the plane, in sum and difference coordinates.

Two centred Gaussians u, v of variance q and correlation c are u = X + T, v = X - T with *independent* X and T of
variances Q = q (1 + c)/2 and P = q (1 - c)/2. Hence

.. math:: E[B(u, v)] = E\, I(T; Q), \qquad I(t; Q) = E[B(X + t, X - t)],

and the integrand is evaluated once for all variances and correlations: others only change the two Gaussian weights.
Along the line of each t the kinks of B lie at x = k - t and x = k + t, where panels end; I(t; Q) in turn is smooth
between the t at which two such kinks meet, t = (k_i - k_j)/2, and is kept as a Legendre series on each panel of t, so
that its mean over T is exact however narrow T is. In Q it is analytic, as every Gaussian integral
(:mod:`eoc.gaussian.octaves`), and kept as a Chebyshev series in log Q.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from eoc.errors import AccuracyError
from eoc.floats import EPS, FloatArray
from eoc.gaussian.lines import Panels, between, bisected, bounds_of
from eoc.gaussian.nodes import NODES, PROJECT, WEIGHTS, N, chebyshev_nodes, nodes_of, to_chebyshev

__all__ = ["Factor", "Integrand", "Plane", "Problem", "tabulate_plane"]

Integrand = Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]

_TOLERANCE = 1e-14  # of the scale of the integrand: what a panel of t may miss, with room for rounding
_NOISE = 1e-12
_CUTS = np.array([-40.0, -20.0, -10.0, -4.0, -2.0, -1.0, 0.0, 1.0, 2.0, 4.0, 10.0, 20.0, 40.0])
_GRID = np.array([0.0, 1.0, 2.0, 4.0])
_MAX_T_PANELS = 400
_LEVELS = 40


@dataclass(frozen=True)
class Factor:
    """Where a function of one variable is not smooth: its knots, and points graded around the scale it changes on."""

    knots: FloatArray
    graded: FloatArray

    @property
    def marks(self) -> FloatArray:
        """All of them: panels end there."""
        return np.concatenate([self.knots, self.graded])


@dataclass(frozen=True)
class Problem:
    """What to tabulate.

    Attributes
    ----------
    integrand
        Maps u and v, shape (n,), to values of B and bounds on their absolute errors.
    first, second
        Where B is not smooth in u, and in v.
    widths
        Standard deviations of X, increasing, from the smallest to the largest; panels are refined and certified there.
    narrow
        The largest standard deviation of T.
    scale
        The size of E|B| that errors are measured by.
    reach
        How many standard deviations matter.
    half_x, half_t
        Whether B(x + t, x - t) is even in x, or in t: then half of the plane is enough.
    """

    integrand: Integrand
    first: Factor
    second: Factor
    widths: FloatArray
    narrow: float
    scale: float
    reach: float
    half_x: bool = False
    half_t: bool = False


@dataclass(frozen=True)
class Plane:
    """I(t; Q) for Q in [low, high]: Chebyshev series in log Q times Legendre series on panels of t, (T, K, N).

    ``errors`` bound the absolute errors on each panel of t, the interpolation between nodes included. ``fold`` is by
    how much the plane is larger than the part of it that was tabulated.
    """

    low: float
    high: float
    t_edges: FloatArray
    series: FloatArray
    errors: FloatArray
    fold: float

    def __call__(self, wide: FloatArray, narrow: FloatArray) -> tuple[FloatArray, FloatArray]:
        """E[B(X + T, X - T)] for variances Q of X in [low, high] and P > 0 of T, and bounds on the errors, all (n,)."""
        length = np.log(self.high / self.low)
        x = np.clip(2.0 * np.log(wide / self.low) / length - 1.0, -1.0, 1.0) if length > 0.0 else np.zeros(wide.size)
        value, error = _averaged(self, chebyshev.chebvander(x, self.series.shape[1] - 1), narrow)
        return self.fold * value, self.fold * error


def _averaged(plane: Plane, vander: FloatArray, p: FloatArray) -> tuple[FloatArray, FloatArray]:
    """E[I(sqrt(p) Z; Q)] with T_k of each Q, (n, K), and bounds on the errors: the panels vanish beyond their ends.

    Every panel of t is cut where the Gaussian changes, at multiples of its width, and its polynomial integrated by the
    rule on each part.
    """
    low, high = plane.t_edges[:-1], plane.t_edges[1:]
    cuts = np.clip(np.sqrt(p)[:, None, None] * _CUTS, low[:, None], high[:, None])
    i, panel, part = np.nonzero(cuts[:, :, 1:] > cuts[:, :, :-1])
    start, half = cuts[i, panel, part][:, None], 0.5 * (cuts[i, panel, part + 1] - cuts[i, panel, part])[:, None]
    t = start + half * (1.0 + NODES)
    weights = np.exp((-0.5 / p[i])[:, None] * t**2) * (half * WEIGHTS / np.sqrt(2.0 * np.pi * p[i])[:, None])
    x = (2.0 * t - (low + high)[panel, None]) / (high - low)[panel, None]
    means = np.empty((N, i.size))  # of the Legendre polynomials
    before, here = np.zeros_like(x), np.ones_like(x)
    for n in range(N):
        means[n] = np.einsum("mk,mk->m", weights, here)
        before, here = here, ((2 * n + 1) / (n + 1) * x) * here - n / (n + 1) * before
    series = np.tensordot(vander, plane.series, (1, 1))[i, panel]
    value = np.bincount(i, np.einsum("nm,mn->m", means, series), p.size).astype(float)
    return value, np.bincount(i, means[0] * plane.errors[panel], p.size).astype(float)


def tabulate_plane(problem: Problem) -> Plane:
    """Tabulate B on lines of constant t; panels in t and in x are bisected until they are resolved."""
    edges = _t_edges(problem)
    a, b = edges[:-1], edges[1:]
    before = np.full(a.size, np.inf)  # the tails of the panels that these are halves of
    done: list[tuple[float, float, float, Panels]] = []
    for level in range(_LEVELS):
        panels = _along_x(problem, nodes_of(a, b).ravel())
        inner, bounds = _inner(problem, panels, a.size * N)
        tail = np.abs(inner.reshape(-1, a.size, N) @ PROJECT)[:, :, -2:].sum(axis=2).max(axis=0)
        bound = bounds.reshape(a.size, N).max(axis=1)
        # A small tail that halving hardly changes is rounding, of arguments too: it goes into the errors.
        noise = (tail > 0.25 * before) & (tail <= _NOISE * problem.scale)
        good = (tail <= np.maximum(_TOLERANCE * problem.scale, bound)) | noise | (level == _LEVELS - 1)
        split = np.searchsorted(panels.line, np.arange(a.size + 1) * N)
        kept = np.flatnonzero(good)
        done += [(a[i], b[i], tail[i] + bound[i], panels[np.arange(split[i], split[i + 1])]) for i in kept]
        a, b, before = a[~good], b[~good], np.tile(tail[~good], 2)
        if a.size == 0:
            break
        if 2 * a.size + len(done) > _MAX_T_PANELS:
            raise AccuracyError("the integrand changes too fast to be resolved; use a smaller q")
        middle = 0.5 * (a + b)
        a, b = np.concatenate([a, middle]), np.concatenate([middle, b])
    return _assembled(problem, sorted(done, key=lambda part: part[0]))


def _t_edges(problem: Problem) -> FloatArray:
    reach = problem.reach * problem.narrow
    meet = 0.5 * np.subtract.outer(problem.first.knots, problem.second.knots).ravel()
    graded = np.concatenate([problem.first.graded, problem.second.graded])
    scale = problem.narrow * np.append(_GRID, problem.reach)
    edges = np.unique(np.concatenate([meet, graded, -scale, scale]))
    edges = edges[(edges >= (0.0 if problem.half_t else -reach)) & (edges <= reach)]
    return edges[np.append(True, np.diff(edges) > 1e-14 * reach)]


def _along_x(problem: Problem, t: FloatArray) -> Panels:
    """Panels in x on the line of each t."""
    reach = problem.reach * problem.widths[-1]
    scale = problem.widths[0] * _GRID
    fixed = np.concatenate([-scale, scale, [-reach, reach]])
    marks = [problem.first.marks - t[:, None], problem.second.marks + t[:, None], np.tile(fixed, (t.size, 1))]
    a, b, line = between(np.clip(np.concatenate(marks, axis=1), 0.0 if problem.half_x else -reach, reach))

    def evaluate(a: FloatArray, b: FloatArray, line: NDArray[np.int64]) -> Panels:
        x, shift = nodes_of(a, b), t[line][:, None]
        values, noise = problem.integrand((x + shift).ravel(), (x - shift).ravel())
        return Panels(a, b, line, values.reshape(x.shape), noise.reshape(x.shape))

    return bisected(evaluate, lambda panels: _density(problem, panels), np.full(t.size, problem.scale), a, b, line)


def _density(problem: Problem, panels: Panels) -> FloatArray:
    """Half the length of each panel times the density of X at the nodes, for each width: (S, P, N)."""
    s = problem.widths[:, None, None]
    z = nodes_of(panels.a, panels.b) / s
    return 0.5 * (panels.b - panels.a)[:, None] * np.exp(-0.5 * z**2) / (np.sqrt(2.0 * np.pi) * s)


def _inner(problem: Problem, panels: Panels, lines: int) -> tuple[FloatArray, FloatArray]:
    """I(t; Q) for each width, (S, lines), and bounds on the errors, (lines,)."""
    density = _density(problem, panels)
    sums = (density * panels.values) @ WEIGHTS
    inner: FloatArray = np.stack([np.bincount(panels.line, row, lines) for row in sums])
    return inner, bounds_of(panels, density, problem.reach * problem.widths[-1], lines)


def _assembled(problem: Problem, parts: list[tuple[float, float, float, Panels]]) -> Plane:
    edges = np.array([parts[0][0], *(b for _, b, _, _ in parts)])
    x_squared, weights, lines = [], [], []
    for k, (_, _, _, panels) in enumerate(parts):
        half = 0.5 * (panels.b - panels.a)[:, None]
        x_squared.append(nodes_of(panels.a, panels.b) ** 2)
        weights.append(half * WEIGHTS * panels.values)
        lines.append(panels.line % N + N * k)
    low, high = problem.widths[0] ** 2, problem.widths[-1] ** 2
    terms = _terms(high / low)
    wide = low * (high / low) ** (0.5 + 0.5 * chebyshev_nodes(terms))
    inner = _along_lines(wide, np.concatenate(x_squared), np.concatenate(weights), np.concatenate(lines))
    series = to_chebyshev(terms) @ (inner.reshape(terms, -1, N) @ PROJECT).swapaxes(0, 1)  # (T, K, N)
    errors = np.array([error for _, _, error, _ in parts])
    if terms > 1:
        errors = errors + 2.0 * np.abs(series[:, -2:]).sum(axis=(1, 2)) + 4.0 * EPS * np.abs(series).sum(axis=(1, 2))
    fold = (2.0 if problem.half_x else 1.0) * (2.0 if problem.half_t else 1.0)
    return Plane(low, high, edges, np.ascontiguousarray(series), errors, fold)


def _along_lines(
    variances: FloatArray, x_squared: FloatArray, weights: FloatArray, line: NDArray[np.int64]
) -> FloatArray:
    """Gaussian integrals along L lines, (Q, L), from weights at the nodes of panels, (P, N), and the line of each."""
    out, density = np.empty((variances.size, int(line[-1]) + 1)), np.empty_like(x_squared)
    for i, q in enumerate(variances):
        np.exp(np.multiply(x_squared, -0.5 / q, out=density), out=density)
        out[i] = np.bincount(line, np.einsum("pn,pn->p", density, weights), out.shape[1]) / np.sqrt(2.0 * np.pi * q)
    return out


def _terms(ratio: float) -> int:
    """Terms of the series in log Q on an interval with this ratio of its ends that reach rounding.

    A Gaussian integral is analytic in Q for |arg Q| < pi/2; coefficients fall like r^-n with the largest ellipse about
    the interval whose height is within that, r = b + sqrt(1 + b^2), b = pi / log(ratio).
    """
    if ratio == 1.0:
        return 1
    return 3 + int(np.ceil(-np.log(EPS) / np.arcsinh(np.pi / np.log(ratio))))
