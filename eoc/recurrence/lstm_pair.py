r"""Two cells of an LSTM with fresh weights that see correlated sequences: how their states correlate in the end.

Of the two cells, at the same gates as each alone, C(s, t) = E[cos(s c_a) cos(t c_b)] and S(s, t) = E[sin(s c_a)
sin(t c_b)] are all that is needed, as signs are even. A step maps them to

.. math:: S' = S_f C_u + C_f S_u, \qquad C' = C_f C_u + S_f S_u, \qquad S_f(s, t) = E[S(f_a s, f_b t)],

with C_u and S_u of what comes in, u = i g, and

.. math:: E[\tanh c_a \tanh c_b] = \int_0^\infty \int_0^\infty \frac{S(s, t)}{\sinh(\pi s/2) \sinh(\pi t/2)} ds \, dt.

All gates have pre-activations of one correlation rho, so that by Mehler's formula, with normalised Hermite polynomials
h_k of a Gaussian z, :math:`S_f = \sum_k \rho^k A_k S A_k^T`, where A_k u(t) = E[h_k(z) u(f(z) t)]: matrices that do not
change as rho comes to where it stays. Derived here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eoc.errors import AccuracyError
from eoc.floats import FloatArray
from eoc.recurrence.lstm_law import CellLaw

__all__ = ["KeptPair", "kept_pair"]

_MOST = 4000  # steps
_SETTLED = 1e-14


@dataclass(frozen=True)
class KeptPair:
    """The correlation of h that two sequences settle at, and by what distances from it shrink a step.

    ``slope_error`` is how far that still moved.
    """

    c: float
    slope: float
    slope_error: float


class _Pair:
    """The maps of a law for two cells."""

    def __init__(self, law: CellLaw, orders: int) -> None:
        polynomials = _hermite(law.rule[0], orders)
        self._f, self._i = ([law.thinned(gate, h) for h in polynomials] for gate in (law.f, law.i))
        self._even = [law.of_candidate(np.cos, h) for h in polynomials]
        self._odd = [law.of_candidate(np.sin, h) for h in polynomials]
        self._gate = np.array([law.o.mean(law.o.value, h) ** 2 for h in polynomials])
        t = law.t
        kernel = np.zeros(t.size)
        kernel[1:] = law.quadrature[1:] / np.sinh(0.5 * np.pi * t[1:])
        self._functional = kernel + law.quadrature[0] * 2.0 / np.pi * _slope_at_zero(t)

    def thinned(self, matrices: Sequence[FloatArray], of: FloatArray, rho: float) -> FloatArray:
        """E[of(f_a s, f_b t)]."""
        return np.asarray(sum(rho**k * (a @ of @ a.T) for k, a in enumerate(matrices)))

    def gate(self, of: FloatArray, rho: float) -> FloatArray:
        """The same of the forget gate."""
        return self.thinned(self._f, of, rho)

    def comes_in(self, rho: float) -> tuple[FloatArray, FloatArray]:
        """C_u and S_u."""
        even, odd = (
            sum(rho**k * np.outer(one, one) for k, one in enumerate(waves)) for waves in (self._even, self._odd)
        )
        return self.thinned(self._i, np.asarray(even), rho), self.thinned(self._i, np.asarray(odd), rho)

    def hidden(self, sines: FloatArray, rho: float) -> float:
        """E[h_a h_b]."""
        opened = float(self._gate @ rho ** np.arange(self._gate.size))
        return opened * float(self._functional @ sines @ self._functional)


def kept_pair(law: CellLaw, hidden: float, shared: float, weight: float, given: float, orders: int) -> KeptPair:
    """Where the correlation of two states settles, from independent states on.

    Parameters
    ----------
    law, hidden
        Of a single cell, where it stays, and its E[h^2] there.
    shared, weight
        The covariance of pre-activations is ``shared`` + ``weight`` E[h_a h_b].
    given
        Their variance.
    orders
        Hermite polynomials.

    Raises
    ------
    AccuracyError
        Where it has not settled in 4000 steps.
    """
    pair = _Pair(law, orders)
    n = law.t.size
    cosines, sines = np.outer(1.0 - law.lost, 1.0 - law.lost), np.zeros((n, n))
    known, slope, drift, before = 0.0, 0.0, 0.0, np.inf
    for _ in range(_MOST):
        rho = float(np.clip((shared + weight * known) / given, -1.0, 1.0))
        even, odd = pair.comes_in(rho)
        c, s = pair.gate(cosines, rho), pair.gate(sines, rho)
        cosines, sines = c * even + s * odd, s * even + c * odd
        found = pair.hidden(sines, rho)
        moved = abs(found - known)
        if moved > _SETTLED**0.5 * hidden and np.isfinite(before):
            slope, drift = moved / before, abs(moved / before - slope)
        if moved <= _SETTLED * hidden:
            return KeptPair(float(np.clip(found / hidden, -1.0, 1.0)), slope, drift)
        known, before = found, moved
    raise AccuracyError("two cells have not settled after 4000 steps: they forget too slowly")


def _hermite(z: FloatArray, orders: int) -> list[FloatArray]:
    """Polynomials of mean square 1."""
    found = [np.ones_like(z), z]
    for k in range(2, orders):
        found.append((z * found[-1] - (k - 1) ** 0.5 * found[-2]) / k**0.5)
    return found


def _slope_at_zero(t: FloatArray) -> FloatArray:
    """The row that gives the derivative at t = 0 of a polynomial at Chebyshev points."""
    sign = (-1.0) ** np.arange(t.size)
    sign[[0, -1]] *= 0.5
    row = np.zeros(t.size)
    row[1:] = sign[1:] / sign[0] / (t[0] - t[1:])
    row[0] = -row[1:].sum()
    return row
