r"""phi without its tangent at zero, accurate to the last digits however small x is.

With b = phi(0) and the one-sided slopes s+ = phi'(0+), s- = phi'(0-), write phi(x) = b + h(x) + r(x), where
h(x) = s+ x for x > 0 and s- x for x < 0. Near zero r(x) = phi(x) - b - h(x) would be lost to cancellation; Taylor's
formula with integral remainder gives it, and r', as integrals of phi'' without any subtraction:

.. math:: r'(x) = x \int_0^1 \phi''(x t)\, dt, \qquad r(x) = x^2 \int_0^1 (1 - t)\, \phi''(x t)\, dt.

What sets sigma_b on the edge of chaos, q E[phi'^2] - E[phi^2], and what decides stability at criticality,
E[phi^2] - q E[h'^2], depend on r alone (see :mod:`eoc.gaussian.moments`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.polynomial import legendre

from eoc.activations.base import Activation
from eoc.floats import EPS, FloatArray
from eoc.gaussian.nodes import PROJECT, UNIT_NODES, N
from eoc.sharing import cached

__all__ = ["Remainder", "oscillates", "remainder", "resolved_radius"]

_RESOLVED = 1e-12
_PROBE = np.concatenate([2.0 ** np.arange(-12.0, 0.0), np.linspace(0.55, 0.97, 8)])
_PROBE_VANDER = legendre.legvander(2.0 * _PROBE - 1.0, N - 1)
_AT_ZERO = (-1.0) ** np.arange(N)  # of the Legendre polynomials there
_RADII = 2.0 ** np.arange(-24.0, 25.0)
_STEEP_RADII = 2.0 ** np.arange(-25.0, -81.0, -1.0)

# Nodes and weights on [0, 1] for Taylor's integrals: exact to the degree to which phi'' is resolved.
_TAYLOR_T, _TAYLOR_W = (0.5 * (part + shift) for part, shift in zip(legendre.leggauss(N // 2), (1.0, 0.0), strict=True))


@dataclass(frozen=True)
class Remainder:
    """r, r' and h at the same points, with bounds on the absolute errors of r and r'."""

    r: FloatArray
    dr: FloatArray
    h: FloatArray
    r_error: FloatArray
    dr_error: FloatArray


@cached()
def resolved_radius(phi: Activation) -> float:
    """The largest c = 2^j such that phi, phi' and phi'' are polynomials of degree 23, to rounding, on [-c, 0], [0, c].

    Zero where there is none above 2^-80. It tells the scale on which phi changes: beyond c, panels must be graded.
    """
    radius = 0.0
    nearest = min((abs(k) for k in phi.knots if k != 0.0), default=np.inf)
    for c in _RADII[nearest >= _RADII]:
        if not all(_is_resolved(phi, end) for end in (c, -c)):
            break
        radius = float(c)
    if radius > 0.0:
        return radius
    # Smaller ones only now: closer to 0, the rounding of a function of the user's may look like structure.
    smaller = _STEEP_RADII[nearest >= _STEEP_RADII]
    return next((float(c) for c in smaller if all(_is_resolved(phi, end) for end in (c, -c))), 0.0)


def _is_resolved(phi: Activation, end: float) -> bool:
    """Whether the polynomials through 24 Gauss nodes on [0, end] meet phi, phi', phi'' at other points."""
    nodes, probe = end * UNIT_NODES, end * _PROBE
    at_nodes = np.stack([phi.phi(nodes), phi.dphi(nodes), phi.ddphi(nodes)])
    at_probe = np.stack([phi.phi(probe), phi.dphi(probe), phi.ddphi(probe)])
    if not np.isfinite(at_nodes).all():
        return True  # overflow is no structure; quadrature deals with it
    noise = np.maximum(phi.errors(nodes).max(axis=1), phi.errors(probe).max(axis=1))
    series = at_nodes @ PROJECT
    misfit = np.abs(series @ _PROBE_VANDER.T - at_probe).max(axis=1)
    limit = (phi.at_zero.right if end > 0.0 else phi.at_zero.left)[0]
    misfit[0] = max(misfit[0], abs(series[0] @ _AT_ZERO - limit))  # what is steeper than the first node tells
    return bool((misfit <= _RESOLVED * np.abs(at_nodes).max(axis=1) + 8.0 * noise).all())


def oscillates(phi: Activation, start: float, end: float) -> bool:
    """Whether the polynomial through 24 Gauss nodes on [start, end] misses phi by more than 1e-6 at other points."""
    values = phi.phi(start + (end - start) * UNIT_NODES)
    probe = phi.phi(start + (end - start) * _PROBE)
    if not np.isfinite(values).all():
        return False
    return bool(np.abs(values @ PROJECT @ _PROBE_VANDER.T - probe).max() > 1e-6 * np.abs(values).max())


def remainder(phi: Activation, radius: float, x: FloatArray, values: FloatArray, errors: FloatArray) -> Remainder:
    """The values of phi without its tangent at zero at the points x (n,).

    Parameters
    ----------
    phi, radius
        The activation and its :func:`resolved_radius`.
    x
        Where, shape (n,).
    values, errors
        phi, phi', phi'' at x and bounds on their absolute errors, both (3, n).
    """
    zero = phi.at_zero
    right = x > 0.0
    b = np.where(right, zero.right[0], zero.left[0])
    slope = np.where(right, phi.slopes_at_zero[1], phi.slopes_at_zero[0])
    h = slope * x
    r, dr = values[0] - b - h, values[1] - slope
    r_error = errors[0] + EPS * (np.abs(values[0]) + np.abs(b) + np.abs(h))
    dr_error = errors[1] + EPS * (np.abs(values[1]) + np.abs(slope))
    near = np.abs(x) <= 0.5 * radius
    if near.any():
        y = x[near]
        grid = y[:, None] * _TAYLOR_T
        curvature = phi.ddphi(grid.ravel()).reshape(grid.shape)
        # Bounds on the error of phi'' do not fall towards x, so the one at x serves the whole way there.
        bound = errors[2][near, None] + 4.0 * EPS * np.abs(curvature)
        dr[near] = y * (curvature @ _TAYLOR_W)
        r[near] = y**2 * (curvature @ (_TAYLOR_W * (1.0 - _TAYLOR_T)))
        dr_error[near] = np.abs(y) * (bound @ _TAYLOR_W)
        r_error[near] = y**2 * (bound @ (_TAYLOR_W * (1.0 - _TAYLOR_T)))
    return Remainder(r, dr, h, r_error, dr_error)
