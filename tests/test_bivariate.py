"""Expectations of two correlated points: references, closed forms, other quadratures, invariants, refusals."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr
from truth import MP, error, pairs, reference, values

from eoc.activations import activation
from eoc.errors import AccuracyError, EocError, NotPermissibleError
from eoc.gaussian.bivariate import NAMES, bivariate
from eoc.gaussian.moments import moments

RNG = np.random.default_rng(5)
Q = st.floats(-2.0, 2.0).map(lambda e: 10.0**e)
few = settings(max_examples=4, deadline=None, derandomize=True)
FloatArray = np.ndarray[Any, np.dtype[np.float64]]


# --- closed forms ----------------------------------------------------------------------------------------------------


def bent_line(a: float, q: Any, c: Any) -> Any:
    """x for x > 0, a x below: Cho & Saul (2009)."""

    def half_line(c: Any) -> Any:
        return (MP.sqrt((1 - c) * (1 + c)) + c * (MP.pi - MP.acos(c))) / (2 * MP.pi)

    return q * ((1 + a**2) * half_line(c) - 2 * a * half_line(-c)), (1 + a**2) * quadrant(c) + 2 * a * quadrant(-c)


def quadrant(c: Any) -> Any:
    return (MP.pi - MP.acos(c)) / (2 * MP.pi)


def williams(q: Any, c: Any) -> Any:
    """erf: Williams (1997)."""
    return 2 / MP.pi * MP.asin(2 * q * c / (1 + 2 * q)), 4 / MP.pi / MP.sqrt((1 + 2 * q) ** 2 - (2 * q * c) ** 2)


def gaussian(a: float, q: Any, c: Any) -> Any:
    """exp(a x^2)."""
    d = (1 - 2 * a * q) ** 2 - (2 * a * q * c) ** 2
    return 1 / MP.sqrt(d), 4 * a**2 * q * c / MP.sqrt(d) ** 3


CLOSED: dict[str, Callable[[Any, Any], Any]] = {  # q, c -> K, Kd
    "relu": partial(bent_line, 0),
    "leaky_relu(slope=0.25)": partial(bent_line, 0.25),
    "abs": partial(bent_line, -1),
    "identity": partial(bent_line, 1),
    "erf": williams,
    "sign": lambda q, c: (2 / MP.pi * MP.asin(c), 0),
    "heaviside": lambda q, c: (quadrant(c), 0),
    "gaussian": partial(gaussian, -1),
    "polynomial": lambda q, c: (q**2 * (1 + 2 * c**2), 4 * q * c),
    "polynomial(coefficients=(0, 0, 0, 2))": lambda q, c: (q**3 * (36 * c + 24 * c**3), 36 * q**2 * (1 + 2 * c**2)),
    "polynomial(coefficients=(1, 2, 3))": lambda q, c: (
        (1 + 3 * q) ** 2 + 4 * q * c + 18 * q**2 * c**2,
        4 + 36 * q * c,
    ),
    "sin": lambda q, c: (MP.exp(-q) * MP.sinh(q * c), MP.exp(-q) * MP.cosh(q * c)),
    "cos": lambda q, c: (MP.exp(-q) * MP.cosh(q * c), MP.exp(-q) * MP.sinh(q * c)),
    "exp": lambda q, c: (MP.exp(q * (1 + c)),) * 2,
    "exp(0.3*x**2)": partial(gaussian, 0.3),
}
HIGHEST = {"exp": 1.0, "gaussian": 1.0, "sin": 2.0, "cos": 2.0, "exp(0.3*x**2)": -0.4}  # exponent of q


@pytest.mark.parametrize("name", CLOSED)
def test_closed_forms(name: str) -> None:
    """V measures the error of K, D that of Kd; G keeps its digits."""
    e = np.concatenate([[0.0, 1.0, 2.0], RNG.uniform(0.0, 2.0, 8), 10.0 ** RNG.uniform(-300, 0, 8), [1e-300, 1e-17]])
    for q in 10.0 ** RNG.uniform(-5.0, HIGHEST.get(name, 4.0), 4):
        found = bivariate(activation(name), q, one_minus_c=e)
        with MP.workdps(330):
            v, d = CLOSED[name](MP.mpf(q), MP.mpf(1))
            for i, x in enumerate(e):
                k, kd = CLOSED[name](MP.mpf(q), 1 - MP.mpf(x))
                for key, true, size in (("K", k, v), ("Kd", kd, d), ("G", v - k, v - k if x <= 1.0 else v)):
                    off, bound = error(found[key].value[i], true), found[key].error[i]
                    assert off <= 1e-13 * abs(size), (key, q, x, off / size)
                    assert off <= bound, (key, q, x, off, bound)


CLOSED_K2: dict[str, Callable[[Any, Any, Any], Any]] = {  # q_a, q_b, c -> K
    "relu": lambda a, b, c: MP.sqrt(a * b) * bent_line(0, MP.mpf(1), c)[0],
    "abs": lambda a, b, c: MP.sqrt(a * b) * bent_line(-1, MP.mpf(1), c)[0],
    "erf": lambda a, b, c: 2 / MP.pi * MP.asin(2 * MP.sqrt(a * b) * c / MP.sqrt((1 + 2 * a) * (1 + 2 * b))),
    "sign": lambda a, b, c: 2 / MP.pi * MP.asin(c),
    "cos": lambda a, b, c: MP.exp(-(a + b) / 2) * MP.cosh(MP.sqrt(a * b) * c),
    "exp": lambda a, b, c: MP.exp((a + b) / 2 + MP.sqrt(a * b) * c),
    "polynomial": lambda a, b, c: a * b * (1 + 2 * c**2),
}


@pytest.mark.parametrize("name", CLOSED_K2)
def test_closed_forms_at_two_variances(name: str) -> None:
    for q, q_b in 10.0 ** RNG.uniform(-2.0, 1.5, (6, 2)):
        with MP.workdps(60):
            for e in (0.0, 1e-20, 1e-7, 0.1, 1.0, 1.7, 2.0):
                found = bivariate(activation(name), q, q_b=q_b, one_minus_c=e, names=("K",))["K"]
                a, b, c = MP.mpf(q), MP.mpf(q_b), 1 - MP.mpf(e)
                size = MP.sqrt(CLOSED_K2[name](a, a, MP.mpf(1)) * CLOSED_K2[name](b, b, MP.mpf(1)))
                off = error(found.value, CLOSED_K2[name](a, b, c))
                assert off <= 1e-13 * size, (q, q_b, e, off / size)
                assert off <= found.error, (q, q_b, e)


@pytest.mark.parametrize("name", ["identity", "relu"])
def test_half_distance_at_two_variances(name: str) -> None:
    """E[(phi(u) - phi(v))^2]/2 = (V_a + V_b)/2 - K, to what the rounding of u and v leaves of it."""
    kappa = {"identity": 1.0, "relu": 0.5}[name]
    for q, q_b, e in ((1.0, 2.0, 0.5), (1.0, 1.0 + 1e-6, 1e-10), (3.0, 0.01, 0.0), (1.0, 1.0 + 1e-12, 0.0)):
        g = bivariate(name, q, q_b=q_b, one_minus_c=e, names=("G",))["G"]
        with MP.workdps(60):
            a, b = MP.mpf(q), MP.mpf(q_b)
            k = MP.sqrt(a * b) * bent_line(1 if name == "identity" else 0, MP.mpf(1), 1 - MP.mpf(e))[0]
            true = kappa * (a + b) / 2 - k
            assert error(g.value, true) <= g.error
            assert g.error <= 1e-11 * true + 1e-14 * MP.sqrt(true)


# --- independent quadratures -----------------------------------------------------------------------------------------

GAUSS = np.polynomial.legendre.leggauss(24)


def panels(ends: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Gauss-Legendre nodes and weights on the panels between the ends."""
    half, middle = 0.5 * np.diff(ends)[:, None], 0.5 * (ends[1:] + ends[:-1])[:, None]
    return (middle + half * GAUSS[0]).ravel(), (half * GAUSS[1]).ravel()


