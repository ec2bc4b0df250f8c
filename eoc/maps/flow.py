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
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eoc.checks import whole_numbers
from eoc.errors import EocError
from eoc.gaussian.kernels import iterate_map
from eoc.gaussian.moments import Estimate
from eoc.gaussian.rule import UNIT_NODES, UNIT_WEIGHTS

if TYPE_CHECKING:
    from eoc.maps.correlation import CorrelationMap

__all__ = ["at_depths", "layers_until"]

FloatArray = NDArray[np.float64]

_EPS = float(np.finfo(float).eps)
_STEPS = 10_000  # single steps before the flow takes over
_TINY = 1e-300  # 1 - c below this is reported as 0 with this error
_MAX_PANELS = 2000
_NEWTON = 50


def at_depths(f: CorrelationMap, depths: ArrayLike, e: float) -> Estimate:
    """1 - c after the depths, for inputs with 1 - c = e; see :meth:`CorrelationMap.iterate`."""
    wanted = whole_numbers("depth", depths)
    if f.is_odd and e > 1.0:
        other = at_depths(f, wanted, 2.0 - e)  # f(-c) = -f(c)
        return Estimate(2.0 - other.value, other.error + 2.0 * _EPS)
    flat = np.ravel(wanted)
    unique, inverse = np.unique(flat, return_inverse=True)
    steps = np.append(unique[unique <= _STEPS], _STEPS if flat.size and flat.max() > _STEPS else [])
    value, relative = np.empty(steps.size), np.empty(steps.size)
    iterate_map(e, f.terms, f.term_errors, steps.astype(np.int64), value, relative)
    error = value * relative
    if flat.size and flat.max() > _STEPS:
        far = _flowed(f, unique[unique > _STEPS] - _STEPS, value[-1], relative[-1])
        value, error = np.append(value[:-1], far.value), np.append(error[:-1], far.error)
    small = (value < _TINY) & (e > 0.0)
    value, error = np.where(small, 0.0, value), np.where(small, _TINY, error)
    return Estimate(value[inverse].reshape(wanted.shape), error[inverse].reshape(wanted.shape))


@dataclass(frozen=True)
class _Path:
    """Panels in zeta, from where single steps ended on, and the depth and its error at their ends.

    ``ends`` (P + 1,) go from zeta_s towards the fixed point, or to where e underflows. ``error`` is the integral of
    (error of v) / v^2: the error of the depth.
    """

    ends: FloatArray
    depth: FloatArray
    error: FloatArray


