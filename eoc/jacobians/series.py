r"""Moments of J J^T from those of the slopes, by the power series of the S-transform.

log S of a law of mean 1 is -(c_1 z + c_2 z^2 + c_3 z^3 + ...), and logarithms add up: with v_k = E[(w - 1)^k],

.. math:: c_1 = v_2, \qquad c_2 = v_3 - \tfrac32 v_2^2, \qquad c_3 = v_4 - 2 v_2^2 - 4 v_2 v_3 + \tfrac{10}{3} v_2^3

of the slopes, 1, -1/2, 1/3 of Gaussian weights and 0 of orthogonal ones, so that C_k is L times their sum for J J^T.
Lagrange's inversion gives m_k / m_1^k,

.. math:: 1 + C_1, \qquad 1 + 3 C_1 + C_2 + \tfrac32 C_1^2, \qquad
          1 + 6 C_1 + 4 C_2 + 8 C_1^2 + C_3 + 4 C_1 C_2 + \tfrac83 C_1^3,

where nothing cancels that is close to an isometry. Pennington, Schoenholz & Ganguli (2018) for the first two.
"""

from __future__ import annotations

import numpy as np

from eoc.floats import EPS, FloatArray
from eoc.jacobians.slopes import SlopeLaw

__all__ = ["relative_moments"]

_GAUSSIAN = np.array([1.0, -0.5, 1.0 / 3.0])


def relative_moments(law: SlopeLaw, depth: int, orthogonal: bool) -> tuple[FloatArray, FloatArray, float, float]:
    """m_k / m_1^k for k = 1, 2, 3, 4 and bounds on their errors, both (4,); the variance / m_1^2, and a bound."""
    v, off = law.central, law.central_error
    with np.errstate(invalid="ignore", over="ignore"):
        c, c_size, c_slopes = _coefficients(*v)
        weights = 0.0 if orthogonal else _GAUSSIAN
        total = depth * (c + weights)
        size = depth * (c_size + np.abs(weights))
        error = depth * _spread(c_slopes, off) + 8.0 * EPS * size
        (m, m_size, m_slopes), variance_error = _moments(*total), float(error[0])
        m_error = _spread(m_slopes, error) + 8.0 * EPS * m_size
        m_error[0] = 0.0
    unknown = ~np.isfinite(m)
    m[unknown], m_error[unknown] = np.inf, 0.0
    return m, m_error, float(total[0]), 0.0 if np.isinf(total[0]) else variance_error


def _spread(slopes: FloatArray, errors: FloatArray) -> FloatArray:
    """What errors come to; what does not depend on an infinite moment is known without it."""
    return np.where(slopes > 0.0, slopes * np.where(errors > 0.0, errors, 0.0), 0.0).sum(axis=1)


def _coefficients(v2: float, v3: float, v4: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """c_1, c_2, c_3, the sums of the sizes of their terms, and their derivatives' sizes."""
    terms = [[v2], [v3, -1.5 * v2**2], [v4, -2.0 * v2**2, -4.0 * v2 * v3, 10.0 / 3.0 * v2**3]]
    slopes = [
        [1.0, 0.0, 0.0],
        [3.0 * abs(v2), 1.0, 0.0],
        [4.0 * abs(v2) + 4.0 * abs(v3) + 10.0 * v2**2, 4.0 * abs(v2), 1.0],
    ]
    return np.array([sum(t) for t in terms]), np.array([sum(map(abs, t)) for t in terms]), np.array(slopes)


def _moments(c1: float, c2: float, c3: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The same of m_k / m_1^k, k = 1, 2, 3, 4."""
    terms = [
        [1.0],
        [1.0, c1],
        [1.0, 3.0 * c1, c2, 1.5 * c1**2],
        [1.0, 6.0 * c1, 4.0 * c2, 8.0 * c1**2, c3, 4.0 * c1 * c2, 8.0 / 3.0 * c1**3],
    ]
    slopes = [
        [0.0, 0.0, 0.0],
        [1.0, 0.0, 0.0],
        [3.0 + 3.0 * abs(c1), 1.0, 0.0],
        [6.0 + 16.0 * abs(c1) + 4.0 * abs(c2) + 8.0 * c1**2, 4.0 + 4.0 * abs(c1), 1.0],
    ]
    return np.array([sum(t) for t in terms]), np.array([sum(map(abs, t)) for t in terms]), np.array(slopes)
