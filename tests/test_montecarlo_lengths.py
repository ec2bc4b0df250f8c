"""Finite networks beside theory: variances, Gaussianity and the second layers of Long & Sedghi (2019).

Every comparison is one of |z| <= 4: with the fixed seeds here nothing is random, and of other seeds one comparison in
16 000 would fail.
"""

import dataclasses
import math

import numpy as np
import pytest
from scipy import special, stats

from eoc.errors import EocError, ExpressionError, NotPermissibleError
from eoc.montecarlo import (
    RECIPROCAL,
    Comparison,
    cauchy_comparisons,
    covariance_comparisons,
    divergence,
    gaussianity,
    length_process,
    length_scaling,
    second_layer,
)
from eoc.montecarlo.theory.lengths import length_theory

TANH = ("tanh", 1.5**0.5, 0.1**0.5)
RELU = ("relu", 2.0**0.5)


def assert_agree(comparisons, at_least=1):
    assert len(comparisons) >= at_least
    assert not [one for one in comparisons if not one.agrees]


# --- comparisons -----------------------------------------------------------------------------------------------------


def test_z_counts_both_errors():
    assert Comparison("x", 1, theory=1.0, measured=2.0, standard_error=0.3, truncation=0.4).z == pytest.approx(2.0)
    assert Comparison("x", None, 1.0, 1.0, 0.0).z == 0.0
    assert Comparison("x", None, 1.0, 0.5, 0.0).z == -math.inf
    assert not Comparison("x", None, 1.0, 0.5, 0.0).agrees
    assert Comparison("x", 1, 0.0, 4.0, 1.0).agrees
    assert not Comparison("x", 1, 0.0, 4.01, 1.0).agrees


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ((math.nan, 1.0, 1.0), "rms of layer 3: theory must be a finite number, got nan"),
        ((1.0, math.inf, 1.0), "measured must be a finite number"),
        ((1.0, 1.0, math.nan), "standard_error must be a number >= 0"),
        ((1.0, 1.0, -1.0), "standard_error must be a number >= 0"),
        ((1.0, 1.0, 1.0, math.inf), "truncation must be a number >= 0"),
    ],
)
def test_nan_is_never_compared(numbers, message):
    with pytest.raises(EocError, match=message):
        Comparison("rms", 3, *numbers)


# --- the length process ----------------------------------------------------------------------------------------------


def test_published_fluctuations_of_tanh():
    run = length_process(*TANH, width=1000, depth=5, networks=3000, seed=1, q=1.6)
    assert 0.85 < run.predicted_rms[4] < 0.94
    assert 0.85 < run.rms[4] < 0.94
    assert_agree(run.comparisons, 10)


def test_published_fluctuations_of_relu():
    run = length_process(*RELU, width=1000, depth=5, networks=3000, seed=1, q=2.0)
    assert run.predicted_rms[4] == pytest.approx(2.0 * (5 * 4 + 2) ** 0.5, rel=0.01)  # 9.38 in the limit
    assert_agree(run.comparisons, 10)
    wide = length_process(*RELU, width=10**6, depth=5, networks=2, seed=1, q=2.0)
    assert wide.predicted_rms[4] == pytest.approx(9.380832, abs=1e-4)


@pytest.mark.parametrize("weights", ["gaussian", "orthogonal"])
@pytest.mark.parametrize(
    ("activation", "sigma_w", "sigma_b", "q"),
    [("tanh", 1.3, 0.2, 0.5), ("relu", 1.4, 0.3, 1.0), ("erf", 1.2, 0.1, 0.3), ("silu", 1.5, 0.5, 1.0)],
)
def test_mean_and_rms_agree_with_theory(activation, sigma_w, sigma_b, q, weights):
    run = length_process(
        activation, sigma_w, sigma_b, width=[40, 80, 30, 60], networks=3000, seed=2, q=q, weights=weights
    )
    assert_agree(run.comparisons, 8)
    assert run.widths.tolist() == [40, 80, 30, 60]