def polar_mean(g: Callable[[Any], Any], q: float, c: float, q_b: float) -> float:
    """E[g(u) g(v)] in polar coordinates, for a g that is smooth but for x = 0."""
    theta = np.arccos(c)
    rays = np.sort(np.array([0.5, 1.5, 2.5]) * np.pi - np.array([[0.0], [theta]]), axis=None)  # u = 0 or v = 0
    rays = np.unique(np.concatenate([rays[(rays > 0.0) & (rays < 2 * np.pi)] % (2 * np.pi), np.linspace(0, 6, 13)]))
    angle, weight = panels(np.append(rays, 2 * np.pi))
    radius, density = panels(np.linspace(0.0, 12.0, 25))
    density = density * radius * np.exp(-0.5 * radius**2) / (2 * np.pi)
    u = q**0.5 * np.outer(radius, np.cos(angle))
    v = q_b**0.5 * np.outer(radius, np.cos(angle + theta))
    return float(density @ (g(u) * g(v)) @ weight)


def kinked(x: Any) -> Any:
    return np.where(x > 0.0, x, 0.1 * np.sin(x))


FUNCTIONS: dict[str, tuple[Any, Callable[[Any], Any]]] = {
    "formula": ("x * tanh(x) + max(x, 0)", lambda x: x * np.tanh(x) + np.maximum(x, 0.0)),
    "kinked function": (kinked, kinked),
    "smooth function": (np.arctan, np.arctan),
    "elu": ("elu(alpha=0.5)", lambda x: np.where(x > 0, x, 0.5 * np.expm1(np.minimum(x, 0.0)))),
    "softsign": ("softsign", lambda x: x / (1 + abs(x))),
}


