"""The named activations against mpmath, written down here once more from their definitions."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Mapping
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eoc.activations import activation
from eoc.activations.base import Activation, Smoothness
from eoc.activations.named import STANDARD, named, names
from eoc.errors import EocError

EPS = np.finfo(float).eps
TINY = np.finfo(float).tiny
SIZES = [1e-300, 1e-30, 1e-8, 1e-3, 0.1, 0.5, 1, 2, 3.7, 8, 20, 40, 100, 800, 1e5, 1e300]
X = np.array([-s for s in reversed(SIZES)] + SIZES)
S, A = mp.mpf("1.0507009873554804934193349852946"), mp.mpf("1.6732632423543772848170429916717")


def sigmoid(x: Any) -> Any:
    return 1 / (1 + mp.exp(-x))


def clip(x: Any, low: Any, high: Any) -> Any:
    return min(max(x, low), high)


def sech2(x: Any) -> Any:
    return 1 / mp.cosh(x) ** 2


def fractions(x: Any, k: Mapping[str, Any]) -> Any:
    """a x + b + sum_i (c_i x + d_i) / ((x - e_i)^2 + f_i^2)."""
    terms = zip(*(map(mp.mpf, k[name]) for name in "cdef"), strict=True)
    return mp.mpf(k["a"]) * x + mp.mpf(k["b"]) + sum((c * x + d) / ((x - e) ** 2 + f**2) for c, d, e, f in terms)


def quotient(x: Any, k: Mapping[str, Any]) -> Any:
    """As rational-activations computes them."""
    above = sum(mp.mpf(a) * x**i for i, a in enumerate(k["numerator"]))
    inner = [mp.mpf(b) * x ** (i + (k["version"] != "C")) for i, b in enumerate(k["denominator"])]
    below = {"A": 1 + sum(map(abs, inner)), "C": mp.mpf(0.1) + abs(sum(inner)), "N": 1 + sum(inner)}
    return above / below.get(k["version"], 1 + abs(sum(inner)))


def kernels(x: Any, k: Mapping[str, Any]) -> Any:
    """The mean of the Gaussian process through the points."""
    points, values, length = map(mp.mpf, k["points"]), map(mp.mpf, k["values"]), mp.mpf(k["length_scale"])
    at, y = list(points), mp.matrix(list(values))
    gram = mp.matrix([[mp.exp(-(((p - q) / length) ** 2) / 2) for q in at] for p in at]) + k["noise"] * mp.eye(len(at))
    weights = mp.lu_solve(gram, y)
    return sum(w * mp.exp(-(((x - p) / length) ** 2) / 2) for w, p in zip(weights, at, strict=True))


DEFINITIONS = {
    "identity": lambda x: x,
    "relu": lambda x: max(x, 0 * x),
    "leaky_relu": lambda x: max(x, 0.01 * x),
    "abs": abs,
    "relu6": lambda x: clip(x, 0, 6),
    "hardtanh": lambda x: clip(x, -1, 1),
    "bireal": lambda x: clip(x, -1, 1) * (2 - abs(clip(x, -1, 1))),
    "hardsigmoid": lambda x: clip(x / 6 + mp.mpf(1) / 2, 0, 1),
    "hardswish": lambda x: x * clip(x + 3, 0, 6) / 6,
    "elu": lambda x: x if x > 0 else mp.expm1(x),
    "celu": lambda x: x if x > 0 else mp.expm1(x),
    "selu": lambda x: S * x if x > 0 else S * A * mp.expm1(x),
    "gelu": lambda x: x * mp.ncdf(clip(x, -(10**6), 10**6)),
    "gelu_tanh": lambda x: x / 2 * (1 + mp.tanh(mp.sqrt(2 / mp.pi) * (x + mp.mpf(0.044715) * x**3))),
    "silu": lambda x: x * sigmoid(x),
    "mish": lambda x: x * mp.tanh(mp.log1p(mp.exp(x))),
    "softplus": lambda x: mp.log1p(mp.exp(x)),
    "shifted_softplus": lambda x: mp.log((1 + mp.exp(x)) / 2),
    "squareplus": lambda x: (x + mp.sqrt(x**2 + 4)) / 2,
    "sigmoid": sigmoid,
    "tanh": mp.tanh,
    "erf": mp.erf,
    "arctan": mp.atan,
    "softsign": lambda x: x / (1 + abs(x)),
    "sin": mp.sin,
    "cos": mp.cos,
    "snake": lambda x: x + mp.sin(x) ** 2,
    "gaussian": lambda x: mp.exp(-(x**2)),
    "tanhshrink": lambda x: x - mp.tanh(x),
    "softshrink": lambda x: mp.sign(x) * max(abs(x) - 0.5, 0),
    "hardshrink": lambda x: x if abs(x) > 0.5 else 0 * x,
    "sign": mp.sign,
    "heaviside": lambda x: mp.mpf(x > 0),
    "shifted_sign": lambda x: mp.sign(x - 1),
    "exp": mp.exp,
    "quantiser": lambda x: (2 * mp.floor(clip(x + 1, 0, 2) * 1.5 + 0.5) - 3) / 3,
    "x_plus_half_tanh": lambda x: x + mp.tanh(x) / 2,
    "spline": lambda x: max(x, 0),
    "polynomial": lambda x: x**2,
    "era": lambda x: fractions(x, named("era").parameters),
    "fourier": mp.sin,
    "gp_activation": lambda x: kernels(x, named("gp_activation").parameters),
    "pau": lambda x: quotient(x, named("pau").parameters),
    "rational": lambda x: (x + x**3 / 2) / (1 + x**2),
    "elish": lambda x: x * sigmoid(x) if x > 0 else mp.expm1(x) * sigmoid(x),
    "lisht": lambda x: x * mp.tanh(x),
    "logish": lambda x: x * mp.log1p(sigmoid(x)),
    "logsigmoid": lambda x: -mp.log1p(mp.exp(-x)),
    "phish": lambda x: x * mp.tanh(x * mp.ncdf(clip(x, -(10**6), 10**6))),
    "prelu": lambda x: max(x, x / 4),
    "quick_gelu": lambda x: x * sigmoid(mp.mpf(1.702) * x),
    "relu_squared": lambda x: max(x, 0 * x) ** 2,
    "rrelu": lambda x: x if x > 0 else x * mp.sqrt(mp.mpf(1) / 64 + mp.mpf(1) / 24 + mp.mpf(1) / 9) / mp.sqrt(3),
    "serf": lambda x: x * mp.erf(mp.log1p(mp.exp(x))),
    "smish": lambda x: x * mp.tanh(mp.log1p(sigmoid(x))),
    "sparse_plus": lambda x: 0 * x if x <= -1 else x if x >= 1 else (x + 1) ** 2 / 4,
    "sparse_sigmoid": lambda x: clip((x + 1) / 2, 0, 1),
    "star_relu": lambda x: mp.mpf(0.8944) * max(x, 0 * x) ** 2 - mp.mpf(0.4472),
    "tanhexp": lambda x: x * mp.tanh(mp.exp(clip(x, -(10**6), 1000))),
    "threshold": lambda x: x if x > 1 else 0 * x,
}

CLASSES = {
    Smoothness.KINK: "relu leaky_relu abs relu6 hardtanh hardsigmoid softshrink selu hardswish spline"
    " prelu rrelu sparse_sigmoid pau",
    Smoothness.C1: "bireal elu celu elish softsign relu_squared sparse_plus star_relu",
    Smoothness.JUMP: "sign heaviside hardshrink quantiser shifted_sign threshold",
}
CLASS = dict.fromkeys(DEFINITIONS, Smoothness.SMOOTH) | {n: s for s, ns in CLASSES.items() for n in ns.split()}

VARIANTS: list[tuple[str, dict[str, Any], Smoothness]] = [
    ("leaky_relu", {"slope": 1.0}, Smoothness.SMOOTH),
    ("elu", {"alpha": 0.7}, Smoothness.KINK),
    ("celu", {"alpha": 0.7}, Smoothness.C1),
    ("celu", {"alpha": 0.3}, Smoothness.C1),
    ("softshrink", {"threshold": 0.1}, Smoothness.KINK),
    ("silu", {"beta": 1.7}, Smoothness.SMOOTH),
    ("shifted_sign", {"threshold": 0.0}, Smoothness.JUMP),
    ("quantiser", {"levels": 7, "step": 0.3}, Smoothness.JUMP),
    ("spline", {"knots": (0.5,), "values": (0.1,), "slopes": (0.3, 0.3)}, Smoothness.SMOOTH),
    ("spline", {"knots": (-1.0, 1.0), "values": (-1.0, 1.0), "slopes": (0.0, 0.0)}, Smoothness.KINK),
    ("spline", {"knots": (-0.3, 0.1, 0.7), "values": (0.1, -0.7, 0.3)}, Smoothness.KINK),
    ("spline", {"knots": (-1.0, 1.0), "slopes": (0.0, 1.0, 0.0)}, Smoothness.KINK),
    ("spline", {"knots": (-0.3, 0.7), "slopes": (0.1, 0.4, -0.2), "through": (2.0, 0.5)}, Smoothness.KINK),
    ("spline", {"knots": (-1.0,), "slopes": (0.5, 0.5)}, Smoothness.SMOOTH),
    ("polynomial", {"coefficients": (0.0, 1.0, 0.0, -0.3)}, Smoothness.SMOOTH),
    ("polynomial", {"coefficients": (0.1, 1.0, 0.5), "basis": "hermite", "normalised": True}, Smoothness.SMOOTH),
    ("polynomial", {"coefficients": (0.0, 0.0, 0.5, 0.0, 0.2), "basis": "chebyshev"}, Smoothness.SMOOTH),
    ("era", {"a": 1.0, "b": 0.0, "c": (1.0,), "d": (0.0,), "e": (0.0,), "f": (1.0,)}, Smoothness.SMOOTH),
    ("rational", {"numerator": (0.0, 1.0), "denominator": (1.0,)}, Smoothness.C1),
    ("rational", {"numerator": (1.0, 1.0), "denominator": (0.5, -1.0, 0.1), "version": "B"}, Smoothness.KINK),
    ("rational", {"numerator": (0.3, 1.0), "denominator": (-1.0, 0.5, 1.0), "version": "C"}, Smoothness.KINK),
    ("rational", {"numerator": (0.0, 1.0, 2.0), "denominator": (0.2, 1.0), "version": "N"}, Smoothness.SMOOTH),
    ("pau", {"published": "gelu", "version": "B"}, Smoothness.KINK),
    ("fourier", {"sines": (0.0, 1.0), "cosines": (), "frequencies": 0.5}, Smoothness.SMOOTH),
    ("fourier", {"sines": (), "cosines": (1.0, 0.3), "constant": -0.5}, Smoothness.SMOOTH),
    ("gp_activation", {"points": (-1.0, 0.0, 1.0), "values": (1.0, 0.0, 1.0), "length_scale": 0.7}, Smoothness.SMOOTH),
]
EVERY = [named(name) for name in names()] + [named(name, **parameters) for name, parameters, _ in VARIANTS]


def derivatives(f: Any, x: float) -> list[Any]:
    """f, f' and f'' at x by central differences with a relative step of 1e-25, in so many digits that 1e-300 shows."""
    with mp.workdps(700 if 1e-30 <= abs(x) <= 1e5 else 1700):
        x = mp.mpf(x)
        h = min(abs(x), mp.mpf(1)) * mp.mpf(10) ** -25
        below, here, above = f(x - h), f(x), f(x + h)
        return [here, (above - below) / (2 * h), (above - 2 * here + below) / h**2]


