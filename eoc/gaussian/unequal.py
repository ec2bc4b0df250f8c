r"""Expectations at two different variances, one pair at a time: by quadrature over the plane of standard Gaussians.

Straight lines with many kinks, and steps, are summed over pairs of these instead (:mod:`eoc.gaussian.hinges`), and of a
positively homogeneous phi, phi(s x) = s phi(x), the expectations at q = 1 scale:

.. math:: G = s_a s_b\, G_1(c) + \kappa (s_a - s_b)^2 / 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from eoc.activations.base import Activation
from eoc.floats import EPS, FloatArray
from eoc.gaussian.angle import angle_of
from eoc.gaussian.angular import angular
from eoc.gaussian.hinges import expectation_of_lines, expectation_of_steps, is_of_lines, is_of_steps
from eoc.gaussian.moments import moments
from eoc.gaussian.plane import Factor, Problem, tabulate_plane
from eoc.gaussian.products import factor_of, product_of, reach_of
from eoc.gaussian.shifted import Function, shifted_mean
from eoc.gaussian.sources import refuse_singularities

__all__ = ["by_plane", "in_closed_form"]

_Pair = tuple[float, float]
_MANY_KNOTS = 8  # from which on the plane has too many corners


def by_plane(phi: Activation, name: str, q_a: float, q_b: float, e: float) -> _Pair:
    """K, Kd or G of one pair, and a bound on the error."""
    refuse_singularities(phi)
    if len(phi.knots) > _MANY_KNOTS and is_of_lines(phi, max(q_a, q_b)):
        return _of_lines(phi, name, q_a, q_b, e)
    s_a, s_b = q_a**0.5, q_b**0.5
    sign = 1.0 if e <= 1.0 else -1.0  # for c < 0 the pair (u, -v), whose difference is the narrow coordinate
    narrow = 0.5 * min(e, 2.0 - e)  # (1 - |c|) / 2, the variance of half the difference
    first, second = (_scaled(factor_of(phi, 40.0 * abs(s)), s) for s in (s_a, sign * s_b))
    factor = partial(phi.derivative, 1 if name == "Kd" else 0)
    function = partial(_half_square if name == "G" else product_of, factor)
    size = _size(phi, name, q_a, q_b, e)

    def integrand(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        return function(s_a * x, sign * s_b * y)

    reach = max(reach_of(factor, s, size) for s in (s_a, s_b))
    if narrow == 0.0:
        marks = np.concatenate([first.marks, second.marks])
        value, error = shifted_mean(lambda z, *_: integrand(z, z), np.zeros(1), np.ones(1), marks[None], reach)
        return float(value[0]), float(error[0])
    widths = np.array([(1.0 - narrow) ** 0.5])
    plane = tabulate_plane(Problem(integrand, first, second, widths, narrow**0.5, size, reach))
    value, error = plane(widths**2, np.array([narrow]))
    return float(value[0]), float(error[0])


def in_closed_form(
    phi: Activation, names: Sequence[str], q_a: FloatArray, q_b: FloatArray, e: FloatArray
) -> dict[str, tuple[FloatArray, FloatArray]] | None:
    """K, Kd or G of pairs, and bounds on the errors, where phi is positively homogeneous or consists of steps."""
    if phi.is_positively_homogeneous:
        return _homogeneous(phi, names, q_a, q_b, e)
    if is_of_steps(phi, max(float(q_a.max(initial=1.0)), float(q_b.max(initial=1.0)))):
        return _of_steps(phi, names, q_a, q_b, e)
    return None


def _homogeneous(
    phi: Activation, names: Sequence[str], q_a: FloatArray, q_b: FloatArray, e: FloatArray
) -> dict[str, tuple[FloatArray, FloatArray]]:
    functions, at, found = angular(phi, 1.0), angle_of(one_minus_c=e), dict[str, tuple[FloatArray, FloatArray]]()
    s_a, s_b = np.sqrt(q_a), np.sqrt(q_b)
    unit = s_a * s_b
    for name in names:
        value, error = functions.at(name, 1.0, at)
        if name != "Kd":
            value, error = unit * value, unit * error
        if name == "G":
            value = value + 0.5 * phi.kappa * ((q_a - q_b) / (s_a + s_b)) ** 2
        found[name] = value, error + 8.0 * EPS * np.abs(value)
    return found


def _of_steps(
    phi: Activation, names: Sequence[str], q_a: FloatArray, q_b: FloatArray, e: FloatArray
) -> dict[str, tuple[FloatArray, FloatArray]]:
    if [jump.x for jump in phi.jumps] == [0.0]:  # it does not see variances
        functions, at = angular(phi, 1.0), angle_of(one_minus_c=e)
        return {name: functions.at(name, 1.0, at) for name in names}
    found, nothing = {}, np.zeros(e.shape)
    value, error = expectation_of_steps(phi, q_a, q_b, e)
    for name in names:
        found[name] = (value, error) if name == "K" else (nothing, nothing)
        if name == "G":
            v = moments(phi, np.stack([q_a, q_b]), ("V",))["V"]
            mean = 0.5 * v.value.sum(axis=0)
            found[name] = mean - value, 0.5 * v.error.sum(axis=0) + error + 2.0 * EPS * mean
    return found


def _of_lines(phi: Activation, name: str, q_a: float, q_b: float, e: float) -> _Pair:
    value, error = expectation_of_lines(phi, name == "Kd", q_a, q_b, e)
    if name != "G":
        return value, error
    v = moments(phi, [q_a, q_b], ("V",))["V"]
    mean = 0.5 * float(v.value.sum())
    return mean - value, 0.5 * float(v.error.sum()) + error + 2.0 * EPS * mean


def _scaled(factor: Factor, s: float) -> Factor:
    return Factor(factor.knots / s, factor.graded / s)


def _size(phi: Activation, name: str, q_a: float, q_b: float, e: float) -> float:
    """What errors are measured by: the geometric mean of the two second moments, or for G what small distances give."""
    m = moments(phi, [q_a, q_b], ("V", "D"))
    size = float(np.sqrt(m["D" if name == "Kd" else "V"].value.prod()))
    distance = 0.5 * (q_a**0.5 - q_b**0.5) ** 2 + (q_a * q_b) ** 0.5 * e
    slope = float(m["D"].value.max())
    if name == "G" and np.isfinite(slope) and not phi.jumps:
        size = min(size, slope * distance)
    return size


def _half_square(function: Function, u: FloatArray, v: FloatArray) -> tuple[FloatArray, FloatArray]:
    (gu, eu), (gv, ev) = function(u), function(v)
    noise = eu + ev
    return 0.5 * (gu - gv) ** 2, (np.abs(gu - gv) + noise) * noise
