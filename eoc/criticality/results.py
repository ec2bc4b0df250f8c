"""What an edge-of-chaos point is, and the answer to a question for one."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from math import inf, sqrt
from typing import Any

from eoc.errors import EocError
from eoc.maps import Stability
from eoc.rates import RateLaw
from eoc.shown import Shown

__all__ = ["EdgeOfChaos", "EocPoint", "NoPoint", "Regime"]


@dataclass(frozen=True, kw_only=True)
class EocPoint(Shown, report="place.write_point"):
    """One point of the edge of chaos.

    Attributes
    ----------
    sigma_w, sigma_b, q
        Standard deviations of the weights (times sqrt(fan-in)) and of the biases, and the variance that is kept.
    sigma_w_error, sigma_b_error, q_error
        Bounds on their errors.
    chi_1
        1 by construction.
    slope, slope_error
        F'(q) = 1 + P/D of the variance map.
    stability
        "stable" if |F'| < 1: usable. "unstable": variances leave q. "marginal": F' = 1.
    usable
        Whether layers keep (or, at q = 0, slowly approach) this q, so that it can be offered as an initialisation. A
        recommended point keeps it over the depth of the network, also if it is "unstable".
    any_q
        True for positively homogeneous phi: every q is kept; ``q`` is 1 by convention.
    law
        How 1 - c_l falls with depth.
    overflows_above, overflows_above_error
        Where phi grows faster than x, the largest unstable fixed point of the variance map, and a bound on its error:
        inputs whose first variance is larger overflow within a few layers. inf where phi does not.
    """

    sigma_w: float
    sigma_b: float
    q: float
    sigma_w_error: float
    sigma_b_error: float
    q_error: float
    chi_1: float
    slope: float
    slope_error: float
    stability: Stability
    usable: bool
    any_q: bool
    law: RateLaw
    overflows_above: float = inf
    overflows_above_error: float = 0.0

    def to_dict(self, fan_in: int | None = None) -> dict[str, Any]:
        """Everything by name, with the standard deviations of parameters; that of weights for ``fan_in`` inputs."""
        return {
            **asdict(self),
            "law": {**asdict(self.law), "depth": self.law.depth},
            "fan_in": fan_in,
            "weight_std": self.sigma_w / sqrt(fan_in) if fan_in else None,
            "bias_std": self.sigma_b,
        }


class NoPoint(StrEnum):
    """Which kind of "none" it is when there is no usable point."""

    HOMOGENEOUS = "homogeneous"  #: phi(t x) = t phi(x): the edge of chaos is the single point sigma_b = 0, any q
    UNSTABLE = "unstable"  #: there are solutions, and F'(q) >= 1 at each: variances leave q
    NO_SOLUTION = "no solution"  #: the curve does not reach the value asked for
    INFINITE_CHI_1 = "infinite chi_1"  #: phi jumps


class Regime(StrEnum):
    """What the variance of a network of several layers does with depth."""

    SETTLES = "settles"  #: at a value that depends on the weights
    FORCED = "forced"  #: a norm decides it, whatever came in
    SCALES = "scales"  #: every block multiplies it by the same number, whatever it is
    GROWS = "grows"  #: by about as much in every block
    DIVERGES = "diverges"  #: faster and faster


@dataclass(frozen=True)
class EdgeOfChaos(Shown, report="place.write_edge"):
    """What :func:`edge_of_chaos` found: every point, and if none is usable, why.

    Attributes
    ----------
    activation
        Name of the activation.
    given
        The question, e.g. {"sigma_b": 0.2}; empty if a recommendation was asked for.
    points
        Every solution, usable or not, by increasing q.
    reason, message
        None and "" if there is a usable point; else the kind of "none", and a sentence that says what to do.
    regime
        Of a network of several layers, what its variance does with depth; None for an activation.
    """

    activation: str
    given: dict[str, float]
    points: tuple[EocPoint, ...]
    reason: NoPoint | None
    message: str
    regime: Regime | None = None

    @property
    def best(self) -> EocPoint:
        """The usable point that carries correlations deepest; EocError with the reason if there is none."""
        usable = [p for p in self.points if p.usable]
        if not usable:
            raise EocError(self.message)
        return max(usable, key=lambda p: p.law.depth)
