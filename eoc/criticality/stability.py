"""What of the edge of chaos is stable: its transitions, and the stretches between them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from eoc.criticality.asymptotics import End
from eoc.criticality.branches import Branch
from eoc.criticality.explicit import curve, edge_moments, transitions
from eoc.floats import FloatArray
from eoc.layers import Network
from eoc.maps import Stability

__all__ = ["StabilityRange", "Transition", "stretches", "transition_points"]


@dataclass(frozen=True, kw_only=True)
class Transition:
    """A point of the curve with F'(q) = 1, and what the curve becomes as q grows beyond it."""

    q: float
    sigma_w: float
    sigma_b: float
    slope: float
    becomes: Stability


@dataclass(frozen=True, kw_only=True)
class StabilityRange:
    """A stretch of the curve between transitions and ends, over all q: (at small q, at large q) of each quantity."""

    stability: Stability
    q: tuple[float, float]
    sigma_w: tuple[float, float]
    sigma_b: tuple[float, float]


def transition_points(network: Network) -> tuple[Transition, ...]:
    """The transitions with all that is known of them."""
    out = []
    for _, q, becomes in transitions(network):
        here = curve(network, q)
        out.append(
            Transition(
                q=q, sigma_w=float(here.sigma_w), sigma_b=float(here.sigma_b), slope=float(here.slope), becomes=becomes
            )
        )
    return tuple(out)


def stretches(
    network: Network, branch: Branch, limits: tuple[End, End], changes: tuple[Transition, ...]
) -> list[StabilityRange]:
    """Cut at the transitions; what lies beyond the computed variances is taken to be like the last of them."""
    edges: list[End | Transition] = [limits[0], *(t for t in changes if branch.q[0] < t.q < branch.q[-1]), limits[1]]
    out = []
    for low, high in pairwise(edges):
        between = branch.q[(branch.q > low.q) & (branch.q < high.q)]
        stability = _stability(network, between)
        w, b = (low.sigma_w, high.sigma_w), (low.sigma_b, high.sigma_b)
        out.append(StabilityRange(stability=stability, q=(low.q, high.q), sigma_w=w, sigma_b=b))
    return out


def _stability(network: Network, q: FloatArray) -> Stability:
    """That of a stretch without transitions, read off where F' - 1 is clearest."""
    p = edge_moments(network, q, ("P",))["P"]
    known = np.abs(p.value) > p.error
    if not known.any():
        return "marginal"
    excess = p.value[known][np.argmax(np.abs(p.value[known]) / p.error[known])]
    return "stable" if excess < 0.0 else "unstable"
