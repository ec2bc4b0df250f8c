"""Why there is no usable point, and where along the curve to look instead."""

from __future__ import annotations

import numpy as np

from eoc.criticality.explicit import Curve, curve, transitions, variances
from eoc.criticality.forced import forced_stretches
from eoc.criticality.regimes import no_edge
from eoc.criticality.results import EdgeOfChaos, EocPoint, NoPoint, Regime
from eoc.layers import Network
from eoc.rates import depth_scale

__all__ = ["explained"]


_Q_MIN = 1e-12  # where the overview of the curve starts


def explained(
    network: Network, question: dict[str, float], points: tuple[EocPoint, ...], regime: Regime | None = None
) -> EdgeOfChaos:
    """The answer with these points; if none is usable, with the reason and a sentence that says what to do."""
    reason, message = _why(network, question, points, regime)
    return EdgeOfChaos(network.name, question, points, reason, message, regime)


def _why(
    network: Network, question: dict[str, float], points: tuple[EocPoint, ...], regime: Regime | None
) -> tuple[NoPoint | None, str]:
    if any(p.usable for p in points):
        return None, ""
    if points:
        worst = max(points, key=lambda p: p.slope)
        problem = f"F'(q) = {worst.slope:.6g} at q = {worst.q:.6g}, so the variance does not stay there"
        advice = _deepest_stable(network) if "correlation_depth" in question else _where_stable(network)
        return NoPoint.UNSTABLE, f"the edge-of-chaos point of {network.name} is {worst.stability}: {problem}; {advice}"
    if regime is not None:
        return NoPoint.NO_SOLUTION, no_edge(network, question, regime, _covered(network, question))
    asked = ", ".join(f"{name} = {value:g}" for name, value in question.items()) or "any sigma_b"
    why = _deepest_stable(network) if "correlation_depth" in question else _range_of_curve(network, question)
    return NoPoint.NO_SOLUTION, f"{network.name} has no edge-of-chaos point with {asked}: {why}"


def _where_stable(network: Network) -> str:
    changes = transitions(network)
    if not changes:
        return "it is so for every sigma_b; a place of the ordered phase, chi_1 < 1, holds its variance"
    sigma_b, becomes = changes[-1][0], changes[-1][2]
    if becomes == "stable" and len(changes) == 1:
        return f"it is so for every sigma_b < {sigma_b:.8f}; take a larger sigma_b"
    listed = ", ".join(f"{name} above sigma_b = {b:.8f}" for b, _, name in changes)
    return f"along the curve it becomes {listed}"


def _range_of_curve(network: Network, question: dict[str, float]) -> str:
    phi, along = network.activation, curve(network, variances(network, _Q_MIN))
    if not np.isfinite(along.sigma_w).any():
        if phi.is_rough:
            return "its values are only known to some digits; let it compute in double precision"
        return "E[phi'^2] is zero, infinite or cannot be computed for every q"
    if not np.isfinite(along.sigma_b).any():
        shift = phi.at_zero.right[0]
        remedy = f"; shift it, phi(x) - ({shift:.6g}) is 0 at x = 0" if shift else ""
        return f"sigma_b^2 = q - E[phi^2]/E[phi'^2] is negative for every q{remedy}"
    return _covers(along, question)


def _covered(network: Network, question: dict[str, float]) -> str:
    """Which values the curve of a network covers; "" where it has none."""
    if not network.free_is_last:
        parts = forced_stretches(network)
        numbers = np.array([[part.q, part.sigma_w, part.sigma_b] for part in parts]).reshape(-1, 3, 2)
        q, w, b = numbers.transpose(1, 0, 2).reshape(3, -1)
        along = Curve(q=q, sigma_w=w, sigma_b=b, slope=np.zeros(q.shape))
    else:
        along = curve(network, variances(network, _Q_MIN))
    return _covers(along, question) if np.isfinite(along.sigma_b).any() else ""


def _covers(along: Curve, question: dict[str, float]) -> str:
    along, name = along[np.isfinite(along.sigma_b)], "sigma_w" if "sigma_w" in question else "sigma_b"
    values = getattr(along, name)
    return f"for q up to {along.q[-1]:.3g} its curve covers {name} from {values.min():.6g} to {values.max():.6g}"


def _deepest_stable(network: Network) -> str:
    along = curve(network, variances(network, _Q_MIN))
    stable = np.isfinite(along.sigma_b) & (np.abs(along.slope) < 1.0)
    if not stable.any():
        return "no point of its curve is stable"
    assert network.phi is not None  # it is not asked of other networks
    depth = np.where(stable, depth_scale(network.phi, along.q), -1.0)
    best = int(np.argmax(depth))
    return (
        f"its stable points reach depth scales up to about {depth[best]:.3g}, near sigma_b = {along.sigma_b[best]:.3g}"
    )
