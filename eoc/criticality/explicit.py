"""The edge of chaos as a curve parametrised by q, and where it changes its stability."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eoc.activations.base import Activation
from eoc.floats import EPS, FloatArray
from eoc.gaussian.integrands import easy_variance
from eoc.gaussian.moments import Estimate, moments
from eoc.layers import one_activation as resolve
from eoc.maps import Stability
from eoc.scan import all_roots, decades

__all__ = ["FIRM", "Curve", "Residual", "bias_residual", "curve", "squared_bias", "transitions", "variances"]

Residual = Callable[[FloatArray], tuple[FloatArray, FloatArray]]
IsFar = Callable[[FloatArray], NDArray[np.bool_]]

_Q_MAX = 1e8
_FIRST_STEP = 1e4
FIRM = 0.98  # |F'| up to which a variance is held firmly: errors fall by e in 50 layers


@dataclass(frozen=True, kw_only=True)
class Curve:
    """The edge of chaos at given variances: arrays of the shape of q; NaN where sigma_b^2 would be negative."""

    q: FloatArray
    sigma_w: FloatArray
    sigma_b: FloatArray
    slope: FloatArray


def curve(activation: object, q: ArrayLike) -> Curve:
    """sigma_b(q), sigma_w(q) and F'(q) along the edge of chaos, at given variances.

    Parameters
    ----------
    activation
        An activation, or whatever :func:`eoc.activation` understands.
    q
        Variances > 0, scalar or array of any shape; ``np.geomspace(1e-6, 1e3, 400)`` suits a plot of most activations.

    Returns
    -------
    Curve
        Arrays of the shape of q. A point is usable where ``slope < 1``. Accurate to about 1e-14 relative; the bounds
        are in :func:`edge_of_chaos` with ``q=``.

    Raises
    ------
    EocError
        For a q that is no variance.

    Examples
    --------
    >>> erf = curve("erf", np.array([1.0]))  # sigma_w^2 = (pi/4) sqrt(1 + 4 q)
    >>> bool(abs(erf.sigma_w[0] ** 2 - np.pi / 4 * 5**0.5) < 1e-14)
    True
    """
    phi = resolve(activation)
    q = np.asarray(q, dtype=float)
    m = moments(phi, q, ("D", "P", "gap"), strict=False)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        d = np.where((m["D"].value > 0.0) & (m["D"].value < np.inf), m["D"].value, np.nan)
        squared = m["gap"].value / d
        sigma_b = np.sqrt(np.where(squared >= 0.0, squared, np.nan))
        return Curve(q=q, sigma_w=d**-0.5, sigma_b=sigma_b, slope=1.0 + m["P"].value / d)


def transitions(activation: object) -> tuple[tuple[float, float, Stability], ...]:
    """Where the edge of chaos changes its stability as q grows: (sigma_b, q, what it becomes).

    The roots of P(q) = E[phi phi''], because F'(q) = 1 + P/D; F' = -1 cannot occur, since F' >= -1/2 at every fixed
    point.

    Parameters
    ----------
    activation
        An activation, or whatever :func:`eoc.activation` understands.

    Returns
    -------
    tuple of (sigma_b, q, stability)
        By increasing q, from q = 1e-12 to 1e8; sigma_b and q to about 1e-12 relative.

    Examples
    --------
    >>> [(round(b, 8), name) for b, q, name in transitions("gelu")]
    [(0.41583938, 'stable')]
    """
    phi = resolve(activation)

    def relative_slope(q: FloatArray) -> tuple[FloatArray, FloatArray]:
        m = moments(phi, q, ("D", "P"), strict=False)
        with np.errstate(divide="ignore", invalid="ignore"):
            return m["P"].value / m["D"].value, m["P"].error / m["D"].value

    roots, signs = all_roots(relative_slope, variances(phi, 1e-12))
    out: list[tuple[float, float, Stability]] = []
    for q, sign in zip(roots, signs[1:], strict=True):
        squared = float(squared_bias(phi, np.array([q])).value[0])
        if squared > 0.0:
            out.append((squared**0.5, float(q), "stable" if sign < 0.0 else "unstable"))
    return tuple(out)


def squared_bias(phi: Activation, q: FloatArray) -> Estimate:
    """sigma_b^2(q) = (q D - V)/D at the variances q (n,); NaN where D = 0."""
    m = moments(phi, q, ("D", "gap"), strict=False)
    d, gap = m["D"], m["gap"]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        value = np.where(d.value > 0.0, gap.value / d.value, np.nan)
        error = gap.error / d.value + np.abs(value) * d.error / d.value + 4.0 * EPS * np.abs(value)
    return Estimate(value, error)


def bias_residual(phi: Activation, sigma_b: float) -> Residual:
    """(sigma_b^2(q) - sigma_b^2)/q with its error, of order one where the curve is far from that sigma_b."""

    def residual(q: FloatArray) -> tuple[FloatArray, FloatArray]:
        squared = squared_bias(phi, q)
        return (squared.value - sigma_b**2) / q, squared.error / q

    return residual


def variances(phi: Activation, low: float, is_far: IsFar | None = None) -> FloatArray:
    """Variances from low to 1e8, or to where sigma_b^2(q) is far beyond what is looked for and still growing.

    A phi that oscillates without end, such as snake, is scanned as far as quadrature is cheap, about q = 1e5.
    """
    high = min(_Q_MAX, easy_variance(phi))
    grid = decades(low, min(high, max(_FIRST_STEP, 1e4 * low)))
    while grid[-1] < high:
        squared = squared_bias(phi, grid[-3:]).value
        if np.isnan(squared[-1]):
            break
        if is_far is not None and is_far(squared).all() and (np.diff(squared) > 0.0).all():
            break
        grid = np.append(grid, decades(grid[-1], min(1e2 * grid[-1], high))[1:])
    return grid
