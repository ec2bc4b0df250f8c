"""Where the layers of a Jacobian work: the activation with sigma_w, sigma_b and the variance that is kept."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, nan, sqrt

import numpy as np

from eoc.activations.base import Activation
from eoc.criticality import EocPoint, edge_of_chaos
from eoc.errors import EocError, UnsupportedError
from eoc.floats import EPS
from eoc.gaussian.moments import checked_variance, moments
from eoc.layers import understood
from eoc.maps import CorrelationMap
from eoc.validation import real_number

__all__ = ["Place", "at_point", "place_of", "plain"]


@dataclass(frozen=True)
class Place:
    """The activation, how layers are drawn, the variance of pre-activations, and whether this is on the edge of chaos.

    sigma_b is NaN where the variance was given and no sigma_b keeps it.
    """

    phi: Activation
    sigma_w: float
    sigma_b: float
    q: float
    q_error: float
    is_critical: bool


def plain(activation: object) -> Activation:
    """The activation of plain layers; UnsupportedError for networks of others."""
    network = understood(activation)
    if network.phi is None:
        raise UnsupportedError(
            f"{network.name!r} is a network: spectra are those of plain layers, weights and an activation; "
            "eoc.propagate follows the mean square of its gradients"
        )
    return network.phi


def at_point(phi: Activation, point: EocPoint) -> Place:
    """A point of the edge of chaos."""
    return Place(phi, point.sigma_w, point.sigma_b, point.q, point.q_error, True)


def place_of(activation: object, sigma_w: float | None, sigma_b: float | None, q: float | None) -> Place:
    """The place that is meant: on the edge of chaos without sigma_w, at the variance that layers keep without q."""
    if isinstance(activation, CorrelationMap):
        return _of_map(activation)
    phi = plain(activation)
    if sigma_b is not None and q is not None:
        raise EocError(f"give sigma_b or q, got sigma_b = {sigma_b!r} and q = {q!r}: each follows from the other")
    if sigma_w is None:
        return at_point(phi, _point(phi, sigma_b, q))
    if q is None:
        return _of_map(CorrelationMap(phi, sigma_w, sigma_b or 0.0))
    gain, variance = real_number("sigma_w", sigma_w), checked_variance(q)
    if not 0.0 < gain < inf:
        raise EocError(f"sigma_w must be > 0, got {gain!r}")
    bias = variance - gain**2 * float(moments(phi, variance, ("V",))["V"].value)
    rounding = 1e-13 * variance
    return Place(phi, gain, sqrt(max(bias, 0.0)) if bias >= -rounding else nan, variance, 0.0, False)


def _point(phi: Activation, sigma_b: float | None, q: float | None) -> EocPoint:
    """The point of the edge of chaos; at a given q also if variances leave it in the end."""
    if q is None:
        return edge_of_chaos(phi, sigma_b=sigma_b or 0.0).best
    found = edge_of_chaos(phi, q=q)
    return found.points[0] if found.points else found.best


def _of_map(f: CorrelationMap) -> Place:
    phi = plain(f.network)
    drift = abs(f.next_q - f.q) if np.isfinite(f.q) else inf
    if not (phi.is_positively_homogeneous or drift <= 1e-9 * f.q + 4.0 * f.q_error):
        raise EocError(
            f"the variance of this map is not kept: q = {f.q:.12g} becomes {f.next_q:.12g}; leave q out, or give q in "
            "place of sigma_b"
        )
    critical = f.chi_1 == 1.0
    if phi.is_positively_homogeneous:  # of which chi_1 of a map is 1 anywhere, relative to variances that grow
        critical = abs(f.sigma_w**2 * phi.kappa - 1.0) <= 8.0 * EPS
    return Place(phi, f.sigma_w, f.sigma_b, f.q, f.q_error + EPS * f.q, critical)
