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

from eoc.errors import AccuracyError
from eoc.floats import EPS, FloatArray
from eoc.gaussian.ends import rest_of
from eoc.gaussian.nodes import NULL_RULES, WEIGHTS, N, nodes_of
from eoc.notices import notice

__all__ = ["Integrands", "Table", "integrate_table", "tabulate"]

Integrands = Callable[[FloatArray], tuple[FloatArray, FloatArray]]

_UNDERFLOW = 1e-303  # integrals below this have lost digits to the underflow of the Gaussian itself
_EDGES = np.array([0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 80.0])  # in units of scale: exp(-z^2/2) underflows at z = 38.6
_TOLERANCE = 5e-15  # of the total: what a panel's truncation estimate must fall below
_NEGLIGIBLE = 1e-20  # of the total: a panel that contributes less is dropped
_MAX_LEVELS = 60
_OVERFLOW_LEVELS = 8
_MAX_PANELS = 200_000
_MANY_PANELS = 5_000  # which take long: only oscillations need so many
_NARROWEST = 2.0**-40  # relative width of a panel whose nodes are told apart, and from a knot at its end
_BLOCK = 16_384  # nodes at a time
_NARROW = 2.0**-8  # relative width of a panel on which the Gaussian hardly changes and the rounding of nodes may count
_MATCH = 2.0**-8  # relative difference of distances that are meant to be the same, as rounded
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

    def __getitem__(self, keep: NDArray[np.bool_]) -> _Sums:
        return _Sums(self.absolute[keep], self.truncation[keep], self.noise[keep], self.exponent[keep])

    def __add__(self, other: _Sums) -> _Sums:
        pairs = ((getattr(self, f), getattr(other, f)) for f in ("absolute", "truncation", "noise", "exponent"))
        return _Sums(*(np.concatenate(pair) for pair in pairs))


def _sums(panels: _Panels, s: FloatArray) -> _Sums:
    z_squared = (nodes_of(panels.a, panels.b)[:, None, :] / s[:, None]) ** 2
    half = 0.5 * (panels.b - panels.a)[:, None, None]
    magnitudes = np.abs(panels.values)
    with np.errstate(over="ignore", invalid="ignore"):  # a sum that overflows makes its error infinite, see below
        u = half * np.exp(-0.5 * z_squared) / (np.sqrt(2.0 * np.pi) * s[:, None])
        truncation = sum(np.abs((u * null) @ panels.values) for null in NULL_RULES)
        u *= WEIGHTS
        return _Sums(u @ magnitudes, np.asarray(truncation), u @ panels.noise, (u * z_squared) @ magnitudes)