def test_a_wrong_theory_is_found_out():
    run = length_process(*TANH, width=100, depth=5, networks=3000, seed=1, q=1.6)
    assert_agree(run.comparisons)
    steeper = length_theory("tanh", 1.05 * 1.5**0.5, 0.1**0.5, q=1.6, widths=run.widths)
    assert not all(one.agrees for one in dataclasses.replace(run, theory=steeper).comparisons)
    other = length_process(*TANH, width=100, depth=5, networks=3000, seed=1, q=1.6, weights="orthogonal")
    assert not any(
        one.agrees for one in dataclasses.replace(other, theory=run.theory).comparisons if "rms" in one.quantity
    )


def signs(rng, shape):
    """A law of which theory does not know the kurtosis."""
    return rng.choice([-1.0, 1.0], shape)


def test_other_weights_are_shown_beside_gaussian_theory_without_a_verdict():
    run = length_process(*TANH, width=60, depth=4, networks=400, seed=1, q=1.6, weights=signs)
    assert run.comparisons == ()
    assert run.networks.weights == "signs"
    assert run.kernel.mean[0] == pytest.approx(0.0, abs=1e-12)  # the input has the q that was asked for
    assert run.rms == pytest.approx(run.predicted_rms, rel=0.15)
    known = length_process(*TANH, width=60, depth=4, networks=400, seed=1, q=1.6, weights="rademacher")
    assert known.comparisons
    assert all(one.agrees for one in known.comparisons)


def test_counts_and_quantiles_of_the_first_layer_are_those_of_chi_squared():
    n, eps = 20, np.array([0.1, 0.3])
    run = length_process("relu", 2.0**0.5, width=n, depth=2, networks=5000, seed=3, q=1.0, eps=eps)
    law = stats.chi2(n, scale=1.0 / n)
    exact = law.cdf(1.0 - eps) + law.sf(1.0 + eps)
    low, high = run.beyond.interval(0.9999)
    assert ((low[0] <= exact) & (exact <= high[0])).all()
    for p in (0.05, 0.5, 0.95):
        low, high = run.quantiles.interval(p, 0.9999)
        assert low[0] <= law.ppf(p) - 1.0 <= high[0]


def test_the_probability_of_the_theorem():
    eps = [0.1, 0.2]
    narrow, wide = (length_process(*TANH, width=n, depth=5, networks=2000, seed=4, q=1.6, eps=eps) for n in (300, 3000))
    assert (wide.ever_beyond.proportion < narrow.ever_beyond.proportion).all()
    for run in (narrow, wide):
        assert (run.ever_beyond.proportion >= run.beyond.proportion.max(axis=0)).all()
        assert (run.ever_beyond.proportion <= run.beyond.proportion.sum(axis=0)).all()
    low, high = narrow.beyond.interval(0.9999)  # that wide, q_l is Gaussian but for its skewness
    assert ((low - 0.01 <= narrow.predicted_beyond) & (narrow.predicted_beyond <= high + 0.01)).all()
    worst, together = narrow.predicted_ever_beyond
    assert (worst <= together).all()
    assert (together <= 1.0).all()


def test_default_distances_are_standard_deviations_of_the_last_layer():
    run = length_process(*TANH, width=100, depth=5, networks=10, seed=1, q=1.6)
    assert run.eps == pytest.approx(np.arange(1, 4) * 0.089, rel=0.02)


def test_results_do_not_depend_on_workers_but_on_the_seed():
    one, two, other = (
        length_process(*TANH, width=300, depth=3, networks=400, seed=seed, q=1.6, workers=workers)
        for seed, workers in ((1, 1), (1, 2), (2, 1))
    )
    assert (one.difference.mean == two.difference.mean).all()
    assert (one.difference.fourth == two.difference.fourth).all()
    assert (one.beyond.events == two.beyond.events).all()
    assert (one.difference.mean != other.difference.mean).all()


