r"""Integrals up to a point at which an integrand grows without bound, as the square of the slope of |x - 1|^0.7 does.

On rings [k + h/2, k + h] that halve towards the knot k, the integrals I_0, I_1, ... of what behaves like
d^a (c_0 + c_1 d + c_2 d^2 + ...), d = x - k, are sums of geometric series with the ratios rho, rho/2, rho/4, ...,
rho = 2^-(1 + a). Three of them say what is left beyond the last one. There the integrand is replaced by the straight
line with the same integral and the same centre of gravity, which the Gaussian, constant to h^2, does not tell from it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eoc.floats import EPS, FloatArray

__all__ = ["Rest", "rest_of"]

_FIRST = 6  # rings that are integrated before the rest is guessed
_DIVERGENT = 0.995  # a ratio from which on the integral may not be finite
_SLOW = 4.0  # times the number of rings: how much farther off the limit of a sequence may be than its last step


@dataclass(frozen=True)
class Rest:
    """What is left of K integrals within rings 0 .. n of a knot, (rings, K), a bound on its error, and rho."""

    integral: FloatArray
    error: FloatArray
    ratio: FloatArray


def rest_of(rings: FloatArray, errors: FloatArray) -> Rest:
    """What is left beyond each of some rings, given the integrals over them, each half as wide as the one before.

    Parameters
    ----------
    rings, errors
        The integrals of K functions, and bounds on the absolute errors, both (rings, K).

    Returns
    -------
    Rest
        Its error is infinite for the first few rings, and where the integral seems to be infinite.

    Examples
    --------
    >>> import numpy as np
    >>> h = 2.0 ** -np.arange(24.0)
    >>> rings = (2.5 * h**0.4 * (1.0 - 0.5**0.4) + h**1.4 * (1.0 - 0.5**1.4))[:, None]  # of d^-0.6 + 1.4 d^0.4
    >>> rest = rest_of(rings, 1e-16 * rings)
    >>> bool(abs(rest.integral[-1, 0] - (2.5 * (h[-1] / 2) ** 0.4 + (h[-1] / 2) ** 1.4)) < rest.error[-1, 0] < 1e-9)
    True
    """
    count = len(rings)
    rest, error = np.zeros(rings.shape), np.full(rings.shape, np.inf)
    ratios = np.ones(rings.shape)
    with np.errstate(all="ignore"):
        noise = errors / np.abs(rings) + EPS
        steps = rings[1:] / rings[:-1]
        for n in range(_FIRST, count):
            first, second = steps[n - 2 : n], np.diff(steps[n - 3 : n], axis=0)
            one = first[1]
            two = first[1] + (first[1] - first[0])  # ratios that approach rho by halves
            three = two + (two - (first[0] + second[0])) / 3.0
            left = [_left(rings[n - 2 : n + 1], rho, terms) for terms, rho in ((1, one), (2, two), (3, three))]
            sensitive = 40.0 * noise[n - 3 : n + 1].max(axis=0) * np.abs(left[2]) / (1.0 - three)
            error[n] = _SLOW * n * np.abs(left[2] - left[1]) + sensitive
            simple = _SLOW * n * np.abs(left[1] - left[0]) + sensitive
            rest[n], ratios[n] = left[2], three
            better = simple < error[n]
            rest[n][better], error[n][better], ratios[n][better] = left[1][better], simple[better], two[better]
        bad = ~((ratios > 0.0) & (ratios < _DIVERGENT) & np.isfinite(rest) & np.isfinite(error))
    error[bad] = np.inf
    rest[bad], ratios[bad] = 0.0, 1.0
    zero = (rings == 0.0) & (errors == 0.0)
    error[zero] = np.where(np.arange(count)[:, None] >= _FIRST, 0.0, np.inf).repeat(rings.shape[1], axis=1)[zero]
    return Rest(rest, error, ratios)


def _left(last: FloatArray, rho: FloatArray, terms: int) -> FloatArray:
    """The sum of all that follows on the last three of I_n = sum_j A_j (rho 2^-j)^n, j < terms."""
    lam = rho * 0.5 ** np.arange(terms)[:, None]  # (terms, K)
    n = np.arange(1 - terms, 1)[:, None, None]
    powers = np.moveaxis(lam[None] ** n, 2, 0)  # (K, equations, terms)
    good = np.isfinite(powers).all(axis=(1, 2)) & (rho > 1e-6) & (rho < 1.0)
    powers = np.where(good[:, None, None], powers, np.eye(terms))
    amplitudes = np.linalg.solve(powers, last[-terms:].T[:, :, None])[:, :, 0]
    left = (amplitudes.T * lam / (1.0 - lam)).sum(axis=0)
    return np.where(good, left, np.nan)
