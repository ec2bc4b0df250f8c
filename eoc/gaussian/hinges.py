r"""Many straight lines at two different variances: sums over pairs of kinks.

A continuous phi without curvature is phi(0) + m x and a hinge a (x - t)_+ for each kink t >= 0, a (t - x)_+ for each
t < 0: so written, nothing large cancels. For standard Gaussians U, V of correlation c, r^2 = 1 - c^2, the densities p
of one and p_2 of both, L = P(U > h, V > k), A = p(h) P(Z > (k - c h)/r) and B = p(k) P(Z > (h - c k)/r),

.. math:: E[(U - h)_+ (V - k)_+] = (c + h k) L - k A - h B + r^2 p_2(h, k),

which follows from Stein's lemma; a hinge to the left is one to the right of -U, at -h.
"""

from __future__ import annotations

import numpy as np

from eoc.activations.base import Activation, Smoothness
from eoc.floats import EPS, FloatArray
from eoc.gaussian.integrands import integrals

__all__ = ["expectation_of_lines", "is_of_lines"]

_ROUNDINGS = 40.0


def is_of_lines(phi: Activation, q: float) -> bool:
    """Whether phi is continuous and consists of straight lines, as far as a Gaussian of variance q sees it."""
    if phi.smoothness is not Smoothness.KINK:
        return False
    return float(integrals(phi, np.array([q]), {"ddphi^2"})[0]["ddphi^2"][0][0]) == 0.0


def expectation_of_lines(phi: Activation, slopes: bool, q_a: float, q_b: float, c: float) -> tuple[float, float]:
    """E[phi(u) phi(v)], or E[phi'(u) phi'(v)], and a bound on the error."""
    knots, kinks = np.array([b.x for b in phi.kinks]), np.array([b.kink for b in phi.kinks])
    side = np.where(knots >= 0.0, 1.0, -1.0)
    m, start = phi.at_zero.left[1], phi.at_zero.left[0]
    s_a, s_b = q_a**0.5, q_b**0.5
    h, k = side * knots / s_a, side * knots / s_b
    h2, k2, rho = h[:, None], k[None, :], c * np.outer(side, side)
    both = _both_above(h2, k2, rho)
    lost = both + np.minimum(_above(h2) + _above(k2), np.minimum(_above(h2), _above(k2)) / EPS)
    one, other = _above(h), _above(k)
    if slopes:  # m, and a hinge's slope a side above its knot
        a = kinks * side
        parts = [m * m, m * (a @ one), m * (a @ other), a @ both @ a]
        sizes = [m * m, *(abs(m) * (np.abs(a) @ p) for p in (one, other)), np.abs(a) @ lost @ np.abs(a)]
        return float(sum(parts)), _ROUNDINGS * EPS * float(sum(sizes))
    rest = _rest(h2, k2, rho)
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


def _rest(h: FloatArray, k: FloatArray, c: FloatArray) -> list[FloatArray]:
    """The terms of E[(U - h)_+ (V - k)_+] without L."""
    r = np.sqrt((1.0 - c) * (1.0 + c))
    with np.errstate(divide="ignore", invalid="ignore"):
        a, b = (
            np.where(r > 0.0, _above((y - c * x) / r), np.where(y == c * x, 0.5, y < c * x)) * np.exp(-0.5 * x * x)
            for x, y in ((h, k), (k, h))
        )
        joint = np.where(r > 0.0, r * np.exp(-0.5 * (h * h + ((k - c * h) / r) ** 2)), 0.0)
    density = 1.0 / np.sqrt(2.0 * np.pi)
    return [-k * a * density, -h * b * density, joint * density**2]


def _both_above(h: FloatArray, k: FloatArray, c: FloatArray) -> FloatArray:
    """P(U > h, V > k) by Owen's T."""
    from scipy.special import owens_t

    h, k, c = np.broadcast_arrays(h, k, c)
    r = np.sqrt((1.0 - c) * (1.0 + c))
    with np.errstate(divide="ignore", invalid="ignore"):
        one = np.where(h == 0.0, np.sign(k) * 0.25, owens_t(h, (k - c * h) / (h * r)))
        other = np.where(k == 0.0, np.sign(h) * 0.25, owens_t(k, (h - c * k) / (k * r)))
        apart = np.where((h * k < 0.0) | ((h * k == 0.0) & (h + k < 0.0)), 0.5, 0.0)
        inside = 0.5 * (_above(h) + _above(k)) - one - other - apart
        centre = np.arccos(-c) / (2.0 * np.pi)
    same = _above(np.maximum(h, k))
    opposite = np.maximum(_above(h) - _above(-k), 0.0)
    out = np.where((h == 0.0) & (k == 0.0), centre, inside)
    out = np.where(r > 0.0, out, np.where(c > 0.0, same, opposite))
    return np.asarray(np.clip(out, 0.0, np.minimum(_above(h), _above(k))))
