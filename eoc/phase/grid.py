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
from eoc.phase.point import phases
from eoc.rates import e_folding

__all__ = ["FIELDS", "PHASES", "Fields", "at_places"]

FloatArray = NDArray[np.float64]
Fields = dict[str, FloatArray]

PHASES = ("ordered", "chaotic", "critical", "divergent", "several")
_WITH_ERRORS = ("q", "slope", "chi_1", "c_star", "xi_q", "xi_c", "xi_grad")
#: Every field of a diagram, with bounds on the errors: q and q_error, ...
FIELDS = (*(name + end for name in _WITH_ERRORS for end in ("", "_error")), "one_minus_c_star")

_EPS = float(np.finfo(float).eps)


def at_places(
    phi: Activation, sigma_w: FloatArray, sigma_b: FloatArray, q: FloatArray, unsure: NDArray[np.bool_]
) -> tuple[Fields, list[str]]:
    """Every field at places (n,) where variances end at q, and what could not be computed, in words.

    ``unsure`` marks places that are looked at one by one.
    """
    fields = {name: np.full(q.shape, np.nan) for name in FIELDS}
    problems: list[str] = []
    settled, vanish, diverge = ~unsure & (q > 0.0) & np.isfinite(q), ~unsure & (q == 0.0), ~unsure & np.isinf(q)
    for where, found in (
        (settled, _settled(phi, sigma_w[settled], sigma_b[settled], q[settled], problems)),
        (vanish, _vanishing(phi, sigma_w[vanish])),
        (diverge, _diverging(phi, sigma_w[diverge])),
    ):
        for name, values in found.items():
            fields[name][where] = values
    for i in np.flatnonzero(unsure):
        one = phases(phi, float(sigma_w[i]), float(sigma_b[i]))[0]
        for name in FIELDS:
            fields[name][i] = 1.0 - one.c_star if name == "one_minus_c_star" else getattr(one, name)
    return fields, problems


def _settled(phi: Activation, sigma_w: FloatArray, sigma_b: FloatArray, q: FloatArray, problems: list[str]) -> Fields:
    """Where variances settle at a finite q > 0; the formulas of :class:`eoc.CorrelationMap`, for arrays."""
    if q.size == 0:
        return {}
    slope, q_error = with_errors(phi, sigma_w, sigma_b, q)
    after = layer.variance_after(phi, sigma_w, sigma_b, q)
    kept = q / after.value
    relative = after.error / after.value + 6.0 * _EPS
    relative += layer.sensitivity(phi, q, slope.value * kept) * q_error / q
    jumps = phi.smoothness is Smoothness.JUMP
    chi_1, chi_error = np.full(q.shape, np.inf), np.zeros(q.shape)
    if not jumps:
        d = moments(phi, q, ("D",))["D"]
        chi_1 = sigma_w**2 * d.value * kept
        with np.errstate(invalid="ignore"):
            chi_error = np.where(d.value > 0.0, chi_1 * (relative + d.error / d.value), 0.0)
        chi_1 = np.where(np.abs(chi_1 - 1.0) <= chi_error + 4.0 * _EPS, 1.0, chi_1)
    fields = {"q": q, "q_error": q_error, "slope": slope.value, "slope_error": slope.error}
    fields |= {"chi_1": chi_1, "chi_1_error": chi_error}
    fields["xi_q"], fields["xi_q_error"] = e_folding(1.0 - slope.value, slope.error)
    marginal = np.abs(np.abs(slope.value) - 1.0) <= slope.error
    fields["xi_q"] = np.where(marginal, np.inf, fields["xi_q"])
    fields["xi_q_error"] = np.where(marginal, np.inf, fields["xi_q_error"])
    fields["xi_grad"], fields["xi_grad_error"] = e_folding(1.0 - chi_1, np.where(chi_1 == 1.0, 0.0, chi_error))
    here = _Maps(phi, sigma_w, sigma_b, q, sigma_w**2 / after.value, relative, chi_1, chi_error)
    return fields | _correlations(here, problems)


@dataclass(frozen=True)
class _Maps:
    """Correlation maps f = offset + gain E[phi(u) phi(v)] at places (n,); ``relative`` is the error of the gain."""

    phi: Activation
    sigma_w: FloatArray
    sigma_b: FloatArray
    q: FloatArray
    gain: FloatArray
    relative: FloatArray
    chi_1: FloatArray
    chi_error: FloatArray

    def __getitem__(self, keep: NDArray[np.generic]) -> _Maps:
        arrays = (getattr(self, field.name)[keep] for field in dataclasses.fields(self)[1:])
        return _Maps(self.phi, *arrays)

    @property
    def jumps(self) -> bool:
        return self.phi.smoothness is Smoothness.JUMP

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
        return Estimate(value, error + self.chi_error[:, None])


