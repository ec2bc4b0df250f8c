r"""Correlations at any depth: single steps first, then the flow that interpolates them.

With zeta = log e, e = 1 - c, a layer is zeta -> zeta - D(zeta), D = -log((1 - f)/(1 - c)). Where D changes slowly from
layer to layer, the layers are the time-1 map of the flow dzeta/dl = -v(zeta) with

.. math:: v = D \left( 1 + \frac{D'}{2} + \frac{D'^2}{3} + \frac{D D''}{12} \right) + O(D D'^3)

(solve D = v - v v'/2 + (v v'^2 + v^2 v'')/6 - ... for v), so that depth is the integral of dzeta/v and 10^12 layers
cost no more than ten. On the edge of chaos D' ~ 1/l: after the first 10^4 single steps what is left out changes the
depth by less than 10^-7 layers. Off it, D is constant (e falls exponentially, with no error at all) or has a zero, c*.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eoc.errors import EocError
from eoc.floats import EPS, FloatArray
from eoc.gaussian import kernels
from eoc.gaussian.angle import Angle
from eoc.gaussian.moments import Estimate
from eoc.gaussian.nodes import UNIT_NODES, UNIT_WEIGHTS
from eoc.maps.correlation_fixed_points import stable_point
from eoc.maps.correlation_layer import CorrelationLayer
from eoc.validation import whole_numbers

__all__ = ["at_depths", "layers_until"]

_STEPS = 10_000  # single steps before the flow takes over
_FIRST_STEPS = 200  # most depths that are looked for are among them
_VALUES = 200  # what a step takes without Numba, in values of NumPy
_TINY = 1e-300  # 1 - c below this is reported as 0 with this error
_MAX_PANELS = 2000
_DISTINCT = 4.0  # times its error: where the velocity is more, it is known well enough to be followed
_NEWTON = 50


def at_depths(f: CorrelationLayer, depths: ArrayLike, pair: Angle) -> Estimate:
    """1 - c after the depths, for one pair of inputs; see :meth:`CorrelationMap.iterate`."""
    wanted = whole_numbers("depth", depths)
    flat = np.ravel(wanted)
    unique, inverse = np.unique(flat, return_inverse=True)
    start = _start(f, pair)
    e, error = np.full(unique.size, float(pair.e)), np.zeros(unique.size)
    later = unique >= start.layers
    found = _at_depths(f, unique[later] - start.layers, start.e, start.relative)
    e[later], error[later] = found.value, found.error
    if start.mirrored:
        e, error = 2.0 - e, error + 2.0 * EPS * (e > 0.0)
    return Estimate(e[inverse].reshape(wanted.shape), error[inverse].reshape(wanted.shape))


@dataclass(frozen=True)
class _Start:
    """Where to start from without loss of digits of 1 + c: 1 - c (or 1 + c if ``mirrored``) after so many layers."""

    layers: int
    e: float
    relative: float
    mirrored: bool


def _start(f: CorrelationLayer, pair: Angle) -> _Start:
    e = float(pair.e)
    if e <= 1.0 or f.is_identity:
        return _Start(0, e, 0.0, mirrored=False)
    if f.is_odd:  # f(-c) = -f(c)
        return _Start(0, float(pair.rest), 0.0, mirrored=True)
    first = f.one_minus_f_at(pair)
    value = float(first.value)
    return _Start(1, value, float(first.error) / value if value > 0.0 else 0.0, mirrored=False)


def _at_depths(f: CorrelationLayer, depths: FloatArray, e: float, relative: float) -> Estimate:
    """1 - c after increasing depths, (n,), from 1 - c = e with a bound on its relative error."""
    deep = depths > _STEPS
    steps = np.append(depths[~deep], _STEPS if deep.any() else [])
    value, bound = _stepped(f, steps, e, relative)
    error = value * bound
    if deep.any():
        far = _flowed(f, depths[deep] - _STEPS, value[-1], bound[-1])
        value, error = np.append(value[:-1], far.value), np.append(error[:-1], far.error)
    small = (value < _TINY) & (e > 0.0)
    return Estimate(np.where(small, 0.0, value), np.where(small, _TINY, error))


def _stepped(f: CorrelationLayer, steps: NDArray[Any], e: float, relative: float) -> tuple[FloatArray, FloatArray]:
    """1 - c after increasing numbers of single steps, (n,), and bounds on the relative errors."""
    value, bound = np.empty(steps.size), np.empty(steps.size)
    work = _VALUES * int(steps[-1]) if steps.size else 0
    iterate = kernels.iterate_map if kernels.worth("iterate_map", work) else kernels.iterate_listed
    iterate(e, relative, f.terms, f.term_errors, steps.astype(np.int64), value, bound)
    return value, bound


@dataclass(frozen=True)
class _Path:
    """Panels in zeta, from where single steps ended on, and the depth and its error at their ends.

    ``ends`` (P + 1,) go from zeta_s towards the fixed point, or to where e underflows. ``error`` is the integral of
    (error of v) / v^2: the error of the depth.
    """

    ends: FloatArray
    depth: FloatArray
    error: FloatArray


def _moves(ratio: Estimate) -> NDArray[np.bool_]:
    """Where the velocity can be told from 0, so that it can be followed: elsewhere 1 - c cannot be told from 1 - c*."""
    return np.asarray(np.abs(ratio.value) > _DISTINCT * ratio.error)


def _velocity(f: CorrelationLayer, zeta: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The velocity v and a bound on its error, of the shape of zeta."""
    e = np.exp(zeta)
    ratio = f.log_ratio(e)
    d, (d1, d2) = -ratio.value, f.log_ratio_slopes(e)
    v = d * (1.0 + d1 / 2.0 + d1**2 / 3.0 + d * d2 / 12.0)
    left_out = np.abs(d) * (np.abs(d1) + np.sqrt(np.abs(d * d2))) ** 3
    return v, ratio.error + left_out + 4.0 * EPS * np.abs(v)


