"""The integrands behind the expectations of an activation, tabulated on demand and kept with it."""

from __future__ import annotations

from functools import partial

import numpy as np

from eoc.activations.base import Activation
from eoc.floats import FloatArray
from eoc.gaussian.divergence import vertical
from eoc.gaussian.octaves import Octaves
from eoc.gaussian.tangent import oscillates, remainder, resolved_radius
from eoc.sharing import cached

__all__ = ["easy_variance", "integrals"]


# r is phi without its tangent h at zero (eoc.gaussian.tangent).
_ROWS = ("phi^2", "dphi^2", "ddphi^2", "r^2", "dr^2", "phi", "r", "phi ddphi", "2hr+r^2")
# Beside a vertical tangent, x phi phi' stands in the place of phi phi'', which need not be integrable.


def integrals(phi: Activation, q: FloatArray, rows: set[str]) -> tuple[dict[str, tuple[FloatArray, FloatArray]], bool]:
    """E[row] and a bound on its absolute error at every q > 0, both (Q,), for each of the rows asked for.

    With them, whether an error may be larger than 1e-8 of E|row| somewhere.
    """
    octaves = _octaves(phi)
    names = [row for row in _ROWS if row in rows]
    index = np.array([_ROWS.index(name) for name in names])
    values, errors = octaves(q, index)
    return {name: (values[i], errors[i]) for i, name in enumerate(names)}, octaves.doubtful(index)


@cached()
def _octaves(phi: Activation) -> Octaves:
    radius = resolved_radius(phi)
    return Octaves(phi, partial(_rows, phi, radius), radius)


@cached()
def easy_variance(phi: Activation) -> float:
    """The variance up to which phi is resolved by few panels: beyond it, phi oscillates many times within sqrt(q)."""
    for x in 2.0 ** np.arange(3, 17):
        ends = [(x, 65.0 / 64.0 * x), (-65.0 / 64.0 * x, -x)]
        if any(oscillates(phi, *end) for end in ends if not _has_knot(phi, *end)):
            return float(x**2 / 16.0)
    return float("inf")


def _has_knot(phi: Activation, low: float, high: float) -> bool:
    return any(low <= k <= high for k in phi.knots)


def _rows(phi: Activation, radius: float, x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Every row at x and bounds on the errors, both (K, n); NaN where phi overflows."""
    finite = np.isfinite(phi.phi(x))
    if not finite.all():
        out = np.full((2, len(_ROWS), x.size), np.nan)
        if finite.any():
            out[:, :, finite] = _rows(phi, radius, x[finite])
        return out[0], out[1]
    values, bounds = np.stack([phi.phi(x), phi.dphi(x), phi.ddphi(x)]), phi.errors(x)
    rest = remainder(phi, radius, x, values, bounds)
    value, _, curvature = values
    e0, _, e2 = bounds
    factors = np.concatenate([values, [rest.r, rest.dr]])
    errors = np.concatenate([bounds, [rest.r_error, rest.dr_error]])
    odd = 0.0 if phi.parity == "odd" else 1.0  # on the half-line an odd integrand must not be doubled
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        other, other_error = (x * values[1], np.abs(x) * bounds[1]) if vertical(phi) else (curvature, e2)
        signed = np.stack([odd * value, odd * rest.r, value * other, (2.0 * rest.h + rest.r) * rest.r])
        signed_errors = np.stack(
            [
                e0,
                rest.r_error,
                np.abs(value) * other_error + np.abs(other) * e0,
                2.0 * (np.abs(rest.h) + np.abs(rest.r)) * rest.r_error,
            ]
        )
        positive, positive_errors = factors**2, 2.0 * np.abs(factors) * errors
    return np.concatenate([positive, signed]), np.concatenate([positive_errors, signed_errors])