@pytest.mark.parametrize("case", FUNCTIONS)
@pytest.mark.parametrize(("q", "q_b"), [(0.3, 0.3), (2.0, 2.0), (0.3, 2.0)])
def test_formulas_and_functions_against_quadrature_in_polar_coordinates(case: str, q: float, q_b: float) -> None:
    phi, plain = FUNCTIONS[case]
    c = np.array([-0.95, -0.4, 0.0, 0.6, 0.999])
    true = [polar_mean(plain, q, x, q_b) for x in c]
    found = bivariate(activation(phi), q, c, ("K",), q_b=q_b)["K"]
    assert found.value == pytest.approx(true, abs=3e-14 if isinstance(phi, str) else 1e-11)
    assert (np.abs(found.value - true) <= found.error + 1e-14).all()


def test_polar_mean_is_itself_right() -> None:
    for c in (-0.95, 0.3, 1.0):
        true = float(bent_line(0, MP.mpf(2), MP.mpf(c))[0])
        assert polar_mean(lambda x: np.maximum(x, 0.0), 2.0, c, 2.0) == pytest.approx(true, abs=1e-14)


@pytest.mark.parametrize("source", ["tanh(x)", np.tanh])
def test_the_same_function_written_otherwise(source: Any) -> None:
    rows = pairs("K")["tanh"]
    found = bivariate(source, [r[0] for r in rows], one_minus_c=[float(r[2]) for r in rows], names=("K",))["K"]
    for value, bound, row in zip(found.value, found.error, rows, strict=True):
        assert error(value, row[3]) <= min(bound, 1e-12)


def steps(heights: dict[float, float], x: Any, m: Any, s: Any) -> tuple[Any, Any]:
    """A staircase at x, and its mean over a Gaussian around m: its value at -inf is the key -inf."""
    at = sum(h * (x > k) for k, h in heights.items())
    return at, sum(h * ndtr((m - k) / s) for k, h in heights.items())


def hardshrink(x: Any, m: Any, s: Any) -> tuple[Any, Any]:
    above, below = (m - 0.5) / s, (-0.5 - m) / s
    tails = np.exp(-0.5 * above**2) - np.exp(-0.5 * below**2)
    return x * (abs(x) > 0.5), m * (ndtr(above) + ndtr(below)) + s * tails / np.sqrt(2 * np.pi)