CANCELLING = ("era", "gp_activation", "pau")  # terms that leave little at 0


@pytest.mark.parametrize("name", names())
def test_values_and_derivatives(name: str) -> None:
    phi = named(name)
    points = [float(x) for x in X if x not in phi.knots]
    with warnings.catch_warnings(), np.errstate(all="warn", under="ignore"):
        warnings.simplefilter("error")
        computed = np.stack([phi(points), phi.dphi(points), phi.ddphi(points)])
    exact = [derivatives(DEFINITIONS[name], x) for x in points]
    for order, row in enumerate(computed):
        column = [values[order] for values in exact]
        for x, value, true in zip(points, row, column, strict=True):
            if abs(true) > np.finfo(float).max:
                assert value == np.inf * int(mp.sign(true))
                continue
            largest = max(abs(t) for t, at in zip(column, points, strict=True) if abs(at) <= abs(x))
            scale = abs(true) if abs(x) <= 0.1 else largest
            assert np.isfinite(value)
            known = float(phi.errors(np.array([x]))[order, 0]) if name in CANCELLING else 0.0
            assert known <= 1e-12 * max(scale, 1)
            assert abs(mp.mpf(float(value)) - true) <= max(8 * EPS * scale + TINY, known), (name, order, x, value)


@pytest.mark.parametrize(
    ("name", "x"), [("gelu", -20.0), ("sigmoid", -700.0), ("softplus", -700.0), ("mish", -100.0), ("squareplus", -1e5)]
)
def test_tails_are_relatively_right(name: str, x: float) -> None:
    with mp.workdps(400):
        true = DEFINITIONS[name](mp.mpf(x))
    assert named(name)(x) == pytest.approx(float(true), rel=1e-13, abs=0)


