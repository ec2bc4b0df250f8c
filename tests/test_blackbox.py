from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import mpmath
import numba
import numpy as np
import pytest
from scipy import special

from eoc.activations import activation
from eoc.activations.base import Smoothness
from eoc.activations.function import from_callable
from eoc.activations.named import named
from eoc.criticality import edge_of_chaos
from eoc.errors import AccuracyError, EocError, NotPermissibleError
from eoc.gaussian.bivariate import bivariate
from eoc.gaussian.moments import moments

SPLINE = {
    "knots": (-1.3, 0.1, 0.7, math.pi / 2, 2.0),
    "values": (0.5, -0.2, 0.9, 0.3, 1.5),
    "slopes": (0.2, -0.3),
}


def spline(x: np.ndarray) -> np.ndarray:
    inner = np.interp(x, SPLINE["knots"], SPLINE["values"])
    return inner + 0.2 * np.minimum(x + 1.3, 0.0) - 0.3 * np.maximum(x - 2.0, 0.0)


CASES: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "relu": (lambda x: np.maximum(x, 0.0), {}),
    "leaky_relu": (lambda x: np.where(x > 0.0, x, 0.01 * x), {}),
    "elu": (lambda x: np.where(x > 0.0, x, np.expm1(np.minimum(x, 0.0))), {}),
    "celu": (lambda x: np.where(x > 0.0, x, 2.0 * np.expm1(np.minimum(x, 0.0) / 2.0)), {"alpha": 2.0}),
    "hardtanh": (lambda x: np.clip(x, -1.0, 1.0), {}),
    "hardshrink": (lambda x: np.where(np.abs(x) > 0.5, x, 0.0), {}),
    "softshrink": (lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0.0), {}),
    "hardswish": (lambda x: x * np.clip(x + 3.0, 0.0, 6.0) / 6.0, {}),
    "relu6": (lambda x: np.clip(x, 0.0, 6.0), {}),
    "sign": (np.sign, {}),
    "softsign": (lambda x: x / (1.0 + np.abs(x)), {}),
    "spline": (spline, SPLINE),
    "gelu": (lambda x: x * special.ndtr(x), {}),
    "silu": (lambda x: x * special.expit(x), {}),
    "tanh": (np.tanh, {}),
    "sigmoid": (special.expit, {}),
    "softplus": (lambda x: np.logaddexp(0.0, x), {}),
    "shifted_softplus": (lambda x: np.logaddexp(0.0, x) - math.log(2.0), {}),
    "sin": (np.sin, {}),
    "gaussian": (lambda x: np.exp(-(x**2)), {}),
    "mish": (lambda x: x * np.tanh(np.logaddexp(0.0, x)), {}),
    "snake": (lambda x: x + np.sin(x) ** 2, {}),
}
Q = np.array([1e-3, 0.1, 1.0, 10.0, 100.0])


@pytest.mark.parametrize("name", CASES)
def test_knots_and_classes_are_those_of_the_named_activation(name: str) -> None:
    function, parameters = CASES[name]
    found, known = from_callable(function), named(name, **parameters)
    np.testing.assert_allclose(found.knots, [k for k in known.knots if name != "spline" or k != 0.0], rtol=1e-15)
    assert (found.smoothness, found.parity, found.growth) == (known.smoothness, known.parity, known.growth)


@pytest.mark.parametrize("name", CASES)
def test_moments_are_those_of_the_named_activation(name: str) -> None:
    function, parameters = CASES[name]
    names = ("V", "D", "S")
    found = moments(from_callable(function), Q, names)
    known = moments(named(name, **parameters), Q, names)
    for which, tolerance in zip(names, (1e-12, 1e-11, 1e-9), strict=True):
        a, b = found[which], known[which]
        np.testing.assert_allclose(a.value, b.value, rtol=tolerance, atol=1e-290, err_msg=which)
        finite = np.isfinite(b.value)
        error = np.abs(a.value[finite] - b.value[finite])
        assert (error <= (a.error + b.error)[finite]).all(), which


