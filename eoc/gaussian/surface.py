r"""The functions of the angle as functions of the variance too, one surface for each octave of sqrt(q).

What decides where the correlation of two inputs ends is one increasing function of the angle,

.. math:: M(q, \theta) = D - \frac{G}{q e} = y u_1 + y^2 u_2, \qquad\text{and}\qquad
          M = \frac{e}{G} = \frac{y}{2 (w_1 + y w_2)} \text{ where phi jumps},

in the notation of :mod:`eoc.gaussian.angular`. At fixed theta the series are analytic in q like every Gaussian
integral (:mod:`eoc.gaussian.octaves`), so a few values of q in an octave give them everywhere, to rounding.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from eoc.activations.base import Activation, Smoothness
from eoc.floats import EPS, FloatArray
from eoc.gaussian import kernels
from eoc.gaussian.angle import Series
from eoc.gaussian.angular import Angular
from eoc.gaussian.hermite import products_of
from eoc.gaussian.nodes import chebyshev_nodes, to_chebyshev
from eoc.sharing import cached

__all__ = ["Crossing", "Levels", "crossing", "levels", "octave_of"]

Index = NDArray[np.int64]

_TERMS = 20  # in log q, for an octave of sqrt(q): the series fall at least like 4.7^-n
_THETA, _TO_THETA = chebyshev_nodes(kernels.COEFFICIENTS), to_chebyshev(kernels.COEFFICIENTS)
_Q, _TO_Q = chebyshev_nodes(_TERMS), to_chebyshev(_TERMS)
_NEAR = np.array([0.0, 0.5 * np.pi])
_TAIL = 3  # coefficients whose size tells whether a series has converged
_RESOLVED = 1e-14
_MOST = 200  # intervals


@dataclass(frozen=True)
class Levels:
    """M and dM/dlog(e), e = 1 - cos(theta), with bounds on their errors: arrays of one shape."""

    level: FloatArray
    level_error: FloatArray
    rise: FloatArray
    rise_error: FloatArray


@dataclass(frozen=True)
class Crossing(Levels):
    """Where M reaches given values: arrays (n,).

    Attributes
    ----------
    level, level_error, rise, rise_error
        M and dM/dlog(e) there; the error of the latter contains that of theta.
    theta
        The angle, pi/2 where M stays below.
    relative_error
        A bound on the relative error of e, which errors of M and of its target bring.
    bend
        The size of the derivative of the rise by log(e), to some digits.
    """

    theta: FloatArray
    relative_error: FloatArray
    bend: FloatArray


def crossing(phi: Activation, q: FloatArray, target: FloatArray, target_error: FloatArray) -> Crossing:
    """Where M(q, theta) = target in (0, pi/2], for arrays q > 0 and target > 0 (n,) that is known to within an error.

    Examples
    --------
    >>> from eoc.activations import activation
    >>> kernel = (np.sin(1.0) + (np.pi - 1.0) * np.cos(1.0)) / (2.0 * np.pi)  # E[phi(u) phi(v)] at one radian
    >>> target = 0.5 - (0.5 - kernel) / (1.0 - np.cos(1.0))
    >>> at = crossing(activation("relu"), np.array([1.0]), np.array([target]), np.zeros(1))
    >>> round(float(at.theta[0]), 12)
    1.0
    """
    out = Crossing(*(np.empty(q.size) for _ in fields(Crossing)))
    for here, surface, x in _by_octave(phi, q):
        _put(surface.crossing(x, target[here], target_error[here]), out, here)
    return out


def levels(phi: Activation, q: FloatArray, theta: FloatArray) -> Levels:
    """M and dM/dlog(e) at variances (n,) and angles in (0, pi/2], (n, m)."""
    out = Levels(*(np.empty(theta.shape) for _ in fields(Levels)))
    for here, surface, x in _by_octave(phi, q):
        _put(surface.levels(x, theta[here]), out, here)
    return out


def _put(found: Levels, out: Levels, here: NDArray[np.bool_]) -> None:
    for field in fields(out):
        getattr(out, field.name)[here] = getattr(found, field.name)


def octave_of(q: FloatArray) -> Index:
    """The octave of sqrt(q): q = 4^octave (1 ... 4).

    Examples
    --------
    >>> octave_of(np.array([0.25, 0.99, 1.0, 3.9, 4.0])).tolist()
    [-1, -1, 0, 0, 1]
    """
    return np.asarray((np.frexp(q)[1].astype(np.int64) - 1) // 2)


def _by_octave(phi: Activation, q: FloatArray) -> Iterator[tuple[NDArray[np.bool_], Surface, FloatArray]]:
    """For each octave: which of the variances lie in it, its surface, and where they lie in it, from -1 to 1."""
    (mantissa, exponent), octaves = np.frexp(q), octave_of(q)
    x = np.log2(mantissa) + exponent - 2.0 * octaves - 1.0
    if phi.is_positively_homogeneous:
        octaves, x = np.zeros(q.shape, np.int64), np.zeros(q.shape)
    for octave in np.unique(octaves):
        here = octaves == octave
        yield here, _tabulated(phi, int(octave)), x[here]


@dataclass(frozen=True)
class Surface:
    """The series S_1, S_2, R_1, R_2 of :func:`solve_surface` on an octave: (I, 4, COEFFICIENTS, K), errors (I, 4)."""

    jumps: bool
    ends: FloatArray
    series: FloatArray
    errors: FloatArray

    def crossing(self, x: FloatArray, target: FloatArray, target_error: FloatArray) -> Crossing:
        """See :func:`crossing`; x in [-1, 1] is the position in the octave."""
        theta, level, rise, bend = (np.empty(x.size) for _ in range(4))
        where = np.empty(x.size, np.int64)
        kernels.solve_surface(x, target, self.jumps, self.ends, self.series, theta, where, level, rise, bend)
        level_error, rise_error = self._errors(theta, where, level, rise)
        beyond = np.where(np.isinf(target), 0.0, np.maximum(target - level, 0.0))
        with np.errstate(divide="ignore", invalid="ignore"):
            moved = np.where(rise > 0.0, (level_error + target_error + beyond) / rise + 4.0 * EPS, np.inf)
        moved[np.isinf(target)] = 0.0  # the last angle is what is asked for
        bend = 0.5 * np.abs(bend)  # log(e) changes twice as fast as log(theta)
        return Crossing(level, level_error, rise, rise_error + moved * bend, theta, moved, bend)

    def levels(self, x: FloatArray, theta: FloatArray) -> Levels:
        """See :func:`levels`."""
        level, rise, where = np.empty(theta.shape), np.empty(theta.shape), np.empty(theta.shape, np.int64)
        kernels.evaluate_surface(x, theta, self.jumps, self.ends, self.series, where, level, rise)
        level_error, rise_error = self._errors(theta, where, level, rise)
        return Levels(level, level_error, rise, rise_error)

    def _errors(self, theta: FloatArray, where: Index, level: FloatArray, rise: FloatArray) -> tuple[FloatArray, ...]:
        """Bounds on the errors of M and dM/dlog(e) at exact angles."""
        y = 2.0 * np.sin(0.5 * theta)
        s_error, r_error = (self.errors[where, i] + y * self.errors[where, i + 1] for i in (0, 2))
        if self.jumps:  # M = y / 2S, rise = M (1 - R/S) / 2, where |R| < S
            level_error = 2.0 * level**2 / y * s_error
            rise_error = level_error + level**2 / y * (r_error + s_error)
        else:
            level_error, rise_error = y * s_error, y * r_error
        return level_error + 4.0 * EPS * level, rise_error + 8.0 * EPS * np.abs(rise)


@cached()
def _tabulated(phi: Activation, octave: int) -> Surface:
    nodes = _nodes(phi, octave)
    ends = _finest(nodes)
    while True:
        coefficients, bounds = _in_theta(nodes, ends)
        tail = _TAIL * np.abs(coefficients[:, :, :, -_TAIL:]).sum(axis=3)  # (K, 4, I)
        scale = np.abs(coefficients).sum(axis=3).max(axis=(0, 2))[:, None]
        poor = (tail > np.maximum(_RESOLVED * scale, bounds)).any(axis=(0, 1))
        if not poor.any() or ends.size > _MOST:
            break
        ends = np.sort(np.concatenate([ends, 0.5 * (ends[1:] + ends[:-1])[poor]]))
    errors = (tail + bounds).max(axis=0).T
    both = np.moveaxis(coefficients, 0, -1).transpose(1, 0, 2, 3)  # (I, 4, COEFFICIENTS, K)
    if len(nodes) > 1:
        both = both @ _TO_Q.T
        errors = errors + 2.0 * np.abs(both[..., -2:]).sum(axis=(2, 3))
    errors = errors + 4.0 * EPS * np.abs(both).sum(axis=(2, 3))
    return Surface(phi.smoothness is Smoothness.JUMP, ends, np.ascontiguousarray(both), errors)


def _nodes(phi: Activation, octave: int) -> list[Angular]:
    """The functions of the angle at the variances that the series in log q are made of."""
    if phi.is_positively_homogeneous:  # M does not depend on q
        return [Angular(phi, 1.0, edges=_NEAR)]
    low, edges = 4.0**octave, _NEAR
    nodes: list[Angular] = []
    products = products_of(phi, 1 if phi.smoothness is Smoothness.JUMP else 2, low, 4.0 * low)
    for q in low * 2.0 ** (1.0 + _Q[::-1]):  # the largest first: what resolves it resolves the others too
        nodes.append(Angular(phi, float(q), products, edges))
        edges = _finest(nodes)
    return nodes[::-1]


def _finest(nodes: list[Angular]) -> FloatArray:
    """The most intervals of the angle that any of the series has."""
    return max((s.ends for a in nodes for s in (a.w1, a.w2) if s is not None), key=len, default=_NEAR)


def _in_theta(nodes: list[Angular], ends: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Coefficients (K, 4, I, COEFFICIENTS) of S_1, S_2, R_1, R_2 at each variance, and error bounds (K, 4, I)."""
    theta = 0.5 * (ends[1:] + ends[:-1])[:, None] + 0.5 * np.diff(ends)[:, None] * _THETA
    values, bounds = (np.array(part) for part in zip(*(_parts(a, theta) for a in nodes), strict=True))
    return values @ _TO_THETA.T, bounds.max(axis=3)


