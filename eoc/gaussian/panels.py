r"""Tables of integrands on Gauss-Legendre panels, each good for a range of the Gaussian's width.

A function is evaluated once, on panels that resolve both it and every Gaussian with a standard deviation s in that
range (an octave); afterwards E[g(s Z)] is a weighted sum of the tabulated values. Panels end at the knots of the
function (Gauss-Hermite and every other rule that ignores them lose all accuracy at a kink) and are bisected until the
Legendre coefficients of integrand times Gaussian have decayed to rounding level on each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eoc.floats import EPS, FloatArray
from eoc.gaussian.nodes import NULL_RULES, WEIGHTS, N, nodes_of

__all__ = ["Integrands", "Table", "integrate_table", "tabulate"]

Integrands = Callable[[FloatArray], tuple[FloatArray, FloatArray]]

_UNDERFLOW = 1e-303  # integrals below this have lost digits to the underflow of the Gaussian itself
_EDGES = np.array([0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 80.0])  # in units of scale: exp(-z^2/2) underflows at z = 38.6
_TOLERANCE = 5e-15  # of the total: what a panel's truncation estimate must fall below
_NEGLIGIBLE = 1e-20  # of the total: a panel that contributes less is dropped
_MAX_LEVELS = 60
_OVERFLOW_LEVELS = 8
_MAX_PANELS = 200_000
_NARROWEST = 2.0**-40  # relative width of a panel whose nodes are told apart, and from a knot at its end
_BLOCK = 16_384  # nodes at a time
_SAFETY = 2.0  # between samples the error may be larger than at them


@dataclass(frozen=True)
class Table:
    """K integrands at n quadrature nodes for Gaussians whose width lies among the widths it was made for.

    ``relative_error[i, k]`` bounds the error of the k-th integral at ``widths[i]`` relative to that of |g_k|;
    ``signed[k]`` tells whether g_k takes negative values, so that the two integrals differ.
    """

    widths: FloatArray
    x_squared: FloatArray
    weights: FloatArray
    values: FloatArray
    signed: NDArray[np.bool_]
    relative_error: FloatArray


@dataclass
class _Panels:
    """P panels [a, b] with integrands ``values`` (P, N, K) and their errors ``noise``, being refined."""

    a: FloatArray
    b: FloatArray
    values: FloatArray
    noise: FloatArray

    @classmethod
    def evaluate(cls, integrands: Integrands, a: FloatArray, b: FloatArray) -> _Panels:
        x = nodes_of(a, b)
        values, noise = integrands(x.ravel())
        shape = (-1, *x.shape)
        return cls(a, b, np.moveaxis(values.reshape(shape), 0, 2), np.moveaxis(noise.reshape(shape), 0, 2))

    def __getitem__(self, keep: Any) -> _Panels:
        return _Panels(self.a[keep], self.b[keep], self.values[keep], self.noise[keep])

    def __add__(self, other: _Panels) -> _Panels:
        pairs = ((getattr(self, f), getattr(other, f)) for f in ("a", "b", "values", "noise"))
        return _Panels(*(np.concatenate(pair) for pair in pairs))

    def finite(self) -> NDArray[np.bool_]:
        """At which nodes everything is finite: (P, N)."""
        return np.asarray(np.isfinite(self.values).all(axis=2) & np.isfinite(self.noise).all(axis=2))

    def sorted(self) -> _Panels:
        return self[np.argsort(np.abs(self.a + self.b))]


@dataclass(frozen=True)
class _Sums:
    """Integrals over each panel at each sampled width, all (P, S, K): |g|, truncation, noise, and |g| z^2."""

    absolute: FloatArray
    truncation: FloatArray
    noise: FloatArray
    exponent: FloatArray


def _sums(panels: _Panels, s: FloatArray) -> _Sums:
    z_squared = (nodes_of(panels.a, panels.b)[:, None, :] / s[:, None]) ** 2
    half = 0.5 * (panels.b - panels.a)[:, None, None]
    magnitudes = np.abs(panels.values)
    with np.errstate(over="ignore", invalid="ignore"):  # a sum that overflows makes its error infinite, see below
        u = half * np.exp(-0.5 * z_squared) / (np.sqrt(2.0 * np.pi) * s[:, None])
        truncation = sum(np.abs((u * null) @ panels.values) for null in NULL_RULES)
        u *= WEIGHTS
        return _Sums(u @ magnitudes, np.asarray(truncation), u @ panels.noise, (u * z_squared) @ magnitudes)


def tabulate(integrands: Integrands, edges: FloatArray, widths: FloatArray, *, half_line: bool) -> Table:
    """Tabulate ``integrands`` for Gaussians of standard deviation in [min(widths), max(widths)].

    Parameters
    ----------
    integrands
        Maps x, shape (n,), to values and bounds on their absolute errors, both (K, n).
    edges
        Increasing points at which panels have to end: knots, and the scales at which the functions change.
    widths
        Standard deviations, increasing and spanning at most an octave, at which the table is refined and certified.
    half_line
        Integrate over x > 0 only and double: for even integrands.
    """
    done, sums = _refine(integrands, _initial_edges(edges, widths[0], half_line), widths)
    total = sums.absolute.sum(axis=0)
    keep = (sums.absolute > _NEGLIGIBLE * total).any(axis=(1, 2)) & (total > _UNDERFLOW).any()
    relative_error = _relative_error(sums, total, done)
    kept = done[keep].sorted()
    x = nodes_of(kept.a, kept.b)
    fold = 2.0 if half_line else 1.0
    weights = fold * 0.5 * (kept.b - kept.a)[:, None] * WEIGHTS
    values = np.ascontiguousarray(kept.values.reshape(x.size, kept.values.shape[2]).T)
    return Table(widths, (x**2).ravel(), weights.ravel(), values, np.any(values < 0.0, axis=1), relative_error)


def _initial_edges(edges: FloatArray, scale: float, half_line: bool) -> FloatArray:
    reach = _EDGES[-1] * scale
    points = np.concatenate([scale * _EDGES, -scale * _EDGES, edges[np.abs(edges) < reach]])
    return np.unique(points[points >= 0.0] if half_line else points)


def _refine(integrands: Integrands, edges: FloatArray, s: FloatArray) -> tuple[_Panels, _Sums]:
    """Bisect until every panel is resolved (or cannot be: then its truncation stays in the error estimate)."""
    new = _Panels.evaluate(integrands, edges[:-1], edges[1:])
    new = _keep_finite(integrands, new)
    done = new[np.zeros(new.a.size, bool)]
    sums_done = _sums(done, s)
    for _ in range(_MAX_LEVELS):
        sums = _sums(new, s)
        total = sums_done.absolute.sum(axis=0) + sums.absolute.sum(axis=0)
        floor = 4.0 * EPS * sums.absolute + 2.0 * sums.noise
        bad = (sums.truncation > np.maximum(_TOLERANCE * total, floor)) & (total > _UNDERFLOW)
        split = bad.any(axis=(1, 2)) & (new.b - new.a > _NARROWEST * np.maximum(np.abs(new.a), np.abs(new.b)))
        done = done + new[~split]
        sums_done = _append(sums_done, sums, ~split)
        todo = new[split]
        if todo.a.size == 0:
            return done, sums_done
        if done.a.size + 2 * todo.a.size > _MAX_PANELS:
            break
        middle = 0.5 * (todo.a + todo.b)
        a, b = np.concatenate([todo.a, middle]), np.concatenate([middle, todo.b])
        new = _Panels.evaluate(integrands, a, b)
    new = _Panels.evaluate(integrands, todo.a, todo.b)
    return done + new, _append(sums_done, _sums(new, s), np.ones(new.a.size, bool))


def _append(one: _Sums, other: _Sums, keep: NDArray[np.bool_]) -> _Sums:
    fields = ("absolute", "truncation", "noise", "exponent")
    return _Sums(*(np.concatenate([getattr(one, f), getattr(other, f)[keep]]) for f in fields))


def _keep_finite(integrands: Integrands, panels: _Panels) -> _Panels:
    """Leave out where an integrand overflows, closing in on that place; ``_beyond`` accounts for what is lost."""
    for _ in range(_OVERFLOW_LEVELS):
        finite = panels.finite()
        whole = np.all(finite, axis=1)
        mixed = np.any(finite, axis=1) & ~whole
        if not mixed.any():
            break
        edge = panels[mixed]
        middle = 0.5 * (edge.a + edge.b)
        halves = np.concatenate([edge.a, middle]), np.concatenate([middle, edge.b])
        panels = panels[whole] + _Panels.evaluate(integrands, *halves)
    return panels[np.all(panels.finite(), axis=1)]


def _relative_error(sums: _Sums, total: FloatArray, panels: _Panels) -> FloatArray:
    n = panels.a.size * N
    normal = np.maximum(total, _UNDERFLOW)
    truncation = _SAFETY * sums.truncation.sum(axis=0)
    rounding = EPS * ((8.0 + np.sqrt(n)) * total + sums.exponent.sum(axis=0))
    with np.errstate(invalid="ignore", over="ignore"):
        error = (truncation + rounding + sums.noise.sum(axis=0) + _beyond(sums, panels)) / normal
    error[np.isnan(error)] = np.inf
    return np.where(total > _UNDERFLOW, error, 0.0)


def _beyond(sums: _Sums, panels: _Panels) -> FloatArray:
    """What the range leaves out is less than what its last tenth holds, once the integrand decays there."""
    outer = (panels.b > 0.9 * panels.b.max()) | (panels.a < min(0.9 * panels.a.min(), 0.0))
    return np.asarray(sums.absolute[outer].sum(axis=0))


def integrate_table(table: Table, q: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """E[g(sqrt(q) Z)], a bound on its absolute error, and E|g(sqrt(q) Z)|, each (Q, K), for q (Q,)."""
    rows = table.signed.size
    out = np.zeros((q.size, rows + np.count_nonzero(table.signed)))
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):  # what overflows has an infinite error
        for start in range(0, table.weights.size, _BLOCK):
            block = slice(start, start + _BLOCK)
            values = table.values[:, block]
            density = table.weights[block] * np.exp(-0.5 / q[:, None] * table.x_squared[block])
            out += density @ np.concatenate([values, np.abs(values[table.signed])]).T
        out /= np.sqrt(2.0 * np.pi * q)[:, None]
    result = out[:, :rows]
    magnitude = result.copy()
    magnitude[:, table.signed] = out[:, rows:]
    above = np.clip(np.searchsorted(table.widths, np.sqrt(q)), 0, table.widths.size - 1)
    relative = np.maximum(table.relative_error[above], table.relative_error[np.maximum(above - 1, 0)])
    return result, relative * magnitude, magnitude
