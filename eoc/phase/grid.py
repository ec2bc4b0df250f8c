"""The numbers behind a phase diagram: for arrays of places what :func:`eoc.phases` says of one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eoc.activations.base import Activation, Smoothness
from eoc.errors import EocError
from eoc.floats import EPS, FloatArray
from eoc.gaussian.moments import Estimate, moments
from eoc.layers import Network
from eoc.maps import CorrelationMap
from eoc.maps.variance_fixed_points import with_errors
from eoc.maps.variance_layer import VarianceLayer
from eoc.phase.blocks import settled_blocks, vanishing_blocks
from eoc.phase.correlations import Maps, correlations
from eoc.phase.limit_variances import Ends
from eoc.phase.point import phases
from eoc.rates import e_folding

__all__ = ["FIELDS", "PHASES", "Fields", "Places", "at_places"]

Fields = dict[str, FloatArray]

PHASES = ("ordered", "chaotic", "critical", "divergent", "several")
_WITH_ERRORS = ("q", "slope", "chi_1", "c_star", "xi_q", "xi_c", "xi_grad")
#: Every field of a diagram, with bounds on the errors: q and q_error, ...
FIELDS = (*(name + end for name in _WITH_ERRORS for end in ("", "_error")), "one_minus_c_star")

_STEP = 1e-4  # relative step of differences that carry errors of q on
_SIDE = {"ordered": -1, "critical": 0, "chaotic": 1, "divergent": 1}


@dataclass(frozen=True)
class Places:
    """What is known of places (n,).

    Attributes
    ----------
    fields
        Every field by its name.
    side
        The sign of chi_1 - 1; 0 where it cannot be told.
    ends
        The number of variances that inputs may end at.
    problems
        What could not be computed, in words.
    """

    fields: Fields
    side: NDArray[np.int8]
    ends: NDArray[np.int64]
    problems: list[str]


def at_places(network: Network, sigma_w: FloatArray, sigma_b: FloatArray, ends: Ends) -> Places:
    """Every field at places (n,) where variances end as ``ends`` says; unsure ones are looked at one by one."""
    q, sure, phi = ends.q, ~ends.unsure, network.phi
    fields = {name: np.full(q.shape, np.nan) for name in FIELDS}
    out = Places(fields, np.zeros(q.shape, np.int8), ends.count.copy(), [])
    settled, vanish, diverge = sure & (q > 0.0) & np.isfinite(q), sure & (q == 0.0), sure & np.isinf(q)
    unclear = ends.unsure.copy()
    found, side = _diverging(network, sigma_w[diverge])
    _put(out, diverge, found, side)
    if phi is None:
        if settled.any():
            found, side, unclear[settled] = settled_blocks(network, sigma_w[settled], sigma_b[settled], q[settled])
            _put(out, settled, found, side)
        if vanish.any():
            found, side, unclear[vanish] = vanishing_blocks(network, sigma_w[vanish])
            _put(out, vanish, found, side)
    else:
        _put(out, settled, *_settled(phi, sigma_w[settled], sigma_b[settled], q[settled], out.problems))
        _put(out, vanish, *_vanishing(phi, sigma_w[vanish]))
    _look_closer(out, network, sigma_w, sigma_b, unclear)
    return out


def _put(out: Places, where: NDArray[np.bool_], found: Fields, side: FloatArray) -> None:
    out.side[where] = side
    for name, values in found.items():
        out.fields[name][where] = values


def _look_closer(
    out: Places, network: Network, sigma_w: FloatArray, sigma_b: FloatArray, where: NDArray[np.bool_]
) -> None:
    """Fill in some places, each on its own."""
    for i in np.flatnonzero(where):
        try:
            direct = phases(network, float(sigma_w[i]), float(sigma_b[i]))
        except EocError as error:
            out.problems.append(str(error))
            continue
        if not direct:
            out.problems.append(f"no fixed point is found at sigma_w = {sigma_w[i]:g}, sigma_b = {sigma_b[i]:g}")
            continue
        out.ends[i], out.side[i] = len(direct), _SIDE[direct[0].phase]
        for name in FIELDS:
            value = 1.0 - direct[0].c_star if name == "one_minus_c_star" else getattr(direct[0], name)
            out.fields[name][i] = value


def _settled(
    phi: Activation, sigma_w: FloatArray, sigma_b: FloatArray, q: FloatArray, problems: list[str]
) -> tuple[Fields, FloatArray]:
    """Where variances settle at a finite q > 0; the formulas of :class:`eoc.CorrelationMap`, for arrays."""
    if q.size == 0:
        return {}, q
    layer = VarianceLayer(phi, sigma_w, sigma_b)
    slope, q_error = with_errors(layer, q)
    after = layer.F(q)
    relative = after.error / after.value + 6.0 * EPS
    relative += layer.sensitivity(q, slope.value * q / after.value) * q_error / q
    chi_1, excess = _slopes_at_one(phi, sigma_w, sigma_b, q, q_error, relative * after.value / q)
    here = Maps(phi, sigma_w, sigma_b, q, q_error, sigma_w**2 / after.value, relative, chi_1.value, excess)
    fields = {"q": q, "q_error": q_error, "slope": slope.value, "slope_error": slope.error}
    fields |= {"chi_1": chi_1.value, "chi_1_error": chi_1.error}
    fields["xi_q"], fields["xi_q_error"] = e_folding(slope.value, 1.0 - slope.value, slope.error)
    xi_grad = e_folding(chi_1.value, -excess.value, np.where(np.abs(excess.value) < 0.5, excess.error, chi_1.error))
    fields["xi_grad"], fields["xi_grad_error"] = xi_grad
    return fields | correlations(here, xi_grad, problems), np.sign(excess.value)


def _slopes_at_one(
    phi: Activation,
    sigma_w: FloatArray,
    sigma_b: FloatArray,
    q: FloatArray,
    q_error: FloatArray,
    relative: FloatArray,
) -> tuple[Estimate, Estimate]:
    """chi_1 and chi_1 - 1 at fixed points q, the latter 0 where it cannot be told from 0.

    From chi_1 = sigma_w^2 D, or without cancellation from (sigma_w^2 (q D - V) - sigma_b^2)/q, which is the same where
    F(q) = q: whichever knows more digits.
    """
    if phi.smoothness is Smoothness.JUMP:
        infinite = Estimate(np.full(q.shape, np.inf), np.zeros(q.shape))
        return infinite, infinite
    w, b = sigma_w**2, sigma_b**2
    m = moments(phi, np.stack([q, (1.0 + _STEP) * q]), ("D", "gap"))
    d, gap = (Estimate(m[name].value[0], m[name].error[0]) for name in ("D", "gap"))
    slope = w * d.value
    slope_error = w * d.error + (relative + 2.0 * EPS) * slope
    fine, beside = (w * m["gap"].value - b) / (q * np.array([[1.0], [1.0 + _STEP]]))
    fine_error = (w * gap.error + 4.0 * EPS * (w * np.abs(gap.value) + b)) / q
    fine_error += np.abs(beside - fine) / _STEP * q_error / q
    better = fine_error < slope_error
    value, error = np.where(better, fine, slope - 1.0), np.where(better, fine_error, slope_error + EPS)
    value = np.where(np.abs(value) <= error, 0.0, value)
    near = np.abs(value) < 0.5
    slope, slope_error = np.where(near, 1.0 + value, slope), np.where(near, error + EPS, slope_error)
    return Estimate(slope, slope_error), Estimate(value, error)


def _vanishing(phi: Activation, sigma_w: FloatArray) -> tuple[Fields, FloatArray]:
    """Where variances vanish: phi is its tangents at zero, whose correlation map does not depend on sigma_w."""
    if sigma_w.size == 0:
        return {}, sigma_w
    factor = sigma_w**2 * phi.kappa
    rounding = 4.0 * EPS * factor
    fields = {"q": np.zeros(factor.shape), "q_error": np.zeros(factor.shape)}
    for name in ("slope", "chi_1"):
        fields |= {name: factor, name + "_error": rounding}
    for name in ("xi_q", "xi_grad"):
        fields[name], fields[name + "_error"] = e_folding(factor, 1.0 - factor, rounding)
    if phi.kappa > 0.0:
        f = CorrelationMap(phi, phi.kappa**-0.5, 0.0, 0.0)
        xi_c = np.full(factor.shape, np.inf)
        fields |= {"xi_c": xi_c, "xi_c_error": np.zeros(factor.shape)}
        if not f.is_identity:
            end = f.stable_point
            fields |= {"c_star": np.full(factor.shape, end.c), "c_star_error": np.full(factor.shape, end.error)}
            fields["one_minus_c_star"] = np.full(factor.shape, end.one_minus_c)
    return fields, np.sign(factor - 1.0) * (np.abs(factor - 1.0) > rounding)


def _diverging(network: Network, sigma_w: FloatArray) -> tuple[Fields, FloatArray]:
    """Where variances grow without bound: only what F is like at infinity is left."""
    factor = 1.0 + VarianceLayer(network, sigma_w, 0.0).growth_at_infinity()
    xi_grad = e_folding(factor, 1.0 - factor, 4.0 * EPS * factor)[0]
    infinite = np.full(factor.shape, np.inf)
    fields = {"q": infinite, "q_error": np.zeros(factor.shape), "slope": factor, "chi_1": factor, "xi_grad": xi_grad}
    return fields, np.sign(np.nan_to_num(factor - 1.0))
