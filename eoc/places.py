"""What a pair (sigma_b, sigma_w) is: a point of the edge of chaos, or a place in a phase, with the map that is applied.

A sigma_w that was copied from print is taken for the point of the edge of chaos that it stands for: off it by a
rounding error correlations would in the end converge exponentially, and not by the law that was meant.
"""

from __future__ import annotations

from dataclasses import dataclass

from eoc.activations.base import Activation
from eoc.criticality import EdgeOfChaos, EocPoint
from eoc.errors import EocError
from eoc.maps import CorrelationMap
from eoc.phase import phase_of

__all__ = ["Place", "on_edge", "place_at"]

_PRINTED = 1e-9


@dataclass(frozen=True)
class Place:
    """The correlation map of layers whose variance has settled.

    Attributes
    ----------
    f
        The map.
    point
        The point of the edge of chaos; None off it.
    q
        Where variances end.
    chi_1
        Its slope at c = 1; exactly 1 on the edge of chaos.
    """

    f: CorrelationMap
    point: EocPoint | None
    q: float
    chi_1: float


def on_edge(phi: Activation, point: EocPoint) -> Place:
    """The place of a point of the edge of chaos.

    Examples
    --------
    >>> import eoc
    >>> tanh = eoc.activation("tanh")
    >>> on_edge(tanh, eoc.edge_of_chaos(tanh, sigma_b=0.2).best).chi_1
    1.0
    """
    return Place(CorrelationMap(phi, point.sigma_w, point.sigma_b, point.q), point, point.q, 1.0)


def place_at(phi: Activation, sigma_w: float, sigma_b: float, q: float | None, edge: EdgeOfChaos) -> Place:
    """What is at given sigma_w and sigma_b: a point of the edge of chaos, or a phase.

    Parameters
    ----------
    phi
        The activation.
    sigma_w, sigma_b
        Standard deviations of the weights (times sqrt(fan-in)) and of the biases.
    q
        Variance of the first layer; None where all inputs end at the same one.
    edge
        The edge of chaos at this sigma_b.

    Returns
    -------
    Place
        The usable point of the edge with this sigma_w to within 1e-9, or where variances end in this phase.

    Raises
    ------
    EocError
        Where variances diverge, or end at one of several and q is not given.

    Examples
    --------
    >>> import eoc
    >>> tanh = eoc.activation("tanh")
    >>> place = place_at(tanh, 1.5, 0.2, None, eoc.edge_of_chaos(tanh, sigma_b=0.2))
    >>> place.point is None, place.chi_1
    (True, 1.10094141)
    """
    for point in edge.points:
        if point.usable and abs(point.sigma_w - sigma_w) <= _PRINTED * point.sigma_w:
            return on_edge(phi, point)
    phase = phase_of(phi, sigma_w, sigma_b, q)
    f = phase.correlation
    if f is None and phi.is_positively_homogeneous and sigma_b == 0.0:
        f = CorrelationMap(phi, sigma_w, sigma_b, 0.0)  # the same at every q
    if f is None:
        raise EocError(
            f"variances diverge at sigma_w = {sigma_w:g}, sigma_b = {sigma_b:g}, so that no correlation map is applied "
            "again and again; take a smaller sigma_w, or follow both with eoc propagate"
        )
    return Place(f, None, phase.q, phase.chi_1)