def tabulate(
    integrands: Integrands,
    edges: FloatArray,
    widths: FloatArray,
    *,
    half_line: bool,
    roots: tuple[float, ...] = (),
    name: str = "phi",
) -> Table:
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
    roots
        The edges near which an integrand may grow without bound.
    name
        Of what oscillates, for who waits.

    Raises
    ------
    AccuracyError
        If all integrands overflow wherever a signal comes.
    """
    done, sums = _refine(integrands, _initial_edges(edges, widths[0], half_line), widths, name)
    if done.a.size == 0:
        raise AccuracyError(f"{name} overflows at signals of the size {widths[-1]:.3g}: scale it down")
    for root in roots:
        for side in (-1.0, 1.0):
            done, sums = _closed(done, sums, widths, root, side)
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


def _refine(integrands: Integrands, edges: FloatArray, s: FloatArray, name: str) -> tuple[_Panels, _Sums]:
    """Bisect until every panel is resolved (or cannot be: then its truncation stays in the error estimate)."""
    new = _Panels.evaluate(integrands, edges[:-1], edges[1:])
    new = _keep_finite(integrands, new)
    done = new[np.zeros(new.a.size, bool)]
    sums_done = _sums(done, s)
    for _ in range(_MAX_LEVELS):
        sums = _sums(new, s)
        total = sums_done.absolute.sum(axis=0) + sums.absolute.sum(axis=0)
        floor = 4.0 * EPS * sums.absolute + 2.0 * sums.noise + _misplaced(new, s)
        bad = (sums.truncation > np.maximum(_TOLERANCE * total, floor)) & (total > _UNDERFLOW)
        split = bad.any(axis=(1, 2)) & (new.b - new.a > _NARROWEST * np.maximum(np.abs(new.a), np.abs(new.b)))
        done = done + new[~split]
        sums_done = sums_done + sums[~split]
        todo = new[split]
        if todo.a.size == 0:
            return done, sums_done
        if done.a.size + 2 * todo.a.size > _MAX_PANELS:
            break
        if done.a.size + 2 * todo.a.size > _MANY_PANELS:
            notice(f"resolving the many oscillations of {name}")
        middle = 0.5 * (todo.a + todo.b)
        a, b = np.concatenate([todo.a, middle]), np.concatenate([middle, todo.b])
        new = _Panels.evaluate(integrands, a, b)
    new = _Panels.evaluate(integrands, todo.a, todo.b)
    return done + new, sums_done + _sums(new, s)


def _misplaced(panels: _Panels, s: FloatArray) -> FloatArray:
    """What rounding the nodes can change, (P, S, K), on panels that are narrow: halving does not help against this."""
    middle = 0.5 * (panels.a + panels.b)
    narrow = panels.b - panels.a < _NARROW * np.abs(middle)
    with np.errstate(invalid="ignore", over="ignore"):  # what overflows has an infinite error anyway
        changes = np.abs(np.diff(panels.values, axis=1)).sum(axis=1) * (EPS * np.abs(middle))[:, None]
    variation = np.where(narrow[:, None], changes, 0.0)
    density = np.exp(-0.5 * (middle[:, None] / s) ** 2) / (np.sqrt(2.0 * np.pi) * s)
    with np.errstate(invalid="ignore"):
        return np.asarray(density[:, :, None] * variation[:, None, :])


def _closed(panels: _Panels, sums: _Sums, s: FloatArray, root: float, side: float) -> tuple[_Panels, _Sums]:
    """Replace integrands on one side of a root by what says their integrals better (:mod:`eoc.gaussian.ends`)."""
    near, far = (panels.a - root, panels.b - root) if side > 0.0 else (root - panels.b, root - panels.a)
    first = np.flatnonzero(near == 0.0)
    if not first.size:
        return panels, sums
    h = _halving(far, far[first[0]])
    ring = np.where((near >= 0.0) & (far <= (1.0 + _MATCH) * h[0]), np.searchsorted(-h, -(1.0 - _MATCH) * far) - 1, -1)
    half = 0.5 * (panels.b - panels.a)[:, None]
    with np.errstate(invalid="ignore", over="ignore"):  # of what overflows nothing is known
        lost = half * (panels.noise * WEIGHTS[:, None]).sum(axis=1)
        lost += _SAFETY * half * sum(np.abs(np.tensordot(panels.values, null, (1, 0))) for null in NULL_RULES)
        lost += EPS * abs(root) * np.abs(np.diff(panels.values, axis=1)).sum(axis=1)
        parts = half * np.tensordot(panels.values, WEIGHTS, (1, 0))
        rest = rest_of(*(np.array([v[ring == n].sum(axis=0) for n in range(h.size)]) for v in (parts, lost)))
        widths = np.append(h[1:], h[-1])[:, None]
        bent = (widths * (1.0 + abs(root) / s[0]) / s[0]) ** 2  # what a straight line times the density leaves out
        errors = rest.error + bent * np.abs(rest.integral)
        errors[np.isnan(errors)] = np.inf
    depth = errors.argmin(axis=0)
    values, noise = panels.values.copy(), panels.noise.copy()
    density = np.exp(-0.5 * (root / s) ** 2) / (np.sqrt(2.0 * np.pi) * s)
    for k in np.flatnonzero(depth < h.size - 1):
        n = depth[k]
        width, inside, error = h[n + 1], ring > n, errors[n, k]
        before = _SAFETY * sums.truncation[inside, :, k].sum(axis=0) + sums.noise[inside, :, k].sum(axis=0)
        with np.errstate(invalid="ignore"):  # no density times an error without bound is not less
            closer = bool((density * error < before).all())
        if not closer:
            continue
        center = (power := -np.log2(rest.ratio[n, k])) / (1.0 + power)
        mean = rest.integral[n, k] / width
        away = np.abs(nodes_of(panels.a[inside], panels.b[inside]) - root) / width
        values[inside, :, k] = mean * (4.0 - 6.0 * center + (12.0 * center - 6.0) * away)
        noise[inside, :, k] = error / width
    changed = ring >= 0
    new = _Panels(panels.a, panels.b, values, noise)[changed]
    return panels[~changed] + new, sums[~changed] + _sums(new, s)


def _halving(ends: FloatArray, least: float) -> FloatArray:
    """Those of the ends that are about least, 2 least, 4 least, ... as far as there are any, decreasing."""
    out = [least]
    while abs(found := float(ends[np.abs(ends - 2.0 * out[-1]).argmin()])) > 1.5 * out[-1]:
        if abs(found - 2.0 * out[-1]) > _MATCH * found:
            break
        out.append(found)
    return np.array(out[::-1])


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
    with np.errstate(invalid="ignore"):
        return result, relative * magnitude, magnitude
