"""A few seconds of computing what is known otherwise: closed forms, and values that were enclosed rigorously."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

__all__ = ["Check", "self_test"]


@dataclass(frozen=True)
class Check:
    """One number beside its reference.

    Attributes
    ----------
    name
        What was computed.
    value, expected
        As it came out, and as it is.
    tolerance
        The relative difference that is allowed.
    seconds
        How long it took, with what had to be compiled or tabulated.
    problem
        What went wrong where nothing was computed, or "".
    """

    name: str
    value: float
    expected: float
    tolerance: float
    seconds: float
    problem: str = ""

    @property
    def passed(self) -> bool:
        """Whether the value is right; one that is not a number is not."""
        return not self.problem and abs(self.value - self.expected) <= self.tolerance * abs(self.expected)

    def to_dict(self) -> dict[str, Any]:
        """What ``--json`` prints."""
        return asdict(self) | {"passed": self.passed}


def self_test() -> Iterator[Check]:
    """Compute each number and yield it; an error of any kind is a check that did not pass.

    Examples
    --------
    >>> first = next(self_test())
    >>> first.name, first.passed
    ("E phi'^2 of hardtanh, a closed form", True)
    """
    for name, (compute, expected, tolerance) in _CHECKS.items():
        start = time.perf_counter()
        value, problem = math.nan, ""
        try:
            value = float(compute())
        except Exception as error:  # whatever is broken here is what is asked for
            problem = f"{type(error).__name__}: {error}"
        yield Check(name, value, expected, tolerance, time.perf_counter() - start, problem)


def _hardtanh() -> float:
    import eoc

    return float(eoc.moments("hardtanh", q=0.4, names=("D",))["D"].value)


def _function() -> float:
    import eoc

    phi = eoc.activation(lambda x: np.where(x > 0.0, x, 0.0))
    return float(eoc.moments(phi, q=2.0, names=("V",))["V"].value)


def _edge() -> float:
    import eoc

    return float(eoc.edge_of_chaos("tanh", sigma_b=0.2).points[0].sigma_w)


def _formula() -> float:
    import eoc

    return float(eoc.edge_of_chaos("x*(1 + erf(x/sqrt(2)))/2", sigma_b=0.2).points[0].sigma_w)


def _law() -> float:
    import eoc

    return float(eoc.convergence_law(eoc.CorrelationMap("relu", sigma_w=2**0.5)).constant)


def _deep() -> float:
    import eoc

    return float(eoc.CorrelationMap("relu", sigma_w=2**0.5).iterate(10**12, c=0.0).value)


def _kernel() -> float:
    import eoc

    return float(eoc.kernel("relu", np.eye(2), depth=1, sigma_w=2**0.5, sigma_b=0.0).nngp[0, 1])


def _jacobian() -> float:
    import eoc

    return float(eoc.jacobian("relu", depth=5, weights="orthogonal").largest)


def _sampled() -> float:
    import eoc

    run = eoc.sample_networks("relu", 2**0.5, width=10_000, depth=2, c=0.0, seed=1)
    return float(run.one_minus_c[0, 1, 0, 1])


_CHECKS: dict[str, tuple[Callable[[], float], float, float]] = {
    "E phi'^2 of hardtanh, a closed form": (_hardtanh, math.erf(0.8**-0.5), 1e-14),
    "E phi^2 of a Python function, a closed form": (_function, 1.0, 1e-13),
    "sigma_w of tanh on the edge of chaos, to 15 digits": (_edge, 1.304145840056511, 1e-14),
    "sigma_w of GELU as a formula, to 15 digits": (_formula, 1.547009470416228565, 1e-13),
    "kappa of ReLU, 9 pi^2 / 2": (_law, 4.5 * math.pi**2, 1e-12),
    "1 - c of ReLU after 10^12 layers, by its law": (_deep, 4.5e-24 * math.pi**2, 1e-9),
    "kernel of ReLU at orthogonal inputs, 1/pi": (_kernel, 1.0 / math.pi, 1e-13),
    "largest s^2 of five orthogonal ReLU layers, 5^5 / 4^4": (_jacobian, 5.0**5 / 4.0**4, 1e-12),
    "1 - c in a network of 10^4 units, 1 - 1/pi": (_sampled, 1.0 - 1.0 / math.pi, 0.1),
}
