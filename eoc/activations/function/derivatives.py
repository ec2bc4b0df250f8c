"""Derivatives of a function that can only be called: by interpolants on panels as large as the function allows.

The larger a panel, the less differentiating amplifies the noise of the values (:mod:`eoc.activations.function.fits`).
"""

from __future__ import annotations

from functools import partial

import numpy as np

from eoc.activations.base import Function
from eoc.activations.function.fits import SAFETY, Fits, fit
from eoc.activations.function.noise import Noise
from eoc.activations.tables import octave
from eoc.floats import EPS, FloatArray, simplest
from eoc.sharing import Memory

__all__ = ["Derivatives"]

_AGREES = 20.0


class Derivatives:
    """First and second derivative of a function on one interval where it is smooth, with bounds on their errors.

    Each octave of x is cut into cells on which f is resolved. Each cell uses the panel, of those that contain it and
    resolve f (the cell itself, longer ones, and those around zero), with the smallest error bound there, chosen for
    phi' and phi'' separately. Octaves are built when they are needed.
    """

    _LOWEST, _HIGHEST = -90, 900
    _GROWN = (0.0, 0.5, 2.0, 8.0, 64.0)
    _CENTRAL = 2.0 ** np.arange(-14.0, 41.0)
    _LEVELS, _MOST = 24, 20_000
    _NEAR, _NEAR_LEVELS = -12, 4  # in these octaves what is not resolved is noise
    _STEEP = 1e3  # ratio of |f| at the ends of a cell above which it is halved

    def __init__(self, f: Function, noise: Noise, low: float, high: float) -> None:
        self._f, self._noise, self._low, self._high = f, noise, low, high
        self._inside = float(np.nextafter(low, np.inf)), float(np.nextafter(high, -np.inf))
        self._octaves = Memory()
        a, b = np.maximum(-self._CENTRAL, low), np.minimum(self._CENTRAL, high)
        new = (a < b) & np.concatenate([[True], (np.diff(a) != 0) | (np.diff(b) != 0)])
        central = fit(f, noise, a[new], b[new])
        self._shared = central[np.logical_and.accumulate(central.resolved)]  # a long one may miss what is near zero
        self._line = self._straight(self._shared[-1:] if central.resolved.all() else self._shared[:0])
        self._center = float(self._shared.size[self._shared.b - self._shared.a <= 2.0].max(initial=0.0))

    def _straight(self, longest: Fits) -> tuple[float, float] | None:
        """Return the slope and a bound on its error if f is a straight line on all of the interval."""
        if longest.a.size == 0 or not longest.straight[0]:
            return None
        if longest.constant[0]:
            return 0.0, 0.0
        a, b = longest.a[0], longest.b[0]
        slope, error = 2.0 * longest.coefficients[0, 1] / (b - a), 2.0 * SAFETY * longest.tau[0] / (b - a)
        ends = self._f(np.array([a, b]))
        chord = (ends[1] - ends[0]) / (b - a)  # exact for s x on [0, 2^40]
        slope = chord if abs(chord - slope) <= error else slope
        return simplest(float(slope), 4.0 * EPS * abs(float(slope))), float(error)

    def __call__(self, order: int, x: FloatArray) -> FloatArray:
        """Return the derivative at x (n,)."""
        return self._evaluate(order, x, bound=False)

    def bound(self, order: int, x: FloatArray) -> FloatArray:
        """Return a bound on its absolute error at x (n,)."""
        return self._evaluate(order, x, bound=True)

    def _evaluate(self, order: int, x: FloatArray, *, bound: bool) -> FloatArray:
        if self._line is not None:
            slope, error = self._line
            return np.full_like(x, (error if bound else slope) if order == 1 else 0.0)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
            return self._by_octaves(order, np.clip(x, *self._inside), bound=bound)

    def _by_octaves(self, order: int, x: FloatArray, *, bound: bool) -> FloatArray:
        k = octave(x, self._LOWEST, self._HIGHEST)
        side = np.where(x < 0.0, -1, 1)
        out = np.empty_like(x)
        codes = k * 2 + (side > 0)
        for code in np.unique(codes):
            here = codes == code
            cell = (1 if code % 2 else -1), int(code // 2)
            edges, *fits = self._octaves.get(cell, partial(self._build, *cell))
            which = np.clip(np.searchsorted(edges, x[here], side="right") - 1, 0, edges.size - 2)
            chosen = fits[order - 1]
            found = (chosen.bound if bound else chosen.derivative)(order, x[here], which)
            out[here] = np.where(chosen.finite[which], found, np.inf)
        return out

    def _build(self, sign: int, k: int) -> tuple[FloatArray, Fits, Fits]:
        ends = sign * 2.0**k, sign * 2.0 ** (k + 1.0)
        if k == self._LOWEST:
            ends = 0.0, ends[1]
        a, b = max(min(ends), self._low), min(max(ends), self._high)
        cells = self._cells(a, b, self._LEVELS if k > self._NEAR else self._NEAR_LEVELS)
        edges = np.append(cells.a, cells.b[-1])
        candidates = [cells] + [self._grown(cells, factor) for factor in self._GROWN[1:]]
        return edges, self._best(1, cells, candidates), self._best(2, cells, candidates)

    def _cells(self, a: float, b: float, levels: int) -> Fits:
        """Halve [a, b] until f is resolved and does not change too much in any."""
        todo = fit(self._f, self._noise, np.array([a]), np.array([b]))
        done: list[Fits] = []
        for level in range(levels):
            bad = ~todo.resolved
            if level < 8:
                ends = np.abs(self._f(np.concatenate([todo.a, todo.b]))).reshape(2, -1)
                inner = np.where(np.abs(todo.a) < np.abs(todo.b), ends[0], ends[1])
                steep = todo.resolved & (todo.size > self._STEEP * inner) & (inner > self._center)
                bad = bad | steep
            done.append(todo[~bad])
            todo = todo[bad]
            if todo.a.size == 0 or todo.a.size > self._MOST:
                break
            middle = 0.5 * (todo.a + todo.b)
            todo = fit(self._f, self._noise, np.concatenate([todo.a, middle]), np.concatenate([middle, todo.b]))
        cells = Fits.join([*done, todo])
        return cells[np.argsort(cells.a)]

    def _grown(self, cells: Fits, factor: float) -> Fits:
        margin = factor * (cells.b - cells.a)
        a, b = np.maximum(cells.a - margin, self._low), np.minimum(cells.b + margin, self._high)
        return fit(self._f, self._noise, a, b)

    def _best(self, order: int, cells: Fits, candidates: list[Fits]) -> Fits:
        """For each cell the candidate, or the shared panel, with the smallest bound in its middle and at its ends."""
        count = cells.a.size
        pool = Fits.join([*candidates, self._shared])
        own = np.arange(count)
        shared = np.arange(len(candidates) * count, pool.a.size)
        which = np.concatenate(
            [own + count * np.arange(len(candidates))[:, None], np.broadcast_to(shared[:, None], (shared.size, count))]
        )
        covers = (pool.a[which] <= cells.a) & (pool.b[which] >= cells.b) & pool.resolved[which]
        places = (cells.a, 0.5 * (cells.a + cells.b), cells.b)
        inside = cells.a + np.array([0.07, 0.5, 0.93])[:, None] * (cells.b - cells.a)
        for x, value in zip(inside, self._f(inside), strict=True):  # a long panel may miss what is in the cell
            covers &= np.abs(pool.derivative(0, x, which) - value) <= _AGREES * pool.tau[which]
        bound = np.max([pool.bound(order, x, which) for x in places], axis=0)
        bound = np.where(covers, bound, np.inf)
        choice = np.argmin(bound, axis=0)
        return pool[np.where(np.isfinite(bound[choice, own]), which[choice, own], own)]
