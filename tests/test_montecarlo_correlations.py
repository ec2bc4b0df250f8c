"""Correlations in networks of finite width: laws, constants, departure from infinite width."""

import dataclasses
import json
from typing import Any

import numpy as np
import pytest
from test_cli import run, run_json

import eoc
from eoc.errors import EocError
from eoc.maps import ConvergenceLaw, CorrelationMap, VarianceMap, convergence_law
from eoc.montecarlo.experiments.correlations import correlation_process
from eoc.montecarlo.experiments.fits import fit_average, fit_constant, fit_exponent, fit_rate
from eoc.montecarlo.experiments.networks import Networks
from eoc.montecarlo.running.quantiles import QUANTILES
from eoc.montecarlo.sampling.gram_sampler import GramSampler
from eoc.montecarlo.theory import correlations
from eoc.montecarlo.theory.correlations import correlation_theory
from eoc.plotting import correlation_process_figure

RELU = 2.0**0.5
TANH = {0.2: 1.3041458400565114, 1.0: 1.8555891011388914}  # sigma_w on the edge of chaos, by sigma_b
KAPPA = 4.5 * np.pi**2


def z_of(found, quantity):
    """z of comparisons by layer (None for fitted constants)."""
    return {one.layer: one.z for one in found.comparisons if one.quantity == quantity}


def of(found, quantity):
    (read,) = (read for read in found.reads if read.quantity.startswith(quantity))
    return read


# what is read off a network


@pytest.mark.parametrize(("law", "p"), [("1/l", 1.0), ("1/l^2", 2.0)])
def test_readings_are_exact_where_the_law_is(law, p):
    own = ConvergenceLaw(law, 7.0, 0.0, 1.0, root=-2.0, log=1.5)
    depths = np.arange(0.0, 200.0)
    e = 7.0 / np.maximum(depths - 2.0 * np.sqrt(depths) + 1.5 * np.log(np.maximum(depths, 1.0)) + 9.0, 1.0) ** p
    assert fit_constant(own, 20, 200).of(e) == pytest.approx(7.0, rel=1e-10)
    assert fit_exponent(own, e, 20, 200).of(e) == pytest.approx(p, rel=1e-10)
    both = np.stack([e, 2.0 * e])  # a network each
    assert fit_exponent(own, e, 20, 200).sums(both) == pytest.approx(p, rel=1e-10)


def test_the_exponential_rate_and_the_average_are_exact_too():
    layers = np.arange(1.0, 31.0)
    assert fit_rate(5.0, 3, 30).of(0.1 * np.exp(-layers / 4.0)) == pytest.approx(0.25, rel=1e-12)
    assert fit_average(0.3, 11, 30).of(np.where(layers > 10, 0.6, 2.0)) == pytest.approx(0.4, rel=1e-12)


def test_windows_that_are_too_short_are_not_read():
    law = convergence_law(CorrelationMap("relu", RELU))
    assert fit_constant(law, 3, 5) is None
    assert fit_exponent(law, np.full(5, 0.1), 3, 5) is None
    assert fit_rate(5.0, 3, 5) is None
    assert fit_average(0.5, 6, 5) is None


def test_next_orders_that_are_not_small_are_left_out():
    law = ConvergenceLaw("1/l", 7.0, 0.0, 1.0, log=-50.0)  # lambda falls up to l = 50
    depths = np.arange(0.0, 40.0)
    e = 7.0 / (depths + 3.0)
    assert fit_constant(law, 10, 40).of(e) == pytest.approx(7.0, rel=1e-12)


# theory


def test_departure_depth_is_three_widths_over_s():
    theory = correlation_theory(VarianceMap("relu", RELU), np.ones(2), 0.1, None, width=1000, depth=100)
    assert theory.departure_depth == pytest.approx(375.0)  # s = 8
    assert theory.reliable_depth <= 100
    assert theory.relative_variance[-1] == pytest.approx(100.0 / 375.0, rel=0.1)


def test_inputs_that_start_close_depart_sooner():
    near, far = (
        correlation_theory(
            VarianceMap("tanh", TANH[0.2], 0.2), np.full(2, 0.5120785042339013), None, e, width=50, depth=100
        )
        for e in (1e-4, 0.9)
    )
    assert near.departure_depth < 0.6 * far.departure_depth


