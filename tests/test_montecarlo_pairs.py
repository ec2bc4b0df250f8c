"""Fluctuations of a pair of inputs: closed forms, limits, and simulations that know nothing of the theory."""

from __future__ import annotations

import numpy as np
import pytest

import eoc
from eoc.errors import AccuracyError, EocError, NotPermissibleError
from eoc.montecarlo import PairNoise, correlation_noise, pair_noise
from eoc.montecarlo.settings import Weights
from eoc.montecarlo.theory import pairs

ROOT2 = 2.0**0.5
TANH = (1.3041458400565114, 0.2)  # on the edge of chaos
Q_TANH = 0.5120785042339013
BOTH: tuple[Weights, ...] = ("gaussian", "orthogonal")
SIGMAS = 5.0  # of sampling error that a simulation may be off: never, in as many comparisons as these


# --- closed forms and limits -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("e", [1e-6, 0.5, 1.7])
def test_linear_networks_have_closed_forms(e: float) -> None:
    # every layer samples the correlation of N Gaussian pairs: (2 - e)^2 / N and -(2 - e) / 2N, and passes e on
    found, layers = pair_noise("identity", 1.0, q=1.0, one_minus_c=e, width=500, depth=30), np.arange(30.0)
    assert 500 * found.variance == pytest.approx(layers * (2.0 - e) ** 2, rel=1e-4)
    assert 500 * found.shift == pytest.approx(-0.5 * layers * (2.0 - e), rel=1e-4)
    assert 500 * found.own_variance == pytest.approx((2.0 - e) ** 2, rel=1e-12)
    assert 500 * found.own_shift == pytest.approx(0.5 * e - 1.0, rel=1e-12)
    rotated = pair_noise("identity", 1.0, q=1.0, one_minus_c=e, width=500, depth=30, weights="orthogonal")
    assert rotated.variance + rotated.own_variance == pytest.approx(0.0, abs=1e-10)
    assert rotated.mean_log_ratio == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("weights", BOTH)
@pytest.mark.parametrize("name", ["relu", "tanh", "ordered tanh"])
def test_close_inputs_have_the_noise_s(name: str, weights: Weights) -> None:
    sigma, q = {"relu": ((ROOT2, 0.0), 1.0), "tanh": (TANH, Q_TANH)}.get(
        name, ((1.1, 0.2), eoc.VarianceMap("tanh", 1.1, 0.2).kept)
    )
    phi = name.removeprefix("ordered ")
    s = float(correlation_noise(phi, sigma[0], q, weights=weights).s.value)
    for e in (1e-9, 1e-40):  # by s/N a layer, once variances have settled
        found = pair_noise(phi, *sigma, q=q, one_minus_c=e, width=10**6, depth=80, weights=weights)
        assert 10**6 * np.diff(found.variance)[-1] == pytest.approx(s, rel=2e-3 if name == "relu" else 1e-6)


@pytest.mark.parametrize(("name", "sigma", "q"), [("relu", (ROOT2, 0.0), 1.0), ("tanh", TANH, Q_TANH)])
def test_late_layers_forget_where_they_started(name: str, sigma: tuple[float, float], q: float) -> None:
    late = correlation_noise(name, sigma[0], q).spread(10**6, 1000)
    found = pair_noise(name, *sigma, q=q, one_minus_c=0.9, width=10**6, depth=1000)
    assert found.variance[-1] == pytest.approx(late**2, rel=0.02)


def test_scales_of_homogeneous_networks_do_not_matter() -> None:
    one = pair_noise("leaky_relu", 1.2, q=1.0, one_minus_c=0.4, width=100, depth=8)
    other = pair_noise("leaky_relu", 0.7, q=[1e3, 1e-3], one_minus_c=0.4, width=100, depth=8)
    assert other.spread == pytest.approx(one.spread, rel=1e-9)
    assert other.mean_log_ratio == pytest.approx(one.mean_log_ratio, rel=1e-9)


def test_the_inputs_may_be_exchanged() -> None:
    one, other = (pair_noise("elu", 1.2, 0.3, q=q, one_minus_c=0.2, width=9, depth=6) for q in ([1.0, 2.0], [2.0, 1.0]))
    assert other.spread == pytest.approx(one.spread, rel=1e-9)
    assert other.mean_log_ratio == pytest.approx(one.mean_log_ratio, rel=1e-9)


def test_opposite_inputs_of_odd_networks_stay_opposite() -> None:
    found = pair_noise("tanh", 1.3, q=1.0, one_minus_c=2.0, width=10, depth=6)
    assert found.spread == pytest.approx(0.0, abs=1e-6)
    separated = pair_noise("tanh", *TANH, q=1.0, one_minus_c=2.0, width=10, depth=6)
    assert (separated.variance[1:] > 0.0).all()
    rectified = pair_noise("relu", ROOT2, q=1.0, one_minus_c=2.0, width=10, depth=3)  # phi(h) phi(-h) = 0
    assert rectified.variance[1] == pytest.approx(0.0, abs=1e-12)
    assert rectified.variance[2] > 0.0