def _velocity(f: CorrelationMap, zeta: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The velocity v and a bound on its error, of the shape of zeta."""
    e = np.exp(zeta)
    ratio = f.log_ratio(e)
    d, (d1, d2) = -ratio.value, f.log_ratio_slopes(e)
    v = d * (1.0 + d1 / 2.0 + d1**2 / 3.0 + d * d2 / 12.0)
    left_out = np.abs(d) * (np.abs(d1) + np.sqrt(np.abs(d * d2))) ** 3
    return v, ratio.error + left_out + 4.0 * _EPS * np.abs(v)


def _integrals(f: CorrelationMap, a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Depth between a and b, and the integral of its error, (n,)."""
    v, error = _velocity(f, a[:, None] + (b - a)[:, None] * UNIT_NODES)
    length = b - a
    return -length * ((1.0 / v) @ UNIT_WEIGHTS), np.abs(length) * ((error / np.abs(v) / np.abs(v)) @ UNIT_WEIGHTS)


def _path(f: CorrelationMap, e: float) -> _Path:
    zeta, floor = float(np.log(e)), float(np.log(_TINY))
    target = f.stable_point.one_minus_c
    goal = float(np.log(target)) if target > 0.0 else -np.inf
    ends = [zeta]
    while ends[-1] > floor and abs(ends[-1] - goal) > 1e-13 and len(ends) < _MAX_PANELS:
        step = min(1.0, 0.3 * abs(ends[-1] - goal))
        ends.append(ends[-1] - step if goal < ends[-1] else ends[-1] + step)
    points = np.array(ends)
    depth, error = _integrals(f, points[:-1], points[1:])
    return _Path(points, np.append(0.0, np.cumsum(depth)), np.append(0.0, np.cumsum(error)))


def _flowed(f: CorrelationMap, layers: FloatArray, e: float, relative: float) -> Estimate:
    """1 - c after so many more layers, (n,)."""
    if f.is_identity or e < _TINY:
        return Estimate(np.full(layers.size, e), np.full(layers.size, e * relative))
    ratio = f.log_ratio(np.array([e]))
    if abs(float(ratio.value[0])) <= float(ratio.error[0]) or not np.isfinite(f.chi_1):
        return _arrived(f, layers.size)
    path = _path(f, e)
    inside = layers < path.depth[-1]
    found = _arrived(f, layers.size)
    panel = np.searchsorted(path.depth, layers[inside], side="right") - 1
    start, rest = path.ends[panel], layers[inside] - path.depth[panel]
    zeta = start
    for _ in range(_NEWTON):
        v, _ = _velocity(f, zeta)
        passed, uncertainty = _integrals(f, start, zeta)
        step = (rest - passed) * v
        zeta = np.clip(zeta - step, min(path.ends[0], path.ends[-1]), max(path.ends[0], path.ends[-1]))
        if (np.abs(step) <= 2.0 * _EPS * np.maximum(np.abs(zeta), 1.0)).all():
            break
    v, _ = _velocity(f, zeta)
    first, _ = _velocity(f, path.ends[:1])
    change = zeta - path.ends[0]
    late = np.abs(v) * (path.error[panel] + uncertainty)
    bound = late + relative * np.abs(v / first) + 4.0 * _EPS * (1.0 + np.abs(change))
    found.value[inside] = e * np.exp(change)
    found.error[inside] = found.value[inside] * bound
    return found


def _arrived(f: CorrelationMap, size: int) -> Estimate:
    """At the stable fixed point."""
    end = f.stable_point
    return Estimate(np.full(size, end.one_minus_c), np.full(size, end.error if end.one_minus_c > 0.0 else _TINY))


def layers_until(f: CorrelationMap, e: float, target: float) -> float:
    """The first depth from which on 1 - c <= target; see :meth:`CorrelationMap.depth_until`."""
    if not 0.0 < target <= 2.0:
        raise EocError(f"target, the 1 - c to come to, must lie in (0, 2], got {target!r}")
    mirrored = f.is_odd and e > 1.0  # f(-c) = -f(c): then 1 + c comes from 2 - e and rises
    start, wanted = (2.0 - e, 2.0 - target) if mirrored else (e, target)
    end = start if f.is_identity or start == 0.0 else f.stable_point.one_minus_c
    last = 2.0 - end if mirrored else end
    if max(e, last) <= target:
        return 0.0
    error = 0.0 if f.is_identity else f.stable_point.error
    if last >= target - error:
        return float("inf")
    steps = np.arange(_STEPS + 1)
    value, relative = np.empty(steps.size), np.empty(steps.size)
    iterate_map(start, f.terms, f.term_errors, steps, value, relative)
    there = value >= wanted if mirrored else value <= wanted
    if there[-1]:
        return float(np.argmax(there))
    path = _path(f, float(value[-1]))
    sign = 1.0 if mirrored else -1.0
    goal = min(np.log(wanted), path.ends[-1]) if mirrored else max(np.log(wanted), path.ends[-1])
    panel = max(int(np.searchsorted(sign * path.ends, sign * goal)) - 1, 0)
    depth, _ = _integrals(f, path.ends[panel : panel + 1], np.array([goal]))
    return float(np.ceil(_STEPS + path.depth[panel] + depth[0]))
