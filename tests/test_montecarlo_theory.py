"""The theory of fluctuations: published numbers, closed forms, limits, and simulations that know nothing of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

import eoc
from eoc.activations import activation
from eoc.errors import EocError, NotPermissibleError
from eoc.gaussian.moments import moments
from eoc.montecarlo.settings import Weights
from eoc.montecarlo.theory.expectations import derivatives
from eoc.montecarlo.theory.lengths import LengthTheory, length_theory, second_layer_covariance
from eoc.montecarlo.theory.noise import correlation_noise

ROOT2 = 2.0**0.5
BOTH: tuple[Weights, ...] = ("gaussian", "orthogonal")
FAN_IN = 60  # of orthogonal networks
SIGMAS = 5.0  # of sampling error that a simulation may be off: never, in as many comparisons as these


def critical(sigma_b: float = 0.2) -> eoc.EocPoint:
    """A tanh network on the edge of chaos."""
    best = eoc.edge_of_chaos("tanh", sigma_b=sigma_b).best
    assert best is not None
    return best


# --- variances: closed forms and published numbers -------------------------------------------------------------------


def test_relu_is_exact_at_any_width() -> None:
    widths = np.array([7.0, 3.0, 11.0, 5.0])
    found = length_theory("relu", ROOT2, q=2.5, widths=widths)
    relative = np.append(0.0, np.cumprod(1.0 + 5.0 / widths)[:-1] - 1.0)
    assert found.exact
    assert found.kernel_variance.value == pytest.approx(2.5**2 * relative, rel=1e-13)
    assert found.variance.value == pytest.approx(2.5**2 * (relative + 2.0 * (1.0 + relative) / widths), rel=1e-13)
    assert found.kurtosis == pytest.approx(3.0 * relative, rel=1e-13)
    assert not found.shift.value.any()
    assert not found.variance_truncation.any()


def test_published_rates_of_roberts_yaida_hanin() -> None:
    n, depth = 10**9, 40
    for name, sigma_w, rate in (("relu", ROOT2, 5.0), ("identity", 1.0, 2.0)):
        found = length_theory(name, sigma_w, q=1.0, widths=[n] * depth)
        assert n * found.kernel_variance.value == pytest.approx(rate * np.arange(depth), rel=1e-6)
    deep = length_theory("tanh", 1.0, q=1.0, widths=[n] * 3000)
    assert n * deep.kernel_variance.value[-1] / deep.q.value[-1] ** 2 / 3000 == pytest.approx(2.0 / 3.0, rel=0.01)


def test_published_spreads_of_long_and_sedghi() -> None:
    assert 0.85 < length_theory("tanh", 1.5**0.5, 0.1**0.5, q=1.0, widths=[10**6] * 5).rms[4] < 0.94
    relu = length_theory("relu", ROOT2, q=2.0, widths=[10**9] * 5)
    assert relu.rms[4] == pytest.approx(2.0 * 22.0**0.5, rel=1e-6)  # 9.38


def test_units_of_the_second_layer_are_not_independent() -> None:
    n, w, b = 10, 1.3, 0.4
    q = w**2 + b**2
    heaviside, relu = second_layer_covariance("heaviside", w, b, q, n), second_layer_covariance("relu", w, b, q, n)
    assert heaviside.value == pytest.approx(w**4 / (4 * n), rel=1e-13)
    assert relu.value == pytest.approx(5 * w**4 * q**2 / (4 * n), rel=1e-13)
    assert heaviside.value.shape == heaviside.error.shape == ()
    assert second_layer_covariance("sign", w, b, q, n).value == 0.0


def test_orthogonal_linear_networks_keep_lengths_where_they_are_square() -> None:
    square = length_theory("identity", 1.0, q=2.0, widths=[50] * 4, weights="orthogonal")
    assert abs(square.variance.value).max() < 1e-15
    narrow = length_theory("identity", 1.0, q=2.0, widths=[20, 20], weights="orthogonal", fan_in=50)
    exact = 8.0 * (50 - 20) / (20 * (50 + 2))  # of 20 coordinates of a point on a sphere in 50 dimensions
    assert narrow.variance.value == pytest.approx([exact, 8.0 * (1 / 20 - 1 / 50)], rel=1e-12)
    assert abs(narrow.variance.value[1] - exact) < narrow.variance_truncation[1] < 0.1 * exact
    assert narrow.kernel_variance.value == pytest.approx([0.0, 8.0 * (1 / 20 - 1 / 50)], abs=1e-15)


def test_one_layer_and_no_weights_need_nothing_of_phi() -> None:
    one = length_theory("exp(x**4)", 1.0, q=3.0, widths=[4])
    assert (one.kernel_variance.value[0], one.variance.value[0], one.rms[0]) == (0.0, 4.5, 18.0**0.5)
    biases = length_theory("tanh", 0.0, 0.5, q=3.0, widths=[4, 4], weights="orthogonal")
    assert biases.kernel_variance.value[1] == 0.0
    assert biases.variance.value[1] == pytest.approx(2.0 * 0.25**2 / 4.0)


def test_errors_bound_what_rounding_does() -> None:
    """The recursion, once more, from moments at q~ of another path: F' by D + P and F'' by plain differences of F'."""
    w, n = 1.3, 100.0
    found = length_theory("gelu", w, 0.3, q=1.0, widths=[n] * 6)
    f, v, mu = eoc.VarianceMap("gelu", w, 0.3), 0.0, 0.0
    for i, q in enumerate(found.q.value[:-1]):
        m = moments("gelu", q, ("D", "P"))
        slope, h = w**2 * float(m["D"].value + m["P"].value), 1e-4 * q
        bend = float(np.diff(f.slope(np.array([q - h, q + h])).value)[0]) / (2.0 * h)
        mu = slope * mu + 0.5 * bend * v
        v = slope**2 * v + noise(w, q) / n
        assert abs(found.kernel_variance.value[i + 1] - v) <= 1e-12 * v
        assert found.kernel_variance.error[i + 1] <= 1e-12 * v
        assert abs(found.shift.value[i + 1] - mu) <= found.shift.error[i + 1] + 1e-6 * abs(mu)


def noise(sigma_w: float, q: float) -> float:
    """sigma_w^4 Var(phi^2) for GELU by Gauss-Hermite quadrature: GELU is analytic."""
    z, weights = np.polynomial.hermite_e.hermegauss(150)
    squares, weights = activation("gelu").phi(q**0.5 * z) ** 2, weights / weights.sum()
    return float(sigma_w**4 * (weights @ (squares - weights @ squares) ** 2))


def test_derivatives_of_known_functions() -> None:
    q = np.array([0.3, 2.0])
    first, second = derivatives(lambda x: 1.0 / (1.0 + x), q)
    assert first == pytest.approx(-1.0 / (1.0 + q) ** 2, rel=1e-8)
    assert second == pytest.approx(2.0 / (1.0 + q) ** 3, rel=1e-6)


# --- variances: simulations ------------------------------------------------------------------------------------------


def sampled(
    name: str, sigma: tuple[float, float], q: float, widths: Sequence[int], haar: bool, networks: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """K_l, q_l and the mean fourth power of the units, (L, networks) each."""
    rng, phi = np.random.default_rng(20240), activation(name).phi
    kernel, before, out = np.full(networks, q), FAN_IN, []
    for n in widths:
        m = max(n, before) if haar else n
        z = rng.standard_normal((networks, m))
        if haar:
            z *= np.sqrt(m / (z**2).sum(axis=1))[:, None]
        free = np.sqrt(np.maximum(kernel - haar * sigma[1] ** 2, 0.0))
        h = free[:, None] * z[:, :n] + haar * sigma[1] * rng.standard_normal((networks, n))
        out.append((kernel, (h**2).mean(axis=1), (h**4).mean(axis=1)))
        kernel, before = sigma[1] ** 2 + sigma[0] ** 2 * (phi(h) ** 2).mean(axis=1), n
    kernels, lengths, fourth = (np.array(part) for part in zip(*out, strict=True))
    return kernels, lengths, fourth


def check_variance(samples: np.ndarray, value: np.ndarray, truncation: np.ndarray) -> None:
    squares = (samples - samples.mean(axis=1, keepdims=True)) ** 2
    off, sampling = squares.mean(axis=1) - value, squares.std(axis=1) / samples.shape[1] ** 0.5
    assert (np.abs(off) <= truncation + SIGMAS * sampling + 1e-15).all(), off / (truncation + sampling + 1e-300)


CASES = [
    ("tanh", (1.5**0.5, 0.1**0.5), 1.0),
    ("tanh", (2.5, 0.3), 4.0),
    ("relu", (ROOT2, 0.2), 1.0),
    ("heaviside", (2.0, 0.3), 1.3),
    ("sigmoid", (2.0, 1.0), 1.0),
    ("silu", (1.5, 0.3), 1.0),
    ("sin(x) + x**2/4", (1.0, 0.3), 1.0),
]


@pytest.mark.parametrize("weights", BOTH)
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{case[1][0]:.3g}")
def test_simulated_variances(case: tuple[str, tuple[float, float], float], weights: Weights) -> None:
    (name, sigma, q), widths, haar = case, [40, 20, 60, 60], weights == "orthogonal"
    theory = length_theory(name, *sigma, q=q, widths=widths, weights=weights, fan_in=FAN_IN)
    kernel, length, fourth = sampled(name, sigma, q, widths, haar, 16_000)
    check_variance(kernel, theory.kernel_variance.value, theory.kernel_truncation)
    check_variance(length, theory.variance.value, theory.variance_truncation)
    off = kernel.mean(axis=1) - theory.q.value - theory.shift.value
    sampling = kernel.std(axis=1) / kernel.shape[1] ** 0.5
    assert (np.abs(off) <= theory.shift_truncation + SIGMAS * sampling + 1e-15).all()
    check_kurtosis(fourth, theory)


def check_kurtosis(fourth: np.ndarray, theory: LengthTheory) -> None:
    mean = theory.q.value + theory.shift.value
    off = fourth.mean(axis=1) / mean**2 - 3.0 - theory.kurtosis
    sampling = fourth.std(axis=1) / fourth.shape[1] ** 0.5 / mean**2
    lost = 3.0 * theory.kernel_truncation / mean**2 + 6.0 * np.abs(theory.shift_truncation) / mean
    second = 12.0 * (theory.kurtosis**2 + (theory.shift.value / mean) ** 2) + 20.0 / theory.widths**2
    assert (np.abs(off) <= lost + second + SIGMAS * sampling).all()


# --- correlations ----------------------------------------------------------------------------------------------------


def test_noise_has_its_closed_forms() -> None:
    for q in (0.01, 1.0, 30.0):
        assert correlation_noise("relu", ROOT2, q).s.value == pytest.approx(8.0, rel=1e-12)
    assert correlation_noise("relu", ROOT2, 1.0, weights="orthogonal").s.value == pytest.approx(4.0, rel=1e-12)
    assert correlation_noise("identity", 1.0, 1.0).s.value == pytest.approx(4.0, rel=1e-12)
    linear = correlation_noise("identity", 1.0, 1.0, weights="orthogonal")
    assert linear.s.value <= linear.s.error
    a = 0.3  # leaky ReLU: 3 and the fourth moments of its slopes, over the square of the second ones
    ratio = (1.0 + a**4) / 2.0 / ((1.0 + a**2) / 2.0) ** 2
    leaky = correlation_noise(f"leaky_relu(slope={a})", (2.0 / (1.0 + a**2)) ** 0.5, 1.0)
    assert leaky.s.value == pytest.approx((3.0 * ratio - 1.0) + (3.0 * ratio - 1.0) - 2.0 * (ratio - 1.0), rel=1e-12)


def test_laws_of_the_spread() -> None:
    relu = correlation_noise("relu", ROOT2, 1.0)
    assert relu.damped
    assert relu.departure_depth(1000) == pytest.approx(375.0)
    assert relu.spread(1000, [1, 375]) == pytest.approx([(8.0 / 3000.0) ** 0.5, 1.0])
    point = critical()
    tanh = correlation_noise("tanh", point.sigma_w, point.q)
    assert tanh.damped
    assert tanh.s.error <= 1e-6 * tanh.s.value
    assert not correlation_noise("tanh", 1.1, eoc.VarianceMap("tanh", 1.1, 0.2).kept).damped
    assert not correlation_noise("identity", 1.0, 1.0).damped
    assert correlation_noise("abs", 1.0, 1.0).damped


# --- refusals --------------------------------------------------------------------------------------------------------


def test_infinite_fourth_moments_name_the_layer() -> None:
    with pytest.raises(NotPermissibleError, match=r"variance of q_2 is infinite.*of layer 1, where q = 0.6.*= 0.5$"):
        length_theory("exp(0.25*x**2)", 0.1, 0.1, q=0.6, widths=[10, 10])
    with pytest.raises(NotPermissibleError, match=r"variance of q_3 is infinite.*of layer 2"):
        length_theory("exp(0.25*x**2)", 0.8, 0.1, q=0.3, widths=[10, 10, 10])
    with pytest.raises(NotPermissibleError, match="unbounded near x = 0"):
        length_theory("1/x", 1.0, q=1.0, widths=[10, 10])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"widths": []}, r"one for each layer, got shape \(0,\)"),
        ({"widths": 10}, "a list of widths, one for each layer"),
        ({"widths": [10, 0]}, "width must be a whole number >= 1, got 0$"),
        ({"widths": [10, 2.5]}, "got 2.5"),
        ({"widths": [10, np.nan]}, "got nan"),
        ({"fan_in": 0}, "fan_in must be a whole number >= 1, got 0"),
        ({"q": 0.0}, "q must be a variance from 1e-120 to 1e.120, got 0.0"),
        ({"q": -1.0}, "q must be a variance"),
        ({"q": 0.5, "weights": "orthogonal"}, r"q must be at least sigma_b\^2 = 1, .* got 0.5"),
        ({"weights": "student_t(3)"}, r"kurtosis of weights, and that of student_t\(3\) is not known, or infinite"),
        ({"sigma_w": -1.0}, "sigma_w must be a standard deviation"),
    ],
)
def test_networks_that_make_no_sense_are_refused(change: dict[str, object], message: str) -> None:
    given = {"activation": "tanh", "sigma_w": 1.0, "sigma_b": 1.0, "q": 2.0, "widths": [10, 10]} | change
    with pytest.raises(EocError, match=message):
        length_theory(**given)  # type: ignore[arg-type]


def test_variances_that_leave_double_precision_name_the_layer() -> None:
    with pytest.raises(EocError, match=r"the variance of layer 21 is 5e\+12\d, outside .*: ask for fewer layers"):
        length_theory("relu", 2e6**0.5, q=5.0, widths=[10] * 30)
    with pytest.raises(EocError, match="the variance of layer 2 is 0, outside"):
        length_theory("tanh", 0.0, q=1.0, widths=[10] * 3)


@pytest.mark.parametrize(
    ("name", "sigma_w", "q", "message"),
    [
        ("tanh", 2.5, 4.07912388, "chaotic there, chi_1 = 1.585"),
        ("tanh", 3.0, 0.1, "no fixed point of tanh at sigma_w = 3.*take q from"),
        ("heaviside", 1.0, 1.0, "heaviside jumps"),
        ("silu", 1.67953160069, 0.6894525, "no stable fixed point of silu, F'.q. = 1.0987"),
        ("tanh", 1.0, 0.0, "q must be > 0"),
        ("tanh", -1.0, 1.0, "sigma_w must be"),
    ],
)
def test_points_without_a_theory_are_refused(name: str, sigma_w: float, q: float, message: str) -> None:
    with pytest.raises(EocError, match=message):
        correlation_noise(name, sigma_w, q)


def test_widths_and_depths_of_correlations_are_checked() -> None:
    relu = correlation_noise("relu", ROOT2, 1.0)
    with pytest.raises(EocError, match=r"width must be a whole number >= 1, got 0.5"):
        relu.departure_depth(0.5)
    with pytest.raises(EocError, match=r"layers must be a whole number of layers >= 1, got 0.0"):
        relu.spread(10, 0)
