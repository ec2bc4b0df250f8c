r"""The law of squared slopes w = phi'(X)^2, X ~ N(0, q), and its transform, by which spectra of Jacobians are computed.

With w~ = w / E[w] (a number close to the mean does as well) and s = w~ u,

.. math:: 1 + \psi(u) = E\Big[\frac{1}{1 - s}\Big], \qquad \psi(u) = E\Big[\frac{s}{1 - s}\Big], \qquad
          \frac{d\psi}{d\log u} = E\Big[\frac{s}{(1 - s)^2}\Big], \qquad
          \frac{d^2\psi}{d(\log u)^2} = E\Big[\frac{s (1 + s)}{(1 - s)^3}\Big].

Of a piecewise linear phi the law is a few levels with their probabilities, and these are sums; otherwise quadrature on
panels (:mod:`eoc.gaussian.panels`), made for the u that are asked for, so that errors are bounded however close 1/u is
to the slopes. What an error of q changes is taken from dE[g]/dq = E[g (X^2/q - 1)] / (2 q).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from eoc.activations.base import Activation, Smoothness
from eoc.errors import AccuracyError, EocError, UnsupportedError
from eoc.floats import EPS, FloatArray
from eoc.gaussian.divergence import vertical
from eoc.gaussian.moments import moments
from eoc.gaussian.panels import Integrands, Table, integrate_table, tabulate
from eoc.gaussian.tangent import resolved_radius
from eoc.jacobians.steepest import flat_slopes, largest_square
from eoc.sharing import cached_property

__all__ = ["ComplexArray", "SlopeLaw", "slope_law"]

ComplexArray = NDArray[np.complex128]

_MOST_U = 8  # in one quadrature
_PROBES = np.array([-0.1, -1.0, -10.0, -1e3, -0.3j, -1j, -3j, 0.5 - 0.1j, 1.0 - 0.2j, 3.0 - 0.6j, 30.0 - 10j])
_AT_ONCE = 2**17  # slopes times u
_USELESS = 1e-6


@dataclass(frozen=True, eq=False)
class SlopeLaw:
    """The law of w = phi'(X)^2, divided by its mean.

    Attributes
    ----------
    phi, q, q_error
        The activation, and the variance of X with a bound on its error.
    mean, mean_error
        E[w], by which w is divided in all that follows.
    levels, masses, mass_errors
        Values that have probabilities, in increasing order, and these.
    is_discrete
        Whether there are no others: phi is piecewise linear.
    largest
        The supremum; infinite where slopes are not bounded.
    central, central_error
        E[(w - 1)^k], k = 2, 3, 4, and bounds on their errors; infinite where they do not exist.
    """

    phi: Activation
    q: float
    q_error: float
    mean: float
    mean_error: float
    levels: FloatArray
    masses: FloatArray
    mass_errors: FloatArray
    is_discrete: bool
    largest: float
    central: FloatArray
    central_error: FloatArray

    def mass_at(self, level: float) -> tuple[float, float]:
        """The probability of a value, and a bound on its error."""
        at = np.flatnonzero(self.levels == level)
        return (float(self.masses[at[0]]), float(self.mass_errors[at[0]])) if at.size else (0.0, 0.0)

    def transform(self, u: ComplexArray) -> tuple[ComplexArray, FloatArray]:
        """1 + psi, psi and its two derivatives in log u, (4, n) for u (n,) off inverse slopes, and bounds on errors."""
        if self.is_discrete:
            return self._summed(u)
        parts = [self._integrated(u[i : i + _MOST_U]) for i in range(0, u.size, _MOST_U)]
        return np.concatenate([p for p, _ in parts], axis=1), np.concatenate([e for _, e in parts], axis=1)

    def rough(self, u: ComplexArray) -> ComplexArray:
        """1 + psi, psi and its first derivative, (3, n), without bounds: with the same slopes for all u."""
        levels, masses = (self.levels, self.masses) if self.is_discrete else self._nodes
        out = np.empty((3, u.size), complex)
        block = max(1, _AT_ONCE // levels.size)
        for start in range(0, u.size, block):
            part = u[start : start + block]
            rest = 1.0 / (1.0 - part[:, None] * levels)
            weights = masses * levels
            square = (rest * rest) @ weights
            out[:, start : start + block] = rest @ masses, rest @ weights * part, square * part
        return out

    @cached_property
    def _nodes(self) -> tuple[FloatArray, FloatArray]:
        """Slopes with weights that are good for probable u."""

        def integrands(x: FloatArray) -> tuple[FloatArray, FloatArray]:
            w, w_error = _squares(self.phi, x, self.mean)
            rows = _fractions(w * _PROBES[:, None])[0][2]
            return np.concatenate([w[None], rows.real, rows.imag]), np.zeros((1 + 2 * _PROBES.size, x.size)) + w_error

        table = _table(self.phi, self.q, integrands)
        masses = table.weights * np.exp(-0.5 * table.x_squared / self.q) / np.sqrt(2.0 * np.pi * self.q)
        kept = masses > 1e-18
        return table.values[0, kept], masses[kept]

    def _summed(self, u: ComplexArray) -> tuple[ComplexArray, FloatArray]:
        rows, steep = _fractions(self.levels[:, None] * u)
        size = np.abs(rows)
        off = self.mass_errors[:, None] * size + self.masses[:, None] * (8.0 * EPS * size + 4.0 * EPS * steep)
        return np.einsum("j,kjn->kn", self.masses, rows), off.sum(axis=1)

    def _integrated(self, u: ComplexArray) -> tuple[ComplexArray, FloatArray]:
        def integrands(x: FloatArray) -> tuple[FloatArray, FloatArray]:
            w, w_error = _squares(self.phi, x, self.mean)
            rows, steep = _fractions(w * u[:, None])
            with np.errstate(invalid="ignore", divide="ignore"):
                spread = steep * np.where(w > 0.0, w_error / w + 2.0 * EPS, 0.0) + 4.0 * EPS * np.abs(rows)
            squared, more = (part[1] * (x**2 / self.q) for part in (rows, spread))
            both = np.concatenate([*rows, squared])
            off = np.concatenate([*spread, more])
            return np.concatenate([both.real, both.imag]), np.concatenate([off, off])

        value, error, _ = integrate_table(_table(self.phi, self.q, integrands), np.array([self.q]))
        parts, off = value[0].reshape(2, 5, u.size), error[0].reshape(2, 5, u.size).sum(axis=0)
        rows = parts[0] + 1j * parts[1]
        moved = 0.5 * self.q_error / self.q * np.abs(rows[4] - rows[1])
        return rows[:4], off[:4] + moved


def _fractions(s: ComplexArray) -> tuple[ComplexArray, FloatArray]:
    """1/(1 - s), s/(1 - s), s/(1 - s)^2, s (1 + s)/(1 - s)^3, and changes by a relative change of s; (4, ...)."""
    rest = 1.0 / (1.0 - s)
    first = s * rest
    second, third = first * rest, first * (1.0 + s) * rest**2
    fourth = first * (1.0 + 4.0 * s + s * s) * rest**3
    return np.stack([rest, first, second, third]), np.abs(np.stack([second, second, third, fourth]))


def _squares(phi: Activation, x: FloatArray, mean: float) -> tuple[FloatArray, FloatArray]:
    slope, error = phi.derivative(1, x)
    return slope**2 / mean, (2.0 * np.abs(slope) + error) * error / mean + 2.0 * EPS * slope**2 / mean


def _table(phi: Activation, q: float, integrands: Integrands) -> Table:
    radius = resolved_radius(phi)
    graded = radius * 2.0 ** np.arange(64.0 if radius > 0.0 else 0.0)
    width = np.array([np.sqrt(q)])
    edges = np.concatenate([phi.knots, graded[graded < 64.0 * width], -graded[graded < 64.0 * width]])
    half, roots = phi.parity is not None, vertical(phi)
    return tabulate(integrands, np.unique(edges), width, half_line=half, roots=roots, name=phi.name)


def slope_law(phi: Activation, q: float, q_error: float = 0.0) -> SlopeLaw:
    """The law of phi'(X)^2 for X ~ N(0, q), q > 0.

    Raises
    ------
    UnsupportedError
        If phi jumps.
    EocError
        If phi is flat wherever signals come, or q = 0.

    Examples
    --------
    >>> from eoc.activations import activation
    >>> law = slope_law(activation("hardtanh"), 0.2)
    >>> round(law.mean, 12), law.levels.round(6).tolist(), law.is_discrete  # erf(1/sqrt(2 q))
    (0.974652681323, [0.0, 1.026007], True)
    """
    if phi.smoothness is Smoothness.JUMP:
        raise UnsupportedError(
            f"{phi.name} jumps: gradients through it do not exist, and its Jacobian has no spectrum; give the function "
            "whose slope gradients see instead, such as hardtanh or tanh for sign"
        )
    if phi.is_positively_homogeneous or q == 0.0:
        return _tangents(phi)
    slope = moments(phi, q, ("D",))["D"]
    mean = float(slope.value)
    if not 0.0 < mean < np.inf:
        raise EocError(
            f"E[phi'^2] of {phi.name} is {mean:g} at q = {q:g}: its Jacobian has no spectrum, take another q"
        )
    levels, masses, mass_errors, is_discrete = _atoms(phi, q, q_error, mean)
    largest = float(levels.max()) if is_discrete else largest_square(phi, q**0.5) / mean
    if is_discrete:
        central, error = _summed_moments(levels, masses, mass_errors)
    else:
        central, error = _integrated_moments(phi, q, q_error, mean)
    mean_error = float(slope.error) + mean * float(error[0])
    error = error[1:] + np.array([0.0, 3.0, 4.0]) * mean_error / mean * np.abs(np.array([0.0, central[1], central[2]]))
    return SlopeLaw(
        phi, q, q_error, mean, mean_error, levels, masses, mass_errors, is_discrete, largest, central[1:], error
    )


def _tangents(phi: Activation) -> SlopeLaw:
    """The law of two slopes, that on the left of 0 and that on its right, or of one."""
    left, right = (slope**2 for slope in phi.slopes_at_zero)
    mean = phi.kappa
    if mean == 0.0:
        raise EocError(f"{phi.name} has no slope at 0, where signals end: give a larger sigma_w or sigma_b")
    levels = np.array(sorted({left / mean, right / mean}))
    masses, none = np.full(levels.size, 1.0 / levels.size), np.zeros(levels.size)
    central, error = _summed_moments(levels, masses, none)
    return SlopeLaw(
        phi, 0.0, 0.0, mean, 4.0 * EPS * mean, levels, masses, none, True, levels[-1], central[1:], error[1:]
    )


def _atoms(phi: Activation, q: float, q_error: float, mean: float) -> tuple[FloatArray, FloatArray, FloatArray, bool]:
    flat = flat_slopes(phi)
    masses: dict[float, tuple[float, float]] = {}
    for a, b, slope in flat:
        mass, error = _probability(a, b, q, q_error)
        old, old_error = masses.get(slope**2 / mean, (0.0, 0.0))
        masses[slope**2 / mean] = old + mass, old_error + error
    kept = sorted((level, *mass) for level, mass in masses.items() if mass[0] > 0.0)
    levels, sizes, errors = np.array(kept, dtype=float).reshape(-1, 3).T
    return levels, sizes, errors, len(flat) == len(phi.pieces)


def _probability(a: float, b: float, q: float, q_error: float) -> tuple[float, float]:
    """P(a < X < b), and a bound on its error."""
    low, high = a / q**0.5, b / q**0.5
    if low > 0.0:
        low, high = -high, -low  # where small probabilities have their digits
    mass = float(ndtr(high) - ndtr(low)) if high <= 0.0 or np.isinf(low) else float(1.0 - ndtr(low) - ndtr(-high))
    moved = sum(abs(z) * np.exp(-0.5 * z**2) for z in (low, high) if np.isfinite(z)) / np.sqrt(8.0 * np.pi)
    rounding = 4.0 * EPS * float(ndtr(high)) + 2.0 * EPS * moved if high <= 0.0 else 4.0 * EPS
    return mass, 0.0 if mass in (0.5, 1.0) else rounding + moved * q_error / q


def _summed_moments(levels: FloatArray, masses: FloatArray, mass_errors: FloatArray) -> tuple[FloatArray, FloatArray]:
    """E[(w - 1)^k], k = 1, 2, 3, 4."""
    k = np.arange(1.0, 5.0)[:, None]
    away = np.abs(levels - 1.0)
    off = away**k * (mass_errors + 4.0 * EPS * masses) + masses * k * away ** (k - 1.0) * 3.0 * EPS * levels
    return (levels - 1.0) ** k @ masses, off.sum(axis=1)


def _integrated_moments(phi: Activation, q: float, q_error: float, mean: float) -> tuple[FloatArray, FloatArray]:
    """E[(w - 1)^k], k = 1, 2, 3, 4."""
    k = np.arange(1.0, 5.0)[:, None]

    def integrands(x: FloatArray) -> tuple[FloatArray, FloatArray]:
        w, error = _squares(phi, x, mean)
        rows = (w - 1.0) ** k
        spread = k * np.abs(w - 1.0) ** (k - 1.0) * (error + EPS * w)
        return np.concatenate([rows, rows * (x**2 / q)]), np.concatenate([spread, spread * (x**2 / q)])

    with np.errstate(over="ignore", invalid="ignore"):
        value, error, size = integrate_table(_table(phi, q, integrands), np.array([q]))
    (rows, squared), (off, _) = value[0].reshape(2, 4), error[0].reshape(2, 4)
    exists = off <= _USELESS * (1.0 + size[0, :4])  # 1: near an isometry w - 1 is tiny, and known to rounding of w
    if not exists.all() and not vertical(phi):
        raise AccuracyError(f"moments of the slopes of {phi.name} cannot be computed at q = {q:g}: use a smaller q")
    moved = 0.5 * q_error / q * np.abs(squared - rows)
    return np.where(exists, rows, np.inf), np.where(exists, off + moved, 0.0)