def _parts(a: Angular, theta: FloatArray) -> tuple[list[FloatArray], list[FloatArray]]:
    """S_1, S_2, R_1, R_2 of :func:`eoc.gaussian.kernels.solve_surface` at one variance, and bounds on their errors.

    With e = y^2/2, d(y u_1 + y^2 u_2)/dlog(e) = y (w_1 - u_1) + y^2 (w_2 - u_2); for a jump R = dS/dlog(y).
    """
    if not a.plain:
        (w1, e1), (w2, e2), (u1, d1), (u2, d2) = (_at(s, theta) for s in (a.w1, a.w2, a.u1, a.u2))
        return [u1, u2, w1 - u1, w2 - u2], [d1, d2, e1 + d1, e2 + d2]
    (w1, e1), (w2, e2) = _at(a.w1, theta), _at(a.w2, theta)
    (s1, f1), (s2, f2) = (_at(None if s is None else s.derivative(), theta) for s in (a.w1, a.w2))
    turn = 2.0 * np.tan(0.5 * theta)  # dtheta/dlog(y)
    return [w1, w2, turn * s1, w2 + turn * s2], [e1, e2, turn * f1, e2 + turn * f2]


def _at(series: Series | None, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Values and error bounds at theta; zeros where there is no series."""
    if series is None:
        return np.zeros(theta.shape), np.zeros(theta.shape)
    return series(theta), series.bound(theta)
