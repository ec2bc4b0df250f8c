"""The numbers behind a phase diagram: for arrays of places what :func:`eoc.phases` says of one."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eoc.activations.base import Activation, Smoothness
from eoc.errors import EocError
from eoc.gaussian.moments import Estimate, moments
from eoc.gaussian.surface import crossing, levels
from eoc.maps import CorrelationMap, layer
from eoc.maps.correlation_points import FEW, from_zero
from eoc.maps.fixed_points import with_errors
from eoc.phase.ends import Ends
from eoc.phase.point import phases
from eoc.rates import e_folding

__all__ = ["FIELDS", "PHASES", "Fields", "Places", "at_places"]

FloatArray = NDArray[np.float64]
Fields = dict[str, FloatArray]

PHASES = ("ordered", "chaotic", "critical", "divergent", "several")
_WITH_ERRORS = ("q", "slope", "chi_1", "c_star", "xi_q", "xi_c", "xi_grad")
#: Every field of a diagram, with bounds on the errors: q and q_error, ...
FIELDS = (*(name + end for name in _WITH_ERRORS for end in ("", "_error")), "one_minus_c_star")

_EPS = float(np.finfo(float).eps)
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


def at_places(phi: Activation, sigma_w: FloatArray, sigma_b: FloatArray, ends: Ends) -> Places:
    """Every field at places (n,) where variances end as ``ends`` says; unsure ones are looked at one by one."""
    q, sure = ends.q, ~ends.unsure
    fields = {name: np.full(q.shape, np.nan) for name in FIELDS}
    out = Places(fields, np.zeros(q.shape, np.int8), ends.count.copy(), [])
    settled, vanish, diverge = sure & (q > 0.0) & np.isfinite(q), sure & (q == 0.0), sure & np.isinf(q)
    for where, (found, side) in (
        (settled, _settled(phi, sigma_w[settled], sigma_b[settled], q[settled], out.problems)),
        (vanish, _vanishing(phi, sigma_w[vanish])),
        (diverge, _diverging(phi, sigma_w[diverge])),
    ):
        out.side[where] = side
        for name, values in found.items():
            fields[name][where] = values
    for i in np.flatnonzero(ends.unsure):
        direct = phases(phi, float(sigma_w[i]), float(sigma_b[i]))
        if not direct:
            out.problems.append(
                f"where variances end at sigma_w = {sigma_w[i]:g}, sigma_b = {sigma_b[i]:g} is not known"
            )
            continue
        out.ends[i], out.side[i] = len(direct), _SIDE[direct[0].phase]
        for name in FIELDS:
            fields[name][i] = 1.0 - direct[0].c_star if name == "one_minus_c_star" else getattr(direct[0], name)
    return out


def _settled(
    phi: Activation, sigma_w: FloatArray, sigma_b: FloatArray, q: FloatArray, problems: list[str]
) -> tuple[Fields, FloatArray]:
    """Where variances settle at a finite q > 0; the formulas of :class:`eoc.CorrelationMap`, for arrays."""
    if q.size == 0:
        return {}, q
    slope, q_error = with_errors(phi, sigma_w, sigma_b, q)
    after = layer.variance_after(phi, sigma_w, sigma_b, q)
    relative = after.error / after.value + 6.0 * _EPS
    relative += layer.sensitivity(phi, q, slope.value * q / after.value) * q_error / q
    chi_1, excess = _slopes_at_one(phi, sigma_w, sigma_b, q, q_error, relative * after.value / q)
    here = _Maps(phi, sigma_w, sigma_b, q, q_error, sigma_w**2 / after.value, relative, chi_1.value, excess)
    fields = {"q": q, "q_error": q_error, "slope": slope.value, "slope_error": slope.error}
    fields |= {"chi_1": chi_1.value, "chi_1_error": chi_1.error}
    fields["xi_q"], fields["xi_q_error"] = e_folding(slope.value, 1.0 - slope.value, slope.error)
    xi_grad = e_folding(chi_1.value, -excess.value, np.where(np.abs(excess.value) < 0.5, excess.error, chi_1.error))
    fields["xi_grad"], fields["xi_grad_error"] = xi_grad
    return fields | _correlations(here, xi_grad, problems), np.sign(excess.value)


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
    slope_error = w * d.error + (relative + 2.0 * _EPS) * slope
    fine, beside = (w * m["gap"].value - b) / (q * np.array([[1.0], [1.0 + _STEP]]))
    fine_error = (w * gap.error + 4.0 * _EPS * (w * np.abs(gap.value) + b)) / q
    fine_error += np.abs(beside - fine) / _STEP * q_error / q
    better = fine_error < slope_error
    value, error = np.where(better, fine, slope - 1.0), np.where(better, fine_error, slope_error + _EPS)
    value = np.where(np.abs(value) <= error, 0.0, value)
    near = np.abs(value) < 0.5
    slope, slope_error = np.where(near, 1.0 + value, slope), np.where(near, error + _EPS, slope_error)
    return Estimate(slope, slope_error), Estimate(value, error)


@dataclass(frozen=True)
class _Maps:
    """Correlation maps f = offset + gain E[phi(u) phi(v)] at places (n,).

    ``relative`` is the relative error of the gain, ``excess`` chi_1 - 1.
    """

    phi: Activation
    sigma_w: FloatArray
    sigma_b: FloatArray
    q: FloatArray
    q_error: FloatArray
    gain: FloatArray
    relative: FloatArray
    chi_1: FloatArray
    excess: Estimate

    def __getitem__(self, keep: NDArray[np.generic]) -> _Maps:
        excess = Estimate(self.excess.value[keep], self.excess.error[keep])
        names = (field.name for field in dataclasses.fields(self)[1:-1])
        return dataclasses.replace(self, excess=excess, **{name: getattr(self, name)[keep] for name in names})

    @property
    def jumps(self) -> bool:
        return self.phi.smoothness is Smoothness.JUMP

    @property
    def is_odd(self) -> NDArray[np.bool_]:
        return (self.sigma_b == 0.0) & (self.phi.parity == "odd")

    @property
    def at_zero(self) -> tuple[FloatArray, FloatArray]:
        """f(0) to full relative precision, and bounds on its errors."""
        mean = moments(self.phi, self.q, ("M",))["M"]
        value = self.gain * ((self.sigma_b / self.sigma_w) ** 2 + mean.value**2)
        off = self.gain * (2.0 * np.abs(mean.value) + mean.error) * mean.error
        return value, off + self.relative * value

    def slope(self, c: FloatArray) -> Estimate:
        """The slope f' at correlations in [0, 1), (n, m)."""
        found = levels(self.phi, self.q, 2.0 * np.arcsin(np.sqrt(0.5 * (1.0 - c))))
        gain, relative = self.gain[:, None], self.relative[:, None]
        if self.jumps:
            value = gain * (1.0 - found.rise / found.level) / found.level
            lost = (found.level_error + found.rise_error) / found.level
            return Estimate(value, gain / found.level * 3.0 * lost + relative * np.abs(value))
        scale = gain * self.q[:, None]
        value = self.chi_1[:, None] - scale * (found.level + found.rise)
        error = scale * (found.level_error + found.rise_error) + relative * scale * (found.level + found.rise)
        return Estimate(value, error + self.excess.error[:, None] + _EPS * self.chi_1[:, None])


