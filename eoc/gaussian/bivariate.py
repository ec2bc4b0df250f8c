r"""Gaussian expectations of an activation at two correlated points, with error bounds.

With u = sqrt(q) Z_1 and v = sqrt(q_b) (c Z_1 + sqrt(1 - c^2) Z_2), Z_1, Z_2 i.i.d. N(0, 1), and q_b = q by default:

======  ==================================  ==========================================================================
``K``   E[phi(u) phi(v)]                    correlation map f(c) = (sigma_b^2 + sigma_w^2 K) / F(q)
``Kd``  E[phi'(u) phi'(v)], phi' almost     f'(c) = sigma_w^2 q Kd / F(q) if phi does not jump
        everywhere
``G``   E[(phi(u) - phi(v))^2] / 2          V - K if q_b = q, to full *relative* precision: 1 - f = sigma_w^2 G / F(q)
======  ==================================  ==========================================================================

Two inputs are given by their correlation ``c``, by ``one_minus_c`` (1e-300 is as good as 1) or by their ``angle``
arccos(c). For one variance they cost some ten milliseconds when it is new and some hundred nanoseconds a value
afterwards (:mod:`eoc.gaussian.angular`); for two different variances they are integrated anew each time
(:mod:`eoc.gaussian.plane`).

Poole et al. (2016) for the maps; closed forms to compare with in Cho & Saul (2009) and Williams (1997).
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from eoc.activations import activation as resolve
from eoc.activations.base import Activation
from eoc.errors import EocError
from eoc.floats import EPS, FloatArray
from eoc.gaussian.angle import angle_of
from eoc.gaussian.angular import Angular, angular
from eoc.gaussian.common import Common, suits
from eoc.gaussian.hinges import expectation_of_lines, is_of_lines
from eoc.gaussian.integrands import integrals
from eoc.gaussian.moments import Estimate, check_names, checked_variances, moments
from eoc.gaussian.plane import Factor, Problem, tabulate_plane
from eoc.gaussian.products import factor_of, product_of, reach_of
from eoc.gaussian.shifted import Function, shifted_mean
from eoc.gaussian.sources import refuse_singularities

__all__ = ["NAMES", "bivariate"]

_Pair = tuple[float, float]

NAMES = ("K", "Kd", "G")
_NOISY = 1e-13  # relative error of E[phi''^2]
_FLOOR = 1e-290  # of an E[phi''^2] that is 0: of straight lines nothing but kinks is left
# q E[phi'^2] in units of E[phi^2]: digits that G as a difference of two multiples of the former would lose.
_STEEP = 8.0
_MANY_KNOTS = 8  # from which on the plane has too many corners


def bivariate(
    activation: object,
    q: ArrayLike,
    c: ArrayLike | None = None,
    names: tuple[str, ...] = NAMES,
    *,
    q_b: ArrayLike | None = None,
    one_minus_c: ArrayLike | None = None,
    angle: ArrayLike | None = None,
) -> dict[str, Estimate]:
    """Expectations at pairs of inputs.

    Parameters
    ----------
    activation
        An activation, or whatever :func:`eoc.activation` understands: a name, a formula, a Python function.
    q, q_b
        Variances > 0 of u and v, scalars or arrays; ``q_b`` is ``q`` where left out.
    c, one_minus_c, angle
        Exactly one of: c in [-1, 1], 1 - c in [0, 2], arccos(c) in [0, pi]; scalar or array. Broadcast with q.
    names
        Which ones: any of "K", "Kd", "G" (see the table at the top of this module).

    Returns
    -------
    dict
        An :class:`Estimate` for each name: values and bounds on their absolute errors.

    Raises
    ------
    EocError
        For a variance or correlation outside its range, naming the first one.
    NotPermissibleError
        Where E[phi^2] or E[phi'^2] is infinite.
    AccuracyError
        Where double precision overflows or the integrand cannot be resolved.

    Warns
    -----
    AccuracyWarning
        If a series in the angle does not converge; the error bounds say how much is lost.

    Notes
    -----
    Accuracy: about 1e-14 max(V, q D) for K, 1e-14 D for Kd, and for G 1e-14 relative however close the inputs. If
    q and q_b differ, the digits of G below the rounding of u and v are lost; the bound on the error says how many.

    Examples
    --------
    >>> relu = bivariate("relu", 1.0, [-1.0, 0.0, 1.0])  # Cho & Saul (2009)
    >>> relu["K"].value.round(12).tolist()  # 0, 1/(2 pi), 1/2
    [0.0, 0.159154943092, 0.5]
    >>> bivariate("tanh", 1.0, one_minus_c=1e-300)["G"].value.item()  # D q (1 - c)
    4.64402902e-301
    """
    check_names(names, NAMES)
    phi, at = resolve(activation), angle_of(c, one_minus_c=one_minus_c, angle=angle)
    first, second = _positive(q), _positive(q if q_b is None else q_b)
    try:
        first, second, e = np.broadcast_arrays(first, second, at.e)
    except ValueError:
        raise EocError(
            f"variances and correlations of shapes {first.shape}, {second.shape} and {at.e.shape} do not go together: "
            "give arrays that NumPy broadcasts"
        ) from None
    at = at.broadcast_to(e.shape)
    found = {name: Estimate(np.empty(e.shape), np.empty(e.shape)) for name in names}
    equal = first == second
    for one in np.unique(first[equal]):
        here = equal & (first == one)
        functions, angles = _by_angle(phi, float(one)), at[here]
        for name, estimate in found.items():
            estimate.value[here], estimate.error[here] = functions.at(name, float(one), angles)
    for index in map(tuple, np.argwhere(~equal)):
        for name, estimate in found.items():
            two = _unequal(phi, name, float(first[index]), float(second[index]), float(e[index]))
            estimate.value[index], estimate.error[index] = two
    return found


def _by_angle(phi: Activation, q: float) -> Angular | Common:
    """The functions of the angle in the form that loses fewer digits: by phi' where phi is steep or phi'' is noisy."""
    if suits(phi, q):
        return Common(phi, q)
    if phi.is_positively_homogeneous or phi.growth.kind not in ("bounded", "polynomial"):
        return angular(phi, q)
    parts = integrals(phi, np.array([q]), {"phi^2", "dphi^2", "ddphi^2"})[0]
    (v, _), (d, _), (s, s_error) = (parts[row] for row in ("phi^2", "dphi^2", "ddphi^2"))
    return angular(phi, q, plain=bool(q * d[0] > _STEEP * v[0] or not s_error[0] <= _NOISY * s[0] + _FLOOR))


def _positive(q: ArrayLike) -> FloatArray:
    variances = checked_variances(q)
    if (variances == 0.0).any():
        raise EocError("q must be > 0 for two correlated inputs, got 0")
    return variances


def _unequal(phi: Activation, name: str, q_a: float, q_b: float, e: float) -> _Pair:
    """One expectation at two different variances, by quadrature over the plane of standard Gaussians."""
    if phi.is_positively_homogeneous:
        return _homogeneous(phi, name, q_a, q_b, e)
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


def _homogeneous(phi: Activation, name: str, q_a: float, q_b: float, e: float) -> _Pair:
    """phi(s x) = s phi(x): the expectations scale, and G is a sum of two squares."""
    value, error = angular(phi, 1.0).at(name, 1.0, angle_of(one_minus_c=np.array([e])))
    s_a, s_b = q_a**0.5, q_b**0.5
    scale = 1.0 if name == "Kd" else s_a * s_b
    apart = 0.5 * phi.kappa * ((q_a - q_b) / (s_a + s_b)) ** 2 if name == "G" else 0.0
    total = scale * float(value[0]) + apart
    return total, scale * float(error[0]) + 8.0 * EPS * abs(total)


def _of_lines(phi: Activation, name: str, q_a: float, q_b: float, e: float) -> _Pair:
    value, error = expectation_of_lines(phi, name == "Kd", q_a, q_b, 1.0 - e)
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
