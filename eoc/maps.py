r"""The variance map F(q) = sigma_b^2 + sigma_w^2 E[phi(sqrt(q) Z)^2]: slopes, fixed points, basins of attraction.

Poole et al. (2016), Hayou et al. (2019). A layer turns the variance q of its pre-activations into F(q).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eoc.activations import activation as resolve
from eoc.activations.base import Activation, Smoothness
from eoc.errors import EocError
from eoc.gaussian.integrands import easy_variance
from eoc.gaussian.moments import Estimate, checked_variances, moments
from eoc.scan import all_roots, decades

__all__ = ["FixedPoint", "Stability", "VarianceMap", "checked_sigma", "stability_of"]

FloatArray = NDArray[np.float64]
Stability = Literal["stable", "unstable", "marginal"]

_EPS = float(np.finfo(float).eps)
_SIGMA_RANGE = (1e-130, 1e100)  # so that squares stay within double precision
_Q_MIN = 1e-20  # lowest variance scanned when sigma_b = 0
_Q_MAX = 1e8  # variances are scanned this far even if F has not settled to its behaviour at infinity
_Q_LIMIT = 1e200
_FIRST_STEP = 1e4
_ITERATIONS = 10_000
_STEP = 1e-4


@dataclass(frozen=True)
class FixedPoint:
    """A solution of F(q) = q; q = inf stands for "the variance diverges".

    Attributes
    ----------
    q, q_error
        The variance and a bound on its error.
    slope, slope_error
        F'(q). At q = 0 and infinity: the one-sided limit.
    chi_1
        sigma_w^2 E[phi'^2] at q, the slope of the correlation map at c = 1.
    stability
        "stable" if |F'| < 1, "unstable" if |F'| > 1, "marginal" if |F'| = 1 to within its error.
    basin
        The interval (low, high) of starting variances around q that end at q, or None if only q itself does.
    """

    q: float
    q_error: float
    slope: float
    slope_error: float
    chi_1: float
    stability: Stability
    basin: tuple[float, float] | None

    @property
    def diverges(self) -> bool:
        """Whether this is the fixed point at infinity."""
        return bool(np.isinf(self.q))


def checked_sigma(name: str, value: float) -> float:
    """A standard deviation as a float, or an error that names it."""
    try:
        out = float(value)
    except (TypeError, ValueError):
        raise EocError(f"{name} must be a number, got {value!r}") from None
    if not (out == 0.0 or _SIGMA_RANGE[0] <= out <= _SIGMA_RANGE[1]):
        low, high = _SIGMA_RANGE
        raise EocError(f"{name} must be a standard deviation >= 0: 0, or from {low:g} to {high:g}; got {value!r}")
    return out


class VarianceMap:
    r"""F(q) = sigma_b^2 + sigma_w^2 V(q) with V(q) = E[phi(sqrt(q) Z)^2].

    Parameters
    ----------
    activation
        An activation, or whatever :func:`eoc.activation` understands: a name, a formula, a Python function.
    sigma_w, sigma_b
        Standard deviations of the weights (times sqrt(fan-in)) and of the biases, >= 0.

    Notes
    -----
    Near criticality F(q) - q is the difference of almost equal numbers. It is computed as sigma_b^2 + (sigma_w^2
    kappa - 1) q + sigma_w^2 (V - kappa q), each term without cancellation, kappa = (phi'(0+)^2 + phi'(0-)^2)/2; its
    sign decides what attracts what, so nothing depends on a step size.

    Examples
    --------
    >>> tanh = VarianceMap("tanh", sigma_w=2.5, sigma_b=0.3)  # Poole et al. (2016)
    >>> [(p.stability, round(p.q, 8), round(p.chi_1, 8)) for p in tanh.fixed_points]
    [('stable', 4.07912388, 1.58522477)]
    >>> critical = VarianceMap("tanh", sigma_w=1.0, sigma_b=0.0)
    >>> [(p.stability, p.q, p.basin) for p in critical.fixed_points]
    [('marginal', 0.0, (0.0, inf))]
    """

    def __init__(self, activation: object, sigma_w: float, sigma_b: float = 0.0) -> None:
        self.activation: Activation = resolve(activation)
        self.sigma_w = checked_sigma("sigma_w", sigma_w)
        self.sigma_b = checked_sigma("sigma_b", sigma_b)
        zero = self.activation.at_zero
        self._kappa = 0.5 * (zero.left[1] ** 2 + zero.right[1] ** 2)

    def __repr__(self) -> str:
        return f"VarianceMap({self.activation.name!r}, sigma_w={self.sigma_w!r}, sigma_b={self.sigma_b!r})"

    def __call__(self, q: ArrayLike) -> FloatArray:
        """F(q), of the shape of q."""
        return self.F(q).value

    def F(self, q: ArrayLike) -> Estimate:
        """F(q) = sigma_b^2 + sigma_w^2 V(q) with its error bound."""
        return self._affine(self.sigma_b**2, moments(self.activation, q, ("V",))["V"])

    def slope(self, q: ArrayLike) -> Estimate:
        """F'(q) = sigma_w^2 (D + P), the deltas of kinks and jumps included."""
        return self._slope(q, strict=True)

    def chi_1(self, q: ArrayLike) -> Estimate:
        """sigma_w^2 D(q): the slope of the correlation map at c = 1. Infinite if phi jumps and sigma_w > 0."""
        d = moments(self.activation, q, ("D",))["D"]
        if self.activation.smoothness is Smoothness.JUMP and self.sigma_w > 0.0:
            return Estimate(np.full(d.value.shape, np.inf), np.zeros(d.value.shape))
        return self._affine(0.0, d)

    def _affine(self, offset: float, moment: Estimate) -> Estimate:
        scaled = self.sigma_w**2 * moment.value
        return Estimate(offset + scaled, self.sigma_w**2 * moment.error + 2.0 * _EPS * (offset + np.abs(scaled)))

    def _slope(self, q: ArrayLike, *, strict: bool) -> Estimate:
        parts = moments(self.activation, q, ("D", "P"), strict=strict)
        d, p = parts["D"], parts["P"]
        return self._affine(0.0, Estimate(d.value + p.value, d.error + p.error))

    def growth(self, q: ArrayLike) -> Estimate:
        """F(q) - q without cancellation, with its error bound; the sign tells where q moves. NaN where undefined."""
        q = checked_variances(q)
        excess = moments(self.activation, q, ("excess",), strict=False)["excess"]
        linear = (self.sigma_w**2 * self._kappa - 1.0) * q
        value = self.sigma_b**2 + linear + self.sigma_w**2 * excess.value
        size = self.sigma_b**2 + self.sigma_w**2 * (self._kappa * q + np.abs(excess.value)) + np.abs(linear)
        return Estimate(value, self.sigma_w**2 * excess.error + 4.0 * _EPS * size)

    @cached_property
    def is_identity(self) -> bool:
        """Whether F(q) = q for every q, to rounding: a positively homogeneous phi at its critical sigma_w."""
        gain = self.sigma_w**2 * self._kappa
        critical = abs(gain - 1.0) <= 4.0 * _EPS
        return self.activation.is_positively_homogeneous and self.sigma_b == 0.0 and critical

    @cached_property
    def _grid(self) -> FloatArray:
        """Variances among which the fixed points lie: no fixed point is below sigma_b^2."""
        low = 0.5 * self.sigma_b**2 if self.sigma_b > 0.0 else _Q_MIN
        q_max = self.activation.growth.q_max
        if np.isfinite(q_max):
            grid = decades(min(low, 0.1 * q_max), 0.5 * q_max) if q_max > 0.0 else np.array([low])
            return np.append(grid, q_max * (1.0 - 0.5 ** np.linspace(1.25, 12.0, 44)))
        grid = decades(low, max(_FIRST_STEP, 1e4 * low))
        while not self._settled(grid[-2:]) and grid[-1] < _Q_LIMIT:
            grid = np.append(grid, decades(grid[-1], 1e2 * grid[-1])[1:])
        return grid

    def _settled(self, q: FloatArray) -> bool:
        """Whether (F(q) - q)/q is close to its limit at infinity, so that no fixed point lies further out."""
        limit = self._growth_at_infinity
        last = self.growth(q).value / q
        if np.isnan(last[-1]):
            return True
        if np.isinf(limit):
            return bool(last[-1] > max(1.0, last[-2]))
        if abs(limit) <= 4.0 * _EPS:
            return bool(q[-1] >= _Q_MAX)
        return bool(abs(last[-1] - limit) <= 0.25 * abs(limit))

    @cached_property
    def _growth_at_infinity(self) -> float:
        """The limit of (F(q) - q)/q as q grows."""
        growth = self.activation.growth
        if growth.kind == "bounded" or (growth.kind == "polynomial" and growth.rate < 1.0) or self.sigma_w == 0.0:
            return -1.0
        if growth.kind == "polynomial" and growth.rate == 1.0:
            left, right = self.activation.asymptotic_slopes
            return self.sigma_w**2 * 0.5 * (left**2 + right**2) - 1.0
        return float("inf")

    def _relative_growth(self, q: FloatArray) -> tuple[FloatArray, FloatArray]:
        estimate = self.growth(q)
        return estimate.value / q, estimate.error / q

    @cached_property
    def fixed_points(self) -> tuple[FixedPoint, ...]:
        """Every fixed point in increasing order: 0 if F(0) = 0, those in between, and q = inf if variances diverge.

        Empty if F is the identity (:attr:`is_identity`). For a phi that grows like exp(a x^2) the last unstable point
        can lie so close to q_max = 1/(4a) that it is only known to lie there: see its ``q_error``. Found by a scan of 24 points a decade, with a refinement at
        every near miss, from max(sigma_b^2, 1e-20) to where F has settled to its behaviour at infinity.
        """
        if self.is_identity:
            return ()
        roots, signs = all_roots(self._relative_growth, self._grid)
        zero = self.activation.at_zero
        if self.sigma_b == 0.0 and (self.sigma_w == 0.0 or zero.left[0] == 0.0 == zero.right[0]):
            roots, signs = np.append(0.0, roots), np.append(0.0, signs)
        if signs[-1] < 0.0 and np.isfinite(self.activation.growth.q_max):
            roots, signs = np.append(roots, self._last_crossing), np.append(signs, 1.0)
        if signs[-1] > 0.0:
            roots, signs = np.append(roots, np.inf), np.append(signs, 0.0)
        return tuple(self._fixed_point(roots, signs, i) for i in range(roots.size))

    @property
    def _last_crossing(self) -> float:
        """The middle between the last q at which F can be computed and q_max, at which it is infinite."""
        computed = self._grid[np.isfinite(self.growth(self._grid).value)]
        return 0.5 * (float(computed[-1]) + self.activation.growth.q_max)

    def _fixed_point(self, roots: FloatArray, signs: FloatArray, i: int) -> FixedPoint:
        """The i-th root, given the sign of F(q) - q below (``signs[i]``) and above it (``signs[i + 1]``)."""
        q = float(roots[i])
        low = float(roots[i - 1]) if i > 0 else 0.0
        high = float(roots[i + 1]) if i + 1 < roots.size else float("inf")
        basin = (low if signs[i] > 0.0 else q, high if signs[i + 1] < 0.0 else q)
        if np.isinf(q):
            limit = self._growth_at_infinity
            kind: Stability = "marginal" if abs(limit) <= 4.0 * _EPS else "stable"
            return FixedPoint(q, 0.0, 1.0 + limit, 8.0 * _EPS, 1.0 + limit, kind, basin)
        if np.isnan(self._slope(q, strict=False).value):  # so near q_max that F' is only known to be large
            return FixedPoint(q, self.activation.growth.q_max - q, float("inf"), 0.0, float("inf"), "unstable", None)
        slope, bend = self.slope(q), self._bend(q)
        q_error = self._root_error(q, float(slope.value), bend)
        slope_error = float(slope.error) + bend * q_error
        stability = stability_of(float(slope.value), slope_error)
        if not self._is_monotone and stability == "stable":
            basin = self._immediate_basin(q, basin)
        attracts = basin[0] < basin[1] and stability != "unstable"
        chi_1 = float(self.chi_1(q).value)
        return FixedPoint(q, q_error, float(slope.value), slope_error, chi_1, stability, basin if attracts else None)

    def _bend(self, q: float) -> float:
        """The size of F''(q), to some digits: what errors of q do to the slope."""
        if q == 0.0:
            return 0.0
        low, high = self.slope(np.array([1.0 - _STEP, 1.0 + _STEP]) * q).value
        return float(abs(high - low) / (2.0 * _STEP * q))

    def _root_error(self, q: float, slope: float, bend: float) -> float:
        """The error of F over the slope of F - id, or over its curvature where that slope vanishes."""
        if q == 0.0:
            return 0.0
        error = float(self.growth(q).error) + 2.0 * _EPS * q
        by_slope = error / abs(slope - 1.0) if slope != 1.0 else np.inf
        by_bend = 2.0 * np.sqrt(2.0 * error / bend) if bend > 0.0 else np.inf
        return float(2.0 * min(by_slope, by_bend) + 4.0 * _EPS * q)

    @cached_property
    def _is_monotone(self) -> bool:
        """Whether F increases over the scanned variances: then fixed points alone separate the basins."""
        slope = self._slope(self._grid, strict=False)
        return not bool((slope.value < -slope.error).any())

    def _immediate_basin(self, q: float, around: tuple[float, float]) -> tuple[float, float]:
        """The interval around a stable fixed point whose variances end there, for a map that is not monotone."""
        far = max(self._grid[-1], min(_Q_MAX, easy_variance(self.activation)))
        grid = decades(self._grid[0], far)
        grid = np.sort(np.append(grid[(grid > around[0]) & (grid < around[1])], q))
        ends_here = self._ends_at(grid, q)
        at = int(np.searchsorted(grid, q))
        lost_below, lost_above = np.flatnonzero(~ends_here[:at]), np.flatnonzero(~ends_here[at:])
        low, high = around
        if lost_below.size:
            low = self._basin_edge(float(grid[lost_below[-1]]), float(grid[lost_below[-1] + 1]), q)
        if lost_above.size:
            first = at + int(lost_above[0])
            high = self._basin_edge(float(grid[first]), float(grid[first - 1]), q)
        return low, high

    def _basin_edge(self, outside: float, inside: float, q: float) -> float:
        while abs(outside - inside) > 1e-9 * inside:
            middle = float(np.sqrt(outside * inside))
            if self._ends_at(np.array([middle]), q)[0]:
                inside = middle
            else:
                outside = middle
        return inside

    def _ends_at(self, start: FloatArray, q: float) -> NDArray[np.bool_]:
        """Which of the starting variances come to q, by iteration."""
        now = start
        for _ in range(_ITERATIONS // 10):
            now = moments(self.activation, now, ("V",), strict=False)["V"].value * self.sigma_w**2 + self.sigma_b**2
            close = np.abs(now - q) <= 1e-4 * q
            now = np.where(np.isfinite(now) & (now < 1e200), now, 1e200)
            if close.all():
                break
        return np.asarray(close)

    def limit(self, q: float) -> float:
        """The variance q* that layers reach from the variance q of the first one; inf if it diverges.

        Raises
        ------
        EocError
            If the variances settle to no single value (a cycle), which needs F' < 0 somewhere.

        Examples
        --------
        >>> VarianceMap("silu", sigma_w=1.679531600691645, sigma_b=0.2).limit(1.0)  # 0.689 is unstable
        inf
        """
        start = float(checked_variances(q))
        start = float(self.F(start).value) if start == 0.0 else start
        if self.is_identity or start == 0.0:
            return float(q)
        for point in self.fixed_points:
            at_point = abs(start - point.q) <= point.q_error if np.isfinite(point.q) else False
            inside = point.basin is not None and point.basin[0] < start < point.basin[1]
            if at_point or inside or (point.basin is not None and start in point.basin and point.q == start):
                return point.q
        return self._limit_by_iteration(start)

    def _limit_by_iteration(self, q: float) -> float:
        for _ in range(_ITERATIONS):
            q = float(self.F(q).value)
            for point in self.fixed_points:
                if point.basin is not None and point.basin[0] < q < point.basin[1]:
                    return point.q
        raise EocError(f"the variance settles to no single value within {_ITERATIONS} layers: it cycles")

    @cached_property
    def domain(self) -> tuple[float, float] | None:
        """(q, K_var) if (sigma_b, sigma_w) lies in D_phi,var (Hayou et al. 2019), else None.

        D_phi,var: every input with 0 < q_1 <= K comes to the same finite q. K_var is the largest such K. None if small
        inputs diverge, or keep their variance because F is the identity.
        """
        for point in self.fixed_points:
            if point.basin is not None and point.basin[0] == 0.0 and np.isfinite(point.q):
                return point.q, point.basin[1]
        return None


def stability_of(slope: float, error: float) -> Stability:
    """Stable, unstable or marginal, from F'(q) and the bound on its error."""
    if abs(abs(slope) - 1.0) <= error:
        return "marginal"
    return "stable" if abs(slope) < 1.0 else "unstable"