def test_layers_keep_their_variance_where_none_is_given():
    run = length_process("tanh", 1.30414584006, 0.2, width=10, depth=2, networks=2, seed=1)
    assert run.networks.q == pytest.approx(0.512078504234, rel=1e-8)


def test_a_checkpoint_is_taken_up_and_only_for_the_same_problem(tmp_path):
    path = tmp_path / "run.npz"
    kept = length_process(*TANH, width=50, depth=3, networks=100, seed=1, q=1.6, checkpoint=path)
    seen = []
    again = length_process(
        *TANH, width=50, depth=3, networks=100, seed=1, q=1.6, checkpoint=path, progress=lambda *p: seen.append(p)
    )
    assert seen == [(300, 300)]  # nothing was left to do
    assert (again.difference.second == kept.difference.second).all()
    with pytest.raises(EocError, match="sigma_w"):
        length_process("tanh", 1.2, 0.1**0.5, width=50, depth=3, networks=100, seed=1, q=1.6, checkpoint=path)
    with pytest.raises(EocError, match="experiment"):
        gaussianity(*TANH, width=50, depth=3, networks=100, seed=1, q=1.6, checkpoint=path)
    with pytest.raises(EocError, match="weights"):
        length_process(*TANH, width=50, depth=3, networks=100, seed=1, q=1.6, checkpoint=path, weights="student_t(5)")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"networks": 1}, "at least 2 networks"),
        ({"eps": 0.0}, "eps must be distances"),
        ({"eps": []}, "eps must be distances"),
        ({"q": -1.0}, "finite and > 0"),
        ({"q": 0.05}, "at least sigma_b"),
        ({"width": 0}, "width"),
        ({"seed": -1}, "seed"),
        ({"weights": "cauchy"}, "cauchy"),
        ({"workers": 0}, "workers"),
    ],
)
def test_nonsense_is_refused(changed, message):
    usual = {"width": 10, "depth": 2, "networks": 10, "seed": 1, "q": 1.6}
    with pytest.raises(EocError, match=message):
        length_process(*TANH, **{**usual, **changed})


def test_errors_name_the_layer():
    with pytest.raises(NotPermissibleError, match="the variance of q_2 is infinite"):
        length_process("exp(x**2/10)", 1.0, width=10, depth=3, networks=10, seed=1, q=2.0)
    with pytest.raises(EocError, match="layer 3"):
        length_process("x**3", 1e30, width=10, depth=9, networks=10, seed=1, q=1.0)


# --- several widths --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("network", "q"), [(TANH, 1.6), (RELU, 2.0)])
def test_errors_fall_like_the_root_of_the_width(network, q):
    found = length_scaling(*network, widths=[300, 30, 3000], depth=4, networks=1000, seed=1, q=q)
    assert_agree(found.comparisons, 8)
    assert found.widths.tolist() == [300, 30, 3000]
    assert found.measured.exponent == pytest.approx(-0.5 * np.ones(4), abs=0.05)
    assert found.predicted.exponent[0] == pytest.approx(-0.5, abs=1e-12)  # chi^2 at any width


def test_orthogonal_networks_without_biases_start_without_fluctuations():
    found = length_scaling("tanh", 1.2, widths=[20, 80], depth=3, networks=500, seed=1, q=1.0, weights="orthogonal")
    assert found.runs[0].rms[0] < 1e-12
    assert (found.runs[0].predicted_beyond[0] == 0.0).all()
    assert np.isnan(found.measured.exponent[0])
    assert_agree(found.comparisons, 4)
    for run in found.runs:
        assert_agree(run.comparisons, 6)


def test_exponents_are_fitted_by_weighted_least_squares():
    found = length_scaling(*RELU, widths=[10, 40, 160], depth=3, networks=300, seed=1, q=2.0)
    logs = np.log(found.widths)
    for layer in range(3):
        rms, error = (np.array([getattr(run, name)[layer] for run in found.runs]) for name in ("rms", "rms_error"))
        fit, covariance = np.polyfit(logs, np.log(rms) - 0.5 * logs, 1, w=rms / error, cov="unscaled")
        assert found.measured.exponent[layer] == pytest.approx(fit[0], abs=1e-12)
        assert found.measured.exponent_error[layer] == pytest.approx(covariance[0, 0] ** 0.5, rel=1e-9)