def test_layer_1_is_layer_0_of_propagate():
    theory = correlation_theory(VarianceMap("tanh", 1.4, 0.3), np.array([1.0, 2.0]), 0.3, None, width=100, depth=5)
    run_ = eoc.propagate("tanh", 1.4, 0.3, q=[1.0, 2.0], c=0.3, depth=4)
    assert theory.one_minus_c == pytest.approx(run_.one_minus_c[:, 0, 1], rel=1e-13)


def test_all_sigma_w_of_relu_have_one_law():
    theory = correlation_theory(VarianceMap("relu", 1.2), np.ones(2), 0.1, None, width=1000, depth=20)
    assert theory.law.law == "1/l^2"
    assert theory.law.constant == pytest.approx(KAPPA)
    assert theory.departure_depth == pytest.approx(375.0)


def test_a_printed_sigma_w_stands_for_the_edge_of_chaos():
    theory = correlation_theory(
        VarianceMap("tanh", 1.30414584, 0.2), np.full(2, 0.51207850), 0.1, None, width=1000, depth=100
    )
    assert theory.law.law == "1/l"
    assert theory.law.constant == pytest.approx(7.083738, rel=1e-6)


# networks


@pytest.mark.slow
@pytest.mark.parametrize(("name", "sigma_b", "constant"), [("relu", 0.0, KAPPA), ("tanh", 0.2, 7.0837378249061)])
def test_wide_networks_have_the_constants_of_the_law(name, sigma_b, constant):
    # at width 10^6 and depth 200: kappa 44.17 +- 0.50, beta_q 7.037 +- 0.053 and (sigma_b = 1) 0.884 +- 0.009
    sigma_w = RELU if name == "relu" else TANH[sigma_b]
    found = correlation_process(name, sigma_w, sigma_b, width=100_000, depth=100, networks=8, seed=3, workers=2)
    assert found.reliable_depth >= 100
    for quantity, value in (("kappa" if name == "relu" else "beta_q", constant), ("exponent", 2.0 - (name == "tanh"))):
        read = of(found, quantity)
        assert read.theory == pytest.approx(value)
        assert abs(read.noiseless / value - 1.0) < 0.015  # what the fit is off, without noise
        assert abs(read.measured - value) < 3.0 * read.standard_error + abs(read.noiseless - value)
        assert abs(read.measured - read.noiseless) < 3.0 * read.standard_error
        assert read.standard_error < 0.03 * value
    assert all(one.agrees for one in found.comparisons)


def test_close_inputs_spread_as_predicted():
    # ReLU to leading order in 1 - c: sqrt((8 l + 4)/N) while 1 - c hardly falls
    found = correlation_process("relu", RELU, width=500, depth=20, networks=1500, seed=1, one_minus_c=1e-6)
    assert found.predicted_spread[9] ** 2 == pytest.approx((8.0 * 9.0 + 4.0) / 500.0, rel=0.02)
    z = z_of(found, "spread of log e_l")
    assert set(z) == {2, 4, 8, 16, 20}
    assert max(map(abs, z.values())) < 3.0
    raw = (found.spread - found.predicted_spread) / found.spread_error
    assert np.abs(raw).max() < 4.0


def test_orthogonal_networks_spread_as_predicted():
    found = correlation_process(
        "relu", RELU, width=500, depth=12, networks=1500, seed=1, one_minus_c=1e-6, weights="orthogonal"
    )
    assert found.predicted_spread[0] == 0.0  # without biases nothing of the first layer is random
    assert found.predicted_spread[10] ** 2 == pytest.approx(4.0 * 10.0 / 500.0, rel=0.02)
    assert max(map(abs, z_of(found, "spread of log e_l").values())) < 3.0


def test_narrow_networks_leave_the_law_at_depths_of_the_order_of_their_width():
    found = correlation_process("tanh", TANH[0.2], 0.2, width=50, depth=500, networks=100, seed=1)
    depth = found.departure_depth
    assert 0.4 * 50 < depth < 50
    reached = int(np.argmax(found.spread >= 1.0)) + 1
    assert 0.5 < reached / depth < 2.0
    assert all(one.agrees for one in found.comparisons)
    below = found.quantiles[2] / found.expected.one_minus_c  # the typical network over infinite width
    assert below[4] == pytest.approx(1.0, abs=0.2)
    assert below[int(3 * depth)] < 0.5
    assert below[-1] < 1e-3
    assert found.reads == ()  # no depth is reliable