@pytest.mark.parametrize("name", CASES)
def test_errors_at_points_are_within_the_bounds(name: str) -> None:
    function, parameters = CASES[name]
    found, known = from_callable(function), named(name, **parameters)
    x = np.random.default_rng(0).normal(size=(5, 300)) * np.array([[1e-3], [0.1], [1.0], [5.0], [50.0]])
    x = x.ravel()
    bounds = found.errors(x)
    for i, which in enumerate(("phi", "dphi", "ddphi")):
        exact = getattr(known, which)(x)
        assert (np.abs(getattr(found, which)(x) - exact) <= bounds[i] + 1e-15 * np.abs(exact) + 1e-300).all(), which


def test_bounds_hold_against_mpmath() -> None:
    found = from_callable(lambda x: np.exp(-x) * np.sin(3.0 * x) / (1.0 + x**2))

    def exact(x: float, order: int) -> float:
        return float(mpmath.diff(lambda t: mpmath.exp(-t) * mpmath.sin(3 * t) / (1 + t**2), x, order))

    x = np.random.default_rng(1).normal(size=40) * 2.0
    with mpmath.workdps(30):
        for order, which in enumerate(("phi", "dphi", "ddphi")):
            error = np.abs(getattr(found, which)(x) - [exact(v, order) for v in x.tolist()])
            assert (error <= found.errors(x)[order] + 1e-14).all()


@pytest.mark.parametrize("q", [1e-8, 1e6])
@pytest.mark.parametrize("name", ["relu", "elu", "gelu", "tanh", "hardshrink", "sin", "softplus"])
def test_tiny_and_huge_variances(name: str, q: float) -> None:
    function, parameters = CASES[name]
    found = moments(from_callable(function), q, ("V", "D"))
    known = moments(named(name, **parameters), q, ("V", "D"))
    for which in ("V", "D"):
        np.testing.assert_allclose(found[which].value, known[which].value, rtol=1e-11, atol=1e-280)


@pytest.mark.parametrize("knot", [-1000.5, -2.0, -1.0 / 3.0, -1e-3, 0.0, 0.1, 0.7, 1.0, math.pi / 2, 37.25, 3000.0])
@pytest.mark.parametrize("order", [0, 1, 2])
def test_an_edge_is_found_wherever_it_is(knot: float, order: int) -> None:
    found = from_callable(lambda x: np.where(x > knot, 1.0, 0.0) * (x - knot) ** order)
    assert len(found.knots) == 1
    assert found.knots[0] == pytest.approx(knot, rel=1e-9 if order == 2 else 4e-16, abs=0.0)
    assert found.smoothness is (Smoothness.JUMP, Smoothness.KINK, Smoothness.C1)[order]


