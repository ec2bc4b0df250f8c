r"""Straight lines and steps at two different variances: sums over pairs of kinks, or of jumps.

A continuous phi without curvature is phi(0) + m x and a hinge a (x - t)_+ for each kink t >= 0, a (t - x)_+ for each
t < 0: so written, nothing large cancels. For standard Gaussians U, V of correlation c, r^2 = 1 - c^2, the densities p
of one and p_2 of both, L = P(U > h, V > k), A = p(h) P(Z > (k - c h)/r) and B = p(k) P(Z > (h - c k)/r),

.. math:: E[(U - h)_+ (V - k)_+] = (c + h k) L - k A - h B + r^2 p_2(h, k),

which follows from Stein's lemma; a hinge to the left is one to the right of -U, at -h. Differences k - c h are taken
as (k - h) + (1 - c) h: close to equal inputs they are small, and are divided by r. Of a phi that is constant but for
jumps J what is left are the L: E[phi(u) phi(v)] is a sum of J_i J_j L_ij, and phi' is 0.
"""

from __future__ import annotations

import numpy as np

from eoc.activations.base import Activation, Smoothness
from eoc.floats import EPS, FloatArray
from eoc.gaussian.integrands import integrals

__all__ = ["expectation_of_lines", "expectation_of_steps", "is_of_lines", "is_of_steps"]

_ROUNDINGS = 40.0


def is_of_lines(phi: Activation, q: float) -> bool:
    """Whether phi is continuous and consists of straight lines, as far as a Gaussian of variance q sees it."""
    if phi.smoothness is not Smoothness.KINK:
        return False
    return float(integrals(phi, np.array([q]), {"ddphi^2"})[0]["ddphi^2"][0][0]) == 0.0


def is_of_steps(phi: Activation, q: float) -> bool:
    """Whether phi is constant but for jumps, as far as a Gaussian of variance q sees it."""
    if phi.smoothness is not Smoothness.JUMP:
        return False
    return float(integrals(phi, np.array([q]), {"dphi^2"})[0]["dphi^2"][0][0]) == 0.0


