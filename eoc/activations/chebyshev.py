r"""Derivatives of a function that can only be called: Chebyshev interpolants on panels as large as the function allows.

Differentiating an interpolant of degree n on a panel of half-width h multiplies the noise tau of its values by about
n^2 / h at the ends and n / h inside (twice: n^4 / (3 h^2) and n^2 / h^2). So panels should be long, and the noise has
to be known. It is measured from sixth differences of values at points some 2^-32 apart (Moré & Wild 2011), where a
smooth function has none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

__all__ = ["Derivatives", "Fits", "Noise", "fit", "simplest"]

FloatArray = NDArray[np.float64]
Function = Callable[[FloatArray], FloatArray]

_EPS = float(np.finfo(float).eps)
_N = 32
_DEGREES, _ODD = np.arange(_N)[:, None], 2 * np.arange(_N) + 1
_NODES = np.cos(_ODD * (np.pi / (2 * _N)))
_TO_CHEBYSHEV = np.cos((_DEGREES * _ODD) % (4 * _N) * (np.pi / (2 * _N))) * np.where(_DEGREES == 0, 1.0, 2.0) / _N
_PROBES = np.linspace(-0.987, 0.991, 17)
_POINTS = np.concatenate([_NODES, _PROBES])
_PREDICT = _TO_CHEBYSHEV.T @ chebyshev.chebvander(_PROBES, _N - 1).T
_D1 = np.pad(chebyshev.chebder(np.eye(_N)), ((0, 1), (0, 0))).T  # a series in T_n -> that of its derivative
_D2 = _D1 @ _D1
_TAIL = 5
_AGREES = 20.0
_UNDERFLOW = 1e-290
_COEFFICIENT = float(np.sqrt(2.0 / _N))  # standard deviation of a coefficient in units of that of the values
_SAFETY = 4.0


def simplest(value: float, tolerance: float) -> float:
    """Return the short decimal or small fraction within ``tolerance`` of value, if that is no accident; else value."""
    if abs(value) <= tolerance:
        return 0.0
    for digits in range(17):
        if 2.0 * tolerance * 10.0**digits > 1e-3:
            break
        short = round(value, digits)
        if abs(short - value) <= tolerance:
            return short
    for denominator in range(3, 25):
        if 2.0 * tolerance * denominator**2 > 1e-3:
            break
        short = round(value * denominator) / denominator
        if abs(short - value) <= tolerance:
            return short
    return value


class Noise:
    """The standard deviation of the rounding errors of a function, measured for each sign and octave of x.

    It is absolute + relative |f(x)|: the first from where |f| varies little within an octave (and nowhere less than
    nearer to zero), the second from where it varies much.
    """

    _LOW, _HIGH = -100, 40
    _BASES = np.round(np.array([1.1374, 1.3261, 1.5519, 1.8143]) * 2.0**20) / 2.0**20
    _RANGE = float(np.sqrt(924.0))  # of a sixth difference of unit noise
    _NEGLIGIBLE = 2.0**-62  # times the largest |f| nearer to zero
    _STEEP = 16.0

    def __init__(self, f: Function, relative_error: float) -> None:
        k = np.arange(self._LOW, self._HIGH + 1.0)[:, None, None]
        fine = np.maximum(2.0 ** (k - 48.0), 2.0 ** np.minimum(k - 32.0, -20.0))
        coarse = np.where(k < 0.0, 2.0 ** (k - 18.0), fine)  # in x - tanh(x) the noise of neighbours is the same
        x = 2.0**k * self._BASES[:, None] + np.stack([fine, coarse]) * np.arange(12.0)
        values = f(np.stack([x, -x], axis=1))
        with np.errstate(invalid="ignore", over="ignore", divide="ignore", under="ignore"):
            sigma = np.sqrt((np.diff(values, 6, axis=-1) ** 2).mean(axis=-1)).max(axis=0) / self._RANGE
            values = values[0]
            size = np.abs(values).max(axis=-1)
            steep = ~(size.max(axis=-1) <= self._STEEP * size.min(axis=-1)) & (size.min(axis=-1) > 0.0)
            ratio = self._typical(np.where(size > 0.0, sigma / size, 0.0))
        absolute = np.where(steep, 0.0, self._typical(sigma))
        inner = np.maximum.accumulate(np.abs(values).max(axis=(0, 2, 3), where=np.isfinite(values), initial=0.0))
        inner = np.concatenate([[0.0], inner[:-1]]) + _UNDERFLOW / self._NEGLIGIBLE
        self._absolute = np.maximum.accumulate(np.maximum(absolute, self._NEGLIGIBLE * inner), axis=1)
        self._relative = np.maximum(np.where(steep, ratio, 0.0), max(relative_error, 0.5 * _EPS))

    @staticmethod
    def _typical(samples: FloatArray) -> FloatArray:
        """Return the second largest of four, as one may sit on an edge."""
        return np.sort(np.where(np.isfinite(samples), samples, 0.0), axis=-1)[..., 2]

    def _octave(self, x: FloatArray) -> NDArray[np.intp]:
        return np.asarray(np.clip(np.frexp(x)[1] - 1, self._LOW, self._HIGH) - self._LOW, dtype=np.intp)

    def at(self, x: FloatArray, values: FloatArray) -> FloatArray:
        """Return the noise of f at x, where f is ``values``."""
        side, k = (x < 0.0).astype(int), self._octave(x)
        with np.errstate(invalid="ignore", over="ignore"):
            return np.asarray(self._absolute[side, k] + self._relative[side, k] * np.abs(values))

    def on(self, a: FloatArray, b: FloatArray, size: FloatArray) -> FloatArray:
        """Return the noise of f on [a, b], where |f| <= size."""
        right, left = np.where(b > 0.0, self._octave(b), 0), np.where(a < 0.0, self._octave(a), 0)
        absolute = np.maximum(self._absolute[0, right], self._absolute[1, left])
        return np.asarray(absolute + np.maximum(self._relative[0, right], self._relative[1, left]) * size)


@dataclass(frozen=True)
class Fits:
    """P interpolants on [a, b], their coefficients chopped at the noise ``tau`` of the values."""

    a: FloatArray
    b: FloatArray
    coefficients: FloatArray
    tau: FloatArray
    degree: FloatArray
    size: FloatArray
    resolved: NDArray[np.bool_]
    finite: NDArray[np.bool_]
    constant: NDArray[np.bool_]
    straight: NDArray[np.bool_]

    def __getitem__(self, index: NDArray[np.intp] | NDArray[np.bool_]) -> Fits:
        return Fits(*(getattr(self, name)[index] for name in self.__dataclass_fields__))

    @classmethod
    def join(cls, parts: list[Fits]) -> Fits:
        """One after the other."""
        return cls(*(np.concatenate([getattr(p, name) for p in parts]) for name in cls.__dataclass_fields__))

    def derivative(self, order: int, x: FloatArray, which: NDArray[np.intp]) -> FloatArray:
        """Return the derivative of the interpolants ``which`` (n,) at x (n,)."""
        h = 0.5 * (self.b - self.a)[which]
        c = self.slopes if order == 1 else self.curvatures if order == 2 else self.coefficients
        return _clenshaw(c[which], self._t(x, which)) / h**order

    @property
    def slopes(self) -> FloatArray:
        """Coefficients of the first derivative with respect to t in [-1, 1]."""
        return np.asarray(self.coefficients @ _D1)

    @property
    def curvatures(self) -> FloatArray:
        """Coefficients of the second derivative with respect to t."""
        return np.asarray(self.coefficients @ _D2)

    def bound(self, order: int, x: FloatArray, which: NDArray[np.intp]) -> FloatArray:
        """Return bounds on the errors of these derivatives, from |T_n'| <= min(n^2, n / sqrt(1 - t^2)) and its like."""
        h = 0.5 * (self.b - self.a)[which]
        n = np.minimum(self.degree + 3.0, _N)[which]
        inside = np.maximum(1.0 - self._t(x, which) ** 2, 1e-12)
        if order == 0:
            total = n + 1.0
        elif order == 1:
            total = np.minimum(n**5 / 5.0 + n**4 / 2.0, n**2 * (n + 1.0) / 2.0 / inside)
        else:
            total = np.minimum(n**9 / 81.0 + n**8 / 18.0, (n**5 / 5.0 + n**4) / inside**2 + n**3 / inside**3)
        return _SAFETY * self.tau[which] * _COEFFICIENT * np.sqrt(total) / h**order

    def _t(self, x: FloatArray, which: NDArray[np.intp]) -> FloatArray:
        a, b = self.a[which], self.b[which]
        return np.asarray(np.clip(((x - a) + (x - b)) / (b - a), -1.1, 1.1))