def _correlations(here: _Maps, at_one: tuple[FloatArray, FloatArray], problems: list[str]) -> Fields:
    """c* and xi_c, which is that of c = 1 in the ordered phase; NaN in an octave where they cannot be computed."""
    ones = np.ones(here.q.shape)
    found = {"c_star": ones, "c_star_error": 0.0 * ones, "one_minus_c_star": 0.0 * ones}
    found |= dict(zip(("xi_c", "xi_c_error"), (part.copy() for part in at_one), strict=True))
    chaotic, unclear, octave = here.excess.value > 0.0, here.excess.value == 0.0, np.frexp(here.q)[1] // 2
    for one in np.unique(octave[chaotic | unclear]):
        for compute, chosen in ((_interior, chaotic), (_perhaps_interior, unclear)):
            part = np.flatnonzero(chosen & (octave == one))
            if part.size == 0:
                continue
            try:
                values = compute(here[part])
            except EocError as error:
                problems.append(str(error))
                values = (np.full(part.shape, np.nan),) * len(found)
            for field, value in zip(found.values(), values, strict=True):
                field[part] = value
    if np.isnan(found["c_star"]).any() and not problems:
        problems.append(f"too many digits cancel where chi_1 is as large as {here.chi_1.max():.3g}")
    return found


def _perhaps_interior(f: _Maps) -> tuple[FloatArray, ...]:
    """Where chi_1 cannot be told from 1: c* = 1 and xi_c = inf; c* as far off as it is if chi_1 is above."""
    zero = np.zeros(f.q.shape)
    at = crossing(f.phi, f.q, f.excess.error / (f.gain * f.q), zero)
    off = np.where(f.is_odd, 1.0, 2.0 * np.sin(0.5 * at.theta) ** 2)
    return 1.0 + zero, off, zero, zero + np.inf, zero + np.inf


