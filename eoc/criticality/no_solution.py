"""Why there is no usable point, and where along the curve to look instead."""

from __future__ import annotations

import numpy as np

from eoc.activations.base import Activation
from eoc.criticality.explicit import curve, transitions, variances
from eoc.criticality.results import EdgeOfChaos, EocPoint, NoPoint
from eoc.rates import depth_scale

__all__ = ["explained"]


_Q_MIN = 1e-12  # where the overview of the curve starts


def explained(phi: Activation, question: dict[str, float], points: tuple[EocPoint, ...]) -> EdgeOfChaos:
    """The answer with these points; if none is usable, with the reason and a sentence that says what to do."""
    if any(p.usable for p in points):
        return EdgeOfChaos(phi.name, question, points, None, "")
    if points:
        worst = max(points, key=lambda p: p.slope)
        problem = f"F'(q) = {worst.slope:.6g} at q = {worst.q:.6g}, so the variance does not stay there"
        advice = _deepest_stable(phi) if "correlation_depth" in question else _where_stable(phi)
        message = f"the edge-of-chaos point of {phi.name} is {worst.stability}: {problem}; {advice}"
        return EdgeOfChaos(phi.name, question, points, NoPoint.UNSTABLE, message)
    asked = ", ".join(f"{name} = {value:g}" for name, value in question.items()) or "any sigma_b"
    why = _deepest_stable(phi) if "correlation_depth" in question else _range_of_curve(phi, question)
    message = f"{phi.name} has no edge-of-chaos point with {asked}: {why}"
    return EdgeOfChaos(phi.name, question, (), NoPoint.NO_SOLUTION, message)


def _where_stable(phi: Activation) -> str:
    changes = transitions(phi)
    if not changes:
        return "it is so for every sigma_b; a place of the ordered phase, chi_1 < 1, holds its variance"
    sigma_b, becomes = changes[-1][0], changes[-1][2]
    if becomes == "stable" and len(changes) == 1:
        return f"it is so for every sigma_b < {sigma_b:.8f}; take a larger sigma_b"
    listed = ", ".join(f"{name} above sigma_b = {b:.8f}" for b, _, name in changes)
    return f"along the curve it becomes {listed}"


def _range_of_curve(phi: Activation, question: dict[str, float]) -> str:
    along = curve(phi, variances(phi, _Q_MIN))
    exists = np.isfinite(along.sigma_b)
    if not np.isfinite(along.sigma_w).any():
        if phi.is_rough:
            return "its values are only known to some digits; let it compute in double precision"
        return "E[phi'^2] is zero, infinite or cannot be computed for every q"
    if not exists.any():
        shift = phi.at_zero.right[0]
        remedy = f"; shift it, phi(x) - ({shift:.6g}) is 0 at x = 0" if shift else ""
        return f"sigma_b^2 = q - E[phi^2]/E[phi'^2] is negative for every q{remedy}"
    name = "sigma_w" if "sigma_w" in question else "sigma_b"
    values, last = getattr(along, name)[exists], along.q[exists][-1]
    return f"for q up to {last:.3g} its curve covers {name} from {values.min():.6g} to {values.max():.6g}"


def _deepest_stable(phi: Activation) -> str:
    along = curve(phi, variances(phi, _Q_MIN))
    stable = np.isfinite(along.sigma_b) & (np.abs(along.slope) < 1.0)
    if not stable.any():
        return "no point of its curve is stable"
    depth = np.where(stable, depth_scale(phi, along.q), -1.0)
    best = int(np.argmax(depth))
    return (
        f"its stable points reach depth scales up to about {depth[best]:.3g}, near sigma_b = {along.sigma_b[best]:.3g}"
    )