def test_interpolation_costs_less_than_what_quadrature_may_miss(monkeypatch: pytest.MonkeyPatch) -> None:
    def found() -> PairNoise:
        return pair_noise("relu", ROOT2, q=1.0, one_minus_c=0.9, width=100, depth=60)

    quick = found()
    monkeypatch.setattr(pairs, "_SPACING", 1e-12)
    assert quick.variance == pytest.approx(found().variance, rel=1e-5)
    assert quick.shift == pytest.approx(found().shift, rel=1e-5)


# --- simulations -----------------------------------------------------------------------------------------------------


POINTS = {
    "relu": ("relu", ROOT2, 0.0, 1.0, 0.9),
    "edge": ("tanh", *TANH, Q_TANH, 0.5),
    "opposite": ("tanh", *TANH, [0.3, 1.2], 1.5),
    "chaotic": ("tanh", 1.6, 0.2, 1.0, 0.01),
    "ordered": ("relu", 1.2, 0.3, [0.5, 2.0], 0.5),
    "smooth": ("gelu", 1.3998682164058203, 0.5, 6.434, 0.9),
    "steps": ("sign", 0.95, 0.3, 0.9925, 0.5),
}


@pytest.mark.parametrize("weights", BOTH)
@pytest.mark.parametrize("point", POINTS)
def test_networks_spread_as_predicted(point: str, weights: Weights) -> None:
    name, sigma_w, sigma_b, q, start = POINTS[point]
    width, depth, networks = 150, 12, 1500
    theory = pair_noise(name, sigma_w, sigma_b, q=q, one_minus_c=start, width=width, depth=depth, weights=weights)
    sample = eoc.sample_networks(
        name,
        sigma_w,
        sigma_b,
        width=width,
        depth=depth,
        networks=networks,
        seed=5,
        q=q,
        one_minus_c=start,
        weights=weights,
    )
    ratio = np.log(sample.one_minus_c[:, :, 0, 1] / theory.one_minus_c)
    error = theory.spread / networks**0.5
    missed = np.abs(ratio.mean(axis=0) - theory.mean_log_ratio)
    assert (missed <= SIGMAS * error + theory.shift_truncation + 1e-12).all()
    # 3 %: what higher orders add at this width
    off = np.abs(ratio.std(axis=0, ddof=1) - theory.spread)
    assert (off <= (0.03 + SIGMAS / (2.0 * networks) ** 0.5) * theory.spread + 1e-12).all()


def test_the_mean_is_not_only_minus_half_the_variance() -> None:
    given = {"q": [0.3, 1.2], "one_minus_c": 1.5, "width": 100, "depth": 5}
    theory = pair_noise("tanh", 0.9, 0.3, weights="orthogonal", **given)  # type: ignore[arg-type]
    sample = eoc.sample_networks("tanh", 0.9, 0.3, networks=20_000, seed=2, weights="orthogonal", **given)  # type: ignore[arg-type]
    mean = np.log(sample.one_minus_c[:, :, 0, 1] / theory.one_minus_c).mean(axis=0)
    assert theory.mean_log_ratio[4] > 0.005
    assert mean[4] == pytest.approx(theory.mean_log_ratio[4], abs=SIGMAS * theory.spread[4] / 20_000**0.5)


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"one_minus_c": 0.0}, "one_minus_c must be > 0 and at most 2.*got 0.0"),
        ({"one_minus_c": np.nan}, "one_minus_c must be"),
        ({"q": [1.0, 2.0, 3.0]}, "q is one variance or two, got 3"),
        ({"width": 0.5}, "width must be a whole number >= 1"),
        ({"weights": "uniform"}, "weights must be 'gaussian' or 'orthogonal'"),
        ({"q": 0.05, "weights": "orthogonal"}, r"biases alone give, sigma_b\^2 = 0.09"),
        ({"sigma_w": 0.5, "depth": 600}, "the inputs are the same from layer 4.. on"),
    ],
)
def test_pairs_that_make_no_sense_are_refused(change: dict[str, object], message: str) -> None:
    given = {"sigma_w": 1.2, "q": 1.0, "one_minus_c": 0.5, "width": 10, "depth": 4, "sigma_b": 0.3} | change
    with pytest.raises(EocError, match=message):
        pair_noise("tanh", **given)  # type: ignore[arg-type]


def test_expectations_that_are_infinite_or_too_hard_are_refused() -> None:
    with pytest.raises(NotPermissibleError, match="phi"):
        pair_noise("exp(0.25*x**2)", 0.1, 0.1, q=0.6, one_minus_c=0.5, width=10, depth=3)
    with pytest.raises(AccuracyError, match=r"sin at two inputs with q = 50, 50, 1 - c = 0.5 cannot be"):
        pair_noise("sin", 10.0, 0.1, q=50.0, one_minus_c=0.5, width=10, depth=2)
