r"""Gaussian expectations of fourth order in an activation: what decides how finite networks fluctuate.

With X = sqrt(q) Z, Z ~ N(0, 1), and phi' almost everywhere:

=================  ===================================================================================================
``phi^4``          E[phi(X)^4]
``phi^2 dphi^2``   E[phi(X)^2 phi'(X)^2], infinite if phi jumps
``dphi^4``         E[phi'(X)^4], infinite if phi jumps
``Var phi^2``      E[phi(X)^4] - E[phi(X)^2]^2
=================  ===================================================================================================

The variance of phi^2 is also that of u = (phi - b)(phi + b), b = phi(0+), E[u^2] - E[u]^2, which loses nothing as
q -> 0; the better of the two is taken. Where phi^2 saturates at a value other than 0 and b^2, either is a difference
of close numbers, and the error bound says what that costs.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from eoc.activations import activation as resolve
from eoc.activations.base import Activation, Smoothness
from eoc.errors import AccuracyError, NotPermissibleError
from eoc.floats import EPS, FloatArray
from eoc.gaussian.moments import Estimate, check_names, checked_variances
from eoc.gaussian.octaves import Octaves
from eoc.gaussian.tangent import remainder, resolved_radius
from eoc.sharing import cached

__all__ = ["QUARTIC_NAMES", "fourth_moments", "quartic_limit"]

_Parts = dict[str, tuple[FloatArray, FloatArray]]

QUARTIC_NAMES = ("phi^4", "phi^2 dphi^2", "dphi^4", "Var phi^2")
_ROWS = ("phi^4", "phi^2 dphi^2", "dphi^4", "u^2", "phi^2", "u")
_SIGNED = ("u",)  # of which cancellation may leave nothing
_NEEDS = {name: {name} for name in QUARTIC_NAMES[:3]} | {"Var phi^2": {"phi^4", "phi^2", "u^2", "u"}}
_FLOOR = 1e-300  # absolute error below which double precision underflows
_USELESS = 1e-6  # an error above this fraction of the integral of the magnitude is refused instead of reported


def fourth_moments(
    activation: object,
    q: ArrayLike,
    names: tuple[str, ...] = ("phi^4", "phi^2 dphi^2", "dphi^4"),
    *,
    strict: bool = True,
) -> dict[str, Estimate]:
    """Gaussian expectations of fourth order of an activation at one or many variances.

    Parameters
    ----------
    activation
        An activation, or whatever :func:`eoc.activation` understands: a name, a formula, a Python function.
    q
        Variance(s), scalar or array of any shape: 0, or 1e-280 <= q <= 1e280.
    names
        Which ones: any of "phi^4", "phi^2 dphi^2", "dphi^4", "Var phi^2" (see the table at the top of this module).
    strict
        If False, a q at which an expectation does not exist or cannot be computed gives NaN with an infinite error
        instead of an exception: for scans.

    Returns
    -------
    dict
        An :class:`~eoc.gaussian.moments.Estimate` for each name: values and bounds on their absolute errors, arrays of
        the shape of q.

    Raises
    ------
    EocError
        For a q outside the range, or an unknown name.
    NotPermissibleError
        Where E[phi^4] is infinite because phi grows like exp(a x^2) and q >= 1/(8a).
    AccuracyError
        Where double precision overflows or the integrand cannot be resolved.

    Notes
    -----
    Accuracy: about 1e-14 relative for the named activations, 1e-12 where phi grows exponentially.

    Examples
    --------
    >>> relu = fourth_moments("relu", 2.0, ("phi^4", "dphi^4", "Var phi^2"))  # 3 q^2 / 2, 1/2, 5 q^2 / 4
    >>> [relu[name].value.round(12).item() for name in relu]
    [6.0, 0.5, 5.0]
    >>> fourth_moments("tanh", 1.0, ("phi^4",))["phi^4"].value.round(12).item()
    0.252991883244
    """
    check_names(names, QUARTIC_NAMES)
    phi = resolve(activation)
    variances = checked_variances(q)
    flat = variances.reshape(-1)
    finite = flat < quartic_limit(phi)
    if strict and not finite.all():
        _refuse_growth(phi, float(flat[~finite][0]))
    found = {name: (np.full(flat.shape, np.nan), np.full(flat.shape, np.inf)) for name in names}
    inside, zero = finite & (flat > 0.0), flat == 0.0
    for name, (value, error) in _at_positive(phi, flat[inside], names).items():
        found[name][0][inside], found[name][1][inside] = value, error
    if zero.any():
        for name, limit in _at_zero(phi, names).items():
            found[name][0][zero] = limit
            found[name][1][zero] = np.inf if np.isnan(limit) else 0.0 if np.isinf(limit) else 8.0 * EPS * limit
    _check(phi, flat, found, strict)
    return {name: Estimate(v.reshape(variances.shape), e.reshape(variances.shape)) for name, (v, e) in found.items()}


def quartic_limit(phi: Activation) -> float:
    """The variance from which on E[phi^4] is infinite: 1/(8a) where phi grows like exp(a x^2), else infinity."""
    return 0.5 * phi.growth.q_max


def _refuse_growth(phi: Activation, q: float) -> None:
    bound = quartic_limit(phi)
    which = f"finite only for q < 1/(8 a) = {bound:.12g}" if bound > 0.0 else "infinite for every q > 0"
    raise NotPermissibleError(
        f"{phi.name} grows like exp(a x^2) or faster: E[phi(sqrt(q) Z)^4] is {which}; got q = {q:g}, use a smaller one"
    )


def _check(phi: Activation, q: FloatArray, found: _Parts, strict: bool) -> None:
    """Refuse, or mark with NaN, what could not be computed. An infinite value without error is an answer."""
    for name, (value, error) in found.items():
        useless = ~(error < np.inf)
        if strict and useless.any():
            raise AccuracyError(
                f"E of {name} of {phi.name} cannot be computed at q = {q[useless][0]:g}: the integrand overflows "
                "double precision, has a singularity that is not integrable, or oscillates too fast; use another q"
            )
        value[useless], error[useless] = np.nan, np.inf


def _at_positive(phi: Activation, q: FloatArray, names: tuple[str, ...]) -> _Parts:
    """The expectations at q > 0; what is useless has an infinite error."""
    if phi.is_positively_homogeneous:
        return _homogeneous(phi, q, names)
    parts = _integrals(phi, q, set().union(*(_NEEDS[name] for name in names)))
    if "Var phi^2" in names:
        parts["Var phi^2"] = _variance(parts)
    if phi.smoothness is Smoothness.JUMP:
        infinite = np.full(q.shape, np.inf), np.zeros(q.shape)
        parts |= {"phi^2 dphi^2": infinite, "dphi^4": infinite}
    return {name: parts[name] for name in names}


@cached()
def _octaves(phi: Activation) -> Octaves:
    radius = resolved_radius(phi)
    return Octaves(phi, partial(_rows, phi, radius), radius)


def _integrals(phi: Activation, q: FloatArray, rows: set[str]) -> _Parts:
    names = [row for row in _ROWS if row in rows]
    with np.errstate(over="ignore", invalid="ignore"):
        values, errors = _octaves(phi)(q, np.array([_ROWS.index(name) for name in names]))
    out = {}
    for name, value, error in zip(names, values, errors, strict=True):
        known = (error <= _USELESS * np.abs(value) + _FLOOR) if name not in _SIGNED else error < np.inf
        out[name] = value, np.where(known & np.isfinite(value), error, np.inf)
    return out


def _rows(phi: Activation, radius: float, x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Every row at x and bounds on the errors, both (K, n); not finite where phi overflows."""
    bounds = phi.errors(x)
    values = np.stack([phi.phi(x), phi.dphi(x), phi.ddphi(x)])
    rest = remainder(phi, radius, x, values, bounds)
    f, df = np.abs(values[:2])
    f_error, df_error = bounds[:2]
    left, right = phi.at_zero.left[0], phi.at_zero.right[0]
    offset = np.where(x > 0.0, 0.0, left - right)  # so that phi - b holds on the left of a jump at zero too
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        above, total = rest.h + rest.r + offset, values[0] + right
        u = above * total
        u_error = np.abs(total) * (rest.r_error + 4.0 * EPS * (np.abs(rest.h) + np.abs(above)))
        u_error += np.abs(above) * (f_error + 2.0 * EPS * np.abs(total))
        product, product_error = f * df, f * df_error + df * f_error
        rows = np.stack([f**4, product**2, df**4, u**2, f**2, u])
        errors = np.stack(
            [
                4.0 * f**3 * f_error,
                2.0 * product * product_error,
                4.0 * df**3 * df_error,
                2.0 * np.abs(u) * u_error,
                2.0 * f * f_error,
                u_error,
            ]
        )
    return rows, errors