def test_every_name_is_tested() -> None:
    assert set(names()) == set(DEFINITIONS) == set(STANDARD)


@pytest.mark.parametrize(
    ("phi", "expected"),
    [(named(n), c) for n, c in CLASS.items()] + [(named(n, **p), c) for n, p, c in VARIANTS],
    ids=lambda value: getattr(value, "name", None),
)
def test_smoothness(phi: Activation, expected: Smoothness) -> None:
    assert phi.smoothness is expected
    if expected is not Smoothness.JUMP:
        assert all(b.left[0] == b.right[0] for b in phi.breakpoints)


SYMMETRIC = [phi for phi in EVERY if phi.parity]


@given(phi=st.sampled_from(SYMMETRIC), x=st.floats(1e-300, 1e150))
def test_parity_is_exact(phi: Activation, x: float) -> None:
    sign = -1.0 if phi.parity == "odd" else 1.0
    for f, s in [(phi.phi, sign), (phi.dphi, -sign), (phi.ddphi, sign)]:
        if x not in phi.knots or phi.smoothness is Smoothness.SMOOTH:
            assert f(-x) == s * f(x)


@pytest.mark.parametrize("phi", EVERY, ids=lambda phi: phi.name)
def test_parity_is_claimed_where_it_holds(phi: Activation) -> None:
    x = np.array([0.013, 0.37, 0.91, 1.43, 2.6, 5.1])
    odd, even = np.allclose(phi(-x), -phi(x), rtol=1e-12), np.allclose(phi(-x), phi(x), rtol=1e-12)
    assert phi.parity == ("odd" if odd else "even" if even else None)


