r"""Gaussian means of phi around one of its places, without cancellation.

With Z ~ N(0, 1), psi(z) = phi(alpha z + beta) and a = psi'(0) its tangent, r(z) = psi(z) - psi(0) - a z is what bends.
A shaped activation is nearly linear, alpha small: means of r, of order alpha^2, say all that matters, and Stein's
lemma, E[z r] = E[r'], takes the tangent out of the rest:

.. math:: E \psi'^2 = a^2 + 2 a E r' + E r'^2, \quad \mathrm{Var}\,\psi = a^2 + 2 a E r' + \mathrm{Var}\,r, \quad
          E[\psi' \tilde\psi z] - E \psi'^2 = a E[(z^2 - 1) r'] + E[r r' z] - E r'^2,

with tilde psi = psi - psi(0).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from eoc.activations import Activation
from eoc.floats import EPS, FloatArray, IntArray
from eoc.gaussian.products import factor_of
from eoc.gaussian.shifted import shifted_mean
from eoc.layers.bounded import Bounded, exact

__all__ = ["Means", "means", "rough_means"]

_REACH = 12.0  # standard deviations: beyond, less than 1e-31 of a Gaussian
_SMOOTH = np.polynomial.hermite_e.hermegauss(48)
_KINKED = np.linspace(-8.5, 8.5, 193), np.exp(-0.5 * np.linspace(-8.5, 8.5, 193) ** 2)


@dataclass(frozen=True)
class Means:
    """Means at places (alpha, beta), each of one shape, with their bounds.

    Attributes
    ----------
    start, a
        phi(beta) and the slope alpha phi'(beta) of the tangent.
    r, r_r, dr, dr_dr, bend
        E r, E r^2, E r', E r'^2 and E r''^2 = E psi''^2; ``bend`` is None where it was not asked for.
    skew
        E[(z^2 - 1) r'].
    mixed
        E[r r' z].
    tilt
        E[z r'] = E[psi' z].
    """

    start: Bounded
    a: Bounded
    r: Bounded
    r_r: Bounded
    dr: Bounded
    dr_dr: Bounded
    skew: Bounded
    mixed: Bounded
    tilt: Bounded
    bend: Bounded | None

    @property
    def slope(self) -> Bounded:
        """E psi'^2."""
        return self.a * self.a + self.a * self.dr * 2.0 + self.dr_dr

    @property
    def spread_of_r(self) -> Bounded:
        """Var r."""
        return self.r_r - self.r * self.r

    @property
    def spread(self) -> Bounded:
        """Var psi."""
        return self.a * self.a + self.a * self.dr * 2.0 + self.spread_of_r

    @property
    def excess(self) -> Bounded:
        """E psi'^2 - Var psi."""
        return self.dr_dr - self.spread_of_r


_Part = Callable[[FloatArray, FloatArray, FloatArray, FloatArray], FloatArray]  # of z, r, r', r''

_PARTS: dict[str, tuple[int, _Part]] = {  # the highest derivative that is needed, and the integrand
    "r": (0, lambda z, r, dr, ddr: r),
    "r_r": (0, lambda z, r, dr, ddr: r * r),
    "dr": (1, lambda z, r, dr, ddr: dr),
    "dr_dr": (1, lambda z, r, dr, ddr: dr * dr),
    "bend": (2, lambda z, r, dr, ddr: ddr * ddr),
    "skew": (1, lambda z, r, dr, ddr: (z * z - 1.0) * dr),
    "mixed": (1, lambda z, r, dr, ddr: r * dr * z),
    "tilt": (1, lambda z, r, dr, ddr: z * dr),
}


def rough_means(phi: Activation, alpha: FloatArray, beta: FloatArray) -> Means:
    """The means by a fixed rule, to find places by: fast, and right to a few digits where phi has kinks."""
    alpha, beta = np.broadcast_arrays(alpha, beta)
    nodes, weights = _KINKED if phi.knots else _SMOOTH
    weights = weights / weights.sum()
    with np.errstate(all="ignore"):
        x = beta[..., None] + alpha[..., None] * nodes
        start, a = phi(beta), alpha * phi.dphi(beta)
        r = phi(x) - start[..., None] - a[..., None] * nodes
        dr = alpha[..., None] * phi.dphi(x) - a[..., None]
        ddr = alpha[..., None] ** 2 * phi.ddphi(x)
        found = {name: exact(part(nodes, r, dr, ddr) @ weights) for name, (_, part) in _PARTS.items()}
    return Means(exact(start), exact(a), **found)


def means(phi: Activation, alpha: FloatArray, beta: FloatArray, *, curved: bool) -> Means:
    """The means at places (n,) to full precision; E psi''^2 only where ``curved``."""
    start, a = Bounded(*phi.derivative(0, beta)), Bounded(*phi.derivative(1, beta)) * exact(alpha)
    marks = (factor_of(phi, float((np.abs(beta) + _REACH * alpha).max())).marks - beta[:, None]) / alpha[:, None]

    def of(order: int, part: _Part) -> Bounded:
        def integrand(x: FloatArray, z: FloatArray, line: IntArray) -> tuple[FloatArray, FloatArray]:
            jets, off = _rest(phi, order, x, z, alpha[line], start[line], a[line])
            value = part(z, *jets)
            sizes = [np.abs(jet) for jet in jets]
            moved = part(np.abs(z), *(size + e for size, e in zip(sizes, off, strict=True)))
            return value, np.abs(moved - part(np.abs(z), *sizes)) + 4.0 * EPS * np.abs(value)

        return Bounded(*shifted_mean(integrand, beta, alpha, marks, _REACH))

    found = {name: of(*one) for name, one in _PARTS.items() if name != "bend"}
    return Means(start, a, **found, bend=of(*_PARTS["bend"]) if curved else None)


def _rest(
    phi: Activation, order: int, x: FloatArray, z: FloatArray, alpha: FloatArray, start: Bounded, a: Bounded
) -> tuple[list[FloatArray], list[FloatArray]]:
    """r, r' and r'' (0 beyond the order) at every x, and bounds on their errors."""
    jets, off = [np.zeros_like(x)] * 3, [np.zeros_like(x)] * 3
    for k in range(order + 1):
        value, error = phi.derivative(k, x)
        jets[k], off[k] = alpha**k * value, alpha**k * error + 2.0 * EPS * np.abs(alpha**k * value)
    jets[0], off[0] = jets[0] - start.value - a.value * z, off[0] + start.error + a.error * np.abs(z)
    off[0] = off[0] + 2.0 * EPS * np.abs(a.value * z)
    if order > 0:
        jets[1], off[1] = jets[1] - a.value, off[1] + a.error
    return jets, off
