"""Expectations of fourth order: closed forms, mpmath, honest errors, limits, refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from truth import MP, error, expectation

from eoc.activations import activation
from eoc.activations.named import STANDARD
from eoc.errors import AccuracyError, EocError, NotPermissibleError
from eoc.gaussian.moments import moments
from eoc.gaussian.quartic import QUARTIC_NAMES, fourth_moments

EVERYWHERE = np.logspace(-12, 6, 19)


def half_line(q: Any) -> tuple[Any, ...]:
    return 3 * q**2 / 2, q / 2, MP.mpf(1) / 2, 5 * q**2 / 4


def square(q: Any) -> tuple[Any, ...]:
    return 105 * q**4, 4 * 15 * q**3, 16 * 3 * q**2, 96 * q**4


def hat(q: Any) -> tuple[Any, ...]:
    """exp(-x^2): E[X^n exp(-4 X^2)] from a Gaussian of variance v = q / (1 + 8 q)."""
    v, norm = q / (1 + 8 * q), 1 / MP.sqrt(1 + 8 * q)
    return norm, 4 * v * norm, 48 * v**2 * norm, norm - 1 / (1 + 4 * q)


def wave(q: Any) -> tuple[Any, ...]:
    """sin: sin^4 = (3 - 4 cos 2x + cos 4x) / 8, and E[cos aX] = exp(-a^2 q / 2)."""
    two, four = MP.exp(-2 * q), MP.exp(-8 * q)
    fourth, mean = (3 - 4 * two + four) / 8, (1 - two) / 2
    return fourth, (1 - four) / 8, (3 + 4 * two + four) / 8, fourth - mean**2


CLOSED = {  # q -> phi^4, phi^2 dphi^2, dphi^4, Var phi^2
    "relu": half_line,
    "identity": lambda q: (3 * q**2, q, MP.mpf(1), 2 * q**2),
    "abs": lambda q: (3 * q**2, q, MP.mpf(1), 2 * q**2),
    "leaky_relu(slope=0.5)": lambda q: (51 * q**2 / 32, 17 * q / 32, MP.mpf(17) / 32, 77 * q**2 / 64),
    "polynomial": square,
    "gaussian": hat,
    "heaviside": lambda q: (MP.mpf(1) / 2, MP.inf, MP.inf, MP.mpf(1) / 4),
    "sign": lambda q: (MP.mpf(1), MP.inf, MP.inf, MP.mpf(0)),
}


def check(name: str, true: Any, q: np.ndarray, tolerance: float) -> None:
    found = fourth_moments(name, q, QUARTIC_NAMES)
    with MP.workdps(70):
        expected = [true(MP.mpf(float(x))) for x in q]
    for k, quantity in enumerate(QUARTIC_NAMES):
        value, bound = found[quantity].value, found[quantity].error
        for i, row in enumerate(expected):
            if MP.isinf(row[k]):
                assert np.isposinf(value[i])
                continue
            off, scale = error(value[i], row[k]), float(abs(row[0] if quantity == "Var phi^2" else row[k]))
            assert off <= tolerance * scale + 1e-300, (quantity, q[i], off / scale)
            assert off <= bound[i], (quantity, q[i], off, bound[i])


@pytest.mark.parametrize("name", CLOSED)
def test_closed_forms(name: str) -> None:
    check(name, CLOSED[name], EVERYWHERE, 1e-13)


def test_closed_forms_of_sine_and_exponential() -> None:
    check("sin", wave, EVERYWHERE[EVERYWHERE <= 1e2], 1e-12)
    exp = EVERYWHERE[EVERYWHERE <= 10.0]
    check("exp", lambda q: (MP.exp(8 * q), MP.exp(8 * q), MP.exp(8 * q), MP.exp(8 * q) - MP.exp(4 * q)), exp, 1e-11)


PLAIN: dict[str, tuple[Any, Any, tuple[float, ...]]] = {
    "tanh": (MP.tanh, lambda x: MP.sech(x) ** 2, ()),
    "erf": (MP.erf, lambda x: 2 * MP.exp(-x * x) / MP.sqrt(MP.pi), ()),
    "elu": (lambda x: x if x > 0 else MP.expm1(x), lambda x: 1 if x > 0 else MP.exp(x), (0.0,)),
    "hardtanh": (lambda x: min(max(x, -1), 1), lambda x: 1 if abs(x) < 1 else 0, (-1.0, 1.0)),
    "softplus": (lambda x: MP.log1p(MP.exp(x)), lambda x: 1 / (1 + MP.exp(-x)), ()),
}


@pytest.mark.parametrize("q", [0.01, 0.7, 20.0])
@pytest.mark.parametrize("name", PLAIN)
def test_against_mpmath(name: str, q: float) -> None:
    phi, dphi, knots = PLAIN[name]
    with MP.workdps(40):
        fourth = expectation(lambda x: phi(x) ** 4, q, knots)
        true = (
            fourth,
            expectation(lambda x: (phi(x) * dphi(x)) ** 2, q, knots),
            expectation(lambda x: MP.mpf(dphi(x)) ** 4, q, knots),
            fourth - expectation(lambda x: phi(x) ** 2, q, knots) ** 2,
        )
    check(name, lambda _: true, np.array([q]), 1e-13)


@pytest.mark.parametrize("name", sorted(set(STANDARD) - {"exp", "sin", "cos", "snake"}))
def test_every_activation_is_finite_and_keeps_jensen(name: str) -> None:
    q = np.logspace(-10, 6, 17)
    found, second = fourth_moments(name, q, QUARTIC_NAMES), moments(name, q, ("V",))["V"].value
    for quantity, estimate in found.items():
        if np.isposinf(estimate.value).all():
            assert "dphi" in quantity
            assert activation(name).jumps
            continue
        assert np.isfinite(estimate.value).all()
        if quantity != "Var phi^2":
            assert (estimate.error <= 1e-11 * estimate.value + 1e-299).all()
    fourth, variance = found["phi^4"], found["Var phi^2"]
    assert (fourth.value >= second**2 * (1.0 - 1e-12)).all()
    assert fourth.value - second**2 == pytest.approx(variance.value, rel=1e-9, abs=1e-13 * fourth.value.max())


@pytest.mark.parametrize("name", ["sigmoid", "softplus", "exp", "gaussian"])
def test_variance_keeps_its_digits_at_small_q(name: str) -> None:
    """Var(phi^2) ~ 4 phi(0)^2 phi'(0)^2 q, and for the Gaussian, flat at zero, 8 q^2."""
    q, zero = np.array([1e-20, 1e-14]), activation(name).at_zero.right
    law = 4.0 * zero[0] ** 2 * zero[1] ** 2 * q if zero[1] else 8.0 * q**2
    found = fourth_moments(name, q, ("Var phi^2",))["Var phi^2"]
    assert found.value == pytest.approx(law, rel=1e-12)
    assert (found.error <= 1e-11 * found.value).all()


