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
afterwards (:mod:`eoc.gaussian.angular`). At two different variances some few pairs are integrated one by one
(:mod:`eoc.gaussian.unequal`), more of them come from tables (:mod:`eoc.gaussian.pairs`).

Poole et al. (2016) for the maps; closed forms to compare with in Cho & Saul (2009) and Williams (1997).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from eoc.activations import activation as resolve
from eoc.activations.base import Activation
from eoc.errors import EocError
from eoc.floats import FloatArray
from eoc.gaussian.angle import angle_of
from eoc.gaussian.angular import Angular, angular
from eoc.gaussian.common import Common, suits
from eoc.gaussian.integrands import integrals
from eoc.gaussian.moments import Estimate, check_names, checked_variances
from eoc.gaussian.pairs import NAMES, pair_moments
from eoc.gaussian.unequal import by_plane, in_closed_form

__all__ = ["NAMES", "bivariate"]

_Pair = tuple[float, float]

_NOISY = 1e-13  # relative error of E[phi''^2]
_FLOOR = 1e-290  # of an E[phi''^2] that is 0: of straight lines nothing but kinks is left
# q E[phi'^2] in units of E[phi^2]: digits that G as a difference of two multiples of the former would lose.
_STEEP = 8.0
_FEW = 12  # pairs of different variances that are not worth tables


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
    q and q_b differ, for more than 12 pairs 1e-12 relative for G, as of :func:`eoc.gaussian.pairs.pair_moments`; of
    fewer the digits of G below the rounding of u and v are lost, and the bound on the error says how many.

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
    if not equal.all():
        apart = _at_unequal(phi, first[~equal], second[~equal], e[~equal], names)
        for name, estimate in found.items():
            estimate.value[~equal], estimate.error[~equal] = apart[name]
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


def _at_unequal(
    phi: Activation, first: FloatArray, second: FloatArray, e: FloatArray, names: tuple[str, ...]
) -> dict[str, tuple[FloatArray, FloatArray]]:
    """The expectations at pairs (n,) of different variances, and bounds on the errors."""
    if e.size > _FEW or in_closed_form(phi, names, first[:1], second[:1], e[:1]) is not None:
        q, index = np.unique(np.concatenate([first, second]), return_inverse=True)
        found = pair_moments(phi, q, index[: e.size], index[e.size :], one_minus_c=e, names=names)
        return {name: (estimate.value, estimate.error) for name, estimate in found.items()}
    pairs = list(zip(first.tolist(), second.tolist(), e.tolist(), strict=True))
    columns = {name: np.array([by_plane(phi, name, *pair) for pair in pairs]).T for name in names}
    return {name: (value, error) for name, (value, error) in columns.items()}
