r"""Where gradients keep their second moment that see the slope of a surrogate (straight-through estimators).

Signals go forward by phi, gradients back by the slope g of another function. The variance is kept and so are gradients
where

.. math:: q = \sigma_b^2 + \sigma_w^2 E[\phi(\sqrt q Z)^2], \qquad \sigma_w^2 E[g(\sqrt q Z)^2] = 1,

which is explicit in q, as the edge of chaos is: it is the same equation with g for phi'. But differences between inputs
grow by phi', by infinitely much where phi jumps: what becomes of these is said by the forward maps (derived here).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eoc.criticality.explicit import bias_residual, edge_moments
from eoc.criticality.point import STEP, root_error
from eoc.errors import EocError, UnsupportedError
from eoc.floats import EPS
from eoc.layers import Network, checked_sigma, understood
from eoc.maps import Stability, stability_of
from eoc.maps.variance_layer import VarianceLayer
from eoc.scan import all_roots, decades

__all__ = ["GradientCritical", "gradient_critical"]

_Q_RANGE = (1e-12, 1e8)


@dataclass(frozen=True, kw_only=True)
class GradientCritical:
    """A place that keeps the variance and the second moment of gradients.

    Attributes
    ----------
    sigma_w, sigma_b, q
        Standard deviations of the weights (times sqrt(fan-in)) and of the biases, and the variance that is kept.
    sigma_w_error, q_error
        Bounds on their errors; sigma_b is as given.
    slope, slope_error, stability
        F'(q) of the variance map, and whether variances stay at q: "stable", "unstable" or "marginal".
    chi_1
        By what small differences between inputs grow; infinite where phi jumps.
    """

    sigma_w: float
    sigma_b: float
    q: float
    sigma_w_error: float
    q_error: float
    slope: float
    slope_error: float
    stability: Stability
    chi_1: float


def gradient_critical(
    activation: object, *, sigma_b: float = 0.0, backward: object = None
) -> tuple[GradientCritical, ...]:
    """Every sigma_w at which layers keep their variance and gradients their second moment, at a given sigma_b.

    Parameters
    ----------
    activation
        An activation, or whatever :func:`eoc.activation` understands. Or an :func:`eoc.network` or its text, with one
        ``dense`` without numbers that is solved for.
    sigma_b
        Standard deviation of the biases, >= 0.
    backward
        The function whose slope gradients see, see :class:`eoc.VarianceMap`; of a network it stands in its text, as
        ``"ste(sign, hardtanh), dense"``.

    Returns
    -------
    tuple of GradientCritical
        By increasing q, from q = 1e-12 to 1e8; empty where there is none. To about 1e-14, with bounds.

    Raises
    ------
    EocError
        For a sigma_b out of range, without a surrogate (:func:`eoc.edge_of_chaos` is about these), with nothing free.
    UnsupportedError
        Where an activation or a norm follows the free dense layer.

    Examples
    --------
    >>> [round(p.sigma_w, 8) for p in gradient_critical("sign", backward="hardtanh")]
    [1.36610397]
    >>> [round(p.sigma_w, 8) for p in gradient_critical("sign", backward="bireal")]
    [0.98717115]
    """
    network, sigma_b = understood(activation, backward), checked_sigma("sigma_b", sigma_b)
    _check(network)
    residual = bias_residual(network, sigma_b, surrogates=True)
    roots = all_roots(residual, decades(*_Q_RANGE))[0]
    found = (_at(network, float(q), root_error(residual, float(q)), sigma_b) for q in roots)
    return tuple(one for one in found if one is not None)


def _check(network: Network) -> None:
    if not network.has_surrogates:
        raise EocError(
            f"gradients see the slopes of {network.name!r} themselves: give backward=, the function whose slope they "
            "see, or ask for eoc.edge_of_chaos"
        )
    if not network.is_free or network.varies:
        raise EocError(f"{network.name!r} has no dense without numbers, or blocks that differ: none can be solved for")
    if not network.free_is_last:
        raise UnsupportedError(
            f"an activation or a norm follows the dense without numbers of {network.name!r}: give that one numbers, "
            "and leave those of the last dense out"
        )


def _at(network: Network, q: float, q_error: float, sigma_b: float) -> GradientCritical | None:
    """The place at a variance that is known to within q_error; None if sigma_w^2 is negative there."""
    d = edge_moments(network, np.array([1.0 - STEP, 1.0, 1.0 + STEP]) * q, ("D",), surrogates=True)["D"]
    below, middle, above = d.value.tolist()
    if not middle > d.error[1]:
        return None
    sigma_w = middle**-0.5
    off = float(d.error[1]) + abs(above - below) / (2.0 * STEP * q) * q_error  # of 1/sigma_w^2
    layer = VarianceLayer(network, sigma_w, sigma_b)
    slope = layer.slope(q)
    slope_error = float(slope.error) + float(layer.slope_uncertainty(np.array([q]))[0]) * q_error
    return GradientCritical(
        sigma_w=sigma_w,
        sigma_b=sigma_b,
        q=q,
        sigma_w_error=sigma_w * (0.5 * off / middle + 2.0 * EPS),
        q_error=q_error,
        slope=float(slope.value),
        slope_error=slope_error,
        stability=stability_of(float(slope.value), slope_error),
        chi_1=float(layer.chi_1(q, strict=False).value),
    )