def test_every_width_has_its_own_numbers_and_its_own_file(tmp_path):
    seen = []
    first = length_scaling(
        *TANH,
        widths=[16, 64],
        depth=2,
        networks=50,
        seed=1,
        q=1.6,
        checkpoint=tmp_path / "run.npz",
        progress=lambda *p: seen.append(p),
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run-16.npz", "run-64.npz"]
    assert seen[-1] == (1.0, 1.0)
    assert seen == sorted(seen)
    turned = length_scaling(*TANH, widths=[64, 16], depth=2, networks=50, seed=1, q=1.6)
    assert (turned.runs[0].rms == first.runs[1].rms).all()
    assert (first.runs[0].eps == first.runs[1].eps).all()
    assert first.runs[0].networks.seed != first.runs[1].networks.seed


@pytest.mark.parametrize("widths", [[100], 100, [100, 100], [0, 10]])
def test_one_width_shows_no_rate(widths):
    with pytest.raises(EocError, match="widths must be"):
        length_scaling(*TANH, widths=widths, depth=2, networks=10, seed=1, q=1.6)


# --- Gaussianity -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("activation", "sigma_w", "rate"), [("relu", 2.0**0.5, 5.0), ("identity", 1.0, 2.0)])
def test_kurtosis_of_homogeneous_activations(activation, sigma_w, rate):
    n, layers = 100, np.arange(1, 7)
    found = gaussianity(activation, sigma_w, width=n, depth=6, networks=10_000, seed=1, q=1.0)
    assert found.theory.kurtosis == pytest.approx(3.0 * ((1.0 + rate / n) ** (layers - 1) - 1.0), rel=1e-9)
    assert_agree(found.comparisons, 11)


def test_kurtosis_of_tanh():
    found = gaussianity("tanh", 1.0, width=100, depth=10, networks=5000, seed=1, q=1.0)
    assert_agree(found.comparisons, 19)
    deep = length_theory("tanh", 1.0, q=1.0, widths=[10**6] * 1500)
    last = deep.widths.size
    assert 2.0 * last * deep.q.value[-1] == pytest.approx(1.0, rel=0.01)  # K ~ 1/(2 l)
    assert 10**6 * deep.kurtosis[-1] / (3.0 * last) == pytest.approx(2.0 / 3.0, rel=0.005)


@pytest.mark.parametrize("network", [TANH, ("relu", 2.0**0.5, 0.3)])
def test_units_of_orthogonal_networks_have_light_tails_at_first(network):
    found = gaussianity(*network, width=[30, 60, 20, 40], networks=10_000, seed=1, q=1.6, weights="orthogonal")
    assert_agree(found.comparisons, 7)
    assert found.theory.kurtosis[0] < 0.0
    difference = (found.units.value - found.kernel.value)[1:]  # two ways to the same number, exact at any width
    assert (np.abs(difference) < 4.0 * np.hypot(found.units.error, found.kernel.error)[1:]).all()


def test_a_kernel_that_is_not_random_has_no_kurtosis():
    found = gaussianity("shifted_sign", 1.0, 0.5, width=50, depth=4, networks=200, seed=1, q=1.25)
    assert_agree(found.comparisons, 7)
    assert np.abs(found.kernel.value).max() < 1e-25


def test_standard_errors_of_kurtosis_are_right():
    runs = [gaussianity("relu", 2.0**0.5, width=50, depth=3, networks=500, seed=s, q=1.0) for s in range(60)]
    for name in ("units", "kernel"):
        z = np.array([(getattr(r, name).value[2] - r.theory.kurtosis[2]) / getattr(r, name).error[2] for r in runs])
        assert 0.7 < z.std() < 1.4  # 60 values: 0.09 is one standard error
        assert abs(z.mean()) < 0.6  # which leaves room for the skewness at 500 networks


def test_kurtosis_of_other_weights_is_measured_without_a_verdict():
    found = gaussianity(*TANH, width=20, depth=3, networks=300, seed=1, q=1.6, weights="student_t(4)")
    assert found.comparisons == ()
    assert np.isfinite(found.units.value).all()


def test_kurtosis_of_weights_is_added_to_that_of_units():
    found = gaussianity(*TANH, width=20, depth=3, networks=4000, seed=1, q=1.6, weights="laplace")
    assert found.theory.cumulant[0] > 0.1
    assert_agree(found.comparisons, 5)


# --- second layers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [1, 10, 100, 1000])
def test_units_of_one_over_x_are_cauchy_distributed_at_every_width(width):
    found = second_layer(RECIPROCAL, width=width, networks=4000, seed=1)
    assert_agree(cauchy_comparisons(found), 3)
    scaled = second_layer(RECIPROCAL, 1.7, width=width, networks=4000, seed=2, q=0.3)
    assert_agree(cauchy_comparisons(scaled), 3)


def test_a_wrong_scale_is_found_out():
    found = second_layer(RECIPROCAL, width=50, networks=20_000, seed=1)
    wrong = dataclasses.replace(found, q=1.3)
    assert not any(one.agrees for one in cauchy_comparisons(wrong))


def test_one_over_x_is_refused_elsewhere():
    with pytest.raises((NotPermissibleError, ExpressionError), match="unbounded near x = 0"):
        length_process("1/x", 1.0, width=10, depth=2, networks=10, seed=1, q=1.0)
    with pytest.raises(EocError, match="not even a mean"):
        covariance_comparisons(second_layer(RECIPROCAL, width=10, networks=10, seed=1))
    with pytest.raises(EocError, match="without biases"):
        cauchy_comparisons(second_layer(RECIPROCAL, 1.0, 0.1, width=10, networks=10, seed=1))
    with pytest.raises(EocError, match="relu"):
        cauchy_comparisons(second_layer("relu", width=10, networks=10, seed=1))


@pytest.mark.parametrize(
    ("activation", "covariance"),
    [
        ("heaviside", lambda w, b, n: w**4 / (4.0 * n)),
        ("relu", lambda w, b, n: 5.0 * w**4 * (w**2 + b**2) ** 2 / (4.0 * n)),
    ],
)
def test_units_of_the_second_layer_are_not_independent(activation, covariance):
    w, b, n = 1.3, 0.7, 20
    found = second_layer(activation, w, b, width=n, units=10, networks=20_000, seed=1)
    comparisons = covariance_comparisons(found)
    assert_agree(comparisons, 2)
    for one in comparisons:
        assert one.theory == pytest.approx(covariance(w, b, n), rel=1e-9)
        assert one.measured > 5.0 * one.standard_error  # far from 0
    (alone,) = covariance_comparisons(dataclasses.replace(found, h=found.h[:, :1]))
    assert alone == comparisons[0]


def test_second_layers_are_conditionally_gaussian():
    found = second_layer("tanh", 1.0, 0.5, width=30, units=50, networks=200, seed=1)
    squares = (found.h**2 / found.kernel[:, None]).sum(axis=1)
    assert stats.kstest(squares, stats.chi2(50).cdf).pvalue > 1e-4
    assert found.q == 1.25


@pytest.mark.parametrize(("a", "q"), [(0.5, 1.0), (0.25, 1.0), (0.3, 2.0)])
def test_kernels_of_exponentials_grow_as_the_stable_law_says(a, q):
    found = divergence(a, widths=[10, 100, 1000], networks=1000, seed=1, q=q)
    assert_agree(found.comparisons, 3)
    assert found.limiting_exponent == pytest.approx(4.0 * a * q - 1.0)
    assert found.exponent == pytest.approx(found.predicted_exponent, abs=0.1)
    assert (np.diff(found.median) > 0.0).all()
    assert ((found.low <= found.median) & (found.median <= found.high)).all()
    assert "condition (b)" in found.reason


def test_kernels_of_exponentials_with_biases():
    plain = divergence(0.5, 1.0, widths=[10, 100], networks=200, seed=1, q=1.0)
    biased = divergence(0.5, 1.0, 0.5, widths=[10, 100], networks=200, seed=1, q=1.0)
    assert biased.median == pytest.approx(plain.median, rel=0.3)
    assert_agree(biased.comparisons, 2)


def test_a_wrong_exponential_is_found_out():
    found = divergence(0.5, widths=[10, 100], networks=2000, seed=1)
    assert not all(one.agrees for one in dataclasses.replace(found, a=0.55).comparisons)


def test_laplace_transform_of_one_exponential():
    one = divergence(0.5, widths=[10, 20], networks=2, seed=1).comparisons[0]
    z = np.linspace(-12.0, 12.0, 200_001)  # a plain rule instead of the adaptive one
    scale = 0.1 * np.exp(special.ndtri(0.05) ** 2) + special.erfi(-special.ndtri(0.05) / 2**0.5)
    values = np.exp(-np.exp(np.minimum(z**2, 700.0)) / (10.0 * scale) - 0.5 * z**2) / (2.0 * np.pi) ** 0.5
    assert one.theory == pytest.approx((values.sum() * (z[1] - z[0])) ** 10, rel=1e-7)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"a": 0.2}, "the variance map of .* exists"),
        ({"a": -1.0}, "a of exp"),
        ({"widths": [100]}, "widths"),
        ({"widths": [2, 100]}, ">= 10"),
    ],
)
def test_divergence_needs_something_that_diverges(arguments, message):
    with pytest.raises(EocError, match=message):
        divergence(**{"a": 0.5, "networks": 10, "seed": 1, **arguments})