def test_limits_at_zero_and_shapes() -> None:
    found = fourth_moments("elu(alpha=0.5)", np.zeros((2, 1)), QUARTIC_NAMES)
    assert [found[n].value[0, 0] for n in QUARTIC_NAMES] == [0.0, 0.0, 0.5 * (1.0 + 0.5**4), 0.0]
    assert found["dphi^4"].error.shape == (2, 1)
    mixed = fourth_moments("sigmoid", [0.0, 1e-12])
    for estimate in mixed.values():
        assert estimate.value[0] == pytest.approx(estimate.value[1], rel=1e-9)
    assert fourth_moments("heaviside", 0.0, ("Var phi^2",))["Var phi^2"].value == 0.25
    assert fourth_moments("tanh", [], ("phi^4",))["phi^4"].value.shape == (0,)


def test_other_expectations_of_the_activation_stay_the_same_bits() -> None:
    q, phi, other = np.logspace(-3, 3, 13), activation("gelu"), activation("gelu")
    before = moments(phi, q, ("V",))["V"].value
    fourth_moments(other, q)
    np.testing.assert_array_equal(moments(other, q, ("V",))["V"].value, before)


def test_growth_is_refused_where_the_fourth_moment_is_infinite() -> None:
    name = "exp(0.25*x**2)"  # E[phi^4] = 1 / sqrt(1 - 2 q)
    found = fourth_moments(name, 0.3, ("phi^4",))["phi^4"]
    assert abs(found.value - 0.4**-0.5) <= found.error + 1e-15
    with pytest.raises(NotPermissibleError, match=r"finite only for q < 1/\(8 a\) = 0.5; got q = 0.6"):
        fourth_moments(name, [0.1, 0.6])
    with pytest.raises(NotPermissibleError, match="infinite for every q > 0"):
        fourth_moments("exp(x**4)", 0.1)
    scanned = fourth_moments(name, [0.1, 0.6], ("phi^4",), strict=False)["phi^4"]
    assert np.isnan(scanned.value).tolist() == [False, True]
    assert np.isposinf(scanned.error[1])


def test_singularities_are_refused_for_what_they_spoil_only() -> None:
    assert fourth_moments("sqrt(abs(x))", 0.3, ("phi^4",))["phi^4"].value == pytest.approx(0.3, rel=1e-13)
    with pytest.raises(AccuracyError, match=r"E of dphi\^4 of sqrt\(abs\(x\)\) cannot be computed at q = 0.3"):
        fourth_moments("sqrt(abs(x))", 0.3)
    with pytest.raises(AccuracyError, match="at q = 0:"):
        fourth_moments("sqrt(abs(x))", 0.0, ("phi^2 dphi^2",))


def test_nonsense_is_refused() -> None:
    with pytest.raises(EocError, match=r"unknown expectation 'phi\^3'; known are phi\^4"):
        fourth_moments("tanh", 1.0, ("phi^3",))
    with pytest.raises(EocError, match=r"q must be a variance.*got -1"):
        fourth_moments("tanh", -1.0)
    with pytest.raises(AccuracyError, match="overflows"):
        fourth_moments("relu", 1e200, ("phi^4",))
