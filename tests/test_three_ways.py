"""The same activation by name, by formula and as a Python function: the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.special import ndtr

from eoc.activations import activation
from eoc.activations.base import Activation, Smoothness
from eoc.criticality import edge_of_chaos
from eoc.gaussian.moments import moments

Q = np.array([1e-3, 0.1, 1.0, 10.0, 100.0])
SPLINE = "spline(knots=(-2, -1, 0, 1, 3), values=(-1, -0.5, 0, 1, 2))"


def sigmoid(x: Any) -> Any:
    return 1.0 / (1.0 + np.exp(-x))


def lines(x: Any) -> Any:
    """The spline by interpolation, with its outer slopes 1/2 continued."""
    middle = np.interp(x, [-2.0, -1.0, 0.0, 1.0, 3.0], [-1.0, -0.5, 0.0, 1.0, 2.0])
    return middle + 0.5 * np.minimum(x + 2.0, 0.0) + 0.5 * np.maximum(x - 3.0, 0.0)


WAYS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "relu": ("max(x,0)", lambda x: np.maximum(x, 0.0)),
    "elu": ("x if x > 0 else exp(x)-1", lambda x: np.where(x > 0.0, x, np.expm1(np.minimum(x, 0.0)))),
    "hardtanh": ("clip(x,-1,1)", lambda x: np.clip(x, -1.0, 1.0)),
    "hardshrink(threshold=0.5)": ("where(abs(x) > 0.5, x, 0)", lambda x: np.where(np.abs(x) > 0.5, x, 0.0)),
    SPLINE: (
        "0.5*x if x < 0 else x if x < 1 else 0.5*(x+1)",
        lines,
    ),
    "quantiser(levels=4)": (
        "-1 + 2/3*((1 if x > -2/3 else 0) + (1 if x > 0 else 0) + (1 if x > 2/3 else 0))",
        lambda x: -1.0 + 2.0 / 3.0 * sum(np.where(x > k, 1.0, 0.0) for k in (-2.0 / 3.0, 0.0, 2.0 / 3.0)),
    ),
    "tanh": ("(exp(x)-exp(-x))/(exp(x)+exp(-x))", np.tanh),
    "gelu": ("x*0.5*(1+erf(x/sqrt(2)))", lambda x: x * ndtr(x)),
    "silu": ("x/(1+exp(-x))", lambda x: x * sigmoid(np.clip(x, -700.0, 700.0))),
    "sigmoid": ("1/(1+exp(-x))", lambda x: sigmoid(np.clip(x, -700.0, 700.0))),
    "softplus": ("log(1+exp(x))", lambda x: np.logaddexp(0.0, x)),
}


@pytest.fixture(scope="module", params=WAYS, ids=lambda name: name.split("(")[0])
def ways(request: pytest.FixtureRequest) -> list[Activation]:
    formula, function = WAYS[request.param]
    return [activation(request.param), activation(formula), activation(function)]


def test_expectations_agree(ways: list[Activation]) -> None:
    first, *others = (moments(phi, Q, ("V", "D", "M", "P")) for phi in ways)
    for other in others:
        for key in ("V", "D"):
            assert other[key].value == pytest.approx(first[key].value, rel=1e-11, abs=1e-300)
        for key in ("M", "P"):
            size = np.sqrt(first["V"].value) if key == "M" else first["D"].value + first["V"].value / Q
            assert (np.abs(other[key].value - first[key].value) <= 1e-10 * size).all()


def test_errors_cover_the_differences(ways: list[Activation]) -> None:
    first, *others = (moments(phi, Q, ("V", "D")) for phi in ways)
    for other in others:
        for key in ("V", "D"):
            assert (np.abs(other[key].value - first[key].value) <= other[key].error + first[key].error).all()


def test_smoothness_and_knots_agree(ways: list[Activation]) -> None:
    first, *others = ways
    for other in others:
        assert other.smoothness is first.smoothness
        for kind in ("jumps", "kinks"):
            mine, theirs = ([b.x for b in getattr(phi, kind)] for phi in (first, other))
            assert theirs == pytest.approx(mine, abs=1e-12)
    assert {phi.is_positively_homogeneous for phi in ways} == {first.is_positively_homogeneous}


def test_edges_of_chaos_agree(ways: list[Activation]) -> None:
    found = [edge_of_chaos(phi, sigma_b=0.2) for phi in ways]
    assert len({(f.reason, len(f.points)) for f in found}) == 1
    for f in found[1:]:
        for p, expected in zip(f.points, found[0].points, strict=True):
            assert p.stability == expected.stability
            assert p.sigma_w == pytest.approx(expected.sigma_w, rel=1e-10)
            assert p.q == pytest.approx(expected.q, rel=1e-9)
            assert p.law.law == expected.law.law
            if expected.law.law == "1/l^2":
                assert p.law.constant == pytest.approx(expected.law.constant, rel=1e-8)


def test_a_scalar_function_is_understood_too() -> None:
    from math import tanh

    phi = activation(lambda x: tanh(x) if x < 0.0 else x)
    assert phi.smoothness is Smoothness.SMOOTH or phi.smoothness is Smoothness.C1
    v = moments(phi, 1.0, ("V",))["V"].value
    assert v == pytest.approx(0.5 * (1.0 + 0.3942944903978411744), rel=1e-11)