@pytest.mark.parametrize("phi", EVERY, ids=lambda phi: phi.name)
@pytest.mark.parametrize("shape", [(), (0,), (2, 3)])
def test_shape_is_kept(phi: Activation, shape: tuple[int, ...]) -> None:
    x = np.full(shape, 0.3)
    assert phi(x).shape == phi.dphi(x).shape == phi.ddphi(x).shape == shape


@pytest.mark.parametrize("phi", EVERY, ids=lambda phi: phi.name)
def test_growth(phi: Activation) -> None:
    big = np.array([-1e8, -1e4, 1e4, 1e8])
    if phi.growth.kind == "bounded":
        assert np.abs(phi(big)).max() <= 10
    if phi.growth.kind == "polynomial":
        ratio = np.abs(phi(big)).max() / 1e8**phi.growth.rate
        assert 0.01 <= ratio <= 10


numbers = st.floats(-3, 3).map(lambda v: round(v, 2))


@given(
    points=st.dictionaries(numbers, numbers, min_size=2, max_size=6),
    slopes=st.none() | st.tuples(numbers, numbers),
)
def test_spline_goes_through_its_points(points: dict[float, float], slopes: tuple[float, float] | None) -> None:
    knots = tuple(sorted(points))
    values = tuple(points[k] for k in knots)
    phi = named("spline", knots=knots, values=values, slopes=slopes)
    assert phi(knots).tolist() == list(values)
    assert all(b.jump == 0 for b in phi.breakpoints)
    assert 0.0 in phi.knots
    assert all(b.kink == 0 for b in phi.breakpoints if b.x not in knots)
    x = np.linspace(knots[0], knots[-1], 20)
    np.testing.assert_allclose(phi(x), np.interp(x, knots, values), rtol=1e-13, atol=1e-12)


