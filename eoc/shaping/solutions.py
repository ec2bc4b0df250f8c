"""All (alpha, beta, gamma, delta) that meet the conditions of a shaped activation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from eoc.activations import Activation
from eoc.errors import AccuracyError
from eoc.floats import FloatArray
from eoc.layers.bounded import Bounded
from eoc.shaping.conditions import Conditions
from eoc.shaping.means import Means, means, rough_means

__all__ = ["STEEP", "Solution", "places", "solutions", "steepness"]

_SIDE = np.geomspace(1e-3, 60.0, 90)
_BETA = np.concatenate([-_SIDE[::-1], [0.0], _SIDE])
_ALPHA = np.geomspace(1e-6, 20.0, 110)
_STEP = 1e-4  # relative step of the differences: enough for steps that converge and for what errors do
_STEPS = 25
_MOST = 12  # places
STEEP = 2.0  # steepness beyond which a solution is not kept
_CLOSE = 1e-9  # of the equations, where something was found
_SAME = 1e-6
_WHERE_STEEP = np.linspace(-6.0, 6.0, 481)


@dataclass(frozen=True)
class Solution:
    """One solution, with bounds on the errors of its numbers.

    Attributes
    ----------
    steepness
        How much steeper phi is at its steepest (within [-6, 6]) than where it is used.
    """

    alpha: float
    beta: float
    gamma: float
    delta: float
    alpha_error: float
    beta_error: float
    gamma_error: float
    delta_error: float
    steepness: float


def solutions(phi: Activation, conditions: tuple[Conditions, ...], goal_error: float) -> tuple[Solution, ...]:
    """Every solution that was found, by alpha; of an odd or even phi those with beta >= 0.

    Parameters
    ----------
    phi
        A continuous activation.
    conditions
        Of each of them solutions are looked for.
    goal_error
        A bound on the relative error of their goals.
    """
    found: list[Solution] = []
    for one, alpha, beta in places(phi, conditions):
        try:
            new = _polished(phi, one, alpha, beta, goal_error)
        except AccuracyError:  # where an oscillating phi meets a large alpha
            continue
        if new is not None and not any(_alike(new, other) for other in found):
            found.append(new)
    return tuple(sorted(found, key=lambda s: (round(s.alpha, 9), abs(round(s.beta, 9)), -s.beta)))


def _alike(a: Solution, b: Solution) -> bool:
    return abs(a.alpha - b.alpha) <= _SAME * a.alpha and abs(a.beta - b.beta) <= _SAME * (abs(a.beta) + a.alpha)


def steepness(phi: Activation, beta: float) -> float:
    """How much steeper phi is at its steepest than at beta."""
    slope = float(np.abs(phi.dphi(np.array([beta])))[0])
    with np.errstate(all="ignore"):
        steepest = float(np.nanmax(np.abs(phi.dphi(_WHERE_STEEP))))
    return steepest / slope if slope > 0.0 else np.inf


def places(phi: Activation, conditions: tuple[Conditions, ...]) -> list[tuple[Conditions, float, float]]:
    """About where solutions are, (alpha, beta), where both equations change sign: those where phi is steep first.

    Of a phi that oscillates only the nearest ones to 0.
    """
    betas = _BETA if phi.parity is None else _BETA[_BETA >= 0.0]  # the other half mirrors this one
    rough = rough_means(phi, _ALPHA, betas[:, None])
    found = [(one, *place) for one in conditions for place in _crossings(rough, betas, one)]
    return sorted(found, key=lambda place: (steepness(phi, place[2]) > STEEP, abs(place[2])))[:_MOST]


def _crossings(rough: Means, betas: FloatArray, conditions: Conditions) -> Iterator[tuple[float, float]]:
    """Along beta, on the curves on which the first equation holds, where the second one changes sign."""
    with np.errstate(all="ignore"):
        e1, e2 = (e.value for e in conditions.equations(rough))
        across = np.isfinite(e1[:, :-1] + e1[:, 1:] + e2[:, :-1] + e2[:, 1:]) & (e1[:, :-1] * e1[:, 1:] < 0.0)
        share = e1[:, :-1] / (e1[:, :-1] - e1[:, 1:])
        alpha = np.exp(np.log(_ALPHA[:-1]) + share * np.log(_ALPHA[1] / _ALPHA[0]))
        second = e2[:, :-1] + share * (e2[:, 1:] - e2[:, :-1])
    curves = [list(zip(alpha[i, k], second[i, k], strict=True)) for i, k in enumerate(across)]
    for i, (here, there) in enumerate(pairwise(curves)):
        for (a0, g0), (a1, g1) in zip(here, there, strict=False):
            if g0 * g1 <= 0.0:
                part = g0 / (g0 - g1) if g0 != g1 else 0.5
                yield float(a0 ** (1.0 - part) * a1**part), float(betas[i] + part * (betas[i + 1] - betas[i]))


def _polished(phi: Activation, conditions: Conditions, alpha: float, beta: float, goal_error: float) -> Solution | None:
    """Newton's method on log(alpha) and beta; None where it leads nowhere."""
    with np.errstate(all="ignore"):  # on its way it may come where phi overflows
        return _by_newton(phi, conditions, np.array([np.log(alpha), beta]), goal_error)