LEVELS = {-np.inf: -1.0, -2 / 3: 2 / 3, 0.0: 2 / 3, 2 / 3: 2 / 3}
JUMPS = {
    "heaviside": (partial(steps, {0.0: 1.0}), [0.0]),
    "shifted_sign": (partial(steps, {-np.inf: -1.0, 1.0: 2.0}), [1.0]),
    "quantiser": (partial(steps, LEVELS), [-2 / 3, 0.0, 2 / 3]),
    "hardshrink": (hardshrink, [-0.5, 0.5]),
    "5 * (x > 0.2) - heaviside(x + 3)": (partial(steps, {0.2: 5.0, -3.0: -1.0}), [0.2, -3.0]),
}


@pytest.mark.parametrize("name", JUMPS)
def test_jumps_against_the_mean_given_one_of_the_two(name: str) -> None:
    both, knots = JUMPS[name]
    for q in (0.02, 0.7, 40.0):
        c, root = np.array([-1.0 + 1e-4, -0.9, -0.3, 0.0, 0.5, 0.99, 1.0 - 1e-4]), q**0.5
        found = bivariate(activation(name), q, c)
        ends = np.concatenate([np.linspace(-14.0, 14.0, 2801), *(np.array([1.0, -1.0]) * k / root for k in knots)])
        z, weight = panels(np.unique(np.clip(ends, -14.0, 14.0)))
        weight *= np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
        v = float(moments(activation(name), q, ("V",))["V"].value)
        for i, x in enumerate(c):
            at, mean = both(root * z, x * root * z, root * ((1 - x) * (1 + x)) ** 0.5)
            true = float(weight @ (at * mean))
            assert found["K"].value[i] == pytest.approx(true, abs=2e-14 * v)
            assert abs(found["K"].value[i] - true) <= found["K"].error[i] + 1e-14 * v
            assert found["G"].value[i] == pytest.approx(v - true, abs=2e-14 * v)


@pytest.mark.parametrize("name", ["heaviside", "shifted_sign", "quantiser", "hardshrink"])
def test_half_distance_of_a_jump_is_a_root(name: str) -> None:
    """G ~ sqrt(2 e) sum J^2 p(k) sqrt(q)/sqrt(2 pi) ... = y sum J_i^2 e^{-k_i^2/2q} / 2 pi."""
    phi, e = activation(name), np.array([1e-300, 1e-100, 1e-20])
    for q in (0.3, 5.0):
        law = sum(b.jump**2 * np.exp(-(b.x**2) / (2 * q)) for b in phi.jumps) / (2 * np.pi)
        g = bivariate(phi, q, one_minus_c=e, names=("G",))["G"]
        assert g.value == pytest.approx(law * np.sqrt(2 * e), rel=1e-9)
        assert (g.error <= 1e-12 * g.value).all()


# --- invariants ------------------------------------------------------------------------------------------------------

VARIOUS = ["tanh", "elu", "gelu", "relu6", "hardswish", "hardshrink", "quantiser", "gaussian", "softplus", "sigmoid"]


@few
@given(theta=st.floats(0.0, np.pi), q=Q)
def test_three_ways_to_say_how_close(theta: float, q: float) -> None:
    """All the same angle to rounding, which is c's own there."""
    by_angle = bivariate("elu", q, angle=theta)
    for given_by in ({"c": np.cos(theta)}, {"one_minus_c": 2.0 * np.sin(theta / 2) ** 2}):
        found = bivariate("elu", q, **given_by)
        for key in NAMES:
            change = 4e-16 * (q + 1.0) * 3.0  # |dK/dc| <= q D, |dKd/dc| <= q E[phi''^2]
            allowed = by_angle[key].error + found[key].error + change
            assert abs(by_angle[key].value - found[key].value) <= allowed


def test_one_minus_c_and_angle_agree_however_small() -> None:
    angle = np.array([1e-150, 1e-80, 1e-20, 1e-9])
    g = bivariate("relu6", 1.0, angle=angle, names=("G",))["G"].value
    assert g == pytest.approx(bivariate("relu6", 1.0, one_minus_c=angle**2 / 2, names=("G",))["G"].value, rel=1e-13)
    assert g == pytest.approx(moments("relu6", 1.0, ("D",))["D"].value * angle**2 / 2, rel=1e-8)