def _interior(f: _Maps) -> tuple[FloatArray, ...]:
    """In the chaotic phase: c* < 1 and its error, 1 - c*, xi_c and its error."""
    scale = f.gain if f.jumps else f.gain * f.q
    target = scale if f.jumps else f.excess.value / scale
    target_error = target * f.relative + (0.0 if f.jumps else f.excess.error / scale)
    target, target_error = np.where(f.is_odd, np.inf, target), np.where(f.is_odd, 0.0, target_error)  # f(0) = 0
    at = crossing(f.phi, f.q, target, target_error)
    beside = _beside(f.q)
    other = levels(f.phi, beside, at.theta[:, None])
    moved = f.q_error / np.abs(beside - f.q)  # by this part of the step the right q may be off
    at = crossing(f.phi, f.q, target, target_error + moved * np.abs(other.level[:, 0] - at.level))
    factor = 1.0 / at.level if f.jumps else scale
    drop = factor * at.rise
    drop_error = factor * (at.rise_error + moved * np.abs(other.rise[:, 0] - at.rise))
    drop_error += (f.relative + 8.0 * _EPS) * np.abs(drop)
    e = np.where(f.is_odd, 1.0, 2.0 * np.sin(0.5 * at.theta) ** 2)
    c, c_error = np.maximum(1.0 - e, 0.0), e * at.relative_error
    small = (c < FEW) & ~f.is_odd
    if small.any():
        part = f[small]
        found = from_zero(part.slope, c[small], c_error[small], *part.at_zero)
        c[small], c_error[small] = found.value, found.error
    xi_c, xi_c_error = e_folding(1.0 - drop, drop, drop_error)
    known = (c_error < 1.0) & (drop_error < drop)
    return tuple(np.where(known, part, np.nan) for part in (c, c_error, e, xi_c, xi_c_error))


def _beside(q: FloatArray) -> FloatArray:
    """Variances next to q, in the same octave of sqrt(q)."""
    above = (1.0 + _STEP) * q
    return np.where((np.frexp(above)[1] - 1) // 2 == (np.frexp(q)[1] - 1) // 2, above, (1.0 - _STEP) * q)


def _vanishing(phi: Activation, sigma_w: FloatArray) -> tuple[Fields, FloatArray]:
    """Where variances vanish: phi is its tangents at zero, whose correlation map does not depend on sigma_w."""
    if sigma_w.size == 0:
        return {}, sigma_w
    factor = sigma_w**2 * phi.kappa
    rounding = 4.0 * _EPS * factor
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


def _diverging(phi: Activation, sigma_w: FloatArray) -> tuple[Fields, FloatArray]:
    """Where variances grow without bound: only what F is like at infinity is left."""
    factor = 1.0 + layer.growth_at_infinity(phi, sigma_w)
    xi_grad = e_folding(factor, 1.0 - factor, 4.0 * _EPS * factor)[0]
    infinite = np.full(factor.shape, np.inf)
    fields = {"q": infinite, "q_error": np.zeros(factor.shape), "slope": factor, "chi_1": factor, "xi_grad": xi_grad}
    return fields, np.sign(factor - 1.0)
