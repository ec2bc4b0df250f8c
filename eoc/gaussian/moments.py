r"""Gaussian expectations of an activation in one dimension, with error estimates.

With X = sqrt(q) Z, Z ~ N(0, 1):

==========  ==========================================================  =========================================
``M``       E[phi(X)]                                                   mean
``V``       E[phi(X)^2]                                                 F(q) = sigma_b^2 + sigma_w^2 V(q)
``D``       E[phi'(X)^2], phi' almost everywhere                        chi_1 = sigma_w^2 D(q)
``S``       E[phi''(X)^2], infinite for a kink                          f''(1) = sigma_w^2 q S(q)
``P``       E[phi(X) phi''(X)] with the deltas of phi'' = V'(q) - D(q)  F'(q) = chi_1 + sigma_w^2 P(q)
``excess``  V(q) - kappa q, kappa = (phi'(0+)^2 + phi'(0-)^2) / 2       stability at criticality
``gap``     q D(q) - V(q)                                               sigma_b^2 = gap / D on the edge of chaos
==========  ==========================================================  =========================================

``P`` follows from (phi^2)''/2 = phi'^2 + phi phi'' in the sense of distributions, so V' = D + P always holds: at a
knot k with density p(k) of X it adds p(k) [ (phi phi')(k+) - (phi phi')(k-) + (phi(k+)^2 - phi(k-)^2) k / (2 q) ].
Where phi has a vertical tangent these limits may be infinite, but V', which is E[X phi phi'] / q where phi does not
jump, is finite, and so is P = V' - D if D is; where D is infinite, P is minus infinity.

``gap`` and ``excess`` are computed without cancellation from r, phi without its tangent h at zero
(:mod:`eoc.gaussian.tangent`). For b = phi(0) and phi without a jump,

.. math:: q D - V = q E[r'^2] - E[r^2] - b^2 - 2 b (M - b), \qquad
          V - \kappa q = E[2 h r + r^2] + b^2 + 2 b (M - b),

because q E[h' r'] = E[h r] for every r with r(0) = 0 (Stein's lemma on each half-line), and the same for h alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eoc.activations import activation as resolve
from eoc.activations.base import Activation, Smoothness
from eoc.errors import AccuracyError, EocError, NotPermissibleError
from eoc.floats import EPS, FloatArray, extremes
from eoc.gaussian.divergence import vertical, where_diverges
from eoc.gaussian.integrands import integrals
from eoc.validation import real_number, real_numbers

__all__ = ["NAMES", "Estimate", "check_names", "checked_variance", "checked_variances", "moments"]

_Parts = dict[str, tuple[FloatArray, FloatArray]]

NAMES = ("M", "V", "D", "S", "P", "excess", "gap")
_NEEDS = {
    "M": {"phi", "r"},
    "V": {"phi^2"},
    "D": {"dphi^2"},
    "S": {"ddphi^2"},
    "P": {"phi ddphi", "dphi^2"},
    "excess": {"phi^2", "2hr+r^2", "phi", "r"},
    "gap": {"phi^2", "dphi^2", "r^2", "dr^2", "phi", "r"},
}
_SQUARES = ("V", "D", "S")  # no cancellation: their errors are relative
_FLOOR = 1e-300  # absolute error below which double precision underflows
_USELESS = 1e-6  # an error above this fraction of the integral of the magnitude is refused instead of reported
_Q_RANGE = (1e-280, 1e280)  # beyond, squares of the nodes leave double precision


@dataclass(frozen=True)
class Estimate:
    """Values with bounds on their absolute errors: arrays of one shape (0-dimensional for a scalar q)."""

    value: FloatArray
    error: FloatArray


def moments(
    activation: object, q: ArrayLike, names: tuple[str, ...] = ("M", "V", "D", "S", "P"), *, strict: bool = True
) -> dict[str, Estimate]:
    """Gaussian expectations of an activation at one or many variances.

    Parameters
    ----------
    activation
        An activation, or whatever :func:`eoc.activation` understands: a name, a formula, a Python function.
    q
        Variance(s), scalar or array of any shape: 0, or 1e-280 <= q <= 1e280.
    names
        Which ones: any of "M", "V", "D", "S", "P", "excess", "gap" (see the table at the top of this module).
    strict
        If False, a q at which an expectation does not exist or cannot be computed gives NaN with an infinite error
        instead of an exception: for scans.

    Returns
    -------
    dict
        An :class:`Estimate` for each name: values and bounds on their absolute errors, arrays of the shape of q.

    Raises
    ------
    EocError
        For a q outside the range, or an unknown name.
    NotPermissibleError
        Where E[phi^2] is infinite.
    AccuracyError
        Where double precision overflows or the integrand cannot be resolved.

    Notes
    -----
    Accuracy: about 1e-15 relative for the named activations from q = 1e-12 to 1e8, 1e-13 at worst.

    Examples
    --------
    >>> relu = moments("relu", [0.5, 2.0], ("V", "D"))
    >>> relu["V"].value.round(12).tolist(), relu["D"].value.round(12).tolist()
    ([0.25, 1.0], [0.5, 0.5])
    >>> moments("tanh", 1.0, ("V",))["V"].value.round(12).item()  # 0.39429449039784...
    0.394294490398
    """
    check_names(names, NAMES)
    phi = resolve(activation)
    variances = checked_variances(q)
    flat = variances.reshape(-1)
    q_max = phi.growth.q_max
    least, most = extremes(flat) if flat.size else (0.0, 0.0)
    if strict and q_max < np.inf and flat.size and most >= q_max:
        _refuse_growth(phi, most)
    if least > 0.0 and most < q_max:
        found, doubtful = _at_positive(phi, flat, names)
    else:
        found = {name: (np.full(flat.shape, np.nan), np.full(flat.shape, np.inf)) for name in names}
        inside = (flat > 0.0) & (flat < q_max)
        _fill(found, inside, _at_positive(phi, flat[inside], names)[0])
        _fill(found, flat == 0.0, _at_zero(phi, names))
        doubtful = True
    if doubtful:
        _check(phi, flat, found, strict)
    shape = variances.shape
    return {name: Estimate(value.reshape(shape), error.reshape(shape)) for name, (value, error) in found.items()}


def _fill(found: _Parts, where: NDArray[np.bool_], parts: Mapping[str, tuple[ArrayLike, ArrayLike]]) -> None:
    for name, (value, error) in parts.items():
        found[name][0][where], found[name][1][where] = value, error


def check_names(names: Sequence[str], known: tuple[str, ...]) -> None:
    """Raise EocError if an expectation of another name is asked for."""
    if isinstance(names, str):
        raise EocError(f"names must be a tuple, as ({names!r},); got {names!r}")
    for name in names:
        if name not in known:
            raise EocError(f"unknown expectation {name!r}; known are {', '.join(known)}")


def checked_variances(q: ArrayLike) -> FloatArray:
    """Return q as a float array; EocError names the first value that is no variance."""
    out = real_numbers("q", q)
    low, high = _Q_RANGE
    if out.size == 0:
        return out
    least, most = extremes(out)
    if not (least >= low and most <= high):
        bad = ~((out == 0.0) | ((out >= low) & (out <= high)))
        if bad.any():
            raise EocError(f"q must be a variance: 0, or from {low:g} to {high:g}; got {out[bad].flat[0]}")
    return out


def checked_variance(q: ArrayLike) -> float:
    """Return q as a float; EocError if it is not one variance."""
    return float(checked_variances(real_number("q", q)))


def _refuse_growth(phi: Activation, q: float) -> None:
    bound = phi.growth.q_max
    which = f"finite only for q < 1/(4 a) = {bound:.12g}" if bound > 0.0 else "infinite for every q > 0"
    raise NotPermissibleError(
        f"{phi.name} grows like exp(a x^2) or faster, so condition (b) of Long & Sedghi (2019), "
        f"|phi(x)| = exp(o(x^2)), fails: E[phi(sqrt(q) Z)^2] is {which}; got q = {q:g}"
    )


def _check(phi: Activation, q: FloatArray, found: _Parts, strict: bool) -> None:
    """Refuse, or mark with NaN, what could not be computed. An infinite value without error is an answer."""
    for name, (value, error) in found.items():
        limit = _USELESS * np.abs(value) + _FLOOR if name in _SQUARES else np.finfo(float).max
        useless = ~(error <= limit)
        if strict and useless.any():
            why = (
                "its values are only known to some digits; let it compute in double precision"
                if phi.is_rough
                else "the integrand overflows double precision, has a singularity that is not integrable or that is "
                "too sharp for the doubles next to it, or oscillates too fast; use a smaller q"
            )
            raise AccuracyError(f"{name} of {phi.name} cannot be computed at q = {q[useless][0]:g}: {why}")
        value[useless], error[useless] = np.nan, np.inf


def _at_positive(phi: Activation, q: FloatArray, names: tuple[str, ...]) -> tuple[_Parts, bool]:
    """The expectations at q > 0, and whether any of them may be useless."""
    if phi.is_positively_homogeneous:
        return _homogeneous(phi, q, names), False
    parts, doubtful = integrals(phi, q, set().union(*(_NEEDS[name] for name in names)))
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows gets an infinite error
        found = {name: _FORMULA[name](phi, q, parts) for name in names}
    _put_infinities(phi, found)
    return found, doubtful or bool(vertical(phi))


def _put_infinities(phi: Activation, found: _Parts) -> None:
    """Where the square of phi' or phi'' is not integrable, what contains it is infinite, without an error."""
    if not {"D", "S", "P", "gap"} & set(found) or not phi.knots:
        return
    slopes = where_diverges(phi, 1) is not None
    curvatures = slopes or where_diverges(phi, 2) is not None
    for name, infinite in {"D": slopes, "gap": slopes, "P": slopes, "S": curvatures}.items():
        if infinite and name in found:
            found[name][0][:] = -np.inf if name == "P" else np.inf
            found[name][1][:] = 0.0


