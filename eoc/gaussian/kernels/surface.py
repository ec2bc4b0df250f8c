"""The angle at which a function of variance and angle reaches a value."""

from __future__ import annotations

import math

import numpy as np

from eoc.floats import FloatArray, IntArray
from eoc.gaussian._jit import inlined, jit
from eoc.gaussian.kernels.angle import clenshaw

__all__ = ["evaluate_surface", "solve_surface"]


_ITERATIONS = 200
_CLOSE = 4e-16
_STEP = 1e-4  # relative step of the angle behind ``bend``


@inlined
def _level(theta: float, low: float, high: float, c: FloatArray, jumps: bool) -> tuple[float, float]:
    """M at theta in [low, high] and dM/dlog(1 - cos(theta)) from the four series c; see :func:`solve_surface`."""
    x = min(max((2.0 * theta - low - high) / (high - low), -1.0), 1.0)
    y = 2.0 * math.sin(0.5 * theta)
    s = clenshaw(x, c[0]) + y * clenshaw(x, c[1])
    r = clenshaw(x, c[2]) + y * clenshaw(x, c[3])
    if jumps:
        level = 0.5 * y / s
        return level, 0.5 * level * (1.0 - r / s)
    return y * s, y * r


@inlined
def _end_level(end: float, sums: FloatArray, basis: FloatArray, jumps: bool) -> float:
    """M at the end of an interval, from the sums of the coefficients of S_1 and S_2."""
    y, s = 2.0 * math.sin(0.5 * end), 0.0
    for n in range(basis.size):
        s += (sums[0, n] + y * sums[1, n]) * basis[n]
    return 0.5 * y / s if jumps else y * s


@inlined
def _root(target: float, start: float, low: float, high: float, c: FloatArray, jumps: bool) -> float:
    """Where M = target in [low, high]: Newton's method, bisection where it leaves the bracket."""
    left, right, theta = low, high, start
    for _ in range(_ITERATIONS):
        level, rise = _level(theta, low, high, c, jumps)
        if level > target:
            right = theta
        else:
            left = theta
        new = theta - (level - target) / rise * math.tan(0.5 * theta) if rise > 0.0 else left
        if not left < new < right:
            new = 0.5 * (left + right)
        done = abs(new - theta) <= _CLOSE * theta
        theta = new
        if done:
            break
    return theta


@inlined
def _chebyshev_basis(x: float, out: FloatArray) -> None:
    """T_0(x), T_1(x), ... into ``out``."""
    out[0] = 1.0
    for n in range(1, out.size):
        out[n] = x if n == 1 else 2.0 * x * out[n - 1] - out[n - 2]


@inlined
def _at_variance(series: FloatArray, basis: FloatArray, out: FloatArray) -> None:
    """The four series in theta, (4, COEFFICIENTS), of one interval at one variance."""
    for part in range(4):
        for k in range(out.shape[1]):
            total = 0.0
            for n in range(basis.size):
                total += series[part, k, n] * basis[n]
            out[part, k] = total


@jit
def evaluate_surface(
    x: FloatArray,
    theta: FloatArray,
    jumps: bool,
    ends: FloatArray,
    series: FloatArray,
    where: IntArray,
    level: FloatArray,
    rise: FloatArray,
) -> None:
    """M and dM/dlog(1 - cos(theta)) at variances x (n,) and angles theta (n, m); see :func:`solve_surface`.

    ``where``, ``level`` and ``rise``, all (n, m), are overwritten; ``where`` with the intervals.
    """
    basis, c = np.empty(series.shape[3]), np.empty((4, series.shape[2]))
    for i in range(x.size):
        _chebyshev_basis(x[i], basis)
        known = -1
        for k in range(theta.shape[1]):
            j = 0
            while j < series.shape[0] - 1 and theta[i, k] > ends[j + 1]:
                j += 1
            if j != known:
                _at_variance(series[j], basis, c)
                known = j
            where[i, k] = j
            level[i, k], rise[i, k] = _level(theta[i, k], ends[j], ends[j + 1], c, jumps)


@jit
def solve_surface(
    x: FloatArray,
    target: FloatArray,
    jumps: bool,
    ends: FloatArray,
    series: FloatArray,
    theta: FloatArray,
    where: IntArray,
    level: FloatArray,
    rise: FloatArray,
    bend: FloatArray,
) -> None:
    r"""The angles at which M(x_i, theta) = target_i, for a function M that increases with theta from 0.

    With y = 2 sin(theta/2), S = S_1 + y S_2, R = R_1 + y R_2,

    .. math:: M = y S, \quad \frac{dM}{d\log(1 - \cos\theta)} = y R \quad\text{or, for jumps,}\quad
              M = \frac{y}{2 S}, \quad \frac{dM}{d\log(1 - \cos\theta)} = \frac{M}{2} \Bigl(1 - \frac{R}{S}\Bigr).

    Parameters
    ----------
    x : (n,)
        In [-1, 1].
    target : (n,)
        Above 0; where M stays below, the last angle is taken.
    jumps
        Which of the two forms M has.
    ends : (I + 1,)
        Ends of the intervals of theta, from 0.
    series : (I, 4, COEFFICIENTS, K)
        S_1, S_2, R_1, R_2 on each of them: Chebyshev series in theta times Chebyshev series in x.
    theta, level, rise, bend : (n,)
        Overwritten: the angle; M and dM/dlog(1 - cos(theta)) there; and the derivative of the latter by log(theta), to
        some digits.
    where : (n,)
        Overwritten: the interval.
    """
    last, size, terms = series.shape[0] - 1, series.shape[2], series.shape[3]
    sums = np.zeros((last + 1, 2, terms))
    for j in range(last + 1):
        for part in range(2):
            for k in range(size):
                for n in range(terms):
                    sums[j, part, n] += series[j, part, k, n]
    basis, c = np.empty(terms), np.empty((4, size))
    for i in range(x.size):
        _chebyshev_basis(x[i], basis)
        j, reached = 0, _end_level(ends[1], sums[0], basis, jumps)
        while j < last and reached < target[i]:
            j += 1
            reached = _end_level(ends[j + 1], sums[j], basis, jumps)
        _at_variance(series[j], basis, c)
        low, high = ends[j], ends[j + 1]
        if reached <= target[i]:
            root = high
        else:
            start = high * math.sqrt(target[i] / reached) if j == 0 else 0.5 * (low + high)
            root = _root(target[i], start, low, high, c, jumps)
        theta[i], where[i] = root, j
        level[i], rise[i] = _level(root, low, high, c, jumps)
        bend[i] = (rise[i] - _level(root * (1.0 - _STEP), low, high, c, jumps)[1]) / _STEP
