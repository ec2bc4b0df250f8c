"""The laws of convergence: constants by their closed forms, next orders by the iterated map, measurements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from truth import MP, expectation

from eoc.activations import activation
from eoc.convergence import convergence_of
from eoc.criticality import EocPoint, edge_of_chaos
from eoc.errors import EocError
from eoc.maps import ConvergenceLaw, CorrelationMap, convergence_law
from eoc.rates import rate_law

PI = np.pi


def point(name: str, sigma_b: float) -> EocPoint:
    (found,) = edge_of_chaos(name, sigma_b=sigma_b).points
    return found


def at_point(name: str, sigma_b: float) -> CorrelationMap:
    p = point(name, sigma_b)
    return CorrelationMap(name, p.sigma_w, p.sigma_b, p.q)


def rest(law: ConvergenceLaw, f: CorrelationMap, depths: np.ndarray, c0: float = 0.1) -> np.ndarray:
    """C: what remains of lambda after l + R sqrt(l) + A log(l)."""
    one_minus_c = f.iterate(depths, c=c0).value
    return law.linear(one_minus_c) - depths - law.root * np.sqrt(depths) - law.log * np.log(depths)


def mean_square(g: Callable[[Any], Any], q: float) -> Any:
    return expectation(lambda x: g(x) ** 2, q)


# --- kinks: 1/l^2 ----------------------------------------------------------------------------------------------------

SELU_KINK = 1.0507009873554804934193349852946 * (1.6732632423543772848170429916717 - 1.0)
KINKS = [  # activation, sigma_b, kinks (position, size) from its definition
    ("relu", 0.0, [(0.0, 1.0)]),
    ("leaky_relu(slope=0.2)", 0.0, [(0.0, 0.8)]),
    ("abs", 0.0, [(0.0, 2.0)]),
    ("hardtanh", 0.2, [(-1.0, 1.0), (1.0, 1.0)]),
    ("hardsigmoid", 0.2, [(-3.0, 1.0 / 6.0), (3.0, 1.0 / 6.0)]),
    ("relu6", 0.2, [(0.0, 1.0), (6.0, 1.0)]),
    ("selu", 0.2, [(0.0, SELU_KINK)]),
    ("hardswish", 1.0, [(-3.0, 0.5), (3.0, 0.5)]),
]


@pytest.mark.parametrize(("name", "sigma_b", "kinks"), KINKS)
def test_kappa_is_what_the_kinks_say(name: str, sigma_b: float, kinks: list[tuple[float, float]]) -> None:
    p = point(name, sigma_b)
    weight = sum(size**2 * np.exp(-(x**2) / (2.0 * p.q)) for x, size in kinks)
    s = p.sigma_w**2 * 2**0.5 / (3.0 * PI) * weight
    law = convergence_law(at_point(name, sigma_b))
    assert (law.law, law.limit, law.root) == ("1/l^2", 1.0, 0.0)
    assert law.constant == pytest.approx(4.0 / s**2, rel=1e-11)
    assert law.constant == pytest.approx(p.law.constant, rel=1e-11)
    assert abs(law.constant - p.law.constant) <= law.error + p.law.error <= 1e-11 * law.constant


@pytest.mark.parametrize(
    ("name", "sigma_w", "kappa"),
    [
        ("relu", 2**0.5, 4.5 * PI**2),
        ("abs", 1.0, 4.5 * PI**2 / 4.0),
        ("leaky_relu(slope=0.2)", (2 / 1.04) ** 0.5, 4.5 * PI**2 * (1.04 / 0.64) ** 2),
        ("leaky_relu(slope=-0.5)", (2 / 1.25) ** 0.5, 4.5 * PI**2 * (1.25 / 2.25) ** 2),
        ("spline", 2**0.5, 4.5 * PI**2),
    ],
)
def test_homogeneous_functions(name: str, sigma_w: float, kappa: float) -> None:
    law = convergence_law(CorrelationMap(name, sigma_w))
    assert law.constant == pytest.approx(kappa, rel=1e-13)
    assert abs(law.constant - kappa) <= law.error
    assert law.log == pytest.approx(1.5, abs=1e-12)


@pytest.mark.parametrize("name", ["hardtanh", "hardsigmoid", "relu6"])
def test_piecewise_linear_functions_have_the_logarithm_of_relu(name: str) -> None:
    """Without phi'' there is no term in e^2."""
    assert convergence_law(at_point(name, 0.2)).log == pytest.approx(1.5, abs=1e-9)


# --- C^1: 1/l --------------------------------------------------------------------------------------------------------

SMOOTH = [("tanh", 0.05), ("tanh", 0.2), ("tanh", 1.0), ("silu", 1.0), ("gelu", 0.62), ("erf", 0.2), ("mish", 1.0)]
SMOOTH += [("arctan", 0.2), ("sin", 0.2), ("cos", 0.2), ("gaussian", 0.2), ("rational", 0.2), ("x_plus_half_tanh", 0.2)]
BENT = [("elu", 0.05), ("elu", 0.1), ("elu", 1.0), ("softsign", 0.2), ("celu(alpha=0.7)", 0.3)]


@pytest.mark.parametrize(("name", "sigma_b"), SMOOTH + BENT)
def test_beta_q_is_two_over_the_curvature(name: str, sigma_b: float) -> None:
    p, f = point(name, sigma_b), at_point(name, sigma_b)
    law, rate = convergence_law(f), rate_law(activation(name), p.q)
    assert (law.law, law.limit) == ("1/l", 1.0)
    assert law.constant == pytest.approx(2.0 / float(f.curvature(1.0).value), rel=1e-11)
    assert law.constant == pytest.approx(rate.constant, rel=1e-11)
    assert abs(law.constant - rate.constant) <= law.error + rate.error <= 1e-11 * law.constant
    assert p.law.constant == pytest.approx(rate.constant, rel=1e-15)


@pytest.mark.parametrize(
    ("name", "sigma_b", "beta", "digits"),
    [
        ("tanh", 0.05, 39.2820, 4),
        ("tanh", 0.1, 16.6393, 4),
        ("tanh", 0.2, 7.083738, 6),
        ("tanh", 1.0, 0.889737, 6),
        ("tanh", 5.0, 0.072725, 6),
        ("elu", 0.05, 29.4136, 4),
        ("elu", 0.1, 14.8149, 4),
        ("elu", 0.5, 2.78354, 5),
        ("elu", 1.0, 1.17818, 5),
        ("silu", 0.1, 11.4674, 4),
        ("silu", 0.2, 6.3591, 4),
        ("silu", 0.5, 2.6884, 4),
        ("silu", 1.0, 0.9239, 4),
        ("gelu", 0.1, 7.6327, 4),
        ("shifted_softplus", 0.1, 21.852, 3),
    ],
)
def test_published_beta_q(name: str, sigma_b: float, beta: float, digits: int) -> None:
    assert round(convergence_law(at_point(name, sigma_b)).constant, digits) == beta


TANH = [  # derivatives of tanh, by t = tanh(x)
    lambda x: 1 - MP.tanh(x) ** 2,
    lambda x: -2 * MP.tanh(x) * (1 - MP.tanh(x) ** 2),
    lambda x: (1 - MP.tanh(x) ** 2) * (6 * MP.tanh(x) ** 2 - 2),
]
SIN = [MP.cos, lambda x: -MP.sin(x), lambda x: -MP.cos(x)]


@pytest.mark.parametrize("sigma_b", [0.05, 0.2, 1.0])
@pytest.mark.parametrize(("name", "derivatives"), [("tanh", TANH), ("sin", SIN)])
def test_logarithm_of_smooth_functions(name: str, derivatives: list[Any], sigma_b: float) -> None:
    """f'' and f''' at 1 are sigma_w^2 q E[phi''^2] and sigma_w^2 q^2 E[phi'''^2], and A = 1 - 2 f''' / (3 f''^2).

    On the edge of chaos sigma_w^2 = 1 / E[phi'^2].
    """
    q = point(name, sigma_b).q
    one, two, three = (mean_square(g, q) for g in derivatives)
    law = convergence_law(at_point(name, sigma_b))
    assert law.root == 0.0
    assert law.constant == pytest.approx(float(2 * one / (q * two)), rel=1e-12)
    assert law.log == pytest.approx(float(1 - 2 * (three / one) / (3 * (two / one) ** 2)), rel=1e-8)


@pytest.mark.parametrize(
    ("name", "sigma_b", "jump"),
    [
        ("elu", 0.05, 1.0),
        ("elu", 0.2, 1.0),
        ("elu", 1.0, 1.0),
        ("softsign", 0.2, 4.0),
        ("celu(alpha=0.7)", 0.3, 1 / 0.7),
    ],
)
def test_root_comes_from_the_jump_of_the_second_derivative(name: str, sigma_b: float, jump: float) -> None:
    """R = -2 b a^(-3/2), b = sigma_w^2 q 2 sqrt(2) J^2 / (15 pi) for a jump J of phi'' at 0, a = 1 / beta_q."""
    p = point(name, sigma_b)
    b = p.sigma_w**2 * p.q * 2.0 * 2**0.5 / (15.0 * PI) * jump**2
    assert convergence_law(at_point(name, sigma_b)).root == pytest.approx(-2.0 * b * p.law.constant**1.5, rel=1e-9)


# --- next orders -----------------------------------------------------------------------------------------------------

CASES = [(name, sigma_b) for name, sigma_b, _ in KINKS] + SMOOTH + BENT


def drift(law: ConvergenceLaw, f: CorrelationMap) -> tuple[float, float]:
    """By how much C changes over two decades of depth, and what the orders left out of the law may add to it."""
    bent = law.root != 0.0
    depths = np.array([1e8, 1e10]) if bent else np.array([1e6, 1e8])
    found = f.iterate(depths, c=0.1)
    linear = law.linear(found.value)
    rounding = float((linear * (found.error / found.value + law.error / law.constant)).max())
    # the next order of d lambda / dl, R^2 / lambda or A^2 / lambda^2, times some log(l)
    size = 1.0 + law.root**2 if bent else 30.0 + law.log**2
    order = size * np.log(depths[0]) / depths[0] ** (0.5 if bent else 1.0)
    return abs(float(np.ptp(rest(law, f, depths)))), float(order) + rounding


@pytest.mark.parametrize(("name", "sigma_b"), CASES)
def test_c_settles_and_with_another_r_or_a_it_does_not(name: str, sigma_b: float) -> None:
    f = at_point(name, sigma_b)
    law = convergence_law(f)
    change, allowed = drift(law, f)
    assert change <= allowed < 0.4  # log(100) / 10 = 0.46
    for root, log in ((0.0, 0.1), (0.0, -0.1), (0.01, 0.0)):
        other = ConvergenceLaw(law.law, law.constant, law.error, 1.0, law.root + root, law.log + log)
        change, _ = drift(other, f) if law.root != 0.0 or root == 0.0 else (np.inf, 0.0)
        assert change > allowed


def test_second_order_of_relu() -> None:
    """(2/s) e^(-1/2) = l + 3/2 log l + C; the plain ratio is 0.971 at l = 1000."""
    f = CorrelationMap("relu", 2**0.5)
    depths = np.array([1e3, 1e4, 1e5, 1e6])
    e = f.iterate(depths, c=0.0).value
    constants = 3.0 * PI / 2**0.5 * e**-0.5 - depths - 1.5 * np.log(depths)
    assert np.abs(np.diff(constants)) == pytest.approx(0.0, abs=0.02)
    assert np.abs(np.diff(constants)[1:]).max() <= 3e-3
    assert np.diff(constants)[-1] == pytest.approx(0.0, abs=3e-4)
    assert round(float(e[0] * depths[0] ** 2 / (4.5 * PI**2)), 3) == 0.971
    refined = convergence_law(f).refined(depths, 1e6, e[-1])
    assert refined == pytest.approx(e, rel=1e-4)
    assert refined[-1] == pytest.approx(e[-1], rel=1e-14)


@pytest.mark.parametrize(
    ("name", "sigma_b", "ratio", "digits"),
    [("tanh", 0.2, 1.00075, 5), ("tanh", 1.0, 1.00069, 5), ("silu", 0.2, 0.99915, 5), ("elu", 0.2, 1.0271, 4)],
)
def test_published_ratios_at_20000_layers(name: str, sigma_b: float, ratio: float, digits: int) -> None:
    """l (1 - c_l) / beta_q, for inputs of correlation 1/2."""
    f = at_point(name, sigma_b)
    assert round(2e4 * float(f.iterate(2e4, c=0.5).value) / convergence_law(f).constant, digits) == ratio


@pytest.mark.parametrize(("name", "sigma_b"), [("relu", 0.0), ("selu", 0.2), ("tanh", 0.2), ("elu", 0.2)])
def test_refined_law_is_far_better_than_the_leading_one(name: str, sigma_b: float) -> None:
    f = at_point(name, sigma_b)
    law = convergence_law(f)
    e = f.iterate([1e4, 1e6], c=0.1).value
    refined = law.refined(np.array([1e4]), 1e6, e[1])[0]
    leading = law.leading(np.array([1e4]))[0]
    assert abs(refined / e[0] - 1.0) <= 0.05 * abs(leading / e[0] - 1.0)


def test_laws_at_small_sigma_b() -> None:
    """theory A.4: beta_q of tanh ~ 1/(2 q^2), of ELU ~ sqrt(2)/sigma_b, of swish ~ 1/sigma_b; the map at that point."""
    for sigma_b, rel in ((1e-3, 0.1), (1e-5, 0.01)):
        tanh, elu, swish = (convergence_law(at_point(name, sigma_b)).constant for name in ("tanh", "elu", "silu"))
        q = (0.75 * sigma_b**2) ** (1 / 3)
        assert tanh == pytest.approx(0.5 / q**2, rel=rel)
        assert elu == pytest.approx(2**0.5 / sigma_b, rel=rel)
        assert swish == pytest.approx(1.0 / sigma_b, rel=rel)


# --- measured --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "sigma_b"), CASES)
def test_measurements_on_the_edge_of_chaos(name: str, sigma_b: float) -> None:
    found = convergence_of(at_point(name, sigma_b))
    p = {"1/l": 1.0, "1/l^2": 2.0}[found.law.law]
    assert found.exponent is not None
    assert found.constant is not None
    assert abs(found.exponent.value - p) <= found.exponent.error <= 0.01
    assert abs(found.constant.value - found.law.constant) <= found.constant.error + found.law.error
    assert found.constant.error <= 0.01 * found.law.constant
    assert found.depths.tolist() == [1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6]
    assert (found.error <= 1e-10 * found.one_minus_c).all()
    assert (np.diff(found.one_minus_c) < 0.0).all()


def test_measurements_get_better_with_depth() -> None:
    f = CorrelationMap("relu", 2**0.5)
    errors = [convergence_of(f, depth) for depth in (1e3, 1e5)]
    first, last = (abs(e.constant.value - 4.5 * PI**2) for e in errors if e.constant is not None)
    assert last < 0.01 * first


OFF = [  # ordered, chaotic, discontinuous
    ("tanh", 1.3, 0.3),
    ("tanh", 2.5, 0.3),
    ("tanh", 4.0, 0.3),
    ("tanh", 1.0, 1.0),
    ("elu", 1.0, 0.1),
    ("elu", 1.3, 0.1),
    ("gelu", 1.3, 0.3),
    ("selu", 0.9, 0.1),
    ("relu", 1.2, 0.3),
    ("hardtanh", 1.5, 0.3),
    ("sin", 1.3, 0.3),
    ("sign", 1.0, 0.3),
    ("heaviside", 1.0, 0.3),
]


@pytest.mark.parametrize(("name", "sigma_w", "sigma_b"), OFF)
def test_measured_scale_off_the_edge_of_chaos(name: str, sigma_w: float, sigma_b: float) -> None:
    f = CorrelationMap(name, sigma_w, sigma_b)
    found = convergence_of(f, 1e3)
    assert (found.law.law, found.exponent) == ("exponential", None)
    assert found.law.limit == f.stable_point.c
    slope = float(f.slope(one_minus_c=f.stable_point.one_minus_c).value)
    assert found.law.constant == pytest.approx(-1.0 / np.log(slope), rel=1e-12)
    assert found.constant is not None
    assert abs(found.constant.value - found.law.constant) <= found.constant.error + found.law.error
    assert found.constant.error <= 1e-3 * found.law.constant


@pytest.mark.parametrize("c0", [-0.9, 0.0, 0.5])
def test_linear_networks_keep_correlations(c0: float) -> None:
    found = convergence_of(CorrelationMap("identity", 1.0), 1e6, c0)
    assert (found.law.law, found.law.constant, found.exponent, found.constant) == ("constant", np.inf, None, None)
    assert np.isnan(found.law.limit)
    assert found.one_minus_c == pytest.approx(1.0 - c0, abs=1e-9)


@pytest.mark.parametrize("depth", [0.0, 9.0, 100.5, float("inf"), float("nan"), -100.0, 1e301])
def test_bad_depths_are_refused(depth: float) -> None:
    with pytest.raises(EocError, match=r"^depth must be a whole number of layers"):
        convergence_of(CorrelationMap("relu", 2**0.5), depth)


@pytest.mark.parametrize("c0", [1.0, 1.5, -1.1, float("nan")])
def test_bad_correlations_are_refused(c0: float) -> None:
    with pytest.raises(EocError, match=r"^c0 must lie in"):
        convergence_of(CorrelationMap("relu", 2**0.5), 100.0, c0)


def test_inputs_that_do_not_converge_are_refused() -> None:
    with pytest.raises(EocError, match="c0 = -1 stay opposite for ever"):
        convergence_of(CorrelationMap("tanh", 3.0), c0=-1.0)
    for name in ("abs", "cos"):
        with pytest.raises(EocError, match="c0 = -1 become the same in one layer"):
            convergence_of(CorrelationMap(name, 1.0), c0=-1.0)
    for bad in ("12", None, [100.0]):
        with pytest.raises(EocError, match="depth must be"):
            convergence_of(CorrelationMap("relu", 2**0.5), bad)  # type: ignore[arg-type]
    with pytest.raises(EocError, match="depth must be a number of layers > 0, got -1"):
        convergence_law(CorrelationMap("relu", 2**0.5), -1.0)


EDGES = [
    ("tanh", 0.05),
    ("elu", 0.3),
    ("gelu", 1.0),
    ("selu", 0.05),
    ("hardtanh", 0.2),
    ("softsign", 0.2),
    ("silu", 2.0),
]


@pytest.mark.parametrize(("name", "sigma_b"), EDGES)
@pytest.mark.parametrize("depth", [1e2, 1e3, 1e4, 1e6])
@pytest.mark.parametrize("c0", [-0.5, 0.1, 0.9, 0.999, 1.0 - 1e-6])
def test_measurements_say_how_good_they_are(name: str, sigma_b: float, depth: float, c0: float) -> None:
    """Also where the inputs start so close that they hardly move; errors are estimates: true within a factor 3."""
    found = convergence_of(at_point(name, sigma_b), depth, c0)
    exponent = 2.0 if found.law.law == "1/l^2" else 1.0
    for measured, true in ((found.exponent, exponent), (found.constant, found.law.constant)):
        if measured is not None:
            assert abs(measured.value - true) <= 3.0 * measured.error
        if depth >= 1e4 and c0 < 0.99:
            assert measured is not None
            assert measured.error <= 0.1 * true
        if depth >= 1e6 and c0 < 0.99:
            assert measured is not None
            assert measured.error <= 1e-5 * true


def test_nothing_is_measured_in_the_middle_of_a_crossover() -> None:
    """From 1/l to 1/l^2: the local exponents 1.128, 1.175, 1.237, ... do not tell where they end."""
    found = convergence_of(at_point("tanh(x)+0.01*abs(x)", 1.0), 1e6)
    assert found.law.law == "1/l^2"
    assert found.law.crossover > 1e7
    assert found.exponent is None


def test_what_ten_layers_do_not_tell_is_none() -> None:
    found = convergence_of(CorrelationMap("relu", 2**0.5), 10)
    for measured in (found.exponent, found.constant):
        assert measured is None or measured.error < abs(measured.value)
    assert found.constant is None


def test_kinks_that_lie_far_out_take_over_only_at_great_depth() -> None:
    """max(x - 2, 0) adds kinks of weight exp(-2/q) to tanh: 1/l before a/s^2, 1/l^2 beyond it."""
    point = edge_of_chaos("max(x-2,0)+tanh(x)", sigma_b=0.05).best
    f = CorrelationMap("max(x-2,0)+tanh(x)", point.sigma_w, point.sigma_b, point.q)
    late, early = convergence_law(f), convergence_law(f, 1e3)
    assert (late.law, early.law) == ("1/l^2", "1/l")
    assert late.crossover == early.crossover > 1e7
    assert (late.across, early.across) == (early.constant, late.constant)
    assert late.constant == pytest.approx(point.law.constant, rel=1e-11)
    before, beyond = convergence_of(f, 1e4), convergence_of(f, 1e6 * np.round(late.crossover))
    assert before.exponent is not None
    assert before.exponent.value == pytest.approx(1.0, abs=1e-2)
    assert beyond.exponent is not None
    assert beyond.exponent.value == pytest.approx(2.0, abs=1e-2)
    assert beyond.constant is not None
    assert abs(beyond.constant.value - late.constant) <= beyond.constant.error + late.error