def _variance(parts: _Parts) -> tuple[FloatArray, FloatArray]:
    """That of u and that of phi^2 are the same: whichever knows more digits."""
    (value, error), (other, other_error) = (
        _second_cumulant(parts[square], parts[mean]) for square, mean in (("u^2", "u"), ("phi^4", "phi^2"))
    )
    first = error <= other_error
    return np.where(first, value, other), np.where(first, error, other_error)


def _second_cumulant(
    square: tuple[FloatArray, FloatArray], mean: tuple[FloatArray, FloatArray]
) -> tuple[FloatArray, FloatArray]:
    """E[u^2] - E[u]^2."""
    with np.errstate(over="ignore", invalid="ignore"):
        value = np.maximum(square[0] - mean[0] ** 2, 0.0)
        return value, square[1] + 2.0 * np.abs(mean[0]) * mean[1] + 4.0 * EPS * square[0]


def _homogeneous(phi: Activation, q: FloatArray, names: tuple[str, ...]) -> _Parts:
    """The closed forms for phi(x) = s+ x for x > 0 and s- x for x < 0."""
    left, right = phi.slopes_at_zero
    quartic = 0.5 * (left**4 + right**4)
    factors = {
        "phi^4": (3.0 * quartic, 2),
        "phi^2 dphi^2": (quartic, 1),
        "dphi^4": (quartic, 0),
        "Var phi^2": (3.0 * quartic - phi.kappa**2, 2),
    }
    out = {}
    for name in names:
        factor, power = factors[name]
        with np.errstate(over="ignore", under="ignore"):
            value = factor * q**power
        out[name] = value, 16.0 * EPS * value + _FLOOR
    return out


def _at_zero(phi: Activation, names: tuple[str, ...]) -> dict[str, float]:
    """The limits q -> 0: averages of the one-sided limits at 0. NaN where 0 times an infinite slope is not known."""
    sides = phi.at_zero.left, phi.at_zero.right
    jumps = phi.smoothness is Smoothness.JUMP
    limits = {
        "phi^4": 0.5 * sum(f**4 for f, _, _ in sides),
        "phi^2 dphi^2": np.inf if jumps else 0.5 * sum((f * df) ** 2 for f, df, _ in sides),
        "dphi^4": np.inf if jumps else 0.5 * sum(df**4 for _, df, _ in sides),
        "Var phi^2": 0.25 * (sides[1][0] ** 2 - sides[0][0] ** 2) ** 2,
    }
    return {name: limits[name] for name in names}