def _homogeneous(phi: Activation, q: FloatArray, names: tuple[str, ...]) -> _Parts:
    """The closed forms for phi(x) = s+ x for x > 0 and s- x for x < 0."""
    (left, right), kappa = phi.slopes_at_zero, phi.kappa
    zero = np.zeros(q.shape)
    known = {
        "M": (right - left) * np.sqrt(q / (2.0 * np.pi)),
        "V": kappa * q,
        "D": np.full(q.shape, kappa),
        "S": np.full(q.shape, 0.0 if left == right else np.inf),
    }
    values = {name: known.get(name, zero) for name in names}
    return {n: (v.copy(), 4.0 * EPS * np.abs(v) + _FLOOR if n != "S" else zero.copy()) for n, v in values.items()}


def _mean(phi: Activation, q: FloatArray, parts: _Parts) -> tuple[FloatArray, FloatArray]:
    zero = phi.at_zero
    if zero.jump != 0.0:
        return parts["phi"]
    rest, rest_error = parts["r"]
    left, right = phi.slopes_at_zero
    tangent = zero.right[0] + (right - left) * np.sqrt(q / (2.0 * np.pi))
    return _better(parts["phi"], (tangent + rest, rest_error + 4.0 * EPS * (np.abs(tangent) + np.abs(rest))))