@pytest.mark.parametrize(
    "name", ["tanh", "hardtanh", "softshrink", "quantiser", "gaussian", "abs", "cos", "polynomial"]
)
@pytest.mark.parametrize("q_b", [1.7, 0.2])
def test_parity(name: str, q_b: float) -> None:
    phi, c = activation(name), np.array([0.0, 0.1, 0.5, 0.9, 1.0])
    sign = 1.0 if phi.parity == "even" else -1.0
    here, there = (bivariate(phi, 1.7, x, q_b=q_b) for x in (c, -c))
    for key, factor in (("K", sign), ("Kd", -sign)):
        allowed = here[key].error + there[key].error
        assert (np.abs(here[key].value - factor * there[key].value) <= allowed).all()
        assert (allowed <= 1e-11).all()


@pytest.mark.parametrize("name", VARIOUS)
@few
@given(q=Q)
def test_k_rises_and_bends_upwards_on_0_1_and_stays_within_v(name: str, q: float) -> None:
    """Its power series in c has coefficients >= 0."""
    found = bivariate(name, q, np.linspace(-1.0, 1.0, 201))
    k, kd, g = (found[key] for key in NAMES)
    v = float(moments(name, q, ("V",))["V"].value)
    noise = 4.0 * k.error.max()
    assert (np.diff(k.value[100:]) >= -noise).all()
    assert (np.diff(k.value[100:], 2) >= -noise).all()
    assert (np.abs(k.value) <= v + noise).all()
    assert (np.abs(k.value[:100]) <= k.value[:100:-1] + noise).all()  # |K(-c)| <= K(c)
    assert (g.value >= 0.0).all()
    assert g.value[-1] == 0.0
    assert (np.abs(v - k.value - g.value) <= noise + g.error).all()
    if not activation(name).jumps:
        assert (np.diff(kd.value[100:]) >= -4.0 * kd.error.max()).all()


@pytest.mark.parametrize("name", VARIOUS)
def test_slope_of_k_is_q_kd(name: str) -> None:
    """K(b) - K(a) = q int_a^b Kd dc."""
    if activation(name).jumps:
        pytest.skip("the deltas of jumps are missing in Kd")
    c, weight = panels(np.linspace(-0.9, 0.9, 7))
    for q in (0.1, 3.0):
        whole = q * weight @ bivariate(name, q, c, ("Kd",))["Kd"].value
        ends = bivariate(name, q, [-0.9, 0.9], ("K",))["K"]
        assert whole == pytest.approx(np.diff(ends.value)[0], rel=1e-12)


@pytest.mark.parametrize("name", VARIOUS)
@pytest.mark.parametrize("e", [0.0, 1e-18, 0.01, 1.0, 1.6, 2.0])
def test_two_variances_almost_the_same_give_what_one_gives(name: str, e: float) -> None:
    """Two different computations."""
    q = 1.3
    one = bivariate(name, q, one_minus_c=e)
    two = bivariate(name, q, one_minus_c=e, q_b=np.nextafter(q, 2.0))
    for key in ("K", "Kd", "G"):
        if activation(name).jumps and key == "G":  # |u - v| ~ 1e-16 |u| moves a jump by E|J| 1e-16
            continue
        assert abs(one[key].value - two[key].value) <= one[key].error + two[key].error + 2e-15 * (key != "G")


@pytest.mark.parametrize("name", ["tanh", "elu", "hardshrink", "relu6", "sigmoid", "exp(x/10)"])
@few
@given(q=Q, q_b=Q, c=st.floats(-1.0, 1.0))
def test_two_variances_are_symmetric_and_obey_cauchy_schwarz(name: str, q: float, q_b: float, c: float) -> None:
    here, there = bivariate(name, q, c, q_b=q_b), bivariate(name, q_b, c, q_b=q)
    for key in NAMES:
        assert abs(here[key].value - there[key].value) <= here[key].error + there[key].error
    v = moments(name, [q, q_b], ("V",))["V"].value
    assert abs(here["K"].value) <= np.sqrt(v.prod()) * (1 + 1e-13) + here["K"].error
    assert abs(v.mean() - here["K"].value - here["G"].value) <= here["K"].error + here["G"].error + 1e-12 * v.max()


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "abs", "identity"])
def test_homogeneous_functions_scale(name: str) -> None:
    q, c = np.array([1e-250, 1e-5, 1.0, 1e5, 1e250]), np.array([[-1.0], [0.3], [1.0]])
    found = bivariate(name, q, c)
    for key in ("K", "G"):
        assert found[key].value / q == pytest.approx(np.tile(found[key].value[:, 2:3], 5), rel=1e-14)
    assert np.ptp(found["Kd"].value, axis=1) == pytest.approx(0.0, abs=0.0)