def expectation_of_steps(
    phi: Activation, q_a: FloatArray, q_b: FloatArray, e: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """E[phi(u) phi(v)] of pairs (n,) at 1 - c = e, and bounds on the errors."""
    start = phi.at_zero.left[0]
    sides = [1.0 if jump.x >= 0.0 else -1.0 for jump in phi.jumps]
    steps = [side * jump.jump for side, jump in zip(sides, phi.jumps, strict=True)]
    ends = [[side * jump.x / np.sqrt(q) for side, jump in zip(sides, phi.jumps, strict=True)] for q in (q_a, q_b)]
    value, size = np.full(e.shape, start * start), np.full(e.shape, start * start)
    for i, (first, h) in enumerate(zip(steps, ends[0], strict=True)):
        own = start * first * (_above(h) + _above(ends[1][i]))
        value, size = value + own, size + np.abs(own)
        for j, (second, k) in enumerate(zip(steps, ends[1], strict=True)):
            both = _Ends(h, k, e if sides[i] == sides[j] else 2.0 - e).above()
            value, size = value + first * second * both, size + abs(first * second) * _sizes(h, k, both)
    return value, _ROUNDINGS * EPS * size


def expectation_of_lines(phi: Activation, slopes: bool, q_a: float, q_b: float, e: float) -> tuple[float, float]:
    """E[phi(u) phi(v)], or E[phi'(u) phi'(v)], at 1 - c = e, and a bound on the error."""
    knots, kinks = np.array([b.x for b in phi.kinks]), np.array([b.kink for b in phi.kinks])
    side = np.where(knots >= 0.0, 1.0, -1.0)
    m, start = phi.at_zero.left[1], phi.at_zero.left[0]
    s_a, s_b = q_a**0.5, q_b**0.5
    h, k = side * knots / s_a, side * knots / s_b
    h2, k2, c, same = h[:, None], k[None, :], 1.0 - e, np.outer(side, side)
    both_ends = _Ends(h2, k2, np.where(same > 0.0, e, 2.0 - e))
    both = both_ends.above()
    lost = _sizes(h2, k2, both)
    one, other = _above(h), _above(k)
    if slopes:  # m, and a hinge's slope a side above its knot
        a = kinks * side
        parts = [m * m, m * (a @ one), m * (a @ other), a @ both @ a]
        sizes = [m * m, *(abs(m) * (np.abs(a) @ p) for p in (one, other)), np.abs(a) @ lost @ np.abs(a)]
        return float(sum(parts)), _ROUNDINGS * EPS * float(sum(sizes))
    rest, rho = both_ends.rest(), c * same
    means = [s * (np.exp(-0.5 * t * t) / np.sqrt(2.0 * np.pi) - t * p) for s, t, p in ((s_a, h, one), (s_b, k, other))]
    turned = [c * s_a * s_b * side * p for p in (one, other)]  # of a hinge with the other point
    hinges = (rho + h2 * k2) * both + sum(rest)
    parts = [start**2, m * m * c * s_a * s_b, s_a * s_b * (kinks @ hinges @ kinks)]
    parts += [start * (kinks @ mean) for mean in means] + [m * (kinks @ turn) for turn in turned]
    a = np.abs(kinks)
    hinge_sizes = (np.abs(rho) + h2 * k2) * lost + sum(np.abs(part) for part in rest)
    sizes = [abs(parts[0]), abs(parts[1]), s_a * s_b * (a @ hinge_sizes @ a)]
    sizes += [abs(start) * (a @ np.abs(mean)) for mean in means] + [abs(m) * (a @ np.abs(turn)) for turn in turned]
    return float(sum(parts)), _ROUNDINGS * EPS * float(sum(sizes))


def _above(x: FloatArray) -> FloatArray:
    """P(Z > x)."""
    from scipy.special import ndtr

    return np.asarray(ndtr(-x))


def _sizes(h: FloatArray, k: FloatArray, both: FloatArray) -> FloatArray:
    """The size of what P(U > h, V > k) is a sum of, as far as it can be lost."""
    return np.asarray(both + np.minimum(_above(h) + _above(k), np.minimum(_above(h), _above(k)) / EPS))


class _Ends:
    """Two Gaussians above h and k, arrays, with 1 - c = e each."""

    def __init__(self, h: FloatArray, k: FloatArray, e: FloatArray) -> None:
        self._h, self._k, self._e = (np.asarray(one) for one in np.broadcast_arrays(h, k, e))
        self._r = np.sqrt(self._e * (2.0 - self._e))

    def rest(self) -> list[FloatArray]:
        """The terms of E[(U - h)_+ (V - k)_+] without L."""
        h, k, r = self._h, self._k, self._r
        ahead = self._ahead(h, k), self._ahead(k, h)
        with np.errstate(divide="ignore", invalid="ignore"):
            a, b = (
                np.where(r > 0.0, _above(d / r), np.where(d == 0.0, 0.5, d < 0.0)) * np.exp(-0.5 * x * x)
                for x, d in zip((h, k), ahead, strict=True)
            )
            joint = np.where(r > 0.0, r * np.exp(-0.5 * (h * h + (ahead[0] / r) ** 2)), 0.0)
        density = 1.0 / np.sqrt(2.0 * np.pi)
        return [-k * a * density, -h * b * density, joint * density**2]

    def above(self) -> FloatArray:
        """P(U > h, V > k) by Owen's T."""
        from scipy.special import owens_t

        h, k, r = self._h, self._k, self._r
        with np.errstate(divide="ignore", invalid="ignore"):
            one = np.where(h == 0.0, np.sign(k) * 0.25, owens_t(h, self._ahead(h, k) / (h * r)))
            other = np.where(k == 0.0, np.sign(h) * 0.25, owens_t(k, self._ahead(k, h) / (k * r)))
            apart = np.where((h * k < 0.0) | ((h * k == 0.0) & (h + k < 0.0)), 0.5, 0.0)
            inside = 0.5 * (_above(h) + _above(k)) - one - other - apart
            centre = 0.5 - np.arctan2(np.sqrt(self._e), np.sqrt(2.0 - self._e)) / np.pi
        equal, opposite = _above(np.maximum(h, k)), np.maximum(_above(h) - _above(-k), 0.0)
        out = np.where((h == 0.0) & (k == 0.0), centre, inside)
        out = np.where(r > 0.0, out, np.where(self._e < 1.0, equal, opposite))
        return np.asarray(np.clip(out, 0.0, np.minimum(_above(h), _above(k))))

    def _ahead(self, h: FloatArray, k: FloatArray) -> FloatArray:
        """The difference k - c h."""
        return np.where(self._e <= 1.0, (k - h) + self._e * h, (k + h) - (2.0 - self._e) * h)