def _correlations(here: _Maps, problems: list[str]) -> Fields:
    """c* and xi_c; NaN in an octave of sqrt(q) where they cannot be computed."""
    ones = np.ones(here.q.shape)
    found = {"c_star": ones, "c_star_error": 0.0 * ones, "one_minus_c_star": 0.0 * ones}
    drop, drop_error = 1.0 - here.chi_1, np.where(here.chi_1 == 1.0, 0.0, here.chi_error)  # 1 - f'(c*)
    chaotic, octave = here.chi_1 > 1.0, np.frexp(here.q)[1] // 2
    for one in np.unique(octave[chaotic]):
        part = np.flatnonzero(chaotic & (octave == one))
        try:
            *values, drop[part], drop_error[part] = _interior(here[part])
        except EocError as error:
            problems.append(str(error))
            values = [np.full(part.shape, np.nan)] * len(found)
            drop[part] = drop_error[part] = np.nan
        for field, value in zip(found.values(), values, strict=True):
            field[part] = value
    xi_c, xi_c_error = e_folding(drop, drop_error)
    return found | {"xi_c": xi_c, "xi_c_error": xi_c_error}


def _interior(f: _Maps) -> tuple[FloatArray, ...]:
    """In the chaotic phase: c* < 1 and its error, 1 - c*, 1 - f'(c*) and its error."""
    scale = f.gain if f.jumps else f.gain * f.q
    target = scale if f.jumps else (f.chi_1 - 1.0) / scale
    target_error = target * f.relative + (0.0 if f.jumps else f.chi_error / scale)
    if f.phi.parity == "odd":  # f(0) = 0 exactly without bias
        target, target_error = np.where(f.sigma_b == 0.0, np.inf, target), np.where(f.sigma_b == 0.0, 0.0, target_error)
    at = crossing(f.phi, f.q, target, target_error)
    factor = 1.0 / at.level if f.jumps else scale
    drop = factor * at.rise
    drop_error = factor * at.rise_error + (f.relative + 8.0 * _EPS) * np.abs(drop)
    e = 2.0 * np.sin(0.5 * at.theta) ** 2
    c, c_error = 1.0 - e, e * at.relative_error
    small = c < FEW
    if small.any():
        part = f[small]
        found = from_zero(part.slope, c[small], c_error[small], *part.at_zero)
        c[small], c_error[small] = found.value, found.error
    return c, c_error, e, drop, drop_error


def _vanishing(phi: Activation, sigma_w: FloatArray) -> Fields:
    """Where variances vanish: phi is its tangents at zero, whose correlation map does not depend on sigma_w."""
    if sigma_w.size == 0:
        return {}
    factor = sigma_w**2 * phi.kappa
    rounding = 4.0 * _EPS * factor
    fields = {"q": np.zeros(factor.shape), "q_error": np.zeros(factor.shape)}
    for name in ("slope", "chi_1"):
        fields |= {name: factor, name + "_error": rounding}
    for name in ("xi_q", "xi_grad"):
        fields[name], fields[name + "_error"] = e_folding(1.0 - factor, rounding)
    if phi.kappa > 0.0:
        f = CorrelationMap(phi, phi.kappa**-0.5, 0.0, 0.0)
        xi_c = np.full(factor.shape, np.inf)
        fields |= {"xi_c": xi_c, "xi_c_error": np.zeros(factor.shape)}
        if not f.is_identity:
            end = f.stable_point
            fields |= {"c_star": np.full(factor.shape, end.c), "c_star_error": np.full(factor.shape, end.error)}
            fields["one_minus_c_star"] = np.full(factor.shape, end.one_minus_c)
    return fields


def _diverging(phi: Activation, sigma_w: FloatArray) -> Fields:
    """Where variances grow without bound: only what F is like at infinity is left."""
    factor = 1.0 + layer.growth_at_infinity(phi, sigma_w)
    xi_grad = e_folding(1.0 - factor, 4.0 * _EPS * factor)[0]
    infinite = np.full(factor.shape, np.inf)
    return {"q": infinite, "q_error": np.zeros(factor.shape), "slope": factor, "chi_1": factor, "xi_grad": xi_grad}