@pytest.mark.parametrize("name", ["tanh", "relu", "sign", "silu"])
def test_what_underflow_loses_is_in_the_bound(name: str) -> None:
    """G = D q e + ... or tau(0) sqrt(2 e), down to where it is no normal number."""
    d = moments(name, 1.0, ("D",))["D"].value if name != "sign" else None
    for angle in (1e-150, 1e-158, 1e-161, 1e-170):
        found = bivariate(name, 1.0, angle=angle, names=("G",))["G"]
        true = 2 / MP.pi * MP.mpf(angle) if d is None else MP.mpf(float(d)) * MP.mpf(angle) ** 2 / 2
        assert error(found.value, true) <= found.error + 1e-15 * found.value
        assert found.error > 0.0
    assert bivariate(name, 1.0, angle=0.0, names=("G",))["G"].error == 0.0


@pytest.mark.parametrize("constant", [0.0, 2.0])
def test_a_constant_has_no_derivative(constant: float) -> None:
    found = bivariate(lambda x: 0.0 * x + constant, 1.0, [-0.5, 0.5])
    for key, true in {"K": constant**2, "Kd": 0.0, "G": 0.0}.items():
        assert (np.abs(found[key].value - true) <= found[key].error).all()
        assert (found[key].error <= 1e-12).all()


@pytest.mark.parametrize("slope", [0.01, 1.0, 100.0, 1e4])
@pytest.mark.parametrize("q_b", [1.0 + 1e-14, 1.0 + 1e-7, 1.5, 1e4])
def test_half_distance_of_a_homogeneous_function_of_equal_inputs(slope: float, q_b: float) -> None:
    """At c = 1 it is kappa (sqrt(q_a) - sqrt(q_b))^2 / 2."""
    found = bivariate(f"leaky_relu(slope={slope!r})", 1.0, 1.0, ("G",), q_b=q_b)["G"]
    kappa = (1 + MP.mpf(slope) ** 2) / 2
    true = kappa * (1 - MP.sqrt(MP.mpf(q_b))) ** 2 / 2
    assert error(found.value, true) <= found.error + 1e-16 * found.value
    assert found.error <= 1e-13 * true


# --- shapes and refusals ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("q", "c", "shape"),
    [(1.0, 0.5, ()), ([1.0], 0.5, (1,)), (1, [[0.1], [0.2]], (2, 1)), ([1, 2, 3], [[0], [1]], (2, 3))],
)
def test_broadcasting(q: Any, c: Any, shape: tuple[int, ...]) -> None:
    found = bivariate("elu", q, c)
    for key, estimate in found.items():
        assert estimate.value.shape == estimate.error.shape == shape
        for index in np.ndindex(shape):
            alone = [float(np.broadcast_to(x, shape)[index]) for x in (q, c)]
            assert bivariate("elu", *alone, (key,))[key].value == estimate.value[index]


def test_empty() -> None:
    assert bivariate("elu", 1.0, np.zeros((0, 3)))["K"].value.shape == (0, 3)
    assert bivariate("elu", np.zeros(0), 0.5, q_b=1.0)["K"].value.shape == (0,)