def test_a_law_of_ones_own_is_not_taken_for_the_built_in_one() -> None:
    def gaussian(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
        return 3.0 * rng.standard_normal(shape)

    own = length_process("tanh", 1.5, 0.1, width=50, depth=3, networks=20, seed=1, weights=gaussian)
    assert own.networks.weights == "gaussian (own)"
    assert own.comparisons == ()
    spelled = [
        length_process("tanh", 1.5, 0.1, width=50, depth=3, networks=20, seed=1, weights=w)
        for w in ("gaussian", "Gaussian")
    ]
    assert (spelled[0].difference.mean == spelled[1].difference.mean).all()


@pytest.mark.parametrize(("networks", "width", "depth"), [(2, 100, 4), (3, 100, 4), (10, 100, 4), (300, 10, 60)])
def test_few_networks_do_not_accuse_theory(networks: int, width: int, depth: int) -> None:
    """Their own scatter says little of their error: two may be close to each other, or all miss the rare large ones."""
    seen = [
        one.z
        for seed in range(20)
        for run in (length_process, gaussianity)
        for one in run("relu", 2**0.5, width=width, depth=depth, networks=networks, q=1.0, seed=seed).comparisons
    ]
    assert np.abs(seen).max() < 4.5
    assert np.sqrt(np.mean(np.square(seen))) < 1.1


def test_what_no_number_of_networks_shows_is_refused() -> None:
    with pytest.raises(EocError, match="no number of networks shows its moments; go to depth"):
        gaussianity("relu", 2**0.5, width=20, depth=1000, networks=4, q=1.0, seed=1)
    with pytest.raises(EocError, match="layers at most, or more units"):
        length_process("relu", 2**0.5, width=20, depth=10_000, networks=4, q=1.0, seed=1)


def test_poles_are_refused() -> None:
    with pytest.raises(EocError, match="unbounded near x = 0"):
        length_process(RECIPROCAL, 1.0, width=20, depth=3, networks=4, q=1.0, seed=1)
