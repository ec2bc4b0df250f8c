"""A shaped activation, and what a network with it does at initialisation."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from eoc.activations import Activation
from eoc.gaussian.moments import moments
from eoc.layers import Network
from eoc.propagation import propagate
from eoc.recommendation import C0, KEPT
from eoc.shaping.conditions import Method
from eoc.shaping.solutions import Solution
from eoc.shaping.written import with_shaped

__all__ = ["SHAPED_APART", "Condition", "Found", "Question", "Shaping", "described"]

SHAPED_APART = 0.08  # 1 - c at the end: shaped ReLU, with 0.09, trained in every cell of benchmarks/shaping.md


@dataclass(frozen=True)
class Question:
    """What was asked for; the names are those of :class:`Shaping`."""

    phi: Activation
    network: Network
    depth: int
    method: Method
    target: str
    total: float


@dataclass(frozen=True)
class Found:
    """What was found: the function, (alpha, beta, gamma, delta), the slope of a leaky ReLU, and other solutions."""

    activation: Activation
    numbers: tuple[float, float, float, float]
    errors: tuple[float, ...]
    each: float
    negative_slope: float | None = None
    others: tuple[Solution, ...] = ()


@dataclass(frozen=True)
class Condition:
    """What was asked of a shaped activation, and what it has: of the finished function, computed anew.

    Attributes
    ----------
    name
        "Q(1)", "Q'(1)", "C(0)", "C'(1)" or "C''(1)", of a layer with sigma_w = 1, sigma_b = 0 at variance 1.
    asked, value, error
        What it should be, what it is, and a bound on the error of that.
    """

    name: str
    asked: float
    value: float
    error: float


@dataclass(frozen=True)
class Shaping:
    """A shaped activation, and what a network with it does at initialisation.

    Attributes
    ----------
    activation
        phi_hat, which everything in eoc takes; its name is a formula that can be typed wherever that of phi can.
    original, parameters, method, network, depth
        Name of phi and its parameters, "tat" or "dks", the text of the network and how many blocks it has.
    target, total
        "tau", "zeta" or "eta", and its value: what the whole network has.
    each
        What each activation has for that: C''(1) of TAT, C'(1) of DKS, C(0) of TAT for the ReLU family.
    alpha, beta, gamma, delta
        phi_hat(x) = gamma (phi(alpha x + beta) + delta); of the ReLU family (1, 0, gamma, 0) with phi a leaky ReLU of
        ``negative_slope``. ``errors`` bounds the errors of the four, and of the slope, if there is one.
    negative_slope
        Of the leaky ReLU; None for all others.
    conditions
        What holds, and how well.
    others
        Further solutions of the same equations, which were not kept, by alpha.
    sigma_w, sigma_b, weights
        The initialisation that belongs to it: (1, 0), "orthogonal" (Gaussian is a few points worse in training).
    one_minus_c, gradient_ratio
        1 - c of two inputs after all blocks whose correlation was 0.3 at first, and the second moment of gradients at
        the first block over that at the last one.
    trains
        Whether 1 - c >= 0.08, as it was where shaped networks trained, and the ratio is between 1/10 and 10.
    shaped_network
        The network with phi_hat in it, which everything in eoc takes that takes networks.
    """

    activation: Activation
    original: str
    parameters: tuple[float, ...]
    method: Method
    network: str
    depth: int
    target: str
    total: float
    each: float
    alpha: float
    beta: float
    gamma: float
    delta: float
    errors: tuple[float, ...]
    negative_slope: float | None
    conditions: tuple[Condition, ...]
    others: tuple[Solution, ...]
    one_minus_c: float
    gradient_ratio: float
    trains: bool
    shaped_network: Network
    sigma_w: float = 1.0
    sigma_b: float = 0.0
    weights: str = "orthogonal"

    def to_dict(self) -> dict[str, Any]:
        """Everything by name, the activation and the network as texts."""
        out = {name: value for name, value in vars(self).items() if name not in ("activation", "shaped_network")}
        parts = {"conditions": [asdict(c) for c in self.conditions], "others": [asdict(s) for s in self.others]}
        return {"formula": self.activation.name, **out, **parts, "shaped_network": self.shaped_network.text}


def described(asked: Question, found: Found) -> Shaping:
    """Both together, with what holds of the finished function and of a network of it."""
    made = with_shaped(asked.network, asked.phi, found.activation)
    apart, ratio = _followed(made, asked.depth)
    return Shaping(
        found.activation,
        asked.phi.name,
        tuple(float(value) for value in asked.phi.parameters.values() if isinstance(value, int | float)),
        asked.method,
        asked.network.text,
        asked.depth,
        asked.target,
        asked.total,
        found.each,
        *found.numbers,
        errors=found.errors,
        negative_slope=found.negative_slope,
        conditions=_conditions(found.activation, asked.target, found.each),
        others=found.others,
        one_minus_c=apart,
        gradient_ratio=ratio,
        trains=apart >= SHAPED_APART and KEPT <= ratio <= 1.0 / KEPT,
        shaped_network=made,
    )


def _followed(network: Network, depth: int) -> tuple[float, float]:
    """1 - c of two inputs behind all blocks, and what gradients are multiplied by in them."""
    sigma_w = 1.0 if network.is_free else None  # of what has no dense without numbers
    run = propagate(network, sigma_w, q=1.0, c=C0, depth=[0, depth])
    return float(run.one_minus_c[-1, 0, 1]), float(run.gradient[0, 0])


def _conditions(new: Activation, target: str, each: float) -> tuple[Condition, ...]:
    """What holds of the finished function."""
    m = moments(new, 1.0, ("M", "V", "D", "P") if target == "eta" or new.kinks else ("M", "V", "D", "P", "S"))
    value, error = ({name: float(getattr(one, part)) for name, one in m.items()} for part in ("value", "error"))
    mean, off = value["M"], error["M"]
    square = Condition("C(0)", each if target == "eta" else 0.0, mean**2, (2.0 * abs(mean) + off) * off)
    whole = [
        Condition("Q(1)", 1.0, value["V"], error["V"]),
        Condition("Q'(1)", 1.0, value["D"] + value["P"], error["D"] + error["P"]),
        Condition("C'(1)", each if target == "zeta" else 1.0, value["D"], error["D"]),
    ]
    if target == "tau":
        return (*whole, Condition("C''(1)", each, value["S"], error["S"]))
    return (*whole, square)