def test_mean_of_the_logarithm_falls_by_about_half_the_variance():
    found = correlation_process("relu", RELU, width=300, depth=40, networks=1000, seed=1)
    ratio = found.log_ratio[9:] / found.expected.relative_variance[9:]
    assert (ratio < -0.2).all()
    assert (ratio > -0.9).all()


def test_ordered_networks_have_the_rate_of_theory():
    found = correlation_process("tanh", 0.9, 0.3, width=20_000, depth=40, networks=20, seed=1, one_minus_c=1e-2)
    read = of(found, "1/xi_c")
    assert read.theory == pytest.approx(1.0 / eoc.phase_of("tanh", 0.9, 0.3).xi_c)
    assert read.standard_error < 2e-3 * read.theory
    assert all(one.agrees for one in found.comparisons)


def test_chaotic_networks_settle_at_c_star():
    wide, narrow = (
        correlation_process("tanh", 2.5, 0.3, width=width, depth=40, networks=150, seed=1) for width in (1600, 100)
    )
    read = of(wide, "c*")
    assert read.theory == pytest.approx(0.12210375, abs=1e-8)
    assert all(one.agrees for one in wide.comparisons)
    assert read.standard_error < 4e-3
    # fluctuations are of order N^(-1/2)
    assert narrow.c_error[-20:].mean() / wide.c_error[-20:].mean() == pytest.approx(4.0, rel=0.15)


def test_other_laws_are_followed_with_real_matrices():
    found = correlation_process("tanh", 1.2, 0.3, width=200, depth=6, networks=60, seed=1, weights="rademacher")
    assert np.abs(found.log_ratio / found.log_ratio_error).max() < 4.0
    assert found.predicted_spread is None
    assert found.comparisons == ()


def test_jumps_have_a_c_star_too():
    found = correlation_process("sign", 0.95, 0.3, width=2000, depth=30, networks=50, seed=1)
    assert all(one.agrees for one in found.comparisons)
    assert of(found, "c*").theory == pytest.approx(eoc.phase_of("sign", 0.95, 0.3).c_star)


def test_quantiles_are_those_of_the_networks():
    found = correlation_process("relu", RELU, width=50, depth=5, networks=400, seed=1, one_minus_c=0.01)
    assert found.quantiles.shape == (len(QUANTILES), 5)
    assert (np.diff(found.quantiles, axis=0) > 0.0).all()
    middle = np.log(found.quantiles[2] / found.expected.one_minus_c)
    assert middle == pytest.approx(found.log_ratio, abs=0.1)


# a wrong theory


def test_networks_of_another_sigma_w_disagree(monkeypatch):
    step = GramSampler.step

    def wrong(self, state, layer, rng):
        return step(dataclasses.replace(self, sigma_w=1.02 * self.sigma_w), state, layer, rng)

    monkeypatch.setattr(GramSampler, "step", wrong)
    found = correlation_process("tanh", 0.9, 0.3, width=20_000, depth=40, networks=20, seed=1, one_minus_c=1e-2)
    assert not all(one.agrees for one in found.comparisons)


# how it runs


def test_workers_and_interruptions_change_nothing(tmp_path):
    def go(**how):
        return correlation_process("tanh", 1.2, 0.3, width=1000, depth=8, networks=60, seed=5, **how)

    def stop(done, total):
        if done > 0.3 * total:
            raise KeyboardInterrupt

    one = go()
    file = tmp_path / "run.npz"
    with pytest.raises(KeyboardInterrupt):
        go(checkpoint=file, interval=0.0, progress=stop)
    for other in (go(workers=3), go(checkpoint=file, workers=2)):
        for name in ("log_ratio", "spread", "c", "quantiles"):
            assert (getattr(one, name) == getattr(other, name)).all()
        assert one.comparisons == other.comparisons
    with pytest.raises(EocError, match="another problem"):
        correlation_process("tanh", 1.2, 0.3, width=1000, depth=8, networks=60, seed=5, c=0.2, checkpoint=file)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"depth": 1}, "depth must be at least 2, got 1"),
        ({"networks": 1}, "networks must be at least 2, got 1"),
        ({"c": 1.0}, "the inputs are the same"),
        ({"c": 0.1, "one_minus_c": 0.9}, "exactly one"),
        ({"width": 0}, "width must be a whole number"),
        ({"weights": "cauchy"}, "cauchy"),
    ],
)
def test_what_makes_no_sense_is_refused(change, message):
    arguments = {"width": 10, "depth": 3, "networks": 3, "seed": 1, **change}
    with pytest.raises(EocError, match=message):
        correlation_process("tanh", 1.2, 0.3, **arguments)