@pytest.mark.parametrize(
    ("given_by", "message"),
    [
        ({"c": 1.5}, "c must lie between -1 and 1, got 1.5"),
        ({"c": [0.5, -1.25, 7.0]}, "got -1.25 at index 1"),
        ({"c": [[0.0, 0.0], [0.0, -2.0]]}, "got -2.0 at index (1, 1)"),
        ({"c": float("nan")}, "got nan"),
        ({"one_minus_c": -1e-300}, "one_minus_c must lie between 0 and 2, got -1e-300"),
        ({"one_minus_c": [0.1, np.inf]}, "got inf at index 1"),
        ({"angle": 3.15}, "angle must lie between 0 and pi, got 3.15"),
        ({"c": "0.5"}, "c must be a real number or an array of them, got '0.5'"),
        ({"c": 1j}, "got 1j"),
        ({"angle": [None]}, "got [None]"),
        ({"c": [[1.0], [0.5, 0.5]]}, "c must be a real number"),
        ({}, "exactly one of c, one_minus_c and angle, got none"),
        ({"c": 0.5, "one_minus_c": 0.5}, "exactly one of c, one_minus_c and angle, got c, one_minus_c"),
        ({"c": 0.5, "angle": 0.5}, "got c, angle"),
    ],
)
def test_what_is_no_correlation_is_refused(given_by: dict[str, Any], message: str) -> None:
    with pytest.raises(EocError, match=re.escape(message)) as caught:
        bivariate("tanh", 1.0, **given_by)
    assert "float64" not in str(caught.value)


@pytest.mark.parametrize("which", ["q", "q_b"])
@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf, "1", None, [1.0, 0.0], [1.0, -3.0]])
def test_what_is_no_variance_is_refused(which: str, bad: Any) -> None:
    if which == "q_b" and bad is None:
        pytest.skip("means q")
    with pytest.raises(EocError, match=r"^q"):
        bivariate("tanh", **{"q": 1.0, "c": 0.5, which: bad})


def test_what_is_no_expectation_or_activation_is_refused() -> None:
    with pytest.raises(EocError, match="unknown expectation 'V'; known are K, Kd, G"):
        bivariate("tanh", 1.0, 0.5, ("K", "V"))
    with pytest.raises(EocError, match="tahn"):
        bivariate("tahn", 1.0, 0.5)


@pytest.mark.parametrize(("q", "q_b"), [(0.9, 0.9), (0.9, 0.1), (0.1, 0.9)])
def test_gaussian_growth_is_refused_beyond_its_bound(q: float, q_b: float) -> None:
    with pytest.raises(NotPermissibleError, match=r"condition \(b\)"):
        bivariate("exp(0.3*x**2)", q, 0.5, q_b=q_b)


@pytest.mark.parametrize("q_b", [2.0])
def test_a_vertical_tangent_is_refused_at_two_variances(q_b: float) -> None:
    with pytest.raises(NotPermissibleError, match="vertical tangent at x = 0"):
        bivariate("sqrt(abs(x))", 1.0, 0.5, ("Kd",), q_b=q_b)


@pytest.mark.parametrize("q_b", [1000.0, 900.0])
def test_overflow_is_said(q_b: float) -> None:
    with pytest.raises(AccuracyError, match="1000"):
        bivariate("exp", 1000.0, 0.5, q_b=q_b)


def test_values_tell_v_from_k() -> None:
    """K(1) = V, K(0) = M^2."""
    for name in ("elu_1", "softplus", "gelu"):
        q = np.array(list(values("M")[name]))
        q = q[(q >= 0.01) & (q <= 100.0)]
        found = bivariate(reference(name), q, [[0.0], [1.0]], ("K",))["K"].value
        for i, x in enumerate(q):
            assert error(found[0, i], values("M")[name][x] ** 2) <= 2e-14 * values("V")[name][x]
            assert error(found[1, i], values("V")[name][x]) <= 2e-14 * values("V")[name][x]


def _of_erf(a: float, q: float, c: float) -> dict[str, Any]:
    """The closed forms for erf(a x), Williams (1997)."""
    s = 2 * MP.mpf(a) ** 2 * MP.mpf(q)
    k = 2 / MP.pi * MP.asin(s * MP.mpf(c) / (1 + s))
    slopes = 4 * MP.mpf(a) ** 2 / MP.pi / MP.sqrt((1 + s) ** 2 - (s * MP.mpf(c)) ** 2)
    return {"K": k, "Kd": slopes, "G": 2 / MP.pi * MP.asin(s / (1 + s)) - k}