def _by_newton(phi: Activation, conditions: Conditions, at: FloatArray, goal_error: float) -> Solution | None:
    last = np.inf
    for rough in (True, False):
        for _ in range(_STEPS):
            m = _around(phi, conditions, at, rough=rough)
            values = conditions.equations(m)
            jacobian = _slopes(values, at)
            size = float(np.abs([v.value[0] for v in values]).max())
            if not np.isfinite(jacobian).all() or np.linalg.cond(jacobian) > 1e12:
                return None
            step = np.linalg.solve(jacobian, [v.value[0] for v in values])
            if not rough and size < _CLOSE and size >= 0.25 * last:  # as far as rounding goes
                return _solution(phi, conditions, at, m, jacobian, values, goal_error)
            last = size
            limit = np.array([0.5, 0.5 * np.exp(at[0]) + 0.25 * abs(at[1])])
            at = at - np.clip(step, -limit, limit)
            if not -20.0 < at[0] < 5.0 or (rough and np.abs(step).max() < _CLOSE):
                break
    return None


def _around(phi: Activation, conditions: Conditions, at: FloatArray, *, rough: bool) -> Means:
    """The means at a place and at its four neighbours."""
    alpha, width = float(np.exp(at[0])), _width(at)
    alphas = alpha * np.exp(np.array([0.0, -_STEP, _STEP, 0.0, 0.0]))
    betas = at[1] + width * np.array([0.0, 0.0, 0.0, -1.0, 1.0])
    return rough_means(phi, alphas, betas) if rough else means(phi, alphas, betas, curved=conditions.method == "tat")


def _width(at: FloatArray) -> float:
    return _STEP * (float(np.exp(at[0])) + 0.1 * abs(float(at[1])))


def _slopes(values: tuple[Bounded, ...], at: FloatArray) -> FloatArray:
    """The derivatives of each by log(alpha) and beta, from its values at the five places."""
    steps = 2.0 * _STEP, 2.0 * _width(at)
    return np.array(
        [[(v.value[2 * k + 2] - v.value[2 * k + 1]) / step for k, step in enumerate(steps)] for v in values]
    )


def _solution(
    phi: Activation,
    conditions: Conditions,
    at: FloatArray,
    m: Means,
    jacobian: FloatArray,
    values: tuple[Bounded, ...],
    goal_error: float,
) -> Solution:
    """The numbers, each moved by what the equations are off by and by errors of its own."""
    left = np.array([abs(v.value[0]) + v.error[0] + goal_error for v in values])
    inverse = np.linalg.inv(jacobian)
    moved = np.abs(inverse) @ left
    alpha = float(np.exp(at[0]))
    gamma, delta = conditions.gamma(m), conditions.delta(m)
    slopes = _slopes((gamma, delta), at)
    errors = np.abs(slopes @ inverse) @ left + np.array([gamma.error[0], delta.error[0]])
    return Solution(
        alpha,
        float(at[1]),
        float(gamma.value[0]),
        float(delta.value[0]),
        alpha * float(moved[0]) + 2e-16 * alpha,
        float(moved[1]),
        float(errors[0]),
        float(errors[1]),
        steepness(phi, float(at[1])),
    )
