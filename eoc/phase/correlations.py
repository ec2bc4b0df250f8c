"""Where correlations end, and how fast, for arrays of places: c* and xi_c of all of them at once."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eoc.activations.base import Activation, Smoothness
from eoc.errors import EocError
from eoc.floats import EPS, FloatArray
from eoc.gaussian.moments import Estimate, moments
from eoc.gaussian.surface import crossing, levels, octave_of
from eoc.maps.correlation_fixed_points import FEW, from_zero
from eoc.rates import e_folding

__all__ = ["Maps", "correlations"]

_STEP = 1e-4  # relative step of the differences that carry errors of q on


@dataclass(frozen=True)
class Maps:
    """Correlation maps f = offset + gain E[phi(u) phi(v)] at places (n,) where q is kept.

    Attributes
    ----------
    phi, sigma_w, sigma_b, q, q_error
        The activation, the places, and the variance that is kept there.
    gain, relative
        sigma_w^2 / F(q), and a bound on its relative error.
    chi_1, excess
        f'(1), and f'(1) - 1 with its own digits and error: 0 where it cannot be told from 0.
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

    def __getitem__(self, keep: NDArray[np.generic]) -> Maps:
        excess = Estimate(self.excess.value[keep], self.excess.error[keep])
        names = (field.name for field in dataclasses.fields(self)[1:-1])
        return dataclasses.replace(self, excess=excess, **{name: getattr(self, name)[keep] for name in names})

    @property
    def jumps(self) -> bool:
        """Whether chi_1 is infinite."""
        return self.phi.smoothness is Smoothness.JUMP

    @property
    def is_odd(self) -> NDArray[np.bool_]:
        """Where f(-c) = -f(c), so that f(0) = 0 exactly."""
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
        return Estimate(value, error + self.excess.error[:, None] + EPS * self.chi_1[:, None])


def correlations(here: Maps, at_one: tuple[FloatArray, FloatArray], problems: list[str]) -> dict[str, FloatArray]:
    """c* and xi_c, which is that of c = 1 in the ordered phase; NaN in an octave where they cannot be computed."""
    ones = np.ones(here.q.shape)
    found = {"c_star": ones, "c_star_error": 0.0 * ones, "one_minus_c_star": 0.0 * ones}
    found |= dict(zip(("xi_c", "xi_c_error"), (part.copy() for part in at_one), strict=True))
    chaotic, unclear, octave = here.excess.value > 0.0, here.excess.value == 0.0, octave_of(here.q)
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


def _perhaps_interior(f: Maps) -> tuple[FloatArray, ...]:
    """Where chi_1 cannot be told from 1: c* = 1 and xi_c = inf; c* as far off as it is if chi_1 is above."""
    zero = np.zeros(f.q.shape)
    at = crossing(f.phi, f.q, f.excess.error / (f.gain * f.q), zero)
    off = np.where(f.is_odd, 1.0, 2.0 * np.sin(0.5 * at.theta) ** 2)
    return 1.0 + zero, off, zero, zero + np.inf, zero + np.inf


def _interior(f: Maps) -> tuple[FloatArray, ...]:
    """In the chaotic phase: c* < 1 and its error, 1 - c*, xi_c and its error."""
    scale = f.gain if f.jumps else f.gain * f.q
    target = scale if f.jumps else f.excess.value / scale
    target_error = target * f.relative + (0.0 if f.jumps else f.excess.error / scale)
    target, target_error = np.where(f.is_odd, np.inf, target), np.where(f.is_odd, 0.0, target_error)  # f(0) = 0
    at = crossing(f.phi, f.q, target, target_error)
    beside = _beside(f.q)
    other = levels(f.phi, beside, at.theta[:, None])
    moved = f.q_error / np.abs(beside - f.q)  # by this part of the step the right q may be off
    with np.errstate(divide="ignore", invalid="ignore"):  # a rise that is lost in rounding makes c* unknown
        shift = moved * np.abs(other.level[:, 0] - at.level) / at.rise
    off = at.relative_error + shift
    rise_error = at.rise_error + moved * np.abs(other.rise[:, 0] - at.rise) + shift * at.bend
    factor = 1.0 / at.level if f.jumps else scale
    drop = factor * at.rise
    drop_error = factor * rise_error + (f.relative + 8.0 * EPS) * np.abs(drop)
    e = np.where(f.is_odd, 1.0, 2.0 * np.sin(0.5 * at.theta) ** 2)
    c, c_error = np.maximum(1.0 - e, 0.0), np.where(f.is_odd, 0.0, e * off)
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
    return np.where(octave_of(above) == octave_of(q), above, (1.0 - _STEP) * q)
