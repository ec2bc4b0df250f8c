"""Rational activations: kinks and poles, growth, bounds, and what is fitted to other activations."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from truth import MP, error

import eoc
from eoc.activations import Activation, activation
from eoc.activations.named.era_fit import fitted
from eoc.activations.named.sign_changes import sign_changes
from eoc.criticality import edge_of_chaos
from eoc.errors import EocError
from eoc.gaussian.bivariate import bivariate
from eoc.rates import rate_law

few = settings(max_examples=25, deadline=None, derandomize=True)
coefficient = st.floats(-2, 2).map(lambda v: round(v, 3))


def polynomial(c: list[float], x: Any) -> Any:
    return sum(MP.mpf(v) * MP.mpf(x) ** i for i, v in enumerate(c))


# --- rational ---------------------------------------------------------------------------------------------------------


@few
@given(
    roots=st.lists(st.integers(-40, 40).map(lambda v: v / 8), min_size=1, max_size=5),
    scale=st.sampled_from([1.0, -0.75, 2.0**-30]),
)
def test_signs_change_at_the_roots_of_odd_order(roots: list[float], scale: float) -> None:
    exact = [Fraction(scale)]
    for root in roots:
        exact = [b - Fraction(root) * a for a, b in zip([*exact, Fraction(0)], [Fraction(0), *exact], strict=True)]
    assert sign_changes([float(c) for c in exact]) == sorted(r for r in set(roots) if roots.count(r) % 2)


@few
@given(
    a=st.lists(coefficient, min_size=2, max_size=6).filter(lambda c: any(c[1:])),
    b=st.lists(coefficient, min_size=1, max_size=5),
    version=st.sampled_from("ABCD"),
    x=st.floats(-100, 100),
)
def test_quotients_are_right_within_their_bounds(a: list[float], b: list[float], version: str, x: float) -> None:
    phi = eoc.rational(a, b, version)
    t = MP.mpf(x)
    inner = [MP.mpf(v) * t ** (i + (version != "C")) for i, v in enumerate(b)]
    least = MP.mpf(0.1) if version == "C" else 1
    below = least + (sum(map(abs, inner)) if version == "A" else abs(sum(inner)))
    assert error(float(phi(x)), polynomial(a, t) / below) <= phi.errors(np.array([x]))[0, 0]
    assert all(k.jump == 0.0 for k in phi.breakpoints)
    for k in phi.breakpoints:  # where what is between bars vanishes
        assert error(k.left[0], polynomial(a, k.x) / least) <= phi.errors(np.array([k.x]))[0, 0]
        slope = sum(v * MP.mpf(k.x) ** (p - 1) * p for p, v in enumerate(b, start=version != "C") if p)
        assert error(k.kink, -2 * abs(slope) * polynomial(a, k.x) / least**2) <= k.kink_error
    assert phi.kinks == phi.breakpoints or phi.growth.rate >= 0.0


def test_safe_denominators_bend_where_they_should() -> None:
    """B at the roots of x (x - 1) (x + 2), C at those of x^2 - 2, A at 0 alone."""
    b = eoc.rational([1, 1], [-2, 1, 1], version="B")
    assert [k.x for k in b.kinks] == [-2.0, 0.0, 1.0]
    c = eoc.rational([1, 1], [-2, 0, 1], version="C")
    assert [k.x for k in c.kinks] == [-math.sqrt(2), math.sqrt(2)]
    a = eoc.rational([1, 1], [-2, 1, 1], version="A")
    assert [(k.x, k.kink) for k in a.kinks] == [(0.0, -4.0)]  # -2 a_0 |b_1|


def test_slopes_at_both_ends_of_version_a_are_the_same() -> None:
    left, right = eoc.pau("relu").asymptotic_slopes
    assert left == right == pytest.approx(0.2528070864040542 / 0.34884977946384615, rel=1e-14)


# --- era --------------------------------------------------------------------------------------------------------------


def residual(phi: Activation, target: str) -> float:
    x = np.linspace(-3, 3, 100_000)
    return float(np.sqrt(np.mean((phi(x) - activation(target)(x)) ** 2)))


@pytest.mark.parametrize(
    ("target", "b", "d", "f", "rms"),  # by Newton's method in extended precision; the residuals are published
    [
        ("swish", 3.542669119286007, -51.749893149506065, 3.8232561247853534, 1.9660e-3),
        ("relu", 2.1806021385306678, -10.417564520014098, 2.250552252157974, 3.4686e-2),
        ("gelu_tanh", 2.5994557634931104, -17.820112504215324, 2.621200939325996, 5.842e-3),
    ],
)
def test_fits_are_optimal(target: str, b: float, d: float, f: float, rms: float) -> None:
    k = eoc.era(target).parameters
    assert (k["a"], k["c"], k["e"]) == (0.5, (0.0,), (0.0,))
    assert (k["b"], *k["d"], *k["f"]) == pytest.approx((b, d, f), rel=1e-11)
    assert residual(eoc.era(target), target) == pytest.approx(rms, rel=2e-4)


def test_the_default_is_the_fit_to_silu_without_a_search() -> None:
    kept, found = eoc.era(), fitted(activation("silu"), 1, "optimum")
    assert kept.parameters == eoc.era("silu").parameters
    for name in "abcdef":
        assert kept.parameters[name] == pytest.approx(getattr(found, name), rel=1e-11, abs=1e-12)


def test_two_terms_are_better_than_what_is_published() -> None:
    """3.9e-7 for swish, 5.59e-3 for relu."""
    assert residual(eoc.era("swish", 2), "swish") < 2.9e-7
    assert residual(eoc.era("relu", 2), "relu") == pytest.approx(5.59e-3, rel=1e-3)


def test_a_leaky_relu_is_a_line_and_a_smaller_relu() -> None:
    relu, leaky = (eoc.era(name).parameters for name in ("relu", "leaky_relu(slope=0.2)"))
    assert leaky["a"] == pytest.approx(0.6, rel=1e-14)
    for name in "bdf":
        ratio = 1.0 if name == "f" else 0.8
        assert leaky[name] == pytest.approx(np.multiply(relu[name], ratio), rel=1e-10)


def test_no_small_change_of_the_coefficients_fits_better() -> None:
    """Of a target that is neither odd nor even, so that all are free."""
    best = eoc.era("elu")
    at = residual(best, "elu")
    for name in "abcdef":
        for factor in (1 - 1e-4, 1 + 1e-4):
            changed = {k: best.parameters[k] for k in "abcdef"} | {name: np.multiply(best.parameters[name], factor)}
            changed = {k: float(v) if k in "ab" else tuple(np.ravel(v)) for k, v in changed.items()}
            assert residual(eoc.era(**changed), "elu") > at


def test_odd_targets_get_odd_fits() -> None:
    assert eoc.era("tanh").parity == "odd"
    assert eoc.era("tanh", 2).parity == "odd"


def test_the_authors_method_stops_close_to_the_optimum() -> None:
    k = eoc.era("relu", fit="authors").parameters
    assert k["b"] == pytest.approx(2.18060, rel=1e-4)
    assert residual(eoc.era("relu", fit="authors"), "relu") == pytest.approx(3.4686e-2, rel=1e-4)


def test_what_a_polynomial_fits_better_is_refused() -> None:
    with pytest.raises(EocError, match="fractions widen without end"):
        eoc.era("x^2")
    with pytest.raises(EocError, match="not finite everywhere"):
        eoc.era("exp(exp(exp(exp(x))))")


def test_targets_may_be_functions() -> None:
    assert eoc.era(lambda x: x * np.tanh(x)).parameters["b"] == pytest.approx(
        eoc.era("x*tanh(x)").parameters["b"], rel=1e-6
    )


def test_an_era_fitted_to_relu_is_critical_elsewhere() -> None:
    """relu has one point, (sqrt(2), 0); its fit has none below q = 8, since it is a line of slope 1/2 far out."""
    points = edge_of_chaos("era(target=relu)", sigma_b=0.1).points
    assert [round(p.sigma_w, 4) for p in points if p.q > 1e-7] == [1.5658]


@pytest.mark.parametrize(("published", "version"), [("tanh", "A"), ("tanh", "B"), ("swish", "B"), ("gelu", "B")])
def test_kinks_are_right_to_their_last_digits_however_small(published: str, version: str) -> None:
    """Of 3e-15 to 13: -2 |B'| P / Q^2 with B between the bars, and so is what they say of the law."""
    phi = eoc.pau(published, version)
    above, below = ([MP.mpf(c) for c in phi.parameters[part]] for part in ("numerator", "denominator"))
    inner = [MP.mpf(0), *below]
    weights = 0
    for b in phi.kinks:
        x = MP.findroot(lambda t: polynomial(inner, t), b.x) if b.x else MP.mpf(0)
        slope = sum(k * c * x ** (k - 1) for k, c in enumerate(inner) if k)
        true = -2 * abs(slope) * polynomial(above, x)
        assert error(b.kink, true) <= b.kink_error <= 1e-12 * abs(b.kink)
        weights += true**2 * MP.exp(-x * x / 2)
    law = rate_law(phi, 1.0)
    d = eoc.moments(phi, 1.0, ("D",))["D"].value
    assert error(law.constant, 18 * MP.pi**2 * (MP.mpf(float(d)) / weights) ** 2) <= law.error <= 1e-11 * law.constant