def test_spline_is_accurate_near_zero() -> None:
    hardtanh = named("spline", knots=(-1.0, 1.0), values=(-1.0, 1.0), slopes=(0.0, 0.0))
    np.testing.assert_array_equal(hardtanh(X), named("hardtanh")(X))


@given(levels=st.integers(2, 33), x=st.floats(-2, 2))
def test_quantiser_rounds_to_the_nearest_level(levels: int, x: float) -> None:
    grid = np.linspace(-1, 1, levels)
    error = abs(named("quantiser", levels=levels)(x) - x)
    assert error == pytest.approx(np.abs(grid - x).min(), abs=1e-14)


def test_quantiser_special_cases() -> None:
    assert named("quantiser", levels=2).breakpoints == named("sign").breakpoints
    three = named("quantiser", levels=3, step=0.5)
    assert three.knots == (-0.25, 0.25)
    assert three([-1, 0, 1]).tolist() == [-1, 0, 1]


PARTIAL = {"a": 0.7, "b": -0.2, "c": (0.5, -1.0), "d": (1.0, 0.3), "e": (0.4, -2.0), "f": (0.8, 1.5)}


@pytest.mark.parametrize("x", [-1e5, -3.0, -0.5, 0.1, 2.0, 30.0])
def test_era(x: float) -> None:
    phi = named("era", **PARTIAL)
    true = [float(value) for value in derivatives(lambda x: fractions(x, PARTIAL), x)]
    np.testing.assert_allclose([phi(x), phi.dphi(x), phi.ddphi(x)], true, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", ["silu", "softplus", "squareplus", "celu", "snake"])
@pytest.mark.parametrize("value", [0.3, 2.5])
def test_parameters_enter_as_written(name: str, value: float) -> None:
    v = mp.mpf(value)
    definition = {
        "silu": lambda x: x * sigmoid(v * x),
        "softplus": lambda x: mp.log1p(mp.exp(v * x)) / v,
        "squareplus": lambda x: (x + mp.sqrt(x**2 + v)) / 2,
        "celu": lambda x: x if x > 0 else v * mp.expm1(x / v),
        "snake": lambda x: x + mp.sin(v * x) ** 2 / v,
    }[name]
    (parameter,) = named(name).parameters
    phi = named(name, **{parameter: value})
    for x in [-3.0, -0.2, 1e-8, 0.7, 4.0]:
        true = [float(t) for t in derivatives(definition, x)]
        np.testing.assert_allclose([phi(x), phi.dphi(x), phi.ddphi(x)], true, rtol=1e-14, atol=1e-15)
    assert phi.parameters[parameter] == value
    assert phi.name == f"{name}({parameter}={value})"


def test_the_same_object() -> None:
    assert named("elu") is named("ELU", alpha=1) is STANDARD["elu"]() is STANDARD["elu"](1.0)
    assert named("spline", knots=[0, 1], values=[0, 1]) is named("spline", knots=(0.0, 1.0), values=(0.0, 1.0))
    assert named("elu", alpha=2.0) is not named("elu")


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Leaky-ReLU", "leaky_relu"),
        ("LeakyReLU", "leaky_relu"),
        ("hard tanh", "hardtanh"),
        ("hard_sigmoid", "hardsigmoid"),
        ("GELU_tanh", "gelu_tanh"),
        ("swish", "silu"),
        ("quantizer", "quantiser"),
        ("atan", "arctan"),
    ],
)
def test_names_are_matched_kindly(written: str, name: str) -> None:
    assert named(written) is named(name)