def _clenshaw(c: FloatArray, t: FloatArray) -> FloatArray:
    """Sum Chebyshev series, one row of c (..., N) for each t (...)."""
    used = int(np.flatnonzero(c.any(axis=tuple(range(c.ndim - 1)))).max(initial=0)) + 1
    above, current = np.zeros_like(t), np.zeros_like(t)
    for k in range(used - 1, 0, -1):
        above, current = current, c[..., k] + 2.0 * t * current - above
    return np.asarray(c[..., 0] + t * current - above)


def fit(f: Function, noise: Noise, a: FloatArray, b: FloatArray) -> Fits:
    """Interpolate f on the panels [a, b] (P,), with a verdict on each: resolved down to the noise or not."""
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    x = 0.5 * (a + b)[:, None] + 0.5 * (b - a)[:, None] * _POINTS
    x = np.clip(x, a[:, None], b[:, None])
    values = f(x)
    finite = np.isfinite(values).all(axis=1)
    values = np.where(finite[:, None], values, 0.0)
    at_nodes, at_probes = values[:, :_N], values[:, _N:]
    size = np.abs(values).max(axis=1)
    with np.errstate(over="ignore", invalid="ignore"):
        c = at_nodes @ _TO_CHEBYSHEV.T
        constant = finite & (np.ptp(values, axis=1) == 0.0)
        c[constant, 1:] = 0.0
        steep = np.abs(np.diff(at_nodes, axis=1) / np.diff(x[:, :_N], axis=1)).max(axis=1)
        shift = 0.25 * _EPS * np.maximum(np.abs(a), np.abs(b)) * steep  # the nodes are rounded, too
        tau = np.maximum(noise.on(a, b, size) + 0.5 * _EPS * size, shift)
        tail = np.abs(c[:, -_TAIL:]).max(axis=1)
        miss = np.abs(at_nodes @ _PREDICT - at_probes).max(axis=1)
        resolved = finite & (tail <= 3.0 * tau) & (miss <= 14.0 * tau)
        tau = np.maximum(tau, np.where(resolved, miss / 6.0, miss))
    small = np.abs(c) <= 1.5 * _COEFFICIENT * tau[:, None]
    straight = resolved & (np.abs(c[:, 2:]) <= 3.0 * _COEFFICIENT * tau[:, None]).all(axis=1)
    small[:, 0] = False
    degree = (_N - 1.0) - np.argmin(small[:, ::-1], axis=1)
    return Fits(a, b, np.where(small, 0.0, c), tau, degree, size, resolved, finite, constant, straight)


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
        self._octaves: dict[tuple[int, int], tuple[FloatArray, Fits, Fits]] = {}
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
        slope, error = 2.0 * longest.coefficients[0, 1] / (b - a), 2.0 * _SAFETY * longest.tau[0] / (b - a)
        ends = self._f(np.array([a, b]))
        chord = (ends[1] - ends[0]) / (b - a)  # exact for s x on [0, 2^40]
        slope = chord if abs(chord - slope) <= error else slope
        return simplest(float(slope), 4.0 * _EPS * abs(float(slope))), float(error)

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
        k = np.clip(np.frexp(x)[1] - 1, self._LOWEST, self._HIGHEST)
        side = np.where(x < 0.0, -1, 1)
        out = np.empty_like(x)
        codes = k * 2 + (side > 0)
        for code in np.unique(codes):
            here = codes == code
            sign, octave = (1 if code % 2 else -1), int(code // 2)
            if (sign, octave) not in self._octaves:
                self._octaves[sign, octave] = self._build(sign, octave)
            edges, *fits = self._octaves[sign, octave]
            which = np.clip(np.searchsorted(edges, x[here], side="right") - 1, 0, edges.size - 2)
            chosen = fits[order - 1]
            found = (chosen.bound if bound else chosen.derivative)(order, x[here], which)
            out[here] = np.where(chosen.finite[which], found, np.inf)
        return out

    def _build(self, sign: int, octave: int) -> tuple[FloatArray, Fits, Fits]:
        ends = sign * 2.0**octave, sign * 2.0 ** (octave + 1.0)
        if octave == self._LOWEST:
            ends = 0.0, ends[1]
        a, b = max(min(ends), self._low), min(max(ends), self._high)
        cells = self._cells(a, b, self._LEVELS if octave > self._NEAR else self._NEAR_LEVELS)
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