def test_kinks_lose_the_digits_of_both_slopes_and_say_so() -> None:
    phi = eoc.activation("tanh(x) + 1e-9 * abs(x - 1)")  # slopes of 0.42 on both sides
    (b,) = phi.kinks
    assert 1e-18 < abs(b.kink - 2e-9) <= b.kink_error <= 1e-14
    law = rate_law(phi, 1.0)
    true = 18 * MP.pi**2 * (MP.mpf(float(eoc.moments(phi, 1.0, ("D",))["D"].value)) / (4e-18 * MP.exp(-0.5))) ** 2
    assert error(law.constant, true) <= law.error <= 1e-5 * law.constant


@pytest.mark.filterwarnings("error")
def test_kinks_of_no_size_do_not_decide() -> None:
    """The Pade unit of tanh has a kink of 3e-11 at 0, whose law 1 - c ~ kappa / l^2 begins at 1e-20."""
    pade, tanh = eoc.recommend(eoc.pau("tanh")), eoc.recommend("tanh")
    assert (pade.sigma_w, pade.q) == pytest.approx((tanh.sigma_w, tanh.q), rel=1e-3)
    between = eoc.pau("relu", "B")  # kinks at 0 and 5e-6
    assert bivariate(between, 0.2, c=[0.0, 0.9, 1.0], names=("Kd",))["Kd"].error.max() < 1e-12