def _variance(phi: Activation, q: FloatArray, parts: _Parts) -> tuple[FloatArray, FloatArray]:
    return parts["phi^2"]


def _slope_variance(phi: Activation, q: FloatArray, parts: _Parts) -> tuple[FloatArray, FloatArray]:
    return parts["dphi^2"]


def _curvature_variance(phi: Activation, q: FloatArray, parts: _Parts) -> tuple[FloatArray, FloatArray]:
    if phi.smoothness in (Smoothness.JUMP, Smoothness.KINK):
        return np.full(q.shape, np.inf), np.zeros(q.shape)
    return parts["ddphi^2"]


def _product(phi: Activation, q: FloatArray, parts: _Parts) -> tuple[FloatArray, FloatArray]:
    value, error = parts["phi ddphi"]
    if upright := bool(vertical(phi)):
        slopes, slopes_error = parts["dphi^2"]
        known = np.where(slopes_error <= _USELESS * slopes, slopes_error, np.inf)
        error = error / q + known + 4.0 * EPS * (np.abs(value) / q + slopes)
        value = value / q - slopes
    for b in phi.breakpoints:
        exponent = b.x**2 / (2.0 * q)
        density = np.exp(-exponent) / np.sqrt(2.0 * np.pi * q)
        turn = 0.0 if upright else b.right[0] * b.right[1] - b.left[0] * b.left[1]
        step = (b.right[0] ** 2 - b.left[0] ** 2) * b.x / (2.0 * q)
        delta = density * (turn + step)
        value = value + delta
        error = error + EPS * (8.0 + exponent) * np.abs(delta)
    return value, error