def _integrals(f: CorrelationLayer, a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Depth between a and b, and the integral of its error, (n,)."""
    v, error = _velocity(f, a[:, None] + (b - a)[:, None] * UNIT_NODES)
    length = b - a
    return -length * ((1.0 / v) @ UNIT_WEIGHTS), np.abs(length) * ((error / np.abs(v) / np.abs(v)) @ UNIT_WEIGHTS)


def _path(f: CorrelationLayer, e: float) -> _Path:
    zeta, floor = float(np.log(e)), float(np.log(_TINY))
    target = stable_point(f).one_minus_c
    goal = float(np.log(target)) if target > 0.0 else -np.inf
    ends = [zeta]
    while ends[-1] > floor and abs(ends[-1] - goal) > 1e-13 and len(ends) < _MAX_PANELS:
        step = min(1.0, 0.3 * abs(ends[-1] - goal))
        ends.append(ends[-1] - step if goal < ends[-1] else ends[-1] + step)
    points = np.array(ends)
    moving = _moves(f.log_ratio(np.exp(points)))
    points = points[: max(int(np.argmin(np.append(moving, False))), 1)]
    depth, error = _integrals(f, points[:-1], points[1:])
    return _Path(points, np.append(0.0, np.cumsum(depth)), np.append(0.0, np.cumsum(error)))


def _flowed(f: CorrelationLayer, layers: FloatArray, e: float, relative: float) -> Estimate:
    """1 - c after so many more layers, (n,)."""
    if f.is_identity or e < _TINY:
        return Estimate(np.full(layers.size, e), np.full(layers.size, e * relative))
    ratio = f.log_ratio(np.array([e]))
    if not _moves(ratio)[0]:
        return _resting(f, layers, e, relative, float(np.abs(ratio.value[0]) + ratio.error[0]))
    path = _path(f, e)
    inside = layers < path.depth[-1]
    found = _arrived(f, layers.size)
    found.error[:] += abs(found.value - np.exp(path.ends[-1]))
    panel = np.searchsorted(path.depth, layers[inside], side="right") - 1
    start, rest = path.ends[panel], layers[inside] - path.depth[panel]
    zeta = start
    for _ in range(_NEWTON):
        v, _ = _velocity(f, zeta)
        passed, uncertainty = _integrals(f, start, zeta)
        step = (rest - passed) * v
        zeta = np.clip(zeta - step, min(path.ends[0], path.ends[-1]), max(path.ends[0], path.ends[-1]))
        if (np.abs(step) <= 2.0 * EPS * np.maximum(np.abs(zeta), 1.0)).all():
            break
    v, _ = _velocity(f, zeta)
    first, _ = _velocity(f, path.ends[:1])
    change = zeta - path.ends[0]
    late = np.abs(v) * (path.error[panel] + uncertainty)
    bound = late + relative * np.abs(v / first) + 4.0 * EPS * (1.0 + np.abs(change))
    found.value[inside] = e * np.exp(change)
    found.error[inside] = found.value[inside] * bound
    return found


def _resting(f: CorrelationLayer, layers: FloatArray, e: float, relative: float, fastest: float) -> Estimate:
    """1 - c where it moves by a factor exp(fastest) a layer or less: between where it is and the fixed point."""
    end = _arrived(f, layers.size)
    moved = e * np.expm1(np.minimum(2.0 * fastest * layers, 700.0))
    to_go = abs(e - end.value) + end.error
    stays = moved < to_go
    return Estimate(np.where(stays, e, end.value), np.where(stays, moved, to_go) + relative * e)


def _arrived(f: CorrelationLayer, size: int) -> Estimate:
    """At the stable fixed point."""
    end = stable_point(f)
    return Estimate(np.full(size, end.one_minus_c), np.full(size, end.error if end.one_minus_c > 0.0 else _TINY))


def layers_until(f: CorrelationLayer, pair: Angle, target: float) -> float:
    """The first depth from which on 1 - c <= target; see :meth:`CorrelationMap.depth_until`."""
    if not 0.0 < target <= 2.0:
        raise EocError(f"target, the 1 - c to come to, must lie in (0, 2], got {target!r}")
    start = _start(f, pair)
    at_end, error = start.e, 0.0
    if start.e > 0.0 and not f.is_identity:
        at_end, error = stable_point(f).one_minus_c, stable_point(f).error
    end = 2.0 - at_end if start.mirrored else at_end
    if max(float(pair.e), end) <= target:
        return 0.0
    if end >= target - error:
        return float("inf")
    return start.layers + _layers_to(f, start, 2.0 - target if start.mirrored else target)


def _layers_to(f: CorrelationLayer, start: _Start, wanted: float) -> float:
    """Layers from ``start`` until 1 - c is at most what is wanted, or 1 + c at least that if mirrored.

    Infinite where what is wanted cannot be told from the end.
    """
    for count in (_FIRST_STEPS, _STEPS):
        value, _ = _stepped(f, np.arange(count + 1), start.e, start.relative)
        there = value >= wanted if start.mirrored else value <= wanted
        if there[-1]:
            return float(np.argmax(there))
    if not _moves(f.log_ratio(np.array([wanted])))[0]:
        return float("inf")
    path, goal, sign = _path(f, float(value[-1])), float(np.log(wanted)), 1.0 if start.mirrored else -1.0
    panel = max(int(np.searchsorted(sign * path.ends, sign * goal)) - 1, 0)
    depth, _ = _integrals(f, path.ends[panel : panel + 1], np.array([goal]))
    return float(np.ceil(_STEPS + path.depth[panel] + depth[0]))
