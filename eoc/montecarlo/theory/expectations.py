r"""Gaussian expectations that theory needs: derivatives in the variance, and what one layer makes of a pair of inputs.

The units of a layer have the covariances K, of variances q_1, q_2 and correlation 1 - e. Normalised they are X + T and
X - T with independent X and T of variances A = 1 - e/2 and B = e/2. With y_a = sigma_w phi(h_a) / sqrt(q'_a), and q',
e' those of the next layer, its covariances are given by means over units of

.. math:: \mu = \frac{y_1^2 + y_2^2}{2}, \quad \epsilon = \frac{(y_1 - y_2)^2}{2 e'}, \quad
          \delta = \frac{y_1^2 - y_2^2}{\sqrt{e'}},

in which nothing cancels as e -> 0. Their moments with Hermite polynomials in x = X / sqrt(A), t = T / sqrt(B) are their
derivatives in K, so that phi need not have any: d/dA stands for H_2(x) / 2A, d/dB for H_2(t) / 2B, and d/dS, S the
covariance of X and T, for x t / sqrt(AB).

The quadrature is Gauss-Legendre on panels: along the line of each t they end where h_1 or h_2 is a knot of phi, and in
t where two knots meet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from eoc.activations.base import Activation
from eoc.floats import FloatArray
from eoc.gaussian.tangent import resolved_radius

__all__ = ["DIFFERENCE_ERROR", "PairMoments", "derivatives", "pair_moments"]

# E[g(sqrt(q) Z)] is analytic in log q for |Im log q| < pi/2, whatever g is, so that differences of fourth order with
# this relative step leave out about 1e-9; rounding adds as much to the second derivative.
_STEP = 5e-3
_FIRST = np.array([1.0, -8.0, 0.0, 8.0, -1.0]) / 12.0
_SECOND = np.array([-1.0, 16.0, -30.0, 16.0, -1.0]) / 12.0

_REACH = 9.5
_EDGES = np.array([-_REACH, -3.5, -1.5, 0.0, 1.5, 3.5, _REACH])
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(12)

#: What errors may be, in units of the largest value over q (first derivative) or q^2 (second).
DIFFERENCE_ERROR = 1e-7


def derivatives(expectation: Callable[[FloatArray], FloatArray], q: FloatArray) -> tuple[FloatArray, FloatArray]:
    """First and second derivative at q > 0, of the shape of q.

    Parameters
    ----------
    expectation
        Maps variances of any shape to E[g(sqrt(q) Z)].
    q
        Where.

    Examples
    --------
    >>> first, second = derivatives(lambda q: q**3, np.array([2.0]))
    >>> first.round(6).tolist(), second.round(6).tolist()
    ([12.0], [12.0])
    """
    around = expectation(np.multiply.outer(1.0 + _STEP * np.arange(-2.0, 3.0), q))
    return np.tensordot(_FIRST, around, 1) / (_STEP * q), np.tensordot(_SECOND, around, 1) / (_STEP * q) ** 2


@dataclass(frozen=True)
class PairMoments:
    """Of (mu, epsilon, delta).

    Attributes
    ----------
    q : (2,)
        q'.
    one_minus_c
        e'.
    second : (3, 3)
        E[f g], without biases.
    covariance : (3, 3)
        Of two of them.
    quadratic : (3, 2, 2)
        E[f He_2], He_2 = ((x^2 - 1, x t), (x t, t^2 - 1)).
    quartic : (3, 5)
        E[f He_4] for x^4, x^3 t, x^2 t^2, x t^3, t^4.
    """

    q: FloatArray
    one_minus_c: float
    second: FloatArray
    covariance: FloatArray
    quadratic: FloatArray
    quartic: FloatArray


def pair_moments(phi: Activation, sigma_w: float, sigma_b: float, q: FloatArray, one_minus_c: float) -> PairMoments:
    """The moments at variances q (2,) and 0 < 1 - c < 2; accurate to 1e-8 or so where phi is resolved."""
    far, near, scale = (1.0 - 0.5 * one_minus_c) ** 0.5, (0.5 * one_minus_c) ** 0.5, np.sqrt(q)
    x, t, weights = _grid(phi, scale, far, near)
    first, second = (sigma_w * phi.phi(s * (far * x + side * t)) for s, side in zip(scale, (near, -near), strict=True))
    after = np.array([(weights * y**2).sum() for y in (first, second)]) + sigma_b**2
    first, second = first / after[0] ** 0.5, second / after[1] ** 0.5
    apart = first - second
    e = 0.5 * float((weights * apart**2).sum()) + 0.5 * sigma_b**2 * float(np.diff(after**-0.5)[0]) ** 2
    squares = [0.5 * (first**2 + second**2), apart**2 / (2.0 * e), apart * (first + second) / e**0.5]
    f = np.stack(squares, axis=1)  # (T, 3, n)
    weighted = f * weights[:, None]
    along_x = weighted @ np.stack(_hermite(x), axis=2)
    means = np.einsum("tfi,jt->fij", along_x, np.stack(_hermite(t[:, 0])))  # with He_i(x) He_j(t)
    second_moments = np.tensordot(weighted, f, axes=([0, 2], [0, 2]))
    mean = means[:, 0, 0]
    return PairMoments(
        q=after,
        one_minus_c=e,
        second=second_moments,
        covariance=second_moments - np.outer(mean, mean),
        quadratic=np.stack([means[:, 2, 0], means[:, 1, 1], means[:, 1, 1], means[:, 0, 2]], axis=1).reshape(3, 2, 2),
        quartic=np.stack([means[:, 4 - i, i] for i in range(5)], axis=1),
    )


def _grid(phi: Activation, scale: FloatArray, far: float, near: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Nodes x (T, n) and t (T, 1), and the weights (T, n)."""
    marks = [_marks(phi, s) for s in scale.tolist()]
    nodes, weights = _panels(_edges_t(phi, marks, near)[None])
    t = nodes.T
    ends = [(mark - side * t) / far for mark, side in zip(marks, (near, -near), strict=True)]
    x, along = _panels(np.concatenate([*ends, np.tile(_EDGES, (t.size, 1))], axis=1))
    return x, t, along * weights.T