@pytest.mark.parametrize("levels", [2, 3, 16, 64])
def test_the_knots_of_a_quantiser(levels: int) -> None:
    found = from_callable(lambda x: np.clip(np.floor(8.0 * x + 0.5), -(levels // 2), levels - 1 - levels // 2))
    expected = (np.arange(-(levels // 2) + 1, levels - levels // 2) - 0.5) / 8.0
    assert found.knots == tuple(expected.tolist())
    assert not found.dphi(np.linspace(-5.0, 5.0, 101)).any()


@pytest.mark.parametrize(
    "function", [lambda x: np.sin(30.0 * x), lambda x: np.sin(1000.0 * x), lambda x: x * np.sin(x)]
)
def test_waves_have_no_knots(function: Callable[..., Any]) -> None:
    assert from_callable(function).knots == ()


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x if x > 0.0 else 0,
        lambda x: max(x, 0.0),
        numba.njit(lambda x: max(x, 0.0)),
        numba.njit(lambda x: np.maximum(x, 0.0)),
        numba.vectorize(lambda x: max(x, 0.0)),
        np.vectorize(lambda x: max(x, 0.0)),
        lambda x: np.maximum(x, 0.0, out=x) if isinstance(x, np.ndarray) else max(x, 0.0),
        lambda x: [max(v, 0.0) for v in np.atleast_1d(x)],
    ],
)
def test_forms_of_functions(function: Callable[..., Any]) -> None:
    found = from_callable(function)
    assert found.knots == (0.0,)
    assert found.is_positively_homogeneous
    assert found.dphi([-1.0, 1.0]).tolist() == [0.0, 1.0]


def test_scalar_functions_that_overflow() -> None:
    assert from_callable(math.exp).growth.kind == "exponential"
    assert from_callable(math.tanh).parity == "odd"
    assert from_callable(lambda x: 1.0).growth.kind == "bounded"


def test_single_precision_enlarges_the_uncertainty() -> None:
    found = from_callable(lambda x: np.tanh(np.asarray(x, dtype=np.float32)))
    x = np.linspace(-2.0, 2.0, 9)
    assert (np.abs(found.phi(x) - np.tanh(x)) <= found.errors(x)[0]).all()


@pytest.mark.parametrize(
    ("function", "kind", "rate"),
    [
        (lambda x: np.exp(0.3 * x * x), "gaussian", 0.3),
        (lambda x: np.exp(np.abs(x) ** 3), "faster", math.inf),
        (lambda x: np.cosh(2.0 * x), "exponential", 2.0),
        (lambda x: x**3 - x, "polynomial", 3.0),
        (np.arctan, "bounded", 0.0),
    ],
)
def test_growth(function: Callable[..., Any], kind: str, rate: float) -> None:
    growth = from_callable(function).growth
    assert growth.kind == kind
    assert growth.rate == pytest.approx(rate, rel=1e-6)


def test_a_derivative_is_used_and_checked() -> None:
    found = from_callable(np.tanh, derivative=lambda x: 1.0 / np.cosh(np.clip(x, -300, 300)) ** 2)
    known = moments(named("tanh"), Q, ("D", "S"))
    for which, estimate in moments(found, Q, ("D", "S")).items():
        np.testing.assert_allclose(estimate.value, known[which].value, rtol=1e-11)
    with pytest.raises(EocError, match=r"the derivative given for tanh is .* at x = .*, but tanh has the slope"):
        from_callable(np.tanh, derivative=lambda x: 1.0 / np.cosh(np.clip(x, -300, 300)))


def test_knots_that_are_given_are_trusted() -> None:
    found = from_callable(lambda x: np.abs(x - 0.123), knots=[0.123], name="mine")
    assert (found.knots, found.name, str(found.smoothness)) == ((0.123,), "mine", "kink")


def _raising(x: float) -> float:
    raise RuntimeError("no")


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: (x + 0j) ** 0.5, "complex"),
        (np.sqrt, "sqrt returns nan at x = -"),
        (lambda x: np.sin(x) / x, r"nan at x = 0\.0"),
        (lambda x: None, r"at x = 0\.0 returns None"),
        (lambda x: "a", r"at x = 0\.0 returns 'a'"),
        (lambda x: np.array([x, x]), "one number for each x"),
        (_raising, r"_raising raises RuntimeError at x = 0\.0: no"),
        (lambda x: 1 / 0, "no finite values near x = "),
        (np.floor, "more than 1000 kinks or jumps"),
        (3, "not callable"),
    ],
)
def test_what_cannot_be_used(function: Any, message: str) -> None:
    with pytest.raises(EocError, match=message):
        from_callable(function)


def test_the_cause_is_chained() -> None:
    with pytest.raises(EocError) as caught:
        from_callable(_raising)
    assert isinstance(caught.value.__cause__, RuntimeError)


@pytest.mark.parametrize(
    ("function", "where"),
    [(lambda x: 1 / x, "0"), (lambda x: 1.0 / (x - 0.3), "0.3"), (np.tan, r"-?[0-9.]+"), (lambda x: x**-2.0, "0")],
)
def test_poles(function: Callable[..., Any], where: str) -> None:
    with pytest.raises(NotPermissibleError, match=rf"unbounded near x = {where}: condition \(a\).*infinite for every"):
        from_callable(function)


@pytest.mark.parametrize(
    ("function", "truth"),
    [
        (np.tanh, (0.0, 1.0, 0.0)),
        (np.exp, (1.0, 1.0, 1.0)),
        (lambda x: np.sin(x) + x**2, (0.0, 1.0, 2.0)),
        (lambda x: x * np.tanh(np.logaddexp(0.0, x)), (0.0, 0.6, 0.64)),
    ],
)
def test_derivatives_at_zero_when_zero_is_no_knot(
    function: Callable[..., Any], truth: tuple[float, float, float]
) -> None:
    phi, zero = from_callable(function), np.zeros(1)
    found = np.array([phi.phi(zero)[0], phi.dphi(zero)[0], phi.ddphi(zero)[0]])
    assert (np.abs(found - truth) <= phi.errors(zero)[:, 0]).all()
    assert found == pytest.approx(truth, abs=1e-12)


def test_single_precision_is_named_as_the_reason():
    def single(x):
        return np.tanh(np.float32(x))

    with pytest.raises(AccuracyError, match="only known to some digits; let it compute in double precision"):
        moments(single, 1.0)
    assert "let it compute in double precision" in edge_of_chaos(single, sigma_b=0.1).message
    assert not activation(np.tanh).is_rough


def absolute_moment(p: float, root: float, q: float) -> float:
    """E|sqrt(q) Z - root|^p = (2 q)^(p/2) Gamma((1+p)/2) / sqrt(pi) 1F1(-p/2; 1/2; -root^2 / 2q) (Winkelbauer 2012)."""
    if p <= -1.0:
        return np.inf
    half = mpmath.mpf(p) / 2
    value = (2 * mpmath.mpf(q)) ** half * mpmath.gamma(half + 0.5) / mpmath.sqrt(mpmath.pi)
    return float(value * mpmath.hyp1f1(-half, 0.5, -(mpmath.mpf(root) ** 2) / (2 * q)))


@pytest.mark.parametrize(("p", "root"), [(0.5, 0.0), (0.5, 1.0), (1.5, 0.0), (1.5, -0.3), (2.25, 1.0)])
def test_roots_have_what_is_finite(p: float, root: float) -> None:
    phi, q = activation(lambda x: np.abs(x - root) ** p), 0.7
    assert phi.knots == (root,)
    true = {"M": absolute_moment(p, root, q), "V": absolute_moment(2.0 * p, root, q)}
    true["D"] = p**2 * absolute_moment(2.0 * p - 2.0, root, q)
    true["S"] = (p * (p - 1.0)) ** 2 * absolute_moment(2.0 * p - 4.0, root, q)
    found = moments(phi, q, ("M", "V", "D", "S", "gap"))
    true["gap"] = q * true["D"] - true["V"]
    for name, value in true.items():
        if np.isfinite(value):
            if name != "S":
                assert found[name].error <= 1e-11 * max(abs(value), 1.0), name
            assert abs(found[name].value - value) <= found[name].error, name
        else:
            assert found[name].value == np.inf
            assert found[name].error == 0.0


@pytest.mark.parametrize(("p", "root"), [(0.51, 1.0), (0.55, 1.0), (0.6, 0.37), (0.7, 0.0), (0.7, 1.0), (0.9, -2.0)])
def test_slopes_that_grow_towards_a_root_are_integrated_up_to_it(p: float, root: float) -> None:
    """Doubles are too coarse there for the integral of |x - 1|^-0.6: it is the sum of a series from some way off on."""
    q = 0.7
    true = p**2 * absolute_moment(2.0 * p - 2.0, root, q)
    width = 1e-6 * q
    variances = [absolute_moment(2.0 * p, root, one) for one in (q - width, q + width)]
    for phi in (lambda x: np.abs(x - root) ** p, f"abs(x - ({root})) ** {p}"):
        found = moments(phi, q, ("D", "P"))
        assert abs(found["D"].value - true) <= found["D"].error <= (1e-6 if p < 0.7 else 1e-8) * true
        total = found["D"].value + found["P"].value  # V'
        assert abs(total - (variances[1] - variances[0]) / (2.0 * width)) <= 1e-7


def test_a_slope_beside_a_jump() -> None:
    """P = V' - D although phi phi'' is not integrable at 0 and phi jumps at 1."""
    text, q, width = "3 + sign(x - 1) + abs(x) ** 0.6", 0.8, 1e-5
    found = moments(text, q, ("D", "P"))
    assert abs(found["D"].value - 0.36 * absolute_moment(-0.8, 0.0, q)) <= found["D"].error <= 1e-9
    low, high = moments(text, [q - width, q + width], ("V",))["V"].value
    assert abs(found["D"].value + found["P"].value - (high - low) / (2.0 * width)) <= 1e-8


def even_power(a: float, c: float) -> float:
    """E|u|^a |v|^a at q = 1."""
    f = mpmath.hyp2f1(-a / 2, -a / 2, 0.5, c * c)
    return float(2**a * mpmath.gamma((1 + a) / 2) ** 2 / mpmath.pi * f)


def odd_power(a: float, c: float) -> float:
    """E[sign(u) |u|^a sign(v) |v|^a] at q = 1."""
    f = mpmath.hyp2f1((1 - a) / 2, (1 - a) / 2, 1.5, c * c)
    return float(2 ** (a + 1) * mpmath.gamma(1 + a / 2) ** 2 / mpmath.pi * c * f)


@pytest.mark.parametrize(
    ("function", "a", "odd"),
    [
        (lambda x: np.abs(x) ** 0.7, 0.7, False),
        (np.cbrt, 1.0 / 3.0, True),
    ],
)
def test_two_inputs_of_roots(function: Callable[..., Any], a: float, odd: bool) -> None:
    c = 0.6
    same, other = (odd_power, even_power) if odd else (even_power, odd_power)
    true = {"K": same(a, c), "Kd": a * a * other(a - 1.0, c), "G": absolute_moment(2.0 * a, 0.0, 1.0) - same(a, c)}
    for name, found in bivariate(function, 1.0, c).items():
        assert abs(found.value - true[name]) <= found.error + 1e-15 <= 1e-12, name


def test_two_inputs_of_a_root_elsewhere_than_at_zero() -> None:
    """At c = 0, K = M^2; and K + G = V."""
    p, q, c = 0.7, 0.7, 0.4
    phi = activation(lambda x: np.abs(x - 1.0) ** p)
    none = bivariate(phi, q, 0.0, ("K",))["K"]
    assert abs(none.value - absolute_moment(p, 1.0, q) ** 2) <= none.error <= 1e-12
    found = bivariate(phi, q, c)
    total, error = found["K"].value + found["G"].value, found["K"].error + found["G"].error
    assert abs(total - absolute_moment(2.0 * p, 1.0, q)) <= error <= 1e-12
    assert found["Kd"].error <= 1e-12


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.sin(1.0 / np.where(x == 0.0, 1.0, x)),
        lambda x: np.where(x > 0.0, np.sin(1.0 / np.where(x == 0.0, 1.0, x)), 0.0),
        lambda x: x * np.sin(1.0 / np.where(x == 0.0, 1.0, x)),
        lambda x: np.sin(1e9 * x),
    ],
)
def test_oscillations_that_cannot_be_resolved_are_refused(function: Callable[..., Any]) -> None:
    with pytest.raises(EocError, match=r"not resolved: near x = .* it changes by .* between neighbouring points"):
        from_callable(function)


def test_what_is_no_function_is_refused() -> None:
    rng, count = np.random.default_rng(1), itertools.count()
    for noisy in (lambda x: np.tanh(x) + 1e-9 * rng.normal(size=np.shape(x)), lambda x: x + 1e-6 * next(count)):
        with pytest.raises(EocError, match=r"is not a function of x: at x = .* it gave"):
            activation(noisy)


@pytest.mark.parametrize("error", [SystemExit, GeneratorExit, type("Own", (BaseException,), {})])
def test_whatever_a_function_raises_is_an_error_with_its_place(error: type[BaseException]) -> None:
    def phi(x: object) -> float:
        raise error("no")

    with pytest.raises(EocError, match=f"raises {error.__name__}"):
        activation(phi)


def test_a_function_can_be_interrupted() -> None:
    def phi(x: object) -> float:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        activation(phi)