@pytest.mark.parametrize(
    ("name", "parameters", "words"),
    [
        ("gellu", {}, ["gellu", "did you mean 'gelu'"]),
        ("zzz", {}, ["zzz", "'eoc activations' lists"]),
        ("softmax", {}, ["softmax", "several inputs", "layers before it"]),
        ("SwiGLU", {}, ["SwiGLU", "'silu'"]),
        ("glu", {}, ["multiplies", "'sigmoid'"]),
        ("maxout", {}, ["several inputs", "abs(x)"]),
        ("elu", {"alhpa": 1.0}, ["elu", "alhpa", "its parameters: alpha"]),
        ("relu", {"slope": 1.0}, ["relu", "slope", "it has none"]),
        ("elu", {"alpha": float("nan")}, ["alpha", "nan", "-1e+06 to 1e+06"]),
        ("elu", {"alpha": 10**400}, ["alpha", "got 1000"]),
        ("elu", {"alpha": "1"}, ["alpha", "'1'"]),
        ("elu", {"alpha": [1.0]}, ["alpha", "(1.0,)"]),
        ("elu", {"alpha": {}}, ["alpha", "()"]),
        ("spline", {"knots": [[0, 1]], "values": np.eye(2)}, ["knots[0]", "(0, 1)"]),
        ("spline", {"knots": (0, 1e-300), "values": (0, 1)}, ["slope between knots 0.0 and 1e-300", "1e+06, got 9.99"]),
        ("leaky_relu", {"slope": float("inf")}, ["slope", "inf"]),
        ("quantiser", {"levels": 1}, ["levels", "number from 2 to 1024", "got 1"]),
        ("quantiser", {"levels": 2.5}, ["levels", "integer", "2.5"]),
        ("quantiser", {"step": 0}, ["step", "1e-06"]),
        ("spline", {"knots": (1, 0), "values": (0, 0)}, ["knots must increase"]),
        ("spline", {"knots": (0, 1), "values": (0,)}, ["knots, values must have the same length", "2, 1"]),
        ("spline", {"knots": (0, 0.5, 0.5), "slopes": (0, 1, 2, 3)}, ["knots[2] = 0.5 is there twice"]),
        ("spline", {"knots": (0,), "values": (0,)}, ["one point, (0.0, 0.0)", "two or more"]),
        ("spline", {"knots": (0, 1)}, ["2 knots needs slopes, 3 of them, or values"]),
        ("spline", {"knots": (0, 1), "slopes": (1.0, 2.0)}, ["slopes must be 3 numbers", "got 2"]),
        ("spline", {"knots": (0, 1), "values": (0, 1), "slopes": (1.0, 2.0, 3.0)}, ["slopes must be two numbers"]),
        ("spline", {"knots": (0, 1), "values": (0, 1), "through": (1.0, 2.0)}, ["leave through=(1.0, 2.0) out"]),
        ("spline", {"through": (1.0,)}, ["through must be a point (x, y)"]),
        ("spline", {"knots": (0, 1, 2), "values": (0, float("nan"), 1)}, ["values[1]", "nan"]),
        ("spline", {"knots": tuple(range(2001)), "values": tuple(range(2001))}, ["at most 2000", "got 2001"]),
        ("polynomial", {"coefficients": ()}, ["coefficients", "1 or more"]),
        ("polynomial", {"coefficients": (0.0,) * 65 + (1.0,)}, ["coefficients", "x^64", "x^65"]),
        ("polynomial", {"coefficients": (3.0, 0.0)}, ["degree 0", "constant 3", "coefficient of x"]),
        ("polynomial", {"basis": "laguerre"}, ["basis must be one of monomial, hermite", "'laguerre'"]),
        ("polynomial", {"normalised": "yes"}, ["True or False", "'yes'"]),
        ("era", {"f": (0.0,)}, ["f[0]", "1e-06"]),
        ("era", {"c": (1.0, 2.0)}, ["c, d, e, f", "2, 1, 1, 1"]),
        ("era", {"a": 0.0, "c": (0.0,)}, ["constant 0"]),
        ("era", {"target": "swish"}, ["target must be an activation", "'swish'"]),
        ("era", {"terms": 3}, ["terms", "from 1 to 2", "3"]),
        ("era", {"fit": "best"}, ["optimum, authors", "'best'"]),
        ("era", {"terms": 1, "b": 2.0}, ["got b and terms"]),
        ("rational", {"numerator": (2.0,), "denominator": (0.0,)}, ["degree 0", "constant"]),
        ("rational", {"version": "E"}, ["A, B, C, D, N", "'E'"]),
        ("rational", {"numerator": (1.0,) * 18}, ["at most 17", "got 18"]),
        ("rational", {"denominator": (0.0, -0.25), "version": "N"}, ["x = -2, a pole", "A, B and C have none"]),
        ("rational", {"denominator": (-2.0, 1.0), "version": "N"}, ["x = 1, a pole"]),  # of order 2
        ("pau", {"published": "relu", "version": "N"}, ["version N", "leaky_relu, tanh", "'relu'"]),
        ("pau", {"published": "gelu", "version": "N"}, ["x = -3.0015019074254", "a pole"]),
        ("pau", {"version": "Z"}, ["A, B, C, D, N", "'Z'"]),
        ("fourier", {"sines": (0.0,)}, ["not 0", "constant"]),
        ("fourier", {"frequencies": 1e4}, ["frequencies", "1000"]),
        ("fourier", {"sines": (1.0,) * 3, "frequencies": 400.0}, ["frequency 3", "1200"]),
        ("fourier", {"frequencies": (1.0, 2.0)}, ["frequencies must be 1 numbers", "got 2"]),
        ("gp_activation", {"points": (0, 0, 1), "values": (0, 1, 2)}, ["points[1] = 0.0 is there twice"]),
        ("gp_activation", {"points": (1, 0), "values": (0, 1)}, ["points must increase"]),
        ("gp_activation", {"points": (1,), "values": (0,)}, ["all values are 0"]),
        ("gp_activation", {"length_scale": 0.0}, ["length_scale", "0.001"]),
        ("gp_activation", {"noise": -1.0}, ["noise", "-1.0"]),
        ("gp_activation", {"length_scale": 1e5}, ["too close for length_scale = 100000", "some noise"]),
    ],
)
def test_errors_say_what_is_allowed(name: str, parameters: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(EocError) as error:
        named(name, **parameters)
    assert all(word in str(error.value) for word in words), str(error.value)


@pytest.mark.parametrize(
    ("name", "parameter"),
    [
        ("silu", "beta"),
        ("softplus", "beta"),
        ("celu", "alpha"),
        ("squareplus", "b"),
        ("snake", "a"),
        ("softshrink", "threshold"),
        ("hardshrink", "threshold"),
    ],
)
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf"), None])
def test_positive_parameters(name: str, parameter: str, value: object) -> None:
    with pytest.raises(EocError, match=rf"{parameter} must be a number from 1e-06 to 1e\+06, got {value}"):
        named(name, **{parameter: value})


def test_names() -> None:
    assert list(names()) == sorted(names())
    assert all(named(a) is not named(b) for a, b in itertools.combinations(names(), 2))


@pytest.mark.parametrize("phi", EVERY, ids=lambda phi: phi.name)
def test_the_formula_that_is_shown_can_be_typed_and_is_the_function(phi: Activation) -> None:
    typed = activation(phi.formula)
    x = np.concatenate([np.linspace(-7.3, 7.1, 60), [-40.0, 40.0]])
    for order in ("phi", "dphi", "ddphi"):
        true, found = getattr(phi, order)(x), getattr(typed, order)(x)
        assert found == pytest.approx(true, rel=1e-13, abs=1e-13 * np.abs(true).max())
    assert (typed.smoothness, typed.growth, typed.parity) == (phi.smoothness, phi.growth, phi.parity)


@pytest.mark.parametrize("phi", EVERY, ids=lambda phi: phi.name)
def test_the_name_that_is_shown_can_be_typed(phi: Activation) -> None:
    assert activation(phi.name) is phi


def test_names_are_functions_in_formulas_with_their_parameters() -> None:
    x = np.linspace(-5.0, 5.0, 41)
    for text, name in [
        ("hard_swish(x)", "hardswish"),
        ("leaky_relu(x, 0.3)", "leaky_relu(slope=0.3)"),
        ("elu(x, alpha=0.7)", "elu(0.7)"),
        ("threshold(x, value=-1)", "threshold(1, -1)"),
        ("phish(x)", "phish"),
        ("star_relu(x, 2, 0.5)", "star_relu(scale=2, bias=0.5)"),
    ]:
        assert activation(text)(x) == pytest.approx(named_from(name)(x), rel=1e-14, abs=1e-14)
    assert activation("swish(2*x)/2")(x) == pytest.approx(activation("silu(beta=2)")(x), rel=1e-14, abs=1e-16)


def named_from(text: str) -> Activation:
    phi = activation(text)
    assert phi.name.partition("(")[0] in names()
    return phi