def _marks(phi: Activation, scale: float) -> FloatArray:
    """Where panels end, in units of the standard deviation: knots, and points graded about 0 where phi is steep."""
    radius = 2.0 * resolved_radius(phi) / scale
    graded = radius * 2.0 ** np.arange(64.0) if radius > 0.0 else np.zeros(0)
    graded = graded[graded < 1.0]
    centre = np.zeros(min(graded.size, 1))
    return np.concatenate([np.asarray(phi.knots) / scale, -graded, centre, graded])


def _edges_t(phi: Activation, marks: list[FloatArray], near: float) -> FloatArray:
    """Where panels of t end: a knot of h_1 meets one of h_2 there."""
    count = len(phi.knots)
    meet = np.subtract.outer(marks[0][:count], marks[1][:count]).ravel() / (2.0 * near)
    graded = np.concatenate([mark[count:] for mark in marks]) / near
    inner = np.concatenate([meet, graded[np.abs(graded) < 1.0]])
    return np.unique(np.concatenate([_EDGES, inner[np.abs(inner) < _REACH]]))


def _panels(edges: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Nodes and Gaussian weights on the panels between edges (T, E), both (T, n)."""
    edges = np.sort(np.clip(edges, -_REACH, _REACH), axis=1)
    middle, half = 0.5 * (edges[:, 1:] + edges[:, :-1]), 0.5 * np.diff(edges, axis=1)
    nodes = (middle[..., None] + half[..., None] * _NODES).reshape(len(edges), -1)
    weights = (half[..., None] * _WEIGHTS).reshape(nodes.shape)
    return nodes, weights * np.exp(-0.5 * nodes**2) / np.sqrt(2.0 * np.pi)


def _hermite(x: FloatArray) -> list[FloatArray]:
    square = x * x
    return [np.ones_like(x), x, square - 1.0, x * (square - 3.0), square * (square - 6.0) + 3.0]