def _excess(phi: Activation, q: FloatArray, parts: _Parts) -> tuple[FloatArray, FloatArray]:
    variance, variance_error = parts["phi^2"]
    direct = variance - phi.kappa * q, variance_error + 4.0 * EPS * (variance + phi.kappa * q)
    if phi.at_zero.jump != 0.0:
        return direct
    rest, rest_error = parts["2hr+r^2"]
    offset, offset_error = _offset(phi, q, parts)
    return _better(direct, (rest + offset, rest_error + offset_error))


def _gap(phi: Activation, q: FloatArray, parts: _Parts) -> tuple[FloatArray, FloatArray]:
    (variance, variance_error), (slopes, slopes_error) = parts["phi^2"], parts["dphi^2"]
    direct = q * slopes - variance, q * slopes_error + variance_error + 4.0 * EPS * (q * slopes + variance)
    if phi.smoothness is Smoothness.JUMP:
        return direct
    (r, r_error), (dr, dr_error) = parts["r^2"], parts["dr^2"]
    offset, offset_error = _offset(phi, q, parts)
    error = q * dr_error + r_error + offset_error + 4.0 * EPS * (q * dr + r + np.abs(offset))
    return _better(direct, (q * dr - r - offset, error))


def _offset(phi: Activation, q: FloatArray, parts: _Parts) -> tuple[FloatArray, FloatArray]:
    """b^2 + 2 b (M - b) for b = phi(0)."""
    b = phi.at_zero.right[0]
    mean, mean_error = _mean(phi, q, parts)
    size = b**2 + 2.0 * abs(b) * (np.abs(mean) + abs(b))
    return b**2 + 2.0 * b * (mean - b), 2.0 * abs(b) * mean_error + 4.0 * EPS * size


def _better(one: tuple[FloatArray, FloatArray], other: tuple[FloatArray, FloatArray]) -> tuple[FloatArray, FloatArray]:
    """Elementwise the estimate with the smaller error bound."""
    first = one[1] <= other[1]
    return np.where(first, one[0], other[0]), np.where(first, one[1], other[1])


_FORMULA = {
    "M": _mean,
    "V": _variance,
    "D": _slope_variance,
    "S": _curvature_variance,
    "P": _product,
    "excess": _excess,
    "gap": _gap,
}


def _at_zero(phi: Activation, names: tuple[str, ...]) -> dict[str, tuple[float, float]]:
    """The limits q -> 0: averages of the one-sided limits at 0."""
    left, right = phi.at_zero.left, phi.at_zero.right
    mean = 0.5 * (left[0] + right[0])
    variance, slopes, curvatures = (0.5 * (a**2 + b**2) for a, b in zip(left, right, strict=True))
    delta = right[0] * right[1] - left[0] * left[1]
    limits = {
        "M": mean,
        "V": variance,
        "D": slopes,
        "S": np.inf if phi.smoothness in (Smoothness.JUMP, Smoothness.KINK) else curvatures,
        "P": 0.5 * (left[0] * left[2] + right[0] * right[2]) if delta == 0.0 else np.copysign(np.inf, delta),
        "excess": variance,
        "gap": -variance,
    }
    return {n: (limits[n], 8.0 * EPS * abs(limits[n]) if np.isfinite(limits[n]) else 0.0) for n in names}