def test_dead_networks_are_named():
    with pytest.raises(EocError, match="or all its units are 0"):
        correlation_process("relu", RELU, width=2, depth=3, networks=50, seed=1)


# the command


def test_the_command_prints_law_and_constants():
    done = run("montecarlo", "correlations", "relu", "--width", "3000", "--networks", "10", "--depth", "40")
    assert done.returncode == 0, done.stderr
    text = " ".join(done.stdout.split())
    assert "10 networks with gaussian weights, 40 layers of 3000 units, seed 0" in text
    assert "networks leave the law at about layer 1125" in text
    assert "kappa of (1 - c_l) l^2" in text
    assert "comparisons agree with theory" in text


def test_the_command_as_json_with_a_picture(tmp_path):
    picture = tmp_path / "run.png"
    code, answer = run_json(
        *("montecarlo", "correlations", "tanh", "--sigma-b", "0.3", "--sigma-w", "2.5", "--width", "500"),
        *("--depth", "30", "--networks", "10", "--plot", str(picture)),
    )
    assert code == 0
    assert answer["phase"] == "chaotic"
    assert answer["departure_depth"] == "inf"
    assert len(answer["quantiles"]["0.5"]) == len(answer["layers"]) == 30
    assert {row["quantity"] for row in answer["comparisons"]} >= {"c*", "c*, same fit"}
    assert picture.stat().st_size > 5000


def test_the_command_without_an_edge_of_chaos_says_why():
    done = run("montecarlo", "correlations", "sign", "--json")
    assert done.returncode == 3
    assert json.loads(done.stdout)["reason"] is not None
    refused = run("montecarlo", "correlations", "tanh", "--c0", "0.1", "--one-minus-c0", "0.1")
    assert refused.returncode == 2
    assert "--c0 or --one-minus-c0" in refused.stderr


def test_pictures_show_networks_and_theory():
    found = correlation_process("relu", RELU, width=50, depth=60, networks=20, seed=1)
    top, bottom = correlation_process_figure(found).axes
    assert {line.get_label() for line in top.get_lines()} >= {"median", r"$N = \infty$", "departure depth"}
    theory = next(line for line in bottom.get_lines() if line.get_label() == "theory, small spread")
    assert np.array_equal(theory.get_ydata(), found.predicted_spread)


def test_a_wrong_constant_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The law is not what its own error is measured by: the same networks beside laws with other constants."""
    right, sample, sampled = correlations.convergence_law, Networks.run, []

    def once(self: Networks, *args: Any, **more: Any) -> Any:
        if not sampled:
            sampled.append(sample(self, *args, **more))
        return sampled[0]

    monkeypatch.setattr(Networks, "run", once)
    for factor, agrees in ((1.0, True), (0.7, False), (1.4, False), (3.0, False)):

        def law(*args: Any, factor: float = factor) -> ConvergenceLaw:
            found = right(*args)
            return dataclasses.replace(found, constant=factor * found.constant)

        monkeypatch.setattr(correlations, "convergence_law", law)
        found = correlation_process("relu", 2**0.5, width=100_000, depth=100, networks=6, seed=1, workers=2)
        (constant,) = (one for one in found.comparisons if one.quantity == "kappa of (1 - c_l) l^2")
        assert constant.theory == pytest.approx(factor * KAPPA)
        assert constant.agrees == agrees


def test_impossible_sizes_are_refused() -> None:
    with pytest.raises(EocError, match="width must be at least 2"):
        correlation_process("tanh", 1.5, 0.1, width=1, depth=3, networks=3, seed=1)
    with pytest.raises(EocError, match="there are two inputs, got 3"):
        correlation_process("tanh", 1.5, 0.1, width=10, depth=3, networks=3, seed=1, q=[1.0, 2.0, 3.0], c=0.5)


@pytest.mark.parametrize("sigma_w", [1.0, 2**0.5], ids=["ordered", "edge"])
def test_two_layers_are_enough_to_sample_and_too_few_to_read_constants(sigma_w):
    found = correlation_process("relu", sigma_w, width=50, depth=2, networks=20, seed=1, q=1.0)
    assert found.log_ratio.shape == (2,)
    assert found.reads == ()