@pytest.mark.parametrize("source", ["erf", "erf(30*x)"])
@pytest.mark.parametrize(("q", "c"), [(1.0, 0.5), (1000.0, 0.9), (1000.0, -0.3), (3e5, 0.1), (1000.0, 1.0 - 2.0**-40)])
def test_steep_functions_keep_twelve_digits(source: str, q: float, c: float) -> None:
    a = 30.0 if "30" in source else 1.0
    found = bivariate(source, q, c)
    for name, true in _of_erf(a, q, c).items():
        assert error(found[name].value, true) <= 1e-12 * abs(true), name
        assert error(found[name].value, true) <= found[name].error <= 1e-11 * abs(true), name


def test_tanh_fifty_times_as_steep() -> None:
    found = bivariate("tanh(50*x)", 184.1143712319149, 0.522, ("G",))["G"]
    assert error(found.value, MP.mpf("0.6491968304265874113")) <= found.error <= 1e-12


def test_kd_of_a_function_whose_second_derivative_is_noisy() -> None:
    found = bivariate(lambda x: np.logaddexp(0.0, 10.0 * x) / 10.0, 19.301162775075937, -0.443, ("Kd",))["Kd"]
    assert error(found.value, MP.mpf("0.177090800723492556")) <= found.error <= 1e-12


@pytest.mark.parametrize("source", ["era(b=0.5, c=(0,), d=(-0.5,))", "x + 0.5 - 0.5/(1+x**2)"])
def test_named_activations_are_as_good_as_their_formula(source: str) -> None:
    found = bivariate(source, 1.0, [0.3])
    for name, true in (
        ("K", "0.330756810981865960"),
        ("Kd", "1.00763750977577497"),
        ("G", "0.716403417808734804"),
    ):
        assert error(found[name].value[0], MP.mpf(true)) <= found[name].error[0] <= 1e-13, name


@pytest.mark.parametrize("source", ["abs(x)**1.5", "sqrt(abs(x))"])
@pytest.mark.parametrize("c", [0.5, -0.5])
def test_roots_have_expectations_where_they_are_finite(source: str, c: float) -> None:
    """E[|u|^a |v|^a] = 2^a Gamma((1+a)/2)^2 / pi 2F1(-a/2, -a/2; 1/2; c^2)."""
    a = MP.mpf(1.5 if "1.5" in source else 0.5)
    k = 2**a * MP.gamma((1 + a) / 2) ** 2 / MP.pi * MP.hyp2f1(-a / 2, -a / 2, MP.mpf(1) / 2, MP.mpf(c) ** 2)
    v = 2**a * MP.gamma((1 + 2 * a) / 2) / MP.sqrt(MP.pi)
    found = bivariate(source, 1.0, c, ("K", "G"))
    assert error(found["K"].value, k) <= found["K"].error <= 1e-12
    assert error(found["G"].value, v - k) <= found["G"].error <= 1e-12


@pytest.mark.parametrize(("q", "one_minus_c"), [(76.595, 0.998), (400.0, 2e-5), (400.0, 1.7)])
def test_what_oscillates_many_times_within_sqrt_q(q: float, one_minus_c: float) -> None:
    """E[sin(k u) sin(k v)] = exp(-k^2 q) sinh(k^2 q c), and phi' likewise with cosh."""
    k2 = 400 if q < 100.0 else 1
    source: Any = (lambda x: np.sin(20.0 * x)) if k2 == 400 else "sin"
    s, e = k2 * MP.mpf(q), MP.mpf(one_minus_c)
    true = {"K": (MP.exp(-s * e) - MP.exp(-s * (2 - e))) / 2, "Kd": k2 * (MP.exp(-s * e) + MP.exp(-s * (2 - e))) / 2}
    true["G"] = (1 - MP.exp(-2 * s)) / 2 - true["K"]
    for name in ("K",) if k2 == 400 else NAMES:
        found = bivariate(source, q, one_minus_c=one_minus_c, names=(name,))[name]
        assert error(found.value, true[name]) <= found.error <= 1e-12, name
