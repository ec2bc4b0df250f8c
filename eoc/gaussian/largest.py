r"""The largest of several correlated Gaussians, as max pooling takes it: expectations of functions of it.

Of n Gaussians u_i = sqrt(q) (sqrt(c) z + sqrt(1 - c) x_i) of equal correlations c >= 0 the largest is

.. math:: \max_i u_i = \sqrt{q} (\sqrt{c} z + \sqrt{1 - c} X), \qquad X \sim n \varphi(x) \Phi(x)^{n - 1},

with X and z independent. Of two Gaussians of any variances and correlation it has the density

.. math:: \sum_{i \ne j} N(t; q_i) \, \Phi\!\left(\frac{t (1 - k/q_i)}{\sqrt{q_j (1 - c^2)}}\right),

k their covariance (Clark 1961). An increasing phi takes its largest value there. Panels end at the kinks of phi and
where the law changes fast; what a rule of lower order finds there bounds the error.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import log_ndtr, ndtr

from eoc.activations.base import Activation
from eoc.errors import EocError, UnsupportedError
from eoc.floats import EPS, FloatArray
from eoc.gaussian.moments import Estimate, moments

__all__ = ["Larger", "Largest", "check_increasing", "larger_of_two", "largest_of_alike"]

_REACH = 9.5  # standard deviations
_ORDERS = 20, 14  # of Gauss-Legendre rules on panels, and of those that are compared
_STEPS = np.array([0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 16.0, 32.0, 64.0])
_CHUNK = 200  # windows at a time
_ROUNDING = 64.0 * EPS
_STEEPEST = 1e200  # of a step


@dataclass(frozen=True)
class Largest:
    """Of the largest of phi(u_i): E[y^2], E[y], and for two windows that share z only E[(y - y')^2]/2; E[phi'^2] there.

    Each with a bound on its error.
    """

    q: Estimate
    m: Estimate
    G: Estimate
    slope: Estimate


@dataclass(frozen=True)
class Larger:
    """Of the larger of phi(u), phi(v): E[y^2], E[y], and E[phi'^2] where it is the first one and where the second."""

    q: Estimate
    m: Estimate
    first: Estimate
    second: Estimate


def check_increasing(phi: Activation, size: float) -> None:
    """UnsupportedError unless phi increases, up to rounding, as far as Gaussians of this standard deviation go."""
    places = np.union1d(_REACH * size * np.linspace(-1.0, 1.0, 4001), phi.knots)
    values = phi(places)
    if not (np.diff(values) >= -1e-12 * np.abs(values).max()).all():
        raise UnsupportedError(
            f"{phi.name} does not increase, so that its largest value is not at the largest of its inputs: take maxima "
            "before it, or of an activation such as relu"
        )


@lru_cache(maxsize=256)
def largest_of_alike(phi: Activation, q: float, one_minus_c: float, terms: int) -> Largest:
    """Expectations of the largest of phi(u) among so many Gaussians of variance q and equal correlations.

    Parameters
    ----------
    phi
        An activation that increases.
    q
        > 0.
    one_minus_c
        From 0 to 1.
    terms
        How many, >= 1.

    Raises
    ------
    UnsupportedError
        If phi does not increase.
    EocError
        For other numbers.

    Examples
    --------
    >>> from eoc.activations import activation
    >>> found = largest_of_alike(activation("identity"), 1.0, 1.0, 2)  # E[max] = 1/sqrt(pi), E[max^2] = 1
    >>> bool(abs(found.m.value[0] - np.pi**-0.5) < 1e-14), bool(abs(found.q.value[0] - 1.0) < 1e-13)
    (True, True)
    """
    if not (q > 0.0 and 0.0 <= one_minus_c <= 1.0 and terms >= 1):
        raise EocError(
            f"the largest of {terms} Gaussians of variance {q:g} and 1 - c = {one_minus_c:g}: q must be > 0, and 1 - c "
            "from 0 to 1"
        )
    check_increasing(phi, q**0.5)
    if one_minus_c == 0.0:
        v, m, d = (moments(phi, [q], (name,))[name] for name in ("V", "M", "D"))
        return Largest(v, m, Estimate(np.zeros(1), np.zeros(1)), d)
    fine, rough = (_of_alike(phi, q, one_minus_c, terms, order) for order in _ORDERS)
    off = 4.0 * np.abs(fine - rough) + _ROUNDING * np.array([fine[0], fine[0] ** 0.5, fine[2], fine[3]])
    return Largest(*(Estimate(np.array([value]), np.array([error])) for value, error in zip(fine, off, strict=True)))


def _of_alike(phi: Activation, q: float, e: float, terms: int, order: int) -> FloatArray:
    """E[y^2], E[y], G and E[phi'^2], by panels in z and, for each z, in x."""
    own, shared = (q * e) ** 0.5, (q * (1.0 - e)) ** 0.5
    knots = np.array(phi.knots)
    edges = [np.arange(-_REACH, _REACH + 0.25, 0.5)]
    if shared > 0.0:
        around = (knots[:, None] + own * np.concatenate([-_STEPS, [0.0], _STEPS])).ravel() / shared
        edges.append(around)
    z, weights = _panels(np.clip(np.concatenate(edges), -_REACH, _REACH)[None, :], order)
    z, weights = z.ravel(), weights.ravel() * _normal(z.ravel())
    at_knots = (knots - shared * z[:, None]) / own
    fixed = np.broadcast_to(edges[0], (z.size, edges[0].size))
    x, inner = _panels(np.concatenate([fixed, np.clip(at_knots, -_REACH, _REACH)], axis=1), order)
    inner = inner * terms * np.exp(-0.5 * x * x + (terms - 1) * log_ndtr(x)) / (2.0 * np.pi) ** 0.5
    u = shared * z[:, None] + own * x
    y = phi(u.ravel()).reshape(u.shape)
    mean = (inner * y).sum(axis=1)
    spread = (inner * (y - mean[:, None]) ** 2).sum(axis=1)
    slope = (inner * phi.dphi(u.ravel()).reshape(u.shape) ** 2).sum(axis=1)
    return np.array([weights @ (inner * y * y).sum(axis=1), weights @ mean, weights @ spread, weights @ slope])


def larger_of_two(phi: Activation, q_a: FloatArray, q_b: FloatArray, one_minus_c: FloatArray) -> Larger:
    """Expectations of the larger of phi(u) and phi(v), of pairs of Gaussians (N,).

    Parameters
    ----------
    phi
        An activation that increases.
    q_a, q_b
        Variances > 0, (N,).
    one_minus_c
        From 0 to 2, (N,).

    Raises
    ------
    UnsupportedError
        If phi does not increase.

    Examples
    --------
    >>> from eoc.activations import activation
    >>> one, two = np.ones(1), np.full(1, 2.0)
    >>> found = larger_of_two(activation("identity"), one, two, one)  # E[max] = sqrt(3/(2 pi))
    >>> abs(found.m.value[0] - (1.5 / np.pi) ** 0.5) < 1e-14
    np.True_
    """
    check_increasing(phi, float(np.maximum(q_a, q_b).max()) ** 0.5)
    parts = [slice(start, start + _CHUNK) for start in range(0, q_a.size, _CHUNK)]
    fine, rough = (
        np.concatenate([_of_two(phi, q_a[i], q_b[i], one_minus_c[i], order) for i in parts], axis=1)
        for order in _ORDERS
    )
    sizes = np.stack([fine[0], fine[0] ** 0.5, fine[2] + fine[3], fine[2] + fine[3]])
    off = 4.0 * np.abs(fine - rough) + _ROUNDING * sizes
    return Larger(*(Estimate(value, error) for value, error in zip(fine, off, strict=True)))


def _of_two(phi: Activation, q_a: FloatArray, q_b: FloatArray, e: FloatArray, order: int) -> FloatArray:
    """E[y^2], E[y], and E[phi'^2] on either side, (4, N)."""
    size = np.sqrt(np.maximum(q_a, q_b))[:, None]
    graded = np.concatenate([[0.0], 2.0 ** np.arange(-44.0, 0.0, 2.0), np.arange(0.5, _REACH + 0.25, 0.5)])
    edges = np.concatenate([-graded[::-1], graded]) * size
    knots = np.broadcast_to(np.array(phi.knots), (q_a.size, len(phi.knots)))
    limits = np.clip(np.concatenate([edges, knots], axis=1), -_REACH * size, _REACH * size)
    t, weights = _panels(limits, order)
    y, slopes = phi(t.ravel()).reshape(t.shape), phi.dphi(t.ravel()).reshape(t.shape) ** 2
    first, second = (weights * _first_is_larger(t, one, other, e) for one, other in ((q_a, q_b), (q_b, q_a)))
    both = first + second
    return np.stack(
        [(part * law).sum(axis=1) for part, law in ((y * y, both), (y, both), (slopes, first), (slopes, second))]
    )


def _first_is_larger(t: FloatArray, own: FloatArray, other: FloatArray, e: FloatArray) -> FloatArray:
    """The density of the first at t, times the probability that the second is below it."""
    ratio = np.sqrt(other / own)
    lacks = (own - other) / (own + np.sqrt(own * other)) + e * ratio  # 1 - k/q
    with np.errstate(divide="ignore", invalid="ignore"):
        rise = np.clip(lacks / np.sqrt(other * e * (2.0 - e)), -_STEEPEST, _STEEPEST)
        above = ndtr(t * np.nan_to_num(rise)[:, None])
        density = np.exp(-0.5 * t * t / own[:, None]) / np.sqrt(2.0 * np.pi * own)[:, None]
    return np.asarray(density * above)


def _normal(z: FloatArray) -> FloatArray:
    return np.asarray(np.exp(-0.5 * z * z) / (2.0 * np.pi) ** 0.5)


def _panels(edges: FloatArray, order: int) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights (N, M) of Gauss-Legendre rules between edges (N, E) in any order, as far as the first goes."""
    nodes, weights = np.polynomial.legendre.leggauss(order)
    low, high = edges.min(axis=1, keepdims=True), edges.max(axis=1, keepdims=True)
    ends = np.sort(np.clip(edges, low, high), axis=1)
    half, middle = 0.5 * np.diff(ends, axis=1), 0.5 * (ends[:, 1:] + ends[:, :-1])
    at = middle[..., None] + half[..., None] * nodes
    return at.reshape(len(edges), -1), (half[..., None] * weights).reshape(len(edges), -1)
